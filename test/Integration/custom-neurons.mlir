// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: bash %S/Inputs/equivalence.sh %t

// Neurons written as regions: two states and spikes, one state and floats, equal
// ones that differ in where they start. 24, 65 and 70 channels do not fill a
// word; 4 steps, batch 2.

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"a.w"(#ml_program.extern : tensor<70x24xf32>) : tensor<70x24xf32>
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
  ml_program.global private @"c.gamma"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"c.beta"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"c.mean"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  ml_program.global private @"c.var"(#ml_program.extern : tensor<65xf32>) : tensor<65xf32>
  func.func @main(%x0: tensor<4x2x7x24xf32> {spk.name = "x0"}) -> (tensor<4x2x7x24xf32> {spk.name = "floats"}, tensor<1x2x7x65xf32> {spk.name = "mean", spk.static}) {
    %a_w = ml_program.global_load_const @"a.w" : tensor<70x24xf32>
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
    %c_gamma = ml_program.global_load_const @"c.gamma" : tensor<65xf32>
    %c_beta = ml_program.global_load_const @"c.beta" : tensor<65xf32>
    %c_mean = ml_program.global_load_const @"c.mean" : tensor<65xf32>
    %c_var = ml_program.global_load_const @"c.var" : tensor<65xf32>
    %0 = spk.linear %x0, %a_w : (tensor<4x2x7x24xf32>, tensor<70x24xf32>) -> tensor<4x2x7x70xf32> loc("a.linear")
    %1 = spk.batch_norm %0, %a_gamma, %a_beta, %a_mean, %a_var {layout = #spk.layout<channels_last>} : (tensor<4x2x7x70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<4x2x7x70xf32> loc("a.norm")
    %2 = spk.neuron %1 {resting = array<f32: 0.0, 0.0>} : tensor<4x2x7x70xf32> -> tensor<4x2x7x70xi1> { ^bb0(%v: f32, %a: f32, %i: f32): %half = arith.constant 0.5 : f32 %one = arith.constant 1.0 : f32 %third = arith.constant 0.3 : f32 %leak = arith.mulf %v, %half : f32 %h = arith.addf %leak, %i : f32 %more = arith.mulf %a, %third : f32 %threshold = arith.addf %one, %more : f32 %f = arith.cmpf oge, %h, %threshold : f32 %rest = arith.subf %h, %one : f32 %next = arith.select %f, %rest, %h : f32 %n = arith.uitofp %f : i1 to f32 %decayed = arith.divf %a, %third : f32 %low = arith.minimumf %decayed, %one : f32 %b = arith.addf %low, %n : f32 spk.fire %h, %f state %next, %b : i1 } loc("a.lif")
    %3 = spk.linear %2, %b_w : (tensor<4x2x7x70xi1>, tensor<24x70xf32>) -> tensor<4x2x7x24xf32> loc("b.linear")
    %4 = spk.batch_norm %3, %b_gamma, %b_beta, %b_mean, %b_var {layout = #spk.layout<channels_last>} : (tensor<4x2x7x24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<4x2x7x24xf32> loc("b.norm")
    %5 = spk.neuron %4 {resting = array<f32: 0.25>} : tensor<4x2x7x24xf32> -> tensor<4x2x7x24xf32> { ^bb0(%v: f32, %i: f32): %one = arith.constant 1.0 : f32 %zero = arith.constant 0.0 : f32 %true = arith.constant true %h = arith.addf %v, %i : f32 %m = arith.negf %h : f32 %d = arith.maximumf %h, %m : f32 %f = arith.cmpf olt, %d, %one : f32 %g = arith.xori %f, %true : i1 %p = arith.cmpf ogt, %i, %zero : f32 %q = arith.andi %g, %p : i1 %r = arith.ori %q, %q : i1 %s = arith.uitofp %r : i1 to f32 %k = arith.mulf %s, %h : f32 %next = arith.subf %h, %k : f32 spk.fire %h, %k state %next : f32 } loc("b.lif")
    %6 = spk.linear %5, %c_w : (tensor<4x2x7x24xf32>, tensor<65x24xf32>) -> tensor<4x2x7x65xf32> loc("c.linear")
    %7 = spk.batch_norm %6, %c_gamma, %c_beta, %c_mean, %c_var {layout = #spk.layout<channels_last>} : (tensor<4x2x7x65xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>, tensor<65xf32>) -> tensor<4x2x7x65xf32> loc("c.norm")
    %8 = spk.neuron %7 {resting = array<f32: 0.0, 0.5>} : tensor<4x2x7x65xf32> -> tensor<4x2x7x65xi1> { ^bb0(%v: f32, %a: f32, %i: f32): %half = arith.constant 0.5 : f32 %one = arith.constant 1.0 : f32 %third = arith.constant 0.3 : f32 %leak = arith.mulf %v, %half : f32 %h = arith.addf %leak, %i : f32 %more = arith.mulf %a, %third : f32 %threshold = arith.addf %one, %more : f32 %f = arith.cmpf oge, %h, %threshold : f32 %rest = arith.subf %h, %one : f32 %next = arith.select %f, %rest, %h : f32 %n = arith.uitofp %f : i1 to f32 %decayed = arith.divf %a, %third : f32 %low = arith.minimumf %decayed, %one : f32 %b = arith.addf %low, %n : f32 spk.fire %h, %f state %next, %b : i1 } loc("c.lif")
    %9 = spk.mean %8 {axes = array<i64: 0>} : tensor<4x2x7x65xi1> -> tensor<1x2x7x65xf32>
    return %5, %9 : tensor<4x2x7x24xf32>, tensor<1x2x7x65xf32>
  }
}
