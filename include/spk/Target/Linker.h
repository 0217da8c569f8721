//===- Linker.h - from objects to an artefact -------------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_LINKER_H
#define SPK_TARGET_LINKER_H

#include "spk/Target/OutputSet.h"
#include "spk/Target/Toolchain.h"

namespace mlir::spk {

enum class ArtefactKind { Executable, Shared, Archive, Object };

struct LinkOptions {
  ArtefactKind kind = ArtefactKind::Executable;
  std::string modelName;
  std::string output;
  /// Holds the inputs below and receives what is made on the way.
  std::string workDirectory;
  /// Remove what is in there when the user interrupts.
  bool temporary = true;
  /// The code calls the OpenMP runtime.
  bool openmp = false;
  /// Put what the artefact needs beside it.
  bool bundle = false;
};

/// Names of the inputs in the work directory.
std::string getKernelsFile(StringRef modelName);
std::string getWeightsFile(StringRef modelName);
std::string getWeightsAssemblyFile(StringRef modelName);
std::string getDescriptorFile(StringRef modelName);

/// Compiles the runtime of the model, links, and adds the artefact to
/// `outputs`, with its header if other programs are to use it.
llvm::Error link(const Toolchain &toolchain, const TargetSpec &target,
                 const LinkOptions &options, OutputSet &outputs);

/// Adds a relocatable object of code and weights alone, for a target for which
/// there is no C library, and beside it the C source that completes it.
llvm::Error linkWithoutRuntime(const Toolchain &toolchain,
                               const TargetSpec &target,
                               const LinkOptions &options, OutputSet &outputs);

} // namespace mlir::spk

#endif // SPK_TARGET_LINKER_H
