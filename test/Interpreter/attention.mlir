// RUN: spk-run --interpret %s --function=orders | FileCheck %s --check-prefix=ORDER
// RUN: spk-run --interpret %s --function=rounding | FileCheck %s --check-prefix=ROUND
// RUN: spk-run --interpret %s --function=map | FileCheck %s --check-prefix=MAP
// RUN: spk-run --interpret %s --function=spike_driven | FileCheck %s --check-prefix=SDSA
// RUN: spk-run --interpret %s --function=token | FileCheck %s --check-prefix=TOKEN
// RUN: not spk-run --interpret %s --function=sum 2>&1 | FileCheck %s --check-prefix=SUM

// Head 0 has Q = 11 10 01, K = 10 11 01 and V = 11 01 10 over three tokens:
// Q Kᵀ = 121 110 011 and Kᵀ V = 12 11, both of which give 23 12 11, over 8. Head 1
// has nothing but spikes: 3 * 2 = 6 everywhere, over 8.
// ORDER: qk: float32[1,1,3,4] = 0.25 0.375 0.75 0.75 0.125 0.25 0.75 0.75 0.125 0.125 0.75 0.75
// ORDER: kv: float32[1,1,3,4] = 0.25 0.375 0.75 0.75 0.125 0.25 0.75 0.75 0.125 0.125 0.75 0.75
// ORDER: qk.first: float32[1,1,3,4] = 0.25 0.375 0.75 0.75 0.125 0.25 0.75 0.75 0.125 0.125 0.75 0.75
// ORDER: kv.first: float32[1,1,3,4] = 0.25 0.375 0.75 0.75 0.125 0.25 0.75 0.75 0.125 0.125 0.75 0.75
// ORDER: last: float32[1,1,4,3] = 0.25 0.125 0.125 0.375 0.25 0.125 0.75 0.75 0.75 0.75 0.75 0.75
func.func @orders() -> (tensor<1x1x3x4xf32> {spk.name = "qk"}, tensor<1x1x3x4xf32> {spk.name = "kv"},
    tensor<1x1x3x4xf32> {spk.name = "qk.first"}, tensor<1x1x3x4xf32> {spk.name = "kv.first"},
    tensor<1x1x4x3xf32> {spk.name = "last"}) {
  %q = arith.constant dense<[[[[true, true, true, true], [true, false, true, true], [false, true, true, true]]]]> : tensor<1x1x3x4xi1>
  %k = arith.constant dense<[[[[true, false, true, true], [true, true, true, true], [false, true, true, true]]]]> : tensor<1x1x3x4xi1>
  %v = arith.constant dense<[[[[true, true, true, true], [false, true, true, true], [true, false, true, true]]]]> : tensor<1x1x3x4xi1>
  %0 = spk.ssa %q, %k, %v {num_heads = 2 : i64, scale = 0.125 : f32} : (tensor<1x1x3x4xi1>, tensor<1x1x3x4xi1>, tensor<1x1x3x4xi1>) -> tensor<1x1x3x4xf32>
  %1 = spk.ssa %q, %k, %v {num_heads = 2 : i64, scale = 0.125 : f32, association = #spk.association<kv_first>, sum = #spk.sum<exact>} : (tensor<1x1x3x4xi1>, tensor<1x1x3x4xi1>, tensor<1x1x3x4xi1>) -> tensor<1x1x3x4xf32>
  %2 = spk.ssa %q, %k, %v {num_heads = 2 : i64, scale = 0.125 : f32, association = #spk.association<qk_first>, scale_after = #spk.scale_after<first>} : (tensor<1x1x3x4xi1>, tensor<1x1x3x4xi1>, tensor<1x1x3x4xi1>) -> tensor<1x1x3x4xf32>
  %3 = spk.ssa %q, %k, %v {num_heads = 2 : i64, scale = 0.125 : f32, source_order = #spk.association<kv_first>, scale_after = #spk.scale_after<first>} : (tensor<1x1x3x4xi1>, tensor<1x1x3x4xi1>, tensor<1x1x3x4xi1>) -> tensor<1x1x3x4xf32>
  %e = tensor.empty() : tensor<1x1x4x3xi1>
  %qt = linalg.transpose ins(%q : tensor<1x1x3x4xi1>) outs(%e : tensor<1x1x4x3xi1>) permutation = [0, 1, 3, 2]
  %kt = linalg.transpose ins(%k : tensor<1x1x3x4xi1>) outs(%e : tensor<1x1x4x3xi1>) permutation = [0, 1, 3, 2]
  %vt = linalg.transpose ins(%v : tensor<1x1x3x4xi1>) outs(%e : tensor<1x1x4x3xi1>) permutation = [0, 1, 3, 2]
  %4 = spk.ssa %qt, %kt, %vt {num_heads = 2 : i64, scale = 0.125 : f32, token_layout = #spk.token_layout<token_last>} : (tensor<1x1x4x3xi1>, tensor<1x1x4x3xi1>, tensor<1x1x4x3xi1>) -> tensor<1x1x4x3xf32>
  return %0, %1, %2, %3, %4 : tensor<1x1x3x4xf32>, tensor<1x1x3x4xf32>, tensor<1x1x3x4xf32>, tensor<1x1x3x4xf32>, tensor<1x1x4x3xf32>
}

// Ten rounded tenths sum to 1.00000012, ten times a tenth is 1. So qk_first with
// the scale behind the first product shows on ten tokens, kv_first on ten
// channels, and nothing where the scale comes last.
// ROUND: qk.tokens: float32[1,1,1] = 1.00000012
// ROUND: qk.channels: float32[1,1,1] = 1
// ROUND: kv.tokens: float32[1,1,1] = 1
// ROUND: kv.channels: float32[1,1,1] = 1.00000012
// ROUND: second: float32[1,1,1] = 1
// Tenths of the counts 1 1 5 sum to 0.7 and one ulp less than in descending order.
// ROUND: qk.ascending: float32[1,1,1] = 0.699999988
// ROUND: kv.ascending: float32[1,1,1] = 0.699999988
func.func @rounding() -> (tensor<1x1x1xf32> {spk.name = "qk.tokens"}, tensor<1x1x1xf32> {spk.name = "qk.channels"},
    tensor<1x1x1xf32> {spk.name = "kv.tokens"}, tensor<1x1x1xf32> {spk.name = "kv.channels"},
    tensor<1x1x1xf32> {spk.name = "second"}, tensor<1x1x1xf32> {spk.name = "qk.ascending"},
    tensor<1x1x1xf32> {spk.name = "kv.ascending"}) {
  %t = arith.constant dense<true> : tensor<1x1x10x1xi1>
  %c = arith.constant dense<true> : tensor<1x1x1x10xi1>
  %0 = spk.ssa %t, %t, %t {num_heads = 1 : i64, scale = 0.1 : f32, scale_after = #spk.scale_after<first>} : (tensor<1x1x10x1xi1>, tensor<1x1x10x1xi1>, tensor<1x1x10x1xi1>) -> tensor<1x1x10x1xf32>
  %1 = spk.ssa %c, %c, %c {num_heads = 1 : i64, scale = 0.1 : f32, scale_after = #spk.scale_after<first>} : (tensor<1x1x1x10xi1>, tensor<1x1x1x10xi1>, tensor<1x1x1x10xi1>) -> tensor<1x1x1x10xf32>
  %2 = spk.ssa %t, %t, %t {num_heads = 1 : i64, scale = 0.1 : f32, source_order = #spk.association<kv_first>, scale_after = #spk.scale_after<first>} : (tensor<1x1x10x1xi1>, tensor<1x1x10x1xi1>, tensor<1x1x10x1xi1>) -> tensor<1x1x10x1xf32>
  %3 = spk.ssa %c, %c, %c {num_heads = 1 : i64, scale = 0.1 : f32, source_order = #spk.association<kv_first>, scale_after = #spk.scale_after<first>} : (tensor<1x1x1x10xi1>, tensor<1x1x1x10xi1>, tensor<1x1x1x10xi1>) -> tensor<1x1x1x10xf32>
  %4 = spk.ssa %t, %t, %t {num_heads = 1 : i64, scale = 0.1 : f32} : (tensor<1x1x10x1xi1>, tensor<1x1x10x1xi1>, tensor<1x1x10x1xi1>) -> tensor<1x1x10x1xf32>
  %5 = tensor.extract_slice %0[0, 0, 9, 0] [1, 1, 1, 1] [1, 1, 1, 1] : tensor<1x1x10x1xf32> to tensor<1x1x1xf32>
  %6 = tensor.extract_slice %1[0, 0, 0, 9] [1, 1, 1, 1] [1, 1, 1, 1] : tensor<1x1x1x10xf32> to tensor<1x1x1xf32>
  %7 = tensor.extract_slice %2[0, 0, 9, 0] [1, 1, 1, 1] [1, 1, 1, 1] : tensor<1x1x10x1xf32> to tensor<1x1x1xf32>
  %8 = tensor.extract_slice %3[0, 0, 0, 9] [1, 1, 1, 1] [1, 1, 1, 1] : tensor<1x1x1x10xf32> to tensor<1x1x1xf32>
  %9 = tensor.extract_slice %4[0, 0, 9, 0] [1, 1, 1, 1] [1, 1, 1, 1] : tensor<1x1x10x1xf32> to tensor<1x1x1xf32>
  %ones = arith.constant dense<true> : tensor<1x1x3x5xi1>
  %k = arith.constant dense<[[[[true, false, false, false, false], [false, true, false, false, false], [true, true, true, true, true]]]]> : tensor<1x1x3x5xi1>
  %10 = spk.ssa %ones, %k, %ones {num_heads = 1 : i64, scale = 0.1 : f32, scale_after = #spk.scale_after<first>} : (tensor<1x1x3x5xi1>, tensor<1x1x3x5xi1>, tensor<1x1x3x5xi1>) -> tensor<1x1x3x5xf32>
  %11 = tensor.extract_slice %10[0, 0, 2, 4] [1, 1, 1, 1] [1, 1, 1, 1] : tensor<1x1x3x5xf32> to tensor<1x1x1xf32>
  %e = tensor.empty() : tensor<1x1x5x3xi1>
  %onest = arith.constant dense<true> : tensor<1x1x5x3xi1>
  %kt = linalg.transpose ins(%k : tensor<1x1x3x5xi1>) outs(%e : tensor<1x1x5x3xi1>) permutation = [0, 1, 3, 2]
  %12 = spk.ssa %onest, %kt, %onest {num_heads = 1 : i64, scale = 0.1 : f32, source_order = #spk.association<kv_first>, scale_after = #spk.scale_after<first>} : (tensor<1x1x5x3xi1>, tensor<1x1x5x3xi1>, tensor<1x1x5x3xi1>) -> tensor<1x1x5x3xf32>
  %13 = tensor.extract_slice %12[0, 0, 4, 2] [1, 1, 1, 1] [1, 1, 1, 1] : tensor<1x1x5x3xf32> to tensor<1x1x1xf32>
  return %5, %6, %7, %8, %9, %11, %13 : tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>
}

// MAP: output0: float32[1,1,1,3,3] = 0.125 0.25 0.125 0.125 0.125 0 0 0.125 0.125
func.func @map() -> tensor<1x1x1x3x3xf32> {
  %q = arith.constant dense<[[[[true, true], [true, false], [false, true]]]]> : tensor<1x1x3x2xi1>
  %k = arith.constant dense<[[[[true, false], [true, true], [false, true]]]]> : tensor<1x1x3x2xi1>
  %0 = spk.attention_map %q, %k {num_heads = 1 : i64, scale = 0.125 : f32} : (tensor<1x1x3x2xi1>, tensor<1x1x3x2xi1>) -> tensor<1x1x1x3x3xf32>
  return %0 : tensor<1x1x1x3x3xf32>
}

// SUM: error: 'spk.ssa' op sum #spk.sum<grouped, group = 2> has no interpreter in attention
func.func @sum() -> tensor<1x1x1x2xf32> {
  %q = arith.constant dense<true> : tensor<1x1x1x2xi1>
  %0 = spk.ssa %q, %q, %q {num_heads = 1 : i64, scale = 0.125 : f32, sum = #spk.sum<grouped, group = 2>} : (tensor<1x1x1x2xi1>, tensor<1x1x1x2xi1>, tensor<1x1x1x2xi1>) -> tensor<1x1x1x2xf32>
  return %0 : tensor<1x1x1x2xf32>
}

// Counts along one axis, along two and along the channels; masks that are the
// same along the first tokens, the channels or nothing.
// SDSA: rows: float32[2,1,1,3,2] = 2 1 1 1 0 1 1 1 0 1 1 0
// SDSA: all: float32[2,1,1,1,2] = 3 3 2 2
// SDSA: channels: float32[2,1,2,3,1] = 2 1 1 1 1 0 1 0 0 1 1 1
// SDSA: tokens: bool[2,1,2,3,2] = 0 0 0 1 0 1 0 0 0 0 0 0 1 0 0 0 0 0 0 1 0 0 1 0
// SDSA: heads: bool[2,1,2,3,2] = 1 1 0 1 0 1 0 0 1 0 0 0 1 0 0 0 0 0 0 1 0 0 0 0
// SDSA: same: bool[2,1,2,3,2] = 0 1 0 1 0 1 0 0 1 0 0 0 0 0 0 0 0 0 0 0 0 1 0 0
func.func @spike_driven() -> (tensor<2x1x1x3x2xf32> {spk.name = "rows"}, tensor<2x1x1x1x2xf32> {spk.name = "all"},
    tensor<2x1x2x3x1xf32> {spk.name = "channels"}, tensor<2x1x2x3x2xi1> {spk.name = "tokens"},
    tensor<2x1x2x3x2xi1> {spk.name = "heads"}, tensor<2x1x2x3x2xi1> {spk.name = "same"}) {
  %x = arith.constant dense<[[[[[true, true], [false, true], [false, true]], [[true, false], [true, false], [false, false]]]], [[[[true, false], [false, false], [false, false]], [[false, true], [false, true], [true, false]]]]]> : tensor<2x1x2x3x2xi1>
  %m = arith.constant dense<[[[[[false, false], [false, true], [false, true]]]], [[[[true, true], [false, false], [true, false]]]]]> : tensor<2x1x1x3x2xi1>
  %n = arith.constant dense<[[[[[true], [true], [true]], [[false], [true], [true]]]], [[[[true], [false], [false]], [[true], [false], [false]]]]]> : tensor<2x1x2x3x1xi1>
  %y = arith.constant dense<[[[[[false, true], [false, true], [true, true]], [[false, false], [true, false], [true, false]]]], [[[[false, false], [false, false], [true, false]], [[true, false], [false, true], [false, true]]]]]> : tensor<2x1x2x3x2xi1>
  %0 = spk.count %x {axes = array<i64: 2>} : tensor<2x1x2x3x2xi1> -> tensor<2x1x1x3x2xf32>
  %1 = spk.count %x {axes = array<i64: 2, 3>} : tensor<2x1x2x3x2xi1> -> tensor<2x1x1x1x2xf32>
  %2 = spk.count %x {axes = array<i64: 4>} : tensor<2x1x2x3x2xi1> -> tensor<2x1x2x3x1xf32>
  %3 = spk.gate %x, %m : (tensor<2x1x2x3x2xi1>, tensor<2x1x1x3x2xi1>) -> tensor<2x1x2x3x2xi1>
  %4 = spk.gate %x, %n : (tensor<2x1x2x3x2xi1>, tensor<2x1x2x3x1xi1>) -> tensor<2x1x2x3x2xi1>
  %5 = spk.gate %x, %y : (tensor<2x1x2x3x2xi1>, tensor<2x1x2x3x2xi1>) -> tensor<2x1x2x3x2xi1>
  return %0, %1, %2, %3, %4, %5 : tensor<2x1x1x3x2xf32>, tensor<2x1x1x1x2xf32>, tensor<2x1x2x3x1xf32>, tensor<2x1x2x3x2xi1>, tensor<2x1x2x3x2xi1>, tensor<2x1x2x3x2xi1>
}

// Runs of two channels out of four, and masks that hold for two channels or for
// two tokens.
// TOKEN: heads: float32[1,1,4,2] = 1 2 0 1 2 0 1 1
// TOKEN: by_head: bool[1,1,4,4] = 1 0 0 0 0 0 0 1 0 0 0 0 0 1 1 0
// TOKEN: by_pair: bool[1,1,4,4] = 0 0 0 1 0 0 0 1 1 0 0 0 0 0 0 0
func.func @token() -> (tensor<1x1x4x2xf32> {spk.name = "heads"}, tensor<1x1x4x4xi1> {spk.name = "by_head"},
    tensor<1x1x4x4xi1> {spk.name = "by_pair"}) {
  %x = arith.constant dense<[[[[true, false, true, true], [false, false, false, true], [true, true, false, false], [false, true, true, false]]]]> : tensor<1x1x4x4xi1>
  %m = arith.constant dense<[[[[true, false], [false, true], [false, true], [true, true]]]]> : tensor<1x1x4x2xi1>
  %n = arith.constant dense<[[[[false, false, false, true], [true, false, false, false]]]]> : tensor<1x1x2x4xi1>
  %0 = spk.count %x {axes = array<i64: 3>, groups = 2 : i64} : tensor<1x1x4x4xi1> -> tensor<1x1x4x2xf32>
  %1 = spk.gate %x, %m : (tensor<1x1x4x4xi1>, tensor<1x1x4x2xi1>) -> tensor<1x1x4x4xi1>
  %2 = spk.gate %x, %n : (tensor<1x1x4x4xi1>, tensor<1x1x2x4xi1>) -> tensor<1x1x4x4xi1>
  return %0, %1, %2 : tensor<1x1x4x2xf32>, tensor<1x1x4x4xi1>, tensor<1x1x4x4xi1>
}
