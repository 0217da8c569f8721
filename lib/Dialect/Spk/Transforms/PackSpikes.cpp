//===- PackSpikes.cpp - packed encoding of spike tensors
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"
#include "spk/Dialect/Spk/Analysis/ValueRange.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"

namespace mlir::spk {
#define GEN_PASS_DEF_PACKSPIKES
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

/// Whether values of `type` are spikes or integers that can be packed.
bool isPackable(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() >= 2 &&
         tensor.getElementType().isInteger() && !tensor.getEncoding();
}

/// Whether a reshape keeps the innermost axis apart from the others.
template <typename ReshapeOp>
bool keepsInnermostAxis(ReshapeOp op) {
  return op.getReassociationIndices().back().size() == 1;
}

/// Plain storage of a packed or unpackable type: bytes for spikes.
RankedTensorType plainType(RankedTensorType type) {
  Type element = type.getElementType();
  if (element.isInteger(1))
    element = IntegerType::get(type.getContext(), 8);
  return RankedTensorType::get(type.getShape(), element);
}

class Packer {
public:
  Packer(const ValueRangeAnalysis &ranges) : ranges(ranges) {}

  void pack(func::FuncOp function) {
    if (function.isExternal())
      return;
    Block &body = function.getBody().front();
    // Spikes cross the boundary as bytes, if not as words; the mark tells the
    // runtime that they are truth values.
    auto mark = UnitAttr::get(function.getContext());
    for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
      if (getElementTypeOrSelf(type).isInteger(1) &&
          !function.getResultAttr(i, kWordsAttr))
        function.setResultAttr(i, kSpikesAttr, mark);
    for (BlockArgument argument : body.getArguments()) {
      if (!isPackable(argument.getType()))
        continue;
      auto type = cast<RankedTensorType>(argument.getType());
      if (function.getArgAttr(argument.getArgNumber(), kWordsAttr)) {
        argument.setType(packedType(type, ranges.getMaxValue(argument)));
        continue;
      }
      if (type.getElementType().isInteger(1))
        function.setArgAttr(argument.getArgNumber(), kSpikesAttr, mark);
      argument.setType(plainType(type));
    }
    for (Operation &op : llvm::make_early_inc_range(body.without_terminator()))
      visit(&op);
    visitReturn(function, cast<func::ReturnOp>(body.getTerminator()));
    function.setType(FunctionType::get(function.getContext(),
                                       body.getArgumentTypes(),
                                       body.back().getOperandTypes()));
  }

  int64_t numPacked = 0, numConversions = 0;

private:
  PackedAttr encodingOf(RankedTensorType type, int64_t maxValue) {
    return PackedAttr::get(type.getContext(), type.getRank() - 1,
                           getNumPlanes(maxValue), kWordBits);
  }

  RankedTensorType packedType(RankedTensorType type, int64_t maxValue) {
    return RankedTensorType::get(type.getShape(), type.getElementType(),
                                 encodingOf(type, maxValue));
  }

  void visit(Operation *op) {
    if (auto fused = dyn_cast<FusedOp>(op))
      return visitFused(fused);
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
      if (keepsInnermostAxis(collapse) && reshapePacked(op))
        return;
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
      if (keepsInnermostAxis(expand) && reshapePacked(op))
        return;
    visitPlain(op);
  }

  /// A fused op reads and writes packed words only.
  void visitFused(FusedOp fused) {
    OpBuilder b(fused);
    for (OpOperand &operand : fused->getOpOperands()) {
      auto type = cast<RankedTensorType>(operand.get().getType());
      BlockArgument argument =
          fused.getBody().getArgument(operand.getOperandNumber());
      if (!getSpikeEncoding(type) && type.getElementType().isInteger()) {
        auto inner = cast<RankedTensorType>(argument.getType());
        int64_t largest = ranges.getMaxValue(argument);
        operand.set(PackOp::create(b, fused.getLoc(),
                                   packedType(inner, largest), operand.get()));
        ++numConversions;
      }
      argument.setType(operand.get().getType());
    }
    for (Operation &op : fused.getBody().front())
      for (Value result : op.getResults())
        if (isPackable(result.getType())) {
          auto type = packedType(cast<RankedTensorType>(result.getType()),
                                 ranges.getMaxValue(result));
          result.setType(type);
          SplatElementsAttr splat;
          if (matchPattern(&op, m_Constant(&splat)))
            cast<arith::ConstantOp>(op).setValueAttr(splat.resizeSplat(type));
        }
    unpackForArithmetic(fused.getBody().front());
    for (auto [result, yielded] :
         llvm::zip(fused.getResults(), fused.getYield().getValues())) {
      numPacked += result.getType() != yielded.getType();
      result.setType(yielded.getType());
    }
  }

  /// Casts to float do not verify on an encoding. The kernel reads the words
  /// all the same. Bitwise operations on spikes work on words.
  static void unpackForArithmetic(Block &body) {
    for (Operation &op : body) {
      if (!isa<arith::ArithDialect>(op.getDialect()) ||
          (isa<arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op) &&
           getElementTypeOrSelf(op.getResult(0)).isInteger(1)))
        continue;
      OpBuilder b(&op);
      for (OpOperand &operand : op.getOpOperands())
        if (getSpikeEncoding(operand.get().getType()))
          operand.set(UnpackOp::create(
              b, op.getLoc(),
              plainType(cast<RankedTensorType>(operand.get().getType())),
              operand.get()));
    }
  }

  bool reshapePacked(Operation *op) {
    SpikeEncodingAttrInterface encoding =
        getSpikeEncoding(op->getOperand(0).getType());
    if (!encoding)
      return false;
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    op->getResult(0).setType(
        RankedTensorType::get(type.getShape(), type.getElementType(),
                              encoding.withRank(type.getRank())));
    return true;
  }

  /// Results are plain elements or words, as the function says.
  void visitReturn(func::FuncOp function, func::ReturnOp end) {
    OpBuilder b(end);
    for (OpOperand &operand : end->getOpOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.get().getType());
      if (!type || !type.getElementType().isInteger())
        continue;
      bool isPacked = bool(getSpikeEncoding(type));
      bool wanted =
          bool(function.getResultAttr(operand.getOperandNumber(), kWordsAttr));
      if (isPacked == wanted)
        continue;
      if (wanted)
        operand.set(
            PackOp::create(b, end.getLoc(),
                           packedType(type, ranges.getMaxValue(operand.get())),
                           operand.get()));
      else
        operand.set(
            UnpackOp::create(b, end.getLoc(), plainType(type), operand.get()));
      ++numConversions;
    }
  }

  /// Anything else works on plain elements.
  void visitPlain(Operation *op) {
    OpBuilder b(op);
    for (OpOperand &operand : op->getOpOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.get().getType());
      if (!type || !getSpikeEncoding(type))
        continue;
      operand.set(
          UnpackOp::create(b, op->getLoc(), plainType(type), operand.get()));
      ++numConversions;
    }
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      auto elements = dyn_cast<DenseIntElementsAttr>(constant.getValue());
      if (elements && elements.getElementType().isInteger(1))
        constant.setValueAttr(elements.mapValues(
            b.getI8Type(), [](const APInt &spike) { return spike.zext(8); }));
    }
    for (Value result : op->getResults())
      if (isPackable(result.getType()))
        result.setType(plainType(cast<RankedTensorType>(result.getType())));
    // Transposes and the like name their elements once more in their region.
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      for (OpOperand &operand : op->getOpOperands())
        linalgOp.getMatchingBlockArgument(&operand).setType(
            getElementTypeOrSelf(operand.get()));
  }

  const ValueRangeAnalysis &ranges;
};

struct PackSpikesPass : spk::impl::PackSpikesBase<PackSpikesPass> {
  using Base::Base;

  void runOnOperation() final {
    Packer packer(getAnalysis<ValueRangeAnalysis>());
    for (auto function : getOperation().getOps<func::FuncOp>())
      packer.pack(function);
    numPacked += packer.numPacked;
    numConversions += packer.numConversions;
  }
};

} // namespace
