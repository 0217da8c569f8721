//===- FoldBatchNorm.cpp - batch norm as scale and shift
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
#define GEN_PASS_DEF_FOLDBATCHNORM
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

/// The axis of `reshaped` axis `axis` where a reshape with these groups leaves
/// it whole: position of the group {axis} or -1.
int64_t axisOfGroup(ArrayRef<ReassociationIndices> groups, int64_t axis) {
  for (auto [position, group] : llvm::enumerate(groups))
    if (group.size() == 1 && group.front() == axis)
      return position;
  return -1;
}

/// The synapse whose output channels are axis `axis` of `value`, looking
/// through transposes and reshapes that keep that axis, or null. Nothing else
/// may use the synapse's result, since its bias will be taken away.
SynapseOpInterface findSynapse(Value value, int64_t axis) {
  while (Operation *op = value.getDefiningOp()) {
    if (!value.hasOneUse() || axis < 0)
      return {};
    if (auto synapse = dyn_cast<SynapseOpInterface>(op))
      return synapse.getChannelAxis() == axis ? synapse : SynapseOpInterface();
    if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
      axis = transpose.getPermutation()[axis];
      value = transpose.getInput();
    } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
      axis = axisOfGroup(expand.getReassociationIndices(), axis);
      value = expand.getSrc();
    } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
      ReassociationIndices group = collapse.getReassociationIndices()[axis];
      axis = group.size() == 1 ? group.front() : -1;
      value = collapse.getSrc();
    } else {
      return {};
    }
  }
  return {};
}

struct FoldBatchNormPattern : OpRewritePattern<BatchNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BatchNormOp op,
                                PatternRewriter &rewriter) const override {
    int64_t axis = op.isChannelsLast()
                       ? cast<RankedTensorType>(op.getType()).getRank() - 1
                       : 2;
    Value bias;
    if (SynapseOpInterface synapse = findSynapse(op.getInput(), axis)) {
      bias = synapse.getSynapseBias();
      if (bias)
        rewriter.modifyOpInPlace(synapse, [&] { synapse.clearSynapseBias(); });
    }
    Type vector = op.getGamma().getType();
    auto fold = FoldBatchNormOp::create(
        rewriter, op.getLoc(), vector, vector, op.getGamma(), op.getBeta(),
        op.getMean(), op.getVariance(), bias, op.getEpsAttr());
    rewriter.replaceOpWithNewOp<ScaleShiftOp>(op, op.getType(), op.getInput(),
                                              fold.getScale(), fold.getShift(),
                                              op.getLayoutAttr());
    return success();
  }
};

struct FoldBatchNormPass : spk::impl::FoldBatchNormBase<FoldBatchNormPass> {
  using Base::Base;

  void runOnOperation() final {
    getOperation()->walk([&](BatchNormOp) { ++numFolded; });
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldBatchNormPattern>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    getOperation()->walk([&](FoldBatchNormOp op) {
      if (op.getBias())
        ++numBiases;
    });
  }
};

} // namespace
