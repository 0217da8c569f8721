//===- KernelBuilder.h - IR of kernels -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// This file has the small vocabulary that kernels are written in: blocks of 64
// channels (lanes), words of 64 spikes, and counted loops.

#ifndef SPK_CODEGEN_KERNELBUILDER_H
#define SPK_CODEGEN_KERNELBUILDER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "spk/Dialect/Spk/IR/SpkDialect.h"

namespace mlir::spk {

/// Channels that one kernel iteration computes: the spikes of one word.
inline constexpr int64_t kLanes = kWordBits;

class KernelBuilder : public ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  Value index(int64_t value);
  Value word(int64_t value);
  Value addIndex(Value a, int64_t b);
  Value addIndex(Value a, Value b);
  Value mulIndex(Value a, int64_t b);
  Value floorDiv(Value a, int64_t b);
  Value remainder(Value a, int64_t b);
  Value minIndex(Value a, Value b);
  Value maxIndex(Value a, Value b);

  /// `vector<64xelement>`.
  VectorType lanes(Type element);
  VectorType floatLanes() { return lanes(getF32Type()); }
  Value splat(float value);
  Value zeroLanes(Type element);

  /// 64 spikes as truth values, and back.
  Value wordToMask(Value word);
  Value maskToWord(Value mask);
  /// Bits of the lanes of `block` that are channels: all, or those below
  /// `channels` in the last block.
  Value validLanes(Value block, int64_t channels);
  /// Bits [lo, hi) of a word, for 0 <= lo, hi <= 64 (index values).
  Value wordRange(Value lo, Value hi);

  /// Reads and writes the lanes of `block` of a buffer whose innermost axis is
  /// `channels` long.
  Value loadLanes(Value buffer, ValueRange indices, Value block,
                  int64_t channels);
  void storeLanes(Value lanes, Value buffer, ValueRange indices, Value block,
                  int64_t channels);
  /// Memory of one call of `kernel`, on the stack of the thread that calls.
  Value scratch(func::FuncOp kernel, MemRefType type);
  /// Reads whole rows of 64.
  Value loadRow(Value buffer, ValueRange indices);

  /// for i in [lower, upper): body(i, carried) -> carried.
  SmallVector<Value>
  loop(Value lower, Value upper, ValueRange carried,
       llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body,
       int64_t step = 1);
  /// The same without carried values.
  void loop(Value lower, Value upper, llvm::function_ref<void(Value)> body,
            int64_t step = 1);
  /// for i in [lower, upper): body(i, load(i)), where load(i) runs two
  /// iterations ahead: addresses that wait for a value just loaded stall all
  /// loads behind them. The last values are loaded more than once.
  void loopAhead(Value lower, Value upper,
                 llvm::function_ref<SmallVector<Value>(Value)> load,
                 llvm::function_ref<void(Value, ValueRange)> body,
                 int64_t step = 1);
  /// Iterations that may run in parallel.
  void parallelLoop(int64_t count, llvm::function_ref<void(Value)> body);
  /// For every set bit of `word`, lowest first: body(bit, carried) -> carried.
  SmallVector<Value>
  forEachSetBit(Value word, ValueRange carried,
                llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body);
};

} // namespace mlir::spk

#endif // SPK_CODEGEN_KERNELBUILDER_H
