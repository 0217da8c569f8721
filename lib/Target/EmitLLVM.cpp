//===- EmitLLVM.cpp - from the LLVM dialect to machine code
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Target/EmitLLVM.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/OpenMP/OpenMPToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Operator.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace mlir;
using namespace mlir::spk;

void spk::registerLLVMTranslations(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerOpenMPDialectTranslation(registry);
}

std::string spk::getEntrySymbol(StringRef model, StringRef entry) {
  // Not spk_<model>_run, which is the function of the C interface.
  return ("spk_" + model + "_kernel_" + entry).str();
}

llvm::Expected<std::unique_ptr<llvm::Module>>
spk::translateToLLVM(ModuleOp module, llvm::LLVMContext &context) {
  std::unique_ptr<llvm::Module> translated =
      translateModuleToLLVMIR(module, context);
  if (!translated)
    return llvm::createStringError("the module cannot be translated to LLVM "
                                   "IR");
  return translated;
}

/// Gives the entries their symbols and hides all that is not one.
static llvm::Error exposeEntries(llvm::Module &module, StringRef modelName,
                                 const ModelABI &abi) {
  SmallVector<llvm::Function *> entries;
  for (const EntryABI &entry : abi.entries) {
    std::string symbol = getEntrySymbol(modelName, entry.name);
    llvm::Function *function = module.getFunction(symbol);
    if (!function || function->isDeclaration())
      return llvm::createStringError("the module does not define '" + symbol +
                                     "': was it compiled with another "
                                     "--model-name?");
    if (function->arg_size() != entry.arguments.size())
      return llvm::createStringError(
          "'" + symbol + "' takes " + std::to_string(function->arg_size()) +
          " arguments, its entry in 'spk.abi' lists " +
          std::to_string(entry.arguments.size()));
    function->setVisibility(llvm::GlobalValue::HiddenVisibility);
    entries.push_back(function);
  }
  llvm::internalizeModule(module, [&](const llvm::GlobalValue &value) {
    return llvm::is_contained(entries, &value);
  });
  // Declared so by the runtime of the model: no detour through the PLT.
  for (llvm::Function &function : module)
    if (function.isDeclaration() &&
        function.getName().starts_with(("spk_" + modelName + "_").str()))
      function.setVisibility(llvm::GlobalValue::HiddenVisibility);
  return llvm::Error::success();
}

/// Every change of rounding was made before the `model` phase.
static llvm::Error verifyRounding(llvm::Module &module) {
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function)) {
      auto *op = dyn_cast<llvm::FPMathOperator>(&instruction);
      if (op && (op->hasAllowReassoc() || op->hasAllowContract() ||
                 op->hasAllowReciprocal() || op->hasApproxFunc()))
        return llvm::createStringError(
            "an operation of '" + function.getName() +
            "' has a fast-math flag that allows another rounding");
    }
  return llvm::Error::success();
}

void spk::optimize(llvm::Module &module, llvm::TargetMachine &machine,
                   unsigned optLevel) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  const llvm::OptimizationLevel levels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
      llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  llvm::OptimizationLevel level = levels[std::min(optLevel, 3u)];
  llvm::ModulePassManager pipeline =
      optLevel ? builder.buildPerModuleDefaultPipeline(level)
               : builder.buildO0DefaultPipeline(level);
  pipeline.run(module, modules);
}

llvm::Error spk::prepareForTarget(llvm::Module &module, StringRef modelName,
                                  const ModelABI &abi, const TargetSpec &target,
                                  llvm::TargetMachine &machine) {
  if (llvm::Error error = verifyRounding(module))
    return error;
  if (llvm::Error error = exposeEntries(module, modelName, abi))
    return error;
  module.setTargetTriple(target.triple);
  module.setDataLayout(machine.createDataLayout());
  module.setPICLevel(llvm::PICLevel::BigPIC);
  // Ends up in the object file's symbol table.
  module.setSourceFileName((modelName + ".mlir").str());
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.cpu);
    if (!target.features.empty())
      function.addFnAttr("target-features", target.features);
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
  return llvm::Error::success();
}

llvm::Error spk::emitMachineCode(llvm::Module &module,
                                 llvm::TargetMachine &machine,
                                 llvm::CodeGenFileType fileType,
                                 llvm::raw_pwrite_stream &os) {
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, /*DwoOut=*/nullptr, fileType,
                                  /*DisableVerify=*/true))
    return llvm::createStringError("the code generator cannot write this kind "
                                   "of file");
  passes.run(module);
  return llvm::Error::success();
}

bool spk::usesOpenMP(const llvm::Module &module) {
  return llvm::any_of(module, [](const llvm::Function &function) {
    return function.isDeclaration() &&
           function.getName().starts_with("__kmpc_");
  });
}
