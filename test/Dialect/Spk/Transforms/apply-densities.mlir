// RUN: rm -rf %t && split-file %s %t
// RUN: spk-opt %t/net.mlir --pass-pipeline='builtin.module(spk-apply-densities{file=%t/net.json})' | FileCheck %s
// RUN: spk-opt %t/net.mlir --pass-pipeline='builtin.module(spk-apply-densities)' | FileCheck %s --check-prefix=NONE
// RUN: spk-opt %t/net.mlir --spk-to-model=densities=%t/net.json | FileCheck %s --check-prefix=PIPELINE

// The k-th entry of a name is the k-th synapse of that name; the one without an
// entry stays as it is, the one that reads floats does not count. What was
// there before is measured anew.

// CHECK-LABEL: @main
// CHECK: spk.linear {{.*}} {spk.density = 1.250000e-01 : f64} : (tensor<4x1x6x8xi1>
// CHECK: spk.linear {{.*}} : (tensor<4x1x6x8xf32>
// CHECK: spk.linear {{.*}} {spk.density = 5.000000e-01 : f64, spk.plane_densities = array<f64: 3.750000e-01, 2.500000e-01>} : (tensor<4x1x6x8xi8>
// CHECK: spk.linear %{{[^{]*}} : (tensor<4x1x6x8xi1>
// CHECK: spk.linear {{.*}} {spk.density = 1.000000e+00 : f64} : (tensor<4x1x6x8xi8>

// NONE: spk.linear {{.*}} {spk.density = 7.500000e-01 : f64}
// NONE-NOT: spk.plane_densities

// PIPELINE: spk.density = 5.000000e-01 : f64, spk.plane_densities = array<f64: 3.750000e-01, 2.500000e-01>

//--- net.json
{"densities": [
  {"layer": "b", "density": 1},
  {"layer": "a", "density": 0.125},
  {"layer": "a", "density": 0.5, "planes": [0.375, 0.25]}
]}
//--- net.mlir
func.func @main(%c: tensor<4x1x6x8xf32> {spk.name = "c"}, %w: tensor<8x8xf32>, %v: tensor<8x8xf32>) -> (tensor<4x1x6x8xf32>, tensor<4x1x6x8xf32>, tensor<4x1x6x8xf32>, tensor<4x1x6x8xf32>, tensor<4x1x6x8xf32>) {
  %s = spk.lif %c {v_threshold = 1.0 : f32} : tensor<4x1x6x8xf32> -> tensor<4x1x6x8xi1>
  %i = spk.add %s, %s : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xi8>
  %0 = spk.linear %s, %w {spk.density = 0.75 : f64} : (tensor<4x1x6x8xi1>, tensor<8x8xf32>) -> tensor<4x1x6x8xf32> loc("a")
  %1 = spk.linear %c, %w : (tensor<4x1x6x8xf32>, tensor<8x8xf32>) -> tensor<4x1x6x8xf32> loc("a")
  %2 = spk.linear %i, %w : (tensor<4x1x6x8xi8>, tensor<8x8xf32>) -> tensor<4x1x6x8xf32> loc("a")
  %3 = spk.linear %s, %v : (tensor<4x1x6x8xi1>, tensor<8x8xf32>) -> tensor<4x1x6x8xf32> loc("a")
  %4 = spk.linear %i, %v : (tensor<4x1x6x8xi8>, tensor<8x8xf32>) -> tensor<4x1x6x8xf32> loc("b")
  return %0, %1, %2, %3, %4 : tensor<4x1x6x8xf32>, tensor<4x1x6x8xf32>, tensor<4x1x6x8xf32>, tensor<4x1x6x8xf32>, tensor<4x1x6x8xf32>
}
