// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-set-batch{batch=3})' -split-input-file -verify-diagnostics

// expected-error @below {{spk-set-batch: the module must define @main}}
module {
}

// -----

// expected-error @below {{the model runs at batch size 1 only: lif scans time and batch together}}
module attributes {spk.fixed_batch = "lif scans time and batch together"} {
  func.func @main(%x: tensor<4x1x8x6xi1> {spk.name = "x"}) -> (tensor<4x1x8x6xi1> {spk.name = "y"}) {
    return %x : tensor<4x1x8x6xi1>
  }
}

// -----

func.func @main(%x: tensor<4x1x8x6xi1> {spk.name = "x"}) -> (tensor<4x8x6xi1> {spk.name = "y"}) {
  // expected-error @unknown {{layer block.0.flatten cannot run at batch size 3: tensor.collapse_shape merges the batch axis with another}}
  %0 = tensor.collapse_shape %x [[0, 1], [2], [3]] : tensor<4x1x8x6xi1> into tensor<4x8x6xi1> loc("block.0.flatten")
  return %0 : tensor<4x8x6xi1>
}

// -----

func.func @main(%x: tensor<4x6x8xi1> {spk.name = "x"}) -> (tensor<4x2x3x8xi1> {spk.name = "y"}) {
  // expected-error @unknown {{layer split cannot run at batch size 3: tensor.expand_shape splits the batch axis}}
  %0 = tensor.expand_shape %x [[0], [1, 2], [3]] output_shape [4, 2, 3, 8] : tensor<4x6x8xi1> into tensor<4x2x3x8xi1> loc("split")
  return %0 : tensor<4x2x3x8xi1>
}

// -----

func.func @main(%x: tensor<4x6x8xi1> {spk.name = "x"}) -> (tensor<4x2x8xi1> {spk.name = "y"}) {
  // expected-error @unknown {{layer half cannot run at batch size 3: tensor.extract_slice cuts the batch axis}}
  %0 = tensor.extract_slice %x[0, 0, 0] [4, 2, 8] [1, 1, 1] : tensor<4x6x8xi1> to tensor<4x2x8xi1> loc("half")
  return %0 : tensor<4x2x8xi1>
}

// -----

func.func @main(%x: tensor<4x2x8xi1> {spk.name = "x"}) -> (tensor<4x1x8xf32> {spk.name = "y"}) {
  // expected-error @unknown {{layer pool cannot run at batch size 3: spk.mean averages over the batch axis}}
  %0 = spk.mean %x {axes = array<i64: 1>} : tensor<4x2x8xi1> -> tensor<4x1x8xf32> loc("pool")
  return %0 : tensor<4x1x8xf32>
}

// -----

func.func @main(%x: tensor<1x2x2xf32> {spk.name = "x"}) -> (tensor<1x2x2xf32> {spk.name = "y"}) {
  %c = arith.constant dense<[[[1.0, 2.0], [3.0, 4.0]]]> : tensor<1x2x2xf32>
  // expected-error @unknown {{layer bias cannot run at batch size 3: arith.addf combines the batch axis with a value of fixed size}}
  %0 = arith.addf %x, %c : tensor<1x2x2xf32> loc("bias")
  return %0 : tensor<1x2x2xf32>
}

// -----

func.func @main(%x: tensor<4x1x8xi1> {spk.name = "x"}) -> (tensor<1x4x8xi1> {spk.name = "y"}) {
  %e = tensor.empty() : tensor<1x4x8xi1>
  %0 = linalg.transpose ins(%x : tensor<4x1x8xi1>) outs(%e : tensor<1x4x8xi1>) permutation = [1, 0, 2]
  // expected-error @below {{outputs must have the batch on axis 1, got 'tensor<3x4x8xi1>'}}
  return %0 : tensor<1x4x8xi1>
}

// -----

func.func @main(%x: tensor<1x2x8xf32> {spk.name = "x"}, %w: tensor<8x8xf32>) -> (tensor<2x1x8xf32> {spk.name = "y"}) {
  %e = tensor.empty() : tensor<2x1x8xf32>
  %0 = linalg.transpose ins(%x : tensor<1x2x8xf32>) outs(%e : tensor<2x1x8xf32>) permutation = [1, 0, 2]
  // expected-error @below {{spk.linear does not have the batch axis where layers have it}}
  %1 = spk.linear %0, %w : (tensor<2x1x8xf32>, tensor<8x8xf32>) -> tensor<2x1x8xf32>
  return %1 : tensor<2x1x8xf32>
}

// -----

// expected-error @below {{input "y" must have the batch size of the other inputs, 2 against 1}}
func.func @main(%x: tensor<4x1x8xi1> {spk.name = "x"}, %y: tensor<4x2x8xi1> {spk.name = "y"}) {
  return
}

// -----

// expected-error @below {{input "x" must have time and batch axes, got 'tensor<8xi1>'}}
func.func @main(%x: tensor<8xi1> {spk.name = "x"}) {
  return
}

// -----

func.func @main(%x: tensor<4x2x8xf32> {spk.name = "x"}) -> (tensor<4x8xf32> {spk.name = "y"}) {
  %e = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-error @below {{reduces over the batch axis}}
  %0 = linalg.reduce ins(%x : tensor<4x2x8xf32>) outs(%e : tensor<4x8xf32>) dimensions = [1] (%a: f32, %b: f32) {
    %1 = arith.addf %a, %b : f32
    linalg.yield %1 : f32
  }
  return %0 : tensor<4x8xf32>
}

// -----

func.func @main(%x: tensor<4x2x8xf32> {spk.name = "x"}) -> (tensor<4x2x8xf32> {spk.name = "y"}) {
  // expected-error @below {{tensor.pad is not known to keep the batch axis}}
  %0 = tensor.pad %x low[0, 0, 0] high[0, 0, 0] {
  ^bb0(%i: index, %j: index, %k: index):
    %z = arith.constant 0.0 : f32
    tensor.yield %z : f32
  } : tensor<4x2x8xf32> to tensor<4x2x8xf32>
  return %0 : tensor<4x2x8xf32>
}

// -----

func.func @main(%x: tensor<4x1x8xi1> {spk.name = "x"}) -> (tensor<4x8xi1> {spk.name = "y"}) {
  // expected-error @below {{tensor.extract_slice cuts the batch axis}}
  %0 = tensor.extract_slice %x[0, 0, 0] [4, 1, 8] [1, 1, 1] : tensor<4x1x8xi1> to tensor<4x8xi1>
  return %0 : tensor<4x8xi1>
}
