//===- Table.cpp - look up the sums of groups of inputs
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Table.h"
#include "SelectAccumulate.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <cmath>

using namespace mlir;
using namespace mlir::spk;

/// Output channels of one table entry: the tables of one word and g = 5 fill
/// 26 KiB, which leaves the first-level cache room for what streams past.
static constexpr int64_t kEntryLanes = 16;
/// Largest group whose tables fit.
static constexpr int64_t kMaxGroup = 5;
/// Positions summed at once: their chains of additions overlap.
static constexpr int64_t kPositionsAtOnce = 4;

namespace {

/// For 64 inputs and 16 output channels at a time, the sums of all subsets of
/// every group are written to a table; each position then adds one entry per
/// group, chosen by the group's bits. Work does not depend on the spikes.
class Table final : public SynapseStrategy {
public:
  StringRef getName() const override { return "table"; }
  StringRef getSummary() const override {
    return "adds one table entry per group of inputs; work does not depend on "
           "the spikes";
  }
  bool realises(SumAttr sum) const override {
    return sum.getKind() == SumKind::Grouped && sum.getGroup() <= kMaxGroup &&
           !sum.getGroupedPlanes();
  }

  double estimate(const SynapseWork &work,
                  const CostModel &model) const override {
    return work.getTables(model, work.planes.size()) + work.getPlaneSums(model);
  }

  Value emitSum(KernelBuilder &b, const SynapseSite &site) const override {
    return getSelectAccumulate().emitSum(b, site);
  }

  bool isTiled(const SynapseInputs &) const override { return true; }

  void emitTile(KernelBuilder &b, const SynapseTile &tile,
                func::FuncOp kernel) const override {
    emitTileTables(b, tile, tile.getPlanes(), kernel);
  }
};

/// The sums of one tile in 16 channels.
class TableEmitter {
public:
  TableEmitter(KernelBuilder &b, const SynapseTile &tile, int64_t planes,
               func::FuncOp kernel)
      : b(b), tile(tile), planes(planes), group(tile.getSum().getGroup()),
        entryType(VectorType::get({kEntryLanes}, b.getF32Type())),
        tables(b.scratch(kernel,
                         MemRefType::get({(kWordBits + group - 1) / group,
                                          int64_t(1) << group, kEntryLanes},
                                         b.getF32Type()))),
        sums(b.scratch(
            kernel,
            MemRefType::get({planes, tile.geometry->getNumSums(), kEntryLanes},
                            b.getF32Type()))) {}

  void emit() {
    b.loop(
        b.index(0), b.index(kLanes),
        [&](Value lane) {
          clear();
          tile.forEachTap(b,
                          [&](const SynapseTap &tap) { emitTap(tap, lane); });
          combine(lane);
        },
        kEntryLanes);
  }

private:
  Value number(float value) {
    return arith::ConstantOp::create(b,
                                     DenseElementsAttr::get(entryType, value));
  }

  Value load(Value buffer, ValueRange indices) {
    SmallVector<Value> at(indices);
    at.push_back(b.index(0));
    return vector::LoadOp::create(b, entryType, buffer, at);
  }

  void store(Value entry, Value buffer, ValueRange indices) {
    SmallVector<Value> at(indices);
    at.push_back(b.index(0));
    vector::StoreOp::create(b, entry, buffer, at);
  }

  void clear() {
    tile.forEachSum(b, [&](Value at) {
      for (int64_t plane = 0; plane < planes; ++plane)
        store(number(0.0f), sums, {b.index(plane), at});
    });
  }

  /// sums of the tile = sums of the planes, scaled, in ascending order.
  void combine(Value lane) {
    tile.forEachSum(b, [&](Value at) {
      Value sum = load(sums, {b.index(0), at});
      for (int64_t plane = 1; plane < planes; ++plane) {
        Value scaled =
            arith::MulFOp::create(b, load(sums, {b.index(plane), at}),
                                  number(std::ldexp(1.0f, plane)));
        sum = arith::AddFOp::create(b, sum, scaled);
      }
      vector::StoreOp::create(b, sum, tile.sums, ValueRange{at, lane});
    });
  }

  void emitTap(const SynapseTap &tap, Value lane) {
    int64_t channels = tile.getInputs().getNumChannels();
    auto visit = [&](Value word, int64_t inputs) {
      Value row = b.addIndex(tap.firstRow, b.mulIndex(word, kWordBits));
      buildTables(row, inputs, lane);
      b.loop(b.index(0), b.index(planes), [&](Value plane) {
        tile.forEachRun(b, tap, [&](const SynapseRun &run) {
          emitRun(run, word, plane, llvm::divideCeil(inputs, group));
        });
      });
    };
    b.loop(b.index(0), b.index(channels / kWordBits),
           [&](Value word) { visit(word, kWordBits); });
    if (int64_t rest = channels % kWordBits)
      visit(b.index(channels / kWordBits), rest);
  }

  /// Writes the tables of `inputs` weight rows from `row` on.
  void buildTables(Value row, int64_t inputs, Value lane) {
    auto build = [&](Value table, Value first, int64_t size) {
      // Entry m is the fold from +0 over the set bits of m in ascending order:
      // the entry without the highest bit, plus its weight.
      SmallVector<Value> entries = {number(0.0f)};
      for (int64_t i = 0; i < size; ++i) {
        Value weights = vector::LoadOp::create(
            b, entryType, tile.weights,
            ValueRange{tile.block, b.addIndex(first, i), lane});
        for (int64_t m = 0, count = entries.size(); m < count; ++m)
          entries.push_back(arith::AddFOp::create(b, entries[m], weights));
      }
      for (auto [m, entry] : llvm::enumerate(entries))
        store(entry, tables, {table, b.index(m)});
    };
    b.loop(b.index(0), b.index(inputs / group), [&](Value table) {
      build(table, b.addIndex(row, b.mulIndex(table, group)), group);
    });
    if (int64_t rest = inputs % group)
      build(b.index(inputs / group), b.addIndex(row, inputs - rest), rest);
  }

  /// Adds the entries of one word of one plane to the sums of a run.
  void emitRun(const SynapseRun &run, Value word, Value plane, int64_t groups) {
    auto loadWord = [&](Value i) -> Value {
      return tile.loadWord(b, run.at(b, i), word, plane);
    };
    Value rest = b.remainder(run.count, kPositionsAtOnce);
    Value even = arith::SubIOp::create(b, run.count, rest);
    auto isAny =
        scf::IfOp::create(b, arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                                   even, b.index(0)));
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(isAny.thenBlock());
      // Words are loaded two iterations ahead: otherwise every lookup waits
      // for the load of its word. The last ones are loaded again.
      Value last = b.addIndex(even, -kPositionsAtOnce);
      auto loadWords = [&](Value i) {
        SmallVector<Value> words;
        Value first = b.minIndex(i, last);
        for (int64_t j = 0; j < kPositionsAtOnce; ++j)
          words.push_back(loadWord(b.addIndex(first, j)));
        return words;
      };
      SmallVector<Value> ahead = loadWords(b.index(0));
      llvm::append_range(ahead, loadWords(b.index(kPositionsAtOnce)));
      b.loop(
          b.index(0), even, ahead,
          [&](Value i, ValueRange words) {
            SmallVector<Value> next(words.drop_front(kPositionsAtOnce));
            llvm::append_range(next,
                               loadWords(b.addIndex(i, 2 * kPositionsAtOnce)));
            addEntries(run, i, words.take_front(kPositionsAtOnce), plane,
                       groups);
            return next;
          },
          kPositionsAtOnce);
    }
    b.loop(even, run.count,
           [&](Value i) { addEntries(run, i, loadWord(i), plane, groups); });
  }

  /// Adds the entries of `words` at positions i, i + 1, ... of a run.
  void addEntries(const SynapseRun &run, Value i, ValueRange words, Value plane,
                  int64_t groups) {
    auto place = [&](int64_t j) -> SmallVector<Value> {
      return {plane, b.addIndex(run.first, b.addIndex(i, j))};
    };
    SmallVector<Value> partial;
    for (size_t j = 0; j < words.size(); ++j)
      partial.push_back(load(sums, place(j)));
    for (int64_t table = 0; table < groups; ++table)
      for (auto [sum, word] : llvm::zip(partial, words)) {
        Value bits = arith::AndIOp::create(
            b, arith::ShRUIOp::create(b, word, b.word(table * group)),
            b.word((int64_t(1) << group) - 1));
        Value entry = arith::IndexCastUIOp::create(b, b.getIndexType(), bits);
        sum = arith::AddFOp::create(b, sum,
                                    load(tables, {b.index(table), entry}));
      }
    for (size_t j = 0; j < words.size(); ++j)
      store(partial[j], sums, place(j));
  }

  KernelBuilder &b;
  const SynapseTile &tile;
  int64_t planes, group;
  VectorType entryType;
  Value tables, sums;
};

} // namespace

void spk::emitTileTables(KernelBuilder &b, const SynapseTile &tile,
                         int64_t planes, func::FuncOp kernel) {
  TableEmitter(b, tile, planes, kernel).emit();
}

const SynapseStrategy &spk::getTable() {
  static const Table strategy;
  return strategy;
}
