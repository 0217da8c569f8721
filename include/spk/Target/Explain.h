//===- Explain.h - decisions of the compiler, for people --------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_EXPLAIN_H
#define SPK_TARGET_EXPLAIN_H

#include "spk/Target/LayerReport.h"

namespace mlir::spk {

/// A table with one row per layer, totals, and the float buffers. `abi` is null
/// if compilation stopped before memory was planned.
void printReport(llvm::raw_ostream &os, StringRef modelName,
                 const ModelReport &report, const ModelABI *abi);

/// The same as JSON.
void printReportAsJSON(llvm::raw_ostream &os, StringRef modelName,
                       const ModelReport &report, const ModelABI *abi);

/// "1.50 MiB".
std::string formatBytes(uint64_t bytes);

} // namespace mlir::spk

#endif // SPK_TARGET_EXPLAIN_H
