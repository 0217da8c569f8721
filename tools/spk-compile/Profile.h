//===- Profile.h - densities of a model on samples --------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TOOLS_SPK_COMPILE_PROFILE_H
#define SPK_TOOLS_SPK_COMPILE_PROFILE_H

#include "mlir/IR/BuiltinOps.h"
#include "spk/Support/DensityFile.h"

namespace mlir::spk {

/// A synapse whose input is an output of the model (`spk-tap-synapses`).
struct TappedSynapse {
  std::string layer;
  std::string output;
  /// Bit planes of its input, 0 for spikes.
  unsigned planes = 0;
};

/// The tapped synapses of a module of the `model` phase, in program order.
std::vector<TappedSynapse> findTappedSynapses(ModuleOp module);

/// How to run a model that is made to be measured.
struct ProfileJob {
  /// A shared library for this machine, and the name of the model in it.
  std::string library, modelName;
  std::vector<TappedSynapse> synapses;
  /// A .npy file per input. The batch axis counts samples.
  std::vector<std::string> samples;
  /// 0 for all processors.
  int32_t threads = 0;
};

/// Runs the model on all samples and counts. The counts are exact, so neither
/// threads nor the target nor the batch size change them. `progress` is told
/// how many of how many samples are done.
llvm::Expected<std::vector<SynapseDensity>>
profile(const ProfileJob &job,
        llvm::function_ref<void(int64_t, int64_t)> progress);

} // namespace mlir::spk

#endif // SPK_TOOLS_SPK_COMPILE_PROFILE_H
