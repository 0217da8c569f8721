//===- SelectAccumulate.h - add every weight row or zero -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// This file has what other strategies share with select_accumulate.

#ifndef SPK_LIB_CODEGEN_STRATEGIES_SELECTACCUMULATE_H
#define SPK_LIB_CODEGEN_STRATEGIES_SELECTACCUMULATE_H

#include "spk/CodeGen/SynapseStrategy.h"

namespace mlir::spk {

/// The sum of one bit plane at one position, group by group.
Value emitGroups(KernelBuilder &b, const SynapseSite &site, Value plane);

} // namespace mlir::spk

#endif // SPK_LIB_CODEGEN_STRATEGIES_SELECTACCUMULATE_H
