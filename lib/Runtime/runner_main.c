//===- runner_main.c - main of an executable model --------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled by the driver with -DSPK_MODEL=<model>.
//
//===----------------------------------------------------------------------===//

#include "runner.h"

#ifndef SPK_MODEL
#error "define SPK_MODEL to the name of the model"
#endif

#define SPK_API_PASTE(model) spk_##model##_api
#define SPK_API_EXPAND(model) SPK_API_PASTE(model)

const spk_api *SPK_API_EXPAND(SPK_MODEL)(void);

int main(int argc, char **argv) {
  return spk_runner_main(argc, argv, SPK_API_EXPAND(SPK_MODEL)());
}
