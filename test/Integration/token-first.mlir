// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: bash %S/Inputs/equivalence.sh %t

// The same model compiled for a batch of 3, against one sample at a time.
// RUN: spk-compile %t/net.mlir --batch=1 -o %t/one.so --emit=shared
// RUN: spk-run %t/plain.so %t/x0.npy --output=%t/three.npy
// RUN: spk-run %t/one.so %t/x0.npy --expect=%t/three.npy

// Events, 5 steps, batch 3, attention over 49 tokens of 2 heads of 24 channels,
// which do not start at a word, and an MLP over the stream of sums.

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"stem.w"(#ml_program.extern : tensor<65x2x3x3xf32>) : tensor<65x2x3x3xf32>
  ml_program.global private @"stem.gamma"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"stem.beta"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"stem.mean"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"stem.var"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"q.w"(#ml_program.extern : tensor<48x65xf32>) : tensor<48x65xf32>
  ml_program.global private @"q.gamma"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"q.beta"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"q.mean"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"q.var"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"k.w"(#ml_program.extern : tensor<48x65xf32>) : tensor<48x65xf32>
  ml_program.global private @"k.gamma"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"k.beta"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"k.mean"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"k.var"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"v.w"(#ml_program.extern : tensor<48x65xf32>) : tensor<48x65xf32>
  ml_program.global private @"v.gamma"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"v.beta"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"v.mean"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"v.var"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
  ml_program.global private @"proj.w"(#ml_program.extern : tensor<65x48xf32>) : tensor<65x48xf32>
  ml_program.global private @"proj.gamma"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"proj.beta"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"proj.mean"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"proj.var"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"up.w"(#ml_program.extern : tensor<130x65xf32>) : tensor<130x65xf32>
  ml_program.global private @"up.gamma"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"up.beta"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"up.mean"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"up.var"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"down.w"(#ml_program.extern : tensor<65x130xf32>) : tensor<65x130xf32>
  ml_program.global private @"down.gamma"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"down.beta"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"down.mean"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"down.var"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"head.w"(#ml_program.extern : tensor<10x65xf32>) : tensor<10x65xf32>
  ml_program.global private @"head.b"(#ml_program.extern : tensor<10xf32>) : tensor<10xf32>
  func.func @main(%x0: tensor<5x3x2x7x7xf32> {spk.name = "x0"}) -> (tensor<5x3x49x65xi8> {spk.name = "stream"}, tensor<1x3x10xf32> {spk.name = "logits", spk.static}) {
    %stem_w = ml_program.global_load_const @"stem.w" : tensor<65x2x3x3xf32>
    %stem_gamma = ml_program.global_load_const @"stem.gamma" : tensor<65xf32>
    %stem_beta = ml_program.global_load_const @"stem.beta" : tensor<65xf32>
    %stem_mean = ml_program.global_load_const @"stem.mean" : tensor<65xf32>
    %stem_var = ml_program.global_load_const @"stem.var" : tensor<65xf32>
    %q_w = ml_program.global_load_const @"q.w" : tensor<48x65xf32>
    %q_gamma = ml_program.global_load_const @"q.gamma" : tensor<48xf32>
    %q_beta = ml_program.global_load_const @"q.beta" : tensor<48xf32>
    %q_mean = ml_program.global_load_const @"q.mean" : tensor<48xf32>
    %q_var = ml_program.global_load_const @"q.var" : tensor<48xf32>
    %k_w = ml_program.global_load_const @"k.w" : tensor<48x65xf32>
    %k_gamma = ml_program.global_load_const @"k.gamma" : tensor<48xf32>
    %k_beta = ml_program.global_load_const @"k.beta" : tensor<48xf32>
    %k_mean = ml_program.global_load_const @"k.mean" : tensor<48xf32>
    %k_var = ml_program.global_load_const @"k.var" : tensor<48xf32>
    %v_w = ml_program.global_load_const @"v.w" : tensor<48x65xf32>
    %v_gamma = ml_program.global_load_const @"v.gamma" : tensor<48xf32>
    %v_beta = ml_program.global_load_const @"v.beta" : tensor<48xf32>
    %v_mean = ml_program.global_load_const @"v.mean" : tensor<48xf32>
    %v_var = ml_program.global_load_const @"v.var" : tensor<48xf32>
    %proj_w = ml_program.global_load_const @"proj.w" : tensor<65x48xf32>
    %proj_gamma = ml_program.global_load_const @"proj.gamma" : tensor<65xf32>
    %proj_beta = ml_program.global_load_const @"proj.beta" : tensor<65xf32>
    %proj_mean = ml_program.global_load_const @"proj.mean" : tensor<65xf32>
    %proj_var = ml_program.global_load_const @"proj.var" : tensor<65xf32>
    %up_w = ml_program.global_load_const @"up.w" : tensor<130x65xf32>
    %up_gamma = ml_program.global_load_const @"up.gamma" : tensor<130xf32>
    %up_beta = ml_program.global_load_const @"up.beta" : tensor<130xf32>
    %up_mean = ml_program.global_load_const @"up.mean" : tensor<130xf32>
    %up_var = ml_program.global_load_const @"up.var" : tensor<130xf32>
    %down_w = ml_program.global_load_const @"down.w" : tensor<65x130xf32>
    %down_gamma = ml_program.global_load_const @"down.gamma" : tensor<65xf32>
    %down_beta = ml_program.global_load_const @"down.beta" : tensor<65xf32>
    %down_mean = ml_program.global_load_const @"down.mean" : tensor<65xf32>
    %down_var = ml_program.global_load_const @"down.var" : tensor<65xf32>
    %head_w = ml_program.global_load_const @"head.w" : tensor<10x65xf32>
    %head_b = ml_program.global_load_const @"head.b" : tensor<10xf32>
    %0 = spk.conv %x0, %stem_w {strides = array<i64: 1, 1>, padding = array<i64: 1, 1>, groups = 1 : i64} : (tensor<5x3x2x7x7xf32>, tensor<65x2x3x3xf32>) -> tensor<5x3x65x7x7xf32> loc("stem.conv")
    %1 = spk.batch_norm %0, %stem_gamma, %stem_beta, %stem_mean, %stem_var {layout = #spk.layout<channels_first>} : (tensor<5x3x65x7x7xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>) -> tensor<5x3x65x7x7xf32> loc("stem.norm")
    %2 = spk.lif %1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<5x3x65x7x7xf32> -> tensor<5x3x65x7x7xi1> loc("stem.lif")
    %3 = tensor.collapse_shape %2 [[0], [1], [2], [3, 4]] : tensor<5x3x65x7x7xi1> into tensor<5x3x65x49xi1>
    %4 = tensor.empty() : tensor<5x3x49x65xi1>
    %5 = linalg.transpose ins(%3 : tensor<5x3x65x49xi1>) outs(%4 : tensor<5x3x49x65xi1>) permutation = [0, 1, 3, 2]
    %6 = spk.linear %5, %q_w {layout = #spk.layout<channels_last>} : (tensor<5x3x49x65xi1>, tensor<48x65xf32>) -> tensor<5x3x49x48xf32> loc("q.linear")
    %7 = spk.batch_norm %6, %q_gamma, %q_beta, %q_mean, %q_var {layout = #spk.layout<channels_last>} : (tensor<5x3x49x48xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<5x3x49x48xf32> loc("q.norm")
    %8 = spk.lif %7 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<5x3x49x48xf32> -> tensor<5x3x49x48xi1> loc("q.lif")
    %9 = spk.linear %5, %k_w {layout = #spk.layout<channels_last>} : (tensor<5x3x49x65xi1>, tensor<48x65xf32>) -> tensor<5x3x49x48xf32> loc("k.linear")
    %10 = spk.batch_norm %9, %k_gamma, %k_beta, %k_mean, %k_var {layout = #spk.layout<channels_last>} : (tensor<5x3x49x48xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<5x3x49x48xf32> loc("k.norm")
    %11 = spk.lif %10 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<5x3x49x48xf32> -> tensor<5x3x49x48xi1> loc("k.lif")
    %12 = spk.linear %5, %v_w {layout = #spk.layout<channels_last>} : (tensor<5x3x49x65xi1>, tensor<48x65xf32>) -> tensor<5x3x49x48xf32> loc("v.linear")
    %13 = spk.batch_norm %12, %v_gamma, %v_beta, %v_mean, %v_var {layout = #spk.layout<channels_last>} : (tensor<5x3x49x48xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<5x3x49x48xf32> loc("v.norm")
    %14 = spk.lif %13 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<5x3x49x48xf32> -> tensor<5x3x49x48xi1> loc("v.lif")
    %15 = spk.ssa %8, %11, %14 {num_heads = 2 : i64, scale = 0.125 : f32} : (tensor<5x3x49x48xi1>, tensor<5x3x49x48xi1>, tensor<5x3x49x48xi1>) -> tensor<5x3x49x48xf32>
    %16 = spk.lif %15 {v_reset = 0.0 : f32, v_threshold = 0.35 : f32} : tensor<5x3x49x48xf32> -> tensor<5x3x49x48xi1> loc("attn.lif")
    %17 = spk.linear %16, %proj_w {layout = #spk.layout<channels_last>} : (tensor<5x3x49x48xi1>, tensor<65x48xf32>) -> tensor<5x3x49x65xf32> loc("proj.linear")
    %18 = spk.batch_norm %17, %proj_gamma, %proj_beta, %proj_mean, %proj_var {layout = #spk.layout<channels_last>} : (tensor<5x3x49x65xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>) -> tensor<5x3x49x65xf32> loc("proj.norm")
    %19 = spk.lif %18 {tau = 1.5 : f32, v_threshold = 0.5 : f32} : tensor<5x3x49x65xf32> -> tensor<5x3x49x65xi1> loc("proj.lif")
    %20 = spk.add %5, %19 : (tensor<5x3x49x65xi1>, tensor<5x3x49x65xi1>) -> tensor<5x3x49x65xi8>
    %21 = spk.linear %20, %up_w {layout = #spk.layout<channels_last>} : (tensor<5x3x49x65xi8>, tensor<130x65xf32>) -> tensor<5x3x49x130xf32> loc("up.linear")
    %22 = spk.batch_norm %21, %up_gamma, %up_beta, %up_mean, %up_var {layout = #spk.layout<channels_last>} : (tensor<5x3x49x130xf32>, tensor<130xf32>, tensor<130xf32>, tensor<130xf32>, tensor<130xf32>) -> tensor<5x3x49x130xf32> loc("up.norm")
    %23 = spk.lif %22 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<5x3x49x130xf32> -> tensor<5x3x49x130xi1> loc("up.lif")
    %24 = spk.linear %23, %down_w {layout = #spk.layout<channels_last>} : (tensor<5x3x49x130xi1>, tensor<65x130xf32>) -> tensor<5x3x49x65xf32> loc("down.linear")
    %25 = spk.batch_norm %24, %down_gamma, %down_beta, %down_mean, %down_var {layout = #spk.layout<channels_last>} : (tensor<5x3x49x65xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>) -> tensor<5x3x49x65xf32> loc("down.norm")
    %26 = spk.lif %25 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<5x3x49x65xf32> -> tensor<5x3x49x65xi1> loc("down.lif")
    %27 = spk.add %20, %26 : (tensor<5x3x49x65xi8>, tensor<5x3x49x65xi1>) -> tensor<5x3x49x65xi8>
    %28 = spk.mean %27 {axes = array<i64: 2>} : tensor<5x3x49x65xi8> -> tensor<5x3x1x65xf32>
    %29 = tensor.collapse_shape %28 [[0], [1], [2, 3]] : tensor<5x3x1x65xf32> into tensor<5x3x65xf32>
    %30 = spk.mean %29 {axes = array<i64: 0>} : tensor<5x3x65xf32> -> tensor<1x3x65xf32>
    %31 = spk.linear %30, %head_w bias %head_b {layout = #spk.layout<channels_last>} : (tensor<1x3x65xf32>, tensor<10x65xf32>, tensor<10xf32>) -> tensor<1x3x10xf32> loc("head.linear")
    return %27, %31 : tensor<5x3x49x65xi8>, tensor<1x3x10xf32>
  }
}
