//===- NeuronBuilders.h - neurons that passes write -------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_TRANSFORMS_NEURONBUILDERS_H
#define SPK_DIALECT_SPK_TRANSFORMS_NEURONBUILDERS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

namespace mlir::spk {

/// Makes the region of a neuron that keeps one number: what it fires and keeps,
/// from that number and the current.
using MakeStep = llvm::function_ref<std::pair<Value, Value>(
    ImplicitLocOpBuilder &, Value state, Value current)>;

/// A neuron that keeps one number, `resting` at the start.
GenericNeuronOp createNeuron(OpBuilder &builder, Location loc, Value current,
                             bool finalState, MakeStep makeStep,
                             float resting = 0.0f);

/// What came so far, at every step, added to `start`.
GenericNeuronOp createRunningSum(OpBuilder &builder, Location loc,
                                 Value current, bool finalState,
                                 float start = 0.0f);

} // namespace mlir::spk

#endif // SPK_DIALECT_SPK_TRANSFORMS_NEURONBUILDERS_H
