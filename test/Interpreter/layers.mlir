// RUN: spk-run --interpret %s --function=norms | FileCheck %s --check-prefix=NORM
// RUN: spk-run --interpret %s --function=joins | FileCheck %s --check-prefix=JOIN
// RUN: spk-run --interpret %s --function=pools | FileCheck %s --check-prefix=POOL
// RUN: spk-run --interpret %s --function=fused | FileCheck %s --check-prefix=FUSED
// RUN: spk-run --interpret %s --function=stage | FileCheck %s --check-prefix=STAGE
// RUN: not spk-run --interpret %s --function=overflow 2>&1 | FileCheck %s --check-prefix=OVERFLOW
// RUN: not spk-run --interpret %s --function=variance 2>&1 | FileCheck %s --check-prefix=VARIANCE
// RUN: not spk-run --interpret %s --function=plane 2>&1 | FileCheck %s --check-prefix=PLANE

// (1 + 2^-12)^2 - 1 - 2^-11 rounds twice: 0, where a fused operation gives 2^-24.
// NORM: rounding: float32[1,1,1] = 0
// x = 1 2 / 3 4, scales 10 and 100, shifts 0.5 and -1, along axis 2 and the last.
// NORM: first: float32[1,1,2,2] = 10.5 20.5 299 399
// NORM: last: float32[1,1,2,2] = 10.5 199 30.5 399
// gamma 2, beta 1, mean 3, var 0.25, eps 0: scale 4, shift 1 - 12; with bias 5:
// 1 - 12 + 20. gamma 1, var 3: scale 0.577350259, and in float64 the shift 1 - 3 *
// 0.57735026919 = -0.732050807568 rounds to -0.732050836; from the f32 scale it
// would be -0.732050776.
// NORM: fold.scale: float32[2] = 4 0.577350259
// NORM: fold.shift: float32[2] = -11 -0.732050836
// NORM: bias.scale: float32[2] = 4 0.577350259
// NORM: bias.shift: float32[2] = 9 1
// NORM: batch_norm: float32[1,1,2] = -7 -0.154700577
func.func @norms() -> (tensor<1x1x1xf32> {spk.name = "rounding"}, tensor<1x1x2x2xf32> {spk.name = "first"},
    tensor<1x1x2x2xf32> {spk.name = "last"}, tensor<2xf32> {spk.name = "fold.scale"},
    tensor<2xf32> {spk.name = "fold.shift"}, tensor<2xf32> {spk.name = "bias.scale"},
    tensor<2xf32> {spk.name = "bias.shift"}, tensor<1x1x2xf32> {spk.name = "batch_norm"}) {
  %x = arith.constant dense<1.000244140625> : tensor<1x1x1xf32>
  %s = arith.constant dense<1.000244140625> : tensor<1xf32>
  %b = arith.constant dense<-1.00048828125> : tensor<1xf32>
  %0 = spk.scale_shift %x, %s, %b : (tensor<1x1x1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1xf32>
  %y = arith.constant dense<[[[[1.0, 2.0], [3.0, 4.0]]]]> : tensor<1x1x2x2xf32>
  %t = arith.constant dense<[10.0, 100.0]> : tensor<2xf32>
  %c = arith.constant dense<[0.5, -1.0]> : tensor<2xf32>
  %1 = spk.scale_shift %y, %t, %c : (tensor<1x1x2x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x1x2x2xf32>
  %2 = spk.scale_shift %y, %t, %c {layout = #spk.layout<channels_last>} : (tensor<1x1x2x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x1x2x2xf32>
  %gamma = arith.constant dense<[2.0, 1.0]> : tensor<2xf32>
  %beta = arith.constant dense<1.0> : tensor<2xf32>
  %mean = arith.constant dense<3.0> : tensor<2xf32>
  %var = arith.constant dense<[0.25, 3.0]> : tensor<2xf32>
  %bias = arith.constant dense<[5.0, 3.0]> : tensor<2xf32>
  %3:2 = spk.fold_batch_norm %gamma, %beta, %mean, %var {eps = 0.0 : f64} : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  %4:2 = spk.fold_batch_norm %gamma, %beta, %mean, %var bias %bias {eps = 0.0 : f64} : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  %ones = arith.constant dense<1.0> : tensor<1x1x2xf32>
  %5 = spk.batch_norm %ones, %gamma, %beta, %mean, %var {eps = 0.0 : f64} : (tensor<1x1x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x1x2xf32>
  return %0, %1, %2, %3#0, %3#1, %4#0, %4#1, %5 : tensor<1x1x1xf32>, tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<1x1x2xf32>
}

// JOIN: spikes: int8[1,1,4] = 0 1 1 2
// JOIN: stream: int16[1,1,4] = 127 128 1 2
// JOIN: repeat: int16[3,1,4] = 127 128 1 2 127 128 1 2 127 128 1 2
func.func @joins() -> (tensor<1x1x4xi8> {spk.name = "spikes"}, tensor<1x1x4xi16> {spk.name = "stream"},
    tensor<3x1x4xi16> {spk.name = "repeat"}) {
  %x = arith.constant dense<[[[false, false, true, true]]]> : tensor<1x1x4xi1>
  %y = arith.constant dense<[[[false, true, false, true]]]> : tensor<1x1x4xi1>
  %0 = spk.add %x, %y : (tensor<1x1x4xi1>, tensor<1x1x4xi1>) -> tensor<1x1x4xi8>
  %z = arith.constant dense<[[[127, 127, 0, 0]]]> : tensor<1x1x4xi8>
  %1 = spk.add %z, %0 : (tensor<1x1x4xi8>, tensor<1x1x4xi8>) -> tensor<1x1x4xi16>
  %2 = spk.repeat %1 : tensor<1x1x4xi16> -> tensor<3x1x4xi16>
  return %0, %1, %2 : tensor<1x1x4xi8>, tensor<1x1x4xi16>, tensor<3x1x4xi16>
}

// Rows 1 2 3 / 4 5 6 / 7 8 9, window 3 x 3, stride 2, padding 1: the corners.
// POOL: counts: int8[1,1,1,2,2] = 5 6 8 9
// Padding does not count: nothing is larger than -1 here.
// POOL: negative: float32[1,1,1,2,2] = -1 -1 -1 -1
// POOL: nan: float32[1,1,1,1,2] = {{-?}}nan 0
// POOL: spikes: bool[1,1,1,1,2] = 0 1
// The corners: a row and a column stand between them.
// POOL: dilated: int8[1,1,1,1,1] = 9
// 1 2 / 4 5 / 7 8 and, of a window that reaches beyond, 3 / 6 / 9.
// POOL: ceil: int8[1,1,1,1,2] = 8 9
// 3 columns apart around one column: -2 and 1, -1 and 2.
// POOL: outside: float32[1,1,1,1,2] = -inf -inf
// Means of 1 2 / 3 4 / 5 6 over the tokens, and over time.
// POOL: tokens: float32[1,1,1,2] = 3 4
// POOL: both: float32[1,1,1,1] = 3.5
// POOL: time: float32[1,1,2] = 0.333333343 1
// ((1e8 - 1e8) + 1) / 3.
// POOL: ascending: float32[1,1,1] = 0.333333343
func.func @pools() -> (tensor<1x1x1x2x2xi8> {spk.name = "counts"}, tensor<1x1x1x2x2xf32> {spk.name = "negative"},
    tensor<1x1x1x1x2xf32> {spk.name = "nan"}, tensor<1x1x1x1x2xi1> {spk.name = "spikes"},
    tensor<1x1x1x1x1xi8> {spk.name = "dilated"}, tensor<1x1x1x1x2xi8> {spk.name = "ceil"}, tensor<1x1x1x1x2xf32> {spk.name = "outside"},
    tensor<1x1x1x2xf32> {spk.name = "tokens"}, tensor<1x1x1x1xf32> {spk.name = "both"},
    tensor<1x1x2xf32> {spk.name = "time"}, tensor<1x1x1xf32> {spk.name = "ascending"}) {
  %x = arith.constant dense<[[[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]]> : tensor<1x1x1x3x3xi8>
  %0 = spk.max_pool %x {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding = array<i64: 1, 1>} : tensor<1x1x1x3x3xi8> -> tensor<1x1x1x2x2xi8>
  %y = arith.constant dense<-1.0> : tensor<1x1x1x3x3xf32>
  %1 = spk.max_pool %y {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding = array<i64: 1, 1>} : tensor<1x1x1x3x3xf32> -> tensor<1x1x1x2x2xf32>
  %z = arith.constant dense<[[[[[1.0, 0x7FC00000, 2.0, -0.0, 0.0, -0.0]]]]]> : tensor<1x1x1x1x6xf32>
  %2 = spk.max_pool %z {kernel = array<i64: 1, 3>, strides = array<i64: 1, 3>} : tensor<1x1x1x1x6xf32> -> tensor<1x1x1x1x2xf32>
  %s = arith.constant dense<[[[[[false], [false], [true], [false]]]]]> : tensor<1x1x1x4x1xi1>
  %3 = spk.max_pool %s {kernel = array<i64: 1, 2>, strides = array<i64: 1, 2>, layout = #spk.layout<channels_last>} : tensor<1x1x1x4x1xi1> -> tensor<1x1x1x2x1xi1>
  %4 = tensor.collapse_shape %3 [[0], [1], [2], [3, 4]] : tensor<1x1x1x2x1xi1> into tensor<1x1x1x2xi1>
  %5 = tensor.expand_shape %4 [[0], [1], [2], [3, 4]] output_shape [1, 1, 1, 1, 2] : tensor<1x1x1x2xi1> into tensor<1x1x1x1x2xi1>
  %10 = spk.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilation = array<i64: 2, 2>} : tensor<1x1x1x3x3xi8> -> tensor<1x1x1x1x1xi8>
  %11 = spk.max_pool %x {kernel = array<i64: 3, 2>, strides = array<i64: 2, 2>, ceil_mode} : tensor<1x1x1x3x3xi8> -> tensor<1x1x1x1x2xi8>
  %one = arith.constant dense<1.0> : tensor<1x1x1x1x1xf32>
  %12 = spk.max_pool %one {kernel = array<i64: 1, 2>, padding = array<i64: 0, 2>, dilation = array<i64: 1, 3>} : tensor<1x1x1x1x1xf32> -> tensor<1x1x1x1x2xf32>
  %m = arith.constant dense<[[[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]]> : tensor<1x1x3x2xf32>
  %6 = spk.mean %m {axes = array<i64: 2>} : tensor<1x1x3x2xf32> -> tensor<1x1x1x2xf32>
  %7 = spk.mean %m {axes = array<i64: 2, 3>} : tensor<1x1x3x2xf32> -> tensor<1x1x1x1xf32>
  %t = arith.constant dense<[[[true, true]], [[false, true]], [[false, true]]]> : tensor<3x1x2xi1>
  %8 = spk.mean %t {axes = array<i64: 0>} : tensor<3x1x2xi1> -> tensor<1x1x2xf32>
  %a = arith.constant dense<[[[1.0e8, -1.0e8, 1.0]]]> : tensor<1x1x3xf32>
  %9 = spk.mean %a {axes = array<i64: 2>} : tensor<1x1x3xf32> -> tensor<1x1x1xf32>
  return %0, %1, %2, %5, %10, %11, %12, %6, %7, %8, %9 : tensor<1x1x1x2x2xi8>, tensor<1x1x1x2x2xf32>, tensor<1x1x1x1x2xf32>, tensor<1x1x1x1x2xi1>, tensor<1x1x1x1x1xi8>, tensor<1x1x1x1x2xi8>, tensor<1x1x1x1x2xf32>, tensor<1x1x1x2xf32>, tensor<1x1x1x1xf32>, tensor<1x1x2xf32>, tensor<1x1x1xf32>
}

// A fused layer is its region; packing changes no value. Sum 2, scaled and
// shifted to 2.5 and 1.5, charges to 1.25 and 0.75.
// FUSED: fused: bool[1,1,2] = 1 0
// FUSED: bytes: int8[1,1,2] = 1 0
// FUSED: planes: int8[1,1,2] = 3 2
func.func @fused() -> (tensor<1x1x2xi1> {spk.name = "fused"}, tensor<1x1x2xi8> {spk.name = "bytes"},
    tensor<1x1x2xi8> {spk.name = "planes"}) {
  %x = arith.constant dense<true> : tensor<1x1x2xi1>
  %w = arith.constant dense<1.0> : tensor<2x2xf32>
  %s = arith.constant dense<1.0> : tensor<2xf32>
  %b = arith.constant dense<[0.5, -0.5]> : tensor<2xf32>
  %p = spk.pack %x : tensor<1x1x2xi1> -> tensor<1x1x2xi1, #spk.packed<axis = 2>>
  %0 = spk.fused(%p, %w, %s, %b) : (tensor<1x1x2xi1, #spk.packed<axis = 2>>, tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x1x2xi1, #spk.packed<axis = 2>> {
  ^bb0(%x0: tensor<1x1x2xi1, #spk.packed<axis = 2>>, %w0: tensor<2x2xf32>, %s0: tensor<2xf32>, %b0: tensor<2xf32>):
    %4 = spk.linear %x0, %w0 : (tensor<1x1x2xi1, #spk.packed<axis = 2>>, tensor<2x2xf32>) -> tensor<1x1x2xf32>
    %5 = spk.scale_shift %4, %s0, %b0 {layout = #spk.layout<channels_last>} : (tensor<1x1x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x1x2xf32>
    %6 = spk.lif %5 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<1x1x2xf32> -> tensor<1x1x2xi1, #spk.packed<axis = 2>>
    spk.yield %6 : tensor<1x1x2xi1, #spk.packed<axis = 2>>
  }
  %1 = spk.unpack %0 : tensor<1x1x2xi1, #spk.packed<axis = 2>> -> tensor<1x1x2xi1>
  %2 = spk.unpack %0 : tensor<1x1x2xi1, #spk.packed<axis = 2>> -> tensor<1x1x2xi8>
  %y = arith.constant dense<[[[3, 2]]]> : tensor<1x1x2xi8>
  %q = spk.pack %y : tensor<1x1x2xi8> -> tensor<1x1x2xi8, #spk.packed<axis = 2, planes = 2>>
  %3 = spk.unpack %q : tensor<1x1x2xi8, #spk.packed<axis = 2, planes = 2>> -> tensor<1x1x2xi8>
  return %1, %2, %3 : tensor<1x1x2xi1>, tensor<1x1x2xi8>, tensor<1x1x2xi8>
}

// A stage is what it expands to: current 2 and 1, halved, fires once.
// STAGE: output0: bool[1,1,1,1,2] = 1 0
func.func @stage() -> tensor<1x1x1x1x2xi1> {
  %x = arith.constant dense<[[[[[2, 1]]]]]> : tensor<1x1x1x1x2xi8>
  %w = arith.constant dense<1.0> : tensor<1x1x1x1xf32>
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %zero = arith.constant dense<0.0> : tensor<1xf32>
  %0 = spk.sps %x, %w, %one, %zero, %zero, %one {eps = 0.0 : f64, v_threshold = 1.0 : f32, v_reset = 0.0 : f32} : (tensor<1x1x1x1x2xi8>, tensor<1x1x1x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x1x2xi1>
  return %0 : tensor<1x1x1x1x2xi1>
}

// OVERFLOW: error: 'spk.add' op sum 128 does not fit 'i8'
func.func @overflow() -> tensor<1x1x1xi8> {
  %x = arith.constant dense<127> : tensor<1x1x1xi8>
  %y = arith.constant dense<true> : tensor<1x1x1xi1>
  %0 = spk.add %x, %y : (tensor<1x1x1xi8>, tensor<1x1x1xi1>) -> tensor<1x1x1xi8>
  return %0 : tensor<1x1x1xi8>
}

// VARIANCE: error: 'spk.fold_batch_norm' op scale and shift must be finite, channel 1 has variance -1
func.func @variance() -> tensor<2xf32> {
  %one = arith.constant dense<1.0> : tensor<2xf32>
  %var = arith.constant dense<[1.0, -1.0]> : tensor<2xf32>
  %0:2 = spk.fold_batch_norm %one, %one, %one, %var : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  return %0#0 : tensor<2xf32>
}

// PLANE: error: 'spk.pack' op value 4 does not fit 2 planes
func.func @plane() -> tensor<1x1x1xi8> {
  %x = arith.constant dense<4> : tensor<1x1x1xi8>
  %0 = spk.pack %x : tensor<1x1x1xi8> -> tensor<1x1x1xi8, #spk.packed<axis = 2, planes = 2>>
  %1 = spk.unpack %0 : tensor<1x1x1xi8, #spk.packed<axis = 2, planes = 2>> -> tensor<1x1x1xi8>
  return %1 : tensor<1x1x1xi8>
}
