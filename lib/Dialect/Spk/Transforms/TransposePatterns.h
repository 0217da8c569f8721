//===- TransposePatterns.h - moving transposes -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_LIB_DIALECT_SPK_TRANSFORMS_TRANSPOSEPATTERNS_H
#define SPK_LIB_DIALECT_SPK_TRANSFORMS_TRANSPOSEPATTERNS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::spk {

/// The type of `transpose(x, permutation)` for an x of type `type`.
RankedTensorType getPermutedType(RankedTensorType type,
                                 ArrayRef<int64_t> permutation);

/// A new transpose of `value`.
Value createTranspose(OpBuilder &builder, Location loc, Value value,
                      ArrayRef<int64_t> permutation);

/// As `createTranspose`, but reuses a transpose that is there already, and puts
/// a new one behind its operand so that it can be reused.
Value getTranspose(OpBuilder &builder, Location loc, Value value,
                   ArrayRef<int64_t> permutation);

/// Two transposes in a row become one. Used by spk-channels-last.
void populateComposeTransposesPatterns(RewritePatternSet &patterns,
                                       PatternBenefit benefit = 1);

/// Move transposes towards the results. Used by spk-channels-last.
void populateSinkTransposesPatterns(RewritePatternSet &patterns,
                                    PatternBenefit benefit = 1);

} // namespace mlir::spk

#endif // SPK_LIB_DIALECT_SPK_TRANSFORMS_TRANSPOSEPATTERNS_H
