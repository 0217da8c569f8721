//===- HoistStatic.cpp - compute once what does not depend on time
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"

namespace mlir::spk {
#define GEN_PASS_DEF_HOISTSTATIC
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// `type` with one time step.
RankedTensorType oneStep(RankedTensorType type) {
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = 1;
  return type.clone(shape);
}

/// Whether a reshape keeps time outermost. `group` is the group of axis 0 and
/// `shape` the shape on its fine side: time may share it with unit axes only.
bool keepsTime(ArrayRef<ReassociationIndices> groups, ArrayRef<int64_t> shape) {
  return !groups.empty() &&
         llvm::all_of(ArrayRef(groups.front()).drop_front(),
                      [&](int64_t axis) { return shape[axis] == 1; });
}

bool isElementwise(Operation *op) {
  return mlir::OpTrait::hasElementwiseMappableTraits(op) &&
         isMemoryEffectFree(op) && op->getNumResults() == 1 &&
         isa<RankedTensorType>(op->getResult(0).getType());
}

/// The operands of `op` that have the time axis, where it does the same at
/// every step; none otherwise.
SmallVector<OpOperand *> getTimedOperands(Operation *op) {
  SmallVector<OpOperand *> operands;
  if (op->getNumResults() != 1)
    return operands;
  if (auto layer = dyn_cast<ChannelAxisOpInterface>(op)) {
    if (op->hasTrait<spk::OpTrait::TimeWise>())
      operands = layer.getLayoutOperands();
  } else if (op->hasTrait<spk::OpTrait::TimeWise>()) {
    for (OpOperand &operand : op->getOpOperands())
      operands.push_back(&operand);
  } else if (isElementwise(op)) {
    // A splat is the same at every step, a scalar condition has no steps.
    for (OpOperand &operand : op->getOpOperands())
      if (isa<RankedTensorType>(operand.get().getType()) &&
          !matchPattern(operand.get(), m_Constant<SplatElementsAttr>(nullptr)))
        operands.push_back(&operand);
  } else if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
    if (transpose.getPermutation().front() == 0)
      operands.push_back(transpose.getDpsInputOperand(0));
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    if (keepsTime(collapse.getReassociationIndices(),
                  collapse.getSrcType().getShape()))
      operands.push_back(&collapse.getSrcMutable());
  } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    if (keepsTime(expand.getReassociationIndices(),
                  expand.getResultType().getShape()))
      operands.push_back(&expand.getSrcMutable());
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    if (slice.getSourceType().getRank() == slice.getType().getRank() &&
        slice.getSourceType().getDimSize(0) == slice.getType().getDimSize(0))
      operands.push_back(&slice.getSourceMutable());
  } else if (auto mean = dyn_cast<MeanOp>(op)) {
    // A mean over time of one repeated value may still round.
    if (mean.getAxes().front() != 0)
      operands.push_back(&mean.getInputMutable());
  }
  return operands;
}

/// Steps that every timed operand of `op` repeats, or 0.
int64_t getRepeatedSteps(ArrayRef<OpOperand *> operands) {
  int64_t steps = 0;
  for (OpOperand *operand : operands) {
    auto repeat = operand->get().getDefiningOp<RepeatOp>();
    if (!repeat)
      return 0;
    steps = typeOf(repeat.getResult()).getDimSize(0);
  }
  return steps;
}

/// A copy of `op` on one time step.
Operation *cloneOneStep(Operation *op, ArrayRef<OpOperand *> timed,
                        OpBuilder &builder) {
  RankedTensorType type = oneStep(typeOf(op->getResult(0)));
  IRMapping mapping;
  for (OpOperand *operand : timed)
    mapping.map(operand->get(),
                operand->get().getDefiningOp<RepeatOp>().getInput());
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    mapping.map(transpose.getInit(),
                tensor::EmptyOp::create(builder, op->getLoc(), type.getShape(),
                                        type.getElementType()));
  if (isElementwise(op))
    for (Value operand : op->getOperands()) {
      SplatElementsAttr splat;
      if (!mapping.contains(operand) &&
          matchPattern(operand, m_Constant(&splat)))
        mapping.map(operand, arith::ConstantOp::create(
                                 builder, op->getLoc(),
                                 splat.resizeSplat(oneStep(typeOf(operand)))));
    }
  Operation *copy = builder.clone(*op, mapping);
  copy->getResult(0).setType(type);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(copy))
    expand.setStaticOutputShape(type.getShape());
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(copy)) {
    SmallVector<int64_t> sizes(slice.getStaticSizes());
    sizes[0] = 1;
    slice.setStaticSizes(sizes);
  }
  return copy;
}

struct HoistStaticPass : spk::impl::HoistStaticBase<HoistStaticPass> {
  using Base::Base;

  void runOnOperation() final {
    // Defs come before uses, so that one walk carries a repetition as far as it
    // goes.
    SmallVector<Operation *> ops, dead;
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      ops.push_back(op);
      // What a linalg op holds is erased with it.
      return isa<linalg::LinalgOp>(op) ? WalkResult::skip()
                                       : WalkResult::advance();
    });
    for (Operation *op : ops) {
      SmallVector<OpOperand *> timed = getTimedOperands(op);
      int64_t steps = getRepeatedSteps(timed);
      if (steps <= 1)
        continue;
      OpBuilder builder(op);
      Operation *once = cloneOneStep(op, timed, builder);
      auto repeated =
          RepeatOp::create(builder, op->getLoc(), op->getResult(0).getType(),
                           once->getResult(0));
      op->getResult(0).replaceAllUsesWith(repeated);
      dead.push_back(repeated);
      for (Value operand : op->getOperands())
        if (Operation *def = operand.getDefiningOp();
            isa_and_nonnull<RepeatOp, tensor::EmptyOp>(def) &&
            !llvm::is_contained(dead, def))
          dead.push_back(def);
      op->erase();
      ++numHoisted;
    }
    for (Operation *op : llvm::reverse(dead))
      if (op->use_empty())
        op->erase();
  }
};

} // namespace
