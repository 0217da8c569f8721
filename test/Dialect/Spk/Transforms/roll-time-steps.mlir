// RUN: spk-opt %s --spk-roll-time-steps --split-input-file | FileCheck %s

// Two layers on slices of a sequence, whose results are joined.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<3x2x8xf32>, %[[W:.*]]: tensor<4x8xf32>
// CHECK-NEXT: %[[A:.*]] = spk.if %[[X]] {{.*}} : tensor<3x2x8xf32> -> tensor<3x2x8xi1>
// CHECK-NEXT: %[[B:.*]] = spk.linear %[[A]], %[[W]] : (tensor<3x2x8xi1>, tensor<4x8xf32>) -> tensor<3x2x4xf32>
// CHECK-NEXT: %[[C:.*]] = spk.lif %[[B]] {{.*}} : tensor<3x2x4xf32> -> tensor<3x2x4xi1>
// CHECK-NEXT: return %[[C]] : tensor<3x2x4xi1>
func.func @main(%x: tensor<3x2x8xf32>, %w: tensor<4x8xf32>) -> tensor<3x2x4xi1> {
  %x0 = tensor.extract_slice %x[0, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<3x2x8xf32> to tensor<1x2x8xf32>
  %a0, %va0 = spk.if %x0 {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32>
  %b0 = spk.linear %a0, %w : (tensor<1x2x8xi1>, tensor<4x8xf32>) -> tensor<1x2x4xf32>
  %c0, %vc0 = spk.lif %b0 {v_threshold = 1.0 : f32} : tensor<1x2x4xf32> -> tensor<1x2x4xi1> state tensor<1x2x4xf32>
  %x1 = tensor.extract_slice %x[1, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<3x2x8xf32> to tensor<1x2x8xf32>
  %a1, %va1 = spk.if %x1 initial(%va0 : tensor<1x2x8xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32>
  %b1 = spk.linear %a1, %w : (tensor<1x2x8xi1>, tensor<4x8xf32>) -> tensor<1x2x4xf32>
  %c1, %vc1 = spk.lif %b1 initial(%vc0 : tensor<1x2x4xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x4xf32> -> tensor<1x2x4xi1> state tensor<1x2x4xf32>
  %x2 = tensor.extract_slice %x[2, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<3x2x8xf32> to tensor<1x2x8xf32>
  %a2 = spk.if %x2 initial(%va1 : tensor<1x2x8xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1>
  %b2 = spk.linear %a2, %w : (tensor<1x2x8xi1>, tensor<4x8xf32>) -> tensor<1x2x4xf32>
  %c2 = spk.lif %b2 initial(%vc1 : tensor<1x2x4xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x4xf32> -> tensor<1x2x4xi1>
  %y = tensor.concat dim(0) %c0, %c1, %c2 : (tensor<1x2x4xi1>, tensor<1x2x4xi1>, tensor<1x2x4xi1>) -> tensor<3x2x4xi1>
  return %y : tensor<3x2x4xi1>
}

// -----

// The same input at every step; float sums as they are, and divided by the
// number of steps. A value that is the same at every step beside one that is not.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<1x2x8xf32>, %[[Y:.*]]: tensor<1x2x8xf32>
// CHECK-NEXT: %[[R:.*]] = spk.repeat %[[X]] : tensor<1x2x8xf32> -> tensor<2x2x8xf32>
// CHECK-NEXT: %[[A:.*]] = spk.if %[[R]] {{.*}} -> tensor<2x2x8xi1>
// CHECK-NEXT: %[[F:.*]] = arith.uitofp %[[A]] : tensor<2x2x8xi1> to tensor<2x2x8xf32>
// CHECK-NEXT: %[[S:.*]] = spk.repeat %[[Y]] : tensor<1x2x8xf32> -> tensor<2x2x8xf32>
// CHECK-NEXT: %[[M:.*]] = arith.mulf %[[F]], %[[S]] : tensor<2x2x8xf32>
// CHECK-NEXT: %[[ALL:.*]], %[[SUM:.*]] = spk.neuron %[[M]] {resting = array<f32: -0.000000e+00>} : tensor<2x2x8xf32> -> tensor<2x2x8xf32> state tensor<1x2x8xf32> {
// CHECK-NEXT: ^bb0(%[[V:.*]]: f32, %[[I:.*]]: f32):
// CHECK-NEXT:   %[[NEXT:.*]] = arith.addf %[[V]], %[[I]] : f32
// CHECK-NEXT:   spk.fire %[[NEXT]], %[[NEXT]] state %[[NEXT]] : f32
// CHECK-NEXT: }
// CHECK-NEXT: %[[MEAN:.*]] = spk.mean %[[A]] {axes = array<i64: 0>} : tensor<2x2x8xi1> -> tensor<1x2x8xf32>
// CHECK-NEXT: return %[[SUM]], %[[MEAN]] : tensor<1x2x8xf32>, tensor<1x2x8xf32>
func.func @main(%x: tensor<1x2x8xf32>, %y: tensor<1x2x8xf32>) -> (tensor<1x2x8xf32>, tensor<1x2x8xf32>) {
  %half = arith.constant dense<0.5> : tensor<1x2x8xf32>
  %a0, %v0 = spk.if %x {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32>
  %a1 = spk.if %x initial(%v0 : tensor<1x2x8xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1>
  %f0 = arith.uitofp %a0 : tensor<1x2x8xi1> to tensor<1x2x8xf32>
  %m0 = arith.mulf %f0, %y : tensor<1x2x8xf32>
  %f1 = arith.uitofp %a1 : tensor<1x2x8xi1> to tensor<1x2x8xf32>
  %m1 = arith.mulf %f1, %y : tensor<1x2x8xf32>
  %sum = arith.addf %m0, %m1 : tensor<1x2x8xf32>
  %counts = spk.add %a0, %a1 : (tensor<1x2x8xi1>, tensor<1x2x8xi1>) -> tensor<1x2x8xi8>
  %floats = arith.sitofp %counts : tensor<1x2x8xi8> to tensor<1x2x8xf32>
  %mean = arith.mulf %floats, %half : tensor<1x2x8xf32>
  return %sum, %mean : tensor<1x2x8xf32>, tensor<1x2x8xf32>
}

// -----

// A sum of spikes that is not divided, from the first to the last; divided by
// another number it is not the mean.

// CHECK-LABEL: func.func @main
// CHECK: %[[A:.*]] = spk.if {{.*}} -> tensor<3x2x8xi1>
// CHECK-NEXT: %[[F:.*]] = arith.uitofp %[[A]] : tensor<3x2x8xi1> to tensor<3x2x8xf32>
// CHECK-NEXT: %{{.*}}, %[[SUM:.*]] = spk.neuron %[[F]]
// CHECK: %[[THIRD:.*]] = arith.mulf %[[SUM]], %{{.*}} : tensor<1x2x8xf32>
// CHECK-NEXT: return %[[THIRD]]
func.func @main(%x: tensor<1x2x8xf32>) -> tensor<1x2x8xf32> {
  %third = arith.constant dense<0.333333343> : tensor<1x2x8xf32>
  %a0, %v0 = spk.if %x {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32>
  %a1, %v1 = spk.if %x initial(%v0 : tensor<1x2x8xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32>
  %a2 = spk.if %x initial(%v1 : tensor<1x2x8xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1>
  %two = spk.add %a0, %a1 : (tensor<1x2x8xi1>, tensor<1x2x8xi1>) -> tensor<1x2x8xi8>
  %three = spk.add %two, %a2 : (tensor<1x2x8xi8>, tensor<1x2x8xi1>) -> tensor<1x2x8xi8>
  %floats = arith.sitofp %three : tensor<1x2x8xi8> to tensor<1x2x8xf32>
  %y = arith.mulf %floats, %third : tensor<1x2x8xf32>
  return %y : tensor<1x2x8xf32>
}

// -----

// What reads single steps, or their sum in another order, reads slices. The
// membrane is a result, the state after the last step goes on.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<2x2x8xf32>
// CHECK: %[[A:.*]], %[[V:.*]], %[[H:.*]] = spk.if %[[X]] {{.*}} : tensor<2x2x8xf32> -> tensor<2x2x8xi1> state tensor<1x2x8xf32> membrane tensor<2x2x8xf32>
// CHECK-DAG: %[[A0:.*]] = tensor.extract_slice %[[A]][0, 0, 0] [1, 2, 8]
// CHECK-DAG: %[[H0:.*]] = tensor.extract_slice %[[H]][0, 0, 0] [1, 2, 8]
// CHECK-DAG: %[[H1:.*]] = tensor.extract_slice %[[H]][1, 0, 0] [1, 2, 8]
// CHECK: %[[SUM:.*]] = arith.addf %[[H1]], %[[H0]] : tensor<1x2x8xf32>
// CHECK-NEXT: return %[[A0]], %[[SUM]], %[[V]]
func.func @main(%x: tensor<2x2x8xf32>) -> (tensor<1x2x8xi1>, tensor<1x2x8xf32>, tensor<1x2x8xf32>) {
  %x0 = tensor.extract_slice %x[0, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<2x2x8xf32> to tensor<1x2x8xf32>
  %x1 = tensor.extract_slice %x[1, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<2x2x8xf32> to tensor<1x2x8xf32>
  %a0, %v0, %h0 = spk.if %x0 {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32> membrane tensor<1x2x8xf32>
  %a1, %v1, %h1 = spk.if %x1 initial(%v0 : tensor<1x2x8xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32> membrane tensor<1x2x8xf32>
  %sum = arith.addf %h1, %h0 : tensor<1x2x8xf32>
  return %a0, %sum, %v1 : tensor<1x2x8xi1>, tensor<1x2x8xf32>, tensor<1x2x8xf32>
}

// -----

// Steps that are not alike: other weights.

// CHECK-LABEL: func.func @main
// CHECK-COUNT-2: spk.if {{.*}} -> tensor<1x2x4xi1>
func.func @main(%x: tensor<2x2x8xf32>, %w: tensor<4x8xf32>, %u: tensor<4x8xf32>) -> tensor<2x2x4xi1> {
  %x0 = tensor.extract_slice %x[0, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<2x2x8xf32> to tensor<1x2x8xf32>
  %x1 = tensor.extract_slice %x[1, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<2x2x8xf32> to tensor<1x2x8xf32>
  %b0 = spk.linear %x0, %w : (tensor<1x2x8xf32>, tensor<4x8xf32>) -> tensor<1x2x4xf32>
  %a0, %v0 = spk.if %b0 {v_threshold = 1.0 : f32} : tensor<1x2x4xf32> -> tensor<1x2x4xi1> state tensor<1x2x4xf32>
  %b1 = spk.linear %x1, %u : (tensor<1x2x8xf32>, tensor<4x8xf32>) -> tensor<1x2x4xf32>
  %a1 = spk.if %b1 initial(%v0 : tensor<1x2x4xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x4xf32> -> tensor<1x2x4xi1>
  %y = tensor.concat dim(0) %a0, %a1 : (tensor<1x2x4xi1>, tensor<1x2x4xi1>) -> tensor<2x2x4xi1>
  return %y : tensor<2x2x4xi1>
}

// -----

// The steps of the sequence in another order, or not all of them.

// CHECK-LABEL: func.func @main
// CHECK-COUNT-2: spk.if {{.*}} -> tensor<1x2x8xi1>
func.func @main(%x: tensor<2x2x8xf32>) -> tensor<2x2x8xi1> {
  %x0 = tensor.extract_slice %x[1, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<2x2x8xf32> to tensor<1x2x8xf32>
  %x1 = tensor.extract_slice %x[0, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<2x2x8xf32> to tensor<1x2x8xf32>
  %a0, %v0 = spk.if %x0 {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32>
  %a1 = spk.if %x1 initial(%v0 : tensor<1x2x8xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1>
  %y = tensor.concat dim(0) %a0, %a1 : (tensor<1x2x8xi1>, tensor<1x2x8xi1>) -> tensor<2x2x8xi1>
  return %y : tensor<2x2x8xi1>
}

// -----

// Another threshold at the second step; a state that something else reads; a
// current that comes from the step before.

// CHECK-LABEL: func.func @main
// CHECK-COUNT-6: spk.if {{.*}} -> tensor<1x2x8xi1>
func.func @main(%x: tensor<1x2x8xf32>) -> (tensor<1x2x8xi1>, tensor<1x2x8xi1>, tensor<1x2x8xf32>, tensor<1x2x8xi1>) {
  %a0, %v0 = spk.if %x {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32>
  %a1 = spk.if %x initial(%v0 : tensor<1x2x8xf32>) {v_threshold = 2.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1>
  %b0, %u0 = spk.if %x {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32>
  %b1 = spk.if %x initial(%u0 : tensor<1x2x8xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1>
  %c0, %t0 = spk.if %x {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32>
  %f0 = arith.uitofp %c0 : tensor<1x2x8xi1> to tensor<1x2x8xf32>
  %c1 = spk.if %f0 initial(%t0 : tensor<1x2x8xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1>
  return %a1, %b1, %u0, %c1 : tensor<1x2x8xi1>, tensor<1x2x8xi1>, tensor<1x2x8xf32>, tensor<1x2x8xi1>
}

// -----

// All calls are results one by one, as their taps are.

// CHECK-LABEL: func.func @main
// CHECK-COUNT-2: spk.if {{.*}} -> tensor<1x2x8xi1>
func.func @main(%x: tensor<1x2x8xf32>) -> (tensor<1x2x8xi1>, tensor<1x2x8xi1>) {
  %a0, %v0 = spk.if %x {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32>
  %a1 = spk.if %x initial(%v0 : tensor<1x2x8xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1>
  return %a0, %a1 : tensor<1x2x8xi1>, tensor<1x2x8xi1>
}

// -----

// A join and a sum of what is the same at every step, computed each time anew.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<1x2x8xf32>
// CHECK: %[[A:.*]] = spk.if {{.*}} -> tensor<2x2x8xi1>
// CHECK: %[[N:.*]] = arith.negf %[[X]] : tensor<1x2x8xf32>
// CHECK: %[[ALL:.*]] = spk.repeat %[[N]] : tensor<1x2x8xf32> -> tensor<2x2x8xf32>
// CHECK: %[[SUM:.*]] = arith.addf %{{.*}}, %{{.*}} : tensor<1x2x8xf32>
// CHECK: return %[[A]], %[[ALL]], %[[SUM]]
func.func @main(%x: tensor<1x2x8xf32>) -> (tensor<2x2x8xi1>, tensor<2x2x8xf32>, tensor<1x2x8xf32>) {
  %a0, %v0 = spk.if %x {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32>
  %a1 = spk.if %x initial(%v0 : tensor<1x2x8xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1>
  %n0 = arith.negf %x : tensor<1x2x8xf32>
  %n1 = arith.negf %x : tensor<1x2x8xf32>
  %spikes = tensor.concat dim(0) %a0, %a1 : (tensor<1x2x8xi1>, tensor<1x2x8xi1>) -> tensor<2x2x8xi1>
  %all = tensor.concat dim(0) %n0, %n1 : (tensor<1x2x8xf32>, tensor<1x2x8xf32>) -> tensor<2x2x8xf32>
  %sum = arith.addf %n0, %n1 : tensor<1x2x8xf32>
  return %spikes, %all, %sum : tensor<2x2x8xi1>, tensor<2x2x8xf32>, tensor<1x2x8xf32>
}

// -----

// The membrane of one call alone.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<2x2x8xf32>
// CHECK: %[[A:.*]], %[[H:.*]] = spk.if %[[X]] {{.*}} : tensor<2x2x8xf32> -> tensor<2x2x8xi1> membrane tensor<2x2x8xf32>
// CHECK-NEXT: %[[H0:.*]] = tensor.extract_slice %[[H]][0, 0, 0] [1, 2, 8]
// CHECK-NEXT: return %[[A]], %[[H0]]
func.func @main(%x: tensor<2x2x8xf32>) -> (tensor<2x2x8xi1>, tensor<1x2x8xf32>) {
  %x0 = tensor.extract_slice %x[0, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<2x2x8xf32> to tensor<1x2x8xf32>
  %x1 = tensor.extract_slice %x[1, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<2x2x8xf32> to tensor<1x2x8xf32>
  %a0, %v0, %h0 = spk.if %x0 {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32> membrane tensor<1x2x8xf32>
  %a1 = spk.if %x1 initial(%v0 : tensor<1x2x8xf32>) {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1>
  %y = tensor.concat dim(0) %a0, %a1 : (tensor<1x2x8xi1>, tensor<1x2x8xi1>) -> tensor<2x2x8xi1>
  return %y, %h0 : tensor<2x2x8xi1>, tensor<1x2x8xf32>
}
