// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: bash %S/Inputs/equivalence.sh %t

// Every charge with a hard reset to zero, a hard reset elsewhere and a soft one.

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"n1.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n1.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n1.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n1.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n1.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n2.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n2.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n2.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n2.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n2.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n3.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n3.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n3.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n3.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n3.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n4.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n4.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n4.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n4.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n4.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n5.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n5.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n5.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n5.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n5.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n6.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n6.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n6.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n6.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n6.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n7.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n7.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n7.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n7.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n7.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n8.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n8.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n8.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n8.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n8.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n9.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n9.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n9.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n9.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n9.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n10.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n10.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n10.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n10.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n10.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n11.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n11.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n11.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n11.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n11.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n12.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n12.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n12.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n12.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n12.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n13.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n13.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n13.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n13.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n13.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n14.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n14.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n14.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n14.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n14.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n15.w"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
  ml_program.global private @"n15.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n15.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n15.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"n15.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  func.func @main(%x0: tensor<5x1x24x7xf32> {spk.name = "x0"}) -> (tensor<5x1x24x7xi1> {spk.name = "spikes"}) {
    %n1_w = ml_program.global_load_const @"n1.w" : tensor<24x24xf32>
    %n1_gamma = ml_program.global_load_const @"n1.gamma" : tensor<24xf32>
    %n1_beta = ml_program.global_load_const @"n1.beta" : tensor<24xf32>
    %n1_mean = ml_program.global_load_const @"n1.mean" : tensor<24xf32>
    %n1_var = ml_program.global_load_const @"n1.var" : tensor<24xf32>
    %n2_w = ml_program.global_load_const @"n2.w" : tensor<24x24xf32>
    %n2_gamma = ml_program.global_load_const @"n2.gamma" : tensor<24xf32>
    %n2_beta = ml_program.global_load_const @"n2.beta" : tensor<24xf32>
    %n2_mean = ml_program.global_load_const @"n2.mean" : tensor<24xf32>
    %n2_var = ml_program.global_load_const @"n2.var" : tensor<24xf32>
    %n3_w = ml_program.global_load_const @"n3.w" : tensor<24x24xf32>
    %n3_gamma = ml_program.global_load_const @"n3.gamma" : tensor<24xf32>
    %n3_beta = ml_program.global_load_const @"n3.beta" : tensor<24xf32>
    %n3_mean = ml_program.global_load_const @"n3.mean" : tensor<24xf32>
    %n3_var = ml_program.global_load_const @"n3.var" : tensor<24xf32>
    %n4_w = ml_program.global_load_const @"n4.w" : tensor<24x24xf32>
    %n4_gamma = ml_program.global_load_const @"n4.gamma" : tensor<24xf32>
    %n4_beta = ml_program.global_load_const @"n4.beta" : tensor<24xf32>
    %n4_mean = ml_program.global_load_const @"n4.mean" : tensor<24xf32>
    %n4_var = ml_program.global_load_const @"n4.var" : tensor<24xf32>
    %n5_w = ml_program.global_load_const @"n5.w" : tensor<24x24xf32>
    %n5_gamma = ml_program.global_load_const @"n5.gamma" : tensor<24xf32>
    %n5_beta = ml_program.global_load_const @"n5.beta" : tensor<24xf32>
    %n5_mean = ml_program.global_load_const @"n5.mean" : tensor<24xf32>
    %n5_var = ml_program.global_load_const @"n5.var" : tensor<24xf32>
    %n6_w = ml_program.global_load_const @"n6.w" : tensor<24x24xf32>
    %n6_gamma = ml_program.global_load_const @"n6.gamma" : tensor<24xf32>
    %n6_beta = ml_program.global_load_const @"n6.beta" : tensor<24xf32>
    %n6_mean = ml_program.global_load_const @"n6.mean" : tensor<24xf32>
    %n6_var = ml_program.global_load_const @"n6.var" : tensor<24xf32>
    %n7_w = ml_program.global_load_const @"n7.w" : tensor<24x24xf32>
    %n7_gamma = ml_program.global_load_const @"n7.gamma" : tensor<24xf32>
    %n7_beta = ml_program.global_load_const @"n7.beta" : tensor<24xf32>
    %n7_mean = ml_program.global_load_const @"n7.mean" : tensor<24xf32>
    %n7_var = ml_program.global_load_const @"n7.var" : tensor<24xf32>
    %n8_w = ml_program.global_load_const @"n8.w" : tensor<24x24xf32>
    %n8_gamma = ml_program.global_load_const @"n8.gamma" : tensor<24xf32>
    %n8_beta = ml_program.global_load_const @"n8.beta" : tensor<24xf32>
    %n8_mean = ml_program.global_load_const @"n8.mean" : tensor<24xf32>
    %n8_var = ml_program.global_load_const @"n8.var" : tensor<24xf32>
    %n9_w = ml_program.global_load_const @"n9.w" : tensor<24x24xf32>
    %n9_gamma = ml_program.global_load_const @"n9.gamma" : tensor<24xf32>
    %n9_beta = ml_program.global_load_const @"n9.beta" : tensor<24xf32>
    %n9_mean = ml_program.global_load_const @"n9.mean" : tensor<24xf32>
    %n9_var = ml_program.global_load_const @"n9.var" : tensor<24xf32>
    %n10_w = ml_program.global_load_const @"n10.w" : tensor<24x24xf32>
    %n10_gamma = ml_program.global_load_const @"n10.gamma" : tensor<24xf32>
    %n10_beta = ml_program.global_load_const @"n10.beta" : tensor<24xf32>
    %n10_mean = ml_program.global_load_const @"n10.mean" : tensor<24xf32>
    %n10_var = ml_program.global_load_const @"n10.var" : tensor<24xf32>
    %n11_w = ml_program.global_load_const @"n11.w" : tensor<24x24xf32>
    %n11_gamma = ml_program.global_load_const @"n11.gamma" : tensor<24xf32>
    %n11_beta = ml_program.global_load_const @"n11.beta" : tensor<24xf32>
    %n11_mean = ml_program.global_load_const @"n11.mean" : tensor<24xf32>
    %n11_var = ml_program.global_load_const @"n11.var" : tensor<24xf32>
    %n12_w = ml_program.global_load_const @"n12.w" : tensor<24x24xf32>
    %n12_gamma = ml_program.global_load_const @"n12.gamma" : tensor<24xf32>
    %n12_beta = ml_program.global_load_const @"n12.beta" : tensor<24xf32>
    %n12_mean = ml_program.global_load_const @"n12.mean" : tensor<24xf32>
    %n12_var = ml_program.global_load_const @"n12.var" : tensor<24xf32>
    %n13_w = ml_program.global_load_const @"n13.w" : tensor<24x24xf32>
    %n13_gamma = ml_program.global_load_const @"n13.gamma" : tensor<24xf32>
    %n13_beta = ml_program.global_load_const @"n13.beta" : tensor<24xf32>
    %n13_mean = ml_program.global_load_const @"n13.mean" : tensor<24xf32>
    %n13_var = ml_program.global_load_const @"n13.var" : tensor<24xf32>
    %n14_w = ml_program.global_load_const @"n14.w" : tensor<24x24xf32>
    %n14_gamma = ml_program.global_load_const @"n14.gamma" : tensor<24xf32>
    %n14_beta = ml_program.global_load_const @"n14.beta" : tensor<24xf32>
    %n14_mean = ml_program.global_load_const @"n14.mean" : tensor<24xf32>
    %n14_var = ml_program.global_load_const @"n14.var" : tensor<24xf32>
    %n15_w = ml_program.global_load_const @"n15.w" : tensor<24x24xf32>
    %n15_gamma = ml_program.global_load_const @"n15.gamma" : tensor<24xf32>
    %n15_beta = ml_program.global_load_const @"n15.beta" : tensor<24xf32>
    %n15_mean = ml_program.global_load_const @"n15.mean" : tensor<24xf32>
    %n15_var = ml_program.global_load_const @"n15.var" : tensor<24xf32>
    %0 = spk.linear %x0, %n1_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n1.linear")
    %1 = spk.batch_norm %0, %n1_gamma, %n1_beta, %n1_mean, %n1_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n1.norm")
    %2 = spk.lif %1 {charge = #spk.charge<decay_input>, tau = 1.5 : f32, v_reset = 0.0 : f32, v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n1.lif")
    %3 = spk.linear %2, %n2_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xi1>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n2.linear")
    %4 = spk.batch_norm %3, %n2_gamma, %n2_beta, %n2_mean, %n2_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n2.norm")
    %5 = spk.lif %4 {charge = #spk.charge<decay_input>, tau = 1.5 : f32, v_reset = -0.3 : f32, v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n2.lif")
    %6 = spk.linear %5, %n3_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xi1>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n3.linear")
    %7 = spk.batch_norm %6, %n3_gamma, %n3_beta, %n3_mean, %n3_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n3.norm")
    %8 = spk.lif %7 {charge = #spk.charge<decay_input>, tau = 1.5 : f32, v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n3.lif")
    %9 = spk.linear %8, %n4_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xi1>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n4.linear")
    %10 = spk.batch_norm %9, %n4_gamma, %n4_beta, %n4_mean, %n4_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n4.norm")
    %11 = spk.lif %10 {charge = #spk.charge<no_decay_input>, tau = 1.7 : f32, v_reset = 0.0 : f32, v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n4.lif")
    %12 = spk.linear %11, %n5_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xi1>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n5.linear")
    %13 = spk.batch_norm %12, %n5_gamma, %n5_beta, %n5_mean, %n5_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n5.norm")
    %14 = spk.lif %13 {charge = #spk.charge<no_decay_input>, tau = 1.7 : f32, v_reset = -0.3 : f32, v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n5.lif")
    %15 = spk.linear %14, %n6_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xi1>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n6.linear")
    %16 = spk.batch_norm %15, %n6_gamma, %n6_beta, %n6_mean, %n6_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n6.norm")
    %17 = spk.lif %16 {charge = #spk.charge<no_decay_input>, tau = 1.7 : f32, v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n6.lif")
    %18 = spk.linear %17, %n7_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xi1>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n7.linear")
    %19 = spk.batch_norm %18, %n7_gamma, %n7_beta, %n7_mean, %n7_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n7.norm")
    %20 = spk.lif %19 {charge = #spk.charge<multiply>, factor = 0.4 : f32, v_reset = 0.0 : f32, v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n7.lif")
    %21 = spk.linear %20, %n8_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xi1>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n8.linear")
    %22 = spk.batch_norm %21, %n8_gamma, %n8_beta, %n8_mean, %n8_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n8.norm")
    %23 = spk.lif %22 {charge = #spk.charge<multiply>, factor = 0.4 : f32, v_reset = -0.3 : f32, v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n8.lif")
    %24 = spk.linear %23, %n9_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xi1>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n9.linear")
    %25 = spk.batch_norm %24, %n9_gamma, %n9_beta, %n9_mean, %n9_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n9.norm")
    %26 = spk.lif %25 {charge = #spk.charge<multiply>, factor = 0.4 : f32, v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n9.lif")
    %27 = spk.linear %26, %n10_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xi1>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n10.linear")
    %28 = spk.batch_norm %27, %n10_gamma, %n10_beta, %n10_mean, %n10_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n10.norm")
    %29 = spk.lif %28 {charge = #spk.charge<retain>, factor = 0.3 : f32, v_reset = 0.0 : f32, v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n10.lif")
    %30 = spk.linear %29, %n11_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xi1>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n11.linear")
    %31 = spk.batch_norm %30, %n11_gamma, %n11_beta, %n11_mean, %n11_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n11.norm")
    %32 = spk.lif %31 {charge = #spk.charge<retain>, factor = 0.3 : f32, v_reset = -0.3 : f32, v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n11.lif")
    %33 = spk.linear %32, %n12_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xi1>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n12.linear")
    %34 = spk.batch_norm %33, %n12_gamma, %n12_beta, %n12_mean, %n12_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n12.norm")
    %35 = spk.lif %34 {charge = #spk.charge<retain>, factor = 0.3 : f32, v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n12.lif")
    %36 = spk.linear %35, %n13_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xi1>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n13.linear")
    %37 = spk.batch_norm %36, %n13_gamma, %n13_beta, %n13_mean, %n13_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n13.norm")
    %38 = spk.if %37 {v_reset = 0.0 : f32, v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n13.lif")
    %39 = spk.linear %38, %n14_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xi1>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n14.linear")
    %40 = spk.batch_norm %39, %n14_gamma, %n14_beta, %n14_mean, %n14_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n14.norm")
    %41 = spk.if %40 {v_reset = 0.2 : f32, v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n14.lif")
    %42 = spk.linear %41, %n15_w {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xi1>, tensor<24x24xf32>) -> tensor<5x1x24x7xf32> loc("n15.linear")
    %43 = spk.batch_norm %42, %n15_gamma, %n15_beta, %n15_mean, %n15_var {layout = #spk.layout<channels_first>} : (tensor<5x1x24x7xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<5x1x24x7xf32> loc("n15.norm")
    %44 = spk.if %43 {v_threshold = 0.7 : f32} : tensor<5x1x24x7xf32> -> tensor<5x1x24x7xi1> loc("n15.lif")
    return %44 : tensor<5x1x24x7xi1>
  }
}
