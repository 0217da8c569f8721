// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies)' -verify-diagnostics

func.func @sum_not_fixed(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  %0 = spk.fused(%x, %w) : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  ^bb0(%a: tensor<2x1x7x24xi1>, %b: tensor<24x24xf32>):
    // expected-error @below {{sum must be fixed before a strategy is chosen; run spk-choose-sum}}
    %1 = spk.linear %a, %b : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
    spk.yield %1 : tensor<2x1x7x24xf32>
  }
  return %0 : tensor<2x1x7x24xf32>
}
