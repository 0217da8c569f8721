//===- ModelHash.cpp - what decides the results of a model
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Target/ModelHash.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "spk/Dialect/Spk/IR/SpkDialect.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

/// Hashes what is printed, without keeping it.
class HashStream : public llvm::raw_ostream {
public:
  explicit HashStream(llvm::SHA256 &hash) : hash(hash) {}
  ~HashStream() override { flush(); }

private:
  void write_impl(const char *data, size_t size) override {
    hash.update(StringRef(data, size));
    position += size;
  }
  uint64_t current_pos() const override { return position; }

  llvm::SHA256 &hash;
  uint64_t position = 0;
};

} // namespace

/// The weights that a module declares or, after they got their places, lists.
static std::vector<std::string> getWeightKeys(ModuleOp module) {
  std::vector<std::string> keys;
  for (auto global : module.getOps<ml_program::GlobalOp>())
    if (isa_and_present<ml_program::ExternAttr>(global.getValueAttr()))
      keys.push_back(global.getSymName().str());
  if (module->hasAttr(kABIAttr)) {
    llvm::Expected<ModelABI> abi = ModelABI::read(module);
    if (abi)
      for (const WeightABI &weight : abi->weights)
        keys.push_back(weight.key);
    else
      llvm::consumeError(abi.takeError());
  }
  return keys;
}

llvm::Expected<ModelHash> ModelHash::start(ModuleOp module,
                                           ArrayRef<std::string> options,
                                           TensorLookup lookup) {
  ModelHash result;
  {
    HashStream os(result.hash);
    // Names of files do not matter, what is in them does.
    NamedAttrList attributes(module->getAttrs());
    DictionaryAttr original = attributes.getDictionary(module.getContext());
    attributes.erase(kWeightsAttr);
    attributes.erase(kDerivedWeightsAttr);
    module->setAttrs(attributes.getDictionary(module.getContext()));
    module->print(os, OpPrintingFlags().enableDebugInfo(false));
    module->setAttrs(original);
    for (const std::string &option : options)
      os << '\0' << option;
  }
  for (const std::string &key : getWeightKeys(module)) {
    auto bytes = lookup(key);
    if (!bytes)
      return bytes.takeError();
    result.weights.push_back(*bytes);
  }
  return result;
}

std::string ModelHash::finish() {
  for (ArrayRef<char> bytes : weights)
    hash.update(ArrayRef<uint8_t>(
        reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}
