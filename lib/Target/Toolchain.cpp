//===- Toolchain.cpp - programs and files that artefacts need
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Target/Toolchain.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::spk;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static llvm::Expected<std::string>
findProgram(StringRef requested, StringRef configured,
            ArrayRef<StringRef> names, StringRef purpose, StringRef option) {
  if (!requested.empty()) {
    // A name with a directory is returned unseen.
    if (auto found = llvm::sys::findProgramByName(requested))
      if (fs::can_execute(*found))
        return *found;
    return llvm::createStringError("--" + option + "='" + requested +
                                   "' is not a program that can be run");
  }
  if (fs::can_execute(configured))
    return configured.str();
  for (StringRef name : names)
    if (auto found = llvm::sys::findProgramByName(name))
      return *found;
  return llvm::createStringError("cannot find " + names.front() + ", which " +
                                 purpose +
                                 ": install it with 'apt-get install clang-22 "
                                 "lld-22', or name it with --" +
                                 option + "=PATH");
}

llvm::Expected<Toolchain> Toolchain::find(const ToolchainOptions &options) {
  Toolchain toolchain;
  toolchain.sysroot = options.sysroot;
  toolchain.verbose = options.verbose;
  if (!options.sysroot.empty() && !fs::is_directory(options.sysroot))
    return llvm::createStringError("--sysroot='" + options.sysroot +
                                   "' is not a directory");
  auto clang = findProgram(options.clang, SPK_CLANG, {"clang-22", "clang"},
                           "compiles the runtime and links", "clang");
  if (!clang)
    return clang.takeError();
  auto lld = findProgram(options.lld, SPK_LLD, {"ld.lld-22", "ld.lld"},
                         "links artefacts", "lld");
  if (!lld)
    return lld.takeError();
  toolchain.clang = *clang;
  toolchain.lld = *lld;

  // Installed beside the tool, else in the source tree it was built from.
  SmallString<128> prefix(path::parent_path(options.toolDirectory));
  SmallString<128> runtime(prefix), include(prefix);
  path::append(runtime, "share", "spk", "runtime");
  path::append(include, "include");
  for (auto [directory, headers] :
       {std::pair<StringRef, StringRef>(runtime, include),
        std::pair<StringRef, StringRef>(SPK_SOURCE_DIR "/lib/Runtime",
                                        SPK_SOURCE_DIR "/include")}) {
    if (!fs::exists(directory + "/runtime.c") ||
        !fs::exists(headers + "/spk/Runtime/runtime.h"))
      continue;
    toolchain.runtimeDirectory = directory.str();
    toolchain.includeDirectory = headers.str();
    break;
  }
  if (toolchain.runtimeDirectory.empty())
    return llvm::createStringError(
        "cannot find the sources of the runtime in '" + runtime +
        "': the installation of spk is incomplete");
  if (fs::exists(SPK_LIBOMP))
    toolchain.libomp = SPK_LIBOMP;
  return toolchain;
}

std::vector<std::string>
Toolchain::getTargetArguments(const TargetSpec &target) const {
  // No configuration file may change what comes out.
  std::vector<std::string> arguments = {"--no-default-config",
                                        "--target=" + target.triple.str()};
  if (!sysroot.empty())
    arguments.push_back("--sysroot=" + sysroot);
  return arguments;
}

bool Toolchain::hasCLibrary(const TargetSpec &target) const {
  SmallString<128> source;
  if (fs::createTemporaryFile("spk-probe", "c", source))
    return false;
  llvm::FileRemover remover(source);
  std::error_code code;
  {
    llvm::raw_fd_ostream os(source, code);
    os << "#include <stdio.h>\n#include <unistd.h>\n";
  }
  std::vector<std::string> arguments = getTargetArguments(target);
  arguments.insert(arguments.end(), {"-fsyntax-only", source.str().str()});
  Toolchain quiet = *this;
  quiet.verbose = false;
  llvm::Error error = quiet.run("look for the C library", clang, arguments);
  bool found = !error;
  llvm::consumeError(std::move(error));
  return found;
}

llvm::Error Toolchain::run(StringRef what, StringRef program,
                           const std::vector<std::string> &arguments) const {
  SmallVector<StringRef> argv = {program};
  argv.append(arguments.begin(), arguments.end());
  if (verbose) {
    // In one go, since several may run at a time.
    std::string line;
    llvm::raw_string_ostream os(line);
    for (StringRef argument : argv) {
      llvm::sys::printArg(os, argument, /*Quote=*/false);
      os << ' ';
    }
    llvm::errs() << StringRef(line).rtrim().str() + "\n";
  }
  SmallString<128> log;
  if (std::error_code code = fs::createTemporaryFile("spk", "log", log))
    return llvm::createStringError("cannot make a temporary file: " +
                                   code.message());
  llvm::FileRemover remover(log);
  llvm::sys::RemoveFileOnSignal(log);
  std::optional<StringRef> redirects[] = {StringRef(""), log.str(), log.str()};
  std::string error;
  int status = llvm::sys::ExecuteAndWait(program, argv, std::nullopt, redirects,
                                         /*SecondsToWait=*/0,
                                         /*MemoryLimit=*/0, &error);
  std::string output;
  if (auto buffer = llvm::MemoryBuffer::getFile(log))
    output = (*buffer)->getBuffer().rtrim().str();
  if (status == 0) {
    if (verbose && !output.empty())
      llvm::errs() << output << '\n';
    return llvm::Error::success();
  }
  std::string message = ("cannot " + what + ": '" + program + "' ").str();
  message += status < 0 ? "did not run to its end"
                        : "failed with exit code " + std::to_string(status);
  if (!error.empty())
    message += " (" + error + ")";
  if (!output.empty())
    message += "\n" + output;
  return llvm::createStringError(message);
}
