//===- TensorValue.cpp - tensor of the interpreter ------------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Interpreter/TensorValue.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"
#include <cstdlib>

using namespace mlir;
using namespace mlir::spk;

std::optional<ElementKind> spk::getElementKind(Type elementType) {
  if (elementType.isF32())
    return ElementKind::F32;
  auto integer = dyn_cast<IntegerType>(elementType);
  if (!integer || !integer.isSignless())
    return std::nullopt;
  switch (integer.getWidth()) {
  case 1:
    return ElementKind::I1;
  case 8:
    return ElementKind::I8;
  case 16:
    return ElementKind::I16;
  case 32:
    return ElementKind::I32;
  case 64:
    return ElementKind::I64;
  default:
    return std::nullopt;
  }
}

int64_t spk::getElementBytes(ElementKind kind) {
  return visitElementKind(kind,
                          [](auto zero) -> int64_t { return sizeof(zero); });
}

StringRef spk::getElementName(ElementKind kind) {
  static constexpr StringLiteral names[] = {"f32", "i1",  "i8",
                                            "i16", "i32", "i64"};
  return names[static_cast<int>(kind)];
}

std::optional<int64_t> spk::countElements(ArrayRef<int64_t> shape) {
  // 2^56 elements of 8 bytes: far more than memory, and no overflow.
  constexpr int64_t limit = int64_t(1) << 56;
  int64_t count = 1;
  for (int64_t size : shape) {
    if (size < 0 || llvm::MulOverflow(count, size, count) || count > limit)
      return std::nullopt;
  }
  return count;
}

std::optional<TensorValue> TensorValue::allocate(ArrayRef<int64_t> shape,
                                                 ElementKind kind) {
  std::optional<int64_t> count = countElements(shape);
  if (!count)
    return std::nullopt;
  // Large blocks of calloc cost nothing until they are written.
  char *memory = static_cast<char *>(
      std::calloc(std::max<int64_t>(*count, 1), getElementBytes(kind)));
  if (!memory)
    return std::nullopt;
  return TensorValue{SmallVector<int64_t>(shape), kind,
                     std::shared_ptr<char>(memory, [](char *p) { free(p); })};
}

TensorValue TensorValue::borrow(ArrayRef<int64_t> shape, ArrayRef<float> data) {
  char *start = reinterpret_cast<char *>(const_cast<float *>(data.data()));
  return {SmallVector<int64_t>(shape), ElementKind::F32,
          std::shared_ptr<char>(start, [](char *) {})};
}

bool TensorValue::isOf(Type type) const {
  std::optional<ElementKind> wanted =
      getElementKind(getElementTypeOrSelf(type));
  if (wanted != kind)
    return false;
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.getShape() == ArrayRef<int64_t>(shape) : shape.empty();
}
