//===- Toolchain.h - programs and files that artefacts need -----*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_TOOLCHAIN_H
#define SPK_TARGET_TOOLCHAIN_H

#include "spk/Target/TargetSpec.h"

namespace mlir::spk {

/// What a user may say about where things are; empty: search.
struct ToolchainOptions {
  std::string clang;
  std::string lld;
  std::string sysroot;
  /// Directory of the running tool, from which installed files are found.
  std::string toolDirectory;
  /// Print every command that runs.
  bool verbose = false;
};

struct Toolchain {
  std::string clang;
  std::string lld;
  std::string sysroot;
  /// C sources of the runtime and the runner.
  std::string runtimeDirectory;
  /// What `#include "spk/Runtime/runtime.h"` is relative to.
  std::string includeDirectory;
  /// The OpenMP library of this machine, or empty.
  std::string libomp;
  bool verbose = false;

  /// Fails with what is missing and how to get it.
  static llvm::Expected<Toolchain> find(const ToolchainOptions &options);

  /// Arguments that select target, sysroot and linker for clang.
  std::vector<std::string> getTargetArguments(const TargetSpec &target) const;

  /// Whether C sources that use the C library can be compiled for the target.
  bool hasCLibrary(const TargetSpec &target) const;

  /// Runs a program. On failure the error shows what it printed. `what` names
  /// the attempt: "link the executable".
  llvm::Error run(llvm::StringRef what, llvm::StringRef program,
                  const std::vector<std::string> &arguments) const;
};

} // namespace mlir::spk

#endif // SPK_TARGET_TOOLCHAIN_H
