//===- ModelABI.h - interface of generated code -----------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file reads the module attribute `spk.abi` of the `llvm` phase: what the
// entries of a model expect, and where its weights go.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_MODELABI_H
#define SPK_TARGET_MODELABI_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace mlir::spk {

/// Module attribute of the `llvm` phase.
inline constexpr llvm::StringLiteral kABIAttr = "spk.abi";

/// One input or output, as a caller sees it.
struct TensorABI {
  std::string name;
  SmallVector<int64_t> shape;
  /// f32, i1 (one byte per element), i8, i16 or i32.
  std::string dtype;
  bool temporal = false;

  uint64_t getBytes() const;
};

/// A range of the state and its value before the first step.
struct StateABI {
  uint64_t offset = 0;
  uint64_t count = 0;
  float initial = 0.0f;
};

/// Where a tensor of the weights file stands in the weights section.
struct WeightABI {
  std::string key;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

/// A C function: its arguments are "input:0", "output:0", "arena", "weights",
/// "hoisted", "state", all pointers, and "threads", an i32.
struct EntryABI {
  /// run, prologue, step or finish.
  std::string name;
  std::vector<std::string> arguments;
};

struct ModelABI {
  int64_t timeSteps = 0;
  uint64_t arenaBytes = 0;
  uint64_t hoistedBytes = 0;
  uint64_t stateBytes = 0;
  uint64_t weightsBytes = 0;
  std::vector<TensorABI> inputs, outputs;
  std::vector<StateABI> states;
  std::vector<EntryABI> entries;
  std::vector<WeightABI> weights;
  /// Why there is no step, or empty.
  std::string stepRefused;

  const EntryABI *getEntry(StringRef name) const;

  /// Reads `spk.abi`; fails if it is missing or contradicts itself.
  static llvm::Expected<ModelABI> read(ModuleOp module);
};

} // namespace mlir::spk

#endif // SPK_TARGET_MODELABI_H
