//===- LayerReport.h - what became of every layer ---------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file collects the decisions of the compiler from a module of the
// `packed` phase. How they are shown is Explain.h.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TARGET_LAYERREPORT_H
#define SPK_TARGET_LAYERREPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "spk/Dialect/Spk/IR/Densities.h"
#include "spk/Target/ModelABI.h"
#include <optional>

namespace mlir::spk {

/// One kernel.
struct LayerReport {
  /// Module path, as in "block.0.attn.q_conv".
  std::string layer;
  /// What runs as one: "conv+norm+lif+pool".
  std::string fused;
  /// Types, as in "4x1x64x48xi1 packed".
  std::string input, output;
  /// Order of summation, or empty.
  std::string sum;
  std::string strategy;
  /// Milliseconds that the layer is expected to take on one thread with each
  /// strategy that gives the same bits.
  std::vector<std::pair<std::string, double>> estimates;
  /// Of the input of a synapse that reads spikes or integers.
  std::optional<InputDensity> density;
  /// Order of the products of an attention core, or empty, and the
  /// multiply-accumulates of both orders.
  std::string association;
  int64_t qkFirstCost = 0, kvFirstCost = 0;
  uint64_t outputBytes = 0, weightBytes = 0;
  /// As if no input were zero.
  int64_t multiplyAccumulates = 0;
  std::vector<std::string> why;

  /// With the strategy that was chosen; nothing where it is not known.
  std::optional<double> getEstimate() const;
};

/// Floats that leave the kernel that computes them.
struct FloatBuffer {
  std::string layer;
  std::string type;
  uint64_t bytes = 0;
  /// Why they do.
  std::string use;
};

struct ModelReport {
  std::vector<LayerReport> layers;
  std::vector<FloatBuffer> floatBuffers;
  /// Why images must stay in their batch, or empty.
  std::string fixedBatch;

  /// "sum:<layer>=...", "association:<layer>=..." and "fixed_batch=..." for the
  /// metadata.
  std::vector<std::string> getProperties() const;
};

/// Reads a module of the `packed` phase, strategies chosen.
ModelReport collectReport(ModuleOp module);

} // namespace mlir::spk

#endif // SPK_TARGET_LAYERREPORT_H
