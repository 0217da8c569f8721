// RUN: spk-opt %s --spk-ann-to-snn="T=4 extra-t=1" -split-input-file -verify-diagnostics
// RUN: echo 'module {}' | not spk-opt --spk-ann-to-snn="T=0" 2>&1 | FileCheck %s --check-prefix=STEPS
// RUN: echo 'module {}' | not spk-opt --spk-ann-to-snn 2>&1 | FileCheck %s --check-prefix=STEPS
// RUN: echo 'module {}' | not spk-opt --spk-ann-to-snn="T=4 extra-t=-1" 2>&1 | FileCheck %s --check-prefix=EXTRA

// STEPS: spk-ann-to-snn: T must be at least 1, got 0
// EXTRA: spk-ann-to-snn: extra-t must not be negative, got -1

// expected-error @below {{spk-ann-to-snn: the module must define @main}}
module {
}

// -----

// expected-error @below {{spk-ann-to-snn: the model has no activation that could become a neuron (QCFS, spk.qcfs)}}
func.func @main(%x: tensor<1x1x8xf32> {spk.name = "x", spk.static}) -> (tensor<1x1x8xf32> {spk.name = "y", spk.static}) {
  %0 = arith.addf %x, %x : tensor<1x1x8xf32>
  return %0 : tensor<1x1x8xf32>
}

// -----

func.func @main(%x: tensor<1x1x8xf32> {spk.name = "x", spk.static}) -> (tensor<1x1x8xf32> {spk.name = "y", spk.static}) {
  %zero = arith.constant dense<0.0> : tensor<1x1x8xf32>
  // expected-error @unknown {{layer block.0.relu cannot become part of an SNN: arith.maximumf is no activation with a spiking form; QCFS (spk.qcfs, spk.neuron.QCFS in Python) is one}}
  %0 = arith.maximumf %x, %zero : tensor<1x1x8xf32> loc("block.0.relu")
  return %0 : tensor<1x1x8xf32>
}

// -----

func.func @main(%x: tensor<1x1x8xf32> {spk.name = "x", spk.static}) -> (tensor<1x1x8xi1> {spk.name = "y", spk.static}) {
  // expected-error @unknown {{layer lif cannot become part of an SNN: spk.lif is a spiking neuron already}}
  %0 = spk.lif %x {v_threshold = 1.0 : f32} : tensor<1x1x8xf32> -> tensor<1x1x8xi1> loc("lif")
  return %0 : tensor<1x1x8xi1>
}

// -----

func.func @main(%x: tensor<1x1x8xf32> {spk.name = "x", spk.static}) -> (tensor<1x1x8xf32> {spk.name = "y", spk.static}) {
  %0 = spk.qcfs %x {levels = 4 : i64, up = 1.0 : f32} : tensor<1x1x8xf32> -> tensor<1x1x8xf32>
  // expected-error @unknown {{layer gate cannot become part of an SNN: arith.mulf combines two activations, which does not add up over time}}
  %1 = arith.mulf %0, %x : tensor<1x1x8xf32> loc("gate")
  return %1 : tensor<1x1x8xf32>
}

// -----

func.func @main(%x: tensor<1x1x8xf32> {spk.name = "x", spk.static}) -> (tensor<1x1x8xf32> {spk.name = "y", spk.static}) {
  %c = arith.constant dense<2.0> : tensor<1x1x8xf32>
  %0 = spk.qcfs %x {levels = 4 : i64, up = 1.0 : f32} : tensor<1x1x8xf32> -> tensor<1x1x8xf32>
  // expected-error @unknown {{layer quotient cannot become part of an SNN: arith.divf divides by an activation, which does not add up over time}}
  %1 = arith.divf %c, %0 : tensor<1x1x8xf32> loc("quotient")
  return %1 : tensor<1x1x8xf32>
}

// -----

func.func @main(%x: tensor<1x4x2x8xf32> {spk.name = "x", spk.static}) -> (tensor<4x2x8xf32> {spk.name = "y", spk.static}) {
  // expected-error @unknown {{layer flatten cannot become part of an SNN: tensor.collapse_shape merges the time axis with another}}
  %0 = tensor.collapse_shape %x [[0, 1], [2], [3]] : tensor<1x4x2x8xf32> into tensor<4x2x8xf32> loc("flatten")
  %1 = spk.qcfs %0 {levels = 4 : i64, up = 1.0 : f32} : tensor<4x2x8xf32> -> tensor<4x2x8xf32>
  return %1 : tensor<4x2x8xf32>
}

// -----

// expected-error @below {{input "x" must be floats without a time axis (spk.static) of an ANN, got 'tensor<4x1x8xf32>'}}
func.func @main(%x: tensor<4x1x8xf32> {spk.name = "x"}) -> (tensor<4x1x8xf32> {spk.name = "y"}) {
  %0 = spk.qcfs %x {levels = 4 : i64, up = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xf32>
  return %0 : tensor<4x1x8xf32>
}

// -----

// expected-error @below {{output y must be floats without a time axis (spk.static) that are computed from the input, got 'tensor<1x1x8xf32>'}}
func.func @main(%x: tensor<1x1x8xf32> {spk.name = "x", spk.static}) -> (tensor<1x1x8xf32> {spk.name = "y"}) {
  %0 = spk.qcfs %x {levels = 4 : i64, up = 1.0 : f32} : tensor<1x1x8xf32> -> tensor<1x1x8xf32>
  return %0 : tensor<1x1x8xf32>
}
