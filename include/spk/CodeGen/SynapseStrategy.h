//===- SynapseStrategy.h - ways to sum spikes times weights -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// This file is the interface behind which a kernel sums the inputs of a
// synapse. A strategy is one file under lib/CodeGen/Strategies and one line in
// SynapseStrategy.cpp.

#ifndef SPK_CODEGEN_SYNAPSESTRATEGY_H
#define SPK_CODEGEN_SYNAPSESTRATEGY_H

#include "spk/CodeGen/CostModel.h"
#include "spk/CodeGen/KernelBuilder.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

namespace mlir::spk {

/// One evaluation of a synapse: 64 output channels at one position, time step
/// and batch element.
struct SynapseSite {
  SynapseOpInterface op;
  /// Operand: words `[T, B, ..., W, planes]`, or f32 `[T, B, ..., C]`.
  Value input;
  /// Weights as `spk.pack_weights` lays them out, `[blocks, K, 64]`.
  Value weights;
  Value t, b, block;
  /// Output position: (y, x) of a convolution, any axes of a linear map.
  SmallVector<Value> position;

  int64_t getInputChannels() const;
  /// Bit planes of a packed operand.
  int64_t getPlanes() const;
  /// Words of one position of a packed operand.
  int64_t getWords() const;

  /// Runs `body(input indices up to the channels, first weight row, carried)`
  /// for every tap of the window that lies inside the input, in order.
  SmallVector<Value> forEachTap(
      KernelBuilder &b, ValueRange carried,
      llvm::function_ref<SmallVector<Value>(ValueRange, Value, ValueRange)>
          body) const;

  /// Sums planes [first, end) of a packed operand, each by `sumPlane(plane)`,
  /// as #spk.sum says, onto `sum` (or +0 where that is null).
  Value combinePlanes(KernelBuilder &b, int64_t first, int64_t end, Value sum,
                      llvm::function_ref<Value(Value)> sumPlane) const;
};

/// One tap of a window: its place, and the weight row of its first channel.
struct SynapseTap {
  Value y, x, firstRow;
};

/// Positions of a tile, next to each other along the last axis, whose input at
/// some tap exists, at one time step.
struct SynapseRun {
  /// Indices of the input of the first position, up to the words or channels.
  SmallVector<Value> input;
  /// Step of the last of these indices from one position to the next.
  int64_t stride;
  /// Row of the first position in the sums of its time step, and how many
  /// positions.
  Value t, first, count;

  /// Indices of the input of position i of the run.
  SmallVector<Value> at(KernelBuilder &b, Value i) const;
};

/// Evaluations of a synapse at a rectangle of output positions and all time
/// steps, 64 output channels. The sums stand in memory between blocks of
/// inputs, so that the weights of one block stay in the first-level cache for
/// all positions.
struct SynapseTile {
  SynapseOpInterface op;
  Value input, weights;
  Value b, block;
  /// First row and column of output positions, and how many. Axes that the
  /// synapse does not have count as one row or column.
  Value firstY, firstX, numY, numX;
  /// Positions from one row of the rectangle to the next in `sums`.
  int64_t pitch;
  /// `[T, positions, 64]` f32.
  Value sums;

  int64_t getSteps() const;
  /// Positions that fit into the sums of one time step.
  int64_t getCapacity() const;
  int64_t getInputChannels() const;
  int64_t getPlanes() const;
  /// Rows and columns of the output of `op`.
  static std::pair<int64_t, int64_t> getOutputSize(SynapseOpInterface op);

  /// Row of the sums of a time step that belongs to an output position.
  Value getRow(KernelBuilder &b, ValueRange position) const;
  /// The taps of the window in order.
  void forEachTap(KernelBuilder &b,
                  llvm::function_ref<void(const SynapseTap &)> body) const;
  /// The runs of a tap, all time steps.
  void forEachRun(KernelBuilder &b, const SynapseTap &tap,
                  llvm::function_ref<void(const SynapseRun &)> body) const;
  /// All sums: body(t, row).
  void forEachSum(KernelBuilder &b,
                  llvm::function_ref<void(Value, Value)> body) const;
  void clearSums(KernelBuilder &b) const;
};

class SynapseStrategy {
public:
  virtual ~SynapseStrategy() = default;
  virtual llvm::StringRef getName() const = 0;
  /// What it does and when it pays, for --explain.
  virtual llvm::StringRef getSummary() const = 0;
  /// Whether it gives exactly the bits of `sum`.
  virtual bool realises(SumAttr sum) const = 0;
  /// Nanoseconds that the sums of 64 output channels take on one thread.
  virtual double estimate(const SynapseWork &work,
                          const CostModel &model) const = 0;
  /// The sum, `vector<64xf32>`.
  virtual Value emitSum(KernelBuilder &b, const SynapseSite &site) const = 0;
  /// Whether `emitTile` is there and to be preferred.
  virtual bool isTiled() const { return false; }
  /// Writes the sums of a tile. Scratch memory is made at the start of
  /// `kernel`.
  virtual void emitTile(KernelBuilder &b, const SynapseTile &tile,
                        func::FuncOp kernel) const {}
};

/// All strategies, the preferred ones first.
llvm::ArrayRef<const SynapseStrategy *> getSynapseStrategies();

/// The strategy of that name, or null.
const SynapseStrategy *lookupSynapseStrategy(llvm::StringRef name);

// One function per file under lib/CodeGen/Strategies.
const SynapseStrategy &getRowAccumulate();
const SynapseStrategy &getTable();
const SynapseStrategy &getTableAndRows();
const SynapseStrategy &getSelectAccumulate();
const SynapseStrategy &getDenseFMA();

} // namespace mlir::spk

#endif // SPK_CODEGEN_SYNAPSESTRATEGY_H
