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
// Fire, reset and checks shared by all neurons
//===----------------------------------------------------------------------===//

/// Fires on equality, then resets: to `vReset`, or by `vThreshold` where the
/// reset is soft.
static NeuronStep fireAndReset(NeuronArithmetic &math, NeuronValue h,
                               float vThreshold,
                               std::optional<APFloat> vReset) {
  NeuronValue threshold = math.constant(vThreshold);
  NeuronValue fired = math.greaterEqual(h, threshold);
  NeuronValue afterSpike =
      vReset ? math.constant(vReset->convertToFloat()) : math.sub(h, threshold);
  return {h, fired, math.select(fired, afterSpike, h)};
}

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

static float restingPotential(std::optional<APFloat> vReset) {
  return vReset ? vReset->convertToFloat() : 0.0f;
}

template <typename NeuronOp>
static LogicalResult verifyNeuron(NeuronOp op) {
  auto input = cast<RankedTensorType>(op.getInput().getType());
  auto spikes = cast<RankedTensorType>(op.getSpikes().getType());
  if (input.getRank() < 2)
    return op.emitOpError("input must have time and batch axes, got rank ")
           << input.getRank();
  if (input.getShape() != spikes.getShape())
    return op.emitOpError("spikes must have the shape of the input, ")
           << spikes << " against " << input;
  if (failed(verifyNeuronNumbers(op, op.getVThreshold(), op.getVReset())))
    return failure();
  SmallVector<int64_t> stateShape(input.getShape());
  stateShape[0] = 1;
  for (Value state : {Value(op.getInitialState()), Value(op.getFinalState())})
    if (state && cast<RankedTensorType>(state.getType()).getShape() !=
                     ArrayRef<int64_t>(stateShape))
      return op.emitOpError("state must be one time step of the input, got ")
             << state.getType();
  if (op.getMembrane() &&
      cast<RankedTensorType>(op.getMembrane().getType()).getShape() !=
          input.getShape())
    return op.emitOpError("membrane must have the shape of the input, got ")
           << op.getMembrane().getType();
  return success();
}

template <typename NeuronOp>
static void buildNeuron(OperationState &state, Type spikes, Value input,
                        ArrayRef<NamedAttribute> attributes) {
  state.addTypes(spikes);
  state.addOperands(input);
  state.addAttributes(attributes);
  state.getOrAddProperties<typename NeuronOp::Properties>()
      .resultSegmentSizes = {1, 0, 0};
}

//===----------------------------------------------------------------------===//
// LIFOp
//===----------------------------------------------------------------------===//

void LIFOp::build(OpBuilder &, OperationState &state, Type spikes, Value input,
                  ArrayRef<NamedAttribute> attributes) {
  buildNeuron<LIFOp>(state, spikes, input, attributes);
}

LogicalResult LIFOp::verify() {
  if (failed(verifyCharge(*this, getCharge(), getTau(), getFactor())))
    return failure();
  return verifyNeuron(*this);
}

NeuronStep LIFOp::step(NeuronArithmetic &math, NeuronValue v, NeuronValue x) {
  // v - v_reset is v itself at rest 0, bit for bit: leave the operation out.
  NeuronValue rested = v;
  if (getVReset() && !getVReset()->isZero())
    rested = math.sub(v, math.constant(getVReset()->convertToFloat()));
  NeuronValue h;
  switch (getCharge()) {
  case Charge::DecayInput:
    h = math.add(v, math.div(math.sub(x, rested),
                             math.constant(getTau().convertToFloat())));
    break;
  case Charge::NoDecayInput:
    h = math.add(
        math.sub(v, math.div(rested, math.constant(getTau().convertToFloat()))),
        x);
    break;
  case Charge::Multiply:
    h = math.add(v, math.mul(math.sub(x, rested),
                             math.constant(getFactor()->convertToFloat())));
    break;
  case Charge::NoDecayMultiply: {
    NeuronValue leak =
        math.mul(rested, math.constant(getFactor()->convertToFloat()));
    h = math.add(math.sub(v, leak), x);
    break;
  }
  case Charge::Retain:
    h = math.add(math.mul(v, math.constant(getFactor()->convertToFloat())), x);
    break;
  }
  return fireAndReset(math, h, getVThreshold().convertToFloat(), getVReset());
}

Value LIFOp::getCurrent() { return getInput(); }
Value LIFOp::getState() { return getInitialState(); }
Value LIFOp::getFired() { return getSpikes(); }
Value LIFOp::getStateOut() { return getFinalState(); }
Value LIFOp::getCharged() { return getMembrane(); }
float LIFOp::getRestingPotential() { return restingPotential(getVReset()); }
int64_t LIFOp::getMaxFired() { return 1; }
int64_t LIFOp::inferMaxValue(ArrayRef<int64_t>, unsigned index) {
  return index == 0 ? getMaxFired() : -1;
}

//===----------------------------------------------------------------------===//
// IFOp
//===----------------------------------------------------------------------===//

void IFOp::build(OpBuilder &, OperationState &state, Type spikes, Value input,
                 ArrayRef<NamedAttribute> attributes) {
  buildNeuron<IFOp>(state, spikes, input, attributes);
}

LogicalResult IFOp::verify() { return verifyNeuron(*this); }

NeuronStep IFOp::step(NeuronArithmetic &math, NeuronValue v, NeuronValue x) {
  return fireAndReset(math, math.add(v, x), getVThreshold().convertToFloat(),
                      getVReset());
}

Value IFOp::getCurrent() { return getInput(); }
Value IFOp::getState() { return getInitialState(); }
Value IFOp::getFired() { return getSpikes(); }
Value IFOp::getStateOut() { return getFinalState(); }
Value IFOp::getCharged() { return getMembrane(); }
float IFOp::getRestingPotential() { return restingPotential(getVReset()); }
int64_t IFOp::getMaxFired() { return 1; }
int64_t IFOp::inferMaxValue(ArrayRef<int64_t>, unsigned index) {
  return index == 0 ? getMaxFired() : -1;
}
