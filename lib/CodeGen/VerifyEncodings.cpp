//===- VerifyEncodings.cpp - guard against lost encodings
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/Passes.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

namespace mlir::spk {
#define GEN_PASS_DEF_VERIFYENCODINGS
#include "spk/CodeGen/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

struct VerifyEncodingsPass
    : spk::impl::VerifyEncodingsBase<VerifyEncodingsPass> {
  using Base::Base;

  void runOnOperation() final {
    WalkResult result = getOperation()->walk([&](Operation *op) {
      return succeeded(allowPacked ? checkUniform(op) : checkNone(op))
                 ? WalkResult::advance()
                 : WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  /// No value may be packed any more.
  static LogicalResult checkNone(Operation *op) {
    for (Value operand : op->getOperands())
      if (getSpikeEncoding(operand.getType())) {
        InFlightDiagnostic error = op->emitOpError(
            "operand must not be packed here: bufferization would drop its "
            "encoding");
        if (Operation *producer = operand.getDefiningOp())
          error.attachNote(producer->getLoc()) << "packed value made here";
        return error;
      }
    // A result that is used is reported at its first user, which lost it.
    for (Value result : op->getResults())
      if (result.use_empty() && getSpikeEncoding(result.getType()))
        return op->emitOpError("result must not be packed here: bufferization "
                               "would drop its encoding");
    return success();
  }

  /// Ops that know nothing of encodings must have one for all tensors.
  static LogicalResult checkUniform(Operation *op) {
    if (!isa_and_nonnull<tensor::TensorDialect, linalg::LinalgDialect>(
            op->getDialect()))
      return success();
    bool packed = false, plain = false;
    auto look = [&](Type type) {
      if (isa<RankedTensorType>(type))
        (getSpikeEncoding(type) ? packed : plain) = true;
    };
    llvm::for_each(op->getOperandTypes(), look);
    llvm::for_each(op->getResultTypes(), look);
    if (packed && plain)
      return op->emitOpError("must not mix packed and plain tensors; only "
                             "spk.pack and spk.unpack change an encoding");
    return success();
  }
};

} // namespace
