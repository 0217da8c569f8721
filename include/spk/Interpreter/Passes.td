//===- Passes.td - passes that run the interpreter ---------*- tablegen -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_INTERPRETER_PASSES_TD
#define SPK_INTERPRETER_PASSES_TD

include "mlir/Pass/PassBase.td"

def EvaluateConstants : Pass<"spk-evaluate-constants", "mlir::ModuleOp"> {
  let summary = "evaluate what is computed from weights alone";
  let description = [{
    Loads the weights of the module, reporting each one that is missing or not
    what its global says, and evaluates the ops on them that have only weights
    or results of such ops as operands: `spk.fold_batch_norm`,
    `spk.pack_weights`, `spk.pad_channels`, slices, reshapes, transposes and
    elementwise float arithmetic. Every result that another op uses becomes a
    load of a new global "derived.<n>". The values go to a safetensors file that
    `spk.derived_weights` names. Equal ops are evaluated once in the whole
    module; globals that nothing uses any more are erased.

        %w = ml_program.global_load_const @"conv.weight"
        %p = spk.pack_weights %w                  =>  %p = ml_program.global_load_const @derived.0

    Globals with a `dense` value become derived weights too, so that afterwards
    every global is extern.
  }];
  let options = [
    Option<"baseDir", "base-dir", "std::string", "\"\"",
           "directory that file names in the module are relative to">,
    Option<"derivedFile", "derived-file", "std::string", "\"\"",
           "safetensors file to write derived weights to, in base-dir for the "
           "module to find it again (empty: written nowhere)">
  ];
  let statistics = [
    Statistic<"numEvaluated", "evaluated", "ops evaluated">,
    Statistic<"numDerived", "derived", "derived weights made">
  ];
  let dependentDialects = ["::mlir::ml_program::MLProgramDialect"];
}

#endif // SPK_INTERPRETER_PASSES_TD
