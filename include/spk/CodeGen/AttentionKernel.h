//===- AttentionKernel.h - products of attention cores -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// This file emits the two products of spiking self-attention on packed words.
// The first product is a kernel of its own and leaves an intermediate: d × d
// per head where Kᵀ V is first, N × N where Q Kᵀ is. The second runs inside the
// kernel of the layer, in front of its neuron.

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
  /// Channels of all heads that overlap a block of 64, at most.
  int64_t getRangeLength() const;
  /// The intermediate: `[T, B, blocks, range, 64]`, or `[T, B, heads, N, N]`.
  RankedTensorType getProductType() const;
};

/// Body of the kernel of the first product, at the start of `kernel` with
/// arguments (left, right, product): (K, V) or (Q, K).
void emitFirstProduct(KernelBuilder &b, const AttentionCore &core,
                      func::FuncOp kernel);

/// `scale * second product` at 64 channels of one token: `vector<64xf32>`.
/// `operand` holds Q where Kᵀ V was first, V where Q Kᵀ was.
Value emitSecondProduct(KernelBuilder &b, const AttentionCore &core,
                        Value product, Value operand, Value t, Value batch,
                        Value token, Value block);

} // namespace mlir::spk

#endif // SPK_CODEGEN_ATTENTIONKERNEL_H
