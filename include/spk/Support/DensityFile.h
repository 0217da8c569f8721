//===- DensityFile.h - measured densities of a model ------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file reads and writes densities as JSON, one entry for each synapse that
// reads spikes or integers, in program order:
//
//   {"densities": [
//     {"layer": "block.0.q_conv", "density": 0.125},
//     {"layer": "block.1.q_conv", "density": 0.25, "planes": [0.1875, 0.125]}
//   ]}
//
//===----------------------------------------------------------------------===//

#ifndef SPK_SUPPORT_DENSITYFILE_H
#define SPK_SUPPORT_DENSITYFILE_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace mlir::spk {

/// What was measured at the input of one synapse.
struct SynapseDensity {
  /// Module path; a layer that runs several times has as many entries.
  std::string layer;
  /// Share of inputs that are not zero.
  double density = 0.0;
  /// Share of inputs whose bit p is set; empty for spikes.
  std::vector<double> planes;
};

/// Fails with the name of the file and what is wrong with it. The values are
/// numbers, but not checked to be shares.
llvm::Expected<std::vector<SynapseDensity>> readDensities(StringRef file);

/// Writes no digit less than it takes to read the same numbers.
void writeDensities(llvm::raw_ostream &os, ArrayRef<SynapseDensity> densities);

} // namespace mlir::spk

#endif // SPK_SUPPORT_DENSITYFILE_H
