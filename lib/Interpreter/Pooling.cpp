//===- Pooling.cpp - interpretation of pools and means --------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace mlir::spk;

/// The larger number; NaN if either is, and +0 above -0, so that the result
/// does not depend on the order in which a window is read.
template <typename T>
static T maximum(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b))
      return std::isnan(a) ? a : b;
    if (a == b)
      return std::signbit(a) ? b : a;
  }
  return a > b ? a : b;
}

/// What a window has that lies outside the input: dilated ones may.
template <typename T>
static T largestOfNone() {
  if constexpr (std::is_floating_point_v<T>)
    return -std::numeric_limits<T>::infinity();
  return T(0);
}

template <typename T>
static void pool(MaxPoolOp op, ArrayRef<int64_t> inShape,
                 ArrayRef<int64_t> outShape, ArrayRef<T> input,
                 MutableArrayRef<T> output) {
  bool last = op.getLayout() == Layout::ChannelsLast;
  int64_t rowAxis = last ? 2 : 3, channels = inShape[last ? 4 : 2];
  int64_t height = inShape[rowAxis], width = inShape[rowAxis + 1];
  int64_t outHeight = outShape[rowAxis], outWidth = outShape[rowAxis + 1];
  ArrayRef<int64_t> kernel = op.getKernel(), strides = op.getStrides(),
                    padding = op.getPadding(), dilation = op.getDilation();
  auto at = [&](int64_t frame, int64_t c, int64_t y, int64_t x, int64_t h,
                int64_t w) {
    return last ? ((frame * h + y) * w + x) * channels + c
                : ((frame * channels + c) * h + y) * w + x;
  };
  for (int64_t frame = 0; frame < inShape[0] * inShape[1]; ++frame)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t y = 0; y < outHeight; ++y)
        for (int64_t x = 0; x < outWidth; ++x) {
          std::optional<T> best;
          for (int64_t kh = 0; kh < kernel[0]; ++kh)
            for (int64_t kw = 0; kw < kernel[1]; ++kw) {
              int64_t row = y * strides[0] + kh * dilation[0] - padding[0];
              int64_t column = x * strides[1] + kw * dilation[1] - padding[1];
              if (row < 0 || row >= height || column < 0 || column >= width)
                continue;
              T value = input[at(frame, c, row, column, height, width)];
              best = best ? maximum(*best, value) : value;
            }
          output[at(frame, c, y, x, outHeight, outWidth)] =
              best.value_or(largestOfNone<T>());
        }
}

static LogicalResult evaluateMaxPool(MaxPoolOp op, Evaluation &e) {
  const TensorValue &input = e.operand(op.getInput());
  TensorValue &result = e.result(op.getResult());
  visitElementKind(input.kind, [&](auto zero) {
    using T = decltype(zero);
    pool<T>(op, input.shape, result.shape, input.get<T>(),
            result.getMutable<T>());
  });
  return success();
}

/// For every element of `shape` in row-major order, the element of the result
/// with size 1 along `axes` that it is reduced to.
static SmallVector<int64_t> getReducedStrides(ArrayRef<int64_t> shape,
                                              ArrayRef<int64_t> axes) {
  SmallVector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (int64_t axis = shape.size() - 1; axis >= 0; --axis) {
    if (llvm::is_contained(axes, axis))
      continue;
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

static LogicalResult evaluateMean(MeanOp op, Evaluation &e) {
  const TensorValue &input = e.operand(op.getInput());
  MutableArrayRef<float> output = e.out<float>(op.getResult());
  ArrayRef<int64_t> shape = input.shape;
  SmallVector<int64_t> strides = getReducedStrides(shape, op.getAxes());
  int64_t reduced = 1;
  for (int64_t axis : op.getAxes())
    reduced *= shape[axis];
  visitElementKind(input.kind, [&](auto zero) {
    using T = decltype(zero);
    // Reading the input once from front to back reaches the elements of every
    // mean in ascending order.
    SmallVector<int64_t> index(shape.size());
    for (T value : input.get<T>()) {
      float &sum = output[std::inner_product(index.begin(), index.end(),
                                             strides.begin(), int64_t(0))];
      sum = sum + static_cast<float>(value);
      for (int64_t axis = shape.size() - 1;
           axis >= 0 && ++index[axis] == shape[axis]; --axis)
        index[axis] = 0;
    }
  });
  for (float &value : output)
    value = value / static_cast<float>(reduced);
  return success();
}

void spk::addPoolingHandlers(HandlerTable &table) {
  table.add<MaxPoolOp, evaluateMaxPool>();
  table.add<MeanOp, evaluateMean>();
}
