//===- PlaceWeights.cpp - weights as views of one block
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "spk/CodeGen/Attributes.h"
#include "spk/CodeGen/Passes.h"
#include "spk/Dialect/Spk/IR/SpkDialect.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::spk {
#define GEN_PASS_DEF_PLACEWEIGHTS
#include "spk/CodeGen/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

struct PlaceWeightsPass : spk::impl::PlaceWeightsBase<PlaceWeightsPass> {
  using Base::Base;

  void runOnOperation() final {
    ModuleOp module = getOperation();
    Builder b(&getContext());
    llvm::MapVector<StringAttr, int64_t> offsets;
    SmallVector<Attribute> layout;
    int64_t total = 0;
    module.walk([&](ml_program::GlobalLoadConstOp load) {
      StringAttr key = load.getGlobalAttr().getLeafReference();
      if (offsets.contains(key))
        return;
      auto type = cast<RankedTensorType>(load.getType());
      int64_t bytes = type.getNumElements() * type.getElementTypeBitWidth() / 8;
      offsets[key] = total;
      layout.push_back(b.getDictionaryAttr(
          {b.getNamedAttr("key", key),
           b.getNamedAttr("offset", b.getI64IntegerAttr(total)),
           b.getNamedAttr("bytes", b.getI64IntegerAttr(bytes))}));
      total = llvm::alignTo(total + bytes, kBufferAlignment);
    });
    module->setAttr(kWeightLayoutAttr, b.getArrayAttr(layout));
    auto blockType =
        MemRefType::get({std::max<int64_t>(total, 1)}, b.getI8Type());

    for (auto function : module.getOps<func::FuncOp>()) {
      // Kernels get their weights as arguments.
      if (function.isPrivate() || function.isExternal())
        continue;
      unsigned position = function.getNumArguments();
      if (failed(function.insertArgument(
              position, blockType,
              b.getDictionaryAttr(
                  b.getNamedAttr(kRoleAttr, b.getStringAttr("weights"))),
              function.getLoc())))
        return signalPassFailure();
      Value block = function.getArgument(position);
      function.walk([&](ml_program::GlobalLoadConstOp load) {
        OpBuilder builder(load);
        auto type = cast<RankedTensorType>(load.getType());
        Value offset = arith::ConstantIndexOp::create(
            builder, load.getLoc(),
            offsets[load.getGlobalAttr().getLeafReference()]);
        Value view = memref::ViewOp::create(
            builder, load.getLoc(),
            MemRefType::get(type.getShape(), type.getElementType()), block,
            offset, ValueRange());
        Value tensor = bufferization::ToTensorOp::create(
            builder, load.getLoc(), type, view, /*restrict=*/true,
            /*writable=*/false);
        load.replaceAllUsesWith(tensor);
        load.erase();
      });
    }
    for (auto global :
         llvm::make_early_inc_range(module.getOps<ml_program::GlobalOp>()))
      global.erase();
  }
};

} // namespace
