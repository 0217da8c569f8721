//===- Shapes.cpp - interpretation of ops that move elements --------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every op here copies elements between a dense tensor and a view of another
// one: an offset and a stride for each axis, in elements.
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

struct View {
  int64_t offset = 0;
  SmallVector<int64_t> strides;
};

} // namespace

/// Calls `function(i, j)` for the elements of `shape` in row-major order, i
/// counting them and j being where they are in `view`.
template <typename Function>
static void forEachElement(ArrayRef<int64_t> shape, const View &view,
                           Function &&function) {
  int64_t count = *countElements(shape), at = view.offset;
  SmallVector<int64_t> index(shape.size());
  for (int64_t i = 0; i < count; ++i) {
    function(i, at);
    for (int64_t axis = shape.size() - 1; axis >= 0; --axis) {
      at += view.strides[axis];
      if (++index[axis] < shape[axis])
        break;
      at -= index[axis] * view.strides[axis];
      index[axis] = 0;
    }
  }
}

/// Reads `result` from a view of `source`.
static void gather(const TensorValue &source, const View &view,
                   TensorValue &result) {
  visitElementKind(source.kind, [&](auto zero) {
    using T = decltype(zero);
    ArrayRef<T> from = source.get<T>();
    MutableArrayRef<T> to = result.getMutable<T>();
    forEachElement(result.shape, view,
                   [&](int64_t i, int64_t j) { to[i] = from[j]; });
  });
}

/// Writes `source` to a view of `result`.
static void scatter(const TensorValue &source, const View &view,
                    TensorValue &result) {
  visitElementKind(source.kind, [&](auto zero) {
    using T = decltype(zero);
    ArrayRef<T> from = source.get<T>();
    MutableArrayRef<T> to = result.getMutable<T>();
    forEachElement(source.shape, view,
                   [&](int64_t i, int64_t j) { to[j] = from[i]; });
  });
}

static SmallVector<int64_t> getStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t axis = static_cast<int64_t>(shape.size()) - 2; axis >= 0; --axis)
    strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/// The same elements in the shape of the result.
template <typename OpTy>
static LogicalResult evaluateReshape(OpTy op, Evaluation &e) {
  TensorValue &result = e.result(op->getResult(0));
  result = e.operands[0].withShape(result.shape);
  return success();
}

static LogicalResult evaluateEmpty(tensor::EmptyOp, Evaluation &) {
  return success(); // Zeros, which nothing should read.
}

/// The part of a tensor of `shape` that a slice op names. Axes that the slice
/// drops are left out.
template <typename OpTy>
static FailureOr<View> getSlice(OpTy op, ArrayRef<int64_t> shape,
                                const llvm::SmallBitVector &dropped) {
  ArrayRef<int64_t> offsets = op.getStaticOffsets(),
                    sizes = op.getStaticSizes(),
                    strides = op.getStaticStrides();
  auto isDynamic = [](int64_t size) { return ShapedType::isDynamic(size); };
  if (llvm::any_of(offsets, isDynamic) || llvm::any_of(sizes, isDynamic) ||
      llvm::any_of(strides, isDynamic))
    return op.emitOpError("slice that is not static has no interpreter");
  View view;
  for (auto [axis, stride] : llvm::enumerate(getStrides(shape))) {
    int64_t last = offsets[axis] + (sizes[axis] - 1) * strides[axis];
    if (sizes[axis] > 0 && (std::min(offsets[axis], last) < 0 ||
                            std::max(offsets[axis], last) >= shape[axis]))
      return op.emitOpError("slice must lie inside of the tensor, axis ")
             << axis << " does not";
    view.offset += offsets[axis] * stride;
    if (!dropped.test(axis))
      view.strides.push_back(strides[axis] * stride);
  }
  return view;
}

static LogicalResult evaluateExtractSlice(tensor::ExtractSliceOp op,
                                          Evaluation &e) {
  const TensorValue &source = e.operand(op.getSource());
  FailureOr<View> view = getSlice(op, source.shape, op.getDroppedDims());
  if (failed(view))
    return failure();
  gather(source, *view, e.result(op.getResult()));
  return success();
}

static LogicalResult evaluateInsertSlice(tensor::InsertSliceOp op,
                                         Evaluation &e) {
  const TensorValue &dest = e.operand(op.getDest());
  FailureOr<View> view = getSlice(op, dest.shape, op.getDroppedDims());
  if (failed(view))
    return failure();
  TensorValue &result = e.result(op.getResult());
  std::copy_n(dest.bytes.get(), dest.getNumBytes(), result.bytes.get());
  scatter(e.operand(op.getSource()), *view, result);
  return success();
}

static LogicalResult evaluateConcat(tensor::ConcatOp op, Evaluation &e) {
  TensorValue &result = e.result(op.getResult());
  View view{0, getStrides(result.shape)};
  int64_t axis = op.getDim();
  for (const TensorValue &input : e.operands) {
    scatter(input, view, result);
    view.offset += input.shape[axis] * view.strides[axis];
  }
  return success();
}

static LogicalResult evaluateTranspose(linalg::TransposeOp op, Evaluation &e) {
  const TensorValue &input = e.operand(op.getInput());
  SmallVector<int64_t> strides = getStrides(input.shape);
  View view;
  for (int64_t axis : op.getPermutation())
    view.strides.push_back(strides[axis]);
  gather(input, view, e.result(op->getResult(0)));
  return success();
}

static LogicalResult evaluateBroadcast(linalg::BroadcastOp op, Evaluation &e) {
  const TensorValue &input = e.operand(op.getInput());
  TensorValue &result = e.result(op->getResult(0));
  SmallVector<int64_t> strides = getStrides(input.shape);
  View view;
  int64_t axis = 0;
  for (int64_t d = 0, rank = result.shape.size(); d < rank; ++d)
    view.strides.push_back(
        llvm::is_contained(op.getDimensions(), d) ? 0 : strides[axis++]);
  gather(input, view, result);
  return success();
}

static LogicalResult evaluateRepeat(RepeatOp op, Evaluation &e) {
  const TensorValue &input = e.operand(op.getInput());
  View view{0, getStrides(input.shape)};
  view.strides[0] = 0;
  gather(input, view, e.result(op.getResult()));
  return success();
}

void spk::addShapeHandlers(HandlerTable &table) {
  table.add<tensor::CastOp, evaluateReshape<tensor::CastOp>>();
  table
      .add<tensor::CollapseShapeOp, evaluateReshape<tensor::CollapseShapeOp>>();
  table.add<tensor::ConcatOp, evaluateConcat>();
  table.add<tensor::EmptyOp, evaluateEmpty>();
  table.add<tensor::ExpandShapeOp, evaluateReshape<tensor::ExpandShapeOp>>();
  table.add<tensor::ExtractSliceOp, evaluateExtractSlice>();
  table.add<tensor::InsertSliceOp, evaluateInsertSlice>();
  table.add<linalg::BroadcastOp, evaluateBroadcast>();
  table.add<linalg::TransposeOp, evaluateTranspose>();
  table.add<RepeatOp, evaluateRepeat>();
}
