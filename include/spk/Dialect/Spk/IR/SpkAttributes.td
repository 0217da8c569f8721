//===- SpkAttributes.td - spk attributes -------------------*- tablegen -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_IR_SPKATTRIBUTES_TD
#define SPK_DIALECT_SPK_IR_SPKATTRIBUTES_TD

include "spk/Dialect/Spk/IR/SpkDialect.td"
include "spk/Dialect/Spk/IR/SpkInterfaces.td"
include "mlir/IR/TensorEncoding.td"

class Spk_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::mlir::spk";
  let genSpecializedAttr = 0;
}
class Spk_EnumAttr<EnumAttrInfo info, string mnemonic>
    : EnumAttr<Spk_Dialect, info, mnemonic> {
  let assemblyFormat = "`<` $value `>`";
}

def Spk_Layout : Spk_Enum<"Layout", "where the channel axis is", [
  I32EnumAttrCase<"ChannelsFirst", 0, "channels_first">,
  I32EnumAttrCase<"ChannelsLast", 1, "channels_last">]>;
def Spk_LayoutAttr : Spk_EnumAttr<Spk_Layout, "layout"> {
  let description = [{
    `channels_first` is `[T, B, C, ...]` (PyTorch's convolutions), the channel
    axis is axis 2; `channels_last` is `[T, B, ..., C]`.
  }];
}

def Spk_TokenLayout : Spk_Enum<"TokenLayout", "where the token axis is", [
  I32EnumAttrCase<"TokenFirst", 0, "token_first">,
  I32EnumAttrCase<"TokenLast", 1, "token_last">]>;
def Spk_TokenLayoutAttr : Spk_EnumAttr<Spk_TokenLayout, "token_layout"> {
  let description = [{
    `token_first` is `[T, B, N, C]`, `token_last` is `[T, B, C, N]`.
  }];
}

def Spk_Charge : Spk_Enum<"Charge", "how a LIF neuron charges", [
  I32EnumAttrCase<"DecayInput", 0, "decay_input">,
  I32EnumAttrCase<"NoDecayInput", 1, "no_decay_input">,
  I32EnumAttrCase<"Multiply", 2, "multiply">,
  I32EnumAttrCase<"Retain", 3, "retain">,
  I32EnumAttrCase<"NoDecayMultiply", 4, "no_decay_multiply">]>;
def Spk_ChargeAttr : Spk_EnumAttr<Spk_Charge, "charge"> {
  let description = [{
    The charge equation, in f32, every operation rounded on its own:

        decay_input        h = v + (x - (v - v_reset)) / tau
        no_decay_input     h = v - (v - v_reset) / tau + x
        multiply           h = v + (x - (v - v_reset)) * factor
        retain             h = v * factor + x
        no_decay_multiply  h = v - (v - v_reset) * factor + x
  }];
}

def Spk_Rounding : Spk_Enum<"Rounding", "how a neuron rounds to integers", [
  I32EnumAttrCase<"HalfEven", 0, "half_even">,
  I32EnumAttrCase<"HalfUp", 1, "half_up">]>;
def Spk_RoundingAttr : Spk_EnumAttr<Spk_Rounding, "rounding"> {
  let description = [{
    How a number y in [0, levels] becomes an integer: `half_even` takes the
    nearest, of two the even one (`torch.round`); `half_up` is
    `floor(rn(y + 0.5))`. They differ where y is half way between two integers.
  }];
}

def Spk_Association : Spk_Enum<"Association", "order of the two products", [
  I32EnumAttrCase<"Auto", 0, "auto">,
  I32EnumAttrCase<"QKFirst", 1, "qk_first">,
  I32EnumAttrCase<"KVFirst", 2, "kv_first">]>;
def Spk_AssociationAttr : Spk_EnumAttr<Spk_Association, "association"> {
  let description = [{
    `qk_first` is `(Q Kᵀ) V`, `kv_first` is `Q (Kᵀ V)`; `auto` leaves the
    choice to `spk-choose-association`.
  }];
}

def Spk_ScaleAfter : Spk_Enum<"ScaleAfter", "product that the scale follows", [
  I32EnumAttrCase<"First", 0, "first">,
  I32EnumAttrCase<"Second", 1, "second">]>;
def Spk_ScaleAfterAttr : Spk_EnumAttr<Spk_ScaleAfter, "scale_after"> {
  let description = [{
    Whether the model multiplies the first product or the second by the scale.
    The two differ only in rounding, and not at all when the scale is a power
    of two.
  }];
}

def Spk_SoftmaxAxis : Spk_Enum<"SoftmaxAxis", "axis that a softmax sums over", [
  I32EnumAttrCase<"Keys", 0, "keys">,
  I32EnumAttrCase<"Queries", 1, "queries">]>;
def Spk_SoftmaxAxisAttr : Spk_EnumAttr<Spk_SoftmaxAxis, "softmax_axis"> {
  let description = [{
    Whether the weights of all keys of a query (`keys`, the usual attention) or
    of all queries of a key (`queries`) add up to one.
  }];
}

def Spk_PoolPlacement : Spk_Enum<"PoolPlacement", "max-pool against neuron", [
  I32EnumAttrCase<"None", 0, "none">,
  I32EnumAttrCase<"Before", 1, "before">,
  I32EnumAttrCase<"After", 2, "after">]>;
def Spk_PoolPlacementAttr : Spk_EnumAttr<Spk_PoolPlacement, "pool"> {
  let description = [{
    Whether a patch-splitting stage pools currents (`before` the neuron),
    spikes (`after` it) or not at all. The two orders give different spikes.
  }];
}

def Spk_SumKind : Spk_Enum<"SumKind", "order of a floating-point sum", [
  I32EnumAttrCase<"Sequential", 0, "sequential">,
  I32EnumAttrCase<"Grouped", 1, "grouped">,
  I32EnumAttrCase<"FMA", 2, "fma">,
  I32EnumAttrCase<"Exact", 3, "exact">]>;

def Spk_SumAttr : AttrDef<Spk_Dialect, "Sum"> {
  let mnemonic = "sum";
  let summary = "order in which a synapse sums";
  let description = [{
    Fixes the bits of a sum on every target. k runs over (kh, kw, c), c
    innermost, in ascending order, without taps that fall into the padding:

    * `#spk.sum<sequential>`: acc = +0; for every k with x_k ≠ 0,
      acc = rn(acc + rn(x_k · w_k)).
    * `#spk.sum<grouped, group = g>`: inside one tap the channels form words of
      64, each word groups of g consecutive channels (the last one short); a
      group is folded left in ascending c from +0 (zero inputs skipped), then
      added to acc.
    * `planes = true`: the operand is an integer stream; bit plane p is summed
      as above over the channels whose bit p is set, giving s_p; then acc = +0
      and acc = rn(acc + s_p · 2^p) for ascending p. The number of planes is
      the bit width of the largest value.
    * `grouped_planes = n` (with `planes = true`): planes p < n are summed in
      groups and combined as above; then, for ascending p >= n and ascending k
      whose bit p is set, acc = rn(acc + rn(w_k · 2^p)). For streams whose low
      planes are dense and whose high planes are sparse.
    * `#spk.sum<fma>` (float operands): acc = fma(w_k, x_k, acc); at last
      acc + 0, which is never -0.
    * `#spk.sum<exact>`: integers below 2^24; any order gives the same bits.
  }];
  let parameters = (ins
    EnumParameter<Spk_SumKind>:$kind,
    DefaultValuedParameter<"int64_t", "0">:$group,
    DefaultValuedParameter<"bool", "false">:$planes,
    DefaultValuedParameter<"int64_t", "0">:$grouped_planes
  );
  let builders = [AttrBuilder<(ins "SumKind":$kind), [{
    return $_get($_ctxt, kind, /*group=*/int64_t(0), /*planes=*/false,
                 /*grouped_planes=*/int64_t(0));
  }]>];
  let extraClassDeclaration = [{
    /// How many of `planes` planes are summed like the lowest one.
    int64_t getNumUniformPlanes(int64_t planes) const {
      return getGroupedPlanes() ? std::min(getGroupedPlanes(), planes) : planes;
    }
  }];
  // Optional clauses that start with a comma need a parser of their own.
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Spk_PackedAttr : AttrDef<Spk_Dialect, "Packed", [
    DeclareAttrInterfaceMethods<Spk_SpikeEncodingAttrInterface>,
    DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let mnemonic = "packed";
  let summary = "bit-packed storage of a spike tensor";
  let description = [{
    Encoding of a tensor of spikes (`i1`) or of small non-negative integers:
    64 consecutive channels of one bit plane form one word, the last word of a
    position padded with zero bits. `axis` is the packed (innermost) axis.
    Storage is `[..., ceil(C / 64), planes]` words; bit c % 64 of word
    `[..., c / 64, p]` is bit p of channel c.

    Only `spk.pack` and `spk.unpack` change an encoding.
  }];
  let parameters = (ins
    "int64_t":$axis,
    DefaultValuedParameter<"int64_t", "1">:$planes,
    DefaultValuedParameter<"int64_t", "64">:$word
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

#endif // SPK_DIALECT_SPK_IR_SPKATTRIBUTES_TD
