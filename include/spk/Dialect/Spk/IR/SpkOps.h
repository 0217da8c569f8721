//===- SpkOps.h - spk operations -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_IR_SPKOPS_H
#define SPK_DIALECT_SPK_IR_SPKOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "spk/Dialect/Spk/IR/NeuronArithmetic.h"
#include "spk/Dialect/Spk/IR/SpkAttributes.h"
#include "spk/Dialect/Spk/IR/SpkDialect.h"

namespace mlir::spk {
class FireOp;
class YieldOp;
} // namespace mlir::spk

#include "spk/Dialect/Spk/IR/SpkOpInterfaces.h.inc"

#define GET_OP_CLASSES
#include "spk/Dialect/Spk/IR/SpkOps.h.inc"

#endif // SPK_DIALECT_SPK_IR_SPKOPS_H
