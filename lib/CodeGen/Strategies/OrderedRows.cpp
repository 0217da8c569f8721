//===- OrderedRows.cpp - add weight rows, positions in order
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowAccumulate.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "spk/CodeGen/PositionOrder.h"

using namespace mlir;
using namespace mlir::spk;

void spk::emitOrderedRows(KernelBuilder &b, const SynapseTile &tile,
                          Value plane, Value scale) {
  int64_t words = tile.getInputs().getNumWords();
  int64_t pairs = llvm::divideCeil(words, PositionOrder::kWords);
  tile.forEachTap(b, [&](const SynapseTap &tap) {
    b.loop(b.index(0), b.index(pairs), [&](Value pair) {
      SmallVector<Value> slot = {plane, tile.b, tile.index,
                                 b.addIndex(b.mulIndex(tap.y, pairs), pair)};
      auto load = [&](Value entry, int64_t field) -> Value {
        SmallVector<Value> at(slot);
        at.append({entry, b.index(field)});
        return memref::LoadOp::create(b, tile.order, at);
      };
      auto loadEntry = [&](Value entry) {
        SmallVector<Value> fields;
        for (int64_t field = 0; field < PositionOrder::kFields; ++field)
          fields.push_back(load(entry, field));
        return fields;
      };
      Value last = arith::IndexCastUIOp::create(b, b.getIndexType(),
                                                load(b.index(0), 0));
      Value firstRow = b.addIndex(
          tap.firstRow, b.mulIndex(pair, PositionOrder::kWords * kWordBits));
      b.loopAhead(
          b.index(1), b.addIndex(last, 1), loadEntry,
          [&](Value, ValueRange fields) {
            // Taps further right add to sums further left.
            Value at =
                arith::SubIOp::create(b,
                                      arith::IndexCastUIOp::create(
                                          b, b.getIndexType(), fields.back()),
                                      tap.x);
            Value sum = b.loadRow(tile.sums, {at});
            for (int64_t w = 0; w < std::min(words, PositionOrder::kWords); ++w)
              sum = addRows(b, tile.weights, tile.block, fields[w],
                            b.addIndex(firstRow, w * kWordBits), sum, scale);
            vector::StoreOp::create(b, sum, tile.sums,
                                    ValueRange{at, b.index(0)});
          });
    });
  });
}
