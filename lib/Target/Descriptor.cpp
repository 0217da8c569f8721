//===- Descriptor.cpp - C sources of an artefact
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Target/Descriptor.h"
#include "spk/Target/EmitLLVM.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::spk;

std::string spk::getCompilerVersion() {
  return SPK_VERSION " (LLVM " LLVM_VERSION_STRING ")";
}

std::string spk::quoteForC(StringRef text) {
  std::string quoted = "\"";
  for (unsigned char c : text) {
    // Question marks could form trigraphs, and an octal escape of three digits
    // cannot swallow what follows it.
    if (llvm::isPrint(c) && c != '"' && c != '\\' && c != '?')
      quoted += c;
    else
      for (char digit : {'\\', char('0' + (c >> 6)), char('0' + (c >> 3 & 7)),
                         char('0' + (c & 7))})
        quoted += digit;
  }
  return quoted + "\"";
}

std::string spk::getModelName(StringRef stem) {
  std::string name;
  for (char c : stem)
    name += llvm::isAlnum(c) ? c : '_';
  if (name.empty() || llvm::isDigit(name.front()))
    name.insert(0, "m");
  return name;
}

static StringRef getDtypeEnumerator(StringRef dtype) {
  return llvm::StringSwitch<StringRef>(dtype)
      .Case("f32", "SPK_F32")
      .Case("i1", "SPK_BOOL")
      .Case("i8", "SPK_I8")
      .Case("i16", "SPK_I16")
      .Case("i32", "SPK_I32")
      .Default("SPK_I64");
}

/// Writes `<kind>_infos`, or nothing where C would not allow an empty array.
static void printTensors(llvm::raw_ostream &os, StringRef kind,
                         ArrayRef<TensorABI> tensors) {
  for (auto [i, tensor] : llvm::enumerate(tensors)) {
    os << "static const int64_t " << kind << i << "_shape[] = {";
    // A scalar has no axes, but its array needs an element.
    llvm::interleaveComma(tensor.shape, os);
    os << (tensor.shape.empty() ? "0" : "") << "};\n";
  }
  if (tensors.empty())
    return;
  os << "static const spk_tensor_info " << kind << "_infos[] = {\n";
  for (auto [i, tensor] : llvm::enumerate(tensors))
    os << "    {.name = " << quoteForC(tensor.name)
       << ",\n     .dtype = " << getDtypeEnumerator(tensor.dtype)
       << ",\n     .rank = " << tensor.shape.size()
       << ",\n     .shape = " << kind << i << "_shape,\n     .bytes = UINT64_C("
       << tensor.getBytes()
       << "),\n     .temporal = " << (tensor.temporal ? 1 : 0) << "},\n";
  os << "};\n\n";
}

/// Writes the declaration of an entry and the function that calls it with the
/// fields of an spk_call.
static void printEntry(llvm::raw_ostream &os, StringRef modelName,
                       const EntryABI &entry) {
  SmallVector<std::string> parameters, arguments;
  for (StringRef argument : entry.arguments) {
    parameters.push_back(argument == "threads"            ? "int32_t"
                         : argument == "weights"          ? "const void *"
                         : argument.starts_with("input:") ? "const void *"
                                                          : "void *");
    auto [field, index] = argument.split(':');
    arguments.push_back(index.empty()
                            ? ("call->" + field).str()
                            : ("call->" + field + "s[" + index + "]").str());
  }
  if (parameters.empty())
    parameters.push_back("void");
  std::string symbol = getEntrySymbol(modelName, entry.name);
  os << "extern SPK_HIDDEN void " << symbol << "("
     << llvm::join(parameters, ", ") << ");\n"
     << "static void " << entry.name << "_entry(const spk_call *call) {\n"
     << "  (void)call;\n  " << symbol << "(" << llvm::join(arguments, ", ")
     << ");\n}\n\n";
}

/// Hexadecimal, so that no digit is lost.
static std::string printFloat(float value) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::format("%af", double(value));
  return text;
}

static void printStates(llvm::raw_ostream &os, ArrayRef<StateABI> states) {
  if (states.empty())
    return;
  os << "static const spk_state_segment segments[] = {\n";
  for (const StateABI &state : states)
    os << "    {UINT64_C(" << state.offset << "), UINT64_C(" << state.count
       << "), " << printFloat(state.initial) << "},\n";
  os << "};\n\n";
}

static void printStrings(llvm::raw_ostream &os, StringRef name,
                         ArrayRef<std::string> strings) {
  os << "static const char *const " << name << "[] = {\n";
  for (const std::string &string : strings)
    os << "    " << quoteForC(string) << ",\n";
  os << "    NULL};\n\n";
}

std::string spk::getDescriptorSource(const ModelABI &abi,
                                     const TargetSpec &target,
                                     const ArtefactFacts &facts) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "// Generated by spk " << getCompilerVersion() << ".\n\n"
     << "#define SPK_MODEL " << facts.modelName << "\n"
     << "#include \"spk/Runtime/descriptor.h\"\n\n"
     << "extern SPK_HIDDEN const unsigned char spk_" << facts.modelName
     << "_weights[];\n\n";
  for (const EntryABI &entry : abi.entries)
    printEntry(os, facts.modelName, entry);
  printTensors(os, "input", abi.inputs);
  printTensors(os, "output", abi.outputs);
  printStates(os, abi.states);
  printStrings(os, "cpu_features", target.requiredFeatures);
  printStrings(os, "properties", facts.properties);

  auto orNull = [](bool present, StringRef name) {
    return present ? name : StringRef("NULL");
  };
  os << "static const spk_model_descriptor model_descriptor = {\n"
     << "    .metadata = {.compiler_version = "
     << quoteForC(getCompilerVersion())
     << ",\n                 .model_name = " << quoteForC(facts.modelName)
     << ",\n                 .model_hash = " << quoteForC(facts.modelHash)
     << ",\n                 .target_triple = "
     << quoteForC(target.triple.str())
     << ",\n                 .target_cpu = " << quoteForC(target.cpu)
     << ",\n                 .cpu_features = cpu_features"
     << ",\n                 .threading = "
     << (facts.openmp ? "\"openmp\"" : "\"none\"")
     << ",\n                 .properties = properties"
     << ",\n                 .arena_bytes = UINT64_C(" << abi.arenaBytes
     << "),\n                 .hoisted_bytes = UINT64_C(" << abi.hoistedBytes
     << "),\n                 .state_bytes = UINT64_C(" << abi.stateBytes
     << "),\n                 .weights_bytes = UINT64_C(" << abi.weightsBytes
     << "),\n                 .time_steps = " << abi.timeSteps << "},\n"
     << "    .inputs = " << orNull(!abi.inputs.empty(), "input_infos")
     << ",\n    .num_inputs = " << abi.inputs.size()
     << ",\n    .outputs = " << orNull(!abi.outputs.empty(), "output_infos")
     << ",\n    .num_outputs = " << abi.outputs.size()
     << ",\n    .segments = " << orNull(!abi.states.empty(), "segments")
     << ",\n    .num_segments = " << abi.states.size()
     << ",\n    .weights = spk_" << facts.modelName << "_weights";
  for (StringRef entry : {"run", "prologue", "step", "finish"})
    os << ",\n    ." << entry << " = "
       << orNull(abi.getEntry(entry), (entry + "_entry").str());
  os << ",\n    .step_refusal = "
     << (abi.stepRefused.empty() ? "NULL" : quoteForC(abi.stepRefused))
     << "};\n\n#include \"runtime.c\"\n";
  return text;
}
