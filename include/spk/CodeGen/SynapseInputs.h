//===- SynapseInputs.h - input channels of a block of outputs -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_CODEGEN_SYNAPSEINPUTS_H
#define SPK_CODEGEN_SYNAPSEINPUTS_H

#include "spk/CodeGen/KernelBuilder.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

namespace mlir::spk {

/// The input channels that each block of 64 output channels reads: all of them,
/// or in a grouped convolution those of its groups. Every block reads equally
/// many, whole words of spikes, and has a weight row for each.
class SynapseInputs {
public:
  explicit SynapseInputs(SynapseOpInterface op);

  /// Channels of one tap of a block.
  int64_t getNumChannels() const { return channels; }
  /// Words that hold them.
  int64_t getNumWords() const { return llvm::divideCeil(channels, kWordBits); }
  /// First channel of a block.
  int64_t getFirst(int64_t block) const;
  Value getFirst(KernelBuilder &b, Value block) const;
  /// Word `w` of those that a block reads at one position of packed operands.
  Value loadWord(KernelBuilder &b, Value input, ValueRange at, Value block,
                 Value w, Value plane) const;

  bool isGrouped() const { return groups > 1; }
  /// Every output channel reads one input channel, the one of its number.
  bool isDepthwise() const {
    return isGrouped() && inputsPerGroup == 1 && outputsPerGroup == 1;
  }
  /// Output channels of several groups meet in a block.
  bool mixesGroups() const {
    return isGrouped() && outputsPerGroup % kLanes != 0;
  }
  /// Lanes of a block that read `channel`.
  Value getReaders(KernelBuilder &b, Value block, Value channel) const;

private:
  int64_t groups, inputsPerGroup, outputsPerGroup;
  /// Spikes are read by words.
  int64_t unit;
  int64_t channels, lastFirst;
};

} // namespace mlir::spk

#endif // SPK_CODEGEN_SYNAPSEINPUTS_H
