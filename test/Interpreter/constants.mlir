// RUN: rm -rf %t && mkdir %t
// RUN: %python %S/../Inputs/make_safetensors.py %t/w.safetensors conv.weight=3x2x1x2:1,2,3,4,5,6,7,8,9,10,11,12 layer.bias=3:-1,-2,-3
// RUN: spk-run --interpret %s --base-dir=%t --function=weights | FileCheck %s --check-prefix=WEIGHTS
// RUN: spk-run --interpret %s --base-dir=%t --function=numbers | FileCheck %s --check-prefix=NUMBERS

module attributes {spk.weights = "w.safetensors"} {
  ml_program.global private @"conv.weight"(#ml_program.extern : tensor<3x2x1x2xf32>) : tensor<3x2x1x2xf32>
  ml_program.global private @"layer.bias"(#ml_program.extern : tensor<3xf32>) : tensor<3xf32>
  ml_program.global private @dense(dense<[1.0, 2.0]> : tensor<2xf32>) : tensor<2xf32>

  // Output channels 0 1 / 2 - in blocks of two; k = (kw, c).
  // WEIGHTS: conv: float32[2,4,2] = 1 5 3 7 2 6 4 8 9 0 11 0 10 0 12 0
  // Groups 0, 1 and 2 with two channels each, of six: three outputs in a block of
  // four, rows k = kw * 6 + c.
  // WEIGHTS: groups: float32[1,12,4] = 1 0 0 0 3 0 0 0 0 5 0 0 0 7 0 0 0 0 9 0 0 0 11 0 2 0 0 0 4 0 0 0 0 6 0 0 0 8 0 0 0 0 10 0 0 0 12 0
  // The same in blocks of two outputs, which need four inputs from 0 on and two
  // from 4 on; from 2 on there are four. And every output's own two inputs.
  // WEIGHTS: first: float32[2,8,2] = 1 0 3 0 0 5 0 7 2 0 4 0 0 6 0 8 0 0 0 0 9 0 11 0 0 0 0 0 10 0 12 0
  // WEIGHTS: own: float32[1,4,4] = 1 5 9 0 3 7 11 0 2 6 10 0 4 8 12 0
  // WEIGHTS: linear: float32[2,4,2] = 1 5 2 6 3 7 4 8 9 0 10 0 11 0 12 0
  // WEIGHTS: pad: float32[4] = -1 -2 -3 0
  func.func @weights() -> (tensor<2x4x2xf32> {spk.name = "conv"}, tensor<1x12x4xf32> {spk.name = "groups"},
      tensor<2x8x2xf32> {spk.name = "first"}, tensor<1x4x4xf32> {spk.name = "own"},
      tensor<2x4x2xf32> {spk.name = "linear"}, tensor<4xf32> {spk.name = "pad"}) {
    %w = ml_program.global_load_const @"conv.weight" : tensor<3x2x1x2xf32>
    %b = ml_program.global_load_const @"layer.bias" : tensor<3xf32>
    %0 = spk.pack_weights %w : tensor<3x2x1x2xf32> -> tensor<2x4x2xf32>
    %1 = spk.pack_weights %w {groups = 3 : i64} : tensor<3x2x1x2xf32> -> tensor<1x12x4xf32>
    %first = spk.pack_weights %w {first_inputs = array<i64: 0, 2>, groups = 3 : i64} : tensor<3x2x1x2xf32> -> tensor<2x8x2xf32>
    %own = spk.pack_weights %w {groups = 3 : i64, own_inputs} : tensor<3x2x1x2xf32> -> tensor<1x4x4xf32>
    %l = tensor.collapse_shape %w [[0], [1, 2, 3]] : tensor<3x2x1x2xf32> into tensor<3x4xf32>
    %2 = spk.pack_weights %l : tensor<3x4xf32> -> tensor<2x4x2xf32>
    %3 = spk.pad_channels %b : tensor<3xf32> -> tensor<4xf32>
    return %0, %1, %first, %own, %2, %3 : tensor<2x4x2xf32>, tensor<1x12x4xf32>, tensor<2x8x2xf32>, tensor<1x4x4xf32>, tensor<2x4x2xf32>, tensor<4xf32>
  }

  // NUMBERS: dense: float32[2] = 1 2
  // NUMBERS: splat: int16[2,2] = -3 -3 -3 -3
  // NUMBERS: spikes: bool[3] = 1 0 1
  // NUMBERS: wide: int64[2] = -5000000000 7
  func.func @numbers() -> (tensor<2xf32> {spk.name = "dense"}, tensor<2x2xi16> {spk.name = "splat"},
      tensor<3xi1> {spk.name = "spikes"}, tensor<2xi64> {spk.name = "wide"}) {
    %0 = ml_program.global_load_const @dense : tensor<2xf32>
    %1 = arith.constant dense<-3> : tensor<2x2xi16>
    %2 = arith.constant dense<[true, false, true]> : tensor<3xi1>
    %3 = arith.constant dense<[-5000000000, 7]> : tensor<2xi64>
    return %0, %1, %2, %3 : tensor<2xf32>, tensor<2x2xi16>, tensor<3xi1>, tensor<2xi64>
  }
}
