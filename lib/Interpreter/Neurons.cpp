//===- Neurons.cpp - interpretation of neurons ----------------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

/// Arithmetic on numbers. Each function rounds once: this library is compiled
/// without contraction.
class NumberArithmetic final : public NeuronArithmetic {
public:
  static NeuronValue number(float value) {
    NeuronValue result;
    result.number = value;
    return result;
  }
  NeuronValue constant(float value) final { return number(value); }
  NeuronValue add(NeuronValue a, NeuronValue b) final {
    return number(a.number + b.number);
  }
  NeuronValue sub(NeuronValue a, NeuronValue b) final {
    return number(a.number - b.number);
  }
  NeuronValue mul(NeuronValue a, NeuronValue b) final {
    return number(a.number * b.number);
  }
  NeuronValue div(NeuronValue a, NeuronValue b) final {
    return number(a.number / b.number);
  }
  NeuronValue greaterEqual(NeuronValue a, NeuronValue b) final {
    NeuronValue result;
    result.truth = a.number >= b.number;
    return result;
  }
  NeuronValue select(NeuronValue condition, NeuronValue a,
                     NeuronValue b) final {
    return condition.truth ? a : b;
  }
};

} // namespace

static LogicalResult evaluateNeuron(NeuronOpInterface op, Evaluation &e) {
  ArrayRef<float> current = e.in<float>(op.getCurrent());
  MutableArrayRef<uint8_t> fired = e.out<uint8_t>(op.getFired());
  ArrayRef<float> initial;
  MutableArrayRef<float> finalState, charged;
  if (op.getState())
    initial = e.in<float>(op.getState());
  if (op.getStateOut())
    finalState = e.out<float>(op.getStateOut());
  if (op.getCharged())
    charged = e.out<float>(op.getCharged());

  NumberArithmetic arithmetic;
  float rest = op.getRestingPotential();
  ArrayRef<int64_t> shape = e.operand(op.getCurrent()).shape;
  int64_t steps = shape.front();
  int64_t neurons = *countElements(shape.drop_front());
  for (int64_t n = 0; n < neurons; ++n) {
    NeuronValue v = arithmetic.constant(initial.empty() ? rest : initial[n]);
    for (int64_t t = 0; t < steps; ++t) {
      int64_t at = t * neurons + n;
      NeuronStep step =
          op.step(arithmetic, v, arithmetic.constant(current[at]));
      fired[at] = step.fired.truth;
      if (!charged.empty())
        charged[at] = step.charged.number;
      v = step.state;
    }
    if (!finalState.empty())
      finalState[n] = v.number;
  }
  return success();
}

void spk::addNeuronHandlers(HandlerTable &table) {
  table.add<NeuronOpInterface, evaluateNeuron>();
}
