//===- SynapseStrategy.cpp - ways to sum spikes times weights
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/SynapseStrategy.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <cmath>

using namespace mlir;
using namespace mlir::spk;

ArrayRef<const SynapseStrategy *> spk::getSynapseStrategies() {
  static const SynapseStrategy *const strategies[] = {
      &getRowAccumulate(), &getTable(), &getTableAndRows(),
      &getSelectAccumulate(), &getDenseFMA()};
  return strategies;
}

const SynapseStrategy *spk::lookupSynapseStrategy(StringRef name) {
  for (const SynapseStrategy *strategy : getSynapseStrategies())
    if (strategy->getName() == name)
      return strategy;
  return nullptr;
}

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<ShapedType>(value.getType()).getShape();
}

int64_t SynapseSite::getInputChannels() const {
  Value operand = const_cast<SynapseOpInterface &>(op).getSynapseInput();
  return shapeOf(operand).back();
}

int64_t SynapseSite::getPlanes() const { return shapeOf(input).back(); }

int64_t SynapseSite::getWords() const {
  return shapeOf(input).drop_back().back();
}

SmallVector<Value> SynapseSite::forEachTap(
    KernelBuilder &builder, ValueRange carried,
    llvm::function_ref<SmallVector<Value>(ValueRange, Value, ValueRange)> body)
    const {
  SynapseOpInterface synapse = op;
  ArrayRef<int64_t> shape = shapeOf(input);
  Value time = shape[0] == 1 ? builder.index(0) : t;
  int64_t channels = getInputChannels();
  SmallVector<Value> at = {time, b};
  auto [rows, columns] = synapse.getWindow();
  bool isConv = isa<ConvOp>(synapse.getOperation());
  if (!isConv) {
    llvm::append_range(at, position);
    return body(at, builder.index(0), carried);
  }

  // The taps that fall inside the input: no test in the inner loops.
  auto [strideY, strideX] = synapse.getWindowStride();
  auto [padY, padX] = synapse.getWindowPadding();
  auto range = [&](Value out, int64_t stride, int64_t pad, int64_t window,
                   int64_t size) -> std::tuple<Value, Value, Value> {
    Value origin = builder.mulIndex(out, stride);
    Value lower = arith::MaxSIOp::create(
        builder, builder.index(0),
        arith::SubIOp::create(builder, builder.index(pad), origin));
    Value upper = arith::MinSIOp::create(
        builder, builder.index(window),
        arith::SubIOp::create(builder, builder.index(size + pad), origin));
    return {origin, lower, upper};
  };
  auto [originY, lowerY, upperY] =
      range(position[0], strideY, padY, rows, shape[2]);
  auto [originX, lowerX, upperX] =
      range(position[1], strideX, padX, columns, shape[3]);
  Value firstY = originY, firstX = originX;
  int64_t numColumns = columns, paddingY = padY, paddingX = padX;
  Value fromX = lowerX, toX = upperX;
  return builder.loop(lowerY, upperY, carried, [&](Value ky, ValueRange outer) {
    Value y = arith::SubIOp::create(builder, builder.addIndex(firstY, ky),
                                    builder.index(paddingY));
    return builder.loop(fromX, toX, outer, [&](Value kx, ValueRange inner) {
      Value x = arith::SubIOp::create(builder, builder.addIndex(firstX, kx),
                                      builder.index(paddingX));
      Value tap = builder.addIndex(builder.mulIndex(ky, numColumns), kx);
      return body({time, b, y, x}, builder.mulIndex(tap, channels), inner);
    });
  });
}

Value SynapseSite::combinePlanes(
    KernelBuilder &b, int64_t first, int64_t end, Value sum,
    llvm::function_ref<Value(Value)> sumPlane) const {
  if (getPlanes() == 1)
    return sumPlane(b.index(0));
  if (!sum)
    sum = b.zeroLanes(b.getF32Type());
  auto number = [&](float value) -> Value {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
  };
  return b
      .loop(b.index(first), b.index(end),
            {sum, number(std::ldexp(1.0f, first))},
            [&](Value plane, ValueRange carried) -> SmallVector<Value> {
              Value weight =
                  vector::BroadcastOp::create(b, b.floatLanes(), carried[1]);
              Value scaled = arith::MulFOp::create(b, sumPlane(plane), weight);
              return {arith::AddFOp::create(b, carried[0], scaled),
                      arith::MulFOp::create(b, carried[1], number(2.0f))};
            })
      .front();
}

//===----------------------------------------------------------------------===//
// SynapseTile
//===----------------------------------------------------------------------===//

SmallVector<Value> SynapseRun::at(KernelBuilder &b, Value i) const {
  SmallVector<Value> indices(input);
  indices.back() = b.addIndex(indices.back(), b.mulIndex(i, stride));
  return indices;
}

int64_t SynapseTile::getSteps() const { return shapeOf(sums)[0]; }

int64_t SynapseTile::getCapacity() const { return shapeOf(sums)[1]; }

int64_t SynapseTile::getInputChannels() const {
  return shapeOf(const_cast<SynapseOpInterface &>(op).getSynapseInput()).back();
}

int64_t SynapseTile::getPlanes() const { return shapeOf(input).back(); }

std::pair<int64_t, int64_t> SynapseTile::getOutputSize(SynapseOpInterface op) {
  ArrayRef<int64_t> axes = shapeOf(op->getResult(0)).drop_front(2).drop_back();
  return {axes.size() > 1 ? axes[0] : 1, axes.empty() ? 1 : axes.back()};
}

Value SynapseTile::getRow(KernelBuilder &builder, ValueRange position) const {
  Value row = builder.index(0);
  if (!position.empty())
    row = arith::SubIOp::create(builder, position.back(), firstX);
  if (position.size() < 2)
    return row;
  Value line = arith::SubIOp::create(builder, position.front(), firstY);
  return builder.addIndex(builder.mulIndex(line, pitch), row);
}

void SynapseTile::forEachTap(
    KernelBuilder &b, llvm::function_ref<void(const SynapseTap &)> body) const {
  SynapseOpInterface synapse = op;
  auto [rows, columns] = synapse.getWindow();
  int64_t numColumns = columns;
  b.loop(b.index(0), b.index(rows), [&](Value ky) {
    b.loop(b.index(0), b.index(numColumns), [&](Value kx) {
      Value tap = b.addIndex(b.mulIndex(ky, numColumns), kx);
      body({ky, kx, b.mulIndex(tap, getInputChannels())});
    });
  });
}

void SynapseTile::forEachRun(
    KernelBuilder &builder, const SynapseTap &tap,
    llvm::function_ref<void(const SynapseRun &)> body) const {
  SynapseOpInterface synapse = op;
  ArrayRef<int64_t> shape = shapeOf(synapse.getSynapseInput());
  int64_t axes = shape.size() - 3;
  bool isConv = isa<ConvOp>(synapse.getOperation());
  std::pair<int64_t, int64_t> stride = {1, 1}, padding = {0, 0};
  if (isConv) {
    stride = synapse.getWindowStride();
    padding = synapse.getWindowPadding();
  }
  // Output positions [lower, upper) of the tile along one axis whose input at
  // the tap lies in [0, size): out * stride + tap - pad is that input.
  auto range = [&](Value first, Value count, Value offset, int64_t step,
                   int64_t pad, int64_t size) -> std::pair<Value, Value> {
    Value end = builder.addIndex(first, count);
    if (!isConv)
      return {first, end};
    Value before = arith::SubIOp::create(builder, builder.index(pad), offset);
    auto ceilDiv = [&](Value x) {
      x = arith::MaxSIOp::create(builder, x, builder.index(0));
      return builder.floorDiv(builder.addIndex(x, step - 1), step);
    };
    Value low = ceilDiv(before);
    Value high = ceilDiv(builder.addIndex(before, size));
    return {arith::MaxSIOp::create(builder, first, low),
            arith::MinSIOp::create(builder, end, high)};
  };
  auto source = [&](Value out, Value offset, int64_t step,
                    int64_t pad) -> Value {
    if (!isConv)
      return out;
    return arith::SubIOp::create(
        builder, builder.addIndex(builder.mulIndex(out, step), offset),
        builder.index(pad));
  };
  auto [fromY, toY] = range(firstY, numY, tap.y, stride.first, padding.first,
                            isConv ? shape[2] : 1);
  auto [fromX, toX] = range(firstX, numX, tap.x, stride.second, padding.second,
                            isConv ? shape[3] : 1);
  Value beginX = fromX;
  Value count = arith::MaxSIOp::create(
      builder, arith::SubIOp::create(builder, toX, fromX), builder.index(0));
  Value column = arith::SubIOp::create(builder, beginX, firstX);
  Value sourceX = source(beginX, tap.x, stride.second, padding.second);
  Value beginY = fromY, endY = toY;
  // A body may read the first position before it looks at the count.
  auto isAny = scf::IfOp::create(
      builder, arith::CmpIOp::create(builder, arith::CmpIPredicate::sgt, count,
                                     builder.index(0)));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(isAny.thenBlock());
  builder.loop(builder.index(0), builder.index(getSteps()), [&](Value t) {
    builder.loop(beginY, endY, [&](Value y) {
      SynapseRun run;
      run.t = t;
      run.stride = stride.second;
      run.count = count;
      Value row = arith::SubIOp::create(builder, y, firstY);
      run.first = builder.addIndex(builder.mulIndex(row, pitch), column);
      run.input = {shape[0] == 1 ? builder.index(0) : t, b};
      if (axes > 1)
        run.input.push_back(source(y, tap.y, stride.first, padding.first));
      if (axes > 0)
        run.input.push_back(sourceX);
      body(run);
    });
  });
}

void SynapseTile::forEachSum(
    KernelBuilder &builder, llvm::function_ref<void(Value, Value)> body) const {
  builder.loop(builder.index(0), builder.index(getSteps()), [&](Value t) {
    builder.loop(builder.index(0), numY, [&](Value y) {
      Value row = builder.mulIndex(y, pitch);
      builder.loop(builder.index(0), numX,
                   [&](Value x) { body(t, builder.addIndex(row, x)); });
    });
  });
}

void SynapseTile::clearSums(KernelBuilder &builder) const {
  Value zero = builder.zeroLanes(builder.getF32Type());
  forEachSum(builder, [&](Value t, Value row) {
    vector::StoreOp::create(builder, zero, sums,
                            ValueRange{t, row, builder.index(0)});
  });
}
