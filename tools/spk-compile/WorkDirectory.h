//===- WorkDirectory.h - where intermediate files go ------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TOOLS_SPK_COMPILE_WORKDIRECTORY_H
#define SPK_TOOLS_SPK_COMPILE_WORKDIRECTORY_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>

namespace mlir::spk {

/// A directory that disappears with this object, unless the user named it.
class WorkDirectory {
public:
  WorkDirectory() = default;
  WorkDirectory(const WorkDirectory &) = delete;
  WorkDirectory &operator=(const WorkDirectory &) = delete;
  ~WorkDirectory();

  llvm::Error create(const std::optional<std::string> &kept);

  bool isKept() const { return keep; }
  std::string getPath() const { return directory.str().str(); }
  std::string getFile(const llvm::Twine &name) const;

  /// Writes a file that `write` fills.
  llvm::Error
  write(const llvm::Twine &name,
        llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write) const;
  llvm::Error write(const llvm::Twine &name, StringRef contents) const;

private:
  SmallString<128> directory;
  bool keep = false;
};

} // namespace mlir::spk

#endif // SPK_TOOLS_SPK_COMPILE_WORKDIRECTORY_H
