// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-derive-step)' -split-input-file | FileCheck %s --implicit-check-not=@step --implicit-check-not=@prologue --implicit-check-not=@finish

// One step cannot be cut out of what looks across time; the module says which
// layer that is and stays as it is otherwise.

// CHECK: module attributes {spk.step_refused = "attn.flatten: tensor.collapse_shape looks across time"
func.func @main(%x: tensor<4x2x8xi1> {spk.name = "x"}) -> (tensor<8x8xi1> {spk.name = "y"}) {
  %0 = tensor.collapse_shape %x [[0, 1], [2]] : tensor<4x2x8xi1> into tensor<8x8xi1> loc("attn.flatten")
  return %0 : tensor<8x8xi1>
}

// -----

// CHECK: module attributes {spk.step_refused = "last: tensor.extract_slice looks across time"
func.func @main(%x: tensor<4x2x8xi1> {spk.name = "x"}) -> (tensor<1x2x8xi1> {spk.name = "y"}) {
  %0 = tensor.extract_slice %x[3, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<4x2x8xi1> to tensor<1x2x8xi1> loc("last")
  return %0 : tensor<1x2x8xi1>
}

// -----

// A weight per time step.

// CHECK: module attributes {spk.step_refused = "embed: arith.addf looks across time"
func.func @main(%x: tensor<2x1x1xf32> {spk.name = "x"}) -> (tensor<2x1x1xf32> {spk.name = "y"}) {
  %c = arith.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>
  %0 = arith.addf %x, %c : tensor<2x1x1xf32> loc("embed")
  return %0 : tensor<2x1x1xf32>
}

// -----

// A scan over time and batch.

// CHECK: module attributes {spk.step_refused = "scan: spk.lif looks across time"
func.func @main(%x: tensor<4x2x8xf32> {spk.name = "x"}) -> (tensor<2x4x8xi1> {spk.name = "y"}) {
  %e = tensor.empty() : tensor<2x4x8xf32>
  %0 = linalg.transpose ins(%x : tensor<4x2x8xf32>) outs(%e : tensor<2x4x8xf32>) permutation = [1, 0, 2]
  %1 = spk.lif %0 {v_threshold = 1.0 : f32} : tensor<2x4x8xf32> -> tensor<2x4x8xi1> loc("scan")
  return %1 : tensor<2x4x8xi1>
}

// -----

// The mean of all steps used at every step.

// CHECK: module attributes {spk.step_refused = "gate: spk.repeat looks across time"
func.func @main(%x: tensor<4x2x8xf32> {spk.name = "x"}) -> (tensor<4x2x8xf32> {spk.name = "y"}) {
  %0 = spk.mean %x {axes = array<i64: 0>} : tensor<4x2x8xf32> -> tensor<1x2x8xf32>
  %1 = spk.repeat %0 : tensor<1x2x8xf32> -> tensor<4x2x8xf32> loc("gate")
  %2 = arith.mulf %x, %1 : tensor<4x2x8xf32>
  return %2 : tensor<4x2x8xf32>
}

// -----

// The position along time as a number.

// CHECK: module attributes {spk.step_refused = "clock: linalg.generic looks across time"
func.func @main(%x: tensor<4x2xf32> {spk.name = "x"}) -> (tensor<4x2xf32> {spk.name = "y"}) {
  %e = tensor.empty() : tensor<4x2xf32>
  %0 = linalg.generic {
    indexing_maps = [affine_map<(t, b) -> (t, b)>, affine_map<(t, b) -> (t, b)>], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>) {
  ^bb0(%a: f32, %b: f32):
    %i = linalg.index 0 : index
    %1 = arith.index_cast %i : index to i32
    %2 = arith.sitofp %1 : i32 to f32
    %3 = arith.addf %a, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<4x2xf32> loc("clock")
  return %0 : tensor<4x2xf32>
}

// -----

// CHECK: module attributes {spk.step_refused = "lif: spk.lif starts from a computed state"
func.func @main(%x: tensor<4x2x8xf32> {spk.name = "x"}, %v: tensor<1x2x8xf32> {spk.name = "v", spk.static}) -> (tensor<4x2x8xi1> {spk.name = "y"}) {
  %0 = spk.lif %x initial(%v : tensor<1x2x8xf32>) {v_threshold = 1.0 : f32} : tensor<4x2x8xf32> -> tensor<4x2x8xi1> loc("lif")
  return %0 : tensor<4x2x8xi1>
}

// -----

// CHECK: module attributes {spk.step_refused = "more: spk.repeat has another number of time steps"
func.func @main(%x: tensor<4x2x8xf32> {spk.name = "x"}, %v: tensor<1x2x8xf32> {spk.name = "v", spk.static}) -> (tensor<5x2x8xf32> {spk.name = "y"}) {
  %0 = spk.repeat %v : tensor<1x2x8xf32> -> tensor<5x2x8xf32> loc("more")
  return %0 : tensor<5x2x8xf32>
}

// -----

// CHECK: module attributes {spk.step_refused = "stage: spk.sps holds a neuron and must be expanded"
func.func @main(%x: tensor<4x1x3x4x4xi1> {spk.name = "x"}, %w: tensor<8x3x1x1xf32>, %g: tensor<8xf32>) -> (tensor<4x1x8x4x4xi1> {spk.name = "y"}) {
  %y = spk.sps %x, %w, %g, %g, %g, %g {v_threshold = 1.0 : f32}
     : (tensor<4x1x3x4x4xi1>, tensor<8x3x1x1xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x1x8x4x4xi1> loc("stage")
  return %y : tensor<4x1x8x4x4xi1>
}

// -----

// The time axis of the result is not that of the steps: it comes out of a static
// input.

// CHECK: module attributes {spk.step_refused = "output y: its time axis is not that of the steps"
func.func @main(%x: tensor<1x4x8xf32> {spk.name = "x", spk.static}) -> (tensor<4x1x8xf32> {spk.name = "y"}) {
  %e = tensor.empty() : tensor<4x1x8xf32>
  %0 = linalg.transpose ins(%x : tensor<1x4x8xf32>) outs(%e : tensor<4x1x8xf32>) permutation = [1, 0, 2]
  return %0 : tensor<4x1x8xf32>
}

// -----

// One step of one, but outside it has no time axis.

// CHECK: module attributes {spk.step_refused = "output y: depends on single steps but has no time axis"
func.func @main(%x: tensor<1x2x8xf32> {spk.name = "x"}) -> (tensor<1x2x8xi1> {spk.name = "y", spk.static}) {
  %0 = spk.lif %x {v_threshold = 1.0 : f32} : tensor<1x2x8xf32> -> tensor<1x2x8xi1>
  return %0 : tensor<1x2x8xi1>
}
