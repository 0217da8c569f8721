//===- LaneArithmetic.h - arithmetic of neurons on 64 lanes -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_LIB_CODEGEN_LANEARITHMETIC_H
#define SPK_LIB_CODEGEN_LANEARITHMETIC_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "spk/CodeGen/KernelBuilder.h"
#include "spk/Dialect/Spk/IR/NeuronArithmetic.h"

namespace mlir::spk {

/// Arithmetic of a neuron on 64 lanes.
class LaneArithmetic final : public NeuronArithmetic {
public:
  explicit LaneArithmetic(KernelBuilder &b) : b(b) {}
  NeuronValue constant(float number) override { return {b.splat(number)}; }
  NeuronValue add(NeuronValue x, NeuronValue y) override {
    return {arith::AddFOp::create(b, x.ir, y.ir)};
  }
  NeuronValue sub(NeuronValue x, NeuronValue y) override {
    return {arith::SubFOp::create(b, x.ir, y.ir)};
  }
  NeuronValue mul(NeuronValue x, NeuronValue y) override {
    return {arith::MulFOp::create(b, x.ir, y.ir)};
  }
  NeuronValue div(NeuronValue x, NeuronValue y) override {
    // Dividing by a power of two is multiplying by its inverse, bit for bit.
    DenseElementsAttr divisor;
    APFloat inverse(0.0f);
    if (matchPattern(y.ir, m_Constant(&divisor)) && divisor.isSplat() &&
        divisor.getSplatValue<APFloat>().getExactInverse(&inverse))
      return mul(x, constant(inverse.convertToFloat()));
    return {arith::DivFOp::create(b, x.ir, y.ir)};
  }
  NeuronValue greaterEqual(NeuronValue x, NeuronValue y) override {
    return {arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, x.ir, y.ir)};
  }
  NeuronValue select(NeuronValue condition, NeuronValue x,
                     NeuronValue y) override {
    return {arith::SelectOp::create(b, condition.ir, x.ir, y.ir)};
  }
  NeuronValue apply(Operation *op, ArrayRef<NeuronValue> operands) override {
    Type element = op->getResult(0).getType();
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      return {arith::ConstantOp::create(
          b, DenseElementsAttr::get(b.lanes(element), constant.getValue()))};
    if (isa<arith::DivFOp>(op))
      return div(operands[0], operands[1]);
    OperationState state(op->getLoc(), op->getName());
    for (NeuronValue operand : operands)
      state.addOperands(operand.ir);
    state.addTypes(b.lanes(element));
    state.propertiesAttr = op->getPropertiesAsAttribute();
    return {b.create(state)->getResult(0)};
  }

private:
  KernelBuilder &b;
};

} // namespace mlir::spk

#endif // SPK_LIB_CODEGEN_LANEARITHMETIC_H
