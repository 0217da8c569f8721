//===- PositionOrder.h - positions in the order of their spikes -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A loop over the set bits of a word ends at random: the processor predicts its
// end wrongly nearly every time, which costs more than a sparse word's work.
// So the positions of a tile are sorted by how many spikes the first of two
// words of their input holds, then by the second; one after the other, they
// then take the same number of turns. One order serves all blocks of output
// channels, all layers with the same input and all taps of a window row. Sums
// do not depend on the order of positions.

#ifndef SPK_CODEGEN_POSITIONORDER_H
#define SPK_CODEGEN_POSITIONORDER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "spk/CodeGen/SynapseTile.h"

namespace mlir::spk {

/// The orders of all tiles of a synapse, for bit planes [firstPlane, planes).
struct PositionOrder {
  /// Words that one entry holds.
  static constexpr int64_t kWords = 2;
  /// Integers of an entry: its words, and its sum at the first tap of a row.
  static constexpr int64_t kFields = kWords + 1;

  PositionOrder(const TileGeometry &geometry, int64_t firstPlane);

  /// Whether the tiles of `geometry` can be walked in order: whole rows of
  /// positions next to each other, and enough of them.
  static bool suits(const TileGeometry &geometry);

  /// `[planes, B, tiles, window rows × pairs of words, entries, fields]` i64.
  /// Entry 0 holds the number of the entries that follow.
  RankedTensorType getType() const;
  int64_t getNumPairs() const;

  TileGeometry geometry;
  int64_t firstPlane;
};

/// Emits the body of a kernel with arguments (words, order).
void emitPositionOrder(const PositionOrder &order, func::FuncOp kernel);

} // namespace mlir::spk

#endif // SPK_CODEGEN_POSITIONORDER_H
