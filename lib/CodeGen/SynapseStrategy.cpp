//===- SynapseStrategy.cpp - ways to sum spikes times weights
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/SynapseStrategy.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::spk;

ArrayRef<const SynapseStrategy *> spk::getSynapseStrategies() {
  static const SynapseStrategy *const strategies[] = {
      &getRowAccumulate(), &getSelectAccumulate(), &getDenseFMA()};
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
    KernelBuilder &b, llvm::function_ref<Value(Value)> sumPlane) const {
  if (getPlanes() == 1)
    return sumPlane(b.index(0));
  Value one = arith::ConstantOp::create(b, b.getF32FloatAttr(1.0f));
  Value two = arith::ConstantOp::create(b, b.getF32FloatAttr(2.0f));
  return b
      .loop(b.index(0), b.index(getPlanes()),
            {b.zeroLanes(b.getF32Type()), one},
            [&](Value plane, ValueRange carried) -> SmallVector<Value> {
              Value weight =
                  vector::BroadcastOp::create(b, b.floatLanes(), carried[1]);
              Value scaled = arith::MulFOp::create(b, sumPlane(plane), weight);
              return {arith::AddFOp::create(b, carried[0], scaled),
                      arith::MulFOp::create(b, carried[1], two)};
            })
      .front();
}

//===----------------------------------------------------------------------===//
// SynapseTile
//===----------------------------------------------------------------------===//

int64_t SynapseTile::getSteps() const { return shapeOf(sums)[0]; }

SmallVector<Value> SynapseTile::getPosition(KernelBuilder &builder,
                                            Value position) const {
  SynapseOpInterface synapse = op;
  ArrayRef<int64_t> shape =
      shapeOf(synapse->getResult(0)).drop_front(2).drop_back();
  SmallVector<Value> axes(shape.size());
  for (int64_t axis = shape.size() - 1; axis > 0; --axis) {
    axes[axis] = builder.remainder(position, shape[axis]);
    position = builder.floorDiv(position, shape[axis]);
  }
  if (!axes.empty())
    axes[0] = position;
  return axes;
}

void SynapseTile::forEachInputBlock(
    KernelBuilder &builder, int64_t wordsPerBlock,
    llvm::function_ref<void(Value, Value, ValueRange, Value, Value, Value)>
        body) const {
  SynapseOpInterface synapse = op;
  ArrayRef<int64_t> shape = shapeOf(input);
  int64_t words = shape.drop_back().back();
  int64_t channels = shapeOf(synapse.getSynapseInput()).back();
  auto [rows, columns] = synapse.getWindow();
  auto [strideY, strideX] = synapse.getWindowStride();
  auto [padY, padX] = synapse.getWindowPadding();
  bool isConv = isa<ConvOp>(synapse.getOperation());
  Value zero = builder.index(0);

  /// Index of the input along one axis, and whether it exists.
  auto inputIndex = [&](Value out, int64_t stride, int64_t pad, Value tap,
                        int64_t size) -> std::pair<Value, Value> {
    Value at = arith::SubIOp::create(
        builder, builder.addIndex(builder.mulIndex(out, stride), tap),
        builder.index(pad));
    // Unsigned, an index left of the border is a huge one.
    Value inside = arith::CmpIOp::create(builder, arith::CmpIPredicate::ult, at,
                                         builder.index(size));
    return {at, inside};
  };

  auto visit = [&](Value ky, Value kx, Value firstRow, Value from, Value to) {
    builder.loop(zero, builder.index(getSteps()), [&](Value t) {
      builder.loop(zero, count, [&](Value i) {
        SmallVector<Value> axes =
            getPosition(builder, builder.addIndex(firstPosition, i));
        SmallVector<Value> at = {t, b};
        if (!isConv) {
          llvm::append_range(at, axes);
          return body(t, i, at, from, to, firstRow);
        }
        auto [y, insideY] = inputIndex(axes[0], strideY, padY, ky, shape[2]);
        auto [x, insideX] = inputIndex(axes[1], strideX, padX, kx, shape[3]);
        at.append({y, x});
        auto guarded = scf::IfOp::create(
            builder, arith::AndIOp::create(builder, insideY, insideX));
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPointToStart(guarded.thenBlock());
        body(t, i, at, from, to, firstRow);
      });
    });
  };

  int64_t numColumns = columns;
  builder.loop(zero, builder.index(rows), [&](Value ky) {
    builder.loop(zero, builder.index(numColumns), [&](Value kx) {
      Value tap = builder.addIndex(builder.mulIndex(ky, numColumns), kx);
      Value firstRow = builder.mulIndex(tap, channels);
      builder.loop(
          zero, builder.index(words),
          [&](Value from) {
            Value to = arith::MinSIOp::create(
                builder, builder.addIndex(from, wordsPerBlock),
                builder.index(words));
            visit(ky, kx, firstRow, from, to);
          },
          wordsPerBlock);
    });
  });
}
