//===- SubSteps.cpp - interpretation of binary sub-steps ------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"

using namespace mlir;
using namespace mlir::spk;

static LogicalResult evaluateSubSteps(SubStepsOp op, Evaluation &e) {
  const TensorValue &input = e.operand(op.getInput());
  MutableArrayRef<uint8_t> spikes = e.out<uint8_t>(op.getResult());
  int64_t levels = op.getLevels(), steps = input.shape.front();
  int64_t size = spikes.size() / (steps * levels); // Of one step.
  visitElementKind(input.kind, [&](auto zero) {
    using T = decltype(zero);
    ArrayRef<T> numbers = input.get<T>();
    for (auto [i, spike] : llvm::enumerate(spikes)) {
      int64_t subStep = i / size;
      spike = numbers[subStep / levels * size + i % size] > subStep % levels;
    }
  });
  return success();
}

static LogicalResult evaluateAccumulate(AccumulateOp op, Evaluation &e) {
  ArrayRef<float> input = e.in<float>(op.getInput());
  MutableArrayRef<float> sums = e.out<float>(op.getResult());
  int64_t levels = op.getLevels();
  int64_t size = sums.size() / e.result(op.getResult()).shape.front();
  for (auto [i, sum] : llvm::enumerate(sums)) {
    const float *first = &input[i / size * levels * size + i % size];
    sum = 0.0f;
    for (int64_t j = 0; j < levels; ++j)
      sum = sum + first[j * size];
  }
  return success();
}

void spk::addSubStepHandlers(HandlerTable &table) {
  table.add<SubStepsOp, evaluateSubSteps>();
  table.add<AccumulateOp, evaluateAccumulate>();
}
