//===- SelectAccumulate.cpp - add every weight row or zero
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SelectAccumulate.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

/// Walks every input channel and adds its weight row where the spike is set,
/// zero elsewhere, group by group. Sums start at +0 and so never become -0:
/// adding +0 changes no bit, and skipping zero inputs is the same as adding it.
class SelectAccumulate final : public SynapseStrategy {
public:
  StringRef getName() const override { return "select_accumulate"; }
  StringRef getSummary() const override {
    return "adds every weight row or zero, group by group; work does not "
           "depend on the spikes";
  }
  bool realises(SumAttr sum) const override {
    return sum.getKind() == SumKind::Sequential ||
           (sum.getKind() == SumKind::Grouped && !sum.getGroupedPlanes());
  }

  double estimate(const SynapseWork &work,
                  const CostModel &model) const override {
    return work.getSelects(model) + work.getPlaneSums(model);
  }

  Value emitSum(KernelBuilder &b, const SynapseSite &site) const override {
    return site.combinePlanes(
        b, 0, site.getPlanes(), Value(),
        [&](Value plane) { return emitGroups(b, site, plane); });
  }
};

} // namespace

static Value addIfSet(KernelBuilder &b, const SynapseSite &site, Value word,
                      Value bit, Value row, Value sum) {
  Value amount = arith::IndexCastUIOp::create(b, b.getI64Type(), bit);
  Value isSet = arith::TruncIOp::create(
      b, b.getI1Type(), arith::ShRUIOp::create(b, word, amount));
  Value weights = b.loadRow(site.weights, {site.block, row});
  Value addend =
      arith::SelectOp::create(b, isSet, weights, b.zeroLanes(b.getF32Type()));
  return arith::AddFOp::create(b, sum, addend);
}

/// Adds the groups of one word to the sums.
static SmallVector<Value> addGroups(KernelBuilder &b, const SynapseSite &site,
                                    Value word, Value w, Value firstRow,
                                    int64_t group, ValueRange sums) {
  Value base = b.mulIndex(w, kLanes);
  // The last word may hold fewer channels, and has no weight rows past them.
  Value left = arith::SubIOp::create(
      b, b.index(site.getInputs().getNumChannels()), base);
  Value channels = arith::MinSIOp::create(b, left, b.index(kLanes));
  Value row = b.addIndex(firstRow, base);
  return b.loop(
      b.index(0), channels, sums,
      [&](Value start, ValueRange sum) -> SmallVector<Value> {
        Value end =
            arith::MinSIOp::create(b, b.addIndex(start, group), channels);
        Value partial =
            b.loop(start, end, {b.zeroLanes(b.getF32Type())},
                   [&](Value bit, ValueRange folded) -> SmallVector<Value> {
                     return {addIfSet(b, site, word, bit, b.addIndex(row, bit),
                                      folded[0])};
                   })
                .front();
        return {arith::AddFOp::create(b, sum[0], partial)};
      },
      group);
}

Value spk::emitGroups(KernelBuilder &b, const SynapseSite &site, Value plane) {
  SynapseOpInterface op = site.op;
  SumAttr sum = op.getSummation();
  int64_t group = sum.getKind() == SumKind::Grouped ? sum.getGroup() : 1;
  return site
      .forEachTap(b, {b.zeroLanes(b.getF32Type())},
                  [&](ValueRange at, Value firstRow, ValueRange outer) {
                    return b.loop(b.index(0),
                                  b.index(site.getInputs().getNumWords()),
                                  outer, [&](Value w, ValueRange sums) {
                                    Value word = site.loadWord(b, at, w, plane);
                                    return addGroups(b, site, word, w, firstRow,
                                                     group, sums);
                                  });
                  })
      .front();
}

const SynapseStrategy &spk::getSelectAccumulate() {
  static const SelectAccumulate strategy;
  return strategy;
}
