// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-add-taps{taps=block.?.*_lif,block.0.q_lif:membrane,block.0.q_lif:spikes,*.attn:attention,block.1.out_lif:current})' | FileCheck %s
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-add-taps)' | FileCheck %s --check-prefix=NONE
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-add-taps{taps=*:current})' | FileCheck %s --check-prefix=NAMED --implicit-check-not='"?:'
// RUN: not spk-opt %s --pass-pipeline='builtin.module(spk-add-taps{taps=block.0.k_lif})' 2>&1 | FileCheck %s --check-prefix=NEAREST
// RUN: not spk-opt %s --pass-pipeline='builtin.module(spk-add-taps{taps=block.0.q_lif:attention})' 2>&1 | FileCheck %s --check-prefix=ATTENTION
// RUN: not spk-opt %s --pass-pipeline='builtin.module(spk-add-taps{taps=block.0.q_lif:voltage})' 2>&1 | FileCheck %s --check-prefix=KIND
// RUN: not spk-opt %s --pass-pipeline='builtin.module(spk-add-taps{taps=block.[})' 2>&1 | FileCheck %s --check-prefix=GLOB

// NEAREST: tap "block.0.k_lif" matches no layer that has a neuron; nearest: block.0.q_lif, block.1.out_lif
// ATTENTION: tap "block.0.q_lif:attention" matches no layer that has an attention map; nearest: block.0.attn
// KIND: tap "block.0.q_lif:voltage" must end in :spikes, :current, :membrane or :attention, got :voltage
// GLOB: tap "block.["

// NAMED: "block.0.q_lif:current"

// The neuron that runs twice has two results of the taken name; the one that
// has no name is no layer. Overlapping patterns tap once. Program order.

// CHECK-LABEL: func.func @main
// CHECK-SAME: -> (tensor<4x1x6x8xi1> {spk.name = "block.1.out_lif:spikes"}, tensor<1x1x6x8xf32>,
// CHECK-SAME: tensor<4x1x6x8xi1> {spk.name = "block.0.q_lif:spikes"},
// CHECK-SAME: tensor<4x1x6x8xf32> {spk.name = "block.0.q_lif:membrane"},
// CHECK-SAME: tensor<4x1x2x6x6xf32> {spk.name = "block.0.attn:attention"},
// CHECK-SAME: tensor<4x1x6x8xi1> {spk.name = "block.1.out_lif:spikes.1"},
// CHECK-SAME: tensor<4x1x6x8xf32> {spk.name = "block.1.out_lif:current"},
// CHECK-SAME: tensor<4x1x6x8xi1> {spk.name = "block.1.out_lif:spikes.2"},
// CHECK-SAME: tensor<4x1x6x8xf32> {spk.name = "block.1.out_lif:current.1"})
// CHECK: %[[Q:.+]], %[[V:.+]], %[[H:.+]] = spk.lif %{{.+}} {spk.density = 2.500000e-01 : f64, tau = 1.500000e+00 : f32, v_reset = 0.000000e+00 : f32, v_threshold = 1.000000e+00 : f32} : tensor<4x1x6x8xf32> -> tensor<4x1x6x8xi1> state tensor<1x1x6x8xf32> membrane tensor<4x1x6x8xf32>
// CHECK: spk.if
// CHECK: %[[Y:.+]] = spk.ssa %[[Q]], %[[Q]], %[[Q]]
// CHECK: %[[A:.+]] = spk.attention_map %[[Q]], %[[Q]] {num_heads = 2 : i64, scale = 2.500000e-01 : f32} : {{.*}} -> tensor<4x1x2x6x6xf32>
// CHECK: %[[O:.+]] = spk.lif %[[Y]]
// CHECK: %[[P:.+]] = spk.lif %[[Y]]
// CHECK: return %[[O]], %[[V]], %[[Q]], %[[H]], %[[A]], %[[O]], %[[Y]], %[[P]], %[[Y]]

// NONE: -> (tensor<4x1x6x8xi1> {spk.name = "block.1.out_lif:spikes"}, tensor<1x1x6x8xf32>)
// NONE-NOT: membrane
func.func @main(%x: tensor<4x1x6x8xf32> {spk.name = "x"}) -> (tensor<4x1x6x8xi1> {spk.name = "block.1.out_lif:spikes"}, tensor<1x1x6x8xf32>) {
  %q, %v = spk.lif %x {tau = 1.5 : f32, v_reset = 0.0 : f32, v_threshold = 1.0 : f32, spk.density = 0.25 : f64} : tensor<4x1x6x8xf32> -> tensor<4x1x6x8xi1> state tensor<1x1x6x8xf32> loc("block.0.q_lif")
  %u = spk.if %x {v_threshold = 1.0 : f32} : tensor<4x1x6x8xf32> -> tensor<4x1x6x8xi1> loc(unknown)
  %y = spk.ssa %q, %q, %q {num_heads = 2 : i64, scale = 0.25 : f32} : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xf32> loc("block.0.attn")
  %o = spk.lif %y {v_threshold = 1.0 : f32} : tensor<4x1x6x8xf32> -> tensor<4x1x6x8xi1> loc("block.1.out_lif")
  %p = spk.lif %y {v_threshold = 0.5 : f32} : tensor<4x1x6x8xf32> -> tensor<4x1x6x8xi1> loc("block.1.out_lif")
  return %o, %v : tensor<4x1x6x8xi1>, tensor<1x1x6x8xf32>
}
