//===- ArenaPlanner.cpp - lifetimes and offsets of buffers
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArenaPlanner.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "spk/CodeGen/Attributes.h"

using namespace mlir;
using namespace mlir::spk;

int64_t spk::getBufferBytes(MemRefType type) {
  return type.getNumElements() *
         llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

/// Last op of `body` that may touch `buffer` or a view of it.
static int64_t lastUse(Value buffer, Block &body,
                       const DenseMap<Operation *, int64_t> &order) {
  int64_t last = 0;
  for (Operation *user : buffer.getUsers()) {
    last = std::max(last, order.lookup(body.findAncestorOpInBlock(*user)));
    if (isa<ViewLikeOpInterface>(user))
      for (Value view : user->getResults())
        last = std::max(last, lastUse(view, body, order));
  }
  return last;
}

ArenaPlan spk::planArena(func::FuncOp function) {
  ::mlir::Block &body = function.getBody().front();
  DenseMap<Operation *, int64_t> order;
  for (auto [i, op] : llvm::enumerate(body))
    order[&op] = i;
  ArenaPlan plan;
  for (auto allocation :
       llvm::make_early_inc_range(body.getOps<memref::AllocOp>())) {
    if (allocation->use_empty()) {
      allocation.erase();
      continue;
    }
    plan.buffers.push_back({allocation, getBufferBytes(allocation.getType()),
                            order[allocation], lastUse(allocation, body, order),
                            0});
  }

  SmallVector<PlannedBuffer *> bySize;
  for (PlannedBuffer &buffer : plan.buffers)
    bySize.push_back(&buffer);
  llvm::stable_sort(bySize, [](const PlannedBuffer *a, const PlannedBuffer *b) {
    return a->bytes > b->bytes;
  });
  SmallVector<PlannedBuffer *> placed;
  for (PlannedBuffer *buffer : bySize) {
    SmallVector<PlannedBuffer *> alive = llvm::to_vector(
        llvm::make_filter_range(placed, [&](PlannedBuffer *other) {
          return other->begin <= buffer->end && buffer->begin <= other->end;
        }));
    llvm::sort(alive, [](const PlannedBuffer *a, const PlannedBuffer *b) {
      return a->offset < b->offset;
    });
    int64_t offset = 0;
    for (PlannedBuffer *other : alive) {
      if (offset + buffer->bytes <= other->offset)
        break;
      offset =
          std::max<int64_t>(offset, llvm::alignTo(other->offset + other->bytes,
                                                  kBufferAlignment));
    }
    buffer->offset = offset;
    plan.bytes = std::max<int64_t>(
        plan.bytes, llvm::alignTo(offset + buffer->bytes, kBufferAlignment));
    placed.push_back(buffer);
  }
  return plan;
}

void spk::placeBuffers(const ArenaPlan &plan, Value arena) {
  for (const PlannedBuffer &buffer : plan.buffers) {
    memref::AllocOp allocation = buffer.allocation;
    OpBuilder b(allocation);
    Value offset =
        arith::ConstantIndexOp::create(b, allocation.getLoc(), buffer.offset);
    Value view =
        memref::ViewOp::create(b, allocation.getLoc(), allocation.getType(),
                               arena, offset, ValueRange());
    allocation.replaceAllUsesWith(view);
    allocation.erase();
  }
}
