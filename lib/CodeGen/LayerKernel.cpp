//===- LayerKernel.cpp - kernels of fused layers
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/LayerKernel.h"
#include "LaneEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "spk/CodeGen/AttentionKernel.h"

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
    if (firstResult > body.getNumArguments())
      emitter.bindProduct(arguments[body.getNumArguments()]);
    results = arguments.drop_front(firstResult);

    if (SynapseOpInterface synapse = layer.getSynapse()) {
      FailureOr<const SynapseStrategy *> strategy =
          LaneEmitter::getStrategy(synapse);
      if (failed(strategy))
        return failure();
      // A pool in front of the neuron evaluates the synapse at other positions
      // than the layer's; weights that stay in the cache anyway need no tiles.
      if ((*strategy)->isTiled() && body.getOps<MaxPoolOp>().empty() &&
          getWeightRows(synapse) > kRowsInCache)
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

  /// Inputs of one output channel.
  static int64_t getWeightRows(SynapseOpInterface synapse) {
    auto [rows, columns] = synapse.getWindow();
    return rows * columns * synapse.getChannelsPerGroup() *
           synapse.getNumGroups();
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

  /// Runs of positions: first all sums of a run, then what follows them.
  LogicalResult emitTiled(SynapseOpInterface synapse,
                          const SynapseStrategy &strategy) {
    ArrayRef<int64_t> shape = getShape();
    int64_t blocks = llvm::divideCeil(shape.back(), kLanes);
    int64_t steps =
        cast<RankedTensorType>(synapse->getResult(0).getType()).getDimSize(0);
    int64_t positions = 1;
    for (int64_t size : shape.drop_front(2).drop_back())
      positions *= size;
    int64_t longest = std::max<int64_t>(1, kRowsPerTile / steps);
    int64_t tiles = llvm::divideCeil(positions, longest);
    int64_t length = llvm::divideCeil(positions, tiles);

    // Each thread calls the kernel: its sums are on its own stack.
    auto sumsType = MemRefType::get({steps, length, kLanes}, b.getF32Type());
    auto makeSums = [&] {
      return memref::AllocaOp::create(b, sumsType, b.getI64IntegerAttr(64));
    };
    auto buffer = [&](Value value) {
      return kernel.getArgument(cast<BlockArgument>(value).getArgNumber());
    };
    SynapseTile tile;
    tile.op = synapse;
    tile.input = buffer(synapse.getSynapseInput());
    tile.weights = buffer(synapse.getSynapseWeight());
    int64_t planes = cast<MemRefType>(tile.input.getType()).getShape().back();
    Value sums = makeSums();
    Value plane = planes > 1 ? makeSums().getResult() : sums;

    LogicalResult status = success();
    b.parallelLoop(blocks * shape[1] * tiles, [&](Value iv) {
      Position at;
      Value rest = b.floorDiv(iv, tiles);
      at.b = b.remainder(rest, shape[1]);
      at.block = b.floorDiv(rest, shape[1]);
      tile.b = at.b;
      tile.block = at.block;
      tile.firstPosition = b.mulIndex(b.remainder(iv, tiles), length);
      Value left =
          arith::SubIOp::create(b, b.index(positions), tile.firstPosition);
      tile.count = arith::MinSIOp::create(b, left, b.index(length));
      tile.sums = plane;
      emitTileSums(tile, strategy, sums, planes);
      b.loop(b.index(0), tile.count, [&](Value i) {
        Position inner = at;
        inner.axes = tile.getPosition(b, b.addIndex(tile.firstPosition, i));
        emitter.bindSums(sums, i);
        status = emitPosition(inner);
      });
    });
    return status;
  }

  /// Sums of a tile over all planes, as #spk.sum says.
  void emitTileSums(const SynapseTile &tile, const SynapseStrategy &strategy,
                    Value sums, int64_t planes) {
    auto forEachRow = [&](llvm::function_ref<void(Value, Value)> body) {
      b.loop(b.index(0), b.index(tile.getSteps()), [&](Value t) {
        b.loop(b.index(0), tile.count, [&](Value i) { body(t, i); });
      });
    };
    auto clear = [&](Value buffer) {
      forEachRow([&](Value t, Value i) {
        vector::StoreOp::create(b, b.zeroLanes(b.getF32Type()), buffer,
                                ValueRange{t, i, b.index(0)});
      });
    };
    clear(sums);
    if (planes == 1)
      return strategy.emitTile(b, tile, b.index(0));
    Value one = arith::ConstantOp::create(b, b.getF32FloatAttr(1.0f));
    Value two = arith::ConstantOp::create(b, b.getF32FloatAttr(2.0f));
    b.loop(
        b.index(0), b.index(planes), {one},
        [&](Value plane, ValueRange weight) -> SmallVector<Value> {
          clear(tile.sums);
          strategy.emitTile(b, tile, plane);
          Value factor =
              vector::BroadcastOp::create(b, b.floatLanes(), weight[0]);
          forEachRow([&](Value t, Value i) {
            Value scaled =
                arith::MulFOp::create(b, b.loadRow(tile.sums, {t, i}), factor);
            Value sum =
                arith::AddFOp::create(b, b.loadRow(sums, {t, i}), scaled);
            vector::StoreOp::create(b, sum, sums, ValueRange{t, i, b.index(0)});
          });
          return {arith::MulFOp::create(b, weight[0], two)};
        });
  }

  /// Tiles of tokens: first all sums of a tile, then what follows them.
  LogicalResult emitAttention(SSAOp op, const AttentionCore &core) {
    AttentionTile tile;
    unsigned query = cast<BlockArgument>(op.getQuery()).getArgNumber();
    tile.query = kernel.getArgument(query);
    tile.product = kernel.getArgument(layer.getBody().getNumArguments());
    auto makeBuffer = [&](MemRefType type) {
      return memref::AllocaOp::create(b, type, b.getI64IntegerAttr(64));
    };
    tile.sums = makeBuffer(AttentionTile::getSumsType(core));
    tile.tables = makeBuffer(AttentionTile::getTablesType(core));
    emitter.bindProduct(tile.sums);
    int64_t length = core.getTileLength();
    int64_t tiles = llvm::divideCeil(core.tokens, length);
    LogicalResult status = success();
    b.parallelLoop(core.getBlocks() * core.batch * tiles, [&](Value iv) {
      Position at;
      Value rest = b.floorDiv(iv, tiles);
      at.b = tile.batch = b.remainder(rest, core.batch);
      at.block = tile.block = b.floorDiv(rest, core.batch);
      tile.firstToken = b.mulIndex(b.remainder(iv, tiles), length);
      tile.count = arith::MinSIOp::create(
          b, arith::SubIOp::create(b, b.index(core.tokens), tile.firstToken),
          b.index(length));
      spk::emitTileSums(b, core, tile);
      b.loop(b.index(0), tile.count, [&](Value i) {
        Position inner = at;
        inner.axes = {b.addIndex(tile.firstToken, i)};
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
        status = storeAll(now, /*state=*/Value());
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
    Value rest = b.splat(neuron.getRestingPotential());
    if (Value state = neuron.getState()) {
      FailureOr<Lanes> lanes = emitter.emit(state, first);
      if (failed(lanes))
        return failure();
      rest = lanes->vector;
    }
    int64_t steps =
        cast<RankedTensorType>(neuron.getCurrent().getType()).getDimSize(0);
    LogicalResult status = success();
    SmallVector<Value> last =
        b.loop(b.index(0), b.index(steps), {rest},
               [&](Value t, ValueRange state) -> SmallVector<Value> {
                 Position now = at;
                 now.t = t;
                 FailureOr<Value> next =
                     emitter.stepNeuron(neuron, now, state[0]);
                 if (failed(next)) {
                   status = failure();
                   return {state[0]};
                 }
                 status = storeAll(now, Value());
                 emitter.forget(neuron);
                 return {*next};
               });
    if (failed(status))
      return failure();
    if (neuron.getStateOut())
      return storeAll(first, last[0]);
    return success();
  }

  /// Stores the results that belong into the time loop, or, given the state
  /// after the last step, that state.
  LogicalResult storeAll(const Position &at, Value state) {
    NeuronOpInterface neuron = layer.getNeuron();
    auto yielded = layer.getYield().getValues();
    for (auto [value, buffer] : llvm::zip(yielded, results)) {
      bool isState = neuron && value == neuron.getStateOut();
      if (isState != static_cast<bool>(state))
        continue;
      if (isState) {
        emitter.store(Lanes::ofVector(state), value, buffer, at);
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

  /// Weight rows of 256 bytes that stay near while positions pass: 64 KiB.
  static constexpr int64_t kRowsInCache = 256;
  /// Positions × time steps of a tile: sums of 64 KiB.
  static constexpr int64_t kRowsPerTile = 256;
};

} // namespace

LogicalResult spk::emitLayerKernel(FusedOp layer, func::FuncOp kernel) {
  KernelBuilder b(layer.getLoc(), kernel.getContext());
  b.setInsertionPointToStart(&kernel.getBody().front());
  return LayerKernel(layer, kernel, b).emit();
}
