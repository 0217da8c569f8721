//===- Densities.h - how many inputs of a synapse are set -------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file defines the attributes that hold measured densities, and what is
// assumed where there are none.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_IR_DENSITIES_H
#define SPK_DIALECT_SPK_IR_DENSITIES_H

#include "spk/Dialect/Spk/IR/SpkOps.h"

namespace mlir::spk {

/// Synapse attribute, f64: measured share of the inputs that are not zero.
inline constexpr llvm::StringLiteral kDensityAttr = "spk.density";
/// Synapse attribute, array<f64>, of integer inputs: measured share of the
/// inputs whose bit p is set, for every bit plane p.
inline constexpr llvm::StringLiteral kPlaneDensitiesAttr =
    "spk.plane_densities";
/// Synapse attribute of a model that is made to be measured: name of the result
/// of @main that holds the input.
inline constexpr llvm::StringLiteral kInputTapAttr = "spk.input_tap";
/// Beside it, i64: number of bit planes of integer inputs, 0 of spikes.
inline constexpr llvm::StringLiteral kInputPlanesAttr = "spk.input_planes";

/// Share of spikes that are 1, where nothing was measured. Also the share of
/// integers that are not zero and of those whose lowest bit is set.
inline constexpr double kAssumedDensity = 0.15;

struct InputDensity {
  /// Share of inputs that are not zero.
  double share = kAssumedDensity;
  /// Share of inputs whose bit p is set; one number for spikes.
  SmallVector<double> planes;
  bool measured = false;
};

/// Densities of the input of a synapse that reads spikes or integers of
/// `numPlanes` bit planes: measured ones where the op has them, else assumed
/// ones, which halve from plane to plane.
InputDensity getInputDensity(SynapseOpInterface synapse, int64_t numPlanes);

/// Verifies `spk.density` or `spk.plane_densities` on an op.
LogicalResult verifyDensityAttr(Operation *op, NamedAttribute attribute);

} // namespace mlir::spk

#endif // SPK_DIALECT_SPK_IR_DENSITIES_H
