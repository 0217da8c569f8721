//===- Artefact.h - models compiled to shared libraries ---------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TOOLS_SPKRUN_ARTEFACT_H
#define SPK_TOOLS_SPKRUN_ARTEFACT_H

#include "spk/Runtime/runtime.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace spkrun {

/// Name of the function `spk_<model>_api` that a shared library exports, read
/// from its symbol table without running anything of it.
llvm::Expected<std::string> findApiSymbol(llvm::StringRef path);

/// Loads a shared library and returns its functions.
llvm::Expected<const spk_api *> loadArtefact(llvm::StringRef path);

} // namespace spkrun

#endif // SPK_TOOLS_SPKRUN_ARTEFACT_H
