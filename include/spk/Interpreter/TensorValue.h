//===- TensorValue.h - tensor of the interpreter ----------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_INTERPRETER_TENSORVALUE_H
#define SPK_INTERPRETER_TENSORVALUE_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Support/LLVM.h"
#include <memory>
#include <optional>

namespace mlir::spk {

/// Element types that the interpreter knows. I1 takes one byte, 0 or 1.
enum class ElementKind { F32, I1, I8, I16, I32, I64 };

/// The kind of an element type, or nothing where there is none.
std::optional<ElementKind> getElementKind(Type elementType);

/// Bytes of one element.
int64_t getElementBytes(ElementKind kind);

/// As MLIR spells it ("f32").
StringRef getElementName(ElementKind kind);

/// Number of elements, or nothing where it (or its size in bytes) overflows.
std::optional<int64_t> countElements(ArrayRef<int64_t> shape);

/// A dense tensor in row-major order. Copies share their elements, which are
/// written only while the value is made.
struct TensorValue {
  SmallVector<int64_t> shape;
  ElementKind kind = ElementKind::F32;
  std::shared_ptr<char> bytes;

  /// Zeros, or nothing where memory does not suffice.
  static std::optional<TensorValue> allocate(ArrayRef<int64_t> shape,
                                             ElementKind kind);

  /// Elements that somebody else keeps alive.
  static TensorValue borrow(ArrayRef<int64_t> shape, ArrayRef<float> data);

  /// The same elements in the same order in another shape.
  TensorValue withShape(ArrayRef<int64_t> newShape) const {
    return {SmallVector<int64_t>(newShape), kind, bytes};
  }

  int64_t getNumElements() const { return *countElements(shape); }
  int64_t getNumBytes() const {
    return getNumElements() * getElementBytes(kind);
  }

  template <typename T>
  ArrayRef<T> get() const {
    assert(sizeof(T) == getElementBytes(kind) && "wrong element type");
    return {reinterpret_cast<const T *>(bytes.get()),
            static_cast<size_t>(getNumElements())};
  }
  template <typename T>
  MutableArrayRef<T> getMutable() {
    assert(sizeof(T) == getElementBytes(kind) && "wrong element type");
    return {reinterpret_cast<T *>(bytes.get()),
            static_cast<size_t>(getNumElements())};
  }

  /// Whether the value is one of `type`: shape and element type.
  bool isOf(Type type) const;
};

/// Calls `function` with a zero of the C++ type of the elements: float,
/// uint8_t for I1, or a signed integer.
template <typename Function>
auto visitElementKind(ElementKind kind, Function &&function) {
  switch (kind) {
  case ElementKind::F32:
    return function(float(0));
  case ElementKind::I1:
    return function(uint8_t(0));
  case ElementKind::I8:
    return function(int8_t(0));
  case ElementKind::I16:
    return function(int16_t(0));
  case ElementKind::I32:
    return function(int32_t(0));
  case ElementKind::I64:
    return function(int64_t(0));
  }
  llvm_unreachable("unknown element kind");
}

} // namespace mlir::spk

#endif // SPK_INTERPRETER_TENSORVALUE_H
