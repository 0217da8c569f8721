//===- Safetensors.h - reading and writing safetensors files ----*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file reads tensors from a file that nobody vouches for: a header that
// does not describe its file exactly is refused, and nothing is allocated on
// the word of a header. Every message names the file and, where there is one,
// the tensor.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_SUPPORT_SAFETENSORS_H
#define SPK_SUPPORT_SAFETENSORS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <string>
#include <vector>

namespace mlir::spk {

/// What the header of a file says of one tensor.
struct SafetensorsEntry {
  std::string key;
  std::string dtype;
  llvm::SmallVector<int64_t> shape;
  /// Range of the tensor in the data section, in bytes.
  uint64_t begin = 0, end = 0;
};

/// A checked file, mapped into memory.
class SafetensorsFile {
public:
  static llvm::Expected<SafetensorsFile> open(llvm::StringRef path);

  /// Checks the contents of a file; `name` is what messages call it.
  static llvm::Expected<SafetensorsFile>
  parse(std::unique_ptr<llvm::MemoryBuffer> buffer, llvm::StringRef name);

  /// The tensor of this name, or null.
  const SafetensorsEntry *lookup(llvm::StringRef key) const;

  /// All tensors, in the order of their data.
  llvm::ArrayRef<SafetensorsEntry> getEntries() const { return entries; }

  /// Elements of an F32 tensor, all finite. They lie in the file where it keeps
  /// them aligned, otherwise in `storage`.
  llvm::Expected<llvm::ArrayRef<float>>
  readF32(const SafetensorsEntry &entry, std::vector<float> &storage) const;

  llvm::StringRef getName() const { return name; }

private:
  SafetensorsFile() = default;

  llvm::Error readHeader(llvm::StringRef header, uint64_t dataBytes);

  std::unique_ptr<llvm::MemoryBuffer> buffer;
  std::string name;
  llvm::StringRef data;
  std::vector<SafetensorsEntry> entries;
  llvm::StringMap<size_t> indexOf;
};

/// An f32 tensor to write.
struct NamedTensor {
  llvm::StringRef key;
  llvm::ArrayRef<int64_t> shape;
  llvm::ArrayRef<float> data;
};

/// Writes F32 tensors in the given order. An existing file is replaced in one
/// go, so that none with half of the data is ever seen. Equal tensors give
/// equal bytes.
llvm::Error writeSafetensors(llvm::StringRef path,
                             llvm::ArrayRef<NamedTensor> tensors);

} // namespace mlir::spk

#endif // SPK_SUPPORT_SAFETENSORS_H
