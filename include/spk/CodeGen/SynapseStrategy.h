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
#include "spk/CodeGen/SynapseTile.h"

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

  SynapseInputs getInputs() const { return SynapseInputs(op); }
  /// Bit planes of a packed operand.
  int64_t getPlanes() const;
  /// Word `w` of those that the block reads, of a packed operand.
  Value loadWord(KernelBuilder &b, ValueRange at, Value w, Value plane) const;

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

class SynapseStrategy {
public:
  virtual ~SynapseStrategy() = default;
  virtual llvm::StringRef getName() const = 0;
  /// What it does and when it pays, for --explain.
  virtual llvm::StringRef getSummary() const = 0;
  /// Whether it gives exactly the bits of `sum`.
  virtual bool realises(SumAttr sum) const = 0;
  /// Whether it can read its inputs like that.
  virtual bool suits(const SynapseInputs &inputs) const { return true; }
  /// Whether weights hold every output channel's own inputs
  /// (`spk.pack_weights`).
  virtual bool readsOwnInputs() const { return false; }
  /// Nanoseconds that the sums of 64 output channels take on one thread.
  virtual double estimate(const SynapseWork &work,
                          const CostModel &model) const = 0;
  /// The sum, `vector<64xf32>`.
  virtual Value emitSum(KernelBuilder &b, const SynapseSite &site) const = 0;
  /// Whether `emitTile` is there and to be preferred.
  virtual bool isTiled(const SynapseInputs &inputs) const { return false; }
  /// The first bit plane of `sum` whose positions `emitTile` walks in the order
  /// of their spikes, if there is one.
  virtual std::optional<int64_t> getOrderedPlanes(SumAttr sum) const {
    return std::nullopt;
  }
  /// Whether `emitTile` adds to sums that are +0 before.
  virtual bool needsZeroSums() const { return false; }
  /// Writes the sums of a tile. Scratch memory is made at the start of
  /// `kernel`.
  virtual void emitTile(KernelBuilder &b, const SynapseTile &tile,
                        func::FuncOp kernel) const {}
};

/// All strategies, the preferred ones first.
llvm::ArrayRef<const SynapseStrategy *> getSynapseStrategies();

/// The strategy of that name, or null.
const SynapseStrategy *lookupSynapseStrategy(llvm::StringRef name);

/// The weights of a layer in rows of the inputs that each block of output
/// channels reads, as the strategy of the layer wants them.
Value packWeights(OpBuilder &b, FusedOp layer, Value weight);

// One function per file under lib/CodeGen/Strategies.
const SynapseStrategy &getRowAccumulate();
const SynapseStrategy &getTable();
const SynapseStrategy &getTableAndRows();
const SynapseStrategy &getSelectAccumulate();
const SynapseStrategy &getDenseFMA();
const SynapseStrategy &getDepthwise();

} // namespace mlir::spk

#endif // SPK_CODEGEN_SYNAPSESTRATEGY_H
