//===- TableAndRows.cpp - tables for low planes, rows for high ones
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowAccumulate.h"
#include "SelectAccumulate.h"
#include "Table.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

/// The planes of an integer stream by density: the dense low ones share the
/// tables of a block of inputs, the sparse high ones add one scaled weight row
/// per set bit.
class TableAndRows final : public SynapseStrategy {
public:
  StringRef getName() const override { return "table_and_rows"; }
  StringRef getSummary() const override {
    return "adds table entries for the dense low planes and one weight row "
           "per set bit of the sparse high ones";
  }
  bool realises(SumAttr sum) const override {
    return sum.getGroupedPlanes() > 0;
  }

  double estimate(const SynapseWork &work,
                  const CostModel &model) const override {
    int64_t planes = work.planes.size();
    int64_t dense = work.sum.getNumUniformPlanes(planes);
    return work.getTables(model, dense) + work.getRows(model, dense, planes) +
           work.getPlaneSums(model);
  }

  Value emitSum(KernelBuilder &b, const SynapseSite &site) const override {
    SynapseOpInterface op = site.op;
    int64_t planes = site.getPlanes();
    int64_t dense = op.getSummation().getNumUniformPlanes(planes);
    Value sum = site.combinePlanes(b, 0, dense, Value(), [&](Value plane) {
      return emitGroups(b, site, plane);
    });
    for (int64_t plane = dense; plane < planes; ++plane)
      sum = emitRows(b, site, b.index(plane), sum,
                     b.splat(static_cast<float>(int64_t(1) << plane)));
    return sum;
  }

  bool isTiled(const SynapseInputs &) const override { return true; }

  std::optional<int64_t> getOrderedPlanes(SumAttr sum) const override {
    return sum.getGroupedPlanes();
  }

  void emitTile(KernelBuilder &b, const SynapseTile &tile,
                func::FuncOp kernel) const override {
    int64_t planes = tile.getPlanes();
    int64_t dense = tile.getSum().getNumUniformPlanes(planes);
    emitTileTables(b, tile, dense, kernel);
    forEachPlane(b, dense, planes, [&](Value plane, Value scale) {
      emitTileRows(b, tile, plane, dense, scale);
    });
  }
};

} // namespace

const SynapseStrategy &spk::getTableAndRows() {
  static const TableAndRows strategy;
  return strategy;
}
