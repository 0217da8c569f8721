// RUN: spk-opt %s --pass-pipeline='builtin.module(func.func(spk-flatten-positions))' -split-input-file -allow-unregistered-dialect | FileCheck %s

// A block of a model that mixes convolutions of pixels and linear maps of tokens:
// nothing but the image and the result has rows and columns.
// CHECK-LABEL: @block
// CHECK-SAME: (%[[X:[^:]+]]: tensor<4x1x6x7x8xi1>, %[[R:[^:]+]]: tensor<4x1x6x7x8xf32>, %[[W:[^:]+]]: tensor<8x8x1x1xf32>,
// CHECK-DAG: %[[FX:.+]] = tensor.collapse_shape %[[X]] {{\[\[}}0], [1], [2, 3], [4]] : tensor<4x1x6x7x8xi1> into tensor<4x1x42x8xi1>
// CHECK-DAG: %[[FW:.+]] = tensor.collapse_shape %[[W]] {{\[\[}}0], [1, 2, 3]] : tensor<8x8x1x1xf32> into tensor<8x8xf32>
// CHECK-DAG: %[[HALF:.+]] = arith.constant dense<5.000000e-01> : tensor<4x1x42x8xf32>
// CHECK: %[[L:.+]] = spk.linear %[[FX]], %[[FW]] bias %{{.+}} {spk.density = 1.000000e-01 : f64} : (tensor<4x1x42x8xi1>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<4x1x42x8xf32>
// CHECK: %[[N:.+]] = spk.scale_shift %[[L]]
// CHECK: %[[H:.+]] = arith.mulf %[[N]], %[[HALF]]
// CHECK: %[[FR:.+]] = tensor.collapse_shape %[[R]]
// CHECK: %[[A:.+]] = arith.addf %[[H]], %[[FR]]
// CHECK: %[[S:.+]], %[[V:.+]], %[[M:.+]] = spk.lif %[[A]] {{.*}} state tensor<1x1x42x8xf32> membrane tensor<4x1x42x8xf32>
// CHECK-COUNT-2: tensor.expand_shape
// CHECK-NEXT: spk.linear %[[S]]
// CHECK-NOT: tensor.{{[a-z]+_shape}}
// CHECK: %[[B:.+]] = arith.addf %{{.+}}, %[[A]]
// CHECK: %[[MEAN:.+]] = spk.mean %[[B]] {axes = array<i64: 2>} : tensor<4x1x42x8xf32> -> tensor<4x1x1x8xf32>
// CHECK: %[[Y:.+]] = tensor.expand_shape %[[MEAN]] {{\[\[}}0], [1], [2, 3], [4]] {{.*}} into tensor<4x1x1x1x8xf32>
// CHECK: return %[[Y]]
func.func @block(%x: tensor<4x1x6x7x8xi1>, %r: tensor<4x1x6x7x8xf32>, %w: tensor<8x8x1x1xf32>, %u: tensor<8x8xf32>, %c: tensor<8xf32>) -> (tensor<4x1x1x1x8xf32>, tensor<1x1x6x7x8xf32>, tensor<4x1x6x7x8xf32>) {
  %half = arith.constant dense<0.5> : tensor<4x1x6x7x8xf32>
  %0 = spk.conv %x, %w bias %c {layout = #spk.layout<channels_last>, spk.density = 0.1 : f64} : (tensor<4x1x6x7x8xi1>, tensor<8x8x1x1xf32>, tensor<8xf32>) -> tensor<4x1x6x7x8xf32>
  %1 = spk.scale_shift %0, %c, %c {layout = #spk.layout<channels_last>} : (tensor<4x1x6x7x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x1x6x7x8xf32>
  %2 = arith.mulf %1, %half : tensor<4x1x6x7x8xf32>
  %3 = arith.addf %2, %r : tensor<4x1x6x7x8xf32>
  %4, %v, %m = spk.lif %3 {v_threshold = 1.0 : f32} : tensor<4x1x6x7x8xf32> -> tensor<4x1x6x7x8xi1> state tensor<1x1x6x7x8xf32> membrane tensor<4x1x6x7x8xf32>
  %5 = tensor.collapse_shape %4 [[0], [1], [2, 3], [4]] : tensor<4x1x6x7x8xi1> into tensor<4x1x42x8xi1>
  %6 = spk.linear %5, %u : (tensor<4x1x42x8xi1>, tensor<8x8xf32>) -> tensor<4x1x42x8xf32>
  %7 = tensor.expand_shape %6 [[0], [1], [2, 3], [4]] output_shape [4, 1, 6, 7, 8] : tensor<4x1x42x8xf32> into tensor<4x1x6x7x8xf32>
  %8 = arith.addf %7, %3 : tensor<4x1x6x7x8xf32>
  %9 = spk.mean %8 {axes = array<i64: 2, 3>} : tensor<4x1x6x7x8xf32> -> tensor<4x1x1x1x8xf32>
  return %9, %v, %m : tensor<4x1x1x1x8xf32>, tensor<1x1x6x7x8xf32>, tensor<4x1x6x7x8xf32>
}

// -----

// A window needs rows and columns, and so do strides, padding and groups.
// CHECK-LABEL: @windows
// CHECK-COUNT-5: spk.conv
// CHECK-NOT: spk.linear
func.func @windows(%x: tensor<4x1x6x6x8xi1>, %w: tensor<8x8x1x1xf32>, %u: tensor<8x8x1x3xf32>, %g: tensor<8x4x1x1xf32>) {
  %0 = spk.conv %x, %u {layout = #spk.layout<channels_last>} : (tensor<4x1x6x6x8xi1>, tensor<8x8x1x3xf32>) -> tensor<4x1x6x4x8xf32>
  %1 = spk.conv %x, %w {layout = #spk.layout<channels_last>, strides = array<i64: 1, 2>} : (tensor<4x1x6x6x8xi1>, tensor<8x8x1x1xf32>) -> tensor<4x1x6x3x8xf32>
  %2 = spk.conv %x, %w {layout = #spk.layout<channels_last>, padding = array<i64: 0, 1>} : (tensor<4x1x6x6x8xi1>, tensor<8x8x1x1xf32>) -> tensor<4x1x6x8x8xf32>
  %3 = spk.conv %x, %g {layout = #spk.layout<channels_last>, groups = 2 : i64} : (tensor<4x1x6x6x8xi1>, tensor<8x4x1x1xf32>) -> tensor<4x1x6x6x8xf32>
  %4 = spk.conv %x, %w {layout = #spk.layout<channels_last>, strides = array<i64: 2, 2>} : (tensor<4x1x6x6x8xi1>, tensor<8x8x1x1xf32>) -> tensor<4x1x3x3x8xf32>
  "use"(%0, %1, %2, %3, %4) : (tensor<4x1x6x4x8xf32>, tensor<4x1x6x3x8xf32>, tensor<4x1x6x8x8xf32>, tensor<4x1x6x6x8xf32>, tensor<4x1x3x3x8xf32>) -> ()
  return
}

// -----

// Channels first, positions do not stand side by side.
// CHECK-LABEL: @channels_first
// CHECK: spk.conv
func.func @channels_first(%x: tensor<4x1x8x6x7xi1>, %w: tensor<8x8x1x1xf32>) -> tensor<4x1x8x6x7xf32> {
  %0 = spk.conv %x, %w : (tensor<4x1x8x6x7xi1>, tensor<8x8x1x1xf32>) -> tensor<4x1x8x6x7xf32>
  return %0 : tensor<4x1x8x6x7xf32>
}

// -----

// Spike-driven attention of pixels. A mask of all positions is one of all tokens.
// CHECK-LABEL: @spike_driven_attention
// CHECK: %[[C:.+]] = spk.count %{{.+}} {axes = array<i64: 2>} : tensor<4x1x42x8xi1> -> tensor<4x1x1x8xf32>
// CHECK: %[[M:.+]] = spk.if %[[C]] {{.*}} -> tensor<4x1x1x8xi1>
// CHECK: %[[G:.+]] = spk.gate %{{.+}}, %[[M]] : (tensor<4x1x42x8xi1>, tensor<4x1x1x8xi1>) -> tensor<4x1x42x8xi1>
// CHECK: %[[A:.+]] = spk.add %[[G]], %{{.+}} : {{.*}} -> tensor<4x1x42x8xi8>
// CHECK: tensor.expand_shape %[[A]]
func.func @spike_driven_attention(%y: tensor<4x1x42x8xi1>) -> tensor<4x1x6x7x8xi8> {
  %x = tensor.expand_shape %y [[0], [1], [2, 3], [4]] output_shape [4, 1, 6, 7, 8] : tensor<4x1x42x8xi1> into tensor<4x1x6x7x8xi1>
  %0 = spk.count %x {axes = array<i64: 2, 3>} : tensor<4x1x6x7x8xi1> -> tensor<4x1x1x1x8xf32>
  %1 = spk.if %0 {v_threshold = 1.0 : f32} : tensor<4x1x1x1x8xf32> -> tensor<4x1x1x1x8xi1>
  %2 = spk.gate %x, %1 : (tensor<4x1x6x7x8xi1>, tensor<4x1x1x1x8xi1>) -> tensor<4x1x6x7x8xi1>
  %3 = spk.add %2, %x : (tensor<4x1x6x7x8xi1>, tensor<4x1x6x7x8xi1>) -> tensor<4x1x6x7x8xi8>
  return %3 : tensor<4x1x6x7x8xi8>
}

// -----

// Token attention of pixels: channels of a head, at every position.
// CHECK-LABEL: @token_attention
// CHECK: %[[C:.+]] = spk.count %{{.+}} {axes = array<i64: 3>, groups = 2 : i64} : tensor<4x1x42x8xi1> -> tensor<4x1x42x2xf32>
// CHECK: %[[M:.+]] = spk.if %[[C]] {{.*}} -> tensor<4x1x42x2xi1>
// CHECK: spk.gate %{{.+}}, %[[M]] : (tensor<4x1x42x8xi1>, tensor<4x1x42x2xi1>) -> tensor<4x1x42x8xi1>
func.func @token_attention(%y: tensor<4x1x42x8xi1>) -> tensor<4x1x6x7x8xi1> {
  %x = tensor.expand_shape %y [[0], [1], [2, 3], [4]] output_shape [4, 1, 6, 7, 8] : tensor<4x1x42x8xi1> into tensor<4x1x6x7x8xi1>
  %0 = spk.count %x {axes = array<i64: 4>, groups = 2 : i64} : tensor<4x1x6x7x8xi1> -> tensor<4x1x6x7x2xf32>
  %1 = spk.if %0 {v_threshold = 1.0 : f32} : tensor<4x1x6x7x2xf32> -> tensor<4x1x6x7x2xi1>
  %2 = spk.gate %x, %1 : (tensor<4x1x6x7x8xi1>, tensor<4x1x6x7x2xi1>) -> tensor<4x1x6x7x8xi1>
  return %2 : tensor<4x1x6x7x8xi1>
}

// -----

// Rows or columns alone, as reductions or as masks, need both axes. Over the
// channels and over time a mean stays what it is.
// CHECK-LABEL: @rows_and_columns
// CHECK: %[[X:.+]] = tensor.expand_shape
// CHECK: spk.count %[[X]] {axes = array<i64: 2>}
// CHECK: spk.mean %[[X]] {axes = array<i64: 3>}
// CHECK: spk.gate %[[X]]
// CHECK: spk.mean %arg0 {axes = array<i64: 2, 3>} : tensor<4x1x42x8xi1> -> tensor<4x1x1x1xf32>
// CHECK: spk.mean %arg0 {axes = array<i64: 0>} : tensor<4x1x42x8xi1> -> tensor<1x1x42x8xf32>
func.func @rows_and_columns(%y: tensor<4x1x42x8xi1>, %m: tensor<4x1x1x7x8xi1>) {
  %x = tensor.expand_shape %y [[0], [1], [2, 3], [4]] output_shape [4, 1, 6, 7, 8] : tensor<4x1x42x8xi1> into tensor<4x1x6x7x8xi1>
  %0 = spk.count %x {axes = array<i64: 2>} : tensor<4x1x6x7x8xi1> -> tensor<4x1x1x7x8xf32>
  %1 = spk.mean %x {axes = array<i64: 3>} : tensor<4x1x6x7x8xi1> -> tensor<4x1x6x1x8xf32>
  %2 = spk.gate %x, %m : (tensor<4x1x6x7x8xi1>, tensor<4x1x1x7x8xi1>) -> tensor<4x1x6x7x8xi1>
  %3 = spk.mean %x {axes = array<i64: 2, 3, 4>} : tensor<4x1x6x7x8xi1> -> tensor<4x1x1x1x1xf32>
  %4 = spk.mean %x {axes = array<i64: 0>} : tensor<4x1x6x7x8xi1> -> tensor<1x1x6x7x8xf32>
  "use"(%0, %1, %2, %3, %4) : (tensor<4x1x1x7x8xf32>, tensor<4x1x6x1x8xf32>, tensor<4x1x6x7x8xi1>, tensor<4x1x1x1x1xf32>, tensor<1x1x6x7x8xf32>) -> ()
  return
}

// -----

// What splits other axes stays, and so does what splits batch or channels.
// CHECK-LABEL: @other_splits
// CHECK: tensor.expand_shape
// CHECK-NEXT: spk.lif {{.*}} : tensor<4x1x6x2x4xf32>
func.func @other_splits(%x: tensor<4x1x6x8xf32>) -> tensor<4x1x6x2x4xi1> {
  %0 = tensor.expand_shape %x [[0], [1], [2], [3, 4]] output_shape [4, 1, 6, 2, 4] : tensor<4x1x6x8xf32> into tensor<4x1x6x2x4xf32>
  %1 = spk.lif %0 {v_threshold = 1.0 : f32} : tensor<4x1x6x2x4xf32> -> tensor<4x1x6x2x4xi1>
  return %1 : tensor<4x1x6x2x4xi1>
}

// -----

// An initial state and a repetition come along.
// CHECK-LABEL: @state
// CHECK-DAG: %[[V:.+]] = tensor.collapse_shape %arg1
// CHECK-DAG: %[[R:.+]] = spk.repeat %arg0 : tensor<1x1x42x8xf32> -> tensor<4x1x42x8xf32>
// CHECK: spk.lif %[[R]] initial(%[[V]] : tensor<1x1x42x8xf32>)
func.func @state(%y: tensor<1x1x42x8xf32>, %v: tensor<1x1x6x7x8xf32>) -> tensor<4x1x6x7x8xi1> {
  %x = tensor.expand_shape %y [[0], [1], [2, 3], [4]] output_shape [1, 1, 6, 7, 8] : tensor<1x1x42x8xf32> into tensor<1x1x6x7x8xf32>
  %0 = spk.repeat %x : tensor<1x1x6x7x8xf32> -> tensor<4x1x6x7x8xf32>
  %1 = spk.lif %0 initial(%v : tensor<1x1x6x7x8xf32>) {v_threshold = 1.0 : f32} : tensor<4x1x6x7x8xf32> -> tensor<4x1x6x7x8xi1>
  return %1 : tensor<4x1x6x7x8xi1>
}
