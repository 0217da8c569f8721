//===- LocalizeSymbols.h - hide what an object keeps to itself --*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_LOCALIZESYMBOLS_H
#define SPK_TARGET_LOCALIZESYMBOLS_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"

namespace mlir::spk {

/// Writes the relocatable object `input` to `output` with every hidden symbol
/// made local, so that several models can be linked into one program and none
/// can reach into another.
llvm::Error localizeHiddenSymbols(StringRef input, StringRef output);

} // namespace mlir::spk

#endif // SPK_TARGET_LOCALIZESYMBOLS_H
