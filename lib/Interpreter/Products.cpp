//===- Products.cpp - interpretation of float attention -------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"
#include "NumberArithmetic.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::spk;

/// Elements as f32, whatever their type.
static std::vector<float> getNumbers(const TensorValue &value) {
  return visitElementKind(value.kind, [&](auto zero) {
    ArrayRef<decltype(zero)> elements = value.get<decltype(zero)>();
    return std::vector<float>(elements.begin(), elements.end());
  });
}

static LogicalResult evaluateMatmul(MatmulOp op, Evaluation &e) {
  const TensorValue &left = e.operand(op.getRows());
  const TensorValue &right = e.operand(op.getColumns());
  std::vector<float> rows = getNumbers(left), columns = getNumbers(right);
  bool isFused = op.getSumKind() == SumKind::FMA;
  bool skipsRows = left.kind != ElementKind::F32;
  int64_t heads = op.getNumHeads(), terms = op.getNumTerms();
  int64_t width = op.getHeadWidth(), queries = left.shape[2];
  int64_t frames = left.shape[0] * left.shape[1];
  MutableArrayRef<float> output = e.out<float>(op.getResult());
  for (int64_t row = 0; row < frames * queries; ++row)
    for (int64_t h = 0; h < heads; ++h) {
      const float *x = &rows[(row * heads + h) * terms];
      float *y = &output[(row * heads + h) * width];
      for (int64_t k = 0; k < terms; ++k) {
        const float *w =
            &columns[((row / queries * terms + k) * heads + h) * width];
        for (int64_t j = 0; j < width; ++j) {
          if (isFused) {
            y[j] = std::fma(x[k], w[j], y[j]);
          } else if ((skipsRows ? x[k] : w[j]) != 0.0f) {
            float product = x[k] * w[j];
            y[j] = y[j] + product;
          }
        }
      }
      for (int64_t j = 0; j < width; ++j)
        y[j] = y[j] + 0.0f;
    }
  return success();
}

/// Softmax of `count` elements, `stride` apart.
static void softmax(const float *x, float *y, int64_t count, int64_t stride) {
  NumberArithmetic arithmetic;
  APFloat largest = APFloat::getInf(APFloat::IEEEsingle(), /*Negative=*/true);
  for (int64_t i = 0; i < count; ++i)
    largest = llvm::maximum(largest, APFloat(x[i * stride]));
  NeuronValue peak = arithmetic.constant(largest.convertToFloat());
  float sum = 0.0f;
  for (int64_t i = 0; i < count; ++i) {
    y[i * stride] =
        exponential(arithmetic,
                    arithmetic.sub(arithmetic.constant(x[i * stride]), peak))
            .number;
    sum = sum + y[i * stride];
  }
  for (int64_t i = 0; i < count; ++i)
    y[i * stride] = y[i * stride] / sum;
}

static LogicalResult evaluateSoftmax(SoftmaxOp op, Evaluation &e) {
  const TensorValue &input = e.operand(op.getInput());
  const float *x = e.in<float>(op.getInput()).data();
  float *y = e.out<float>(op.getResult()).data();
  int64_t frames = input.shape[0] * input.shape[1];
  int64_t queries = input.shape[2], channels = input.shape[3];
  int64_t keys = channels / static_cast<int64_t>(op.getNumHeads());
  if (op.getOver() == SoftmaxAxis::Keys) {
    for (int64_t at = 0; at < frames * queries * channels; at += keys)
      softmax(x + at, y + at, keys, /*stride=*/1);
    return success();
  }
  for (int64_t frame = 0; frame < frames; ++frame)
    for (int64_t c = 0; c < channels; ++c) {
      int64_t at = frame * queries * channels + c;
      softmax(x + at, y + at, queries, /*stride=*/channels);
    }
  return success();
}

void spk::addProductHandlers(HandlerTable &table) {
  table.add<MatmulOp, evaluateMatmul>();
  table.add<SoftmaxOp, evaluateSoftmax>();
}
