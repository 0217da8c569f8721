// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: bash %S/Inputs/equivalence.sh %t

// Max-pools whose last windows reach beyond the input (ceil_mode) and whose
// positions are apart (dilation): of currents, inside the tile of their
// convolution, of spikes behind their neuron, of integers, and of floats. 24 and
// 70 channels do not fill a word; 3 steps, batch 2.

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"a.w"(#ml_program.extern : tensor<70x3x3x3xf32>) : tensor<70x3x3x3xf32>
  ml_program.global private @"a.b"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"b.w"(#ml_program.extern : tensor<24x70x3x2xf32>) : tensor<24x70x3x2xf32>
  ml_program.global private @"b.b"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"c.w"(#ml_program.extern : tensor<70x24x2x2xf32>) : tensor<70x24x2x2xf32>
  ml_program.global private @"c.b"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"d.w"(#ml_program.extern : tensor<24x70x1x1xf32>) : tensor<24x70x1x1xf32>
  ml_program.global private @"d.b"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  func.func @main(%x0: tensor<3x2x3x20x23xf32> {spk.name = "x0"}) -> (tensor<3x2x24x3x3xi1> {spk.name = "spikes"}, tensor<3x2x70x7x8xf32> {spk.name = "floats"}) {
    %a_w = ml_program.global_load_const @"a.w" : tensor<70x3x3x3xf32>
    %a_b = ml_program.global_load_const @"a.b" : tensor<70xf32>
    %b_w = ml_program.global_load_const @"b.w" : tensor<24x70x3x2xf32>
    %b_b = ml_program.global_load_const @"b.b" : tensor<24xf32>
    %c_w = ml_program.global_load_const @"c.w" : tensor<70x24x2x2xf32>
    %c_b = ml_program.global_load_const @"c.b" : tensor<70xf32>
    %d_w = ml_program.global_load_const @"d.w" : tensor<24x70x1x1xf32>
    %d_b = ml_program.global_load_const @"d.b" : tensor<24xf32>
    %a0 = spk.conv %x0, %a_w bias %a_b {padding = array<i64: 1, 1>} : (tensor<3x2x3x20x23xf32>, tensor<70x3x3x3xf32>, tensor<70xf32>) -> tensor<3x2x70x20x23xf32> loc("a.conv")
    %a1 = spk.max_pool %a0 {kernel = array<i64: 2, 3>, strides = array<i64: 3, 3>, padding = array<i64: 0, 1>, ceil_mode} : tensor<3x2x70x20x23xf32> -> tensor<3x2x70x7x8xf32> loc("a.pool")
    %a2 = spk.lif %a1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x70x7x8xf32> -> tensor<3x2x70x7x8xi1> loc("a.lif")
    %a3 = spk.max_pool %a2 {kernel = array<i64: 2, 2>, dilation = array<i64: 2, 1>, padding = array<i64: 1, 0>} : tensor<3x2x70x7x8xi1> -> tensor<3x2x70x7x7xi1> loc("a.pool2")
    %b0 = spk.conv %a3, %b_w bias %b_b {padding = array<i64: 1, 1>} : (tensor<3x2x70x7x7xi1>, tensor<24x70x3x2xf32>, tensor<24xf32>) -> tensor<3x2x24x7x8xf32> loc("b.conv")
    %b1 = spk.max_pool %b0 {kernel = array<i64: 2, 3>, dilation = array<i64: 3, 2>, padding = array<i64: 1, 1>} : tensor<3x2x24x7x8xf32> -> tensor<3x2x24x6x6xf32> loc("b.pool")
    %b2 = spk.ilif %b1 {levels = 4 : i64, v_threshold = 1.0 : f32} : tensor<3x2x24x6x6xf32> -> tensor<3x2x24x6x6xi8> loc("b.lif")
    %b3 = spk.max_pool %b2 {kernel = array<i64: 2, 3>, strides = array<i64: 2, 2>, padding = array<i64: 0, 1>, ceil_mode} : tensor<3x2x24x6x6xi8> -> tensor<3x2x24x3x4xi8> loc("b.pool2")
    %c0 = spk.conv %b3, %c_w bias %c_b {padding = array<i64: 1, 0>} : (tensor<3x2x24x3x4xi8>, tensor<70x24x2x2xf32>, tensor<70xf32>) -> tensor<3x2x70x4x3xf32> loc("c.conv")
    %c1 = spk.lif %c0 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x70x4x3xf32> -> tensor<3x2x70x4x3xi1> loc("c.lif")
    %c2 = spk.max_pool %c1 {kernel = array<i64: 2, 1>} : tensor<3x2x70x4x3xi1> -> tensor<3x2x70x3x3xi1> loc("c.pool")
    %d0 = spk.conv %c2, %d_w bias %d_b : (tensor<3x2x70x3x3xi1>, tensor<24x70x1x1xf32>, tensor<24xf32>) -> tensor<3x2x24x3x3xf32> loc("d.conv")
    %d1 = spk.lif %d0 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x24x3x3xf32> -> tensor<3x2x24x3x3xi1> loc("d.lif")
    return %d1, %a1 : tensor<3x2x24x3x3xi1>, tensor<3x2x70x7x8xf32>
  }
}
