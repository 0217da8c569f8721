//===- spk-opt.cpp - runs passes on IR of spiking transformers
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "spk/Pipelines/Registration.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::spk::registerDialects(registry);
  mlir::spk::registerPassesAndPipelines();
  return mlir::failed(
      mlir::MlirOptMain(argc, argv, "spk optimizer driver\n", registry));
}
