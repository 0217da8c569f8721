//===- Compilation.cpp - one run of spk-compile
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "spk/Dialect/Spk/IR/SpkDialect.h"
#include "spk/Target/Explain.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::spk;
namespace path = llvm::sys::path;

static llvm::Error readFailed() {
  return llvm::createStringError("the model cannot be read");
}

llvm::Error Compilation::readModule() {
  progress.start("reading '" + options.input + "'");
  std::string error;
  auto buffer = openInputFile(options.input, &error);
  if (!buffer)
    return llvm::createStringError(error);
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  module = parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
  return module ? llvm::Error::success() : readFailed();
}

llvm::Error Compilation::checkWeights() {
  // Later IR has lost the declarations that could be checked.
  if (options.compileFrom >= Phase::Loops)
    return llvm::Error::success();
  progress.start("checking weights");
  if (failed(store.load(*module, options.baseDirectory)))
    return llvm::createStringError("the weights cannot be used");
  return llvm::Error::success();
}

llvm::Error Compilation::runPhase(const PhaseInfo &phase) {
  progress.start("phase '" + phase.name.str() + "': " + phase.meaning.str());
  PipelineOptions pipeline;
  pipeline.snnSteps = options.snnSteps;
  pipeline.snnExtraSteps = options.snnExtraSteps;
  pipeline.batch = options.batch;
  for (const std::string &tap : options.taps)
    pipeline.taps.addValue(tap);
  pipeline.association = options.association;
  pipeline.allowInexactAssociation = options.allowInexactAssociation;
  pipeline.binarySubSteps = options.binarySubSteps;
  pipeline.sum = options.sum;
  pipeline.densities = densitiesFile;
  pipeline.tapSynapses = options.tapSynapses;
  pipeline.strategy = options.strategy;
  pipeline.costModel = costModel;
  pipeline.remarks = options.verbose;
  pipeline.baseDir = options.baseDirectory;
  pipeline.derivedFile = getDerivedFile();
  pipeline.modelName = options.modelName;
  pipeline.openmp = options.openmp;

  PassManager passes(&context, ModuleOp::getOperationName());
  if (failed(applyPassManagerCLOptions(passes)))
    return llvm::createStringError("an MLIR option is not usable");
  applyDefaultTimingPassManagerCLOptions(passes);
  buildPhasePipeline(passes, phase.phase, pipeline);
  if (failed(passes.run(*module)))
    return llvm::createStringError("the model cannot be brought into the phase "
                                   "'" +
                                   phase.name + "'");
  if (phase.phase == Phase::Model)
    tappedSynapses = findTappedSynapses(*module);
  if (phase.phase == Phase::Packed)
    report = collectReport(*module);
  if (!work.isKept())
    return llvm::Error::success();
  return work.write(options.modelName + "." + phase.name + ".mlir",
                    [&](llvm::raw_pwrite_stream &os) {
                      module->print(os, OpPrintingFlags().enableDebugInfo());
                      return llvm::Error::success();
                    });
}

std::string Compilation::getDerivedFile() const {
  return work.getFile(options.modelName + ".derived.safetensors");
}

llvm::Error Compilation::writeMLIR() {
  progress.start("writing '" + options.output + "'");
  bool toStdout = options.output == "-";
  // What was computed from the weights goes beside the IR that reads it.
  if (llvm::sys::fs::exists(getDerivedFile())) {
    SmallString<128> derived(
        toStdout ? "" : path::parent_path(StringRef(options.output)));
    std::string name = options.modelName + ".derived.safetensors";
    path::append(derived, name);
    (*module)->setAttr(kDerivedWeightsAttr, StringAttr::get(&context, name));
    if (llvm::Error error = outputs.addCopy(derived, getDerivedFile()))
      return error;
  }
  // Layers are known by their locations.
  OpPrintingFlags flags = OpPrintingFlags().enableDebugInfo();
  if (toStdout) {
    module->print(llvm::outs(), flags);
    return outputs.commit();
  }
  if (llvm::Error error =
          outputs.add(options.output, [&](llvm::raw_pwrite_stream &os) {
            module->print(os, flags);
            return llvm::Error::success();
          }))
    return error;
  if (llvm::Error error = outputs.commit())
    return error;
  for (const PhaseInfo &phase : getPhases())
    if (phase.phase == options.compileTo)
      printSuccess("IR of the phase '" + phase.name.str() + "'");
  return llvm::Error::success();
}

llvm::Error Compilation::writeExplanation() {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto print =
      options.explain == ExplainFormat::JSON ? printReportAsJSON : printReport;
  print(os, options.modelName, report, abi ? &*abi : nullptr);
  if (options.explainFile != "-")
    return outputs.add(options.explainFile, text);
  llvm::outs() << text;
  llvm::outs().flush();
  return llvm::Error::success();
}

llvm::Expected<ArrayRef<char>> Compilation::lookup(StringRef key) {
  auto toBytes = [](ArrayRef<float> data) {
    return ArrayRef<char>(reinterpret_cast<const char *>(data.data()),
                          data.size() * sizeof(float));
  };
  if (const WeightTensor *tensor = store.lookup(key))
    return toBytes(tensor->data);
  if (files.empty()) {
    SmallVector<std::string> names;
    if (llvm::sys::fs::exists(getDerivedFile()))
      names.push_back(getDerivedFile());
    for (StringRef attribute : {kDerivedWeightsAttr, kWeightsAttr})
      if (auto name = (*module)->getAttrOfType<StringAttr>(attribute)) {
        SmallString<128> file(options.baseDirectory);
        path::append(file, name.getValue());
        if (attribute == kWeightsAttr || llvm::sys::fs::exists(file))
          names.push_back(file.str().str());
      }
    for (const std::string &name : names) {
      auto file = SafetensorsFile::open(name);
      if (!file)
        return file.takeError();
      files.push_back(std::move(*file));
    }
  }
  for (const SafetensorsFile &file : files)
    if (const SafetensorsEntry *entry = file.lookup(key)) {
      auto data = file.readF32(*entry, realigned[key.str()]);
      if (!data)
        return data.takeError();
      return toBytes(*data);
    }
  std::string searched;
  for (const SafetensorsFile &file : files)
    searched += (searched.empty() ? " '" : ", '") + file.getName().str() + "'";
  return llvm::createStringError("tensor '" + key + "' is missing" +
                                 (searched.empty()
                                      ? ": the module names no file of weights"
                                      : " in" + searched));
}

void Compilation::printSuccess(StringRef kind) {
  uint64_t size = 0;
  // Only for the message: a size that cannot be had is shown as 0.
  if (llvm::sys::fs::file_size(options.output, size))
    size = 0;
  llvm::errs() << "spk-compile: wrote '" << options.output << "': " << kind
               << ", " << formatBytes(size);
  if (abi)
    llvm::errs() << "; arena " << formatBytes(abi->arenaBytes) << ", weights "
                 << formatBytes(abi->weightsBytes);
  llvm::errs() << llvm::format("; %.1f s\n", progress.getSeconds());
}

llvm::Error Compilation::run() {
  // What can fail early must not fail after a minute.
  if (llvm::Error error = checkOptions())
    return error;
  if (llvm::Error error = readModule())
    return error;
  if (llvm::Error error = compile())
    return error;
  if (!options.output.empty() && options.output != "-" &&
      options.emit != Emit::MLIR)
    printSuccess(options.getEmitName());
  progress.finish();
  if (options.verbose)
    progress.printTimes(llvm::errs());
  return llvm::Error::success();
}

llvm::Error Compilation::compile() {
  if (llvm::Error error = work.create(options.tempsDirectory))
    return error;
  if (llvm::Error error = checkWeights())
    return error;
  densitiesFile = options.densities;
  if (!options.samples.empty())
    if (llvm::Error error = measureDensities())
      return error;
  if (options.makesArtefact())
    if (llvm::Error error = startArtefact())
      return error;
  for (const PhaseInfo &phase : getPhases())
    if (phase.phase > options.compileFrom && phase.phase <= options.compileTo)
      if (llvm::Error error = runPhase(phase))
        return error;

  if (options.compileTo == Phase::LLVM) {
    auto read = ModelABI::read(*module);
    if (!read)
      return read.takeError();
    abi = std::move(*read);
  }
  if (options.explain != ExplainFormat::None)
    if (llvm::Error error = writeExplanation())
      return error;
  if (options.emit == Emit::MLIR && !options.output.empty()) {
    if (llvm::Error error = writeMLIR())
      return error;
  } else if (!options.output.empty()) {
    if (llvm::Error error = emitCode())
      return error;
  }
  return outputs.commit();
}
