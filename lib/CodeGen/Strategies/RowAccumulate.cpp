//===- RowAccumulate.cpp - add the weight row of every spike
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "spk/CodeGen/SynapseStrategy.h"

using namespace mlir;
using namespace mlir::spk;

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

  Value emitSum(KernelBuilder &b, const SynapseSite &site) const override {
    return site.combinePlanes(b, [&](Value plane) {
      return site
          .forEachTap(b, {b.zeroLanes(b.getF32Type())},
                      [&](ValueRange at, Value firstRow, ValueRange outer) {
                        return b.loop(
                            b.index(0), b.index(site.getWords()), outer,
                            [&](Value w, ValueRange sums) {
                              SmallVector<Value> indices(at);
                              indices.append({w, plane});
                              Value word = memref::LoadOp::create(b, site.input,
                                                                  indices);
                              Value row =
                                  b.addIndex(firstRow, b.mulIndex(w, kLanes));
                              return addRows(b, site.weights, site.block, word,
                                             row, sums);
                            });
                      })
          .front();
    });
  }

  bool isTiled() const override { return true; }

  void emitTile(KernelBuilder &b, const SynapseTile &tile,
                Value plane) const override {
    tile.forEachInputBlock(
        b, kWordsPerBlock,
        [&](Value t, Value i, ValueRange at, Value from, Value to,
            Value firstRow) {
          SmallVector<Value> place = {t, i, b.index(0)};
          Value sum = b.loadRow(tile.sums, {t, i});
          sum = b.loop(from, to, {sum}, [&](Value w, ValueRange sums) {
                   SmallVector<Value> indices(at);
                   indices.append({w, plane});
                   Value word = memref::LoadOp::create(b, tile.input, indices);
                   Value row = b.addIndex(firstRow, b.mulIndex(w, kLanes));
                   return addRows(b, tile.weights, tile.block, word, row, sums);
                 }).front();
          vector::StoreOp::create(b, sum, tile.sums, place);
        });
  }

private:
  /// 128 inputs: their weight rows fill 32 KiB, about the first-level cache.
  static constexpr int64_t kWordsPerBlock = 2;

  static SmallVector<Value> addRows(KernelBuilder &b, Value weights,
                                    Value block, Value word, Value firstRow,
                                    ValueRange sums) {
    return b.forEachSetBit(
        word, sums, [&](Value bit, ValueRange sum) -> SmallVector<Value> {
          Value row = b.loadRow(weights, {block, b.addIndex(firstRow, bit)});
          return {arith::AddFOp::create(b, sum[0], row)};
        });
  }
};

} // namespace

const SynapseStrategy &spk::getRowAccumulate() {
  static const RowAccumulate strategy;
  return strategy;
}
