// Each phase runs on what the one before it made, and every option changes what
// it says it does.

// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-to-model)' > %t.model
// RUN: FileCheck %s --check-prefix=MODEL < %t.model
// RUN: spk-opt %t.model --pass-pipeline='builtin.module(spk-to-fused)' > %t.fused
// RUN: FileCheck %s --check-prefix=FUSED < %t.fused
// RUN: spk-opt %t.fused --pass-pipeline='builtin.module(spk-to-packed)' > %t.packed
// RUN: FileCheck %s --check-prefix=PACKED < %t.packed
// RUN: spk-opt %t.packed --pass-pipeline='builtin.module(spk-to-loops)' > %t.loops
// RUN: FileCheck %s --check-prefix=LOOPS < %t.loops --implicit-check-not='spk.{{[a-z_]+}} ' --implicit-check-not=spk.packed --implicit-check-not=tensor --implicit-check-not=memref.alloc{{[^a]}}
// RUN: spk-opt %t.loops --pass-pipeline='builtin.module(spk-to-llvm)' > %t.llvm
// RUN: FileCheck %s --check-prefix=LLVM < %t.llvm --implicit-check-not=scf. --implicit-check-not=memref --implicit-check-not=unrealized
// RUN: mlir-translate --mlir-to-llvmir %t.llvm | FileCheck %s --check-prefix=IR

// All phases at once give the same.
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-to-model,spk-to-fused,spk-to-packed,spk-to-loops,spk-to-llvm)' | diff %t.llvm -

// MODEL-LABEL: func.func @main(
// MODEL: spk.repeat
// MODEL-NEXT: spk.lif
// MODEL: spk.ssa {{.*}}association = #spk.association<kv_first>
// MODEL: sum = #spk.sum<sequential>
// MODEL-LABEL: func.func @step(
// FUSED-LABEL: func.func @main(
// FUSED: spk.fused({{.*}} -> tensor<3x1x49x65xi1> {
// FUSED: spk.linear
// FUSED: spk.lif
// PACKED-LABEL: func.func @main(
// PACKED: spk.fused({{.*}}strategy = "dense_fma"}{{.*}} -> tensor<3x1x49x65xi1, #spk.packed<axis = 3>>
// PACKED: strategy = "attention_kv_first"
// PACKED: strategy = "row_accumulate"

// No float and no i1 of steps, positions and channels reaches memory: spikes are
// words, the attention's intermediate is d × d.
// LOOPS: module attributes {spk.abi = {arena_bytes
// LOOPS-NOT: memref<3x1x49x65xf32>
// LOOPS-NOT: xi1>
// LOOPS: call @kernel_{{.*}}_attention_kv{{.*}}memref<3x1x2x128x64xi16>
// LOOPS-NOT: memref<3x1x49x65xf32>
// LOOPS-NOT: memref<{{[0-9x]+}}xi1>
// LOOPS: scf.parallel
// LLVM: llvm.func @spk_model_kernel_run(
// LLVM: omp.parallel
// LLVM: omp.wsloop
// LLVM: llvm.call @spk_model_fp_leave
// IR: define void @spk_model_kernel_run(ptr

// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-to-model{batch=3})' | FileCheck %s --check-prefix=BATCH
// BATCH: spk.lif {{.*}} -> tensor<3x3x49x65xi1>
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-to-model{taps=stem.*:membrane,attn*})' --mlir-print-debuginfo | FileCheck %s --check-prefix=TAPS
// TAPS: func.func @main({{.*}} {spk.name = "stem.lif:membrane"}, {{.*}} {spk.name = "attn.lif:spikes"})
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-to-model{association=qk_first})' | FileCheck %s --check-prefix=QK
// QK: spk.ssa {{.*}}association = #spk.association<qk_first>
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-to-model{association=qk_first},spk-to-fused,spk-to-packed,spk-to-loops)' | FileCheck %s --check-prefix=QKLOOPS
// QKLOOPS: call @kernel_{{.*}}_attention_qk{{.*}}memref<3x1x5x49x49xi16>
// RUN: sed 's/scale = 0.125/scale = 0.3/' %s | spk-opt --pass-pipeline='builtin.module(spk-to-model)' 2>&1 | FileCheck %s --check-prefix=SOURCE
// SOURCE: spk.ssa {{.*}}association = #spk.association<qk_first>
// RUN: sed 's/scale = 0.125/scale = 0.3/' %s | spk-opt --pass-pipeline='builtin.module(spk-to-model{allow-inexact-association=true})' 2>&1 | FileCheck %s --check-prefix=INEXACT
// INEXACT: warning: {{.*}}against the source order
// INEXACT: spk.ssa {{.*}}association = #spk.association<kv_first>
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-to-model{remarks=true})' 2>&1 | FileCheck %s --check-prefix=REMARK
// REMARK: remark: kv_first (cheaper)
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-to-model{sum=grouped})' | FileCheck %s --check-prefix=GROUPED
// GROUPED: sum = #spk.sum<grouped, group = 5>
// RUN: spk-opt %t.fused --pass-pipeline='builtin.module(spk-to-packed{strategy=select_accumulate})' | FileCheck %s --check-prefix=STRATEGY
// STRATEGY: strategy = "select_accumulate"
// RUN: spk-opt %t.fused --pass-pipeline='builtin.module(spk-to-packed{cost-model=neon})' | FileCheck %s --check-prefix=COSTMODEL
// COSTMODEL: by the cost model of neon"
// RUN: spk-opt %t.loops --pass-pipeline='builtin.module(spk-to-llvm{model-name=net openmp=false})' | FileCheck %s --check-prefix=SEQUENTIAL --implicit-check-not=omp.
// SEQUENTIAL: llvm.func @spk_net_kernel_run(

// Constants come from `base-dir`; `derived-file` keeps what was derived.
// RUN: rm -rf %t.dir && mkdir -p %t.dir/weights
// RUN: %python %S/../Inputs/make_safetensors.py %t.dir/weights/net.safetensors w=65x3x1x1:0.5
// RUN: sed 's/module {/module attributes {spk.weights = "net.safetensors"} {/; s/dense<0.5>/#ml_program.extern/' %s > %t.dir/extern.mlir
// RUN: spk-opt %t.dir/extern.mlir --pass-pipeline='builtin.module(spk-to-model,spk-to-fused,spk-to-packed,spk-to-loops{base-dir=%t.dir/weights derived-file=%t.dir/weights/derived.safetensors})' | FileCheck %s --check-prefix=DERIVED
// DERIVED: key = "derived.0"
// RUN: %python %S/../Inputs/make_safetensors.py --print %t.dir/weights/derived.safetensors | FileCheck %s --check-prefix=FILE
// FILE: derived.0
// RUN: not spk-opt %t.dir/extern.mlir --pass-pipeline='builtin.module(spk-to-model,spk-to-fused,spk-to-packed,spk-to-loops{base-dir=%t.dir})' 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: error: {{.*}}net.safetensors

module {
  ml_program.global private @w(dense<0.5> : tensor<65x3x1x1xf32>) : tensor<65x3x1x1xf32>
  func.func @main(%x: tensor<1x1x3x7x7xf32> {spk.name = "x", spk.static}) -> (tensor<3x1x49x65xi1> {spk.name = "y"}) {
    %w = ml_program.global_load_const @w : tensor<65x3x1x1xf32>
    %u = arith.constant dense<0.25> : tensor<65x65xf32>
    %0 = spk.repeat %x : tensor<1x1x3x7x7xf32> -> tensor<3x1x3x7x7xf32>
    %1 = spk.conv %0, %w : (tensor<3x1x3x7x7xf32>, tensor<65x3x1x1xf32>) -> tensor<3x1x65x7x7xf32> loc("stem.conv")
    %2 = spk.lif %1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x1x65x7x7xf32> -> tensor<3x1x65x7x7xi1> loc("stem.lif")
    %3 = tensor.collapse_shape %2 [[0], [1], [2], [3, 4]] : tensor<3x1x65x7x7xi1> into tensor<3x1x65x49xi1>
    %4 = spk.ssa %3, %3, %3 {num_heads = 5 : i64, scale = 0.125 : f32, token_layout = #spk.token_layout<token_last>, source_order = #spk.association<qk_first>} : (tensor<3x1x65x49xi1>, tensor<3x1x65x49xi1>, tensor<3x1x65x49xi1>) -> tensor<3x1x65x49xf32>
    %5 = spk.lif %4 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x1x65x49xf32> -> tensor<3x1x65x49xi1> loc("attn.lif")
    %e = tensor.empty() : tensor<3x1x49x65xi1>
    %6 = linalg.transpose ins(%5 : tensor<3x1x65x49xi1>) outs(%e : tensor<3x1x49x65xi1>) permutation = [0, 1, 3, 2]
    %7 = spk.linear %6, %u : (tensor<3x1x49x65xi1>, tensor<65x65xf32>) -> tensor<3x1x49x65xf32>
    %8 = spk.if %7 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x1x49x65xf32> -> tensor<3x1x49x65xi1> loc("proj.lif")
    return %8 : tensor<3x1x49x65xi1>
  }
}
