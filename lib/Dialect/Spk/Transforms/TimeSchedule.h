//===- TimeSchedule.h - what a model computes when --------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file tells what a model computes before the first time step, at every
// step and after the last one.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_TRANSFORMS_TIMESCHEDULE_H
#define SPK_DIALECT_SPK_TRANSFORMS_TIMESCHEDULE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::spk {

/// When a value of @main is known.
enum class When {
  Weight, ///< Depends on no input.
  Static, ///< Before the first step.
  Step,   ///< At every step, `[T, B, ...]`.
  After,  ///< After the last step.
};

/// A state of a neuron or the sum of a mean over time.
struct State {
  Operation *owner;
  RankedTensorType type;
  float initial;
  unsigned index = 0; ///< Among the states of its owner.
};

/// What @main computes when, and what passes from one time to another.
class TimeSchedule {
public:
  /// Classifies `main`. On failure `refusal` says which layer looks across
  /// time.
  LogicalResult build(func::FuncOp main);

  When get(Value value) const { return values.lookup(value); }
  When get(Operation *op) const { return ops.lookup(op); }

  /// Ops of `main` that a function for `when` holds, in program order: those of
  /// that time that `roots` need, and the weights that these need. All ops of a
  /// step are needed, for their states.
  SmallVector<Operation *> getOps(func::FuncOp main, When when,
                                  ArrayRef<Value> roots) const;

  int64_t steps = 0;
  std::string refusal;
  SmallVector<State> states;
  llvm::SetVector<Value> hoisted;

private:
  LogicalResult refuse(Operation *op, StringRef why = "looks across time");
  LogicalResult classify(Operation *op);
  LogicalResult noteSteps(Operation *op, Value value);
  LogicalResult checkResult(func::FuncOp main, unsigned i);

  DenseMap<Value, When> values;
  DenseMap<Operation *, When> ops;
};

/// Whether a streamed run returns result `i` of `main` at every step, rather
/// than after the last one.
bool isStepResult(func::FuncOp main, unsigned i);

/// Values that `op` reads, inside its regions too.
SmallVector<Value> getInputs(Operation *op);

/// `op` as a mean over time, or null.
MeanOp asTimeMean(Operation *op);

} // namespace mlir::spk

#endif // SPK_DIALECT_SPK_TRANSFORMS_TIMESCHEDULE_H
