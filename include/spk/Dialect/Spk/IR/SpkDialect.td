//===- SpkDialect.td - spk dialect -------------------------*- tablegen -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_IR_SPKDIALECT_TD
#define SPK_DIALECT_SPK_IR_SPKDIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Spk_Dialect : Dialect {
  let name = "spk";
  let cppNamespace = "::mlir::spk";
  let summary = "Spiking transformers: neurons, synapses and attention on spikes";
  let description = [{
    Every activation has two leading axes, time and batch: `[T, B, ...]`. A
    value that does not depend on time has T = 1 and is spread over time by
    `spk.repeat`. Spikes are `i1`; sums of spikes are small non-negative
    integers (`i8`, `i16`, `i32`) whose maximum is computed, never assumed;
    currents and membranes are `f32`.

    What upstream has already (reshape, transpose, slices, elementwise float
    arithmetic) stays upstream. Weights are `ml_program.global`s named by their
    `state_dict` key and stored in the safetensors file that the module
    attribute `spk.weights` names.

    A synapse may carry how dense its input was when it was measured:
    `spk.density` (f64), the share of inputs that are not zero, and, where the
    inputs are integers, `spk.plane_densities` (array<f64>), the share of inputs
    whose bit p is set for every bit plane p.
  }];
  let useDefaultAttributePrinterParser = 1;
  // spk.density and spk.plane_densities.
  let hasOperationAttrVerify = 1;
  let extraClassDeclaration = [{ void registerAttributes(); }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::ml_program::MLProgramDialect"
  ];
}

#endif // SPK_DIALECT_SPK_IR_SPKDIALECT_TD
