//===- NeuronOps.cpp - neurons
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Verification.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

using namespace mlir;
using namespace mlir::spk;

//===----------------------------------------------------------------------===//
// Checks shared by all neurons
//===----------------------------------------------------------------------===//

LogicalResult spk::verifyNeuronNumbers(Operation *op, const APFloat &vThreshold,
                                       std::optional<APFloat> vReset) {
  if (!vThreshold.isFinite())
    return op->emitOpError("v_threshold must be finite");
  if (vReset && !vReset->isFinite())
    return op->emitOpError("v_reset must be finite");
  return success();
}

LogicalResult spk::verifyCharge(Operation *op, Charge charge,
                                const APFloat &tau,
                                std::optional<APFloat> factor) {
  bool divides = charge == Charge::DecayInput || charge == Charge::NoDecayInput;
  if (divides && !(tau > APFloat(0.0f) && tau.isFinite()))
    return op->emitOpError("tau must be positive and finite");
  if (!divides && !factor)
    return op->emitOpError("charge ")
           << stringifyCharge(charge) << " needs a factor";
  if (factor && !factor->isFinite())
    return op->emitOpError("factor must be finite");
  return success();
}

/// For neurons that fire several thresholds at once, or negative ones.
static LogicalResult verifyPositiveThreshold(Operation *op,
                                             const APFloat &vThreshold) {
  if (!(vThreshold > APFloat(0.0f) && vThreshold.isFinite()))
    return op->emitOpError("v_threshold must be positive and finite");
  return success();
}

LogicalResult spk::verifyNeuron(NeuronOpInterface op) {
  auto input = cast<RankedTensorType>(op.getCurrent().getType());
  auto spikes = cast<RankedTensorType>(op.getFired().getType());
  if (input.getRank() < 2)
    return op->emitOpError("input must have time and batch axes, got rank ")
           << input.getRank();
  if (input.getShape() != spikes.getShape())
    return op->emitOpError("spikes must have the shape of the input, ")
           << spikes << " against " << input;
  SmallVector<int64_t> stateShape(input.getShape());
  stateShape[0] = 1;
  size_t numStates = op.getRestingStates().size();
  for (ValueRange states : {op.getStates(), op.getStatesOut()}) {
    if (!states.empty() && states.size() != numStates)
      return op->emitOpError("the neuron keeps ")
             << numStates << " states, got " << states.size();
    for (Value state : states)
      if (shapeOf(state) != ArrayRef<int64_t>(stateShape))
        return op->emitOpError("state must be one time step of the input, got ")
               << state.getType();
  }
  if (Value charged = op.getCharged();
      charged && shapeOf(charged) != input.getShape())
    return op->emitOpError("membrane must have the shape of the input, got ")
           << charged.getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Charge, fire and reset that neurons share
//===----------------------------------------------------------------------===//

/// The charge equations of #spk.charge.
template <typename NeuronOp>
static NeuronValue chargeLeaky(NeuronOp op, NeuronArithmetic &math,
                               NeuronValue v, NeuronValue x, float vReset) {
  auto tau = [&] { return math.constant(op.getTau().convertToFloat()); };
  auto factor = [&] { return math.constant(op.getFactor()->convertToFloat()); };
  // v - v_reset is v itself at rest 0, bit for bit: leave the operation out.
  NeuronValue rested = vReset == 0.0f ? v : math.sub(v, math.constant(vReset));
  switch (op.getCharge()) {
  case Charge::DecayInput:
    return math.add(v, math.div(math.sub(x, rested), tau()));
  case Charge::NoDecayInput:
    return math.add(math.sub(v, math.div(rested, tau())), x);
  case Charge::Multiply:
    return math.add(v, math.mul(math.sub(x, rested), factor()));
  case Charge::NoDecayMultiply:
    return math.add(math.sub(v, math.mul(rested, factor())), x);
  case Charge::Retain:
    return math.add(math.mul(v, factor()), x);
  }
  llvm_unreachable("unknown charge");
}

/// Fires on equality, then resets: to `vReset`, or by `vThreshold` where the
/// reset is soft.
static NeuronStep fireAndReset(NeuronArithmetic &math, NeuronValue h,
                               float vThreshold,
                               std::optional<APFloat> vReset) {
  NeuronValue threshold = math.constant(vThreshold);
  NeuronValue fired = math.greaterEqual(h, threshold);
  NeuronValue afterSpike =
      vReset ? math.constant(vReset->convertToFloat()) : math.sub(h, threshold);
  return {h, fired, {math.select(fired, afterSpike, h)}};
}

/// round(clamp(y, 0, levels)), 0 for NaN.
static NeuronValue roundToLevels(NeuronArithmetic &math, NeuronValue y,
                                 int64_t levels, Rounding rounding) {
  NeuronValue zero = math.constant(0.0f), most = math.constant(levels);
  y = math.select(math.greaterEqual(y, zero), y, zero);
  y = math.select(math.greaterEqual(most, y), y, most);
  if (rounding == Rounding::HalfUp)
    y = math.add(y, math.constant(0.5f));
  // Above 2^23 neighbouring floats are one apart: the addition rounds to the
  // nearest integer, of two to the even one, and the subtraction is exact.
  NeuronValue shift = math.constant(8388608.0f);
  NeuronValue nearest = math.sub(math.add(y, shift), shift);
  if (rounding == Rounding::HalfEven)
    return nearest;
  return math.select(math.greaterEqual(y, nearest), nearest,
                     math.sub(nearest, math.constant(1.0f)));
}

static float restingPotential(std::optional<APFloat> vReset) {
  return vReset ? vReset->convertToFloat() : 0.0f;
}

//===----------------------------------------------------------------------===//
// LIFOp
//===----------------------------------------------------------------------===//

LogicalResult LIFOp::verify() {
  if (failed(verifyCharge(*this, getCharge(), getTau(), getFactor())) ||
      failed(verifyNeuronNumbers(*this, getVThreshold(), getVReset())))
    return failure();
  return verifyNeuron(*this);
}

SmallVector<float> LIFOp::getRestingStates() {
  return {restingPotential(getVReset())};
}
int64_t LIFOp::getMaxFired() { return 1; }

NeuronStep LIFOp::step(NeuronArithmetic &math, ArrayRef<NeuronValue> states,
                       NeuronValue x) {
  NeuronValue h =
      chargeLeaky(*this, math, states[0], x, restingPotential(getVReset()));
  return fireAndReset(math, h, getVThreshold().convertToFloat(), getVReset());
}

//===----------------------------------------------------------------------===//
// IFOp
//===----------------------------------------------------------------------===//

LogicalResult IFOp::verify() {
  if (failed(verifyNeuronNumbers(*this, getVThreshold(), getVReset())))
    return failure();
  return verifyNeuron(*this);
}

SmallVector<float> IFOp::getRestingStates() {
  return {restingPotential(getVReset())};
}
int64_t IFOp::getMaxFired() { return 1; }

NeuronStep IFOp::step(NeuronArithmetic &math, ArrayRef<NeuronValue> states,
                      NeuronValue x) {
  return fireAndReset(math, math.add(states[0], x),
                      getVThreshold().convertToFloat(), getVReset());
}

//===----------------------------------------------------------------------===//
// ILIFOp
//===----------------------------------------------------------------------===//

LogicalResult ILIFOp::verify() {
  if (failed(verifyCharge(*this, getCharge(), getTau(), getFactor())) ||
      failed(verifyPositiveThreshold(*this, getVThreshold())))
    return failure();
  return verifyNeuron(*this);
}

SmallVector<float> ILIFOp::getRestingStates() { return {0.0f}; }
int64_t ILIFOp::getMaxFired() { return getLevels(); }

NeuronStep ILIFOp::step(NeuronArithmetic &math, ArrayRef<NeuronValue> states,
                        NeuronValue x) {
  NeuronValue h = chargeLeaky(*this, math, states[0], x, /*vReset=*/0.0f);
  NeuronValue threshold = math.constant(getVThreshold().convertToFloat());
  NeuronValue fired =
      roundToLevels(math, math.div(h, threshold), getLevels(), getRounding());
  return {h, fired, {math.sub(h, math.mul(fired, threshold))}};
}

//===----------------------------------------------------------------------===//
// SignedIFOp
//===----------------------------------------------------------------------===//

LogicalResult SignedIFOp::verify() {
  if (failed(verifyPositiveThreshold(*this, getVThreshold())))
    return failure();
  return verifyNeuron(*this);
}

SmallVector<float> SignedIFOp::getRestingStates() { return {0.0f, 0.0f}; }
int64_t SignedIFOp::getMaxFired() { return -1; }

NeuronStep SignedIFOp::step(NeuronArithmetic &math,
                            ArrayRef<NeuronValue> states, NeuronValue x) {
  NeuronValue h = math.add(states[0], x), count = states[1];
  float vThreshold = getVThreshold().convertToFloat();
  NeuronValue zero = math.constant(0.0f), one = math.constant(1.0f);
  // Counts are integers: below the largest is at most the one before it.
  NeuronValue mayRise =
      math.greaterEqual(math.constant(getMaxCount() - 1), count);
  NeuronValue mayFall = math.greaterEqual(count, one);
  NeuronValue rise =
      math.select(math.greaterEqual(h, math.constant(vThreshold)),
                  math.select(mayRise, one, zero), zero);
  NeuronValue fall =
      math.select(math.greaterEqual(math.constant(-vThreshold), h),
                  math.select(mayFall, one, zero), zero);
  NeuronValue fired = math.sub(rise, fall);
  NeuronValue spent = math.mul(fired, math.constant(vThreshold));
  return {h, fired, {math.sub(h, spent), math.add(count, fired)}};
}

//===----------------------------------------------------------------------===//
// MultiSpikeOp
//===----------------------------------------------------------------------===//

LogicalResult MultiSpikeOp::verify() { return verifyNeuron(*this); }

SmallVector<float> MultiSpikeOp::getRestingStates() { return {}; }
int64_t MultiSpikeOp::getMaxFired() { return getLevels(); }

NeuronStep MultiSpikeOp::step(NeuronArithmetic &math, ArrayRef<NeuronValue>,
                              NeuronValue x) {
  return {x, roundToLevels(math, x, getLevels(), getRounding()), {}};
}

//===----------------------------------------------------------------------===//
// QCFSOp
//===----------------------------------------------------------------------===//

LogicalResult QCFSOp::verify() {
  if (!(getUp() > APFloat(0.0f) && getUp().isFinite()))
    return emitOpError("up must be positive and finite");
  return verifyNeuron(*this);
}

SmallVector<float> QCFSOp::getRestingStates() { return {}; }
int64_t QCFSOp::getMaxFired() { return -1; }

NeuronStep QCFSOp::step(NeuronArithmetic &math, ArrayRef<NeuronValue>,
                        NeuronValue x) {
  NeuronValue up = math.constant(getUp().convertToFloat());
  NeuronValue levels = math.constant(getLevels());
  NeuronValue y = math.mul(math.div(x, up), levels);
  NeuronValue s = roundToLevels(math, y, getLevels(), Rounding::HalfUp);
  return {x, math.mul(math.div(s, levels), up), {}};
}
