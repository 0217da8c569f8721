//===- LaneNeurons.cpp - neurons at 64 channels
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::spk;

namespace {
/// Arithmetic of a neuron on 64 lanes.
class LaneArithmetic final : public NeuronArithmetic {
public:
  explicit LaneArithmetic(KernelBuilder &b) : b(b) {}
  NeuronValue constant(float number) override { return {b.splat(number)}; }
  NeuronValue add(NeuronValue x, NeuronValue y) override {
    return {arith::AddFOp::create(b, x.ir, y.ir)};
  }
  NeuronValue sub(NeuronValue x, NeuronValue y) override {
    return {arith::SubFOp::create(b, x.ir, y.ir)};
  }
  NeuronValue mul(NeuronValue x, NeuronValue y) override {
    return {arith::MulFOp::create(b, x.ir, y.ir)};
  }
  NeuronValue div(NeuronValue x, NeuronValue y) override {
    // Dividing by a power of two is multiplying by its inverse, bit for bit.
    DenseElementsAttr divisor;
    APFloat inverse(0.0f);
    if (matchPattern(y.ir, m_Constant(&divisor)) && divisor.isSplat() &&
        divisor.getSplatValue<APFloat>().getExactInverse(&inverse))
      return mul(x, constant(inverse.convertToFloat()));
    return {arith::DivFOp::create(b, x.ir, y.ir)};
  }
  NeuronValue greaterEqual(NeuronValue x, NeuronValue y) override {
    return {arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, x.ir, y.ir)};
  }
  NeuronValue select(NeuronValue condition, NeuronValue x,
                     NeuronValue y) override {
    return {arith::SelectOp::create(b, condition.ir, x.ir, y.ir)};
  }
  NeuronValue apply(Operation *op, ArrayRef<NeuronValue> operands) override {
    Type element = op->getResult(0).getType();
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      return {arith::ConstantOp::create(
          b, DenseElementsAttr::get(b.lanes(element), constant.getValue()))};
    if (isa<arith::DivFOp>(op))
      return div(operands[0], operands[1]);
    OperationState state(op->getLoc(), op->getName());
    for (NeuronValue operand : operands)
      state.addOperands(operand.ir);
    state.addTypes(b.lanes(element));
    state.propertiesAttr = op->getPropertiesAsAttribute();
    return {b.create(state)->getResult(0)};
  }

private:
  KernelBuilder &b;
};
} // namespace

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
