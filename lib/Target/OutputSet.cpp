//===- OutputSet.cpp - files that appear together or not at all
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Target/OutputSet.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::spk;
namespace fs = llvm::sys::fs;

static llvm::Error cannotWrite(StringRef path, std::error_code code) {
  return llvm::createStringError("cannot write '" + path +
                                 "': " + code.message());
}

llvm::Error spk::checkWritable(StringRef path) {
  if (fs::is_directory(path))
    return llvm::createStringError("cannot write '" + path +
                                   "': it is a directory");
  StringRef parent = llvm::sys::path::parent_path(path);
  if (parent.empty())
    parent = ".";
  if (!fs::is_directory(parent))
    return llvm::createStringError("cannot write '" + path +
                                   "': there is no directory '" + parent + "'");
  if (std::error_code code = fs::access(parent, fs::AccessMode::Write))
    return cannotWrite(path, code);
  return llvm::Error::success();
}

OutputSet::~OutputSet() {
  for (Entry &entry : entries)
    llvm::consumeError(entry.file.discard());
}

llvm::Error
OutputSet::add(StringRef path,
               llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write,
               bool executable) {
  if (llvm::Error error = checkWritable(path))
    return error;
  unsigned mode = fs::all_read | fs::owner_write;
  if (executable)
    mode |= fs::all_exe;
  auto file = fs::TempFile::create(path + ".%%%%%%%%.tmp", mode);
  if (!file)
    return cannotWrite(path, llvm::errorToErrorCode(file.takeError()));
  entries.push_back({path.str(), std::move(*file)});
  llvm::raw_fd_ostream os(entries.back().file.FD, /*shouldClose=*/false);
  llvm::Error error = write(os);
  os.flush();
  if (os.has_error()) {
    std::error_code code = os.error();
    os.clear_error();
    return llvm::joinErrors(std::move(error), cannotWrite(path, code));
  }
  return error;
}

llvm::Error OutputSet::add(StringRef path, StringRef contents,
                           bool executable) {
  return add(
      path,
      [&](llvm::raw_pwrite_stream &os) {
        os << contents;
        return llvm::Error::success();
      },
      executable);
}

llvm::Error OutputSet::addCopy(StringRef path, StringRef source,
                               bool executable) {
  auto buffer = llvm::MemoryBuffer::getFile(source, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError("cannot read '" + source +
                                   "': " + buffer.getError().message());
  return add(path, (*buffer)->getBuffer(), executable);
}

llvm::Error OutputSet::commit() {
  while (!entries.empty()) {
    Entry entry = std::move(entries.front());
    entries.erase(entries.begin());
    if (llvm::Error error = entry.file.keep(entry.path))
      return cannotWrite(entry.path, llvm::errorToErrorCode(std::move(error)));
  }
  return llvm::Error::success();
}
