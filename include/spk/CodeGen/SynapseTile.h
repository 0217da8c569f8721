//===- SynapseTile.h - rectangles of output positions -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// This file cuts the output positions of a synapse into rectangles (tiles)
// whose sums stand in memory between blocks of inputs, so that the weights of
// one block stay in the first-level cache for all positions of a tile.

#ifndef SPK_CODEGEN_SYNAPSETILE_H
#define SPK_CODEGEN_SYNAPSETILE_H

#include "spk/CodeGen/SynapseInputs.h"

namespace mlir::spk {

/// What a pool reads along one axis; without a pool, one position.
struct PoolWindow {
  int64_t size = 1, stride = 1, padding = 0;

  /// Positions that `count` windows next to each other read.
  int64_t getExtent(int64_t count) const { return (count - 1) * stride + size; }

  /// First position inside [0, limit) that windows [begin, end) read, and how
  /// many positions.
  std::pair<Value, Value> getRange(KernelBuilder &b, Value begin, Value end,
                                   int64_t limit) const;
};

/// How the positions of a fused layer are cut. Axes that the layer does not
/// have count as one row or column.
struct TileGeometry {
  explicit TileGeometry(FusedOp layer);

  SynapseOpInterface op;
  /// Positions of the layer, and of its tiles.
  int64_t height, width, rows, columns;
  /// Positions of the synapse, which a pool behind it may reduce to those of
  /// the layer.
  int64_t sizeY, sizeX;
  PoolWindow windowY, windowX;
  bool isPooled = false;
  /// Time steps of the synapse.
  int64_t steps;
  /// Sums of a row of positions: every tap adds a whole row of the input, and
  /// `margin` columns on the left and some on the right take what falls outside
  /// the output. Without it (isPadded), a run ends where its input does.
  bool isPadded;
  int64_t margin, pitch;

  int64_t getTilesY() const { return llvm::divideCeil(height, rows); }
  int64_t getTilesX() const { return llvm::divideCeil(width, columns); }
  int64_t getNumTiles() const { return getTilesY() * getTilesX(); }
  /// Sums of one time step, and of all.
  int64_t getSumsPerStep() const { return windowY.getExtent(rows) * pitch; }
  int64_t getNumSums() const { return steps * getSumsPerStep(); }
};

/// One tap of a window: its place, and the weight row of its first channel.
struct SynapseTap {
  Value y, x, firstRow;
};

/// Positions of a tile, next to each other along the last axis, at one tap and
/// time step.
struct SynapseRun {
  /// Indices of the input of the first position, up to the words or channels.
  SmallVector<Value> input;
  /// Step of the last of these indices from one position to the next.
  int64_t stride;
  /// Sum of the first position, and how many positions: at least one.
  Value first, count;

  /// Indices of the input of position i of the run.
  SmallVector<Value> at(KernelBuilder &b, Value i) const;
};

/// Evaluations of a synapse at one tile, 64 output channels.
struct SynapseTile {
  const TileGeometry *geometry;
  /// Operand: words `[T, B, ..., W, planes]`, or f32 `[T, B, ..., C]`.
  Value input;
  /// Weights as `spk.pack_weights` lays them out, `[blocks, K, 64]`.
  Value weights;
  /// Positions in the order of their spikes, see PositionOrder.h, or null.
  Value order;
  Value b, block, index;
  /// First row and column of output positions, and how many.
  Value firstY, firstX, numY, numX;
  /// `[sums, 64]` f32.
  Value sums;

  /// Sets everything that follows from the index of the tile.
  void select(KernelBuilder &b, Value tile);
  /// Positions [begin, end) of the layer in the tile, along either axis.
  std::pair<Value, Value> getLayerRows(KernelBuilder &b) const;
  std::pair<Value, Value> getLayerColumns(KernelBuilder &b) const;

  SumAttr getSum() const;
  SynapseInputs getInputs() const { return SynapseInputs(geometry->op); }
  int64_t getPlanes() const;
  /// Word `w` of those that the block reads, of a packed operand.
  Value loadWord(KernelBuilder &b, ValueRange at, Value w, Value plane) const;

  /// Sum of an output position.
  Value getSumIndex(KernelBuilder &b, Value t, ValueRange position) const;
  /// The taps of the window in order.
  void forEachTap(KernelBuilder &b,
                  llvm::function_ref<void(const SynapseTap &)> body) const;
  /// The runs of a tap, all time steps.
  void forEachRun(KernelBuilder &b, const SynapseTap &tap,
                  llvm::function_ref<void(const SynapseRun &)> body) const;
  /// All sums.
  void forEachSum(KernelBuilder &b, llvm::function_ref<void(Value)> body) const;
  void clearSums(KernelBuilder &b) const;
};

} // namespace mlir::spk

#endif // SPK_CODEGEN_SYNAPSETILE_H
