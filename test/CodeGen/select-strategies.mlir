// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies)' | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies{strategy=select_accumulate})' | FileCheck %s --check-prefixes=CHECK,FORCED
// RUN: not spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies{strategy=fastest})' 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: strategy must be auto or one of row_accumulate select_accumulate dense_fma, got fastest

// A forced strategy is used where it gives the bits of the sum, and only there.

// CHECK-LABEL: @sequential
// AUTO: spk.fused({{.*}}) {reason = "{{.*}}; preferred for this sum", strategy = "row_accumulate"}
// FORCED: spk.fused({{.*}}) {reason = "forced: {{.*}}", strategy = "select_accumulate"}
func.func @sequential(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  %0 = spk.fused(%x, %w) : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  ^bb0(%a: tensor<2x1x7x24xi1>, %b: tensor<24x24xf32>):
    %1 = spk.linear %a, %b {sum = #spk.sum<sequential>} : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
    spk.yield %1 : tensor<2x1x7x24xf32>
  }
  return %0 : tensor<2x1x7x24xf32>
}

// CHECK-LABEL: @grouped
// AUTO: spk.fused({{.*}}) {reason = "{{.*}}; the only one with this sum", strategy = "select_accumulate"}
// FORCED: spk.fused({{.*}}) {reason = "forced: {{.*}}", strategy = "select_accumulate"}
func.func @grouped(%x: tensor<2x1x7x24xi8>, %w: tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  %0 = spk.fused(%x, %w) : (tensor<2x1x7x24xi8>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  ^bb0(%a: tensor<2x1x7x24xi8>, %b: tensor<24x24xf32>):
    %1 = spk.linear %a, %b {sum = #spk.sum<grouped, group = 5, planes = true>} : (tensor<2x1x7x24xi8>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
    spk.yield %1 : tensor<2x1x7x24xf32>
  }
  return %0 : tensor<2x1x7x24xf32>
}

// CHECK-LABEL: @float_input
// CHECK: spk.fused({{.*}}) {reason = "{{.*}}; the only one with this sum", strategy = "dense_fma"}
func.func @float_input(%x: tensor<2x1x7x24xf32>, %w: tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  %0 = spk.fused(%x, %w) : (tensor<2x1x7x24xf32>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  ^bb0(%a: tensor<2x1x7x24xf32>, %b: tensor<24x24xf32>):
    %1 = spk.linear %a, %b {sum = #spk.sum<fma>} : (tensor<2x1x7x24xf32>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
    spk.yield %1 : tensor<2x1x7x24xf32>
  }
  return %0 : tensor<2x1x7x24xf32>
}

// CHECK-LABEL: @attention
// CHECK: spk.fused({{.*}}) {reason = "follows the association", strategy = "attention_kv_first"}
// CHECK: spk.fused({{.*}}) {reason = "follows the association", strategy = "attention_qk_first"}
func.func @attention(%q: tensor<2x1x7x24xi1>) -> (tensor<2x1x7x24xf32>, tensor<2x1x7x24xf32>) {
  %0 = spk.fused(%q) : (tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xf32> {
  ^bb0(%a: tensor<2x1x7x24xi1>):
    %1 = spk.ssa %a, %a, %a {num_heads = 2 : i64, scale = 0.125 : f32, association = #spk.association<kv_first>} : (tensor<2x1x7x24xi1>, tensor<2x1x7x24xi1>, tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xf32>
    spk.yield %1 : tensor<2x1x7x24xf32>
  }
  %2 = spk.fused(%q) : (tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xf32> {
  ^bb0(%a: tensor<2x1x7x24xi1>):
    %1 = spk.ssa %a, %a, %a {num_heads = 2 : i64, scale = 0.125 : f32, source_order = #spk.association<qk_first>} : (tensor<2x1x7x24xi1>, tensor<2x1x7x24xi1>, tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xf32>
    spk.yield %1 : tensor<2x1x7x24xf32>
  }
  return %0, %2 : tensor<2x1x7x24xf32>, tensor<2x1x7x24xf32>
}

// CHECK-LABEL: @no_synapse
// CHECK: spk.fused({{.*}}) {reason = "no synapse", strategy = "elementwise"}
func.func @no_synapse(%x: tensor<2x1x7x24xf32>) -> tensor<2x1x7x24xi1> {
  %0 = spk.fused(%x) : (tensor<2x1x7x24xf32>) -> tensor<2x1x7x24xi1> {
  ^bb0(%a: tensor<2x1x7x24xf32>):
    %1 = spk.if %a {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
    spk.yield %1 : tensor<2x1x7x24xi1>
  }
  return %0 : tensor<2x1x7x24xi1>
}
