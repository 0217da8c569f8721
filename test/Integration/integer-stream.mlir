// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: bash %S/Inputs/equivalence.sh %t

// Streams of integers: 7 bit planes from outside, 3 inside from a chain of
// residual sums that reaches 5. Sums by groups of 5 and 7 channels in words that
// 24 and 65 channels do not fill. 7 tokens, 3 steps, batch 3.

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"a.w"(#ml_program.extern : tensor<65x24xf32>) : tensor<65x24xf32>
  ml_program.global private @"a.gamma"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"a.beta"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"a.mean"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"a.var"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"b.w"(#ml_program.extern : tensor<24x65xf32>) : tensor<24x65xf32>
  ml_program.global private @"b.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"b.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"b.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"b.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"c.w"(#ml_program.extern : tensor<24x24x1x3xf32>) : tensor<24x24x1x3xf32>
  ml_program.global private @"c.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"c.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"c.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"c.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"d.w"(#ml_program.extern : tensor<130x12x1x2xf32>) : tensor<130x12x1x2xf32>
  ml_program.global private @"d.b"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  func.func @main(%x0: tensor<3x3x24x1x7xi8> {spk.name = "x0"}) -> (tensor<3x3x24x7xi8> {spk.name = "stream"}, tensor<3x3x130x1x1xf32> {spk.name = "means"}) {
    %a_w = ml_program.global_load_const @"a.w" : tensor<65x24xf32>
    %a_gamma = ml_program.global_load_const @"a.gamma" : tensor<65xf32>
    %a_beta = ml_program.global_load_const @"a.beta" : tensor<65xf32>
    %a_mean = ml_program.global_load_const @"a.mean" : tensor<65xf32>
    %a_var = ml_program.global_load_const @"a.var" : tensor<65xf32>
    %b_w = ml_program.global_load_const @"b.w" : tensor<24x65xf32>
    %b_gamma = ml_program.global_load_const @"b.gamma" : tensor<24xf32>
    %b_beta = ml_program.global_load_const @"b.beta" : tensor<24xf32>
    %b_mean = ml_program.global_load_const @"b.mean" : tensor<24xf32>
    %b_var = ml_program.global_load_const @"b.var" : tensor<24xf32>
    %c_w = ml_program.global_load_const @"c.w" : tensor<24x24x1x3xf32>
    %c_gamma = ml_program.global_load_const @"c.gamma" : tensor<24xf32>
    %c_beta = ml_program.global_load_const @"c.beta" : tensor<24xf32>
    %c_mean = ml_program.global_load_const @"c.mean" : tensor<24xf32>
    %c_var = ml_program.global_load_const @"c.var" : tensor<24xf32>
    %d_w = ml_program.global_load_const @"d.w" : tensor<130x12x1x2xf32>
    %d_b = ml_program.global_load_const @"d.b" : tensor<130xf32>
    %0 = tensor.collapse_shape %x0 [[0], [1], [2], [3, 4]] : tensor<3x3x24x1x7xi8> into tensor<3x3x24x7xi8>
    %1 = spk.linear %0, %a_w {layout = #spk.layout<channels_first>, sum = #spk.sum<grouped, group = 5, planes = true>} : (tensor<3x3x24x7xi8>, tensor<65x24xf32>) -> tensor<3x3x65x7xf32> loc("a.linear")
    %2 = spk.batch_norm %1, %a_gamma, %a_beta, %a_mean, %a_var {layout = #spk.layout<channels_first>} : (tensor<3x3x65x7xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>) -> tensor<3x3x65x7xf32> loc("a.norm")
    %3 = spk.lif %2 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x3x65x7xf32> -> tensor<3x3x65x7xi1> loc("a.lif")
    %4 = spk.linear %3, %b_w {layout = #spk.layout<channels_first>, sum = #spk.sum<grouped, group = 7>} : (tensor<3x3x65x7xi1>, tensor<24x65xf32>) -> tensor<3x3x24x7xf32> loc("b.linear")
    %5 = spk.batch_norm %4, %b_gamma, %b_beta, %b_mean, %b_var {layout = #spk.layout<channels_first>} : (tensor<3x3x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<3x3x24x7xf32> loc("b.norm")
    %6 = spk.if %5 {v_threshold = 1.0 : f32} : tensor<3x3x24x7xf32> -> tensor<3x3x24x7xi1> loc("b.lif")
    %7 = tensor.expand_shape %6 [[0], [1], [2], [3, 4]] output_shape [3, 3, 24, 1, 7] : tensor<3x3x24x7xi1> into tensor<3x3x24x1x7xi1>
    %8 = spk.conv %7, %c_w {strides = array<i64: 1, 1>, padding = array<i64: 0, 1>, groups = 1 : i64} : (tensor<3x3x24x1x7xi1>, tensor<24x24x1x3xf32>) -> tensor<3x3x24x1x7xf32> loc("c.conv")
    %9 = spk.batch_norm %8, %c_gamma, %c_beta, %c_mean, %c_var {layout = #spk.layout<channels_first>} : (tensor<3x3x24x1x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<3x3x24x1x7xf32> loc("c.norm")
    %10 = spk.lif %9 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x3x24x1x7xf32> -> tensor<3x3x24x1x7xi1> loc("c.lif")
    %11 = tensor.collapse_shape %10 [[0], [1], [2], [3, 4]] : tensor<3x3x24x1x7xi1> into tensor<3x3x24x7xi1>
    %12 = spk.add %6, %11 : (tensor<3x3x24x7xi1>, tensor<3x3x24x7xi1>) -> tensor<3x3x24x7xi8>
    %13 = spk.add %12, %12 : (tensor<3x3x24x7xi8>, tensor<3x3x24x7xi8>) -> tensor<3x3x24x7xi8>
    %14 = spk.add %13, %6 : (tensor<3x3x24x7xi8>, tensor<3x3x24x7xi1>) -> tensor<3x3x24x7xi8>
    %15 = tensor.expand_shape %14 [[0], [1], [2], [3, 4]] output_shape [3, 3, 24, 1, 7] : tensor<3x3x24x7xi8> into tensor<3x3x24x1x7xi8>
    %16 = spk.conv %15, %d_w bias %d_b {strides = array<i64: 1, 2>, padding = array<i64: 0, 1>, groups = 2 : i64} : (tensor<3x3x24x1x7xi8>, tensor<130x12x1x2xf32>, tensor<130xf32>) -> tensor<3x3x130x1x4xf32> loc("d.conv")
    %17 = spk.lif %16 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x3x130x1x4xf32> -> tensor<3x3x130x1x4xi1> loc("d.lif")
    %18 = spk.max_pool %17 {kernel = array<i64: 1, 2>, strides = array<i64: 1, 1>, padding = array<i64: 0, 0>} : tensor<3x3x130x1x4xi1> -> tensor<3x3x130x1x3xi1>
    %19 = spk.mean %18 {axes = array<i64: 3, 4>} : tensor<3x3x130x1x3xi1> -> tensor<3x3x130x1x1xf32>
    return %14, %19 : tensor<3x3x24x7xi8>, tensor<3x3x130x1x1xf32>
  }
}
