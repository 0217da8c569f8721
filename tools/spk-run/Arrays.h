//===- Arrays.h - tensors of the interpreter in .npy files ------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TOOLS_SPKRUN_ARRAYS_H
#define SPK_TOOLS_SPKRUN_ARRAYS_H

#include "spk/Interpreter/TensorValue.h"
#include "llvm/Support/Error.h"

namespace spkrun {

/// One argument or result of a function.
struct Port {
  std::string name;
  mlir::RankedTensorType type;
  /// Shape outside: without the time axis where the value has none.
  llvm::SmallVector<int64_t> outsideShape;
};

/// Reads a value for `port`, in its shape outside or inside.
llvm::Expected<mlir::spk::TensorValue> readArray(llvm::StringRef path,
                                                 const Port &port);

/// Writes a value in the shape that it has outside.
llvm::Error writeArray(llvm::StringRef path, const Port &port,
                       const mlir::spk::TensorValue &value);

/// Whether a file holds `value` bit for bit; prints the first difference.
llvm::Expected<bool> compareArray(llvm::StringRef path, const Port &port,
                                  const mlir::spk::TensorValue &value);

/// Name, type and the first elements.
void printArray(llvm::raw_ostream &os, const Port &port,
                const mlir::spk::TensorValue &value);

} // namespace spkrun

#endif // SPK_TOOLS_SPKRUN_ARRAYS_H
