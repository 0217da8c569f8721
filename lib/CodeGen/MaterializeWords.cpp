//===- MaterializeWords.cpp - packed tensors as words
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Transforms/DialectConversion.h"
#include "spk/CodeGen/Passes.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

namespace mlir::spk {
#define GEN_PASS_DEF_MATERIALIZEWORDS
#include "spk/CodeGen/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

struct WordTypeConverter : TypeConverter {
  WordTypeConverter() {
    addConversion([](Type type) { return type; });
    addConversion([](RankedTensorType type) -> Type {
      SpikeEncodingAttrInterface encoding = getSpikeEncoding(type);
      return encoding ? encoding.getStorageType(type) : type;
    });
  }
};

struct EmptyLowering : OpConversionPattern<tensor::EmptyOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tensor::EmptyOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    rewriter.replaceOpWithNewOp<tensor::EmptyOp>(op, type.getShape(),
                                                 type.getElementType());
    return success();
  }
};

struct DispatchLowering : OpConversionPattern<DispatchOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(DispatchOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<DispatchOp>(
        op, ValueRange(adaptor.getOutputs()).getTypes(), op.getKernelAttr(),
        adaptor.getInputs(), adaptor.getOutputs());
    return success();
  }
};

/// Words and planes are two more axes behind the outer ones.
template <typename ReshapeOp>
struct ReshapeLowering : OpConversionPattern<ReshapeOp> {
  using OpConversionPattern<ReshapeOp>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ReshapeOp op, typename ReshapeOp::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
    if (groups.back().size() != 1)
      return rewriter.notifyMatchFailure(op, "reshapes the packed axis");
    groups.push_back({groups.back().front() + 1});
    rewriter.replaceOpWithNewOp<ReshapeOp>(
        op,
        cast<RankedTensorType>(
            this->getTypeConverter()->convertType(op.getResult().getType())),
        adaptor.getOperands().front(), groups);
    return success();
  }
};

struct MaterializeWordsPass
    : spk::impl::MaterializeWordsBase<MaterializeWordsPass> {
  using Base::Base;

  void runOnOperation() final {
    WordTypeConverter converter;
    RewritePatternSet patterns(&getContext());
    patterns.add<EmptyLowering, DispatchLowering,
                 ReshapeLowering<tensor::CollapseShapeOp>,
                 ReshapeLowering<tensor::ExpandShapeOp>>(converter,
                                                         &getContext());
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns,
                                                                   converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    ConversionTarget target(getContext());
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType());
    });
    target.markUnknownOpDynamicallyLegal(
        [&](Operation *op) { return converter.isLegal(op); });
    if (failed(
            applyFullConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
