// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: bash %S/Inputs/equivalence.sh %t

// Token attention: spikes counted over the channels of a head, of which there are
// 10, 70 and one, and masks that hold for the channels of a head; the same for
// halves of rows. Joins by NOT and AND, a max-pool of integers up to 6, strided
// 1x1 convolutions of spikes and of integers, a 7x7 stem. Heads of 13 and of 2
// channels in words that 130 and 140 channels do not fill. 3 steps, batch 2.

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"stem.w"(#ml_program.extern : tensor<70x3x7x7xf32>) : tensor<70x3x7x7xf32>
  ml_program.global private @"stem.gamma"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"stem.beta"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"stem.mean"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"stem.var"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"q.w"(#ml_program.extern : tensor<130x70x1x1xf32>) : tensor<130x70x1x1xf32>
  ml_program.global private @"q.gamma"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"q.beta"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"q.mean"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"q.var"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"k.w"(#ml_program.extern : tensor<130x70x1x1xf32>) : tensor<130x70x1x1xf32>
  ml_program.global private @"k.gamma"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"k.beta"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"k.mean"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"k.var"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"p.w"(#ml_program.extern : tensor<140x70x1x1xf32>) : tensor<140x70x1x1xf32>
  ml_program.global private @"p.gamma"(#ml_program.extern : tensor<140xf32>) : tensor<140xf32>
  ml_program.global private @"p.beta"(#ml_program.extern : tensor<140xf32>) : tensor<140xf32>
  ml_program.global private @"p.mean"(#ml_program.extern : tensor<140xf32>) : tensor<140xf32>
  ml_program.global private @"p.var"(#ml_program.extern : tensor<140xf32>) : tensor<140xf32>
  ml_program.global private @"r.w"(#ml_program.extern : tensor<130x70x3x3xf32>) : tensor<130x70x3x3xf32>
  ml_program.global private @"r.gamma"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"r.beta"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"r.mean"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"r.var"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"down.w"(#ml_program.extern : tensor<24x130x1x1xf32>) : tensor<24x130x1x1xf32>
  ml_program.global private @"down.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"down.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"down.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"down.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"deep.w"(#ml_program.extern : tensor<24x130x3x3xf32>) : tensor<24x130x3x3xf32>
  ml_program.global private @"deep.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"deep.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"deep.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"deep.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"many_proj.w"(#ml_program.extern : tensor<24x140x1x1xf32>) : tensor<24x140x1x1xf32>
  ml_program.global private @"many_proj.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"many_proj.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"many_proj.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"many_proj.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"iand_proj.w"(#ml_program.extern : tensor<24x130x1x1xf32>) : tensor<24x130x1x1xf32>
  ml_program.global private @"iand_proj.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"iand_proj.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"iand_proj.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"iand_proj.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  func.func @main(%x0: tensor<3x2x3x9x11xf32> {spk.name = "x0"}) -> (tensor<3x2x24x1x1xf32> {spk.name = "means"}, tensor<3x2x130x3x3xi8> {spk.name = "pooled"}, tensor<3x2x130x5x6xi1> {spk.name = "rest"}, tensor<3x2x140x5x6xi1> {spk.name = "tokens"}) {
    %stem_w = ml_program.global_load_const @"stem.w" : tensor<70x3x7x7xf32>
    %stem_gamma = ml_program.global_load_const @"stem.gamma" : tensor<70xf32>
    %stem_beta = ml_program.global_load_const @"stem.beta" : tensor<70xf32>
    %stem_mean = ml_program.global_load_const @"stem.mean" : tensor<70xf32>
    %stem_var = ml_program.global_load_const @"stem.var" : tensor<70xf32>
    %q_w = ml_program.global_load_const @"q.w" : tensor<130x70x1x1xf32>
    %q_gamma = ml_program.global_load_const @"q.gamma" : tensor<130xf32>
    %q_beta = ml_program.global_load_const @"q.beta" : tensor<130xf32>
    %q_mean = ml_program.global_load_const @"q.mean" : tensor<130xf32>
    %q_var = ml_program.global_load_const @"q.var" : tensor<130xf32>
    %k_w = ml_program.global_load_const @"k.w" : tensor<130x70x1x1xf32>
    %k_gamma = ml_program.global_load_const @"k.gamma" : tensor<130xf32>
    %k_beta = ml_program.global_load_const @"k.beta" : tensor<130xf32>
    %k_mean = ml_program.global_load_const @"k.mean" : tensor<130xf32>
    %k_var = ml_program.global_load_const @"k.var" : tensor<130xf32>
    %p_w = ml_program.global_load_const @"p.w" : tensor<140x70x1x1xf32>
    %p_gamma = ml_program.global_load_const @"p.gamma" : tensor<140xf32>
    %p_beta = ml_program.global_load_const @"p.beta" : tensor<140xf32>
    %p_mean = ml_program.global_load_const @"p.mean" : tensor<140xf32>
    %p_var = ml_program.global_load_const @"p.var" : tensor<140xf32>
    %r_w = ml_program.global_load_const @"r.w" : tensor<130x70x3x3xf32>
    %r_gamma = ml_program.global_load_const @"r.gamma" : tensor<130xf32>
    %r_beta = ml_program.global_load_const @"r.beta" : tensor<130xf32>
    %r_mean = ml_program.global_load_const @"r.mean" : tensor<130xf32>
    %r_var = ml_program.global_load_const @"r.var" : tensor<130xf32>
    %down_w = ml_program.global_load_const @"down.w" : tensor<24x130x1x1xf32>
    %down_gamma = ml_program.global_load_const @"down.gamma" : tensor<24xf32>
    %down_beta = ml_program.global_load_const @"down.beta" : tensor<24xf32>
    %down_mean = ml_program.global_load_const @"down.mean" : tensor<24xf32>
    %down_var = ml_program.global_load_const @"down.var" : tensor<24xf32>
    %deep_w = ml_program.global_load_const @"deep.w" : tensor<24x130x3x3xf32>
    %deep_gamma = ml_program.global_load_const @"deep.gamma" : tensor<24xf32>
    %deep_beta = ml_program.global_load_const @"deep.beta" : tensor<24xf32>
    %deep_mean = ml_program.global_load_const @"deep.mean" : tensor<24xf32>
    %deep_var = ml_program.global_load_const @"deep.var" : tensor<24xf32>
    %many_proj_w = ml_program.global_load_const @"many_proj.w" : tensor<24x140x1x1xf32>
    %many_proj_gamma = ml_program.global_load_const @"many_proj.gamma" : tensor<24xf32>
    %many_proj_beta = ml_program.global_load_const @"many_proj.beta" : tensor<24xf32>
    %many_proj_mean = ml_program.global_load_const @"many_proj.mean" : tensor<24xf32>
    %many_proj_var = ml_program.global_load_const @"many_proj.var" : tensor<24xf32>
    %iand_proj_w = ml_program.global_load_const @"iand_proj.w" : tensor<24x130x1x1xf32>
    %iand_proj_gamma = ml_program.global_load_const @"iand_proj.gamma" : tensor<24xf32>
    %iand_proj_beta = ml_program.global_load_const @"iand_proj.beta" : tensor<24xf32>
    %iand_proj_mean = ml_program.global_load_const @"iand_proj.mean" : tensor<24xf32>
    %iand_proj_var = ml_program.global_load_const @"iand_proj.var" : tensor<24xf32>
    %0 = spk.conv %x0, %stem_w {strides = array<i64: 2, 2>, padding = array<i64: 3, 3>} : (tensor<3x2x3x9x11xf32>, tensor<70x3x7x7xf32>) -> tensor<3x2x70x5x6xf32> loc("stem.conv")
    %1 = spk.batch_norm %0, %stem_gamma, %stem_beta, %stem_mean, %stem_var : (tensor<3x2x70x5x6xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<3x2x70x5x6xf32> loc("stem.norm")
    %2 = spk.if %1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x70x5x6xf32> -> tensor<3x2x70x5x6xi1> loc("stem.lif")
    %3 = spk.conv %2, %q_w {strides = array<i64: 1, 1>, padding = array<i64: 0, 0>} : (tensor<3x2x70x5x6xi1>, tensor<130x70x1x1xf32>) -> tensor<3x2x130x5x6xf32> loc("q.conv")
    %4 = spk.batch_norm %3, %q_gamma, %q_beta, %q_mean, %q_var : (tensor<3x2x130x5x6xf32>, tensor<130xf32>, tensor<130xf32>, tensor<130xf32>, tensor<130xf32>) -> tensor<3x2x130x5x6xf32> loc("q.norm")
    %5 = spk.lif %4 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x130x5x6xf32> -> tensor<3x2x130x5x6xi1> loc("q.lif")
    %6 = spk.conv %2, %k_w {strides = array<i64: 1, 1>, padding = array<i64: 0, 0>} : (tensor<3x2x70x5x6xi1>, tensor<130x70x1x1xf32>) -> tensor<3x2x130x5x6xf32> loc("k.conv")
    %7 = spk.batch_norm %6, %k_gamma, %k_beta, %k_mean, %k_var : (tensor<3x2x130x5x6xf32>, tensor<130xf32>, tensor<130xf32>, tensor<130xf32>, tensor<130xf32>) -> tensor<3x2x130x5x6xf32> loc("k.norm")
    %8 = spk.lif %7 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x130x5x6xf32> -> tensor<3x2x130x5x6xi1> loc("k.lif")
    %9 = spk.conv %2, %p_w {strides = array<i64: 1, 1>, padding = array<i64: 0, 0>} : (tensor<3x2x70x5x6xi1>, tensor<140x70x1x1xf32>) -> tensor<3x2x140x5x6xf32> loc("p.conv")
    %10 = spk.batch_norm %9, %p_gamma, %p_beta, %p_mean, %p_var : (tensor<3x2x140x5x6xf32>, tensor<140xf32>, tensor<140xf32>, tensor<140xf32>, tensor<140xf32>) -> tensor<3x2x140x5x6xf32> loc("p.norm")
    %11 = spk.lif %10 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x140x5x6xf32> -> tensor<3x2x140x5x6xi1> loc("p.lif")
    %12 = spk.conv %2, %r_w {strides = array<i64: 1, 1>, padding = array<i64: 1, 1>} : (tensor<3x2x70x5x6xi1>, tensor<130x70x3x3xf32>) -> tensor<3x2x130x5x6xf32> loc("r.conv")
    %13 = spk.batch_norm %12, %r_gamma, %r_beta, %r_mean, %r_var : (tensor<3x2x130x5x6xf32>, tensor<130xf32>, tensor<130xf32>, tensor<130xf32>, tensor<130xf32>) -> tensor<3x2x130x5x6xf32> loc("r.norm")
    %14 = spk.lif %13 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x130x5x6xf32> -> tensor<3x2x130x5x6xi1> loc("r.lif")
    %15 = spk.count %5 {axes = array<i64: 2>, groups = 10 : i64} : tensor<3x2x130x5x6xi1> -> tensor<3x2x10x5x6xf32>
    %16 = spk.lif %15 {v_reset = 0.0 : f32, v_threshold = 1.8 : f32} : tensor<3x2x10x5x6xf32> -> tensor<3x2x10x5x6xi1> loc("heads.lif")
    %17 = spk.gate %8, %16 : (tensor<3x2x130x5x6xi1>, tensor<3x2x10x5x6xi1>) -> tensor<3x2x130x5x6xi1>
    %18 = spk.count %11 {axes = array<i64: 2>, groups = 70 : i64} : tensor<3x2x140x5x6xi1> -> tensor<3x2x70x5x6xf32>
    %19 = spk.lif %18 {v_reset = 0.0 : f32, v_threshold = 0.6 : f32} : tensor<3x2x70x5x6xf32> -> tensor<3x2x70x5x6xi1> loc("many.lif")
    %20 = spk.gate %11, %19 : (tensor<3x2x140x5x6xi1>, tensor<3x2x70x5x6xi1>) -> tensor<3x2x140x5x6xi1>
    %21 = spk.count %5 {axes = array<i64: 2>} : tensor<3x2x130x5x6xi1> -> tensor<3x2x1x5x6xf32>
    %22 = spk.lif %21 {v_reset = 0.0 : f32, v_threshold = 20.0 : f32} : tensor<3x2x1x5x6xf32> -> tensor<3x2x1x5x6xi1> loc("one.lif")
    %23 = spk.gate %14, %22 : (tensor<3x2x130x5x6xi1>, tensor<3x2x1x5x6xi1>) -> tensor<3x2x130x5x6xi1>
    %24 = spk.count %8 {axes = array<i64: 4>, groups = 2 : i64} : tensor<3x2x130x5x6xi1> -> tensor<3x2x130x5x2xf32>
    %25 = spk.lif %24 {v_reset = 0.0 : f32, v_threshold = 0.8 : f32} : tensor<3x2x130x5x2xf32> -> tensor<3x2x130x5x2xi1> loc("halves.lif")
    %26 = spk.gate %5, %25 : (tensor<3x2x130x5x6xi1>, tensor<3x2x130x5x2xi1>) -> tensor<3x2x130x5x6xi1>
    %27 = arith.ori %17, %23 : tensor<3x2x130x5x6xi1>
    %28 = arith.ori %27, %26 : tensor<3x2x130x5x6xi1>
    %29 = arith.constant dense<true> : tensor<3x2x130x5x6xi1>
    %30 = arith.xori %14, %29 : tensor<3x2x130x5x6xi1>
    %31 = arith.andi %28, %30 : tensor<3x2x130x5x6xi1>
    %32 = spk.add %28, %8 : (tensor<3x2x130x5x6xi1>, tensor<3x2x130x5x6xi1>) -> tensor<3x2x130x5x6xi8>
    %33 = spk.add %32, %5 : (tensor<3x2x130x5x6xi8>, tensor<3x2x130x5x6xi1>) -> tensor<3x2x130x5x6xi8>
    %34 = spk.add %33, %33 : (tensor<3x2x130x5x6xi8>, tensor<3x2x130x5x6xi8>) -> tensor<3x2x130x5x6xi8>
    %35 = spk.max_pool %34 {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding = array<i64: 1, 1>} : tensor<3x2x130x5x6xi8> -> tensor<3x2x130x3x3xi8>
    %36 = spk.conv %34, %down_w {strides = array<i64: 2, 2>, padding = array<i64: 0, 0>} : (tensor<3x2x130x5x6xi8>, tensor<24x130x1x1xf32>) -> tensor<3x2x24x3x3xf32> loc("down.conv")
    %37 = spk.batch_norm %36, %down_gamma, %down_beta, %down_mean, %down_var : (tensor<3x2x24x3x3xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<3x2x24x3x3xf32> loc("down.norm")
    %38 = spk.lif %37 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x24x3x3xf32> -> tensor<3x2x24x3x3xi1> loc("down.lif")
    %39 = spk.conv %35, %deep_w {strides = array<i64: 1, 1>, padding = array<i64: 1, 1>} : (tensor<3x2x130x3x3xi8>, tensor<24x130x3x3xf32>) -> tensor<3x2x24x3x3xf32> loc("deep.conv")
    %40 = spk.batch_norm %39, %deep_gamma, %deep_beta, %deep_mean, %deep_var : (tensor<3x2x24x3x3xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<3x2x24x3x3xf32> loc("deep.norm")
    %41 = spk.lif %40 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x24x3x3xf32> -> tensor<3x2x24x3x3xi1> loc("deep.lif")
    %42 = arith.andi %38, %41 : tensor<3x2x24x3x3xi1>
    %43 = spk.conv %20, %many_proj_w {strides = array<i64: 2, 2>, padding = array<i64: 0, 0>} : (tensor<3x2x140x5x6xi1>, tensor<24x140x1x1xf32>) -> tensor<3x2x24x3x3xf32> loc("many_proj.conv")
    %44 = spk.batch_norm %43, %many_proj_gamma, %many_proj_beta, %many_proj_mean, %many_proj_var : (tensor<3x2x24x3x3xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<3x2x24x3x3xf32> loc("many_proj.norm")
    %45 = spk.lif %44 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x24x3x3xf32> -> tensor<3x2x24x3x3xi1> loc("many_proj.lif")
    %46 = spk.conv %31, %iand_proj_w {strides = array<i64: 2, 2>, padding = array<i64: 0, 0>} : (tensor<3x2x130x5x6xi1>, tensor<24x130x1x1xf32>) -> tensor<3x2x24x3x3xf32> loc("iand_proj.conv")
    %47 = spk.batch_norm %46, %iand_proj_gamma, %iand_proj_beta, %iand_proj_mean, %iand_proj_var : (tensor<3x2x24x3x3xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<3x2x24x3x3xf32> loc("iand_proj.norm")
    %48 = spk.lif %47 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x24x3x3xf32> -> tensor<3x2x24x3x3xi1> loc("iand_proj.lif")
    %49 = arith.xori %42, %45 : tensor<3x2x24x3x3xi1>
    %50 = arith.ori %49, %48 : tensor<3x2x24x3x3xi1>
    %51 = spk.mean %50 {axes = array<i64: 3, 4>} : tensor<3x2x24x3x3xi1> -> tensor<3x2x24x1x1xf32>
    return %51, %35, %31, %20 : tensor<3x2x24x1x1xf32>, tensor<3x2x130x3x3xi8>, tensor<3x2x130x5x6xi1>, tensor<3x2x140x5x6xi1>
  }
}
