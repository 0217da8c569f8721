//===- ChannelsLast.cpp - channels innermost
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file wraps every op that has its channels on axis 2 in transposes and
// then moves transposes towards the results, where they meet their inverses.
//
//===----------------------------------------------------------------------===//

#include "TransposePatterns.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"

namespace mlir::spk {
#define GEN_PASS_DEF_CHANNELSLAST
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;
using linalg::TransposeOp;

namespace {

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Ops between transposes
//===----------------------------------------------------------------------===//

/// Turns `op` to channels (or tokens) first over to channels last, between
/// transposes of `operands` and, unless its result has no channels, its result.
void wrap(Operation *op, ArrayRef<OpOperand *> operands, bool wrapResult,
          function_ref<void()> setLayout) {
  int64_t rank = typeOf(operands.front()->get()).getRank();
  SmallVector<int64_t> last = {0, 1};
  for (int64_t axis = 3; axis < rank; ++axis)
    last.push_back(axis);
  last.push_back(2);
  OpBuilder builder(op);
  for (OpOperand *operand : operands)
    operand->set(getTranspose(builder, op->getLoc(), operand->get(), last));
  setLayout();
  if (!wrapResult)
    return;
  Value result = op->getResult(0);
  result.setType(getPermutedType(typeOf(result), last));
  builder.setInsertionPointAfter(op);
  Value back = createTranspose(builder, op->getLoc(), result,
                               invertPermutationVector(last));
  result.replaceAllUsesExcept(back, back.getDefiningOp());
}

/// Brings `op` to channels last. Returns whether it had to change.
bool bringChannelsLast(Operation *op) {
  if (auto layer = dyn_cast<ChannelAxisOpInterface>(op)) {
    if (layer.isChannelsLast()) {
      // Where axis 2 is the innermost one, only the attribute may differ.
      layer.setChannelsLast();
      return false;
    }
    wrap(op, layer.getLayoutOperands(), /*wrapResult=*/true,
         [&] { layer.setChannelsLast(); });
    return true;
  }
  SmallVector<OpOperand *> operands;
  for (OpOperand &operand : op->getOpOperands())
    operands.push_back(&operand);
  if (auto core = dyn_cast<SSAOp>(op);
      core && core.getTokenLayout() == TokenLayout::TokenLast) {
    wrap(op, operands, /*wrapResult=*/true,
         [&] { core.setTokenLayout(TokenLayout::TokenFirst); });
    return true;
  }
  if (auto map = dyn_cast<AttentionMapOp>(op);
      map && map.getTokenLayout() == TokenLayout::TokenLast) {
    wrap(op, operands, /*wrapResult=*/false,
         [&] { map.setTokenLayout(TokenLayout::TokenFirst); });
    return true;
  }
  return false;
}

//===----------------------------------------------------------------------===//
// Transposes that are left
//===----------------------------------------------------------------------===//

/// A transpose that only moves axes of size 1 is a reshape.
struct ReshapeUnitTranspose : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    ArrayRef<int64_t> permutation = op.getPermutation();
    auto type = dyn_cast<RankedTensorType>(op.getInit().getType());
    if (!type || !type.hasStaticShape())
      return failure();
    int64_t previous = -1, first = 0, last = type.getRank() - 1;
    for (int64_t axis = 0; axis <= last; ++axis) {
      if (type.getDimSize(axis) == 1)
        continue;
      if (permutation[axis] < previous)
        return rewriter.notifyMatchFailure(op, "moves elements");
      previous = permutation[axis];
    }
    // The axes that move become one, then what they are in the result.
    while (first < last && permutation[first] == first)
      ++first;
    while (first < last && permutation[last] == last)
      --last;
    SmallVector<ReassociationIndices> groups;
    for (int64_t axis = 0; axis < type.getRank(); ++axis) {
      if (axis <= first || axis > last)
        groups.emplace_back();
      groups.back().push_back(axis);
    }
    Value flat = tensor::CollapseShapeOp::create(rewriter, op.getLoc(),
                                                 op.getInput(), groups);
    rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(op, type, flat, groups);
    return success();
  }
};

/// transpose(repeat(x)) is repeat(transpose(x)), on one time step.
struct TransposeBeforeRepeat : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto repeat = op.getInput().getDefiningOp<RepeatOp>();
    if (!repeat || op.getPermutation().front() != 0)
      return failure();
    Value once = createTranspose(rewriter, op.getLoc(), repeat.getInput(),
                                 op.getPermutation());
    rewriter.replaceOpWithNewOp<RepeatOp>(op, op->getResult(0).getType(), once);
    return success();
  }
};

/// A mean over the innermost axis that leaves the third one reads it innermost,
/// as kernels read channels. The elements are added in the same order.
struct TransposeBeforeMean : OpRewritePattern<MeanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MeanOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType type = typeOf(op.getInput());
    int64_t last = type.getRank() - 1;
    if (last < 3 || op.getAxes().back() != last || type.getDimSize(2) == 1 ||
        llvm::is_contained(op.getAxes(), 2))
      return rewriter.notifyMatchFailure(op, "leaves no third axis");
    SmallVector<int64_t> order = {0, 1}, axes;
    for (int64_t axis = 3; axis <= last; ++axis)
      order.push_back(axis);
    order.push_back(2);
    for (int64_t axis : op.getAxes())
      axes.push_back(axis > 2 ? axis - 1 : axis);
    Value input = getTranspose(rewriter, op.getLoc(), op.getInput(), order);
    Value mean = MeanOp::create(
        rewriter, op.getLoc(),
        getPermutedType(cast<RankedTensorType>(op.getType()), order), input,
        axes);
    rewriter.replaceOp(op, createTranspose(rewriter, op.getLoc(), mean,
                                           invertPermutationVector(order)));
    return success();
  }
};

struct ChannelsLastPass : spk::impl::ChannelsLastBase<ChannelsLastPass> {
  using Base::Base;

  LogicalResult apply(RewritePatternSet patterns) {
    // Transposes and reshapes that meet behind a pattern merge at once.
    MLIRContext *context = &getContext();
    populateComposeTransposesPatterns(patterns, /*benefit=*/2);
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, context);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, context);
    return applyPatternsGreedily(
        getOperation(), std::move(patterns),
        GreedyRewriteConfig().setRegionSimplificationLevel(
            GreedySimplifyRegionLevel::Disabled));
  }

  void runOnOperation() final {
    getOperation()->walk([&](Operation *op) {
      if (bringChannelsLast(op))
        ++numLayers;
    });
    MLIRContext *context = &getContext();
    RewritePatternSet sink(context), leave(context);
    populateSinkTransposesPatterns(sink);
    leave.add<ReshapeUnitTranspose, TransposeBeforeRepeat, TransposeBeforeMean>(
        context);
    if (failed(apply(std::move(sink))) || failed(apply(std::move(leave)))) {
      getOperation()->emitError("transposes did not come to rest");
      return signalPassFailure();
    }
    getOperation()->walk([&](TransposeOp) { ++numTransposes; });
  }
};

} // namespace
