//===- LaneEmitter.h - values of a layer at 64 channels -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_LIB_CODEGEN_LANEEMITTER_H
#define SPK_LIB_CODEGEN_LANEEMITTER_H

#include "spk/CodeGen/KernelBuilder.h"
#include "spk/CodeGen/SynapseStrategy.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

namespace mlir::spk {

/// 64 channels of a value: f32 lanes, or one word per bit plane.
struct Lanes {
  static Lanes ofVector(Value vector) { return {vector, {}}; }
  static Lanes ofWords(SmallVector<Value> planes) {
    return {Value(), std::move(planes)};
  }
  Value vector;
  SmallVector<Value> planes;
};

/// Where lanes are evaluated.
struct Position {
  Value t, b, block;
  SmallVector<Value> axes;
};

/// Emits the ops of a fused layer at one position, following operands from the
/// yielded value backwards.
class LaneEmitter {
public:
  explicit LaneEmitter(KernelBuilder &b) : b(b) {}

  /// Input `argument` of the layer is stored in `buffer`.
  void bind(BlockArgument argument, Value buffer) {
    buffers[argument] = buffer;
  }
  /// Buffer of the first product of the layer's attention core.
  void bindProduct(Value buffer) { product = buffer; }
  /// The synapse's sums at the positions of `tile` are in memory.
  void bindSums(const SynapseTile &tile) { sums = tile; }
  /// `value` has these lanes wherever it is asked for.
  void fix(Value value, Lanes lanes) { fixed[value] = std::move(lanes); }

  /// Lanes of `value` at a position; a diagnostic where no kernel can.
  FailureOr<Lanes> emit(Value value, const Position &at);
  /// Charges, fires and resets; remembers spikes and membrane of this step and
  /// returns the next states.
  FailureOr<SmallVector<Value>>
  stepNeuron(NeuronOpInterface neuron, const Position &at, ValueRange states);
  /// The strategy that the layer names; a diagnostic where it does not suit.
  static FailureOr<const SynapseStrategy *> getStrategy(SynapseOpInterface op);
  /// Drops what stepNeuron remembered.
  void forget(NeuronOpInterface neuron);
  /// Writes lanes of `value` into the buffer that holds it.
  void store(const Lanes &lanes, Value value, Value buffer, const Position &at);

private:
  FailureOr<Lanes> emitArgument(BlockArgument argument, const Position &at);
  FailureOr<Lanes> emitSynapse(SynapseOpInterface op, const Position &at);
  FailureOr<Lanes> emitScaleShift(ScaleShiftOp op, const Position &at);
  FailureOr<Lanes> emitMaxPool(MaxPoolOp op, const Position &at);
  FailureOr<Lanes> emitAdd(AddOp op, const Position &at);
  FailureOr<Lanes> emitMean(MeanOp op, const Position &at);
  FailureOr<Lanes> emitAttention(SSAOp op, const Position &at);
  FailureOr<Lanes> emitMatmul(MatmulOp op, const Position &at);
  FailureOr<Lanes> emitCount(CountOp op, const Position &at);
  FailureOr<Lanes> emitGate(GateOp op, const Position &at);
  FailureOr<Lanes> emitSubSteps(SubStepsOp op, const Position &at);
  FailureOr<Lanes> emitAccumulate(AccumulateOp op, const Position &at);
  FailureOr<Lanes> emitElementwise(Operation *op, const Position &at);

  /// `start` and the channels of `value`, added in ascending order.
  FailureOr<Value> emitChannelSum(Value value, Value start, const Position &at);
  /// The first plane of `spikes`.
  FailureOr<Value> emitWord(Value spikes, const Position &at);
  /// The word of a block of channels each `run` neighbours of which have one
  /// channel of `spikes`.
  FailureOr<Value> emitSpreadWord(Value spikes, int64_t run,
                                  const Position &at);
  /// How many of each `run` neighbouring channels of `spikes` fire: lane i of
  /// block n is run 64 n + i.
  FailureOr<Value> emitRunCounts(Value spikes, int64_t run, Type element,
                                 const Position &at);
  /// Bits of the lanes of `block` that are in run `index` of `run` channels.
  Value emitRunLanes(Value index, int64_t run, Value block);
  /// `start` and what `add` adds at every position of a value of `type` along
  /// `axes`, none of which is batch or channels, in ascending order. Of several
  /// groups of neighbours along the axis, `at` has the one.
  FailureOr<Value> emitReduction(
      RankedTensorType type, ArrayRef<int64_t> axes, int64_t groups,
      const Position &at, Value start,
      llvm::function_ref<FailureOr<Value>(Value, const Position &)> add);
  /// Memory indices of a value of `type` at a position, channels excluded; 0
  /// along axes of size 1.
  SmallVector<Value> indicesOf(RankedTensorType type, const Position &at);
  /// Lanes of an integer or spike value as f32.
  Value toFloat(const Lanes &lanes);
  /// The inverse: the bit planes, as many as `packed` has, of integers that
  /// stand in f32 lanes.
  Lanes toPlanes(Value lanes, Value packed);
  /// What a neuron fires, as `fired` is stored.
  Lanes toFired(Value fired, Value lanes, const Position &at);
  Value loadPerChannel(Value argument, Value block);

  KernelBuilder &b;
  DenseMap<Value, Value> buffers;
  DenseMap<Value, Lanes> fixed;
  Value product;
  std::optional<SynapseTile> sums;
};

} // namespace mlir::spk

#endif // SPK_LIB_CODEGEN_LANEEMITTER_H
