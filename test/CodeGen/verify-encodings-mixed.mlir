// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-verify-encodings{allow-packed=true})' -split-input-file -verify-diagnostics
// RUN: not spk-opt %s --pass-pipeline='builtin.module(spk-verify-encodings{allow-packed=true})' -split-input-file > /dev/null 2>&1

// While encodings are live upstream never checks that they agree.

func.func @uniform(%x: tensor<2x1x7x65xi1, #spk.packed<axis = 3>>, %y: tensor<2x7xf32>) -> tensor<2x7x65xi1, #spk.packed<axis = 2>> {
  %0 = tensor.collapse_shape %x [[0], [1, 2], [3]] : tensor<2x1x7x65xi1, #spk.packed<axis = 3>> into tensor<2x7x65xi1, #spk.packed<axis = 2>>
  %1 = spk.unpack %x : tensor<2x1x7x65xi1, #spk.packed<axis = 3>> -> tensor<2x1x7x65xi8>
  %2 = tensor.extract_slice %1[0, 0, 0, 0] [2, 1, 7, 5] [1, 1, 1, 1] : tensor<2x1x7x65xi8> to tensor<2x1x7x5xi8>
  return %0 : tensor<2x7x65xi1, #spk.packed<axis = 2>>
}

// -----

func.func @cast_hides_an_encoding(%x: tensor<2x1x7x65xi1, #spk.packed<axis = 3>>) -> tensor<2x1x7x65xi1> {
  // expected-error @below {{must not mix packed and plain tensors; only spk.pack and spk.unpack change an encoding}}
  %0 = tensor.cast %x : tensor<2x1x7x65xi1, #spk.packed<axis = 3>> to tensor<2x1x7x65xi1>
  return %0 : tensor<2x1x7x65xi1>
}

// -----

func.func @slice_drops_an_encoding(%x: tensor<2x1x7x130xi1, #spk.packed<axis = 3>>) -> tensor<2x1x7x65xi1> {
  // expected-error @below {{must not mix packed and plain tensors}}
  %0 = "tensor.extract_slice"(%x) <{static_offsets = array<i64: 0, 0, 0, 3>, static_sizes = array<i64: 2, 1, 7, 65>, static_strides = array<i64: 1, 1, 1, 1>, operandSegmentSizes = array<i32: 1, 0, 0, 0>}> : (tensor<2x1x7x130xi1, #spk.packed<axis = 3>>) -> tensor<2x1x7x65xi1>
  return %0 : tensor<2x1x7x65xi1>
}

// -----

func.func @linalg_mixes(%x: tensor<2x1x7x65xi1, #spk.packed<axis = 3>>, %y: tensor<2x1x7x65xi1>) -> tensor<2x1x7x65xi1> {
  // expected-error @below {{must not mix packed and plain tensors}}
  %0 = linalg.map { arith.andi } ins(%x, %y : tensor<2x1x7x65xi1, #spk.packed<axis = 3>>, tensor<2x1x7x65xi1>) outs(%y : tensor<2x1x7x65xi1>)
  return %0 : tensor<2x1x7x65xi1>
}
