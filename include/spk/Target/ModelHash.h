//===- ModelHash.h - what decides the results of a model --------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_MODELHASH_H
#define SPK_TARGET_MODELHASH_H

#include "spk/Target/WeightsBlob.h"
#include "llvm/Support/SHA256.h"

namespace mlir::spk {

/// SHA-256, in hexadecimal, over the text of the module, the options that
/// change results, and the bytes of every weight that the module names. Not
/// over names of files nor source locations. Artefacts with equal hashes give
/// equal results on every target.
class ModelHash {
public:
  /// Takes in the text and the options, and finds the weights. Their bytes
  /// must stay where they are until `finish`.
  static llvm::Expected<ModelHash>
  start(ModuleOp module, ArrayRef<std::string> options, TensorLookup lookup);

  /// Takes in the weights, which takes long. Needs the module no more.
  std::string finish();

private:
  llvm::SHA256 hash;
  std::vector<ArrayRef<char>> weights;
};

} // namespace mlir::spk

#endif // SPK_TARGET_MODELHASH_H
