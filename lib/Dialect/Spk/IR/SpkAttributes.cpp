//===- SpkAttributes.cpp - spk attributes
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Dialect/Spk/IR/SpkAttributes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::spk;

#include "spk/Dialect/Spk/IR/SpkAttrInterfaces.cpp.inc"
#include "spk/Dialect/Spk/IR/SpkEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "spk/Dialect/Spk/IR/SpkAttributes.cpp.inc"

void SpkDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "spk/Dialect/Spk/IR/SpkAttributes.cpp.inc"
      >();
}

SpikeEncodingAttrInterface spk::getSpikeEncoding(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.getEncoding())
    return {};
  return dyn_cast<SpikeEncodingAttrInterface>(tensor.getEncoding());
}

int64_t spk::getNumPlanes(int64_t maxValue) {
  return maxValue <= 1 ? 1 : llvm::Log2_64(maxValue) + 1;
}

//===----------------------------------------------------------------------===//
// SumAttr
//===----------------------------------------------------------------------===//

Attribute SumAttr::parse(AsmParser &parser, Type) {
  StringRef keyword;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword(&keyword))
    return {};
  std::optional<SumKind> kind = symbolizeSumKind(keyword);
  if (!kind) {
    parser.emitError(loc, "expected sequential, grouped, fma or exact");
    return {};
  }
  int64_t group = 0, groupedPlanes = 0;
  bool planes = false;
  while (succeeded(parser.parseOptionalComma())) {
    if (succeeded(parser.parseOptionalKeyword("group"))) {
      if (parser.parseEqual() || parser.parseInteger(group))
        return {};
    } else if (succeeded(parser.parseOptionalKeyword("grouped_planes"))) {
      if (parser.parseEqual() || parser.parseInteger(groupedPlanes))
        return {};
    } else if (parser.parseKeyword("planes") || parser.parseEqual() ||
               parser.parseKeyword(&keyword)) {
      return {};
    } else {
      planes = keyword == "true";
    }
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<SumAttr>(loc, parser.getContext(), *kind, group,
                                    planes, groupedPlanes);
}

void SumAttr::print(AsmPrinter &printer) const {
  printer << '<' << stringifySumKind(getKind());
  if (getGroup())
    printer << ", group = " << getGroup();
  if (getPlanes())
    printer << ", planes = true";
  if (getGroupedPlanes())
    printer << ", grouped_planes = " << getGroupedPlanes();
  printer << '>';
}

LogicalResult SumAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                              SumKind kind, int64_t group, bool planes,
                              int64_t groupedPlanes) {
  if (kind == SumKind::Grouped && (group < 1 || group > kWordBits))
    return emitError() << "group of a grouped sum must be in [1, " << kWordBits
                       << "], got " << group;
  if (kind != SumKind::Grouped && group != 0)
    return emitError() << "only a grouped sum has a group";
  if (planes && (kind == SumKind::FMA || kind == SumKind::Exact))
    return emitError() << "only sequential and grouped sums have planes";
  if (groupedPlanes != 0 && (kind != SumKind::Grouped || !planes))
    return emitError() << "only a grouped sum with planes has grouped_planes";
  if (groupedPlanes < 0)
    return emitError() << "grouped_planes must be positive, got "
                       << groupedPlanes;
  return success();
}

//===----------------------------------------------------------------------===//
// PackedAttr
//===----------------------------------------------------------------------===//

Attribute PackedAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  int64_t axis = -1, planes = 1, word = kWordBits;
  if (parser.parseLess() || parser.parseKeyword("axis") ||
      parser.parseEqual() || parser.parseInteger(axis))
    return {};
  while (succeeded(parser.parseOptionalComma())) {
    bool isPlanes = succeeded(parser.parseOptionalKeyword("planes"));
    if ((!isPlanes && parser.parseKeyword("word")) || parser.parseEqual() ||
        parser.parseInteger(isPlanes ? planes : word))
      return {};
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<PackedAttr>(loc, parser.getContext(), axis, planes,
                                       word);
}

void PackedAttr::print(AsmPrinter &printer) const {
  printer << "<axis = " << getAxis();
  if (getPlanes() != 1)
    printer << ", planes = " << getPlanes();
  if (getWord() != kWordBits)
    printer << ", word = " << getWord();
  printer << '>';
}

LogicalResult PackedAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t axis, int64_t planes, int64_t word) {
  if (word != kWordBits)
    return emitError() << "packed words must have " << kWordBits
                       << " bits, got " << word;
  if (planes < 1 || planes > 31)
    return emitError() << "packed planes must be in [1, 31], got " << planes;
  if (axis < 0)
    return emitError() << "packed axis must not be negative";
  return success();
}

LogicalResult
PackedAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                           function_ref<InFlightDiagnostic()> emitError) const {
  if (getAxis() != static_cast<int64_t>(shape.size()) - 1)
    return emitError() << "packed axis must be the innermost one, "
                       << static_cast<int64_t>(shape.size()) - 1
                       << " != " << getAxis();
  if (!elementType.isInteger())
    return emitError() << "packed elements must be integers, got "
                       << elementType;
  if (elementType.isInteger(1) && getPlanes() != 1)
    return emitError() << "packed spikes have one plane, got " << getPlanes();
  if (getPlanes() > 1 &&
      getPlanes() >= static_cast<int64_t>(elementType.getIntOrFloatBitWidth()))
    return emitError() << "packed planes must leave the sign bit of "
                       << elementType << " free, got " << getPlanes();
  return success();
}

RankedTensorType PackedAttr::getStorageType(RankedTensorType type) const {
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = llvm::divideCeil(shape.back(), getWord());
  shape.push_back(getPlanes());
  return RankedTensorType::get(shape,
                               IntegerType::get(getContext(), getWord()));
}

int64_t PackedAttr::getStorageBytes(RankedTensorType type) const {
  return getStorageType(type).getNumElements() * (getWord() / 8);
}

int64_t PackedAttr::getPackedAxis() const { return getAxis(); }

Attribute PackedAttr::withRank(int64_t rank) const {
  return PackedAttr::get(getContext(), rank - 1, getPlanes(), getWord());
}
