//===- GenericNeuronOp.cpp - neurons written as a region
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Verification.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

using namespace mlir;
using namespace mlir::spk;

bool spk::isNeuronArithmetic(Operation *op) {
  auto isScalar = [](Type type) { return type.isF32() || type.isInteger(1); };
  if (!llvm::all_of(op->getOperandTypes(), isScalar) ||
      !llvm::all_of(op->getResultTypes(), isScalar))
    return false;
  if (auto fast = dyn_cast<arith::ArithFastMathInterface>(op))
    if (fast.getFastMathFlagsAttr().getValue() != arith::FastMathFlags::none)
      return false;
  return isa<arith::AddFOp, arith::AndIOp, arith::CmpFOp, arith::ConstantOp,
             arith::DivFOp, arith::MaximumFOp, arith::MinimumFOp, arith::MulFOp,
             arith::NegFOp, arith::OrIOp, arith::SelectOp, arith::SubFOp,
             arith::UIToFPOp, arith::XOrIOp>(op);
}

LogicalResult GenericNeuronOp::verify() {
  for (float number : getResting())
    if (!std::isfinite(number))
      return emitOpError("resting states must be finite");
  return verifyNeuron(*this);
}

LogicalResult GenericNeuronOp::verifyRegions() {
  Block &body = getBody().front();
  size_t numStates = getResting().size();
  if (body.getNumArguments() != numStates + 1 ||
      !llvm::all_of(body.getArgumentTypes(),
                    [](Type type) { return type.isF32(); }))
    return emitOpError("region must take the states and the current, ")
           << numStates + 1 << " f32";
  for (Operation &op : body.without_terminator())
    if (!isNeuronArithmetic(&op))
      return op.emitOpError("is no arithmetic of a neuron: exact or once "
                            "rounded arith operations on f32 and i1");
  auto fire = cast<FireOp>(body.getTerminator());
  if (fire.getStates().size() != numStates)
    return fire.emitOpError("must give as many states as the neuron keeps, ")
           << fire.getStates().size() << " against " << numStates;
  if (fire.getFired().getType() != getElementTypeOrSelf(getSpikes()))
    return fire.emitOpError("must fire what the neuron fires, ")
           << fire.getFired().getType() << " against "
           << getElementTypeOrSelf(getSpikes());
  return success();
}

SmallVector<float> GenericNeuronOp::getRestingStates() {
  return SmallVector<float>(getResting());
}

int64_t GenericNeuronOp::getMaxFired() {
  return getElementTypeOrSelf(getSpikes()).isInteger(1) ? 1 : -1;
}

NeuronStep GenericNeuronOp::step(NeuronArithmetic &math,
                                 ArrayRef<NeuronValue> states, NeuronValue x) {
  Block &body = getBody().front();
  DenseMap<Value, NeuronValue> values;
  for (auto [argument, state] : llvm::zip(body.getArguments(), states))
    values[argument] = state;
  values[body.getArguments().back()] = x;
  auto get = [&](Value value) { return values.at(value); };
  for (Operation &op : body.without_terminator())
    values[op.getResult(0)] =
        math.apply(&op, llvm::map_to_vector(op.getOperands(), get));
  auto fire = cast<FireOp>(body.getTerminator());
  NeuronStep step = {get(fire.getCharged()), get(fire.getFired()), {}};
  for (Value state : fire.getStates())
    step.states.push_back(get(state));
  return step;
}
