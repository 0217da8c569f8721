//===- MeasureDensities.cpp - a compilation to be measured
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"

using namespace mlir;
using namespace mlir::spk;

/// The same model for this machine, with what synapses read as outputs.
static CompileOptions getProfilingOptions(const CompileOptions &options,
                                          const WorkDirectory &work) {
  CompileOptions profiling;
  profiling.input = options.input;
  profiling.modelName = "profile";
  profiling.output = work.getFile("profile.so");
  profiling.emit = Emit::Shared;
  profiling.tapSynapses = true;
  profiling.baseDirectory = options.baseDirectory;
  // The same synapses, which read the same.
  static_cast<ModelOptions &>(profiling) = options;
  profiling.openmp = options.openmp;
  profiling.toolchain = options.toolchain;
  profiling.toolchain.sysroot.clear();
  return profiling;
}

llvm::Error Compilation::measureDensities() {
  CompileOptions profiling = getProfilingOptions(options, work);
  progress.setPrefix("densities: ");
  Compilation compilation(context, profiling, progress);
  {
    // What there is to warn about is said when the model itself is compiled.
    ScopedDiagnosticHandler errorsOnly(&context, [](Diagnostic &diagnostic) {
      return success(diagnostic.getSeverity() != DiagnosticSeverity::Error);
    });
    compilation.module = module->clone();
    // Nobody asks whose states these are.
    compilation.modelHash = "profile";
    if (llvm::Error error = compilation.compile())
      return error;
  }
  progress.start("running the samples");
  ProfileJob job;
  job.library = profiling.output;
  job.modelName = profiling.modelName;
  job.synapses = compilation.tappedSynapses;
  job.samples = options.samples;
  job.threads = options.openmp ? 0 : 1;
  auto densities = profile(job, [&](int64_t done, int64_t total) {
    progress.describe(std::to_string(done) + " of " + std::to_string(total) +
                      " samples");
  });
  if (!densities)
    return densities.takeError();
  progress.setPrefix("");
  densitiesFile = work.getFile(options.modelName + ".densities.json");
  return work.write(options.modelName + ".densities.json",
                    [&](llvm::raw_pwrite_stream &os) {
                      writeDensities(os, *densities);
                      return llvm::Error::success();
                    });
}
