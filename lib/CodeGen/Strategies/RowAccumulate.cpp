//===- RowAccumulate.cpp - add the weight row of every spike
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowAccumulate.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <cmath>

using namespace mlir;
using namespace mlir::spk;

/// 128 inputs: their weight rows fill 32 KiB, about the first-level cache.
static constexpr int64_t kWordsPerBlock = 2;

namespace {

/// For each set bit of the input words, in ascending order, adds the row of 64
/// weights of that input. Work is proportional to the spikes.
class RowAccumulate final : public SynapseStrategy {
public:
  StringRef getName() const override { return "row_accumulate"; }
  StringRef getSummary() const override {
    return "adds one weight row per spike; work follows the spikes";
  }
  bool realises(SumAttr sum) const override {
    return sum.getKind() == SumKind::Sequential;
  }

  double estimate(const SynapseWork &work,
                  const CostModel &model) const override {
    return work.getRows(model, 0, work.planes.size()) +
           work.getPlaneSums(model);
  }

  Value emitSum(KernelBuilder &b, const SynapseSite &site) const override {
    return site.combinePlanes(
        b, 0, site.getPlanes(), Value(), [&](Value plane) {
          return emitRows(b, site, plane, b.zeroLanes(b.getF32Type()), Value());
        });
  }

  bool isTiled(const SynapseInputs &) const override { return true; }

  std::optional<int64_t> getOrderedPlanes(SumAttr sum) const override {
    return 0;
  }

  bool needsZeroSums() const override { return true; }

  void emitTile(KernelBuilder &b, const SynapseTile &tile,
                func::FuncOp kernel) const override {
    if (tile.getPlanes() == 1)
      return emitTileRows(b, tile, b.index(0), 0, Value());
    SynapseTile plane = tile;
    plane.sums = b.scratch(kernel, cast<MemRefType>(tile.sums.getType()));
    forEachPlane(b, 0, tile.getPlanes(), [&](Value p, Value scale) {
      plane.clearSums(b);
      emitTileRows(b, plane, p, 0, Value());
      tile.forEachSum(b, [&](Value at) {
        Value scaled =
            arith::MulFOp::create(b, b.loadRow(plane.sums, {at}), scale);
        Value sum =
            arith::AddFOp::create(b, b.loadRow(tile.sums, {at}), scaled);
        vector::StoreOp::create(b, sum, tile.sums, ValueRange{at, b.index(0)});
      });
    });
  }
};

} // namespace

Value spk::addRows(KernelBuilder &b, Value weights, Value block, Value word,
                   Value firstRow, Value sum, Value scale) {
  return b
      .forEachSetBit(word, {sum},
                     [&](Value bit, ValueRange sums) -> SmallVector<Value> {
                       Value row = b.loadRow(
                           weights, {block, b.addIndex(firstRow, bit)});
                       if (scale)
                         row = arith::MulFOp::create(b, row, scale);
                       return {arith::AddFOp::create(b, sums[0], row)};
                     })
      .front();
}

Value spk::emitRows(KernelBuilder &b, const SynapseSite &site, Value plane,
                    Value sum, Value scale) {
  return site
      .forEachTap(
          b, {sum},
          [&](ValueRange at, Value firstRow, ValueRange outer) {
            return b.loop(
                b.index(0), b.index(site.getInputs().getNumWords()), outer,
                [&](Value w, ValueRange sums) -> SmallVector<Value> {
                  Value word = site.loadWord(b, at, w, plane);
                  Value row = b.addIndex(firstRow, b.mulIndex(w, kLanes));
                  return {addRows(b, site.weights, site.block, word, row,
                                  sums[0], scale)};
                });
          })
      .front();
}

void spk::forEachPlane(KernelBuilder &b, int64_t first, int64_t end,
                       llvm::function_ref<void(Value, Value)> body) {
  auto number = [&](float value) -> Value {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
  };
  b.loop(b.index(first), b.index(end), {number(std::ldexp(1.0f, first))},
         [&](Value plane, ValueRange scale) -> SmallVector<Value> {
           body(plane,
                vector::BroadcastOp::create(b, b.floatLanes(), scale[0]));
           return {arith::MulFOp::create(b, scale[0], number(2.0f))};
         });
}

/// Adds the rows of words [from, from + numWords) to the sums of a run.
static void emitRun(KernelBuilder &b, const SynapseTile &tile,
                    const SynapseRun &run, Value from, int64_t numWords,
                    Value firstRow, Value plane, Value scale) {
  auto loadWords = [&](Value i) {
    SmallVector<Value> words;
    SmallVector<Value> indices = run.at(b, i);
    for (int64_t w = 0; w < numWords; ++w) {
      words.push_back(tile.loadWord(b, indices, b.addIndex(from, w), plane));
    }
    return words;
  };
  b.loopAhead(b.index(0), run.count, loadWords, [&](Value i, ValueRange words) {
    Value at = b.addIndex(run.first, i);
    Value sum = b.loadRow(tile.sums, {at});
    for (int64_t w = 0; w < numWords; ++w) {
      Value row = b.addIndex(firstRow, b.mulIndex(b.addIndex(from, w), kLanes));
      sum = addRows(b, tile.weights, tile.block, words[w], row, sum, scale);
    }
    vector::StoreOp::create(b, sum, tile.sums, ValueRange{at, b.index(0)});
  });
}

void spk::emitTileRows(KernelBuilder &b, const SynapseTile &tile, Value plane,
                       int64_t firstPlane, Value scale) {
  if (tile.order)
    return emitOrderedRows(b, tile, b.addIndex(plane, -firstPlane), scale);
  int64_t words = tile.getInputs().getNumWords();
  int64_t inBlocks = words / kWordsPerBlock * kWordsPerBlock;
  tile.forEachTap(b, [&](const SynapseTap &tap) {
    auto visit = [&](Value from, int64_t numWords) {
      tile.forEachRun(b, tap, [&](const SynapseRun &run) {
        emitRun(b, tile, run, from, numWords, tap.firstRow, plane, scale);
      });
    };
    b.loop(
        b.index(0), b.index(inBlocks),
        [&](Value from) { visit(from, kWordsPerBlock); }, kWordsPerBlock);
    if (inBlocks < words)
      visit(b.index(inBlocks), words - inBlocks);
  });
}

const SynapseStrategy &spk::getRowAccumulate() {
  static const RowAccumulate strategy;
  return strategy;
}
