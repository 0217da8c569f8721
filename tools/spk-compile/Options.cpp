//===- Options.cpp - command line of spk-compile
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "spk/Target/Descriptor.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
using namespace mlir::spk;
namespace cl = llvm::cl;
namespace path = llvm::sys::path;

static cl::OptionCategory category("spk-compile options");

static cl::opt<std::string> input(cl::Positional, cl::desc("<model.mlir>"),
                                  cl::Required, cl::cat(category));
static cl::opt<std::string> output("o", cl::desc("File to write"),
                                   cl::value_desc("file"), cl::cat(category));
static cl::opt<Emit> emit(
    "emit", cl::desc("What to write:"), cl::init(Emit::Executable),
    cl::values(
        clEnumValN(Emit::Executable, "exe",
                   "a program that reads and writes .npy files (default)"),
        clEnumValN(Emit::Shared, "shared", "a shared library and its C header"),
        clEnumValN(Emit::Archive, "archive",
                   "a static library and its C header"),
        clEnumValN(Emit::Object, "object",
                   "a relocatable object and its C header"),
        clEnumValN(Emit::LLVM, "llvm", "LLVM IR, before optimisation"),
        clEnumValN(Emit::Assembly, "asm", "assembly of the kernels"),
        clEnumValN(Emit::MLIR, "mlir",
                   "MLIR of the last phase, or of --compile-to")),
    cl::cat(category));
static cl::opt<std::string> modelName(
    "model-name",
    cl::desc("Prefix of the symbols, spk_NAME_* (default: from the output)"),
    cl::value_desc("name"), cl::cat(category));
static cl::opt<std::string>
    baseDir("base-dir",
            cl::desc("Directory that file names in the model are relative to "
                     "(default: that of the model)"),
            cl::value_desc("dir"), cl::cat(category));

static cl::opt<std::string>
    annToSnn("ann-to-snn",
             cl::desc("Convert an ANN with QCFS activations to an SNN of T "
                      "time steps, and of so many without input behind them"),
             cl::value_desc("T=n[,extra-t=n]"), cl::cat(category));
static cl::opt<int64_t> batch("batch",
                              cl::desc("Batch size (default: as in the model)"),
                              cl::value_desc("n"), cl::init(0),
                              cl::cat(category));
static cl::list<std::string>
    taps("tap",
         cl::desc("Make values of layers outputs of the model: "
                  "GLOB[:spikes|:current|:membrane|:attention]"),
         cl::value_desc("glob"), cl::cat(category));
static cl::opt<std::string>
    association("association",
                cl::desc("Order of the products of attention, where both give "
                         "the same bits: auto, qk_first or kv_first"),
                cl::init("auto"), cl::value_desc("order"), cl::cat(category));
static cl::opt<bool> allowInexactAssociation(
    "allow-inexact-association",
    cl::desc("Choose --association even where rounding may differ"),
    cl::cat(category));
static cl::opt<bool> binarySubSteps(
    "binary-substeps",
    cl::desc("Run integer spikes as binary sub-steps: synapses of a neuron "
             "that fires 0 to D read spikes in D sub-steps"),
    cl::cat(category));
static cl::opt<std::string>
    sum("sum",
        cl::desc("Order of summation of spikes times weights: auto, "
                 "sequential or grouped"),
        cl::init("auto"), cl::value_desc("order"), cl::cat(category));
static cl::list<std::string>
    samples("samples",
            cl::desc("Run the model on these .npy files, one per input, to "
                     "measure how dense the input of every layer is"),
            cl::value_desc("file"), cl::cat(category));
static cl::opt<std::string>
    densities("densities",
              cl::desc("Densities that were measured before, as --samples "
                       "with --save-temps leaves them"),
              cl::value_desc("file"), cl::cat(category));
static cl::opt<std::string>
    strategy("strategy",
             cl::desc("Kernel strategy to use wherever it gives the same bits"),
             cl::init("auto"), cl::value_desc("name"), cl::cat(category));
static cl::opt<std::string> costModel(
    "cost-model",
    cl::desc("What strategies are chosen by: a file of constants that "
             "'python -m spk calibrate' measured, or a family of CPUs "
             "(default: that of --target-cpu)"),
    cl::value_desc("file"), cl::cat(category));

static cl::opt<std::string>
    targetCpu("target-cpu",
              cl::desc("CPU to compile for: host (default), x86-64-v3, ..."),
              cl::value_desc("cpu"), cl::cat(category));
static cl::opt<std::string>
    targetTriple("target-triple",
                 cl::desc("Target triple (default: this machine)"),
                 cl::value_desc("triple"), cl::cat(category));
static cl::opt<std::string> sysroot("sysroot",
                                    cl::desc("C library of another target"),
                                    cl::value_desc("dir"), cl::cat(category));
static cl::opt<unsigned> optLevel("O", cl::Prefix,
                                  cl::desc("Optimisation level: -O0 to -O3"),
                                  cl::init(2), cl::cat(category));
enum class Threading { LibOMP, None };
static cl::opt<Threading>
    openmp("openmp", cl::desc("How loops run in parallel:"),
           cl::init(Threading::LibOMP),
           cl::values(clEnumValN(Threading::LibOMP, "libomp",
                                 "with LLVM's OpenMP library (default)"),
                      clEnumValN(Threading::None, "none",
                                 "not at all: needs libc and libm only")),
           cl::cat(category));
static cl::opt<bool>
    bundle("bundle",
           cl::desc("Copy libomp beside the output, for another machine"),
           cl::cat(category));
static cl::opt<std::string> clang("clang", cl::desc("The clang to use"),
                                  cl::value_desc("path"), cl::cat(category));
static cl::opt<std::string> lld("lld", cl::desc("The ld.lld to use"),
                                cl::value_desc("path"), cl::cat(category));

static cl::opt<ExplainFormat>
    explain("explain", cl::desc("Show what becomes of every layer, and why:"),
            cl::ValueOptional, cl::init(ExplainFormat::None),
            cl::values(clEnumValN(ExplainFormat::Text, "", ""),
                       clEnumValN(ExplainFormat::Text, "text", "as a table"),
                       clEnumValN(ExplainFormat::JSON, "json", "as JSON")),
            cl::cat(category));
static cl::opt<std::string>
    explainFile("explain-file",
                cl::desc("Where --explain writes (default: standard output)"),
                cl::value_desc("file"), cl::init("-"), cl::cat(category));
static cl::opt<std::string> compileTo(
    "compile-to",
    cl::desc("Stop after a phase and write its IR: input, model, fused, "
             "packed, loops or llvm"),
    cl::value_desc("phase"), cl::cat(category));
static cl::opt<std::string> compileFrom(
    "compile-from", cl::desc("Phase that the model is in (default: input)"),
    cl::value_desc("phase"), cl::init("input"), cl::Hidden, cl::cat(category));
static cl::opt<std::string> saveTemps(
    "save-temps",
    cl::desc("Keep what is made on the way (default: in OUTPUT.temps)"),
    cl::value_desc("dir"), cl::ValueOptional, cl::cat(category));
static cl::opt<bool> verbose("verbose",
                             cl::desc("Show times of phases and all commands"),
                             cl::cat(category));

static cl::extrahelp examples(R"(
EXAMPLES:
  spk-compile net.mlir -o net                 an executable for this machine
  spk-compile net.mlir -o net.so --emit=shared --target-cpu=x86-64-v3
  spk-compile net.mlir --explain              one row per layer, nothing written
  spk-compile net.mlir --compile-to=fused     IR of a phase

Passes can be watched with MLIR's options, such as --mlir-print-ir-after-all
and --mlir-pass-pipeline-crash-reproducer=FILE (see --help-hidden).
)");

StringRef CompileOptions::getEmitName() const {
  switch (emit) {
  case Emit::Executable:
    return "executable";
  case Emit::Shared:
    return "shared library";
  case Emit::Archive:
    return "archive";
  case Emit::Object:
    return "object";
  case Emit::LLVM:
    return "LLVM IR";
  case Emit::Assembly:
    return "assembly";
  case Emit::MLIR:
    return "MLIR";
  }
  llvm_unreachable("no such kind of output");
}

static std::nullopt_t usageError(const llvm::Twine &message) {
  llvm::WithColor::error(llvm::errs(), "spk-compile") << message << "\n";
  llvm::errs() << "See 'spk-compile --help'.\n";
  return std::nullopt;
}

static std::optional<Phase> findPhase(StringRef name) {
  for (const PhaseInfo &info : getPhases())
    if (info.name == name)
      return info.phase;
  return std::nullopt;
}

static std::string listPhases() {
  SmallVector<StringRef> names;
  for (const PhaseInfo &info : getPhases())
    names.push_back(info.name);
  return llvm::join(names, ", ");
}

/// Whether `name` can stand between "spk_" and "_run" in C.
static bool isSymbolPart(StringRef name) {
  return !name.empty() && llvm::all_of(name, [](char c) {
    return llvm::isAlnum(c) || c == '_';
  });
}

/// The time steps that "T=8" or "T=8,extra-t=2" stands for, with and without
/// input; nothing where it is neither.
static std::optional<std::pair<int64_t, int64_t>> parseSteps(StringRef text) {
  std::pair<int64_t, int64_t> steps(0, 0);
  auto [first, second] = text.split(',');
  bool parsed =
      first.consume_front("T=") && !first.getAsInteger(10, steps.first);
  if (text.contains(','))
    parsed &= second.consume_front("extra-t=") &&
              !second.getAsInteger(10, steps.second);
  if (!parsed || steps.first < 1 || steps.second < 0)
    return std::nullopt;
  return steps;
}

/// The options as given, completed with defaults that depend on each other.
static std::optional<CompileOptions> check() {
  CompileOptions options;
  options.input = input;
  options.output = output;
  options.emit = emit;
  auto from = findPhase(compileFrom);
  auto to = compileTo.empty() ? Phase::LLVM : findPhase(compileTo);
  if (!from || !to)
    return usageError("there is no phase '" + (from ? compileTo : compileFrom) +
                      "': " + listPhases());
  if (*from > *to)
    return usageError("--compile-to=" + compileTo +
                      " comes before --compile-from=" + compileFrom);
  options.compileFrom = *from;
  options.compileTo = *to;
  if (!compileTo.empty()) {
    if (emit.getNumOccurrences() && emit != Emit::MLIR)
      return usageError("--compile-to writes MLIR: leave out --emit");
    options.emit = Emit::MLIR;
  }
  options.explain = explain;
  if (explainFile.getNumOccurrences() && explain == ExplainFormat::None)
    return usageError("--explain-file needs --explain");
  options.explainFile = explainFile;
  if (explain != ExplainFormat::None &&
      (*from > Phase::Packed || *to < Phase::Packed))
    return usageError("--explain describes the phase 'packed', which this "
                      "compilation does not reach");

  bool isText = options.emit >= Emit::LLVM;
  if (options.output.empty() && explain == ExplainFormat::None) {
    if (!isText)
      return usageError("name the file to write with -o");
    options.output = "-";
  }
  if (options.output == "-" && !isText)
    return usageError("an " + options.getEmitName() +
                      " cannot be written to standard output");
  if (bundle && options.emit != Emit::Executable &&
      options.emit != Emit::Shared)
    return usageError("--bundle needs --emit=exe or --emit=shared");
  options.bundle = bundle;
  options.openmp = openmp == Threading::LibOMP;
  if (optLevel > 3)
    return usageError("-O" + llvm::Twine(optLevel) +
                      " is not between -O0 and -O3");
  options.optLevel = optLevel;
  if (annToSnn.getNumOccurrences()) {
    auto steps = parseSteps(annToSnn);
    if (!steps)
      return usageError("--ann-to-snn must be T=N or T=N,extra-t=M with N at "
                        "least 1 and M at least 0, not '" +
                        annToSnn + "'");
    if (*from > Phase::Input || *to < Phase::Model)
      return usageError("--ann-to-snn converts on the way from 'input' to "
                        "'model', which this compilation does not go");
    std::tie(options.snnSteps, options.snnExtraSteps) = *steps;
  }
  if (batch < 0 || (batch.getNumOccurrences() && batch == 0))
    return usageError("--batch must be at least 1");
  options.batch = batch;
  if (!llvm::is_contained({"auto", "qk_first", "kv_first"}, association))
    return usageError(
        "--association must be auto, qk_first or kv_first, not '" +
        association + "'");
  options.association = association;
  options.allowInexactAssociation = allowInexactAssociation;
  options.binarySubSteps = binarySubSteps;
  if (!llvm::is_contained({"auto", "sequential", "grouped"}, sum))
    return usageError("--sum must be auto, sequential or grouped, not '" + sum +
                      "'");
  options.sum = sum;
  if (!samples.empty() && !densities.empty())
    return usageError("--samples measures what --densities gives: leave one "
                      "out");
  if ((!samples.empty() || !densities.empty()) &&
      (*from > Phase::Input || *to < Phase::Model))
    return usageError(
        "densities decide on the way from 'input' to 'model', which this "
        "compilation does not go");
  options.samples.assign(samples.begin(), samples.end());
  options.densities = densities;
  options.strategy = strategy;
  options.costModel = costModel;
  options.taps.assign(taps.begin(), taps.end());

  // The name of the artefact without directory and extension; of the input
  // where there is none.
  bool named = !options.output.empty() && options.output != "-";
  options.modelName =
      getModelName(path::stem(named ? options.output : options.input));
  if (modelName.getNumOccurrences()) {
    if (!isSymbolPart(modelName))
      return usageError("--model-name='" + modelName +
                        "' must consist of letters, digits and '_'");
    options.modelName = modelName;
  }
  options.baseDirectory = baseDir.getNumOccurrences()
                              ? baseDir
                              : path::parent_path(options.input).str();
  if (options.baseDirectory.empty())
    options.baseDirectory = ".";
  options.targetTriple = targetTriple;
  options.targetCpu = targetCpu;
  options.toolchain.clang = clang;
  options.toolchain.lld = lld;
  options.toolchain.sysroot = sysroot;
  options.toolchain.verbose = verbose;
  options.verbose = verbose;
  if (saveTemps.getNumOccurrences())
    options.tempsDirectory =
        !saveTemps.empty()
            ? saveTemps
            : (named ? options.output : options.modelName) + ".temps";
  return options;
}

std::optional<CompileOptions> spk::parseCommandLine(int argc, char **argv) {
  registerAsmPrinterCLOptions();
  registerMLIRContextCLOptions();
  registerPassManagerCLOptions();
  registerDefaultTimingManagerCLOptions();
  cl::HideUnrelatedOptions(category);
  cl::SetVersionPrinter([](llvm::raw_ostream &os) {
    os << "spk " << getCompilerVersion() << "\n";
  });
  if (!cl::ParseCommandLineOptions(
          argc, argv, "compiles a spiking transformer to native code\n",
          &llvm::errs()))
    return std::nullopt;
  auto options = check();
  if (options)
    options->toolchain.toolDirectory =
        path::parent_path(llvm::sys::fs::getMainExecutable(
                              argv[0], reinterpret_cast<void *>(&check)))
            .str();
  return options;
}
