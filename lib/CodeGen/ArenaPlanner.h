//===- ArenaPlanner.h - lifetimes and offsets of buffers -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_LIB_CODEGEN_ARENAPLANNER_H
#define SPK_LIB_CODEGEN_ARENAPLANNER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::spk {

/// A buffer of a straight-line function: alive from op `begin` to op `end`.
struct PlannedBuffer {
  memref::AllocOp allocation;
  int64_t bytes, begin, end, offset;
};

struct ArenaPlan {
  SmallVector<PlannedBuffer> buffers;
  int64_t bytes = 0;
};

int64_t getBufferBytes(MemRefType type);

/// Offsets for the allocations at the top level of `function`, largest first,
/// each at the lowest offset where no buffer alive at the same time is.
ArenaPlan planArena(func::FuncOp function);

/// Replaces the allocations by views of `arena`.
void placeBuffers(const ArenaPlan &plan, Value arena);

} // namespace mlir::spk

#endif // SPK_LIB_CODEGEN_ARENAPLANNER_H
