//===- EmitCode.cpp - from the LLVM dialect to an artefact
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "mlir/IR/Threading.h"
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
  if (options.snnSteps > 0)
    relevant.push_back("ann-to-snn=" + std::to_string(options.snnSteps) + "," +
                       std::to_string(options.snnExtraSteps));
  if (options.binarySubSteps)
    relevant.push_back("binary-substeps");
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

llvm::Error Compilation::writeCode(llvm::Module &code, unsigned part,
                                   const TargetSpec &target,
                                   llvm::raw_pwrite_stream &os) {
  auto machine = createTargetMachine(target, options.optLevel);
  if (!machine)
    return machine.takeError();
  optimize(code, **machine, options.optLevel);
  if (work.isKept())
    if (llvm::Error error =
            work.write(options.modelName + ".opt" + getPartSuffix(part) + ".ll",
                       [&](llvm::raw_pwrite_stream &text) {
                         code.print(text, nullptr);
                         return llvm::Error::success();
                       }))
      return error;
  return emitMachineCode(code, **machine,
                         options.emit == Emit::Assembly
                             ? llvm::CodeGenFileType::AssemblyFile
                             : llvm::CodeGenFileType::ObjectFile,
                         os);
}

llvm::Error Compilation::writeObjects(const CodeParts &parts,
                                      const TargetSpec &target) {
  std::vector<std::string> failures(parts.size());
  parallelFor(&context, 0, parts.size(), [&](size_t part) {
    failures[part] = llvm::toString(
        work.write(getKernelsFile(options.modelName, part),
                   [&](llvm::raw_pwrite_stream &os) -> llvm::Error {
                     llvm::LLVMContext llvmContext;
                     auto code = parts.read(part, llvmContext);
                     if (!code)
                       return code.takeError();
                     return writeCode(**code, part, target, os);
                   }));
  });
  for (const std::string &failure : failures)
    if (!failure.empty())
      return llvm::createStringError(failure);
  return llvm::Error::success();
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
  if (llvm::Error error =
          prepareForTarget(**code, options.modelName, *abi, *target, **machine))
    return error;
  bool openmp = usesOpenMP(**code);
  if (linker)
    if (llvm::Error error = startRuntime(*target, openmp))
      return error;

  progress.start("optimising and generating code for " + target->cpu);
  // Assembly is for reading: one text, with everything local as it was.
  if (options.emit == Emit::Assembly)
    return addText([&](llvm::raw_pwrite_stream &os) {
      return writeCode(**code, /*part=*/0, *target, os);
    });
  CodeParts parts(**code, "spk_" + options.modelName + "_");
  if (llvm::Error error = writeObjects(parts, *target))
    return error;
  progress.start("linking");
  return linker->link(parts.size(), openmp, outputs);
}
