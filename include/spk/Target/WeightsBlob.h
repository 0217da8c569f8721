//===- WeightsBlob.h - weights of an artefact -------------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file brings the weights from safetensors files into a read-only section
// of the artefact, never through constants of MLIR or LLVM.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_WEIGHTSBLOB_H
#define SPK_TARGET_WEIGHTSBLOB_H

#include "spk/Target/ModelABI.h"

namespace mlir::spk {

/// Finds the bytes of a tensor by its key.
using TensorLookup =
    llvm::function_ref<llvm::Expected<ArrayRef<char>>(StringRef key)>;

/// Writes the section: every tensor at its offset, zeros between.
llvm::Error writeWeightsBlob(llvm::raw_ostream &os, const ModelABI &abi,
                             TensorLookup lookup);

/// Assembly that defines the hidden symbol spk_<model>_weights as the contents
/// of `blobFile`, aligned to 64 bytes and read-only.
std::string getWeightsAssembly(StringRef modelName, StringRef blobFile);

} // namespace mlir::spk

#endif // SPK_TARGET_WEIGHTSBLOB_H
