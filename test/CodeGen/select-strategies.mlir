// RUN: rm -rf %t && mkdir %t
// RUN: %python %spk_src/test/Inputs/make_cost_model.py %t/rows.json row_per_spike=1 row_per_word=10 sorted_row_per_word=2 sort_per_word=4 select_per_input=100 table_per_lookup=2 table_per_entry=3 sum_per_plane=5 finish_per_sum=7
// RUN: %python %spk_src/test/Inputs/make_cost_model.py %t/selects.json row_per_spike=1000 table_per_entry=1000 select_per_input=1
// RUN: sed 's/1048576/131072/' %t/rows.json > %t/small.json
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies{cost-model=%t/rows.json})' | FileCheck %s --check-prefixes=CHECK,ROWS
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies{cost-model=%t/selects.json})' | FileCheck %s --check-prefixes=CHECK,SELECTS
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies{cost-model=%t/small.json})' | FileCheck %s --check-prefixes=CHECK,SMALL
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies{strategy=select_accumulate cost-model=%t/rows.json})' | FileCheck %s --check-prefixes=CHECK,FORCED
// RUN: not spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies{strategy=fastest})' 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// Every family of CPUs, and that of this machine.

// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies{cost-model=zen5})' | FileCheck %s --check-prefix=ZEN5
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies{cost-model=zen4})' | FileCheck %s --check-prefix=ZEN4
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies{cost-model=avx512})' | FileCheck %s --check-prefix=AVX512
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies{cost-model=avx2})' | FileCheck %s --check-prefix=AVX2
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies{cost-model=sse})' | FileCheck %s --check-prefix=SSE
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies{cost-model=neon})' | FileCheck %s --check-prefix=NEON
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-select-strategies)' | FileCheck %s --check-prefix=HOST
// ZEN5: by the cost model of zen5"
// ZEN4: by the cost model of zen4"
// AVX512: by the cost model of avx512"
// AVX2: by the cost model of avx2"
// SSE: by the cost model of sse"
// NEON: by the cost model of neon"
// HOST: by the cost model of {{zen5|zen4|avx512|avx2|sse|neon}}"

// UNKNOWN: error: strategy must be auto or one of depthwise row_accumulate table table_and_rows select_accumulate dense_fma, got fastest

// The fastest strategy is taken of those that give the bits of the sum. Here,
// for 14 sums of 24 inputs of which 15 % are set:
// 14 * (24 * 0.15 * 1 + 1 * 10 + 7) = 288.4 and 14 * (24 * 100 + 7) = 33698.
// A forced strategy is used where it gives these bits, and only there.

// CHECK-LABEL: @sequential
// ROWS: spk.fused({{.*}}) {reason = "adds one weight row per spike; work follows the spikes; the fastest with this sum by the cost model of test", spk.estimates = {row_accumulate = 288 : i64, select_accumulate = 33698 : i64}, spk.tile_sums = 1024 : i64, strategy = "row_accumulate"}
// SELECTS: strategy = "select_accumulate"}
// FORCED: spk.fused({{.*}}) {reason = "forced: {{.*}}", spk.estimates = {row_accumulate = {{.*}}, strategy = "select_accumulate"}
func.func @sequential(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  %0 = spk.fused(%x, %w) : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  ^bb0(%a: tensor<2x1x7x24xi1>, %b: tensor<24x24xf32>):
    %1 = spk.linear %a, %b {sum = #spk.sum<sequential>} : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
    spk.yield %1 : tensor<2x1x7x24xf32>
  }
  return %0 : tensor<2x1x7x24xf32>
}

// A measured density instead of the assumed one: 14 * (24 * 0.5 * 1 + 17) = 406.

// CHECK-LABEL: @measured
// ROWS: row_accumulate = 406 : i64
func.func @measured(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  %0 = spk.fused(%x, %w) : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  ^bb0(%a: tensor<2x1x7x24xi1>, %b: tensor<24x24xf32>):
    %1 = spk.linear %a, %b {spk.density = 0.5 : f64, sum = #spk.sum<sequential>} : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
    spk.yield %1 : tensor<2x1x7x24xf32>
  }
  return %0 : tensor<2x1x7x24xf32>
}

// Two planes, 5 groups of at most 5 inputs, tables made once:
// 14 * (2 * 5 * 2 + 5 + 7) + 5 * 32 * 3 = 928.

// CHECK-LABEL: @grouped
// ROWS: spk.fused({{.*}}; the fastest with this sum by the cost model of test", spk.estimates = {select_accumulate = {{.*}}, table = 928 : i64}, spk.tile_sums = 1024 : i64, strategy = "table"}
// SELECTS: strategy = "select_accumulate"}
// FORCED: spk.fused({{.*}}) {reason = "forced: {{.*}}, strategy = "select_accumulate"}
func.func @grouped(%x: tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 2>>, %w: tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  %0 = spk.fused(%x, %w) : (tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 2>>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  ^bb0(%a: tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 2>>, %b: tensor<24x24xf32>):
    %1 = spk.linear %a, %b {sum = #spk.sum<grouped, group = 5, planes = true>} : (tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 2>>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
    spk.yield %1 : tensor<2x1x7x24xf32>
  }
  return %0 : tensor<2x1x7x24xf32>
}

// Plane 0 by tables, plane 1 by rows of 7.5 % of the inputs:
// 14 * (5 * 2 + 24 * 0.075 * 1 + 10 + 5 + 7) + 5 * 32 * 3 = 953.2.

// CHECK-LABEL: @grouped_planes
// ROWS: spk.estimates = {table_and_rows = 953 : i64}, spk.tile_sums = 1024 : i64, strategy = "table_and_rows"}
func.func @grouped_planes(%x: tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 2>>, %w: tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  %0 = spk.fused(%x, %w) : (tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 2>>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  ^bb0(%a: tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 2>>, %b: tensor<24x24xf32>):
    %1 = spk.linear %a, %b {sum = #spk.sum<grouped, group = 5, planes = true, grouped_planes = 1>} : (tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 2>>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
    spk.yield %1 : tensor<2x1x7x24xf32>
  }
  return %0 : tensor<2x1x7x24xf32>
}

// Integers that are not packed have a plane for each bit but the sign.

// CHECK-LABEL: @not_packed
// ROWS: select_accumulate = 235718 : i64
func.func @not_packed(%x: tensor<2x1x7x24xi8>, %w: tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  %0 = spk.fused(%x, %w) : (tensor<2x1x7x24xi8>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  ^bb0(%a: tensor<2x1x7x24xi8>, %b: tensor<24x24xf32>):
    %1 = spk.linear %a, %b {sum = #spk.sum<grouped, group = 5, planes = true>} : (tensor<2x1x7x24xi8>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
    spk.yield %1 : tensor<2x1x7x24xf32>
  }
  return %0 : tensor<2x1x7x24xf32>
}

// Taps outside of the input cost nothing: 3 * 3 positions, 7 * 7 pairs of a
// position and a tap inside. 49 * (64 * 0.15 * 1 + 10) + 9 * 7 = 1023.4 for each
// of the two blocks of 64 channels.

// CHECK-LABEL: @window
// ROWS: row_accumulate = 2047 : i64
func.func @window(%x: tensor<1x1x3x3x64xi1, #spk.packed<axis = 4>>, %w: tensor<65x64x3x3xf32>) -> tensor<1x1x3x3x65xf32> {
  %0 = spk.fused(%x, %w) : (tensor<1x1x3x3x64xi1, #spk.packed<axis = 4>>, tensor<65x64x3x3xf32>) -> tensor<1x1x3x3x65xf32> {
  ^bb0(%a: tensor<1x1x3x3x64xi1, #spk.packed<axis = 4>>, %b: tensor<65x64x3x3xf32>):
    %1 = spk.conv %a, %b {layout = #spk.layout<channels_last>, padding = array<i64: 1, 1>, sum = #spk.sum<sequential>} : (tensor<1x1x3x3x64xi1, #spk.packed<axis = 4>>, tensor<65x64x3x3xf32>) -> tensor<1x1x3x3x65xf32>
    spk.yield %1 : tensor<1x1x3x3x65xf32>
  }
  return %0 : tensor<1x1x3x3x65xf32>
}

// From 64 sums on, positions are sorted, once for both blocks of 64 channels:
// 2 * 80 * (64 * 0.15 * 1 + 2 + 7) + 80 * 4 = 3296.

// CHECK-LABEL: @sorted
// ROWS: row_accumulate = 3296 : i64
func.func @sorted(%x: tensor<2x1x40x64xi1, #spk.packed<axis = 3>>, %w: tensor<65x64xf32>) -> tensor<2x1x40x65xf32> {
  %0 = spk.fused(%x, %w) : (tensor<2x1x40x64xi1, #spk.packed<axis = 3>>, tensor<65x64xf32>) -> tensor<2x1x40x65xf32> {
  ^bb0(%a: tensor<2x1x40x64xi1, #spk.packed<axis = 3>>, %b: tensor<65x64xf32>):
    %1 = spk.linear %a, %b {sum = #spk.sum<sequential>} : (tensor<2x1x40x64xi1, #spk.packed<axis = 3>>, tensor<65x64xf32>) -> tensor<2x1x40x65xf32>
    spk.yield %1 : tensor<2x1x40x65xf32>
  }
  return %0 : tensor<2x1x40x65xf32>
}

// Half of the second-level cache holds 256 sums: tables of 5 * 32 entries are
// made 4 times instead of once for 1024 sums. 8 blocks of
// 1024 * (5 * 2 + 7) + 5 * 32 * 3 = 17888 or 1024 * 17 + 4 * 480 = 19328.

// CHECK-LABEL: @tiles
// ROWS: table = 143104 : i64}, spk.tile_sums = 1024 : i64
// SMALL: table = 154624 : i64}, spk.tile_sums = 256 : i64
func.func @tiles(%x: tensor<2x1x512x24xi1, #spk.packed<axis = 3>>, %w: tensor<512x24xf32>) -> tensor<2x1x512x512xf32> {
  %0 = spk.fused(%x, %w) : (tensor<2x1x512x24xi1, #spk.packed<axis = 3>>, tensor<512x24xf32>) -> tensor<2x1x512x512xf32> {
  ^bb0(%a: tensor<2x1x512x24xi1, #spk.packed<axis = 3>>, %b: tensor<512x24xf32>):
    %1 = spk.linear %a, %b {sum = #spk.sum<grouped, group = 5>} : (tensor<2x1x512x24xi1, #spk.packed<axis = 3>>, tensor<512x24xf32>) -> tensor<2x1x512x512xf32>
    spk.yield %1 : tensor<2x1x512x512xf32>
  }
  return %0 : tensor<2x1x512x512xf32>
}

// Every output channel reads one input at each of 3 * 3 taps: 7 * 7 pairs of a
// position and a tap inside, 2 * (49 * 1) + 18 * 1. Rows would walk a word of 64
// inputs each: 2 * (49 * (64 * 0.15 * 1 + 10) + 9 * 7).

// CHECK-LABEL: @depthwise
// ROWS: spk.estimates = {depthwise = 9926 : i64, row_accumulate = 2047 : i64, select_accumulate = 627326 : i64}
// SELECTS: spk.fused({{.*}}) {reason = "every output channel adds its own input at each tap; the fastest with this sum by the cost model of test", spk.estimates = {depthwise = 116 : i64, {{.*}}, strategy = "depthwise"}
func.func @depthwise(%x: tensor<1x1x3x3x128xi1, #spk.packed<axis = 4>>, %w: tensor<128x1x3x3xf32>) -> tensor<1x1x3x3x128xf32> {
  %0 = spk.fused(%x, %w) : (tensor<1x1x3x3x128xi1, #spk.packed<axis = 4>>, tensor<128x1x3x3xf32>) -> tensor<1x1x3x3x128xf32> {
  ^bb0(%a: tensor<1x1x3x3x128xi1, #spk.packed<axis = 4>>, %b: tensor<128x1x3x3xf32>):
    %1 = spk.conv %a, %b {groups = 128 : i64, layout = #spk.layout<channels_last>, padding = array<i64: 1, 1>, sum = #spk.sum<sequential>} : (tensor<1x1x3x3x128xi1, #spk.packed<axis = 4>>, tensor<128x1x3x3xf32>) -> tensor<1x1x3x3x128xf32>
    spk.yield %1 : tensor<1x1x3x3x128xf32>
  }
  return %0 : tensor<1x1x3x3x128xf32>
}

// CHECK-LABEL: @float_input
// CHECK: spk.fused({{.*}}) {reason = "{{.*}}; the only one with this sum", spk.estimates = {dense_fma = {{[0-9]+}} : i64}, spk.tile_sums = {{[0-9]+}} : i64, strategy = "dense_fma"}
func.func @float_input(%x: tensor<2x1x7x24xf32>, %w: tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  %0 = spk.fused(%x, %w) : (tensor<2x1x7x24xf32>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  ^bb0(%a: tensor<2x1x7x24xf32>, %b: tensor<24x24xf32>):
    %1 = spk.linear %a, %b {sum = #spk.sum<fma>} : (tensor<2x1x7x24xf32>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
    spk.yield %1 : tensor<2x1x7x24xf32>
  }
  return %0 : tensor<2x1x7x24xf32>
}

// CHECK-LABEL: @attention
// CHECK: spk.fused({{.*}}) {reason = "follows the association", spk.estimates = {attention_kv_first = {{[0-9]+}} : i64}, strategy = "attention_kv_first"}
// CHECK: spk.fused({{.*}}) {reason = "follows the association", spk.estimates = {attention_qk_first = {{[0-9]+}} : i64}, strategy = "attention_qk_first"}
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
// CHECK: spk.fused({{.*}}) {reason = "no synapse", spk.estimates = {elementwise = {{[0-9]+}} : i64}, strategy = "elementwise"}
func.func @no_synapse(%x: tensor<2x1x7x24xf32>) -> tensor<2x1x7x24xi1> {
  %0 = spk.fused(%x) : (tensor<2x1x7x24xf32>) -> tensor<2x1x7x24xi1> {
  ^bb0(%a: tensor<2x1x7x24xf32>):
    %1 = spk.if %a {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
    spk.yield %1 : tensor<2x1x7x24xi1>
  }
  return %0 : tensor<2x1x7x24xi1>
}

// CHECK-LABEL: @product
// CHECK: spk.fused({{.*}}) {reason = "one row of a product at a time", spk.estimates = {product_rows = {{[0-9]+}} : i64}, strategy = "product_rows"}
func.func @product(%x: tensor<2x1x7x24xf32>, %y: tensor<2x1x24x7xi1>) -> tensor<2x1x7x7xf32> {
  %0 = spk.fused(%x, %y) : (tensor<2x1x7x24xf32>, tensor<2x1x24x7xi1>) -> tensor<2x1x7x7xf32> {
  ^bb0(%a: tensor<2x1x7x24xf32>, %b: tensor<2x1x24x7xi1>):
    %1 = spk.matmul %a, %b {num_heads = 1 : i64} : (tensor<2x1x7x24xf32>, tensor<2x1x24x7xi1>) -> tensor<2x1x7x7xf32>
    spk.yield %1 : tensor<2x1x7x7xf32>
  }
  return %0 : tensor<2x1x7x7xf32>
}
