//===- Linker.h - from objects to an artefact -------------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_LINKER_H
#define SPK_TARGET_LINKER_H

#include "spk/Target/OutputSet.h"
#include "spk/Target/Toolchain.h"
#include <functional>
#include <future>

namespace mlir::spk {

enum class ArtefactKind { Executable, Shared, Archive, Object };

struct LinkOptions {
  ArtefactKind kind = ArtefactKind::Executable;
  std::string modelName;
  std::string output;
  /// Holds the inputs below and receives what is made on the way.
  std::string workDirectory;
  /// Remove what is in there when the user interrupts.
  bool temporary = true;
  /// Put what the artefact needs beside it.
  bool bundle = false;
};

/// Names of the inputs in the work directory.
std::string getKernelsFile(StringRef modelName, unsigned part);
std::string getWeightsFile(StringRef modelName);
std::string getWeightsAssemblyFile(StringRef modelName);
std::string getDescriptorFile(StringRef modelName);

/// Makes an artefact of compiled kernels and the C runtime. What clang compiles
/// it compiles in the background, as early as its sources are known.
class Linker {
public:
  /// Starts with what is the same for every network: the command line of
  /// executables. Fails if the target has no C library for a program.
  static llvm::Expected<std::unique_ptr<Linker>>
  start(Toolchain toolchain, TargetSpec target, LinkOptions options);

  /// Waits: nobody may remove the work directory before.
  ~Linker();

  /// False for an object of code and weights alone, which comes with the C
  /// source that completes it, since the target has no C library.
  bool hasRuntime() const { return withRuntime; }

  /// Starts to compile the descriptor, and with it the runtime.
  void startRuntime();

  /// Starts to write the weights with `write`, and then to assemble them.
  void startWeights(const std::function<llvm::Error()> &write);

  /// Waits for all of this, links it with `numParts` files of kernels, and adds
  /// the artefact to `outputs`, with its header if other programs are to use
  /// it. `openmp`: the kernels call the OpenMP runtime.
  llvm::Error link(unsigned numParts, bool openmp, OutputSet &outputs);

private:
  Linker(Toolchain toolchain, TargetSpec target, LinkOptions options);

  std::string inWork(const llvm::Twine &name) const;
  void startCompilation(StringRef source, StringRef object,
                        const std::vector<std::string> &extra,
                        const std::function<llvm::Error()> &prepare = {});
  llvm::Error startRunner();
  llvm::Error wait();

  llvm::Error linkProgram(bool shared, bool openmp, StringRef result);
  llvm::Error linkObject(StringRef result);
  llvm::Error addArtefact(bool openmp, OutputSet &outputs);
  llvm::Error addArchive(StringRef object, OutputSet &outputs);
  llvm::Error addSource(OutputSet &outputs);
  llvm::Error addHeader(OutputSet &outputs);
  llvm::Error addBundle(OutputSet &outputs);

  const Toolchain toolchain;
  const TargetSpec target;
  const LinkOptions options;
  bool withRuntime = true;
  std::vector<std::string> objects;
  /// What went wrong in the background, or nothing.
  std::vector<std::future<std::string>> compilations;
};

} // namespace mlir::spk

#endif // SPK_TARGET_LINKER_H
