//===- Neurons.cpp - interpretation of neurons ----------------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"
#include "NumberArithmetic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::spk;

static NeuronValue truthValue(bool value) {
  NeuronValue result;
  result.truth = value;
  return result;
}

NeuronValue NumberArithmetic::apply(Operation *op,
                                    ArrayRef<NeuronValue> operands) {
  auto at = [&](unsigned i) { return operands[i]; };
  auto larger = [](float a, float b) {
    return llvm::maximum(APFloat(a), APFloat(b)).convertToFloat();
  };
  return llvm::TypeSwitch<Operation *, NeuronValue>(op)
      .Case([&](arith::ConstantOp op) {
        if (auto value = dyn_cast<FloatAttr>(op.getValue()))
          return number(value.getValue().convertToFloat());
        return truthValue(cast<IntegerAttr>(op.getValue()).getInt() != 0);
      })
      .Case([&](arith::AddFOp) { return add(at(0), at(1)); })
      .Case([&](arith::SubFOp) { return sub(at(0), at(1)); })
      .Case([&](arith::MulFOp) { return mul(at(0), at(1)); })
      .Case([&](arith::DivFOp) { return div(at(0), at(1)); })
      .Case([&](arith::NegFOp) { return number(-at(0).number); })
      .Case([&](arith::MaximumFOp) {
        return number(larger(at(0).number, at(1).number));
      })
      .Case([&](arith::MinimumFOp) {
        return number(-larger(-at(0).number, -at(1).number));
      })
      .Case([&](arith::CmpFOp op) {
        return truthValue(arith::applyCmpPredicate(
            op.getPredicate(), APFloat(at(0).number), APFloat(at(1).number)));
      })
      .Case([&](arith::SelectOp) { return select(at(0), at(1), at(2)); })
      .Case(
          [&](arith::AndIOp) { return truthValue(at(0).truth & at(1).truth); })
      .Case([&](arith::OrIOp) { return truthValue(at(0).truth | at(1).truth); })
      .Case(
          [&](arith::XOrIOp) { return truthValue(at(0).truth ^ at(1).truth); })
      .Case([&](arith::UIToFPOp) { return number(at(0).truth); });
}

/// Writes what fires into the elements of a tensor, whatever their type.
static void storeFired(TensorValue &fired, int64_t at, NeuronValue value) {
  visitElementKind(fired.kind, [&](auto zero) {
    using T = decltype(zero);
    fired.getMutable<T>()[at] = fired.kind == ElementKind::I1
                                    ? static_cast<T>(value.truth)
                                    : static_cast<T>(value.number);
  });
}

static LogicalResult evaluateNeuron(NeuronOpInterface op, Evaluation &e) {
  ArrayRef<float> current = e.in<float>(op.getCurrent());
  TensorValue &fired = e.result(op.getFired());
  MutableArrayRef<float> charged;
  if (op.getCharged())
    charged = e.out<float>(op.getCharged());

  NumberArithmetic arithmetic;
  SmallVector<float> resting = op.getRestingStates();
  ArrayRef<int64_t> shape = e.operand(op.getCurrent()).shape;
  int64_t steps = shape.front();
  int64_t neurons = *countElements(shape.drop_front());
  for (int64_t n = 0; n < neurons; ++n) {
    SmallVector<NeuronValue, 2> states;
    for (auto [i, rest] : llvm::enumerate(resting))
      states.push_back(arithmetic.constant(
          op.getStates().empty() ? rest : e.in<float>(op.getStates()[i])[n]));
    for (int64_t t = 0; t < steps; ++t) {
      int64_t at = t * neurons + n;
      NeuronStep step =
          op.step(arithmetic, states, arithmetic.constant(current[at]));
      storeFired(fired, at, step.fired);
      if (!charged.empty())
        charged[at] = step.charged.number;
      states = std::move(step.states);
    }
    for (auto [i, state] : llvm::enumerate(op.getStatesOut()))
      e.out<float>(state)[n] = states[i].number;
  }
  return success();
}

void spk::addNeuronHandlers(HandlerTable &table) {
  table.add<NeuronOpInterface, evaluateNeuron>();
}
