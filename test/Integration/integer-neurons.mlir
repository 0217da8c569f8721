// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: bash %S/Inputs/equivalence.sh %t
// RUN: bash %S/Inputs/equivalence.sh %t quick --binary-substeps

// Neurons that fire integers, in both roundings, with state and without, up to
// 1, 4, 6 and 9: 1 to 4 bit planes, in words that 24, 65 and 70 channels do not
// fill. A max-pool of integers, their sum, their mean. 3 steps, batch 2. Then once
// more in binary sub-steps, whose sums round otherwise.

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"a.w"(#ml_program.extern : tensor<24x3x3x3xf32>) : tensor<24x3x3x3xf32>
  ml_program.global private @"a.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"a.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"a.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"a.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"b.w"(#ml_program.extern : tensor<65x24x2x3xf32>) : tensor<65x24x2x3xf32>
  ml_program.global private @"b.gamma"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"b.beta"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"b.mean"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"b.var"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"c.w"(#ml_program.extern : tensor<24x65x1x1xf32>) : tensor<24x65x1x1xf32>
  ml_program.global private @"c.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"c.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"c.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"c.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"d.w"(#ml_program.extern : tensor<24x1x3x3xf32>) : tensor<24x1x3x3xf32>
  ml_program.global private @"d.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"d.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"d.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"d.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"e.w"(#ml_program.extern : tensor<70x24x1x2xf32>) : tensor<70x24x1x2xf32>
  ml_program.global private @"e.gamma"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"e.beta"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"e.mean"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"e.var"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  func.func @main(%x0: tensor<3x2x3x6x9xf32> {spk.name = "x0"}) -> (tensor<3x2x65x2x4xi8> {spk.name = "pooled"}, tensor<3x2x24x2x4xi8> {spk.name = "stream"}, tensor<3x2x70x1x1xf32> {spk.name = "means"}) {
    %a_w = ml_program.global_load_const @"a.w" : tensor<24x3x3x3xf32>
    %a_gamma = ml_program.global_load_const @"a.gamma" : tensor<24xf32>
    %a_beta = ml_program.global_load_const @"a.beta" : tensor<24xf32>
    %a_mean = ml_program.global_load_const @"a.mean" : tensor<24xf32>
    %a_var = ml_program.global_load_const @"a.var" : tensor<24xf32>
    %b_w = ml_program.global_load_const @"b.w" : tensor<65x24x2x3xf32>
    %b_gamma = ml_program.global_load_const @"b.gamma" : tensor<65xf32>
    %b_beta = ml_program.global_load_const @"b.beta" : tensor<65xf32>
    %b_mean = ml_program.global_load_const @"b.mean" : tensor<65xf32>
    %b_var = ml_program.global_load_const @"b.var" : tensor<65xf32>
    %c_w = ml_program.global_load_const @"c.w" : tensor<24x65x1x1xf32>
    %c_gamma = ml_program.global_load_const @"c.gamma" : tensor<24xf32>
    %c_beta = ml_program.global_load_const @"c.beta" : tensor<24xf32>
    %c_mean = ml_program.global_load_const @"c.mean" : tensor<24xf32>
    %c_var = ml_program.global_load_const @"c.var" : tensor<24xf32>
    %d_w = ml_program.global_load_const @"d.w" : tensor<24x1x3x3xf32>
    %d_gamma = ml_program.global_load_const @"d.gamma" : tensor<24xf32>
    %d_beta = ml_program.global_load_const @"d.beta" : tensor<24xf32>
    %d_mean = ml_program.global_load_const @"d.mean" : tensor<24xf32>
    %d_var = ml_program.global_load_const @"d.var" : tensor<24xf32>
    %e_w = ml_program.global_load_const @"e.w" : tensor<70x24x1x2xf32>
    %e_gamma = ml_program.global_load_const @"e.gamma" : tensor<70xf32>
    %e_beta = ml_program.global_load_const @"e.beta" : tensor<70xf32>
    %e_mean = ml_program.global_load_const @"e.mean" : tensor<70xf32>
    %e_var = ml_program.global_load_const @"e.var" : tensor<70xf32>
    %0 = spk.conv %x0, %a_w {padding = array<i64: 1, 1>, groups = 1 : i64} : (tensor<3x2x3x6x9xf32>, tensor<24x3x3x3xf32>) -> tensor<3x2x24x6x9xf32> loc("a.conv")
    %1 = spk.batch_norm %0, %a_gamma, %a_beta, %a_mean, %a_var {layout = #spk.layout<channels_first>} : (tensor<3x2x24x6x9xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<3x2x24x6x9xf32> loc("a.norm")
    %2 = spk.ilif %1 {charge = #spk.charge<retain>, factor = 0.25 : f32, levels = 4 : i64, v_threshold = 1.0 : f32} : tensor<3x2x24x6x9xf32> -> tensor<3x2x24x6x9xi8> loc("a.lif")
    %3 = spk.conv %2, %b_w {padding = array<i64: 0, 1>, groups = 1 : i64} : (tensor<3x2x24x6x9xi8>, tensor<65x24x2x3xf32>) -> tensor<3x2x65x5x9xf32> loc("b.conv")
    %4 = spk.batch_norm %3, %b_gamma, %b_beta, %b_mean, %b_var {layout = #spk.layout<channels_first>} : (tensor<3x2x65x5x9xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>) -> tensor<3x2x65x5x9xf32> loc("b.norm")
    %5 = spk.ilif %4 {charge = #spk.charge<no_decay_input>, tau = 1.5 : f32, levels = 6 : i64, rounding = #spk.rounding<half_up>, v_threshold = 0.7 : f32} : tensor<3x2x65x5x9xf32> -> tensor<3x2x65x5x9xi8> loc("b.lif")
    %6 = spk.max_pool %5 {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding = array<i64: 0, 0>} : tensor<3x2x65x5x9xi8> -> tensor<3x2x65x2x4xi8>
    %7 = spk.conv %6, %c_w {padding = array<i64: 0, 0>, groups = 1 : i64} : (tensor<3x2x65x2x4xi8>, tensor<24x65x1x1xf32>) -> tensor<3x2x24x2x4xf32> loc("c.conv")
    %8 = spk.batch_norm %7, %c_gamma, %c_beta, %c_mean, %c_var {layout = #spk.layout<channels_first>} : (tensor<3x2x24x2x4xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<3x2x24x2x4xf32> loc("c.norm")
    %9 = spk.multi_spike %8 {levels = 4 : i64} : tensor<3x2x24x2x4xf32> -> tensor<3x2x24x2x4xi8> loc("c.lif")
    %10 = spk.conv %9, %d_w {padding = array<i64: 1, 1>, groups = 24 : i64} : (tensor<3x2x24x2x4xi8>, tensor<24x1x3x3xf32>) -> tensor<3x2x24x2x4xf32> loc("d.conv")
    %11 = spk.batch_norm %10, %d_gamma, %d_beta, %d_mean, %d_var {layout = #spk.layout<channels_first>} : (tensor<3x2x24x2x4xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<3x2x24x2x4xf32> loc("d.norm")
    %12 = spk.multi_spike %11 {levels = 9 : i64, rounding = #spk.rounding<half_up>} : tensor<3x2x24x2x4xf32> -> tensor<3x2x24x2x4xi8> loc("d.lif")
    %13 = spk.add %9, %12 : (tensor<3x2x24x2x4xi8>, tensor<3x2x24x2x4xi8>) -> tensor<3x2x24x2x4xi8>
    %14 = spk.conv %13, %e_w {padding = array<i64: 0, 0>, groups = 1 : i64} : (tensor<3x2x24x2x4xi8>, tensor<70x24x1x2xf32>) -> tensor<3x2x70x2x3xf32> loc("e.conv")
    %15 = spk.batch_norm %14, %e_gamma, %e_beta, %e_mean, %e_var {layout = #spk.layout<channels_first>} : (tensor<3x2x70x2x3xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<3x2x70x2x3xf32> loc("e.norm")
    %16 = spk.ilif %15 {levels = 1 : i64, v_threshold = 1.0 : f32} : tensor<3x2x70x2x3xf32> -> tensor<3x2x70x2x3xi8> loc("e.lif")
    %17 = spk.mean %16 {axes = array<i64: 3, 4>} : tensor<3x2x70x2x3xi8> -> tensor<3x2x70x1x1xf32>
    return %6, %13, %17 : tensor<3x2x65x2x4xi8>, tensor<3x2x24x2x4xi8>, tensor<3x2x70x1x1xf32>
  }
}
