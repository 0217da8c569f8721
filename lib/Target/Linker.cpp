//===- Linker.cpp - from objects to an artefact
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Target/Linker.h"
#include "spk/Target/CodeParts.h"
#include "spk/Target/LocalizeSymbols.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::spk;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

std::string spk::getKernelsFile(StringRef modelName, unsigned part) {
  return (modelName + ".kernels" + getPartSuffix(part) + ".o").str();
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

Linker::Linker(Toolchain toolchain, TargetSpec target, LinkOptions options)
    : toolchain(std::move(toolchain)), target(std::move(target)),
      options(std::move(options)) {}

llvm::Expected<std::unique_ptr<Linker>>
Linker::start(Toolchain toolchain, TargetSpec target, LinkOptions options) {
  std::unique_ptr<Linker> linker(
      new Linker(std::move(toolchain), std::move(target), std::move(options)));
  ArtefactKind kind = linker->options.kind;
  bool hasCLibrary = linker->target.isNative() ||
                     linker->toolchain.hasCLibrary(linker->target);
  bool isProgram =
      kind == ArtefactKind::Executable || kind == ArtefactKind::Shared;
  if (isProgram && !hasCLibrary)
    return llvm::createStringError(
        "no C library for '" + linker->target.triple.str() +
        "': name a directory that has one with --sysroot=DIR, or use "
        "--emit=object");
  linker->withRuntime = hasCLibrary || kind != ArtefactKind::Object;
  if (kind == ArtefactKind::Executable)
    if (llvm::Error error = linker->startRunner())
      return error;
  return linker;
}

Linker::~Linker() { llvm::consumeError(wait()); }

std::string Linker::inWork(const llvm::Twine &name) const {
  SmallString<128> result(options.workDirectory);
  path::append(result, name);
  if (options.temporary)
    llvm::sys::RemoveFileOnSignal(result);
  return result.str().str();
}

void Linker::startCompilation(StringRef source, StringRef object,
                              const std::vector<std::string> &extra,
                              const std::function<llvm::Error()> &prepare) {
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
  std::string what = ("compile '" + path::filename(source) + "'").str();
  compilations.push_back(std::async(
      std::launch::async, [this, what, arguments, prepare]() -> std::string {
        if (prepare)
          if (llvm::Error error = prepare())
            return llvm::toString(std::move(error));
        return llvm::toString(toolchain.run(what, toolchain.clang, arguments));
      }));
}

llvm::Error Linker::wait() {
  std::string first;
  for (std::future<std::string> &compilation : compilations) {
    std::string message = compilation.get();
    if (first.empty())
      first = message;
  }
  compilations.clear();
  return first.empty() ? llvm::Error::success()
                       : llvm::createStringError(first);
}

void Linker::startWeights(const std::function<llvm::Error()> &write) {
  startCompilation(inWork(getWeightsAssemblyFile(options.modelName)),
                   options.modelName + ".weights.o",
                   {"-Xassembler", "-I", "-Xassembler", options.workDirectory},
                   write);
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

void Linker::startRuntime() {
  if (withRuntime)
    startCompilation(inWork(getDescriptorFile(options.modelName)),
                     options.modelName + ".runtime.o", getCOptions(toolchain));
}

llvm::Error Linker::startRunner() {
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
    startCompilation(source, (path::stem(source) + ".o").str(), arguments);
  return llvm::Error::success();
}

llvm::Error Linker::linkObject(StringRef result) {
  std::string merged = withRuntime ? inWork("merged.o") : result.str();
  std::vector<std::string> arguments = {"-r", "-o", merged};
  arguments.insert(arguments.end(), objects.begin(), objects.end());
  if (llvm::Error error =
          toolchain.run("link the object", toolchain.lld, arguments))
    return error;
  // The runtime still has to find the entries where it comes later.
  return withRuntime ? localizeHiddenSymbols(merged, result)
                     : llvm::Error::success();
}

llvm::Error Linker::linkProgram(bool shared, bool openmp, StringRef result) {
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
  if (openmp) {
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

llvm::Error Linker::addArchive(StringRef object, OutputSet &outputs) {
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

llvm::Error Linker::addSource(OutputSet &outputs) {
  SmallString<128> source(options.output);
  path::replace_extension(source, "c");
  return outputs.addCopy(source, inWork(getDescriptorFile(options.modelName)));
}

llvm::Error Linker::addHeader(OutputSet &outputs) {
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

llvm::Error Linker::addBundle(OutputSet &outputs) {
  if (toolchain.libomp.empty() || !target.isNative())
    return llvm::createStringError("--bundle cannot find a libomp.so.5 for '" +
                                   target.triple.str() +
                                   "': use --openmp=none");
  // The name by which the artefact asks for it.
  SmallString<128> copy(path::parent_path(options.output));
  path::append(copy, "libomp.so.5");
  return outputs.addCopy(copy, toolchain.libomp);
}

llvm::Error Linker::addArtefact(bool openmp, OutputSet &outputs) {
  std::string result = inWork("artefact");
  switch (options.kind) {
  case ArtefactKind::Executable:
  case ArtefactKind::Shared:
    if (llvm::Error error =
            linkProgram(options.kind == ArtefactKind::Shared, openmp, result))
      return error;
    return outputs.addCopy(options.output, result, /*executable=*/true);
  case ArtefactKind::Archive:
    if (llvm::Error error = linkObject(result))
      return error;
    return addArchive(result, outputs);
  case ArtefactKind::Object:
    if (llvm::Error error = linkObject(result))
      return error;
    return outputs.addCopy(options.output, result);
  }
  llvm_unreachable("no such kind of artefact");
}

llvm::Error Linker::link(unsigned numParts, bool openmp, OutputSet &outputs) {
  if (llvm::Error error = wait())
    return error;
  for (unsigned part = 0; part < numParts; ++part)
    objects.push_back(inWork(getKernelsFile(options.modelName, part)));
  if (llvm::Error error = addArtefact(openmp, outputs))
    return error;
  if (!withRuntime)
    if (llvm::Error error = addSource(outputs))
      return error;
  if (options.kind != ArtefactKind::Executable)
    if (llvm::Error error = addHeader(outputs))
      return error;
  return options.bundle && openmp ? addBundle(outputs) : llvm::Error::success();
}
