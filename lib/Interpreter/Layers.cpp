//===- Layers.cpp - interpretation of norms, joins and fused layers -------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"
#include <cmath>

using namespace mlir;
using namespace mlir::spk;

//===----------------------------------------------------------------------===//
// Batch norm
//===----------------------------------------------------------------------===//

/// scale = gamma / sqrt(var + eps) and shift = beta - mean * scale + bias *
/// scale, in float64 and rounded once.
static LogicalResult foldBatchNorm(Operation *op, ArrayRef<float> gamma,
                                   ArrayRef<float> beta, ArrayRef<float> mean,
                                   ArrayRef<float> variance,
                                   ArrayRef<float> bias, double eps,
                                   MutableArrayRef<float> scale,
                                   MutableArrayRef<float> shift) {
  for (size_t c = 0; c < gamma.size(); ++c) {
    double s = gamma[c] / std::sqrt(variance[c] + eps);
    double b = beta[c] - mean[c] * s;
    if (!bias.empty())
      b = b + bias[c] * s;
    scale[c] = static_cast<float>(s);
    shift[c] = static_cast<float>(b);
    if (!std::isfinite(scale[c]) || !std::isfinite(shift[c]))
      return op->emitOpError("scale and shift must be finite, channel ")
             << c << " has variance " << variance[c] << " and gives "
             << scale[c] << " and " << shift[c];
  }
  return success();
}

/// y = rn(rn(x * scale[c]) + shift[c]).
static void scaleAndShift(const TensorValue &input, Layout layout,
                          ArrayRef<float> scale, ArrayRef<float> shift,
                          MutableArrayRef<float> output) {
  int64_t inner = layout == Layout::ChannelsLast
                      ? 1
                      : *countElements(ArrayRef(input.shape).drop_front(3));
  for (auto [i, x] : llvm::enumerate(input.get<float>())) {
    int64_t c = i / inner % scale.size();
    float product = x * scale[c];
    output[i] = product + shift[c];
  }
}

static LogicalResult evaluateBatchNorm(BatchNormOp op, Evaluation &e) {
  ArrayRef<float> gamma = e.in<float>(op.getGamma());
  std::vector<float> scale(gamma.size()), shift(gamma.size());
  if (failed(foldBatchNorm(op, gamma, e.in<float>(op.getBeta()),
                           e.in<float>(op.getMean()),
                           e.in<float>(op.getVariance()), /*bias=*/{},
                           op.getEps().convertToDouble(), scale, shift)))
    return failure();
  scaleAndShift(e.operand(op.getInput()), op.getLayout(), scale, shift,
                e.out<float>(op.getResult()));
  return success();
}

static LogicalResult evaluateFoldBatchNorm(FoldBatchNormOp op, Evaluation &e) {
  ArrayRef<float> bias;
  if (op.getBias())
    bias = e.in<float>(op.getBias());
  return foldBatchNorm(
      op, e.in<float>(op.getGamma()), e.in<float>(op.getBeta()),
      e.in<float>(op.getMean()), e.in<float>(op.getVariance()), bias,
      op.getEps().convertToDouble(), e.out<float>(op.getScale()),
      e.out<float>(op.getShift()));
}

static LogicalResult evaluateScaleShift(ScaleShiftOp op, Evaluation &e) {
  scaleAndShift(e.operand(op.getInput()), op.getLayout(),
                e.in<float>(op.getScale()), e.in<float>(op.getShift()),
                e.out<float>(op.getResult()));
  return success();
}

//===----------------------------------------------------------------------===//
// Residual join
//===----------------------------------------------------------------------===//

static std::vector<int64_t> getIntegers(const TensorValue &value) {
  return visitElementKind(value.kind, [&](auto zero) {
    ArrayRef<decltype(zero)> elements = value.get<decltype(zero)>();
    return std::vector<int64_t>(elements.begin(), elements.end());
  });
}

static LogicalResult evaluateAdd(AddOp op, Evaluation &e) {
  std::vector<int64_t> lhs = getIntegers(e.operand(op.getLhs()));
  std::vector<int64_t> rhs = getIntegers(e.operand(op.getRhs()));
  TensorValue &result = e.result(op.getResult());
  return visitElementKind(result.kind, [&](auto zero) -> LogicalResult {
    using T = decltype(zero);
    for (auto [out, a, b] : llvm::zip_equal(result.getMutable<T>(), lhs, rhs)) {
      out = static_cast<T>(a + b);
      if (static_cast<int64_t>(out) != a + b)
        return op.emitOpError("sum ")
               << a + b << " does not fit "
               << getElementTypeOrSelf(op.getResult().getType());
    }
    return success();
  });
}

//===----------------------------------------------------------------------===//
// Fused layers and packed storage
//===----------------------------------------------------------------------===//

static LogicalResult evaluateFused(FusedOp op, Evaluation &e) {
  FailureOr<SmallVector<TensorValue>> results =
      e.interpreter.run(op.getBody().front(), e.operands);
  if (failed(results))
    return failure();
  llvm::copy(*results, e.results.begin());
  return success();
}

/// Changes between one element of a byte and one of a bit, which are the same
/// here.
static LogicalResult evaluateStorage(Operation *op, Evaluation &e,
                                     Type packedType) {
  TensorValue &result = e.results.front();
  ElementKind kind = result.kind;
  result = e.operands.front();
  result.kind = kind;
  // What the storage cannot hold must not be there.
  auto packed = cast<PackedAttr>(getSpikeEncoding(packedType));
  for (int64_t value : getIntegers(result))
    if (value < 0 || getNumPlanes(value) > packed.getPlanes())
      return op->emitOpError("value ")
             << value << " does not fit " << packed.getPlanes()
             << (packed.getPlanes() == 1 ? " plane" : " planes");
  return success();
}

static LogicalResult evaluatePack(PackOp op, Evaluation &e) {
  return evaluateStorage(op, e, op.getResult().getType());
}

static LogicalResult evaluateUnpack(UnpackOp op, Evaluation &e) {
  return evaluateStorage(op, e, op.getInput().getType());
}

void spk::addLayerHandlers(HandlerTable &table) {
  table.add<AddOp, evaluateAdd>();
  table.add<BatchNormOp, evaluateBatchNorm>();
  table.add<FoldBatchNormOp, evaluateFoldBatchNorm>();
  table.add<FusedOp, evaluateFused>();
  table.add<PackOp, evaluatePack>();
  table.add<ScaleShiftOp, evaluateScaleShift>();
  table.add<UnpackOp, evaluateUnpack>();
}
