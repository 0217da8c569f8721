// RUN: spk-opt %s --pass-pipeline='builtin.module(func.func(spk-split-channels))' -split-input-file | FileCheck %s

// CHECK-LABEL: @qkv
// CHECK-SAME: %[[X:[^:]+]]: tensor<4x1x8x16xi1>, %[[W:[^:]+]]: tensor<48x16xf32>, %[[C:[^:]+]]: tensor<48xf32>, %[[S:[^:]+]]: tensor<48xf32>, %[[B:[^:]+]]: tensor<48xf32>
// CHECK-DAG: %[[WQ:.+]] = tensor.extract_slice %[[W]][0, 0] [16, 16] [1, 1]
// CHECK-DAG: %[[CQ:.+]] = tensor.extract_slice %[[C]][0] [16] [1]
// CHECK: %[[LQ:.+]] = spk.linear %[[X]], %[[WQ]] bias %[[CQ]] {sum = #spk.sum<sequential>} : (tensor<4x1x8x16xi1>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<4x1x8x16xf32>
// CHECK-DAG: %[[SQ:.+]] = tensor.extract_slice %[[S]][0] [16] [1]
// CHECK-DAG: %[[BQ:.+]] = tensor.extract_slice %[[B]][0] [16] [1]
// CHECK: %[[NQ:.+]] = spk.scale_shift %[[LQ]], %[[SQ]], %[[BQ]]
// CHECK: %[[Q:.+]] = spk.lif %[[NQ]] {{.*}} -> tensor<4x1x8x16xi1>
// CHECK: tensor.extract_slice %[[W]][16, 0] [24, 16] [1, 1]
// CHECK: tensor.extract_slice %[[C]][16] [24] [1]
// CHECK: %[[K:.+]] = spk.lif {{.*}} -> tensor<4x1x8x24xi1>
// CHECK: tensor.extract_slice %[[W]][40, 0] [8, 16] [1, 1]
// CHECK: %[[V:.+]] = spk.lif {{.*}} -> tensor<4x1x8x8xi1>
// CHECK-NOT: tensor.extract_slice
// CHECK: return %[[Q]], %[[K]], %[[V]]
func.func @qkv(%x: tensor<4x1x8x16xi1>, %w: tensor<48x16xf32>, %c: tensor<48xf32>, %s: tensor<48xf32>, %b: tensor<48xf32>)
    -> (tensor<4x1x8x16xi1>, tensor<4x1x8x24xi1>, tensor<4x1x8x8xi1>) {
  %0 = spk.linear %x, %w bias %c {sum = #spk.sum<sequential>} : (tensor<4x1x8x16xi1>, tensor<48x16xf32>, tensor<48xf32>) -> tensor<4x1x8x48xf32>
  %1 = spk.scale_shift %0, %s, %b {layout = #spk.layout<channels_last>} : (tensor<4x1x8x48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<4x1x8x48xf32>
  %2 = spk.lif %1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1x8x48xf32> -> tensor<4x1x8x48xi1>
  %q = tensor.extract_slice %2[0, 0, 0, 0] [4, 1, 8, 16] [1, 1, 1, 1] : tensor<4x1x8x48xi1> to tensor<4x1x8x16xi1>
  %k = tensor.extract_slice %2[0, 0, 0, 16] [4, 1, 8, 24] [1, 1, 1, 1] : tensor<4x1x8x48xi1> to tensor<4x1x8x24xi1>
  %v = tensor.extract_slice %2[0, 0, 0, 40] [4, 1, 8, 8] [1, 1, 1, 1] : tensor<4x1x8x48xi1> to tensor<4x1x8x8xi1>
  return %q, %k, %v : tensor<4x1x8x16xi1>, tensor<4x1x8x24xi1>, tensor<4x1x8x8xi1>
}

// -----

// Convolutions, repetitions and pools; channels may still be first. The same
// slice twice is computed once.
// CHECK-LABEL: @conv
// CHECK: tensor.extract_slice %arg1[0, 0, 0, 0] [4, 3, 3, 3]
// CHECK: spk.conv {{.*}} -> tensor<1x1x4x6x6xf32>
// CHECK: spk.repeat {{.*}} -> tensor<4x1x4x6x6xf32>
// CHECK: %[[L:.+]] = spk.lif
// CHECK: %[[P:.+]] = spk.max_pool %[[L]] {{.*}} -> tensor<4x1x4x3x3xi1>
// CHECK: tensor.extract_slice %arg1[4, 0, 0, 0] [4, 3, 3, 3]
// CHECK: %[[R:.+]] = spk.max_pool {{.*}} -> tensor<4x1x4x3x3xi1>
// CHECK: return %[[P]], %[[P]], %[[R]]
func.func @conv(%x: tensor<1x1x3x8x8xf32>, %w: tensor<8x3x3x3xf32>) -> (tensor<4x1x4x3x3xi1>, tensor<4x1x4x3x3xi1>, tensor<4x1x4x3x3xi1>) {
  %0 = spk.conv %x, %w : (tensor<1x1x3x8x8xf32>, tensor<8x3x3x3xf32>) -> tensor<1x1x8x6x6xf32>
  %1 = spk.repeat %0 : tensor<1x1x8x6x6xf32> -> tensor<4x1x8x6x6xf32>
  %2 = spk.lif %1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1x8x6x6xf32> -> tensor<4x1x8x6x6xi1>
  %3 = spk.max_pool %2 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : tensor<4x1x8x6x6xi1> -> tensor<4x1x8x3x3xi1>
  %a = tensor.extract_slice %3[0, 0, 0, 0, 0] [4, 1, 4, 3, 3] [1, 1, 1, 1, 1] : tensor<4x1x8x3x3xi1> to tensor<4x1x4x3x3xi1>
  %b = tensor.extract_slice %3[0, 0, 0, 0, 0] [4, 1, 4, 3, 3] [1, 1, 1, 1, 1] : tensor<4x1x8x3x3xi1> to tensor<4x1x4x3x3xi1>
  %c = tensor.extract_slice %3[0, 0, 4, 0, 0] [4, 1, 4, 3, 3] [1, 1, 1, 1, 1] : tensor<4x1x8x3x3xi1> to tensor<4x1x4x3x3xi1>
  return %a, %b, %c : tensor<4x1x4x3x3xi1>, tensor<4x1x4x3x3xi1>, tensor<4x1x4x3x3xi1>
}

// -----

// [parts * heads, d] and [parts, heads, d] views of the channels.
// CHECK-LABEL: @heads
// CHECK: tensor.extract_slice %arg1[0, 0] [16, 16] [1, 1]
// CHECK: %[[Q:.+]] = spk.linear {{.*}} -> tensor<4x1x8x16xf32>
// CHECK: tensor.extract_slice %arg1[16, 0] [32, 16] [1, 1]
// CHECK: %[[K:.+]] = spk.linear {{.*}} -> tensor<4x1x8x32xf32>
// CHECK: %[[QH:.+]] = tensor.expand_shape %[[Q]] {{\[\[}}0], [1], [2], [3, 4]] output_shape [4, 1, 8, 2, 8]
// CHECK: %[[KH:.+]] = tensor.expand_shape %[[K]] {{\[\[}}0], [1], [2], [3, 4]] output_shape [4, 1, 8, 4, 8]
// CHECK: return %[[QH]], %[[KH]]
func.func @heads(%x: tensor<4x1x8x16xi1>, %w: tensor<48x16xf32>) -> (tensor<4x1x8x2x8xf32>, tensor<4x1x8x4x8xf32>) {
  %0 = spk.linear %x, %w : (tensor<4x1x8x16xi1>, tensor<48x16xf32>) -> tensor<4x1x8x48xf32>
  %1 = tensor.expand_shape %0 [[0], [1], [2], [3, 4]] output_shape [4, 1, 8, 6, 8] : tensor<4x1x8x48xf32> into tensor<4x1x8x6x8xf32>
  %q = tensor.extract_slice %1[0, 0, 0, 0, 0] [4, 1, 8, 2, 8] [1, 1, 1, 1, 1] : tensor<4x1x8x6x8xf32> to tensor<4x1x8x2x8xf32>
  %k = tensor.extract_slice %1[0, 0, 0, 2, 0] [4, 1, 8, 4, 8] [1, 1, 1, 1, 1] : tensor<4x1x8x6x8xf32> to tensor<4x1x8x4x8xf32>
  return %q, %k : tensor<4x1x8x2x8xf32>, tensor<4x1x8x4x8xf32>
}

// -----

// CHECK-LABEL: @parts
// CHECK: spk.linear {{.*}} -> tensor<4x1x8x16xf32>
// CHECK: spk.linear {{.*}} -> tensor<4x1x8x16xf32>
// CHECK: tensor.expand_shape {{.*}} output_shape [4, 1, 8, 2, 8]
// CHECK: tensor.expand_shape {{.*}} output_shape [4, 1, 8, 1, 2, 8]
func.func @parts(%x: tensor<4x1x8x16xi1>, %w: tensor<48x16xf32>) -> (tensor<4x1x8x2x8xf32>, tensor<4x1x8x1x2x8xf32>) {
  %0 = spk.linear %x, %w : (tensor<4x1x8x16xi1>, tensor<48x16xf32>) -> tensor<4x1x8x48xf32>
  %1 = tensor.expand_shape %0 [[0], [1], [2], [3, 4, 5]] output_shape [4, 1, 8, 3, 2, 8] : tensor<4x1x8x48xf32> into tensor<4x1x8x3x2x8xf32>
  %q = tensor.extract_slice %1[0, 0, 0, 0, 0, 0] [4, 1, 8, 1, 2, 8] [1, 1, 1, 1, 1, 1] : tensor<4x1x8x3x2x8xf32> to tensor<4x1x8x2x8xf32>
  %v = tensor.extract_slice %1[0, 0, 0, 2, 0, 0] [4, 1, 8, 1, 2, 8] [1, 1, 1, 1, 1, 1] : tensor<4x1x8x3x2x8xf32> to tensor<4x1x8x1x2x8xf32>
  return %q, %v : tensor<4x1x8x2x8xf32>, tensor<4x1x8x1x2x8xf32>
}

// -----

// A slice of a slice.
// CHECK-LABEL: @twice
// CHECK: spk.linear {{.*}} -> tensor<4x1x8x8xf32>
// CHECK: spk.linear {{.*}} -> tensor<4x1x8x8xf32>
// CHECK: spk.linear {{.*}} -> tensor<4x1x8x16xf32>
// CHECK-NOT: tensor.extract_slice {{.*}} to tensor<4x1
func.func @twice(%x: tensor<4x1x8x16xi1>, %w: tensor<32x16xf32>) -> (tensor<4x1x8x8xf32>, tensor<4x1x8x8xf32>, tensor<4x1x8x16xf32>) {
  %0 = spk.linear %x, %w : (tensor<4x1x8x16xi1>, tensor<32x16xf32>) -> tensor<4x1x8x32xf32>
  %a = tensor.extract_slice %0[0, 0, 0, 0] [4, 1, 8, 16] [1, 1, 1, 1] : tensor<4x1x8x32xf32> to tensor<4x1x8x16xf32>
  %b = tensor.extract_slice %0[0, 0, 0, 16] [4, 1, 8, 16] [1, 1, 1, 1] : tensor<4x1x8x32xf32> to tensor<4x1x8x16xf32>
  %c = tensor.extract_slice %a[0, 0, 0, 0] [4, 1, 8, 8] [1, 1, 1, 1] : tensor<4x1x8x16xf32> to tensor<4x1x8x8xf32>
  %d = tensor.extract_slice %a[0, 0, 0, 8] [4, 1, 8, 8] [1, 1, 1, 1] : tensor<4x1x8x16xf32> to tensor<4x1x8x8xf32>
  return %c, %d, %b : tensor<4x1x8x8xf32>, tensor<4x1x8x8xf32>, tensor<4x1x8x16xf32>
}

// -----

// What must stay whole: one layer each, sliced behind.

// CHECK-LABEL: @used_whole
// CHECK: spk.linear {{.*}} -> tensor<4x1x8x32xf32>
// CHECK-NOT: spk.linear
func.func @used_whole(%x: tensor<4x1x8x16xi1>, %w: tensor<32x16xf32>) -> (tensor<4x1x8x8xf32>, tensor<4x1x8x32xf32>) {
  %0 = spk.linear %x, %w : (tensor<4x1x8x16xi1>, tensor<32x16xf32>) -> tensor<4x1x8x32xf32>
  %a = tensor.extract_slice %0[0, 0, 0, 0] [4, 1, 8, 8] [1, 1, 1, 1] : tensor<4x1x8x32xf32> to tensor<4x1x8x8xf32>
  return %a, %0 : tensor<4x1x8x8xf32>, tensor<4x1x8x32xf32>
}

// CHECK-LABEL: @used_between
// CHECK: spk.linear {{.*}} -> tensor<4x1x8x32xf32>
// CHECK: spk.lif {{.*}} -> tensor<4x1x8x32xi1>
func.func @used_between(%x: tensor<4x1x8x16xi1>, %w: tensor<32x16xf32>) -> (tensor<4x1x8x8xi1>, tensor<4x1x8x32xf32>) {
  %0 = spk.linear %x, %w : (tensor<4x1x8x16xi1>, tensor<32x16xf32>) -> tensor<4x1x8x32xf32>
  %1 = spk.lif %0 {v_threshold = 1.0 : f32} : tensor<4x1x8x32xf32> -> tensor<4x1x8x32xi1>
  %a = tensor.extract_slice %1[0, 0, 0, 0] [4, 1, 8, 8] [1, 1, 1, 1] : tensor<4x1x8x32xi1> to tensor<4x1x8x8xi1>
  return %a, %0 : tensor<4x1x8x8xi1>, tensor<4x1x8x32xf32>
}

// CHECK-LABEL: @overlapping
// CHECK: spk.linear {{.*}} -> tensor<4x1x8x32xf32>
func.func @overlapping(%x: tensor<4x1x8x16xi1>, %w: tensor<32x16xf32>) -> (tensor<4x1x8x8xf32>, tensor<4x1x8x8xf32>) {
  %0 = spk.linear %x, %w : (tensor<4x1x8x16xi1>, tensor<32x16xf32>) -> tensor<4x1x8x32xf32>
  %a = tensor.extract_slice %0[0, 0, 0, 0] [4, 1, 8, 8] [1, 1, 1, 1] : tensor<4x1x8x32xf32> to tensor<4x1x8x8xf32>
  %b = tensor.extract_slice %0[0, 0, 0, 7] [4, 1, 8, 8] [1, 1, 1, 1] : tensor<4x1x8x32xf32> to tensor<4x1x8x8xf32>
  return %a, %b : tensor<4x1x8x8xf32>, tensor<4x1x8x8xf32>
}

// CHECK-LABEL: @strided
// CHECK: spk.linear {{.*}} -> tensor<4x1x8x32xf32>
func.func @strided(%x: tensor<4x1x8x16xi1>, %w: tensor<32x16xf32>) -> tensor<4x1x8x8xf32> {
  %0 = spk.linear %x, %w : (tensor<4x1x8x16xi1>, tensor<32x16xf32>) -> tensor<4x1x8x32xf32>
  %a = tensor.extract_slice %0[0, 0, 0, 0] [4, 1, 8, 8] [1, 1, 1, 2] : tensor<4x1x8x32xf32> to tensor<4x1x8x8xf32>
  return %a : tensor<4x1x8x8xf32>
}

// CHECK-LABEL: @tokens
// CHECK: spk.linear {{.*}} -> tensor<4x1x8x32xf32>
func.func @tokens(%x: tensor<4x1x8x16xi1>, %w: tensor<32x16xf32>) -> tensor<4x1x4x32xf32> {
  %0 = spk.linear %x, %w : (tensor<4x1x8x16xi1>, tensor<32x16xf32>) -> tensor<4x1x8x32xf32>
  %a = tensor.extract_slice %0[0, 0, 0, 0] [4, 1, 4, 32] [1, 1, 1, 1] : tensor<4x1x8x32xf32> to tensor<4x1x4x32xf32>
  return %a : tensor<4x1x4x32xf32>
}

// CHECK-LABEL: @groups
// CHECK: spk.conv {{.*}} -> tensor<4x1x8x8x8xf32>
func.func @groups(%x: tensor<4x1x8x8x8xi1>, %w: tensor<8x4x1x1xf32>) -> tensor<4x1x4x8x8xf32> {
  %0 = spk.conv %x, %w {groups = 2 : i64} : (tensor<4x1x8x8x8xi1>, tensor<8x4x1x1xf32>) -> tensor<4x1x8x8x8xf32>
  %a = tensor.extract_slice %0[0, 0, 0, 0, 0] [4, 1, 4, 8, 8] [1, 1, 1, 1, 1] : tensor<4x1x8x8x8xf32> to tensor<4x1x4x8x8xf32>
  return %a : tensor<4x1x4x8x8xf32>
}

// The state is an input of the network: it keeps its shape.
// CHECK-LABEL: @state
// CHECK: spk.linear {{.*}} -> tensor<1x1x8x32xf32>
func.func @state(%x: tensor<1x1x8x16xi1>, %w: tensor<32x16xf32>, %v: tensor<1x1x8x32xf32>) -> (tensor<1x1x8x16xi1>, tensor<1x1x8x32xf32>) {
  %0 = spk.linear %x, %w : (tensor<1x1x8x16xi1>, tensor<32x16xf32>) -> tensor<1x1x8x32xf32>
  %s, %n = spk.lif %0 initial(%v : tensor<1x1x8x32xf32>) {v_threshold = 1.0 : f32} : tensor<1x1x8x32xf32> -> tensor<1x1x8x32xi1> state tensor<1x1x8x32xf32>
  %a = tensor.extract_slice %s[0, 0, 0, 0] [1, 1, 8, 16] [1, 1, 1, 1] : tensor<1x1x8x32xi1> to tensor<1x1x8x16xi1>
  return %a, %n : tensor<1x1x8x16xi1>, tensor<1x1x8x32xf32>
}

// A part of each head is no range of channels.
// CHECK-LABEL: @inside_heads
// CHECK: spk.linear {{.*}} -> tensor<4x1x8x32xf32>
func.func @inside_heads(%x: tensor<4x1x8x16xi1>, %w: tensor<32x16xf32>) -> tensor<4x1x8x4x4xf32> {
  %0 = spk.linear %x, %w : (tensor<4x1x8x16xi1>, tensor<32x16xf32>) -> tensor<4x1x8x32xf32>
  %1 = tensor.expand_shape %0 [[0], [1], [2], [3, 4]] output_shape [4, 1, 8, 4, 8] : tensor<4x1x8x32xf32> into tensor<4x1x8x4x8xf32>
  %a = tensor.extract_slice %1[0, 0, 0, 0, 0] [4, 1, 8, 4, 4] [1, 1, 1, 1, 1] : tensor<4x1x8x4x8xf32> to tensor<4x1x8x4x4xf32>
  return %a : tensor<4x1x8x4x4xf32>
}
