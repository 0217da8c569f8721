//===- Options.h - command line of spk-compile ------------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TOOLS_SPK_COMPILE_OPTIONS_H
#define SPK_TOOLS_SPK_COMPILE_OPTIONS_H

#include "spk/Pipelines/Pipelines.h"
#include "spk/Target/Linker.h"
#include <optional>

namespace mlir::spk {

enum class Emit { Executable, Shared, Archive, Object, LLVM, Assembly, MLIR };
enum class ExplainFormat { None, Text, JSON };

/// What decides which layers there are and what they compute.
struct ModelOptions {
  /// Time steps of an SNN to convert to, with and without input; 0: as it is.
  int64_t snnSteps = 0, snnExtraSteps = 0;
  int64_t batch = 0;
  std::vector<std::string> taps;
  std::string association = "auto";
  bool allowInexactAssociation = false;
  /// Integer spikes as binary sub-steps.
  bool binarySubSteps = false;
  std::string sum = "auto";
};

/// A checked command line.
struct CompileOptions : ModelOptions {
  std::string input;
  /// "-" for standard output; empty if nothing is to be written.
  std::string output;
  Emit emit = Emit::Executable;
  Phase compileFrom = Phase::Input;
  Phase compileTo = Phase::LLVM;
  std::string modelName;
  std::string baseDirectory;

  /// .npy files to measure densities on, or a file of densities.
  std::vector<std::string> samples;
  std::string densities;
  /// Make a model whose densities can be measured; set by the driver itself.
  bool tapSynapses = false;
  std::string strategy = "auto";
  /// File or family of CPUs; empty for the family of the target.
  std::string costModel;

  std::string targetTriple, targetCpu;
  unsigned optLevel = 2;
  bool openmp = true;
  bool bundle = false;
  ToolchainOptions toolchain;

  ExplainFormat explain = ExplainFormat::None;
  std::string explainFile = "-";
  /// Keep what is made on the way, here.
  std::optional<std::string> tempsDirectory;
  bool verbose = false;

  /// Whether an object file is made, rather than a text.
  bool makesArtefact() const { return !output.empty() && emit < Emit::LLVM; }
  StringRef getEmitName() const;
};

/// Parses the command line. On a usage error, prints it and returns nothing.
std::optional<CompileOptions> parseCommandLine(int argc, char **argv);

} // namespace mlir::spk

#endif // SPK_TOOLS_SPK_COMPILE_OPTIONS_H
