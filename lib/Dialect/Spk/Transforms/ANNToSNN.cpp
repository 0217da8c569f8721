//===- ANNToSNN.cpp - spiking neurons in place of activations
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NeuronBuilders.h"
#include "RetypeActivations.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"

namespace mlir::spk {
#define GEN_PASS_DEF_ANNTOSNN
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// `type` with another number of time steps.
RankedTensorType withSteps(RankedTensorType type, int64_t steps) {
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = steps;
  return type.clone(shape);
}

Value splat(OpBuilder &builder, Location loc, RankedTensorType type,
            float number) {
  return arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(type, builder.getF32FloatAttr(number)));
}

Value constant(ImplicitLocOpBuilder &b, float number) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(number));
}

/// What came less what came a step before.
GenericNeuronOp createDifference(OpBuilder &builder, Location loc,
                                 Value current) {
  return createNeuron(builder, loc, current, /*finalState=*/false,
                      [](ImplicitLocOpBuilder &b, Value last, Value x) {
                        return std::pair<Value, Value>(
                            arith::SubFOp::create(b, x, last), x);
                      });
}

/// What comes in the first `steps` steps, zeros after them.
GenericNeuronOp createGate(OpBuilder &builder, Location loc, Value current,
                           int64_t steps) {
  return createNeuron(
      builder, loc, current, /*finalState=*/false,
      [&](ImplicitLocOpBuilder &b, Value passed, Value x) {
        Value runs = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, passed,
                                           constant(b, steps));
        Value fired = arith::SelectOp::create(b, runs, x, constant(b, 0.0f));
        Value next = arith::AddFOp::create(b, passed, constant(b, 1.0f));
        return std::pair(fired, next);
      });
}

struct ANNToSNNPass : spk::impl::ANNToSNNBase<ANNToSNNPass> {
  using Base::Base;

  void runOnOperation() final {
    if (steps < 1 || extraSteps < 0) {
      InFlightDiagnostic error = getOperation().emitError("spk-ann-to-snn: ");
      if (steps < 1)
        error << "T must be at least 1, got " << steps.getValue();
      else
        error << "extra-t must not be negative, got " << extraSteps.getValue();
      return signalPassFailure();
    }
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock()) {
      getOperation().emitError("spk-ann-to-snn: the module must define @main");
      return signalPassFailure();
    }
    if (failed(convert(main)))
      signalPassFailure();
  }

  /// An error on a layer.
  InFlightDiagnostic refuse(Operation *op) {
    return op->emitError("layer ")
           << getLayerName(op->getLoc()) << " cannot "
           << "become part of an SNN: " << op->getName() << " ";
  }

  LogicalResult convert(func::FuncOp main) {
    hasNeurons = false;
    AxisResizer resizer(/*axis=*/0, "time", /*from=*/1, steps + extraSteps);
    SmallVector<Operation *> layers = llvm::map_to_vector(
        main.front().without_terminator(), [](Operation &op) { return &op; });
    if (failed(repeatInputs(main, resizer)))
      return failure();
    for (Operation *op : layers)
      if (failed(convertLayer(op, resizer)))
        return failure();
    if (!hasNeurons)
      return main.emitError("spk-ann-to-snn: the model has no activation that "
                            "could become a neuron (QCFS, spk.qcfs)");
    if (failed(addUpOutputs(main, resizer)))
      return failure();
    resizer.eraseReplaced();
    return success();
  }

  /// The input at each of the first steps, zeros behind them.
  LogicalResult repeatInputs(func::FuncOp main, AxisResizer &resizer) {
    OpBuilder builder = OpBuilder::atBlockBegin(&main.front());
    for (BlockArgument argument : main.getArguments()) {
      unsigned i = argument.getArgNumber();
      auto name = main.getArgAttrOfType<StringAttr>(i, kNameAttr);
      if (!name)
        continue;
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (!type || !type.getElementType().isF32() ||
          !main.getArgAttr(i, kStaticAttr))
        return main.emitError("input ")
               << name << " must be floats without a time axis (spk.static) of "
               << "an ANN, got " << argument.getType();
      SmallPtrSet<Operation *, 4> users(argument.user_begin(),
                                        argument.user_end());
      Location loc = NameLoc::get(name);
      Value input = RepeatOp::create(
          builder, loc, withSteps(type, steps + extraSteps), argument);
      if (extraSteps > 0)
        input = createGate(builder, loc, input, steps).getSpikes();
      argument.replaceUsesWithIf(input, [&](OpOperand &use) {
        return users.contains(use.getOwner());
      });
      resizer.add(input, 0);
    }
    return success();
  }

  LogicalResult convertLayer(Operation *op, AxisResizer &resizer) {
    auto hasTime = [&](Value value) {
      return resizer.getAxis(value).has_value();
    };
    if (llvm::none_of(op->getOperands(), hasTime))
      return success();
    if (auto activation = dyn_cast<QCFSOp>(op))
      return replace(op, createSignedNeuron(activation), resizer);
    if (auto pool = dyn_cast<MaxPoolOp>(op))
      return replace(op, createSignedPool(pool), resizer);
    if (isa<NeuronOpInterface, SPSOp>(op))
      return refuse(op) << "is a spiking neuron already";
    if (op->hasTrait<mlir::OpTrait::Elementwise>()) {
      if (!isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
               arith::NegFOp>(op))
        return refuse(op) << "is no activation with a spiking form; QCFS "
                             "(spk.qcfs, spk.neuron.QCFS in Python) is one";
      if (isa<arith::MulFOp, arith::DivFOp>(op) &&
          llvm::all_of(op->getOperands(), hasTime))
        return refuse(op) << "combines two activations, which does not add up "
                             "over time";
      if (isa<arith::DivFOp>(op) && hasTime(op->getOperand(1)))
        return refuse(op) << "divides by an activation, which does not add up "
                             "over time";
    }
    if (failed(resizer.resize(op)))
      return refuse(op) << resizer.getReason();
    return success();
  }

  LogicalResult replace(Operation *op, Value converted, AxisResizer &resizer) {
    // The membrane of an activation, where it is asked for, is its current.
    if (auto activation = dyn_cast<QCFSOp>(op))
      if (Value membrane = activation.getMembrane())
        membrane.replaceAllUsesWith(activation.getInput());
    op->getResult(0).replaceAllUsesWith(converted);
    op->erase();
    resizer.add(converted, 0);
    return success();
  }

  Value createSignedNeuron(QCFSOp op) {
    OpBuilder builder(op);
    Location loc = op.getLoc();
    RankedTensorType type = typeOf(op.getInput());
    RankedTensorType once = withSteps(type, 1);
    Value up = splat(builder, loc, type, op.getUp().convertToFloat());
    Value current = arith::DivFOp::create(builder, loc, op.getInput(), up);
    // Half of the threshold beforehand makes the count round, as the staircase
    // does.
    Value half = splat(builder, loc, once, 0.5f);
    Value none = splat(builder, loc, once, 0.0f);
    auto neuron = SignedIFOp::create(
        builder, loc, type, /*final_states=*/TypeRange(), /*membrane=*/Type(),
        current, ValueRange{half, none}, builder.getF32FloatAttr(1.0f),
        builder.getI64IntegerAttr(steps));
    ++numNeurons;
    hasNeurons = true;
    return arith::MulFOp::create(builder, loc, neuron.getSpikes(), up);
  }

  Value createSignedPool(MaxPoolOp op) {
    OpBuilder builder(op);
    std::string name = getLayerName(op.getLoc());
    auto named = [&](StringRef part) {
      return NameLoc::get(builder.getStringAttr(name + "." + part));
    };
    Value sum = createRunningSum(builder, named("sum"), op.getInput(),
                                 /*finalState=*/false)
                    .getSpikes();
    RankedTensorType type =
        withSteps(typeOf(op.getResult()), steps + extraSteps);
    Value largest = MaxPoolOp::create(builder, op.getLoc(), type, sum,
                                      op.getKernelAttr(), op.getStridesAttr(),
                                      op.getPaddingAttr(), op.getDilationAttr(),
                                      op.getCeilModeAttr(), op.getLayoutAttr());
    ++numPools;
    return createDifference(builder, named("difference"), largest).getSpikes();
  }

  /// Every result becomes the sum of its steps, divided by the number of those
  /// with input.
  LogicalResult addUpOutputs(func::FuncOp main, AxisResizer &resizer) {
    Operation *end = main.front().getTerminator();
    OpBuilder builder(end);
    for (OpOperand &operand : end->getOpOperands()) {
      unsigned i = operand.getOperandNumber();
      Value value = operand.get();
      auto name = main.getResultAttrOfType<StringAttr>(i, kNameAttr);
      std::string outside = name ? name.str() : "output." + std::to_string(i);
      if (resizer.getAxis(value) != 0 ||
          !typeOf(value).getElementType().isF32() ||
          !main.getResultAttr(i, kStaticAttr))
        return main.emitError("output ")
               << outside << " must be floats without a time axis (spk.static) "
               << "that are computed from the input, got "
               << main.getResultTypes()[i];
      Location loc = NameLoc::get(builder.getStringAttr(outside));
      Value sum = createRunningSum(builder, loc, value, /*finalState=*/true)
                      .getFinalStates()
                      .front();
      operand.set(arith::DivFOp::create(
          builder, loc, sum, splat(builder, loc, typeOf(sum), steps)));
    }
    return success();
  }

  bool hasNeurons = false;
};

} // namespace
