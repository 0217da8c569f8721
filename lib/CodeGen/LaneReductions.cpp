//===- LaneReductions.cpp - reductions at 64 channels
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::spk;

/// Elements that one element of the result is made of.
static int64_t getReducedElements(Value input, ArrayRef<int64_t> axes) {
  int64_t count = 1;
  for (int64_t axis : axes)
    count *= cast<RankedTensorType>(input.getType()).getDimSize(axis);
  return count;
}

FailureOr<Value> LaneEmitter::emitReduction(
    Operation *op, ArrayRef<int64_t> axes, const Position &at, Value start,
    llvm::function_ref<Value(Value, const Lanes &)> add) {
  Value input = op->getOperand(0);
  auto type = cast<RankedTensorType>(input.getType());
  for (int64_t axis : axes)
    if (axis == 1 || axis == type.getRank() - 1) {
      op->emitOpError("native code must not reduce the ")
          << (axis == 1 ? "batch" : "channels");
      return failure();
    }
  LogicalResult status = success();
  // One loop per reduced axis, outermost first: row-major order.
  std::function<Value(ArrayRef<int64_t>, Position, Value)> reduce =
      [&](ArrayRef<int64_t> axes, Position inner, Value sum) -> Value {
    if (axes.empty()) {
      FailureOr<Lanes> lanes = emit(input, inner);
      if (failed(lanes)) {
        status = failure();
        return sum;
      }
      return add(sum, *lanes);
    }
    return b
        .loop(b.index(0), b.index(type.getDimSize(axes.front())), {sum},
              [&](Value i, ValueRange carried) -> SmallVector<Value> {
                Position next = inner;
                (axes.front() == 0 ? next.t : next.axes[axes.front() - 2]) = i;
                return {reduce(axes.drop_front(), next, carried[0])};
              })
        .front();
  };
  Value sum = reduce(axes, at, start);
  if (failed(status))
    return failure();
  return sum;
}

FailureOr<Lanes> LaneEmitter::emitMean(MeanOp op, const Position &at) {
  float count = getReducedElements(op.getInput(), op.getAxes());
  FailureOr<Value> sum =
      emitReduction(op, op.getAxes(), at, b.splat(0.0f),
                    [&](Value sum, const Lanes &lanes) -> Value {
                      return arith::AddFOp::create(b, sum, toFloat(lanes));
                    });
  if (failed(sum))
    return failure();
  return Lanes::ofVector(arith::DivFOp::create(b, *sum, b.splat(count)));
}

FailureOr<Lanes> LaneEmitter::emitCount(CountOp op, const Position &at) {
  int64_t largest = getReducedElements(op.getInput(), op.getAxes());
  // 16 bits move twice as many lanes as 32.
  Type element = largest < (int64_t(1) << 15) ? b.getI16Type() : b.getI32Type();
  FailureOr<Value> count =
      emitReduction(op, op.getAxes(), at, b.zeroLanes(element),
                    [&](Value sum, const Lanes &lanes) -> Value {
                      Value spikes = arith::ExtUIOp::create(
                          b, b.lanes(element), b.wordToMask(lanes.planes[0]));
                      return arith::AddIOp::create(b, sum, spikes);
                    });
  if (failed(count))
    return failure();
  return Lanes::ofVector(arith::UIToFPOp::create(b, b.floatLanes(), *count));
}
