// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-pack-spikes)' -split-input-file | FileCheck %s

// Planes follow from the largest value of a chain of joins, 2, 3, 6, 12 and 24
// here, not from the element type. Sizes do not divide a word.

// CHECK-LABEL: @planes
// CHECK-SAME: (%[[X:.+]]: tensor<2x1x7x24xi8> {spk.spikes}) -> tensor<2x1x7x24xi8>
// CHECK: %[[P1:.+]] = spk.pack %[[X]] : tensor<2x1x7x24xi8> -> tensor<2x1x7x24xi1, #spk.packed<axis = 3>>
// CHECK: %[[S2:.+]] = spk.fused(%[[P1]]) : {{.*}} -> tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 2>> {
// CHECK: %[[S3:.+]] = spk.fused(%[[S2]], %{{.+}}) : {{.*}} -> tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 2>> {
// CHECK: ^bb0(%{{.+}}: tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 2>>, %{{.+}}: tensor<2x1x7x24xi1, #spk.packed<axis = 3>>):
// CHECK: %[[S6:.+]] = spk.fused(%[[S3]]) : {{.*}} -> tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 3>> {
// CHECK: %[[S12:.+]] = spk.fused(%[[S6]]) : {{.*}} -> tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 4>> {
// CHECK: %[[S24:.+]] = spk.fused(%[[S12]]) : {{.*}} -> tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 5>> {
// CHECK: %[[U:.+]] = spk.unpack %[[S24]] : {{.*}} -> tensor<2x1x7x24xi8>
// CHECK: return %[[U]]
func.func @planes(%x: tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xi8> {
  %0 = spk.fused(%x) : (tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xi8> {
  ^bb0(%a: tensor<2x1x7x24xi1>):
    %s = spk.add %a, %a : (tensor<2x1x7x24xi1>, tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xi8>
    spk.yield %s : tensor<2x1x7x24xi8>
  }
  %1 = spk.fused(%0, %x) : (tensor<2x1x7x24xi8>, tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xi8> {
  ^bb0(%a: tensor<2x1x7x24xi8>, %b: tensor<2x1x7x24xi1>):
    %s = spk.add %a, %b : (tensor<2x1x7x24xi8>, tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xi8>
    spk.yield %s : tensor<2x1x7x24xi8>
  }
  %2 = spk.fused(%1) : (tensor<2x1x7x24xi8>) -> tensor<2x1x7x24xi8> {
  ^bb0(%a: tensor<2x1x7x24xi8>):
    %s = spk.add %a, %a : (tensor<2x1x7x24xi8>, tensor<2x1x7x24xi8>) -> tensor<2x1x7x24xi8>
    spk.yield %s : tensor<2x1x7x24xi8>
  }
  %3 = spk.fused(%2) : (tensor<2x1x7x24xi8>) -> tensor<2x1x7x24xi8> {
  ^bb0(%a: tensor<2x1x7x24xi8>):
    %s = spk.add %a, %a : (tensor<2x1x7x24xi8>, tensor<2x1x7x24xi8>) -> tensor<2x1x7x24xi8>
    spk.yield %s : tensor<2x1x7x24xi8>
  }
  %4 = spk.fused(%3) : (tensor<2x1x7x24xi8>) -> tensor<2x1x7x24xi8> {
  ^bb0(%a: tensor<2x1x7x24xi8>):
    %s = spk.add %a, %a : (tensor<2x1x7x24xi8>, tensor<2x1x7x24xi8>) -> tensor<2x1x7x24xi8>
    spk.yield %s : tensor<2x1x7x24xi8>
  }
  return %4 : tensor<2x1x7x24xi8>
}

// -----

// An integer stream from outside may use its whole type: 7 planes of i8, 15 of
// i16. The same storage shape rules hold at 65 and 130 channels.

// CHECK-LABEL: @streams_from_outside
// CHECK-SAME: (%[[X:.+]]: tensor<2x1x7x65xi8>, %[[Y:.+]]: tensor<2x1x7x130xi16>)
// CHECK: spk.pack %[[X]] : tensor<2x1x7x65xi8> -> tensor<2x1x7x65xi8, #spk.packed<axis = 3, planes = 7>>
// CHECK: spk.pack %[[Y]] : tensor<2x1x7x130xi16> -> tensor<2x1x7x130xi16, #spk.packed<axis = 3, planes = 15>>
func.func @streams_from_outside(%x: tensor<2x1x7x65xi8>, %y: tensor<2x1x7x130xi16>) -> (tensor<2x1x1x65xf32>, tensor<2x1x1x130xf32>) {
  %0 = spk.fused(%x) : (tensor<2x1x7x65xi8>) -> tensor<2x1x1x65xf32> {
  ^bb0(%a: tensor<2x1x7x65xi8>):
    %m = spk.mean %a {axes = array<i64: 2>} : tensor<2x1x7x65xi8> -> tensor<2x1x1x65xf32>
    spk.yield %m : tensor<2x1x1x65xf32>
  }
  %1 = spk.fused(%y) : (tensor<2x1x7x130xi16>) -> tensor<2x1x1x130xf32> {
  ^bb0(%a: tensor<2x1x7x130xi16>):
    %m = spk.mean %a {axes = array<i64: 2>} : tensor<2x1x7x130xi16> -> tensor<2x1x1x130xf32>
    spk.yield %m : tensor<2x1x1x130xf32>
  }
  return %0, %1 : tensor<2x1x1x65xf32>, tensor<2x1x1x130xf32>
}

// -----

// Reshapes of outer axes keep words together; one of the channels does not, and
// neither does a slice or a transpose.

// CHECK-LABEL: @shapes
// CHECK-SAME: -> (tensor<2x1x3x8x5xi8> {spk.spikes}, tensor<2x1x24x15xi8> {spk.spikes}, tensor<2x1x15x12xi8> {spk.spikes}, tensor<2x1x15x4x6xi8> {spk.spikes})
// CHECK: %[[S:.+]] = spk.fused
// CHECK: %[[FLAT:.+]] = tensor.collapse_shape %[[S]] {{.*}} : tensor<2x1x3x5x24xi1, #spk.packed<axis = 4>> into tensor<2x1x15x24xi1, #spk.packed<axis = 3>>
// CHECK: %[[T:.+]] = tensor.expand_shape %[[FLAT]] {{.*}} into tensor<2x1x5x3x24xi1, #spk.packed<axis = 4>>
// CHECK: %[[PLAIN:.+]] = spk.unpack %[[FLAT]] : {{.*}} -> tensor<2x1x15x24xi8>
// CHECK: linalg.transpose ins(%[[PLAIN]] : tensor<2x1x15x24xi8>) outs(%{{.+}} : tensor<2x1x24x15xi8>)
// CHECK: %[[PLAIN2:.+]] = spk.unpack %[[FLAT]]
// CHECK: tensor.extract_slice %[[PLAIN2]]{{.*}} : tensor<2x1x15x24xi8> to tensor<2x1x15x12xi8>
// CHECK: %[[PLAIN3:.+]] = spk.unpack %[[FLAT]]
// CHECK: tensor.expand_shape %[[PLAIN3]] {{.*}} into tensor<2x1x15x4x6xi8>
func.func @shapes(%x: tensor<2x1x3x5x24xf32>) -> (tensor<2x1x3x8x5xi1>, tensor<2x1x24x15xi1>, tensor<2x1x15x12xi1>, tensor<2x1x15x4x6xi1>) {
  %0 = spk.fused(%x) : (tensor<2x1x3x5x24xf32>) -> tensor<2x1x3x5x24xi1> {
  ^bb0(%a: tensor<2x1x3x5x24xf32>):
    %s = spk.lif %a {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x3x5x24xf32> -> tensor<2x1x3x5x24xi1>
    spk.yield %s : tensor<2x1x3x5x24xi1>
  }
  %flat = tensor.collapse_shape %0 [[0], [1], [2, 3], [4]] : tensor<2x1x3x5x24xi1> into tensor<2x1x15x24xi1>
  %split = tensor.expand_shape %flat [[0], [1], [2, 3], [4]] output_shape [2, 1, 5, 3, 24] : tensor<2x1x15x24xi1> into tensor<2x1x5x3x24xi1>
  %e = tensor.empty() : tensor<2x1x24x15xi1>
  %t = linalg.transpose ins(%flat : tensor<2x1x15x24xi1>) outs(%e : tensor<2x1x24x15xi1>) permutation = [0, 1, 3, 2]
  %half = tensor.extract_slice %flat[0, 0, 0, 4] [2, 1, 15, 12] [1, 1, 1, 1] : tensor<2x1x15x24xi1> to tensor<2x1x15x12xi1>
  %heads = tensor.expand_shape %flat [[0], [1], [2], [3, 4]] output_shape [2, 1, 15, 4, 6] : tensor<2x1x15x24xi1> into tensor<2x1x15x4x6xi1>
  %e2 = tensor.empty() : tensor<2x1x3x8x5xi1>
  %slice = tensor.extract_slice %split[0, 0, 0, 0, 0] [2, 1, 5, 3, 8] [1, 1, 1, 1, 1] : tensor<2x1x5x3x24xi1> to tensor<2x1x5x3x8xi1>
  %u = linalg.transpose ins(%slice : tensor<2x1x5x3x8xi1>) outs(%e2 : tensor<2x1x3x8x5xi1>) permutation = [0, 1, 3, 4, 2]
  return %u, %t, %half, %heads : tensor<2x1x3x8x5xi1>, tensor<2x1x24x15xi1>, tensor<2x1x15x12xi1>, tensor<2x1x15x4x6xi1>
}

// -----

// Casts do not verify on an encoding, so the kernel unpacks for them.

// CHECK-LABEL: @cast
// CHECK: ^bb0(%[[A:.+]]: tensor<2x1x7x24xi1, #spk.packed<axis = 3>>):
// CHECK-NEXT: %[[U:.+]] = spk.unpack %[[A]] : {{.*}} -> tensor<2x1x7x24xi8>
// CHECK-NEXT: arith.uitofp %[[U]] : tensor<2x1x7x24xi8> to tensor<2x1x7x24xf32>
func.func @cast(%x: tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xf32> {
  %0 = spk.fused(%x) : (tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xf32> {
  ^bb0(%a: tensor<2x1x7x24xi1>):
    %f = arith.uitofp %a : tensor<2x1x7x24xi1> to tensor<2x1x7x24xf32>
    spk.yield %f : tensor<2x1x7x24xf32>
  }
  return %0 : tensor<2x1x7x24xf32>
}

// -----

// Words cross the boundary where the function says so: no conversion, planes
// from the largest value that the outside promises. A promise above the type
// changes nothing. A value that nothing packed is packed for the result.

// CHECK-LABEL: @words
// CHECK-SAME: (%[[X:.+]]: tensor<2x1x7x65xi8, #spk.packed<axis = 3, planes = 3>> {spk.max = 5 : i64, spk.words}, %[[Y:.+]]: tensor<2x1x7x65xi8> {spk.max = 300 : i64})
// CHECK-SAME: -> (tensor<2x1x7x65xi1, #spk.packed<axis = 3>> {spk.words}, tensor<2x1x7x65xi8> {spk.spikes}, tensor<2x1x7x65xi8, #spk.packed<axis = 3, planes = 7>> {spk.words})
// CHECK-NOT: = spk.pack
// CHECK: %[[S:.+]] = spk.fused(%[[X]],
// CHECK: %[[U:.+]] = spk.unpack %[[S]]
// CHECK: %[[P:.+]] = spk.pack %[[Y]]
// CHECK: return %[[S]], %[[U]], %[[P]]
func.func @words(%x: tensor<2x1x7x65xi8> {spk.words, spk.max = 5 : i64}, %y: tensor<2x1x7x65xi8> {spk.max = 300 : i64})
    -> (tensor<2x1x7x65xi1> {spk.words}, tensor<2x1x7x65xi1>, tensor<2x1x7x65xi8> {spk.words}) {
  %w = arith.constant dense<1.0> : tensor<65x65xf32>
  %0 = spk.fused(%x, %w) : (tensor<2x1x7x65xi8>, tensor<65x65xf32>) -> tensor<2x1x7x65xi1> {
  ^bb0(%a: tensor<2x1x7x65xi8>, %b: tensor<65x65xf32>):
    %s = spk.linear %a, %b : (tensor<2x1x7x65xi8>, tensor<65x65xf32>) -> tensor<2x1x7x65xf32>
    %f = spk.if %s {v_threshold = 1.0 : f32} : tensor<2x1x7x65xf32> -> tensor<2x1x7x65xi1>
    spk.yield %f : tensor<2x1x7x65xi1>
  }
  return %0, %0, %y : tensor<2x1x7x65xi1>, tensor<2x1x7x65xi1>, tensor<2x1x7x65xi8>
}

// -----

// Bitwise operations work on words; a cast to floats does not.

// CHECK-LABEL: @bitwise
// CHECK: spk.fused
// CHECK: %[[B:.+]] = arith.andi %{{.+}}, %{{.+}} : tensor<2x1x7x24xi1, #spk.packed<axis = 3>>
// CHECK: %[[C:.+]] = arith.xori %[[B]], %{{.+}} : tensor<2x1x7x24xi1, #spk.packed<axis = 3>>
// CHECK: %[[U:.+]] = spk.unpack %[[C]]
// CHECK: arith.uitofp %[[U]]
func.func @bitwise(%x: tensor<2x1x7x24xi1>, %y: tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xf32> {
  %0 = spk.fused(%x, %y) : (tensor<2x1x7x24xi1>, tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xf32> {
  ^bb0(%a: tensor<2x1x7x24xi1>, %b: tensor<2x1x7x24xi1>):
    %1 = arith.andi %a, %b : tensor<2x1x7x24xi1>
    %2 = arith.xori %1, %b : tensor<2x1x7x24xi1>
    %3 = arith.uitofp %2 : tensor<2x1x7x24xi1> to tensor<2x1x7x24xf32>
    spk.yield %3 : tensor<2x1x7x24xf32>
  }
  return %0 : tensor<2x1x7x24xf32>
}

// -----

// A constant inside a layer is packed with the spikes that it meets, another one
// is bytes.

// CHECK-LABEL: @constant
// CHECK: %[[C:.+]] = arith.constant dense<{{.*}}1, 0{{.*}}> : tensor<1x1x2xi8>
// CHECK: arith.constant dense<true> : tensor<2x1x7x24xi1, #spk.packed<axis = 3>>
// CHECK-NEXT: arith.xori %{{.+}}, %{{.+}} : tensor<2x1x7x24xi1, #spk.packed<axis = 3>>
// CHECK: return %{{.+}}, %[[C]]
func.func @constant(%x: tensor<2x1x7x24xi1>) -> (tensor<2x1x7x24xi1>, tensor<1x1x2xi1>) {
  %c = arith.constant dense<[[[true, false]]]> : tensor<1x1x2xi1>
  %0 = spk.fused(%x) : (tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xi1> {
  ^bb0(%a: tensor<2x1x7x24xi1>):
    %true = arith.constant dense<true> : tensor<2x1x7x24xi1>
    %n = arith.xori %a, %true : tensor<2x1x7x24xi1>
    spk.yield %n : tensor<2x1x7x24xi1>
  }
  return %0, %c : tensor<2x1x7x24xi1>, tensor<1x1x2xi1>
}
