//===- ModelABI.cpp - interface of generated code
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Target/ModelABI.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

/// Reads entries of a dictionary and remembers the first that is wrong.
class Reader {
public:
  Reader(DictionaryAttr dictionary, std::string &error)
      : dictionary(dictionary), error(error) {}

  void fail(StringRef key, StringRef requirement) {
    if (error.empty())
      error = ("'" + key + "' must be " + requirement).str();
  }
  template <typename T>
  T get(StringRef key, StringRef requirement) {
    auto attribute = dictionary.getAs<T>(key);
    if (!attribute)
      fail(key, requirement);
    return attribute;
  }
  uint64_t size(StringRef key) {
    auto attribute = get<IntegerAttr>(key, "a non-negative integer");
    if (attribute && attribute.getValue().isNegative())
      fail(key, "a non-negative integer");
    return attribute ? attribute.getValue().getZExtValue() : 0;
  }
  std::string string(StringRef key) {
    auto attribute = get<StringAttr>(key, "a string");
    return attribute ? attribute.str() : std::string();
  }
  /// Calls `body` with a reader of each dictionary of an array.
  void forEach(StringRef key, llvm::function_ref<void(Reader)> body) {
    auto array = get<ArrayAttr>(key, "an array");
    if (!array)
      return;
    for (Attribute element : array) {
      auto entry = dyn_cast<DictionaryAttr>(element);
      if (!entry)
        return fail(key, "an array of dictionaries");
      body(Reader(entry, error));
    }
  }

private:
  DictionaryAttr dictionary;
  std::string &error;
};

} // namespace

static unsigned getDtypeBytes(StringRef dtype) {
  return llvm::StringSwitch<unsigned>(dtype)
      .Cases({"i1", "i8"}, 1)
      .Case("i16", 2)
      .Cases({"f32", "i32"}, 4)
      .Case("i64", 8)
      .Default(0);
}

uint64_t TensorABI::getBytes() const {
  uint64_t bytes = getDtypeBytes(dtype);
  for (int64_t size : shape)
    bytes *= size;
  return bytes;
}

static TensorABI readTensor(Reader reader) {
  TensorABI tensor;
  tensor.name = reader.string("name");
  tensor.dtype = reader.string("dtype");
  if (!getDtypeBytes(tensor.dtype))
    reader.fail("dtype", "f32, i1, i8, i16, i32 or i64");
  if (auto shape = reader.get<DenseI64ArrayAttr>("shape", "array<i64: ...>"))
    tensor.shape.assign(shape.asArrayRef().begin(), shape.asArrayRef().end());
  if (llvm::any_of(tensor.shape, [](int64_t size) { return size < 1; }))
    reader.fail("shape", "positive");
  if (auto temporal = reader.get<BoolAttr>("temporal", "a bool"))
    tensor.temporal = temporal.getValue();
  return tensor;
}

/// Whether an entry may have this argument.
static bool isArgument(StringRef argument, const ModelABI &abi) {
  if (llvm::is_contained({"arena", "weights", "hoisted", "state", "threads"},
                         argument))
    return true;
  size_t count = argument.consume_front("input:")    ? abi.inputs.size()
                 : argument.consume_front("output:") ? abi.outputs.size()
                                                     : 0;
  size_t index;
  return !argument.getAsInteger(10, index) && index < count;
}

static void readEntries(Reader reader, ModelABI &abi) {
  auto entries = reader.get<DictionaryAttr>("entries", "a dictionary");
  if (!entries)
    return;
  for (NamedAttribute named : entries) {
    EntryABI entry;
    entry.name = named.getName().str();
    auto arguments = dyn_cast<ArrayAttr>(named.getValue());
    if (!arguments)
      return reader.fail("entries", "arrays of argument names");
    for (Attribute attribute : arguments) {
      auto argument = dyn_cast<StringAttr>(attribute);
      if (!argument || !isArgument(argument, abi))
        return reader.fail("entries", "arrays of argument names");
      entry.arguments.push_back(argument.str());
    }
    abi.entries.push_back(std::move(entry));
  }
  if (!abi.getEntry("run"))
    reader.fail("entries", "with a function 'run'");
}

const EntryABI *ModelABI::getEntry(StringRef name) const {
  for (const EntryABI &entry : entries)
    if (entry.name == name)
      return &entry;
  return nullptr;
}

llvm::Expected<ModelABI> ModelABI::read(ModuleOp module) {
  auto dictionary = module->getAttrOfType<DictionaryAttr>(kABIAttr);
  if (!dictionary)
    return llvm::createStringError(
        "the module has no attribute 'spk.abi': artefacts are made of modules "
        "that the 'llvm' phase has produced");
  ModelABI abi;
  std::string error;
  Reader reader(dictionary, error);
  abi.timeSteps = reader.size("time_steps");
  abi.arenaBytes = reader.size("arena_bytes");
  abi.hoistedBytes = reader.size("hoisted_bytes");
  abi.stateBytes = reader.size("state_bytes");
  abi.weightsBytes = reader.size("weights_bytes");
  reader.forEach("inputs",
                 [&](Reader r) { abi.inputs.push_back(readTensor(r)); });
  reader.forEach("outputs",
                 [&](Reader r) { abi.outputs.push_back(readTensor(r)); });
  reader.forEach("states", [&](Reader r) {
    StateABI state{r.size("offset"), r.size("count"), 0.0f};
    if (auto initial = r.get<FloatAttr>("initial", "a float"))
      state.initial = initial.getValue().convertToFloat();
    if (state.offset + 4 * state.count > abi.stateBytes)
      r.fail("offset", "inside the state");
    abi.states.push_back(state);
  });
  reader.forEach("weights", [&](Reader r) {
    WeightABI weight{r.string("key"), r.size("offset"), r.size("bytes")};
    uint64_t end = abi.weights.empty()
                       ? 0
                       : abi.weights.back().offset + abi.weights.back().bytes;
    if (weight.offset % 64 || weight.offset < end ||
        weight.offset + weight.bytes > abi.weightsBytes)
      r.fail("offset", "a multiple of 64, ascending and inside the weights");
    abi.weights.push_back(std::move(weight));
  });
  readEntries(reader, abi);
  if (dictionary.contains("step_refused"))
    abi.stepRefused = reader.string("step_refused");
  if (!error.empty())
    return llvm::createStringError("attribute 'spk.abi': " + error);
  return abi;
}
