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

  /// Sums the planes of a packed operand, each by `sumPlane(plane)`, as
  /// #spk.sum says.
  Value combinePlanes(KernelBuilder &b,
                      llvm::function_ref<Value(Value)> sumPlane) const;
};

/// Evaluations of a synapse at a run of output positions and all time steps.
/// Their sums stand in memory between blocks of inputs, so that the weights of
/// one block stay in the first-level cache for the whole run.
struct SynapseTile {
  SynapseOpInterface op;
  Value input, weights;
  Value b, block;
  /// First output position, counted over all position axes, and how many.
  Value firstPosition, count;
  /// `[T, positions, 64]` f32, zero on entry.
  Value sums;

  int64_t getSteps() const;
  /// Index of an output position along every position axis.
  SmallVector<Value> getPosition(KernelBuilder &b, Value position) const;
  /// For every tap in order, and inside it every word range of `wordsPerBlock`
  /// words in order, runs `body(t, i, input indices up to the words, first
  /// word, end word, first weight row of the tap)` for all steps and positions
  /// i of the tile whose tap lies inside the input.
  void forEachInputBlock(
      KernelBuilder &b, int64_t wordsPerBlock,
      llvm::function_ref<void(Value, Value, ValueRange, Value, Value, Value)>
          body) const;
};

class SynapseStrategy {
public:
  virtual ~SynapseStrategy() = default;
  virtual llvm::StringRef getName() const = 0;
  /// What it does and when it pays, for --explain.
  virtual llvm::StringRef getSummary() const = 0;
  /// Whether it gives exactly the bits of `sum`.
  virtual bool realises(SumAttr sum) const = 0;
  /// The sum, `vector<64xf32>`.
  virtual Value emitSum(KernelBuilder &b, const SynapseSite &site) const = 0;
  /// Whether `emitTile` is there and to be preferred.
  virtual bool isTiled() const { return false; }
  /// Adds one bit plane of the operand to the sums of a tile.
  virtual void emitTile(KernelBuilder &b, const SynapseTile &tile,
                        Value plane) const {}
};

/// All strategies, the preferred ones first.
llvm::ArrayRef<const SynapseStrategy *> getSynapseStrategies();

/// The strategy of that name, or null.
const SynapseStrategy *lookupSynapseStrategy(llvm::StringRef name);

// One function per file under lib/CodeGen/Strategies.
const SynapseStrategy &getRowAccumulate();
const SynapseStrategy &getSelectAccumulate();
const SynapseStrategy &getDenseFMA();

} // namespace mlir::spk

#endif // SPK_CODEGEN_SYNAPSESTRATEGY_H
