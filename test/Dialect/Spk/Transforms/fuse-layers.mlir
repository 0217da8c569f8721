// RUN: spk-opt %s --pass-pipeline='builtin.module(func.func(spk-fuse-layers))' -split-input-file \
// RUN:   | FileCheck %s --implicit-check-not=spk.fused

// The whole of a patch-splitting stage is one layer; the splat constant is
// part of it, weights and constants per channel are its inputs.

// CHECK-LABEL: @conv_norm_lif_pool
// CHECK-SAME: (%[[X:.+]]: tensor<4x1x8x12x3xf32>, %[[W:.+]]: tensor<16x3x3x3xf32>, %[[S:.+]]: tensor<16xf32>)
// CHECK: %[[F:.+]] = spk.fused(%[[X]], %[[W]], %[[S]]) : {{.*}} -> tensor<4x1x4x6x16xi1> {
// CHECK-NEXT: ^bb0(%[[X0:.+]]: tensor<4x1x8x12x3xf32>, %[[W0:.+]]: tensor<16x3x3x3xf32>, %[[S0:.+]]: tensor<16xf32>):
// CHECK: %[[HALF:.+]] = arith.constant dense<5.000000e-01>
// CHECK: %[[C:.+]] = spk.conv %[[X0]], %[[W0]]
// CHECK: %[[N:.+]] = spk.scale_shift %[[C]], %[[S0]], %[[S0]]
// CHECK: %[[M:.+]] = arith.mulf %[[N]], %[[HALF]]
// CHECK: %[[L:.+]] = spk.lif %[[M]]
// CHECK: %[[P:.+]] = spk.max_pool %[[L]]
// CHECK-NEXT: spk.yield %[[P]]
// CHECK: return %[[F]]
func.func @conv_norm_lif_pool(%x: tensor<4x1x8x12x3xf32>, %w: tensor<16x3x3x3xf32>, %s: tensor<16xf32>) -> tensor<4x1x4x6x16xi1> {
  %half = arith.constant dense<0.5> : tensor<4x1x8x12x16xf32>
  %0 = spk.conv %x, %w {layout = #spk.layout<channels_last>, padding = array<i64: 1, 1>} : (tensor<4x1x8x12x3xf32>, tensor<16x3x3x3xf32>) -> tensor<4x1x8x12x16xf32>
  %1 = spk.scale_shift %0, %s, %s {layout = #spk.layout<channels_last>} : (tensor<4x1x8x12x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x8x12x16xf32>
  %2 = arith.mulf %1, %half : tensor<4x1x8x12x16xf32>
  %3 = spk.lif %2 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1x8x12x16xf32> -> tensor<4x1x8x12x16xi1>
  %4 = spk.max_pool %3 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, layout = #spk.layout<channels_last>} : tensor<4x1x8x12x16xi1> -> tensor<4x1x4x6x16xi1>
  return %4 : tensor<4x1x4x6x16xi1>
}

// -----

// A float max-pool in front of the neuron stays in front of it.

// CHECK-LABEL: @pool_before_neuron
// CHECK: spk.fused
// CHECK: %[[C:.+]] = spk.conv
// CHECK: %[[P:.+]] = spk.max_pool %[[C]] {{.*}} -> tensor<4x1x4x6x16xf32>
// CHECK: %[[L:.+]] = spk.if %[[P]]
// CHECK-NEXT: spk.yield %[[L]] : tensor<4x1x4x6x16xi1>
func.func @pool_before_neuron(%x: tensor<4x1x8x12x3xi1>, %w: tensor<16x3x1x1xf32>) -> tensor<4x1x4x6x16xi1> {
  %0 = spk.conv %x, %w {layout = #spk.layout<channels_last>} : (tensor<4x1x8x12x3xi1>, tensor<16x3x1x1xf32>) -> tensor<4x1x8x12x16xf32>
  %1 = spk.max_pool %0 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, layout = #spk.layout<channels_last>} : tensor<4x1x8x12x16xf32> -> tensor<4x1x4x6x16xf32>
  %2 = spk.if %1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1x4x6x16xf32> -> tensor<4x1x4x6x16xi1>
  return %2 : tensor<4x1x4x6x16xi1>
}

// -----

// A membrane shortcut may read the pooled current as well.

// CHECK-LABEL: @pool_behind_large_synapse
// CHECK: %[[P:.+]]:2 = spk.fused({{.*}} -> (tensor<4x1x4x6x16xf32>, tensor<4x1x4x6x16xi1>) {
// CHECK: %[[C:.+]] = spk.conv
// CHECK: %[[M:.+]] = spk.max_pool %[[C]]
// CHECK: %[[S:.+]] = spk.if %[[M]]
// CHECK-NEXT: spk.yield %[[M]], %[[S]]
// CHECK: return %[[P]]#0, %[[P]]#1
func.func @pool_behind_large_synapse(%x: tensor<4x1x8x12x29xi1>, %w: tensor<16x29x3x3xf32>) -> (tensor<4x1x4x6x16xf32>, tensor<4x1x4x6x16xi1>) {
  %0 = spk.conv %x, %w {layout = #spk.layout<channels_last>, padding = array<i64: 1, 1>} : (tensor<4x1x8x12x29xi1>, tensor<16x29x3x3xf32>) -> tensor<4x1x8x12x16xf32>
  %1 = spk.max_pool %0 {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding = array<i64: 1, 1>, layout = #spk.layout<channels_last>} : tensor<4x1x8x12x16xf32> -> tensor<4x1x4x6x16xf32>
  %2 = spk.if %1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1x4x6x16xf32> -> tensor<4x1x4x6x16xi1>
  return %1, %2 : tensor<4x1x4x6x16xf32>, tensor<4x1x4x6x16xi1>
}

// -----

// The residual join goes with the layer whose spikes have no other use.

// CHECK-LABEL: @linear_norm_lif_add
// CHECK-SAME: (%[[X:.+]]: tensor<2x1x7x24xi1>, %[[W:.+]]: tensor<24x24xf32>, %[[S:.+]]: tensor<24xf32>)
// CHECK-NEXT: %[[F:.+]] = spk.fused(%[[X]], %[[W]], %[[S]]) {{.*}} -> tensor<2x1x7x24xi8> {
// CHECK-NEXT: ^bb0(%[[X0:[^:]+]]:
// CHECK: spk.linear %[[X0]]
// CHECK: spk.scale_shift
// CHECK: %[[L:.+]] = spk.lif
// CHECK: %[[A:.+]] = spk.add %[[X0]], %[[L]]
// CHECK-NEXT: spk.yield %[[A]]
// CHECK: return %[[F]]
func.func @linear_norm_lif_add(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>, %s: tensor<24xf32>) -> tensor<2x1x7x24xi8> {
  %0 = spk.linear %x, %w : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  %1 = spk.scale_shift %0, %s, %s {layout = #spk.layout<channels_last>} : (tensor<2x1x7x24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<2x1x7x24xf32>
  %2 = spk.lif %1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  %3 = spk.add %x, %2 : (tensor<2x1x7x24xi1>, tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xi8>
  return %3 : tensor<2x1x7x24xi8>
}

// -----

// CHECK-LABEL: @attention_lif_add
// CHECK: %[[F:.+]] = spk.fused(%{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}) {{.*}} -> tensor<2x1x7x24xi8> {
// CHECK: %[[A:.+]] = spk.ssa
// CHECK: %[[L:.+]] = spk.lif %[[A]]
// CHECK: %[[J:.+]] = spk.add %[[L]]
// CHECK-NEXT: spk.yield %[[J]]
func.func @attention_lif_add(%q: tensor<2x1x7x24xi1>, %k: tensor<2x1x7x24xi1>, %v: tensor<2x1x7x24xi1>, %r: tensor<2x1x7x24xi8>) -> tensor<2x1x7x24xi8> {
  %0 = spk.ssa %q, %k, %v {num_heads = 2 : i64, scale = 0.125 : f32} : (tensor<2x1x7x24xi1>, tensor<2x1x7x24xi1>, tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xf32>
  %1 = spk.lif %0 {v_reset = 0.0 : f32, v_threshold = 0.5 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  %2 = spk.add %1, %r : (tensor<2x1x7x24xi1>, tensor<2x1x7x24xi8>) -> tensor<2x1x7x24xi8>
  return %2 : tensor<2x1x7x24xi8>
}

// -----

// What a static image gives is computed and repeated inside.

// CHECK-LABEL: @repeat
// CHECK: spk.fused(%{{.+}}, %{{.+}}) : (tensor<1x1x7x24xf32>, tensor<24x24xf32>) -> tensor<5x1x7x24xi1> {
// CHECK: %[[C:.+]] = spk.linear {{.*}} -> tensor<1x1x7x24xf32>
// CHECK: %[[R:.+]] = spk.repeat %[[C]] : tensor<1x1x7x24xf32> -> tensor<5x1x7x24xf32>
// CHECK: spk.lif %[[R]]
func.func @repeat(%x: tensor<1x1x7x24xf32>, %w: tensor<24x24xf32>) -> tensor<5x1x7x24xi1> {
  %0 = spk.linear %x, %w : (tensor<1x1x7x24xf32>, tensor<24x24xf32>) -> tensor<1x1x7x24xf32>
  %1 = spk.repeat %0 : tensor<1x1x7x24xf32> -> tensor<5x1x7x24xf32>
  %2 = spk.lif %1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<5x1x7x24xf32> -> tensor<5x1x7x24xi1>
  return %2 : tensor<5x1x7x24xi1>
}

// -----

// A current that a membrane shortcut reads again comes out beside the spikes.
// The join is a layer with the next synapse, and its sum is such a current too.

// CHECK-LABEL: @membrane_shortcut
// CHECK: %[[A:.+]]:2 = spk.fused({{.*}} -> (tensor<2x1x7x24xf32>, tensor<2x1x7x24xi1>) {
// CHECK: %[[N:.+]] = spk.scale_shift
// CHECK: %[[L:.+]] = spk.lif %[[N]]
// CHECK-NEXT: spk.yield %[[N]], %[[L]]
// CHECK: %[[B:.+]]:2 = spk.fused(%[[A]]#1, {{.*}}%[[A]]#0) {{.*}} -> (tensor<2x1x7x24xf32>, tensor<2x1x7x24xi1>) {
// CHECK: spk.linear
// CHECK: %[[S:.+]] = arith.addf
// CHECK: %[[M:.+]] = spk.lif %[[S]]
// CHECK-NEXT: spk.yield %[[S]], %[[M]]
// CHECK: return %[[B]]#0, %[[B]]#1
func.func @membrane_shortcut(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>, %s: tensor<24xf32>) -> (tensor<2x1x7x24xf32>, tensor<2x1x7x24xi1>) {
  %0 = spk.linear %x, %w : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  %1 = spk.scale_shift %0, %s, %s {layout = #spk.layout<channels_last>} : (tensor<2x1x7x24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<2x1x7x24xf32>
  %2 = spk.lif %1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  %3 = spk.linear %2, %w : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  %4 = arith.addf %3, %1 : tensor<2x1x7x24xf32>
  %5 = spk.lif %4 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  return %4, %5 : tensor<2x1x7x24xf32>, tensor<2x1x7x24xi1>
}

// -----

// A layer has one neuron: of two that read a current the first. One that another
// op needs in front of the neuron ends its layer.

// CHECK-LABEL: @two_neurons
// CHECK: %[[A:.+]]:2 = spk.fused
// CHECK: %[[L:.+]] = spk.linear
// CHECK-NEXT: %[[S:.+]] = spk.lif %[[L]]
// CHECK-NEXT: spk.yield %[[L]], %[[S]]
// CHECK: %[[B:.+]] = spk.fused(%[[A]]#0)
// CHECK: spk.if
// CHECK: return %[[A]]#1, %[[B]]
func.func @two_neurons(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>) -> (tensor<2x1x7x24xi1>, tensor<2x1x7x24xi1>) {
  %0 = spk.linear %x, %w : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  %1 = spk.lif %0 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  %2 = spk.if %0 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  return %1, %2 : tensor<2x1x7x24xi1>, tensor<2x1x7x24xi1>
}

// -----

// CHECK-LABEL: @current_needed_before_the_neuron
// CHECK: %[[A:.+]] = spk.fused
// CHECK: %[[L:.+]] = spk.linear
// CHECK-NEXT: spk.yield %[[L]]
// CHECK: %[[B:.+]] = spk.fused(%[[A]])
// CHECK: spk.mean
// CHECK: spk.fused(%[[A]], %[[B]])
// CHECK: spk.lif {{.*}} initial
func.func @current_needed_before_the_neuron(%x: tensor<1x1x7x24xi1>, %w: tensor<24x24xf32>) -> tensor<1x1x7x24xi1> {
  %0 = spk.linear %x, %w : (tensor<1x1x7x24xi1>, tensor<24x24xf32>) -> tensor<1x1x7x24xf32>
  %1 = spk.mean %0 {axes = array<i64: 0>} : tensor<1x1x7x24xf32> -> tensor<1x1x7x24xf32>
  %2 = spk.lif %0 initial(%1 : tensor<1x1x7x24xf32>) {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<1x1x7x24xf32> -> tensor<1x1x7x24xi1>
  return %2 : tensor<1x1x7x24xi1>
}

// -----

// A current whose other reader is no neuron ends its layer: both read it from
// memory.

// CHECK-LABEL: @second_use
// CHECK: %[[A:.+]] = spk.fused
// CHECK: %[[L:.+]] = spk.linear
// CHECK-NEXT: spk.yield %[[L]]
// CHECK: %[[B:.+]] = spk.fused(%[[A]])
// CHECK: arith.negf
// CHECK: return %[[A]], %[[B]]
func.func @second_use(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>) -> (tensor<2x1x7x24xf32>, tensor<2x1x7x24xf32>) {
  %0 = spk.linear %x, %w : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  %1 = arith.negf %0 : tensor<2x1x7x24xf32>
  return %0, %1 : tensor<2x1x7x24xf32>, tensor<2x1x7x24xf32>
}

// -----

// Spike-driven attention: keys leave their layer as keys AND values, queries as
// those that the mask lets through; the mask is a layer of its own, which counts
// in front of its neuron.

// CHECK-LABEL: @spike_driven_attention
// CHECK: %[[V:.+]] = spk.fused({{.*}} {
// CHECK: spk.yield
// CHECK: %[[KV:.+]] = spk.fused({{.*}}%[[V]]{{.*}} {
// CHECK: %[[K:.+]] = spk.lif
// CHECK-NEXT: arith.andi %[[K]]
// CHECK: %[[M:.+]] = spk.fused(%[[KV]]) {{.*}} -> tensor<2x1x1x24xi1> {
// CHECK: %[[C:.+]] = spk.count
// CHECK-NEXT: spk.lif %[[C]]
// CHECK: spk.fused({{.*}}%[[M]]{{.*}} {
// CHECK: %[[Q:.+]] = spk.lif
// CHECK-NEXT: spk.gate %[[Q]]
func.func @spike_driven_attention(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>) -> tensor<2x1x7x24xi1> {
  %0 = spk.linear %x, %w : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  %q = spk.lif %0 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  %1 = spk.linear %x, %w : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  %k = spk.lif %1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  %2 = spk.linear %x, %w : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  %v = spk.lif %2 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  %kv = arith.andi %k, %v : tensor<2x1x7x24xi1>
  %3 = spk.count %kv {axes = array<i64: 2>} : tensor<2x1x7x24xi1> -> tensor<2x1x1x24xf32>
  %m = spk.lif %3 {v_reset = 0.0 : f32, v_threshold = 0.5 : f32} : tensor<2x1x1x24xf32> -> tensor<2x1x1x24xi1>
  %y = spk.gate %q, %m : (tensor<2x1x7x24xi1>, tensor<2x1x1x24xi1>) -> tensor<2x1x7x24xi1>
  return %y : tensor<2x1x7x24xi1>
}

// -----

// The mask does not take its gate along: it has other positions.

// CHECK-LABEL: @mask
// CHECK: spk.fused
// CHECK: spk.lif
// CHECK-NEXT: spk.yield
// CHECK: spk.fused
// CHECK: spk.gate
func.func @mask(%x: tensor<2x1x7x24xi1>, %c: tensor<2x1x1x24xf32>) -> tensor<2x1x7x24xi1> {
  %m = spk.lif %c {v_reset = 0.0 : f32, v_threshold = 0.5 : f32} : tensor<2x1x1x24xf32> -> tensor<2x1x1x24xi1>
  %y = spk.gate %x, %m : (tensor<2x1x7x24xi1>, tensor<2x1x1x24xi1>) -> tensor<2x1x7x24xi1>
  return %y : tensor<2x1x7x24xi1>
}

// -----

// State and membrane come out beside the spikes, and the chain goes on.

// CHECK-LABEL: @membrane_and_state
// CHECK: %[[F:.+]]:3 = spk.fused({{.*}} -> (tensor<1x1x7x24xf32>, tensor<2x1x7x24xf32>, tensor<2x1x7x24xi8>)
// CHECK: %[[N:.+]], %[[V:.+]], %[[M:.+]] = spk.lif
// CHECK: %[[A:.+]] = spk.add %[[N]]
// CHECK-NEXT: spk.yield %[[V]], %[[M]], %[[A]] : tensor<1x1x7x24xf32>, tensor<2x1x7x24xf32>
// CHECK: return %[[F]]#2, %[[F]]#0, %[[F]]#1
func.func @membrane_and_state(%x: tensor<2x1x7x24xf32>, %r: tensor<2x1x7x24xi1>) -> (tensor<2x1x7x24xi8>, tensor<1x1x7x24xf32>, tensor<2x1x7x24xf32>) {
  %0, %v, %m = spk.lif %x {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1> state tensor<1x1x7x24xf32> membrane tensor<2x1x7x24xf32>
  %1 = spk.add %0, %r : (tensor<2x1x7x24xi1>, tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xi8>
  return %1, %v, %m : tensor<2x1x7x24xi8>, tensor<1x1x7x24xf32>, tensor<2x1x7x24xf32>
}

// -----

// A layer stands where its last op stood, so it ends in front of whatever needs
// its membrane before that.

// CHECK-LABEL: @membrane_needed_before_the_join
// CHECK: %[[F:.+]]:2 = spk.fused(%{{.+}}) : (tensor<2x1x7x24xf32>) -> (tensor<2x1x7x24xi1>, tensor<2x1x7x24xf32>) {
// CHECK-NOT: spk.add
// CHECK: %[[G:.+]] = spk.fused(%[[F]]#1, %[[F]]#0)
// CHECK: spk.if
// CHECK: spk.add
// CHECK: return %[[G]]
func.func @membrane_needed_before_the_join(%x: tensor<2x1x7x24xf32>) -> tensor<2x1x7x24xi8> {
  %0, %m = spk.lif %x {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1> membrane tensor<2x1x7x24xf32>
  %1 = spk.if %m {v_reset = 0.0 : f32, v_threshold = 2.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  %2 = spk.add %0, %1 : (tensor<2x1x7x24xi1>, tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xi8>
  return %2 : tensor<2x1x7x24xi8>
}

// -----

// Everything that computes is in some layer; shapes and slices are in none.

// CHECK-LABEL: @nothing_left
// CHECK: spk.fused
// CHECK-NEXT: ^bb0
// CHECK-NEXT: spk.max_pool
// CHECK: tensor.collapse_shape
// CHECK-NEXT: tensor.extract_slice
// CHECK-NEXT: spk.fused
// CHECK-NEXT: ^bb0
// CHECK-NEXT: spk.mean {{.*}}axes = array<i64: 2>
// CHECK-NEXT: spk.yield
// CHECK: spk.fused
// CHECK-NEXT: ^bb0
// CHECK-NEXT: spk.mean {{.*}}axes = array<i64: 0>
// CHECK-NEXT: spk.yield
// CHECK: spk.fused
// CHECK-NEXT: ^bb0
// CHECK-NEXT: spk.linear
// CHECK: spk.fused
// CHECK-NEXT: ^bb0
// CHECK-NEXT: spk.attention_map
// CHECK-NEXT: spk.yield
// CHECK-NOT: spk.{{[a-z]}}
// CHECK: return
func.func @nothing_left(%x: tensor<4x1x8x8x16xi1>, %w: tensor<10x12xf32>) -> (tensor<1x1x1x10xf32>, tensor<4x1x2x16x16xf32>) {
  %0 = spk.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, layout = #spk.layout<channels_last>} : tensor<4x1x8x8x16xi1> -> tensor<4x1x4x4x16xi1>
  %1 = tensor.collapse_shape %0 [[0], [1], [2, 3], [4]] : tensor<4x1x4x4x16xi1> into tensor<4x1x16x16xi1>
  %2 = tensor.extract_slice %1[0, 0, 0, 4] [4, 1, 16, 12] [1, 1, 1, 1] : tensor<4x1x16x16xi1> to tensor<4x1x16x12xi1>
  %3 = spk.mean %2 {axes = array<i64: 2>} : tensor<4x1x16x12xi1> -> tensor<4x1x1x12xf32>
  %4 = spk.mean %3 {axes = array<i64: 0>} : tensor<4x1x1x12xf32> -> tensor<1x1x1x12xf32>
  %5 = spk.linear %4, %w : (tensor<1x1x1x12xf32>, tensor<10x12xf32>) -> tensor<1x1x1x10xf32>
  %6 = spk.attention_map %1, %1 {num_heads = 2 : i64, scale = 0.125 : f32} : (tensor<4x1x16x16xi1>, tensor<4x1x16x16xi1>) -> tensor<4x1x2x16x16xf32>
  return %5, %6 : tensor<1x1x1x10xf32>, tensor<4x1x2x16x16xf32>
}

// -----

// Constant weights are data, like loaded ones, and so is what is no splat.

// CHECK-LABEL: @constants
// CHECK: spk.fused(%{{.+}}, %{{.+}}, %{{.+}}) : (tensor<2x1x7x2xi1>, tensor<2x2xf32>, tensor<2x1x7x2xf32>)
// CHECK-NEXT: ^bb0
// CHECK-NEXT: spk.linear
// CHECK-NEXT: arith.addf
func.func @constants(%x: tensor<2x1x7x2xi1>, %y: tensor<2x1x7x2xf32>) -> tensor<2x1x7x2xf32> {
  %w = arith.constant dense<0.5> : tensor<2x2xf32>
  %0 = spk.linear %x, %w : (tensor<2x1x7x2xi1>, tensor<2x2xf32>) -> tensor<2x1x7x2xf32>
  %1 = arith.addf %0, %y : tensor<2x1x7x2xf32>
  return %1 : tensor<2x1x7x2xf32>
}

// -----

// A join by IAND runs in the layer of its spikes.

// CHECK-LABEL: @iand
// CHECK: spk.fused
// CHECK: arith.constant dense<true>
// CHECK: %[[S:.+]] = spk.lif
// CHECK-NEXT: %[[N:.+]] = arith.xori %[[S]]
// CHECK-NEXT: %[[Y:.+]] = arith.andi %{{.+}}, %[[N]]
// CHECK-NEXT: spk.yield %[[Y]]
// CHECK-NOT: spk.fused
func.func @iand(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>) -> tensor<2x1x7x24xi1> {
  %true = arith.constant dense<true> : tensor<2x1x7x24xi1>
  %0 = spk.linear %x, %w : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  %1 = spk.lif %0 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  %2 = arith.xori %1, %true : tensor<2x1x7x24xi1>
  %3 = arith.andi %x, %2 : tensor<2x1x7x24xi1>
  return %3 : tensor<2x1x7x24xi1>
}

// -----

// A product takes its scale and neuron along; a softmax stays by itself.

// CHECK-LABEL: @products
// CHECK: spk.fused
// CHECK: %[[P:.+]] = spk.matmul
// CHECK-NEXT: %[[S:.+]] = arith.mulf %[[P]]
// CHECK-NEXT: spk.yield %[[S]]
// CHECK: spk.fused
// CHECK: %[[A:.+]] = spk.softmax
// CHECK-NEXT: spk.yield %[[A]]
// CHECK: spk.fused
// CHECK: %[[Y:.+]] = spk.matmul
// CHECK-NEXT: %[[F:.+]] = spk.lif %[[Y]]
// CHECK-NEXT: spk.yield %[[F]]
// CHECK-NOT: spk.fused
func.func @products(%q: tensor<2x1x7x24xf32>, %k: tensor<2x1x24x7xf32>, %v: tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xi1> {
  %scale = arith.constant dense<0.125> : tensor<2x1x7x7xf32>
  %0 = spk.matmul %q, %k {num_heads = 1 : i64} : (tensor<2x1x7x24xf32>, tensor<2x1x24x7xf32>) -> tensor<2x1x7x7xf32>
  %1 = arith.mulf %0, %scale : tensor<2x1x7x7xf32>
  %2 = spk.softmax %1 {num_heads = 1 : i64} : tensor<2x1x7x7xf32>
  %3 = spk.matmul %2, %v {num_heads = 1 : i64} : (tensor<2x1x7x7xf32>, tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xf32>
  %4 = spk.lif %3 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  return %4 : tensor<2x1x7x24xi1>
}

// -----

// LeakyReLU reads the norm twice: both belong to its layer. What something else
// reads as well begins another layer.

// CHECK-LABEL: @leaky_relu
// CHECK: %[[F:.+]] = spk.fused({{.*}} -> tensor<2x1x7x24xf32> {
// CHECK: %[[N:.+]] = spk.scale_shift
// CHECK: %[[M:.+]] = arith.mulf %[[N]]
// CHECK: %[[L:.+]] = arith.maximumf %[[N]], %[[M]]
// CHECK-NEXT: spk.yield %[[L]]
// CHECK: return %[[F]]
func.func @leaky_relu(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>, %s: tensor<24xf32>) -> tensor<2x1x7x24xf32> {
  %slope = arith.constant dense<0.01> : tensor<2x1x7x24xf32>
  %0 = spk.linear %x, %w : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  %1 = spk.scale_shift %0, %s, %s {layout = #spk.layout<channels_last>} : (tensor<2x1x7x24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<2x1x7x24xf32>
  %2 = arith.mulf %1, %slope : tensor<2x1x7x24xf32>
  %3 = arith.maximumf %1, %2 : tensor<2x1x7x24xf32>
  return %3 : tensor<2x1x7x24xf32>
}

// CHECK-LABEL: @leaky_relu_and_input
// CHECK: spk.fused
// CHECK: %[[N:.+]] = spk.scale_shift
// CHECK-NEXT: spk.yield %[[N]]
// CHECK: spk.fused
// CHECK: arith.mulf
// CHECK: arith.maximumf
func.func @leaky_relu_and_input(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>, %s: tensor<24xf32>) -> (tensor<2x1x7x24xf32>, tensor<2x1x7x24xf32>) {
  %slope = arith.constant dense<0.01> : tensor<2x1x7x24xf32>
  %0 = spk.linear %x, %w : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  %1 = spk.scale_shift %0, %s, %s {layout = #spk.layout<channels_last>} : (tensor<2x1x7x24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<2x1x7x24xf32>
  %2 = arith.mulf %1, %slope : tensor<2x1x7x24xf32>
  %3 = arith.maximumf %1, %2 : tensor<2x1x7x24xf32>
  return %1, %3 : tensor<2x1x7x24xf32>, tensor<2x1x7x24xf32>
}

// -----

// Sums of sub-steps are added where the synapse ends, and its layer goes on with
// the steps themselves. Sub-steps are a layer of their own: they are more steps
// than the neuron has.

// CHECK-LABEL: @binary_sub_steps
// CHECK: spk.fused
// CHECK: spk.sub_steps
// CHECK-NEXT: spk.yield
// CHECK: spk.fused{{.*}} -> tensor<2x1x6x8xi8>
// CHECK: %[[L:.+]] = spk.linear {{.*}} -> tensor<8x1x6x8xf32>
// CHECK-NEXT: %[[A:.+]] = spk.accumulate %[[L]]
// CHECK-NEXT: %[[N:.+]] = spk.scale_shift %[[A]]
// CHECK-NEXT: %[[S:.+]] = spk.multi_spike %[[N]]
// CHECK-NEXT: spk.yield %[[S]]
// CHECK: spk.fused
// CHECK: spk.sub_steps
// CHECK: spk.fused
// CHECK: spk.accumulate
func.func @binary_sub_steps(%x: tensor<2x1x6x8xi8>, %w: tensor<8x8xf32>, %b: tensor<8xf32>, %y: tensor<8x1x6x8xf32>) -> (tensor<8x1x6x8xi1>, tensor<2x1x6x8xf32>) {
  %0 = spk.sub_steps %x {levels = 4 : i64} : tensor<2x1x6x8xi8> -> tensor<8x1x6x8xi1>
  %1 = spk.linear %0, %w : (tensor<8x1x6x8xi1>, tensor<8x8xf32>) -> tensor<8x1x6x8xf32>
  %2 = spk.accumulate %1 {levels = 4 : i64} : tensor<8x1x6x8xf32> -> tensor<2x1x6x8xf32>
  %3 = spk.scale_shift %2, %b, %b {layout = #spk.layout<channels_last>} : (tensor<2x1x6x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x1x6x8xf32>
  %4 = spk.multi_spike %3 {levels = 4 : i64} : tensor<2x1x6x8xf32> -> tensor<2x1x6x8xi8>
  %5 = spk.sub_steps %4 {levels = 4 : i64} : tensor<2x1x6x8xi8> -> tensor<8x1x6x8xi1>
  %6 = spk.accumulate %y {levels = 4 : i64} : tensor<8x1x6x8xf32> -> tensor<2x1x6x8xf32>
  return %5, %6 : tensor<8x1x6x8xi1>, tensor<2x1x6x8xf32>
}
