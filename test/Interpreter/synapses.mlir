// RUN: spk-run --interpret %s --function=conv | FileCheck %s --check-prefix=CONV
// RUN: spk-run --interpret %s --function=layouts | FileCheck %s --check-prefix=LAYOUT
// RUN: spk-run --interpret %s --function=padding | FileCheck %s --check-prefix=PADDING
// RUN: not spk-run --interpret %s --function=negative 2>&1 | FileCheck %s --check-prefix=NEGATIVE

// Where inputs and weights meet; the orders of the sums are in sums.mlir.

// Rows 1 2 3 4 / 5 6 7 8 / 9 10 11 12 of one channel, window 2 x 3 with weights 1
// 10 100 / 1000 10000 100000, stride 2 x 1, padding 1 x 0. Output row 0 sees the
// padding above row 0, row 1 sees rows 1 and 2.
// CONV: window: float32[1,1,1,2,2] = 321000 432000 1209765 1320876
// The channels are innermost: ((1e8 - 1e8) + 1) + 1 over two taps of channels 1e8
// -1e8 and 1 1. With taps innermost it would be ((1e8 + 1) - 1e8) + 1 = 1.
// CONV: order: float32[1,1,1,1,1] = 2
// Two groups of two channels: 1 + 20 and 300 + 4000, then the bias.
// CONV: groups: float32[1,1,2,1,1] = 21.5 4299.5
// A window that sees nothing but padding sums nothing.
// CONV: corner: float32[1,1,1,3,3] = 0 0 0 0 2 0 0 0 0
func.func @conv() -> (tensor<1x1x1x2x2xf32> {spk.name = "window"},
    tensor<1x1x1x1x1xf32> {spk.name = "order"}, tensor<1x1x2x1x1xf32> {spk.name = "groups"},
    tensor<1x1x1x3x3xf32> {spk.name = "corner"}) {
  %x = arith.constant dense<[[[[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]]]]> : tensor<1x1x1x3x4xi8>
  %w = arith.constant dense<[[[[1.0, 10.0, 100.0], [1000.0, 10000.0, 100000.0]]]]> : tensor<1x1x2x3xf32>
  %0 = spk.conv %x, %w {strides = array<i64: 2, 1>, padding = array<i64: 1, 0>} : (tensor<1x1x1x3x4xi8>, tensor<1x1x2x3xf32>) -> tensor<1x1x1x2x2xf32>
  %y = arith.constant dense<true> : tensor<1x1x2x1x2xi1>
  %v = arith.constant dense<[[[[1.0e8, 1.0]], [[-1.0e8, 1.0]]]]> : tensor<1x2x1x2xf32>
  %1 = spk.conv %y, %v : (tensor<1x1x2x1x2xi1>, tensor<1x2x1x2xf32>) -> tensor<1x1x1x1x1xf32>
  %z = arith.constant dense<[[[[[1]], [[2]], [[3]], [[4]]]]]> : tensor<1x1x4x1x1xi8>
  %u = arith.constant dense<[[[[1.0]], [[10.0]]], [[[100.0]], [[1000.0]]]]> : tensor<2x2x1x1xf32>
  %b = arith.constant dense<[0.5, -0.5]> : tensor<2xf32>
  %2 = spk.conv %z, %u bias %b {groups = 2 : i64} : (tensor<1x1x4x1x1xi8>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<1x1x2x1x1xf32>
  %a = arith.constant dense<true> : tensor<1x1x1x1x1xi1>
  %c = arith.constant dense<2.0> : tensor<1x1x1x1xf32>
  %3 = spk.conv %a, %c {padding = array<i64: 1, 1>} : (tensor<1x1x1x1x1xi1>, tensor<1x1x1x1xf32>) -> tensor<1x1x1x3x3xf32>
  return %0, %1, %2, %3 : tensor<1x1x1x2x2xf32>, tensor<1x1x1x1x1xf32>, tensor<1x1x2x1x1xf32>, tensor<1x1x1x3x3xf32>
}

// Time steps 0 and 1 of two tokens with channels 1 2, 3 4 and 5 6, 7 8; weights
// 1 10, 100 1000 and 0 1. Channels first has the same values transposed.
// LAYOUT: linear.last: float32[2,1,2,3] = 21 2100 2 43 4300 4 65 6500 6 87 8700 8
// LAYOUT: linear.first: float32[2,1,3,2] = 21 43 2100 4300 2 4 65 87 6500 8700 6 8
// LAYOUT: linear.vector: float32[1,1,3] = 21 2100 2
// Three positions in a row of channels 1 2, 3 4, 5 6 and a window of 1 x 2.
// LAYOUT: conv.last: float32[1,1,1,2,1] = 4321 6543
// LAYOUT: conv.first: float32[1,1,1,1,2] = 4321 6543
func.func @layouts() -> (tensor<2x1x2x3xf32> {spk.name = "linear.last"},
    tensor<2x1x3x2xf32> {spk.name = "linear.first"}, tensor<1x1x3xf32> {spk.name = "linear.vector"},
    tensor<1x1x1x2x1xf32> {spk.name = "conv.last"}, tensor<1x1x1x1x2xf32> {spk.name = "conv.first"}) {
  %x = arith.constant dense<[[[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]]]> : tensor<2x1x2x2xi8>
  %w = arith.constant dense<[[1.0, 10.0], [100.0, 1000.0], [0.0, 1.0]]> : tensor<3x2xf32>
  %0 = spk.linear %x, %w : (tensor<2x1x2x2xi8>, tensor<3x2xf32>) -> tensor<2x1x2x3xf32>
  %e = tensor.empty() : tensor<2x1x2x2xi8>
  %t = linalg.transpose ins(%x : tensor<2x1x2x2xi8>) outs(%e : tensor<2x1x2x2xi8>) permutation = [0, 1, 3, 2]
  %1 = spk.linear %t, %w {layout = #spk.layout<channels_first>} : (tensor<2x1x2x2xi8>, tensor<3x2xf32>) -> tensor<2x1x3x2xf32>
  %v = arith.constant dense<[[[1, 2]]]> : tensor<1x1x2xi8>
  %2 = spk.linear %v, %w : (tensor<1x1x2xi8>, tensor<3x2xf32>) -> tensor<1x1x3xf32>
  %y = arith.constant dense<[[[[[1, 2], [3, 4], [5, 6]]]]]> : tensor<1x1x1x3x2xi8>
  %k = arith.constant dense<[[[[1.0, 100.0]], [[10.0, 1000.0]]]]> : tensor<1x2x1x2xf32>
  %3 = spk.conv %y, %k {layout = #spk.layout<channels_last>} : (tensor<1x1x1x3x2xi8>, tensor<1x2x1x2xf32>) -> tensor<1x1x1x2x1xf32>
  %f = tensor.empty() : tensor<1x1x2x1x3xi8>
  %z = linalg.transpose ins(%y : tensor<1x1x1x3x2xi8>) outs(%f : tensor<1x1x2x1x3xi8>) permutation = [0, 1, 4, 2, 3]
  %4 = spk.conv %z, %k : (tensor<1x1x2x1x3xi8>, tensor<1x2x1x2xf32>) -> tensor<1x1x1x1x2xf32>
  return %0, %1, %2, %3, %4 : tensor<2x1x2x3xf32>, tensor<2x1x3x2xf32>, tensor<1x1x3xf32>, tensor<1x1x1x2x1xf32>, tensor<1x1x1x1x2xf32>
}

// Padding is left out: infinity times 0 would be no number.
// PADDING: infinity: float32[1,1,1,1,2] = 3 3
func.func @padding() -> (tensor<1x1x1x1x2xf32> {spk.name = "infinity"}) {
  %y = arith.constant dense<1.0> : tensor<1x1x1x1x2xf32>
  %v = arith.constant dense<[[[[1.0], [3.0], [0x7F800000]]]]> : tensor<1x1x3x1xf32>
  %0 = spk.conv %y, %v {padding = array<i64: 1, 0>, sum = #spk.sum<fma>} : (tensor<1x1x1x1x2xf32>, tensor<1x1x3x1xf32>) -> tensor<1x1x1x1x2xf32>
  return %0 : tensor<1x1x1x1x2xf32>
}

// NEGATIVE: error: 'spk.linear' op input must not be negative where its planes are summed
func.func @negative() -> tensor<1x1x1xf32> {
  %x = arith.constant dense<-1> : tensor<1x1x1xi8>
  %w = arith.constant dense<1.0> : tensor<1x1xf32>
  %0 = spk.linear %x, %w {sum = #spk.sum<sequential, planes = true>} : (tensor<1x1x1xi8>, tensor<1x1xf32>) -> tensor<1x1x1xf32>
  return %0 : tensor<1x1x1xf32>
}
