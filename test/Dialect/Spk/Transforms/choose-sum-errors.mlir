// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-choose-sum)' -split-input-file -verify-diagnostics

func.func @not_a_share(%x: tensor<4x1x8x48xi1>, %w: tensor<96x48xf32>) -> tensor<4x1x8x96xf32> {
  // expected-error @below {{'spk.linear' op spk.density must be in [0, 1], got 1.5}}
  %y = spk.linear %x, %w {spk.density = 1.5 : f64} : (tensor<4x1x8x48xi1>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return %y : tensor<4x1x8x96xf32>
}

// -----

func.func @not_a_number(%x: tensor<4x1x8x48xi1>, %w: tensor<96x48xf32>) -> tensor<4x1x8x96xf32> {
  // expected-error @below {{spk.density must be in [0, 1]}}
  %y = spk.linear %x, %w {spk.density = 0x7FF8000000000000 : f64} : (tensor<4x1x8x48xi1>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return %y : tensor<4x1x8x96xf32>
}
