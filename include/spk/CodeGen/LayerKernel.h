//===- LayerKernel.h - kernels of fused layers -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// This file turns a fused layer on packed tensors into a function on memrefs.
// One iteration computes 64 channels at one position over all time steps: the
// membrane stays in registers and only the results reach memory.

#ifndef SPK_CODEGEN_LAYERKERNEL_H
#define SPK_CODEGEN_LAYERKERNEL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "spk/CodeGen/PositionOrder.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

namespace mlir::spk {

/// How a kernel sees one input of a fused layer.
enum class InputRole {
  Activation, ///< As it is.
  Weight,     ///< `spk.pack_weights` of it.
  PerChannel, ///< `spk.pad_channels` of it.
};

InputRole getInputRole(BlockArgument input);

/// Memref that holds a tensor: words where it is packed.
MemRefType getBufferType(RankedTensorType type);

/// The order of positions that the kernel of a layer with a synapse reads, if
/// it reads one.
std::optional<PositionOrder> getPositionOrder(FusedOp layer);

/// Emits the body of `kernel` for `layer`. Arguments: the inputs as their roles
/// say, the first product of an attention core or the order of positions if the
/// layer has one, the results. Fails with a diagnostic at the op that no kernel
/// can run.
LogicalResult emitLayerKernel(FusedOp layer, func::FuncOp kernel);

/// Emits the body of a kernel with arguments (input, result) that packs or
/// unpacks.
void emitPackKernel(PackOp op, func::FuncOp kernel);
void emitUnpackKernel(UnpackOp op, func::FuncOp kernel);

} // namespace mlir::spk

#endif // SPK_CODEGEN_LAYERKERNEL_H
