//===- spk-run.cpp - runs a model on arrays -------------------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A compiled model is loaded and handed to the runner that is also the main
// program of an --emit=exe artefact; a model in MLIR is interpreted.
//
//===----------------------------------------------------------------------===//

#include "Artefact.h"
#include "Interpret.h"
#include "runner.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

static constexpr char kUsage[] =
    R"(Runs a spiking network on arrays in .npy files.

usage: spk-run MODEL.so [options] INPUT.npy...   spk-run MODEL.so --help
       spk-run --interpret MODEL.mlir [options]  spk-run --interpret --help

MODEL.so is made by spk-compile --emit=shared. --interpret runs a model that is
not compiled, slowly, and computes the same bits.
)";

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  for (int i = 1; i < argc; ++i) {
    llvm::StringRef argument(argv[i]);
    if (argument == "--interpret" || argument == "-interpret")
      return spkrun::interpretMain(argc, argv);
  }
  if (argc < 2) {
    llvm::errs() << kUsage;
    return SPK_EXIT_USAGE;
  }
  llvm::StringRef model(argv[1]);
  if (model == "--help" || model == "-h") {
    llvm::outs() << kUsage;
    return SPK_EXIT_OK;
  }
  if (model.starts_with("-")) {
    llvm::WithColor::error(llvm::errs(), "spk-run")
        << "the model must come before '" << model << "'; see --help\n";
    return SPK_EXIT_USAGE;
  }
  llvm::Expected<const spk_api *> api = spkrun::loadArtefact(model);
  if (!api) {
    llvm::WithColor::error(llvm::errs(), "spk-run")
        << llvm::toString(api.takeError()) << "\n";
    return SPK_EXIT_USAGE;
  }
  // The runner gets the command line without the model.
  std::vector<char *> arguments = {argv[0]};
  arguments.insert(arguments.end(), argv + 2, argv + argc);
  arguments.push_back(nullptr);
  return spk_runner_main(argc - 1, arguments.data(), *api);
}
