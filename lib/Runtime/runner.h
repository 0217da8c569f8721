//===- runner.h - Command line around a compiled model ----------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_LIB_RUNTIME_RUNNER_H
#define SPK_LIB_RUNTIME_RUNNER_H

#include "spk/Runtime/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Exit codes of the runner.
enum {
  SPK_EXIT_OK = 0,
  /// The model could not be run: CPU feature, memory.
  SPK_EXIT_MODEL = 1,
  /// Bad option, bad file, or output that could not be written.
  SPK_EXIT_USAGE = 2,
  /// --expect found a difference.
  SPK_EXIT_DIFFERENT = 3
};

/// The program of an --emit=exe artefact, and all of spk-run behind the loading
/// of the model: `argv` as main gets it, without the name of the model.
int spk_runner_main(int argc, char **argv, const spk_api *api);

#ifdef __cplusplus
}
#endif

#endif // SPK_LIB_RUNTIME_RUNNER_H
