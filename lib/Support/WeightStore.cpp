//===- WeightStore.cpp - weights of a module ------------------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Support/WeightStore.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "spk/Dialect/Spk/IR/SpkDialect.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::spk;

/// Whether `name` stays below the directory that it is relative to.
static bool staysInside(StringRef name) {
  return !name.empty() && !name.contains('\0') &&
         !llvm::sys::path::is_absolute(name) &&
         llvm::none_of(llvm::make_range(llvm::sys::path::begin(name),
                                        llvm::sys::path::end(name)),
                       [](StringRef component) { return component == ".."; });
}

LogicalResult WeightStore::openFile(ModuleOp module, StringRef attribute,
                                    StringRef baseDir) {
  Attribute value = module->getAttr(attribute);
  if (!value)
    return success();
  auto name = dyn_cast<StringAttr>(value);
  if (!name)
    return module.emitError()
           << attribute << " must be a file name, got " << value;
  if (!staysInside(name.getValue()))
    return module.emitError()
           << attribute << " must name a file beside the module, without a "
           << "leading '/' and '..', got " << name;
  SmallString<128> path(baseDir);
  llvm::sys::path::append(path, name.getValue());
  llvm::Expected<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file)
    return module.emitError() << llvm::toString(file.takeError());
  files.push_back(std::move(*file));
  return success();
}

LogicalResult WeightStore::load(ModuleOp module, StringRef baseDir) {
  if (failed(openFile(module, kWeightsAttr, baseDir)))
    return failure();
  size_t numExported = files.size();
  if (failed(openFile(module, kDerivedWeightsAttr, baseDir)))
    return failure();

  LogicalResult result = success();
  for (auto global : module.getOps<ml_program::GlobalOp>()) {
    if (!isa_and_present<ml_program::ExternAttr>(global.getValueAttr()))
      continue;
    StringRef key = global.getSymName();
    auto fail = [&]() -> InFlightDiagnostic {
      result = failure();
      return global.emitError() << "weight '" << key << "' ";
    };
    auto type = dyn_cast<RankedTensorType>(global.getType());
    if (!type || !type.hasStaticShape() || !type.getElementType().isF32()) {
      fail() << "must be a static tensor of f32, got " << global.getType();
      continue;
    }
    if (lookup(key))
      continue;
    const SafetensorsEntry *entry = nullptr;
    size_t index = 0;
    for (; index < files.size() && !entry; ++index)
      entry = files[index].lookup(key);
    if (!entry) {
      if (files.empty())
        fail() << "is extern, but the module has no " << kWeightsAttr;
      else
        fail() << "is missing in " << files.front().getName();
      continue;
    }
    const SafetensorsFile &file = files[index - 1];
    if (type.getShape() != ArrayRef<int64_t>(entry->shape)) {
      fail() << "must have shape [" << type.getShape() << "], got ["
             << ArrayRef<int64_t>(entry->shape) << "] in " << file.getName();
      continue;
    }
    std::vector<float> copy;
    llvm::Expected<ArrayRef<float>> data = file.readF32(*entry, copy);
    if (!data) {
      result = failure();
      global.emitError() << llvm::toString(data.takeError());
      continue;
    }
    // A vector keeps its elements when it moves.
    tensors[key.str()] = {entry->shape, *data,
                          /*isDerived=*/index > numExported};
    if (!copy.empty())
      storage[key.str()] = std::move(copy);
  }
  return result;
}

const WeightTensor *WeightStore::lookup(StringRef key) const {
  auto it = tensors.find(key);
  return it == tensors.end() ? nullptr : &it->second;
}

void WeightStore::add(StringRef key, ArrayRef<int64_t> shape,
                      std::vector<float> data) {
  std::vector<float> &kept = storage[key.str()];
  kept = std::move(data);
  tensors[key.str()] = {SmallVector<int64_t>(shape), kept, /*isDerived=*/true};
}

SmallVector<NamedTensor> WeightStore::getDerived() const {
  SmallVector<NamedTensor> derived;
  for (const auto &[key, tensor] : tensors)
    if (tensor.isDerived)
      derived.push_back({key, tensor.shape, tensor.data});
  return derived;
}
