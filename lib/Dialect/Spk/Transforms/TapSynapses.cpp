//===- TapSynapses.cpp - inputs of synapses as outputs
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "spk/Dialect/Spk/Analysis/ValueRange.h"
#include "spk/Dialect/Spk/IR/Densities.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::spk {
#define GEN_PASS_DEF_TAPSYNAPSES
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

struct TapSynapsesPass : spk::impl::TapSynapsesBase<TapSynapsesPass> {
  using Base::Base;

  void runOnOperation() final {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock()) {
      getOperation().emitError("spk-tap-synapses: the module must define "
                               "@main");
      return signalPassFailure();
    }
    const auto &ranges = getAnalysis<ValueRangeAnalysis>();
    Builder b(&getContext());
    llvm::MapVector<Value, std::string> names;
    main.walk([&](SynapseOpInterface synapse) {
      Value input = synapse.getSynapseInput();
      Type element = getElementTypeOrSelf(input);
      if (!element.isInteger())
        return;
      auto [it, inserted] = names.insert(
          {input, "synapse-input:" + std::to_string(names.size())});
      int64_t planes =
          element.isInteger(1) ? 0 : getNumPlanes(ranges.getMaxValue(input));
      synapse->setAttr(kInputTapAttr, b.getStringAttr(it->second));
      synapse->setAttr(kInputPlanesAttr, b.getI64IntegerAttr(planes));
    });
    Operation *end = main.front().getTerminator();
    for (const auto &[input, name] : names) {
      end->insertOperands(end->getNumOperands(), input);
      NamedAttribute attribute(b.getStringAttr(kNameAttr),
                               b.getStringAttr(name));
      (void)main.insertResult(main.getNumResults(), input.getType(),
                              b.getDictionaryAttr(attribute));
      ++numTaps;
    }
  }
};

} // namespace
