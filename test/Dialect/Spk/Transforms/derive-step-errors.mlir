// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-derive-step)' -split-input-file -verify-diagnostics

// expected-error @below {{spk-derive-step: the module must define @main}}
module {
}

// -----

func.func @main(%x: tensor<4x1x8xi1> {spk.name = "x"}) -> (tensor<4x1x8xi1> {spk.name = "y"}) {
  return %x : tensor<4x1x8xi1>
}
// expected-error @below {{spk-derive-step: the module must not have @step}}
func.func @step() {
  return
}
