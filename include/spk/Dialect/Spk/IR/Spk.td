//===- Spk.td - spk dialect umbrella -----------------------*- tablegen -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_IR_SPK_TD
#define SPK_DIALECT_SPK_IR_SPK_TD

include "spk/Dialect/Spk/IR/SpkDialect.td"
include "spk/Dialect/Spk/IR/SpkAttributes.td"
include "spk/Dialect/Spk/IR/SpkOps.td"

#endif // SPK_DIALECT_SPK_IR_SPK_TD
