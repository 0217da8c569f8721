// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: spk-run --interpret %t/net.mlir --input %t/x0.npy --input %t/x1.npy --output-dir %t > /dev/null
// RUN: %python %S/Inputs/words.py pack %t/x0.npy 1 %t/x0.words.npy
// RUN: %python %S/Inputs/words.py pack %t/x1.npy 7 %t/x1.words.npy
// RUN: spk-compile %t/net.mlir -o %t/net.so --emit=shared
// RUN: spk-run %t/net.so --info | FileCheck %s
// RUN: spk-run %t/net.so %t/x0.words.npy %t/x1.words.npy --output %t/whole.npy
// RUN: %python %S/Inputs/words.py equal %t/y.npy %t/whole.npy
// RUN: spk-run %t/net.so %t/x0.words.npy %t/x1.words.npy --output %t/stream.npy --stream
// RUN: %python %S/Inputs/words.py equal %t/y.npy %t/stream.npy

// Spikes and integers of 70 channels that come and go as packed words, in a
// whole run and step by step: the bits that the interpreter gives on elements.

// CHECK: x0 int64 [3, 2, 5, 2, 1]
// CHECK: x1 int64 [3, 2, 5, 2, 7]
// CHECK: y int64 [3, 2, 5, 2, 1]

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"a.w"(#ml_program.extern : tensor<70x70xf32>) : tensor<70x70xf32>
  ml_program.global private @"a.b"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"b.w"(#ml_program.extern : tensor<70x70xf32>) : tensor<70x70xf32>
  ml_program.global private @"b.b"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>

  func.func @main(%x0: tensor<3x2x5x70xi1> {spk.name = "x0", spk.words}, %x1: tensor<3x2x5x70xi8> {spk.name = "x1", spk.words})
      -> (tensor<3x2x5x70xi1> {spk.name = "y", spk.words}) {
    %aw = ml_program.global_load_const @"a.w" : tensor<70x70xf32>
    %ab = ml_program.global_load_const @"a.b" : tensor<70xf32>
    %bw = ml_program.global_load_const @"b.w" : tensor<70x70xf32>
    %bb = ml_program.global_load_const @"b.b" : tensor<70xf32>
    %0 = spk.linear %x1, %aw bias %ab : (tensor<3x2x5x70xi8>, tensor<70x70xf32>, tensor<70xf32>) -> tensor<3x2x5x70xf32> loc("a.linear")
    %1 = spk.lif %0 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x5x70xf32> -> tensor<3x2x5x70xi1> loc("a.lif")
    %2 = spk.add %x0, %1 : (tensor<3x2x5x70xi1>, tensor<3x2x5x70xi1>) -> tensor<3x2x5x70xi8> loc("join")
    %3 = spk.linear %2, %bw bias %bb : (tensor<3x2x5x70xi8>, tensor<70x70xf32>, tensor<70xf32>) -> tensor<3x2x5x70xf32> loc("b.linear")
    %4 = spk.lif %3 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<3x2x5x70xf32> -> tensor<3x2x5x70xi1> loc("b.lif")
    return %4 : tensor<3x2x5x70xi1>
  }
}
