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

/// The same for the sums of a tile.
void emitTileRows(KernelBuilder &b, const SynapseTile &tile, Value plane,
                  Value scale);

/// body(p, 2^p as `vector<64xf32>`) for p in [first, end).
void forEachPlane(KernelBuilder &b, int64_t first, int64_t end,
                  llvm::function_ref<void(Value, Value)> body);

} // namespace mlir::spk

#endif // SPK_LIB_CODEGEN_STRATEGIES_ROWACCUMULATE_H
