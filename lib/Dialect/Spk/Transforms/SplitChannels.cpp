//===- SplitChannels.cpp - one layer per slice of fused projections
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"
#include <map>

namespace mlir::spk {
#define GEN_PASS_DEF_SPLITCHANNELS
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Consecutive indices of one axis.
struct Range {
  int64_t axis, offset, size;
};

/// The range that `slice` takes of the one axis that it does not take whole.
std::optional<Range> getRange(tensor::ExtractSliceOp slice) {
  if (!slice.getOffsets().empty() || !slice.getSizes().empty() ||
      !slice.getStrides().empty())
    return {};
  std::optional<Range> range;
  ArrayRef<int64_t> shape = slice.getSourceType().getShape();
  for (auto [axis, offset, size, stride] :
       llvm::enumerate(slice.getStaticOffsets(), slice.getStaticSizes(),
                       slice.getStaticStrides())) {
    if (stride != 1)
      return {};
    if (size == shape[axis])
      continue;
    if (range)
      return {};
    range = Range{static_cast<int64_t>(axis), offset, size};
  }
  return range;
}

Value extract(OpBuilder &builder, Location loc, Value value, Range range) {
  SmallVector<OpFoldResult> offsets, sizes, strides;
  for (int64_t size : typeOf(value).getShape()) {
    offsets.push_back(builder.getIndexAttr(0));
    sizes.push_back(builder.getIndexAttr(size));
    strides.push_back(builder.getIndexAttr(1));
  }
  offsets[range.axis] = builder.getIndexAttr(range.offset);
  sizes[range.axis] = builder.getIndexAttr(range.size);
  return tensor::ExtractSliceOp::create(builder, loc, value, offsets, sizes,
                                        strides);
}

//===----------------------------------------------------------------------===//
// Slices behind a split channel axis
//===----------------------------------------------------------------------===//

/// extract_slice(expand_shape(x)) on the outermost part of an expanded axis is
/// a range of that axis: expand_shape(extract_slice(x)).
struct SliceBeforeExpand : OpRewritePattern<tensor::ExtractSliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExtractSliceOp slice,
                                PatternRewriter &rewriter) const override {
    auto expand = slice.getSource().getDefiningOp<tensor::ExpandShapeOp>();
    std::optional<Range> range = getRange(slice);
    if (!expand || !range)
      return failure();
    SmallVector<ReassociationIndices> groups = expand.getReassociationIndices();
    ArrayRef<int64_t> shape = expand.getResultType().getShape();
    const auto *group = llvm::find_if(groups, [&](const auto &indices) {
      return llvm::is_contained(indices, range->axis);
    });
    if (group->front() != range->axis)
      return rewriter.notifyMatchFailure(slice, "not of the outermost part");
    int64_t inner = 1;
    for (int64_t axis : ArrayRef(*group).drop_front())
      inner *= shape[axis];
    Range source = {group - groups.begin(), range->offset * inner,
                    range->size * inner};

    llvm::SmallBitVector dropped = slice.getDroppedDims();
    if (dropped.any() && (dropped.count() != 1 || !dropped.test(range->axis)))
      return rewriter.notifyMatchFailure(slice, "drops another axis");
    Value part = extract(rewriter, slice.getLoc(), expand.getSrc(), source);
    SmallVector<int64_t> whole(shape);
    whole[range->axis] = range->size;
    part = tensor::ExpandShapeOp::create(rewriter, slice.getLoc(),
                                         expand.getResultType().clone(whole),
                                         part, groups);
    if (dropped.any())
      part = tensor::CollapseShapeOp::create(
          rewriter, slice.getLoc(), slice.getType(), part,
          *getReassociationIndicesForCollapse(whole,
                                              slice.getType().getShape()));
    rewriter.replaceOp(slice, part);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Layers that are sliced
//===----------------------------------------------------------------------===//

/// The operand of a layer whose channels are those of its result, `axis`, one
/// by one; null where there is none.
Value getSlicedInput(Operation *op, int64_t axis) {
  if (auto neuron = dyn_cast<NeuronOpInterface>(op))
    return neuron->getNumOperands() == 1 && neuron->getNumResults() == 1
               ? neuron.getCurrent()
               : Value();
  if (auto repeat = dyn_cast<RepeatOp>(op))
    return repeat.getInput();
  if (!isa<ScaleShiftOp, MaxPoolOp>(op))
    return {};
  auto layer = cast<ChannelAxisOpInterface>(op);
  int64_t channelAxis =
      layer.isChannelsLast() ? typeOf(op->getResult(0)).getRank() - 1 : 2;
  return axis == channelAxis ? op->getOperand(0) : Value();
}

/// The layers from `value` up to a synapse that computes its channels, axis
/// `axis`; empty where something between does not split by channels or is used
/// elsewhere too.
SmallVector<Operation *> getLayers(Value value, int64_t axis) {
  SmallVector<Operation *> layers;
  while (Operation *op = value.getDefiningOp()) {
    if (!layers.empty() && !value.hasOneUse())
      return {};
    layers.push_back(op);
    if (auto synapse = dyn_cast<SynapseOpInterface>(op)) {
      if (synapse.getNumGroups() == 1 && synapse.getChannelAxis() == axis)
        return layers;
      return {};
    }
    value = getSlicedInput(op, axis);
    if (!value)
      return {};
  }
  return {};
}

/// Computes `range` of the last of `layers` (given last first), slicing weights
/// and per-channel constants.
Value computeRange(ArrayRef<Operation *> layers, Range range) {
  OpBuilder builder(layers.front());
  Range channels = {0, range.offset, range.size};
  IRMapping mapping;
  Value result;
  for (Operation *op : llvm::reverse(layers)) {
    SmallVector<Value> constants;
    if (auto synapse = dyn_cast<SynapseOpInterface>(op)) {
      constants = {synapse.getSynapseWeight()};
      if (synapse.getSynapseBias())
        constants.push_back(synapse.getSynapseBias());
    } else if (auto affine = dyn_cast<ScaleShiftOp>(op)) {
      constants = {affine.getScale(), affine.getShift()};
    }
    for (Value constant : constants)
      if (!mapping.contains(constant))
        mapping.map(constant,
                    extract(builder, op->getLoc(), constant, channels));
    Operation *copy = builder.clone(*op, mapping);
    result = copy->getResult(0);
    SmallVector<int64_t> shape(typeOf(result).getShape());
    shape[range.axis] = range.size;
    result.setType(typeOf(result).clone(shape));
  }
  return result;
}

/// Splits the layers that compute `value` where every use of it is a slice of
/// its channels and no two slices overlap. Returns whether it did. Keeps
/// `sources`, the values still to look at, up to date.
bool split(Value value, llvm::SetVector<Value> &sources) {
  std::map<std::pair<int64_t, int64_t>, SmallVector<tensor::ExtractSliceOp>>
      slices;
  int64_t axis = -1;
  for (Operation *user : value.getUsers()) {
    auto slice = dyn_cast<tensor::ExtractSliceOp>(user);
    std::optional<Range> range;
    if (slice && slice.getType().getRank() == typeOf(value).getRank())
      range = getRange(slice);
    if (!range || (axis >= 0 && axis != range->axis))
      return false;
    axis = range->axis;
    slices[{range->offset, range->size}].push_back(slice);
  }
  int64_t end = 0;
  for (const auto &[range, ops] : slices) {
    // Channels in two slices would be computed twice.
    if (range.first < end)
      return false;
    end = range.first + range.second;
  }
  SmallVector<Operation *> layers = getLayers(value, axis);
  if (layers.empty())
    return false;
  for (const auto &[range, ops] : slices) {
    Value part = computeRange(layers, {axis, range.first, range.second});
    for (tensor::ExtractSliceOp slice : ops) {
      sources.remove(slice.getResult());
      slice.getResult().replaceAllUsesWith(part);
      slice.erase();
    }
    if (llvm::any_of(part.getUsers(), llvm::IsaPred<tensor::ExtractSliceOp>))
      sources.insert(part);
  }
  for (Operation *layer : layers)
    layer->erase();
  return true;
}

struct SplitChannelsPass : spk::impl::SplitChannelsBase<SplitChannelsPass> {
  using Base::Base;

  void runOnOperation() final {
    RewritePatternSet patterns(&getContext());
    patterns.add<SliceBeforeExpand>(&getContext());
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                         &getContext());
    if (failed(applyPatternsGreedily(
            getOperation(), std::move(patterns),
            GreedyRewriteConfig().setRegionSimplificationLevel(
                GreedySimplifyRegionLevel::Disabled))))
      return signalPassFailure();

    llvm::SetVector<Value> sources;
    getOperation()->walk(
        [&](tensor::ExtractSliceOp op) { sources.insert(op.getSource()); });
    while (!sources.empty())
      if (split(sources.pop_back_val(), sources))
        ++numSplit;
  }
};

} // namespace
