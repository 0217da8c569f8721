//===- SynapseInputs.cpp - input channels of a block of outputs
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/SynapseInputs.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::spk;

SynapseInputs::SynapseInputs(SynapseOpInterface op)
    : groups(op.getNumGroups()), inputsPerGroup(op.getChannelsPerGroup()),
      outputsPerGroup(op.getOutputChannels() / groups) {
  bool isFloat =
      isa<FloatType>(getElementTypeOrSelf(op.getSynapseInput().getType()));
  unit = isFloat ? 1 : kWordBits;
  int64_t all = inputsPerGroup * groups;
  channels = all;
  lastFirst = 0;
  if (!isGrouped())
    return;
  lastFirst = llvm::alignTo(all, unit);
  int64_t most = 0;
  for (int64_t o = 0; o < op.getOutputChannels(); o += kLanes) {
    int64_t last = std::min(o + kLanes, op.getOutputChannels()) - 1;
    int64_t end = (last / outputsPerGroup + 1) * inputsPerGroup;
    most = std::max(most, end - getFirst(o / kLanes));
  }
  most = llvm::alignTo(most, unit);
  lastFirst -= most;
  channels = lastFirst == 0 ? all : most;
}

int64_t SynapseInputs::getFirst(int64_t block) const {
  int64_t group = block * kLanes / outputsPerGroup;
  return std::min(group * inputsPerGroup / unit * unit, lastFirst);
}

Value SynapseInputs::getFirst(KernelBuilder &b, Value block) const {
  if (lastFirst == 0)
    return b.index(0);
  Value group = b.floorDiv(b.mulIndex(block, kLanes), outputsPerGroup);
  Value first = b.mulIndex(group, inputsPerGroup);
  if (unit > 1)
    first = b.mulIndex(b.floorDiv(first, unit), unit);
  return b.minIndex(first, b.index(lastFirst));
}

Value SynapseInputs::loadWord(KernelBuilder &b, Value input, ValueRange at,
                              Value block, Value w, Value plane) const {
  Value first = b.floorDiv(getFirst(b, block), kWordBits);
  SmallVector<Value> indices(at);
  indices.append({b.addIndex(first, w), plane});
  return memref::LoadOp::create(b, input, indices);
}

Value SynapseInputs::getReaders(KernelBuilder &b, Value block,
                                Value channel) const {
  Value firstOutput =
      b.mulIndex(b.floorDiv(channel, inputsPerGroup), outputsPerGroup);
  Value lane = arith::SubIOp::create(b, firstOutput, b.mulIndex(block, kLanes));
  auto inBlock = [&](Value at) {
    return b.minIndex(b.maxIndex(at, b.index(0)), b.index(kLanes));
  };
  return b.wordToMask(
      b.wordRange(inBlock(lane), inBlock(b.addIndex(lane, outputsPerGroup))));
}
