//===- CostModel.h - what kernels take --------------------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file predicts what a layer takes on one thread, so that the fastest of
// the strategies that give the same bits can be chosen. A prediction is a sum
// of counts times constants; the constants are measured by `python -m spk
// calibrate` or else those of a family of CPUs. None of it changes a bit.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_CODEGEN_COSTMODEL_H
#define SPK_CODEGEN_COSTMODEL_H

#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "llvm/Support/Error.h"

namespace llvm {
class Triple;
} // namespace llvm

namespace mlir::spk {

/// Attribute of spk.fused, dictionary of i64: nanoseconds that the layer is
/// expected to take on one thread with each strategy that realises its sum.
inline constexpr llvm::StringLiteral kEstimatesAttr = "spk.estimates";

/// Attribute of spk.fused, i64: sums that a tile has at most, see
/// `CostModel::getTileSums`.
inline constexpr llvm::StringLiteral kTileSumsAttr = "spk.tile_sums";
/// The value where there is no such attribute.
inline constexpr int64_t kMaxTileSums = 1024;

/// Constants in nanoseconds, each for 64 output channels.
struct CostModel {
  /// Family of CPUs, or what the file of constants names.
  std::string name;

  /// Adding the weight row of a set bit.
  double rowPerSpike;
  /// Going through a word of 64 inputs for its set bits, were there any or not:
  /// positions as they come, and in the order of their spikes.
  double rowPerWord, sortedRowPerWord;
  /// Sorting a position by a word, once for all output channels.
  double sortPerWord;
  /// Adding the table entry of a group of inputs.
  double tablePerLookup;
  /// Computing and storing a table entry.
  double tablePerEntry;
  /// Adding a weight row or zero.
  double selectPerInput;
  /// Multiplying and adding the weight row of a float input.
  double fmaPerInput;
  /// Clearing the sum of a bit plane behind the first and adding it, scaled, to
  /// the sum of all planes.
  double sumPerPlane;
  /// 64 multiply-accumulates of an attention core, by its order.
  double attentionQKFirst, attentionKVFirst;
  /// What follows a sum: norm, neuron, packing, and storing it before.
  double finishPerSum;

  /// Data caches of one core.
  int64_t l1Bytes, l2Bytes;

  /// Sums of 64 channels (positions × time steps) that a tile should have at
  /// most: half of the second-level cache holds them, and the stack of a
  /// thread.
  int64_t getTileSums() const;

  /// The constants of a JSON file or of a family of CPUs; of the family of this
  /// machine if `source` is empty. Errors say what is wrong with the file, or
  /// which families there are.
  static llvm::Expected<CostModel> get(llvm::StringRef source);

  /// The family of a CPU. `features` may disable what its name promises, as in
  /// "-avx512f".
  static llvm::StringRef getFamily(const llvm::Triple &triple,
                                   llvm::StringRef cpu,
                                   llvm::StringRef features);
};

/// What the synapse of a layer has to sum; see `CostModel` for the units.
struct SynapseWork {
  /// `layer` knows how many sums its tiles have.
  static SynapseWork get(FusedOp layer);

  SumAttr sum;
  /// Blocks of 64 output channels.
  int64_t blocks = 0;
  /// Positions × time steps × batch.
  int64_t sums = 0;
  /// Tiles of positions × batch: how often every table is made.
  int64_t tiles = 0;
  /// Whether positions are sorted for weight rows.
  bool sorted = false;
  /// Pairs of a sum and a tap of the window that lies inside the input.
  int64_t visits = 0;
  int64_t taps = 0, windowRows = 0;
  /// Input channels of a tap.
  int64_t inputs = 0;
  /// Share of inputs whose bit p is set; empty where floats are read.
  SmallVector<double> planes;

  int64_t getWords() const;

  // Nanoseconds for 64 output channels.

  /// Weight rows of set bits in planes [first, end).
  double getRows(const CostModel &model, int64_t first, int64_t end) const;
  /// Table entries of the lowest `count` planes, and making the tables.
  double getTables(const CostModel &model, int64_t count) const;
  /// Weight rows of all inputs.
  double getSelects(const CostModel &model) const;
  /// Multiply-adds of float inputs.
  double getFMAs(const CostModel &model) const;
  /// Putting the sums of all planes together.
  double getPlaneSums(const CostModel &model) const;
};

} // namespace mlir::spk

#endif // SPK_CODEGEN_COSTMODEL_H
