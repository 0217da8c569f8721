//===- Passes.h - passes that run the interpreter ---------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_INTERPRETER_PASSES_H
#define SPK_INTERPRETER_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::spk {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "spk/Interpreter/Passes.h.inc"

} // namespace mlir::spk

#endif // SPK_INTERPRETER_PASSES_H
