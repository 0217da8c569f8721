//===- LaneReductions.cpp - reductions at 64 channels
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::spk;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Pools
//===----------------------------------------------------------------------===//

/// The larger of two integers in each lane.
static SmallVector<Value> maxOfPlanes(KernelBuilder &b, ValueRange x,
                                      ValueRange y) {
  // The highest plane that differs decides; it is seen last.
  Value isLess = b.word(0);
  SmallVector<Value> differs;
  for (auto [xBits, yBits] : llvm::zip_equal(x, y)) {
    differs.push_back(arith::XOrIOp::create(b, xBits, yBits));
    // isLess ^ ((isLess ^ y) & differs) is differs ? y : isLess.
    Value change = arith::AndIOp::create(
        b, arith::XOrIOp::create(b, isLess, yBits), differs.back());
    isLess = arith::XOrIOp::create(b, isLess, change);
  }
  SmallVector<Value> larger;
  for (auto [xBits, difference] : llvm::zip_equal(x, differs))
    larger.push_back(arith::XOrIOp::create(
        b, xBits, arith::AndIOp::create(b, difference, isLess)));
  return larger;
}

FailureOr<Lanes> LaneEmitter::emitMaxPool(MaxPoolOp op, const Position &at) {
  RankedTensorType type = typeOf(op.getInput());
  ArrayRef<int64_t> shape = type.getShape();
  // The taps of the window that lie inside the input, first * dilation being
  // where the window begins.
  SmallVector<Value> origins, lower, upper;
  for (int i : {0, 1}) {
    int64_t dilation = op.getDilation()[i];
    Value origin =
        arith::SubIOp::create(b, b.mulIndex(at.axes[i], op.getStrides()[i]),
                              b.index(op.getPadding()[i]));
    auto tapsInFrontOf = [&](int64_t position) {
      Value room = b.maxIndex(
          arith::SubIOp::create(b, b.index(position), origin), b.index(0));
      return dilation == 1
                 ? room
                 : b.floorDiv(b.addIndex(room, dilation - 1), dilation);
    };
    origins.push_back(origin);
    lower.push_back(tapsInFrontOf(0));
    upper.push_back(
        b.minIndex(tapsInFrontOf(shape[2 + i]), b.index(op.getKernel()[i])));
  }
  auto positionOf = [&](int i, Value tap) -> Value {
    return arith::AddIOp::create(b, origins[i],
                                 b.mulIndex(tap, op.getDilation()[i]));
  };
  SpikeEncodingAttrInterface encoding = getSpikeEncoding(type);
  SmallVector<Value> identity;
  if (encoding)
    identity.assign(encoding.getStorageType(type).getShape().back(), b.word(0));
  else
    identity = {b.splat(-std::numeric_limits<float>::infinity())};
  LogicalResult status = success();
  SmallVector<Value> largest =
      b.loop(lower[0], upper[0], identity, [&](Value y, ValueRange outer) {
        return b.loop(
            lower[1], upper[1], outer,
            [&](Value x, ValueRange inner) -> SmallVector<Value> {
              Position window = at;
              window.axes = {positionOf(0, y), positionOf(1, x)};
              FailureOr<Lanes> lanes = emit(op.getInput(), window);
              if (failed(lanes)) {
                status = failure();
                return SmallVector<Value>(inner);
              }
              if (!encoding)
                return {arith::MaximumFOp::create(b, inner[0], lanes->vector)};
              if (inner.size() == 1)
                return {arith::OrIOp::create(b, inner[0], lanes->planes[0])};
              lanes->planes.resize(inner.size(), b.word(0));
              return maxOfPlanes(b, inner, lanes->planes);
            });
      });
  if (failed(status))
    return failure();
  return encoding ? Lanes::ofWords(std::move(largest))
                  : Lanes::ofVector(largest[0]);
}

//===----------------------------------------------------------------------===//
// Means and counts
//===----------------------------------------------------------------------===//

FailureOr<Value> LaneEmitter::emitReduction(
    RankedTensorType type, ArrayRef<int64_t> axes, int64_t groups,
    const Position &at, Value start,
    llvm::function_ref<FailureOr<Value>(Value, const Position &)> add) {
  if (axes.empty())
    return add(start, at);
  int64_t axis = axes.front(), run = type.getDimSize(axis) / groups;
  Value first = groups == 1 ? b.index(0) : b.mulIndex(at.axes[axis - 2], run);
  LogicalResult status = success();
  Value sum = b.loop(first, b.addIndex(first, run), {start},
                     [&](Value i, ValueRange carried) -> SmallVector<Value> {
                       Position next = at;
                       (axis == 0 ? next.t : next.axes[axis - 2]) = i;
                       FailureOr<Value> sum =
                           emitReduction(type, axes.drop_front(), groups, next,
                                         carried[0], add);
                       if (failed(sum)) {
                         status = failure();
                         return {carried[0]};
                       }
                       return {*sum};
                     })
                  .front();
  if (failed(status))
    return failure();
  return sum;
}

FailureOr<Lanes> LaneEmitter::emitMean(MeanOp op, const Position &at) {
  RankedTensorType type = typeOf(op.getInput());
  ArrayRef<int64_t> axes = op.getAxes();
  int64_t count = 1;
  for (int64_t axis : axes) {
    if (axis == 1) {
      op->emitOpError("native code must not reduce the batch");
      return failure();
    }
    count *= type.getDimSize(axis);
  }
  bool overChannels = axes.back() == type.getRank() - 1;
  Value zero = overChannels
                   ? arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f))
                   : b.splat(0.0f);
  FailureOr<Value> sum = emitReduction(
      type, overChannels ? axes.drop_back() : axes, /*groups=*/1, at, zero,
      [&](Value sum, const Position &place) -> FailureOr<Value> {
        if (overChannels)
          return emitChannelSum(op.getInput(), sum, place);
        FailureOr<Lanes> lanes = emit(op.getInput(), place);
        if (failed(lanes))
          return failure();
        return arith::AddFOp::create(b, sum, toFloat(*lanes)).getResult();
      });
  if (failed(sum))
    return failure();
  if (overChannels)
    sum = vector::BroadcastOp::create(b, b.floatLanes(), *sum).getResult();
  return Lanes::ofVector(
      arith::DivFOp::create(b, *sum, b.splat(static_cast<float>(count))));
}

FailureOr<Value> LaneEmitter::emitChannelSum(Value value, Value start,
                                             const Position &at) {
  int64_t channels = typeOf(value).getShape().back();
  LogicalResult status = success();
  Value sum =
      b.loop(b.index(0), b.index(llvm::divideCeil(channels, kLanes)), {start},
             [&](Value block, ValueRange carried) -> SmallVector<Value> {
               Position place = at;
               place.block = block;
               FailureOr<Lanes> lanes = emit(value, place);
               if (failed(lanes)) {
                 status = failure();
                 return {carried[0]};
               }
               // Without reassociation, lane by lane. Adding -0 changes no bit.
               Value addends = arith::SelectOp::create(
                   b, b.wordToMask(b.validLanes(block, channels)),
                   toFloat(*lanes), b.splat(-0.0f));
               return {vector::ReductionOp::create(
                   b, vector::CombiningKind::ADD, addends, carried[0])};
             })
          .front();
  if (failed(status))
    return failure();
  return sum;
}

FailureOr<Lanes> LaneEmitter::emitCount(CountOp op, const Position &at) {
  RankedTensorType type = typeOf(op.getInput());
  ArrayRef<int64_t> axes = op.getAxes();
  int64_t largest = 1;
  for (int64_t axis : axes)
    largest *= type.getDimSize(axis);
  // 16 bits move twice as many lanes as 32.
  Type element = largest < (int64_t(1) << 15) ? b.getI16Type() : b.getI32Type();
  bool overChannels = axes.back() == type.getRank() - 1;
  int64_t run = overChannels ? type.getShape().back() / op.getGroups() : 1;
  FailureOr<Value> count = emitReduction(
      type, overChannels ? axes.drop_back() : axes, op.getGroups(), at,
      b.zeroLanes(element),
      [&](Value sum, const Position &place) -> FailureOr<Value> {
        FailureOr<Value> spikes =
            overChannels ? emitRunCounts(op.getInput(), run, element, place)
                         : emitWord(op.getInput(), place);
        if (failed(spikes))
          return failure();
        Value addend = overChannels
                           ? *spikes
                           : arith::ExtUIOp::create(b, b.lanes(element),
                                                    b.wordToMask(*spikes))
                                 .getResult();
        return arith::AddIOp::create(b, sum, addend).getResult();
      });
  if (failed(count))
    return failure();
  return Lanes::ofVector(arith::UIToFPOp::create(b, b.floatLanes(), *count));
}

FailureOr<Value> LaneEmitter::emitRunCounts(Value spikes, int64_t run,
                                            Type element, const Position &at) {
  int64_t runs = typeOf(spikes).getShape().back() / run;
  Value first = b.mulIndex(at.block, kLanes);
  Value end = b.minIndex(b.addIndex(first, kLanes), b.index(runs));
  LogicalResult status = success();
  auto countWord = [&](Value index, Value block, Value sum) -> Value {
    Position place = at;
    place.block = block;
    FailureOr<Value> word = emitWord(spikes, place);
    if (failed(word)) {
      status = failure();
      return sum;
    }
    Value own =
        arith::AndIOp::create(b, *word, emitRunLanes(index, run, block));
    return arith::AddIOp::create(b, sum, math::CtPopOp::create(b, own));
  };
  Value counts =
      b.loop(first, end, {b.zeroLanes(element)},
             [&](Value index, ValueRange carried) -> SmallVector<Value> {
               Value begin = b.mulIndex(index, run);
               Value count =
                   b.loop(
                        b.floorDiv(begin, kLanes),
                        b.floorDiv(b.addIndex(begin, run + kLanes - 1), kLanes),
                        {b.word(0)},
                        [&](Value block, ValueRange sum) -> SmallVector<Value> {
                          return {countWord(index, block, sum[0])};
                        })
                       .front();
               count = arith::TruncIOp::create(b, element, count);
               // Into the lane of its run.
               Value lane = arith::IndexCastUIOp::create(
                   b, b.getI64Type(), arith::SubIOp::create(b, index, first));
               Value isLane =
                   b.wordToMask(arith::ShLIOp::create(b, b.word(1), lane));
               Value all =
                   vector::BroadcastOp::create(b, b.lanes(element), count);
               return {arith::SelectOp::create(b, isLane, all, carried[0])};
             })
          .front();
  if (failed(status))
    return failure();
  return counts;
}
