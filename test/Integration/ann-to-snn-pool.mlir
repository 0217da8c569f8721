// RUN: rm -rf %t && mkdir %t && %python %S/../Inputs/make_npy.py %t/x.npy float32 1x1x1x2 3 2
// RUN: spk-opt %s --spk-ann-to-snn="T=2 extra-t=4" -o %t/snn.mlir
// RUN: spk-run --interpret %t/snn.mlir --input %t/x.npy | FileCheck %s
// RUN: spk-run --interpret %t/snn.mlir --input %t/x.npy --output %t/y.npy
// RUN: spk-compile %s --ann-to-snn=T=2,extra-t=4 --tap=*:spikes -o %t/snn
// RUN: %t/snn %t/x.npy --expect %t/y.npy --output-dir %t
// RUN: %t/snn %t/x.npy --stream --expect %t/y.npy

// Two neurons under one window, with currents 2 and 1 for two steps, then -1 for
// four. They fire 1 1 0 0 0 -1 and 1 1 0 -1 -1 0, which adds up to 1 2 2 2 2 1 and
// 1 2 2 1 0 0. The larger sum is 1 2 2 2 2 1, its changes add up to 1, over two
// steps 0.5. A running maximum would keep 2, as would the larger spike of every
// step.

// CHECK: y: float32[1,1] = 0.5
func.func @main(%x: tensor<1x1x1x1x2xf32> {spk.name = "x", spk.static}) -> (tensor<1x1x1xf32> {spk.name = "y", spk.static}) {
  %w = arith.constant dense<1.0> : tensor<1x1x1x1xf32>
  %b = arith.constant dense<-1.0> : tensor<1xf32>
  %0 = spk.conv %x, %w bias %b : (tensor<1x1x1x1x2xf32>, tensor<1x1x1x1xf32>, tensor<1xf32>) -> tensor<1x1x1x1x2xf32> loc("conv")
  %1 = spk.qcfs %0 {levels = 2 : i64, up = 1.0 : f32} : tensor<1x1x1x1x2xf32> -> tensor<1x1x1x1x2xf32> loc("act")
  %2 = spk.max_pool %1 {kernel = array<i64: 1, 2>, strides = array<i64: 1, 2>} : tensor<1x1x1x1x2xf32> -> tensor<1x1x1x1x1xf32> loc("pool")
  %3 = tensor.collapse_shape %2 [[0], [1], [2, 3, 4]] : tensor<1x1x1x1x1xf32> into tensor<1x1x1xf32>
  return %3 : tensor<1x1x1xf32>
}
