//===- Densities.cpp - how many inputs of a synapse are set
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Dialect/Spk/IR/Densities.h"

using namespace mlir;
using namespace mlir::spk;

InputDensity spk::getInputDensity(SynapseOpInterface synapse,
                                  int64_t numPlanes) {
  InputDensity density;
  if (auto share = synapse->getAttrOfType<FloatAttr>(kDensityAttr)) {
    density.share = share.getValueAsDouble();
    density.measured = true;
  }
  if (auto planes =
          synapse->getAttrOfType<DenseF64ArrayAttr>(kPlaneDensitiesAttr)) {
    density.planes = llvm::to_vector(planes.asArrayRef());
    return density;
  }
  double share = density.share;
  for (int64_t p = 0; p < numPlanes; ++p, share /= 2)
    density.planes.push_back(share);
  return density;
}

/// NaN is no share.
static bool isShare(double value) { return value >= 0.0 && value <= 1.0; }

LogicalResult spk::verifyDensityAttr(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() == kDensityAttr) {
    auto density = dyn_cast<FloatAttr>(attribute.getValue());
    if (!density || !density.getType().isF64())
      return op->emitOpError("spk.density must be an f64, got ")
             << attribute.getValue();
    if (!isShare(density.getValueAsDouble()))
      return op->emitOpError("spk.density must be in [0, 1], got ")
             << density.getValueAsDouble();
    return success();
  }
  auto synapse = dyn_cast<SynapseOpInterface>(op);
  Type element =
      synapse ? getElementTypeOrSelf(synapse.getSynapseInput()) : Type();
  if (!element || !element.isInteger() || element.isInteger(1))
    return op->emitOpError(
        "spk.plane_densities must stand on a synapse that reads integers");
  auto densities = dyn_cast<DenseF64ArrayAttr>(attribute.getValue());
  if (!densities)
    return op->emitOpError("spk.plane_densities must be an array<f64>, got ")
           << attribute.getValue();
  // The sign bit is never set.
  int64_t most = element.getIntOrFloatBitWidth() - 1;
  if (densities.empty() || densities.size() > most)
    return op->emitOpError("spk.plane_densities must be 1 to ")
           << most << " numbers, got " << densities.size();
  for (double density : densities.asArrayRef())
    if (!isShare(density))
      return op->emitOpError("spk.plane_densities must be in [0, 1], got ")
             << density;
  return success();
}
