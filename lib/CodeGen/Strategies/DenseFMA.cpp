//===- DenseFMA.cpp - multiply and add float inputs
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "spk/CodeGen/SynapseStrategy.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

/// Positions and channels whose sums are in registers at a time. An fma waits
/// for the one before it in the same sum, so several sums must be under way;
/// these fit the 16 registers of AVX2.
constexpr int64_t kPositions = 6, kChannels = 16;

/// The end of a sum: never -0, which a product that underflows leaves.
Value finish(KernelBuilder &b, Value sum) {
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(sum.getType()));
  return arith::AddFOp::create(b, sum, zero);
}

/// Broadcasts each float input and multiplies its weight row into the sums, one
/// rounding per input. For images and float heads.
class DenseFMA final : public SynapseStrategy {
public:
  StringRef getName() const override { return "dense_fma"; }
  StringRef getSummary() const override {
    return "fused multiply-add of float inputs";
  }
  bool realises(SumAttr sum) const override {
    return sum.getKind() == SumKind::FMA;
  }

  double estimate(const SynapseWork &work,
                  const CostModel &model) const override {
    return work.getFMAs(model);
  }

  Value emitSum(KernelBuilder &b, const SynapseSite &site) const override;
  bool isTiled(const SynapseInputs &inputs) const override {
    return !inputs.mixesGroups();
  }
  void emitTile(KernelBuilder &b, const SynapseTile &tile,
                func::FuncOp kernel) const override;
};

/// What a window reads along one axis of the input.
struct WindowAxis {
  int64_t size, stride, padding, limit;

  static std::pair<WindowAxis, WindowAxis> of(SynapseOpInterface op) {
    ArrayRef<int64_t> shape =
        cast<ShapedType>(op.getSynapseInput().getType()).getShape();
    auto axes = shape.drop_front(2).drop_back();
    if (!isa<ConvOp>(op.getOperation()))
      return {{1, 1, 0, axes.size() > 1 ? axes[0] : 1},
              {1, 1, 0, axes.empty() ? 1 : axes.back()}};
    auto [sizeY, sizeX] = op.getWindow();
    auto [strideY, strideX] = op.getWindowStride();
    auto [padY, padX] = op.getWindowPadding();
    return {{sizeY, strideY, padY, axes[0]}, {sizeX, strideX, padX, axes[1]}};
  }

  /// Output positions whose whole window is inside of the input.
  std::pair<int64_t, int64_t> getInterior() const {
    int64_t room = limit + padding - size;
    return {llvm::divideCeil(padding, stride),
            room < 0 ? 0 : room / stride + 1};
  }
  /// First input of a window; may be outside.
  Value getOrigin(KernelBuilder &b, Value position) const {
    return b.addIndex(b.mulIndex(position, stride), -padding);
  }
  /// Taps of a window that are inside.
  std::pair<Value, Value> getTaps(KernelBuilder &b, Value position) const {
    Value origin = getOrigin(b, position);
    auto tapOf = [&](int64_t input) {
      return arith::SubIOp::create(b, b.index(input), origin);
    };
    return {b.maxIndex(tapOf(0), b.index(0)),
            b.minIndex(tapOf(limit), b.index(size))};
  }
};

/// The sums of one tile.
class DenseTile {
public:
  DenseTile(KernelBuilder &b, const SynapseTile &tile,
            const SynapseStrategy &strategy)
      : b(b), tile(tile), strategy(strategy) {
    std::tie(axisY, axisX) = WindowAxis::of(tile.geometry->op);
    numAxes = cast<MemRefType>(tile.input.getType()).getRank() - 3;
    numChannels = tile.getInputs().getNumChannels();
    firstChannel = tile.getInputs().getFirst(b, tile.block);
  }

  void emit() {
    Value endX = b.addIndex(tile.firstX, tile.numX);
    auto [low, high] = axisX.getInterior();
    Value from = b.minIndex(b.maxIndex(b.index(low), tile.firstX), endX);
    Value to = b.maxIndex(b.minIndex(b.index(high), endX), from);
    // Too few for a group: all are summed one by one.
    Value hasGroup = arith::CmpIOp::create(b, arith::CmpIPredicate::sge,
                                           arith::SubIOp::create(b, to, from),
                                           b.index(kPositions));
    from = arith::SelectOp::create(b, hasGroup, from, endX);
    to = arith::SelectOp::create(b, hasGroup, to, endX);
    Value numLeft = arith::SubIOp::create(b, from, tile.firstX);
    Value numBorder =
        b.addIndex(numLeft, arith::SubIOp::create(b, endX, to).getResult());
    Value lastGroup = b.addIndex(to, -kPositions);
    b.loop(b.index(0), b.index(tile.geometry->steps), [&](Value t) {
      b.loop(tile.firstY, b.addIndex(tile.firstY, tile.numY), [&](Value y) {
        // The last group starts early enough to be a whole one.
        b.loop(
            from, to,
            [&](Value x) { emitGroup(t, y, b.minIndex(x, lastGroup)); },
            kPositions);
        b.loop(b.index(0), numBorder, [&](Value i) {
          Value right =
              b.addIndex(to, arith::SubIOp::create(b, i, numLeft).getResult());
          Value isLeft =
              arith::CmpIOp::create(b, arith::CmpIPredicate::slt, i, numLeft);
          emitOne(t, y,
                  arith::SelectOp::create(b, isLeft, b.addIndex(tile.firstX, i),
                                          right));
        });
      });
    });
  }

private:
  SmallVector<Value> getPosition(Value y, Value x) {
    SmallVector<Value> both = {y, x};
    return SmallVector<Value>(ArrayRef<Value>(both).take_back(numAxes));
  }

  /// One position, wherever it is.
  void emitOne(Value t, Value y, Value x) {
    SmallVector<Value> position = getPosition(y, x);
    SynapseSite site = {tile.geometry->op, tile.input, tile.weights, t, tile.b,
                        tile.block,        position};
    vector::StoreOp::create(
        b, strategy.emitSum(b, site), tile.sums,
        ValueRange{tile.getSumIndex(b, t, position), b.index(0)});
  }

  /// A group of positions from x on, all of whose windows are inside along the
  /// row.
  void emitGroup(Value t, Value y, Value x) {
    VectorType type = VectorType::get({kChannels}, b.getF32Type());
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
    bool repeats = cast<MemRefType>(tile.input.getType()).getDimSize(0) == 1;
    Value time = repeats ? b.index(0) : t;
    Value originY = axisY.getOrigin(b, y), originX = axisX.getOrigin(b, x);
    auto [fromY, toY] = axisY.getTaps(b, y);
    Value beginY = fromY, endY = toY;
    Value first = tile.getSumIndex(b, t, getPosition(y, x));
    b.loop(
        b.index(0), b.index(kLanes),
        [&](Value lane) {
          SmallVector<Value> sums(kPositions, zero);
          sums = b.loop(beginY, endY, sums, [&](Value ky, ValueRange outer) {
            Value inY = b.addIndex(originY, ky);
            return b.loop(
                b.index(0), b.index(axisX.size), outer,
                [&](Value kx, ValueRange middle) {
                  Value tap = b.addIndex(b.mulIndex(ky, axisX.size), kx);
                  Value firstRow = b.mulIndex(tap, numChannels);
                  Value inX = b.addIndex(originX, kx);
                  return b.loop(b.index(0), b.index(numChannels), middle,
                                [&](Value c, ValueRange inner) {
                                  return addInput(type, time, inY, inX, c,
                                                  b.addIndex(firstRow, c), lane,
                                                  inner);
                                });
                });
          });
          for (auto [i, sum] : llvm::enumerate(sums))
            vector::StoreOp::create(b, finish(b, sum), tile.sums,
                                    ValueRange{b.addIndex(first, i), lane});
        },
        kChannels);
  }

  /// Sums with one input more of every position of a group.
  SmallVector<Value> addInput(VectorType type, Value time, Value y, Value x,
                              Value c, Value row, Value lane, ValueRange sums) {
    Value weights = vector::LoadOp::create(b, type, tile.weights,
                                           ValueRange{tile.block, row, lane});
    SmallVector<Value> next;
    for (auto [i, sum] : llvm::enumerate(sums)) {
      SmallVector<Value> at = {time, tile.b};
      llvm::append_range(at, getPosition(y, b.addIndex(x, i * axisX.stride)));
      at.push_back(b.addIndex(firstChannel, c));
      Value input = vector::BroadcastOp::create(
          b, type, memref::LoadOp::create(b, tile.input, at));
      next.push_back(math::FmaOp::create(b, weights, input, sum));
    }
    return next;
  }

  KernelBuilder &b;
  const SynapseTile &tile;
  const SynapseStrategy &strategy;
  WindowAxis axisY, axisX;
  int64_t numAxes, numChannels;
  Value firstChannel;
};

} // namespace

Value DenseFMA::emitSum(KernelBuilder &b, const SynapseSite &site) const {
  SynapseInputs inputs = site.getInputs();
  Value first = inputs.getFirst(b, site.block);
  SmallVector<Value> sums = site.forEachTap(
      b, {b.zeroLanes(b.getF32Type())},
      [&](ValueRange at, Value firstRow, ValueRange outer) {
        return b.loop(
            b.index(0), b.index(inputs.getNumChannels()), outer,
            [&](Value c, ValueRange sum) -> SmallVector<Value> {
              SmallVector<Value> indices(at);
              Value channel = b.addIndex(first, c);
              indices.push_back(channel);
              Value x = vector::BroadcastOp::create(
                  b, b.floatLanes(),
                  memref::LoadOp::create(b, site.input, indices));
              Value weights = b.loadRow(site.weights,
                                        {site.block, b.addIndex(firstRow, c)});
              Value next = math::FmaOp::create(b, weights, x, sum[0]);
              // An infinite input of another group times a weight of
              // zero would be NaN.
              if (inputs.mixesGroups())
                next = arith::SelectOp::create(
                    b, inputs.getReaders(b, site.block, channel), next, sum[0]);
              return {next};
            });
      });
  return finish(b, sums.front());
}

void DenseFMA::emitTile(KernelBuilder &b, const SynapseTile &tile,
                        func::FuncOp kernel) const {
  DenseTile(b, tile, *this).emit();
}

const SynapseStrategy &spk::getDenseFMA() {
  static const DenseFMA strategy;
  return strategy;
}
