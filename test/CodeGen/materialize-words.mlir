// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-materialize-words)' -split-input-file | FileCheck %s --implicit-check-not=spk.packed

// Words and planes become two axes: 65 channels take two words, 130 three.

// CHECK-LABEL: func.func private @kernel(memref<2x1x7x2x1xi64>, memref<2x1x7x3x5xi64>)
// CHECK-LABEL: @storage
// CHECK: %[[A:.+]] = tensor.empty() : tensor<2x1x7x2x1xi64>
// CHECK: %[[B:.+]] = tensor.empty() : tensor<2x1x7x3x5xi64>
// CHECK: %[[D:.+]] = spk.dispatch @kernel ins(%[[A]] : tensor<2x1x7x2x1xi64>) outs(%[[B]] : tensor<2x1x7x3x5xi64>) -> tensor<2x1x7x3x5xi64>
// CHECK: tensor.collapse_shape %[[D]] {{\[\[}}0, 1], [2], [3], [4]] : tensor<2x1x7x3x5xi64> into tensor<2x7x3x5xi64>
// CHECK: tensor.expand_shape %{{.+}} {{\[\[}}0], [1], [2, 3], [4], [5]] output_shape [2, 1, 7, 1, 2, 1] : tensor<2x1x7x2x1xi64> into tensor<2x1x7x1x2x1xi64>
func.func private @kernel(memref<2x1x7x2x1xi64>, memref<2x1x7x3x5xi64>)
func.func @storage() {
  %a = tensor.empty() : tensor<2x1x7x65xi1, #spk.packed<axis = 3>>
  %b = tensor.empty() : tensor<2x1x7x130xi8, #spk.packed<axis = 3, planes = 5>>
  %d = spk.dispatch @kernel ins(%a : tensor<2x1x7x65xi1, #spk.packed<axis = 3>>) outs(%b : tensor<2x1x7x130xi8, #spk.packed<axis = 3, planes = 5>>) -> tensor<2x1x7x130xi8, #spk.packed<axis = 3, planes = 5>>
  %c = tensor.collapse_shape %d [[0, 1], [2], [3]] : tensor<2x1x7x130xi8, #spk.packed<axis = 3, planes = 5>> into tensor<2x7x130xi8, #spk.packed<axis = 2, planes = 5>>
  %e = tensor.expand_shape %a [[0], [1], [2, 3], [4]] output_shape [2, 1, 7, 1, 65] : tensor<2x1x7x65xi1, #spk.packed<axis = 3>> into tensor<2x1x7x1x65xi1, #spk.packed<axis = 4>>
  return
}

// -----

// Functions too: their types are those of the words.

// CHECK-LABEL: func.func @boundary(
// CHECK-SAME: %[[X:.+]]: tensor<2x1x7x1x2xi64>, %{{.+}}: tensor<4xf32>) -> tensor<2x1x7x1x2xi64>
// CHECK: return %[[X]] : tensor<2x1x7x1x2xi64>
func.func @boundary(%x: tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 2>>, %y: tensor<4xf32>) -> tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 2>> {
  return %x : tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 2>>
}
