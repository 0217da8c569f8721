// RUN: rm -rf %t && mkdir %t
// RUN: %python %spk_src/test/Inputs/make_npy.py %t/pair.npy float32 3x2x1x2 1.5 1.5 1.5 1.5 0 1.5 1 1.5 1.5 1.5 0 1.5
// RUN: %python %spk_src/test/Inputs/make_npy.py %t/three.npy float32 3x3x1x2 1
// RUN: spk-compile %s -o %t/net.so --emit=shared --openmp=none
// RUN: spk-run %t/net.so %t/pair.npy --output %t/native.npy
// RUN: spk-run --interpret %s --input %t/pair.npy --output %t/interpreted.npy
// RUN: cmp %t/native.npy %t/interpreted.npy
// RUN: spk-run --interpret %s --input %t/pair.npy | FileCheck %s --check-prefix=VALUES
// RUN: not spk-run %t/net.so %t/three.npy --output %t/no.npy 2>&1 | FileCheck %s --check-prefix=SAMPLES
// RUN: not spk-run %t/net.so %t/pair.npy --stream --output %t/no.npy 2>&1 | FileCheck %s --check-prefix=STREAM
// RUN: not spk-compile %s --batch=4 -o %t/no.so 2>&1 | FileCheck %s --check-prefix=BATCH
// RUN: not ls %t/no.npy %t/no.so
// RUN: spk-compile %s --explain | FileCheck %s --check-prefix=EXPLAIN
// RUN: spk-compile %s --explain=json | FileCheck %s --check-prefix=JSON

// A neuron that scans t * 2 + b: what the first image charges fires in the second
// one at step 0, and no image has 1.5 at two steps without a spike.

// VALUES: y: bool[3,2,1,2] = 0 0 1 1 0 0 0 1 1 0 0 1
// SAMPLES: error: the inputs hold 3 samples and must hold a multiple of 2: lif scans time and batch together
// STREAM: lif: tensor.collapse_shape looks across time
// BATCH: error: the model runs at batch size 2 only: lif scans time and batch together
// EXPLAIN: fixed batch: lif scans time and batch together
// JSON: "fixed_batch": "lif scans time and batch together"

module attributes {spk.fixed_batch = "lif scans time and batch together"} {
  func.func @main(%x: tensor<3x2x1x2xf32> {spk.name = "x"}) -> (tensor<3x2x1x2xi1> {spk.name = "y"}) {
    %0 = tensor.collapse_shape %x [[0, 1], [2], [3]] : tensor<3x2x1x2xf32> into tensor<6x1x2xf32> loc("lif")
    %1 = tensor.expand_shape %0 [[0], [1, 2], [3]] output_shape [6, 1, 1, 2] : tensor<6x1x2xf32> into tensor<6x1x1x2xf32> loc("lif")
    %2 = spk.lif %1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<6x1x1x2xf32> -> tensor<6x1x1x2xi1> loc("lif")
    %3 = tensor.collapse_shape %2 [[0], [1, 2], [3]] : tensor<6x1x1x2xi1> into tensor<6x1x2xi1> loc("lif")
    %4 = tensor.expand_shape %3 [[0, 1], [2], [3]] output_shape [3, 2, 1, 2] : tensor<6x1x2xi1> into tensor<3x2x1x2xi1> loc("lif")
    return %4 : tensor<3x2x1x2xi1>
  }
}
