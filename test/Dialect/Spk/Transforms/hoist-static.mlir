// RUN: spk-opt %s --pass-pipeline='builtin.module(func.func(spk-hoist-static))' -split-input-file | FileCheck %s

// Up to the neuron everything is computed once; parameters and weights have no
// time axis, whatever their rank.
// CHECK-LABEL: @first_stage
// CHECK-NOT: spk.repeat
// CHECK: %[[C:.+]] = spk.conv %arg0, %arg1 bias %arg2 {padding = array<i64: 1, 1>} : (tensor<1x1x3x8x8xf32>, tensor<16x3x3x3xf32>, tensor<16xf32>) -> tensor<1x1x16x8x8xf32>
// CHECK: %[[N:.+]] = spk.batch_norm %[[C]], {{.*}} -> tensor<1x1x16x8x8xf32>
// CHECK: %[[P:.+]] = spk.max_pool %[[N]] {{.*}} : tensor<1x1x16x8x8xf32> -> tensor<1x1x16x4x4xf32>
// CHECK: %[[R:.+]] = spk.repeat %[[P]] : tensor<1x1x16x4x4xf32> -> tensor<4x1x16x4x4xf32>
// CHECK: spk.lif %[[R]] {{.*}} : tensor<4x1x16x4x4xf32>
// CHECK-NOT: spk.repeat
func.func @first_stage(%x: tensor<1x1x3x8x8xf32>, %w: tensor<16x3x3x3xf32>, %g: tensor<16xf32>) -> tensor<4x1x16x4x4xi1> {
  %r = spk.repeat %x : tensor<1x1x3x8x8xf32> -> tensor<4x1x3x8x8xf32>
  %0 = spk.conv %r, %w bias %g {padding = array<i64: 1, 1>} : (tensor<4x1x3x8x8xf32>, tensor<16x3x3x3xf32>, tensor<16xf32>) -> tensor<4x1x16x8x8xf32>
  %1 = spk.batch_norm %0, %g, %g, %g, %g
     : (tensor<4x1x16x8x8xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x8x8xf32>
  %2 = spk.max_pool %1 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : tensor<4x1x16x8x8xf32> -> tensor<4x1x16x4x4xf32>
  %s = spk.lif %2 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1x16x4x4xf32> -> tensor<4x1x16x4x4xi1>
  return %s : tensor<4x1x16x4x4xi1>
}

// -----

// Elementwise arithmetic, also with splats and scalars, and casts.
// CHECK-LABEL: @elementwise
// CHECK-DAG: %[[K:.+]] = arith.constant dense<2.550000e+02> : tensor<1x1x8xf32>
// CHECK-DAG: %[[F:.+]] = arith.uitofp %arg0 : tensor<1x1x8xi1> to tensor<1x1x8xf32>
// CHECK: %[[D:.+]] = arith.divf %[[F]], %[[K]] : tensor<1x1x8xf32>
// CHECK: %[[S:.+]] = arith.select %arg1, %[[D]], %[[F]] : tensor<1x1x8xf32>
// CHECK: %[[R:.+]] = spk.repeat %[[S]]
// CHECK: return %[[R]]
func.func @elementwise(%x: tensor<1x1x8xi1>, %c: i1) -> tensor<4x1x8xf32> {
  %r = spk.repeat %x : tensor<1x1x8xi1> -> tensor<4x1x8xi1>
  %k = arith.constant dense<255.0> : tensor<4x1x8xf32>
  %f = arith.uitofp %r : tensor<4x1x8xi1> to tensor<4x1x8xf32>
  %d = arith.divf %f, %k : tensor<4x1x8xf32>
  %s = arith.select %c, %d, %f : tensor<4x1x8xf32>
  return %s : tensor<4x1x8xf32>
}

// -----

// Views that leave time outermost; the batch may join it only while it is 1.
// CHECK-LABEL: @views
// CHECK-NOT: spk.repeat
// CHECK: tensor.collapse_shape %arg0 {{\[\[}}0, 1], [2], [3, 4]] : tensor<1x1x3x8x8xf32> into tensor<1x3x64xf32>
// CHECK: linalg.transpose ins(%{{.+}} : tensor<1x3x64xf32>) outs(%{{.+}} : tensor<1x64x3xf32>) permutation = [0, 2, 1]
// CHECK: tensor.extract_slice %{{.+}}[0, 0, 0] [1, 64, 2] [1, 1, 1] : tensor<1x64x3xf32> to tensor<1x64x2xf32>
// CHECK: tensor.expand_shape %{{.+}} {{\[\[}}0, 1], [2], [3]] output_shape [1, 1, 64, 2] : tensor<1x64x2xf32> into tensor<1x1x64x2xf32>
// CHECK: spk.mean %{{.+}} {axes = array<i64: 2>} : tensor<1x1x64x2xf32> -> tensor<1x1x1x2xf32>
// CHECK: %[[R:.+]] = spk.repeat
// CHECK-NEXT: return %[[R]]
func.func @views(%x: tensor<1x1x3x8x8xf32>) -> tensor<4x1x1x2xf32> {
  %r = spk.repeat %x : tensor<1x1x3x8x8xf32> -> tensor<4x1x3x8x8xf32>
  %0 = tensor.collapse_shape %r [[0, 1], [2], [3, 4]] : tensor<4x1x3x8x8xf32> into tensor<4x3x64xf32>
  %e = tensor.empty() : tensor<4x64x3xf32>
  %1 = linalg.transpose ins(%0 : tensor<4x3x64xf32>) outs(%e : tensor<4x64x3xf32>) permutation = [0, 2, 1]
  %2 = tensor.extract_slice %1[0, 0, 0] [4, 64, 2] [1, 1, 1] : tensor<4x64x3xf32> to tensor<4x64x2xf32>
  %3 = tensor.expand_shape %2 [[0, 1], [2], [3]] output_shape [4, 1, 64, 2] : tensor<4x64x2xf32> into tensor<4x1x64x2xf32>
  %4 = spk.mean %3 {axes = array<i64: 2>} : tensor<4x1x64x2xf32> -> tensor<4x1x1x2xf32>
  return %4 : tensor<4x1x1x2xf32>
}

// -----

// CHECK-LABEL: @attention
// CHECK: spk.ssa %arg0, %arg0, %arg0 {{.*}} -> tensor<1x1x64x48xf32>
// CHECK: spk.add %arg0, %arg0 : {{.*}} -> tensor<1x1x64x48xi8>
// CHECK: spk.attention_map %arg0, %arg0 {{.*}} -> tensor<1x1x2x64x64xf32>
func.func @attention(%x: tensor<1x1x64x48xi1>) -> (tensor<4x1x64x48xf32>, tensor<4x1x64x48xi8>, tensor<4x1x2x64x64xf32>) {
  %q = spk.repeat %x : tensor<1x1x64x48xi1> -> tensor<4x1x64x48xi1>
  %0 = spk.ssa %q, %q, %q {num_heads = 2 : i64, scale = 1.250000e-01 : f32}
     : (tensor<4x1x64x48xi1>, tensor<4x1x64x48xi1>, tensor<4x1x64x48xi1>) -> tensor<4x1x64x48xf32>
  %1 = spk.add %q, %q : (tensor<4x1x64x48xi1>, tensor<4x1x64x48xi1>) -> tensor<4x1x64x48xi8>
  %2 = spk.attention_map %q, %q {num_heads = 2 : i64, scale = 1.250000e-01 : f32}
     : (tensor<4x1x64x48xi1>, tensor<4x1x64x48xi1>) -> tensor<4x1x2x64x64xf32>
  return %0, %1, %2 : tensor<4x1x64x48xf32>, tensor<4x1x64x48xi8>, tensor<4x1x2x64x64xf32>
}

// -----

// One operand differs from step to step.
// CHECK-LABEL: @not_all_static
// CHECK: %[[R:.+]] = spk.repeat
// CHECK: spk.add %[[R]], %arg1 : (tensor<4x1x8xi1>, tensor<4x1x8xi1>)
// CHECK: arith.addf %{{.+}}, %{{.+}} : tensor<4x1x8xf32>
// CHECK: arith.addf %{{.+}}, %{{.+}} : tensor<4x1x2xf32>
func.func @not_all_static(%x: tensor<1x1x8xi1>, %y: tensor<4x1x8xi1>, %z: tensor<1x1x2xf32>) -> (tensor<4x1x8xi8>, tensor<4x1x8xf32>, tensor<4x1x2xf32>) {
  %r = spk.repeat %x : tensor<1x1x8xi1> -> tensor<4x1x8xi1>
  %0 = spk.add %r, %y : (tensor<4x1x8xi1>, tensor<4x1x8xi1>) -> tensor<4x1x8xi8>
  %f = arith.uitofp %r : tensor<4x1x8xi1> to tensor<4x1x8xf32>
  %g = arith.uitofp %y : tensor<4x1x8xi1> to tensor<4x1x8xf32>
  %1 = arith.addf %f, %g : tensor<4x1x8xf32>
  %k = arith.constant dense<[[[0.0, 1.0]], [[2.0, 3.0]], [[4.0, 5.0]], [[6.0, 7.0]]]> : tensor<4x1x2xf32>
  %q = spk.repeat %z : tensor<1x1x2xf32> -> tensor<4x1x2xf32>
  %2 = arith.addf %q, %k : tensor<4x1x2xf32>
  return %0, %1, %2 : tensor<4x1x8xi8>, tensor<4x1x8xf32>, tensor<4x1x2xf32>
}

// -----

// A mean over time may round, time that merges with the batch or moves is no
// longer outermost, a slice of time drops steps, also where the batch takes its
// place.
// CHECK-LABEL: @looks_across_time
// CHECK: %[[R:.+]] = spk.repeat %arg0
// CHECK: spk.mean %[[R]]
// CHECK: tensor.collapse_shape %[[R]]
// CHECK: linalg.transpose ins(%[[R]]
// CHECK: tensor.extract_slice %[[R]][1, 0, 0] [3, 4, 8]
// CHECK: tensor.extract_slice %[[R]][1, 0, 0] [1, 4, 8]
func.func @looks_across_time(%x: tensor<1x4x8xf32>) -> (tensor<1x4x8xf32>, tensor<16x8xf32>, tensor<4x4x8xf32>, tensor<3x4x8xf32>, tensor<4x8xf32>) {
  %r = spk.repeat %x : tensor<1x4x8xf32> -> tensor<4x4x8xf32>
  %0 = spk.mean %r {axes = array<i64: 0>} : tensor<4x4x8xf32> -> tensor<1x4x8xf32>
  %1 = tensor.collapse_shape %r [[0, 1], [2]] : tensor<4x4x8xf32> into tensor<16x8xf32>
  %e = tensor.empty() : tensor<4x4x8xf32>
  %2 = linalg.transpose ins(%r : tensor<4x4x8xf32>) outs(%e : tensor<4x4x8xf32>) permutation = [1, 0, 2]
  %3 = tensor.extract_slice %r[1, 0, 0] [3, 4, 8] [1, 1, 1] : tensor<4x4x8xf32> to tensor<3x4x8xf32>
  %4 = tensor.extract_slice %r[1, 0, 0] [1, 4, 8] [1, 1, 1] : tensor<4x4x8xf32> to tensor<4x8xf32>
  return %0, %1, %2, %3, %4 : tensor<1x4x8xf32>, tensor<16x8xf32>, tensor<4x4x8xf32>, tensor<3x4x8xf32>, tensor<4x8xf32>
}

// -----

// CHECK-LABEL: @expand_splits_time
// CHECK: spk.repeat
// CHECK-NEXT: tensor.expand_shape
func.func @expand_splits_time(%x: tensor<1x2x8xf32>) -> tensor<2x2x2x8xf32> {
  %r = spk.repeat %x : tensor<1x2x8xf32> -> tensor<4x2x8xf32>
  %0 = tensor.expand_shape %r [[0, 1], [2], [3]] output_shape [2, 2, 2, 8] : tensor<4x2x8xf32> into tensor<2x2x2x8xf32>
  return %0 : tensor<2x2x2x8xf32>
}

// -----

// A neuron without state does the same at every step; where its membrane is
// asked for it stays, as one with state does.
// CHECK-LABEL: @neurons
// CHECK: %[[M:.+]] = spk.multi_spike %arg0 {levels = 4 : i64} : tensor<1x4x8xf32> -> tensor<1x4x8xi8>
// CHECK: %[[MR:.+]] = spk.repeat %[[M]] : tensor<1x4x8xi8> -> tensor<4x4x8xi8>
// CHECK: %[[N:.+]], %[[H:.+]] = spk.multi_spike %{{.+}} {levels = 4 : i64} : tensor<4x4x8xf32> -> tensor<4x4x8xi8> membrane
// CHECK: %[[I:.+]] = spk.ilif %{{.+}} : tensor<4x4x8xf32>
// CHECK: return %[[MR]], %[[N]], %[[H]], %[[I]]
func.func @neurons(%x: tensor<1x4x8xf32>) -> (tensor<4x4x8xi8>, tensor<4x4x8xi8>, tensor<4x4x8xf32>, tensor<4x4x8xi8>) {
  %r = spk.repeat %x : tensor<1x4x8xf32> -> tensor<4x4x8xf32>
  %0 = spk.multi_spike %r {levels = 4 : i64} : tensor<4x4x8xf32> -> tensor<4x4x8xi8>
  %1, %h = spk.multi_spike %r {levels = 4 : i64} : tensor<4x4x8xf32> -> tensor<4x4x8xi8> membrane tensor<4x4x8xf32>
  %2 = spk.ilif %r {levels = 4 : i64, v_threshold = 1.0 : f32} : tensor<4x4x8xf32> -> tensor<4x4x8xi8>
  return %0, %1, %h, %2 : tensor<4x4x8xi8>, tensor<4x4x8xi8>, tensor<4x4x8xf32>, tensor<4x4x8xi8>
}
