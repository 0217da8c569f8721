//===- TransposePatterns.cpp - moving transposes
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TransposePatterns.h"
#include "RetypeActivations.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

using namespace mlir;
using namespace mlir::spk;
using linalg::TransposeOp;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

RankedTensorType spk::getPermutedType(RankedTensorType type,
                                      ArrayRef<int64_t> permutation) {
  return type.clone(applyPermutation(type.getShape(), permutation));
}

Value spk::createTranspose(OpBuilder &builder, Location loc, Value value,
                           ArrayRef<int64_t> permutation) {
  RankedTensorType type = getPermutedType(typeOf(value), permutation);
  Value init = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                       type.getElementType());
  return TransposeOp::create(builder, loc, value, init, permutation)
      ->getResult(0);
}

Value spk::getTranspose(OpBuilder &builder, Location loc, Value value,
                        ArrayRef<int64_t> permutation) {
  Block::iterator point = builder.getInsertionPoint();
  for (Operation *user : value.getUsers())
    if (auto transpose = dyn_cast<TransposeOp>(user))
      if (transpose.getInput() == value &&
          transpose.getPermutation() == permutation &&
          user->getBlock() == builder.getInsertionBlock() &&
          (point == user->getBlock()->end() || user->isBeforeInBlock(&*point)))
        return user->getResult(0);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfterValue(value);
  return createTranspose(builder, loc, value, permutation);
}

namespace {

/// The transpose of a statically shaped tensor that makes `value`, or null.
TransposeOp getTransposeOf(Value value) {
  auto transpose = value.getDefiningOp<TransposeOp>();
  return transpose && typeOf(value).hasStaticShape() ? transpose
                                                     : TransposeOp();
}

/// transpose(transpose(x, p), q) is transpose(x, p[q]).
struct ComposeTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    TransposeOp inner = getTransposeOf(op.getInput());
    if (!inner)
      return failure();
    rewriter.replaceOp(op,
                       createTranspose(rewriter, op.getLoc(), inner.getInput(),
                                       applyPermutation(inner.getPermutation(),
                                                        op.getPermutation())));
    return success();
  }
};

/// Ops that do the same to every element, whatever the order of the axes (time
/// first for neurons and repetitions), and concatenations.
bool ignoresAxes(Operation *op) {
  return isa<NeuronOpInterface, AddOp, GateOp, RepeatOp, tensor::ConcatOp>(
             op) ||
         (mlir::OpTrait::hasElementwiseMappableTraits(op) &&
          isMemoryEffectFree(op) && op->getNumResults() == 1 &&
          isa<RankedTensorType>(op->getResult(0).getType()));
}

/// Whether `value` comes from arguments, weights and constants without a layer
/// between: a transpose of it may as well stand there.
bool isFromOutside(Value value) {
  constexpr size_t kMaxOps = 64;
  SmallVector<Value> worklist = {value};
  for (size_t i = 0; i < worklist.size(); ++i) {
    Operation *op = worklist[i].getDefiningOp();
    if (!op || op->getNumOperands() == 0)
      continue;
    if (i >= kMaxOps ||
        !(ignoresAxes(op) ||
          isa<TransposeOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp,
              tensor::ExtractSliceOp>(op)))
      return false;
    llvm::append_range(worklist, op->getOperands());
  }
  return true;
}

/// Moves a transpose of an operand of an elementwise op, join, neuron,
/// repetition or concatenation behind it. Other operands get the inverse
/// transpose where they are neither transposed alike nor splats; that is only
/// done between a value that a layer computes and values from outside, so that
/// it comes to an end.
struct SinkThroughElementwise : RewritePattern {
  SinkThroughElementwise(MLIRContext *context, PatternBenefit benefit)
      : RewritePattern(MatchAnyOpTypeTag(), benefit, context) {}

  /// Whether `value` needs no new transpose to undo `permutation`.
  static bool isFree(Value value, ArrayRef<int64_t> permutation) {
    if (!isa<RankedTensorType>(value.getType()) ||
        matchPattern(value, m_Constant<SplatElementsAttr>(nullptr)))
      return true;
    TransposeOp transpose = getTransposeOf(value);
    return transpose && transpose.getPermutation() == permutation;
  }

  static bool canSink(Operation *op, TransposeOp transpose) {
    auto neuron = dyn_cast<NeuronOpInterface>(op);
    if (neuron && neuron.getCurrent() != transpose->getResult(0))
      return false;
    if (transpose.getPermutation().front() != 0 &&
        (neuron || isa<RepeatOp>(op)))
      return false;
    return llvm::all_of(op->getOperands(), [&](Value other) {
      return isFree(other, transpose.getPermutation()) ||
             (neuron && other != neuron.getCurrent()) ||
             (isFromOutside(other) && !isFromOutside(transpose.getInput()));
    });
  }

  static Value undo(Value value, ArrayRef<int64_t> permutation, Operation *op,
                    PatternRewriter &rewriter) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type)
      return value;
    SmallVector<int64_t> inverse = invertPermutationVector(permutation);
    SplatElementsAttr splat;
    if (matchPattern(value, m_Constant(&splat)))
      return arith::ConstantOp::create(
          rewriter, op->getLoc(),
          splat.resizeSplat(getPermutedType(type, inverse)));
    TransposeOp transpose = getTransposeOf(value);
    if (transpose && transpose.getPermutation() == permutation)
      return transpose.getInput();
    return getTranspose(rewriter, op->getLoc(), value, inverse);
  }

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!ignoresAxes(op))
      return failure();
    for (Value operand : op->getOperands()) {
      TransposeOp transpose = getTransposeOf(operand);
      if (!transpose || !canSink(op, transpose))
        continue;
      SmallVector<int64_t> permutation(transpose.getPermutation());
      SmallVector<Value> operands;
      for (Value other : op->getOperands())
        operands.push_back(undo(other, permutation, op, rewriter));
      Operation *copy = rewriter.clone(*op);
      copy->setOperands(operands);
      if (auto concat = dyn_cast<tensor::ConcatOp>(copy))
        concat.setDim(permutation[concat.getDim()]);
      SmallVector<Value> results;
      for (Value result : copy->getResults()) {
        result.setType(getPermutedType(typeOf(result),
                                       invertPermutationVector(permutation)));
        results.push_back(
            createTranspose(rewriter, op->getLoc(), result, permutation));
      }
      rewriter.replaceOp(op, results);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no transpose to move");
  }
};

/// mean(transpose(x)) is transpose(mean(x)) where the order of the sum stays.
struct SinkThroughMean : OpRewritePattern<MeanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MeanOp op,
                                PatternRewriter &rewriter) const override {
    TransposeOp transpose = getTransposeOf(op.getInput());
    if (!transpose)
      return failure();
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    SmallVector<int64_t> axes;
    for (int64_t axis : op.getAxes())
      axes.push_back(permutation[axis]);
    if (!llvm::is_sorted(axes))
      return rewriter.notifyMatchFailure(op, "would sum in another order");
    RankedTensorType type =
        getPermutedType(cast<RankedTensorType>(op.getType()),
                        invertPermutationVector(permutation));
    Value mean =
        MeanOp::create(rewriter, op.getLoc(), type, transpose.getInput(), axes);
    rewriter.replaceOp(
        op, createTranspose(rewriter, op.getLoc(), mean, permutation));
    return success();
  }
};

/// count(transpose(x)) is transpose(count(x)).
struct SinkThroughCount : OpRewritePattern<CountOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CountOp op,
                                PatternRewriter &rewriter) const override {
    TransposeOp transpose = getTransposeOf(op.getInput());
    if (!transpose)
      return failure();
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    SmallVector<int64_t> axes;
    for (int64_t axis : op.getAxes())
      axes.push_back(permutation[axis]);
    llvm::sort(axes);
    if (axes.front() < 2)
      return rewriter.notifyMatchFailure(op, "would count over time or batch");
    RankedTensorType type =
        getPermutedType(cast<RankedTensorType>(op.getType()),
                        invertPermutationVector(permutation));
    Value count = CountOp::create(rewriter, op.getLoc(), type,
                                  transpose.getInput(), axes, op.getGroups());
    rewriter.replaceOp(
        op, createTranspose(rewriter, op.getLoc(), count, permutation));
    return success();
  }
};

/// collapse(transpose(x)) is transpose(collapse(x)) where each group's axes,
/// those of size 1 aside, stand side by side and in order in x too.
struct SinkThroughCollapse : OpRewritePattern<tensor::CollapseShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::CollapseShapeOp op,
                                PatternRewriter &rewriter) const override {
    TransposeOp transpose = getTransposeOf(op.getSrc());
    if (!transpose || op.getReassociationIndices().empty())
      return failure();
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    ArrayRef<int64_t> shape = typeOf(transpose.getInput()).getShape();

    // The group of each axis of x; axes of size 1 go with their neighbours,
    // save one for each group that has no other axis.
    SmallVector<int64_t> owner(shape.size(), -1);
    for (auto [index, group] : llvm::enumerate(op.getReassociationIndices())) {
      int64_t previous = -1;
      for (int64_t axis : group) {
        if (shape[permutation[axis]] == 1)
          continue;
        if (permutation[axis] < previous)
          return rewriter.notifyMatchFailure(op, "axes change their order");
        previous = permutation[axis];
        owner[previous] = index;
      }
      if (previous < 0)
        owner[permutation[group.front()]] = index;
    }
    SmallVector<int64_t> groupOrder;
    SmallVector<ReassociationIndices> groups;
    for (auto [axis, index] : llvm::enumerate(owner)) {
      bool joins = groups.empty() ? false
                                  : index < 0 || groupOrder.back() < 0 ||
                                        index == groupOrder.back();
      if (!joins) {
        if (llvm::is_contained(groupOrder, index))
          return rewriter.notifyMatchFailure(op, "axes of a group apart");
        groups.emplace_back();
        groupOrder.push_back(index);
      }
      if (groupOrder.back() < 0)
        groupOrder.back() = index;
      groups.back().push_back(axis);
    }
    Value collapsed = tensor::CollapseShapeOp::create(
        rewriter, op.getLoc(), transpose.getInput(), groups);
    rewriter.replaceOp(op,
                       createTranspose(rewriter, op.getLoc(), collapsed,
                                       invertPermutationVector(groupOrder)));
    return success();
  }
};

/// expand(transpose(x)) is transpose(expand(x)).
struct SinkThroughExpand : OpRewritePattern<tensor::ExpandShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExpandShapeOp op,
                                PatternRewriter &rewriter) const override {
    TransposeOp transpose = getTransposeOf(op.getSrc());
    if (!transpose || op.getReassociationIndices().empty())
      return failure();
    SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
    ArrayRef<int64_t> shape = op.getResultType().getShape();
    // Axis of the result in the expanded x -> axis of the result.
    SmallVector<int64_t> axes;
    SmallVector<ReassociationIndices> inputGroups;
    for (int64_t axis : invertPermutationVector(transpose.getPermutation())) {
      inputGroups.emplace_back();
      for (int64_t part : groups[axis]) {
        inputGroups.back().push_back(axes.size());
        axes.push_back(part);
      }
    }
    Value expanded = tensor::ExpandShapeOp::create(
        rewriter, op.getLoc(),
        op.getResultType().clone(applyPermutation(shape, axes)),
        transpose.getInput(), inputGroups);
    rewriter.replaceOp(op, createTranspose(rewriter, op.getLoc(), expanded,
                                           invertPermutationVector(axes)));
    return success();
  }
};

/// neuron(expand(x)) is expand(neuron(x)) where channels are split, as a map is
/// into its heads: the neuron then stands behind what computes x, and packs
/// whole words.
struct SinkExpandThroughNeuron : OpInterfaceRewritePattern<NeuronOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(NeuronOpInterface neuron,
                                PatternRewriter &rewriter) const override {
    auto expand = neuron.getCurrent().getDefiningOp<tensor::ExpandShapeOp>();
    if (!expand || !neuron.getStates().empty() ||
        !neuron.getStatesOut().empty())
      return failure();
    SmallVector<ReassociationIndices> groups = expand.getReassociationIndices();
    if (groups.size() < 3 || groups[0].size() > 1 || groups[1].size() > 1 ||
        groups.back().size() < 2)
      return rewriter.notifyMatchFailure(neuron, "splits no channels");
    NeuronOpInterface inner = rebuildNeuron(
        rewriter, neuron, expand.getSrc(), /*initialStates=*/{},
        /*finalStates=*/false, /*membrane=*/neuron.getCharged() != nullptr);
    SmallVector<Value> results;
    for (auto [old, value] :
         llvm::zip_equal(neuron->getResults(), inner->getResults()))
      results.push_back(tensor::ExpandShapeOp::create(
          rewriter, neuron->getLoc(), old.getType(), value, groups));
    rewriter.replaceOp(neuron, results);
    return success();
  }
};

/// extract_slice(transpose(x)) is transpose(extract_slice(x)).
struct SinkThroughSlice : OpRewritePattern<tensor::ExtractSliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExtractSliceOp op,
                                PatternRewriter &rewriter) const override {
    TransposeOp transpose = getTransposeOf(op.getSource());
    if (!transpose || !op.getType().hasStaticShape())
      return failure();
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    SmallVector<int64_t> inverse = invertPermutationVector(permutation);
    auto slice = tensor::ExtractSliceOp::create(
        rewriter, op.getLoc(), transpose.getInput(),
        applyPermutation(op.getMixedOffsets(), inverse),
        applyPermutation(op.getMixedSizes(), inverse),
        applyPermutation(op.getMixedStrides(), inverse));
    Value result = createTranspose(rewriter, op.getLoc(), slice, permutation);
    if (result.getType() != op.getType())
      result = tensor::CollapseShapeOp::create(
          rewriter, op.getLoc(), op.getType(), result,
          *getReassociationIndicesForCollapse(typeOf(result).getShape(),
                                              op.getType().getShape()));
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

void spk::populateComposeTransposesPatterns(RewritePatternSet &patterns,
                                            PatternBenefit benefit) {
  patterns.add<ComposeTransposes>(patterns.getContext(), benefit);
}

void spk::populateSinkTransposesPatterns(RewritePatternSet &patterns,
                                         PatternBenefit benefit) {
  patterns.add<SinkThroughElementwise, SinkThroughMean, SinkThroughCount,
               SinkThroughCollapse, SinkThroughExpand, SinkThroughSlice,
               SinkExpandThroughNeuron>(patterns.getContext(), benefit);
}
