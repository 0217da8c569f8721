// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-verify-ranges)' -split-input-file -verify-diagnostics

// Sums of three spikes.
func.func @fits(%x: tensor<4x1x8x48xi1>, %c: tensor<4x1x8x48xi8>) -> tensor<4x1x8x48xi8> {
  %0 = spk.add %x, %x : (tensor<4x1x8x48xi1>, tensor<4x1x8x48xi1>) -> tensor<4x1x8x48xi8>
  %1 = spk.add %0, %x : (tensor<4x1x8x48xi8>, tensor<4x1x8x48xi1>) -> tensor<4x1x8x48xi8>
  return %1 : tensor<4x1x8x48xi8>
}

// -----

// Of an unknown i8 nothing is known but its type.
func.func @unknown_argument(%x: tensor<4x1x8x48xi1>, %c: tensor<4x1x8x48xi8>) -> tensor<4x1x8x48xi8> {
  // expected-error @unknown {{'spk.add' op result of layer block.0.add must hold 128, 'i8' holds 127, 'i16' would do}}
  %0 = spk.add %c, %x : (tensor<4x1x8x48xi8>, tensor<4x1x8x48xi1>) -> tensor<4x1x8x48xi8> loc("block.0.add")
  return %0 : tensor<4x1x8x48xi8>
}

// -----

// The wider type does, and the error is not repeated downstream.
func.func @wide_enough(%x: tensor<4x1x8x48xi1>, %c: tensor<4x1x8x48xi8>) -> tensor<4x1x8x48xi16> {
  %0 = spk.add %c, %x : (tensor<4x1x8x48xi8>, tensor<4x1x8x48xi1>) -> tensor<4x1x8x48xi16>
  %1 = spk.add %0, %c : (tensor<4x1x8x48xi16>, tensor<4x1x8x48xi8>) -> tensor<4x1x8x48xi16>
  return %1 : tensor<4x1x8x48xi16>
}

// -----

func.func @reported_once(%c: tensor<4x1x8x48xi8>) -> tensor<4x1x8x48xi8> {
  // expected-error @below {{must hold 254}}
  %0 = spk.add %c, %c : (tensor<4x1x8x48xi8>, tensor<4x1x8x48xi8>) -> tensor<4x1x8x48xi8>
  %1 = spk.add %0, %c : (tensor<4x1x8x48xi8>, tensor<4x1x8x48xi8>) -> tensor<4x1x8x48xi8>
  return %1 : tensor<4x1x8x48xi8>
}

// -----

func.func @no_type(%c: tensor<4x1x8x48xi32>) -> tensor<4x1x8x48xi32> {
  // expected-error @below {{must hold 4294967294, 'i32' holds 2147483647, no type would do}}
  %0 = spk.add %c, %c : (tensor<4x1x8x48xi32>, tensor<4x1x8x48xi32>) -> tensor<4x1x8x48xi32>
  return %0 : tensor<4x1x8x48xi32>
}

// -----

// Constants have a maximum; slices, transposes, reshapes, extension, pools and
// repetition keep it: 100 + 27 fits, one more spike does not.
func.func @passes_through(%x: tensor<4x1x6x6x6xi1>) -> tensor<4x1x6x6x6xi8> {
  %c = arith.constant dense<25> : tensor<1x1x36x6xi8>
  %0 = spk.repeat %c : tensor<1x1x36x6xi8> -> tensor<4x1x36x6xi8>
  %1 = tensor.expand_shape %0 [[0], [1], [2, 3], [4]] output_shape [4, 1, 6, 6, 6] : tensor<4x1x36x6xi8> into tensor<4x1x6x6x6xi8>
  %e = tensor.empty() : tensor<4x1x6x6x6xi8>
  %2 = linalg.transpose ins(%1 : tensor<4x1x6x6x6xi8>) outs(%e : tensor<4x1x6x6x6xi8>) permutation = [0, 1, 4, 2, 3]
  %3 = spk.max_pool %2 {kernel = array<i64: 1, 1>} : tensor<4x1x6x6x6xi8> -> tensor<4x1x6x6x6xi8>
  %4 = spk.add %3, %3 : (tensor<4x1x6x6x6xi8>, tensor<4x1x6x6x6xi8>) -> tensor<4x1x6x6x6xi8>
  %5 = spk.add %4, %4 : (tensor<4x1x6x6x6xi8>, tensor<4x1x6x6x6xi8>) -> tensor<4x1x6x6x6xi8>
  %d = arith.constant dense<26> : tensor<4x1x6x6x6xi8>
  %6 = spk.add %5, %d : (tensor<4x1x6x6x6xi8>, tensor<4x1x6x6x6xi8>) -> tensor<4x1x6x6x6xi8>
  %s = arith.extui %x : tensor<4x1x6x6x6xi1> to tensor<4x1x6x6x6xi8>
  %7 = spk.add %6, %s : (tensor<4x1x6x6x6xi8>, tensor<4x1x6x6x6xi8>) -> tensor<4x1x6x6x6xi8>
  // expected-error @below {{must hold 128}}
  %8 = spk.add %7, %x : (tensor<4x1x6x6x6xi8>, tensor<4x1x6x6x6xi1>) -> tensor<4x1x6x6x6xi8>
  return %8 : tensor<4x1x6x6x6xi8>
}

// -----

// Constants that are not splats, slices, concatenation and selection.
func.func @largest_of_several(%b: tensor<1x1x2x1xi1>) -> tensor<1x1x2x1xi8> {
  %c = arith.constant dense<[[[[3], [63]]]]> : tensor<1x1x2x1xi8>
  %d = arith.constant dense<-1> : tensor<1x1x2x1xi8>
  %0 = tensor.concat dim(2) %d, %c : (tensor<1x1x2x1xi8>, tensor<1x1x2x1xi8>) -> tensor<1x1x4x1xi8>
  %1 = tensor.extract_slice %0[0, 0, 1, 0] [1, 1, 2, 1] [1, 1, 1, 1] : tensor<1x1x4x1xi8> to tensor<1x1x2x1xi8>
  %2 = arith.select %b, %1, %d : tensor<1x1x2x1xi1>, tensor<1x1x2x1xi8>
  %3 = spk.add %2, %1 : (tensor<1x1x2x1xi8>, tensor<1x1x2x1xi8>) -> tensor<1x1x2x1xi8>
  %4 = spk.add %3, %b : (tensor<1x1x2x1xi8>, tensor<1x1x2x1xi1>) -> tensor<1x1x2x1xi8>
  // expected-error @below {{must hold 128}}
  %5 = spk.add %4, %b : (tensor<1x1x2x1xi8>, tensor<1x1x2x1xi1>) -> tensor<1x1x2x1xi8>
  return %5 : tensor<1x1x2x1xi8>
}

// -----

// Into a fused region, through packed storage, and out again.
func.func @fused(%x: tensor<4x1x8x48xi1>) -> tensor<4x1x8x48xi8> {
  %c = arith.constant dense<125> : tensor<4x1x8x48xi8>
  %p = spk.pack %c : tensor<4x1x8x48xi8> -> tensor<4x1x8x48xi8, #spk.packed<axis = 3, planes = 7>>
  %0 = spk.fused(%x, %p) : (tensor<4x1x8x48xi1>, tensor<4x1x8x48xi8, #spk.packed<axis = 3, planes = 7>>) -> tensor<4x1x8x48xi8> {
  ^bb0(%x0: tensor<4x1x8x48xi1>, %p0: tensor<4x1x8x48xi8, #spk.packed<axis = 3, planes = 7>>):
    %u = spk.unpack %p0 : tensor<4x1x8x48xi8, #spk.packed<axis = 3, planes = 7>> -> tensor<4x1x8x48xi8>
    %1 = spk.add %u, %x0 : (tensor<4x1x8x48xi8>, tensor<4x1x8x48xi1>) -> tensor<4x1x8x48xi8>
    spk.yield %1 : tensor<4x1x8x48xi8>
  }
  %2 = spk.add %0, %x : (tensor<4x1x8x48xi8>, tensor<4x1x8x48xi1>) -> tensor<4x1x8x48xi8>
  // expected-error @below {{must hold 128}}
  %3 = spk.add %2, %x : (tensor<4x1x8x48xi8>, tensor<4x1x8x48xi1>) -> tensor<4x1x8x48xi8>
  return %3 : tensor<4x1x8x48xi8>
}

// -----

// A neuron fires 1 whatever charges it.
func.func @neuron(%x: tensor<4x1x8x48xf32>, %c: tensor<4x1x8x48xi8>) -> tensor<4x1x8x48xi8> {
  %s = spk.lif %x {v_threshold = 1.0 : f32} : tensor<4x1x8x48xf32> -> tensor<4x1x8x48xi1>
  %0 = spk.add %s, %s : (tensor<4x1x8x48xi1>, tensor<4x1x8x48xi1>) -> tensor<4x1x8x48xi8>
  // expected-error @below {{must hold 129}}
  %1 = spk.add %0, %c : (tensor<4x1x8x48xi8>, tensor<4x1x8x48xi8>) -> tensor<4x1x8x48xi8>
  return %1 : tensor<4x1x8x48xi8>
}

// -----

// An integer neuron fires up to its levels.
func.func @integer_neurons(%x: tensor<4x1x8x48xf32>) -> tensor<4x1x8x48xi8> {
  %s = spk.ilif %x {levels = 100 : i64, v_threshold = 1.0 : f32} : tensor<4x1x8x48xf32> -> tensor<4x1x8x48xi8>
  %m = spk.multi_spike %x {levels = 27 : i64} : tensor<4x1x8x48xf32> -> tensor<4x1x8x48xi8>
  %0 = spk.add %s, %m : (tensor<4x1x8x48xi8>, tensor<4x1x8x48xi8>) -> tensor<4x1x8x48xi8>
  // expected-error @below {{must hold 154}}
  %1 = spk.add %0, %m : (tensor<4x1x8x48xi8>, tensor<4x1x8x48xi8>) -> tensor<4x1x8x48xi8>
  return %1 : tensor<4x1x8x48xi8>
}
