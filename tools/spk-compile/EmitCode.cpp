//===- EmitCode.cpp - from the LLVM dialect to an artefact
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "spk/Target/Descriptor.h"
#include "spk/Target/EmitLLVM.h"
#include "spk/Target/ModelHash.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::spk;

llvm::Error Compilation::startHash() {
  std::vector<std::string> relevant = {
      "batch=" + std::to_string(options.batch),
      "association=" + options.association, "sum=" + options.sum,
      "inexact=" + std::to_string(options.allowInexactAssociation)};
  relevant.insert(relevant.end(), options.taps.begin(), options.taps.end());
  if (!densitiesFile.empty()) {
    auto densities = llvm::MemoryBuffer::getFile(densitiesFile);
    if (!densities)
      return llvm::createStringError("cannot read '" + densitiesFile +
                                     "': " + densities.getError().message());
    relevant.push_back("densities=" + (*densities)->getBuffer().str());
  }
  auto hash = ModelHash::start(*module, relevant,
                               [&](StringRef key) { return lookup(key); });
  if (!hash)
    return hash.takeError();
  hashing = std::async(std::launch::async, [hash = std::move(*hash)]() mutable {
    return hash.finish();
  });
  return llvm::Error::success();
}

static ArtefactKind getArtefactKind(Emit emit) {
  switch (emit) {
  case Emit::Shared:
    return ArtefactKind::Shared;
  case Emit::Archive:
    return ArtefactKind::Archive;
  case Emit::Object:
    return ArtefactKind::Object;
  default:
    return ArtefactKind::Executable;
  }
}

llvm::Error Compilation::startArtefact() {
  if (modelHash.empty())
    if (llvm::Error error = startHash())
      return error;
  auto target = resolveTarget(options.targetTriple, options.targetCpu);
  if (!target)
    return target.takeError();
  auto toolchain = Toolchain::find(options.toolchain);
  if (!toolchain)
    return toolchain.takeError();
  LinkOptions linkOptions;
  linkOptions.kind = getArtefactKind(options.emit);
  linkOptions.modelName = options.modelName;
  linkOptions.output = options.output;
  linkOptions.workDirectory = work.getPath();
  linkOptions.temporary = !work.isKept();
  linkOptions.bundle = options.bundle;
  auto started = Linker::start(*toolchain, *target, linkOptions);
  if (!started)
    return started.takeError();
  linker = std::move(*started);
  if (!linker->hasRuntime())
    llvm::errs() << "spk-compile: warning: no C library for '"
                 << target->triple.str()
                 << "': the object has code and weights only, compile the .c "
                    "file beside it for the rest, or use --sysroot\n";
  return llvm::Error::success();
}

llvm::Error Compilation::startRuntime(const TargetSpec &target, bool openmp) {
  if (hashing.valid())
    modelHash = hashing.get();
  ArtefactFacts facts{options.modelName, modelHash, openmp,
                      report.getProperties()};
  if (llvm::Error error = work.write(getDescriptorFile(options.modelName),
                                     getDescriptorSource(*abi, target, facts)))
    return error;
  linker->startRuntime();
  linker->startWeights([this] { return writeWeights(); });
  return llvm::Error::success();
}

llvm::Error Compilation::writeWeights() {
  auto find = [&](StringRef key) { return lookup(key); };
  if (llvm::Error error = work.write(getWeightsFile(options.modelName),
                                     [&](llvm::raw_pwrite_stream &os) {
                                       return writeWeightsBlob(os, *abi, find);
                                     }))
    return error;
  return work.write(
      getWeightsAssemblyFile(options.modelName),
      getWeightsAssembly(options.modelName, getWeightsFile(options.modelName)));
}

llvm::Error Compilation::emitCode() {
  progress.start("translating to LLVM IR");
  llvm::LLVMContext llvmContext;
  auto code = translateToLLVM(*module, llvmContext);
  if (!code)
    return code.takeError();
  auto addText =
      [&](llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write)
      -> llvm::Error {
    if (options.output != "-")
      return outputs.add(options.output, write);
    SmallString<0> text;
    llvm::raw_svector_ostream os(text);
    if (llvm::Error error = write(os))
      return error;
    llvm::outs() << text;
    return llvm::Error::success();
  };
  auto print = [&](llvm::raw_pwrite_stream &os) {
    (*code)->print(os, nullptr);
    return llvm::Error::success();
  };
  if (options.emit == Emit::LLVM)
    return addText(print);
  if (work.isKept())
    if (llvm::Error error = work.write(options.modelName + ".ll", print))
      return error;

  auto target = resolveTarget(options.targetTriple, options.targetCpu);
  if (!target)
    return target.takeError();
  auto machine = createTargetMachine(*target, options.optLevel);
  if (!machine)
    return machine.takeError();
  if (linker)
    if (llvm::Error error = startRuntime(*target, usesOpenMP(**code)))
      return error;
  progress.start("optimising for " + target->cpu);
  if (llvm::Error error = optimize(**code, options.modelName, *abi, *target,
                                   **machine, options.optLevel))
    return error;
  if (work.isKept())
    if (llvm::Error error = work.write(options.modelName + ".opt.ll", print))
      return error;

  progress.start("generating code for " + target->cpu);
  auto emit = [&](llvm::raw_pwrite_stream &os) {
    return emitMachineCode(**code, **machine,
                           options.emit == Emit::Assembly
                               ? llvm::CodeGenFileType::AssemblyFile
                               : llvm::CodeGenFileType::ObjectFile,
                           os);
  };
  if (options.emit == Emit::Assembly)
    return addText(emit);
  if (llvm::Error error = work.write(getKernelsFile(options.modelName), emit))
    return error;
  progress.start("linking");
  return linker->link(usesOpenMP(**code), outputs);
}
