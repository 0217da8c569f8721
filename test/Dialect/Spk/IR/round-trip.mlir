// RUN: spk-opt %s | spk-opt | FileCheck %s
// RUN: spk-opt %s --mlir-print-op-generic | spk-opt | FileCheck %s

// CHECK-LABEL: @generic_neuron
// CHECK: spk.neuron %{{.+}} initial(%{{.+}}, %{{.+}} : tensor<1x1x8xf32>, tensor<1x1x8xf32>) {resting = array<f32: 0.000000e+00, 1.000000e+00>} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> state tensor<1x1x8xf32>, tensor<1x1x8xf32> membrane tensor<4x1x8xf32> {
// CHECK-NEXT: ^bb0(%[[V:.+]]: f32, %[[U:.+]]: f32, %[[X:.+]]: f32):
// CHECK-NEXT: %[[H:.+]] = arith.addf %[[V]], %[[X]] : f32
// CHECK-NEXT: %[[F:.+]] = arith.cmpf oge, %[[H]], %[[U]] : f32
// CHECK-NEXT: spk.fire %[[H]], %[[F]] state %[[X]], %[[U]] : i1
// CHECK: spk.neuron %{{.+}} {resting = array<f32>} : tensor<4x1x8xf32> -> tensor<4x1x8xf32> {
// CHECK: spk.fire %[[Y:.+]], %[[Y]] : f32
func.func @generic_neuron(%x: tensor<4x1x8xf32>, %v: tensor<1x1x8xf32>) {
  %0:4 = spk.neuron %x initial(%v, %v : tensor<1x1x8xf32>, tensor<1x1x8xf32>) {resting = array<f32: 0.0, 1.0>} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> state tensor<1x1x8xf32>, tensor<1x1x8xf32> membrane tensor<4x1x8xf32> {
  ^bb0(%a: f32, %b: f32, %i: f32):
    %h = arith.addf %a, %i : f32
    %f = arith.cmpf oge, %h, %b : f32
    spk.fire %h, %f state %i, %b : i1
  }
  %1 = spk.neuron %x {resting = array<f32>} : tensor<4x1x8xf32> -> tensor<4x1x8xf32> {
  ^bb0(%i: f32):
    spk.fire %i, %i : f32
  }
  return
}

// CHECK-LABEL: @neurons
// CHECK: spk.lif %{{.+}} {charge = #spk.charge<no_decay_input>, tau = 1.500000e+00 : f32, v_reset = 0.000000e+00 : f32, v_threshold = 1.000000e+00 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
// CHECK: spk.lif %{{.+}} initial(%{{.+}} : tensor<1x1x8xf32>) {charge = #spk.charge<multiply>, factor = 2.500000e-01 : f32, v_threshold = 1.000000e+00 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> state tensor<1x1x8xf32> membrane tensor<4x1x8xf32>
// CHECK: spk.lif %{{.+}} {charge = #spk.charge<retain>, factor = 5.000000e-01 : f32, v_threshold = 1.000000e+00 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> membrane tensor<4x1x8xf32>
// CHECK: spk.if %{{.+}} {v_threshold = 1.000000e+00 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
// CHECK: spk.if %{{.+}} initial(%{{.+}} : tensor<1x1x8xf32>) {v_reset = 0.000000e+00 : f32, v_threshold = 1.000000e+00 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> state tensor<1x1x8xf32>
// CHECK: spk.ilif %{{.+}} {charge = #spk.charge<retain>, factor = 2.500000e-01 : f32, levels = 4 : i64, v_threshold = 1.000000e+00 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi8>
// CHECK: spk.ilif %{{.+}} initial(%{{.+}} : tensor<1x1x8xf32>) {levels = 7 : i64, rounding = #spk.rounding<half_up>, v_threshold = 1.000000e+00 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi8> state tensor<1x1x8xf32> membrane tensor<4x1x8xf32>
// CHECK: spk.multi_spike %{{.+}} {levels = 4 : i64} : tensor<4x1x8xf32> -> tensor<4x1x8xi8>
// CHECK: spk.multi_spike %{{.+}} {levels = 127 : i64, rounding = #spk.rounding<half_up>} : tensor<4x1x8xf32> -> tensor<4x1x8xi8> membrane tensor<4x1x8xf32>
// CHECK: spk.signed_if %{{.+}} {max_count = 8 : i64, v_threshold = 1.000000e+00 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xf32>
// CHECK: spk.signed_if %{{.+}} initial(%{{.+}}, %{{.+}} : tensor<1x1x8xf32>, tensor<1x1x8xf32>) {max_count = 1 : i64, v_threshold = 5.000000e-01 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xf32> state tensor<1x1x8xf32>, tensor<1x1x8xf32> membrane tensor<4x1x8xf32>
// CHECK: spk.qcfs %{{.+}} {levels = 4 : i64, up = 2.500000e+00 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xf32>
func.func @neurons(%x: tensor<4x1x8xf32>, %v: tensor<1x1x8xf32>) {
  %0 = spk.lif %x {charge = #spk.charge<no_decay_input>, tau = 1.5 : f32, v_threshold = 1.0 : f32, v_reset = 0.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
  %1:3 = spk.lif %x initial(%v : tensor<1x1x8xf32>) {charge = #spk.charge<multiply>, factor = 0.25 : f32, v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> state tensor<1x1x8xf32> membrane tensor<4x1x8xf32>
  %2:2 = spk.lif %x {charge = #spk.charge<retain>, factor = 0.5 : f32, v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> membrane tensor<4x1x8xf32>
  %3 = spk.if %x {v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
  %4:2 = spk.if %x initial(%v : tensor<1x1x8xf32>) {v_threshold = 1.0 : f32, v_reset = 0.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> state tensor<1x1x8xf32>
  %5 = spk.ilif %x {charge = #spk.charge<retain>, factor = 0.25 : f32, levels = 4 : i64, v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi8>
  %6:3 = spk.ilif %x initial(%v : tensor<1x1x8xf32>) {levels = 7 : i64, rounding = #spk.rounding<half_up>, v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi8> state tensor<1x1x8xf32> membrane tensor<4x1x8xf32>
  %7 = spk.multi_spike %x {levels = 4 : i64} : tensor<4x1x8xf32> -> tensor<4x1x8xi8>
  %8:2 = spk.multi_spike %x {levels = 127 : i64, rounding = #spk.rounding<half_up>} : tensor<4x1x8xf32> -> tensor<4x1x8xi8> membrane tensor<4x1x8xf32>
  %9 = spk.signed_if %x {max_count = 8 : i64, v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xf32>
  %10:4 = spk.signed_if %x initial(%v, %v : tensor<1x1x8xf32>, tensor<1x1x8xf32>) {max_count = 1 : i64, v_threshold = 0.5 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xf32> state tensor<1x1x8xf32>, tensor<1x1x8xf32> membrane tensor<4x1x8xf32>
  %11 = spk.qcfs %x {levels = 4 : i64, up = 2.5 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xf32>
  return
}

// CHECK-LABEL: @synapses
// CHECK: spk.conv %{{[^ ]+}}, %{{[^ ]+}} {padding = array<i64: 1, 1>, strides = array<i64: 2, 2>} : (tensor<4x1x4x8x8xi1>, tensor<16x4x3x3xf32>) -> tensor<4x1x16x4x4xf32>
// CHECK: spk.conv %{{[^ ]+}}, %{{[^ ]+}} bias %{{[^ ]+}} {groups = 2 : i64, layout = #spk.layout<channels_last>, sum = #spk.sum<sequential, planes = true>} : (tensor<4x1x8x8x8xi8>, tensor<16x4x3x3xf32>, tensor<16xf32>) -> tensor<4x1x6x6x16xf32>
// CHECK: spk.linear %{{[^ ]+}}, %{{[^ ]+}} {sum = #spk.sum<grouped, group = 5>} : (tensor<4x1x6x8xi1>, tensor<16x8xf32>) -> tensor<4x1x6x16xf32>
// CHECK: spk.linear %{{[^ ]+}}, %{{[^ ]+}} {sum = #spk.sum<grouped, group = 5, planes = true, grouped_planes = 1>} : (tensor<4x1x6x8xi8>, tensor<16x8xf32>) -> tensor<4x1x6x16xf32>
// CHECK: spk.linear %{{[^ ]+}}, %{{[^ ]+}} bias %{{[^ ]+}} {layout = #spk.layout<channels_first>, sum = #spk.sum<fma>} : (tensor<4x1x8x6xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<4x1x16x6xf32>
func.func @synapses(%x: tensor<4x1x4x8x8xi1>, %y: tensor<4x1x8x8x8xi8>, %w: tensor<16x4x3x3xf32>, %b: tensor<16xf32>,
                    %s: tensor<4x1x6x8xi1>, %n: tensor<4x1x6x8xi8>, %f: tensor<4x1x8x6xf32>, %v: tensor<16x8xf32>) {
  %0 = spk.conv %x, %w {padding = array<i64: 1, 1>, strides = array<i64: 2, 2>} : (tensor<4x1x4x8x8xi1>, tensor<16x4x3x3xf32>) -> tensor<4x1x16x4x4xf32>
  %1 = spk.conv %y, %w bias %b {groups = 2 : i64, layout = #spk.layout<channels_last>, sum = #spk.sum<sequential, planes = true>}
     : (tensor<4x1x8x8x8xi8>, tensor<16x4x3x3xf32>, tensor<16xf32>) -> tensor<4x1x6x6x16xf32>
  %2 = spk.linear %s, %v {sum = #spk.sum<grouped, group = 5>} : (tensor<4x1x6x8xi1>, tensor<16x8xf32>) -> tensor<4x1x6x16xf32>
  %3 = spk.linear %n, %v {sum = #spk.sum<grouped, group = 5, planes = true, grouped_planes = 1>} : (tensor<4x1x6x8xi8>, tensor<16x8xf32>) -> tensor<4x1x6x16xf32>
  %4 = spk.linear %f, %v bias %b {layout = #spk.layout<channels_first>, sum = #spk.sum<fma>} : (tensor<4x1x8x6xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<4x1x16x6xf32>
  return
}

// CHECK-LABEL: @norms
// CHECK: spk.batch_norm %{{.+}} {eps = 1.000000e-03 : f64, layout = #spk.layout<channels_last>}
// CHECK: spk.fold_batch_norm %{{[^ ]+}}, %{{[^ ]+}}, %{{[^ ]+}}, %{{[^ ]+}} :
// CHECK: spk.fold_batch_norm %{{[^ ]+}}, %{{[^ ]+}}, %{{[^ ]+}}, %{{[^ ]+}} bias %{{[^ ]+}} {eps = 1.000000e-03 : f64}
// CHECK: spk.scale_shift %{{.+}} {layout = #spk.layout<channels_last>}
func.func @norms(%x: tensor<4x1x6x8xf32>, %g: tensor<8xf32>) {
  %0 = spk.batch_norm %x, %g, %g, %g, %g {eps = 1.0e-3 : f64, layout = #spk.layout<channels_last>}
     : (tensor<4x1x6x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x1x6x8xf32>
  %s, %b = spk.fold_batch_norm %g, %g, %g, %g : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  %t, %c = spk.fold_batch_norm %g, %g, %g, %g bias %g {eps = 1.0e-3 : f64}
     : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  %1 = spk.scale_shift %x, %s, %c {layout = #spk.layout<channels_last>} : (tensor<4x1x6x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x1x6x8xf32>
  return
}

// CHECK-LABEL: @layers
// CHECK: spk.max_pool %{{.+}} {kernel = array<i64: 2, 2>} : tensor<4x1x4x8x8xi1> -> tensor<4x1x4x7x7xi1>
// CHECK: spk.max_pool %{{.+}} {kernel = array<i64: 3, 3>, layout = #spk.layout<channels_last>, padding = array<i64: 1, 1>, strides = array<i64: 2, 2>} : tensor<4x1x4x8x8xi1> -> tensor<4x1x2x4x8xi1>
// CHECK: spk.add %{{.+}}, %{{.+}} : (tensor<4x1x4x8x8xi1>, tensor<4x1x4x8x8xi1>) -> tensor<4x1x4x8x8xi8>
// CHECK: spk.repeat %{{.+}} : tensor<1x1x8xf32> -> tensor<4x1x8xf32>
// CHECK: spk.mean %{{.+}} {axes = array<i64: 3, 4>} : tensor<4x1x4x8x8xi8> -> tensor<4x1x4x1x1xf32>
// CHECK: spk.mean %{{.+}} {axes = array<i64: 0>} : tensor<4x1x8xf32> -> tensor<1x1x8xf32>
func.func @layers(%x: tensor<4x1x4x8x8xi1>, %i: tensor<1x1x8xf32>) {
  %0 = spk.max_pool %x {kernel = array<i64: 2, 2>} : tensor<4x1x4x8x8xi1> -> tensor<4x1x4x7x7xi1>
  %1 = spk.max_pool %x {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding = array<i64: 1, 1>, layout = #spk.layout<channels_last>}
     : tensor<4x1x4x8x8xi1> -> tensor<4x1x2x4x8xi1>
  %2 = spk.add %x, %x : (tensor<4x1x4x8x8xi1>, tensor<4x1x4x8x8xi1>) -> tensor<4x1x4x8x8xi8>
  %3 = spk.repeat %i : tensor<1x1x8xf32> -> tensor<4x1x8xf32>
  %4 = spk.mean %2 {axes = array<i64: 3, 4>} : tensor<4x1x4x8x8xi8> -> tensor<4x1x4x1x1xf32>
  %5 = spk.mean %3 {axes = array<i64: 0>} : tensor<4x1x8xf32> -> tensor<1x1x8xf32>
  return
}

// CHECK-LABEL: @stage
// CHECK: spk.sps %{{.+}} {padding = array<i64: 1, 1>, v_threshold = 1.000000e+00 : f32}
// CHECK: spk.sps %{{.+}} bias %{{.+}} {charge = #spk.charge<retain>, eps = 1.000000e-03 : f64, factor = 5.000000e-01 : f32, pool = #spk.pool<before>, pool_kernel = array<i64: 2, 2>, pool_padding = array<i64: 0, 0>, v_reset = 0.000000e+00 : f32, v_threshold = 1.000000e+00 : f32}
func.func @stage(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>, %g: tensor<16xf32>) {
  %0 = spk.sps %x, %w, %g, %g, %g, %g {padding = array<i64: 1, 1>, v_threshold = 1.0 : f32}
     : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x8x8xi1>
  %1 = spk.sps %x, %w, %g, %g, %g, %g bias %g
     {charge = #spk.charge<retain>, factor = 0.5 : f32, eps = 1.0e-3 : f64, pool = #spk.pool<before>, pool_kernel = array<i64: 2, 2>, pool_padding = array<i64: 0, 0>, v_threshold = 1.0 : f32, v_reset = 0.0 : f32}
     : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x3x3xi1>
  return
}

// CHECK-LABEL: @attention
// CHECK: spk.ssa %{{.+}} {num_heads = 2 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xf32>
// CHECK: spk.ssa %{{.+}} {association = #spk.association<kv_first>, num_heads = 2 : i64, scale = 1.250000e-01 : f32, scale_after = #spk.scale_after<first>, sum = #spk.sum<exact>, token_layout = #spk.token_layout<token_last>}
// CHECK: spk.ssa %{{.+}} {num_heads = 2 : i64, scale = 3.000000e-01 : f32, source_order = #spk.association<kv_first>}
// CHECK: spk.attention_map %{{.+}} {num_heads = 2 : i64, scale = 1.250000e-01 : f32, token_layout = #spk.token_layout<token_last>} : (tensor<4x1x8x6xi1>, tensor<4x1x8x6xi1>) -> tensor<4x1x2x6x6xf32>
func.func @attention(%q: tensor<4x1x6x8xi1>, %p: tensor<4x1x8x6xi1>) {
  %0 = spk.ssa %q, %q, %q {num_heads = 2 : i64, scale = 0.125 : f32} : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xf32>
  %1 = spk.ssa %p, %p, %p {num_heads = 2 : i64, scale = 0.125 : f32, association = #spk.association<kv_first>, scale_after = #spk.scale_after<first>, token_layout = #spk.token_layout<token_last>, sum = #spk.sum<exact>}
     : (tensor<4x1x8x6xi1>, tensor<4x1x8x6xi1>, tensor<4x1x8x6xi1>) -> tensor<4x1x8x6xf32>
  %2 = spk.ssa %q, %q, %q {num_heads = 2 : i64, scale = 0.3 : f32, source_order = #spk.association<kv_first>} : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xf32>
  %3 = spk.attention_map %p, %p {num_heads = 2 : i64, scale = 0.125 : f32, token_layout = #spk.token_layout<token_last>} : (tensor<4x1x8x6xi1>, tensor<4x1x8x6xi1>) -> tensor<4x1x2x6x6xf32>
  return
}

// CHECK-LABEL: @spike_driven_attention
// CHECK: spk.count %{{.+}} {axes = array<i64: 2, 3>} : tensor<4x1x6x5x8xi1> -> tensor<4x1x1x1x8xf32>
// CHECK: spk.gate %{{.+}}, %{{.+}} : (tensor<4x1x6x5x8xi1>, tensor<4x1x1x5x8xi1>) -> tensor<4x1x6x5x8xi1>
func.func @spike_driven_attention(%x: tensor<4x1x6x5x8xi1>, %m: tensor<4x1x1x5x8xi1>) {
  %0 = spk.count %x {axes = array<i64: 2, 3>} : tensor<4x1x6x5x8xi1> -> tensor<4x1x1x1x8xf32>
  %1 = spk.gate %x, %m : (tensor<4x1x6x5x8xi1>, tensor<4x1x1x5x8xi1>) -> tensor<4x1x6x5x8xi1>
  return
}

// CHECK-LABEL: @binary_sub_steps
// CHECK: spk.sub_steps %{{.+}} {levels = 3 : i64} : tensor<2x1x6x8xi8> -> tensor<6x1x6x8xi1>
// CHECK: spk.accumulate %{{.+}} {levels = 3 : i64} : tensor<6x1x6x8xf32> -> tensor<2x1x6x8xf32>
func.func @binary_sub_steps(%x: tensor<2x1x6x8xi8>, %y: tensor<6x1x6x8xf32>) {
  %0 = spk.sub_steps %x {levels = 3 : i64} : tensor<2x1x6x8xi8> -> tensor<6x1x6x8xi1>
  %1 = spk.accumulate %y {levels = 3 : i64} : tensor<6x1x6x8xf32> -> tensor<2x1x6x8xf32>
  return
}

// CHECK-LABEL: @token_attention
// CHECK: spk.count %{{.+}} {axes = array<i64: 3>, groups = 2 : i64} : tensor<4x1x6x8xi1> -> tensor<4x1x6x2xf32>
// CHECK: spk.gate %{{.+}}, %{{.+}} : (tensor<4x1x6x8xi1>, tensor<4x1x6x2xi1>) -> tensor<4x1x6x8xi1>
func.func @token_attention(%x: tensor<4x1x6x8xi1>, %m: tensor<4x1x6x2xi1>) {
  %0 = spk.count %x {axes = array<i64: 3>, groups = 2 : i64} : tensor<4x1x6x8xi1> -> tensor<4x1x6x2xf32>
  %1 = spk.gate %x, %m : (tensor<4x1x6x8xi1>, tensor<4x1x6x2xi1>) -> tensor<4x1x6x8xi1>
  return
}

// CHECK-LABEL: @fused
// CHECK: spk.fused(%{{.+}}, %{{.+}}) {reason = "few spikes", strategy = "rows"} : (tensor<4x1x8xi1>, tensor<6x8xf32>) -> (tensor<4x1x6xi1>, tensor<4x1x6xf32>) {
// CHECK: ^bb0(%{{.+}}: tensor<4x1x8xi1>, %{{.+}}: tensor<6x8xf32>):
// CHECK: spk.yield %{{.+}}, %{{.+}} : tensor<4x1x6xi1>, tensor<4x1x6xf32>
func.func @fused(%x: tensor<4x1x8xi1>, %w: tensor<6x8xf32>) {
  %0:2 = spk.fused(%x, %w) {strategy = "rows", reason = "few spikes"} : (tensor<4x1x8xi1>, tensor<6x8xf32>) -> (tensor<4x1x6xi1>, tensor<4x1x6xf32>) {
  ^bb0(%a: tensor<4x1x8xi1>, %b: tensor<6x8xf32>):
    %1 = spk.linear %a, %b : (tensor<4x1x8xi1>, tensor<6x8xf32>) -> tensor<4x1x6xf32>
    %2 = spk.lif %1 {v_threshold = 1.0 : f32} : tensor<4x1x6xf32> -> tensor<4x1x6xi1>
    spk.yield %2, %1 : tensor<4x1x6xi1>, tensor<4x1x6xf32>
  }
  return
}

// CHECK-LABEL: @storage
// CHECK: spk.pack %{{.+}} : tensor<4x1x8xi1> -> tensor<4x1x8xi1, #spk.packed<axis = 2>>
// CHECK: spk.unpack %{{.+}} : tensor<4x1x8xi1, #spk.packed<axis = 2>> -> tensor<4x1x8xi8>
// CHECK: spk.pack %{{.+}} : tensor<4x1x8xi8> -> tensor<4x1x8xi8, #spk.packed<axis = 2, planes = 3>>
// CHECK: spk.pack_weights %{{.+}} {groups = 2 : i64} : tensor<16x4x3x3xf32> -> tensor<1x72x64xf32>
// CHECK: spk.pack_weights %{{.+}} {first_inputs = array<i64: 0, 4>, groups = 2 : i64} : tensor<16x4x3x3xf32> -> tensor<2x36x8xf32>
// CHECK: spk.pack_weights %{{.+}} {groups = 2 : i64, own_inputs} : tensor<16x4x3x3xf32> -> tensor<1x36x64xf32>
// CHECK: spk.pad_channels %{{.+}} : tensor<48xf32> -> tensor<64xf32>
func.func @storage(%x: tensor<4x1x8xi1>, %w: tensor<16x4x3x3xf32>, %s: tensor<48xf32>) {
  %0 = spk.pack %x : tensor<4x1x8xi1> -> tensor<4x1x8xi1, #spk.packed<axis = 2>>
  %1 = spk.unpack %0 : tensor<4x1x8xi1, #spk.packed<axis = 2>> -> tensor<4x1x8xi8>
  %2 = spk.pack %1 : tensor<4x1x8xi8> -> tensor<4x1x8xi8, #spk.packed<axis = 2, planes = 3>>
  %3 = spk.pack_weights %w {groups = 2 : i64} : tensor<16x4x3x3xf32> -> tensor<1x72x64xf32>
  %5 = spk.pack_weights %w {first_inputs = array<i64: 0, 4>, groups = 2 : i64} : tensor<16x4x3x3xf32> -> tensor<2x36x8xf32>
  %6 = spk.pack_weights %w {groups = 2 : i64, own_inputs} : tensor<16x4x3x3xf32> -> tensor<1x36x64xf32>
  %4 = spk.pad_channels %s : tensor<48xf32> -> tensor<64xf32>
  return
}

func.func private @kernel(memref<4xi64>, memref<4xi64>)
func.func private @source(memref<4xi64>)

// CHECK-LABEL: @dispatch
// CHECK: spk.dispatch @kernel ins(%{{.+}} : tensor<4xi64>) outs(%{{.+}} : tensor<4xi64>) -> tensor<4xi64>
// CHECK: spk.dispatch @source ins() outs(%{{.+}} : tensor<4xi64>) -> tensor<4xi64>
func.func @dispatch(%x: tensor<4xi64>) {
  %0 = spk.dispatch @kernel ins(%x : tensor<4xi64>) outs(%x : tensor<4xi64>) -> tensor<4xi64>
  %1 = spk.dispatch @source ins() outs(%x : tensor<4xi64>) -> tensor<4xi64>
  return
}

// CHECK-LABEL: @densities
// CHECK: spk.linear {{.*}} {spk.density = 2.500000e-01 : f64} :
// CHECK: spk.linear {{.*}} {spk.density = 2.500000e-01 : f64, spk.plane_densities = array<f64: 2.000000e-01, 6.250000e-02>} :
func.func @densities(%x: tensor<4x1x8x48xi1>, %y: tensor<4x1x8x48xi8>, %w: tensor<96x48xf32>) {
  %0 = spk.linear %x, %w {spk.density = 0.25 : f64} : (tensor<4x1x8x48xi1>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  %1 = spk.linear %y, %w {spk.density = 0.25 : f64, spk.plane_densities = array<f64: 0.2, 0.0625>} : (tensor<4x1x8x48xi8>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return
}

// CHECK-LABEL: @products
// CHECK: spk.matmul %{{.+}}, %{{.+}} {num_heads = 2 : i64} : (tensor<4x2x6x8xf32>, tensor<4x2x4x10xi1>) -> tensor<4x2x6x10xf32>
// CHECK: spk.matmul %{{.+}}, %{{.+}} {num_heads = 2 : i64, sum = #spk.sum<sequential>} : (tensor<4x2x6x8xi8>, tensor<4x2x4x10xi1>) -> tensor<4x2x6x10xf32>
// CHECK: spk.softmax %{{.+}} {num_heads = 2 : i64} : tensor<4x2x6x10xf32>
// CHECK: spk.softmax %{{.+}} {num_heads = 2 : i64, over = #spk.softmax_axis<queries>} : tensor<4x2x6x10xf32>
func.func @products(%x: tensor<4x2x6x8xf32>, %i: tensor<4x2x6x8xi8>, %y: tensor<4x2x4x10xi1>) {
  %0 = spk.matmul %x, %y {num_heads = 2 : i64} : (tensor<4x2x6x8xf32>, tensor<4x2x4x10xi1>) -> tensor<4x2x6x10xf32>
  %1 = spk.matmul %i, %y {num_heads = 2 : i64, sum = #spk.sum<sequential>} : (tensor<4x2x6x8xi8>, tensor<4x2x4x10xi1>) -> tensor<4x2x6x10xf32>
  %2 = spk.softmax %0 {num_heads = 2 : i64, over = #spk.softmax_axis<keys>} : tensor<4x2x6x10xf32>
  %3 = spk.softmax %0 {num_heads = 2 : i64, over = #spk.softmax_axis<queries>} : tensor<4x2x6x10xf32>
  return
}
