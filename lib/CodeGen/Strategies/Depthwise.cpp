//===- Depthwise.cpp - every lane reads an input of its own
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "spk/CodeGen/SynapseStrategy.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

/// At every tap adds the weights of the lanes whose spike is set, or fuses
/// their products with float inputs. One input per tap leaves nothing to group:
/// sums in groups have the same bits as the sequential one, as long as every
/// plane has a sum of its own.
class Depthwise final : public SynapseStrategy {
public:
  StringRef getName() const override { return "depthwise"; }
  StringRef getSummary() const override {
    return "every output channel adds its own input at each tap";
  }
  bool realises(SumAttr sum) const override {
    return sum.getKind() != SumKind::Grouped || !sum.getGroupedPlanes();
  }
  bool suits(const SynapseInputs &inputs) const override {
    return inputs.isDepthwise();
  }
  bool readsOwnInputs() const override { return true; }

  double estimate(const SynapseWork &work,
                  const CostModel &model) const override {
    double adds = static_cast<double>(work.visits);
    if (work.sum.getKind() == SumKind::FMA)
      return adds * model.fmaPerInput;
    return adds * work.planes.size() * model.selectPerInput +
           work.getPlaneSums(model);
  }

  Value emitSum(KernelBuilder &b, const SynapseSite &site) const override {
    SynapseOpInterface op = site.op;
    if (op.getSummation().getKind() == SumKind::FMA)
      return emitFMA(b, site);
    return site.combinePlanes(
        b, 0, site.getPlanes(), Value(),
        [&](Value plane) { return emitPlane(b, site, plane); });
  }

private:
  Value emitPlane(KernelBuilder &b, const SynapseSite &site,
                  Value plane) const {
    Value zero = b.zeroLanes(b.getF32Type());
    return site
        .forEachTap(b, {zero},
                    [&](ValueRange at, Value row,
                        ValueRange sums) -> SmallVector<Value> {
                      Value word = site.loadWord(b, at, b.index(0), plane);
                      Value addend = arith::SelectOp::create(
                          b, b.wordToMask(word),
                          b.loadRow(site.weights, {site.block, row}), zero);
                      return {arith::AddFOp::create(b, sums[0], addend)};
                    })
        .front();
  }

  Value emitFMA(KernelBuilder &b, const SynapseSite &site) const {
    SynapseOpInterface op = site.op;
    Value zero = b.zeroLanes(b.getF32Type());
    Value sum =
        site.forEachTap(b, {zero},
                        [&](ValueRange at, Value row,
                            ValueRange sums) -> SmallVector<Value> {
                          Value x = b.loadLanes(site.input, at, site.block,
                                                op.getOutputChannels());
                          Value weights =
                              b.loadRow(site.weights, {site.block, row});
                          return {math::FmaOp::create(b, weights, x, sums[0])};
                        })
            .front();
    // Never -0, which a product that underflows leaves.
    return arith::AddFOp::create(b, sum, zero);
  }
};

} // namespace

const SynapseStrategy &spk::getDepthwise() {
  static const Depthwise strategy;
  return strategy;
}
