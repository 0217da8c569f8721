// RUN: spk-run --interpret %s --function=charges | FileCheck %s --check-prefix=CHARGE
// RUN: spk-run --interpret %s --function=fire_and_reset | FileCheck %s --check-prefix=FIRE
// RUN: spk-run --interpret %s --function=integers | FileCheck %s --check-prefix=INTEGER
// RUN: spk-run --interpret %s --function=signed | FileCheck %s --check-prefix=SIGNED
// RUN: spk-run --interpret %s --function=staircase | FileCheck %s --check-prefix=STAIRCASE
// RUN: spk-run --interpret %s --function=generic | FileCheck %s --check-prefix=GENERIC
// RUN: spk-run --interpret %s --function=states | FileCheck %s --check-prefix=STATE

// The charge of every form, step by step in f32. `retain` with 1 - 1/tau is
// `no_decay_input` but for its rounding, which shows at tau 1.5.

// CHARGE: tau1.5: float32[4,1] = 0.666666687 0.888888896 0.762962937 2.1876545
// CHARGE: tau2: float32[4,1] = 0.5 0.75 0.725000024 1.81250012
// CHARGE: tau3: float32[4,1] = 0.333333343 0.555555582 0.603703737 1.36913586
// CHARGE: tau4: float32[4,1] = 0.25 0.4375 0.503125012 1.1023438
// CHARGE: plain1.5: float32[4,1] = 0.400000006 0.533333302 0.477777779 1.05925918
// CHARGE: plain3: float32[4,1] = 0.400000006 0.666666627 0.74444443 1.39629626
// CHARGE: multiply: float32[4,1] = 0.300000012 0.50999999 0.566999972 1.26690006
// CHARGE: retain: float32[4,1] = 0.400000006 0.533333361 0.477777809 1.0592593
// CHARGE: no_decay_multiply: float32[4,1] = 0.400000006 0.680000007 0.776000023 1.44319999
func.func @charges() -> (tensor<4x1xf32> {spk.name = "tau1.5"},
    tensor<4x1xf32> {spk.name = "tau2"}, tensor<4x1xf32> {spk.name = "tau3"},
    tensor<4x1xf32> {spk.name = "tau4"}, tensor<4x1xf32> {spk.name = "plain1.5"},
    tensor<4x1xf32> {spk.name = "plain3"}, tensor<4x1xf32> {spk.name = "multiply"},
    tensor<4x1xf32> {spk.name = "retain"},
    tensor<4x1xf32> {spk.name = "no_decay_multiply"}) {
  %x = arith.constant dense<[[1.0], [1.0], [0.7], [2.9]]> : tensor<4x1xf32>
  %y = arith.constant dense<[[0.4], [0.4], [0.3], [0.9]]> : tensor<4x1xf32>
  %s0, %m0 = spk.lif %x {tau = 1.5 : f32, v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1xf32> -> tensor<4x1xi1> membrane tensor<4x1xf32>
  %s1, %m1 = spk.lif %x {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1xf32> -> tensor<4x1xi1> membrane tensor<4x1xf32>
  %s2, %m2 = spk.lif %x {tau = 3.0 : f32, v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1xf32> -> tensor<4x1xi1> membrane tensor<4x1xf32>
  %s3, %m3 = spk.lif %x {tau = 4.0 : f32, v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1xf32> -> tensor<4x1xi1> membrane tensor<4x1xf32>
  %s4, %m4 = spk.lif %y {charge = #spk.charge<no_decay_input>, tau = 1.5 : f32, v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1xf32> -> tensor<4x1xi1> membrane tensor<4x1xf32>
  %s5, %m5 = spk.lif %y {charge = #spk.charge<no_decay_input>, tau = 3.0 : f32, v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1xf32> -> tensor<4x1xi1> membrane tensor<4x1xf32>
  %s6, %m6 = spk.lif %x {charge = #spk.charge<multiply>, factor = 0.3 : f32, v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1xf32> -> tensor<4x1xi1> membrane tensor<4x1xf32>
  %s7, %m7 = spk.lif %y {charge = #spk.charge<retain>, factor = 0.333333343 : f32, v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1xf32> -> tensor<4x1xi1> membrane tensor<4x1xf32>
  %s8, %m8 = spk.lif %y {charge = #spk.charge<no_decay_multiply>, factor = 0.3 : f32, v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1xf32> -> tensor<4x1xi1> membrane tensor<4x1xf32>
  return %m0, %m1, %m2, %m3, %m4, %m5, %m6, %m7, %m8 : tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>
}

// h = 1 fires: equality counts. The reset to 0 shows in the next charge.
// FIRE: equality: bool[4,1] = 1 0 0 1
// FIRE: equality.h: float32[4,1] = 1 0.75 0.875 1.9375
// What a soft reset leaves over, 1.5 and 0.125, charges on.
// FIRE: soft: bool[4,1] = 1 0 1 1
// FIRE: soft.h: float32[4,1] = 2.5 0.75 1.125 2.0625
// Rest is v_reset, which decay is measured from.
// FIRE: reset_below: bool[4,1] = 0 0 1 0
// FIRE: reset_below.h: float32[4,1] = -0.5 0.75 1.875 -0.5
// FIRE: reset_above: bool[4,1] = 0 1 0 0
// FIRE: reset_above.h: float32[4,1] = 0.433333337 1.32222223 0.233333349 0.522222281
// FIRE: nan: bool[4,1] = 0 0 0 0
// FIRE: nan.h: float32[4,1] = 0 {{-?}}nan {{-?}}nan {{-?}}nan
func.func @fire_and_reset() -> (tensor<4x1xi1> {spk.name = "equality"},
    tensor<4x1xf32> {spk.name = "equality.h"}, tensor<4x1xi1> {spk.name = "soft"},
    tensor<4x1xf32> {spk.name = "soft.h"}, tensor<4x1xi1> {spk.name = "reset_below"},
    tensor<4x1xf32> {spk.name = "reset_below.h"}, tensor<4x1xi1> {spk.name = "reset_above"},
    tensor<4x1xf32> {spk.name = "reset_above.h"}, tensor<4x1xi1> {spk.name = "nan"},
    tensor<4x1xf32> {spk.name = "nan.h"}) {
  %x0 = arith.constant dense<[[2.0], [1.5], [1.0], [3.0]]> : tensor<4x1xf32>
  %x1 = arith.constant dense<[[5.0], [0.0], [1.5], [4.0]]> : tensor<4x1xf32>
  %x2 = arith.constant dense<[[1.0], [3.0], [4.0], [1.0]]> : tensor<4x1xf32>
  %x3 = arith.constant dense<[[1.0], [3.0], [0.4], [1.0]]> : tensor<4x1xf32>
  %x4 = arith.constant dense<[[0.0], [0x7FC00000], [5.0], [0x7F800000]]> : tensor<4x1xf32>
  %s0, %m0 = spk.lif %x0 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1xf32> -> tensor<4x1xi1> membrane tensor<4x1xf32>
  %s1, %m1 = spk.lif %x1 {v_threshold = 1.0 : f32} : tensor<4x1xf32> -> tensor<4x1xi1> membrane tensor<4x1xf32>
  %s2, %m2 = spk.lif %x2 {v_reset = -1.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1xf32> -> tensor<4x1xi1> membrane tensor<4x1xf32>
  %s3, %m3 = spk.lif %x3 {tau = 3.0 : f32, v_reset = 0.1 : f32, v_threshold = 1.0 : f32} : tensor<4x1xf32> -> tensor<4x1xi1> membrane tensor<4x1xf32>
  %s4, %m4 = spk.lif %x4 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1xf32> -> tensor<4x1xi1> membrane tensor<4x1xf32>
  return %s0, %m0, %s1, %m1, %s2, %m2, %s3, %m3, %s4, %m4 : tensor<4x1xi1>, tensor<4x1xf32>, tensor<4x1xi1>, tensor<4x1xf32>, tensor<4x1xi1>, tensor<4x1xf32>, tensor<4x1xi1>, tensor<4x1xf32>, tensor<4x1xi1>, tensor<4x1xf32>
}

// The nearest integer between 0 and 4, halves to the even one or up. In
// f32 0.49999997 + 0.5 is 1, which half_up rounds down to 1.
// INTEGER: even: int8[8,1] = 0 0 2 2 4 4 0 0
// INTEGER: up: int8[8,1] = 0 1 2 3 4 4 0 1
// What an integer leaves of the membrane, 0.5, 0.375, 6.09375, -1.4765625, is
// there to a quarter in the next step.
// INTEGER: ilif: int8[5,1] = 2 0 4 0 0
// INTEGER: ilif.h: float32[5,1] = 2.5 0.375 10.09375 -1.4765625 0.130859375
// Twice 0.25 is half of a threshold of 0.5; two thresholds are 1.
// INTEGER: ilif.up: int8[3,1] = 1 0 2
// INTEGER: ilif.up.h: float32[3,1] = 0.25 0.125 2.125
// INTEGER: ilif.up.v: float32[1,1] = 1.125
func.func @integers() -> (tensor<8x1xi8> {spk.name = "even"},
    tensor<8x1xi8> {spk.name = "up"}, tensor<5x1xi8> {spk.name = "ilif"},
    tensor<5x1xf32> {spk.name = "ilif.h"}, tensor<3x1xi8> {spk.name = "ilif.up"},
    tensor<3x1xf32> {spk.name = "ilif.up.h"}, tensor<1x1xf32> {spk.name = "ilif.up.v"}) {
  %x0 = arith.constant dense<[[-1.0], [0.5], [1.5], [2.5], [3.5], [9.0], [0x7FC00000], [0x3EFFFFFF]]> : tensor<8x1xf32>
  %x1 = arith.constant dense<[[2.5], [0.25], [10.0], [-3.0], [0.5]]> : tensor<5x1xf32>
  %x2 = arith.constant dense<[[0.25], [0.375], [2.0]]> : tensor<3x1xf32>
  %s0 = spk.multi_spike %x0 {levels = 4 : i64} : tensor<8x1xf32> -> tensor<8x1xi8>
  %s1 = spk.multi_spike %x0 {levels = 4 : i64, rounding = #spk.rounding<half_up>} : tensor<8x1xf32> -> tensor<8x1xi8>
  %s2, %h2 = spk.ilif %x1 {charge = #spk.charge<retain>, factor = 0.25 : f32, levels = 4 : i64, v_threshold = 1.0 : f32} : tensor<5x1xf32> -> tensor<5x1xi8> membrane tensor<5x1xf32>
  %s3, %v3, %h3 = spk.ilif %x2 {charge = #spk.charge<retain>, factor = 1.0 : f32, levels = 2 : i64, rounding = #spk.rounding<half_up>, v_threshold = 0.5 : f32} : tensor<3x1xf32> -> tensor<3x1xi8> state tensor<1x1xf32> membrane tensor<3x1xf32>
  return %s0, %s1, %s2, %h2, %s3, %h3, %v3 : tensor<8x1xi8>, tensor<8x1xi8>, tensor<5x1xi8>, tensor<5x1xf32>, tensor<3x1xi8>, tensor<3x1xf32>, tensor<1x1xf32>
}

// Half a threshold to start with, at most two spikes, and none taken back that
// was not fired. Equality counts on both sides.
// SIGNED: spikes: float32[8,1] = 1 1 0 0 -1 -1 0 1
// SIGNED: h: float32[8,1] = 1 1 0.75 1.25 -1.75 -1 -2 1
// SIGNED: v: float32[1,1] = 0
// SIGNED: count: float32[1,1] = 1
func.func @signed() -> (tensor<8x1xf32> {spk.name = "spikes"},
    tensor<8x1xf32> {spk.name = "h"}, tensor<1x1xf32> {spk.name = "v"},
    tensor<1x1xf32> {spk.name = "count"}) {
  %x = arith.constant dense<[[0.5], [1.0], [0.75], [0.5], [-3.0], [-0.25], [-2.0], [3.0]]> : tensor<8x1xf32>
  %v0 = arith.constant dense<0.5> : tensor<1x1xf32>
  %c0 = arith.constant dense<0.0> : tensor<1x1xf32>
  %s, %v, %c, %h = spk.signed_if %x initial(%v0, %c0 : tensor<1x1xf32>, tensor<1x1xf32>) {max_count = 2 : i64, v_threshold = 1.0 : f32} : tensor<8x1xf32> -> tensor<8x1xf32> state tensor<1x1xf32>, tensor<1x1xf32> membrane tensor<8x1xf32>
  return %s, %h, %v, %c : tensor<8x1xf32>, tensor<8x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>
}

// Steps of 0.5 up to 2; half way between two it is the upper one.
// STAIRCASE: y: float32[8,1] = 0 0 0.5 0.5 1 2 2 0
func.func @staircase() -> (tensor<8x1xf32> {spk.name = "y"}) {
  %x = arith.constant dense<[[-3.0], [0.24], [0.25], [0.74], [0.75], [1.75], [9.0], [0x7FC00000]]> : tensor<8x1xf32>
  %y = spk.qcfs %x {levels = 4 : i64, up = 2.0 : f32} : tensor<8x1xf32> -> tensor<8x1xf32>
  return %y : tensor<8x1xf32>
}

// A region says what happens: half of the membrane stays, a threshold that the
// second state adds to fires; then every operation that a region may have.
// GENERIC: spikes: bool[4,1] = 0 1 0 1
// GENERIC: h: float32[4,1] = 0.75 1.375 0.6875 1.84375
// GENERIC: a: float32[1,1] = 1.25
// GENERIC: all: float32[2,1] = 4 -7.25
func.func @generic() -> (tensor<4x1xi1> {spk.name = "spikes"},
    tensor<4x1xf32> {spk.name = "h"}, tensor<1x1xf32> {spk.name = "a"},
    tensor<2x1xf32> {spk.name = "all"}) {
  %x = arith.constant dense<[[0.75], [1.0], [0.5], [1.5]]> : tensor<4x1xf32>
  %s, %v, %a, %h = spk.neuron %x {resting = array<f32: 0.0, 0.0>} : tensor<4x1xf32> -> tensor<4x1xi1> state tensor<1x1xf32>, tensor<1x1xf32> membrane tensor<4x1xf32> {
  ^bb0(%v: f32, %a: f32, %i: f32):
    %half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %quarter = arith.constant 0.25 : f32
    %leak = arith.mulf %v, %half : f32
    %h = arith.addf %leak, %i : f32
    %more = arith.mulf %a, %quarter : f32
    %threshold = arith.addf %one, %more : f32
    %f = arith.cmpf oge, %h, %threshold : f32
    %rest = arith.subf %h, %one : f32
    %next = arith.select %f, %rest, %h : f32
    %n = arith.uitofp %f : i1 to f32
    %decayed = arith.mulf %a, %half : f32
    %b = arith.addf %decayed, %n : f32
    spk.fire %h, %f state %next, %b : i1
  }
  %y = arith.constant dense<[[3.0], [-3.0]]> : tensor<2x1xf32>
  %all = spk.neuron %y {resting = array<f32>} : tensor<2x1xf32> -> tensor<2x1xf32> {
  ^bb0(%i: f32):
    %two = arith.constant 2.0 : f32
    %true = arith.constant true
    %half = arith.divf %i, %two : f32
    %minus = arith.negf %half : f32
    %top = arith.maximumf %i, %minus : f32
    %bottom = arith.minimumf %half, %two : f32
    %p = arith.cmpf ogt, %i, %half : f32
    %q = arith.xori %p, %true : i1
    %r = arith.andi %p, %true : i1
    %o = arith.ori %q, %r : i1
    %t = arith.addf %top, %bottom : f32
    %u = arith.select %r, %two, %i : f32
    %w = arith.select %o, %u, %t : f32
    %k = arith.subf %w, %half : f32
    %g = arith.mulf %k, %top : f32
    %j = arith.addf %g, %half : f32
    %l = arith.select %p, %top, %bottom : f32
    %z = arith.addf %j, %l : f32
    %m = arith.subf %z, %two : f32
    spk.fire %i, %m : f32
  }
  return %s, %h, %a, %all : tensor<4x1xi1>, tensor<4x1xf32>, tensor<1x1xf32>, tensor<2x1xf32>
}

// Each neuron of a step is on its own: [T, B, 2] with columns 0.5 0.5 0.25 0.5
// and 2 2 2 2. One step from the state after the first continues the sequence.
// STATE: spikes: bool[4,1,2] = 0 1 1 1 0 1 0 1
// STATE: final: float32[1,1,2] = 0.75 4
// STATE: step: bool[1,1,2] = 1 1
// STATE: step.final: float32[1,1,2] = 0 0
func.func @states() -> (tensor<4x1x2xi1> {spk.name = "spikes"},
    tensor<1x1x2xf32> {spk.name = "final"}, tensor<1x1x2xi1> {spk.name = "step"},
    tensor<1x1x2xf32> {spk.name = "step.final"}) {
  %x = arith.constant dense<[[[0.5, 2.0]], [[0.5, 2.0]], [[0.25, 2.0]], [[0.5, 2.0]]]> : tensor<4x1x2xf32>
  %s, %v = spk.if %x {v_threshold = 1.0 : f32} : tensor<4x1x2xf32> -> tensor<4x1x2xi1> state tensor<1x1x2xf32>
  %x1 = arith.constant dense<[[[0.5, 2.0]]]> : tensor<1x1x2xf32>
  %v0 = arith.constant dense<[[[0.5, -1.0]]]> : tensor<1x1x2xf32>
  %s1, %v1 = spk.if %x1 initial(%v0 : tensor<1x1x2xf32>) {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<1x1x2xf32> -> tensor<1x1x2xi1> state tensor<1x1x2xf32>
  return %s, %v, %s1, %v1 : tensor<4x1x2xi1>, tensor<1x1x2xf32>, tensor<1x1x2xi1>, tensor<1x1x2xf32>
}
