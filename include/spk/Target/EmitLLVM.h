//===- EmitLLVM.h - from the LLVM dialect to machine code -------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_EMITLLVM_H
#define SPK_TARGET_EMITLLVM_H

#include "mlir/IR/BuiltinOps.h"
#include "spk/Target/ModelABI.h"
#include "spk/Target/TargetSpec.h"
#include "llvm/IR/Module.h"

namespace mlir::spk {

/// Registers the translations of the dialects of the `llvm` phase.
void registerLLVMTranslations(DialectRegistry &registry);

/// Name of the C function of an entry.
std::string getEntrySymbol(StringRef model, StringRef entry);

/// The module as LLVM IR, exactly as mlir-translate writes it: for no target in
/// particular and not optimised.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(ModuleOp module, llvm::LLVMContext &context);

/// Makes `module` code for a target: triple, CPU and features on every
/// function, entries hidden, everything else internal. Fails if some operation
/// allows a change of rounding, or an entry is missing.
llvm::Error prepareForTarget(llvm::Module &module, StringRef modelName,
                             const ModelABI &abi, const TargetSpec &target,
                             llvm::TargetMachine &machine);

/// LLVM's default pipeline for `optLevel`.
void optimize(llvm::Module &module, llvm::TargetMachine &machine,
              unsigned optLevel);

/// Writes an object file or assembly. Changes the module.
llvm::Error emitMachineCode(llvm::Module &module, llvm::TargetMachine &machine,
                            llvm::CodeGenFileType fileType,
                            llvm::raw_pwrite_stream &os);

/// Whether the code calls the OpenMP runtime.
bool usesOpenMP(const llvm::Module &module);

} // namespace mlir::spk

#endif // SPK_TARGET_EMITLLVM_H
