//===- FusedOps.cpp - fused layers and kernels
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Dialect/Spk/IR/SpkOps.h"

using namespace mlir;
using namespace mlir::spk;

//===----------------------------------------------------------------------===//
// FusedOp
//===----------------------------------------------------------------------===//

LogicalResult FusedOp::verify() {
  Block &body = getBody().front();
  if (body.getArgumentTypes() != getInputs().getTypes())
    return emitOpError("block arguments must have the types of the inputs");
  auto yield = dyn_cast<YieldOp>(body.back());
  if (!yield || yield.getValues().getTypes() != getResultTypes())
    return emitOpError("yielded values must have the types of the results");
  if (llvm::range_size(body.getOps<NeuronOpInterface>()) > 1)
    return emitOpError("a fused layer must have at most one neuron");
  if (llvm::range_size(body.getOps<SynapseOpInterface>()) > 1)
    return emitOpError("a fused layer must have at most one synapse");
  return success();
}

SynapseOpInterface FusedOp::getSynapse() {
  auto synapses = getBody().front().getOps<SynapseOpInterface>();
  return synapses.empty() ? SynapseOpInterface() : *synapses.begin();
}

NeuronOpInterface FusedOp::getNeuron() {
  auto neurons = getBody().front().getOps<NeuronOpInterface>();
  return neurons.empty() ? NeuronOpInterface() : *neurons.begin();
}

YieldOp FusedOp::getYield() { return cast<YieldOp>(getBody().front().back()); }

//===----------------------------------------------------------------------===//
// DispatchOp
//===----------------------------------------------------------------------===//

LogicalResult DispatchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!symbols.lookupNearestSymbolFrom(*this, getKernelAttr()))
    return emitOpError("kernel must be a function of the module, got ")
           << getKernelAttr();
  return success();
}

void DispatchOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  // On tensors a kernel only makes its results.
}
