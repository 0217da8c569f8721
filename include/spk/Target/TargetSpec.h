//===- TargetSpec.h - the machine that code is made for ---------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_TARGETSPEC_H
#define SPK_TARGET_TARGETSPEC_H

#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

namespace mlir::spk {

/// A target with every name resolved: nothing in here depends on where the
/// compiler runs any more.
struct TargetSpec {
  llvm::Triple triple;
  std::string cpu;
  /// "+avx2,-sse4a": what the CPU name does not say.
  std::string features;
  /// Processor on which nothing above the triple's minimum is needed.
  std::string baselineCpu;
  /// Instruction set extensions above the baseline that code for this CPU may
  /// contain, as the runtime's check spells them.
  std::vector<std::string> requiredFeatures;
  /// Extensions of the CPU that code does not use since the runtime cannot
  /// check for them.
  std::vector<std::string> disabledFeatures;

  /// Whether artefacts for the target run on this machine's system.
  bool isNative() const;
};

/// Registers the code generators that are supported: x86-64 and AArch64.
void initializeTargets();

/// `triple` empty: this machine's. `cpu` empty: this machine's processor where
/// the triple allows, else the triple's baseline; "host": this machine's.
llvm::Expected<TargetSpec> resolveTarget(llvm::StringRef triple,
                                         llvm::StringRef cpu);

/// A code generator that never contracts floating-point operations.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const TargetSpec &target, unsigned optLevel);

} // namespace mlir::spk

#endif // SPK_TARGET_TARGETSPEC_H
