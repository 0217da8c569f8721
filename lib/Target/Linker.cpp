//===- Linker.cpp - from objects to an artefact
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Target/Linker.h"
#include "spk/Target/LocalizeSymbols.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <future>

using namespace mlir;
using namespace mlir::spk;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

std::string spk::getKernelsFile(StringRef modelName) {
  return (modelName + ".kernels.o").str();
}
std::string spk::getWeightsFile(StringRef modelName) {
  return (modelName + ".weights.bin").str();
}
std::string spk::getWeightsAssemblyFile(StringRef modelName) {
  return (modelName + ".weights.S").str();
}
std::string spk::getDescriptorFile(StringRef modelName) {
  return (modelName + ".c").str();
}

namespace {

class LinkJob {
public:
  LinkJob(const Toolchain &toolchain, const TargetSpec &target,
          const LinkOptions &options, OutputSet &outputs)
      : toolchain(toolchain), target(target), options(options),
        outputs(outputs) {}

  void addWeights();
  void addRuntime();
  llvm::Error addRunner();
  /// Runs the compilations asked for so far, at the same time.
  llvm::Error compile();
  llvm::Error linkObject(StringRef result);
  llvm::Error linkProgram(bool shared, StringRef result);
  llvm::Error addArchive(StringRef object);
  llvm::Error addHeader();
  llvm::Error addBundle();

  std::string inWork(const llvm::Twine &name) const {
    SmallString<128> result(options.workDirectory);
    path::append(result, name);
    if (options.temporary)
      llvm::sys::RemoveFileOnSignal(result);
    return result.str().str();
  }

private:
  struct Compilation {
    std::string source;
    std::vector<std::string> arguments;
  };

  void addCompilation(StringRef source, StringRef object,
                      const std::vector<std::string> &extra);

  const Toolchain &toolchain;
  const TargetSpec &target;
  const LinkOptions &options;
  OutputSet &outputs;
  std::vector<std::string> objects;
  std::vector<Compilation> compilations;
};

} // namespace

void LinkJob::addCompilation(StringRef source, StringRef object,
                             const std::vector<std::string> &extra) {
  std::vector<std::string> arguments = toolchain.getTargetArguments(target);
  // Nothing may need more than the baseline: it runs before the check.
  if (target.triple.isX86())
    arguments.push_back("-march=" + target.baselineCpu);
  arguments.insert(arguments.end(), extra.begin(), extra.end());
  // No directory of this machine may end up in the artefact.
  arguments.insert(arguments.end(),
                   {"-ffile-prefix-map=" + options.workDirectory + "=.",
                    "-ffile-prefix-map=" + toolchain.runtimeDirectory + "=.",
                    "-c", source.str(), "-o", inWork(object)});
  objects.push_back(inWork(object));
  compilations.push_back({source.str(), std::move(arguments)});
}

llvm::Error LinkJob::compile() {
  std::vector<std::future<std::string>> runs;
  for (const Compilation &compilation : compilations)
    runs.push_back(std::async(std::launch::async, [&] {
      return llvm::toString(toolchain.run(
          ("compile '" + path::filename(compilation.source) + "'").str(),
          toolchain.clang, compilation.arguments));
    }));
  std::string first;
  for (std::future<std::string> &run : runs) {
    std::string message = run.get();
    if (first.empty())
      first = message;
  }
  compilations.clear();
  return first.empty() ? llvm::Error::success()
                       : llvm::createStringError(first);
}

void LinkJob::addWeights() {
  objects.push_back(inWork(getKernelsFile(options.modelName)));
  addCompilation(inWork(getWeightsAssemblyFile(options.modelName)),
                 options.modelName + ".weights.o",
                 {"-Xassembler", "-I", "-Xassembler", options.workDirectory});
}

/// Options for the C sources of the runtime.
static std::vector<std::string> getCOptions(const Toolchain &toolchain) {
  return {"-std=c11",
          "-O2",
          "-fPIC",
          "-fvisibility=hidden",
          "-ffp-contract=off",
          "-fno-math-errno",
          "-ffunction-sections",
          "-fdata-sections",
          "-I",
          toolchain.includeDirectory,
          "-I",
          toolchain.runtimeDirectory};
}

void LinkJob::addRuntime() {
  addCompilation(inWork(getDescriptorFile(options.modelName)),
                 options.modelName + ".runtime.o", getCOptions(toolchain));
}

llvm::Error LinkJob::addRunner() {
  // The command line and what it reads and writes; not the sources that a
  // model's own C file includes.
  std::vector<std::string> sources;
  std::error_code code;
  for (fs::directory_iterator it(toolchain.runtimeDirectory, code), end;
       it != end && !code; it.increment(code)) {
    StringRef name = path::filename(it->path());
    if (name.ends_with(".c") &&
        (name.starts_with("runner") || name.starts_with("npy")))
      sources.push_back(it->path());
  }
  if (sources.empty())
    return llvm::createStringError("cannot find the sources of the runner in "
                                   "'" +
                                   toolchain.runtimeDirectory + "'");
  llvm::sort(sources);
  std::vector<std::string> arguments = getCOptions(toolchain);
  arguments.push_back("-DSPK_MODEL=" + options.modelName);
  for (const std::string &source : sources)
    addCompilation(source, (path::stem(source) + ".o").str(), arguments);
  return llvm::Error::success();
}

llvm::Error LinkJob::linkObject(StringRef result) {
  std::vector<std::string> arguments = {"-r", "-o", inWork("merged.o")};
  arguments.insert(arguments.end(), objects.begin(), objects.end());
  if (llvm::Error error =
          toolchain.run("link the object", toolchain.lld, arguments))
    return error;
  return localizeHiddenSymbols(inWork("merged.o"), result);
}

llvm::Error LinkJob::linkProgram(bool shared, StringRef result) {
  std::vector<std::string> arguments = toolchain.getTargetArguments(target);
  arguments.insert(arguments.end(),
                   {"--ld-path=" + toolchain.lld, shared ? "-shared" : "-pie",
                    "-Wl,--no-undefined", "-Wl,--as-needed",
                    "-Wl,--gc-sections", "-Wl,--build-id=sha1",
                    "-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack",
                    "-Wl,--strip-debug"});
  if (shared) {
    std::string script = inWork(options.modelName + ".exports");
    std::error_code code;
    llvm::raw_fd_ostream os(script, code);
    os << "{ global: spk_" << options.modelName << "_*; local: *; };\n";
    os.close();
    arguments.push_back("-Wl,--version-script=" + script);
    arguments.push_back(
        ("-Wl,-soname," + path::filename(options.output)).str());
  }
  arguments.insert(arguments.end(), objects.begin(), objects.end());
  if (options.openmp) {
    if (!target.isNative() || !toolchain.sysroot.empty()) {
      arguments.push_back("-lomp");
    } else if (toolchain.libomp.empty()) {
      return llvm::createStringError(
          "cannot find libomp.so.5, which parallel code needs: install it with "
          "'apt-get install libomp-22-dev', or compile with --openmp=none");
    } else {
      arguments.push_back(toolchain.libomp);
    }
    arguments.push_back("-Wl,-rpath,$ORIGIN");
    if (!options.bundle && !toolchain.libomp.empty() && target.isNative())
      arguments.push_back(
          ("-Wl,-rpath," + path::parent_path(toolchain.libomp)).str());
  }
  arguments.insert(arguments.end(), {"-lm", "-o", result.str()});
  return toolchain.run(shared ? "link the shared library"
                              : "link the executable",
                       toolchain.clang, arguments);
}

llvm::Error LinkJob::addArchive(StringRef object) {
  auto member = llvm::NewArchiveMember::getFile(object, /*Deterministic=*/true);
  if (!member)
    return member.takeError();
  std::string name = options.modelName + ".o";
  member->MemberName = name;
  std::vector<llvm::NewArchiveMember> members;
  members.push_back(std::move(*member));
  auto archive = llvm::writeArchiveToBuffer(
      members, llvm::SymtabWritingMode::NormalSymtab,
      llvm::object::Archive::K_GNU, /*Deterministic=*/true, /*Thin=*/false);
  if (!archive)
    return archive.takeError();
  return outputs.add(options.output, (*archive)->getBuffer());
}

/// Reads a file of the runtime.
static llvm::Expected<std::string> readFile(StringRef file) {
  auto buffer = llvm::MemoryBuffer::getFile(file);
  if (!buffer)
    return llvm::createStringError("cannot read '" + file +
                                   "': " + buffer.getError().message());
  return (*buffer)->getBuffer().str();
}

llvm::Error LinkJob::addHeader() {
  auto text =
      readFile(toolchain.includeDirectory + "/spk/Runtime/model_header.h.in");
  if (!text)
    return text.takeError();
  size_t position = 0;
  constexpr StringLiteral placeholder = "@MODEL@";
  while ((position = text->find(placeholder, position)) != std::string::npos)
    text->replace(position, placeholder.size(), options.modelName);
  SmallString<128> header(options.output);
  path::replace_extension(header, "h");
  return outputs.add(header, *text);
}

llvm::Error LinkJob::addBundle() {
  if (!options.openmp)
    return llvm::Error::success();
  if (toolchain.libomp.empty() || !target.isNative())
    return llvm::createStringError("--bundle cannot find a libomp.so.5 for '" +
                                   target.triple.str() +
                                   "': use --openmp=none");
  // The name by which the artefact asks for it.
  SmallString<128> copy(path::parent_path(options.output));
  path::append(copy, "libomp.so.5");
  return outputs.addCopy(copy, toolchain.libomp);
}

llvm::Error spk::link(const Toolchain &toolchain, const TargetSpec &target,
                      const LinkOptions &options, OutputSet &outputs) {
  LinkJob job(toolchain, target, options, outputs);
  bool program = options.kind == ArtefactKind::Executable ||
                 options.kind == ArtefactKind::Shared;
  if (program && !target.isNative() && !toolchain.hasCLibrary(target))
    return llvm::createStringError(
        "no C library for '" + target.triple.str() +
        "': name a directory that has one with --sysroot=DIR, or use "
        "--emit=object");
  job.addWeights();
  job.addRuntime();
  if (options.kind == ArtefactKind::Executable)
    if (llvm::Error error = job.addRunner())
      return error;
  if (llvm::Error error = job.compile())
    return error;
  std::string result = job.inWork("artefact");
  switch (options.kind) {
  case ArtefactKind::Executable:
    if (llvm::Error error = job.linkProgram(/*shared=*/false, result))
      return error;
    break;
  case ArtefactKind::Shared:
    if (llvm::Error error = job.linkProgram(/*shared=*/true, result))
      return error;
    break;
  case ArtefactKind::Archive:
  case ArtefactKind::Object:
    if (llvm::Error error = job.linkObject(result))
      return error;
    break;
  }
  llvm::Error added =
      options.kind == ArtefactKind::Archive
          ? job.addArchive(result)
          : outputs.addCopy(options.output, result, /*executable=*/program);
  if (added)
    return added;
  if (options.kind != ArtefactKind::Executable)
    if (llvm::Error error = job.addHeader())
      return error;
  return options.bundle ? job.addBundle() : llvm::Error::success();
}

llvm::Error spk::linkWithoutRuntime(const Toolchain &toolchain,
                                    const TargetSpec &target,
                                    const LinkOptions &options,
                                    OutputSet &outputs) {
  LinkJob job(toolchain, target, options, outputs);
  job.addWeights();
  if (llvm::Error error = job.compile())
    return error;
  // The runtime still has to find the entries: nothing becomes local.
  std::vector<std::string> arguments = {
      "-r", "-o", job.inWork("artefact"),
      job.inWork(getKernelsFile(options.modelName)),
      job.inWork(options.modelName + ".weights.o")};
  if (llvm::Error error =
          toolchain.run("link the object", toolchain.lld, arguments))
    return error;
  if (llvm::Error error =
          outputs.addCopy(options.output, job.inWork("artefact")))
    return error;
  SmallString<128> source(options.output);
  path::replace_extension(source, "c");
  if (llvm::Error error = outputs.addCopy(
          source, job.inWork(getDescriptorFile(options.modelName))))
    return error;
  return job.addHeader();
}
