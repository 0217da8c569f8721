//===- LaneJoins.cpp - joins of spikes and integers at 64 channels
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::spk;

FailureOr<Lanes> LaneEmitter::emitAdd(AddOp op, const Position &at) {
  FailureOr<Lanes> lhs = emit(op.getLhs(), at), rhs = emit(op.getRhs(), at);
  if (failed(lhs) || failed(rhs))
    return failure();
  // A ripple-carry adder over bit planes adds 64 channels at a time.
  size_t width = std::max(lhs->planes.size(), rhs->planes.size());
  Value carry;
  SmallVector<Value> sum;
  for (size_t plane = 0; plane < width; ++plane) {
    SmallVector<Value> terms;
    for (const Lanes *side : {&*lhs, &*rhs})
      if (plane < side->planes.size())
        terms.push_back(side->planes[plane]);
    if (carry)
      terms.push_back(carry);
    Value bit = terms[0], out;
    for (Value term : ArrayRef<Value>(terms).drop_front()) {
      Value both = arith::AndIOp::create(b, bit, term);
      out = out ? arith::OrIOp::create(b, out, both).getResult() : both;
      bit = arith::XOrIOp::create(b, bit, term);
    }
    sum.push_back(bit);
    carry = out;
  }
  if (carry)
    sum.push_back(carry);
  return Lanes::ofWords(std::move(sum));
}

FailureOr<Lanes> LaneEmitter::emitGate(GateOp op, const Position &at) {
  FailureOr<Lanes> input = emit(op.getInput(), at);
  if (failed(input))
    return failure();
  ArrayRef<int64_t> shape = op.getInput().getType().getShape(),
                    maskShape = op.getMask().getType().getShape();
  Position place = at;
  for (auto [axis, index] : llvm::enumerate(place.axes))
    index = b.floorDiv(index, shape[2 + axis] / maskShape[2 + axis]);
  int64_t run = shape.back() / maskShape.back();
  FailureOr<Value> word = run == 1 ? emitWord(op.getMask(), place)
                                   : emitSpreadWord(op.getMask(), run, place);
  if (failed(word))
    return failure();
  return Lanes::ofWords({arith::AndIOp::create(b, input->planes[0], *word)});
}

FailureOr<Value> LaneEmitter::emitWord(Value spikes, const Position &at) {
  FailureOr<Lanes> lanes = emit(spikes, at);
  if (failed(lanes))
    return failure();
  return lanes->planes[0];
}

FailureOr<Value> LaneEmitter::emitSpreadWord(Value spikes, int64_t run,
                                             const Position &at) {
  int64_t channels = cast<RankedTensorType>(spikes.getType()).getShape().back();
  Value first = b.mulIndex(at.block, kLanes);
  Value end = b.minIndex(b.floorDiv(b.addIndex(first, kLanes + run - 1), run),
                         b.index(channels));
  LogicalResult status = success();
  Value word =
      b.loop(b.floorDiv(first, run), end, {b.word(0)},
             [&](Value channel, ValueRange carried) -> SmallVector<Value> {
               Position place = at;
               place.block = b.floorDiv(channel, kLanes);
               FailureOr<Value> bits = emitWord(spikes, place);
               if (failed(bits)) {
                 status = failure();
                 return {carried[0]};
               }
               Value bit = arith::IndexCastUIOp::create(
                   b, b.getI64Type(), b.remainder(channel, kLanes));
               bit = arith::AndIOp::create(
                   b, arith::ShRUIOp::create(b, *bits, bit), b.word(1));
               Value all = arith::SubIOp::create(b, b.word(0), bit);
               Value lanes = arith::AndIOp::create(
                   b, all, emitRunLanes(channel, run, at.block));
               return {arith::OrIOp::create(b, carried[0], lanes)};
             })
          .front();
  if (failed(status))
    return failure();
  return word;
}

Value LaneEmitter::emitRunLanes(Value index, int64_t run, Value block) {
  Value first = b.mulIndex(block, kLanes);
  auto lane = [&](Value channel) -> Value {
    Value offset = arith::SubIOp::create(b, channel, first);
    return b.minIndex(b.maxIndex(offset, b.index(0)), b.index(kLanes));
  };
  Value begin = b.mulIndex(index, run);
  return b.wordRange(lane(begin), lane(b.addIndex(begin, run)));
}
