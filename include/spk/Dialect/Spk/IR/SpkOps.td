//===- SpkOps.td - spk operations --------------------------*- tablegen -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_IR_SPKOPS_TD
#define SPK_DIALECT_SPK_IR_SPKOPS_TD

include "spk/Dialect/Spk/IR/SpkAttributes.td"
include "spk/Dialect/Spk/IR/SpkInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/IR/SymbolInterfaces.td"

//===----------------------------------------------------------------------===//
// Types and classes
//===----------------------------------------------------------------------===//

class Spk_Tensor<list<Type> elements, string summary>
    : Type<StaticShapeTensorOf<elements>.predicate,
           "static tensor of " # summary, "::mlir::RankedTensorType">;

def Spk_Spikes : Spk_Tensor<[I1], "spikes (i1)">;
def Spk_Counts : Spk_Tensor<[I1, I8, I16, I32], "spikes or small integers">;
def Spk_SmallIntegers : Spk_Tensor<[I8], "small integers (i8)">;
def Spk_Floats : Spk_Tensor<[F32], "f32">;
def Spk_Values : Spk_Tensor<[I1, I8, I16, I32, F32],
                            "spikes, small integers or f32">;
def Spk_Anything : Type<IsRankedTensorTypePred, "ranked tensor",
                        "::mlir::RankedTensorType">;

// The op does the same at every time step: it commutes with spk.repeat, and one
// step of it is the op itself on T = 1.
def Spk_TimeWise : NativeOpTrait<"TimeWise"> {
  let cppNamespace = "::mlir::spk::OpTrait";
}

class Spk_Op<string mnemonic, list<Trait> traits = []>
    : Op<Spk_Dialect, mnemonic, traits>;

//===----------------------------------------------------------------------===//
// Neurons
//===----------------------------------------------------------------------===//

class Spk_NeuronOp<string mnemonic, Type fired, dag numbers,
                   list<Trait> traits = []>
    : Spk_Op<mnemonic, !listconcat([Pure, AttrSizedResultSegments,
        DeclareOpInterfaceMethods<Spk_NeuronOpInterface>,
        DeclareOpInterfaceMethods<Spk_ValueRangeOpInterface>], traits)> {
  let arguments = !con((ins Spk_Floats:$input,
                            Variadic<Spk_Floats>:$initial_states), numbers);
  let results = (outs fired:$spikes, Variadic<Spk_Floats>:$final_states,
                      Optional<Spk_Floats>:$membrane);
  let assemblyFormat = [{
    $input (`initial` `(` $initial_states^ `:` type($initial_states) `)`)?
    attr-dict `:` type($input) `->` type($spikes)
    (`state` type($final_states)^)? (`membrane` type($membrane)^)?
  }];
  let hasVerifier = 1;
  let extraClassDefinition = [{
    int64_t $cppClass::inferMaxValue(::llvm::ArrayRef<int64_t>,
                                     unsigned index) {
      return index == 0 ? getMaxFired() : -1;
    }
  }];
}

// Numbers of the leaky charge, see #spk.charge.
defvar Spk_ChargeNumbers = (ins
    DefaultValuedAttr<Spk_ChargeAttr, "::mlir::spk::Charge::DecayInput">:$charge,
    DefaultValuedAttr<F32Attr, "2.0">:$tau,
    OptionalAttr<F32Attr>:$factor);

// Numbers of a neuron that fires 0 or 1.
defvar Spk_SpikeNumbers = (ins F32Attr:$v_threshold, OptionalAttr<F32Attr>:$v_reset);

// Numbers of a neuron that fires an integer.
defvar Spk_IntegerSpikeNumbers = (ins
    ConfinedAttr<I64Attr, [IntMinValue<1>, IntMaxValue<127>]>:$levels,
    DefaultValuedAttr<Spk_RoundingAttr, "::mlir::spk::Rounding::HalfEven">:$rounding);

def Spk_LIFOp : Spk_NeuronOp<"lif", Spk_Spikes,
                             !con(Spk_ChargeNumbers, Spk_SpikeNumbers)> {
  let summary = "leaky integrate-and-fire neuron over time";
  let description = [{
    Scans the leading time axis. Per element, with v = `v_reset` (0 when the
    reset is soft) or `initial_states` before the first step:

        h = charge(v, x)            see #spk.charge
        s = h >= v_threshold        fires on equality, NaN never fires
        v = s ? v_reset : h         hard reset (v_reset present)
        v = h - s * v_threshold     soft reset (v_reset absent)

    `final_states` is v after the last step, so that one op serves a whole
    sequence or one streamed step; `membrane` is h at every step.

    ```mlir
    %s = spk.lif %x {tau = 2.0 : f32, v_reset = 0.0 : f32, v_threshold = 1.0 : f32}
       : tensor<4x1x64x48xf32> -> tensor<4x1x64x48xi1>
    %s1, %v1 = spk.lif %x1 initial(%v0 : tensor<1x1x64x48xf32>)
       {v_reset = 0.0 : f32, v_threshold = 5.000000e-01 : f32}
       : tensor<1x1x64x48xf32> -> tensor<1x1x64x48xi1> state tensor<1x1x64x48xf32>
    ```

    No upstream op scans an axis with a state and a reset.
  }];
}

def Spk_IFOp : Spk_NeuronOp<"if", Spk_Spikes, Spk_SpikeNumbers> {
  let summary = "integrate-and-fire neuron over time";
  let description = [{
    As `spk.lif` with the charge h = v + x.

    ```mlir
    %s = spk.if %x {v_reset = 0.0 : f32, v_threshold = 1.0 : f32}
       : tensor<4x1x64x48xf32> -> tensor<4x1x64x48xi1>
    ```
  }];
}

def Spk_ILIFOp : Spk_NeuronOp<"ilif", Spk_SmallIntegers,
    !con(Spk_ChargeNumbers, (ins F32Attr:$v_threshold), Spk_IntegerSpikeNumbers)> {
  let summary = "integer leaky integrate-and-fire neuron over time";
  let description = [{
    As `spk.lif`, but fires an integer between 0 and `levels` and takes as many
    thresholds from the membrane (I-LIF, Luo et al., ECCV 2024):

        h = charge(v, x)                                 v_reset is 0
        s = round(clamp(h / v_threshold, 0, levels))     see #spk.rounding, NaN fires 0
        v = h - s * v_threshold

    ```mlir
    %s = spk.ilif %x {charge = #spk.charge<retain>, factor = 2.500000e-01 : f32, levels = 4 : i64, v_threshold = 1.0 : f32}
       : tensor<4x1x64x48xf32> -> tensor<4x1x64x48xi8>
    ```

    No upstream op scans an axis with a state and a reset.
  }];
}

def Spk_SignedIFOp : Spk_NeuronOp<"signed_if", Spk_Floats, (ins
    F32Attr:$v_threshold,
    ConfinedAttr<I64Attr, [IntMinValue<1>, IntMaxValue<8388608>]>:$max_count)> {
  let summary = "signed integrate-and-fire neuron with a bounded count";
  let description = [{
    Fires 1 as well as -1, which takes back a spike fired too early, and keeps
    the sum of what it fired between 0 and `max_count`:

        h = v + x
        s =  1 where h >= v_threshold and count < max_count
        s = -1 where h <= -v_threshold and count >= 1
        s =  0 elsewhere
        v = h - s * v_threshold
        count = count + s

    Its states are v and count, both 0 at the start. Spikes are f32, as no word
    holds a sign. ANN to SNN conversion makes such neurons from clipped
    activations (Quantization Framework for Fast Spiking Neural Networks).

    ```mlir
    %s = spk.signed_if %x {max_count = 8 : i64, v_threshold = 1.0 : f32}
       : tensor<4x1x64x48xf32> -> tensor<4x1x64x48xf32>
    %s1, %v1, %n1 = spk.signed_if %x1 initial(%v0, %n0 : tensor<1x1x64x48xf32>, tensor<1x1x64x48xf32>)
       {max_count = 8 : i64, v_threshold = 1.0 : f32}
       : tensor<1x1x64x48xf32> -> tensor<1x1x64x48xf32> state tensor<1x1x64x48xf32>, tensor<1x1x64x48xf32>
    ```
  }];
}

def Spk_MultiSpikeOp : Spk_NeuronOp<"multi_spike", Spk_SmallIntegers,
                                    Spk_IntegerSpikeNumbers, [Spk_TimeWise]> {
  let summary = "integer neuron without state";
  let description = [{
    `round(clamp(x, 0, levels))` at every time step, NaN fires 0; the rounding
    decides on the numbers half way between two integers (see #spk.rounding). A
    divisor that the model has behind it is a matter of what reads the spikes.

    ```mlir
    %s = spk.multi_spike %x {levels = 4 : i64, rounding = #spk.rounding<half_up>}
       : tensor<4x1x64x48xf32> -> tensor<4x1x64x48xi8>
    ```

    Upstream ops that round and clamp give floats: they do not say that small
    integers come out, which is what packing them into bit planes rests on.
  }];
}

def Spk_QCFSOp : Spk_NeuronOp<"qcfs", Spk_Floats, (ins
    ConfinedAttr<I64Attr, [IntMinValue<1>, IntMaxValue<127>]>:$levels,
    F32Attr:$up), [Spk_TimeWise]> {
  let summary = "staircase activation of an ANN that becomes an SNN";
  let description = [{
    Quantisation, clip, floor, shift (Bu et al., ICLR 2022), at every time step:

        s = clamp(floor(x / up * levels + 1/2), 0, levels)     NaN gives 0
        y = s / levels * up

    It is what the spikes of `spk.signed_if`, times `up`, come to on average, and
    `spk-ann-to-snn` puts such neurons in its place.

    ```mlir
    %y = spk.qcfs %x {levels = 4 : i64, up = 2.0 : f32}
       : tensor<1x1x64x48xf32> -> tensor<1x1x64x48xf32>
    ```

    `spk.multi_spike` gives the integer alone, without its unit.
  }];
}

def Spk_GenericNeuronOp : Spk_NeuronOp<"neuron", Spk_Tensor<[I1, F32], "spikes or f32">,
    (ins DenseF32ArrayAttr:$resting),
    [IsolatedFromAbove, SingleBlockImplicitTerminator<"FireOp">]> {
  let summary = "neuron whose equations are its region";
  let description = [{
    The region is one time step of one element: it takes the states and the
    current and gives to `spk.fire` the charged membrane, what fires and the next
    states. `resting` holds the states at the start of a sequence, one for each
    that the neuron keeps. Neurons that have no operation of their own are
    written like this.

    The region is made of `arith` operations on f32 and i1, each of which rounds
    once. A leaky neuron whose threshold is half of its membrane before the
    charge, plus one:

    ```mlir
    %s = spk.neuron %x {resting = array<f32: 0.0>} : tensor<4x1x64x48xf32> -> tensor<4x1x64x48xi1> {
    ^bb0(%v: f32, %i: f32):
      %half = arith.constant 0.5 : f32
      %one = arith.constant 1.0 : f32
      %leak = arith.mulf %v, %half : f32
      %h = arith.addf %leak, %i : f32
      %threshold = arith.addf %leak, %one : f32
      %f = arith.cmpf oge, %h, %threshold : f32
      %rest = arith.subf %h, %threshold : f32
      %next = arith.select %f, %rest, %h : f32
      spk.fire %h, %f state %next : i1
    }
    ```

    `linalg.generic` has no state that goes from one step to the next.
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $input (`initial` `(` $initial_states^ `:` type($initial_states) `)`)?
    attr-dict `:` type($input) `->` type($spikes)
    (`state` type($final_states)^)? (`membrane` type($membrane)^)? $body
  }];
  let hasRegionVerifier = 1;
}

def Spk_FireOp : Spk_Op<"fire", [Pure, Terminator, HasParent<"GenericNeuronOp">]> {
  let summary = "result of one step of a neuron";
  let description = [{
    Terminator of `spk.neuron`: the charged membrane, what fires (`i1` for
    spikes), the next states.
  }];
  let arguments = (ins F32:$charged, AnyTypeOf<[I1, F32]>:$fired,
                       Variadic<F32>:$states);
  let assemblyFormat = "$charged `,` $fired (`state` $states^)? attr-dict `:` type($fired)";
  let builders = [OpBuilder<(ins), [{ }]>];
}

//===----------------------------------------------------------------------===//
// Synapses and stateless layers
//===----------------------------------------------------------------------===//

def Spk_ConvOp : Spk_Op<"conv", [Pure, Spk_TimeWise,
    DeclareOpInterfaceMethods<Spk_SynapseOpInterface>,
    DeclareOpInterfaceMethods<Spk_ChannelAxisOpInterface>,
    DeclareOpInterfaceMethods<Spk_ValueRangeOpInterface>]> {
  let summary = "2-D convolution at every time step";
  let description = [{
    `y[t,b,o,y,x] = sum_k x_k * w[o,k] (+ bias[o])` over the window and the
    input channels of o's group, zero padded. Weights are `[O, C / groups, KH,
    KW]` in either layout; `sum` fixes the order of the sum.

    ```mlir
    %y = spk.conv %x, %w {padding = array<i64: 1, 1>, strides = array<i64: 1, 1>}
       : (tensor<4x1x3x32x32xi1>, tensor<48x3x3x3xf32>) -> tensor<4x1x48x32x32xf32>
    %z = spk.conv %x, %w bias %b {groups = 1 : i64, sum = #spk.sum<sequential>}
       : (tensor<4x1x3x32x32xi1>, tensor<48x3x3x3xf32>, tensor<48xf32>) -> tensor<4x1x48x30x30xf32>
    ```

    `linalg.conv_2d` has no time axis, no groups in this layout, and nothing
    that fixes the order of its sum.
  }];
  let arguments = (ins Spk_Values:$input, Spk_Floats:$weight,
    Optional<Spk_Floats>:$bias,
    DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
    DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$padding,
    DefaultValuedAttr<I64Attr, "1">:$groups,
    DefaultValuedAttr<Spk_LayoutAttr, "::mlir::spk::Layout::ChannelsFirst">:$layout,
    OptionalAttr<Spk_SumAttr>:$sum);
  let results = (outs Spk_Floats:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Spk_LinearOp : Spk_Op<"linear", [Pure, Spk_TimeWise,
    DeclareOpInterfaceMethods<Spk_SynapseOpInterface>,
    DeclareOpInterfaceMethods<Spk_ChannelAxisOpInterface>,
    DeclareOpInterfaceMethods<Spk_ValueRangeOpInterface>]> {
  let summary = "linear map over the channels";
  let description = [{
    `y[..., o] = sum_c x[..., c] * w[o, c] (+ bias[o])`, weights `[O, C]`; with
    `layout = channels_first` the channels are axis 2 (PyTorch's `Conv1d` with
    kernel 1).

    ```mlir
    %y = spk.linear %x, %w bias %b {layout = #spk.layout<channels_last>}
       : (tensor<4x1x64x48xi1>, tensor<96x48xf32>, tensor<96xf32>) -> tensor<4x1x64x96xf32>
    ```

    `linalg.matmul` does not fix the order of its sum.
  }];
  let arguments = (ins Spk_Values:$input, Spk_Floats:$weight,
    Optional<Spk_Floats>:$bias,
    DefaultValuedAttr<Spk_LayoutAttr, "::mlir::spk::Layout::ChannelsLast">:$layout,
    OptionalAttr<Spk_SumAttr>:$sum);
  let results = (outs Spk_Floats:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Spk_BatchNormOp : Spk_Op<"batch_norm", [Pure, Spk_TimeWise,
    DeclareOpInterfaceMethods<Spk_ChannelAxisOpInterface>]> {
  let summary = "batch norm with running statistics";
  let description = [{
    `y = rn(rn(x * s) + b)` with s = gamma / sqrt(var + eps) and
    b = beta - mean * s computed in float64 and rounded once.

    ```mlir
    %y = spk.batch_norm %x, %gamma, %beta, %mean, %var {eps = 1.0e-5 : f64}
       : (tensor<4x1x48x8x8xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<4x1x48x8x8xf32>
    ```

    `spk-fold-batch-norm` turns it into `spk.fold_batch_norm`, evaluated at
    compile time, and `spk.scale_shift`.
  }];
  let arguments = (ins Spk_Floats:$input, Spk_Floats:$gamma, Spk_Floats:$beta,
    Spk_Floats:$mean, Spk_Floats:$variance,
    DefaultValuedAttr<F64Attr, "1.0e-5">:$eps,
    DefaultValuedAttr<Spk_LayoutAttr, "::mlir::spk::Layout::ChannelsFirst">:$layout);
  let results = (outs Spk_Floats:$result);
  let assemblyFormat = [{
    $input `,` $gamma `,` $beta `,` $mean `,` $variance attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Spk_FoldBatchNormOp : Spk_Op<"fold_batch_norm", [Pure]> {
  let summary = "scale and shift of a batch norm";
  let description = [{
    scale = gamma / sqrt(var + eps), shift = beta - mean * scale + bias * scale,
    in float64 and rounded once to f32. `bias` is the bias of the layer before
    the batch norm. Evaluated at compile time.

    ```mlir
    %s, %b = spk.fold_batch_norm %gamma, %beta, %mean, %var bias %c {eps = 1.0e-5 : f64}
       : (tensor<48xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>) -> (tensor<48xf32>, tensor<48xf32>)
    ```
  }];
  let arguments = (ins Spk_Floats:$gamma, Spk_Floats:$beta, Spk_Floats:$mean,
    Spk_Floats:$variance, Optional<Spk_Floats>:$bias,
    DefaultValuedAttr<F64Attr, "1.0e-5">:$eps);
  let results = (outs Spk_Floats:$scale, Spk_Floats:$shift);
  let assemblyFormat = [{
    $gamma `,` $beta `,` $mean `,` $variance (`bias` $bias^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Spk_ScaleShiftOp : Spk_Op<"scale_shift", [Pure, Spk_TimeWise,
    DeclareOpInterfaceMethods<Spk_ChannelAxisOpInterface>]> {
  let summary = "per-channel scale and shift";
  let description = [{
    `y = rn(rn(x * scale[c]) + shift[c])`: two roundings, never contracted.

    ```mlir
    %y = spk.scale_shift %x, %s, %b {layout = #spk.layout<channels_last>}
       : (tensor<4x1x64x48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<4x1x64x48xf32>
    ```
  }];
  let arguments = (ins Spk_Floats:$input, Spk_Floats:$scale, Spk_Floats:$shift,
    DefaultValuedAttr<Spk_LayoutAttr, "::mlir::spk::Layout::ChannelsFirst">:$layout);
  let results = (outs Spk_Floats:$result);
  let assemblyFormat = [{
    $input `,` $scale `,` $shift attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Spk_MaxPoolOp : Spk_Op<"max_pool", [Pure, Spk_TimeWise,
    DeclareOpInterfaceMethods<Spk_ChannelAxisOpInterface>,
    DeclareOpInterfaceMethods<Spk_ValueRangeOpInterface>]> {
  let summary = "2-D max-pool at every time step";
  let description = [{
    Largest value of the window; positions outside the input do not count. On
    spikes it is the OR of the window. A NaN in the window gives NaN. The
    positions of a window are `dilation` apart.

    ```mlir
    %y = spk.max_pool %x {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding = array<i64: 1, 1>}
       : tensor<4x1x48x32x32xi1> -> tensor<4x1x48x16x16xi1>
    ```

    Along an axis there are as many windows as fit; with `ceil_mode` also one
    that begins inside the input, or in the padding in front of it, and ends
    behind its padding:

    ```mlir
    %y = spk.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, ceil_mode}
       : tensor<4x1x48x7x7xi1> -> tensor<4x1x48x4x4xi1>
    ```
  }];
  let arguments = (ins Spk_Values:$input,
    DenseI64ArrayAttr:$kernel,
    DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
    DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$padding,
    DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilation,
    UnitAttr:$ceil_mode,
    DefaultValuedAttr<Spk_LayoutAttr, "::mlir::spk::Layout::ChannelsFirst">:$layout);
  let results = (outs Spk_Values:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Rows (axis 0) or columns (axis 1) from the first to the last position of
    /// a window.
    int64_t getWindowExtent(int axis) {
      return (getKernel()[axis] - 1) * getDilation()[axis] + 1;
    }
  }];
}

def Spk_AddOp : Spk_Op<"add", [Pure, Spk_TimeWise, Commutative,
    DeclareOpInterfaceMethods<Spk_ValueRangeOpInterface>]> {
  let summary = "SEW residual join of two spike streams";
  let description = [{
    Adds spikes or small non-negative integers. The computed largest value must
    fit the result's element type.

    ```mlir
    %y = spk.add %x, %s : (tensor<4x1x64x48xi8>, tensor<4x1x64x48xi1>) -> tensor<4x1x64x48xi8>
    ```

    `arith.addi` needs one element type and wraps in `i1`.
  }];
  let arguments = (ins Spk_Counts:$lhs, Spk_Counts:$rhs);
  let results = (outs Spk_Tensor<[I8, I16, I32], "small integers">:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Spk_RepeatOp : Spk_Op<"repeat", [Pure,
    DeclareOpInterfaceMethods<Spk_ValueRangeOpInterface>]> {
  let summary = "the same value at every time step";
  let description = [{
    Spreads a value with T = 1 over time. Marks where a static image becomes a
    sequence, which `linalg.broadcast` would hide: `spk-hoist-static` moves it
    towards the neurons, and a streamed step drops it.

    ```mlir
    %y = spk.repeat %x : tensor<1x1x3x32x32xf32> -> tensor<4x1x3x32x32xf32>
    ```
  }];
  let arguments = (ins Spk_Values:$input);
  let results = (outs Spk_Values:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Spk_MeanOp : Spk_Op<"mean", [Pure]> {
  let summary = "mean over axes, in a fixed order";
  let description = [{
    Sum in ascending (row-major) order from +0 in f32, each addition rounded,
    then one division by the number of elements. Reduced axes stay with size 1.
    A mean over time (axis 0) stands alone, so that a streamed run can keep the
    sum as state.

    ```mlir
    %y = spk.mean %x {axes = array<i64: 2>} : tensor<4x1x64x48xi8> -> tensor<4x1x1x48xf32>
    ```

    `linalg.reduce` leaves the order of its sum open.
  }];
  let arguments = (ins Spk_Values:$input, DenseI64ArrayAttr:$axes);
  let results = (outs Spk_Floats:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Binary sub-steps of integers
//===----------------------------------------------------------------------===//

def Spk_SubStepsOp : Spk_Op<"sub_steps", [Pure]> {
  let summary = "integers as binary spikes of several sub-steps";
  let description = [{
    Every time step becomes `levels` sub-steps in its place: in sub-step j of
    step t fires what is greater than j,

    `y[t * levels + j] = x[t] > j`, j = 0 to `levels` - 1,

    so that the sum of the sub-steps is `min(x, levels)`.

    ```mlir
    %y = spk.sub_steps %x {levels = 4 : i64} : tensor<1x2x64x48xi8> -> tensor<4x2x64x48xi1>
    ```

    An integer neuron that fires 0 to D is D binary sub-steps, which is how
    neuromorphic hardware runs it; `spk-expand-integer-spikes` makes them.
  }];
  let arguments = (ins Spk_Counts:$input,
    ConfinedAttr<I64Attr, [IntPositive]>:$levels);
  let results = (outs Spk_Spikes:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Spk_AccumulateOp : Spk_Op<"accumulate", [Pure]> {
  let summary = "sum of the sub-steps of every time step";
  let description = [{
    The sum of each `levels` consecutive steps, in ascending order from +0 in
    f32, each addition rounded:

    `y[t] = rn(... rn(rn(0 + x[t * levels]) + x[t * levels + 1]) ...)`.

    ```mlir
    %y = spk.accumulate %x {levels = 4 : i64} : tensor<4x2x64x48xf32> -> tensor<1x2x64x48xf32>
    ```

    Behind a synapse that reads `spk.sub_steps`: what a neuron receives within
    one time step.
  }];
  let arguments = (ins Spk_Floats:$input,
    ConfinedAttr<I64Attr, [IntPositive]>:$levels);
  let results = (outs Spk_Floats:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Composite layers
//===----------------------------------------------------------------------===//

def Spk_SPSOp : Spk_Op<"sps", [Pure]> {
  let summary = "one stage of spiking patch splitting";
  let description = [{
    Convolution, batch norm, LIF neuron and an optional max-pool before or after
    the neuron, on `[T, B, C, H, W]`. `spk-expand-sps` writes it as those ops.

    ```mlir
    %y = spk.sps %x, %w, %gamma, %beta, %mean, %var
       {pool = #spk.pool<after>, padding = array<i64: 1, 1>, v_threshold = 1.0 : f32, v_reset = 0.0 : f32}
       : (tensor<4x1x3x32x32xi1>, tensor<48x3x3x3xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<4x1x48x16x16xi1>
    ```
  }];
  let arguments = (ins Spk_Values:$input, Spk_Floats:$weight,
    Spk_Floats:$gamma, Spk_Floats:$beta, Spk_Floats:$mean, Spk_Floats:$variance,
    Optional<Spk_Floats>:$bias,
    DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
    DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$padding,
    DefaultValuedAttr<I64Attr, "1">:$groups,
    DefaultValuedAttr<F64Attr, "1.0e-5">:$eps,
    DefaultValuedAttr<Spk_ChargeAttr, "::mlir::spk::Charge::DecayInput">:$charge,
    DefaultValuedAttr<F32Attr, "2.0">:$tau,
    OptionalAttr<F32Attr>:$factor,
    F32Attr:$v_threshold, OptionalAttr<F32Attr>:$v_reset,
    DefaultValuedAttr<Spk_PoolPlacementAttr, "::mlir::spk::PoolPlacement::None">:$pool,
    DefaultValuedAttr<DenseI64ArrayAttr, "{3, 3}">:$pool_kernel,
    DefaultValuedAttr<DenseI64ArrayAttr, "{2, 2}">:$pool_strides,
    DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$pool_padding);
  let results = (outs Spk_Spikes:$result);
  let assemblyFormat = [{
    $input `,` $weight `,` $gamma `,` $beta `,` $mean `,` $variance
    (`bias` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Spk_SSAOp : Spk_Op<"ssa", [Pure, Spk_TimeWise]> {
  let summary = "spiking self-attention core";
  let description = [{
    `scale * (Q Kᵀ) V` per head at every time step, without softmax. Q, K and V
    are spikes `[T, B, N, C]` (`token_first`) or `[T, B, C, N]` (`token_last`),
    head h owning channels `[h * C / heads, (h + 1) * C / heads)`.

    `source_order` is the order in which the model multiplies and `scale_after`
    the product that it scales; `association` the order to execute. With spikes,
    a scale that is a power of two and N * d < 2^24, every partial result is an
    exact integer and the orders give the same bits. Otherwise the source order
    is kept, the first product is exact, each product that follows a rounding
    is summed in ascending order from +0.

    ```mlir
    %y = spk.ssa %q, %k, %v {num_heads = 8 : i64, scale = 1.250000e-01 : f32}
       : (tensor<4x1x64x384xi1>, tensor<4x1x64x384xi1>, tensor<4x1x64x384xi1>) -> tensor<4x1x64x384xf32>
    ```

    Two `linalg.batch_matmul`s would hide that operands are spikes and that the
    order is free.
  }];
  let arguments = (ins Spk_Spikes:$query, Spk_Spikes:$key, Spk_Spikes:$value,
    ConfinedAttr<I64Attr, [IntPositive]>:$num_heads, F32Attr:$scale,
    DefaultValuedAttr<Spk_AssociationAttr, "::mlir::spk::Association::Auto">:$association,
    DefaultValuedAttr<Spk_AssociationAttr, "::mlir::spk::Association::QKFirst">:$source_order,
    DefaultValuedAttr<Spk_ScaleAfterAttr, "::mlir::spk::ScaleAfter::Second">:$scale_after,
    DefaultValuedAttr<Spk_TokenLayoutAttr, "::mlir::spk::TokenLayout::TokenFirst">:$token_layout,
    OptionalAttr<Spk_SumAttr>:$sum);
  let results = (outs Spk_Floats:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $value attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// N, the number of tokens.
    int64_t getNumTokens();
    /// C, the channels of all heads.
    int64_t getNumChannels();
    /// d, the channels of one head.
    int64_t getHeadWidth() { return getNumChannels() / getNumHeads(); }
    /// The order that executes: the association, or the source order while it
    /// is `auto`.
    Association getExecutedOrder();
    /// Whether both orders give the same bits.
    bool isReassociable();
    /// Multiply-accumulates of one order, all steps, heads and the batch.
    int64_t getCost(Association order);
  }];
}

def Spk_AttentionMapOp : Spk_Op<"attention_map", [Pure, Spk_TimeWise]> {
  let summary = "scaled attention map of spiking self-attention";
  let description = [{
    `scale * Q Kᵀ` per head, `[T, B, heads, N, N]`: what an attention tap
    returns, whatever order the core multiplies in.

    ```mlir
    %a = spk.attention_map %q, %k {num_heads = 8 : i64, scale = 1.250000e-01 : f32}
       : (tensor<4x1x64x384xi1>, tensor<4x1x64x384xi1>) -> tensor<4x1x8x64x64xf32>
    ```
  }];
  let arguments = (ins Spk_Spikes:$query, Spk_Spikes:$key,
    ConfinedAttr<I64Attr, [IntPositive]>:$num_heads, F32Attr:$scale,
    DefaultValuedAttr<Spk_TokenLayoutAttr, "::mlir::spk::TokenLayout::TokenFirst">:$token_layout);
  let results = (outs Spk_Floats:$result);
  let assemblyFormat = "$query `,` $key attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Spk_MatmulOp : Spk_Op<"matmul", [Pure, Spk_TimeWise]> {
  let summary = "matrix product per head";
  let description = [{
    Attention cores that `spk.ssa` does not cover are made of products whose
    operands are floats, spikes or small integers. At every time step, for
    rows `[T, B, N, H * K]` and columns `[T, B, K, H * J]`, head h owning
    channels `[h * K, (h + 1) * K)` and `[h * J, (h + 1) * J)`:

        y[t,b,n,h*J+j] = sum_k rows[t,b,n,h*K+k] * columns[t,b,k,h*J+j]

    An attention map is a product with K the head width and J the tokens; its
    product with the values has K the tokens and J the head width. `sum` is
    decided by the operands (and set by `spk-choose-sum`): `fma` if both are
    floats, else `sequential`, where a term is left out if the operand that is
    no float, `rows` if neither is, is zero in it.

    ```mlir
    %map = spk.matmul %q, %kt {num_heads = 8 : i64}
       : (tensor<4x1x64x384xf32>, tensor<4x1x48x512xf32>) -> tensor<4x1x64x512xf32>
    %y = spk.matmul %map, %v {num_heads = 8 : i64, sum = #spk.sum<sequential>}
       : (tensor<4x1x64x512xf32>, tensor<4x1x64x384xi1>) -> tensor<4x1x64x384xf32>
    ```

    `linalg.batch_matmul` does not fix the order of its sum, and cannot read
    heads that share packed words.
  }];
  let arguments = (ins Spk_Values:$rows, Spk_Values:$columns,
    ConfinedAttr<I64Attr, [IntPositive]>:$num_heads,
    OptionalAttr<Spk_SumAttr>:$sum);
  let results = (outs Spk_Floats:$result);
  let assemblyFormat = "$rows `,` $columns attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// K, the terms of one sum.
    int64_t getNumTerms();
    /// J, the channels of one head of the result.
    int64_t getHeadWidth();
    /// The order that the operands decide.
    SumKind getSumKind();
    /// Dense multiply-accumulates of all steps and the batch.
    int64_t getMultiplyAccumulates();
  }];
}

def Spk_SoftmaxOp : Spk_Op<"softmax", [Pure, Spk_TimeWise,
                                        AllTypesMatch<["input", "result"]>]> {
  let summary = "softmax of attention maps";
  let description = [{
    Of maps `[T, B, N, H * M]`, head h owning channels `[h * M, (h + 1) * M)`,
    over the keys m of every query n, or over the queries n of every key m:

        y = exp(x - max) / sum(exp(x - max))

    Every operation rounds once to f32; the sum goes in ascending order from
    +0. exp is one expansion for all targets:

        n = rn(x * log2(e)) to the nearest integer, of two the even one
        r = (x - n * 0.693359375) - n * -2.12194440e-4
        p = ((((c5 * r + c4) * r + c3) * r + c2) * r + c1) * r + c0
        exp(x) = (((p * r) * r + r) + 1) * 2^n

    with Cephes' coefficients c5 = 1.9875691500e-4, c4 = 1.3981999507e-3, c3 =
    8.3334519073e-3, c2 = 4.1665795894e-2, c1 = 1.6666665459e-1, c0 =
    5.0000001201e-1, and 0 where x < -87.3 or x is NaN. It is within 2 ulp of
    the exact value.

    ```mlir
    %a = spk.softmax %map {num_heads = 8 : i64} : tensor<4x1x64x512xf32>
    %b = spk.softmax %map {num_heads = 8 : i64, over = #spk.softmax_axis<queries>} : tensor<4x1x64x512xf32>
    ```

    `linalg.softmax` fixes neither exp nor the order of its sum.
  }];
  let arguments = (ins Spk_Floats:$input,
    ConfinedAttr<I64Attr, [IntPositive]>:$num_heads,
    DefaultValuedAttr<Spk_SoftmaxAxisAttr, "::mlir::spk::SoftmaxAxis::Keys">:$over);
  let results = (outs Spk_Floats:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Spk_CountOp : Spk_Op<"count", [Pure, Spk_TimeWise]> {
  let summary = "number of spikes along axes";
  let description = [{
    How many spikes fire along `axes`, at every time step and for every image.
    Reduced axes stay with size 1. The result is an integer below 2^24, so that
    it is exact in f32 and any order of counting gives the same bits. With
    `groups` the axis, then one alone, is cut into as many runs of neighbours,
    and element g of the result counts run g.

    The core of spike-driven self-attention (SDSA) on spikes `[T, B, N, C]` is
    `arith.andi` of keys and values, this over the tokens, a neuron, and
    `spk.gate` of the queries:

    ```mlir
    %n = spk.count %kv {axes = array<i64: 2>} : tensor<4x1x196x512xi1> -> tensor<4x1x1x512xf32>
    ```

    That of token attention (QKFormer) counts the query spikes of each head and
    lets keys through where the neuron behind it fires:

    ```mlir
    %a = spk.count %q {axes = array<i64: 3>, groups = 8 : i64} : tensor<4x1x196x512xi1> -> tensor<4x1x196x8xf32>
    ```

    `linalg.reduce` cannot tell that operands are spikes and that the order is
    free; `spk.mean` divides.
  }];
  let arguments = (ins Spk_Spikes:$input, DenseI64ArrayAttr:$axes,
    DefaultValuedAttr<ConfinedAttr<I64Attr, [IntPositive]>, "1">:$groups);
  let results = (outs Spk_Floats:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Spk_GateOp : Spk_Op<"gate", [Pure, Spk_TimeWise]> {
  let summary = "spikes where a mask fires";
  let description = [{
    `input AND mask`. Where an axis of the mask is shorter, it divides the
    input's, and each element of the mask stands for a run of neighbours: an
    axis of size 1 is the same everywhere. Tokens, channels or the channels of a
    head pass or do not pass as a whole.

    ```mlir
    %y = spk.gate %q, %m : (tensor<4x1x196x512xi1>, tensor<4x1x1x512xi1>) -> tensor<4x1x196x512xi1>
    %z = spk.gate %k, %a : (tensor<4x1x196x512xi1>, tensor<4x1x196x8xi1>) -> tensor<4x1x196x512xi1>
    ```

    `arith.andi` does not broadcast.
  }];
  let arguments = (ins Spk_Spikes:$input, Spk_Spikes:$mask);
  let results = (outs Spk_Spikes:$result);
  let assemblyFormat = "$input `,` $mask attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Fused layers and packed storage
//===----------------------------------------------------------------------===//

def Spk_FusedOp : Spk_Op<"fused", [Pure, IsolatedFromAbove,
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "layers that run as one kernel";
  let description = [{
    A synapse or attention core with the batch norm, neuron, pool and residual
    behind it: the region is the computation, one kernel is generated for it,
    and no value inside reaches memory unless it is yielded. Computes exactly
    what its region computes. `strategy` names how the kernel realises the sum
    of its synapse and `reason` says why it was chosen.

    ```mlir
    %y = spk.fused(%x, %w, %s, %b) : (tensor<4x1x64x48xi1>, tensor<48x48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<4x1x64x48xi1> {
    ^bb0(%x0: tensor<4x1x64x48xi1>, %w0: tensor<48x48xf32>, %s0: tensor<48xf32>, %b0: tensor<48xf32>):
      %0 = spk.linear %x0, %w0 {sum = #spk.sum<sequential>} : (tensor<4x1x64x48xi1>, tensor<48x48xf32>) -> tensor<4x1x64x48xf32>
      %1 = spk.scale_shift %0, %s0, %b0 {layout = #spk.layout<channels_last>} : (tensor<4x1x64x48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<4x1x64x48xf32>
      %2 = spk.lif %1 {v_reset = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1x64x48xf32> -> tensor<4x1x64x48xi1>
      spk.yield %2 : tensor<4x1x64x48xi1>
    }
    ```
  }];
  let arguments = (ins Variadic<Spk_Anything>:$inputs,
    OptionalAttr<StrAttr>:$strategy, OptionalAttr<StrAttr>:$reason);
  let results = (outs Variadic<Spk_Anything>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $inputs `)` attr-dict `:` functional-type($inputs, $results) $body
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The synapse of the layer, or null.
    SynapseOpInterface getSynapse();
    /// The neuron of the layer, or null.
    NeuronOpInterface getNeuron();
    YieldOp getYield();
  }];
}

def Spk_YieldOp : Spk_Op<"yield", [Pure, Terminator, HasParent<"FusedOp">]> {
  let summary = "results of a fused layer";
  let description = [{ Terminator of `spk.fused`. }];
  let arguments = (ins Variadic<Spk_Anything>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ }]>];
}

def Spk_PackOp : Spk_Op<"pack", [Pure]> {
  let summary = "packs spikes or small integers into words";
  let description = [{
    Changes the storage, not the value.

    ```mlir
    %y = spk.pack %x : tensor<4x1x64x48xi1> -> tensor<4x1x64x48xi1, #spk.packed<axis = 3>>
    ```
  }];
  let arguments = (ins Spk_Counts:$input);
  let results = (outs Spk_Counts:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Spk_UnpackOp : Spk_Op<"unpack", [Pure]> {
  let summary = "one element per spike";
  let description = [{
    The inverse of `spk.pack`; spikes become one byte each where the result is
    `i8`.

    ```mlir
    %y = spk.unpack %x : tensor<4x1x64x48xi1, #spk.packed<axis = 3>> -> tensor<4x1x64x48xi8>
    ```
  }];
  let arguments = (ins Spk_Counts:$input);
  let results = (outs Spk_Counts:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Spk_PackWeightsOp : Spk_Op<"pack_weights", [Pure]> {
  let summary = "weights in the order in which kernels read them";
  let description = [{
    `[O, C / groups, KH, KW]` or `[O, C]` to `[ceil(O / block), K, block]` with
    k = (kh * KW + kw) * C + c: one row of `block` output channels per input,
    zero where o is past the end or c in another group. Evaluated at compile
    time.

    With groups a block needs not all inputs. `first_inputs` lists the first one
    for every block: k = (kh * KW + kw) * I + c - first with I = K / (KH * KW)
    inputs from there on. With `own_inputs` the row k = (kh * KW + kw) *
    (C / groups) + i holds for every output channel the weight of input i of its
    own group.

    ```mlir
    %p = spk.pack_weights %w : tensor<48x3x3x3xf32> -> tensor<1x27x64xf32>
    %q = spk.pack_weights %g {first_inputs = array<i64: 0, 64>, groups = 2 : i64} : tensor<128x64x3x3xf32> -> tensor<2x576x64xf32>
    %r = spk.pack_weights %d {groups = 128 : i64, own_inputs} : tensor<128x1x3x3xf32> -> tensor<2x9x64xf32>
    ```
  }];
  let arguments = (ins Spk_Floats:$weight, DefaultValuedAttr<I64Attr, "1">:$groups,
                       OptionalAttr<DenseI64ArrayAttr>:$first_inputs,
                       UnitAttr:$own_inputs);
  let results = (outs Spk_Floats:$result);
  let assemblyFormat = "$weight attr-dict `:` type($weight) `->` type($result)";
  let hasVerifier = 1;
}

def Spk_PadChannelsOp : Spk_Op<"pad_channels", [Pure]> {
  let summary = "per-channel constants padded to whole blocks";
  let description = [{
    Zeros behind the last channel. Evaluated at compile time.

    ```mlir
    %p = spk.pad_channels %s : tensor<48xf32> -> tensor<64xf32>
    ```
  }];
  let arguments = (ins Spk_Floats:$input);
  let results = (outs Spk_Floats:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Spk_DispatchOp : Spk_Op<"dispatch", [AttrSizedOperandSegments,
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "runs a kernel on tensors";
  let description = [{
    Calls a kernel, a function on memrefs, with `inputs` and `outputs` in that
    order. Exists between kernel generation, where every fused layer becomes
    one, and bufferization, where it becomes a `func.call`: a call on tensors
    would have to know which arguments the callee writes.

    ```mlir
    %y = spk.dispatch @kernel ins(%x : tensor<4x1x64x1xi64>) outs(%e : tensor<4x1x64x1xi64>) -> tensor<4x1x64x1xi64>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyType>:$inputs,
                       Variadic<Spk_Anything>:$outputs);
  let results = (outs Variadic<Spk_Anything>:$results);
  let assemblyFormat = [{
    $kernel `ins` `(` ($inputs^ `:` type($inputs))? `)`
    `outs` `(` $outputs `:` type($outputs) `)` attr-dict `->` type($results)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutputsMutable(); }
  }];
}

#endif // SPK_DIALECT_SPK_IR_SPKOPS_TD
