//===- Verification.h - checks shared by ops -------------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_LIB_DIALECT_SPK_IR_VERIFICATION_H
#define SPK_LIB_DIALECT_SPK_IR_VERIFICATION_H

#include "mlir/IR/BuiltinTypes.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

namespace mlir::spk {

inline ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

/// Threshold and reset of a neuron are finite.
LogicalResult verifyNeuronNumbers(Operation *op, const APFloat &vThreshold,
                                  std::optional<APFloat> vReset);

/// A charge has what its equation divides by or multiplies with.
LogicalResult verifyCharge(Operation *op, Charge charge, const APFloat &tau,
                           std::optional<APFloat> factor);

/// What all neurons have in common: the shapes of their operands and results.
LogicalResult verifyNeuron(NeuronOpInterface op);

} // namespace mlir::spk

#endif // SPK_LIB_DIALECT_SPK_IR_VERIFICATION_H
