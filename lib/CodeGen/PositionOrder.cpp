//===- PositionOrder.cpp - positions in the order of their spikes
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/PositionOrder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::spk;

/// More spikes in a word sort as that many.
static constexpr int64_t kMaxSpikes = 31;
/// Keys of two words.
static constexpr int64_t kKeys = (kMaxSpikes + 1) * (kMaxSpikes + 1);
/// Fewer positions are walked as they come.
static constexpr int64_t kMinSums = 64;

static ArrayRef<int64_t> inputShape(const TileGeometry &geometry) {
  SynapseOpInterface op = geometry.op;
  return cast<RankedTensorType>(op.getSynapseInput().getType()).getShape();
}

PositionOrder::PositionOrder(const TileGeometry &geometry, int64_t firstPlane)
    : geometry(geometry), firstPlane(firstPlane) {}

bool PositionOrder::suits(const TileGeometry &geometry) {
  // Blocks that read words of their own would each need another order.
  return geometry.isPadded && geometry.getNumSums() >= kMinSums &&
         !SynapseInputs(geometry.op).isGrouped();
}

int64_t PositionOrder::getNumPairs() const {
  return llvm::divideCeil(
      llvm::divideCeil(inputShape(geometry).back(), kWordBits), kWords);
}

RankedTensorType PositionOrder::getType() const {
  SynapseOpInterface op = geometry.op;
  SpikeEncodingAttrInterface encoding =
      getSpikeEncoding(cast<RankedTensorType>(op.getSynapseInput().getType()));
  int64_t planes = encoding
                       .getStorageType(cast<RankedTensorType>(
                           op.getSynapseInput().getType()))
                       .getShape()
                       .back();
  return RankedTensorType::get({planes - firstPlane, inputShape(geometry)[1],
                                geometry.getNumTiles(),
                                op.getWindow().first * getNumPairs(),
                                geometry.getNumSums() + 1, kFields},
                               IntegerType::get(op->getContext(), 64));
}

//===----------------------------------------------------------------------===//
// Sorting
//===----------------------------------------------------------------------===//

namespace {

/// Counting sort of the positions of one tile by the spikes of one pair of
/// words.
class PositionSorter {
public:
  PositionSorter(KernelBuilder &b, const PositionOrder &order,
                 func::FuncOp kernel)
      : b(b), order(order), input(kernel.getArgument(0)),
        output(kernel.getArgument(1)),
        // Next place for a position with that key.
        places(b.scratch(kernel, MemRefType::get({kKeys}, b.getIndexType()))) {}

  void emit() {
    ArrayRef<int64_t> shape = cast<MemRefType>(output.getType()).getShape();
    int64_t pairs = order.getNumPairs();
    int64_t rows = shape[3] / pairs;
    b.parallelLoop(shape[0] * shape[1] * shape[2] * shape[3], [&](Value iv) {
      SmallVector<Value> at(4);
      for (int64_t axis = 3; axis > 0; --axis) {
        at[axis] = b.remainder(iv, shape[axis]);
        iv = b.floorDiv(iv, shape[axis]);
      }
      at[0] = iv;
      SynapseTile tile;
      tile.geometry = &order.geometry;
      tile.input = input;
      tile.b = at[1];
      tile.select(b, at[2]);
      SynapseTap tap = {b.remainder(b.floorDiv(at[3], pairs), rows), b.index(0),
                        b.index(0)};
      sort(tile, tap, b.addIndex(at[0], order.firstPlane),
           b.mulIndex(b.remainder(at[3], pairs), PositionOrder::kWords), at);
    });
  }

private:
  /// body(words, index of the sum) for all positions.
  void forEachPosition(const SynapseTile &tile, const SynapseTap &tap,
                       Value plane, Value firstWord,
                       llvm::function_ref<void(ArrayRef<Value>, Value)> body) {
    int64_t words = tile.getInputs().getNumWords();
    tile.forEachRun(b, tap, [&](const SynapseRun &run) {
      b.loop(b.index(0), run.count, [&](Value i) {
        SmallVector<Value> loaded;
        for (int64_t w = 0; w < PositionOrder::kWords; ++w) {
          if (w > 0 && words == 1) {
            loaded.push_back(b.word(0));
            continue;
          }
          // Past the last word of an odd number there are no spikes.
          Value word = b.addIndex(firstWord, w);
          Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                               word, b.index(words));
          SmallVector<Value> at = run.at(b, i);
          at.append({b.minIndex(word, b.index(words - 1)), plane});
          loaded.push_back(arith::SelectOp::create(
              b, exists, memref::LoadOp::create(b, input, at), b.word(0)));
        }
        body(loaded, b.addIndex(run.first, i));
      });
    });
  }

  /// The numbers of spikes in both words, as digits.
  Value getKey(ArrayRef<Value> words) {
    Value key;
    for (Value word : words) {
      Value count = arith::MinUIOp::create(b, math::CtPopOp::create(b, word),
                                           b.word(kMaxSpikes));
      if (key)
        count = arith::AddIOp::create(
            b, arith::MulIOp::create(b, key, b.word(kMaxSpikes + 1)), count);
      key = count;
    }
    return arith::IndexCastUIOp::create(b, b.getIndexType(), key);
  }

  Value bump(Value key) {
    Value place = memref::LoadOp::create(b, places, ValueRange{key});
    memref::StoreOp::create(b, b.addIndex(place, 1), places, ValueRange{key});
    return place;
  }

  void store(Value integer, ArrayRef<Value> at, Value entry, int64_t field) {
    SmallVector<Value> indices(at);
    indices.append({entry, b.index(field)});
    memref::StoreOp::create(b, integer, output, indices);
  }

  void sort(const SynapseTile &tile, const SynapseTap &tap, Value plane,
            Value firstWord, ArrayRef<Value> at) {
    Value keys = b.index(kKeys);
    b.loop(b.index(0), keys, [&](Value key) {
      memref::StoreOp::create(b, b.index(0), places, ValueRange{key});
    });
    forEachPosition(tile, tap, plane, firstWord,
                    [&](ArrayRef<Value> words, Value) { bump(getKey(words)); });
    // Positions without spikes have no place: they all write entry 0, which
    // becomes the number of the others.
    memref::StoreOp::create(b, b.index(0), places, ValueRange{b.index(0)});
    Value end =
        b.loop(b.index(1), keys, {b.index(1)},
               [&](Value key, ValueRange place) -> SmallVector<Value> {
                 Value number =
                     memref::LoadOp::create(b, places, ValueRange{key});
                 memref::StoreOp::create(b, place[0], places, ValueRange{key});
                 return {b.addIndex(place[0], number)};
               })
            .front();
    forEachPosition(
        tile, tap, plane, firstWord, [&](ArrayRef<Value> words, Value sum) {
          Value key = getKey(words);
          Value place = memref::LoadOp::create(b, places, ValueRange{key});
          Value isAny = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, key,
                                              b.index(0));
          Value next = arith::SelectOp::create(b, isAny, b.addIndex(place, 1),
                                               b.index(0));
          memref::StoreOp::create(b, next, places, ValueRange{key});
          for (auto [field, word] : llvm::enumerate(words))
            store(word, at, place, field);
          store(arith::IndexCastUIOp::create(b, b.getI64Type(), sum), at, place,
                PositionOrder::kWords);
        });
    store(arith::IndexCastUIOp::create(b, b.getI64Type(), b.addIndex(end, -1)),
          at, b.index(0), 0);
  }

  KernelBuilder &b;
  const PositionOrder &order;
  Value input, output, places;
};

} // namespace

void spk::emitPositionOrder(const PositionOrder &order, func::FuncOp kernel) {
  KernelBuilder b(kernel.getLoc(), kernel.getContext());
  b.setInsertionPointToStart(&kernel.getBody().front());
  PositionSorter(b, order, kernel).emit();
}
