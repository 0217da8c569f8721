// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-tap-synapses)' | FileCheck %s
// RUN: echo 'func.func private @main()' | not spk-opt --pass-pipeline='builtin.module(spk-tap-synapses)' 2>&1 | FileCheck %s --check-prefix=MAIN
// RUN: spk-opt %s --spk-to-model=tap-synapses=true | FileCheck %s --check-prefix=PIPELINE --implicit-check-not=@step

// MAIN: spk-tap-synapses: the module must define @main

// PIPELINE: spk.name = "synapse-input:2"

// What two synapses read is one result, in program order of the first reader;
// floats are none. Integers have the planes that their largest value needs.

// CHECK-LABEL: func.func @main
// CHECK-SAME: -> (tensor<4x1x6x8xf32> {spk.name = "y"},
// CHECK-SAME: tensor<4x1x6x8xi1> {spk.name = "synapse-input:0"},
// CHECK-SAME: tensor<4x1x6x8xi8> {spk.name = "synapse-input:1"},
// CHECK-SAME: tensor<4x1x6x8xi8> {spk.name = "synapse-input:2"})
// CHECK: %[[S:.+]] = spk.lif
// CHECK: spk.linear %[[S]], %{{.+}} {spk.input_planes = 0 : i64, spk.input_tap = "synapse-input:0"}
// CHECK: spk.linear %[[S]], %{{.+}} {spk.input_planes = 0 : i64, spk.input_tap = "synapse-input:0"}
// CHECK: %[[I:.+]] = spk.add
// CHECK: spk.linear %[[I]], %{{.+}} {spk.input_planes = 2 : i64, spk.input_tap = "synapse-input:1"}
// CHECK: spk.linear %[[X:.+]], %{{.+}} {spk.input_planes = 7 : i64, spk.input_tap = "synapse-input:2"}
// CHECK: %[[Y:.+]] = spk.linear %{{.+}}, %{{.+}} : (tensor<4x1x6x8xf32>
// CHECK: return %[[Y]], %[[S]], %[[I]], %[[X]]
func.func @main(%x: tensor<4x1x6x8xi8> {spk.name = "x"}, %c: tensor<4x1x6x8xf32> {spk.name = "c"}, %w: tensor<8x8xf32>) -> (tensor<4x1x6x8xf32> {spk.name = "y"}) {
  %s = spk.lif %c {v_threshold = 1.0 : f32} : tensor<4x1x6x8xf32> -> tensor<4x1x6x8xi1>
  %0 = spk.linear %s, %w : (tensor<4x1x6x8xi1>, tensor<8x8xf32>) -> tensor<4x1x6x8xf32>
  %1 = spk.linear %s, %w : (tensor<4x1x6x8xi1>, tensor<8x8xf32>) -> tensor<4x1x6x8xf32>
  %i = spk.add %s, %s : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xi8>
  %2 = spk.linear %i, %w : (tensor<4x1x6x8xi8>, tensor<8x8xf32>) -> tensor<4x1x6x8xf32>
  %3 = spk.linear %x, %w : (tensor<4x1x6x8xi8>, tensor<8x8xf32>) -> tensor<4x1x6x8xf32>
  %4 = arith.addf %0, %1 : tensor<4x1x6x8xf32>
  %5 = arith.addf %2, %3 : tensor<4x1x6x8xf32>
  %6 = arith.addf %4, %5 : tensor<4x1x6x8xf32>
  %y = spk.linear %6, %w : (tensor<4x1x6x8xf32>, tensor<8x8xf32>) -> tensor<4x1x6x8xf32>
  return %y : tensor<4x1x6x8xf32>
}
