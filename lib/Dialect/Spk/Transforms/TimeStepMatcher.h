//===- TimeStepMatcher.h - what is computed alike at every step -*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_TRANSFORMS_TIMESTEPMATCHER_H
#define SPK_DIALECT_SPK_TRANSFORMS_TIMESTEPMATCHER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

namespace mlir::spk {

/// Calls of a neuron one after the other: each starts from the states that the
/// one before ended with.
using NeuronChain = SmallVector<NeuronOpInterface>;

/// The longest chains of the function, all of one length; none where no neuron
/// is called twice.
SmallVector<NeuronChain> findNeuronChains(func::FuncOp main);

/// A sum over all time steps, from the first to the last.
struct TimeStepSum {
  Operation *getLast() const { return adds.front(); }
  SmallVector<Operation *> adds; // The last one first.
  SmallVector<Value> addends;
};

/// Whether a value has a leading axis of one step.
bool hasOneStep(Value value);

/// Finds, of a function that is called once for every time step, what is
/// computed alike at each of them: from slices of a sequence, from calls of a
/// neuron, or from what is the same at every step.
class TimeStepMatcher {
public:
  TimeStepMatcher(func::FuncOp main, ArrayRef<NeuronChain> chains);

  /// Whether `values`, one for each step, are one value, or are computed alike
  /// from such values. Remembers all of them, or none.
  bool match(ArrayRef<Value> values);
  /// Whether `op` is step `t` of a sequence that `first` is the beginning of.
  bool isSlice(Operation *op, Operation *first, int64_t t) const;
  /// Joins of all steps along time.
  SmallVector<tensor::ConcatOp> findJoins();
  /// Sums of all steps that the model takes one after the other. Sums of spikes
  /// are integers, which are only taken where their users are casts to float.
  SmallVector<TimeStepSum> findSums();

  /// The chain that begins with or goes through a neuron, or null.
  const NeuronChain *getChain(Operation *op) const {
    return chainOf.lookup(op);
  }
  /// First steps of all that was matched, in the order in which it was found.
  ArrayRef<Value> getFirsts() const { return firsts; }
  /// The values of all steps by the one of the first; empty if it is none.
  ArrayRef<Value> getSteps(Value first) const;
  /// Counts values as matched.
  void add(ArrayRef<Value> values);

private:
  bool matchAll(ArrayRef<Value> roots);

  func::FuncOp main;
  int64_t steps;
  DenseMap<Operation *, const NeuronChain *> chainOf;
  DenseMap<Value, SmallVector<Value>> stepsOf;
  SmallVector<Value> firsts;
};

} // namespace mlir::spk

#endif // SPK_DIALECT_SPK_TRANSFORMS_TIMESTEPMATCHER_H
