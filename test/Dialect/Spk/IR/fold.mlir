// RUN: spk-opt %s --pass-pipeline='builtin.module(func.func(canonicalize))' | FileCheck %s

// CHECK-LABEL: @repeat_once
// CHECK-NEXT: return %arg0
func.func @repeat_once(%x: tensor<1x1x8xi1>) -> tensor<1x1x8xi1> {
  %y = spk.repeat %x : tensor<1x1x8xi1> -> tensor<1x1x8xi1>
  return %y : tensor<1x1x8xi1>
}

// CHECK-LABEL: @repeat
// CHECK: spk.repeat
func.func @repeat(%x: tensor<1x1x8xi1>) -> tensor<4x1x8xi1> {
  %y = spk.repeat %x : tensor<1x1x8xi1> -> tensor<4x1x8xi1>
  return %y : tensor<4x1x8xi1>
}

// CHECK-LABEL: @pack_of_unpack
// CHECK-NEXT: return %arg0
func.func @pack_of_unpack(%x: tensor<4x1x8xi1, #spk.packed<axis = 2>>) -> tensor<4x1x8xi1, #spk.packed<axis = 2>> {
  %y = spk.unpack %x : tensor<4x1x8xi1, #spk.packed<axis = 2>> -> tensor<4x1x8xi1>
  %z = spk.pack %y : tensor<4x1x8xi1> -> tensor<4x1x8xi1, #spk.packed<axis = 2>>
  return %z : tensor<4x1x8xi1, #spk.packed<axis = 2>>
}

// Other planes are another type.
// CHECK-LABEL: @pack_to_other_planes
// CHECK: spk.unpack
// CHECK: spk.pack
func.func @pack_to_other_planes(%x: tensor<4x1x8xi8, #spk.packed<axis = 2, planes = 2>>) -> tensor<4x1x8xi8, #spk.packed<axis = 2, planes = 3>> {
  %y = spk.unpack %x : tensor<4x1x8xi8, #spk.packed<axis = 2, planes = 2>> -> tensor<4x1x8xi8>
  %z = spk.pack %y : tensor<4x1x8xi8> -> tensor<4x1x8xi8, #spk.packed<axis = 2, planes = 3>>
  return %z : tensor<4x1x8xi8, #spk.packed<axis = 2, planes = 3>>
}
