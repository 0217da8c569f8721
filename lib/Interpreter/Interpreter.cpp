//===- Interpreter.cpp - executable meaning of the dialect ----------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Interpreter/Interpreter.h"
#include "Handlers.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "spk/Support/WeightStore.h"

using namespace mlir;
using namespace mlir::spk;

Interpreter::Interpreter(ModuleOp module, const WeightStore &weights)
    : module(module), weights(weights),
      handlers(std::make_unique<HandlerTable>()) {
  addAttentionHandlers(*handlers);
  addConstantHandlers(*handlers);
  addElementwiseHandlers(*handlers);
  addLayerHandlers(*handlers);
  addNeuronHandlers(*handlers);
  addPoolingHandlers(*handlers);
  addProductHandlers(*handlers);
  addShapeHandlers(*handlers);
  addSubStepHandlers(*handlers);
  addSynapseHandlers(*handlers);
}

Interpreter::~Interpreter() = default;

/// A value of `type` to be written, or nothing with an error at `op`.
static std::optional<TensorValue> allocateResult(Operation *op, Type type) {
  std::optional<ElementKind> kind = getElementKind(getElementTypeOrSelf(type));
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!kind || (isa<ShapedType>(type) && !tensor) ||
      (tensor && !tensor.hasStaticShape())) {
    op->emitOpError("result type ") << type << " has no interpreter";
    return std::nullopt;
  }
  std::optional<TensorValue> value = TensorValue::allocate(
      tensor ? tensor.getShape() : ArrayRef<int64_t>(), *kind);
  if (!value)
    op->emitOpError("result of type ") << type << " does not fit into memory";
  return value;
}

FailureOr<SmallVector<TensorValue>>
Interpreter::evaluate(Operation *op, ArrayRef<TensorValue> operands) {
  HandlerTable::Handler handler = handlers->lookup(op);
  if (!handler)
    return op->emitOpError("has no interpreter");
  if (operands.size() != op->getNumOperands())
    return op->emitOpError("needs ")
           << op->getNumOperands() << " operands, got " << operands.size();
  for (auto [value, operand] : llvm::zip_equal(operands, op->getOperands()))
    if (!value.isOf(operand.getType()))
      return op->emitOpError("operand must be ")
             << operand.getType() << ", got " << getElementName(value.kind)
             << " of shape [" << value.shape << "]";
  SmallVector<TensorValue> results;
  for (Type type : op->getResultTypes()) {
    std::optional<TensorValue> value = allocateResult(op, type);
    if (!value)
      return failure();
    results.push_back(std::move(*value));
  }
  Evaluation evaluation(*this, op, operands, results);
  if (failed(handler(op, evaluation)))
    return failure();
  return results;
}

FailureOr<SmallVector<TensorValue>>
Interpreter::run(Block &block, ArrayRef<TensorValue> arguments) {
  DenseMap<Value, TensorValue> values;
  // A value is dropped after its last use: models are deeper than memory.
  DenseMap<Value, int64_t> usesLeft;
  auto define = [&](Value value, const TensorValue &tensor) {
    if (value.use_empty())
      return;
    values[value] = tensor;
    usesLeft[value] = llvm::range_size(value.getUses());
  };
  for (auto [argument, value] :
       llvm::zip_equal(block.getArguments(), arguments))
    define(argument, value);

  for (Operation &op : block) {
    SmallVector<TensorValue> operands;
    for (Value operand : op.getOperands()) {
      auto it = values.find(operand);
      if (it == values.end())
        return op.emitOpError("uses a value from outside of its block, which "
                              "has no interpreter");
      operands.push_back(it->second);
    }
    if (&op == block.getTerminator())
      return operands;
    for (Value operand : op.getOperands())
      if (--usesLeft[operand] == 0)
        values.erase(operand);
    FailureOr<SmallVector<TensorValue>> results = evaluate(&op, operands);
    if (failed(results))
      return failure();
    for (auto [result, value] : llvm::zip_equal(op.getResults(), *results))
      define(result, value);
  }
  llvm_unreachable("block without terminator");
}

FailureOr<SmallVector<TensorValue>>
Interpreter::run(StringRef name, ArrayRef<TensorValue> arguments) {
  auto function =
      dyn_cast_or_null<FunctionOpInterface>(module.lookupSymbol(name));
  if (!function)
    return module.emitError() << "module has no function '" << name << "'";
  if (!llvm::hasSingleElement(function.getFunctionBody()))
    return function.emitError("function must have a body of one block");
  if (arguments.size() != function.getNumArguments())
    return function.emitError("function has ")
           << function.getNumArguments() << " arguments, got "
           << arguments.size() << " inputs";
  for (auto [index, value, type] :
       llvm::enumerate(arguments, function.getArgumentTypes()))
    if (!value.isOf(type))
      return function.emitError("argument ")
             << index << " must be " << type << ", got "
             << getElementName(value.kind) << " of shape [" << value.shape
             << "]";
  return run(function.getFunctionBody().front(), arguments);
}

std::optional<TensorValue> Interpreter::loadGlobal(Operation *user,
                                                   FlatSymbolRefAttr name) {
  auto global =
      symbols.lookupNearestSymbolFrom<ml_program::GlobalOp>(module, name);
  if (!global) {
    user->emitOpError("global ") << name << " does not exist";
    return std::nullopt;
  }
  if (!isa_and_present<ml_program::ExternAttr>(global.getValueAttr())) {
    std::optional<TensorValue> value = getConstantValue(global.getValueAttr());
    if (!value)
      global.emitOpError("value has no interpreter");
    return value;
  }
  const WeightTensor *weight = weights.lookup(global.getSymName());
  if (!weight) {
    user->emitOpError("weight ") << name << " has not been loaded";
    return std::nullopt;
  }
  return TensorValue::borrow(weight->shape, weight->data);
}
