//===- SubStepOps.cpp - binary sub-steps of integers
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Verification.h"

using namespace mlir;
using namespace mlir::spk;

/// `many` is `few` with `levels` times as many steps.
static bool hasSubStepsOf(ArrayRef<int64_t> many, ArrayRef<int64_t> few,
                          int64_t levels) {
  return !few.empty() && many.size() == few.size() &&
         many.front() == few.front() * levels &&
         many.drop_front() == few.drop_front();
}

LogicalResult SubStepsOp::verify() {
  if (!hasSubStepsOf(shapeOf(getResult()), shapeOf(getInput()), getLevels()))
    return emitOpError("result must be the input with ")
           << getLevels() << " times as many time steps, got "
           << getInput().getType() << " and " << getResult().getType();
  return success();
}

LogicalResult AccumulateOp::verify() {
  if (!hasSubStepsOf(shapeOf(getInput()), shapeOf(getResult()), getLevels()))
    return emitOpError("input must be the result with ")
           << getLevels() << " times as many time steps, got "
           << getInput().getType() << " and " << getResult().getType();
  return success();
}
