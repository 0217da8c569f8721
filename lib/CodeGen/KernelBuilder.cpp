//===- KernelBuilder.cpp - IR of kernels
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/KernelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::spk;

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}
Value KernelBuilder::word(int64_t value) {
  return arith::ConstantIntOp::create(*this, value, kWordBits);
}
Value KernelBuilder::addIndex(Value a, int64_t b) {
  return b == 0 ? a : addIndex(a, index(b));
}
Value KernelBuilder::addIndex(Value a, Value b) {
  return arith::AddIOp::create(*this, a, b);
}
Value KernelBuilder::mulIndex(Value a, int64_t b) {
  return b == 1 ? a : arith::MulIOp::create(*this, a, index(b)).getResult();
}
Value KernelBuilder::floorDiv(Value a, int64_t b) {
  return b == 1 ? a : arith::DivUIOp::create(*this, a, index(b)).getResult();
}
Value KernelBuilder::remainder(Value a, int64_t b) {
  return b == 1 ? index(0)
                : arith::RemUIOp::create(*this, a, index(b)).getResult();
}

Value KernelBuilder::minIndex(Value a, Value b) {
  return arith::MinSIOp::create(*this, a, b);
}
Value KernelBuilder::maxIndex(Value a, Value b) {
  return arith::MaxSIOp::create(*this, a, b);
}

//===----------------------------------------------------------------------===//
// Lanes and words
//===----------------------------------------------------------------------===//

VectorType KernelBuilder::lanes(Type element) {
  return VectorType::get({kLanes}, element);
}

Value KernelBuilder::splat(float value) {
  return arith::ConstantOp::create(*this,
                                   DenseElementsAttr::get(floatLanes(), value));
}

Value KernelBuilder::zeroLanes(Type element) {
  return arith::ConstantOp::create(*this, getZeroAttr(lanes(element)));
}

Value KernelBuilder::wordToMask(Value word) {
  Value one = vector::FromElementsOp::create(
      *this, VectorType::get({1}, getI64Type()), word);
  return vector::BitCastOp::create(*this, lanes(getI1Type()), one);
}

Value KernelBuilder::maskToWord(Value mask) {
  Value one = vector::BitCastOp::create(
      *this, VectorType::get({1}, getI64Type()), mask);
  return vector::ExtractOp::create(*this, one, int64_t(0));
}

Value KernelBuilder::validLanes(Value block, int64_t channels) {
  int64_t tail = channels % kLanes;
  if (tail == 0)
    return word(-1);
  Value isLast = arith::CmpIOp::create(*this, arith::CmpIPredicate::eq, block,
                                       index(channels / kLanes));
  return arith::SelectOp::create(*this, isLast, word((int64_t(1) << tail) - 1),
                                 word(-1));
}

Value KernelBuilder::wordRange(Value lo, Value hi) {
  // A shift by 64 is undefined: shift by at most 63, twice.
  auto bitsBelow = [&](Value bound) -> Value {
    Value amount = arith::IndexCastUIOp::create(*this, getI64Type(), bound);
    Value half = arith::ShRUIOp::create(*this, amount, word(1));
    Value rest = arith::SubIOp::create(*this, amount, half);
    Value shifted = arith::ShLIOp::create(
        *this, arith::ShLIOp::create(*this, word(-1), half), rest);
    return arith::XOrIOp::create(*this, shifted, word(-1));
  };
  return arith::AndIOp::create(
      *this, bitsBelow(hi),
      arith::XOrIOp::create(*this, bitsBelow(lo), word(-1)));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value KernelBuilder::loadLanes(Value buffer, ValueRange indices, Value block,
                               int64_t channels) {
  SmallVector<Value> at(indices);
  at.push_back(mulIndex(block, kLanes));
  VectorType type = lanes(cast<MemRefType>(buffer.getType()).getElementType());
  if (channels % kLanes == 0)
    return vector::LoadOp::create(*this, type, buffer, at);
  return vector::MaskedLoadOp::create(*this, type, buffer, at,
                                      wordToMask(validLanes(block, channels)),
                                      zeroLanes(type.getElementType()));
}

void KernelBuilder::storeLanes(Value lanes, Value buffer, ValueRange indices,
                               Value block, int64_t channels) {
  SmallVector<Value> at(indices);
  at.push_back(mulIndex(block, kLanes));
  if (channels % kLanes == 0) {
    vector::StoreOp::create(*this, lanes, buffer, at);
    return;
  }
  vector::MaskedStoreOp::create(*this, buffer, at,
                                wordToMask(validLanes(block, channels)), lanes);
}

Value KernelBuilder::scratch(func::FuncOp kernel, MemRefType type) {
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(&kernel.getBody().front());
  return memref::AllocaOp::create(*this, type, getI64IntegerAttr(64));
}

Value KernelBuilder::loadRow(Value buffer, ValueRange indices) {
  SmallVector<Value> at(indices);
  at.push_back(index(0));
  return vector::LoadOp::create(
      *this, lanes(cast<MemRefType>(buffer.getType()).getElementType()), buffer,
      at);
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

SmallVector<Value> KernelBuilder::loop(
    Value lower, Value upper, ValueRange carried,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body,
    int64_t step) {
  auto loop = scf::ForOp::create(*this, lower, upper, index(step), carried);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  SmallVector<Value> results =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!carried.empty()) {
    setInsertionPointToEnd(loop.getBody());
    scf::YieldOp::create(*this, results);
  }
  return SmallVector<Value>(loop.getResults());
}

void KernelBuilder::loop(Value lower, Value upper,
                         llvm::function_ref<void(Value)> body, int64_t step) {
  loop(
      lower, upper, {},
      [&](Value iv, ValueRange) {
        body(iv);
        return SmallVector<Value>();
      },
      step);
}

void KernelBuilder::loopAhead(
    Value lower, Value upper,
    llvm::function_ref<SmallVector<Value>(Value)> load,
    llvm::function_ref<void(Value, ValueRange)> body, int64_t step) {
  auto isAny = scf::IfOp::create(
      *this,
      arith::CmpIOp::create(*this, arith::CmpIPredicate::slt, lower, upper));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(isAny.thenBlock());
  Value last = addIndex(upper, -step);
  // One iteration is not enough: LLVM moves a load down to its use.
  SmallVector<Value> ahead = load(lower);
  llvm::append_range(ahead, load(minIndex(addIndex(lower, step), last)));
  loop(
      lower, upper, ahead,
      [&](Value i, ValueRange values) {
        size_t half = values.size() / 2;
        SmallVector<Value> next(values.drop_front(half));
        llvm::append_range(next, load(minIndex(addIndex(i, 2 * step), last)));
        body(i, values.take_front(half));
        return next;
      },
      step);
}

void KernelBuilder::parallelLoop(int64_t count,
                                 llvm::function_ref<void(Value)> body) {
  auto loop =
      scf::ParallelOp::create(*this, ValueRange{index(0)},
                              ValueRange{index(count)}, ValueRange{index(1)});
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVars().front());
}

SmallVector<Value> KernelBuilder::forEachSetBit(
    Value word, ValueRange carried,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  SmallVector<Value> inits = {word};
  llvm::append_range(inits, carried);
  SmallVector<Type> types = llvm::to_vector(ValueRange(inits).getTypes());
  Value zero = this->word(0), one = this->word(1);
  auto loop = scf::WhileOp::create(*this, types, inits);
  OpBuilder::InsertionGuard guard(*this);
  SmallVector<Location> locs(types.size(), getLoc());
  Block *before = createBlock(&loop.getBefore(), {}, types, locs);
  Value more = arith::CmpIOp::create(*this, arith::CmpIPredicate::ne,
                                     before->getArgument(0), zero);
  scf::ConditionOp::create(*this, more, before->getArguments());
  Block *after = createBlock(&loop.getAfter(), {}, types, locs);
  Value bits = after->getArgument(0);
  Value bit = arith::IndexCastUIOp::create(
      *this, getIndexType(), math::CountTrailingZerosOp::create(*this, bits));
  // x & (x - 1) drops the lowest set bit.
  Value rest = arith::AndIOp::create(*this, bits,
                                     arith::SubIOp::create(*this, bits, one));
  SmallVector<Value> yielded = {rest};
  llvm::append_range(yielded, body(bit, after->getArguments().drop_front()));
  scf::YieldOp::create(*this, yielded);
  return SmallVector<Value>(loop.getResults().drop_front());
}
