//===- OutputSet.h - files that appear together or not at all ---*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_OUTPUTSET_H
#define SPK_TARGET_OUTPUTSET_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

namespace mlir::spk {

/// Output files under temporary names. Nothing of them stays behind unless
/// `commit` succeeds: not after an error, nor after an interrupt.
class OutputSet {
public:
  OutputSet() = default;
  OutputSet(const OutputSet &) = delete;
  OutputSet &operator=(const OutputSet &) = delete;
  ~OutputSet();

  /// Adds a file with this contents.
  llvm::Error add(StringRef path, StringRef contents, bool executable = false);

  /// Adds a file that `write` fills.
  llvm::Error
  add(StringRef path,
      llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write,
      bool executable = false);

  /// Adds a copy of a file.
  llvm::Error addCopy(StringRef path, StringRef source,
                      bool executable = false);

  /// Gives all files their names, in the order in which they were added.
  llvm::Error commit();

private:
  struct Entry {
    std::string path;
    llvm::sys::fs::TempFile file;
  };
  std::vector<Entry> entries;
};

/// Fails with a clear message unless a file can be made at `path`.
llvm::Error checkWritable(StringRef path);

} // namespace mlir::spk

#endif // SPK_TARGET_OUTPUTSET_H
