//===- ExpandIntegerSpikes.cpp - integer spikes as binary sub-steps
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"

namespace mlir::spk {
#define GEN_PASS_DEF_EXPANDINTEGERSPIKES
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

constexpr llvm::StringLiteral kWhyAttr = "spk.why_integers";

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

bool holdsIntegers(Value value) {
  Type element = getElementTypeOrSelf(value);
  return element.isInteger() && !element.isInteger(1);
}

/// Whether every element of the result is an element of the first operand.
bool movesElements(Operation *op) {
  return isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp,
             tensor::ExtractSliceOp, linalg::TransposeOp, RepeatOp, MaxPoolOp>(
      op);
}

/// The neuron that fired the integers of `value`, or null where they are sums
/// or come from outside.
NeuronOpInterface findNeuron(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto neuron = dyn_cast<NeuronOpInterface>(op))
      return neuron;
    if (!movesElements(op))
      return {};
    value = op->getOperand(0);
  }
  return {};
}

struct ExpandIntegerSpikesPass
    : spk::impl::ExpandIntegerSpikesBase<ExpandIntegerSpikesPass> {
  using Base::Base;

  void runOnOperation() final {
    DenseMap<Value, Value> subSteps;
    SmallVector<SynapseOpInterface> synapses;
    getOperation()->walk([&](Operation *op) {
      if (auto synapse = dyn_cast<SynapseOpInterface>(op);
          synapse && holdsIntegers(synapse.getSynapseInput()) &&
          findNeuron(synapse.getSynapseInput()))
        synapses.push_back(synapse);
      else
        note(op);
    });
    for (SynapseOpInterface synapse : synapses)
      expand(synapse, subSteps);
  }

  /// Says of an op that computes with integers why it goes on reading them.
  void note(Operation *op) {
    if (movesElements(op) || llvm::none_of(op->getOperands(), holdsIntegers) ||
        isa<NeuronOpInterface, linalg::LinalgOp>(op) ||
        op->hasTrait<mlir::OpTrait::IsTerminator>())
      return;
    ++numKept;
    StringRef why = isa<SynapseOpInterface>(op)
                        ? "reads integers: no single neuron fires them"
                        : "reads integers: no synapse";
    op->setAttr(kWhyAttr, StringAttr::get(&getContext(), why));
    if (remarks)
      op->emitRemark() << op->getName() << " of layer "
                       << getLayerName(op->getLoc()) << " " << why;
  }

  void expand(SynapseOpInterface synapse, DenseMap<Value, Value> &subSteps) {
    ++numExpanded;
    OpBuilder b(synapse);
    Location loc = synapse->getLoc();
    Value integers = synapse.getSynapseInput();
    NeuronOpInterface neuron = findNeuron(integers);
    int64_t levels = neuron.getMaxFired();
    auto withSteps = [&](RankedTensorType type) {
      SmallVector<int64_t> shape(type.getShape());
      shape.front() *= levels;
      return type.clone(shape);
    };

    Value &spikes = subSteps[integers];
    if (!spikes) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointAfterValue(integers);
      spikes = SubStepsOp::create(
          b, neuron.getLoc(), withSteps(typeOf(integers)).clone(b.getI1Type()),
          integers, levels);
    }

    IRMapping mapping;
    mapping.map(integers, spikes);
    auto binary = cast<SynapseOpInterface>(b.clone(*synapse, mapping));
    Value result = binary->getResult(0);
    result.setType(withSteps(typeOf(result)));
    Value bias = binary.getSynapseBias();
    if (bias)
      binary.clearSynapseBias();
    if (SumAttr sum = binary.getSummation())
      binary.setSummation(SumAttr::get(&getContext(), sum.getKind(),
                                       sum.getGroup(),
                                       /*planes=*/false, /*grouped_planes=*/0));
    Value sum = AccumulateOp::create(b, loc, typeOf(synapse->getResult(0)),
                                     result, levels);
    if (bias)
      sum = addBias(b, binary, sum, bias);
    synapse->replaceAllUsesWith(ValueRange{sum});
    synapse->erase();
  }

  /// Times 1 changes nothing, which leaves the addition.
  Value addBias(OpBuilder &b, SynapseOpInterface synapse, Value sum,
                Value bias) {
    RankedTensorType type = typeOf(bias);
    Value ones = arith::ConstantOp::create(
        b, bias.getLoc(), DenseElementsAttr::get(type, b.getF32FloatAttr(1.0)));
    bool isLast = synapse.getChannelAxis() == typeOf(sum).getRank() - 1;
    return ScaleShiftOp::create(
        b, synapse->getLoc(), sum.getType(), sum, ones, bias,
        isLast ? Layout::ChannelsLast : Layout::ChannelsFirst);
  }
};

} // namespace
