//===- Arrays.cpp - tensors of the interpreter in .npy files --------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"
#include "npy.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::spk;
using namespace spkrun;
using llvm::Error;
using llvm::Expected;

/// Elements that a summary shows.
static constexpr int64_t kShownElements = 64;

static char getNpyKind(ElementKind kind) {
  return kind == ElementKind::F32 ? 'f' : kind == ElementKind::I1 ? 'b' : 'i';
}

static std::string describe(char kind, int64_t bytes, ArrayRef<int64_t> shape) {
  const char *name = spk_npy_dtype_name(kind, bytes);
  std::string text = name ? name : "unknown";
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleave(shape, os, ",");
  os << ']';
  return text;
}

static std::string describe(const Port &port) {
  ElementKind kind = *getElementKind(port.type.getElementType());
  return describe(getNpyKind(kind), getElementBytes(kind), port.outsideShape);
}

static Error fileError(StringRef path, const Twine &message) {
  return llvm::createStringError(std::errc::invalid_argument, "%s: %s",
                                 path.str().c_str(), message.str().c_str());
}

Expected<TensorValue> spkrun::readArray(StringRef path, const Port &port) {
  spk_npy array = {};
  char message[512];
  if (!spk_npy_read(path.str().c_str(), &array, message, sizeof(message)))
    return llvm::createStringError(message);
  ElementKind kind = *getElementKind(port.type.getElementType());
  ArrayRef<int64_t> shape(array.shape, array.rank);
  bool fits = array.kind == getNpyKind(kind) &&
              array.item_size == getElementBytes(kind) &&
              (shape == ArrayRef<int64_t>(port.outsideShape) ||
               shape == port.type.getShape());
  std::optional<TensorValue> value;
  std::string got = describe(array.kind, array.item_size, shape);
  if (fits)
    value = TensorValue::allocate(port.type.getShape(), kind);
  if (value)
    memcpy(value->bytes.get(), array.data, value->getNumBytes());
  spk_npy_free(&array);
  if (!fits)
    return fileError(path, "'" + port.name + "' must be " + describe(port) +
                               ", got " + got);
  if (!value)
    return fileError(path, "does not fit into memory");
  return *value;
}

Error spkrun::writeArray(StringRef path, const Port &port,
                         const TensorValue &value) {
  spk_npy array = {};
  array.kind = getNpyKind(value.kind);
  array.item_size = getElementBytes(value.kind);
  if (port.outsideShape.size() > SPK_NPY_MAX_RANK)
    return fileError(path, "'" + port.name + "' has too many axes");
  array.rank = port.outsideShape.size();
  llvm::copy(port.outsideShape, array.shape);
  array.bytes = value.getNumBytes();
  array.data = reinterpret_cast<const unsigned char *>(value.bytes.get());
  char message[512];
  if (!spk_npy_write(path.str().c_str(), &array, message, sizeof(message)))
    return llvm::createStringError(message);
  return Error::success();
}

/// An element with all its digits.
static void printElement(llvm::raw_ostream &os, const TensorValue &value,
                         int64_t index) {
  visitElementKind(value.kind, [&](auto zero) {
    auto element = value.get<decltype(zero)>()[index];
    if constexpr (std::is_same_v<decltype(zero), float>)
      os << llvm::format("%.9g", element);
    else
      os << static_cast<int64_t>(element);
  });
}

Expected<bool> spkrun::compareArray(StringRef path, const Port &port,
                                    const TensorValue &value) {
  Expected<TensorValue> expected = readArray(path, port);
  if (!expected)
    return expected.takeError();
  int64_t count = value.getNumElements(), size = getElementBytes(value.kind);
  int64_t differing = 0, first = -1;
  for (int64_t i = 0; i < count; ++i)
    if (memcmp(value.bytes.get() + i * size, expected->bytes.get() + i * size,
               size) != 0) {
      ++differing;
      if (first < 0)
        first = i;
    }
  if (differing == 0) {
    llvm::outs() << "output '" << port.name << "' equals " << path << ": "
                 << count << " elements\n";
    return true;
  }
  llvm::errs() << "output '" << port.name << "' differs from " << path
               << " first at element " << first << ": got ";
  printElement(llvm::errs(), value, first);
  llvm::errs() << ", expected ";
  printElement(llvm::errs(), *expected, first);
  llvm::errs() << "; " << differing << " of " << count << " differ\n";
  return false;
}

void spkrun::printArray(llvm::raw_ostream &os, const Port &port,
                        const TensorValue &value) {
  os << port.name << ": " << describe(port) << " =";
  int64_t count = value.getNumElements();
  for (int64_t i = 0; i < std::min(count, kShownElements); ++i) {
    os << ' ';
    printElement(os, value, i);
  }
  os << (count > kShownElements ? " ...\n" : "\n");
}
