//===- Passes.td - code generation passes ------------------*- tablegen -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_CODEGEN_PASSES_TD
#define SPK_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// fused -> packed
//===----------------------------------------------------------------------===//

def SelectStrategies : Pass<"spk-select-strategies"> {
  let summary = "choose how each kernel realises its sum";
  let description = [{
    Sets `strategy` and `reason` on every `spk.fused`. The sum of its synapse is
    fixed already, so the choice is among the strategies that give exactly its
    bits: `row_accumulate`, `table`, `table_and_rows`, `select_accumulate`,
    `dense_fma`. The one that a cost model expects to be the fastest is taken;
    `spk.estimates` holds what it expects of each, in nanoseconds on one thread:

        {spk.estimates = {row_accumulate = 1360000 : i64,
                          select_accumulate = 6900000 : i64},
         strategy = "row_accumulate"}

    Densities come from the synapses, or are assumed. Attention cores get
    `attention_qk_first` or `attention_kv_first`, layers without a synapse
    `elementwise`.
  }];
  let options = [
    Option<"strategy", "strategy", "std::string", "\"auto\"",
           "strategy to use wherever it realises the sum">,
    Option<"costModel", "cost-model", "std::string", "\"\"",
           "JSON file of constants, or a family of CPUs: zen5, zen4, avx512, "
           "avx2, sse or neon (default: that of this machine)">
  ];
  let statistics = [Statistic<"numChosen", "chosen", "strategies chosen">];
}

//===----------------------------------------------------------------------===//
// packed -> loops
//===----------------------------------------------------------------------===//

def GenerateKernels : Pass<"spk-generate-kernels", "mlir::ModuleOp"> {
  let summary = "a function of loops for every fused layer";
  let description = [{
    Replaces every `spk.fused`, `spk.pack` and `spk.unpack` by `spk.dispatch` of
    a private function on memrefs that holds its loops. Layers that compute the
    same on the same types share a kernel: weights are arguments. Weights pass
    through `spk.pack_weights` and per-channel constants through
    `spk.pad_channels`, to be evaluated at compile time. The first product of an
    attention core is a kernel of its own, and so is a max-pool behind a neuron.

    Requires `spk-select-strategies`.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::spk::SpkDialect",
    "::mlir::tensor::TensorDialect",
    "::mlir::vector::VectorDialect"
  ];
  let statistics = [
    Statistic<"numKernels", "kernels", "kernels generated">,
    Statistic<"numDispatches", "dispatches", "dispatches made">
  ];
}

def MaterializeWords : Pass<"spk-materialize-words", "mlir::ModuleOp"> {
  let summary = "packed tensors as tensors of words";
  let description = [{
    Replaces every type `tensor<...xCxi1, #spk.packed<...>>` by the tensor of
    words that stores it. Bufferization would drop an encoding without a word, so
    none may be left after this pass: `spk-verify-encodings` makes sure.

        tensor.empty() : tensor<4x1x64x48xi1, #spk.packed<axis = 3>>
     => tensor.empty() : tensor<4x1x64x1x1xi64>
  }];
}

def VerifyEncodings : Pass<"spk-verify-encodings", "mlir::ModuleOp"> {
  let summary = "fail on spike encodings that upstream passes would lose";
  let description = [{
    Fails at every op that still has a value with a spike encoding (with
    `allow-packed`: only at casts, slices and linalg ops that change or mix
    encodings, which upstream never checks).
  }];
  let options = [
    Option<"allowPacked", "allow-packed", "bool", "false",
           "accept encodings, but none that an op changes or mixes">
  ];
}

def PlaceWeights : Pass<"spk-place-weights", "mlir::ModuleOp"> {
  let summary = "weights as views of one read-only block";
  let description = [{
    Gives every weight that is still read a 64-byte aligned place in one block,
    passes the block to the functions as an argument of bytes and replaces
    `ml_program.global_load_const` by views of it. The module attribute
    `spk.weight_layout` lists key, offset and bytes; the numbers themselves never
    enter the IR.
  }];
  let dependentDialects = [
    "::mlir::bufferization::BufferizationDialect",
    "::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"
  ];
}

def PlanBuffers : Pass<"spk-plan-buffers", "mlir::ModuleOp"> {
  let summary = "all buffers in one static arena";
  let description = [{
    Replaces the allocations of the entry functions by views of one arena
    argument; buffers whose lifetimes do not overlap share bytes. Gathers
    hoisted values and states into one block each. The module attribute
    `spk.abi` describes the entries, their arguments, inputs, outputs, states
    and all sizes.
  }];
  let dependentDialects = [
    "::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect"
  ];
  let statistics = [
    Statistic<"numBuffers", "buffers", "buffers placed in the arena">
  ];
}

//===----------------------------------------------------------------------===//
// loops -> llvm
//===----------------------------------------------------------------------===//

def Parallelize : Pass<"spk-parallelize", "mlir::ModuleOp"> {
  let summary = "parallel loops as OpenMP worksharing";
  let description = [{
    Wraps the body of each entry function in one `omp.parallel` region whose
    thread count is the entry's last argument, and turns every `scf.parallel`,
    in the entries and in the kernels that they call, into an `omp.wsloop` of
    that region. With `openmp=false` the loops become sequential. Each thread
    sets round-to-nearest and denormals on for the time of the region.
  }];
  let options = [
    Option<"openmp", "openmp", "bool", "true", "use OpenMP">,
    Option<"modelName", "model-name", "std::string", "\"model\"",
           "prefix of the runtime's symbols">
  ];
  let dependentDialects = [
    "::mlir::omp::OpenMPDialect", "::mlir::func::FuncDialect",
    "::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect"
  ];
  let statistics = [Statistic<"numLoops", "loops", "loops shared by threads">];
}

def NameEntries : Pass<"spk-name-entries", "mlir::ModuleOp"> {
  let summary = "give the entry functions the model's symbol names";
  let description = [{
    Renames `@main`, `@prologue`, `@step` and `@finish` to
    `@spk_<model>_kernel_run` and so on, and makes every other function internal.
  }];
  let options = [
    Option<"modelName", "model-name", "std::string", "\"model\"",
           "prefix of the symbols">
  ];
}

#endif // SPK_CODEGEN_PASSES_TD
