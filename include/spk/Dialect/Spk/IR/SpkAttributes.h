//===- SpkAttributes.h - spk attributes -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_IR_SPKATTRIBUTES_H
#define SPK_DIALECT_SPK_IR_SPKATTRIBUTES_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TensorEncoding.h"
#include "spk/Dialect/Spk/IR/SpkDialect.h"

#include "spk/Dialect/Spk/IR/SpkAttrInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "spk/Dialect/Spk/IR/SpkAttributes.h.inc"

namespace mlir::spk {

/// The packed encoding of `type`, or null.
SpikeEncodingAttrInterface getSpikeEncoding(Type type);

/// Bits needed for values in [0, maxValue].
int64_t getNumPlanes(int64_t maxValue);

} // namespace mlir::spk

#endif // SPK_DIALECT_SPK_IR_SPKATTRIBUTES_H
