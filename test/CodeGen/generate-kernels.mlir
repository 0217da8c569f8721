// DEFINE: %{before} = func.func(spk-fuse-layers),spk-pack-spikes,cse,spk-select-strategies
// RUN: spk-opt %s --pass-pipeline='builtin.module(%{before},spk-generate-kernels)' -split-input-file | FileCheck %s --implicit-check-not=spk.fused
// RUN: spk-opt %s --pass-pipeline='builtin.module(%{before},spk-generate-kernels,canonicalize)' -split-input-file | FileCheck %s --check-prefix=LOOPS
// RUN: spk-opt %s --pass-pipeline='builtin.module(func.func(spk-fuse-layers),spk-pack-spikes,cse,spk-select-strategies{strategy=select_accumulate},spk-generate-kernels,canonicalize)' -split-input-file | FileCheck %s --check-prefix=SELECT

// Two equal layers, one after the other and at other addresses, share a kernel;
// weights are arguments in rows of 64 output channels, padded, and so are
// constants per channel. One layer with another threshold has a kernel of its
// own.

// CHECK-LABEL: @shared
// CHECK-SAME: (%[[X:.+]]: tensor<2x1x7x24xi8> {spk.spikes}, %[[W:.+]]: tensor<24x24xf32>, %[[U:.+]]: tensor<24x24xf32>, %[[B:.+]]: tensor<24xf32>)
// CHECK: %[[P:.+]] = spk.dispatch @kernel_0_pack ins(%[[X]] :
// CHECK: %[[PW:.+]] = spk.pack_weights %[[W]] : tensor<24x24xf32> -> tensor<1x24x64xf32>
// CHECK: %[[PB:.+]] = spk.pad_channels %[[B]] : tensor<24xf32> -> tensor<64xf32>
// CHECK: %[[Y:.+]] = spk.dispatch @kernel_1_linear ins(%[[P]], %[[PW]], %[[PB]] :
// CHECK: %[[PU:.+]] = spk.pack_weights %[[U]]
// CHECK: %[[Z:.+]] = spk.dispatch @kernel_1_linear ins(%[[Y]], %[[PU]],
// CHECK: spk.dispatch @kernel_2_linear ins(%[[Z]],
// CHECK: spk.dispatch @kernel_3_unpack
// CHECK: func.func private @kernel_0_pack(%{{.+}}: memref<2x1x7x24xi8>, %{{.+}}: memref<2x1x7x1x1xi64>)
// CHECK: func.func private @kernel_1_linear(%{{.+}}: memref<2x1x7x1x1xi64>, %{{.+}}: memref<1x24x64xf32>, %{{.+}}: memref<64xf32>, %{{.+}}: memref<2x1x7x1x1xi64>)

// Spikes select rows of weights: the lowest set bit, a row, an addition. Nothing
// is multiplied before the scale, nor stored but words.

// LOOPS-LABEL: func.func private @kernel_1_linear
// LOOPS: %[[VALID:.+]] = arith.constant 16777215 : i64
// LOOPS-NOT: {{mulf|fma|muli.*(vector|i64|i32|i16)}}
// LOOPS: scf.while
// LOOPS: math.cttz
// LOOPS: arith.andi
// LOOPS: %[[ROW:.+]] = vector.load {{.*}} : memref<1x24x64xf32>, vector<64xf32>
// LOOPS: arith.addf %{{.+}}, %[[ROW]] : vector<64xf32>
// LOOPS: arith.addf
// LOOPS: arith.cmpf oge
// LOOPS: vector.bitcast {{.*}} : vector<64xi1> to vector<1xi64>
// LOOPS: %[[WORD:.+]] = arith.andi %{{.+}}, %[[VALID]] : i64
// LOOPS-NEXT: memref.store %[[WORD]]{{.*}} : memref<2x1x7x1x1xi64>
// LOOPS: return
func.func @shared(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>, %u: tensor<24x24xf32>, %b: tensor<24xf32>) -> tensor<2x1x7x24xi1> {
  %0 = spk.linear %x, %w bias %b {sum = #spk.sum<sequential>} : (tensor<2x1x7x24xi1>, tensor<24x24xf32>, tensor<24xf32>) -> tensor<2x1x7x24xf32>
  %1 = spk.if %0 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  %2 = spk.linear %1, %u bias %b {sum = #spk.sum<sequential>} : (tensor<2x1x7x24xi1>, tensor<24x24xf32>, tensor<24xf32>) -> tensor<2x1x7x24xf32>
  %3 = spk.if %2 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  %4 = spk.linear %3, %w bias %b {sum = #spk.sum<sequential>} : (tensor<2x1x7x24xi1>, tensor<24x24xf32>, tensor<24xf32>) -> tensor<2x1x7x24xf32>
  %5 = spk.if %4 {v_reset = 0.0 : f32, v_threshold = 0.5 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  return %5 : tensor<2x1x7x24xi1>
}

// -----

// Sums of all subsets of five rows of 16 channels, then one of them per position
// and group, chosen by bits of the word: four positions at a time, additions
// only. 24 channels end with a group of four.

// CHECK-LABEL: @grouped
// CHECK: spk.pack_weights %{{.+}} {first_inputs = array<i64: 0, 0>, groups = 2 : i64} : tensor<70x12x3x3xf32> -> tensor<2x216x64xf32>
// LOOPS-LABEL: func.func private @kernel_1_conv
// LOOPS-NOT: {{mulf|fma|muli.*(vector|i64|i32|i16)}}
// LOOPS: %[[SUMS:.+]] = memref.alloca() {alignment = 64 : i64} : memref<1x54x16xf32>
// LOOPS: %[[TABLES:.+]] = memref.alloca() {alignment = 64 : i64} : memref<13x32x16xf32>
// LOOPS: scf.for %{{.+}} = %c0 to %c64 step %c16
// LOOPS: scf.for %[[TABLE:.+]] = %c0 to %c4 step %c1 {
// LOOPS-COUNT-31: arith.addf %{{.+}}, %{{.+}} : vector<16xf32>
// LOOPS: vector.store %{{.+}}, %[[TABLES]][%[[TABLE]], %c31, %c0]
// LOOPS-COUNT-15: arith.addf %{{.+}}, %{{.+}} : vector<16xf32>
// LOOPS: vector.store %{{.+}}, %[[TABLES]][%c4, %c15, %c0]
// LOOPS-COUNT-4: vector.load %[[SUMS]]
// LOOPS: %[[HIGH:.+]] = arith.shrui %{{.+}}, %c20_i64
// LOOPS-NEXT: %[[BITS:.+]] = arith.andi %[[HIGH]], %c31_i64
// LOOPS-NEXT: %[[ENTRY:.+]] = arith.index_castui %[[BITS]]
// LOOPS-NEXT: %[[SUM:.+]] = vector.load %[[TABLES]][%c4, %[[ENTRY]], %c0]
// LOOPS-NEXT: arith.addf %{{.+}}, %[[SUM]] : vector<16xf32>
// LOOPS-COUNT-4: vector.store %{{.+}}, %[[SUMS]]
// LOOPS: return

// Every row or zero: a select, and no multiplication either.

// SELECT-LABEL: @grouped
// SELECT: func.func private @kernel_1_conv
// SELECT-NOT: {{mulf|fma|muli.*(vector|i64|i32|i16)}}
// SELECT: %[[S:.+]] = arith.select %{{.+}}, %{{.+}}, %{{.+}} : vector<64xf32>
// SELECT-NEXT: arith.addf %{{.+}}, %[[S]]
// SELECT: return
func.func @grouped(%x: tensor<2x1x5x7x24xi1>, %w: tensor<70x12x3x3xf32>) -> tensor<2x1x3x5x70xf32> {
  %0 = spk.conv %x, %w {groups = 2 : i64, layout = #spk.layout<channels_last>, sum = #spk.sum<grouped, group = 5>} : (tensor<2x1x5x7x24xi1>, tensor<70x12x3x3xf32>) -> tensor<2x1x3x5x70xf32>
  return %0 : tensor<2x1x3x5x70xf32>
}

// -----

// Every lane adds its own weight where its spike is set, and blocks of outputs
// read the words of their own groups.

// CHECK-LABEL: @groups
// CHECK: spk.pack_weights %{{.+}} {first_inputs = array<i64: 0, 64>, groups = 2 : i64} : tensor<128x64x3x3xf32> -> tensor<2x576x64xf32>
// CHECK: spk.pack_weights %{{.+}} {groups = 128 : i64, own_inputs} : tensor<128x1x3x3xf32> -> tensor<2x9x64xf32>
// LOOPS-LABEL: func.func private @kernel_2_conv
// LOOPS: %[[WORD:.+]] = memref.load %arg0[%{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %[[OWN:.+]], %c0]
// LOOPS: %[[ONE:.+]] = vector.broadcast %[[WORD]] : i64 to vector<1xi64>
// LOOPS: %[[MASK:.+]] = vector.bitcast %[[ONE]] : vector<1xi64> to vector<64xi1>
// LOOPS: %[[ROW:.+]] = vector.load %arg1
// LOOPS: %[[ADDEND:.+]] = arith.select %[[MASK]], %[[ROW]], %{{.+}} : vector<64xi1>, vector<64xf32>
// LOOPS-NEXT: arith.addf %{{.+}}, %[[ADDEND]] : vector<64xf32>
// LOOPS: return
func.func @groups(%x: tensor<2x1x5x7x128xi1>, %w: tensor<128x1x3x3xf32>, %u: tensor<128x64x3x3xf32>) -> tensor<2x1x3x5x128xf32> {
  %0 = spk.conv %x, %w {groups = 128 : i64, layout = #spk.layout<channels_last>, sum = #spk.sum<sequential>} : (tensor<2x1x5x7x128xi1>, tensor<128x1x3x3xf32>) -> tensor<2x1x3x5x128xf32>
  %1 = spk.conv %x, %u {groups = 2 : i64, layout = #spk.layout<channels_last>, sum = #spk.sum<sequential>} : (tensor<2x1x5x7x128xi1>, tensor<128x64x3x3xf32>) -> tensor<2x1x3x5x128xf32>
  %2 = arith.addf %0, %1 : tensor<2x1x3x5x128xf32>
  return %2 : tensor<2x1x3x5x128xf32>
}

// -----

// The first block needs two words of inputs, and so the second reads two as well:
// words 1 and 2, since there is no word 3.

// CHECK-LABEL: @last_groups
// CHECK: spk.pack_weights %{{.+}} {first_inputs = array<i64: 0, 64>, groups = 3 : i64} : tensor<96x64x1x1xf32> -> tensor<2x128x64xf32>
func.func @last_groups(%x: tensor<2x1x3x3x192xi1>, %w: tensor<96x64x1x1xf32>) -> tensor<2x1x3x3x96xf32> {
  %0 = spk.conv %x, %w {groups = 3 : i64, layout = #spk.layout<channels_last>, sum = #spk.sum<sequential>} : (tensor<2x1x3x3x192xi1>, tensor<96x64x1x1xf32>) -> tensor<2x1x3x3x96xf32>
  return %0 : tensor<2x1x3x3x96xf32>
}

// -----

// A pool behind the neuron reads words of its neighbours: a kernel of its own.

// CHECK-LABEL: @pool_behind_neuron
// CHECK: %[[S:.+]] = spk.dispatch @kernel_0_conv {{.*}} -> tensor<2x1x6x8x24xi1, #spk.packed<axis = 4>>
// CHECK: spk.dispatch @kernel_1_max_pool ins(%[[S]] : {{.*}} -> tensor<2x1x3x4x24xi1, #spk.packed<axis = 4>>
// LOOPS-LABEL: func.func private @kernel_1_max_pool
// LOOPS-NOT: vector
// LOOPS: arith.ori
// LOOPS: return
func.func @pool_behind_neuron(%x: tensor<2x1x6x8x3xf32>, %w: tensor<24x3x1x1xf32>) -> tensor<2x1x3x4x24xi1> {
  %0 = spk.conv %x, %w {layout = #spk.layout<channels_last>, sum = #spk.sum<fma>} : (tensor<2x1x6x8x3xf32>, tensor<24x3x1x1xf32>) -> tensor<2x1x6x8x24xf32>
  %1 = spk.lif %0 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x6x8x24xf32> -> tensor<2x1x6x8x24xi1>
  %2 = spk.max_pool %1 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, layout = #spk.layout<channels_last>} : tensor<2x1x6x8x24xi1> -> tensor<2x1x3x4x24xi1>
  return %2 : tensor<2x1x3x4x24xi1>
}

// -----

// An integer neuron rounds by an addition and stores three words, one for each
// bit of numbers up to 4, with nothing past the last channel. The next layer
// reads them plane by plane.

// CHECK-LABEL: @integer_neuron
// CHECK: spk.dispatch @kernel_0_linear {{.*}} -> tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 3>>
// CHECK: spk.dispatch @kernel_1_linear ins(%{{.+}} : tensor<2x1x7x24xi8, #spk.packed<axis = 3, planes = 3>>,
// LOOPS-LABEL: func.func private @kernel_0_linear
// LOOPS-DAG: %[[VALID:.+]] = arith.constant 16777215 : i64
// LOOPS-DAG: %[[SHIFT:.+]] = arith.constant dense<0x4B000000> : vector<64xf32>
// LOOPS: %[[NEAR:.+]] = arith.addf %{{.+}}, %[[SHIFT]]
// LOOPS-NEXT: %[[ROUND:.+]] = arith.subf %[[NEAR]], %[[SHIFT]]
// LOOPS: %[[NUMBER:.+]] = arith.fptosi %[[ROUND]] : vector<64xf32> to vector<64xi32>
// LOOPS-COUNT-3: arith.andi %[[NUMBER]], %{{.+}} : vector<64xi32>
// LOOPS-COUNT-3: arith.andi %{{.+}}, %[[VALID]] : i64
// LOOPS-COUNT-3: memref.store %{{.+}} : memref<2x1x7x1x3xi64>
// LOOPS: return
func.func @integer_neuron(%x: tensor<2x1x7x3xf32>, %w: tensor<24x3xf32>, %u: tensor<70x24xf32>) -> tensor<2x1x7x70xf32> {
  %0 = spk.linear %x, %w {sum = #spk.sum<fma>} : (tensor<2x1x7x3xf32>, tensor<24x3xf32>) -> tensor<2x1x7x24xf32>
  %1 = spk.ilif %0 {levels = 4 : i64, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi8>
  %2 = spk.linear %1, %u {sum = #spk.sum<sequential, planes = true>} : (tensor<2x1x7x24xi8>, tensor<70x24xf32>) -> tensor<2x1x7x70xf32>
  return %2 : tensor<2x1x7x70xf32>
}

// -----

// Kᵀ V first leaves d × d counts: per block of 64 channels, the channels of the
// heads in it. Nothing is multiplied up to the scale, and nothing depends on how
// many spikes there are: four bits choose one of the 16 sums of four rows, made
// before. The sums of all tokens stand ready before neurons run.

// CHECK-LABEL: @kv_first
// CHECK: %[[KV:.+]] = spk.dispatch @kernel_{{.}}_attention_kv ins(%{{.+}}, %{{.+}} : {{.*}} -> tensor<2x1x2x64x64xi16>
// CHECK: spk.dispatch @kernel_{{.}}_ssa ins(%{{.+}}, %{{.+}}, %{{.+}}, %[[KV]] :
// LOOPS-LABEL: @kv_first
// LOOPS: func.func private @kernel_{{.}}_attention_kv(%{{.+}}, %{{.+}}: memref<2x1x49x2x1xi64>, %{{.+}}: memref<2x1x2x64x64xi16>)
// LOOPS-NOT: {{mulf|fma|muli.*(vector|i64|i32|i16)|scf.while}}
// LOOPS-COUNT-11: arith.addi %{{.+}}, %{{.+}} : vector<64xi8>
// LOOPS: arith.shrui %[[WANTED:.+]], %c8_i64
// LOOPS: arith.addi %{{.+}}, %{{.+}} : vector<64xi8>
// LOOPS: arith.shrui %[[WANTED]], %c56_i64
// LOOPS: arith.addi %{{.+}}, %{{.+}} : vector<64xi8>
// LOOPS: arith.extui {{.*}} : vector<64xi8> to vector<64xi16>
// LOOPS: func.func private @kernel_{{.}}_ssa
// LOOPS-NOT: {{mulf|fma|muli.*(vector|i64|i32|i16)|scf.while}}
// LOOPS-COUNT-11: arith.addi %{{.+}}, %{{.+}} : vector<64xi16>
// LOOPS: arith.shrui %[[QUERY:.+]], %c4_i64
// LOOPS: arith.addi %{{.+}}, %{{.+}} : vector<64xi16>
// LOOPS: arith.shrui %[[QUERY]], %c60_i64
// LOOPS-NOT: {{mulf|fma|muli.*(vector|i64|i32|i16)|scf.while}}
// LOOPS: arith.sitofp {{.*}} : vector<64xi16> to vector<64xf32>
// LOOPS-NEXT: arith.mulf
// LOOPS: return
func.func @kv_first(%q: tensor<2x1x49x128xi1>, %k: tensor<2x1x49x128xi1>, %v: tensor<2x1x49x128xi1>) -> tensor<2x1x49x128xi1> {
  %0 = spk.ssa %q, %k, %v {num_heads = 4 : i64, scale = 0.125 : f32, association = #spk.association<kv_first>, sum = #spk.sum<exact>} : (tensor<2x1x49x128xi1>, tensor<2x1x49x128xi1>, tensor<2x1x49x128xi1>) -> tensor<2x1x49x128xf32>
  %1 = spk.lif %0 {v_reset = 0.0 : f32, v_threshold = 0.5 : f32} : tensor<2x1x49x128xf32> -> tensor<2x1x49x128xi1>
  return %1 : tensor<2x1x49x128xi1>
}

// -----

// Q Kᵀ first leaves N × N counts, made by AND and popcount.

// CHECK-LABEL: @qk_first
// CHECK: spk.dispatch @kernel_{{.}}_attention_qk {{.*}} -> tensor<2x1x4x49x49xi16>
// LOOPS-LABEL: @qk_first
// LOOPS: func.func private @kernel_{{.}}_attention_qk(%{{.+}}, %{{.+}}: memref<2x1x49x2x1xi64>, %{{.+}}: memref<2x1x4x49x49xi16>)
// LOOPS-NOT: {{mulf|fma|muli.*(vector|i64|i32|i16)}}
// LOOPS: arith.andi
// LOOPS: math.ctpop
// LOOPS: func.func private @kernel_{{.}}_ssa
// LOOPS-NOT: {{mulf|fma|muli.*(vector|i64|i32|i16)}}
// LOOPS: arith.select {{.*}} : vector<64xi1>, vector<64xi16>
// LOOPS: arith.addi %{{.+}}, %{{.+}} : vector<64xi16>
// LOOPS-NOT: {{mulf|fma|muli.*(vector|i64|i32|i16)}}
// LOOPS: arith.sitofp
// LOOPS-NEXT: arith.mulf
// LOOPS: return
func.func @qk_first(%q: tensor<2x1x49x128xi1>, %k: tensor<2x1x49x128xi1>, %v: tensor<2x1x49x128xi1>) -> tensor<2x1x49x128xi1> {
  %0 = spk.ssa %q, %k, %v {num_heads = 4 : i64, scale = 0.125 : f32, association = #spk.association<qk_first>, sum = #spk.sum<exact>} : (tensor<2x1x49x128xi1>, tensor<2x1x49x128xi1>, tensor<2x1x49x128xi1>) -> tensor<2x1x49x128xf32>
  %1 = spk.lif %0 {v_reset = 0.0 : f32, v_threshold = 0.5 : f32} : tensor<2x1x49x128xf32> -> tensor<2x1x49x128xi1>
  return %1 : tensor<2x1x49x128xi1>
}

// -----

// Heads of 96 channels overlap blocks: those of two heads may meet in one, whose
// rows are the channels of the three words of both.

// CHECK-LABEL: @wide_heads
// CHECK: spk.dispatch @kernel_{{.}}_attention_kv {{.*}} -> tensor<1x1x3x192x64xi32>
func.func @wide_heads(%q: tensor<1x1x400x192xi1>) -> tensor<1x1x400x192xf32> {
  %0 = spk.ssa %q, %q, %q {num_heads = 2 : i64, scale = 0.125 : f32, association = #spk.association<kv_first>, sum = #spk.sum<exact>} : (tensor<1x1x400x192xi1>, tensor<1x1x400x192xi1>, tensor<1x1x400x192xi1>) -> tensor<1x1x400x192xf32>
  return %0 : tensor<1x1x400x192xf32>
}

// -----

// A tapped attention map is the first product itself, scaled.

// CHECK-LABEL: @attention_map
// CHECK: %[[M:.+]] = spk.dispatch @kernel_{{.}}_attention_qk {{.*}} -> tensor<2x1x3x7x7xf32>
// CHECK: return %[[M]]
func.func @attention_map(%q: tensor<2x1x7x24xi1>) -> tensor<2x1x3x7x7xf32> {
  %0 = spk.attention_map %q, %q {num_heads = 3 : i64, scale = 0.125 : f32} : (tensor<2x1x7x24xi1>, tensor<2x1x7x24xi1>) -> tensor<2x1x3x7x7xf32>
  return %0 : tensor<2x1x3x7x7xf32>
}

// -----

// The planes of an integer stream are summed apart and scaled by 1, 2, 4, ...
// Sums of a tile of positions stand in memory between blocks of 128 inputs; words
// are loaded two positions ahead.

// LOOPS-LABEL: @planes
// LOOPS: func.func private @kernel_1_linear(%{{.+}}: memref<2x1x7x5x7xi64>
// LOOPS: %[[PART:.+]] = memref.alloca() {alignment = 64 : i64} : memref<14x64xf32>
// LOOPS: %[[SUMS:.+]] = memref.alloca() {alignment = 64 : i64} : memref<14x64xf32>
// LOOPS: scf.for %[[PLANE:.+]] = %c0 to %c7 {{.*}}iter_args(%[[WEIGHT:.+]] = %{{.+}}) -> (f32) {
// LOOPS: %[[SCALE:.+]] = vector.broadcast %[[WEIGHT]] : f32 to vector<64xf32>
// LOOPS: vector.store %{{.+}}, %[[PART]]
// LOOPS: scf.for %[[WORD:.+]] = %c0 to %c4 step %c2
// LOOPS: memref.load %{{.+}}[%[[T:.+]], %c0, %c0, %[[WORD]], %[[PLANE]]]
// LOOPS: memref.load %{{.+}}[%[[T]], %c0, %c1, %[[WORD]], %[[PLANE]]]
// LOOPS: scf.while
// LOOPS-NOT: mulf
// LOOPS: memref.load %{{.+}}[%{{.+}}, %c0, %c0, %c4, %[[PLANE]]]
// LOOPS: scf.while
// LOOPS-NOT: mulf
// LOOPS: %[[P:.+]] = vector.load %[[PART]]
// LOOPS: %[[SCALED:.+]] = arith.mulf %[[P]], %[[SCALE]] : vector<64xf32>
// LOOPS: %[[S:.+]] = vector.load %[[SUMS]]
// LOOPS: arith.addf %[[S]], %[[SCALED]]
// LOOPS: arith.mulf %[[WEIGHT]], %{{.+}} : f32
// LOOPS: return
func.func @planes(%x: tensor<2x1x7x320xi8>, %w: tensor<24x320xf32>) -> tensor<2x1x7x24xf32> {
  %0 = spk.linear %x, %w {sum = #spk.sum<sequential, planes = true>} : (tensor<2x1x7x320xi8>, tensor<24x320xf32>) -> tensor<2x1x7x24xf32>
  return %0 : tensor<2x1x7x24xf32>
}

// -----

// Dense low planes share tables and are combined; every bit of the others adds
// its row, scaled, to what they gave.

// LOOPS-LABEL: @high_planes
// LOOPS: func.func private @kernel_1_linear
// LOOPS: memref.alloca() {{.*}} : memref<2x14x16xf32>
// LOOPS: memref.alloca() {{.*}} : memref<13x32x16xf32>
// LOOPS: arith.addf %{{.+}}, %{{.+}} : vector<16xf32>
// LOOPS: arith.mulf %{{.+}}, %{{.+}} : vector<16xf32>
// LOOPS: scf.for %[[PLANE:.+]] = %c2 to %c7 {{.*}}iter_args(%[[WEIGHT:.+]] = %{{.+}}) -> (f32) {
// LOOPS: %[[SCALE:.+]] = vector.broadcast %[[WEIGHT]]
// LOOPS: memref.load %{{.+}}[%{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %[[PLANE]]]
// LOOPS: scf.while
// LOOPS: %[[ROW:.+]] = vector.load {{.*}} : memref<1x24x64xf32>, vector<64xf32>
// LOOPS-NEXT: %[[SCALED:.+]] = arith.mulf %[[ROW]], %[[SCALE]]
// LOOPS-NEXT: arith.addf %{{.+}}, %[[SCALED]]
// LOOPS: return
func.func @high_planes(%x: tensor<2x1x7x24xi8>, %w: tensor<24x24xf32>) -> tensor<2x1x7x24xf32> {
  %0 = spk.linear %x, %w {sum = #spk.sum<grouped, group = 5, planes = true, grouped_planes = 2>} : (tensor<2x1x7x24xi8>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  return %0 : tensor<2x1x7x24xf32>
}

// -----

// Two layers that read the same input in equal tiles share the order of its
// positions: for every row of the window and every pair of words, the positions
// with spikes by their number. Rows of nine sums: inputs of seven columns add to
// them at every tap, whether inside of the output or not.

// CHECK-LABEL: @ordered
// CHECK: %[[O:.+]] = spk.dispatch @kernel_1_order {{.*}} -> tensor<1x1x1x6x109x3xi64>
// CHECK: spk.dispatch @kernel_2_conv ins(%{{.+}}, %{{.+}}, %[[O]] :
// CHECK-NOT: order
// CHECK: spk.dispatch @kernel_2_conv ins(%{{.+}}, %{{.+}}, %[[O]] :
// LOOPS-LABEL: @ordered
// LOOPS: func.func private @kernel_1_order(%{{.+}}: memref<2x1x6x7x3x1xi64>, %[[OUT:.+]]: memref<1x1x1x6x109x3xi64>)
// LOOPS: math.ctpop
// LOOPS: memref.store %{{.+}}, %[[OUT]]
// LOOPS: func.func private @kernel_2_conv(%{{.+}}, %{{.+}}, %[[ORDER:.+]]: memref<1x1x1x6x109x3xi64>, %{{.+}})
// LOOPS: %[[SUMS:.+]] = memref.alloca() {{.*}} : memref<108x64xf32>
// LOOPS: scf.for %{{.+}} = %c0 to %c3
// LOOPS: scf.for %[[TAP:.+]] = %c0 to %c3
// LOOPS: memref.load %[[ORDER]]
// LOOPS: %[[PLACE:.+]] = arith.subi %{{.+}}, %[[TAP]]
// LOOPS-NEXT: vector.load %[[SUMS]][%[[PLACE]], %c0]
// LOOPS: scf.while
// LOOPS: scf.while
// LOOPS: vector.store %{{.+}}, %[[SUMS]][%[[PLACE]], %c0]
// LOOPS: return
func.func @ordered(%x: tensor<2x1x6x7x130xi1>, %w: tensor<64x130x3x3xf32>, %u: tensor<64x130x3x3xf32>) -> (tensor<2x1x6x7x64xf32>, tensor<2x1x6x7x64xf32>) {
  %0 = spk.conv %x, %w {padding = array<i64: 1, 1>, layout = #spk.layout<channels_last>, sum = #spk.sum<sequential>} : (tensor<2x1x6x7x130xi1>, tensor<64x130x3x3xf32>) -> tensor<2x1x6x7x64xf32>
  %1 = spk.conv %x, %u {padding = array<i64: 1, 1>, layout = #spk.layout<channels_last>, sum = #spk.sum<sequential>} : (tensor<2x1x6x7x130xi1>, tensor<64x130x3x3xf32>) -> tensor<2x1x6x7x64xf32>
  return %0, %1 : tensor<2x1x6x7x64xf32>, tensor<2x1x6x7x64xf32>
}

// -----

// A current that leaves the kernel beside its spikes is computed once.

// LOOPS-LABEL: @current
// LOOPS: func.func private @kernel_1_linear
// LOOPS: vector.load {{.*}} : memref<1x24x64xf32>, vector<64xf32>
// LOOPS: arith.cmpf oge
// LOOPS-NOT: vector.load
// LOOPS: return
func.func @current(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>) -> (tensor<2x1x7x24xf32>, tensor<2x1x7x24xi1>) {
  %0 = spk.linear %x, %w {sum = #spk.sum<sequential>} : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  %1 = spk.if %0 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<2x1x7x24xf32> -> tensor<2x1x7x24xi1>
  return %0, %1 : tensor<2x1x7x24xf32>, tensor<2x1x7x24xi1>
}

// -----

// Counts are 16-bit integers until the neuron; a gate is an AND of words.

// LOOPS-LABEL: @spike_driven_attention
// LOOPS: func.func private @kernel_{{[0-9]+}}_count
// LOOPS: scf.for
// LOOPS: arith.extui {{.*}} : vector<64xi1> to vector<64xi16>
// LOOPS-NEXT: arith.addi {{.*}} : vector<64xi16>
// LOOPS: arith.uitofp {{.*}} : vector<64xi16> to vector<64xf32>
// LOOPS: arith.cmpf oge
// LOOPS: func.func private @kernel_{{[0-9]+}}_gate
// LOOPS-NOT: vector
// LOOPS: arith.andi %{{.+}}, %{{.+}} : i64
// LOOPS: return
func.func @spike_driven_attention(%q: tensor<2x1x7x24xi1>, %kv: tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xi1> {
  %0 = spk.count %kv {axes = array<i64: 2>} : tensor<2x1x7x24xi1> -> tensor<2x1x1x24xf32>
  %1 = spk.if %0 {v_reset = 0.0 : f32, v_threshold = 2.0 : f32} : tensor<2x1x1x24xf32> -> tensor<2x1x1x24xi1>
  %2 = spk.gate %q, %1 : (tensor<2x1x7x24xi1>, tensor<2x1x1x24xi1>) -> tensor<2x1x7x24xi1>
  return %2 : tensor<2x1x7x24xi1>
}

// -----

// The channels of a head are counted in the words that hold them; its one bit
// covers its channels in every word.

// LOOPS-LABEL: @token_attention
// LOOPS: func.func private @kernel_{{[0-9]+}}_count
// LOOPS: math.ctpop %{{.+}} : i64
// LOOPS: arith.select %{{.+}}, %{{.+}}, %{{.+}} : vector<64xi1>, vector<64xi16>
// LOOPS: arith.cmpf oge
// LOOPS: func.func private @kernel_{{[0-9]+}}_gate
// LOOPS: scf.for
// LOOPS: arith.ori %{{.+}}, %{{.+}} : i64
// LOOPS: arith.andi %{{.+}}, %{{.+}} : i64
// LOOPS: return
func.func @token_attention(%q: tensor<2x1x7x72xi1>, %k: tensor<2x1x7x72xi1>) -> tensor<2x1x7x72xi1> {
  %0 = spk.count %q {axes = array<i64: 3>, groups = 3 : i64} : tensor<2x1x7x72xi1> -> tensor<2x1x7x3xf32>
  %1 = spk.if %0 {v_reset = 0.0 : f32, v_threshold = 2.0 : f32} : tensor<2x1x7x3xf32> -> tensor<2x1x7x3xi1>
  %2 = spk.gate %k, %1 : (tensor<2x1x7x72xi1>, tensor<2x1x7x3xi1>) -> tensor<2x1x7x72xi1>
  return %2 : tensor<2x1x7x72xi1>
}

// -----

// A pool of integers compares all planes of 64 channels at once.

// LOOPS-LABEL: @pool_of_integers
// LOOPS: func.func private @kernel_{{[0-9]+}}_add
// LOOPS-NOT: vector
// LOOPS: scf.for {{.*}} -> (i64, i64)
// LOOPS: arith.xori %{{.+}}, %{{.+}} : i64
// LOOPS: return
func.func @pool_of_integers(%x: tensor<2x1x6x8x24xi1>) -> tensor<2x1x3x4x24xi8> {
  %0 = spk.add %x, %x : (tensor<2x1x6x8x24xi1>, tensor<2x1x6x8x24xi1>) -> tensor<2x1x6x8x24xi8>
  %1 = spk.max_pool %0 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, layout = #spk.layout<channels_last>} : tensor<2x1x6x8x24xi8> -> tensor<2x1x3x4x24xi8>
  return %1 : tensor<2x1x3x4x24xi8>
}

// -----

// A constant that fires everywhere has no bits past the last channel.

// LOOPS-LABEL: @not
// LOOPS: arith.constant 16777215 : i64
// LOOPS: arith.xori %{{.+}}, %{{.+}} : i64
// LOOPS: return
func.func @not(%x: tensor<2x1x7x24xi1>) -> tensor<2x1x7x24xi1> {
  %true = arith.constant dense<true> : tensor<2x1x7x24xi1>
  %0 = arith.xori %x, %true : tensor<2x1x7x24xi1>
  return %0 : tensor<2x1x7x24xi1>
}

// -----

// What arithmetic reads twice is computed once.

// LOOPS-LABEL: @leaky_relu
// LOOPS: func.func private @kernel_{{[0-9]+}}_linear
// LOOPS: scf.while
// LOOPS: vector.store
// LOOPS: %[[NORM:.+]] = arith.addf %{{.+}}, %{{.+}} : vector<64xf32>
// LOOPS-NEXT: %[[SCALED:.+]] = arith.mulf %[[NORM]], %{{.+}} : vector<64xf32>
// LOOPS-NEXT: arith.maximumf %[[NORM]], %[[SCALED]] : vector<64xf32>
// LOOPS: return
func.func @leaky_relu(%x: tensor<2x1x7x24xi1>, %w: tensor<24x24xf32>, %s: tensor<24xf32>) -> tensor<2x1x7x24xf32> {
  %slope = arith.constant dense<0.01> : tensor<2x1x7x24xf32>
  %0 = spk.linear %x, %w {sum = #spk.sum<sequential>} : (tensor<2x1x7x24xi1>, tensor<24x24xf32>) -> tensor<2x1x7x24xf32>
  %1 = spk.scale_shift %0, %s, %s {layout = #spk.layout<channels_last>} : (tensor<2x1x7x24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<2x1x7x24xf32>
  %2 = arith.mulf %1, %slope : tensor<2x1x7x24xf32>
  %3 = arith.maximumf %1, %2 : tensor<2x1x7x24xf32>
  return %3 : tensor<2x1x7x24xf32>
}
