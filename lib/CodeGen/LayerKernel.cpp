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

    auto main =
        cast<RankedTensorType>(layer.getYield().getValues()[0].getType());
    ArrayRef<int64_t> shape = main.getShape();
    blocks = llvm::divideCeil(shape.back(), kLanes);
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

private:
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
  int64_t blocks = 0;
};

} // namespace

LogicalResult spk::emitLayerKernel(FusedOp layer, func::FuncOp kernel) {
  KernelBuilder b(layer.getLoc(), kernel.getContext());
  b.setInsertionPointToStart(&kernel.getBody().front());
  return LayerKernel(layer, kernel, b).emit();
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// Runs `body(indices up to the channels, block)` for every word.
static void forEachWord(KernelBuilder &b, ArrayRef<int64_t> shape,
                        llvm::function_ref<void(ValueRange, Value)> body) {
  int64_t blocks = llvm::divideCeil(shape.back(), kLanes);
  int64_t count = blocks;
  for (int64_t size : shape.drop_back())
    count *= size;
  b.parallelLoop(count, [&](Value iv) {
    Value block = b.remainder(iv, blocks);
    Value rest = b.floorDiv(iv, blocks);
    SmallVector<Value> at(shape.size() - 1);
    for (int64_t axis = shape.size() - 2; axis >= 0; --axis) {
      at[axis] = b.remainder(rest, shape[axis]);
      rest = b.floorDiv(rest, shape[axis]);
    }
    body(at, block);
  });
}

/// Channels of `block` and the index of its first one.
static std::pair<Value, Value> channelsOf(KernelBuilder &b, Value block,
                                          int64_t channels) {
  Value base = b.mulIndex(block, kLanes);
  Value left = arith::SubIOp::create(b, b.index(channels), base);
  return {base, arith::MinSIOp::create(b, left, b.index(kLanes))};
}

void spk::emitPackKernel(PackOp op, func::FuncOp kernel) {
  KernelBuilder b(op.getLoc(), kernel.getContext());
  b.setInsertionPointToStart(&kernel.getBody().front());
  Value input = kernel.getArgument(0), result = kernel.getArgument(1);
  auto type = cast<RankedTensorType>(op.getInput().getType());
  bool isSpike = getElementTypeOrSelf(op.getResult()).isInteger(1);
  int64_t planes = cast<MemRefType>(result.getType()).getShape().back();
  forEachWord(b, type.getShape(), [&](ValueRange at, Value block) {
    auto [base, count] = channelsOf(b, block, type.getShape().back());
    Value first = base, channels = count;
    b.loop(b.index(0), b.index(planes), [&](Value plane) {
      Value word =
          b.loop(
               b.index(0), channels, {b.word(0)},
               [&](Value c, ValueRange word) -> SmallVector<Value> {
                 SmallVector<Value> from(at);
                 from.push_back(b.addIndex(first, c));
                 Value x = memref::LoadOp::create(b, input, from);
                 Type type = x.getType();
                 Value bit;
                 if (isSpike) {
                   Value zero =
                       arith::ConstantOp::create(b, b.getZeroAttr(type));
                   bit = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, x,
                                               zero);
                 } else {
                   Value amount = arith::IndexCastUIOp::create(b, type, plane);
                   bit = arith::TruncIOp::create(
                       b, b.getI1Type(), arith::ShRUIOp::create(b, x, amount));
                 }
                 Value wide = arith::ExtUIOp::create(b, b.getI64Type(), bit);
                 Value amount =
                     arith::IndexCastUIOp::create(b, b.getI64Type(), c);
                 return {arith::OrIOp::create(
                     b, word[0], arith::ShLIOp::create(b, wide, amount))};
               })
              .front();
      SmallVector<Value> to(at);
      to.append({block, plane});
      memref::StoreOp::create(b, word, result, to);
    });
  });
}

void spk::emitUnpackKernel(UnpackOp op, func::FuncOp kernel) {
  KernelBuilder b(op.getLoc(), kernel.getContext());
  b.setInsertionPointToStart(&kernel.getBody().front());
  Value input = kernel.getArgument(0), result = kernel.getArgument(1);
  auto type = cast<RankedTensorType>(op.getResult().getType());
  Type element = type.getElementType();
  int64_t planes = cast<MemRefType>(input.getType()).getShape().back();
  forEachWord(b, type.getShape(), [&](ValueRange at, Value block) {
    auto [base, count] = channelsOf(b, block, type.getShape().back());
    Value first = base;
    SmallVector<Value> words;
    for (int64_t plane = 0; plane < planes; ++plane) {
      SmallVector<Value> from(at);
      from.append({block, b.index(plane)});
      words.push_back(memref::LoadOp::create(b, input, from));
    }
    b.loop(b.index(0), count, [&](Value c) {
      Value amount = arith::IndexCastUIOp::create(b, b.getI64Type(), c);
      Value x = arith::ConstantOp::create(b, b.getZeroAttr(element));
      for (auto [plane, word] : llvm::enumerate(words)) {
        Value bit = arith::AndIOp::create(
            b, arith::ShRUIOp::create(b, word, amount), b.word(1));
        Value scaled = arith::ShLIOp::create(b, bit, b.word(plane));
        x = arith::OrIOp::create(b, x,
                                 arith::TruncIOp::create(b, element, scaled));
      }
      SmallVector<Value> to(at);
      to.push_back(b.addIndex(first, c));
      memref::StoreOp::create(b, x, result, to);
    });
  });
}
