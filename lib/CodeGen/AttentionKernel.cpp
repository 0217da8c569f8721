//===- AttentionKernel.cpp - products of attention cores
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/AttentionKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::spk;

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<ShapedType>(value.getType()).getShape();
}

AttentionCore::AttentionCore(SSAOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getQuery());
  steps = shape[0];
  batch = shape[1];
  tokens = op.getNumTokens();
  channels = op.getNumChannels();
  heads = op.getNumHeads();
  width = op.getHeadWidth();
  order = op.getExecutedOrder();
  scale = op.getScale().convertToFloat();
  // Counts reach N * d; 16 bits move twice as many lanes as 32.
  Builder b(op.getContext());
  bool exact = op.isReassociable();
  element = !exact                                ? Type(b.getF32Type())
            : tokens * width < (int64_t(1) << 15) ? Type(b.getI16Type())
                                                  : Type(b.getI32Type());
  scaleFirst = !exact && op.getScaleAfter() == ScaleAfter::First;
}

AttentionCore::AttentionCore(AttentionMapOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getQuery());
  bool tokenFirst = op.getTokenLayout() == TokenLayout::TokenFirst;
  steps = shape[0];
  batch = shape[1];
  tokens = shape[tokenFirst ? 2 : 3];
  channels = shape[tokenFirst ? 3 : 2];
  heads = op.getNumHeads();
  width = channels / heads;
  order = Association::QKFirst;
  scale = op.getScale().convertToFloat();
  element = Float32Type::get(op.getContext());
  scaleFirst = true;
}

int64_t AttentionCore::getBlocks() const {
  return llvm::divideCeil(channels, kLanes);
}

int64_t AttentionCore::getRangeLength() const {
  int64_t longest = 0;
  for (int64_t first = 0; first < channels; first += kLanes) {
    int64_t last = std::min(first + kLanes, channels);
    longest = std::max(longest, (last + width - 1) / width * width -
                                    first / width * width);
  }
  return longest;
}

RankedTensorType AttentionCore::getProductType() const {
  if (order == Association::KVFirst)
    return RankedTensorType::get(
        {steps, batch, getBlocks(), getRangeLength(), kLanes}, element);
  return RankedTensorType::get({steps, batch, heads, tokens, tokens}, element);
}

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

static Value minIndex(KernelBuilder &b, Value x, Value y) {
  return arith::MinSIOp::create(b, x, y);
}
static Value maxIndex(KernelBuilder &b, Value x, Value y) {
  return arith::MaxSIOp::create(b, x, y);
}
static Value subIndex(KernelBuilder &b, Value x, Value y) {
  return arith::SubIOp::create(b, x, y);
}

/// Bits of [first, last) of the channels that word `w` holds.
static Value channelMask(KernelBuilder &b, Value w, Value first, Value last) {
  Value base = b.mulIndex(w, kLanes);
  auto clamp = [&](Value channel) {
    return minIndex(b, maxIndex(b, subIndex(b, channel, base), b.index(0)),
                    b.index(kLanes));
  };
  return b.wordRange(clamp(first), clamp(last));
}

/// One word of a packed operand `[T, B, N, W, 1]`.
static Value loadWord(KernelBuilder &b, Value buffer, Value t, Value batch,
                      Value token, Value w) {
  return memref::LoadOp::create(b, buffer,
                                ValueRange{t, batch, token, w, b.index(0)});
}

static Value add(KernelBuilder &b, Value x, Value y) {
  if (getElementTypeOrSelf(x).isF32())
    return arith::AddFOp::create(b, x, y);
  return arith::AddIOp::create(b, x, y);
}

/// 0 and 1 lanes of the spikes of a word.
static Value spikeLanes(KernelBuilder &b, Value word, Type element) {
  Value mask = b.wordToMask(word);
  if (element.isF32())
    return arith::SelectOp::create(b, mask, b.splat(1.0f), b.splat(0.0f));
  return arith::ExtUIOp::create(b, b.lanes(element), mask);
}

namespace {
/// Heads and channels that a block of 64 output channels depends on.
struct BlockHeads {
  BlockHeads(KernelBuilder &b, const AttentionCore &core, Value block) {
    Value begin = b.mulIndex(block, kLanes);
    Value end = minIndex(b, b.addIndex(begin, kLanes), b.index(core.channels));
    firstHead = b.floorDiv(begin, core.width);
    endHead = b.addIndex(b.floorDiv(b.addIndex(end, -1), core.width), 1);
    firstChannel = b.mulIndex(firstHead, core.width);
    endChannel = b.mulIndex(endHead, core.width);
  }
  Value firstHead, endHead, firstChannel, endChannel;
};
} // namespace

/// Words that channels [first, last) touch.
static std::pair<Value, Value> wordsOf(KernelBuilder &b, Value first,
                                       Value last) {
  return {b.floorDiv(first, kLanes),
          b.floorDiv(b.addIndex(last, kLanes - 1), kLanes)};
}

//===----------------------------------------------------------------------===//
// First product
//===----------------------------------------------------------------------===//

/// Kᵀ V: row c of a block holds, for the channels of the block that belong to
/// the head of key channel c, how many tokens have both spikes.
static void emitKVProduct(KernelBuilder &b, const AttentionCore &core, Value k,
                          Value v, Value product) {
  b.parallelLoop(core.steps * core.batch * core.getBlocks(), [&](Value iv) {
    Value block = b.remainder(iv, core.getBlocks());
    Value outer = b.floorDiv(iv, core.getBlocks());
    Value batch = b.remainder(outer, core.batch);
    Value t = b.floorDiv(outer, core.batch);
    Value zero = b.zeroLanes(core.element);
    auto rowAt = [&](Value row) {
      return SmallVector<Value>{t, batch, block, row, b.index(0)};
    };
    Value rows = b.index(core.getRangeLength());
    b.loop(b.index(0), rows, [&](Value row) {
      vector::StoreOp::create(b, zero, product, rowAt(row));
    });
    BlockHeads range(b, core, block);
    b.loop(b.index(0), b.index(core.tokens), [&](Value n) {
      Value values = loadWord(b, v, t, batch, n, block);
      b.loop(range.firstHead, range.endHead, [&](Value head) {
        Value first = b.mulIndex(head, core.width);
        Value last = b.addIndex(first, core.width);
        Value own = arith::AndIOp::create(b, values,
                                          channelMask(b, block, first, last));
        Value addend = spikeLanes(b, own, core.element);
        auto [wBegin, wEnd] = wordsOf(b, first, last);
        b.loop(wBegin, wEnd, [&](Value w) {
          Value keys = arith::AndIOp::create(b, loadWord(b, k, t, batch, n, w),
                                             channelMask(b, w, first, last));
          Value base = subIndex(b, b.mulIndex(w, kLanes), range.firstChannel);
          b.forEachSetBit(keys, {}, [&](Value bit, ValueRange) {
            SmallVector<Value> at = rowAt(b.addIndex(base, bit));
            Value row =
                vector::LoadOp::create(b, b.lanes(core.element), product, at);
            vector::StoreOp::create(b, add(b, row, addend), product, at);
            return SmallVector<Value>();
          });
        });
      });
    });
    if (core.scaleFirst)
      b.loop(b.index(0), rows, [&](Value row) {
        Value counts = vector::LoadOp::create(b, b.lanes(core.element), product,
                                              rowAt(row));
        vector::StoreOp::create(
            b, arith::MulFOp::create(b, counts, b.splat(core.scale)), product,
            rowAt(row));
      });
  });
}

/// Q Kᵀ: channels in which a query and a key token both spike, per head.
static void emitQKProduct(KernelBuilder &b, const AttentionCore &core, Value q,
                          Value k, Value product) {
  b.parallelLoop(
      core.steps * core.batch * core.heads * core.tokens, [&](Value iv) {
        Value n = b.remainder(iv, core.tokens);
        Value rest = b.floorDiv(iv, core.tokens);
        Value head = b.remainder(rest, core.heads);
        rest = b.floorDiv(rest, core.heads);
        Value batch = b.remainder(rest, core.batch);
        Value t = b.floorDiv(rest, core.batch);
        Value first = b.mulIndex(head, core.width);
        Value last = b.addIndex(first, core.width);
        auto [wBegin, wEnd] = wordsOf(b, first, last);
        Value wFrom = wBegin, wTo = wEnd;
        b.loop(b.index(0), b.index(core.tokens), [&](Value m) {
          Value count =
              b.loop(wFrom, wTo, {b.word(0)},
                     [&](Value w, ValueRange sum) -> SmallVector<Value> {
                       Value both = arith::AndIOp::create(
                           b, loadWord(b, q, t, batch, n, w),
                           loadWord(b, k, t, batch, m, w));
                       both = arith::AndIOp::create(
                           b, both, channelMask(b, w, first, last));
                       return {arith::AddIOp::create(
                           b, sum[0], math::CtPopOp::create(b, both))};
                     })
                  .front();
          Value entry;
          if (core.element.isF32()) {
            entry = arith::UIToFPOp::create(b, core.element, count);
            if (core.scaleFirst)
              entry = arith::MulFOp::create(
                  b, entry,
                  arith::ConstantOp::create(b, b.getF32FloatAttr(core.scale)));
          } else {
            entry = arith::TruncIOp::create(b, core.element, count);
          }
          memref::StoreOp::create(b, entry, product,
                                  ValueRange{t, batch, head, n, m});
        });
      });
}

void spk::emitFirstProduct(KernelBuilder &b, const AttentionCore &core,
                           func::FuncOp kernel) {
  Value left = kernel.getArgument(0), right = kernel.getArgument(1);
  Value product = kernel.getArguments().back();
  if (core.order == Association::KVFirst)
    emitKVProduct(b, core, left, right, product);
  else
    emitQKProduct(b, core, left, right, product);
}

//===----------------------------------------------------------------------===//
// Second product
//===----------------------------------------------------------------------===//

Value spk::emitSecondProduct(KernelBuilder &b, const AttentionCore &core,
                             Value product, Value operand, Value t, Value batch,
                             Value token, Value block) {
  BlockHeads range(b, core, block);
  Value zero = b.zeroLanes(core.element);
  Value sum;
  if (core.order == Association::KVFirst) {
    auto [wBegin, wEnd] = wordsOf(b, range.firstChannel, range.endChannel);
    sum = b.loop(wBegin, wEnd, {zero}, [&](Value w, ValueRange outer) {
             Value queries = arith::AndIOp::create(
                 b, loadWord(b, operand, t, batch, token, w),
                 channelMask(b, w, range.firstChannel, range.endChannel));
             Value base =
                 subIndex(b, b.mulIndex(w, kLanes), range.firstChannel);
             return b.forEachSetBit(
                 queries, outer,
                 [&](Value bit, ValueRange inner) -> SmallVector<Value> {
                   Value row = b.loadRow(
                       product, {t, batch, block, b.addIndex(base, bit)});
                   return {add(b, inner[0], row)};
                 });
           }).front();
  } else {
    sum = b.loop(range.firstHead, range.endHead, {zero},
                 [&](Value head, ValueRange outer) {
                   Value first = b.mulIndex(head, core.width);
                   Value own = channelMask(b, block, first,
                                           b.addIndex(first, core.width));
                   return b.loop(
                       b.index(0), b.index(core.tokens), outer,
                       [&](Value m, ValueRange inner) -> SmallVector<Value> {
                         Value weight = vector::BroadcastOp::create(
                             b, b.lanes(core.element),
                             memref::LoadOp::create(
                                 b, product,
                                 ValueRange{t, batch, head, token, m}));
                         Value values = arith::AndIOp::create(
                             b, loadWord(b, operand, t, batch, m, block), own);
                         Value addend = arith::SelectOp::create(
                             b, b.wordToMask(values), weight, zero);
                         return {add(b, inner[0], addend)};
                       });
                 })
              .front();
  }
  if (!core.element.isF32())
    sum = arith::SIToFPOp::create(b, b.floatLanes(), sum);
  if (core.scaleFirst)
    return sum;
  return arith::MulFOp::create(b, sum, b.splat(core.scale));
}
