//===- ChooseSum.cpp - order of synaptic sums -----------------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Dialect/Spk/Analysis/ValueRange.h"
#include "spk/Dialect/Spk/IR/Densities.h"
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

constexpr llvm::StringLiteral kWhyAttr = "spk.why_sum";

/// Share of set bits from which on a table of group sums beats adding one row
/// per bit.
constexpr double kCrossover = 0.25;

/// How many of the lowest planes to sum in groups: a plane costs its density
/// row by row, and the crossover in groups.
int64_t countGroupedPlanes(ArrayRef<double> densities) {
  double saved = 0.0, best = 0.0;
  int64_t count = 0;
  for (auto [plane, density] : llvm::enumerate(densities)) {
    saved += density - kCrossover;
    if (saved >= best) {
      best = saved;
      count = plane + 1;
    }
  }
  return count;
}

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
      return signalPassFailure();
    getOperation()->walk([&](MatmulOp product) { choose(product); });
  }

  void choose(MatmulOp product) {
    SumKind kind = product.getSumKind();
    ++(kind == SumKind::FMA ? numFMA : numSequential);
    product.setSumAttr(SumAttr::get(&getContext(), kind));
    product->setAttr(kWhyAttr,
                     StringAttr::get(&getContext(),
                                     kind == SumKind::FMA
                                         ? "fma: both operands are f32"
                                         : "sequential: an operand is no f32"));
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

    bool isStream = !element.isInteger(1);
    int64_t planes =
        isStream ? getNumPlanes(getAnalysis<ValueRangeAnalysis>().getMaxValue(
                       synapse.getSynapseInput()))
                 : 1;
    InputDensity density = getInputDensity(synapse, planes);
    int64_t grouped = sum == "grouped" ? density.planes.size() : 0;
    std::string why = (Twine(sum.getValue()) + ": by option").str();
    if (sum == "auto") {
      grouped = countGroupedPlanes(density.planes);
      why = explain(density, grouped);
    }
    ++(grouped ? numGrouped : numSequential);
    if (isStream)
      ++numPlanes;
    bool isMixed =
        grouped && grouped < static_cast<int64_t>(density.planes.size());
    fix(synapse,
        SumAttr::get(&getContext(),
                     grouped ? SumKind::Grouped : SumKind::Sequential,
                     grouped ? group : 0, isStream, isMixed ? grouped : 0),
        why);
    return success();
  }

  static std::string explain(const InputDensity &density, int64_t grouped) {
    std::string why;
    llvm::raw_string_ostream os(why);
    int64_t planes = density.planes.size();
    if (grouped && grouped < planes)
      os << grouped << " of " << planes << " planes ";
    os << (grouped ? "grouped: " : "sequential: ")
       << (density.measured ? "density " : "assumed density ");
    llvm::interleave(
        density.planes, os,
        [&](double share) { os << llvm::format("%.3g", 100.0 * share); }, ", ");
    os << " % " << (grouped ? "reaches" : "is below") << " the crossover of "
       << llvm::format("%g", 100.0 * kCrossover) << " %";
    return why;
  }

  void fix(SynapseOpInterface synapse, SumAttr summation, StringRef why) {
    synapse.setSummation(summation);
    synapse->setAttr(kWhyAttr, StringAttr::get(&getContext(), why));
  }
};

} // namespace
