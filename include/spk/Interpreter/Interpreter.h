//===- Interpreter.h - executable meaning of the dialect --------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file runs functions on tensors, from the phase `input` (composite layers
// expanded) to `packed`. What it computes is what the ops mean: code generators
// must agree with it bit for bit.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_INTERPRETER_INTERPRETER_H
#define SPK_INTERPRETER_INTERPRETER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "spk/Interpreter/TensorValue.h"

namespace mlir::spk {

class HandlerTable;
class WeightStore;

/// Interprets the functions of one module.
class Interpreter {
public:
  /// `module` and `weights`, which must hold all extern globals that are used,
  /// must outlive the interpreter and every value that it returns.
  Interpreter(ModuleOp module, const WeightStore &weights);
  ~Interpreter();

  /// Runs a function on values for its arguments.
  FailureOr<SmallVector<TensorValue>> run(StringRef function,
                                          ArrayRef<TensorValue> arguments);

  /// Runs one operation on values for its operands.
  FailureOr<SmallVector<TensorValue>> evaluate(Operation *op,
                                               ArrayRef<TensorValue> operands);

  /// Runs a block on values for its arguments. Returns the values of the
  /// terminator's operands.
  FailureOr<SmallVector<TensorValue>> run(Block &block,
                                          ArrayRef<TensorValue> arguments);

  /// The value of a global, or null with an error at `user`.
  std::optional<TensorValue> loadGlobal(Operation *user,
                                        FlatSymbolRefAttr global);

private:
  ModuleOp module;
  const WeightStore &weights;
  SymbolTableCollection symbols;
  std::unique_ptr<HandlerTable> handlers;
};

/// The elements of a constant, or nothing where they are in no form that the
/// interpreter reads.
std::optional<TensorValue> getConstantValue(Attribute value);

} // namespace mlir::spk

#endif // SPK_INTERPRETER_INTERPRETER_H
