//===- AttentionTables.cpp - products of attention cores by tables
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Both products with Kᵀ V first add up rows that the bits of a word choose. On
// integers any order gives the same bits, so rows are taken four at a time: a
// table holds their 16 possible sums, and four bits are the index of one. Time
// does not depend on how many spikes there are, and no branch does.
//
//   Kᵀ V      row of a key channel  = sum over tokens n with k[n] of v[n]
//   Q (Kᵀ V)  row of a token        = sum over channels c with q[c] of Kᵀ V[c]

#include "AttentionBlocks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

/// Rows that one table sums, and its entries.
constexpr int64_t kGroup = 4, kEntries = 1 << kGroup;
/// Tables of tokens that stay near while all key channels pass: 16 KiB.
constexpr int64_t kTokenTables = 16;
/// Key channels whose counts are in registers at a time.
constexpr int64_t kRows = 8;
/// Bytes of a row of counts, and bytes that a step of an index byte stands for.
constexpr int64_t kRowBytes = kLanes, kIndexUnit = 8;
constexpr int64_t kTableBytes = kEntries * kRowBytes;
/// Sums of a tile of tokens: 128 KiB of stack.
constexpr int64_t kTileBytes = int64_t(1) << 17;

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

Value makeScratch(KernelBuilder &b, MemRefType type) {
  return memref::AllocaOp::create(b, type, b.getI64IntegerAttr(kLanes));
}

/// `value` in the byte of every set bit, 0 in the others. Spreads the bytes of
/// the word and tests a bit in each, which all vector units can.
Value bytesOfWord(KernelBuilder &b, Value word, int8_t value) {
  VectorType bytes = b.lanes(b.getI8Type());
  SmallVector<int64_t> spread;
  SmallVector<int8_t> bits;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    spread.push_back(lane / 8);
    bits.push_back(static_cast<int8_t>(1 << lane % 8));
  }
  Value eight = vector::BitCastOp::create(
      b, VectorType::get({8}, b.getI8Type()),
      vector::FromElementsOp::create(b, VectorType::get({1}, b.getI64Type()),
                                     word));
  Value tested = arith::AndIOp::create(
      b, vector::ShuffleOp::create(b, eight, eight, spread),
      arith::ConstantOp::create(
          b, DenseElementsAttr::get(bytes, ArrayRef<int8_t>(bits))));
  Value zero = b.zeroLanes(b.getI8Type());
  return arith::SelectOp::create(
      b, arith::CmpIOp::create(b, arith::CmpIPredicate::ne, tested, zero),
      arith::ConstantOp::create(b, DenseElementsAttr::get(bytes, value)), zero);
}

/// The 16 sums of four rows.
SmallVector<Value> sumSubsets(KernelBuilder &b, ArrayRef<Value> rows,
                              Value zero) {
  SmallVector<Value> sums = {zero};
  for (unsigned entry = 1; entry < kEntries; ++entry) {
    Value row = rows[llvm::countr_zero(entry)];
    unsigned others = entry & (entry - 1);
    sums.push_back(others ? arith::AddIOp::create(b, sums[others], row) : row);
  }
  return sums;
}

/// Bits [first, first + width) of a word as an index, `unit` for each step.
Value bitsAsIndex(KernelBuilder &b, Value word, int64_t first, int64_t width,
                  int64_t unit) {
  if (first > 0)
    word = arith::ShRUIOp::create(b, word, b.word(first));
  if (first + width < kWordBits)
    word = arith::AndIOp::create(b, word, b.word((int64_t(1) << width) - 1));
  return b.mulIndex(arith::IndexCastUIOp::create(b, b.getIndexType(), word),
                    unit);
}

Value loadBytes(KernelBuilder &b, Value buffer, ValueRange at) {
  return vector::LoadOp::create(b, b.lanes(b.getI8Type()), buffer, at);
}

//===----------------------------------------------------------------------===//
// Kᵀ V
//===----------------------------------------------------------------------===//

/// Counts of one word of key channels and one block of value channels.
class KeyValueCounts {
public:
  KeyValueCounts(KernelBuilder &b, const AttentionCore &core, Value k, Value v,
                 Value product)
      : b(b), core(core), k(k), v(v), product(product) {
    groups = llvm::divideCeil(core.tokens, kGroup);
    perChunk = llvm::divideCeil(groups, llvm::divideCeil(groups, kTokenTables));
    perSpan = 255 / kGroup / perChunk * perChunk;
    auto bytes = [&](ArrayRef<int64_t> shape) {
      return makeScratch(b, MemRefType::get(shape, b.getI8Type()));
    };
    tables = bytes({perChunk * kTableBytes});
    indices = bytes({perChunk, kLanes});
    counts = bytes({kLanes, kLanes});
  }

  void emit(Value t, Value batch, Value block) {
    BlockHeads range(b, core, block);
    b.loop(range.firstWord, range.endWord, [&](Value w) {
      site = {t, batch, block, w,
              b.mulIndex(arith::SubIOp::create(b, w, range.firstWord), kLanes)};
      if (groups > perSpan)
        forEachRow(
            [&](Value row) { storeRow(b.zeroLanes(core.element), row); });
      b.loop(
          b.index(0), b.index(groups), [&](Value span) { emitSpan(span); },
          perSpan);
      if (core.scaleFirst)
        forEachRow([&](Value row) {
          storeRow(arith::MulFOp::create(b, loadRow(row), b.splat(core.scale)),
                   row);
        });
    });
  }

private:
  /// Tokens of groups [span, span + perSpan): counts fit a byte.
  void emitSpan(Value span) {
    forEachRow([&](Value row) {
      vector::StoreOp::create(b, b.zeroLanes(b.getI8Type()), counts,
                              ValueRange{row, b.index(0)});
    });
    Value end =
        arith::MinSIOp::create(b, b.addIndex(span, perSpan), b.index(groups));
    b.loop(
        span, end,
        [&](Value chunk) {
          Value left = arith::SubIOp::create(b, end, chunk);
          Value length = arith::MinSIOp::create(b, left, b.index(perChunk));
          b.loop(b.index(0), length, [&](Value i) {
            makeTable(i, b.mulIndex(b.addIndex(chunk, i), kGroup));
          });
          addTables(length);
        },
        perChunk);
    forEachRow([&](Value row) { widen(row); });
  }

  /// Table i: the sums of the values of four tokens; and, for each key channel,
  /// which of them it wants.
  void makeTable(Value i, Value firstToken) {
    Value wanted;
    SmallVector<Value> rows;
    for (int64_t n = 0; n < kGroup; ++n) {
      Value token = b.addIndex(firstToken, n);
      Value last = b.index(core.tokens - 1);
      bool mayEnd = core.tokens % kGroup != 0 && n > 0;
      Value at = mayEnd ? arith::MinSIOp::create(b, token, last) : token;
      Value keys = loadWord(b, k, site.t, site.batch, at, site.word);
      if (mayEnd)
        keys = arith::SelectOp::create(
            b, arith::CmpIOp::create(b, arith::CmpIPredicate::sle, token, last),
            keys, b.word(0));
      Value bit = bytesOfWord(b, keys, static_cast<int8_t>(kIndexUnit << n));
      wanted = wanted ? arith::OrIOp::create(b, wanted, bit) : bit;
      rows.push_back(bytesOfWord(
          b, loadWord(b, v, site.t, site.batch, at, site.block), 1));
    }
    vector::StoreOp::create(b, wanted, indices, ValueRange{i, b.index(0)});
    Value base = b.mulIndex(i, kTableBytes);
    for (auto [entry, sum] :
         llvm::enumerate(sumSubsets(b, rows, b.zeroLanes(b.getI8Type()))))
      vector::StoreOp::create(b, sum, tables,
                              b.addIndex(base, entry * kRowBytes));
  }

  /// Adds what the first `length` tables have for each key channel.
  void addTables(Value length) {
    b.loop(
        b.index(0), b.index(kLanes),
        [&](Value first) {
          SmallVector<Value> sums;
          for (int64_t row = 0; row < kRows; ++row)
            sums.push_back(
                loadBytes(b, counts, {b.addIndex(first, row), b.index(0)}));
          sums = b.loop(
              b.index(0), length, sums, [&](Value i, ValueRange carried) {
                Value base = b.mulIndex(i, kTableBytes);
                Value wanted = vector::ExtractOp::create(
                    b,
                    vector::BitCastOp::create(
                        b, VectorType::get({1}, b.getI64Type()),
                        vector::LoadOp::create(
                            b, VectorType::get({kRows}, b.getI8Type()), indices,
                            ValueRange{i, first})),
                    int64_t(0));
                SmallVector<Value> next;
                for (int64_t row = 0; row < kRows; ++row) {
                  Value offset = bitsAsIndex(b, wanted, 8 * row, 8,
                                             kRowBytes / kIndexUnit);
                  next.push_back(arith::AddIOp::create(
                      b, carried[row],
                      loadBytes(b, tables, b.addIndex(base, offset))));
                }
                return next;
              });
          for (auto [row, sum] : llvm::enumerate(sums))
            vector::StoreOp::create(
                b, sum, counts, ValueRange{b.addIndex(first, row), b.index(0)});
        },
        kRows);
  }

  /// Counts of a span into the product.
  void widen(Value row) {
    Value sum = loadBytes(b, counts, {row, b.index(0)});
    // Where heads begin inside of words, a row is for some lanes only.
    if (core.width % kLanes != 0) {
      Value channel = b.addIndex(b.mulIndex(site.word, kLanes), row);
      Value first = b.mulIndex(b.floorDiv(channel, core.width), core.width);
      Value own =
          channelMask(b, site.block, first, b.addIndex(first, core.width));
      sum = arith::AndIOp::create(b, sum, bytesOfWord(b, own, -1));
    }
    VectorType type = b.lanes(core.element);
    bool isFloat = core.element.isF32();
    sum = isFloat ? arith::UIToFPOp::create(b, type, sum).getResult()
                  : arith::ExtUIOp::create(b, type, sum).getResult();
    if (groups > perSpan) {
      Value before = loadRow(row);
      sum = isFloat ? arith::AddFOp::create(b, before, sum).getResult()
                    : arith::AddIOp::create(b, before, sum).getResult();
    }
    storeRow(sum, row);
  }

  void forEachRow(llvm::function_ref<void(Value)> body) {
    b.loop(b.index(0), b.index(kLanes), body);
  }
  SmallVector<Value> rowAt(Value row) {
    return {site.t, site.batch, site.block,
            arith::AddIOp::create(b, site.firstRow, row), b.index(0)};
  }
  Value loadRow(Value row) {
    return vector::LoadOp::create(b, b.lanes(core.element), product,
                                  rowAt(row));
  }
  void storeRow(Value lanes, Value row) {
    vector::StoreOp::create(b, lanes, product, rowAt(row));
  }

  KernelBuilder &b;
  const AttentionCore &core;
  Value k, v, product;
  /// Scratch: sums of values per group of tokens, `[group][entry][64]` bytes;
  /// offsets of the entries that each key channel wants, in units of 8 bytes;
  /// counts of a span.
  Value tables, indices, counts;
  /// Groups of four tokens, those with tables at a time, and those whose counts
  /// fit a byte.
  int64_t groups, perChunk, perSpan;
  struct {
    Value t, batch, block, word, firstRow;
  } site;
};

} // namespace

void spk::emitKVProduct(KernelBuilder &b, const AttentionCore &core, Value k,
                        Value v, Value product) {
  KeyValueCounts counts(b, core, k, v, product);
  b.parallelLoop(core.steps * core.batch * core.getBlocks(), [&](Value iv) {
    Value outer = b.floorDiv(iv, core.getBlocks());
    counts.emit(b.floorDiv(outer, core.batch), b.remainder(outer, core.batch),
                b.remainder(iv, core.getBlocks()));
  });
}

//===----------------------------------------------------------------------===//
// Q (Kᵀ V)
//===----------------------------------------------------------------------===//

bool AttentionCore::isTiled() const {
  return order == Association::KVFirst && !element.isF32();
}

int64_t AttentionCore::getTileLength() const {
  int64_t row = kLanes * element.getIntOrFloatBitWidth() / 8;
  int64_t longest = std::max<int64_t>(kLanes, kTileBytes / row / steps);
  return llvm::divideCeil(tokens, llvm::divideCeil(tokens, longest));
}

MemRefType AttentionTile::getSumsType(const AttentionCore &core) {
  return MemRefType::get({core.steps, core.getTileLength(), kLanes},
                         core.element);
}

MemRefType AttentionTile::getTablesType(const AttentionCore &core) {
  return MemRefType::get({kLanes / kGroup * kEntries, kLanes}, core.element);
}

/// Tables of the rows of one word: `first` is that of its first channel.
static void makeRowTables(KernelBuilder &b, const AttentionCore &core,
                          const AttentionTile &tile, Value t, Value first) {
  b.loop(b.index(0), b.index(kLanes / kGroup), [&](Value group) {
    Value row = b.addIndex(first, b.mulIndex(group, kGroup));
    SmallVector<Value> rows;
    for (int64_t i = 0; i < kGroup; ++i)
      rows.push_back(b.loadRow(
          tile.product, {t, tile.batch, tile.block, b.addIndex(row, i)}));
    Value base = b.mulIndex(group, kEntries);
    for (auto [entry, sum] :
         llvm::enumerate(sumSubsets(b, rows, b.zeroLanes(core.element))))
      vector::StoreOp::create(b, sum, tile.tables,
                              ValueRange{b.addIndex(base, entry), b.index(0)});
  });
}

void spk::emitTileSums(KernelBuilder &b, const AttentionCore &core,
                       const AttentionTile &tile) {
  BlockHeads range(b, core, tile.block);
  // Heads of several words add to the sums of the words before.
  bool accumulates = core.getWordsPerBlock() > 1;
  auto forEachToken = [&](llvm::function_ref<void(Value)> body) {
    b.loop(b.index(0), tile.count, body);
  };
  b.loop(b.index(0), b.index(core.steps), [&](Value t) {
    if (accumulates)
      forEachToken([&](Value i) {
        vector::StoreOp::create(b, b.zeroLanes(core.element), tile.sums,
                                ValueRange{t, i, b.index(0)});
      });
    b.loop(range.firstWord, range.endWord, [&](Value w) {
      makeRowTables(
          b, core, tile, t,
          b.mulIndex(arith::SubIOp::create(b, w, range.firstWord), kLanes));
      forEachToken([&](Value i) {
        Value queries = loadWord(b, tile.query, t, tile.batch,
                                 b.addIndex(tile.firstToken, i), w);
        Value sum = accumulates ? b.loadRow(tile.sums, {t, i}) : Value();
        for (int64_t group = 0; group < kLanes / kGroup; ++group) {
          Value entry = bitsAsIndex(b, queries, group * kGroup, kGroup, 1);
          Value row =
              b.loadRow(tile.tables, b.addIndex(entry, group * kEntries));
          sum = sum ? arith::AddIOp::create(b, sum, row) : row;
        }
        vector::StoreOp::create(b, sum, tile.sums,
                                ValueRange{t, i, b.index(0)});
      });
    });
  });
}
