//===- AttentionOps.cpp - attention cores
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Verification.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::spk;

/// Checks that spike operands agree and that the heads divide the channels.
static LogicalResult verifyHeads(Operation *op, ValueRange operands,
                                 int64_t heads, TokenLayout layout) {
  ArrayRef<int64_t> first = shapeOf(operands.front());
  if (first.size() != 4)
    return op->emitOpError("operands must have rank 4, got ") << first.size();
  for (Value operand : operands)
    if (shapeOf(operand) != first)
      return op->emitOpError("operands must have one shape, ")
             << operand.getType() << " against " << operands.front().getType();
  int64_t channels = layout == TokenLayout::TokenFirst ? first[3] : first[2];
  if (channels % heads != 0)
    return op->emitOpError("num_heads must divide the channels, ")
           << heads << " against " << channels;
  return success();
}

//===----------------------------------------------------------------------===//
// SSAOp
//===----------------------------------------------------------------------===//

LogicalResult SSAOp::verify() {
  if (failed(
          verifyHeads(*this, getOperands(), getNumHeads(), getTokenLayout())))
    return failure();
  if (shapeOf(getResult()) != shapeOf(getQuery()))
    return emitOpError("result must have the shape of the query, got ")
           << getResult().getType();
  if (!getScale().isFinite())
    return emitOpError("scale must be finite");
  if (getSourceOrder() == Association::Auto)
    return emitOpError("source_order must be qk_first or kv_first");
  if (getAssociation() != Association::Auto &&
      getAssociation() != getSourceOrder() && !isReassociable() &&
      !(*this)->hasAttr("spk.inexact"))
    return emitOpError("association must be the source order where the orders "
                       "may differ in rounding");
  if (getSumAttr() && getSumAttr().getKind() == SumKind::Exact &&
      !isReassociable())
    return emitOpError("sum must not be exact where products round");
  return success();
}

int64_t SSAOp::getNumTokens() {
  return shapeOf(
      getQuery())[getTokenLayout() == TokenLayout::TokenFirst ? 2 : 3];
}

int64_t SSAOp::getNumChannels() {
  return shapeOf(
      getQuery())[getTokenLayout() == TokenLayout::TokenFirst ? 3 : 2];
}

Association SSAOp::getExecutedOrder() {
  return getAssociation() == Association::Auto ? getSourceOrder()
                                               : getAssociation();
}

bool SSAOp::isReassociable() {
  // Operands are spikes, so the largest sum is N * d: an integer that f32
  // represents exactly below 2^24. Scaled by a power of two it stays exact
  // while it neither overflows nor becomes denormal.
  int log2Scale = getScale().getExactLog2Abs();
  return log2Scale != INT_MIN && !getScale().isNegative() &&
         log2Scale >= -126 && log2Scale + 24 <= 127 &&
         getNumTokens() * getHeadWidth() < (int64_t(1) << 24);
}

int64_t SSAOp::getCost(Association order) {
  int64_t perHead = order == Association::QKFirst
                        ? 2 * getNumTokens() * getNumTokens() * getHeadWidth()
                        : 2 * getNumTokens() * getHeadWidth() * getHeadWidth();
  return shapeOf(getQuery())[0] * shapeOf(getQuery())[1] * getNumHeads() *
         perHead;
}

//===----------------------------------------------------------------------===//
// AttentionMapOp
//===----------------------------------------------------------------------===//

LogicalResult AttentionMapOp::verify() {
  if (failed(
          verifyHeads(*this, getOperands(), getNumHeads(), getTokenLayout())))
    return failure();
  ArrayRef<int64_t> query = shapeOf(getQuery());
  int64_t tokens = query[getTokenLayout() == TokenLayout::TokenFirst ? 2 : 3];
  SmallVector<int64_t> expected = {
      query[0], query[1], static_cast<int64_t>(getNumHeads()), tokens, tokens};
  if (shapeOf(getResult()) != ArrayRef<int64_t>(expected))
    return emitOpError("result must have shape [")
           << expected << "], got " << getResult().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// MatmulOp, SoftmaxOp
//===----------------------------------------------------------------------===//

int64_t MatmulOp::getNumTerms() { return shapeOf(getColumns())[2]; }

int64_t MatmulOp::getHeadWidth() {
  return shapeOf(getColumns())[3] / static_cast<int64_t>(getNumHeads());
}

SumKind MatmulOp::getSumKind() {
  bool isDense = getElementTypeOrSelf(getRows()).isF32() &&
                 getElementTypeOrSelf(getColumns()).isF32();
  return isDense ? SumKind::FMA : SumKind::Sequential;
}

int64_t MatmulOp::getMultiplyAccumulates() {
  return llvm::product_of(shapeOf(getResult())) * getNumTerms();
}

LogicalResult MatmulOp::verify() {
  ArrayRef<int64_t> rows = shapeOf(getRows()), columns = shapeOf(getColumns());
  if (rows.size() != 4 || columns.size() != 4)
    return emitOpError("operands must have rank 4, got ")
           << getRows().getType() << " and " << getColumns().getType();
  if (rows.take_front(2) != columns.take_front(2))
    return emitOpError("operands must have the same time steps and batch, got ")
           << getRows().getType() << " and " << getColumns().getType();
  int64_t heads = getNumHeads();
  if (rows[3] != heads * columns[2])
    return emitOpError("rows must have as many channels per head as columns "
                       "have rows, ")
           << rows[3] << " in " << heads << " heads against " << columns[2];
  if (columns[3] % heads != 0)
    return emitOpError("num_heads must divide the channels of the columns, ")
           << heads << " against " << columns[3];
  SmallVector<int64_t> expected = {rows[0], rows[1], rows[2], columns[3]};
  if (shapeOf(getResult()) != ArrayRef<int64_t>(expected))
    return emitOpError("result must have shape [")
           << expected << "], got " << getResult().getType();
  if (getSumAttr() && getSumAttr() != SumAttr::get(getContext(), getSumKind()))
    return emitOpError("sum must be what the operands decide, ")
           << SumAttr::get(getContext(), getSumKind()) << ", got "
           << getSumAttr();
  return success();
}

LogicalResult SoftmaxOp::verify() {
  ArrayRef<int64_t> shape = shapeOf(getInput());
  if (shape.size() != 4)
    return emitOpError("input must have rank 4, got ") << getInput().getType();
  if (shape[3] % static_cast<int64_t>(getNumHeads()) != 0)
    return emitOpError("num_heads must divide the channels, ")
           << getNumHeads() << " against " << shape[3];
  return success();
}

//===----------------------------------------------------------------------===//
// CountOp, GateOp
//===----------------------------------------------------------------------===//

LogicalResult CountOp::verify() {
  SmallVector<int64_t> expected(shapeOf(getInput()));
  int64_t previous = 1, largest = 1, groups = getGroups();
  for (int64_t axis : getAxes()) {
    if (axis <= previous || axis >= static_cast<int64_t>(expected.size()))
      return emitOpError("axes must be ascending axes behind the batch, got ")
             << axis;
    if (expected[axis] % groups != 0)
      return emitOpError("groups must divide the axis, ")
             << groups << " against " << expected[axis];
    previous = axis;
    if (llvm::MulOverflow(largest, expected[axis] / groups, largest) ||
        largest >= (int64_t(1) << 24))
      return emitOpError("must count fewer than 2^24 elements, got ")
             << getInput().getType();
    expected[axis] = groups;
  }
  if (getAxes().empty())
    return emitOpError("must count along an axis");
  if (groups != 1 && getAxes().size() != 1)
    return emitOpError("must have one axis to count in groups, got ")
           << getAxes().size();
  if (shapeOf(getResult()) != ArrayRef<int64_t>(expected))
    return emitOpError("result must have shape [")
           << expected << "], got " << getResult().getType();
  return success();
}

LogicalResult GateOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), mask = shapeOf(getMask());
  if (shapeOf(getResult()) != input)
    return emitOpError("result must have the shape of the input, got ")
           << getResult().getType();
  if (mask.size() != input.size() || mask.take_front(2) != input.take_front(2))
    return emitOpError("mask must have the rank, time steps and batch of the "
                       "input, got ")
           << getMask().getType();
  for (auto [size, wanted] : llvm::zip(mask, input))
    if (size == 0 ? wanted != 0 : wanted % size != 0)
      return emitOpError("mask must have sizes that divide the input's, got ")
             << getMask().getType() << " against " << getInput().getType();
  return success();
}
