// RUN: spk-opt %s --spk-ann-to-snn="T=3 extra-t=2" --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s
// RUN: spk-opt %s --spk-ann-to-snn="T=3" | FileCheck %s --check-prefix=ONCE
// RUN: spk-opt %s --spk-to-model="ann-to-snn-t=3 ann-to-snn-extra-t=2" | FileCheck %s --check-prefix=MODEL

// Three steps with the image, two with zeros: a neuron counts to three.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.+]]: tensor<1x2x1x4x4xf32> {spk.name = "image", spk.static}
// CHECK-SAME: -> (tensor<1x2x6xf32> {spk.name = "logits", spk.static})
// CHECK: %[[R:.+]] = spk.repeat %[[X]] : tensor<1x2x1x4x4xf32> -> tensor<5x2x1x4x4xf32>
// CHECK: %[[I:.+]] = spk.neuron %[[R]] {resting = array<f32: 0.000000e+00>}
// CHECK-NEXT: ^bb0(%[[N:.+]]: f32 {{.*}}, %[[C:.+]]: f32 {{.*}}):
// CHECK-NEXT: %[[THREE:.+]] = arith.constant 3.0
// CHECK-NEXT: %[[RUNS:.+]] = arith.cmpf olt, %[[N]], %[[THREE]]
// CHECK-NEXT: %[[ZERO:.+]] = arith.constant 0.0
// CHECK-NEXT: %[[F:.+]] = arith.select %[[RUNS]], %[[C]], %[[ZERO]]
// CHECK-NEXT: %[[ONE:.+]] = arith.constant 1.0
// CHECK-NEXT: %[[M:.+]] = arith.addf %[[N]], %[[ONE]]
// CHECK-NEXT: spk.fire %[[F]], %[[F]] state %[[M]]
// CHECK-NEXT: } loc("image")
// CHECK: %[[A:.+]] = spk.conv %[[I]], %{{.+}} bias %{{.+}} : {{.*}} -> tensor<5x2x6x4x4xf32>

// The activation: over its unit, from half a threshold, up to three spikes, in
// its unit.
// CHECK: %[[UP:.+]] = arith.constant dense<2.500000e+00> : tensor<5x2x6x4x4xf32>
// CHECK: %[[D:.+]] = arith.divf %[[A]], %[[UP]]
// CHECK: %[[HALF:.+]] = arith.constant dense<5.000000e-01> : tensor<1x2x6x4x4xf32>
// CHECK: %[[NONE:.+]] = arith.constant dense<0.000000e+00> : tensor<1x2x6x4x4xf32>
// CHECK: %[[S:.+]] = spk.signed_if %[[D]] initial(%[[HALF]], %[[NONE]]
// CHECK-SAME: {max_count = 3 : i64, v_threshold = 1.000000e+00 : f32} : tensor<5x2x6x4x4xf32> -> tensor<5x2x6x4x4xf32> loc("act")
// CHECK: %[[Y:.+]] = arith.mulf %[[S]], %[[UP]]

// The pool: of the sum so far, less what it was.
// CHECK: %[[SUM:.+]] = spk.neuron %[[Y]] {resting = array<f32: 0.000000e+00>}
// CHECK-NEXT: ^bb0(%[[V:.+]]: f32 {{.*}}, %[[C:.+]]: f32 {{.*}}):
// CHECK-NEXT: %[[T:.+]] = arith.addf %[[V]], %[[C]]
// CHECK-NEXT: spk.fire %[[T]], %[[T]] state %[[T]]
// CHECK-NEXT: } loc("pool.sum")
// CHECK: %[[P:.+]] = spk.max_pool %[[SUM]] {kernel = array<i64: 3, 3>, padding = array<i64: 1, 1>, strides = array<i64: 2, 2>} : tensor<5x2x6x4x4xf32> -> tensor<5x2x6x2x2xf32>
// CHECK: %[[Z:.+]] = spk.neuron %[[P]] {resting = array<f32: 0.000000e+00>}
// CHECK-NEXT: ^bb0(%[[L:.+]]: f32 {{.*}}, %[[C:.+]]: f32 {{.*}}):
// CHECK-NEXT: %[[E:.+]] = arith.subf %[[C]], %[[L]]
// CHECK-NEXT: spk.fire %[[E]], %[[E]] state %[[C]]
// CHECK-NEXT: } loc("pool.difference")

// What is linear runs at every step; constants of one step serve them all.
// CHECK: tensor.collapse_shape %[[Z]] {{.*}} : tensor<5x2x6x2x2xf32> into tensor<5x2x6x4xf32>
// CHECK: %[[G:.+]] = arith.mulf %{{.+}}, %{{.+}} : tensor<5x2x4x6xf32>
// CHECK: %[[MEAN:.+]] = spk.mean %[[G]] {axes = array<i64: 2>} : tensor<5x2x4x6xf32> -> tensor<5x2x1x6xf32>
// CHECK: %[[O:.+]] = tensor.collapse_shape %[[MEAN]]

// The sum of all steps over three.
// CHECK: %{{.+}}, %[[TOTAL:.+]] = spk.neuron %[[O]] {resting = array<f32: 0.000000e+00>} : tensor<5x2x6xf32> -> tensor<5x2x6xf32> state tensor<1x2x6xf32>
// CHECK: } loc("logits")
// CHECK: %[[STEPS:.+]] = arith.constant dense<3.000000e+00> : tensor<1x2x6xf32>
// CHECK: %[[LOGITS:.+]] = arith.divf %[[TOTAL]], %[[STEPS]]
// CHECK: return %[[LOGITS]] : tensor<1x2x6xf32>

// Without steps of zeros the image needs no neuron.
// ONCE: %[[R:.+]] = spk.repeat %{{.+}} : tensor<1x2x1x4x4xf32> -> tensor<3x2x1x4x4xf32>
// ONCE: spk.conv %[[R]]

// MODEL: spk.time_steps = 5
// MODEL: func.func @step
// MODEL: spk.signed_if {{.*}}max_count = 3
func.func @main(%x: tensor<1x2x1x4x4xf32> {spk.name = "image", spk.static}) -> (tensor<1x2x6xf32> {spk.name = "logits", spk.static}) {
  %w = arith.constant dense<0.5> : tensor<6x1x1x1xf32>
  %b = arith.constant dense<0.25> : tensor<6xf32>
  %e = tensor.empty() : tensor<1x2x4x6xf32>
  %0 = spk.conv %x, %w bias %b : (tensor<1x2x1x4x4xf32>, tensor<6x1x1x1xf32>, tensor<6xf32>) -> tensor<1x2x6x4x4xf32> loc("conv")
  %1 = spk.qcfs %0 {levels = 4 : i64, up = 2.5 : f32} : tensor<1x2x6x4x4xf32> -> tensor<1x2x6x4x4xf32> loc("act")
  %2 = spk.max_pool %1 {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding = array<i64: 1, 1>} : tensor<1x2x6x4x4xf32> -> tensor<1x2x6x2x2xf32> loc("pool")
  %3 = tensor.collapse_shape %2 [[0], [1], [2], [3, 4]] : tensor<1x2x6x2x2xf32> into tensor<1x2x6x4xf32>
  %4 = linalg.transpose ins(%3 : tensor<1x2x6x4xf32>) outs(%e : tensor<1x2x4x6xf32>) permutation = [0, 1, 3, 2]
  %c = arith.constant dense<0.75> : tensor<1x2x4x6xf32>
  %5 = arith.mulf %4, %c : tensor<1x2x4x6xf32> loc("scale")
  %6 = spk.mean %5 {axes = array<i64: 2>} : tensor<1x2x4x6xf32> -> tensor<1x2x1x6xf32> loc("mean")
  %7 = tensor.collapse_shape %6 [[0], [1], [2, 3]] : tensor<1x2x1x6xf32> into tensor<1x2x6xf32>
  return %7 : tensor<1x2x6xf32>
}
