// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: bash %S/Inputs/equivalence.sh %t

// Arithmetic of floats behind a batch norm: ReLU, and LeakyReLU, which reads the
// norm twice in one kernel. 24, 65 and 70 channels do not fill a word; 3 steps,
// batch 2.

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"a.w"(#ml_program.extern : tensor<70x24xf32>) : tensor<70x24xf32>
  ml_program.global private @"a.gamma"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"a.beta"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"a.mean"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"a.var"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"b.w"(#ml_program.extern : tensor<65x70xf32>) : tensor<65x70xf32>
  ml_program.global private @"b.gamma"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"b.beta"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"b.mean"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"b.var"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"c.w"(#ml_program.extern : tensor<24x65xf32>) : tensor<24x65xf32>
  ml_program.global private @"c.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"c.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"c.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"c.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"d.w"(#ml_program.extern : tensor<70x24xf32>) : tensor<70x24xf32>
  ml_program.global private @"d.gamma"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"d.beta"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"d.mean"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"d.var"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  func.func @main(%x0: tensor<3x2x7x24xf32> {spk.name = "x0"}) -> (tensor<3x2x7x70xi1> {spk.name = "spikes"}, tensor<3x2x7x24xf32> {spk.name = "leaky"}) {
    %a_w = ml_program.global_load_const @"a.w" : tensor<70x24xf32>
    %a_gamma = ml_program.global_load_const @"a.gamma" : tensor<70xf32>
    %a_beta = ml_program.global_load_const @"a.beta" : tensor<70xf32>
    %a_mean = ml_program.global_load_const @"a.mean" : tensor<70xf32>
    %a_var = ml_program.global_load_const @"a.var" : tensor<70xf32>
    %b_w = ml_program.global_load_const @"b.w" : tensor<65x70xf32>
    %b_gamma = ml_program.global_load_const @"b.gamma" : tensor<65xf32>
    %b_beta = ml_program.global_load_const @"b.beta" : tensor<65xf32>
    %b_mean = ml_program.global_load_const @"b.mean" : tensor<65xf32>
    %b_var = ml_program.global_load_const @"b.var" : tensor<65xf32>
    %c_w = ml_program.global_load_const @"c.w" : tensor<24x65xf32>
    %c_gamma = ml_program.global_load_const @"c.gamma" : tensor<24xf32>
    %c_beta = ml_program.global_load_const @"c.beta" : tensor<24xf32>
    %c_mean = ml_program.global_load_const @"c.mean" : tensor<24xf32>
    %c_var = ml_program.global_load_const @"c.var" : tensor<24xf32>
    %d_w = ml_program.global_load_const @"d.w" : tensor<70x24xf32>
    %d_gamma = ml_program.global_load_const @"d.gamma" : tensor<70xf32>
    %d_beta = ml_program.global_load_const @"d.beta" : tensor<70xf32>
    %d_mean = ml_program.global_load_const @"d.mean" : tensor<70xf32>
    %d_var = ml_program.global_load_const @"d.var" : tensor<70xf32>
    %a0 = spk.linear %x0, %a_w : (tensor<3x2x7x24xf32>, tensor<70x24xf32>) -> tensor<3x2x7x70xf32> loc("a.linear")
    %a1 = spk.batch_norm %a0, %a_gamma, %a_beta, %a_mean, %a_var {layout = #spk.layout<channels_last>} : (tensor<3x2x7x70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<3x2x7x70xf32> loc("a.norm")
    %a2 = spk.lif %a1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x7x70xf32> -> tensor<3x2x7x70xi1> loc("a.lif")
    %b0 = spk.linear %a2, %b_w : (tensor<3x2x7x70xi1>, tensor<65x70xf32>) -> tensor<3x2x7x65xf32> loc("b.linear")
    %b1 = spk.batch_norm %b0, %b_gamma, %b_beta, %b_mean, %b_var {layout = #spk.layout<channels_last>} : (tensor<3x2x7x65xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>) -> tensor<3x2x7x65xf32> loc("b.norm")
    %zero = arith.constant dense<0.0> : tensor<3x2x7x65xf32>
    %b2 = arith.maximumf %b1, %zero : tensor<3x2x7x65xf32> loc("b.relu")
    %c0 = spk.linear %b2, %c_w : (tensor<3x2x7x65xf32>, tensor<24x65xf32>) -> tensor<3x2x7x24xf32> loc("c.linear")
    %c1 = spk.batch_norm %c0, %c_gamma, %c_beta, %c_mean, %c_var {layout = #spk.layout<channels_last>} : (tensor<3x2x7x24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<3x2x7x24xf32> loc("c.norm")
    %slope = arith.constant dense<0.01> : tensor<3x2x7x24xf32>
    %c2 = arith.mulf %c1, %slope : tensor<3x2x7x24xf32> loc("c.relu")
    %c3 = arith.maximumf %c1, %c2 : tensor<3x2x7x24xf32> loc("c.relu")
    %d0 = spk.linear %c3, %d_w : (tensor<3x2x7x24xf32>, tensor<70x24xf32>) -> tensor<3x2x7x70xf32> loc("d.linear")
    %d1 = spk.batch_norm %d0, %d_gamma, %d_beta, %d_mean, %d_var {layout = #spk.layout<channels_last>} : (tensor<3x2x7x70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<3x2x7x70xf32> loc("d.norm")
    %d2 = spk.lif %d1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x7x70xf32> -> tensor<3x2x7x70xi1> loc("d.lif")
    return %d2, %c3 : tensor<3x2x7x70xi1>, tensor<3x2x7x24xf32>
  }
}
