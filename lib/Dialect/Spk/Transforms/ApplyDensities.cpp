//===- ApplyDensities.cpp - measured densities on synapses
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "spk/Dialect/Spk/Analysis/ValueRange.h"
#include "spk/Dialect/Spk/IR/Densities.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"
#include "spk/Support/DensityFile.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::spk {
#define GEN_PASS_DEF_APPLYDENSITIES
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

struct ApplyDensitiesPass : spk::impl::ApplyDensitiesBase<ApplyDensitiesPass> {
  using Base::Base;

  void runOnOperation() final {
    if (file.empty())
      return;
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main) {
      getOperation().emitError("spk-apply-densities: the module must define "
                               "@main");
      return signalPassFailure();
    }
    auto densities = readDensities(file);
    if (!densities) {
      getOperation().emitError() << llvm::toString(densities.takeError());
      return signalPassFailure();
    }
    if (failed(apply(main, *densities)))
      signalPassFailure();
  }

private:
  /// The k-th entry of a name belongs to the k-th synapse of that name.
  LogicalResult apply(func::FuncOp main, ArrayRef<SynapseDensity> densities) {
    llvm::StringMap<SmallVector<SynapseOpInterface>> synapses;
    main.walk([&](SynapseOpInterface synapse) {
      if (getElementTypeOrSelf(synapse.getSynapseInput()).isInteger())
        synapses[getLayerName(synapse.getLoc())].push_back(synapse);
    });
    llvm::StringMap<size_t> used;
    for (const SynapseDensity &density : densities) {
      ArrayRef<SynapseOpInterface> named = synapses[density.layer];
      size_t index = used[density.layer]++;
      if (index == named.size())
        return main.emitError("the densities '")
               << file << "' name the layer '" << density.layer << "' "
               << index + 1 << " times, " << index
               << " layers of this name read spikes or integers";
      if (failed(apply(named[index], density)))
        return failure();
    }
    return success();
  }

  LogicalResult apply(SynapseOpInterface synapse,
                      const SynapseDensity &density) {
    Builder b(&getContext());
    Value input = synapse.getSynapseInput();
    int64_t planes = getElementTypeOrSelf(input).isInteger(1)
                         ? 0
                         : getNumPlanes(getRanges().getMaxValue(input));
    int64_t given = density.planes.size();
    if (given && given != planes)
      return synapse->emitOpError("reads ")
             << planes << " bit planes, the densities '" << file << "' give "
             << given;
    NamedAttrList attributes;
    attributes.set(kDensityAttr, b.getF64FloatAttr(density.density));
    if (given)
      attributes.set(kPlaneDensitiesAttr,
                     b.getDenseF64ArrayAttr(density.planes));
    // Before they are on the op: what fails to verify is not blamed on a pass.
    for (NamedAttribute attribute : attributes) {
      if (failed(verifyDensityAttr(synapse, attribute)))
        return failure();
      synapse->setAttr(attribute.getName(), attribute.getValue());
    }
    ++numMeasured;
    return success();
  }

  const ValueRangeAnalysis &getRanges() {
    return getAnalysis<ValueRangeAnalysis>();
  }
};

} // namespace
