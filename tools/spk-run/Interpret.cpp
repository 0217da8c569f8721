//===- Interpret.cpp - models that are not compiled -----------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Interpret.h"
#include "Arrays.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "runner.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"
#include "spk/Interpreter/Interpreter.h"
#include "spk/Support/WeightStore.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
using namespace mlir::spk;
using namespace spkrun;
namespace cl = llvm::cl;

namespace {

struct Options {
  cl::OptionCategory category{"Options of --interpret"};
  cl::opt<std::string> model{cl::Positional, cl::Required,
                             cl::desc("<model.mlir>"), cl::cat(category)};
  cl::opt<bool> interpret{"interpret",
                          cl::desc("Run a model that is not compiled"),
                          cl::cat(category)};
  cl::list<std::string> inputs{
      "input", cl::desc("One file per input, in the order of the arguments"),
      cl::value_desc("file.npy"), cl::cat(category)};
  cl::list<std::string> outputs{
      "output",
      cl::desc("File for an output; repeat it for further outputs, in order"),
      cl::value_desc("file.npy"), cl::cat(category)};
  cl::opt<std::string> outputDir{
      "output-dir",
      cl::desc("Write every output to DIR/<name>.npy, '/' in names becoming "
               "'.'"),
      cl::value_desc("dir"), cl::cat(category)};
  cl::list<std::string> expected{
      "expect",
      cl::desc("Compare an output with a file, bit for bit; repeat it for "
               "further outputs. Exit code 3 if they differ"),
      cl::value_desc("file.npy"), cl::cat(category)};
  cl::opt<std::string> function{
      "function",
      cl::desc("Function to run (default: main, or the only public one)"),
      cl::value_desc("name"), cl::cat(category)};
  cl::opt<std::string> baseDir{
      "base-dir",
      cl::desc("Directory that file names in the model are relative to "
               "(default: that of the model)"),
      cl::value_desc("dir"), cl::cat(category)};
};

} // namespace

static int usageError(const Twine &message) {
  llvm::WithColor::error(llvm::errs(), "spk-run") << message << "\n";
  return SPK_EXIT_USAGE;
}

static int usageError(llvm::Error error) {
  return usageError(llvm::toString(std::move(error)));
}

/// The function to run, or null with an error.
static func::FuncOp findFunction(ModuleOp module, StringRef name) {
  // Past `model` a module also has the parts of a streamed run.
  if (name.empty())
    if (auto main = module.lookupSymbol<func::FuncOp>("main"))
      return main;
  SmallVector<func::FuncOp> candidates;
  for (auto function : module.getOps<func::FuncOp>())
    if (name.empty() ? function.isPublic() && !function.isExternal()
                     : function.getSymName() == name)
      candidates.push_back(function);
  if (candidates.size() == 1)
    return candidates.front();
  if (!name.empty()) {
    module.emitError() << "module has no function '" << name << "'";
    return {};
  }
  InFlightDiagnostic diagnostic = module.emitError()
                                  << "module must have one public function, or "
                                     "--function must choose one; it has "
                                  << candidates.size();
  for (func::FuncOp function : candidates)
    diagnostic.attachNote(function.getLoc())
        << "function '" << function.getSymName() << "'";
  return {};
}

/// Describes arguments or results; `getAttr(i, name)` is an attribute of one.
template <typename GetAttr>
static FailureOr<SmallVector<Port>> getPorts(func::FuncOp function,
                                             TypeRange types, StringRef role,
                                             GetAttr getAttr) {
  SmallVector<Port> ports;
  for (auto [index, type] : llvm::enumerate(types)) {
    Port port;
    port.type = dyn_cast<RankedTensorType>(type);
    if (!port.type || !port.type.hasStaticShape() ||
        !getElementKind(port.type.getElementType()))
      return function.emitError(role)
             << " " << index << " must be a static tensor of f32 or integers, "
             << "got " << type;
    port.name = (role + Twine(index)).str();
    if (auto name = dyn_cast_or_null<StringAttr>(getAttr(index, kNameAttr)))
      port.name = name.str();
    port.outsideShape = SmallVector<int64_t>(port.type.getShape());
    if (getAttr(index, kStaticAttr) && !port.outsideShape.empty() &&
        port.outsideShape.front() == 1)
      port.outsideShape.erase(port.outsideShape.begin());
    ports.push_back(std::move(port));
  }
  return ports;
}

/// The files that outputs go to.
static llvm::Expected<std::vector<std::string>>
getOutputPaths(const Options &options, ArrayRef<Port> outputs) {
  if (options.outputDir.empty())
    return std::vector<std::string>(options.outputs.begin(),
                                    options.outputs.end());
  if (std::error_code error =
          llvm::sys::fs::create_directory(options.outputDir))
    return llvm::createStringError(error, "%s: %s", options.outputDir.c_str(),
                                   error.message().c_str());
  std::vector<std::string> paths;
  for (const Port &port : outputs) {
    std::string file = port.name + ".npy";
    llvm::replace(file, '/', '.');
    paths.push_back(options.outputDir + "/" + file);
    if (llvm::is_contained(ArrayRef(paths).drop_back(), paths.back()))
      return llvm::createStringError("two outputs would be written to " +
                                     paths.back());
  }
  return paths;
}

static int useOutputs(const Options &options, ArrayRef<Port> ports,
                      ArrayRef<TensorValue> values) {
  auto paths = getOutputPaths(options, ports);
  if (!paths)
    return usageError(paths.takeError());
  for (auto [path, port, value] : llvm::zip(*paths, ports, values))
    if (llvm::Error error = writeArray(path, port, value))
      return usageError(std::move(error));
  bool equal = true;
  for (auto [path, port, value] : llvm::zip(options.expected, ports, values)) {
    llvm::Expected<bool> same = compareArray(path, port, value);
    if (!same)
      return usageError(same.takeError());
    equal &= *same;
  }
  if (paths->empty() && options.expected.empty())
    for (auto [port, value] : llvm::zip_equal(ports, values))
      printArray(llvm::outs(), port, value);
  return equal ? SPK_EXIT_OK : SPK_EXIT_DIFFERENT;
}

static int interpret(const Options &options, ModuleOp module) {
  func::FuncOp function = findFunction(module, options.function);
  if (!function)
    return SPK_EXIT_USAGE;
  auto inputs = getPorts(
      function, function.getArgumentTypes(), "input",
      [&](unsigned i, StringRef name) { return function.getArgAttr(i, name); });
  auto outputs = getPorts(function, function.getResultTypes(), "output",
                          [&](unsigned i, StringRef name) {
                            return function.getResultAttr(i, name);
                          });
  if (failed(inputs) || failed(outputs))
    return SPK_EXIT_USAGE;
  if (options.inputs.size() != inputs->size())
    return usageError("'" + function.getSymName() + "' has " +
                      Twine(inputs->size()) + " inputs, got " +
                      Twine(options.inputs.size()) + " --input");
  size_t files = std::max(options.outputs.size(), options.expected.size());
  if (files > outputs->size())
    return usageError("'" + function.getSymName() + "' has " +
                      Twine(outputs->size()) + " outputs, got " + Twine(files) +
                      " --output or --expect");
  SmallVector<TensorValue> arguments;
  for (auto [path, port] : llvm::zip_equal(options.inputs, *inputs)) {
    llvm::Expected<TensorValue> value = readArray(path, port);
    if (!value)
      return usageError(value.takeError());
    arguments.push_back(std::move(*value));
  }

  std::string baseDir = options.baseDir;
  if (baseDir.empty())
    baseDir = llvm::sys::path::parent_path(options.model).str();
  WeightStore weights;
  if (failed(weights.load(module, baseDir)))
    return SPK_EXIT_USAGE;
  // Composite layers are defined by what they expand to.
  PassManager passes(module.getContext());
  passes.addPass(createExpandSPS());
  if (failed(passes.run(module)))
    return SPK_EXIT_USAGE;
  Interpreter interpreter(module, weights);
  auto results = interpreter.run(function.getSymName(), arguments);
  if (failed(results))
    return SPK_EXIT_MODEL;
  return useOutputs(options, *outputs, *results);
}

int spkrun::interpretMain(int argc, char **argv) {
  Options options;
  cl::HideUnrelatedOptions(options.category);
  if (!cl::ParseCommandLineOptions(argc, argv,
                                   "Runs a model by the interpreter\n"))
    return SPK_EXIT_USAGE;
  if (!options.outputs.empty() && !options.outputDir.empty())
    return usageError("--output and --output-dir exclude each other");

  DialectRegistry registry;
  registry.insert<SpkDialect, arith::ArithDialect, func::FuncDialect,
                  linalg::LinalgDialect, ml_program::MLProgramDialect,
                  tensor::TensorDialect>();
  MLIRContext context(registry);
  context.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler printer(sources, &context);
  OwningOpRef<ModuleOp> module =
      parseSourceFile<ModuleOp>(options.model, sources, &context);
  if (!module)
    return SPK_EXIT_USAGE;
  return interpret(options, *module);
}
