// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-materialize-words)' -split-input-file -verify-diagnostics

// Nothing that knows only elements may touch words: 64 spikes are one of them.

func.func @slice_of_words(%x: tensor<2x1x7x130xi1, #spk.packed<axis = 3>>) {
  // expected-error @below {{failed to legalize operation 'tensor.extract_slice'}}
  %0 = tensor.extract_slice %x[0, 0, 0, 3] [2, 1, 7, 65] [1, 1, 1, 1] : tensor<2x1x7x130xi1, #spk.packed<axis = 3>> to tensor<2x1x7x65xi1, #spk.packed<axis = 3>>
  return
}

// -----

func.func @reshape_of_channels(%x: tensor<2x1x8x16xi1, #spk.packed<axis = 3>>) {
  // expected-error @below {{failed to legalize operation 'tensor.collapse_shape'}}
  %0 = tensor.collapse_shape %x [[0], [1], [2, 3]] : tensor<2x1x8x16xi1, #spk.packed<axis = 3>> into tensor<2x1x128xi1, #spk.packed<axis = 2>>
  return
}
