//===- LaneSubSteps.cpp - binary sub-steps at 64 channels
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::spk;

FailureOr<Lanes> LaneEmitter::emitSubSteps(SubStepsOp op, const Position &at) {
  int64_t levels = op.getLevels();
  Position whole = at;
  whole.t = b.floorDiv(at.t, levels);
  FailureOr<Lanes> numbers = emit(op.getInput(), whole);
  if (failed(numbers))
    return failure();
  Value subStep =
      arith::IndexCastOp::create(b, b.getI32Type(), b.remainder(at.t, levels));
  Value bound = vector::BroadcastOp::create(
      b, b.floatLanes(),
      arith::SIToFPOp::create(b, b.getF32Type(), subStep).getResult());
  // Numbers past the last channel are 0 and exceed nothing.
  Value fires = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                      toFloat(*numbers), bound);
  return Lanes::ofWords({b.maskToWord(fires)});
}

FailureOr<Lanes> LaneEmitter::emitAccumulate(AccumulateOp op,
                                             const Position &at) {
  int64_t levels = op.getLevels();
  Value first = b.mulIndex(at.t, levels);
  LogicalResult status = success();
  Value sum =
      b.loop(first, b.addIndex(first, levels), {b.splat(0.0f)},
             [&](Value step, ValueRange carried) -> SmallVector<Value> {
               Position now = at;
               now.t = step;
               FailureOr<Lanes> lanes = emit(op.getInput(), now);
               if (failed(lanes)) {
                 status = failure();
                 return {carried[0]};
               }
               return {arith::AddFOp::create(b, carried[0], lanes->vector)};
             })
          .front();
  if (failed(status))
    return failure();
  return Lanes::ofVector(sum);
}
