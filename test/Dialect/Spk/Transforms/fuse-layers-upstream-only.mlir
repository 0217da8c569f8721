// RUN: spk-opt %s --pass-pipeline='builtin.module(func.func(spk-fuse-layers))' | FileCheck %s

// Nothing here loads the dialect but the pass.
// CHECK: spk.fused
func.func @no_spk_op(%x: tensor<2x3x7x24xf32>) -> tensor<2x3x7x24xf32> {
  %0 = arith.mulf %x, %x : tensor<2x3x7x24xf32>
  return %0 : tensor<2x3x7x24xf32>
}
