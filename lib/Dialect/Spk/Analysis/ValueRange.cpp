//===- ValueRange.cpp - largest value of spike streams --------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Dialect/Spk/Analysis/ValueRange.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

using namespace mlir;
using namespace mlir::spk;

/// Above every element type: maxima stop growing here, so that a long chain of
/// joins cannot overflow.
static constexpr int64_t kSaturated = int64_t(1) << 40;

int64_t ValueRangeAnalysis::getTypeMax(Type type) {
  auto integer = dyn_cast<IntegerType>(getElementTypeOrSelf(type));
  if (!integer)
    return -1;
  unsigned width = integer.getWidth();
  if (width == 1)
    return 1;
  return width > 40 ? kSaturated : (int64_t(1) << (width - 1)) - 1;
}

/// Operands whose elements are the elements of the result, or none where the
/// op computes something else.
static SmallVector<Value> getForwarded(Operation *op) {
  if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp,
          tensor::ExtractSliceOp, tensor::CastOp, linalg::TransposeOp,
          linalg::BroadcastOp, PackOp, UnpackOp, arith::ExtUIOp>(op))
    return {op->getOperand(0)};
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return {insert.getSource(), insert.getDest()};
  if (isa<tensor::ConcatOp, arith::MaxSIOp, arith::MaxUIOp>(op))
    return llvm::to_vector(op->getOperands());
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return {select.getTrueValue(), select.getFalseValue()};
  return {};
}

/// Largest element of a constant, or nothing where `op` is none.
static std::optional<int64_t> getConstantMax(Operation *op) {
  auto constant = dyn_cast<arith::ConstantOp>(op);
  if (!constant)
    return std::nullopt;
  auto numberOf = [](const APInt &value) {
    return value.getBitWidth() == 1 ? static_cast<int64_t>(value.getZExtValue())
                                    : value.getSExtValue();
  };
  if (auto integer = dyn_cast<IntegerAttr>(constant.getValue()))
    return numberOf(integer.getValue());
  auto elements = dyn_cast<DenseIntElementsAttr>(constant.getValue());
  if (!elements || elements.empty())
    return std::nullopt;
  if (elements.isSplat())
    return numberOf(elements.getSplatValue<APInt>());
  int64_t max = std::numeric_limits<int64_t>::min();
  for (const APInt &value : elements.getValues<APInt>())
    max = std::max(max, numberOf(value));
  return max;
}

ValueRangeAnalysis::ValueRangeAnalysis(Operation *root) {
  root->walk<WalkOrder::PreOrder>([&](Operation *op) { visit(op); });
}

int64_t ValueRangeAnalysis::getMaxValue(Value value) const {
  auto it = maxima.find(value);
  return it == maxima.end() ? getTypeMax(value.getType()) : it->second;
}

void ValueRangeAnalysis::visit(Operation *op) {
  if (auto function = dyn_cast<FunctionOpInterface>(op)) {
    for (BlockArgument argument : function.getArguments()) {
      int64_t largest = getTypeMax(argument.getType());
      auto promised = function.getArgAttrOfType<IntegerAttr>(
          argument.getArgNumber(), kMaxAttr);
      if (promised && largest > 0)
        maxima[argument] = std::clamp<int64_t>(promised.getInt(), 1, largest);
    }
    return;
  }
  // A fused layer hands its inputs to its region and gets its results from the
  // terminator, which the walk reaches before any user of the layer.
  if (auto fused = dyn_cast<FusedOp>(op)) {
    for (auto [argument, input] : llvm::zip_equal(
             fused.getBody().front().getArguments(), fused.getInputs()))
      maxima[argument] = getMaxValue(input);
    return;
  }
  if (auto yield = dyn_cast<YieldOp>(op)) {
    for (auto [result, value] :
         llvm::zip_equal(op->getParentOp()->getResults(), yield.getValues()))
      maxima[result] = getMaxValue(value);
    return;
  }
  if (auto ranged = dyn_cast<ValueRangeOpInterface>(op)) {
    SmallVector<int64_t> operandMax;
    for (Value operand : op->getOperands())
      operandMax.push_back(getMaxValue(operand));
    for (OpResult result : op->getResults())
      maxima[result] =
          std::min(ranged.inferMaxValue(operandMax, result.getResultNumber()),
                   kSaturated);
    return;
  }
  if (op->getNumResults() != 1 || getTypeMax(op->getResult(0).getType()) < 0)
    return;
  if (std::optional<int64_t> constant = getConstantMax(op)) {
    maxima[op->getResult(0)] = *constant;
  } else if (isa<tensor::EmptyOp>(op)) {
    // Nothing reads it before it is written.
    maxima[op->getResult(0)] = 0;
  } else if (SmallVector<Value> sources = getForwarded(op); !sources.empty()) {
    int64_t max = 0;
    for (Value source : sources)
      max = std::max(max, getMaxValue(source));
    maxima[op->getResult(0)] = max;
  }
}
