//===- SoftmaxKernel.cpp - kernel of a softmax
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SoftmaxKernel.h"
#include "LaneArithmetic.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

class SoftmaxKernel {
public:
  SoftmaxKernel(KernelBuilder &b, SoftmaxOp op, Value input, Value output)
      : b(b), op(op), input(input), output(output), arithmetic(b) {
    ArrayRef<int64_t> shape = op.getInput().getType().getShape();
    steps = shape[0];
    batch = shape[1];
    queries = shape[2];
    channels = shape[3];
    heads = op.getNumHeads();
    keys = channels / heads;
  }

  /// Every head of every query: its keys stand next to each other.
  void emitOverKeys() {
    b.parallelLoop(steps * batch * queries, [&](Value iv) {
      Value row = b.floorDiv(iv, queries);
      SmallVector<Value> at = {b.floorDiv(row, batch), b.remainder(row, batch),
                               b.remainder(iv, queries)};
      b.loop(b.index(0), b.index(heads),
             [&](Value head) { emitHead(at, b.mulIndex(head, keys)); });
    });
  }

  /// 64 keys, of whatever heads, side by side.
  void emitOverQueries() {
    int64_t blocks = llvm::divideCeil(channels, kLanes);
    b.parallelLoop(steps * batch * blocks, [&](Value iv) {
      Value frame = b.floorDiv(iv, blocks), block = b.remainder(iv, blocks);
      Value t = b.floorDiv(frame, batch), image = b.remainder(frame, batch);
      auto load = [&](Value buffer, Value n) {
        return b.loadLanes(buffer, {t, image, n}, block, channels);
      };
      auto store = [&](Value lanes, Value n) {
        b.storeLanes(lanes, output, {t, image, n}, block, channels);
      };
      auto overQueries = [&](Value start, auto body) {
        return b
            .loop(b.index(0), b.index(queries), {start},
                  [&](Value n, ValueRange carried) -> SmallVector<Value> {
                    return {body(n, carried[0])};
                  })
            .front();
      };
      Value peak = overQueries(lowest(), [&](Value n, Value largest) -> Value {
        return arith::MaximumFOp::create(b, largest, load(input, n));
      });
      Value sum = overQueries(b.splat(0.0f), [&](Value n, Value sum) -> Value {
        Value weight = exponentialOf(load(input, n), peak);
        store(weight, n);
        return arith::AddFOp::create(b, sum, weight);
      });
      b.loop(b.index(0), b.index(queries), [&](Value n) {
        store(arith::DivFOp::create(b, load(output, n), sum), n);
      });
    });
  }

private:
  Value lowest() { return b.splat(-std::numeric_limits<float>::infinity()); }

  Value exponentialOf(Value lanes, Value peak) {
    Value difference = arith::SubFOp::create(b, lanes, peak);
    return exponential(arithmetic, {difference}).ir;
  }

  /// The keys from channel `first` on.
  void emitHead(ArrayRef<Value> at, Value first) {
    Value peak = b.loop(
                      b.index(0), b.index(keys), {lowest()},
                      [&](Value key, ValueRange carried) {
                        Value lanes = load(input, at, first, key, lowest());
                        return SmallVector<Value>{
                            arith::MaximumFOp::create(b, carried[0], lanes)};
                      },
                      kLanes)
                     .front();
    peak = broadcast(
        vector::ReductionOp::create(b, vector::CombiningKind::MAXIMUMF, peak));
    forEachChunk([&](Value key) {
      Value lanes = load(input, at, first, key, b.splat(0.0f));
      store(exponentialOf(lanes, peak), at, first, key);
    });
    Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
    Value sum = b.loop(b.index(0), b.index(keys), {zero},
                       [&](Value key, ValueRange carried) {
                         SmallVector<Value> indices(at);
                         indices.push_back(b.addIndex(first, key));
                         Value weight =
                             memref::LoadOp::create(b, output, indices);
                         return SmallVector<Value>{
                             arith::AddFOp::create(b, carried[0], weight)};
                       })
                    .front();
    sum = broadcast(sum);
    forEachChunk([&](Value key) {
      Value weights = load(output, at, first, key, b.splat(0.0f));
      store(arith::DivFOp::create(b, weights, sum), at, first, key);
    });
  }

  Value broadcast(Value number) {
    return vector::BroadcastOp::create(b, b.floatLanes(), number);
  }

  void forEachChunk(llvm::function_ref<void(Value)> body) {
    b.loop(b.index(0), b.index(keys), body, kLanes);
  }

  /// Which of 64 lanes from `key` on are keys of the head.
  Value maskOf(Value key) {
    Value left = arith::SubIOp::create(b, b.index(keys), key);
    return b.wordToMask(
        b.wordRange(b.index(0), b.minIndex(left, b.index(kLanes))));
  }

  Value load(Value buffer, ArrayRef<Value> at, Value first, Value key,
             Value otherwise) {
    SmallVector<Value> indices(at);
    indices.push_back(b.addIndex(first, key));
    if (keys % kLanes == 0)
      return vector::LoadOp::create(b, b.floatLanes(), buffer, indices);
    return vector::MaskedLoadOp::create(b, b.floatLanes(), buffer, indices,
                                        maskOf(key), otherwise);
  }

  void store(Value lanes, ArrayRef<Value> at, Value first, Value key) {
    SmallVector<Value> indices(at);
    indices.push_back(b.addIndex(first, key));
    if (keys % kLanes == 0)
      vector::StoreOp::create(b, lanes, output, indices);
    else
      vector::MaskedStoreOp::create(b, output, indices, maskOf(key), lanes);
  }

  KernelBuilder &b;
  SoftmaxOp op;
  Value input, output;
  LaneArithmetic arithmetic;
  int64_t steps, batch, queries, channels, heads, keys;
};

} // namespace

void spk::emitSoftmax(KernelBuilder &b, SoftmaxOp op, Value input,
                      Value output) {
  SoftmaxKernel kernel(b, op, input, output);
  if (op.getOver() == SoftmaxAxis::Keys)
    kernel.emitOverKeys();
  else
    kernel.emitOverQueries();
}
