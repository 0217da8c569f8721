// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-choose-sum)' -split-input-file | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-choose-sum{sum=sequential})' -split-input-file | FileCheck %s --check-prefixes=CHECK,SEQ
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-choose-sum{sum=grouped group=7})' -split-input-file | FileCheck %s --check-prefixes=CHECK,GRP
// RUN: not spk-opt %s --pass-pipeline='builtin.module(spk-choose-sum{sum=tree})' 2>&1 | FileCheck %s --check-prefix=KIND
// RUN: not spk-opt %s --pass-pipeline='builtin.module(spk-choose-sum{group=65})' 2>&1 | FileCheck %s --check-prefix=GROUP

// KIND: spk-choose-sum: sum must be auto, sequential or grouped, got tree
// GROUP: spk-choose-sum: group must be in [1, 64], got 65

// CHECK-LABEL: @floats
// CHECK: spk.conv {{.*}}spk.why_sum = "fma: f32 input"{{.*}}sum = #spk.sum<fma>
func.func @floats(%x: tensor<1x1x3x8x8xf32>, %w: tensor<48x3x3x3xf32>) -> tensor<1x1x48x6x6xf32> {
  %y = spk.conv %x, %w : (tensor<1x1x3x8x8xf32>, tensor<48x3x3x3xf32>) -> tensor<1x1x48x6x6xf32>
  return %y : tensor<1x1x48x6x6xf32>
}

// -----

// CHECK-LABEL: @spikes
// AUTO: spk.linear {{.*}}spk.why_sum = "sequential: assumed density 15 % is below the crossover of 25 %"{{.*}}sum = #spk.sum<sequential>
// SEQ: spk.linear {{.*}}spk.why_sum = "sequential: by option"{{.*}}sum = #spk.sum<sequential>
// GRP: spk.linear {{.*}}spk.why_sum = "grouped: by option"{{.*}}sum = #spk.sum<grouped, group = 7>
func.func @spikes(%x: tensor<4x1x8x48xi1>, %w: tensor<96x48xf32>) -> tensor<4x1x8x96xf32> {
  %y = spk.linear %x, %w : (tensor<4x1x8x48xi1>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return %y : tensor<4x1x8x96xf32>
}

// -----

// CHECK-LABEL: @integers
// AUTO: spk.linear {{.*}}sum = #spk.sum<sequential, planes = true>
// SEQ: spk.linear {{.*}}sum = #spk.sum<sequential, planes = true>
// GRP: spk.linear {{.*}}sum = #spk.sum<grouped, group = 7, planes = true>
func.func @integers(%x: tensor<4x1x8x48xi8>, %w: tensor<96x48xf32>) -> tensor<4x1x8x96xf32> {
  %y = spk.linear %x, %w : (tensor<4x1x8x48xi8>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return %y : tensor<4x1x8x96xf32>
}

// -----

// The crossover belongs to the groups; an option overrides the density.

// CHECK-LABEL: @dense
// AUTO: spk.linear {{.*}}spk.why_sum = "grouped: density 25 % reaches the crossover of 25 %"{{.*}}sum = #spk.sum<grouped, group = 5>
// SEQ: spk.linear {{.*}}sum = #spk.sum<sequential>
func.func @dense(%x: tensor<4x1x8x48xi1>, %w: tensor<96x48xf32>) -> tensor<4x1x8x96xf32> {
  %y = spk.linear %x, %w {spk.density = 0.25 : f64} : (tensor<4x1x8x48xi1>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return %y : tensor<4x1x8x96xf32>
}

// -----

// CHECK-LABEL: @not_dense
// AUTO: spk.linear {{.*}}spk.why_sum = "sequential: density 24.9 % is below the crossover of 25 %"{{.*}}sum = #spk.sum<sequential>
// GRP: spk.linear {{.*}}sum = #spk.sum<grouped, group = 7>
func.func @not_dense(%x: tensor<4x1x8x48xi1>, %w: tensor<96x48xf32>) -> tensor<4x1x8x96xf32> {
  %y = spk.linear %x, %w {spk.density = 0.249 : f64} : (tensor<4x1x8x48xi1>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return %y : tensor<4x1x8x96xf32>
}

// -----

// What is fixed stays.

// CHECK-LABEL: @fixed
// CHECK: spk.linear %{{.+}}, %{{.+}} {sum = #spk.sum<grouped, group = 3>}
func.func @fixed(%x: tensor<4x1x8x48xi1>, %w: tensor<96x48xf32>) -> tensor<4x1x8x96xf32> {
  %y = spk.linear %x, %w {sum = #spk.sum<grouped, group = 3>} : (tensor<4x1x8x48xi1>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return %y : tensor<4x1x8x96xf32>
}

// -----

// The operands of a product decide.

// CHECK-LABEL: @products
// CHECK: spk.matmul {{.*}}spk.why_sum = "fma: both operands are f32", sum = #spk.sum<fma>
// CHECK: spk.matmul {{.*}}spk.why_sum = "sequential: an operand is no f32", sum = #spk.sum<sequential>
func.func @products(%x: tensor<4x1x6x8xf32>, %y: tensor<4x1x8x10xi1>, %z: tensor<4x1x8x10xf32>) -> (tensor<4x1x6x10xf32>, tensor<4x1x6x10xf32>) {
  %0 = spk.matmul %x, %z {num_heads = 1 : i64} : (tensor<4x1x6x8xf32>, tensor<4x1x8x10xf32>) -> tensor<4x1x6x10xf32>
  %1 = spk.matmul %x, %y {num_heads = 1 : i64} : (tensor<4x1x6x8xf32>, tensor<4x1x8x10xi1>) -> tensor<4x1x6x10xf32>
  return %0, %1 : tensor<4x1x6x10xf32>, tensor<4x1x6x10xf32>
}
