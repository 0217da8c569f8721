// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-choose-association)' -split-input-file -o - 2>%t.err | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: count 0 < %t.err
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-choose-association{force=qk_first})' -split-input-file 2>/dev/null | FileCheck %s --check-prefixes=CHECK,QK
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-choose-association{force=kv_first})' -split-input-file 2>/dev/null | FileCheck %s --check-prefixes=CHECK,KV
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-choose-association{force=qk_first})' -split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=WARNQK
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-choose-association{force=kv_first})' -split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=WARNKV
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-choose-association{allow-inexact=true})' -split-input-file 2>%t.inexact | FileCheck %s --check-prefixes=CHECK,INEXACT
// RUN: FileCheck %s --check-prefix=WARN --input-file=%t.inexact
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-choose-association{remarks=true})' -split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: not spk-opt %s --pass-pipeline='builtin.module(spk-choose-association{force=vk_first})' 2>&1 | FileCheck %s --check-prefix=BAD

// BAD: spk-choose-association: force must be auto, qk_first or kv_first, got vk_first

// A quiet compile says nothing; the remark has the decision, both costs and the
// proof, and so has the attribute.

// REMARK: remark: {{.*}}kv_first (cheaper): qk_first 1279488, kv_first 501760 word operations per head, N = 196, d = 64; exact, as the scale is a power of two and N * d = 12544 < 2^24

// N > d.

// CHECK-LABEL: @more_tokens_than_width
// AUTO: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}spk.why_association = "kv_first (cheaper): qk_first 1279488, kv_first 501760 {{.*}}sum = #spk.sum<exact>
// INEXACT: spk.ssa {{.*}}association = #spk.association<kv_first>
// QK: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
// KV: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
func.func @more_tokens_than_width(%q: tensor<4x1x196x512xi1>, %k: tensor<4x1x196x512xi1>, %v: tensor<4x1x196x512xi1>) -> tensor<4x1x196x512xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 8 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x196x512xi1>, tensor<4x1x196x512xi1>, tensor<4x1x196x512xi1>) -> tensor<4x1x196x512xf32> loc("block.0.attn")
  return %y : tensor<4x1x196x512xf32>
}

// -----

// N < d: the local attention of SGLFormer.

// CHECK-LABEL: @fewer_tokens_than_width
// AUTO: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}spk.why_association = "qk_first (cheaper): qk_first 79968, kv_first 125440 {{.*}}sum = #spk.sum<exact>
// INEXACT: spk.ssa {{.*}}association = #spk.association<qk_first>
// QK: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
// KV: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
func.func @fewer_tokens_than_width(%q: tensor<4x1x49x128xi1>, %k: tensor<4x1x49x128xi1>, %v: tensor<4x1x49x128xi1>) -> tensor<4x1x49x128xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 2 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x49x128xi1>, tensor<4x1x49x128xi1>, tensor<4x1x49x128xi1>) -> tensor<4x1x49x128xf32> loc("block.0.attn")
  return %y : tensor<4x1x49x128xf32>
}

// -----

// CHECK-LABEL: @few_tokens
// AUTO: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}spk.why_association = "qk_first (cheaper): qk_first 4096, kv_first 7680 {{.*}}sum = #spk.sum<exact>
// INEXACT: spk.ssa {{.*}}association = #spk.association<qk_first>
// QK: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
// KV: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
func.func @few_tokens(%q: tensor<4x1x16x48xi1>, %k: tensor<4x1x16x48xi1>, %v: tensor<4x1x16x48xi1>) -> tensor<4x1x16x48xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 2 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x16x48xi1>, tensor<4x1x16x48xi1>, tensor<4x1x16x48xi1>) -> tensor<4x1x16x48xf32> loc("block.0.attn")
  return %y : tensor<4x1x16x48xf32>
}

// -----

// N = d: the masked sums of kv_first cost more than popcounts.

// CHECK-LABEL: @as_many_tokens_as_width
// AUTO: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}spk.why_association = "qk_first (cheaper): qk_first 135168, kv_first 163840 {{.*}}sum = #spk.sum<exact>
// INEXACT: spk.ssa {{.*}}association = #spk.association<qk_first>
// QK: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
// KV: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
func.func @as_many_tokens_as_width(%q: tensor<4x1x64x128xi1>, %k: tensor<4x1x64x128xi1>, %v: tensor<4x1x64x128xi1>) -> tensor<4x1x64x128xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 2 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x64x128xi1>, tensor<4x1x64x128xi1>, tensor<4x1x64x128xi1>) -> tensor<4x1x64x128xf32> loc("block.0.attn")
  return %y : tensor<4x1x64x128xf32>
}

// -----

// Heads that are no whole words.

// CHECK-LABEL: @narrow_heads
// AUTO: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}spk.why_association = "kv_first (cheaper): qk_first 69632, kv_first 49152 {{.*}}sum = #spk.sum<exact>
// INEXACT: spk.ssa {{.*}}association = #spk.association<kv_first>
// QK: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
// KV: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
func.func @narrow_heads(%q: tensor<4x1x64x64xi1>, %k: tensor<4x1x64x64xi1>, %v: tensor<4x1x64x64xi1>) -> tensor<4x1x64x64xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 2 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x64x64xi1>, tensor<4x1x64x64xi1>, tensor<4x1x64x64xi1>) -> tensor<4x1x64x64xf32> loc("block.0.attn")
  return %y : tensor<4x1x64x64xf32>
}

// -----

// CHECK-LABEL: @width_24
// AUTO: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}spk.why_association = "kv_first (cheaper): qk_first 53248, kv_first 30720 {{.*}}sum = #spk.sum<exact>
// INEXACT: spk.ssa {{.*}}association = #spk.association<kv_first>
// QK: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
// KV: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
func.func @width_24(%q: tensor<4x1x64x192xi1>, %k: tensor<4x1x64x192xi1>, %v: tensor<4x1x64x192xi1>) -> tensor<4x1x64x192xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 8 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x64x192xi1>, tensor<4x1x64x192xi1>, tensor<4x1x64x192xi1>) -> tensor<4x1x64x192xf32> loc("block.0.attn")
  return %y : tensor<4x1x64x192xf32>
}

// -----

// CHECK-LABEL: @width_48
// AUTO: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}spk.why_association = "kv_first (cheaper): qk_first 972160, kv_first 301056 {{.*}}sum = #spk.sum<exact>
// INEXACT: spk.ssa {{.*}}association = #spk.association<kv_first>
// QK: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
// KV: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
func.func @width_48(%q: tensor<4x1x196x384xi1>, %k: tensor<4x1x196x384xi1>, %v: tensor<4x1x196x384xi1>) -> tensor<4x1x196x384xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 8 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x196x384xi1>, tensor<4x1x196x384xi1>, tensor<4x1x196x384xi1>) -> tensor<4x1x196x384xf32> loc("block.0.attn")
  return %y : tensor<4x1x196x384xf32>
}

// -----

// CHECK-LABEL: @width_96
// AUTO: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}spk.why_association = "kv_first (cheaper): qk_first 1944320, kv_first 1204224 {{.*}}sum = #spk.sum<exact>
// INEXACT: spk.ssa {{.*}}association = #spk.association<kv_first>
// QK: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
// KV: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
func.func @width_96(%q: tensor<4x1x196x768xi1>, %k: tensor<4x1x196x768xi1>, %v: tensor<4x1x196x768xi1>) -> tensor<4x1x196x768xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 8 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x196x768xi1>, tensor<4x1x196x768xi1>, tensor<4x1x196x768xi1>) -> tensor<4x1x196x768xf32> loc("block.0.attn")
  return %y : tensor<4x1x196x768xf32>
}

// -----

// Counts above 255 take 16-bit lanes.

// CHECK-LABEL: @many_tokens
// AUTO: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}spk.why_association = "kv_first (cheaper): qk_first 2976000, kv_first 921600 {{.*}}sum = #spk.sum<exact>
// INEXACT: spk.ssa {{.*}}association = #spk.association<kv_first>
// QK: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
// KV: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
func.func @many_tokens(%q: tensor<4x1x300x128xi1>, %k: tensor<4x1x300x128xi1>, %v: tensor<4x1x300x128xi1>) -> tensor<4x1x300x128xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 2 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x300x128xi1>, tensor<4x1x300x128xi1>, tensor<4x1x300x128xi1>) -> tensor<4x1x300x128xf32> loc("block.0.attn")
  return %y : tensor<4x1x300x128xf32>
}

// -----

// The tokens are the last axis.

// CHECK-LABEL: @token_last
// AUTO: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}spk.why_association = "kv_first (cheaper): qk_first 1279488, kv_first 501760 {{.*}}sum = #spk.sum<exact>
// INEXACT: spk.ssa {{.*}}association = #spk.association<kv_first>
// QK: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
// KV: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(forced){{.*}}sum = #spk.sum<exact>
func.func @token_last(%q: tensor<4x1x512x196xi1>, %k: tensor<4x1x512x196xi1>, %v: tensor<4x1x512x196xi1>) -> tensor<4x1x512x196xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 8 : i64, scale = 1.250000e-01 : f32, token_layout = #spk.token_layout<token_last>} : (tensor<4x1x512x196xi1>, tensor<4x1x512x196xi1>, tensor<4x1x512x196xi1>) -> tensor<4x1x512x196xf32> loc("block.0.attn")
  return %y : tensor<4x1x512x196xf32>
}

// -----

// Where every partial result is exact the place of the scale is normalised.

// CHECK-LABEL: @exact_drops_place_of_scale
// CHECK-NOT: scale_after
// AUTO: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}sum = #spk.sum<exact>
// CHECK: return
func.func @exact_drops_place_of_scale(%q: tensor<4x1x196x512xi1>, %k: tensor<4x1x196x512xi1>, %v: tensor<4x1x196x512xi1>) -> tensor<4x1x196x512xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 8 : i64, scale = 1.250000e-01 : f32, scale_after = #spk.scale_after<first>} : (tensor<4x1x196x512xi1>, tensor<4x1x196x512xi1>, tensor<4x1x196x512xi1>) -> tensor<4x1x196x512xf32> loc("block.0.attn")
  return %y : tensor<4x1x196x512xf32>
}

// -----

// The source order stays without a proof, also when the other is forced.

// CHECK-LABEL: @scale_no_power_of_two
// AUTO-NOT: spk.inexact
// AUTO: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}scale_after = #spk.scale_after<first>{{.*}}(source order){{.*}}not exact, as the scale is not a power of two in [2^-126, 2^103]"{{.*}}sum = #spk.sum<sequential>
// QK: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(forced){{.*}}sum = #spk.sum<sequential>
// KV-NOT: spk.inexact
// KV: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(source order)
// INEXACT: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}scale_after = #spk.scale_after<first>{{.*}}spk.inexact{{.*}}(cheaper){{.*}}sum = #spk.sum<sequential>
// WARNKV: warning: {{.*}}keeps the source order qk_first although kv_first is forced: not exact, as the scale is not a power of two in [2^-126, 2^103], layer block.0.attn
// WARN: warning: {{.*}}executes kv_first against the source order: not exact, as the scale is not a power of two in [2^-126, 2^103], layer block.0.attn
func.func @scale_no_power_of_two(%q: tensor<4x1x196x512xi1>, %k: tensor<4x1x196x512xi1>, %v: tensor<4x1x196x512xi1>) -> tensor<4x1x196x512xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 8 : i64, scale = 1.500000e-01 : f32, scale_after = #spk.scale_after<first>} : (tensor<4x1x196x512xi1>, tensor<4x1x196x512xi1>, tensor<4x1x196x512xi1>) -> tensor<4x1x196x512xf32> loc("block.0.attn")
  return %y : tensor<4x1x196x512xf32>
}

// -----

// The same for a model that multiplies K by V first.

// CHECK-LABEL: @source_kv_first
// AUTO: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(source order)
// QK: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(source order)
// WARNQK: warning: {{.*}}keeps the source order kv_first although qk_first is forced
func.func @source_kv_first(%q: tensor<4x1x49x128xi1>, %k: tensor<4x1x49x128xi1>, %v: tensor<4x1x49x128xi1>) -> tensor<4x1x49x128xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 2 : i64, scale = 1.500000e-01 : f32, source_order = #spk.association<kv_first>} : (tensor<4x1x49x128xi1>, tensor<4x1x49x128xi1>, tensor<4x1x49x128xi1>) -> tensor<4x1x49x128xf32> loc("block.0.attn")
  return %y : tensor<4x1x49x128xf32>
}

// -----

// Nothing is inexact about the source order.

// CHECK-LABEL: @source_is_cheaper
// INEXACT-NOT: spk.inexact
// INEXACT: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(cheaper)
func.func @source_is_cheaper(%q: tensor<4x1x196x512xi1>, %k: tensor<4x1x196x512xi1>, %v: tensor<4x1x196x512xi1>) -> tensor<4x1x196x512xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 8 : i64, scale = 1.500000e-01 : f32, source_order = #spk.association<kv_first>} : (tensor<4x1x196x512xi1>, tensor<4x1x196x512xi1>, tensor<4x1x196x512xi1>) -> tensor<4x1x196x512xf32> loc("block.0.attn")
  return %y : tensor<4x1x196x512xf32>
}

// -----

// Minus zero is not zero.

// CHECK-LABEL: @negative_scale
// AUTO: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(source order)
func.func @negative_scale(%q: tensor<4x1x196x512xi1>, %k: tensor<4x1x196x512xi1>, %v: tensor<4x1x196x512xi1>) -> tensor<4x1x196x512xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 8 : i64, scale = -1.250000e-01 : f32} : (tensor<4x1x196x512xi1>, tensor<4x1x196x512xi1>, tensor<4x1x196x512xi1>) -> tensor<4x1x196x512xf32> loc("block.0.attn")
  return %y : tensor<4x1x196x512xf32>
}

// -----

// N * d = 2^24: sums are not exact integers any more.

// CHECK-LABEL: @range_breaks_bound
// AUTO: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(source order){{.*}}not exact, as N * d = 16777216 is not below 2^24"{{.*}}sum = #spk.sum<sequential>
// KV: spk.ssa {{.*}}association = #spk.association<qk_first>
// WARNKV: warning: {{.*}}keeps the source order qk_first although kv_first is forced: not exact, as N * d = 16777216 is not below 2^24
func.func @range_breaks_bound(%q: tensor<4x1x262144x64xi1>, %k: tensor<4x1x262144x64xi1>, %v: tensor<4x1x262144x64xi1>) -> tensor<4x1x262144x64xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 1 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x262144x64xi1>, tensor<4x1x262144x64xi1>, tensor<4x1x262144x64xi1>) -> tensor<4x1x262144x64xf32> loc("block.0.attn")
  return %y : tensor<4x1x262144x64xf32>
}

// -----

// One token less.

// CHECK-LABEL: @range_keeps_bound
// AUTO: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(cheaper)
func.func @range_keeps_bound(%q: tensor<4x1x262143x64xi1>, %k: tensor<4x1x262143x64xi1>, %v: tensor<4x1x262143x64xi1>) -> tensor<4x1x262143x64xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 1 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x262143x64xi1>, tensor<4x1x262143x64xi1>, tensor<4x1x262143x64xi1>) -> tensor<4x1x262143x64xf32> loc("block.0.attn")
  return %y : tensor<4x1x262143x64xf32>
}

// -----

// An order that the model sets stays, unless forced.

// CHECK-LABEL: @set_by_model
// AUTO: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}(set by the model)
// KV: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}(forced)
func.func @set_by_model(%q: tensor<4x1x196x512xi1>, %k: tensor<4x1x196x512xi1>, %v: tensor<4x1x196x512xi1>) -> tensor<4x1x196x512xf32> {
  %y = spk.ssa %q, %k, %v {num_heads = 8 : i64, scale = 1.250000e-01 : f32, association = #spk.association<qk_first>} : (tensor<4x1x196x512xi1>, tensor<4x1x196x512xi1>, tensor<4x1x196x512xi1>) -> tensor<4x1x196x512xf32> loc("block.0.attn")
  return %y : tensor<4x1x196x512xf32>
}

// -----

// Equal costs keep the source order.

// CHECK-LABEL: @equal_costs_qk
// AUTO: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}qk_first 6144, kv_first 6144 word
func.func @equal_costs_qk(%q: tensor<4x1x24x32xi1>) -> tensor<4x1x24x32xf32> {
  %y = spk.ssa %q, %q, %q {num_heads = 2 : i64, scale = 2.500000e-01 : f32, source_order = #spk.association<qk_first>} : (tensor<4x1x24x32xi1>, tensor<4x1x24x32xi1>, tensor<4x1x24x32xi1>) -> tensor<4x1x24x32xf32>
  return %y : tensor<4x1x24x32xf32>
}

// -----

// CHECK-LABEL: @equal_costs_kv
// AUTO: spk.ssa {{.*}}association = #spk.association<kv_first>{{.*}}qk_first 6144, kv_first 6144 word
func.func @equal_costs_kv(%q: tensor<4x1x24x32xi1>) -> tensor<4x1x24x32xf32> {
  %y = spk.ssa %q, %q, %q {num_heads = 2 : i64, scale = 2.500000e-01 : f32, source_order = #spk.association<kv_first>} : (tensor<4x1x24x32xi1>, tensor<4x1x24x32xi1>, tensor<4x1x24x32xi1>) -> tensor<4x1x24x32xf32>
  return %y : tensor<4x1x24x32xf32>
}

// -----

// A neuron between the products makes no spk.ssa: the products are left alone.

// CHECK-LABEL: @neuron_between
// CHECK-NEXT: tensor.empty
// CHECK-NEXT: tensor.empty
// CHECK-NEXT: linalg.batch_matmul ins(%{{.+}}, %{{.+}} : tensor<4x196x64xf32>, tensor<4x64x196xf32>)
// CHECK-NEXT: spk.lif
// CHECK-NEXT: arith.uitofp
// CHECK-NEXT: linalg.batch_matmul
// CHECK-NEXT: return
func.func @neuron_between(%q: tensor<4x196x64xf32>, %k: tensor<4x64x196xf32>, %v: tensor<4x196x64xf32>) -> tensor<4x196x64xf32> {
  %e = tensor.empty() : tensor<4x196x196xf32>
  %f = tensor.empty() : tensor<4x196x64xf32>
  %0 = linalg.batch_matmul ins(%q, %k : tensor<4x196x64xf32>, tensor<4x64x196xf32>) outs(%e : tensor<4x196x196xf32>) -> tensor<4x196x196xf32>
  %1 = spk.lif %0 {v_threshold = 1.0 : f32} : tensor<4x196x196xf32> -> tensor<4x196x196xi1>
  %2 = arith.uitofp %1 : tensor<4x196x196xi1> to tensor<4x196x196xf32>
  %3 = linalg.batch_matmul ins(%2, %v : tensor<4x196x196xf32>, tensor<4x196x64xf32>) outs(%f : tensor<4x196x64xf32>) -> tensor<4x196x64xf32>
  return %3 : tensor<4x196x64xf32>
}

// -----

// A power of two so large (2^110) that a scaled sum may overflow.

// CHECK-LABEL: @huge_scale
// AUTO: spk.ssa {{.*}}association = #spk.association<qk_first>{{.*}}sum = #spk.sum<sequential>
func.func @huge_scale(%q: tensor<4x1x196x512xi1>) -> tensor<4x1x196x512xf32> {
  %y = spk.ssa %q, %q, %q {num_heads = 8 : i64, scale = 0x76800000 : f32} : (tensor<4x1x196x512xi1>, tensor<4x1x196x512xi1>, tensor<4x1x196x512xi1>) -> tensor<4x1x196x512xf32> loc("block.0.attn")
  return %y : tensor<4x1x196x512xf32>
}
