//===- DenseFMA.cpp - multiply and add float inputs
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "spk/CodeGen/SynapseStrategy.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

/// Broadcasts each float input and multiplies its weight row into the sums, one
/// rounding per input. For images and float heads.
class DenseFMA final : public SynapseStrategy {
public:
  StringRef getName() const override { return "dense_fma"; }
  StringRef getSummary() const override {
    return "fused multiply-add of float inputs";
  }
  bool realises(SumAttr sum) const override {
    return sum.getKind() == SumKind::FMA;
  }

  Value emitSum(KernelBuilder &b, const SynapseSite &site) const override {
    return site
        .forEachTap(b, {b.zeroLanes(b.getF32Type())},
                    [&](ValueRange at, Value firstRow, ValueRange outer) {
                      return b.loop(
                          b.index(0), b.index(site.getInputChannels()), outer,
                          [&](Value c, ValueRange sum) -> SmallVector<Value> {
                            SmallVector<Value> indices(at);
                            indices.push_back(c);
                            Value x = vector::BroadcastOp::create(
                                b, b.floatLanes(),
                                memref::LoadOp::create(b, site.input, indices));
                            Value weights = b.loadRow(
                                site.weights,
                                {site.block, b.addIndex(firstRow, c)});
                            return {math::FmaOp::create(b, weights, x, sum[0])};
                          });
                    })
        .front();
  }
};

} // namespace

const SynapseStrategy &spk::getDenseFMA() {
  static const DenseFMA strategy;
  return strategy;
}
