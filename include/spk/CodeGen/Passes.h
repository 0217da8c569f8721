//===- Passes.h - code generation passes ------------------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_CODEGEN_PASSES_H
#define SPK_CODEGEN_PASSES_H

#include "mlir/Pass/Pass.h"
#include "spk/Dialect/Spk/IR/SpkDialect.h"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::spk {

/// Lets one-shot bufferization turn `spk.dispatch` into calls.
void registerBufferizationModels(DialectRegistry &registry);

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "spk/CodeGen/Passes.h.inc"

} // namespace mlir::spk

#endif // SPK_CODEGEN_PASSES_H
