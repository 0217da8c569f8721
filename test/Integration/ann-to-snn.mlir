// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: bash %S/Inputs/equivalence.sh %t quick
// RUN: mkdir %t/snn && cp %t/net.safetensors %t/x0.npy %t/snn
// RUN: spk-opt %t/net.mlir --spk-ann-to-snn="T=3 extra-t=2" --mlir-print-debuginfo -o %t/snn/net.mlir
// RUN: bash %S/Inputs/equivalence.sh %t/snn

// An ANN, and the SNN that it becomes: the staircases of the one, signed neurons,
// pooled sums and running results of the other. 24, 65 and 70 channels do not
// fill a word; batch 2.

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"a.w"(#ml_program.extern : tensor<70x3x3x3xf32>) : tensor<70x3x3x3xf32>
  ml_program.global private @"a.gamma"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"a.beta"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"a.mean"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"a.var"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"b.w"(#ml_program.extern : tensor<24x70xf32>) : tensor<24x70xf32>
  ml_program.global private @"b.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"b.beta"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"b.mean"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"b.var"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"c.w"(#ml_program.extern : tensor<65x24xf32>) : tensor<65x24xf32>
  ml_program.global private @"c.b"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"c.gamma"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"c.beta"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"c.mean"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"c.var"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"h.w"(#ml_program.extern : tensor<5x65xf32>) : tensor<5x65xf32>
  ml_program.global private @"h.b"(#ml_program.extern : tensor<5xf32>) : tensor<5xf32>
  func.func @main(%x0: tensor<1x2x3x7x5xf32> {spk.name = "x0", spk.static}) -> (tensor<1x2x5xf32> {spk.name = "y", spk.static}) {
    %a_w = ml_program.global_load_const @"a.w" : tensor<70x3x3x3xf32>
    %a_gamma = ml_program.global_load_const @"a.gamma" : tensor<70xf32>
    %a_beta = ml_program.global_load_const @"a.beta" : tensor<70xf32>
    %a_mean = ml_program.global_load_const @"a.mean" : tensor<70xf32>
    %a_var = ml_program.global_load_const @"a.var" : tensor<70xf32>
    %b_w = ml_program.global_load_const @"b.w" : tensor<24x70xf32>
    %b_gamma = ml_program.global_load_const @"b.gamma" : tensor<24xf32>
    %b_beta = ml_program.global_load_const @"b.beta" : tensor<24xf32>
    %b_mean = ml_program.global_load_const @"b.mean" : tensor<24xf32>
    %b_var = ml_program.global_load_const @"b.var" : tensor<24xf32>
    %c_w = ml_program.global_load_const @"c.w" : tensor<65x24xf32>
    %c_b = ml_program.global_load_const @"c.b" : tensor<65xf32>
    %c_gamma = ml_program.global_load_const @"c.gamma" : tensor<65xf32>
    %c_beta = ml_program.global_load_const @"c.beta" : tensor<65xf32>
    %c_mean = ml_program.global_load_const @"c.mean" : tensor<65xf32>
    %c_var = ml_program.global_load_const @"c.var" : tensor<65xf32>
    %h_w = ml_program.global_load_const @"h.w" : tensor<5x65xf32>
    %h_b = ml_program.global_load_const @"h.b" : tensor<5xf32>
    %0 = spk.conv %x0, %a_w {padding = array<i64: 1, 1>} : (tensor<1x2x3x7x5xf32>, tensor<70x3x3x3xf32>) -> tensor<1x2x70x7x5xf32> loc("a.conv")
    %1 = spk.batch_norm %0, %a_gamma, %a_beta, %a_mean, %a_var {layout = #spk.layout<channels_first>} : (tensor<1x2x70x7x5xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<1x2x70x7x5xf32> loc("a.norm")
    %2 = spk.qcfs %1 {levels = 2 : i64, up = 1.7 : f32} : tensor<1x2x70x7x5xf32> -> tensor<1x2x70x7x5xf32> loc("a.lif")
    %3 = spk.max_pool %2 {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding = array<i64: 1, 1>} : tensor<1x2x70x7x5xf32> -> tensor<1x2x70x4x3xf32> loc("a.pool")
    %4 = tensor.collapse_shape %3 [[0], [1], [2], [3, 4]] : tensor<1x2x70x4x3xf32> into tensor<1x2x70x12xf32>
    %e = tensor.empty() : tensor<1x2x12x70xf32>
    %5 = linalg.transpose ins(%4 : tensor<1x2x70x12xf32>) outs(%e : tensor<1x2x12x70xf32>) permutation = [0, 1, 3, 2]
    %6 = spk.linear %5, %b_w : (tensor<1x2x12x70xf32>, tensor<24x70xf32>) -> tensor<1x2x12x24xf32> loc("b.linear")
    %7 = spk.batch_norm %6, %b_gamma, %b_beta, %b_mean, %b_var {layout = #spk.layout<channels_last>} : (tensor<1x2x12x24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<1x2x12x24xf32> loc("b.norm")
    %8 = spk.qcfs %7 {levels = 4 : i64, up = 2.0 : f32} : tensor<1x2x12x24xf32> -> tensor<1x2x12x24xf32> loc("b.lif")
    %9 = spk.linear %8, %c_w bias %c_b : (tensor<1x2x12x24xf32>, tensor<65x24xf32>, tensor<65xf32>) -> tensor<1x2x12x65xf32> loc("c.linear")
    %10 = spk.batch_norm %9, %c_gamma, %c_beta, %c_mean, %c_var {layout = #spk.layout<channels_last>} : (tensor<1x2x12x65xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>) -> tensor<1x2x12x65xf32> loc("c.norm")
    %11 = spk.qcfs %10 {levels = 1 : i64, up = 0.9 : f32} : tensor<1x2x12x65xf32> -> tensor<1x2x12x65xf32> loc("c.lif")
    %12 = spk.mean %11 {axes = array<i64: 2>} : tensor<1x2x12x65xf32> -> tensor<1x2x1x65xf32> loc("mean")
    %13 = tensor.collapse_shape %12 [[0], [1], [2, 3]] : tensor<1x2x1x65xf32> into tensor<1x2x65xf32>
    %14 = spk.linear %13, %h_w bias %h_b : (tensor<1x2x65xf32>, tensor<5x65xf32>, tensor<5xf32>) -> tensor<1x2x5xf32> loc("h.linear")
    return %14 : tensor<1x2x5xf32>
  }
}
