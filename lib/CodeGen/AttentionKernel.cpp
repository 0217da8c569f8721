//===- AttentionKernel.cpp - products of attention cores
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/AttentionKernel.h"
#include "AttentionBlocks.h"
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

int64_t AttentionCore::getWordsPerBlock() const {
  int64_t most = 0;
  for (int64_t first = 0; first < channels; first += kLanes) {
    int64_t last = std::min(first + kLanes, channels);
    most = std::max<int64_t>(
        most, llvm::divideCeil(llvm::alignTo(last, width), kLanes) -
                  first / width * width / kLanes);
  }
  return most;
}

RankedTensorType AttentionCore::getProductType() const {
  if (order == Association::KVFirst)
    return RankedTensorType::get(
        {steps, batch, getBlocks(), getWordsPerBlock() * kLanes, kLanes},
        element);
  return RankedTensorType::get({steps, batch, heads, tokens, tokens}, element);
}

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

Value spk::loadWord(KernelBuilder &b, Value buffer, Value t, Value batch,
                    Value token, Value w) {
  return memref::LoadOp::create(b, buffer,
                                ValueRange{t, batch, token, w, b.index(0)});
}

Value spk::channelMask(KernelBuilder &b, Value w, Value first, Value last) {
  Value base = b.mulIndex(w, kLanes);
  auto clamp = [&](Value channel) -> Value {
    Value bit = arith::SubIOp::create(b, channel, base);
    bit = arith::MaxSIOp::create(b, bit, b.index(0));
    return arith::MinSIOp::create(b, bit, b.index(kLanes));
  };
  return b.wordRange(clamp(first), clamp(last));
}

std::pair<Value, Value> spk::wordsOf(KernelBuilder &b, Value first,
                                     Value last) {
  return {b.floorDiv(first, kLanes),
          b.floorDiv(b.addIndex(last, kLanes - 1), kLanes)};
}

BlockHeads::BlockHeads(KernelBuilder &b, const AttentionCore &core,
                       Value block) {
  Value begin = b.mulIndex(block, kLanes);
  Value end = arith::MinSIOp::create(b, b.addIndex(begin, kLanes),
                                     b.index(core.channels));
  firstHead = b.floorDiv(begin, core.width);
  endHead = b.addIndex(b.floorDiv(b.addIndex(end, -1), core.width), 1);
  firstChannel = b.mulIndex(firstHead, core.width);
  endChannel = b.mulIndex(endHead, core.width);
  std::tie(firstWord, endWord) = wordsOf(b, firstChannel, endChannel);
}

static Value add(KernelBuilder &b, Value x, Value y) {
  if (getElementTypeOrSelf(x).isF32())
    return arith::AddFOp::create(b, x, y);
  return arith::AddIOp::create(b, x, y);
}

//===----------------------------------------------------------------------===//
// First product
//===----------------------------------------------------------------------===//

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

/// Q (Kᵀ V) at one token: rows of the channels where the query spikes, in
/// ascending order, so that sums in f32 round as the model's.
static Value emitQueryRows(KernelBuilder &b, const AttentionCore &core,
                           Value product, Value query, Value t, Value batch,
                           Value token, Value block) {
  BlockHeads range(b, core, block);
  return b
      .loop(range.firstWord, range.endWord, {b.zeroLanes(core.element)},
            [&](Value w, ValueRange outer) {
              Value queries = arith::AndIOp::create(
                  b, loadWord(b, query, t, batch, token, w),
                  channelMask(b, w, range.firstChannel, range.endChannel));
              Value base = b.mulIndex(
                  arith::SubIOp::create(b, w, range.firstWord), kLanes);
              return b.forEachSetBit(
                  queries, outer,
                  [&](Value bit, ValueRange inner) -> SmallVector<Value> {
                    Value row = b.loadRow(
                        product, {t, batch, block, b.addIndex(base, bit)});
                    return {add(b, inner[0], row)};
                  });
            })
      .front();
}

/// (Q Kᵀ) V at one token: values weighted by the map, token after token.
static Value emitWeightedValues(KernelBuilder &b, const AttentionCore &core,
                                Value product, Value values, Value t,
                                Value batch, Value token, Value block) {
  BlockHeads range(b, core, block);
  Value zero = b.zeroLanes(core.element);
  return b
      .loop(range.firstHead, range.endHead, {zero},
            [&](Value head, ValueRange outer) {
              Value first = b.mulIndex(head, core.width);
              Value own =
                  channelMask(b, block, first, b.addIndex(first, core.width));
              return b.loop(
                  b.index(0), b.index(core.tokens), outer,
                  [&](Value m, ValueRange inner) -> SmallVector<Value> {
                    Value weight = vector::BroadcastOp::create(
                        b, b.lanes(core.element),
                        memref::LoadOp::create(
                            b, product, ValueRange{t, batch, head, token, m}));
                    Value spikes = arith::AndIOp::create(
                        b, loadWord(b, values, t, batch, m, block), own);
                    Value addend = arith::SelectOp::create(
                        b, b.wordToMask(spikes), weight, zero);
                    return {add(b, inner[0], addend)};
                  });
            })
      .front();
}

Value spk::emitSecondProduct(KernelBuilder &b, const AttentionCore &core,
                             Value product, Value operand, Value t, Value batch,
                             Value token, Value block) {
  Value sum;
  if (core.isTiled())
    sum = b.loadRow(product, {t, b.remainder(token, core.getTileLength())});
  else if (core.order == Association::KVFirst)
    sum = emitQueryRows(b, core, product, operand, t, batch, token, block);
  else
    sum = emitWeightedValues(b, core, product, operand, t, batch, token, block);
  if (!core.element.isF32())
    sum = arith::SIToFPOp::create(b, b.floatLanes(), sum);
  if (core.scaleFirst)
    return sum;
  return arith::MulFOp::create(b, sum, b.splat(core.scale));
}
