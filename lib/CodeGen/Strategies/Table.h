//===- Table.h - look up the sums of groups of inputs -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// This file has what other strategies share with table.

#ifndef SPK_LIB_CODEGEN_STRATEGIES_TABLE_H
#define SPK_LIB_CODEGEN_STRATEGIES_TABLE_H

#include "spk/CodeGen/SynapseStrategy.h"

namespace mlir::spk {

/// Writes the grouped sums of the lowest `planes` bit planes to the sums of a
/// tile.
void emitTileTables(KernelBuilder &b, const SynapseTile &tile, int64_t planes,
                    func::FuncOp kernel);

} // namespace mlir::spk

#endif // SPK_LIB_CODEGEN_STRATEGIES_TABLE_H
