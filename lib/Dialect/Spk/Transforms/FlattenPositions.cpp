//===- FlattenPositions.cpp - pixels of layers without a window are tokens
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"

namespace mlir::spk {
#define GEN_PASS_DEF_FLATTENPOSITIONS
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

/// `[T, B, H, W, C]` against `[T, B, H * W, C]`.
const SmallVector<ReassociationIndices> &getGroups() {
  static const SmallVector<ReassociationIndices> groups = {
      {0}, {1}, {2, 3}, {4}};
  return groups;
}

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// `type` with one position axis instead of two.
RankedTensorType getFlatType(RankedTensorType type) {
  ArrayRef<int64_t> shape = type.getShape();
  return type.clone({shape[0], shape[1], shape[2] * shape[3], shape[4]});
}

/// The op that split the positions of `value` into rows and columns, or null.
tensor::ExpandShapeOp getSplit(Value value) {
  auto expand = value.getDefiningOp<tensor::ExpandShapeOp>();
  return expand && expand.getReassociationIndices() == getGroups()
             ? expand
             : tensor::ExpandShapeOp();
}

/// `value` with one position axis.
Value flatten(PatternRewriter &rewriter, Location loc, Value value) {
  if (tensor::ExpandShapeOp split = getSplit(value))
    return split.getSrc();
  SplatElementsAttr splat;
  if (matchPattern(value, m_Constant(&splat)))
    return arith::ConstantOp::create(
        rewriter, loc, splat.resizeSplat(getFlatType(typeOf(value))));
  return tensor::CollapseShapeOp::create(rewriter, loc, value, getGroups());
}

Value split(PatternRewriter &rewriter, Location loc, Value value,
            RankedTensorType type) {
  return tensor::ExpandShapeOp::create(rewriter, loc, type, value, getGroups());
}

/// A convolution of single positions is a linear map of them.
struct LinearConv : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ConvOp op,
                                PatternRewriter &rewriter) const override {
    auto isPair = [](ArrayRef<int64_t> pair, int64_t number) {
      return llvm::all_equal(pair) && pair.front() == number;
    };
    if (!op.isChannelsLast() ||
        op.getWindow() != std::pair<int64_t, int64_t>(1, 1) ||
        !isPair(op.getStrides(), 1) || !isPair(op.getPadding(), 0) ||
        op.getGroups() != 1)
      return rewriter.notifyMatchFailure(op, "looks at more than its position");
    Location loc = op.getLoc();
    RankedTensorType type = op.getResult().getType();
    Value input = flatten(rewriter, loc, op.getInput());
    Value weight = tensor::CollapseShapeOp::create(
        rewriter, loc, op.getWeight(),
        SmallVector<ReassociationIndices>{{0}, {1, 2, 3}});
    auto linear =
        LinearOp::create(rewriter, loc, getFlatType(type), input, weight,
                         op.getBias(), Layout::ChannelsLast, op.getSumAttr());
    linear->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    rewriter.replaceOp(op, split(rewriter, loc, linear, type));
    return success();
  }
};

/// op(split(x)) is split(op(x)) where op treats all positions alike.
struct SinkSplit : RewritePattern {
  SinkSplit(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  /// The operands that have positions, or none where `op` is no such op.
  static SmallVector<OpOperand *> getOperands(Operation *op) {
    SmallVector<OpOperand *> operands;
    if (auto affine = dyn_cast<ScaleShiftOp>(op))
      return affine.isChannelsLast() ? affine.getLayoutOperands() : operands;
    bool isElementwise = mlir::OpTrait::hasElementwiseMappableTraits(op) &&
                         isMemoryEffectFree(op) && op->getNumResults() == 1;
    if (isElementwise ||
        isa<NeuronOpInterface, AddOp, GateOp, RepeatOp, MeanOp, CountOp>(op))
      for (OpOperand &operand : op->getOpOperands())
        if (isa<RankedTensorType>(operand.get().getType()))
          operands.push_back(&operand);
    return operands;
  }

  /// The axes of a reduction after flattening; none where it is over rows or
  /// columns alone.
  static SmallVector<int64_t> getFlatAxes(ArrayRef<int64_t> axes) {
    if (llvm::is_contained(axes, 2) != llvm::is_contained(axes, 3))
      return {};
    SmallVector<int64_t> flat;
    for (int64_t axis : axes)
      if (axis != 3)
        flat.push_back(axis - (axis > 3));
    return flat;
  }

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    SmallVector<OpOperand *> operands = getOperands(op);
    if (llvm::none_of(operands, [](OpOperand *operand) {
          return getSplit(operand->get());
        }))
      return failure();
    SmallVector<int64_t> axes;
    if (isa<MeanOp, CountOp>(op)) {
      axes = getFlatAxes(isa<MeanOp>(op) ? cast<MeanOp>(op).getAxes()
                                         : cast<CountOp>(op).getAxes());
      if (axes.empty())
        return rewriter.notifyMatchFailure(op, "reduces rows or columns alone");
    }
    if (auto gate = dyn_cast<GateOp>(op)) {
      // The mask is the input's size along both axes, or 1.
      auto all = [&](Value value) {
        return typeOf(value).getShape().slice(2, 2);
      };
      if (all(gate.getMask()) != all(gate.getInput()) &&
          !llvm::all_of(all(gate.getMask()),
                        [](int64_t size) { return size == 1; }))
        return rewriter.notifyMatchFailure(op, "masks rows or columns alone");
    }
    IRMapping mapping;
    for (OpOperand *operand : operands)
      mapping.map(operand->get(),
                  flatten(rewriter, op->getLoc(), operand->get()));
    Operation *flat = rewriter.clone(*op, mapping);
    if (auto mean = dyn_cast<MeanOp>(flat))
      mean.setAxes(axes);
    if (auto count = dyn_cast<CountOp>(flat))
      count.setAxes(axes);
    SmallVector<Value> results;
    for (Value result : flat->getResults()) {
      RankedTensorType type = typeOf(result);
      result.setType(getFlatType(type));
      results.push_back(split(rewriter, op->getLoc(), result, type));
    }
    rewriter.replaceOp(op, results);
    return success();
  }
};

struct FlattenPositionsPass
    : spk::impl::FlattenPositionsBase<FlattenPositionsPass> {
  using Base::Base;

  void runOnOperation() final {
    MLIRContext *context = &getContext();
    getOperation()->walk([&](ConvOp) { ++numLinear; });
    RewritePatternSet patterns(context);
    patterns.add<LinearConv, SinkSplit>(context);
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, context);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, context);
    if (failed(applyPatternsGreedily(
            getOperation(), std::move(patterns),
            GreedyRewriteConfig().setRegionSimplificationLevel(
                GreedySimplifyRegionLevel::Disabled)))) {
      getOperation()->emitError("reshapes did not come to rest");
      return signalPassFailure();
    }
    getOperation()->walk([&](ConvOp) { --numLinear; });
  }
};

} // namespace
