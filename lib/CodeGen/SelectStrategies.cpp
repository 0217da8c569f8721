//===- SelectStrategies.cpp - how each kernel realises its sum
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/Passes.h"
#include "spk/CodeGen/SynapseStrategy.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

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
    WalkResult result = getOperation()->walk([&](FusedOp layer) {
      return failed(choose(layer)) ? WalkResult::interrupt()
                                   : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  LogicalResult choose(FusedOp layer) {
    ++numChosen;
    auto set = [&](const Twine &name, const Twine &reason) {
      Builder b(&getContext());
      layer.setStrategyAttr(b.getStringAttr(name));
      layer.setReasonAttr(b.getStringAttr(reason));
      return success();
    };
    auto cores = layer.getBody().front().getOps<SSAOp>();
    if (!cores.empty()) {
      SSAOp core = *cores.begin();
      return set("attention_" + stringifyAssociation(core.getExecutedOrder()),
                 "follows the association");
    }
    SynapseOpInterface synapse = layer.getSynapse();
    if (!synapse)
      return set("elementwise", "no synapse");
    SumAttr sum = synapse.getSummation();
    if (!sum)
      return synapse->emitOpError(
          "sum must be fixed before a strategy is chosen; run spk-choose-sum");

    SmallVector<const SynapseStrategy *> candidates;
    for (const SynapseStrategy *candidate : getSynapseStrategies())
      if (candidate->realises(sum))
        candidates.push_back(candidate);
    if (candidates.empty())
      return synapse->emitOpError("no strategy realises ") << sum;
    if (const SynapseStrategy *forced = lookupSynapseStrategy(strategy))
      if (llvm::is_contained(candidates, forced))
        return set(forced->getName(), "forced: " + forced->getSummary());
    const SynapseStrategy *chosen = candidates.front();
    return set(chosen->getName(),
               chosen->getSummary() + (candidates.size() == 1
                                           ? "; the only one with this sum"
                                           : "; preferred for this sum"));
  }
};

} // namespace
