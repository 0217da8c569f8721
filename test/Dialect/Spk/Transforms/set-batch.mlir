// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-set-batch{batch=3})' -split-input-file | FileCheck %s
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-set-batch)' -split-input-file | FileCheck %s --check-prefix=SAME
// RUN: not spk-opt %s --pass-pipeline='builtin.module(spk-set-batch{batch=-1})' -split-input-file 2>&1 | FileCheck %s --check-prefix=NEGATIVE

// NEGATIVE: spk-set-batch: batch must be positive, got -1

// Static image, neuron, means; the weights keep their shape. Without the option
// nothing changes.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%{{.+}}: tensor<1x3x3x8x8xf32> {spk.name = "image", spk.static}, %{{.+}}: tensor<8x3x3x3xf32>) -> (tensor<1x3x8x1x1xf32> {spk.name = "logits", spk.static})
// CHECK: spk.conv {{.*}} : (tensor<1x3x3x8x8xf32>, tensor<8x3x3x3xf32>) -> tensor<1x3x8x6x6xf32>
// CHECK: spk.repeat {{.*}} -> tensor<4x3x8x6x6xf32>
// CHECK: spk.lif {{.*}} -> tensor<4x3x8x6x6xi1> state tensor<1x3x8x6x6xf32>
// CHECK: spk.mean {{.*}} -> tensor<4x3x8x1x1xf32>
// CHECK: spk.mean {{.*}} -> tensor<1x3x8x1x1xf32>
// CHECK: return %{{.+}} : tensor<1x3x8x1x1xf32>
// SAME-LABEL: func.func @main
// SAME-SAME: tensor<1x1x3x8x8xf32>
// SAME: spk.lif {{.*}} -> tensor<4x1x8x6x6xi1>
func.func @main(%x: tensor<1x1x3x8x8xf32> {spk.name = "image", spk.static}, %w: tensor<8x3x3x3xf32>) -> (tensor<1x1x8x1x1xf32> {spk.name = "logits", spk.static}) {
  %0 = spk.conv %x, %w : (tensor<1x1x3x8x8xf32>, tensor<8x3x3x3xf32>) -> tensor<1x1x8x6x6xf32>
  %1 = spk.repeat %0 : tensor<1x1x8x6x6xf32> -> tensor<4x1x8x6x6xf32>
  %s, %v = spk.lif %1 {v_threshold = 1.0 : f32} : tensor<4x1x8x6x6xf32> -> tensor<4x1x8x6x6xi1> state tensor<1x1x8x6x6xf32>
  %2 = spk.mean %s {axes = array<i64: 3, 4>} : tensor<4x1x8x6x6xi1> -> tensor<4x1x8x1x1xf32>
  %3 = spk.mean %2 {axes = array<i64: 0>} : tensor<4x1x8x1x1xf32> -> tensor<1x1x8x1x1xf32>
  return %3 : tensor<1x1x8x1x1xf32>
}

// -----

// Reshapes, transposes, slices and concatenation keep the axis.

// CHECK-LABEL: func.func @main
// CHECK-NOT: tensor<4x1x
// CHECK: tensor.collapse_shape {{.*}} : tensor<4x3x8x6x6xf32> into tensor<4x3x8x36xf32>
// CHECK-NOT: tensor<4x1x
// CHECK: %[[E:.+]] = tensor.empty() : tensor<4x3x36x8xf32>
// CHECK: linalg.transpose ins({{.*}} : tensor<4x3x8x36xf32>) outs(%[[E]] : tensor<4x3x36x8xf32>) permutation = [0, 1, 3, 2]
// CHECK: tensor.expand_shape {{.*}} output_shape [4, 3, 36, 2, 4] : tensor<4x3x36x8xf32> into tensor<4x3x36x2x4xf32>
// CHECK: tensor.extract_slice {{.*}}[0, 0, 0, 1, 0] [4, 3, 36, 1, 4] [1, 1, 1, 1, 1] : tensor<4x3x36x2x4xf32> to tensor<4x3x36x4xf32>
// CHECK: tensor.concat dim(3) {{.*}} -> tensor<4x3x36x8xf32>
// CHECK: %[[F:.+]] = tensor.empty() : tensor<4x3x36x16xf32>
// CHECK: tensor.insert_slice {{.*}} into %[[F]][0, 0, 0, 8] [4, 3, 36, 8] [1, 1, 1, 1] : tensor<4x3x36x8xf32> into tensor<4x3x36x16xf32>
func.func @main(%x: tensor<4x1x8x6x6xf32> {spk.name = "x"}) -> (tensor<4x1x36x16xf32> {spk.name = "y"}) {
  %0 = tensor.collapse_shape %x [[0], [1], [2], [3, 4]] : tensor<4x1x8x6x6xf32> into tensor<4x1x8x36xf32>
  %e = tensor.empty() : tensor<4x1x36x8xf32>
  %1 = linalg.transpose ins(%0 : tensor<4x1x8x36xf32>) outs(%e : tensor<4x1x36x8xf32>) permutation = [0, 1, 3, 2]
  %2 = tensor.expand_shape %1 [[0], [1], [2], [3, 4]] output_shape [4, 1, 36, 2, 4] : tensor<4x1x36x8xf32> into tensor<4x1x36x2x4xf32>
  %3 = tensor.extract_slice %2[0, 0, 0, 1, 0] [4, 1, 36, 1, 4] [1, 1, 1, 1, 1] : tensor<4x1x36x2x4xf32> to tensor<4x1x36x4xf32>
  %4 = tensor.concat dim(3) %3, %3 : (tensor<4x1x36x4xf32>, tensor<4x1x36x4xf32>) -> tensor<4x1x36x8xf32>
  %f = tensor.empty() : tensor<4x1x36x16xf32>
  %5 = tensor.insert_slice %4 into %f[0, 0, 0, 8] [4, 1, 36, 8] [1, 1, 1, 1] : tensor<4x1x36x8xf32> into tensor<4x1x36x16xf32>
  return %5 : tensor<4x1x36x16xf32>
}

// -----

// What is combined with activations and depends on no input: a constant of one
// number, a broadcast over the batch, a value made for a batch of one.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<1x3x6x8xf32>
// CHECK-SAME: %[[P:[a-z0-9]+]]: tensor<6x8xf32>
// CHECK: %[[C:.+]] = arith.constant dense<5.000000e-01> : tensor<1x3x6x8xf32>
// CHECK: arith.mulf %[[X]], %[[C]] : tensor<1x3x6x8xf32>
// CHECK: %[[E:.+]] = tensor.empty() : tensor<1x3x6x8xf32>
// CHECK: %[[B:.+]] = linalg.broadcast ins(%[[P]] : tensor<6x8xf32>) outs(%[[E]] : tensor<1x3x6x8xf32>) dimensions = [0, 1]
// CHECK: arith.addf %{{.+}}, %[[B]] : tensor<1x3x6x8xf32>
// CHECK: %[[U:.+]] = tensor.expand_shape %[[P]]
// CHECK: %[[R:.+]] = tensor.collapse_shape %[[U]] {{\[}}[0, 1], [2], [3]] : tensor<1x1x6x8xf32> into tensor<1x6x8xf32>
// CHECK: %[[F:.+]] = tensor.empty() : tensor<1x3x6x8xf32>
// CHECK: %[[D:.+]] = linalg.broadcast ins(%[[R]] : tensor<1x6x8xf32>) outs(%[[F]] : tensor<1x3x6x8xf32>) dimensions = [1]
// CHECK: arith.addf %{{.+}}, %[[D]] : tensor<1x3x6x8xf32>
func.func @main(%x: tensor<1x1x6x8xf32> {spk.name = "x", spk.static}, %p: tensor<6x8xf32>) -> (tensor<1x1x6x8xf32> {spk.name = "y", spk.static}) {
  %c = arith.constant dense<0.5> : tensor<1x1x6x8xf32>
  %0 = arith.mulf %x, %c : tensor<1x1x6x8xf32>
  %e = tensor.empty() : tensor<1x1x6x8xf32>
  %1 = linalg.broadcast ins(%p : tensor<6x8xf32>) outs(%e : tensor<1x1x6x8xf32>) dimensions = [0, 1]
  %2 = arith.addf %0, %1 : tensor<1x1x6x8xf32>
  %3 = tensor.expand_shape %p [[0, 1, 2], [3]] output_shape [1, 1, 6, 8] : tensor<6x8xf32> into tensor<1x1x6x8xf32>
  %4 = arith.addf %2, %3 : tensor<1x1x6x8xf32>
  return %4 : tensor<1x1x6x8xf32>
}

// -----

// Products that have the batch as a parallel loop.

// CHECK-LABEL: func.func @main
// CHECK: linalg.generic {{.*}} ins({{.*}} : tensor<4x3x6x8xf32>, tensor<4x3x8x6xf32>) outs({{.*}} : tensor<4x3x6x6xf32>)
func.func @main(%q: tensor<4x1x6x8xf32> {spk.name = "q"}, %k: tensor<4x1x8x6xf32> {spk.name = "k"}) -> (tensor<4x1x6x6xf32> {spk.name = "y"}) {
  %e = arith.constant dense<0.0> : tensor<4x1x6x6xf32>
  %0 = linalg.generic {
    indexing_maps = [affine_map<(t, b, i, j, c) -> (t, b, i, c)>, affine_map<(t, b, i, j, c) -> (t, b, c, j)>, affine_map<(t, b, i, j, c) -> (t, b, i, j)>],
    iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
    ins(%q, %k : tensor<4x1x6x8xf32>, tensor<4x1x8x6xf32>) outs(%e : tensor<4x1x6x6xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %acc, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<4x1x6x6xf32>
  return %0 : tensor<4x1x6x6xf32>
}

// -----

// Axes of size 1 may join the batch, and it comes back where layers have it.

// CHECK-LABEL: func.func @main
// CHECK: tensor.collapse_shape {{.*}} into tensor<3x8xf32>
// CHECK: tensor.expand_shape {{.*}} output_shape [1, 3, 8] : tensor<3x8xf32> into tensor<1x3x8xf32>
func.func @main(%x: tensor<1x1x8xf32> {spk.name = "x", spk.static}) -> (tensor<1x1x8xf32> {spk.name = "y", spk.static}) {
  %0 = tensor.collapse_shape %x [[0, 1], [2]] : tensor<1x1x8xf32> into tensor<1x8xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
  return %1 : tensor<1x1x8xf32>
}

// -----

// A slice of one time step, from a batch of more than one.

// CHECK-LABEL: func.func @main
// CHECK: tensor.extract_slice {{.*}}[2, 0, 0] [1, 3, 8] [1, 1, 1] : tensor<4x3x8xf32> to tensor<3x8xf32>
// CHECK: tensor.expand_shape {{.*}} output_shape [1, 3, 8] : tensor<3x8xf32> into tensor<1x3x8xf32>
// CHECK: return
func.func @main(%x: tensor<4x2x8xf32> {spk.name = "x"}) -> (tensor<1x2x8xf32> {spk.name = "y", spk.static}) {
  %0 = tensor.extract_slice %x[2, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<4x2x8xf32> to tensor<2x8xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [1, 2, 8] : tensor<2x8xf32> into tensor<1x2x8xf32>
  return %1 : tensor<1x2x8xf32>
}

// -----

// One empty tensor for two transposes.

// CHECK-LABEL: func.func @main
// CHECK-NOT: tensor<4x1x
// CHECK: linalg.transpose {{.*}} outs(%{{.+}} : tensor<4x3x6x8xf32>)
// CHECK-NOT: tensor<4x1x
// CHECK: linalg.transpose {{.*}} outs(%{{.+}} : tensor<4x3x6x8xf32>)
func.func @main(%x: tensor<4x1x8x6xf32> {spk.name = "x"}) -> (tensor<4x1x6x8xf32> {spk.name = "y"}, tensor<4x1x6x8xf32> {spk.name = "z"}) {
  %e = tensor.empty() : tensor<4x1x6x8xf32>
  %0 = linalg.transpose ins(%x : tensor<4x1x8x6xf32>) outs(%e : tensor<4x1x6x8xf32>) permutation = [0, 1, 3, 2]
  %1 = linalg.transpose ins(%x : tensor<4x1x8x6xf32>) outs(%e : tensor<4x1x6x8xf32>) permutation = [0, 1, 3, 2]
  return %0, %1 : tensor<4x1x6x8xf32>, tensor<4x1x6x8xf32>
}
