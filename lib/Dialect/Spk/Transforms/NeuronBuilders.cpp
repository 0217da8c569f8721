//===- NeuronBuilders.cpp - neurons that passes write ---------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NeuronBuilders.h"

using namespace mlir;
using namespace mlir::spk;

GenericNeuronOp spk::createNeuron(OpBuilder &builder, Location loc,
                                  Value current, bool finalState,
                                  MakeStep makeStep, float resting) {
  auto type = cast<RankedTensorType>(current.getType());
  SmallVector<Type> states;
  if (finalState) {
    SmallVector<int64_t> shape(type.getShape());
    shape[0] = 1;
    states.push_back(type.clone(shape));
  }
  auto neuron = GenericNeuronOp::create(
      builder, loc, type, states, /*membrane=*/Type(), current,
      /*initial_states=*/ValueRange(), builder.getDenseF32ArrayAttr({resting}));
  OpBuilder::InsertionGuard guard(builder);
  Type number = builder.getF32Type();
  Block *body =
      builder.createBlock(&neuron.getBody(), {}, {number, number}, {loc, loc});
  ImplicitLocOpBuilder inside(loc, builder);
  inside.setInsertionPointToStart(body);
  auto [fired, state] =
      makeStep(inside, body->getArgument(0), body->getArgument(1));
  FireOp::create(inside, /*charged=*/fired, fired, state);
  return neuron;
}

GenericNeuronOp spk::createRunningSum(OpBuilder &builder, Location loc,
                                      Value current, bool finalState,
                                      float start) {
  return createNeuron(
      builder, loc, current, finalState,
      [](ImplicitLocOpBuilder &b, Value sum, Value x) {
        Value next = arith::AddFOp::create(b, sum, x);
        return std::pair(next, next);
      },
      start);
}
