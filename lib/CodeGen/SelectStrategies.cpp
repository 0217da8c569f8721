//===- SelectStrategies.cpp - how each kernel realises its sum
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/CostModel.h"
#include "spk/CodeGen/Passes.h"
#include "spk/CodeGen/SynapseStrategy.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

#include <cmath>

namespace mlir::spk {
#define GEN_PASS_DEF_SELECTSTRATEGIES
#include "spk/CodeGen/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

struct SelectStrategiesPass
    : spk::impl::SelectStrategiesBase<SelectStrategiesPass> {
  using Base::Base;

  void runOnOperation() final {
    if (strategy != "auto" && !lookupSynapseStrategy(strategy)) {
      InFlightDiagnostic error =
          getOperation()->emitError("strategy must be auto or one of");
      for (const SynapseStrategy *known : getSynapseStrategies())
        error << " " << known->getName();
      error << ", got " << strategy.getValue();
      return signalPassFailure();
    }
    auto read = CostModel::get(costModel);
    if (!read) {
      getOperation()->emitError() << llvm::toString(read.takeError());
      return signalPassFailure();
    }
    model = std::move(*read);
    WalkResult result = getOperation()->walk([&](FusedOp layer) {
      return failed(choose(layer)) ? WalkResult::interrupt()
                                   : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  using Estimates = SmallVector<std::pair<std::string, double>>;

  LogicalResult choose(FusedOp layer) {
    ++numChosen;
    auto cores = layer.getBody().front().getOps<SSAOp>();
    if (!cores.empty())
      return follow(layer, *cores.begin());
    for (auto product : layer.getBody().front().getOps<MatmulOp>())
      return set(layer, "product_rows", "one row of a product at a time",
                 {{"product_rows", product.getMultiplyAccumulates() *
                                           model->fmaPerInput / kWordBits +
                                       getFinish(layer)}});
    SynapseOpInterface synapse = layer.getSynapse();
    if (!synapse)
      return set(layer, "elementwise", "no synapse",
                 {{"elementwise", getFinish(layer)}});
    SumAttr sum = synapse.getSummation();
    if (!sum)
      return synapse->emitOpError(
          "sum must be fixed before a strategy is chosen; run spk-choose-sum");

    SmallVector<const SynapseStrategy *> candidates;
    for (const SynapseStrategy *candidate : getSynapseStrategies())
      if (candidate->realises(sum) && candidate->suits(SynapseInputs(synapse)))
        candidates.push_back(candidate);
    if (candidates.empty())
      return synapse->emitOpError("no strategy realises ") << sum;
    layer->setAttr(
        kTileSumsAttr,
        Builder(&getContext()).getI64IntegerAttr(model->getTileSums()));
    SynapseWork work = SynapseWork::get(layer);
    double finish = getFinish(layer);
    Estimates estimates;
    for (const SynapseStrategy *candidate : candidates)
      estimates.push_back(
          {candidate->getName().str(),
           work.blocks * candidate->estimate(work, *model) + finish});
    if (const SynapseStrategy *forced = lookupSynapseStrategy(strategy))
      if (llvm::is_contained(candidates, forced))
        return set(layer, forced->getName(), "forced: " + forced->getSummary(),
                   estimates);
    // The first one where several are as fast.
    auto *fastest = llvm::min_element(estimates, llvm::less_second());
    const SynapseStrategy *chosen = candidates[fastest - estimates.begin()];
    return set(layer, chosen->getName(),
               chosen->getSummary() +
                   (candidates.size() == 1
                        ? "; the only one with this sum"
                        : "; the fastest with this sum by the cost model of " +
                              model->name),
               estimates);
  }

  LogicalResult follow(FusedOp layer, SSAOp core) {
    Association order = core.getExecutedOrder();
    double perProduct = order == Association::QKFirst ? model->attentionQKFirst
                                                      : model->attentionKVFirst;
    std::string name = ("attention_" + stringifyAssociation(order)).str();
    return set(layer, name, "follows the association",
               {{name, core.getCost(order) * perProduct / kWordBits +
                           getFinish(layer)}});
  }

  /// What the rest of a layer takes: its ops run together, at as many places as
  /// the largest of them has.
  double getFinish(FusedOp layer) {
    int64_t most = 0;
    for (Operation &op : layer.getBody().front())
      for (Value result : op.getResults())
        if (auto type = dyn_cast<RankedTensorType>(result.getType());
            type && type.getRank() > 0) {
          int64_t places = llvm::product_of(type.getShape().drop_back());
          int64_t blocks = llvm::divideCeil(type.getShape().back(), kWordBits);
          most = std::max(most, places * blocks);
        }
    return most * model->finishPerSum;
  }

  LogicalResult set(FusedOp layer, const Twine &name, const Twine &reason,
                    const Estimates &estimates) {
    Builder b(&getContext());
    layer.setStrategyAttr(b.getStringAttr(name));
    layer.setReasonAttr(b.getStringAttr(reason));
    NamedAttrList attributes;
    for (const auto &[strategy, nanoseconds] : estimates)
      attributes.set(strategy, b.getI64IntegerAttr(std::llround(nanoseconds)));
    layer->setAttr(kEstimatesAttr, attributes.getDictionary(&getContext()));
    return success();
  }

  /// There once the pass runs.
  std::optional<CostModel> model;
};

} // namespace
