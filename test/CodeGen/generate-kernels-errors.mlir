// RUN: spk-opt %s --pass-pipeline='builtin.module(func.func(spk-fuse-layers),spk-pack-spikes,spk-generate-kernels)' -split-input-file -verify-diagnostics

func.func @no_strategy(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  // expected-error @below {{needs a strategy that realises its sum; run spk-select-strategies}}
  %0 = spk.linear %x, %w {sum = #spk.sum<sequential>} : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  return %0 : tensor<2x1x7x24xf32>
}

// -----

func.func @mean_over_the_batch(%x: tensor<2x3x7x24xf32>) -> tensor<2x1x7x24xf32> {
  // expected-error @below {{native code must not reduce the batch}}
  %0 = spk.mean %x {axes = array<i64: 1>} : tensor<2x3x7x24xf32> -> tensor<2x1x7x24xf32>
  return %0 : tensor<2x1x7x24xf32>
}

// -----

func.func @no_native_code(%x: tensor<1x1x2xf32>) -> tensor<1x1x2xf16> {
  // expected-error @below {{has no native code; see spk-run --interpret}}
  %0 = arith.truncf %x : tensor<1x1x2xf32> to tensor<1x1x2xf16>
  return %0 : tensor<1x1x2xf16>
}
