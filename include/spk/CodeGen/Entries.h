//===- Entries.h - functions that the runtime calls -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_CODEGEN_ENTRIES_H
#define SPK_CODEGEN_ENTRIES_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"
#include <optional>

namespace mlir::spk {

/// What the runtime calls the function `symbol` ("run" for "main"), or nothing
/// if it is no entry.
inline std::optional<llvm::StringRef> getEntryName(llvm::StringRef symbol) {
  if (symbol == "main")
    return llvm::StringRef("run");
  if (symbol == "prologue" || symbol == "step" || symbol == "finish")
    return symbol;
  return std::nullopt;
}

} // namespace mlir::spk

#endif // SPK_CODEGEN_ENTRIES_H
