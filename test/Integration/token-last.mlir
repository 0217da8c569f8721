// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: bash %S/Inputs/equivalence.sh %t

// One step on spikes, 3 groups, 65 tokens, token-last attention with a scale that is no
// power of two: the products keep the order of the model and round. Heads of 65
// and 96 channels overlap words.

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"stem.w"(#ml_program.extern : tensor<24x1x3x2xf32>) : tensor<24x1x3x2xf32>
  ml_program.global private @"stem.b"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"q.w"(#ml_program.extern : tensor<130x24xf32>) : tensor<130x24xf32>
  ml_program.global private @"q.b"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"k.w"(#ml_program.extern : tensor<130x24xf32>) : tensor<130x24xf32>
  ml_program.global private @"k.b"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"v.w"(#ml_program.extern : tensor<130x24xf32>) : tensor<130x24xf32>
  ml_program.global private @"v.b"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"proj.w"(#ml_program.extern : tensor<24x130xf32>) : tensor<24x130xf32>
  ml_program.global private @"proj.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"proj.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"proj.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"proj.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"q2.w"(#ml_program.extern : tensor<192x24xf32>) : tensor<192x24xf32>
  ml_program.global private @"q2.gamma"(#ml_program.extern : tensor<192xf32>) : tensor<192xf32>
  ml_program.global private @"q2.beta"(#ml_program.extern : tensor<192xf32>) : tensor<192xf32>
  ml_program.global private @"q2.mean"(#ml_program.extern : tensor<192xf32>) : tensor<192xf32>
  ml_program.global private @"q2.var"(#ml_program.extern : tensor<192xf32>) : tensor<192xf32>
  ml_program.global private @"k2.w"(#ml_program.extern : tensor<192x24xf32>) : tensor<192x24xf32>
  ml_program.global private @"k2.gamma"(#ml_program.extern : tensor<192xf32>) : tensor<192xf32>
  ml_program.global private @"k2.beta"(#ml_program.extern : tensor<192xf32>) : tensor<192xf32>
  ml_program.global private @"k2.mean"(#ml_program.extern : tensor<192xf32>) : tensor<192xf32>
  ml_program.global private @"k2.var"(#ml_program.extern : tensor<192xf32>) : tensor<192xf32>
  ml_program.global private @"v2.w"(#ml_program.extern : tensor<192x24xf32>) : tensor<192x24xf32>
  ml_program.global private @"v2.gamma"(#ml_program.extern : tensor<192xf32>) : tensor<192xf32>
  ml_program.global private @"v2.beta"(#ml_program.extern : tensor<192xf32>) : tensor<192xf32>
  ml_program.global private @"v2.mean"(#ml_program.extern : tensor<192xf32>) : tensor<192xf32>
  ml_program.global private @"v2.var"(#ml_program.extern : tensor<192xf32>) : tensor<192xf32>
  ml_program.global private @"proj2.w"(#ml_program.extern : tensor<24x192xf32>) : tensor<24x192xf32>
  ml_program.global private @"proj2.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"proj2.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"proj2.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"proj2.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"head.w"(#ml_program.extern : tensor<3x24xf32>) : tensor<3x24xf32>
  ml_program.global private @"head.b"(#ml_program.extern : tensor<3xf32>) : tensor<3xf32>
  func.func @main(%x0: tensor<1x1x3x6x13xi1> {spk.name = "x0"}) -> (tensor<1x1x24x65xi1> {spk.name = "spikes"}, tensor<1x1x3xf32> {spk.name = "logits"}) {
    %stem_w = ml_program.global_load_const @"stem.w" : tensor<24x1x3x2xf32>
    %stem_b = ml_program.global_load_const @"stem.b" : tensor<24xf32>
    %q_w = ml_program.global_load_const @"q.w" : tensor<130x24xf32>
    %q_b = ml_program.global_load_const @"q.b" : tensor<130xf32>
    %k_w = ml_program.global_load_const @"k.w" : tensor<130x24xf32>
    %k_b = ml_program.global_load_const @"k.b" : tensor<130xf32>
    %v_w = ml_program.global_load_const @"v.w" : tensor<130x24xf32>
    %v_b = ml_program.global_load_const @"v.b" : tensor<130xf32>
    %proj_w = ml_program.global_load_const @"proj.w" : tensor<24x130xf32>
    %proj_gamma = ml_program.global_load_const @"proj.gamma" : tensor<24xf32>
    %proj_beta = ml_program.global_load_const @"proj.beta" : tensor<24xf32>
    %proj_mean = ml_program.global_load_const @"proj.mean" : tensor<24xf32>
    %proj_var = ml_program.global_load_const @"proj.var" : tensor<24xf32>
    %q2_w = ml_program.global_load_const @"q2.w" : tensor<192x24xf32>
    %q2_gamma = ml_program.global_load_const @"q2.gamma" : tensor<192xf32>
    %q2_beta = ml_program.global_load_const @"q2.beta" : tensor<192xf32>
    %q2_mean = ml_program.global_load_const @"q2.mean" : tensor<192xf32>
    %q2_var = ml_program.global_load_const @"q2.var" : tensor<192xf32>
    %k2_w = ml_program.global_load_const @"k2.w" : tensor<192x24xf32>
    %k2_gamma = ml_program.global_load_const @"k2.gamma" : tensor<192xf32>
    %k2_beta = ml_program.global_load_const @"k2.beta" : tensor<192xf32>
    %k2_mean = ml_program.global_load_const @"k2.mean" : tensor<192xf32>
    %k2_var = ml_program.global_load_const @"k2.var" : tensor<192xf32>
    %v2_w = ml_program.global_load_const @"v2.w" : tensor<192x24xf32>
    %v2_gamma = ml_program.global_load_const @"v2.gamma" : tensor<192xf32>
    %v2_beta = ml_program.global_load_const @"v2.beta" : tensor<192xf32>
    %v2_mean = ml_program.global_load_const @"v2.mean" : tensor<192xf32>
    %v2_var = ml_program.global_load_const @"v2.var" : tensor<192xf32>
    %proj2_w = ml_program.global_load_const @"proj2.w" : tensor<24x192xf32>
    %proj2_gamma = ml_program.global_load_const @"proj2.gamma" : tensor<24xf32>
    %proj2_beta = ml_program.global_load_const @"proj2.beta" : tensor<24xf32>
    %proj2_mean = ml_program.global_load_const @"proj2.mean" : tensor<24xf32>
    %proj2_var = ml_program.global_load_const @"proj2.var" : tensor<24xf32>
    %head_w = ml_program.global_load_const @"head.w" : tensor<3x24xf32>
    %head_b = ml_program.global_load_const @"head.b" : tensor<3xf32>
    %0 = spk.conv %x0, %stem_w bias %stem_b {strides = array<i64: 1, 1>, padding = array<i64: 1, 1>, groups = 3 : i64} : (tensor<1x1x3x6x13xi1>, tensor<24x1x3x2xf32>, tensor<24xf32>) -> tensor<1x1x24x6x14xf32> loc("stem.conv")
    %1 = spk.max_pool %0 {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, padding = array<i64: 0, 0>} : tensor<1x1x24x6x14xf32> -> tensor<1x1x24x5x13xf32>
    %2 = spk.lif %1 {charge = #spk.charge<no_decay_input>, v_threshold = 1.0 : f32} : tensor<1x1x24x5x13xf32> -> tensor<1x1x24x5x13xi1> loc("stem.lif")
    %3 = tensor.collapse_shape %2 [[0], [1], [2], [3, 4]] : tensor<1x1x24x5x13xi1> into tensor<1x1x24x65xi1>
    %4 = spk.linear %3, %q_w bias %q_b {layout = #spk.layout<channels_first>} : (tensor<1x1x24x65xi1>, tensor<130x24xf32>, tensor<130xf32>) -> tensor<1x1x130x65xf32> loc("q.linear")
    %5 = spk.lif %4 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<1x1x130x65xf32> -> tensor<1x1x130x65xi1> loc("q.lif")
    %6 = spk.linear %3, %k_w bias %k_b {layout = #spk.layout<channels_first>} : (tensor<1x1x24x65xi1>, tensor<130x24xf32>, tensor<130xf32>) -> tensor<1x1x130x65xf32> loc("k.linear")
    %7 = spk.lif %6 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<1x1x130x65xf32> -> tensor<1x1x130x65xi1> loc("k.lif")
    %8 = spk.linear %3, %v_w bias %v_b {layout = #spk.layout<channels_first>} : (tensor<1x1x24x65xi1>, tensor<130x24xf32>, tensor<130xf32>) -> tensor<1x1x130x65xf32> loc("v.linear")
    %9 = spk.lif %8 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<1x1x130x65xf32> -> tensor<1x1x130x65xi1> loc("v.lif")
    %10 = spk.ssa %5, %7, %9 {num_heads = 2 : i64, scale = 0.3 : f32, source_order = #spk.association<kv_first>, scale_after = #spk.scale_after<first>, token_layout = #spk.token_layout<token_last>} : (tensor<1x1x130x65xi1>, tensor<1x1x130x65xi1>, tensor<1x1x130x65xi1>) -> tensor<1x1x130x65xf32>
    %11 = spk.lif %10 {v_reset = 0.0 : f32, v_threshold = 6.2 : f32} : tensor<1x1x130x65xf32> -> tensor<1x1x130x65xi1> loc("attn.lif")
    %12 = spk.linear %11, %proj_w {layout = #spk.layout<channels_first>} : (tensor<1x1x130x65xi1>, tensor<24x130xf32>) -> tensor<1x1x24x65xf32> loc("proj.linear")
    %13 = spk.batch_norm %12, %proj_gamma, %proj_beta, %proj_mean, %proj_var {layout = #spk.layout<channels_first>} : (tensor<1x1x24x65xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<1x1x24x65xf32> loc("proj.norm")
    %14 = spk.lif %13 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<1x1x24x65xf32> -> tensor<1x1x24x65xi1> loc("proj.lif")
    %15 = spk.linear %14, %q2_w {layout = #spk.layout<channels_first>} : (tensor<1x1x24x65xi1>, tensor<192x24xf32>) -> tensor<1x1x192x65xf32> loc("q2.linear")
    %16 = spk.batch_norm %15, %q2_gamma, %q2_beta, %q2_mean, %q2_var {layout = #spk.layout<channels_first>} : (tensor<1x1x192x65xf32>, tensor<192xf32>, tensor<192xf32>, tensor<192xf32>, tensor<192xf32>) -> tensor<1x1x192x65xf32> loc("q2.norm")
    %17 = spk.lif %16 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<1x1x192x65xf32> -> tensor<1x1x192x65xi1> loc("q2.lif")
    %18 = spk.linear %14, %k2_w {layout = #spk.layout<channels_first>} : (tensor<1x1x24x65xi1>, tensor<192x24xf32>) -> tensor<1x1x192x65xf32> loc("k2.linear")
    %19 = spk.batch_norm %18, %k2_gamma, %k2_beta, %k2_mean, %k2_var {layout = #spk.layout<channels_first>} : (tensor<1x1x192x65xf32>, tensor<192xf32>, tensor<192xf32>, tensor<192xf32>, tensor<192xf32>) -> tensor<1x1x192x65xf32> loc("k2.norm")
    %20 = spk.lif %19 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<1x1x192x65xf32> -> tensor<1x1x192x65xi1> loc("k2.lif")
    %21 = spk.linear %14, %v2_w {layout = #spk.layout<channels_first>} : (tensor<1x1x24x65xi1>, tensor<192x24xf32>) -> tensor<1x1x192x65xf32> loc("v2.linear")
    %22 = spk.batch_norm %21, %v2_gamma, %v2_beta, %v2_mean, %v2_var {layout = #spk.layout<channels_first>} : (tensor<1x1x192x65xf32>, tensor<192xf32>, tensor<192xf32>, tensor<192xf32>, tensor<192xf32>) -> tensor<1x1x192x65xf32> loc("v2.norm")
    %23 = spk.lif %22 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<1x1x192x65xf32> -> tensor<1x1x192x65xi1> loc("v2.lif")
    %24 = spk.ssa %17, %20, %23 {num_heads = 2 : i64, scale = 0.3 : f32, source_order = #spk.association<qk_first>, scale_after = #spk.scale_after<first>, token_layout = #spk.token_layout<token_last>} : (tensor<1x1x192x65xi1>, tensor<1x1x192x65xi1>, tensor<1x1x192x65xi1>) -> tensor<1x1x192x65xf32>
    %25 = spk.lif %24 {v_reset = 0.0 : f32, v_threshold = 8.6 : f32} : tensor<1x1x192x65xf32> -> tensor<1x1x192x65xi1> loc("attn2.lif")
    %26 = spk.linear %25, %proj2_w {layout = #spk.layout<channels_first>} : (tensor<1x1x192x65xi1>, tensor<24x192xf32>) -> tensor<1x1x24x65xf32> loc("proj2.linear")
    %27 = spk.batch_norm %26, %proj2_gamma, %proj2_beta, %proj2_mean, %proj2_var {layout = #spk.layout<channels_first>} : (tensor<1x1x24x65xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<1x1x24x65xf32> loc("proj2.norm")
    %28 = spk.lif %27 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<1x1x24x65xf32> -> tensor<1x1x24x65xi1> loc("proj2.lif")
    %29 = spk.mean %28 {axes = array<i64: 3>} : tensor<1x1x24x65xi1> -> tensor<1x1x24x1xf32>
    %30 = tensor.collapse_shape %29 [[0], [1], [2, 3]] : tensor<1x1x24x1xf32> into tensor<1x1x24xf32>
    %31 = spk.linear %30, %head_w bias %head_b {layout = #spk.layout<channels_last>} : (tensor<1x1x24xf32>, tensor<3x24xf32>, tensor<3xf32>) -> tensor<1x1x3xf32> loc("head.linear")
    return %28, %31 : tensor<1x1x24x65xi1>, tensor<1x1x3xf32>
  }
}
