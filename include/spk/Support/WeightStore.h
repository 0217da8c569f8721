//===- WeightStore.h - weights of a module ----------------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file finds the values of the `ml_program.global`s of a module that are
// kept outside of it: in the files that the module attributes `spk.weights` and
// `spk.derived_weights` name, or in memory.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_SUPPORT_WEIGHTSTORE_H
#define SPK_SUPPORT_WEIGHTSTORE_H

#include "mlir/IR/BuiltinOps.h"
#include "spk/Support/Safetensors.h"
#include <map>

namespace mlir::spk {

/// One weight.
struct WeightTensor {
  SmallVector<int64_t> shape;
  ArrayRef<float> data;
  /// Computed from other weights rather than exported with the model.
  bool isDerived = false;
};

/// The weights of one module. Tensors stay where they are as long as the store
/// lives.
class WeightStore {
public:
  /// Opens the files that `module` names, relative to `baseDir`, and loads
  /// every weight that the module declares. Reports everything that is missing
  /// or has the wrong shape, dtype or a value that is not finite.
  LogicalResult load(ModuleOp module, StringRef baseDir);

  /// The weight of this name, or null.
  const WeightTensor *lookup(StringRef key) const;

  /// Adds a derived weight; `data` has as many elements as `shape` says.
  void add(StringRef key, ArrayRef<int64_t> shape, std::vector<float> data);

  /// Derived weights in the order of their keys.
  SmallVector<NamedTensor> getDerived() const;

private:
  LogicalResult openFile(ModuleOp module, StringRef attribute,
                         StringRef baseDir);

  std::vector<SafetensorsFile> files;
  std::map<std::string, WeightTensor, std::less<>> tensors;
  /// Tensors that lie in no file.
  std::map<std::string, std::vector<float>, std::less<>> storage;
};

} // namespace mlir::spk

#endif // SPK_SUPPORT_WEIGHTSTORE_H
