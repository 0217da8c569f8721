//===- RowAccumulate.h - add the weight row of every spike -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// This file has what other strategies share with row_accumulate.

#ifndef SPK_LIB_CODEGEN_STRATEGIES_ROWACCUMULATE_H
#define SPK_LIB_CODEGEN_STRATEGIES_ROWACCUMULATE_H

#include "spk/CodeGen/SynapseStrategy.h"

namespace mlir::spk {

/// Adds the weight rows of one bit plane at one position to `sum`, each times
/// `scale` if there is one.
Value emitRows(KernelBuilder &b, const SynapseSite &site, Value plane,
               Value sum, Value scale);

/// The same for the sums of a tile. Positions are walked in order where the
/// tile has one; its first plane is `firstPlane`.
void emitTileRows(KernelBuilder &b, const SynapseTile &tile, Value plane,
                  int64_t firstPlane, Value scale);

/// The positions of a tile in order; `plane` counts from the first of the
/// order.
void emitOrderedRows(KernelBuilder &b, const SynapseTile &tile, Value plane,
                     Value scale);

/// Adds the weight row of every set bit of `word`, times `scale` if there is
/// one.
Value addRows(KernelBuilder &b, Value weights, Value block, Value word,
              Value firstRow, Value sum, Value scale);

/// body(p, 2^p as `vector<64xf32>`) for p in [first, end).
void forEachPlane(KernelBuilder &b, int64_t first, int64_t end,
                  llvm::function_ref<void(Value, Value)> body);

} // namespace mlir::spk

#endif // SPK_LIB_CODEGEN_STRATEGIES_ROWACCUMULATE_H
