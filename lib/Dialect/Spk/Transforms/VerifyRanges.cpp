//===- VerifyRanges.cpp - sums of spikes fit their type -------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Dialect/Spk/Analysis/ValueRange.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"

namespace mlir::spk {
#define GEN_PASS_DEF_VERIFYRANGES
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

struct VerifyRangesPass : spk::impl::VerifyRangesBase<VerifyRangesPass> {
  using Base::Base;

  void runOnOperation() final {
    auto &ranges = getAnalysis<ValueRangeAnalysis>();
    auto fits = [&](Value value) {
      return ranges.getMaxValue(value) <=
             ValueRangeAnalysis::getTypeMax(value.getType());
    };
    bool failed = false;
    getOperation()->walk([&](ValueRangeOpInterface op) {
      for (Value result : op->getResults()) {
        // An operand that does not fit was reported where it was made.
        if (fits(result) || !llvm::all_of(op->getOperands(), fits))
          continue;
        failed = true;
        report(op, result, ranges.getMaxValue(result));
      }
    });
    if (failed)
      return signalPassFailure();
    markAllAnalysesPreserved();
  }

  void report(Operation *op, Value result, int64_t max) {
    InFlightDiagnostic error = op->emitOpError("result of layer ");
    error << getLayerName(op->getLoc()) << " must hold " << max << ", "
          << getElementTypeOrSelf(result) << " holds "
          << ValueRangeAnalysis::getTypeMax(result.getType());
    for (unsigned width : {8u, 16u, 32u}) {
      Type type = IntegerType::get(&getContext(), width);
      if (ValueRangeAnalysis::getTypeMax(type) < max)
        continue;
      error << ", " << type << " would do";
      return;
    }
    error << ", no type would do";
  }
};

} // namespace
