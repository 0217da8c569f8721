//===- ExpandSPS.cpp - patch splitting as its parts
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"

namespace mlir::spk {
#define GEN_PASS_DEF_EXPANDSPS
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

struct ExpandSPSPattern : OpRewritePattern<SPSOp> {
  using OpRewritePattern::OpRewritePattern;

  Value pool(SPSOp op, Value input, PatternRewriter &rewriter) const {
    auto type = cast<RankedTensorType>(input.getType());
    SmallVector<int64_t> shape(type.getShape());
    for (int i : {0, 1})
      shape[3 + i] =
          getWindowedSize(shape[3 + i], op.getPoolKernel()[i],
                          op.getPoolStrides()[i], op.getPoolPadding()[i]);
    return MaxPoolOp::create(
        rewriter, op.getLoc(), type.clone(shape), input, op.getPoolKernelAttr(),
        op.getPoolStridesAttr(), op.getPoolPaddingAttr(),
        rewriter.getDenseI64ArrayAttr({1, 1}), /*ceil_mode=*/UnitAttr(),
        LayoutAttr::get(op.getContext(), Layout::ChannelsFirst));
  }

  LogicalResult matchAndRewrite(SPSOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto layout = LayoutAttr::get(op.getContext(), Layout::ChannelsFirst);
    ArrayRef<int64_t> weight =
        cast<RankedTensorType>(op.getWeight().getType()).getShape();
    SmallVector<int64_t> shape(
        cast<RankedTensorType>(op.getInput().getType()).getShape());
    shape[2] = weight[0];
    for (int i : {0, 1})
      shape[3 + i] = getWindowedSize(shape[3 + i], weight[2 + i],
                                     op.getStrides()[i], op.getPadding()[i]);
    auto currents = RankedTensorType::get(shape, rewriter.getF32Type());
    Value x = ConvOp::create(rewriter, loc, currents, op.getInput(),
                             op.getWeight(), op.getBias(), op.getStridesAttr(),
                             op.getPaddingAttr(), op.getGroupsAttr(), layout,
                             /*sum=*/nullptr);
    x = BatchNormOp::create(rewriter, loc, currents, x, op.getGamma(),
                            op.getBeta(), op.getMean(), op.getVariance(),
                            op.getEpsAttr(), layout);
    if (op.getPool() == PoolPlacement::Before)
      x = pool(op, x, rewriter);
    auto spikes =
        cast<RankedTensorType>(x.getType()).clone(rewriter.getI1Type());
    x = LIFOp::create(rewriter, loc, spikes, /*final_states=*/TypeRange(),
                      /*membrane=*/Type(), x, /*initial_states=*/ValueRange(),
                      op.getChargeAttr(), op.getTauAttr(), op.getFactorAttr(),
                      op.getVThresholdAttr(), op.getVResetAttr())
            .getSpikes();
    if (op.getPool() == PoolPlacement::After)
      x = pool(op, x, rewriter);
    rewriter.replaceOp(op, x);
    return success();
  }
};

struct ExpandSPSPass : spk::impl::ExpandSPSBase<ExpandSPSPass> {
  using Base::Base;
  void runOnOperation() final {
    getOperation()->walk([&](SPSOp) { ++numExpanded; });
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandSPSPattern>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
