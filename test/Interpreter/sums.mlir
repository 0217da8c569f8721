// RUN: spk-run --interpret %s --function=spikes | FileCheck %s --check-prefix=SPIKES
// RUN: spk-run --interpret %s --function=words | FileCheck %s --check-prefix=WORDS
// RUN: spk-run --interpret %s --function=integers | FileCheck %s --check-prefix=INT
// RUN: spk-run --interpret %s --function=high_planes | FileCheck %s --check-prefix=HIGH
// RUN: spk-run --interpret %s --function=floats | FileCheck %s --check-prefix=FLOAT

// Every order of a sum on numbers for which another order gives other bits: near
// 1e8 floats are 8 apart, so that 1 is lost there.

// Output 0 has weights 1e8 1 -1e8 1, output 1 has 1 1 1e8 -1e8; the second row of
// spikes leaves out the third channel.
//   sequential  ((1e8 + 1) - 1e8) + 1 = 1         ((1 + 1) + 1e8) - 1e8 = 0
//   group of 2  (1e8 + 1) + (-1e8 + 1) = 0        (1 + 1) + (1e8 - 1e8) = 2
//   group of 3  ((1e8 + 1) - 1e8) + 1 = 1         ((1 + 1) + 1e8) - 1e8 = 0
//   group of 2, second row: (1e8 + 1) + 1 = 1e8   (1 + 1) - 1e8 = -1e8
// SPIKES: default: float32[1,2,2] = 1 0 100000000 -100000000
// SPIKES: sequential: float32[1,2,2] = 1 0 100000000 -100000000
// SPIKES: group2: float32[1,2,2] = 0 2 100000000 -100000000
// SPIKES: group3: float32[1,2,2] = 1 0 100000000 -100000000
// A bias is added behind the sum: (-1e8 + 1) + 1e8 = 0.
// SPIKES: bias: float32[1,1,1] = 0
func.func @spikes() -> (tensor<1x2x2xf32> {spk.name = "default"},
    tensor<1x2x2xf32> {spk.name = "sequential"}, tensor<1x2x2xf32> {spk.name = "group2"},
    tensor<1x2x2xf32> {spk.name = "group3"}, tensor<1x1x1xf32> {spk.name = "bias"}) {
  %x = arith.constant dense<[[[true, true, true, true], [true, true, false, true]]]> : tensor<1x2x4xi1>
  %w = arith.constant dense<[[1.0e8, 1.0, -1.0e8, 1.0], [1.0, 1.0, 1.0e8, -1.0e8]]> : tensor<2x4xf32>
  %0 = spk.linear %x, %w : (tensor<1x2x4xi1>, tensor<2x4xf32>) -> tensor<1x2x2xf32>
  %1 = spk.linear %x, %w {sum = #spk.sum<sequential>} : (tensor<1x2x4xi1>, tensor<2x4xf32>) -> tensor<1x2x2xf32>
  %2 = spk.linear %x, %w {sum = #spk.sum<grouped, group = 2>} : (tensor<1x2x4xi1>, tensor<2x4xf32>) -> tensor<1x2x2xf32>
  %3 = spk.linear %x, %w {sum = #spk.sum<grouped, group = 3>} : (tensor<1x2x4xi1>, tensor<2x4xf32>) -> tensor<1x2x2xf32>
  %y = arith.constant dense<true> : tensor<1x1x2xi1>
  %v = arith.constant dense<[[-1.0e8, 1.0]]> : tensor<1x2xf32>
  %b = arith.constant dense<[1.0e8]> : tensor<1xf32>
  %4 = spk.linear %y, %v bias %b : (tensor<1x1x2xi1>, tensor<1x2xf32>, tensor<1xf32>) -> tensor<1x1x1xf32>
  return %0, %1, %2, %3, %4 : tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x1x1xf32>
}

// 66 channels of which 63, 64 and 65 have weights 1e8, -1e8 and 1. Groups of 5
// begin anew at 64: 1e8 + (-1e8 + 1) = 0. Without words channels 60 to 64 would
// form one: (1e8 - 1e8) + 1 = 1. Groups begin anew at every tap as well: taps 0
// and 1 have channels 1e8 1 and -1e8 1, which sum to (1e8 + 1) + (-1e8 + 1).
// WORDS: words: float32[1,1,1] = 0
// WORDS: sequential: float32[1,1,1] = 1
// WORDS: taps: float32[1,1,1,1,1] = 0
// Channels are counted over all groups of a convolution, as packed words hold
// them: of channels 0 1 2 and 3 4 5, with weights 1e8 -1e8 1 each, pairs are 0 1,
// 2 and 3, 4 5: (1e8 - 1e8) + 1 and 1e8 + (-1e8 + 1).
// WORDS: groups: float32[1,1,2,1,1] = 1 0
func.func @words() -> (tensor<1x1x1xf32> {spk.name = "words"},
    tensor<1x1x1xf32> {spk.name = "sequential"}, tensor<1x1x1x1x1xf32> {spk.name = "taps"},
    tensor<1x1x2x1x1xf32> {spk.name = "groups"}) {
  %x = arith.constant dense<true> : tensor<1x1x66xi1>
  %zero = arith.constant dense<0.0> : tensor<1x66xf32>
  %tail = arith.constant dense<[[1.0e8, -1.0e8, 1.0]]> : tensor<1x3xf32>
  %w = tensor.insert_slice %tail into %zero[0, 63] [1, 3] [1, 1] : tensor<1x3xf32> into tensor<1x66xf32>
  %0 = spk.linear %x, %w {sum = #spk.sum<grouped, group = 5>} : (tensor<1x1x66xi1>, tensor<1x66xf32>) -> tensor<1x1x1xf32>
  %1 = spk.linear %x, %w {sum = #spk.sum<sequential>} : (tensor<1x1x66xi1>, tensor<1x66xf32>) -> tensor<1x1x1xf32>
  %y = arith.constant dense<true> : tensor<1x1x2x1x2xi1>
  %v = arith.constant dense<[[[[1.0e8, -1.0e8]], [[1.0, 1.0]]]]> : tensor<1x2x1x2xf32>
  %2 = spk.conv %y, %v {sum = #spk.sum<grouped, group = 64>} : (tensor<1x1x2x1x2xi1>, tensor<1x2x1x2xf32>) -> tensor<1x1x1x1x1xf32>
  %z = arith.constant dense<true> : tensor<1x1x6x1x1xi1>
  %u = arith.constant dense<[[[[1.0e8]], [[-1.0e8]], [[1.0]]], [[[1.0e8]], [[-1.0e8]], [[1.0]]]]> : tensor<2x3x1x1xf32>
  %3 = spk.conv %z, %u {groups = 2 : i64, sum = #spk.sum<grouped, group = 2>} : (tensor<1x1x6x1x1xi1>, tensor<2x3x1x1xf32>) -> tensor<1x1x2x1x1xf32>
  return %0, %1, %2, %3 : tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1x1x1xf32>, tensor<1x1x2x1x1xf32>
}

// Counts 2 3 2 with weights 2^24 1 -2^24, where 2^24 + 1 rounds to 2^24:
//   sequential  (2^25 + 3 = 2^25 + 4) - 2^25 = 4
//   group of 2  the same
//   planes      1 + 2 * ((2^24 + 1) - 2^24) = 1
// INT: default: float32[1,1,1] = 4
// INT: sequential: float32[1,1,1] = 4
// INT: planes: float32[1,1,1] = 1
// INT: group2: float32[1,1,1] = 4
// Counts of 2 in plane 1: 2 * 1 and, in groups of 2, 2 * 0 as for spikes.
// INT: planes.sequential: float32[1,1,1] = 2
// INT: planes.group2: float32[1,1,1] = 0
// Eight planes of 200 = 11001000 and 50 = 00110010.
// INT: wide: float32[1,1,1] = 300
func.func @integers() -> (tensor<1x1x1xf32> {spk.name = "default"},
    tensor<1x1x1xf32> {spk.name = "sequential"}, tensor<1x1x1xf32> {spk.name = "planes"},
    tensor<1x1x1xf32> {spk.name = "group2"}, tensor<1x1x1xf32> {spk.name = "planes.sequential"},
    tensor<1x1x1xf32> {spk.name = "planes.group2"},
    tensor<1x1x1xf32> {spk.name = "wide"}) {
  %x = arith.constant dense<[[[2, 3, 2]]]> : tensor<1x1x3xi8>
  %w = arith.constant dense<[[16777216.0, 1.0, -16777216.0]]> : tensor<1x3xf32>
  %0 = spk.linear %x, %w : (tensor<1x1x3xi8>, tensor<1x3xf32>) -> tensor<1x1x1xf32>
  %1 = spk.linear %x, %w {sum = #spk.sum<sequential>} : (tensor<1x1x3xi8>, tensor<1x3xf32>) -> tensor<1x1x1xf32>
  %2 = spk.linear %x, %w {sum = #spk.sum<sequential, planes = true>} : (tensor<1x1x3xi8>, tensor<1x3xf32>) -> tensor<1x1x1xf32>
  %3 = spk.linear %x, %w {sum = #spk.sum<grouped, group = 2>} : (tensor<1x1x3xi8>, tensor<1x3xf32>) -> tensor<1x1x1xf32>
  %y = arith.constant dense<2> : tensor<1x1x4xi16>
  %v = arith.constant dense<[[1.0e8, 1.0, -1.0e8, 1.0]]> : tensor<1x4xf32>
  %4 = spk.linear %y, %v {sum = #spk.sum<sequential, planes = true>} : (tensor<1x1x4xi16>, tensor<1x4xf32>) -> tensor<1x1x1xf32>
  %5 = spk.linear %y, %v {sum = #spk.sum<grouped, group = 2, planes = true>} : (tensor<1x1x4xi16>, tensor<1x4xf32>) -> tensor<1x1x1xf32>
  %z = arith.constant dense<[[[200, 0, 50]]]> : tensor<1x1x3xi32>
  %u = arith.constant dense<[[1.0, 7.0, 2.0]]> : tensor<1x3xf32>
  %6 = spk.linear %z, %u {sum = #spk.sum<grouped, group = 5, planes = true>} : (tensor<1x1x3xi32>, tensor<1x3xf32>) -> tensor<1x1x1xf32>
  return %0, %1, %2, %3, %4, %5, %6 : tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>
}

// Plane 0 in groups, what is above it row by row, added to what plane 0 gave.
// Weights 1e8 1 -1e8 1, where 1 is lost beside 1e8 and 2 beside 2e8:
//   plane 0, groups of 2  (1e8 + 1) + (-1e8 + 1) = 0
//   plane 1, by rows      ((0 + 2e8 + 2) - 2e8) + 2 = 2
// Plane 1 in groups would add 2 * 0, and all in sequence would be 1 + 2 * 1.
// HIGH: rows: float32[1,1,1] = 2
// HIGH: all.grouped: float32[1,1,1] = 0
// HIGH: sequential: float32[1,1,1] = 3
// Counts 1 2 2 2 with weights 1e8 1 1 1: each 2 is lost beside 1e8; summed apart
// they would be 6, which rounds up to 8.
// HIGH: onto.the.sum: float32[1,1,1] = 100000000
// Counts 5 6 9 with weights 1 10 100 in four planes of which two are grouped:
// (1 + 100) + 2 * 10, then rows times 4: 4 + 40, then times 8: 800.
// HIGH: four.planes: float32[1,1,1] = 965
// More grouped planes than there are.
// HIGH: few.planes: float32[1,1,1] = 0
func.func @high_planes() -> (tensor<1x1x1xf32> {spk.name = "rows"},
    tensor<1x1x1xf32> {spk.name = "all.grouped"}, tensor<1x1x1xf32> {spk.name = "sequential"},
    tensor<1x1x1xf32> {spk.name = "onto.the.sum"}, tensor<1x1x1xf32> {spk.name = "four.planes"},
    tensor<1x1x1xf32> {spk.name = "few.planes"}) {
  %x = arith.constant dense<3> : tensor<1x1x4xi8>
  %w = arith.constant dense<[[1.0e8, 1.0, -1.0e8, 1.0]]> : tensor<1x4xf32>
  %0 = spk.linear %x, %w {sum = #spk.sum<grouped, group = 2, planes = true, grouped_planes = 1>} : (tensor<1x1x4xi8>, tensor<1x4xf32>) -> tensor<1x1x1xf32>
  %1 = spk.linear %x, %w {sum = #spk.sum<grouped, group = 2, planes = true>} : (tensor<1x1x4xi8>, tensor<1x4xf32>) -> tensor<1x1x1xf32>
  %2 = spk.linear %x, %w {sum = #spk.sum<sequential, planes = true>} : (tensor<1x1x4xi8>, tensor<1x4xf32>) -> tensor<1x1x1xf32>
  %y = arith.constant dense<[[[1, 2, 2, 2]]]> : tensor<1x1x4xi8>
  %v = arith.constant dense<[[1.0e8, 1.0, 1.0, 1.0]]> : tensor<1x4xf32>
  %3 = spk.linear %y, %v {sum = #spk.sum<grouped, group = 5, planes = true, grouped_planes = 1>} : (tensor<1x1x4xi8>, tensor<1x4xf32>) -> tensor<1x1x1xf32>
  %z = arith.constant dense<[[[5, 6, 9]]]> : tensor<1x1x3xi8>
  %u = arith.constant dense<[[1.0, 10.0, 100.0]]> : tensor<1x3xf32>
  %4 = spk.linear %z, %u {sum = #spk.sum<grouped, group = 5, planes = true, grouped_planes = 2>} : (tensor<1x1x3xi8>, tensor<1x3xf32>) -> tensor<1x1x1xf32>
  %5 = spk.linear %x, %w {sum = #spk.sum<grouped, group = 2, planes = true, grouped_planes = 3>} : (tensor<1x1x4xi8>, tensor<1x4xf32>) -> tensor<1x1x1xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>
}

// x * w = (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24 is a tie that rounds to 1 + 2^-11:
// only a fused operation keeps 2^-24. Twelve outputs take both the vector loop
// and its tail.
// FLOAT: fma: float32[1,1,12] = 5.96046448e-08 5.96046448e-08 5.96046448e-08 5.96046448e-08 5.96046448e-08 5.96046448e-08 5.96046448e-08 5.96046448e-08 5.96046448e-08 5.96046448e-08 5.96046448e-08 5.96046448e-08
// FLOAT: default: float32[1,1,1] = 5.96046448e-08
// A product that underflows to -0 ends as 0.
// FLOAT: underflow: float32[1,1,1] = 0
func.func @floats() -> (tensor<1x1x12xf32> {spk.name = "fma"}, tensor<1x1x1xf32> {spk.name = "default"},
    tensor<1x1x1xf32> {spk.name = "underflow"}) {
  %x = arith.constant dense<[[[1.0, 1.000244140625]]]> : tensor<1x1x2xf32>
  %w = arith.constant dense<[[-1.00048828125, 1.000244140625]]> : tensor<1x2xf32>
  %e = tensor.empty() : tensor<12x1x2xf32>
  %r = linalg.broadcast ins(%w : tensor<1x2xf32>) outs(%e : tensor<12x1x2xf32>) dimensions = [0]
  %w12 = tensor.collapse_shape %r [[0, 1], [2]] : tensor<12x1x2xf32> into tensor<12x2xf32>
  %0 = spk.linear %x, %w12 {sum = #spk.sum<fma>} : (tensor<1x1x2xf32>, tensor<12x2xf32>) -> tensor<1x1x12xf32>
  %1 = spk.linear %x, %w : (tensor<1x1x2xf32>, tensor<1x2xf32>) -> tensor<1x1x1xf32>
  %y = arith.constant dense<-1.0e-30> : tensor<1x1x1xf32>
  %v = arith.constant dense<1.0e-30> : tensor<1x1xf32>
  %2 = spk.linear %y, %v : (tensor<1x1x1xf32>, tensor<1x1xf32>) -> tensor<1x1x1xf32>
  return %0, %1, %2 : tensor<1x1x12xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>
}
