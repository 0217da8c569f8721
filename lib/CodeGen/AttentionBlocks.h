//===- AttentionBlocks.h - heads and words of a block -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Heads need not begin at words: a block of 64 output channels may belong to
// several heads, and those heads' channels may stand in several words.

#ifndef SPK_LIB_CODEGEN_ATTENTIONBLOCKS_H
#define SPK_LIB_CODEGEN_ATTENTIONBLOCKS_H

#include "spk/CodeGen/AttentionKernel.h"

namespace mlir::spk {

/// Heads, channels and words that a block of 64 output channels depends on.
struct BlockHeads {
  BlockHeads(KernelBuilder &b, const AttentionCore &core, Value block);
  Value firstHead, endHead, firstChannel, endChannel, firstWord, endWord;
};

/// Words that channels [first, last) touch.
std::pair<Value, Value> wordsOf(KernelBuilder &b, Value first, Value last);

/// Bits of [first, last) of the channels that word `w` holds.
Value channelMask(KernelBuilder &b, Value w, Value first, Value last);

/// One word of a packed operand `[T, B, N, W, 1]`.
Value loadWord(KernelBuilder &b, Value buffer, Value t, Value batch,
               Value token, Value w);

/// Kᵀ V: row c of a block holds, for the channels of the block that belong to
/// the head of key channel c, how many tokens have both spikes.
void emitKVProduct(KernelBuilder &b, const AttentionCore &core, Value k,
                   Value v, Value product);

} // namespace mlir::spk

#endif // SPK_LIB_CODEGEN_ATTENTIONBLOCKS_H
