// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-add-taps{taps=*:attention})' | FileCheck %s

// The map of a core of products is what weighs the values: behind the softmax
// or the neuron, split into heads. The first product of a core, and one whose
// rows are no map, have none.

// CHECK-LABEL: func.func @main
// CHECK-SAME: tensor<2x1x3x5x6xf32> {spk.name = "block.0.attn:attention"},
// CHECK-SAME: tensor<2x1x3x5x6xf32> {spk.name = "block.1.attn:attention"})
// CHECK: spk.matmul
// CHECK: %[[S:.+]] = spk.softmax
// CHECK: %[[E:.+]] = tensor.expand_shape %[[S]] {{\[}}[0], [1], [2], [3, 4]] output_shape [2, 1, 5, 3, 6]
// CHECK: %[[A:.+]] = linalg.transpose ins(%[[E]] : {{.*}}) permutation = [0, 1, 3, 2, 4]
// CHECK: spk.matmul %[[S]]
// CHECK: %[[N:.+]] = spk.lif
// CHECK: %[[F:.+]] = tensor.expand_shape %[[N]]
// CHECK: %[[T:.+]] = linalg.transpose ins(%[[F]]
// CHECK: %[[B:.+]] = arith.uitofp %[[T]] : tensor<2x1x3x5x6xi1> to tensor<2x1x3x5x6xf32>
// CHECK: spk.matmul %[[N]]
// CHECK: return %{{.+}}, %{{.+}}, %[[A]], %[[B]]
func.func @main(%q: tensor<2x1x5x12xf32> {spk.name = "q"}, %k: tensor<2x1x4x18xf32> {spk.name = "k"}, %v: tensor<2x1x6x12xf32> {spk.name = "v"}, %w: tensor<2x1x4x18xf32> {spk.name = "w"}) -> (tensor<2x1x5x18xf32> {spk.name = "y"}, tensor<2x1x5x12xf32> {spk.name = "z"}) {
  %scale = arith.constant dense<0.125> : tensor<2x1x5x18xf32>
  %0 = spk.matmul %q, %k {num_heads = 3 : i64} : (tensor<2x1x5x12xf32>, tensor<2x1x4x18xf32>) -> tensor<2x1x5x18xf32> loc("block.0.attn")
  %1 = arith.mulf %0, %scale : tensor<2x1x5x18xf32> loc("block.0.attn")
  %2 = spk.softmax %1 {num_heads = 3 : i64} : tensor<2x1x5x18xf32> loc("block.0.attn")
  %3 = spk.matmul %2, %v {num_heads = 3 : i64} : (tensor<2x1x5x18xf32>, tensor<2x1x6x12xf32>) -> tensor<2x1x5x12xf32> loc("block.0.attn")
  %4 = spk.matmul %q, %k {num_heads = 3 : i64} : (tensor<2x1x5x12xf32>, tensor<2x1x4x18xf32>) -> tensor<2x1x5x18xf32> loc("block.1.attn")
  %5 = spk.lif %4 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x5x18xf32> -> tensor<2x1x5x18xi1> loc("block.1.lif")
  %6 = spk.matmul %5, %v {num_heads = 3 : i64} : (tensor<2x1x5x18xi1>, tensor<2x1x6x12xf32>) -> tensor<2x1x5x12xf32> loc("block.1.attn")
  %7 = arith.addf %3, %6 : tensor<2x1x5x12xf32>
  %8 = spk.matmul %q, %w {num_heads = 3 : i64} : (tensor<2x1x5x12xf32>, tensor<2x1x4x18xf32>) -> tensor<2x1x5x18xf32> loc("block.2.attn")
  return %8, %7 : tensor<2x1x5x18xf32>, tensor<2x1x5x12xf32>
}
