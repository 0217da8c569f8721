//===- Elementwise.cpp - interpretation of elementwise arithmetic ---------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace mlir::spk;

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

/// NaN if either is, +0 above -0.
static float maximum(float a, float b) {
  if (std::isnan(a) || std::isnan(b))
    return std::isnan(a) ? a : b;
  if (a == b)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
static float minimum(float a, float b) { return -maximum(-a, -b); }
static float add(float a, float b) { return a + b; }
static float sub(float a, float b) { return a - b; }
static float mul(float a, float b) { return a * b; }
static float div(float a, float b) { return a / b; }

static LogicalResult requireF32(Operation *op, const TensorValue &value) {
  if (value.kind != ElementKind::F32)
    return op->emitOpError("has no interpreter for ")
           << getElementName(value.kind);
  return success();
}

template <typename OpTy, float (*function)(float, float)>
static LogicalResult evaluateFloatBinary(OpTy op, Evaluation &e) {
  if (failed(requireF32(op, e.operands[0])))
    return failure();
  ArrayRef<float> lhs = e.operands[0].get<float>(),
                  rhs = e.operands[1].get<float>();
  for (auto [out, a, b] :
       llvm::zip_equal(e.out<float>(op.getResult()), lhs, rhs))
    out = function(a, b);
  return success();
}

static float negative(float a) { return -a; }
static float squareRoot(float a) { return std::sqrt(a); }

template <typename OpTy, float (*function)(float)>
static LogicalResult evaluateFloatUnary(OpTy op, Evaluation &e) {
  if (failed(requireF32(op, e.operands[0])))
    return failure();
  for (auto [out, a] : llvm::zip_equal(e.out<float>(op.getResult()),
                                       e.operands[0].get<float>()))
    out = function(a);
  return success();
}

static LogicalResult evaluateCmpF(arith::CmpFOp op, Evaluation &e) {
  if (failed(requireF32(op, e.operands[0])))
    return failure();
  for (auto [out, a, b] :
       llvm::zip_equal(e.out<uint8_t>(op.getResult()),
                       e.operands[0].get<float>(), e.operands[1].get<float>()))
    out = arith::applyCmpPredicate(op.getPredicate(), APFloat(a), APFloat(b));
  return success();
}

static LogicalResult evaluateSelect(arith::SelectOp op, Evaluation &e) {
  ArrayRef<uint8_t> condition = e.operands[0].get<uint8_t>();
  TensorValue &result = e.result(op.getResult());
  visitElementKind(result.kind, [&](auto zero) {
    using T = decltype(zero);
    ArrayRef<T> a = e.operands[1].get<T>(), b = e.operands[2].get<T>();
    for (auto [i, out] : llvm::enumerate(result.getMutable<T>()))
      out = condition[condition.size() == 1 ? 0 : i] ? a[i] : b[i];
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

static uint64_t addInt(uint64_t a, uint64_t b) { return a + b; }
static uint64_t subInt(uint64_t a, uint64_t b) { return a - b; }
static uint64_t mulInt(uint64_t a, uint64_t b) { return a * b; }
static uint64_t andInt(uint64_t a, uint64_t b) { return a & b; }
static uint64_t orInt(uint64_t a, uint64_t b) { return a | b; }
static uint64_t xorInt(uint64_t a, uint64_t b) { return a ^ b; }

/// `value` modulo the width of the elements.
template <typename T>
static T truncated(uint64_t value, ElementKind kind) {
  return static_cast<T>(kind == ElementKind::I1 ? value & 1 : value);
}

static LogicalResult requireInteger(Operation *op, const TensorValue &value) {
  if (value.kind == ElementKind::F32)
    return op->emitOpError("has no interpreter for f32");
  return success();
}

template <typename OpTy, uint64_t (*function)(uint64_t, uint64_t)>
static LogicalResult evaluateIntBinary(OpTy op, Evaluation &e) {
  TensorValue &result = e.result(op.getResult());
  if (failed(requireInteger(op, result)))
    return failure();
  visitElementKind(result.kind, [&](auto zero) {
    using T = decltype(zero);
    for (auto [out, a, b] :
         llvm::zip_equal(result.getMutable<T>(), e.operands[0].get<T>(),
                         e.operands[1].get<T>()))
      out = truncated<T>(
          function(static_cast<uint64_t>(a), static_cast<uint64_t>(b)),
          result.kind);
  });
  return success();
}

/// An element as a signed or unsigned integer of its own width.
template <bool isSigned, typename T>
static int64_t extended(T value, ElementKind kind) {
  if (kind == ElementKind::I1)
    return isSigned ? -static_cast<int64_t>(value) : value;
  if constexpr (isSigned || std::is_same_v<T, float>)
    return value;
  else
    return static_cast<std::make_unsigned_t<T>>(value);
}

/// Integer to f32, rounded once, or to another width.
template <typename OpTy, bool isSigned>
static LogicalResult evaluateConvert(OpTy op, Evaluation &e) {
  const TensorValue &input = e.operands[0];
  TensorValue &result = e.result(op.getResult());
  if (failed(requireInteger(op, input)))
    return failure();
  visitElementKind(input.kind, [&](auto inZero) {
    visitElementKind(result.kind, [&](auto outZero) {
      using In = decltype(inZero);
      using Out = decltype(outZero);
      for (auto [out, value] :
           llvm::zip_equal(result.getMutable<Out>(), input.get<In>())) {
        int64_t number = extended<isSigned>(value, input.kind);
        if constexpr (!std::is_same_v<Out, float>)
          out = truncated<Out>(number, result.kind);
        else if (isSigned)
          out = static_cast<float>(number);
        else
          out = static_cast<float>(static_cast<uint64_t>(number));
      }
    });
  });
  return success();
}

void spk::addElementwiseHandlers(HandlerTable &table) {
  table.add<arith::AddFOp, evaluateFloatBinary<arith::AddFOp, add>>();
  table.add<arith::DivFOp, evaluateFloatBinary<arith::DivFOp, div>>();
  table.add<arith::MaximumFOp,
            evaluateFloatBinary<arith::MaximumFOp, maximum>>();
  table.add<arith::MinimumFOp,
            evaluateFloatBinary<arith::MinimumFOp, minimum>>();
  table.add<arith::MulFOp, evaluateFloatBinary<arith::MulFOp, mul>>();
  table.add<arith::SubFOp, evaluateFloatBinary<arith::SubFOp, sub>>();
  table.add<arith::NegFOp, evaluateFloatUnary<arith::NegFOp, negative>>();
  table.add<math::SqrtOp, evaluateFloatUnary<math::SqrtOp, squareRoot>>();
  table.add<arith::CmpFOp, evaluateCmpF>();
  table.add<arith::SelectOp, evaluateSelect>();

  table.add<arith::AddIOp, evaluateIntBinary<arith::AddIOp, addInt>>();
  table.add<arith::AndIOp, evaluateIntBinary<arith::AndIOp, andInt>>();
  table.add<arith::MulIOp, evaluateIntBinary<arith::MulIOp, mulInt>>();
  table.add<arith::OrIOp, evaluateIntBinary<arith::OrIOp, orInt>>();
  table.add<arith::SubIOp, evaluateIntBinary<arith::SubIOp, subInt>>();
  table.add<arith::XOrIOp, evaluateIntBinary<arith::XOrIOp, xorInt>>();

  table.add<arith::ExtSIOp, evaluateConvert<arith::ExtSIOp, true>>();
  table.add<arith::ExtUIOp, evaluateConvert<arith::ExtUIOp, false>>();
  table.add<arith::TruncIOp, evaluateConvert<arith::TruncIOp, true>>();
  table.add<arith::SIToFPOp, evaluateConvert<arith::SIToFPOp, true>>();
  table.add<arith::UIToFPOp, evaluateConvert<arith::UIToFPOp, false>>();
}
