//===- TargetSpec.cpp - the machine that code is made for
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Target/TargetSpec.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace mlir::spk;

extern "C" int spkKnowsCpuFeature(int isX86, const char *name);

void spk::initializeTargets() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeAArch64TargetInfo();
  LLVMInitializeAArch64Target();
  LLVMInitializeAArch64TargetMC();
  LLVMInitializeAArch64AsmPrinter();
}

static llvm::Triple getHostTriple() {
  return llvm::Triple(
      llvm::Triple::normalize(llvm::sys::getDefaultTargetTriple()));
}

bool TargetSpec::isNative() const {
  llvm::Triple host = getHostTriple();
  return triple.getArch() == host.getArch() && triple.getOS() == host.getOS() &&
         triple.getEnvironment() == host.getEnvironment();
}

/// Features of this machine beyond its CPU name, in a fixed order.
static std::string getHostFeatures() {
  std::vector<std::string> features;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    features.push_back((feature.second ? "+" : "-") + feature.first().str());
  llvm::sort(features, [](StringRef a, StringRef b) {
    return a.drop_front() < b.drop_front();
  });
  return llvm::join(features, ",");
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
spk::createTargetMachine(const TargetSpec &target, unsigned optLevel) {
  std::string error;
  const llvm::Target *backend =
      llvm::TargetRegistry::lookupTarget(target.triple, error);
  if (!backend)
    return llvm::createStringError("no code generator for the target '" +
                                   target.triple.str() +
                                   "': x86_64 and aarch64 are supported");
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  options.FunctionSections = true;
  options.DataSections = true;
  auto level = llvm::CodeGenOpt::getLevel(optLevel);
  std::unique_ptr<llvm::TargetMachine> machine(backend->createTargetMachine(
      target.triple, target.cpu, target.features, options, llvm::Reloc::PIC_,
      std::nullopt, level.value_or(llvm::CodeGenOptLevel::Default)));
  if (!machine)
    return llvm::createStringError("cannot make a code generator for '" +
                                   target.triple.str() + "'");
  return machine;
}

static llvm::StringSet<> getEnabled(const llvm::MCSubtargetInfo &subtarget) {
  llvm::StringSet<> enabled;
  for (const llvm::SubtargetFeatureKV &feature :
       subtarget.getEnabledProcessorFeatures())
    enabled.insert(feature.Key);
  return enabled;
}

/// Splits the features above the baseline into those that artefacts check for
/// and those they may not use.
static llvm::Error classifyFeatures(TargetSpec &spec) {
  TargetSpec baseline = spec;
  baseline.cpu = spec.baselineCpu;
  baseline.features.clear();
  auto base = createTargetMachine(baseline, 2);
  auto machine = createTargetMachine(spec, 2);
  if (!base || !machine)
    return llvm::joinErrors(base.takeError(), machine.takeError());
  llvm::StringSet<> common = getEnabled(*(*base)->getMCSubtargetInfo());
  bool isX86 = spec.triple.isX86();
  for (const auto &feature : getEnabled(*(*machine)->getMCSubtargetInfo())) {
    if (common.contains(feature.first()))
      continue;
    std::string name = feature.first().str();
    int known = spkKnowsCpuFeature(isX86, name.c_str());
    if (known > 0)
      spec.requiredFeatures.push_back(name);
    else if (known < 0)
      spec.disabledFeatures.push_back(name);
  }
  llvm::sort(spec.requiredFeatures);
  llvm::sort(spec.disabledFeatures);
  return llvm::Error::success();
}

llvm::Expected<TargetSpec> spk::resolveTarget(StringRef triple, StringRef cpu) {
  TargetSpec spec;
  llvm::Triple host = getHostTriple();
  spec.triple =
      triple.empty() ? host : llvm::Triple(llvm::Triple::normalize(triple));
  if (!spec.triple.isX86_64() && !spec.triple.isAArch64(64))
    return llvm::createStringError("the target triple '" + triple +
                                   "' is not supported: use an x86_64 or "
                                   "aarch64 one");
  if (!spec.triple.isOSBinFormatELF())
    return llvm::createStringError("the target triple '" + triple +
                                   "' does not use ELF, the only object "
                                   "format that is supported");
  spec.baselineCpu = spec.triple.isX86() ? "x86-64" : "generic";
  bool sameArch = spec.triple.getArch() == host.getArch();
  bool wantsHost = cpu == "host" || cpu == "native";
  if (wantsHost && !sameArch)
    return llvm::createStringError(
        "--target-cpu=host needs a triple of this machine's architecture, not "
        "'" +
        spec.triple.str() + "': name a CPU");
  if (wantsHost || (cpu.empty() && sameArch)) {
    spec.cpu = llvm::sys::getHostCPUName().str();
    spec.features = getHostFeatures();
  } else {
    spec.cpu = cpu.empty() ? spec.baselineCpu : cpu.str();
  }

  // Unknown names must not reach the code generator, which would print a
  // warning for each function and go on.
  TargetSpec probe = spec;
  probe.cpu = spec.baselineCpu;
  probe.features.clear();
  auto machine = createTargetMachine(probe, 2);
  if (!machine)
    return machine.takeError();
  if (!(*machine)->getMCSubtargetInfo()->isCPUStringValid(spec.cpu))
    return llvm::createStringError("unknown CPU '" + cpu +
                                   "' for the target '" + spec.triple.str() +
                                   "': 'clang --target=" + spec.triple.str() +
                                   " --print-supported-cpus' lists them");

  // Disabling a feature disables those that imply it: classify again.
  if (llvm::Error error = classifyFeatures(spec))
    return error;
  if (spec.disabledFeatures.empty())
    return spec;
  std::vector<std::string> disabled = std::move(spec.disabledFeatures);
  for (const std::string &name : disabled)
    spec.features += (spec.features.empty() ? "-" : ",-") + name;
  spec.requiredFeatures.clear();
  spec.disabledFeatures.clear();
  if (llvm::Error error = classifyFeatures(spec))
    return error;
  spec.disabledFeatures = std::move(disabled);
  return spec;
}
