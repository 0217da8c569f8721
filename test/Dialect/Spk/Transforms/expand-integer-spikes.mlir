// RUN: spk-opt %s --pass-pipeline='builtin.module(func.func(spk-expand-integer-spikes))' -split-input-file | FileCheck %s
// RUN: spk-opt %s --pass-pipeline='builtin.module(func.func(spk-expand-integer-spikes{remarks=true}))' -split-input-file 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// Two synapses read the same sub-steps; the bias is added once, behind their
// sum; an order of bit planes becomes one of spikes.

// CHECK-LABEL: @shared
// CHECK-SAME: (%[[X:.+]]: tensor<2x1x6x8xf32>, %[[W:.+]]: tensor<5x8xf32>, %[[B:.+]]: tensor<5xf32>)
// CHECK: %[[S:.+]] = spk.multi_spike %[[X]]
// CHECK-NEXT: %[[U:.+]] = spk.sub_steps %[[S]] {levels = 4 : i64} : tensor<2x1x6x8xi8> -> tensor<8x1x6x8xi1>
// CHECK-NEXT: %[[L:.+]] = spk.linear %[[U]], %[[W]] {sum = #spk.sum<grouped, group = 7>} : (tensor<8x1x6x8xi1>, tensor<5x8xf32>) -> tensor<8x1x6x5xf32>
// CHECK-NEXT: %[[A:.+]] = spk.accumulate %[[L]] {levels = 4 : i64} : tensor<8x1x6x5xf32> -> tensor<2x1x6x5xf32>
// CHECK-NEXT: %[[ONE:.+]] = arith.constant dense<1.000000e+00> : tensor<5xf32>
// CHECK-NEXT: %[[Y:.+]] = spk.scale_shift %[[A]], %[[ONE]], %[[B]] {layout = #spk.layout<channels_last>}
// CHECK-NEXT: %[[M:.+]] = spk.linear %[[U]], %[[W]] : {{.*}} -> tensor<8x1x6x5xf32>
// CHECK-NEXT: %[[Z:.+]] = spk.accumulate %[[M]]
// CHECK-NEXT: return %[[Y]], %[[Z]]
func.func @shared(%x: tensor<2x1x6x8xf32>, %w: tensor<5x8xf32>, %b: tensor<5xf32>) -> (tensor<2x1x6x5xf32>, tensor<2x1x6x5xf32>) {
  %s = spk.multi_spike %x {levels = 4 : i64} : tensor<2x1x6x8xf32> -> tensor<2x1x6x8xi8>
  %y = spk.linear %s, %w bias %b {sum = #spk.sum<grouped, group = 7, planes = true, grouped_planes = 1>} : (tensor<2x1x6x8xi8>, tensor<5x8xf32>, tensor<5xf32>) -> tensor<2x1x6x5xf32>
  %z = spk.linear %s, %w : (tensor<2x1x6x8xi8>, tensor<5x8xf32>) -> tensor<2x1x6x5xf32>
  return %y, %z : tensor<2x1x6x5xf32>, tensor<2x1x6x5xf32>
}

// -----

// Through a pool and a reshape; a grouped convolution keeps its groups, the
// state of the neuron stays. Channels in front of rows: so is the bias's layout.

// CHECK-LABEL: @moved
// CHECK: %[[S:.+]], %{{.+}} = spk.ilif
// CHECK: %[[P:.+]] = spk.max_pool %[[S]]
// CHECK: %[[R:.+]] = tensor.collapse_shape %[[P]]
// CHECK: %[[E:.+]] = tensor.expand_shape %[[R]]
// CHECK: %[[U:.+]] = spk.sub_steps %[[E]] {levels = 3 : i64} : tensor<2x1x8x3x3xi8> -> tensor<6x1x8x3x3xi1>
// CHECK: %[[C:.+]] = spk.conv %[[U]], %{{.+}} {groups = 8 : i64, padding = array<i64: 1, 1>} : {{.*}} -> tensor<6x1x8x3x3xf32>
// CHECK: %[[A:.+]] = spk.accumulate %[[C]] {levels = 3 : i64}
// CHECK: spk.scale_shift %[[A]], %{{.+}}, %{{.+}} : (tensor<2x1x8x3x3xf32>
func.func @moved(%x: tensor<2x1x8x6x6xf32>, %w: tensor<8x1x3x3xf32>, %b: tensor<8xf32>) -> (tensor<2x1x8x3x3xf32>, tensor<1x1x8x6x6xf32>) {
  %s, %v = spk.ilif %x {levels = 3 : i64, v_threshold = 1.0 : f32} : tensor<2x1x8x6x6xf32> -> tensor<2x1x8x6x6xi8> state tensor<1x1x8x6x6xf32>
  %p = spk.max_pool %s {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : tensor<2x1x8x6x6xi8> -> tensor<2x1x8x3x3xi8>
  %r = tensor.collapse_shape %p [[0], [1], [2], [3, 4]] : tensor<2x1x8x3x3xi8> into tensor<2x1x8x9xi8>
  %e = tensor.expand_shape %r [[0], [1], [2], [3, 4]] output_shape [2, 1, 8, 3, 3] : tensor<2x1x8x9xi8> into tensor<2x1x8x3x3xi8>
  %y = spk.conv %e, %w bias %b {groups = 8 : i64, padding = array<i64: 1, 1>} : (tensor<2x1x8x3x3xi8>, tensor<8x1x3x3xf32>, tensor<8xf32>) -> tensor<2x1x8x3x3xf32>
  return %y, %v : tensor<2x1x8x3x3xf32>, tensor<1x1x8x6x6xf32>
}

// -----

// Spikes are binary already; sums of integers are no neuron's; products, means
// and joins are no synapses. What stays says why, but for the return.

// CHECK-LABEL: @kept
// CHECK-NOT: spk.sub_steps
// CHECK: spk.linear %{{.+}}, %{{.+}} : (tensor<1x1x6x6xi1>
// CHECK: spk.add {{.*}}{spk.why_integers = "reads integers: no synapse"}
// CHECK: spk.linear {{.*}}{spk.why_integers = "reads integers: no single neuron fires them"}
// CHECK: spk.linear {{.*}}{spk.why_integers = "reads integers: no single neuron fires them"}
// CHECK: spk.matmul {{.*}}spk.why_integers = "reads integers: no synapse"
// CHECK: spk.mean {{.*}}spk.why_integers = "reads integers: no synapse"
// REMARK: remark: {{.*}}spk.add of layer join reads integers: no synapse
// REMARK: remark: {{.*}}spk.linear of layer of_sums reads integers: no single neuron fires them
// REMARK: remark: {{.*}}spk.linear of layer from_outside reads integers: no single neuron fires them
// REMARK: remark: {{.*}}spk.matmul of layer product reads integers: no synapse
// REMARK: remark: {{.*}}spk.mean of layer mean reads integers: no synapse
func.func @kept(%x: tensor<1x1x6x6xf32>, %i: tensor<1x1x6x6xi8>, %w: tensor<6x6xf32>)
    -> (tensor<1x1x6x6xi8>, tensor<1x1x6x6xf32>, tensor<1x1x6x6xf32>, tensor<1x1x6x6xf32>, tensor<1x1x6x6xf32>, tensor<1x1x1x6xf32>) {
  %b = spk.if %x {v_threshold = 1.0 : f32} : tensor<1x1x6x6xf32> -> tensor<1x1x6x6xi1>
  %l = spk.linear %b, %w : (tensor<1x1x6x6xi1>, tensor<6x6xf32>) -> tensor<1x1x6x6xf32>
  %s = spk.multi_spike %x {levels = 4 : i64} : tensor<1x1x6x6xf32> -> tensor<1x1x6x6xi8>
  %j = spk.add %s, %s : (tensor<1x1x6x6xi8>, tensor<1x1x6x6xi8>) -> tensor<1x1x6x6xi8> loc("join")
  %y = spk.linear %j, %w : (tensor<1x1x6x6xi8>, tensor<6x6xf32>) -> tensor<1x1x6x6xf32> loc("of_sums")
  %z = spk.linear %i, %w : (tensor<1x1x6x6xi8>, tensor<6x6xf32>) -> tensor<1x1x6x6xf32> loc("from_outside")
  %m = spk.matmul %s, %s {num_heads = 1 : i64} : (tensor<1x1x6x6xi8>, tensor<1x1x6x6xi8>) -> tensor<1x1x6x6xf32> loc("product")
  %a = spk.mean %s {axes = array<i64: 2>} : tensor<1x1x6x6xi8> -> tensor<1x1x1x6xf32> loc("mean")
  return %s, %l, %y, %z, %m, %a : tensor<1x1x6x6xi8>, tensor<1x1x6x6xf32>, tensor<1x1x6x6xf32>, tensor<1x1x6x6xf32>, tensor<1x1x6x6xf32>, tensor<1x1x1x6xf32>
}
