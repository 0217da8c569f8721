//===- LaneNeurons.cpp - neurons at 64 channels
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneArithmetic.h"
#include "LaneEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::spk;

Lanes LaneEmitter::toFired(Value fired, Value lanes, const Position &at) {
  RankedTensorType type = cast<RankedTensorType>(fired.getType());
  if (type.getElementType().isF32())
    return Lanes::ofVector(lanes);
  Lanes spikes = type.getElementType().isInteger(1)
                     ? Lanes::ofWords({b.maskToWord(lanes)})
                     : toPlanes(lanes, fired);
  // Lanes past the last channel must stay zero in memory.
  int64_t channels = type.getShape().back();
  if (channels % kLanes != 0)
    for (Value &word : spikes.planes)
      word = arith::AndIOp::create(b, word, b.validLanes(at.block, channels));
  return spikes;
}

FailureOr<SmallVector<Value>> LaneEmitter::stepNeuron(NeuronOpInterface neuron,
                                                      const Position &at,
                                                      ValueRange states) {
  FailureOr<Lanes> current = emit(neuron.getCurrent(), at);
  if (failed(current))
    return failure();
  // A layer that yields the current too does not compute it again.
  if (neuron.getCurrent().getDefiningOp())
    fix(neuron.getCurrent(), *current);
  LaneArithmetic arithmetic(b);
  SmallVector<NeuronValue> before;
  for (Value state : states)
    before.push_back({state});
  NeuronStep step = neuron.step(arithmetic, before, {current->vector});
  fix(neuron.getFired(), toFired(neuron.getFired(), step.fired.ir, at));
  if (Value charged = neuron.getCharged())
    fix(charged, Lanes::ofVector(step.charged.ir));
  return llvm::map_to_vector(step.states,
                             [](NeuronValue state) { return state.ir; });
}

void LaneEmitter::forget(NeuronOpInterface neuron) {
  fixed.erase(neuron.getCurrent());
  fixed.erase(neuron.getFired());
  if (Value charged = neuron.getCharged())
    fixed.erase(charged);
}
