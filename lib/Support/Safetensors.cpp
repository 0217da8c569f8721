//===- Safetensors.cpp - reading and writing safetensors files ------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file is a header length (u64, little endian), a header (JSON) and the data
// of all tensors, back to back.
//
//===----------------------------------------------------------------------===//

#include "spk/Support/Safetensors.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <set>

using namespace mlir::spk;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

/// The limit of the reference implementation.
static constexpr uint64_t kMaxHeaderBytes = 100'000'000;
static constexpr uint64_t kLengthBytes = 8;

/// Keys come from the file: control characters are escaped, and their length is
/// limited.
static std::string quoted(StringRef key) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '\'';
  os.write_escaped(key.take_front(200));
  os << (key.size() > 200 ? "...'" : "'");
  return text;
}

template <typename... Args>
static Error fileError(StringRef file, const char *format, Args &&...args) {
  return llvm::createStringError(
      std::errc::invalid_argument, "%s: %s", file.str().c_str(),
      llvm::formatv(format, std::forward<Args>(args)...).str().c_str());
}

/// Bytes of an element, 0 for an unknown type.
static uint64_t bytesOf(StringRef dtype) {
  return llvm::StringSwitch<uint64_t>(dtype)
      .Cases({"BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"}, 1)
      .Cases({"U16", "I16", "F16", "BF16"}, 2)
      .Cases({"U32", "I32", "F32"}, 4)
      .Cases({"U64", "I64", "F64", "C64"}, 8)
      .Default(0);
}

//===----------------------------------------------------------------------===//
// Header
//===----------------------------------------------------------------------===//

/// Refuses what the JSON parser would let through: nesting that would exhaust
/// the stack and keys that hide each other. Does not check the rest.
static Error checkNestingAndKeys(StringRef file, StringRef header) {
  constexpr size_t maxDepth = 8;
  std::vector<std::set<std::string>> keys;
  for (size_t at = 0; at < header.size(); ++at) {
    char c = header[at];
    if (c == '{' || c == '[') {
      if (keys.size() == maxDepth)
        return fileError(file, "header is nested too deeply; is this a "
                               "safetensors file?");
      keys.emplace_back();
    } else if (c == '}' || c == ']') {
      if (!keys.empty())
        keys.pop_back();
    } else if (c == '"') {
      size_t begin = at++;
      while (at < header.size() && header[at] != '"')
        at += header[at] == '\\' ? 2 : 1;
      size_t next = header.find_first_not_of(" \t\r\n", at + 1);
      if (next == StringRef::npos || header[next] != ':' || keys.empty())
        continue;
      // Compare what the text means: escapes spell a key in several ways.
      Expected<llvm::json::Value> key =
          llvm::json::parse(header.slice(begin, at + 1));
      if (!key) {
        llvm::consumeError(key.takeError());
        continue; // The parser will say it.
      }
      std::string text = key->getAsString().value_or("").str();
      if (!keys.back().insert(text).second)
        return fileError(file, "key {0} appears twice; export the file again",
                         quoted(text));
    }
  }
  return Error::success();
}

static Expected<SafetensorsEntry> readEntry(StringRef file, StringRef key,
                                            const llvm::json::Value &value) {
  SafetensorsEntry entry;
  entry.key = key.str();
  const llvm::json::Object *object = value.getAsObject();
  if (!object)
    return fileError(file, "tensor {0} must be described by an object",
                     quoted(key));
  std::optional<StringRef> dtype = object->getString("dtype");
  const llvm::json::Array *shape = object->getArray("shape");
  const llvm::json::Array *offsets = object->getArray("data_offsets");
  if (!dtype || !shape || !offsets || offsets->size() != 2)
    return fileError(file, "tensor {0} must have dtype, shape and data_offsets",
                     quoted(key));
  entry.dtype = dtype->str();
  uint64_t bytes = bytesOf(*dtype);
  if (bytes == 0)
    return fileError(file, "tensor {0} has the unknown dtype {1}", quoted(key),
                     quoted(*dtype));
  bool overflow = false, hasZero = false;
  for (const llvm::json::Value &size : *shape) {
    std::optional<int64_t> number = size.getAsInteger();
    if (!number || *number < 0)
      return fileError(file, "tensor {0} must have sizes that are not negative",
                       quoted(key));
    entry.shape.push_back(*number);
    bool step = false;
    hasZero |= *number == 0;
    bytes = llvm::SaturatingMultiply<uint64_t>(bytes, *number, &step);
    overflow |= step;
  }
  if (overflow && !hasZero)
    return fileError(file,
                     "tensor {0} is too large: its size in bytes overflows",
                     quoted(key));
  std::optional<uint64_t> begin = (*offsets)[0].getAsUINT64();
  std::optional<uint64_t> end = (*offsets)[1].getAsUINT64();
  if (!begin || !end || *begin > *end)
    return fileError(file, "tensor {0} must have ascending data_offsets",
                     quoted(key));
  if (*end - *begin != bytes)
    return fileError(
        file, "tensor {0} needs {1} bytes by its shape and dtype but has {2}",
        quoted(key), bytes, *end - *begin);
  entry.begin = *begin;
  entry.end = *end;
  return entry;
}

Error SafetensorsFile::readHeader(StringRef header, uint64_t dataBytes) {
  if (!header.starts_with("{"))
    return fileError(name, "header must start with '{{'; is this a safetensors "
                           "file?");
  if (Error error = checkNestingAndKeys(name, header))
    return error;
  Expected<llvm::json::Value> json = llvm::json::parse(header);
  if (!json)
    return fileError(name, "header is not JSON: {0}",
                     llvm::toString(json.takeError()));
  const llvm::json::Object *object = json->getAsObject();
  for (const auto &[key, value] : *object) {
    if (key == "__metadata__")
      continue;
    Expected<SafetensorsEntry> entry = readEntry(name, key, value);
    if (!entry)
      return entry.takeError();
    entries.push_back(std::move(*entry));
  }
  llvm::sort(entries, [](const SafetensorsEntry &a, const SafetensorsEntry &b) {
    return std::tie(a.begin, a.end, a.key) < std::tie(b.begin, b.end, b.key);
  });
  uint64_t covered = 0;
  for (auto [index, entry] : llvm::enumerate(entries)) {
    if (entry.end > dataBytes)
      return fileError(name,
                       "tensor {0} ends at byte {1} of {2}; is the file "
                       "truncated?",
                       quoted(entry.key), entry.end, dataBytes);
    if (entry.begin != covered)
      return fileError(name,
                       entry.begin < covered
                           ? "tensor {0} overlaps the tensor before it"
                           : "tensor {0} leaves a gap behind the tensor before "
                             "it",
                       quoted(entry.key));
    covered = entry.end;
    indexOf[entry.key] = index;
  }
  if (covered != dataBytes)
    return fileError(name, "tensors cover {0} of {1} bytes", covered,
                     dataBytes);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// SafetensorsFile
//===----------------------------------------------------------------------===//

Expected<SafetensorsFile> SafetensorsFile::open(StringRef path) {
  llvm::sys::fs::file_status status;
  std::error_code error = llvm::sys::fs::status(path, status);
  if (error)
    return fileError(path, "cannot be read: {0}", error.message());
  // Devices and pipes have no end that could be trusted.
  if (!llvm::sys::fs::is_regular_file(status))
    return fileError(path, "cannot be read: not a regular file");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fileError(path, "cannot be read: {0}", buffer.getError().message());
  return parse(std::move(*buffer), path);
}

Expected<SafetensorsFile>
SafetensorsFile::parse(std::unique_ptr<llvm::MemoryBuffer> buffer,
                       StringRef name) {
  SafetensorsFile file;
  file.name = name.str();
  StringRef contents = buffer->getBuffer();
  if (contents.size() < kLengthBytes)
    return fileError(name, "file has {0} bytes, too few for a header",
                     contents.size());
  uint64_t length = llvm::support::endian::read64le(contents.data());
  if (length > kMaxHeaderBytes)
    return fileError(name,
                     "header must have at most {0} bytes, got {1}; is this a "
                     "safetensors file?",
                     kMaxHeaderBytes, length);
  if (length > contents.size() - kLengthBytes)
    return fileError(name,
                     "header of {0} bytes does not fit the file of {1}; is the "
                     "file truncated?",
                     length, contents.size());
  file.data = contents.drop_front(kLengthBytes + length);
  file.buffer = std::move(buffer);
  if (Error error = file.readHeader(contents.substr(kLengthBytes, length),
                                    file.data.size()))
    return error;
  return file;
}

const SafetensorsEntry *SafetensorsFile::lookup(StringRef key) const {
  auto it = indexOf.find(key);
  return it == indexOf.end() ? nullptr : &entries[it->second];
}

Expected<llvm::ArrayRef<float>>
SafetensorsFile::readF32(const SafetensorsEntry &entry,
                         std::vector<float> &storage) const {
  if (entry.dtype != "F32")
    return fileError(name,
                     "tensor {0} must have dtype F32, got {1}; convert it to "
                     "float32",
                     quoted(entry.key), entry.dtype);
  StringRef bytes = data.slice(entry.begin, entry.end);
  size_t count = bytes.size() / sizeof(float);
  llvm::ArrayRef<float> values;
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(float) == 0) {
    values = {reinterpret_cast<const float *>(bytes.data()), count};
  } else {
    storage.resize(count);
    memcpy(storage.data(), bytes.data(), bytes.size());
    values = storage;
  }
  for (auto [index, value] : llvm::enumerate(values))
    if (!std::isfinite(value))
      return fileError(
          name,
          "tensor {0} must be finite, element {1} is {2}; check the "
          "training run that it came from",
          quoted(entry.key), index, std::isnan(value) ? "NaN" : "infinite");
  return values;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

static std::string makeHeader(llvm::ArrayRef<NamedTensor> tensors) {
  std::string header;
  llvm::raw_string_ostream os(header);
  llvm::json::OStream json(os);
  uint64_t offset = 0;
  json.object([&] {
    for (const NamedTensor &tensor : tensors)
      json.attributeObject(tensor.key, [&] {
        json.attribute("dtype", "F32");
        json.attributeArray("shape", [&] {
          for (int64_t size : tensor.shape)
            json.value(size);
        });
        json.attributeArray("data_offsets", [&] {
          json.value(offset);
          offset += tensor.data.size() * sizeof(float);
          json.value(offset);
        });
      });
  });
  // The data starts on a cache line, which a reader that maps the file likes.
  while ((kLengthBytes + header.size()) % 64 != 0)
    header += ' ';
  return header;
}

Error mlir::spk::writeSafetensors(StringRef path,
                                  llvm::ArrayRef<NamedTensor> tensors) {
  Expected<llvm::sys::fs::TempFile> temporary =
      llvm::sys::fs::TempFile::create(path + ".tmp%%%%%%");
  if (!temporary)
    return fileError(path, "cannot be written: {0}",
                     llvm::toString(temporary.takeError()));
  llvm::raw_fd_ostream os(temporary->FD, /*shouldClose=*/false);
  std::string header = makeHeader(tensors);
  char length[kLengthBytes];
  llvm::support::endian::write64le(length, header.size());
  os.write(length, sizeof(length));
  os << header;
  for (const NamedTensor &tensor : tensors)
    os.write(reinterpret_cast<const char *>(tensor.data.data()),
             tensor.data.size() * sizeof(float));
  os.flush();
  if (os.has_error()) {
    std::string reason = os.error().message();
    os.clear_error();
    llvm::consumeError(temporary->discard());
    return fileError(path, "cannot be written: {0}", reason);
  }
  if (Error error = temporary->keep(path))
    return fileError(path, "cannot be written: {0}",
                     llvm::toString(std::move(error)));
  return Error::success();
}
