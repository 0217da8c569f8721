// RUN: spk-opt %s --pass-pipeline='builtin.module(func.func(spk-fuse-layers),spk-pack-spikes,cse,spk-select-strategies,spk-generate-kernels,canonicalize)' | FileCheck %s

// Sums of six positions and 16 channels are under way at a time; only what the
// image lacks, rows above and below and columns at either side, is summed
// position by position. No order changes: channels innermost, one fma each.

// CHECK: func.func private @kernel_{{.}}_conv(%[[X:.+]]: memref<1x1x9x20x3xf32>
// CHECK: scf.for %{{.+}} = %c0 to %c64 step %c16
// CHECK-COUNT-3: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: %[[W:.+]] = vector.load {{.*}} : memref<2x27x64xf32>, vector<16xf32>
// CHECK-COUNT-6: math.fma %[[W]], %{{.+}}, %{{.+}} : vector<16xf32>
// CHECK-COUNT-6: vector.store
// CHECK: math.fma {{.*}} : vector<64xf32>
// CHECK-NOT: math.fma
// CHECK: return
func.func @image(%x: tensor<1x1x9x20x3xf32>, %w: tensor<70x3x3x3xf32>) -> tensor<1x1x9x20x70xf32> {
  %0 = spk.conv %x, %w {padding = array<i64: 1, 1>, layout = #spk.layout<channels_last>, sum = #spk.sum<fma>} : (tensor<1x1x9x20x3xf32>, tensor<70x3x3x3xf32>) -> tensor<1x1x9x20x70xf32>
  return %0 : tensor<1x1x9x20x70xf32>
}
