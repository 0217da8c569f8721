//===- LayerKernel.cpp - kernels of fused layers
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/LayerKernel.h"
#include "LaneEmitter.h"
#include "SoftmaxKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "spk/CodeGen/AttentionKernel.h"
#include "spk/CodeGen/SynapseStrategy.h"

using namespace mlir;
using namespace mlir::spk;

InputRole spk::getInputRole(BlockArgument input) {
  for (OpOperand &use : input.getUses()) {
    Operation *user = use.getOwner();
    if (auto synapse = dyn_cast<SynapseOpInterface>(user)) {
      if (use.get() == synapse.getSynapseWeight())
        return InputRole::Weight;
      if (use.get() == synapse.getSynapseBias())
        return InputRole::PerChannel;
    }
    if (auto affine = dyn_cast<ScaleShiftOp>(user))
      if (use.getOperandNumber() > 0)
        return InputRole::PerChannel;
  }
  return InputRole::Activation;
}

MemRefType spk::getBufferType(RankedTensorType type) {
  if (SpikeEncodingAttrInterface encoding = getSpikeEncoding(type))
    type = encoding.getStorageType(type);
  return MemRefType::get(type.getShape(), type.getElementType());
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

namespace {

/// The loops around the lanes of one layer.
class LayerKernel {
public:
  LayerKernel(FusedOp layer, func::FuncOp kernel, KernelBuilder &b)
      : layer(layer), kernel(kernel), b(b), emitter(b) {}

  LogicalResult emit() {
    Block &body = layer.getBody().front();
    auto arguments = kernel.getArguments();
    for (BlockArgument input : body.getArguments())
      emitter.bind(input, arguments[input.getArgNumber()]);
    unsigned firstResult = arguments.size() - layer.getNumResults();
    if (!body.getOps<SSAOp>().empty())
      emitter.bindProduct(arguments[body.getNumArguments()]);
    results = arguments.drop_front(firstResult);
    for (auto softmax : body.getOps<SoftmaxOp>()) {
      emitSoftmax(b, softmax, arguments[0], results[0]);
      return success();
    }

    if (SynapseOpInterface synapse = layer.getSynapse()) {
      FailureOr<const SynapseStrategy *> strategy =
          LaneEmitter::getStrategy(synapse);
      if (failed(strategy))
        return failure();
      if ((*strategy)->isTiled(SynapseInputs(synapse)) &&
          getShape().size() <= 5)
        return emitTiled(synapse, **strategy);
    }
    for (auto attention : body.getOps<SSAOp>())
      if (AttentionCore core(attention); core.isTiled())
        return emitAttention(attention, core);
    return emitPointwise();
  }

private:
  ArrayRef<int64_t> getShape() {
    return cast<RankedTensorType>(layer.getYield().getValues()[0].getType())
        .getShape();
  }

  /// One position after the other.
  LogicalResult emitPointwise() {
    ArrayRef<int64_t> shape = getShape();
    int64_t blocks = llvm::divideCeil(shape.back(), kLanes);
    LogicalResult status = success();
    int64_t rows = shape.size() > 3 ? shape[2] : 1;
    b.parallelLoop(blocks * shape[1] * rows, [&](Value iv) {
      // Blocks outermost: one thread keeps its weights in cache while it walks
      // the positions.
      Position at;
      Value row = b.remainder(iv, rows);
      Value rest = b.floorDiv(iv, rows);
      at.b = b.remainder(rest, shape[1]);
      at.block = b.floorDiv(rest, shape[1]);
      if (shape.size() > 3)
        at.axes.push_back(row);
      status = emitPositions(shape, 3, at);
    });
    return status;
  }

  /// Tiles of positions: first all sums of a tile, then what follows them.
  LogicalResult emitTiled(SynapseOpInterface synapse,
                          const SynapseStrategy &strategy) {
    ArrayRef<int64_t> shape = getShape();
    TileGeometry geometry(layer);
    auto buffer = [&](Value value) {
      return kernel.getArgument(cast<BlockArgument>(value).getArgNumber());
    };
    SynapseTile tile;
    tile.geometry = &geometry;
    tile.input = buffer(synapse.getSynapseInput());
    tile.weights = buffer(synapse.getSynapseWeight());
    if (getPositionOrder(layer))
      tile.order =
          kernel.getArgument(layer.getBody().front().getNumArguments());
    tile.sums =
        b.scratch(kernel, MemRefType::get({geometry.getNumSums(), kLanes},
                                          b.getF32Type()));

    // Sums are made zero as they are read, while they are in the first-level
    // cache, unless a pool reads them more than once.
    bool needsZero = strategy.needsZeroSums();
    bool isReadOnce = !geometry.isPooled;
    auto clear = [&](Value sum) {
      vector::StoreOp::create(b, b.zeroLanes(b.getF32Type()), tile.sums,
                              ValueRange{sum, b.index(0)});
    };
    if (needsZero && isReadOnce)
      b.loop(b.index(0), b.index(geometry.getNumSums()), clear);

    int64_t tiles = geometry.getNumTiles();
    LogicalResult status = success();
    // Blocks outermost: one thread keeps its weights in cache while it walks
    // the positions.
    b.parallelLoop(llvm::divideCeil(shape.back(), kLanes) * shape[1] * tiles,
                   [&](Value iv) {
                     Position at;
                     Value item = b.floorDiv(iv, tiles);
                     at.b = tile.b = b.remainder(item, shape[1]);
                     at.block = tile.block = b.floorDiv(item, shape[1]);
                     tile.select(b, b.remainder(iv, tiles));
                     if (needsZero && !isReadOnce)
                       tile.clearSums(b);
                     strategy.emitTile(b, tile, kernel);
                     emitter.bindSums(tile);
                     auto [beginY, endY] = tile.getLayerRows(b);
                     auto [beginX, endX] = tile.getLayerColumns(b);
                     Value fromX = beginX, toX = endX;
                     b.loop(beginY, endY, [&](Value row) {
                       b.loop(fromX, toX, [&](Value column) {
                         Position inner = at;
                         if (shape.size() > 4)
                           inner.axes.push_back(row);
                         if (shape.size() > 3)
                           inner.axes.push_back(column);
                         status = emitPosition(inner);
                         if (needsZero && isReadOnce)
                           b.loop(b.index(0), b.index(geometry.steps),
                                  [&](Value t) {
                                    clear(tile.getSumIndex(b, t, inner.axes));
                                  });
                       });
                     });
                   });
    return status;
  }

  /// Runs of tokens: first all sums of the second product, then what follows
  /// them.
  LogicalResult emitAttention(SSAOp op, const AttentionCore &core) {
    ArrayRef<int64_t> shape = getShape();
    int64_t length = core.getTileLength();
    int64_t tokens = shape[2];
    int64_t tiles = llvm::divideCeil(tokens, length);
    AttentionTile tile;
    tile.product =
        kernel.getArgument(layer.getBody().front().getNumArguments());
    tile.query =
        kernel.getArgument(cast<BlockArgument>(op.getQuery()).getArgNumber());
    tile.sums = b.scratch(kernel, AttentionTile::getSumsType(core));
    tile.tables = b.scratch(kernel, AttentionTile::getTablesType(core));
    emitter.bindProduct(tile.sums);
    LogicalResult status = success();
    b.parallelLoop(
        llvm::divideCeil(shape.back(), kLanes) * shape[1] * tiles,
        [&](Value iv) {
          Position at;
          Value item = b.floorDiv(iv, tiles);
          at.b = b.remainder(item, shape[1]);
          at.block = b.floorDiv(item, shape[1]);
          tile.batch = at.b;
          tile.block = at.block;
          tile.firstToken = b.mulIndex(b.remainder(iv, tiles), length);
          Value end =
              b.minIndex(b.addIndex(tile.firstToken, length), b.index(tokens));
          tile.count = arith::SubIOp::create(b, end, tile.firstToken);
          emitTileSums(b, core, tile);
          b.loop(tile.firstToken, end, [&](Value token) {
            Position inner = at;
            inner.axes = {token};
            status = emitPosition(inner);
          });
        });
    return status;
  }

  /// Loops over the position axes from `axis` on.
  LogicalResult emitPositions(ArrayRef<int64_t> shape, unsigned axis,
                              Position at) {
    if (axis + 1 >= shape.size())
      return emitPosition(at);
    LogicalResult status = success();
    b.loop(b.index(0), b.index(shape[axis]), [&](Value i) {
      Position inner = at;
      inner.axes.push_back(i);
      status = emitPositions(shape, axis + 1, inner);
    });
    return status;
  }

  LogicalResult emitPosition(Position at) {
    NeuronOpInterface neuron = layer.getNeuron();
    auto yielded = layer.getYield().getValues();
    if (!neuron) {
      int64_t steps =
          cast<RankedTensorType>(yielded[0].getType()).getDimSize(0);
      LogicalResult status = success();
      b.loop(b.index(0), b.index(steps), [&](Value t) {
        Position now = at;
        now.t = t;
        status = storeAll(now, /*states=*/{});
      });
      return status;
    }

    // What repeats over time is computed once, in front of the time loop.
    Position first = at;
    first.t = b.index(0);
    for (RepeatOp repeat : layer.getBody().front().getOps<RepeatOp>()) {
      FailureOr<Lanes> once = emitter.emit(repeat.getInput(), first);
      if (failed(once))
        return failure();
      emitter.fix(repeat.getResult(), *once);
    }
    SmallVector<Value> states;
    for (Value state : neuron.getStates()) {
      FailureOr<Lanes> lanes = emitter.emit(state, first);
      if (failed(lanes))
        return failure();
      states.push_back(lanes->vector);
    }
    if (states.empty())
      for (float rest : neuron.getRestingStates())
        states.push_back(b.splat(rest));
    int64_t steps =
        cast<RankedTensorType>(neuron.getCurrent().getType()).getDimSize(0);
    LogicalResult status = success();
    SmallVector<Value> last =
        b.loop(b.index(0), b.index(steps), states,
               [&](Value t, ValueRange before) -> SmallVector<Value> {
                 Position now = at;
                 now.t = t;
                 FailureOr<SmallVector<Value>> after =
                     emitter.stepNeuron(neuron, now, before);
                 if (failed(after)) {
                   status = failure();
                   return SmallVector<Value>(before);
                 }
                 status = storeAll(now, /*states=*/{});
                 emitter.forget(neuron);
                 return *after;
               });
    if (failed(status))
      return failure();
    if (!neuron.getStatesOut().empty())
      return storeAll(first, last);
    return success();
  }

  /// Stores the results that belong into the time loop, or, given the states
  /// after the last step, those states.
  LogicalResult storeAll(const Position &at, ArrayRef<Value> states) {
    NeuronOpInterface neuron = layer.getNeuron();
    ValueRange statesOut = neuron ? neuron.getStatesOut() : ValueRange();
    for (auto [value, buffer] :
         llvm::zip(layer.getYield().getValues(), results)) {
      auto state = llvm::find(statesOut, value);
      if ((state != statesOut.end()) != !states.empty())
        continue;
      if (state != statesOut.end()) {
        emitter.store(Lanes::ofVector(states[state - statesOut.begin()]), value,
                      buffer, at);
        continue;
      }
      FailureOr<Lanes> lanes = emitter.emit(value, at);
      if (failed(lanes))
        return failure();
      emitter.store(*lanes, value, buffer, at);
    }
    return success();
  }

  FusedOp layer;
  func::FuncOp kernel;
  KernelBuilder &b;
  LaneEmitter emitter;
  ValueRange results;
};

} // namespace

std::optional<PositionOrder> spk::getPositionOrder(FusedOp layer) {
  SynapseOpInterface synapse = layer.getSynapse();
  const SynapseStrategy *strategy =
      lookupSynapseStrategy(layer.getStrategy().value_or(""));
  if (!synapse || !synapse.getSummation() || !strategy ||
      !strategy->isTiled(SynapseInputs(synapse)))
    return std::nullopt;
  std::optional<int64_t> firstPlane =
      strategy->getOrderedPlanes(synapse.getSummation());
  if (!firstPlane)
    return std::nullopt;
  TileGeometry geometry(layer);
  if (!PositionOrder::suits(geometry))
    return std::nullopt;
  PositionOrder order(geometry, *firstPlane);
  if (order.getType().getDimSize(0) <= 0)
    return std::nullopt;
  return order;
}

LogicalResult spk::emitLayerKernel(FusedOp layer, func::FuncOp kernel) {
  KernelBuilder b(layer.getLoc(), kernel.getContext());
  b.setInsertionPointToStart(&kernel.getBody().front());
  return LayerKernel(layer, kernel, b).emit();
}
