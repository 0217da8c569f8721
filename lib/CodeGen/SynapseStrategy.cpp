//===- SynapseStrategy.cpp - ways to sum spikes times weights
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/SynapseStrategy.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;
using namespace mlir::spk;

ArrayRef<const SynapseStrategy *> spk::getSynapseStrategies() {
  static const SynapseStrategy *const strategies[] = {
      &getDepthwise(),    &getRowAccumulate(),    &getTable(),
      &getTableAndRows(), &getSelectAccumulate(), &getDenseFMA()};
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

static bool readsOwnInputs(FusedOp layer) {
  const SynapseStrategy *strategy =
      lookupSynapseStrategy(layer.getStrategy().value_or(""));
  return strategy && strategy->readsOwnInputs();
}

/// Weight rows of one tap.
static int64_t getRowsPerTap(FusedOp layer) {
  SynapseOpInterface synapse = layer.getSynapse();
  return readsOwnInputs(layer) ? synapse.getChannelsPerGroup()
                               : SynapseInputs(synapse).getNumChannels();
}

Value spk::packWeights(OpBuilder &b, FusedOp layer, Value weight) {
  SynapseOpInterface synapse = layer.getSynapse();
  SynapseInputs inputs(synapse);
  bool isOwn = readsOwnInputs(layer);
  auto [rows, columns] = synapse.getWindow();
  int64_t blocks = llvm::divideCeil(synapse.getOutputChannels(), kLanes);
  DenseI64ArrayAttr firstInputs;
  if (inputs.isGrouped() && !isOwn)
    firstInputs = b.getDenseI64ArrayAttr(
        llvm::map_to_vector(llvm::seq(blocks), [&](int64_t block) {
          return inputs.getFirst(block);
        }));
  auto type = cast<RankedTensorType>(weight.getType());
  return PackWeightsOp::create(
      b, layer.getLoc(),
      type.clone({blocks, rows * columns * getRowsPerTap(layer), kLanes}),
      weight, synapse.getNumGroups(), firstInputs, isOwn);
}

int64_t SynapseSite::getPlanes() const { return shapeOf(input).back(); }

Value SynapseSite::loadWord(KernelBuilder &b, ValueRange at, Value w,
                            Value plane) const {
  return getInputs().loadWord(b, input, at, block, w, plane);
}

SmallVector<Value> SynapseSite::forEachTap(
    KernelBuilder &builder, ValueRange carried,
    llvm::function_ref<SmallVector<Value>(ValueRange, Value, ValueRange)> body)
    const {
  SynapseOpInterface synapse = op;
  ArrayRef<int64_t> shape = shapeOf(input);
  Value time = shape[0] == 1 ? builder.index(0) : t;
  int64_t rows = getRowsPerTap(op->getParentOfType<FusedOp>());
  SmallVector<Value> at = {time, b};
  auto [windowRows, windowColumns] = synapse.getWindow();
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
      range(position[0], strideY, padY, windowRows, shape[2]);
  auto [originX, lowerX, upperX] =
      range(position[1], strideX, padX, windowColumns, shape[3]);
  Value firstY = originY, firstX = originX;
  int64_t numColumns = windowColumns, paddingY = padY, paddingX = padX;
  Value fromX = lowerX, toX = upperX;
  return builder.loop(lowerY, upperY, carried, [&](Value ky, ValueRange outer) {
    Value y = arith::SubIOp::create(builder, builder.addIndex(firstY, ky),
                                    builder.index(paddingY));
    return builder.loop(fromX, toX, outer, [&](Value kx, ValueRange inner) {
      Value x = arith::SubIOp::create(builder, builder.addIndex(firstX, kx),
                                      builder.index(paddingX));
      Value tap = builder.addIndex(builder.mulIndex(ky, numColumns), kx);
      return body({time, b, y, x}, builder.mulIndex(tap, rows), inner);
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
