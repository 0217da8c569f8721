//===- WorkDirectory.cpp - where intermediate files go
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WorkDirectory.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::spk;
namespace fs = llvm::sys::fs;

static llvm::Error cannot(StringRef what, StringRef path,
                          std::error_code code) {
  return llvm::createStringError("cannot " + what + " '" + path +
                                 "': " + code.message());
}

llvm::Error WorkDirectory::create(const std::optional<std::string> &kept) {
  if (kept) {
    keep = true;
    directory = *kept;
    if (std::error_code code = fs::create_directories(directory))
      return cannot("make the directory", directory, code);
  } else if (std::error_code code =
                 fs::createUniqueDirectory("spk-compile", directory)) {
    return cannot("make a temporary directory", directory, code);
  }
  if (std::error_code code = fs::make_absolute(directory))
    return cannot("find the directory", directory, code);
  return llvm::Error::success();
}

WorkDirectory::~WorkDirectory() {
  if (keep || directory.empty())
    return;
  // A leftover in the temporary directory does no harm.
  std::error_code ignored = fs::remove_directories(directory);
  (void)ignored;
}

std::string WorkDirectory::getFile(const llvm::Twine &name) const {
  SmallString<128> file(directory);
  llvm::sys::path::append(file, name);
  if (!keep)
    llvm::sys::RemoveFileOnSignal(file);
  return file.str().str();
}

llvm::Error WorkDirectory::write(
    const llvm::Twine &name,
    llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write) const {
  std::string file = getFile(name);
  std::error_code code;
  llvm::raw_fd_ostream os(file, code);
  if (code)
    return cannot("write", file, code);
  llvm::Error error = write(os);
  os.close();
  if (os.has_error()) {
    code = os.error();
    os.clear_error();
    return llvm::joinErrors(std::move(error), cannot("write", file, code));
  }
  return error;
}

llvm::Error WorkDirectory::write(const llvm::Twine &name,
                                 StringRef contents) const {
  return write(name, [&](llvm::raw_pwrite_stream &os) {
    os << contents;
    return llvm::Error::success();
  });
}
