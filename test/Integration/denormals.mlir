// REQUIRES: x86
// A host that flushes denormals to zero changes nothing: currents, membranes and
// thresholds are denormal here, half of the neurons fire, and the bits are those
// of the interpreter at one and two threads, step by step and at once.

// RUN: rm -rf %t && mkdir -p %t/reference %t/flushed %t/stream
// RUN: %clang -shared -fPIC -x c %S/Inputs/flush_denormals.c -o %t/flush.so
// RUN: %python -c "import numpy as n; n.save('%t/x.npy', n.random.default_rng(0).random((4, 1, 9, 24), 'f4'))"
// RUN: spk-compile %s --compile-to=model -o %t/model.mlir
// RUN: spk-run --interpret %t/model.mlir --input=%t/x.npy --output-dir=%t/reference
// RUN: spk-compile %s --emit=shared -o %t/net.so
// RUN: env LD_PRELOAD=%t/flush.so spk-run %t/net.so %t/x.npy --threads=2 --output-dir=%t/flushed
// RUN: cmp %t/reference/spikes.npy %t/flushed/spikes.npy
// RUN: cmp %t/reference/current.npy %t/flushed/current.npy
// RUN: env LD_PRELOAD=%t/flush.so spk-run %t/net.so %t/x.npy --stream --output-dir=%t/stream
// RUN: cmp %t/reference/spikes.npy %t/stream/spikes.npy

// The values are denormal and the neurons alive.
// RUN: %python -c "import numpy as n; c = n.load('%t/reference/current.npy'); s = n.load('%t/reference/spikes.npy'); print((c != 0).mean(), n.abs(c).max() < 1.1754944e-38, 0.02 < s.mean() < 0.6)" | FileCheck %s
// CHECK: 1.0 True True

// And the host does flush.
// RUN: %clang %S/Inputs/flushes.c -o %t/flushes
// RUN: not %t/flushes
// RUN: env LD_PRELOAD=%t/flush.so %t/flushes

func.func @main(%x: tensor<4x1x9x24xf32> {spk.name = "x"}) -> (tensor<4x1x9x24xi1> {spk.name = "spikes"}, tensor<4x1x9x24xf32> {spk.name = "current"}) {
  %w = arith.constant dense<1.0e-40> : tensor<24x24xf32>
  %0 = spk.linear %x, %w : (tensor<4x1x9x24xf32>, tensor<24x24xf32>) -> tensor<4x1x9x24xf32>
  %1 = spk.lif %0 {v_reset = 0.0 : f32, v_threshold = 9.0e-40 : f32} : tensor<4x1x9x24xf32> -> tensor<4x1x9x24xi1> loc("lif")
  return %1, %0 : tensor<4x1x9x24xi1>, tensor<4x1x9x24xf32>
}
