//===- Constants.cpp - interpretation of constants and weights ------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

using namespace mlir;
using namespace mlir::spk;

std::optional<TensorValue> spk::getConstantValue(Attribute value) {
  auto typed = dyn_cast_or_null<TypedAttr>(value);
  if (!typed)
    return std::nullopt;
  std::optional<ElementKind> kind =
      getElementKind(getElementTypeOrSelf(typed.getType()));
  if (!kind)
    return std::nullopt;
  if (auto number = dyn_cast<FloatAttr>(value)) {
    std::optional<TensorValue> result = TensorValue::allocate({}, *kind);
    if (result)
      result->getMutable<float>()[0] = number.getValue().convertToFloat();
    return result;
  }
  if (auto number = dyn_cast<IntegerAttr>(value)) {
    std::optional<TensorValue> result = TensorValue::allocate({}, *kind);
    if (result)
      visitElementKind(*kind, [&](auto zero) {
        using T = decltype(zero);
        APInt bits = number.getValue();
        result->getMutable<T>()[0] =
            static_cast<T>(bits.getBitWidth() == 1 ? bits.getZExtValue()
                                                   : bits.getSExtValue());
      });
    return result;
  }
  auto elements = dyn_cast<DenseElementsAttr>(value);
  if (!elements)
    return std::nullopt;
  std::optional<TensorValue> result =
      TensorValue::allocate(elements.getType().getShape(), *kind);
  if (!result)
    return std::nullopt;
  if (*kind == ElementKind::I1) {
    llvm::copy(elements.getValues<bool>(),
               result->getMutable<uint8_t>().begin());
    return result;
  }
  visitElementKind(*kind, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, uint8_t>)
      llvm::copy(elements.getValues<T>(), result->getMutable<T>().begin());
  });
  return result;
}

static LogicalResult evaluateConstant(arith::ConstantOp op, Evaluation &e) {
  std::optional<TensorValue> value = getConstantValue(op.getValue());
  if (!value)
    return op.emitOpError("value of type ")
           << op.getType() << " has no interpreter";
  e.result(op.getResult()) = std::move(*value);
  return success();
}

static LogicalResult evaluateGlobalLoad(ml_program::GlobalLoadConstOp op,
                                        Evaluation &e) {
  auto name = FlatSymbolRefAttr::get(op.getGlobal().getLeafReference());
  std::optional<TensorValue> value = e.interpreter.loadGlobal(op, name);
  if (!value)
    return failure();
  if (!value->isOf(op.getType()))
    return op.emitOpError("global ") << name << " must be " << op.getType();
  e.result(op.getResult()) = std::move(*value);
  return success();
}

/// [O, C / groups, KH, KW] or [O, C] to [ceil(O / block), K, block].
static LogicalResult evaluatePackWeights(PackWeightsOp op, Evaluation &e) {
  const TensorValue &weight = e.operand(op.getWeight());
  TensorValue &result = e.result(op.getResult());
  ArrayRef<float> from = weight.get<float>();
  MutableArrayRef<float> to = result.getMutable<float>();
  int64_t outputs = weight.shape[0], perGroup = weight.shape[1];
  int64_t taps = *countElements(ArrayRef(weight.shape).drop_front(2));
  int64_t groups = op.getGroups();
  int64_t inputs = result.shape[1], block = result.shape[2];
  int64_t rows = inputs / taps; // Of one tap.
  if (outputs % groups != 0)
    return op.emitOpError("groups must divide the output channels, ")
           << groups << " against " << outputs;
  // Rows of the weights of one output, in the order in which these lie.
  int64_t perOutput = perGroup * taps;
  std::vector<int64_t> rowOf(perOutput);
  for (int64_t i = 0; i < perOutput; ++i)
    rowOf[i] = i % taps * rows + i / taps;
  auto firstInputs = op.getFirstInputs();
  std::vector<int64_t> firstRows(outputs, 0);
  for (int64_t o = 0; o < outputs; ++o) {
    if (!op.getOwnInputs())
      firstRows[o] = o / (outputs / groups) * perGroup;
    if (firstInputs)
      firstRows[o] -= (*firstInputs)[o / block];
  }
  // A transposition, by tiles that stay in the cache on both sides.
  constexpr int64_t tile = 16;
  for (int64_t o0 = 0; o0 < outputs; o0 += block)
    for (int64_t i0 = 0; i0 < perOutput; i0 += tile)
      for (int64_t o = o0; o < std::min(o0 + block, outputs); ++o)
        for (int64_t i = i0; i < std::min(i0 + tile, perOutput); ++i)
          to[(o0 / block * inputs + firstRows[o] + rowOf[i]) * block + o - o0] =
              from[o * perOutput + i];
  return success();
}

static LogicalResult evaluatePadChannels(PadChannelsOp op, Evaluation &e) {
  llvm::copy(e.in<float>(op.getInput()), e.out<float>(op.getResult()).begin());
  return success();
}

void spk::addConstantHandlers(HandlerTable &table) {
  table.add<arith::ConstantOp, evaluateConstant>();
  table.add<ml_program::GlobalLoadConstOp, evaluateGlobalLoad>();
  table.add<PackWeightsOp, evaluatePackWeights>();
  table.add<PadChannelsOp, evaluatePadChannels>();
}
