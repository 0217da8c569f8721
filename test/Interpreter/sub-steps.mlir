// RUN: spk-run --interpret %s | FileCheck %s

// Two steps of two channels become six: 0 and 1, then 3 and 5, of which 3 count.
// CHECK: spikes: bool[6,1,2] = 0 1 0 0 0 0 1 1 1 1 1 1
// Step by step, from +0: (1e8 - 1e8) + 1 is 1 and (1 + 1e8) - 1e8 is 0; -0 alone
// gives +0.
// CHECK: sums: float32[2,1,2] = 1 0 0 6
func.func @main() -> (tensor<6x1x2xi1> {spk.name = "spikes"}, tensor<2x1x2xf32> {spk.name = "sums"}) {
  %x = arith.constant dense<[[[0, 1]], [[3, 5]]]> : tensor<2x1x2xi8>
  %0 = spk.sub_steps %x {levels = 3 : i64} : tensor<2x1x2xi8> -> tensor<6x1x2xi1>
  %y = arith.constant dense<[[[1.0e8, 1.0]], [[-1.0e8, 1.0e8]], [[1.0, -1.0e8]], [[-0.0, 1.0]], [[-0.0, 2.0]], [[-0.0, 3.0]]]> : tensor<6x1x2xf32>
  %1 = spk.accumulate %y {levels = 3 : i64} : tensor<6x1x2xf32> -> tensor<2x1x2xf32>
  return %0, %1 : tensor<6x1x2xi1>, tensor<2x1x2xf32>
}
