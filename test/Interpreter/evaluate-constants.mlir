// RUN: rm -rf %t && mkdir %t
// RUN: %python %S/../Inputs/make_safetensors.py %t/w.safetensors w=2x2:1,2,3,4 one=2:1 var=2:0.25 direct=2:5,6 unused=1:1
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-evaluate-constants{base-dir=%t derived-file=%t/d.safetensors})' -o %t/out.mlir
// RUN: FileCheck %s --input-file=%t/out.mlir --implicit-check-not=spk. --implicit-check-not=ml_program.global
// RUN: %python %S/../Inputs/make_safetensors.py --print %t/d.safetensors | FileCheck %s --check-prefix=FILE

// The module finds its derived weights again and computes what it computed.
// RUN: spk-run --interpret %s --base-dir=%t > %t/before
// RUN: spk-run --interpret %t/out.mlir > %t/after && diff %t/before %t/after
// RUN: FileCheck %s --input-file=%t/after --check-prefix=AFTER

// A second run keeps the derived weights and changes nothing; equal modules give
// equal files.
// RUN: cp %t/d.safetensors %t/first.safetensors
// RUN: spk-opt %t/out.mlir --pass-pipeline='builtin.module(spk-evaluate-constants{base-dir=%t derived-file=%t/d.safetensors})' -o %t/again.mlir
// RUN: diff %t/out.mlir %t/again.mlir && cmp %t/first.safetensors %t/d.safetensors

// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-evaluate-constants{base-dir=%t})' | FileCheck %s --check-prefix=NOFILE
// RUN: not spk-opt %s --pass-pipeline='builtin.module(spk-evaluate-constants{base-dir=%t derived-file=%t/no/d.safetensors})' 2>&1 | FileCheck %s --check-prefix=UNWRITABLE
// RUN: not spk-opt %s --pass-pipeline='builtin.module(spk-evaluate-constants)' 2>&1 | FileCheck %s --check-prefix=MISSING

// gamma 1 / sqrt(0.25) = 2 and shift 1 - 2, padded to four.
// FILE: derived.0 F32 [1, 2, 2] 1 3 2 4
// FILE-NEXT: derived.1 F32 [4] 2 2 0 0
// FILE-NEXT: derived.2 F32 [4] -1 -1 0 0
// FILE-NEXT: derived.3 F32 [2] 7 8
// FILE-NOT: {{.}}

// AFTER: output0: float32[1,2,2] = 1 3 2 4
// NOFILE: module attributes {spk.weights = "w.safetensors"}
// NOFILE: ml_program.global private @derived.0
// UNWRITABLE: error: {{.*}}d.safetensors: cannot be written: {{.*}}No such file or directory
// MISSING: error: w.safetensors: cannot be read: No such file or directory

// CHECK: module attributes {spk.derived_weights = "d.safetensors", spk.weights = "w.safetensors"}
// CHECK-NEXT: ml_program.global private @derived.0(#extern) : tensor<1x2x2xf32>
// CHECK-NEXT: ml_program.global private @derived.1(#extern
// CHECK-NEXT: ml_program.global private @derived.2(#extern
// CHECK-NEXT: ml_program.global private @derived.3(#extern
// CHECK-NEXT: ml_program.global private @direct(#extern
module attributes {spk.weights = "w.safetensors"} {
  ml_program.global private @w(#ml_program.extern : tensor<2x2xf32>) : tensor<2x2xf32>
  ml_program.global private @one(#ml_program.extern : tensor<2xf32>) : tensor<2xf32>
  ml_program.global private @var(#ml_program.extern : tensor<2xf32>) : tensor<2xf32>
  ml_program.global private @direct(#ml_program.extern : tensor<2xf32>) : tensor<2xf32>
  ml_program.global private @unused(#ml_program.extern : tensor<1xf32>) : tensor<1xf32>
  ml_program.global private @dense(dense<[7.0, 8.0]> : tensor<2xf32>) : tensor<2xf32>

  // CHECK: func.func @main
  // CHECK-DAG: %[[W:.+]] = ml_program.global_load_const @derived.0 : tensor<1x2x2xf32>
  // CHECK-DAG: %[[S:.+]] = ml_program.global_load_const @derived.1 : tensor<4xf32>
  // CHECK-DAG: %[[B:.+]] = ml_program.global_load_const @derived.2 : tensor<4xf32>
  // CHECK-DAG: %[[D:.+]] = ml_program.global_load_const @direct : tensor<2xf32>
  // CHECK-DAG: %[[N:.+]] = ml_program.global_load_const @derived.3 : tensor<2xf32>
  // CHECK: return %[[W]], %[[S]], %[[B]], %[[D]], %[[N]]
  func.func @main() -> (tensor<1x2x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2xf32>, tensor<2xf32>) {
    %w = ml_program.global_load_const @w : tensor<2x2xf32>
    %p = spk.pack_weights %w : tensor<2x2xf32> -> tensor<1x2x2xf32>
    %one = ml_program.global_load_const @one : tensor<2xf32>
    %var = ml_program.global_load_const @var : tensor<2xf32>
    %s, %b = spk.fold_batch_norm %one, %one, %one, %var {eps = 0.0 : f64} : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
    %s4 = spk.pad_channels %s : tensor<2xf32> -> tensor<4xf32>
    %b4 = spk.pad_channels %b : tensor<2xf32> -> tensor<4xf32>
    %d = ml_program.global_load_const @direct : tensor<2xf32>
    %n = ml_program.global_load_const @dense : tensor<2xf32>
    return %p, %s4, %b4, %d, %n : tensor<1x2x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2xf32>, tensor<2xf32>
  }

  // The same weights in another function are evaluated once; what an argument
  // takes part in stays. A constant without a user disappears.
  // CHECK: func.func private @step
  // CHECK-NEXT: %[[W:.+]] = ml_program.global_load_const @derived.0 : tensor<1x2x2xf32>
  // CHECK-NEXT: %[[X:.+]] = tensor.collapse_shape %arg0
  // CHECK-NEXT: return %[[W]], %[[X]]
  func.func private @step(%x: tensor<2x2xf32>) -> (tensor<1x2x2xf32>, tensor<4xf32>) {
    %w = ml_program.global_load_const @w : tensor<2x2xf32>
    %p = spk.pack_weights %w : tensor<2x2xf32> -> tensor<1x2x2xf32>
    %unused = tensor.collapse_shape %p [[0, 1, 2]] : tensor<1x2x2xf32> into tensor<4xf32>
    %y = tensor.collapse_shape %x [[0, 1]] : tensor<2x2xf32> into tensor<4xf32>
    return %p, %y : tensor<1x2x2xf32>, tensor<4xf32>
  }
}
