// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: bash %S/Inputs/equivalence.sh %t

// Spike-driven attention and membrane shortcuts: a float max-pool that is read by
// a neuron and by a join, currents that are read again behind their neuron, keys
// AND values, counts over both and over one spatial axis, masks that are the same
// for all positions, for a column and for all channels, OR and XOR of spikes. 70
// and 130 channels do not fill words. 3 steps, batch 2, 4 x 5 positions.

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"stem.w"(#ml_program.extern : tensor<70x3x3x3xf32>) : tensor<70x3x3x3xf32>
  ml_program.global private @"stem.gamma"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"stem.beta"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"stem.mean"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"stem.var"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"rpe.w"(#ml_program.extern : tensor<70x70x3x3xf32>) : tensor<70x70x3x3xf32>
  ml_program.global private @"rpe.gamma"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"rpe.beta"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"rpe.mean"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"rpe.var"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"q.w"(#ml_program.extern : tensor<70x70x1x1xf32>) : tensor<70x70x1x1xf32>
  ml_program.global private @"q.gamma"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"q.beta"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"q.mean"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"q.var"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"k.w"(#ml_program.extern : tensor<70x70x1x1xf32>) : tensor<70x70x1x1xf32>
  ml_program.global private @"k.gamma"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"k.beta"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"k.mean"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"k.var"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"v.w"(#ml_program.extern : tensor<70x70x1x1xf32>) : tensor<70x70x1x1xf32>
  ml_program.global private @"v.gamma"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"v.beta"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"v.mean"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"v.var"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"one.w"(#ml_program.extern : tensor<1x70x1x1xf32>) : tensor<1x70x1x1xf32>
  ml_program.global private @"one.gamma"(#ml_program.extern : tensor<1xf32>) : tensor<1xf32>
  ml_program.global private @"one.beta"(#ml_program.extern : tensor<1xf32>) : tensor<1xf32>
  ml_program.global private @"one.mean"(#ml_program.extern : tensor<1xf32>) : tensor<1xf32>
  ml_program.global private @"one.var"(#ml_program.extern : tensor<1xf32>) : tensor<1xf32>
  ml_program.global private @"proj.w"(#ml_program.extern : tensor<70x70x1x1xf32>) : tensor<70x70x1x1xf32>
  ml_program.global private @"proj.gamma"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"proj.beta"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"proj.mean"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"proj.var"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"fc1.w"(#ml_program.extern : tensor<130x70x1x1xf32>) : tensor<130x70x1x1xf32>
  ml_program.global private @"fc1.gamma"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"fc1.beta"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"fc1.mean"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"fc1.var"(#ml_program.extern : tensor<130xf32>) : tensor<130xf32>
  ml_program.global private @"fc2.w"(#ml_program.extern : tensor<70x130x1x1xf32>) : tensor<70x130x1x1xf32>
  ml_program.global private @"fc2.gamma"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"fc2.beta"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"fc2.mean"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"fc2.var"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  func.func @main(%x0: tensor<3x2x3x7x9xf32> {spk.name = "x0"}) -> (tensor<3x2x70x1x1xf32> {spk.name = "means"}, tensor<3x2x70x4x5xf32> {spk.name = "stream"}, tensor<3x2x70x4x5xi1> {spk.name = "spikes"}) {
    %stem_w = ml_program.global_load_const @"stem.w" : tensor<70x3x3x3xf32>
    %stem_gamma = ml_program.global_load_const @"stem.gamma" : tensor<70xf32>
    %stem_beta = ml_program.global_load_const @"stem.beta" : tensor<70xf32>
    %stem_mean = ml_program.global_load_const @"stem.mean" : tensor<70xf32>
    %stem_var = ml_program.global_load_const @"stem.var" : tensor<70xf32>
    %rpe_w = ml_program.global_load_const @"rpe.w" : tensor<70x70x3x3xf32>
    %rpe_gamma = ml_program.global_load_const @"rpe.gamma" : tensor<70xf32>
    %rpe_beta = ml_program.global_load_const @"rpe.beta" : tensor<70xf32>
    %rpe_mean = ml_program.global_load_const @"rpe.mean" : tensor<70xf32>
    %rpe_var = ml_program.global_load_const @"rpe.var" : tensor<70xf32>
    %q_w = ml_program.global_load_const @"q.w" : tensor<70x70x1x1xf32>
    %q_gamma = ml_program.global_load_const @"q.gamma" : tensor<70xf32>
    %q_beta = ml_program.global_load_const @"q.beta" : tensor<70xf32>
    %q_mean = ml_program.global_load_const @"q.mean" : tensor<70xf32>
    %q_var = ml_program.global_load_const @"q.var" : tensor<70xf32>
    %k_w = ml_program.global_load_const @"k.w" : tensor<70x70x1x1xf32>
    %k_gamma = ml_program.global_load_const @"k.gamma" : tensor<70xf32>
    %k_beta = ml_program.global_load_const @"k.beta" : tensor<70xf32>
    %k_mean = ml_program.global_load_const @"k.mean" : tensor<70xf32>
    %k_var = ml_program.global_load_const @"k.var" : tensor<70xf32>
    %v_w = ml_program.global_load_const @"v.w" : tensor<70x70x1x1xf32>
    %v_gamma = ml_program.global_load_const @"v.gamma" : tensor<70xf32>
    %v_beta = ml_program.global_load_const @"v.beta" : tensor<70xf32>
    %v_mean = ml_program.global_load_const @"v.mean" : tensor<70xf32>
    %v_var = ml_program.global_load_const @"v.var" : tensor<70xf32>
    %one_w = ml_program.global_load_const @"one.w" : tensor<1x70x1x1xf32>
    %one_gamma = ml_program.global_load_const @"one.gamma" : tensor<1xf32>
    %one_beta = ml_program.global_load_const @"one.beta" : tensor<1xf32>
    %one_mean = ml_program.global_load_const @"one.mean" : tensor<1xf32>
    %one_var = ml_program.global_load_const @"one.var" : tensor<1xf32>
    %proj_w = ml_program.global_load_const @"proj.w" : tensor<70x70x1x1xf32>
    %proj_gamma = ml_program.global_load_const @"proj.gamma" : tensor<70xf32>
    %proj_beta = ml_program.global_load_const @"proj.beta" : tensor<70xf32>
    %proj_mean = ml_program.global_load_const @"proj.mean" : tensor<70xf32>
    %proj_var = ml_program.global_load_const @"proj.var" : tensor<70xf32>
    %fc1_w = ml_program.global_load_const @"fc1.w" : tensor<130x70x1x1xf32>
    %fc1_gamma = ml_program.global_load_const @"fc1.gamma" : tensor<130xf32>
    %fc1_beta = ml_program.global_load_const @"fc1.beta" : tensor<130xf32>
    %fc1_mean = ml_program.global_load_const @"fc1.mean" : tensor<130xf32>
    %fc1_var = ml_program.global_load_const @"fc1.var" : tensor<130xf32>
    %fc2_w = ml_program.global_load_const @"fc2.w" : tensor<70x130x1x1xf32>
    %fc2_gamma = ml_program.global_load_const @"fc2.gamma" : tensor<70xf32>
    %fc2_beta = ml_program.global_load_const @"fc2.beta" : tensor<70xf32>
    %fc2_mean = ml_program.global_load_const @"fc2.mean" : tensor<70xf32>
    %fc2_var = ml_program.global_load_const @"fc2.var" : tensor<70xf32>
    %0 = spk.conv %x0, %stem_w {padding = array<i64: 1, 1>} : (tensor<3x2x3x7x9xf32>, tensor<70x3x3x3xf32>) -> tensor<3x2x70x7x9xf32> loc("stem.conv")
    %1 = spk.batch_norm %0, %stem_gamma, %stem_beta, %stem_mean, %stem_var : (tensor<3x2x70x7x9xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<3x2x70x7x9xf32> loc("stem.norm")
    %2 = spk.max_pool %1 {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding = array<i64: 1, 1>} : tensor<3x2x70x7x9xf32> -> tensor<3x2x70x4x5xf32>
    %3 = spk.lif %2 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x70x4x5xf32> -> tensor<3x2x70x4x5xi1> loc("stem.lif")
    %4 = spk.conv %3, %rpe_w {padding = array<i64: 1, 1>} : (tensor<3x2x70x4x5xi1>, tensor<70x70x3x3xf32>) -> tensor<3x2x70x4x5xf32> loc("rpe.conv")
    %5 = spk.batch_norm %4, %rpe_gamma, %rpe_beta, %rpe_mean, %rpe_var : (tensor<3x2x70x4x5xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<3x2x70x4x5xf32> loc("rpe.norm")
    %6 = arith.addf %5, %2 : tensor<3x2x70x4x5xf32>
    %7 = spk.lif %6 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x70x4x5xf32> -> tensor<3x2x70x4x5xi1> loc("shortcut.lif")
    %8 = spk.conv %7, %q_w {padding = array<i64: 0, 0>} : (tensor<3x2x70x4x5xi1>, tensor<70x70x1x1xf32>) -> tensor<3x2x70x4x5xf32> loc("q.conv")
    %9 = spk.batch_norm %8, %q_gamma, %q_beta, %q_mean, %q_var : (tensor<3x2x70x4x5xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<3x2x70x4x5xf32> loc("q.norm")
    %10 = spk.lif %9 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x70x4x5xf32> -> tensor<3x2x70x4x5xi1> loc("q.lif")
    %11 = spk.conv %7, %k_w {padding = array<i64: 0, 0>} : (tensor<3x2x70x4x5xi1>, tensor<70x70x1x1xf32>) -> tensor<3x2x70x4x5xf32> loc("k.conv")
    %12 = spk.batch_norm %11, %k_gamma, %k_beta, %k_mean, %k_var : (tensor<3x2x70x4x5xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<3x2x70x4x5xf32> loc("k.norm")
    %13 = spk.lif %12 {v_reset = 0.0 : f32, v_threshold = 0.5 : f32} : tensor<3x2x70x4x5xf32> -> tensor<3x2x70x4x5xi1> loc("k.lif")
    %14 = spk.conv %7, %v_w {padding = array<i64: 0, 0>} : (tensor<3x2x70x4x5xi1>, tensor<70x70x1x1xf32>) -> tensor<3x2x70x4x5xf32> loc("v.conv")
    %15 = spk.batch_norm %14, %v_gamma, %v_beta, %v_mean, %v_var : (tensor<3x2x70x4x5xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<3x2x70x4x5xf32> loc("v.norm")
    %16 = spk.lif %15 {v_threshold = 1.0 : f32} : tensor<3x2x70x4x5xf32> -> tensor<3x2x70x4x5xi1> loc("v.lif")
    %17 = arith.andi %13, %16 : tensor<3x2x70x4x5xi1>
    %18 = spk.count %17 {axes = array<i64: 3, 4>} : tensor<3x2x70x4x5xi1> -> tensor<3x2x70x1x1xf32>
    %19 = spk.lif %18 {v_reset = 0.0 : f32, v_threshold = 1.6 : f32} : tensor<3x2x70x1x1xf32> -> tensor<3x2x70x1x1xi1> loc("talking.lif")
    %20 = spk.gate %10, %19 : (tensor<3x2x70x4x5xi1>, tensor<3x2x70x1x1xi1>) -> tensor<3x2x70x4x5xi1>
    %21 = spk.conv %7, %one_w {padding = array<i64: 0, 0>} : (tensor<3x2x70x4x5xi1>, tensor<1x70x1x1xf32>) -> tensor<3x2x1x4x5xf32> loc("one.conv")
    %22 = spk.batch_norm %21, %one_gamma, %one_beta, %one_mean, %one_var : (tensor<3x2x1x4x5xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<3x2x1x4x5xf32> loc("one.norm")
    %23 = spk.lif %22 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x1x4x5xf32> -> tensor<3x2x1x4x5xi1> loc("one.lif")
    %24 = spk.count %13 {axes = array<i64: 3>} : tensor<3x2x70x4x5xi1> -> tensor<3x2x70x1x5xf32>
    %25 = spk.lif %24 {v_reset = 0.0 : f32, v_threshold = 1.5 : f32} : tensor<3x2x70x1x5xf32> -> tensor<3x2x70x1x5xi1> loc("rows.lif")
    %26 = spk.gate %16, %23 : (tensor<3x2x70x4x5xi1>, tensor<3x2x1x4x5xi1>) -> tensor<3x2x70x4x5xi1>
    %27 = spk.gate %16, %25 : (tensor<3x2x70x4x5xi1>, tensor<3x2x70x1x5xi1>) -> tensor<3x2x70x4x5xi1>
    %28 = arith.ori %20, %26 : tensor<3x2x70x4x5xi1>
    %29 = arith.xori %28, %27 : tensor<3x2x70x4x5xi1>
    %30 = spk.conv %29, %proj_w {padding = array<i64: 0, 0>} : (tensor<3x2x70x4x5xi1>, tensor<70x70x1x1xf32>) -> tensor<3x2x70x4x5xf32> loc("proj.conv")
    %31 = spk.batch_norm %30, %proj_gamma, %proj_beta, %proj_mean, %proj_var : (tensor<3x2x70x4x5xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<3x2x70x4x5xf32> loc("proj.norm")
    %32 = arith.addf %31, %6 : tensor<3x2x70x4x5xf32>
    %33 = spk.lif %32 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x70x4x5xf32> -> tensor<3x2x70x4x5xi1> loc("fc1in.lif")
    %34 = spk.conv %33, %fc1_w {padding = array<i64: 0, 0>} : (tensor<3x2x70x4x5xi1>, tensor<130x70x1x1xf32>) -> tensor<3x2x130x4x5xf32> loc("fc1.conv")
    %35 = spk.batch_norm %34, %fc1_gamma, %fc1_beta, %fc1_mean, %fc1_var : (tensor<3x2x130x4x5xf32>, tensor<130xf32>, tensor<130xf32>, tensor<130xf32>, tensor<130xf32>) -> tensor<3x2x130x4x5xf32> loc("fc1.norm")
    %36 = spk.lif %35 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x130x4x5xf32> -> tensor<3x2x130x4x5xi1> loc("fc1.lif")
    %37 = spk.conv %36, %fc2_w {padding = array<i64: 0, 0>} : (tensor<3x2x130x4x5xi1>, tensor<70x130x1x1xf32>) -> tensor<3x2x70x4x5xf32> loc("fc2.conv")
    %38 = spk.batch_norm %37, %fc2_gamma, %fc2_beta, %fc2_mean, %fc2_var : (tensor<3x2x70x4x5xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<3x2x70x4x5xf32> loc("fc2.norm")
    %39 = arith.addf %38, %32 : tensor<3x2x70x4x5xf32>
    %40 = spk.mean %39 {axes = array<i64: 3, 4>} : tensor<3x2x70x4x5xf32> -> tensor<3x2x70x1x1xf32>
    return %40, %32, %29 : tensor<3x2x70x1x1xf32>, tensor<3x2x70x4x5xf32>, tensor<3x2x70x4x5xi1>
  }
}
