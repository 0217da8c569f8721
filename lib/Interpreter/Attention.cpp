//===- Attention.cpp - interpretation of attention cores ------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both orders of the two products are one computation: with A the first product
// and S the spikes that it is multiplied with,
//
//   qk_first  A[n][m] = sum_c Q[n][c] K[m][c]    y[n][c] = sum_m A[n][m]
//   V[m][c] kv_first  A[c][e] = sum_n K[n][c] V[n][e]    y[n][e] = sum_c
//   Q[n][c] A[c][e]
//
// The first product counts, so it is exact. Where the scale follows it, each
// count is scaled with one rounding and the second product is a sum in f32 in
// ascending order from +0; otherwise the second product counts as well and its
// result is scaled with one rounding.
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

/// One head of spikes [T, B, N, C] or [T, B, C, N], copied to [N][d].
class Heads {
public:
  Heads(ArrayRef<int64_t> shape, int64_t heads, TokenLayout layout)
      : isTokenFirst(layout == TokenLayout::TokenFirst),
        tokens(shape[isTokenFirst ? 2 : 3]),
        channels(shape[isTokenFirst ? 3 : 2]), width(channels / heads),
        frames(shape[0] * shape[1]), heads(heads) {}

  /// Where element [token][channel] of a head is.
  int64_t at(int64_t frame, int64_t head, int64_t token, int64_t c) const {
    int64_t channel = head * width + c;
    return frame * tokens * channels + (isTokenFirst
                                            ? token * channels + channel
                                            : channel * tokens + token);
  }

  std::vector<uint8_t> copy(ArrayRef<uint8_t> spikes, int64_t frame,
                            int64_t head) const {
    std::vector<uint8_t> result(tokens * width);
    for (int64_t n = 0; n < tokens; ++n)
      for (int64_t c = 0; c < width; ++c)
        result[n * width + c] = spikes[at(frame, head, n, c)];
    return result;
  }

  bool isTokenFirst;
  int64_t tokens, channels, width, frames, heads;
};

} // namespace

static std::vector<uint8_t> transpose(ArrayRef<uint8_t> matrix, int64_t rows,
                                      int64_t columns) {
  std::vector<uint8_t> result(matrix.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      result[c * rows + r] = matrix[r * columns + c];
  return result;
}

/// result[i][j] = sum_k a[i][k] * b[k][j] for ascending k from +0, where one of
/// the two matrices holds spikes: terms of zeros are left out, or add a +0 that
/// changes nothing.
template <typename Number, typename A, typename B>
static std::vector<Number> multiply(ArrayRef<A> a, ArrayRef<B> b, int64_t rows,
                                    int64_t inner, int64_t columns) {
  std::vector<Number> result(rows * columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t k = 0; k < inner; ++k) {
      A factor = a[i * inner + k];
      if (factor == A(0))
        continue;
      Number *row = &result[i * columns];
      const B *from = &b[k * columns];
      for (int64_t j = 0; j < columns; ++j) {
        if constexpr (std::is_same_v<A, uint8_t>)
          row[j] = row[j] + Number(from[j]);
        else
          row[j] = row[j] + (from[j] ? Number(factor) : Number(0));
      }
    }
  return result;
}

/// Each count scaled, with one rounding.
static std::vector<float> scaled(ArrayRef<int32_t> counts, float scale) {
  std::vector<float> result(counts.size());
  for (auto [value, count] : llvm::zip_equal(result, counts))
    value = static_cast<float>(count) * scale;
  return result;
}

/// The second product, of rows x inner and inner x columns.
template <typename A, typename B>
static std::vector<float> finish(ArrayRef<A> a, ArrayRef<B> b, int64_t rows,
                                 int64_t inner, int64_t columns,
                                 std::optional<float> scale) {
  if (scale)
    return scaled(multiply<int32_t, A, B>(a, b, rows, inner, columns), *scale);
  return multiply<float, A, B>(a, b, rows, inner, columns);
}

static LogicalResult evaluateSSA(SSAOp op, Evaluation &e) {
  Heads heads(e.operand(op.getQuery()).shape, op.getNumHeads(),
              op.getTokenLayout());
  int64_t n = heads.tokens, d = heads.width;
  if (n * d > std::numeric_limits<int32_t>::max())
    return op.emitOpError("counts of ")
           << n << " tokens times " << d << " channels have no interpreter";
  if (op.getSumAttr() && op.getSumAttr().getKind() != SumKind::Sequential &&
      op.getSumAttr().getKind() != SumKind::Exact)
    return op.emitOpError("sum ")
           << op.getSumAttr() << " has no interpreter in attention";
  float scale = op.getScale().convertToFloat();
  bool scalesFirst = op.getScaleAfter() == ScaleAfter::First;
  bool qkFirst = op.getExecutedOrder() == Association::QKFirst;
  MutableArrayRef<float> output = e.out<float>(op.getResult());

  for (int64_t frame = 0; frame < heads.frames; ++frame)
    for (int64_t head = 0; head < heads.heads; ++head) {
      std::vector<uint8_t> q, k, v;
      q = heads.copy(e.in<uint8_t>(op.getQuery()), frame, head);
      k = heads.copy(e.in<uint8_t>(op.getKey()), frame, head);
      v = heads.copy(e.in<uint8_t>(op.getValue()), frame, head);
      std::vector<uint8_t> kT = transpose(k, n, d);
      std::vector<int32_t> counts =
          qkFirst ? multiply<int32_t, uint8_t, uint8_t>(q, kT, n, d, n)
                  : multiply<int32_t, uint8_t, uint8_t>(kT, v, d, n, d);
      std::vector<float> y;
      if (scalesFirst) {
        std::vector<float> a = scaled(counts, scale);
        y = qkFirst ? finish<float, uint8_t>(a, v, n, n, d, std::nullopt)
                    : finish<uint8_t, float>(q, a, n, d, d, std::nullopt);
      } else {
        y = qkFirst ? finish<int32_t, uint8_t>(counts, v, n, n, d, scale)
                    : finish<uint8_t, int32_t>(q, counts, n, d, d, scale);
      }
      for (int64_t token = 0; token < n; ++token)
        for (int64_t c = 0; c < d; ++c)
          output[heads.at(frame, head, token, c)] = y[token * d + c];
    }
  return success();
}

static LogicalResult evaluateAttentionMap(AttentionMapOp op, Evaluation &e) {
  Heads heads(e.operand(op.getQuery()).shape, op.getNumHeads(),
              op.getTokenLayout());
  int64_t n = heads.tokens, d = heads.width;
  float scale = op.getScale().convertToFloat();
  float *output = e.out<float>(op.getResult()).data();
  for (int64_t frame = 0; frame < heads.frames; ++frame)
    for (int64_t head = 0; head < heads.heads; ++head) {
      std::vector<uint8_t> q, k;
      q = heads.copy(e.in<uint8_t>(op.getQuery()), frame, head);
      k = heads.copy(e.in<uint8_t>(op.getKey()), frame, head);
      std::vector<float> map = scaled(
          multiply<int32_t, uint8_t, uint8_t>(q, transpose(k, n, d), n, d, n),
          scale);
      output = std::copy(map.begin(), map.end(), output);
    }
  return success();
}

/// Calls `body(i, j)` for every element i of a tensor of `shape` and the
/// element j of one of `other` that it corresponds to: along every axis each
/// index of `other` stands for a run of neighbours.
static void forEachPair(ArrayRef<int64_t> shape, ArrayRef<int64_t> other,
                        llvm::function_ref<void(int64_t, int64_t)> body) {
  SmallVector<int64_t> index(shape.size());
  int64_t count = *countElements(shape);
  for (int64_t i = 0; i < count; ++i) {
    int64_t j = 0;
    for (auto [position, size, otherSize] : llvm::zip(index, shape, other))
      j = j * otherSize + position / (size / otherSize);
    body(i, j);
    for (int64_t axis = shape.size() - 1;
         axis >= 0 && ++index[axis] == shape[axis]; --axis)
      index[axis] = 0;
  }
}

static LogicalResult evaluateCount(CountOp op, Evaluation &e) {
  ArrayRef<uint8_t> input = e.in<uint8_t>(op.getInput());
  MutableArrayRef<float> output = e.out<float>(op.getResult());
  forEachPair(e.operand(op.getInput()).shape, e.result(op.getResult()).shape,
              [&](int64_t i, int64_t j) { output[j] += input[i]; });
  return success();
}

static LogicalResult evaluateGate(GateOp op, Evaluation &e) {
  ArrayRef<uint8_t> input = e.in<uint8_t>(op.getInput());
  ArrayRef<uint8_t> mask = e.in<uint8_t>(op.getMask());
  MutableArrayRef<uint8_t> output = e.out<uint8_t>(op.getResult());
  forEachPair(e.operand(op.getInput()).shape, e.operand(op.getMask()).shape,
              [&](int64_t i, int64_t j) { output[i] = input[i] & mask[j]; });
  return success();
}

void spk::addAttentionHandlers(HandlerTable &table) {
  table.add<CountOp, evaluateCount>();
  table.add<GateOp, evaluateGate>();
  table.add<SSAOp, evaluateSSA>();
  table.add<AttentionMapOp, evaluateAttentionMap>();
}
