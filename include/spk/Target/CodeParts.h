//===- CodeParts.h - code that is compiled in parts -------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM works on one thread per context. Kernels know nothing of each other, so
// that the code of a large network can be cut between them: every part is read
// into a context of its own, optimised and emitted there, and the linker joins
// the objects.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_CODEPARTS_H
#define SPK_TARGET_CODEPARTS_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/Module.h"

namespace mlir::spk {

class CodeParts {
public:
  /// Decides what stands in which part. This depends on the code alone and on
  /// no property of this machine, so that equal inputs give equal objects
  /// everywhere; little code is one part. Functions that may be inlined stay
  /// with their callers. What one part uses of another becomes hidden, and gets
  /// `prefix` in front of its name, since it is no longer local.
  CodeParts(llvm::Module &module, StringRef prefix);

  unsigned size() const { return numParts; }

  /// Reads a part; what stands in others is declared. Threads may read at the
  /// same time, each into its own context.
  llvm::Expected<std::unique_ptr<llvm::Module>>
  read(unsigned part, llvm::LLVMContext &context) const;

private:
  void distribute(llvm::Module &module);
  void expose(llvm::Module &module, StringRef prefix);

  unsigned numParts = 1;
  /// By name.
  llvm::StringMap<unsigned> partOf;
  /// The whole module.
  SmallVector<char, 0> bitcode;
};

/// What tells files of a part from those of others: nothing for the first.
std::string getPartSuffix(unsigned part);

} // namespace mlir::spk

#endif // SPK_TARGET_CODEPARTS_H
