// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-place-weights)' | FileCheck %s --implicit-check-not=ml_program

// Every weight that is read has a place that is a multiple of 64; the one that
// nothing reads has none, and the one that two functions read has one place.

// CHECK: module attributes {spk.weight_layout = [
// CHECK-SAME: {bytes = 20 : i64, key = "layer.bias", offset = 0 : i64},
// CHECK-SAME: {bytes = 96 : i64, key = "layer.weight", offset = 64 : i64}]}
ml_program.global private @layer.weight(#ml_program.extern : tensor<4x6xf32>) : tensor<4x6xf32>
ml_program.global private @unread(#ml_program.extern : tensor<4x6xf32>) : tensor<4x6xf32>
ml_program.global private @layer.bias(#ml_program.extern : tensor<5xf32>) : tensor<5xf32>

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %{{.+}}: tensor<2xf32>, %[[BLOCK:.+]]: memref<192xi8> {spk.role = "weights"})
// CHECK: %[[FIRST:.+]] = arith.constant 0 : index
// CHECK: %[[B:.+]] = memref.view %[[BLOCK]][%[[FIRST]]][] : memref<192xi8> to memref<5xf32>
// CHECK: %[[BT:.+]] = bufferization.to_tensor %[[B]] restrict
// CHECK: %[[SECOND:.+]] = arith.constant 64 : index
// CHECK: memref.view %[[BLOCK]][%[[SECOND]]][] : memref<192xi8> to memref<4x6xf32>
// CHECK: return %[[BT]]
func.func @main(%x: tensor<2xf32>) -> (tensor<5xf32>, tensor<4x6xf32>) {
  %b = ml_program.global_load_const @layer.bias : tensor<5xf32>
  %w = ml_program.global_load_const @layer.weight : tensor<4x6xf32>
  return %b, %w : tensor<5xf32>, tensor<4x6xf32>
}

// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[BLOCK:.+]]: memref<192xi8> {spk.role = "weights"})
// CHECK: %[[SECOND:.+]] = arith.constant 64 : index
// CHECK: memref.view %[[BLOCK]][%[[SECOND]]][]
func.func @step() -> tensor<4x6xf32> {
  %w = ml_program.global_load_const @layer.weight : tensor<4x6xf32>
  return %w : tensor<4x6xf32>
}

// Kernels get theirs as arguments.
// CHECK: func.func private @kernel(%{{.+}}: memref<4x6xf32>) {
func.func private @kernel(%w: memref<4x6xf32>) {
  return
}
