// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-expand-sps)' -split-input-file | FileCheck %s --implicit-check-not=spk.sps

// CHECK-LABEL: @pool_after
// CHECK: %[[C:.+]] = spk.conv %{{.+}}, %{{.+}} {padding = array<i64: 1, 1>} : {{.*}} -> tensor<4x1x48x32x32xf32>
// CHECK: %[[N:.+]] = spk.batch_norm %[[C]]
// CHECK: %[[S:.+]] = spk.lif %[[N]] {tau = 1.500000e+00 : f32
// CHECK: spk.max_pool %[[S]] {{.*}} -> tensor<4x1x48x16x16xi1>
func.func @pool_after(%x: tensor<4x1x3x32x32xi1>, %w: tensor<48x3x3x3xf32>, %g: tensor<48xf32>) -> tensor<4x1x48x16x16xi1> {
  %y = spk.sps %x, %w, %g, %g, %g, %g
     {pool = #spk.pool<after>, padding = array<i64: 1, 1>, tau = 1.5 : f32, v_threshold = 1.0 : f32, v_reset = 0.0 : f32}
     : (tensor<4x1x3x32x32xi1>, tensor<48x3x3x3xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<4x1x48x16x16xi1>
  return %y : tensor<4x1x48x16x16xi1>
}

// -----

// CHECK-LABEL: @pool_before
// CHECK: %[[N:.+]] = spk.batch_norm
// CHECK: %[[P:.+]] = spk.max_pool %[[N]] {{.*}} -> tensor<4x1x48x8x16xf32>
// CHECK: spk.lif %[[P]]
func.func @pool_before(%x: tensor<4x1x3x16x32xi1>, %w: tensor<48x3x3x3xf32>, %g: tensor<48xf32>) -> tensor<4x1x48x8x16xi1> {
  %y = spk.sps %x, %w, %g, %g, %g, %g
     {pool = #spk.pool<before>, padding = array<i64: 1, 1>, v_threshold = 1.0 : f32, v_reset = 0.0 : f32}
     : (tensor<4x1x3x16x32xi1>, tensor<48x3x3x3xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<4x1x48x8x16xi1>
  return %y : tensor<4x1x48x8x16xi1>
}
