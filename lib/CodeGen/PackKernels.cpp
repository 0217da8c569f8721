//===- PackKernels.cpp - kernels that pack and unpack ---------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "spk/CodeGen/KernelBuilder.h"
#include "spk/CodeGen/LayerKernel.h"

using namespace mlir;
using namespace mlir::spk;

/// Runs `body(indices up to the channels, block)` for every word.
static void forEachWord(KernelBuilder &b, ArrayRef<int64_t> shape,
                        llvm::function_ref<void(ValueRange, Value)> body) {
  int64_t blocks = llvm::divideCeil(shape.back(), kLanes);
  int64_t count = blocks;
  for (int64_t size : shape.drop_back())
    count *= size;
  b.parallelLoop(count, [&](Value iv) {
    Value block = b.remainder(iv, blocks);
    Value rest = b.floorDiv(iv, blocks);
    SmallVector<Value> at(shape.size() - 1);
    for (int64_t axis = shape.size() - 2; axis >= 0; --axis) {
      at[axis] = b.remainder(rest, shape[axis]);
      rest = b.floorDiv(rest, shape[axis]);
    }
    body(at, block);
  });
}

/// Channels of `block` and the index of its first one.
static std::pair<Value, Value> channelsOf(KernelBuilder &b, Value block,
                                          int64_t channels) {
  Value base = b.mulIndex(block, kLanes);
  Value left = arith::SubIOp::create(b, b.index(channels), base);
  return {base, arith::MinSIOp::create(b, left, b.index(kLanes))};
}

void spk::emitPackKernel(PackOp op, func::FuncOp kernel) {
  KernelBuilder b(op.getLoc(), kernel.getContext());
  b.setInsertionPointToStart(&kernel.getBody().front());
  Value input = kernel.getArgument(0), result = kernel.getArgument(1);
  auto type = cast<RankedTensorType>(op.getInput().getType());
  bool isSpike = getElementTypeOrSelf(op.getResult()).isInteger(1);
  int64_t planes = cast<MemRefType>(result.getType()).getShape().back();
  forEachWord(b, type.getShape(), [&](ValueRange at, Value block) {
    auto [base, count] = channelsOf(b, block, type.getShape().back());
    Value first = base, channels = count;
    b.loop(b.index(0), b.index(planes), [&](Value plane) {
      Value word =
          b.loop(
               b.index(0), channels, {b.word(0)},
               [&](Value c, ValueRange word) -> SmallVector<Value> {
                 SmallVector<Value> from(at);
                 from.push_back(b.addIndex(first, c));
                 Value x = memref::LoadOp::create(b, input, from);
                 Type type = x.getType();
                 Value bit;
                 if (isSpike) {
                   Value zero =
                       arith::ConstantOp::create(b, b.getZeroAttr(type));
                   bit = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, x,
                                               zero);
                 } else {
                   Value amount = arith::IndexCastUIOp::create(b, type, plane);
                   bit = arith::TruncIOp::create(
                       b, b.getI1Type(), arith::ShRUIOp::create(b, x, amount));
                 }
                 Value wide = arith::ExtUIOp::create(b, b.getI64Type(), bit);
                 Value amount =
                     arith::IndexCastUIOp::create(b, b.getI64Type(), c);
                 return {arith::OrIOp::create(
                     b, word[0], arith::ShLIOp::create(b, wide, amount))};
               })
              .front();
      SmallVector<Value> to(at);
      to.append({block, plane});
      memref::StoreOp::create(b, word, result, to);
    });
  });
}

void spk::emitUnpackKernel(UnpackOp op, func::FuncOp kernel) {
  KernelBuilder b(op.getLoc(), kernel.getContext());
  b.setInsertionPointToStart(&kernel.getBody().front());
  Value input = kernel.getArgument(0), result = kernel.getArgument(1);
  auto type = cast<RankedTensorType>(op.getResult().getType());
  Type element = type.getElementType();
  int64_t planes = cast<MemRefType>(input.getType()).getShape().back();
  forEachWord(b, type.getShape(), [&](ValueRange at, Value block) {
    auto [base, count] = channelsOf(b, block, type.getShape().back());
    Value first = base;
    SmallVector<Value> words;
    for (int64_t plane = 0; plane < planes; ++plane) {
      SmallVector<Value> from(at);
      from.append({block, b.index(plane)});
      words.push_back(memref::LoadOp::create(b, input, from));
    }
    b.loop(b.index(0), count, [&](Value c) {
      Value amount = arith::IndexCastUIOp::create(b, b.getI64Type(), c);
      Value x = arith::ConstantOp::create(b, b.getZeroAttr(element));
      for (auto [plane, word] : llvm::enumerate(words)) {
        Value bit = arith::AndIOp::create(
            b, arith::ShRUIOp::create(b, word, amount), b.word(1));
        Value scaled = arith::ShLIOp::create(b, bit, b.word(plane));
        x = arith::OrIOp::create(b, x,
                                 arith::TruncIOp::create(b, element, scaled));
      }
      SmallVector<Value> to(at);
      to.push_back(b.addIndex(first, c));
      memref::StoreOp::create(b, x, result, to);
    });
  });
}
