// RUN: spk-opt %s --pass-pipeline='builtin.module(func.func(spk-channels-last))' -split-input-file | FileCheck %s --implicit-check-not=channels_first --implicit-check-not=token_last

// Every op with a layout; weights keep theirs. One transpose at the image, one
// before the return.
// CHECK-LABEL: @layers
// CHECK: %[[X:.+]] = linalg.transpose ins(%arg0 : tensor<4x1x3x8x10xi1>) {{.*}} permutation = [0, 1, 3, 4, 2]
// CHECK-NOT: linalg.transpose
// CHECK: %[[C:.+]] = spk.conv %[[X]], %arg1 {layout = #spk.layout<channels_last>} : (tensor<4x1x8x10x3xi1>, tensor<16x3x3x3xf32>) -> tensor<4x1x6x8x16xf32>
// CHECK: %[[N:.+]] = spk.batch_norm %[[C]], {{.*}} {layout = #spk.layout<channels_last>} : {{.*}} -> tensor<4x1x6x8x16xf32>
// CHECK: %[[S:.+]] = spk.scale_shift %[[N]], {{.*}} {layout = #spk.layout<channels_last>}
// CHECK: %[[L:.+]] = spk.lif %[[S]] {{.*}} : tensor<4x1x6x8x16xf32> -> tensor<4x1x6x8x16xi1>
// CHECK: %[[P:.+]] = spk.max_pool %[[L]] {kernel = array<i64: 2, 2>, layout = #spk.layout<channels_last>, strides = array<i64: 2, 2>} : tensor<4x1x6x8x16xi1> -> tensor<4x1x3x4x16xi1>
// CHECK: %[[R:.+]] = linalg.transpose ins(%[[P]] : tensor<4x1x3x4x16xi1>) {{.*}} permutation = [0, 1, 4, 2, 3]
// CHECK: return %[[R]]
func.func @layers(%x: tensor<4x1x3x8x10xi1>, %w: tensor<16x3x3x3xf32>, %g: tensor<16xf32>) -> tensor<4x1x16x3x4xi1> {
  %0 = spk.conv %x, %w : (tensor<4x1x3x8x10xi1>, tensor<16x3x3x3xf32>) -> tensor<4x1x16x6x8xf32>
  %1 = spk.batch_norm %0, %g, %g, %g, %g : (tensor<4x1x16x6x8xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x6x8xf32>
  %2 = spk.scale_shift %1, %g, %g : (tensor<4x1x16x6x8xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x6x8xf32>
  %3 = spk.lif %2 {v_threshold = 1.0 : f32} : tensor<4x1x16x6x8xf32> -> tensor<4x1x16x6x8xi1>
  %4 = spk.max_pool %3 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : tensor<4x1x16x6x8xi1> -> tensor<4x1x16x3x4xi1>
  return %4 : tensor<4x1x16x3x4xi1>
}

// -----

// A small Spikformer: the image is the only value transposed, on one step.
// CHECK-LABEL: @spikformer
// CHECK: linalg.transpose ins(%arg0 : tensor<1x1x3x8x8xf32>) {{.*}} permutation = [0, 1, 3, 4, 2]
// CHECK-NOT: linalg.transpose
// CHECK: spk.conv {{.*}} -> tensor<4x1x8x8x16xf32>
// CHECK: spk.conv {{.*}} -> tensor<4x1x4x4x16xf32>
// CHECK: spk.add {{.*}} : (tensor<4x1x4x4x16xi1>, tensor<4x1x4x4x16xi1>) -> tensor<4x1x4x4x16xi8>
// CHECK: tensor.collapse_shape %{{.+}} {{\[\[}}0], [1], [2, 3], [4]] : tensor<4x1x4x4x16xi8> into tensor<4x1x16x16xi8>
// CHECK-COUNT-2: spk.linear {{.*}}-> tensor<4x1x16x16xf32>
// CHECK: spk.ssa {{.*}} {num_heads = 2 : i64, scale = 1.250000e-01 : f32} : {{.*}} -> tensor<4x1x16x16xf32>
// CHECK: spk.add
// CHECK: spk.mean %{{.+}} {axes = array<i64: 2>} : tensor<4x1x16x16xi8> -> tensor<4x1x1x16xf32>
// CHECK: tensor.collapse_shape %{{.+}} {{\[\[}}0], [1, 2], [3]] : tensor<4x1x1x16xf32> into tensor<4x1x16xf32>
// CHECK: spk.linear {{.*}} : (tensor<4x1x16xf32>, tensor<10x16xf32>) -> tensor<4x1x10xf32>
// CHECK-NOT: linalg.transpose
func.func @spikformer(%image: tensor<1x1x3x8x8xf32>, %w0: tensor<16x3x3x3xf32>, %w1: tensor<16x16x3x3xf32>, %wq: tensor<16x16xf32>, %wk: tensor<16x16xf32>, %wh: tensor<10x16xf32>) -> tensor<1x1x10xf32> {
  %x = spk.repeat %image : tensor<1x1x3x8x8xf32> -> tensor<4x1x3x8x8xf32>
  %0 = spk.conv %x, %w0 {padding = array<i64: 1, 1>} : (tensor<4x1x3x8x8xf32>, tensor<16x3x3x3xf32>) -> tensor<4x1x16x8x8xf32>
  %1 = spk.lif %0 {v_threshold = 1.0 : f32} : tensor<4x1x16x8x8xf32> -> tensor<4x1x16x8x8xi1>
  %2 = spk.max_pool %1 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : tensor<4x1x16x8x8xi1> -> tensor<4x1x16x4x4xi1>
  %3 = spk.conv %2, %w1 {padding = array<i64: 1, 1>} : (tensor<4x1x16x4x4xi1>, tensor<16x16x3x3xf32>) -> tensor<4x1x16x4x4xf32>
  %4 = spk.lif %3 {v_threshold = 1.0 : f32} : tensor<4x1x16x4x4xf32> -> tensor<4x1x16x4x4xi1>
  %5 = spk.add %4, %2 : (tensor<4x1x16x4x4xi1>, tensor<4x1x16x4x4xi1>) -> tensor<4x1x16x4x4xi8>
  %6 = tensor.collapse_shape %5 [[0], [1], [2], [3, 4]] : tensor<4x1x16x4x4xi8> into tensor<4x1x16x16xi8>
  %q0 = spk.linear %6, %wq {layout = #spk.layout<channels_first>} : (tensor<4x1x16x16xi8>, tensor<16x16xf32>) -> tensor<4x1x16x16xf32>
  %q = spk.lif %q0 {v_threshold = 1.0 : f32} : tensor<4x1x16x16xf32> -> tensor<4x1x16x16xi1>
  %k0 = spk.linear %6, %wk {layout = #spk.layout<channels_first>} : (tensor<4x1x16x16xi8>, tensor<16x16xf32>) -> tensor<4x1x16x16xf32>
  %k = spk.lif %k0 {v_threshold = 1.0 : f32} : tensor<4x1x16x16xf32> -> tensor<4x1x16x16xi1>
  %a = spk.ssa %q, %k, %k {num_heads = 2 : i64, scale = 0.125 : f32, token_layout = #spk.token_layout<token_last>} : (tensor<4x1x16x16xi1>, tensor<4x1x16x16xi1>, tensor<4x1x16x16xi1>) -> tensor<4x1x16x16xf32>
  %b = spk.lif %a {v_threshold = 0.5 : f32} : tensor<4x1x16x16xf32> -> tensor<4x1x16x16xi1>
  %7 = spk.add %6, %b : (tensor<4x1x16x16xi8>, tensor<4x1x16x16xi1>) -> tensor<4x1x16x16xi8>
  %8 = spk.mean %7 {axes = array<i64: 3>} : tensor<4x1x16x16xi8> -> tensor<4x1x16x1xf32>
  %9 = tensor.collapse_shape %8 [[0], [1], [2, 3]] : tensor<4x1x16x1xf32> into tensor<4x1x16xf32>
  %10 = spk.linear %9, %wh : (tensor<4x1x16xf32>, tensor<10x16xf32>) -> tensor<4x1x10xf32>
  %11 = spk.mean %10 {axes = array<i64: 0>} : tensor<4x1x10xf32> -> tensor<1x1x10xf32>
  return %11 : tensor<1x1x10xf32>
}

// -----

// A residual from an argument is transposed with it, once.
// CHECK-LABEL: @residual_of_argument
// CHECK: %[[X:.+]] = linalg.transpose ins(%arg0 : tensor<4x1x8x6xi1>)
// CHECK-NOT: linalg.transpose
// CHECK: %[[Y:.+]] = spk.lif
// CHECK: %[[Z:.+]] = spk.add %[[Y]], %[[X]] : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xi8>
// CHECK: linalg.transpose ins(%[[Z]] : tensor<4x1x6x8xi8>) {{.*}} permutation = [0, 1, 3, 2]
func.func @residual_of_argument(%x: tensor<4x1x8x6xi1>, %w: tensor<8x8xf32>) -> tensor<4x1x8x6xi8> {
  %0 = spk.linear %x, %w {layout = #spk.layout<channels_first>} : (tensor<4x1x8x6xi1>, tensor<8x8xf32>) -> tensor<4x1x8x6xf32>
  %1 = spk.lif %0 {v_threshold = 1.0 : f32} : tensor<4x1x8x6xf32> -> tensor<4x1x8x6xi1>
  %2 = spk.add %1, %x : (tensor<4x1x8x6xi1>, tensor<4x1x8x6xi1>) -> tensor<4x1x8x6xi8>
  return %2 : tensor<4x1x8x6xi8>
}

// -----

// States and membranes of neurons turn with the currents.
// CHECK-LABEL: @state
// CHECK-DAG: %[[X:.+]] = linalg.transpose ins(%arg0 : tensor<1x1x8x6xi1>)
// CHECK-DAG: %[[V:.+]] = linalg.transpose ins(%arg1 : tensor<1x1x8x6xf32>) {{.*}} permutation = [0, 1, 3, 2]
// CHECK: %[[S:.+]], %[[F:.+]], %[[H:.+]] = spk.lif %{{.+}} initial(%[[V]] : tensor<1x1x6x8xf32>) {{.*}} : tensor<1x1x6x8xf32> -> tensor<1x1x6x8xi1> state tensor<1x1x6x8xf32> membrane tensor<1x1x6x8xf32>
// CHECK-DAG: %[[S1:.+]] = linalg.transpose ins(%[[S]] : tensor<1x1x6x8xi1>)
// CHECK-DAG: %[[F1:.+]] = linalg.transpose ins(%[[F]] : tensor<1x1x6x8xf32>)
// CHECK-DAG: %[[H1:.+]] = linalg.transpose ins(%[[H]] : tensor<1x1x6x8xf32>)
// CHECK: return %[[S1]], %[[F1]], %[[H1]]
func.func @state(%x: tensor<1x1x8x6xi1>, %v: tensor<1x1x8x6xf32>, %w: tensor<8x8xf32>) -> (tensor<1x1x8x6xi1>, tensor<1x1x8x6xf32>, tensor<1x1x8x6xf32>) {
  %0 = spk.linear %x, %w {layout = #spk.layout<channels_first>} : (tensor<1x1x8x6xi1>, tensor<8x8xf32>) -> tensor<1x1x8x6xf32>
  %1:3 = spk.lif %0 initial(%v : tensor<1x1x8x6xf32>) {v_threshold = 1.0 : f32} : tensor<1x1x8x6xf32> -> tensor<1x1x8x6xi1> state tensor<1x1x8x6xf32> membrane tensor<1x1x8x6xf32>
  return %1#0, %1#1, %1#2 : tensor<1x1x8x6xi1>, tensor<1x1x8x6xf32>, tensor<1x1x8x6xf32>
}

// -----

// Casts, splats, scalar conditions and repetitions of computed values.
// CHECK-LABEL: @elementwise
// CHECK: %[[K:.+]] = arith.constant dense<5.000000e-01> : tensor<1x1x6x8xf32>
// CHECK: linalg.transpose ins(%arg0
// CHECK-NOT: linalg.transpose
// CHECK: %[[L:.+]] = spk.linear
// CHECK: %[[M:.+]] = arith.mulf %[[L]], %[[K]]
// CHECK: %[[S:.+]] = arith.select %arg2, %[[M]], %[[L]] : tensor<1x1x6x8xf32>
// CHECK: %[[R:.+]] = spk.repeat %[[S]] : tensor<1x1x6x8xf32> -> tensor<4x1x6x8xf32>
// CHECK: %[[N:.+]] = spk.if %[[R]]
// CHECK: spk.linear %[[N]]
// CHECK: linalg.transpose
// CHECK-NOT: linalg.transpose
func.func @elementwise(%x: tensor<1x1x8x6xi1>, %w: tensor<8x8xf32>, %c: i1) -> tensor<4x1x8x6xf32> {
  %0 = spk.linear %x, %w {layout = #spk.layout<channels_first>} : (tensor<1x1x8x6xi1>, tensor<8x8xf32>) -> tensor<1x1x8x6xf32>
  %k = arith.constant dense<0.5> : tensor<1x1x8x6xf32>
  %1 = arith.mulf %0, %k : tensor<1x1x8x6xf32>
  %2 = arith.select %c, %1, %0 : tensor<1x1x8x6xf32>
  %3 = spk.repeat %2 : tensor<1x1x8x6xf32> -> tensor<4x1x8x6xf32>
  %4 = spk.if %3 {v_threshold = 1.0 : f32} : tensor<4x1x8x6xf32> -> tensor<4x1x8x6xi1>
  %5 = spk.linear %4, %w {layout = #spk.layout<channels_first>} : (tensor<4x1x8x6xi1>, tensor<8x8xf32>) -> tensor<4x1x8x6xf32>
  return %5 : tensor<4x1x8x6xf32>
}

// -----

// An argument that the model itself makes channels first: nothing is transposed,
// the splat and the state of the neuron come along.
// CHECK-LABEL: @model_transposes
// CHECK-SAME: %[[X:[^:]+]]: tensor<1x1x6x8xf32>, %[[V:[^:]+]]: tensor<1x1x8x6xf32>
// CHECK: %[[T:.+]] = linalg.transpose ins(%[[V]]
// CHECK-NOT: linalg.transpose
// CHECK: %[[M:.+]] = arith.mulf %[[X]]
// CHECK: %[[L:.+]] = spk.lif %[[M]] initial(%[[T]] : tensor<1x1x6x8xf32>)
// CHECK: spk.linear %[[L]], %{{.+}} : (tensor<1x1x6x8xi1>
// CHECK: linalg.transpose
// CHECK-NOT: linalg.transpose
func.func @model_transposes(%x: tensor<1x1x6x8xf32>, %v: tensor<1x1x8x6xf32>, %w: tensor<8x8xf32>) -> tensor<1x1x8x6xf32> {
  %e = tensor.empty() : tensor<1x1x8x6xf32>
  %0 = linalg.transpose ins(%x : tensor<1x1x6x8xf32>) outs(%e : tensor<1x1x8x6xf32>) permutation = [0, 1, 3, 2]
  %k = arith.constant dense<0.5> : tensor<1x1x8x6xf32>
  %1 = arith.mulf %0, %k : tensor<1x1x8x6xf32>
  %2 = spk.lif %1 initial(%v : tensor<1x1x8x6xf32>) {v_threshold = 1.0 : f32} : tensor<1x1x8x6xf32> -> tensor<1x1x8x6xi1>
  %3 = spk.linear %2, %w {layout = #spk.layout<channels_first>} : (tensor<1x1x8x6xi1>, tensor<8x8xf32>) -> tensor<1x1x8x6xf32>
  return %3 : tensor<1x1x8x6xf32>
}

// -----

// Two computed values in different layouts: a transpose stays on one side.
// CHECK-LABEL: @layouts_meet
// CHECK: %[[A:.+]] = spk.linear
// CHECK: %[[B:.+]] = spk.linear
// CHECK: %[[T:.+]] = linalg.transpose ins(%[[B]]
// CHECK: %[[S:.+]] = arith.addf %[[A]], %[[T]]
// CHECK: return %[[S]]
func.func @layouts_meet(%x: tensor<4x1x8x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x1x8x8xf32> {
  %0 = spk.linear %x, %w : (tensor<4x1x8x8xf32>, tensor<8x8xf32>) -> tensor<4x1x8x8xf32>
  %1 = spk.linear %x, %w {layout = #spk.layout<channels_first>} : (tensor<4x1x8x8xf32>, tensor<8x8xf32>) -> tensor<4x1x8x8xf32>
  %2 = arith.addf %0, %1 : tensor<4x1x8x8xf32>
  return %2 : tensor<4x1x8x8xf32>
}

// -----

// Elementwise arithmetic on arguments alone is left where it is: turning one
// operand would only turn the other back.
// CHECK-LABEL: @arguments_only
// CHECK: %[[T:.+]] = linalg.transpose ins(%arg0
// CHECK: %[[S:.+]] = arith.addf %[[T]], %arg1
// CHECK: return %[[S]]
func.func @arguments_only(%x: tensor<4x1x6x8xf32>, %y: tensor<4x1x8x6xf32>) -> tensor<4x1x8x6xf32> {
  %e = tensor.empty() : tensor<4x1x8x6xf32>
  %0 = linalg.transpose ins(%x : tensor<4x1x6x8xf32>) outs(%e : tensor<4x1x8x6xf32>) permutation = [0, 1, 3, 2]
  %1 = arith.addf %0, %y : tensor<4x1x8x6xf32>
  return %1 : tensor<4x1x8x6xf32>
}

// -----

// Heads that the model splits off, swaps with the tokens and merges again.
// CHECK-LABEL: @heads
// CHECK-NOT: linalg.transpose
// CHECK: %[[L:.+]] = spk.linear
// CHECK-NEXT: return %[[L]]
func.func @heads(%x: tensor<4x1x6x8xi1>, %w: tensor<8x8xf32>) -> tensor<4x1x6x8xf32> {
  %0 = spk.linear %x, %w : (tensor<4x1x6x8xi1>, tensor<8x8xf32>) -> tensor<4x1x6x8xf32>
  %1 = tensor.expand_shape %0 [[0], [1], [2], [3, 4]] output_shape [4, 1, 6, 2, 4] : tensor<4x1x6x8xf32> into tensor<4x1x6x2x4xf32>
  %e = tensor.empty() : tensor<4x1x2x6x4xf32>
  %2 = linalg.transpose ins(%1 : tensor<4x1x6x2x4xf32>) outs(%e : tensor<4x1x2x6x4xf32>) permutation = [0, 1, 3, 2, 4]
  %f = tensor.empty() : tensor<4x1x2x4x6xf32>
  %3 = linalg.transpose ins(%2 : tensor<4x1x2x6x4xf32>) outs(%f : tensor<4x1x2x4x6xf32>) permutation = [0, 1, 2, 4, 3]
  %4 = tensor.collapse_shape %3 [[0], [1], [2, 3], [4]] : tensor<4x1x2x4x6xf32> into tensor<4x1x8x6xf32>
  %5 = linalg.transpose ins(%4 : tensor<4x1x8x6xf32>) outs(%0 : tensor<4x1x6x8xf32>) permutation = [0, 1, 3, 2]
  return %5 : tensor<4x1x6x8xf32>
}

// -----

// An expanded axis travels as a block.
// CHECK-LABEL: @expand
// CHECK: %[[E:.+]] = tensor.expand_shape %{{.+}} {{\[\[}}0], [1], [2, 3], [4]] output_shape [4, 1, 2, 3, 8]
// CHECK: linalg.transpose ins(%[[E]] : tensor<4x1x2x3x8xf32>) outs(%{{.+}} : tensor<4x1x8x2x3xf32>) permutation = [0, 1, 4, 2, 3]
func.func @expand(%x: tensor<4x1x8x6xi1>, %w: tensor<8x8xf32>) -> tensor<4x1x8x2x3xf32> {
  %0 = spk.linear %x, %w {layout = #spk.layout<channels_first>} : (tensor<4x1x8x6xi1>, tensor<8x8xf32>) -> tensor<4x1x8x6xf32>
  %1 = tensor.expand_shape %0 [[0], [1], [2], [3, 4]] output_shape [4, 1, 8, 2, 3] : tensor<4x1x8x6xf32> into tensor<4x1x8x2x3xf32>
  return %1 : tensor<4x1x8x2x3xf32>
}

// -----

// Merging channels and rows needs the elements in that order.
// CHECK-LABEL: @collapse_in_order
// CHECK: %[[T:.+]] = linalg.transpose ins(%{{.+}} : tensor<4x1x6x7x8xf32>)
// CHECK: tensor.collapse_shape %[[T]] {{\[\[}}0], [1], [2, 3], [4]]
func.func @collapse_in_order(%x: tensor<4x1x8x6x7xi1>, %w: tensor<8x8x1x1xf32>) -> tensor<4x1x48x7xf32> {
  %0 = spk.conv %x, %w : (tensor<4x1x8x6x7xi1>, tensor<8x8x1x1xf32>) -> tensor<4x1x8x6x7xf32>
  %1 = tensor.collapse_shape %0 [[0], [1], [2, 3], [4]] : tensor<4x1x8x6x7xf32> into tensor<4x1x48x7xf32>
  return %1 : tensor<4x1x48x7xf32>
}

// -----

// CHECK-LABEL: @collapse_swapped
// CHECK: %[[T:.+]] = linalg.transpose ins(%{{.+}} : tensor<4x1x6x8xf32>)
// CHECK: tensor.collapse_shape %[[T]] {{\[\[}}0], [1], [2, 3]]
func.func @collapse_swapped(%x: tensor<4x1x8x6xi1>, %w: tensor<8x8xf32>) -> tensor<4x1x48xf32> {
  %0 = spk.linear %x, %w {layout = #spk.layout<channels_first>} : (tensor<4x1x8x6xi1>, tensor<8x8xf32>) -> tensor<4x1x8x6xf32>
  %1 = tensor.collapse_shape %0 [[0], [1], [2, 3]] : tensor<4x1x8x6xf32> into tensor<4x1x48xf32>
  return %1 : tensor<4x1x48xf32>
}

// -----

// Axes that stand apart in channels last do not merge there.
// CHECK-LABEL: @collapse_apart
// CHECK: %[[T:.+]] = linalg.transpose ins(%{{.+}} : tensor<4x5x6x7x8xf32>)
// CHECK: tensor.collapse_shape %[[T]] {{\[\[}}0], [1, 2], [3], [4]]
func.func @collapse_apart(%x: tensor<4x5x8x6x7xi1>, %w: tensor<8x8x1x1xf32>) -> tensor<4x40x6x7xf32> {
  %0 = spk.conv %x, %w : (tensor<4x5x8x6x7xi1>, tensor<8x8x1x1xf32>) -> tensor<4x5x8x6x7xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2], [3], [4]] : tensor<4x5x8x6x7xf32> into tensor<4x40x6x7xf32>
  return %1 : tensor<4x40x6x7xf32>
}

// -----

// Axes of size 1 may merge with any neighbour: batch and channels merge here.
// CHECK-LABEL: @collapse_unit
// CHECK: %[[T:.+]] = tensor.collapse_shape %{{.+}} {{\[\[}}0, 1], [2], [3], [4]] : tensor<4x1x6x7x8xf32> into tensor<4x6x7x8xf32>
// CHECK: linalg.transpose ins(%[[T]] : tensor<4x6x7x8xf32>) outs(%{{.+}} : tensor<4x8x6x7xf32>) permutation = [0, 3, 1, 2]
func.func @collapse_unit(%x: tensor<4x1x8x6x7xi1>, %w: tensor<8x8x1x1xf32>) -> tensor<4x8x6x7xf32> {
  %0 = spk.conv %x, %w : (tensor<4x1x8x6x7xi1>, tensor<8x8x1x1xf32>) -> tensor<4x1x8x6x7xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2], [3], [4]] : tensor<4x1x8x6x7xf32> into tensor<4x8x6x7xf32>
  return %1 : tensor<4x8x6x7xf32>
}

// -----

// CHECK-LABEL: @mean
// CHECK: %[[M:.+]] = spk.mean %{{.+}} {axes = array<i64: 2, 3>} : tensor<4x1x6x7x8xf32> -> tensor<4x1x1x1x8xf32>
// CHECK-NOT: linalg.transpose
// CHECK: tensor.collapse_shape %[[M]] {{.*}} into tensor<4x1x8xf32>
func.func @mean(%x: tensor<4x1x8x6x7xi1>, %w: tensor<8x8x1x1xf32>) -> tensor<4x1x8xf32> {
  %0 = spk.conv %x, %w : (tensor<4x1x8x6x7xi1>, tensor<8x8x1x1xf32>) -> tensor<4x1x8x6x7xf32>
  %1 = spk.mean %0 {axes = array<i64: 3, 4>} : tensor<4x1x8x6x7xf32> -> tensor<4x1x8x1x1xf32>
  %2 = tensor.collapse_shape %1 [[0], [1], [2, 3, 4]] : tensor<4x1x8x1x1xf32> into tensor<4x1x8xf32>
  return %2 : tensor<4x1x8xf32>
}

// -----

// The sum runs over channels first, then tokens: that order is kept.
// CHECK-LABEL: @mean_order
// CHECK: %[[T:.+]] = linalg.transpose ins(%{{.+}} : tensor<4x1x6x8xf32>)
// CHECK: spk.mean %[[T]] {axes = array<i64: 2, 3>}
func.func @mean_order(%x: tensor<4x1x8x6xi1>, %w: tensor<8x8xf32>) -> tensor<4x1x1x1xf32> {
  %0 = spk.linear %x, %w {layout = #spk.layout<channels_first>} : (tensor<4x1x8x6xi1>, tensor<8x8xf32>) -> tensor<4x1x8x6xf32>
  %1 = spk.mean %0 {axes = array<i64: 2, 3>} : tensor<4x1x8x6xf32> -> tensor<4x1x1x1xf32>
  return %1 : tensor<4x1x1x1xf32>
}

// -----

// Counting has no order, so axes may trade places; gates pass like joins, with
// masks in their own shape.
// CHECK-LABEL: @spike_driven_attention
// CHECK: %[[C:.+]] = spk.count %{{.+}} {axes = array<i64: 2, 3>} : tensor<4x1x6x7x8xi1> -> tensor<4x1x1x1x8xf32>
// CHECK: %[[M:.+]] = spk.if %[[C]] {{.*}} -> tensor<4x1x1x1x8xi1>
// CHECK: spk.gate %{{.+}}, %[[M]] : (tensor<4x1x6x7x8xi1>, tensor<4x1x1x1x8xi1>) -> tensor<4x1x6x7x8xi1>
// CHECK: spk.count %{{.+}} {axes = array<i64: 2, 4>} : tensor<4x1x6x7x8xi1> -> tensor<4x1x1x7x1xf32>
func.func @spike_driven_attention(%x: tensor<4x1x8x6x7xi1>, %w: tensor<8x8x1x1xf32>) -> (tensor<4x1x8x6x7xi1>, tensor<4x1x1x1x7xf32>) {
  %0 = spk.conv %x, %w : (tensor<4x1x8x6x7xi1>, tensor<8x8x1x1xf32>) -> tensor<4x1x8x6x7xf32>
  %1 = spk.if %0 {v_threshold = 1.0 : f32} : tensor<4x1x8x6x7xf32> -> tensor<4x1x8x6x7xi1>
  %2 = arith.andi %1, %x : tensor<4x1x8x6x7xi1>
  %3 = spk.count %2 {axes = array<i64: 3, 4>} : tensor<4x1x8x6x7xi1> -> tensor<4x1x8x1x1xf32>
  %4 = spk.if %3 {v_threshold = 1.0 : f32} : tensor<4x1x8x1x1xf32> -> tensor<4x1x8x1x1xi1>
  %5 = spk.gate %1, %4 : (tensor<4x1x8x6x7xi1>, tensor<4x1x8x1x1xi1>) -> tensor<4x1x8x6x7xi1>
  %6 = spk.count %1 {axes = array<i64: 2, 3>} : tensor<4x1x8x6x7xi1> -> tensor<4x1x1x1x7xf32>
  return %5, %6 : tensor<4x1x8x6x7xi1>, tensor<4x1x1x1x7xf32>
}

// -----

// The channels of a head are neighbours wherever the channels are.
// CHECK-LABEL: @token_attention
// CHECK: %[[Q:.+]] = spk.if {{.*}} -> tensor<4x1x6x8xi1>
// CHECK: %[[C:.+]] = spk.count %[[Q]] {axes = array<i64: 3>, groups = 2 : i64} : tensor<4x1x6x8xi1> -> tensor<4x1x6x2xf32>
// CHECK: %[[M:.+]] = spk.if %[[C]]
// CHECK: spk.gate %[[Q]], %[[M]] : (tensor<4x1x6x8xi1>, tensor<4x1x6x2xi1>) -> tensor<4x1x6x8xi1>
func.func @token_attention(%x: tensor<4x1x8x6xi1>, %w: tensor<8x8xf32>) -> tensor<4x1x8x6xi1> {
  %0 = spk.linear %x, %w {layout = #spk.layout<channels_first>} : (tensor<4x1x8x6xi1>, tensor<8x8xf32>) -> tensor<4x1x8x6xf32>
  %1 = spk.if %0 {v_threshold = 1.0 : f32} : tensor<4x1x8x6xf32> -> tensor<4x1x8x6xi1>
  %2 = spk.count %1 {axes = array<i64: 2>, groups = 2 : i64} : tensor<4x1x8x6xi1> -> tensor<4x1x2x6xf32>
  %3 = spk.if %2 {v_threshold = 1.0 : f32} : tensor<4x1x2x6xf32> -> tensor<4x1x2x6xi1>
  %4 = spk.gate %1, %3 : (tensor<4x1x8x6xi1>, tensor<4x1x2x6xi1>) -> tensor<4x1x8x6xi1>
  return %4 : tensor<4x1x8x6xi1>
}

// -----

// A count over what is the batch in front of the transpose stays behind it.
// CHECK-LABEL: @count_over_what_was_batch
// CHECK: %[[T:.+]] = linalg.transpose
// CHECK: spk.count %[[T]] {axes = array<i64: 2>}
func.func @count_over_what_was_batch(%x: tensor<4x5x8x6xi1>) -> tensor<4x8x1x6xf32> {
  %e = tensor.empty() : tensor<4x8x5x6xi1>
  %0 = linalg.transpose ins(%x : tensor<4x5x8x6xi1>) outs(%e : tensor<4x8x5x6xi1>) permutation = [0, 2, 1, 3]
  %1 = spk.count %0 {axes = array<i64: 2>} : tensor<4x8x5x6xi1> -> tensor<4x8x1x6xf32>
  return %1 : tensor<4x8x1x6xf32>
}

// -----

// Slices of channels, also such that drop an axis.
// CHECK-LABEL: @slices
// CHECK: %[[L:.+]] = spk.linear {{.*}} -> tensor<4x1x6x8xf32>
// CHECK: %[[A:.+]] = tensor.extract_slice %[[L]][0, 0, 1, 2] [4, 1, 5, 3] [1, 1, 1, 2] : tensor<4x1x6x8xf32> to tensor<4x1x5x3xf32>
// CHECK: linalg.transpose ins(%[[A]] : tensor<4x1x5x3xf32>)
// CHECK: %[[B:.+]] = tensor.extract_slice %[[L]][0, 0, 0, 2] [4, 1, 6, 1] [1, 1, 1, 1]
// CHECK-NOT: linalg.transpose
// CHECK: tensor.collapse_shape %[[B]] {{.*}} into tensor<4x1x6xf32>
func.func @slices(%x: tensor<4x1x8x6xi1>, %w: tensor<8x8xf32>) -> (tensor<4x1x3x5xf32>, tensor<4x1x6xf32>) {
  %0 = spk.linear %x, %w {layout = #spk.layout<channels_first>} : (tensor<4x1x8x6xi1>, tensor<8x8xf32>) -> tensor<4x1x8x6xf32>
  %1 = tensor.extract_slice %0[0, 0, 2, 1] [4, 1, 3, 5] [1, 1, 2, 1] : tensor<4x1x8x6xf32> to tensor<4x1x3x5xf32>
  %2 = tensor.extract_slice %0[0, 0, 2, 0] [4, 1, 1, 6] [1, 1, 1, 1] : tensor<4x1x8x6xf32> to tensor<4x1x6xf32>
  return %1, %2 : tensor<4x1x3x5xf32>, tensor<4x1x6xf32>
}

// -----

// A loop over time that the model unrolls ends in a concatenation.
// CHECK-LABEL: @concat
// CHECK-COUNT-2: linalg.transpose
// CHECK-NOT: linalg.transpose
// CHECK: tensor.concat dim(3) %{{.+}}, %{{.+}} : (tensor<1x1x6x8xf32>, tensor<1x1x6x8xf32>) -> tensor<1x1x6x16xf32>
// CHECK: linalg.transpose
func.func @concat(%x: tensor<1x1x8x6xi1>, %y: tensor<1x1x8x6xi1>, %w: tensor<8x8xf32>) -> tensor<1x1x16x6xf32> {
  %0 = spk.linear %x, %w {layout = #spk.layout<channels_first>} : (tensor<1x1x8x6xi1>, tensor<8x8xf32>) -> tensor<1x1x8x6xf32>
  %1 = spk.linear %y, %w {layout = #spk.layout<channels_first>} : (tensor<1x1x8x6xi1>, tensor<8x8xf32>) -> tensor<1x1x8x6xf32>
  %2 = tensor.concat dim(2) %0, %1 : (tensor<1x1x8x6xf32>, tensor<1x1x8x6xf32>) -> tensor<1x1x16x6xf32>
  return %2 : tensor<1x1x16x6xf32>
}

// -----

// The map has no channels.
// CHECK-LABEL: @attention_map
// CHECK: %[[Q:.+]] = linalg.transpose
// CHECK: %[[M:.+]] = spk.attention_map %[[Q]], %[[Q]] {num_heads = 2 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x2x6x6xf32>
// CHECK-NEXT: return %[[M]]
func.func @attention_map(%q: tensor<4x1x8x6xi1>) -> tensor<4x1x2x6x6xf32> {
  %0 = spk.attention_map %q, %q {num_heads = 2 : i64, scale = 0.125 : f32, token_layout = #spk.token_layout<token_last>} : (tensor<4x1x8x6xi1>, tensor<4x1x8x6xi1>) -> tensor<4x1x2x6x6xf32>
  return %0 : tensor<4x1x2x6x6xf32>
}

// -----

// With one axis behind the batch, or axes of size 1, there is nothing to move.
// CHECK-LABEL: @nothing_to_move
// CHECK-NOT: linalg.transpose
// CHECK: tensor.expand_shape {{.*}} output_shape [4, 2, 1, 1, 8]
// CHECK: spk.scale_shift %arg0, {{.*}} {layout = #spk.layout<channels_last>} : (tensor<4x2x8xf32>,
// CHECK: spk.conv {{.*}} {layout = #spk.layout<channels_last>} : (tensor<4x2x1x1x8xi1>, tensor<16x8x1x1xf32>) -> tensor<4x2x1x1x16xf32>
// CHECK: tensor.expand_shape {{.*}} output_shape [4, 2, 16, 1, 1]
// CHECK-NOT: linalg.transpose
func.func @nothing_to_move(%x: tensor<4x2x8xf32>, %g: tensor<8xf32>, %y: tensor<4x2x8x1x1xi1>, %w: tensor<16x8x1x1xf32>) -> (tensor<4x2x8xf32>, tensor<4x2x16x1x1xf32>) {
  %0 = spk.scale_shift %x, %g, %g : (tensor<4x2x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x2x8xf32>
  %1 = spk.conv %y, %w : (tensor<4x2x8x1x1xi1>, tensor<16x8x1x1xf32>) -> tensor<4x2x16x1x1xf32>
  return %0, %1 : tensor<4x2x8xf32>, tensor<4x2x16x1x1xf32>
}

// -----

// A transpose that moves time stops before what scans time.
// CHECK-LABEL: @time_moves
// CHECK: %[[T:.+]] = linalg.transpose ins(%arg0 : tensor<2x4x8xf32>)
// CHECK: spk.lif %[[T]] {{.*}} : tensor<4x2x8xf32>
func.func @time_moves(%x: tensor<2x4x8xf32>) -> tensor<4x2x8xi1> {
  %e = tensor.empty() : tensor<4x2x8xf32>
  %0 = linalg.transpose ins(%x : tensor<2x4x8xf32>) outs(%e : tensor<4x2x8xf32>) permutation = [1, 0, 2]
  %1 = spk.lif %0 {v_threshold = 1.0 : f32} : tensor<4x2x8xf32> -> tensor<4x2x8xi1>
  return %1 : tensor<4x2x8xi1>
}

// -----

// CHECK-LABEL: @time_made
// CHECK: %[[T:.+]] = linalg.transpose ins(%arg0 : tensor<3x2x1xf32>)
// CHECK: spk.repeat %[[T]] : tensor<1x2x3xf32> -> tensor<4x2x3xf32>
func.func @time_made(%x: tensor<3x2x1xf32>) -> tensor<4x2x3xf32> {
  %e = tensor.empty() : tensor<1x2x3xf32>
  %0 = linalg.transpose ins(%x : tensor<3x2x1xf32>) outs(%e : tensor<1x2x3xf32>) permutation = [2, 1, 0]
  %1 = spk.repeat %0 : tensor<1x2x3xf32> -> tensor<4x2x3xf32>
  return %1 : tensor<4x2x3xf32>
}

// -----

// Shapes that are not known and buffers are none of this pass's business.
// CHECK-LABEL: @not_static
// CHECK: linalg.transpose ins(%{{.+}} : memref<4x1xf32>)
// CHECK: %[[T:.+]] = linalg.transpose ins(%arg0 : tensor<4x?xf32>)
// CHECK: arith.negf %[[T]]
// CHECK: linalg.transpose ins(%[[T]] : tensor<?x4xf32>)
// CHECK: tensor.extract_slice %{{.+}}[0, 0] [%{{.+}}, 2]
func.func @not_static(%x: tensor<4x?xf32>, %a: tensor<?x4xf32>, %b: tensor<4x?xf32>, %m: memref<4x1xf32>, %n: memref<1x4xf32>, %s: tensor<4x6xf32>, %i: index) -> (tensor<?x4xf32>, tensor<4x?xf32>, tensor<?x2xf32>) {
  linalg.transpose ins(%m : memref<4x1xf32>) outs(%n : memref<1x4xf32>) permutation = [1, 0]
  %0 = linalg.transpose ins(%x : tensor<4x?xf32>) outs(%a : tensor<?x4xf32>) permutation = [1, 0]
  %1 = arith.negf %0 : tensor<?x4xf32>
  %2 = linalg.transpose ins(%0 : tensor<?x4xf32>) outs(%b : tensor<4x?xf32>) permutation = [1, 0]
  %e = tensor.empty() : tensor<6x4xf32>
  %3 = linalg.transpose ins(%s : tensor<4x6xf32>) outs(%e : tensor<6x4xf32>) permutation = [1, 0]
  %4 = tensor.extract_slice %3[0, 0] [%i, 2] [1, 1] : tensor<6x4xf32> to tensor<?x2xf32>
  return %1, %2, %4 : tensor<?x4xf32>, tensor<4x?xf32>, tensor<?x2xf32>
}

// -----

// Channels are split into heads behind the neuron, where the next product joins
// them again.

// CHECK-LABEL: @heads
// CHECK-NOT: tensor.
// CHECK: %[[S:.+]] = spk.lif %{{.+}} : tensor<2x1x5x12xf32> -> tensor<2x1x5x12xi1>
// CHECK-NEXT: spk.matmul %[[S]],
func.func @heads(%x: tensor<2x1x5x12xf32>, %v: tensor<2x1x6x8xf32>) -> tensor<2x1x5x8xf32> {
  %0 = tensor.expand_shape %x [[0], [1], [2], [3, 4]] output_shape [2, 1, 5, 2, 6] : tensor<2x1x5x12xf32> into tensor<2x1x5x2x6xf32>
  %1 = tensor.empty() : tensor<2x1x2x6x5xf32>
  %2 = linalg.transpose ins(%0 : tensor<2x1x5x2x6xf32>) outs(%1 : tensor<2x1x2x6x5xf32>) permutation = [0, 1, 3, 4, 2]
  %3 = spk.lif %2 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x2x6x5xf32> -> tensor<2x1x2x6x5xi1>
  %4 = tensor.empty() : tensor<2x1x5x2x6xi1>
  %5 = linalg.transpose ins(%3 : tensor<2x1x2x6x5xi1>) outs(%4 : tensor<2x1x5x2x6xi1>) permutation = [0, 1, 4, 2, 3]
  %6 = tensor.collapse_shape %5 [[0], [1], [2], [3, 4]] : tensor<2x1x5x2x6xi1> into tensor<2x1x5x12xi1>
  %7 = spk.matmul %6, %v {num_heads = 2 : i64} : (tensor<2x1x5x12xi1>, tensor<2x1x6x8xf32>) -> tensor<2x1x5x8xf32>
  return %7 : tensor<2x1x5x8xf32>
}

// -----

// A mean over tokens that stand innermost, behind what moves no transpose.

// CHECK-LABEL: @mean_of_innermost
// CHECK: %[[T:.+]] = linalg.transpose ins(%{{.+}}) outs(%{{.+}}) permutation = [0, 1, 3, 2]
// CHECK: spk.mean %[[T]] {axes = array<i64: 2>} : tensor<2x1x6x8xf32> -> tensor<2x1x1x8xf32>
func.func @mean_of_innermost(%x: tensor<2x1x8x6xf32>) -> tensor<2x1x8xf32> {
  %0 = arith.mulf %x, %x : tensor<2x1x8x6xf32>
  %1 = spk.mean %0 {axes = array<i64: 3>} : tensor<2x1x8x6xf32> -> tensor<2x1x8x1xf32>
  %2 = tensor.collapse_shape %1 [[0], [1], [2, 3]] : tensor<2x1x8x1xf32> into tensor<2x1x8xf32>
  return %2 : tensor<2x1x8xf32>
}

// What leaves nothing but the innermost axis stays.

// CHECK-LABEL: @mean_of_both
// CHECK-NOT: linalg.transpose
// CHECK: spk.mean %{{.+}} {axes = array<i64: 2, 3>}
func.func @mean_of_both(%x: tensor<2x1x8x6xf32>) -> tensor<2x1x1x1xf32> {
  %0 = spk.mean %x {axes = array<i64: 2, 3>} : tensor<2x1x8x6xf32> -> tensor<2x1x1x1xf32>
  return %0 : tensor<2x1x1x1xf32>
}
