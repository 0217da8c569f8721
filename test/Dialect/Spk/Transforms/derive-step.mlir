// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-derive-step)' -split-input-file | FileCheck %s

// A static image: its first convolution is hoisted, each neuron and the mean
// over time is a state, the head runs once. Weights go where they are used.

// CHECK: module attributes {spk.time_steps = 4 : i64}

// CHECK-LABEL: func.func @main(
// CHECK: spk.repeat

// CHECK-LABEL: func.func @prologue(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<1x1x3x8x8xf32> {spk.name = "image", spk.role = "input", spk.static},
// CHECK-SAME: %[[W:[a-z0-9]+]]: tensor<8x3x3x3xf32>) -> (tensor<1x1x8x6x6xf32> {spk.name = "stem.conv", spk.role = "hoisted"})
// CHECK: %[[C:.+]] = spk.conv %[[X]], %[[W]] {sum = #spk.sum<fma>}
// CHECK-NEXT: return %[[C]]

// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[C:[a-z0-9]+]]: tensor<1x1x8x6x6xf32> {spk.name = "stem.conv", spk.role = "hoisted"},
// CHECK-SAME: %[[V0:[a-z0-9]+]]: tensor<1x1x8x6x6xf32> {spk.initial = 0.000000e+00 : f32, spk.name = "stem.lif", spk.role = "state"},
// CHECK-SAME: %[[V1:[a-z0-9]+]]: tensor<1x1x8x6x6xf32> {spk.initial = -5.000000e-01 : f32, spk.name = "stem.lif.1", spk.role = "state"},
// CHECK-SAME: %[[A:[a-z0-9]+]]: tensor<1x1x8x1x1xf32> {spk.initial = 0.000000e+00 : f32, spk.name = "head.mean", spk.role = "state"},
// CHECK-SAME: %[[W:[a-z0-9]+]]: tensor<8x8x1x1xf32>)
// CHECK-SAME: -> (tensor<1x1x8x6x6xi1> {spk.name = "spikes", spk.role = "output"}, tensor<1x1x8x6x6xf32> {spk.name = "stem.lif", spk.role = "state"}, tensor<1x1x8x6x6xf32> {spk.name = "stem.lif.1", spk.role = "state"}, tensor<1x1x8x1x1xf32> {spk.name = "head.mean", spk.role = "state"})
// CHECK-NOT: spk.repeat
// CHECK-NEXT: %[[S0:.+]], %[[N0:.+]] = spk.lif %[[C]] initial(%[[V0]] : tensor<1x1x8x6x6xf32>) {tau = 1.500000e+00 : f32, v_reset = 0.000000e+00 : f32, v_threshold = 1.000000e+00 : f32} : tensor<1x1x8x6x6xf32> -> tensor<1x1x8x6x6xi1> state tensor<1x1x8x6x6xf32>
// CHECK-NEXT: %[[I:.+]] = spk.conv %[[S0]], %[[W]] {sum = #spk.sum<sequential>} : {{.*}} -> tensor<1x1x8x6x6xf32>
// CHECK-NEXT: %[[S1:.+]], %[[N1:.+]] = spk.if %[[I]] initial(%[[V1]] : tensor<1x1x8x6x6xf32>)
// CHECK-NEXT: %[[M:.+]] = spk.mean %[[S1]] {axes = array<i64: 3, 4>} : tensor<1x1x8x6x6xi1> -> tensor<1x1x8x1x1xf32>
// CHECK-NEXT: %[[NA:.+]] = arith.addf %[[A]], %[[M]] : tensor<1x1x8x1x1xf32>
// CHECK-NEXT: return %[[S1]], %[[N0]], %[[N1]], %[[NA]]

// CHECK-LABEL: func.func @finish(
// CHECK-SAME: tensor<1x1x8x6x6xf32> {spk.name = "stem.conv", spk.role = "hoisted"},
// CHECK-SAME: tensor<1x1x8x6x6xf32> {spk.initial = 0.000000e+00 : f32, spk.name = "stem.lif", spk.role = "state"},
// CHECK-SAME: %[[V:[a-z0-9]+]]: tensor<1x1x8x6x6xf32> {spk.initial = -5.000000e-01 : f32, spk.name = "stem.lif.1", spk.role = "state"},
// CHECK-SAME: %[[A:[a-z0-9]+]]: tensor<1x1x8x1x1xf32> {{{.*}}spk.name = "head.mean", spk.role = "state"},
// CHECK-SAME: %[[W:[a-z0-9]+]]: tensor<10x8xf32>)
// CHECK-SAME: -> (tensor<1x1x10x1x1xf32> {spk.name = "logits", spk.role = "output", spk.static}, tensor<1x1x8x6x6xf32> {spk.name = "membrane", spk.role = "output", spk.static})
// CHECK-NEXT: %[[T:.+]] = arith.constant dense<4.000000e+00> : tensor<1x1x8x1x1xf32>
// CHECK-NEXT: %[[D:.+]] = arith.divf %[[A]], %[[T]]
// CHECK-NEXT: %[[L:.+]] = spk.linear %[[D]], %[[W]]
// CHECK-NEXT: return %[[L]], %[[V]]
func.func @main(%x: tensor<1x1x3x8x8xf32> {spk.name = "image", spk.static}, %w: tensor<8x3x3x3xf32>, %u: tensor<8x8x1x1xf32>, %h: tensor<10x8xf32>)
    -> (tensor<4x1x8x6x6xi1> {spk.name = "spikes"}, tensor<1x1x10x1x1xf32> {spk.name = "logits", spk.static}, tensor<1x1x8x6x6xf32> {spk.name = "membrane", spk.static}) {
  %0 = spk.conv %x, %w {sum = #spk.sum<fma>} : (tensor<1x1x3x8x8xf32>, tensor<8x3x3x3xf32>) -> tensor<1x1x8x6x6xf32> loc("stem.conv")
  %1 = spk.repeat %0 : tensor<1x1x8x6x6xf32> -> tensor<4x1x8x6x6xf32>
  %2 = spk.lif %1 {tau = 1.5 : f32, v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1x8x6x6xf32> -> tensor<4x1x8x6x6xi1> loc("stem.lif")
  %3 = spk.conv %2, %u {sum = #spk.sum<sequential>} : (tensor<4x1x8x6x6xi1>, tensor<8x8x1x1xf32>) -> tensor<4x1x8x6x6xf32>
  %4, %v = spk.if %3 {v_reset = -0.5 : f32, v_threshold = 1.0 : f32} : tensor<4x1x8x6x6xf32> -> tensor<4x1x8x6x6xi1> state tensor<1x1x8x6x6xf32> loc("stem.lif")
  %5 = spk.mean %4 {axes = array<i64: 3, 4>} : tensor<4x1x8x6x6xi1> -> tensor<4x1x8x1x1xf32>
  %6 = spk.mean %5 {axes = array<i64: 0>} : tensor<4x1x8x1x1xf32> -> tensor<1x1x8x1x1xf32> loc("head.mean")
  %7 = spk.linear %6, %h {layout = #spk.layout<channels_first>, sum = #spk.sum<fma>} : (tensor<1x1x8x1x1xf32>, tensor<10x8xf32>) -> tensor<1x1x10x1x1xf32>
  return %4, %7, %v : tensor<4x1x8x6x6xi1>, tensor<1x1x10x1x1xf32>, tensor<1x1x8x6x6xf32>
}

// -----

// Event data: an input per step. Spikes and integers become f32 before they are
// added; the membrane tap, the given initial state and shape ops go along.

// CHECK: module attributes {spk.time_steps = 5 : i64}
// CHECK-LABEL: func.func @prologue() {
// CHECK-NEXT: return
// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<1x2x8x6xf32> {spk.name = "events", spk.role = "input"},
// CHECK-SAME: %[[V:[a-z0-9]+]]: tensor<1x2x6x8xf32> {spk.initial = 2.500000e-01 : f32, spk.name = "lif", spk.role = "state"},
// CHECK-SAME: %[[A:[a-z0-9]+]]: tensor<1x2x6x8xf32> {spk.initial = 0.000000e+00 : f32, spk.name = "rate", spk.role = "state"},
// CHECK-SAME: %[[B:[a-z0-9]+]]: tensor<1x2x6x8xf32> {spk.initial = 0.000000e+00 : f32, spk.name = "rate.1", spk.role = "state"})
// CHECK-SAME: -> (tensor<1x2x6x8xf32> {spk.name = "lif:membrane", spk.role = "output"},
// CHECK-NOT: dense<2.500000e-01>
// CHECK: %[[E:.+]] = tensor.empty() : tensor<1x2x6x8xf32>
// CHECK-NOT: dense<2.500000e-01>
// CHECK: %[[T:.+]] = linalg.transpose ins(%[[X]] : tensor<1x2x8x6xf32>) outs(%[[E]] : tensor<1x2x6x8xf32>)
// CHECK: %[[C:.+]] = arith.constant dense<5.000000e-01> : tensor<1x2x6x8xf32>
// CHECK-NEXT: %[[M:.+]] = arith.mulf %[[T]], %[[C]] : tensor<1x2x6x8xf32>
// CHECK-NEXT: %[[S:.+]], %[[N:.+]], %[[H:.+]] = spk.lif %[[M]] initial(%[[V]] : tensor<1x2x6x8xf32>) {{.*}} state tensor<1x2x6x8xf32> membrane tensor<1x2x6x8xf32>
// CHECK: %[[F:.+]] = arith.uitofp %[[S]] : tensor<1x2x6x8xi1> to tensor<1x2x6x8xf32>
// CHECK: %[[NA:.+]] = arith.addf %[[A]], %[[F]]
// CHECK: %[[I:.+]] = spk.add %[[S]], %[[S]] : {{.*}} -> tensor<1x2x6x8xi8>
// CHECK: %[[G:.+]] = arith.sitofp %[[I]] : tensor<1x2x6x8xi8> to tensor<1x2x6x8xf32>
// CHECK: %[[NB:.+]] = arith.addf %[[B]], %[[G]]
// CHECK: return %[[H]], %[[N]], %[[NA]], %[[NB]]
// CHECK-LABEL: func.func @finish(
// CHECK-SAME: %{{[a-z0-9]+}}: tensor<1x2x6x8xf32> {{{[^}]*}}spk.name = "lif", spk.role = "state"},
// CHECK-SAME: %[[A:[a-z0-9]+]]: tensor<1x2x6x8xf32> {{{[^}]*}}spk.name = "rate", spk.role = "state"},
// CHECK-SAME: %[[B:[a-z0-9]+]]: tensor<1x2x6x8xf32>
// CHECK: %[[T:.+]] = arith.constant dense<5.000000e+00>
// CHECK: %[[P:.+]] = arith.divf %[[A]], %[[T]]
// CHECK: %[[U:.+]] = arith.constant dense<5.000000e+00>
// CHECK: %[[Q:.+]] = arith.divf %[[B]], %[[U]]
// CHECK: %[[Y:.+]] = arith.addf %[[P]], %[[Q]]
// CHECK: return %[[Y]]
func.func @main(%x: tensor<5x2x8x6xf32> {spk.name = "events"}) -> (tensor<1x2x6x8xf32> {spk.name = "y", spk.static}, tensor<5x2x6x8xf32> {spk.name = "lif:membrane"}) {
  %e = tensor.empty() : tensor<5x2x6x8xf32>
  %0 = linalg.transpose ins(%x : tensor<5x2x8x6xf32>) outs(%e : tensor<5x2x6x8xf32>) permutation = [0, 1, 3, 2]
  %c = arith.constant dense<0.5> : tensor<5x2x6x8xf32>
  %1 = arith.mulf %0, %c : tensor<5x2x6x8xf32>
  %i = arith.constant dense<0.25> : tensor<1x2x6x8xf32>
  %s, %h = spk.lif %1 initial(%i : tensor<1x2x6x8xf32>) {v_threshold = 1.0 : f32} : tensor<5x2x6x8xf32> -> tensor<5x2x6x8xi1> membrane tensor<5x2x6x8xf32> loc("lif")
  %2 = spk.mean %s {axes = array<i64: 0>} : tensor<5x2x6x8xi1> -> tensor<1x2x6x8xf32> loc("rate")
  %3 = spk.add %s, %s : (tensor<5x2x6x8xi1>, tensor<5x2x6x8xi1>) -> tensor<5x2x6x8xi8>
  %4 = spk.mean %3 {axes = array<i64: 0>} : tensor<5x2x6x8xi8> -> tensor<1x2x6x8xf32> loc("rate")
  %5 = arith.addf %2, %4 : tensor<1x2x6x8xf32>
  return %5, %h : tensor<1x2x6x8xf32>, tensor<5x2x6x8xf32>
}

// -----

// Nothing depends on time: the prologue does it all. Weights of the head stay
// with it.

// CHECK: module attributes {spk.time_steps = 1 : i64}
// CHECK-LABEL: func.func @prologue(
// CHECK: ml_program.global_load_const @w
// CHECK: %[[Y:.+]] = spk.linear
// CHECK: return %[[Y]] : tensor<1x1x10xf32>
// CHECK-LABEL: func.func @step(%{{.+}}: tensor<1x1x10xf32> {spk.name = "head", spk.role = "hoisted"}) {
// CHECK-NEXT: return
// CHECK-LABEL: func.func @finish(
// CHECK-NEXT: return %{{.+}} : tensor<1x1x10xf32>
ml_program.global private @w(#ml_program.extern : tensor<10x8xf32>) : tensor<10x8xf32>
func.func @main(%x: tensor<1x1x8xf32> {spk.name = "x", spk.static}) -> (tensor<1x1x10xf32> {spk.name = "y", spk.static}) {
  %w = ml_program.global_load_const @w : tensor<10x8xf32>
  %0 = spk.linear %x, %w {sum = #spk.sum<fma>} : (tensor<1x1x8xf32>, tensor<10x8xf32>) -> tensor<1x1x10xf32> loc("head")
  return %0 : tensor<1x1x10xf32>
}

// -----

// One empty tensor for two transposes, and a weight beside every step.

// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<1x1x8x6xf32> {spk.name = "x", spk.role = "input"}, %[[W:[a-z0-9]+]]: tensor<1x1x6x8xf32>)
// CHECK-NOT: tensor<4x
// CHECK: %[[A:.+]] = linalg.transpose ins(%[[X]] : tensor<1x1x8x6xf32>) outs(%{{.+}} : tensor<1x1x6x8xf32>)
// CHECK: %[[B:.+]] = linalg.transpose ins(%[[X]] : tensor<1x1x8x6xf32>) outs(%{{.+}} : tensor<1x1x6x8xf32>)
// CHECK: %[[S:.+]] = arith.addf %[[B]], %[[W]] : tensor<1x1x6x8xf32>
// CHECK: return %[[A]], %[[S]]
func.func @main(%x: tensor<4x1x8x6xf32> {spk.name = "x"}, %w: tensor<1x1x6x8xf32>) -> (tensor<4x1x6x8xf32> {spk.name = "y"}, tensor<4x1x6x8xf32> {spk.name = "z"}) {
  %e = tensor.empty() : tensor<4x1x6x8xf32>
  %0 = linalg.transpose ins(%x : tensor<4x1x8x6xf32>) outs(%e : tensor<4x1x6x8xf32>) permutation = [0, 1, 3, 2]
  %1 = linalg.transpose ins(%x : tensor<4x1x8x6xf32>) outs(%e : tensor<4x1x6x8xf32>) permutation = [0, 1, 3, 2]
  %2 = spk.repeat %w : tensor<1x1x6x8xf32> -> tensor<4x1x6x8xf32>
  %3 = arith.addf %1, %2 : tensor<4x1x6x8xf32>
  return %0, %3 : tensor<4x1x6x8xf32>, tensor<4x1x6x8xf32>
}

// -----

// With one step everything is known before it; a sequence is still returned at
// the step.

// CHECK-LABEL: @main
// CHECK: func.func @prologue(%[[X:.+]]: tensor<1x2x8xf32> {spk.name = "x", spk.role = "input", spk.static}) -> (tensor<1x2x8xi1> {{.*}}spk.role = "hoisted"})
// CHECK: func.func @step(%[[S:.+]]: tensor<1x2x8xi1> {{.*}}) -> (tensor<1x2x8xi1> {spk.name = "lif:spikes", spk.role = "output"})
// CHECK-NEXT: return %[[S]]
// CHECK: func.func @finish({{.*}}) {
// CHECK-NEXT: return
func.func @main(%x: tensor<1x2x8xf32> {spk.name = "x", spk.static}) -> (tensor<1x2x8xi1> {spk.name = "lif:spikes"}) {
  %0 = spk.lif %x {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> loc("lif")
  return %0 : tensor<1x2x8xi1>
}

// -----

// A neuron without state has none between the others' at a step.

// CHECK-LABEL: func.func @main(%{{.+}}: tensor<4x2x8xf32>
// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<1x2x8xf32> {{{.*}}spk.role = "input"},
// CHECK-SAME: %[[A:[a-z0-9]+]]: tensor<1x2x8xf32> {spk.initial = 0.000000e+00 : f32, spk.name = "a", spk.role = "state"},
// CHECK-SAME: %[[B:[a-z0-9]+]]: tensor<1x2x8xf32> {spk.initial = 2.500000e-01 : f32, spk.name = "b", spk.role = "state"})
// CHECK-NEXT: %{{.+}}, %[[NA:.+]] = spk.ilif %[[X]] initial(%[[A]] : tensor<1x2x8xf32>)
// CHECK-NEXT: %[[M:.+]], %[[H:.+]] = spk.multi_spike %[[X]] {levels = 4 : i64} : tensor<1x2x8xf32> -> tensor<1x2x8xi8> membrane tensor<1x2x8xf32>
// CHECK-NEXT: %{{.+}}, %[[NB:.+]] = spk.if %[[H]] initial(%[[B]] : tensor<1x2x8xf32>)
// CHECK-NEXT: return %{{.+}}, %[[M]], %{{.+}}, %[[NA]], %[[NB]]
func.func @main(%x: tensor<4x2x8xf32> {spk.name = "x"}) -> (tensor<4x2x8xi8> {spk.name = "a"}, tensor<4x2x8xi8> {spk.name = "m"}, tensor<4x2x8xi1> {spk.name = "b"}) {
  %v = arith.constant dense<0.25> : tensor<1x2x8xf32>
  %0 = spk.ilif %x {levels = 4 : i64, v_threshold = 1.0 : f32} : tensor<4x2x8xf32> -> tensor<4x2x8xi8> loc("a")
  %1, %h = spk.multi_spike %x {levels = 4 : i64} : tensor<4x2x8xf32> -> tensor<4x2x8xi8> membrane tensor<4x2x8xf32> loc("m")
  %2 = spk.if %h initial(%v : tensor<1x2x8xf32>) {v_threshold = 1.0 : f32} : tensor<4x2x8xf32> -> tensor<4x2x8xi1> loc("b")
  return %0, %1, %2 : tensor<4x2x8xi8>, tensor<4x2x8xi8>, tensor<4x2x8xi1>
}

// -----

// One step of three has the four sub-steps of one step; between them is a
// synapse.

// CHECK-LABEL: func.func @step(
// CHECK: %[[S:.+]], %{{.+}} = spk.ilif %{{.+}} -> tensor<1x1x8xi8> state
// CHECK-NEXT: %[[U:.+]] = spk.sub_steps %[[S]] {levels = 4 : i64} : tensor<1x1x8xi8> -> tensor<4x1x8xi1>
// CHECK-NEXT: %[[L:.+]] = spk.linear %[[U]], %{{.+}} -> tensor<4x1x5xf32>
// CHECK-NEXT: %[[A:.+]] = spk.accumulate %[[L]] {levels = 4 : i64} : tensor<4x1x5xf32> -> tensor<1x1x5xf32>
// CHECK-NEXT: %[[N:.+]] = arith.negf %[[A]] : tensor<1x1x5xf32>
// CHECK-NEXT: return %[[N]]
func.func @main(%x: tensor<3x1x8xf32> {spk.name = "x"}, %w: tensor<5x8xf32>) -> (tensor<3x1x5xf32> {spk.name = "y"}) {
  %0 = spk.ilif %x {levels = 4 : i64, v_threshold = 1.0 : f32} : tensor<3x1x8xf32> -> tensor<3x1x8xi8>
  %1 = spk.sub_steps %0 {levels = 4 : i64} : tensor<3x1x8xi8> -> tensor<12x1x8xi1>
  %2 = spk.linear %1, %w {sum = #spk.sum<sequential>} : (tensor<12x1x8xi1>, tensor<5x8xf32>) -> tensor<12x1x5xf32>
  %3 = spk.accumulate %2 {levels = 4 : i64} : tensor<12x1x5xf32> -> tensor<3x1x5xf32>
  %4 = arith.negf %3 : tensor<3x1x5xf32>
  return %4 : tensor<3x1x5xf32>
}
