//===- SoftmaxKernel.h - kernel of a softmax -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_LIB_CODEGEN_SOFTMAXKERNEL_H
#define SPK_LIB_CODEGEN_SOFTMAXKERNEL_H

#include "spk/CodeGen/KernelBuilder.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

namespace mlir::spk {

/// Emits the loops of a softmax from one buffer `[T, B, N, H * M]` to another.
void emitSoftmax(KernelBuilder &b, SoftmaxOp op, Value input, Value output);

} // namespace mlir::spk

#endif // SPK_LIB_CODEGEN_SOFTMAXKERNEL_H
