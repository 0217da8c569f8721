//===- ValueRange.h - largest value of spike streams ------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file computes how large the integers of a spike stream can get: the
// width of a sum of spikes and the number of its bit planes rest on it.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_ANALYSIS_VALUERANGE_H
#define SPK_DIALECT_SPK_ANALYSIS_VALUERANGE_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"

namespace mlir::spk {

/// Largest value of every integer value under an op, from `ValueRangeOp`s,
/// shape ops and fused regions. Use it as `getAnalysis<ValueRangeAnalysis>()`.
class ValueRangeAnalysis {
public:
  explicit ValueRangeAnalysis(Operation *root);

  /// Largest value of any element of `value`: computed where the producer is
  /// known, what the element type holds otherwise; -1 where the elements are no
  /// integers. A computed maximum may exceed the element type (see
  /// `spk-verify-ranges`).
  int64_t getMaxValue(Value value) const;

  /// Largest value that the elements of `type` hold: 1 for spikes, the signed
  /// maximum for wider integers, -1 for other elements.
  static int64_t getTypeMax(Type type);

private:
  void visit(Operation *op);

  DenseMap<Value, int64_t> maxima;
};

} // namespace mlir::spk

#endif // SPK_DIALECT_SPK_ANALYSIS_VALUERANGE_H
