//===- Handlers.h - how each op is interpreted ------------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file is what the interpretation of an op is written against: a function
// from an op and an Evaluation, registered in a table.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_LIB_INTERPRETER_HANDLERS_H
#define SPK_LIB_INTERPRETER_HANDLERS_H

#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "spk/Interpreter/Interpreter.h"

namespace mlir::spk {

/// Operands and results of an op while it is interpreted.
class Evaluation {
public:
  Evaluation(Interpreter &interpreter, Operation *op,
             ArrayRef<TensorValue> operands,
             MutableArrayRef<TensorValue> results)
      : interpreter(interpreter), op(op), operands(operands), results(results) {
  }

  /// The value of an operand.
  const TensorValue &operand(Value value) const {
    auto it = llvm::find(op->getOperands(), value);
    return operands[it.getIndex()];
  }
  /// The value of a result: zeros of its type until it is written.
  TensorValue &result(Value value) {
    return results[cast<OpResult>(value).getResultNumber()];
  }

  /// Elements of an operand.
  template <typename T>
  ArrayRef<T> in(Value value) const {
    return operand(value).get<T>();
  }
  /// Elements of a result, to be written.
  template <typename T>
  MutableArrayRef<T> out(Value value) {
    return result(value).getMutable<T>();
  }

  Interpreter &interpreter;
  Operation *op;
  ArrayRef<TensorValue> operands;
  MutableArrayRef<TensorValue> results;
};

/// Which function interprets an op.
class HandlerTable {
public:
  using Handler = LogicalResult (*)(Operation *, Evaluation &);

  /// `function` interprets `OpTy`, an op or an interface; a handler of the op
  /// itself is preferred.
  template <typename OpTy, LogicalResult (*function)(OpTy, Evaluation &)>
  void add() {
    Handler handler = [](Operation *op, Evaluation &evaluation) {
      return function(cast<OpTy>(op), evaluation);
    };
    if constexpr (IsInterface<OpTy>::value)
      interfaces.push_back(
          {[](Operation *op) { return isa<OpTy>(op); }, handler});
    else
      ops[TypeID::get<OpTy>()] = handler;
  }

  /// The handler of an op, or null.
  Handler lookup(Operation *op) const {
    if (auto it = ops.find(op->getName().getTypeID()); it != ops.end())
      return it->second;
    for (auto [implements, handler] : interfaces)
      if (implements(op))
        return handler;
    return nullptr;
  }

private:
  template <typename T, typename = void>
  struct IsInterface : std::false_type {};
  template <typename T>
  struct IsInterface<T, std::void_t<typename T::Concept>> : std::true_type {};

  DenseMap<TypeID, Handler> ops;
  SmallVector<std::pair<bool (*)(Operation *), Handler>> interfaces;
};

void addAttentionHandlers(HandlerTable &table);
void addConstantHandlers(HandlerTable &table);
void addElementwiseHandlers(HandlerTable &table);
void addLayerHandlers(HandlerTable &table);
void addNeuronHandlers(HandlerTable &table);
void addPoolingHandlers(HandlerTable &table);
void addProductHandlers(HandlerTable &table);
void addShapeHandlers(HandlerTable &table);
void addSubStepHandlers(HandlerTable &table);
void addSynapseHandlers(HandlerTable &table);

} // namespace mlir::spk

#endif // SPK_LIB_INTERPRETER_HANDLERS_H
