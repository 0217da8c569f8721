//===- NameEntries.cpp - symbol names of the entries
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "spk/CodeGen/Entries.h"
#include "spk/CodeGen/Passes.h"

namespace mlir::spk {
#define GEN_PASS_DEF_NAMEENTRIES
#include "spk/CodeGen/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

struct NameEntriesPass : spk::impl::NameEntriesBase<NameEntriesPass> {
  using Base::Base;

  void runOnOperation() final {
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>()) {
      if (function.isExternal())
        continue;
      std::optional<StringRef> entry = getEntryName(function.getSymName());
      if (!entry) {
        // Kernels stay functions of their own, for profiles and for reading.
        function.setLinkage(LLVM::Linkage::Internal);
        function.setNoInline(true);
        continue;
      }
      function.setLinkage(LLVM::Linkage::External);
      function.setSymName("spk_" + modelName + "_kernel_" + entry->str());
    }
  }
};

} // namespace
