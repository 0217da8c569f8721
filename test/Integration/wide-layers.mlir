// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: bash %S/Inputs/equivalence.sh %t

// Layers with more weights than stay in the first-level cache, whose sums stand
// in memory between blocks of 128 inputs: a 3 x 3 convolution whose window
// crosses every border, with a stride and with several tiles of positions; a
// linear map over five words, on spikes and on two bit planes.

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"a.w"(#ml_program.extern : tensor<65x2x3x3xf32>) : tensor<65x2x3x3xf32>
  ml_program.global private @"b.w"(#ml_program.extern : tensor<300x65x3x3xf32>) : tensor<300x65x3x3xf32>
  ml_program.global private @"b.b"(#ml_program.extern : tensor<300xf32>) : tensor<300xf32>
  ml_program.global private @"c.w"(#ml_program.extern : tensor<300x300xf32>) : tensor<300x300xf32>
  ml_program.global private @"d.w"(#ml_program.extern : tensor<70x300xf32>) : tensor<70x300xf32>
  ml_program.global private @"d.b"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"head.w"(#ml_program.extern : tensor<5x70xf32>) : tensor<5x70xf32>

  func.func @main(%x: tensor<3x2x2x19x11xf32> {spk.name = "x"}) -> (tensor<1x2x5xf32> {spk.name = "logits", spk.static}) {
    %aw = ml_program.global_load_const @"a.w" : tensor<65x2x3x3xf32>
    %bw = ml_program.global_load_const @"b.w" : tensor<300x65x3x3xf32>
    %bb = ml_program.global_load_const @"b.b" : tensor<300xf32>
    %cw = ml_program.global_load_const @"c.w" : tensor<300x300xf32>
    %dw = ml_program.global_load_const @"d.w" : tensor<70x300xf32>
    %db = ml_program.global_load_const @"d.b" : tensor<70xf32>
    %hw = ml_program.global_load_const @"head.w" : tensor<5x70xf32>

    %0 = spk.conv %x, %aw {padding = array<i64: 1, 1>} : (tensor<3x2x2x19x11xf32>, tensor<65x2x3x3xf32>) -> tensor<3x2x65x19x11xf32> loc("a.conv")
    %1 = spk.lif %0 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x65x19x11xf32> -> tensor<3x2x65x19x11xi1> loc("a.lif")
    %2 = spk.conv %1, %bw bias %bb {strides = array<i64: 2, 1>, padding = array<i64: 1, 1>} : (tensor<3x2x65x19x11xi1>, tensor<300x65x3x3xf32>, tensor<300xf32>) -> tensor<3x2x300x10x11xf32> loc("b.conv")
    %3 = spk.lif %2 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x300x10x11xf32> -> tensor<3x2x300x10x11xi1> loc("b.lif")
    %4 = tensor.collapse_shape %3 [[0], [1], [2], [3, 4]] : tensor<3x2x300x10x11xi1> into tensor<3x2x300x110xi1>
    %5 = spk.linear %4, %cw {layout = #spk.layout<channels_first>} : (tensor<3x2x300x110xi1>, tensor<300x300xf32>) -> tensor<3x2x300x110xf32> loc("c.linear")
    %6 = spk.lif %5 {tau = 1.5 : f32, v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x300x110xf32> -> tensor<3x2x300x110xi1> loc("c.lif")
    %7 = spk.add %4, %6 : (tensor<3x2x300x110xi1>, tensor<3x2x300x110xi1>) -> tensor<3x2x300x110xi8> loc("join")
    %8 = spk.linear %7, %dw bias %db {layout = #spk.layout<channels_first>} : (tensor<3x2x300x110xi8>, tensor<70x300xf32>, tensor<70xf32>) -> tensor<3x2x70x110xf32> loc("d.linear")
    %9 = spk.if %8 {v_threshold = 1.0 : f32} : tensor<3x2x70x110xf32> -> tensor<3x2x70x110xi1> loc("d.lif")
    %10 = spk.mean %9 {axes = array<i64: 3>} : tensor<3x2x70x110xi1> -> tensor<3x2x70x1xf32> loc("mean")
    %11 = tensor.collapse_shape %10 [[0], [1], [2, 3]] : tensor<3x2x70x1xf32> into tensor<3x2x70xf32>
    %12 = spk.mean %11 {axes = array<i64: 0>} : tensor<3x2x70xf32> -> tensor<1x2x70xf32> loc("mean_over_time")
    %13 = spk.linear %12, %hw : (tensor<1x2x70xf32>, tensor<5x70xf32>) -> tensor<1x2x5xf32> loc("head")
    return %13 : tensor<1x2x5xf32>
  }
}
