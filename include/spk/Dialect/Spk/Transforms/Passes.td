//===- Passes.td - spk passes ------------------------------*- tablegen -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_TRANSFORMS_PASSES_TD
#define SPK_DIALECT_SPK_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// input -> model: what is allowed to change rounding happens here
//===----------------------------------------------------------------------===//

def ExpandSPS : Pass<"spk-expand-sps"> {
  let summary = "write patch-splitting stages as convolution, norm, neuron, pool";
  let description = [{
    Replaces every `spk.sps` by `spk.conv`, `spk.batch_norm`, `spk.lif` and,
    before or after the neuron, `spk.max_pool`.
  }];
  let statistics = [
    Statistic<"numExpanded", "expanded", "stages expanded">
  ];
}

//===----------------------------------------------------------------------===//
// model -> fused
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// fused -> packed
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// packed -> loops
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// loops -> llvm
//===----------------------------------------------------------------------===//

#endif // SPK_DIALECT_SPK_TRANSFORMS_PASSES_TD
