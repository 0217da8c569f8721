//===- SpkDialect.cpp - spk dialect
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Dialect/Spk/IR/SpkDialect.h"
#include "spk/Dialect/Spk/IR/Densities.h"
#include "spk/Dialect/Spk/IR/SpkAttributes.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

using namespace mlir;
using namespace mlir::spk;

#include "spk/Dialect/Spk/IR/SpkDialect.cpp.inc"
#include "spk/Dialect/Spk/IR/SpkOpInterfaces.cpp.inc"

#define GET_OP_CLASSES
#include "spk/Dialect/Spk/IR/SpkOps.cpp.inc"

void SpkDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "spk/Dialect/Spk/IR/SpkOps.cpp.inc"
      >();
}

LogicalResult SpkDialect::verifyOperationAttribute(Operation *op,
                                                   NamedAttribute attribute) {
  if (attribute.getName() == kDensityAttr ||
      attribute.getName() == kPlaneDensitiesAttr)
    return verifyDensityAttr(op, attribute);
  return success();
}

std::string spk::getLayerName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().str();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (std::string name = getLayerName(part); name != "?")
        return name;
  return "?";
}
