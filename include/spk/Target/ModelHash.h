//===- ModelHash.h - what decides the results of a model --------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_MODELHASH_H
#define SPK_TARGET_MODELHASH_H

#include "spk/Target/WeightsBlob.h"

namespace mlir::spk {

/// SHA-256, in hexadecimal, over the text of the module, the options that
/// change results, and the bytes of every weight that the module names. Not
/// over names of files nor source locations. Artefacts with equal hashes give
/// equal results on every target.
llvm::Expected<std::string> computeModelHash(ModuleOp module,
                                             ArrayRef<std::string> options,
                                             TensorLookup lookup);

} // namespace mlir::spk

#endif // SPK_TARGET_MODELHASH_H
