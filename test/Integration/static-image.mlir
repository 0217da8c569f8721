// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: bash %S/Inputs/equivalence.sh %t

// A repeated image, 6 x 9: a convolution computed once for all 3 steps, a
// max-pool behind the neuron, a strided grouped convolution with a pool in front
// of it, soft reset. C = 24, then 65: words end inside a block.

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"a.w"(#ml_program.extern : tensor<24x3x3x3xf32>) : tensor<24x3x3x3xf32>
  ml_program.global private @"a.b"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"a.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"a.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"a.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"a.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"b.w"(#ml_program.extern : tensor<48x12x3x3xf32>) : tensor<48x12x3x3xf32>
  ml_program.global private @"b.gamma"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"b.beta"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"b.mean"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"b.var"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"c.w"(#ml_program.extern : tensor<65x48x1x2xf32>) : tensor<65x48x1x2xf32>
  ml_program.global private @"c.b"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"head.w"(#ml_program.extern : tensor<7x65xf32>) : tensor<7x65xf32>
  ml_program.global private @"head.b"(#ml_program.extern : tensor<7xf32>) : tensor<7xf32>

  func.func @main(%x: tensor<1x1x3x6x9xf32> {spk.name = "x", spk.static}) -> (tensor<1x1x7xf32> {spk.name = "logits", spk.static}) {
    %aw = ml_program.global_load_const @"a.w" : tensor<24x3x3x3xf32>
    %ab = ml_program.global_load_const @"a.b" : tensor<24xf32>
    %ag = ml_program.global_load_const @"a.gamma" : tensor<24xf32>
    %at = ml_program.global_load_const @"a.beta" : tensor<24xf32>
    %am = ml_program.global_load_const @"a.mean" : tensor<24xf32>
    %av = ml_program.global_load_const @"a.var" : tensor<24xf32>
    %bw = ml_program.global_load_const @"b.w" : tensor<48x12x3x3xf32>
    %bg = ml_program.global_load_const @"b.gamma" : tensor<48xf32>
    %bt = ml_program.global_load_const @"b.beta" : tensor<48xf32>
    %bm = ml_program.global_load_const @"b.mean" : tensor<48xf32>
    %bv = ml_program.global_load_const @"b.var" : tensor<48xf32>
    %cw = ml_program.global_load_const @"c.w" : tensor<65x48x1x2xf32>
    %cb = ml_program.global_load_const @"c.b" : tensor<65xf32>
    %hw = ml_program.global_load_const @"head.w" : tensor<7x65xf32>
    %hb = ml_program.global_load_const @"head.b" : tensor<7xf32>

    %0 = spk.repeat %x : tensor<1x1x3x6x9xf32> -> tensor<3x1x3x6x9xf32>
    %1 = spk.conv %0, %aw bias %ab {padding = array<i64: 1, 1>} : (tensor<3x1x3x6x9xf32>, tensor<24x3x3x3xf32>, tensor<24xf32>) -> tensor<3x1x24x6x9xf32> loc("a.conv")
    %2 = spk.batch_norm %1, %ag, %at, %am, %av : (tensor<3x1x24x6x9xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<3x1x24x6x9xf32> loc("a.norm")
    %3 = spk.lif %2 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x1x24x6x9xf32> -> tensor<3x1x24x6x9xi1> loc("a.lif")
    %4 = spk.max_pool %3 {kernel = array<i64: 2, 3>, strides = array<i64: 1, 1>, padding = array<i64: 1, 1>} : tensor<3x1x24x6x9xi1> -> tensor<3x1x24x7x9xi1> loc("a.pool")

    %5 = spk.conv %4, %bw {strides = array<i64: 2, 1>, padding = array<i64: 1, 0>, groups = 2 : i64} : (tensor<3x1x24x7x9xi1>, tensor<48x12x3x3xf32>) -> tensor<3x1x48x4x7xf32> loc("b.conv")
    %6 = spk.batch_norm %5, %bg, %bt, %bm, %bv : (tensor<3x1x48x4x7xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<3x1x48x4x7xf32> loc("b.norm")
    %7 = spk.max_pool %6 {kernel = array<i64: 3, 3>, strides = array<i64: 1, 2>, padding = array<i64: 1, 1>} : tensor<3x1x48x4x7xf32> -> tensor<3x1x48x4x4xf32> loc("b.pool")
    %8 = spk.lif %7 {tau = 1.5 : f32, v_threshold = 0.75 : f32} : tensor<3x1x48x4x4xf32> -> tensor<3x1x48x4x4xi1> loc("b.lif")

    %9 = spk.conv %8, %cw bias %cb {padding = array<i64: 0, 1>} : (tensor<3x1x48x4x4xi1>, tensor<65x48x1x2xf32>, tensor<65xf32>) -> tensor<3x1x65x4x5xf32> loc("c.conv")
    %10 = spk.if %9 {v_reset = -0.25 : f32, v_threshold = 1.0 : f32} : tensor<3x1x65x4x5xf32> -> tensor<3x1x65x4x5xi1> loc("c.lif")

    %11 = spk.mean %10 {axes = array<i64: 3, 4>} : tensor<3x1x65x4x5xi1> -> tensor<3x1x65x1x1xf32> loc("mean")
    %12 = tensor.collapse_shape %11 [[0], [1], [2, 3, 4]] : tensor<3x1x65x1x1xf32> into tensor<3x1x65xf32>
    %13 = spk.mean %12 {axes = array<i64: 0>} : tensor<3x1x65xf32> -> tensor<1x1x65xf32> loc("mean_over_time")
    %14 = spk.linear %13, %hw bias %hb : (tensor<1x1x65xf32>, tensor<7x65xf32>, tensor<7xf32>) -> tensor<1x1x7xf32> loc("head")
    return %14 : tensor<1x1x7xf32>
  }
}
