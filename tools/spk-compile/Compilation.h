//===- Compilation.h - one run of spk-compile -------------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TOOLS_SPK_COMPILE_COMPILATION_H
#define SPK_TOOLS_SPK_COMPILE_COMPILATION_H

#include "Options.h"
#include "Profile.h"
#include "Progress.h"
#include "WorkDirectory.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "spk/Support/WeightStore.h"
#include "spk/Target/CodeParts.h"
#include "spk/Target/LayerReport.h"
#include <future>
#include <map>

namespace mlir::spk {

/// Takes one model through the phases to what the options ask for. Every step
/// fails with a diagnostic of the context or with an error, and then nothing
/// has been written.
class Compilation {
public:
  Compilation(MLIRContext &context, const CompileOptions &options,
              Progress &progress)
      : context(context), options(options), progress(progress) {}

  llvm::Error run();

private:
  /// Whatever can fail before the model is read.
  llvm::Error checkOptions();
  llvm::Error readModule();
  /// From the module in memory to everything that the options ask for.
  llvm::Error compile();
  llvm::Error checkWeights();
  /// Compiles the model once more, runs it on the samples and writes what was
  /// counted to `densitiesFile`.
  llvm::Error measureDensities();
  /// Begins, in the background, what needs nothing from the passes.
  llvm::Error startArtefact();
  llvm::Error startHash();
  llvm::Error runPhase(const PhaseInfo &phase);
  llvm::Error writeMLIR();
  llvm::Error writeExplanation();
  llvm::Error emitCode();
  /// Begins, in the background, what needs nothing from LLVM's passes.
  llvm::Error startRuntime(const TargetSpec &target, bool openmp);
  llvm::Error writeWeights();
  /// Optimises the code of a part and writes it to `os`.
  llvm::Error writeCode(llvm::Module &code, unsigned part,
                        const TargetSpec &target, llvm::raw_pwrite_stream &os);
  /// Writes an object for every part, several at a time.
  llvm::Error writeObjects(const CodeParts &parts, const TargetSpec &target);
  void printSuccess(StringRef kind);

  /// Bytes of a tensor of the model's files.
  llvm::Expected<ArrayRef<char>> lookup(StringRef key);
  std::string getDerivedFile() const;

  MLIRContext &context;
  const CompileOptions &options;
  Progress &progress;
  WorkDirectory work;
  OutputSet outputs;
  OwningOpRef<ModuleOp> module;
  /// Of the module as read.
  WeightStore store;
  /// Files that hold the tensors of the artefact, opened when needed.
  std::vector<SafetensorsFile> files;
  /// Tensors that do not lie in their files as they are needed.
  std::map<std::string, std::vector<float>, std::less<>> realigned;
  std::string modelHash;
  /// File or family of CPUs; empty for that of this machine.
  std::string costModel;
  /// Empty where densities are assumed.
  std::string densitiesFile;
  /// Where the options ask for taps of synapses.
  std::vector<TappedSynapse> tappedSynapses;
  ModelReport report;
  std::optional<ModelABI> abi;
  // What runs in the background reads the members above: these go first.
  std::future<std::string> hashing;
  std::unique_ptr<Linker> linker;
};

} // namespace mlir::spk

#endif // SPK_TOOLS_SPK_COMPILE_COMPILATION_H
