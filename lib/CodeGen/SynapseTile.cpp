//===- SynapseTile.cpp - rectangles of output positions
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/SynapseTile.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "spk/CodeGen/CostModel.h"

using namespace mlir;
using namespace mlir::spk;

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<ShapedType>(value.getType()).getShape();
}

/// Rows and columns of a tensor `[T, B, positions..., C]`.
static std::pair<int64_t, int64_t> getPositions(Value value) {
  ArrayRef<int64_t> axes = shapeOf(value).drop_front(2).drop_back();
  return {axes.size() > 1 ? axes[0] : 1, axes.empty() ? 1 : axes.back()};
}

static bool isConv(SynapseOpInterface op) {
  return isa<ConvOp>(op.getOperation());
}

//===----------------------------------------------------------------------===//
// Geometry
//===----------------------------------------------------------------------===//

std::pair<Value, Value> PoolWindow::getRange(KernelBuilder &b, Value begin,
                                             Value end, int64_t limit) const {
  auto origin = [&](Value window) {
    return arith::SubIOp::create(b, b.mulIndex(window, stride),
                                 b.index(padding));
  };
  Value first = b.maxIndex(origin(begin), b.index(0));
  Value last =
      b.minIndex(b.addIndex(origin(end), size - stride), b.index(limit));
  return {first, arith::SubIOp::create(b, last, first)};
}

/// The pool between a synapse and the results of its layer, if there is one:
/// the synapse has other positions than the layer then.
static MaxPoolOp getPoolOf(SynapseOpInterface synapse) {
  SetVector<Operation *> users;
  getForwardSlice(synapse->getResult(0), &users);
  for (Operation *user : users)
    if (auto pool = dyn_cast<MaxPoolOp>(user))
      return pool;
  return {};
}

/// Rows and columns of a tile of at most `positions`: whole rows where they
/// fit, pieces of a row otherwise, of even size.
static std::pair<int64_t, int64_t> fit(int64_t height, int64_t width,
                                       int64_t positions) {
  auto even = [](int64_t size, int64_t longest) -> int64_t {
    longest = std::clamp<int64_t>(longest, 1, size);
    return llvm::divideCeil(size, llvm::divideCeil(size, longest));
  };
  if (width <= positions)
    return {even(height, positions / width), width};
  return {1, even(width, positions)};
}

TileGeometry::TileGeometry(FusedOp layer) : op(layer.getSynapse()) {
  Value result = layer.getYield().getValues()[0];
  std::tie(height, width) = getPositions(result);
  std::tie(sizeY, sizeX) = getPositions(op->getResult(0));
  if (MaxPoolOp pool = getPoolOf(op)) {
    isPooled = true;
    windowY = {pool.getWindowExtent(0), pool.getStrides()[0],
               pool.getPadding()[0]};
    windowX = {pool.getWindowExtent(1), pool.getStrides()[1],
               pool.getPadding()[1]};
  }
  steps = shapeOf(op->getResult(0))[0];

  // Sums (positions × time steps) of one tile. At most what the cost model
  // leaves room for in the second-level cache: longer runs of positions use
  // each block of weights or tables more often. At least what pays for building
  // a table.
  constexpr int64_t kMinSums = 128;
  int64_t maxSums = kMaxTileSums;
  if (auto given = layer->getAttrOfType<IntegerAttr>(kTileSumsAttr))
    maxSums = std::max(given.getInt(), kMinSums);
  // Tiles × blocks of channels × batch that keep threads busy.
  constexpr int64_t kMinItems = 4;
  int64_t items =
      llvm::divideCeil(shapeOf(result).back(), kLanes) * shapeOf(result)[1];
  int64_t reduction = windowY.stride * windowX.stride;
  for (int64_t sums = maxSums; sums >= kMinSums; sums /= 2) {
    std::tie(rows, columns) =
        fit(height, width, std::max<int64_t>(1, sums / steps / reduction));
    if (items * getNumTiles() >= kMinItems)
      break;
  }

  isPadded = getTilesX() == 1 && op.getWindowStride().second == 1;
  margin = 0;
  pitch = windowX.getExtent(columns);
  if (isPadded) {
    auto [windowRows, windowColumns] = op.getWindow();
    int64_t padding = op.getWindowPadding().second;
    margin = std::max<int64_t>(0, windowColumns - 1 - padding);
    int64_t inputs = getPositions(op.getSynapseInput()).second;
    pitch = margin + std::max(inputs + padding, sizeX);
  }
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

SmallVector<Value> SynapseRun::at(KernelBuilder &b, Value i) const {
  SmallVector<Value> indices(input);
  indices.back() = b.addIndex(indices.back(), b.mulIndex(i, stride));
  return indices;
}

void SynapseTile::select(KernelBuilder &b, Value tile) {
  index = tile;
  auto [beginY, endY] = getLayerRows(b);
  auto [beginX, endX] = getLayerColumns(b);
  std::tie(firstY, numY) =
      geometry->windowY.getRange(b, beginY, endY, geometry->sizeY);
  std::tie(firstX, numX) =
      geometry->windowX.getRange(b, beginX, endX, geometry->sizeX);
}

static std::pair<Value, Value> getInterval(KernelBuilder &b, Value tile,
                                           int64_t length, int64_t limit) {
  Value begin = b.mulIndex(tile, length);
  return {begin, b.minIndex(b.addIndex(begin, length), b.index(limit))};
}

std::pair<Value, Value> SynapseTile::getLayerRows(KernelBuilder &b) const {
  return getInterval(b, b.floorDiv(index, geometry->getTilesX()),
                     geometry->rows, geometry->height);
}

std::pair<Value, Value> SynapseTile::getLayerColumns(KernelBuilder &b) const {
  return getInterval(b, b.remainder(index, geometry->getTilesX()),
                     geometry->columns, geometry->width);
}

SumAttr SynapseTile::getSum() const {
  return const_cast<SynapseOpInterface &>(geometry->op).getSummation();
}

int64_t SynapseTile::getPlanes() const { return shapeOf(input).back(); }

Value SynapseTile::loadWord(KernelBuilder &b, ValueRange at, Value w,
                            Value plane) const {
  return getInputs().loadWord(b, input, at, block, w, plane);
}

Value SynapseTile::getSumIndex(KernelBuilder &b, Value t,
                               ValueRange position) const {
  Value sum =
      b.addIndex(b.mulIndex(t, geometry->getSumsPerStep()), geometry->margin);
  if (!position.empty())
    sum = b.addIndex(sum, arith::SubIOp::create(b, position.back(), firstX));
  if (position.size() < 2)
    return sum;
  Value row = arith::SubIOp::create(b, position.front(), firstY);
  return b.addIndex(sum, b.mulIndex(row, geometry->pitch));
}

void SynapseTile::forEachTap(
    KernelBuilder &b, llvm::function_ref<void(const SynapseTap &)> body) const {
  SynapseOpInterface op = geometry->op;
  auto [rows, columns] = op.getWindow();
  int64_t numColumns = columns;
  b.loop(b.index(0), b.index(rows), [&](Value ky) {
    b.loop(b.index(0), b.index(numColumns), [&](Value kx) {
      Value tap = b.addIndex(b.mulIndex(ky, numColumns), kx);
      body({ky, kx, b.mulIndex(tap, getInputs().getNumChannels())});
    });
  });
}

void SynapseTile::forEachRun(
    KernelBuilder &b, const SynapseTap &tap,
    llvm::function_ref<void(const SynapseRun &)> body) const {
  SynapseOpInterface op = geometry->op;
  ArrayRef<int64_t> shape = shapeOf(op.getSynapseInput());
  int64_t axes = shape.size() - 3;
  auto [strideY, strideX] = op.getWindowStride();
  auto [paddingY, paddingX] = op.getWindowPadding();
  auto [inputRows, inputColumns] = getPositions(op.getSynapseInput());

  // Output positions [begin, end) of the tile along one axis whose input,
  // out * stride + tap - padding, lies in [0, size).
  auto range = [&](Value first, Value count, Value offset, int64_t stride,
                   int64_t padding, int64_t size) -> std::pair<Value, Value> {
    Value end = b.addIndex(first, count);
    if (!isConv(op))
      return {first, end};
    Value before = arith::SubIOp::create(b, b.index(padding), offset);
    auto ceilDiv = [&](Value x) {
      return b.floorDiv(b.addIndex(b.maxIndex(x, b.index(0)), stride - 1),
                        stride);
    };
    return {b.maxIndex(first, ceilDiv(before)),
            b.minIndex(end, ceilDiv(b.addIndex(before, size)))};
  };
  auto source = [&](Value out, Value offset, int64_t stride,
                    int64_t padding) -> Value {
    if (!isConv(op))
      return out;
    return arith::SubIOp::create(b, b.addIndex(b.mulIndex(out, stride), offset),
                                 b.index(padding));
  };

  Value count, column, sourceX;
  if (geometry->isPadded && isConv(op)) {
    count = b.index(inputColumns);
    column =
        arith::SubIOp::create(b, b.index(paddingX + geometry->margin), tap.x);
    sourceX = b.index(0);
  } else {
    auto [begin, end] =
        range(firstX, numX, tap.x, strideX, paddingX, inputColumns);
    count = arith::SubIOp::create(b, end, begin);
    column = arith::SubIOp::create(b, begin, firstX);
    sourceX = source(begin, tap.x, strideX, paddingX);
  }
  auto [beginY, endY] =
      range(firstY, numY, tap.y, strideY, paddingY, inputRows);
  int64_t stepY = strideY, padY = paddingY, stepX = strideX;
  Value fromY = beginY, toY = endY;
  auto isAny =
      scf::IfOp::create(b, arith::CmpIOp::create(b, arith::CmpIPredicate::sgt,
                                                 count, b.index(0)));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(isAny.thenBlock());
  b.loop(b.index(0), b.index(geometry->steps), [&](Value t) {
    Value firstSum = b.mulIndex(t, geometry->getSumsPerStep());
    b.loop(fromY, toY, [&](Value y) {
      SynapseRun run;
      run.stride = stepX;
      run.count = count;
      Value row = arith::SubIOp::create(b, y, firstY);
      run.first = b.addIndex(b.addIndex(firstSum, column),
                             b.mulIndex(row, geometry->pitch));
      run.input = {shape[0] == 1 ? b.index(0) : t, this->b};
      if (axes > 1)
        run.input.push_back(source(y, tap.y, stepY, padY));
      if (axes > 0)
        run.input.push_back(sourceX);
      body(run);
    });
  });
}

void SynapseTile::forEachSum(KernelBuilder &b,
                             llvm::function_ref<void(Value)> body) const {
  Value count = b.mulIndex(numY, geometry->pitch);
  b.loop(b.index(0), b.index(geometry->steps), [&](Value t) {
    Value first = b.mulIndex(t, geometry->getSumsPerStep());
    b.loop(first, b.addIndex(first, count), [&](Value sum) { body(sum); });
  });
}

void SynapseTile::clearSums(KernelBuilder &b) const {
  Value zero = b.zeroLanes(b.getF32Type());
  forEachSum(b, [&](Value sum) {
    vector::StoreOp::create(b, zero, sums, ValueRange{sum, b.index(0)});
  });
}
