//===- ChooseSum.cpp - order of synaptic sums -----------------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"
#include "llvm/Support/Format.h"

namespace mlir::spk {
#define GEN_PASS_DEF_CHOOSESUM
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

constexpr llvm::StringLiteral kDensityAttr = "spk.density";
constexpr llvm::StringLiteral kWhyAttr = "spk.why_sum";

/// Share of inputs that are not zero where nothing was measured.
constexpr double kDefaultDensity = 0.15;
/// Share from which on a table of group sums beats adding one row per spike.
constexpr double kCrossover = 0.25;

struct ChooseSumPass : spk::impl::ChooseSumBase<ChooseSumPass> {
  using Base::Base;

  void runOnOperation() final {
    if (sum != "auto" && sum != "sequential" && sum != "grouped") {
      getOperation()->emitError("spk-choose-sum: sum must be auto, sequential "
                                "or grouped, got ")
          << sum;
      return signalPassFailure();
    }
    if (group < 1 || group > kWordBits) {
      getOperation()->emitError("spk-choose-sum: group must be in [1, ")
          << kWordBits << "], got " << group.getValue();
      return signalPassFailure();
    }
    WalkResult result = getOperation()->walk([&](SynapseOpInterface synapse) {
      return succeeded(choose(synapse)) ? WalkResult::advance()
                                        : WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  LogicalResult choose(SynapseOpInterface synapse) {
    if (synapse.getSummation())
      return success();
    Type element = getElementTypeOrSelf(synapse.getSynapseInput());
    if (element.isF32()) {
      ++numFMA;
      fix(synapse, SumAttr::get(&getContext(), SumKind::FMA), "fma: f32 input");
      return success();
    }

    std::string why;
    llvm::raw_string_ostream os(why);
    bool grouped = sum == "grouped";
    if (sum == "auto") {
      double density = kDefaultDensity;
      auto measured = synapse->getAttrOfType<FloatAttr>(kDensityAttr);
      if (measured)
        density = measured.getValueAsDouble();
      if (!(density >= 0.0 && density <= 1.0))
        return synapse->emitOpError("spk.density must be in [0, 1], got ")
               << density;
      grouped = density >= kCrossover;
      os << (grouped ? "grouped" : "sequential") << ": "
         << (measured ? "density " : "assumed density ")
         << llvm::format("%g", 100.0 * density) << " % "
         << (grouped ? "reaches" : "is below") << " the crossover of "
         << llvm::format("%g", 100.0 * kCrossover) << " %";
    } else {
      os << sum << ": by option";
    }
    bool planes = !element.isInteger(1);
    ++(grouped ? numGrouped : numSequential);
    if (planes)
      ++numPlanes;
    fix(synapse,
        SumAttr::get(&getContext(),
                     grouped ? SumKind::Grouped : SumKind::Sequential,
                     grouped ? group : 0, planes, /*grouped_planes=*/0),
        why);
    return success();
  }

  void fix(SynapseOpInterface synapse, SumAttr summation, StringRef why) {
    synapse.setSummation(summation);
    synapse->setAttr(kWhyAttr, StringAttr::get(&getContext(), why));
  }
};

} // namespace
