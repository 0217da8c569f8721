//===- AttentionKernel.h - products of attention cores -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// This file emits the two products of spiking self-attention on packed words.
// The first product is a kernel of its own and leaves an intermediate: d × d
// per head where Kᵀ V is first, N × N where Q Kᵀ is. The second runs inside the
// kernel of the layer, in front of its neuron: for a tile of tokens at a time
// where Kᵀ V was first and counts are exact, else for one token at a time.

#ifndef SPK_CODEGEN_ATTENTIONKERNEL_H
#define SPK_CODEGEN_ATTENTIONKERNEL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "spk/CodeGen/KernelBuilder.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

namespace mlir::spk {

/// Shape and numbers of one attention core on `[T, B, N, C]`.
struct AttentionCore {
  explicit AttentionCore(SSAOp op);
  explicit AttentionCore(AttentionMapOp op);

  int64_t steps, batch, tokens, channels, heads, width;
  Association order;
  /// Integer type that holds every partial result, or f32 where one rounds.
  Type element;
  float scale;
  /// Scale the first product already, rather than the second.
  bool scaleFirst;

  int64_t getBlocks() const;
  /// Words that the heads which overlap a block of 64 channels touch, at most.
  int64_t getWordsPerBlock() const;
  /// The intermediate: `[T, B, blocks, words per block * 64, 64]`, with a row
  /// for each key channel of those words, or `[T, B, heads, N, N]`.
  RankedTensorType getProductType() const;

  /// Whether the second product is done by tiles of tokens.
  bool isTiled() const;
  /// Tokens of a tile.
  int64_t getTileLength() const;
};

/// Body of the kernel of the first product, at the start of `kernel` with
/// arguments (left, right, product): (K, V) or (Q, K).
void emitFirstProduct(KernelBuilder &b, const AttentionCore &core,
                      func::FuncOp kernel);

/// One run over a tile of tokens of a core that `isTiled`.
struct AttentionTile {
  /// Buffers of the core: the intermediate and Q.
  Value product, query;
  Value batch, block;
  Value firstToken, count;
  /// Sums of the tile, see `getSumsType`, and scratch memory for
  /// `emitTileSums`.
  Value sums, tables;

  /// `[T, tile length, 64]`.
  static MemRefType getSumsType(const AttentionCore &core);
  static MemRefType getTablesType(const AttentionCore &core);
};

/// The second product, not scaled, at 64 channels of all tokens of a tile.
void emitTileSums(KernelBuilder &b, const AttentionCore &core,
                  const AttentionTile &tile);

/// `scale * second product` at 64 channels of one token: `vector<64xf32>`.
/// `operand` holds Q where Kᵀ V was first, V where Q Kᵀ was. `product` is the
/// intermediate; where the core is tiled, the sums of the token's tile.
Value emitSecondProduct(KernelBuilder &b, const AttentionCore &core,
                        Value product, Value operand, Value t, Value batch,
                        Value token, Value block);

} // namespace mlir::spk

#endif // SPK_CODEGEN_ATTENTIONKERNEL_H
