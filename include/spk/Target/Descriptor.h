//===- Descriptor.h - C sources of an artefact ------------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file writes what spk/Runtime/descriptor.h asks for: the C source that
// tells the runtime about a model.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_DESCRIPTOR_H
#define SPK_TARGET_DESCRIPTOR_H

#include "spk/Target/ModelABI.h"
#include "spk/Target/TargetSpec.h"

namespace mlir::spk {

/// "0.1.0 (LLVM 22.1.8)".
std::string getCompilerVersion();

/// Facts about an artefact that its code does not tell.
struct ArtefactFacts {
  std::string modelName;
  std::string modelHash;
  bool openmp = false;
  /// "key=value" strings for the metadata.
  std::vector<std::string> properties;
};

/// The C source, to be compiled with the runtime's directories as include
/// directories.
std::string getDescriptorSource(const ModelABI &abi, const TargetSpec &target,
                                const ArtefactFacts &facts);

/// `text` as a C string literal, quotes included.
std::string quoteForC(StringRef text);

/// The nearest name that is a C identifier; never empty.
std::string getModelName(StringRef stem);

} // namespace mlir::spk

#endif // SPK_TARGET_DESCRIPTOR_H
