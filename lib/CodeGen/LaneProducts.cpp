//===- LaneProducts.cpp - matrix products per head at 64 channels
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One row of a product is computed for 64 channels at a time: for every term,
// the row's number times the 64 columns. Rows of spikes add the columns of
// their set bits; columns of spikes add the row's number where they are set.
//
//===----------------------------------------------------------------------===//

#include "AttentionBlocks.h"
#include "LaneEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

/// One row of a product.
class ProductRow {
public:
  ProductRow(KernelBuilder &b, MatmulOp op, Value rows, SmallVector<Value> at,
             llvm::function_ref<FailureOr<Lanes>(Value)> emitColumns,
             llvm::function_ref<Value(const Lanes &)> toFloat)
      : b(b), op(op), rows(rows), at(std::move(at)), emitColumns(emitColumns),
        toFloat(toFloat) {}

  /// `sum` and the terms of `head`, at the lanes of `own` if it is there.
  FailureOr<Value> emitHead(Value head, Value own, Value sum) {
    this->own = own;
    Value first = b.mulIndex(head, op.getNumTerms());
    bool isFloat = getElementTypeOrSelf(op.getRows()).isF32();
    Value result = isFloat ? emitFloats(first, sum) : emitPlanes(first, sum);
    if (failed(status))
      return failure();
    return result;
  }

private:
  Value emitFloats(Value first, Value sum) {
    return b
        .loop(b.index(0), b.index(op.getNumTerms()), {sum},
              [&](Value k, ValueRange carried) -> SmallVector<Value> {
                SmallVector<Value> indices(at);
                indices.push_back(b.addIndex(first, k));
                Value x = memref::LoadOp::create(b, rows, indices);
                return {addTerm(k, x, carried[0])};
              })
        .front();
  }

  /// Spikes or integers: the terms whose bit is set in some plane.
  Value emitPlanes(Value first, Value sum) {
    Value last = b.addIndex(first, op.getNumTerms());
    auto [firstWord, endWord] = wordsOf(b, first, last);
    return b
        .loop(firstWord, endWord, {sum},
              [&](Value w, ValueRange outer) {
                SmallVector<Value> planes = loadPlanes(w);
                Value any = planes.front();
                for (Value plane : ArrayRef(planes).drop_front())
                  any = arith::OrIOp::create(b, any, plane);
                any = arith::AndIOp::create(b, any,
                                            channelMask(b, w, first, last));
                Value base = b.mulIndex(w, kLanes);
                return b.forEachSetBit(
                    any, outer,
                    [&](Value bit, ValueRange inner) -> SmallVector<Value> {
                      Value k = arith::SubIOp::create(b, b.addIndex(base, bit),
                                                      first);
                      return {addTerm(k, getInteger(planes, bit), inner[0])};
                    });
              })
        .front();
  }

  SmallVector<Value> loadPlanes(Value w) {
    SmallVector<Value> planes;
    int64_t count = cast<MemRefType>(rows.getType()).getShape().back();
    for (int64_t plane = 0; plane < count; ++plane) {
      SmallVector<Value> indices(at);
      indices.append({w, b.index(plane)});
      planes.push_back(memref::LoadOp::create(b, rows, indices));
    }
    return planes;
  }

  /// The integer at a set bit as f32; null where it can only be 1.
  Value getInteger(ArrayRef<Value> planes, Value bit) {
    if (planes.size() == 1)
      return Value();
    Value shift = arith::IndexCastUIOp::create(b, b.getI64Type(), bit);
    Value sum = b.word(0);
    for (auto [i, plane] : llvm::enumerate(planes)) {
      Value digit = arith::AndIOp::create(
          b, arith::ShRUIOp::create(b, plane, shift), b.word(1));
      sum = arith::OrIOp::create(b, sum,
                                 arith::ShLIOp::create(b, digit, b.word(i)));
    }
    return arith::UIToFPOp::create(b, b.getF32Type(), sum);
  }

  /// `sum` and x, or 1, times the columns of term k.
  Value addTerm(Value k, Value x, Value sum) {
    FailureOr<Lanes> columns = emitColumns(k);
    if (failed(columns)) {
      status = failure();
      return sum;
    }
    if (x)
      x = vector::BroadcastOp::create(b, b.floatLanes(), x);
    Value next = columns->vector ? addFloats(x, columns->vector, sum)
                                 : addPlanes(x, *columns, sum);
    return own ? arith::SelectOp::create(b, own, next, sum) : next;
  }

  Value addFloats(Value x, Value columns, Value sum) {
    if (op.getSumKind() == SumKind::FMA)
      return math::FmaOp::create(b, columns, x, sum);
    Value term = x ? arith::MulFOp::create(b, x, columns) : columns;
    return arith::AddFOp::create(b, sum, term);
  }

  Value addPlanes(Value x, const Lanes &columns, Value sum) {
    Value term = x;
    if (!x)
      term = toFloat(columns);
    else if (columns.planes.size() > 1)
      term = arith::MulFOp::create(b, x, toFloat(columns));
    Value any = columns.planes.front();
    for (Value plane : ArrayRef(columns.planes).drop_front())
      any = arith::OrIOp::create(b, any, plane);
    // Adding +0 changes no sum, as none is -0.
    term = arith::SelectOp::create(b, b.wordToMask(any), term, b.splat(0.0f));
    return arith::AddFOp::create(b, sum, term);
  }

  KernelBuilder &b;
  MatmulOp op;
  Value rows;
  SmallVector<Value> at;
  llvm::function_ref<FailureOr<Lanes>(Value)> emitColumns;
  llvm::function_ref<Value(const Lanes &)> toFloat;
  Value own;
  LogicalResult status = success();
};

} // namespace

FailureOr<Lanes> LaneEmitter::emitMatmul(MatmulOp op, const Position &at) {
  auto rowsType = cast<RankedTensorType>(op.getRows().getType());
  int64_t width = op.getHeadWidth(), heads = op.getNumHeads();
  auto emitColumns = [&](Value k) {
    Position term = at;
    term.axes = {k};
    return emit(op.getColumns(), term);
  };
  auto asFloat = [&](const Lanes &lanes) { return toFloat(lanes); };
  ProductRow row(b, op, buffers.lookup(op.getRows()), indicesOf(rowsType, at),
                 emitColumns, asFloat);

  Value begin = b.mulIndex(at.block, kLanes);
  Value end = b.minIndex(b.addIndex(begin, kLanes), b.index(heads * width));
  bool sharesBlocks = heads > 1 && width % kLanes != 0;
  LogicalResult status = success();
  Value sum =
      b.loop(b.floorDiv(begin, width),
             b.addIndex(b.floorDiv(b.addIndex(end, -1), width), 1),
             {b.splat(0.0f)},
             [&](Value head, ValueRange carried) -> SmallVector<Value> {
               Value own;
               if (sharesBlocks)
                 own = b.wordToMask(emitRunLanes(head, width, at.block));
               FailureOr<Value> next = row.emitHead(head, own, carried[0]);
               if (failed(next)) {
                 status = failure();
                 return {carried[0]};
               }
               return {*next};
             })
          .front();
  if (failed(status))
    return failure();
  // A product that underflows leaves -0.
  if (op.getSumKind() == SumKind::FMA)
    sum = arith::AddFOp::create(b, sum, b.splat(0.0f));
  return Lanes::ofVector(sum);
}
