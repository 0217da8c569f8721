//===- Attributes.h - attributes between passes -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_CODEGEN_ATTRIBUTES_H
#define SPK_CODEGEN_ATTRIBUTES_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace mlir::spk {

/// Module attribute: key, offset and bytes of every weight.
inline constexpr llvm::StringLiteral kWeightLayoutAttr = "spk.weight_layout";
/// Module attribute: entries, arguments and sizes for the runtime.
inline constexpr llvm::StringLiteral kABIAttr = "spk.abi";
/// Bytes that every buffer starts on a multiple of.
inline constexpr int64_t kBufferAlignment = 64;

} // namespace mlir::spk

#endif // SPK_CODEGEN_ATTRIBUTES_H
