//===- Passes.td - spk passes ------------------------------*- tablegen -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_TRANSFORMS_PASSES_TD
#define SPK_DIALECT_SPK_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// input -> model: what is allowed to change rounding happens here
//===----------------------------------------------------------------------===//

def AddTaps : Pass<"spk-add-taps", "mlir::ModuleOp"> {
  let summary = "make intermediate values outputs";
  let description = [{
    Every tap is `GLOB[:kind]`; the glob (`*`, `?`) is matched against the
    layer's module path, and the value of every matching layer becomes a result
    of `@main` named `<module path>:<kind>`:

    * `spikes` (default), `current`, `membrane` of a neuron: what it fires, what
      charges it, its charged membrane before firing, each `[T, B, ...]`;
    * `attention` of an attention core: `spk.attention_map` of its query and key,
      or of a core of `spk.matmul`s the map that weighs the values, as it is
      behind softmax or neuron, `[T, B, heads, N, M]`.

    New results follow the old ones in program order; a name that is taken gets
    `.1`, `.2`. A tap that matches nothing is an error that lists the nearest
    names. Runs on `input`, before any pass renames or transposes, but after
    `spk-expand-sps`: the neuron of an `spk.sps` is no layer of its own before.
  }];
  let options = [
    ListOption<"taps", "taps", "std::string",
               "GLOB[:spikes|:current|:membrane|:attention] of layers whose "
               "values become outputs">
  ];
  let statistics = [Statistic<"numTaps", "taps", "results added">];
}

def ANNToSNN : Pass<"spk-ann-to-snn", "mlir::ModuleOp"> {
  let summary = "make an ANN with quantised activations an SNN";
  let description = [{
    Makes `@main`, one forward pass of an ANN (every activation has one time
    step), run `T` steps on its input and then `extra-t` steps on zeros:

    * `spk.qcfs` becomes x / up, a `spk.signed_if` whose count stays in [0, T],
      with threshold 1 and a membrane that starts at 1/2, times up;
    * `spk.max_pool` becomes z_t = maxpool(x_1 + ... + x_t) -
      maxpool(x_1 + ... + x_{t-1}): a running sum, the pool, and the difference to
      the step before, each a neuron. A running maximum would be wrong, as
      negative spikes take back what was summed;
    * what is linear stays, at every step: synapses and batch norms with their
      biases, sums, means over tokens. So do softmax and the products of attention;
    * a result is the sum over all steps, divided by T. A neuron named after the
      result holds the sum: the tap `NAME:membrane` gives it step by step.

    With `extra-t` the input passes a neuron named after it that lets the first T
    steps through.

        %1 = spk.qcfs %0 {levels = 4 : i64, up = 2.0 : f32}
           : tensor<1x1x64x48xf32> -> tensor<1x1x64x48xf32>
     => %x = arith.divf %0, %c2 : tensor<8x1x64x48xf32>
        %s = spk.signed_if %x initial(%half, %zero : ...) {max_count = 8 : i64, v_threshold = 1.0 : f32}
           : tensor<8x1x64x48xf32> -> tensor<8x1x64x48xf32>
        %1 = arith.mulf %s, %c2 : tensor<8x1x64x48xf32>

    An error names the layer that cannot be converted: a spiking neuron, another
    activation, a product of activations elementwise, more time steps than one.
    Runs on `input`, before any other pass.
  }];
  let options = [
    Option<"steps", "T", "int64_t", "0",
           "time steps with the input, and bound of the spikes of a neuron">,
    Option<"extraSteps", "extra-t", "int64_t", "0",
           "further time steps without input">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numNeurons", "neurons", "activations that became neurons">,
    Statistic<"numPools", "pools", "max-pools that became differences">
  ];
}

def ApplyDensities : Pass<"spk-apply-densities", "mlir::ModuleOp"> {
  let summary = "give synapses the densities that were measured";
  let description = [{
    Sets `spk.density` and `spk.plane_densities` of the synapses of `@main` that
    read spikes or integers, from a file such as

        {"densities": [
          {"layer": "block.0.q_conv", "density": 0.125},
          {"layer": "block.1.q_conv", "density": 0.25, "planes": [0.1875, 0.125]}
        ]}

    where the k-th entry of a module path belongs to the k-th such synapse of
    that path. Synapses without an entry stay as they are; an entry without a
    synapse, another number of planes than the integers have, or a number that
    is no share is an error. `spk-compile --samples` writes such a file
    (`--save-temps` keeps it).
  }];
  let options = [
    Option<"file", "file", "std::string", "\"\"",
           "JSON file of densities; nothing is done without">
  ];
  let statistics = [
    Statistic<"numMeasured", "measured", "synapses with measured densities">
  ];
}

def ChannelsLast : Pass<"spk-channels-last"> {
  let summary = "bring every layer to channels innermost";
  let description = [{
    Gives every op with a channel layout `channels_last` and every attention op
    `token_first`, putting `linalg.transpose`s around it, then moves transposes
    towards the results until they meet their inverses: through neurons and
    their states, joins, gates, repetitions, counts, means (where the order of
    the sum stays), elementwise arithmetic, slices, concatenations and reshapes. A
    reshape that splits channels into heads goes behind a neuron too. Weights are
    not transposed. A mean over the innermost axis alone reads the third one
    innermost. What is left stands at the function's arguments and, for results
    that are channels first, before the return; a transpose that only moves axes
    of size 1 becomes a reshape.

        %0 = spk.conv %x, %w : (tensor<4x1x3x8x8xi1>, ...) -> tensor<4x1x16x8x8xf32>
        %1 = spk.lif %0 : tensor<4x1x16x8x8xf32> -> tensor<4x1x16x8x8xi1>
     => %t = linalg.transpose ins(%x) permutation = [0, 1, 3, 4, 2]
        %0 = spk.conv %t, %w {layout = #spk.layout<channels_last>}
           : (tensor<4x1x8x8x3xi1>, ...) -> tensor<4x1x8x8x16xf32>
        %1 = spk.lif %0 : tensor<4x1x8x8x16xf32> -> tensor<4x1x8x8x16xi1>
        %u = linalg.transpose ins(%1) permutation = [0, 1, 4, 2, 3]

    Requires that `spk-expand-sps` ran: a patch-splitting stage has no layout.
    Computes the same bits.
  }];
  let statistics = [
    Statistic<"numLayers", "layers", "ops brought to channels last">,
    Statistic<"numTransposes", "transposes", "transposes left">
  ];
}

def ChooseAssociation : Pass<"spk-choose-association"> {
  let summary = "choose the order of the attention products";
  let description = [{
    Sets `association` of every `spk.ssa` to the order that costs less. Per head
    of N tokens and width d, in word operations, with pad(x) = 64 * ceil(x / 64)
    and bits = 8, 16 or 32, the narrowest integer that holds N:

        qk_first = N * pad(N) * pad(d) / 64     + N * N * d / 2
        kv_first = N * d * pad(d) / (64 / bits) + N * d * d / 2

    First products work on packed spikes: AND and popcount of whole words, or
    masked sums of counts that share a word. Second products add 32-bit
    integers, two to a word, and weigh most. Equal costs keep the source order.

    Another order than the source order is chosen only where `isReassociable`
    proves that both give the same bits; elsewhere the source order stays, with
    a warning if `force` asked for the other. `allow-inexact` chooses all the
    same, warns and marks the op `spk.inexact`. An order that the model sets
    itself stays unless forced.

    Where the proof holds, `sum` becomes exact and `scale_after` second, which
    changes no bit; elsewhere `sum` becomes sequential. Afterwards every
    `spk.ssa` has an association and a sum, and `spk.why_association` says why.
  }];
  let options = [
    Option<"force", "force", "std::string", "\"auto\"",
           "order to use where it is exact: auto, qk_first or kv_first">,
    Option<"allowInexact", "allow-inexact", "bool", "false",
           "reassociate even where rounding may differ">,
    Option<"remarks", "remarks", "bool", "false",
           "report every decision as a remark">
  ];
  let statistics = [
    Statistic<"numQKFirst", "qk-first", "cores that multiply Q by K first">,
    Statistic<"numKVFirst", "kv-first", "cores that multiply K by V first">,
    Statistic<"numUnproved", "unproved",
              "cores kept in the source order for want of a proof">,
    Statistic<"numInexact", "inexact", "cores reassociated without a proof">
  ];
}

def ChooseSum : Pass<"spk-choose-sum"> {
  let summary = "fix the order of every synaptic sum";
  let description = [{
    Gives every synapse without `sum` one, from shapes, measured densities and
    options only, so that the bits of the model do not depend on the target:

    * f32 input: `fma`;
    * spikes: `sequential` below a density of 25 %, from there on
      `grouped<group>`; the density is the op's `spk.density` (f64, share of
      inputs that are not zero) where it was measured, else 15 %;
    * small integers: the same with `planes`, plane by plane, by their
      `spk.plane_densities`; planes assumed where nothing was measured halve in
      density. Where only the low ones are worth it, `grouped_planes` says how
      many;
    * an `spk.matmul`: what its operands decide.

    `spk.why_sum` on the op says why. A sum that is there already stays.
  }];
  let options = [
    Option<"sum", "sum", "std::string", "\"auto\"",
           "auto, sequential or grouped">,
    Option<"group", "group", "int64_t", "5",
           "consecutive channels of a grouped sum">
  ];
  let statistics = [
    Statistic<"numFMA", "fma", "synapses on f32 values">,
    Statistic<"numSequential", "sequential", "synapses summed one by one">,
    Statistic<"numGrouped", "grouped", "synapses summed by groups">,
    Statistic<"numPlanes", "planes", "synapses summed by bit plane">
  ];
}

def DeriveStep : Pass<"spk-derive-step", "mlir::ModuleOp"> {
  let summary = "derive one streamed time step from the whole sequence";
  let description = [{
    Adds three functions to the module; T calls of `@step` and one of `@finish`
    give the bits of `@main`, which stays as it is:

        @prologue(static inputs) -> hoisted
        @step(inputs of one step, hoisted, states) -> outputs of one step, states
        @finish(hoisted, states) -> outputs that do not depend on the step

    A state is the membrane of a neuron, or the sum of a `spk.mean` over time:
    `@step` adds to it in f32, `@finish` divides once and runs what follows.
    `spk.repeat` disappears. Arguments and results carry `spk.role` = "input",
    "hoisted", "state" or "output" and a `spk.name` that is unique within their
    role; state arguments carry `spk.initial` (f32), what all elements are
    before the first step. Arguments of `@main` without `spk.name` (weights in
    tests) stay, behind all others. The module gets `spk.time_steps` = T.

    Runs at `model`: every choice that changes bits has been made, `spk.sps` is
    expanded. Where an op looks across time (anything but a neuron, a mean over
    time and what does the same at every step), nothing is added and the
    module's `spk.step_refused` names layer and op.
  }];
  let statistics = [
    Statistic<"numStates", "states", "states of a step">,
    Statistic<"numHoisted", "hoisted", "values computed before the first step">
  ];
}

def ExpandIntegerSpikes
    : InterfacePass<"spk-expand-integer-spikes", "mlir::FunctionOpInterface"> {
  let summary = "run integer spikes as binary sub-steps";
  let description = [{
    An integer neuron that fires 0 to D becomes D binary sub-steps for every
    synapse that reads it: sub-step j carries what exceeds j, the synapse runs
    on the binary spikes of all sub-steps, and `spk.accumulate` adds their sums.
    A bias is added behind it, once, and so is what follows, such as a batch
    norm. Reshapes, slices, transposes, repetitions and max-pools between neuron
    and synapse stay in front of the sub-steps.

        %s = spk.multi_spike %c {levels = 4 : i64} : tensor<1x1x64x48xf32> -> tensor<1x1x64x48xi8>
        %y = spk.linear %s, %w bias %b : (tensor<1x1x64x48xi8>, ...) -> tensor<1x1x64x96xf32>
     => %u = spk.sub_steps %s {levels = 4 : i64} : tensor<1x1x64x48xi8> -> tensor<4x1x64x48xi1>
        %0 = spk.linear %u, %w : (tensor<4x1x64x48xi1>, ...) -> tensor<4x1x64x96xf32>
        %1 = spk.accumulate %0 {levels = 4 : i64} : tensor<4x1x64x96xf32> -> tensor<1x1x64x96xf32>
        %y = spk.scale_shift %1, %ones, %b

    The sum is the same number in another order: where no addition rounds, the
    same bits. What else reads integers (attention, means, joins, synapses of
    sums of spikes) reads them as before; `spk.why_integers` on the op says so.

    Runs at `input`, once static work was hoisted.
  }];
  let options = [
    Option<"remarks", "remarks", "bool", "false",
           "report every op that goes on reading integers as a remark">
  ];
  let dependentDialects = ["::mlir::spk::SpkDialect",
                           "::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numExpanded", "expanded", "synapses that read binary sub-steps">,
    Statistic<"numKept", "kept", "ops that go on reading integers">
  ];
}

def ExpandSPS : Pass<"spk-expand-sps"> {
  let summary = "write patch-splitting stages as convolution, norm, neuron, pool";
  let description = [{
    Replaces every `spk.sps` by `spk.conv`, `spk.batch_norm`, `spk.lif` and,
    before or after the neuron, `spk.max_pool`.
  }];
  let statistics = [
    Statistic<"numExpanded", "expanded", "stages expanded">
  ];
}

def FoldBatchNorm : Pass<"spk-fold-batch-norm"> {
  let summary = "write batch norms as scale and shift";
  let description = [{
    Replaces every `spk.batch_norm` by `spk.fold_batch_norm` on its parameters,
    which is evaluated at compile time, and `spk.scale_shift`. The bias of the
    synapse before it, if only the batch norm uses the synapse's result (through
    transposes and reshapes that keep the channels), moves into the shift: this
    is what a batch norm means, not a change of rounding.

        %0 = spk.conv %x, %w bias %c
        %1 = spk.batch_norm %0, %gamma, %beta, %mean, %var
     => %0 = spk.conv %x, %w
        %s, %b = spk.fold_batch_norm %gamma, %beta, %mean, %var bias %c
        %1 = spk.scale_shift %0, %s, %b
  }];
  let statistics = [
    Statistic<"numFolded", "folded", "batch norms folded">,
    Statistic<"numBiases", "biases", "biases moved into a shift">
  ];
}

def FlattenPositions
    : InterfacePass<"spk-flatten-positions", "mlir::FunctionOpInterface"> {
  let summary = "one axis for the positions of layers without a window";
  let description = [{
    A convolution with a 1 x 1 window becomes a linear map of `[T, B, H * W, C]`,
    and the `tensor.expand_shape` behind it, like any other that splits positions
    into rows and columns, moves on through batch norms, neurons, joins, gates,
    elementwise arithmetic, counts and means over all positions, until a
    convolution or the return needs rows and columns. Models mix both forms;
    without a reshape between a synapse and its residual join the two are one
    layer, and one long axis of positions runs better than several short ones.

        %0 = spk.conv %x, %w {layout = #spk.layout<channels_last>}
           : (tensor<4x1x14x14x8xi1>, tensor<8x8x1x1xf32>) -> tensor<4x1x14x14x8xf32>
        %1 = arith.addf %0, %r : tensor<4x1x14x14x8xf32>
     => %f = tensor.collapse_shape %x : ... into tensor<4x1x196x8xi1>
        %0 = spk.linear %f, %v : (tensor<4x1x196x8xi1>, tensor<8x8xf32>) -> tensor<4x1x196x8xf32>
        %g = tensor.collapse_shape %r : ... into tensor<4x1x196x8xf32>
        %1 = arith.addf %0, %g : tensor<4x1x196x8xf32>
        %2 = tensor.expand_shape %1 : ... into tensor<4x1x14x14x8xf32>

    Requires channels last. Computes the same bits.
  }];
  let dependentDialects = ["::mlir::spk::SpkDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numLinear", "convolutions", "convolutions that became linear maps">
  ];
}

def HoistStatic : Pass<"spk-hoist-static"> {
  let summary = "compute once what does not depend on time";
  let description = [{
    Moves `spk.repeat` towards the results: an op that does the same at every
    time step, and whose activations all come from a repetition, runs on one
    step and its result is repeated. Goes through layers without state,
    attention, joins, elementwise arithmetic, means over other axes than time,
    and reshapes, transposes and slices that leave time outermost. Neurons and
    means over time stop it. So the first convolution and batch norm of a
    repeated image are computed once.

        %0 = spk.repeat %x : tensor<1x1x3x8x8xf32> -> tensor<4x1x3x8x8xf32>
        %1 = spk.conv %0, %w : (tensor<4x1x3x8x8xf32>, ...) -> tensor<4x1x16x8x8xf32>
     => %0 = spk.conv %x, %w : (tensor<1x1x3x8x8xf32>, ...) -> tensor<1x1x16x8x8xf32>
        %1 = spk.repeat %0 : tensor<1x1x16x8x8xf32> -> tensor<4x1x16x8x8xf32>

    Computes the same bits.
  }];
  let statistics = [
    Statistic<"numHoisted", "hoisted", "ops computed on one step">
  ];
}

def RollTimeSteps : Pass<"spk-roll-time-steps", "mlir::ModuleOp"> {
  let summary = "one scan over time instead of a call for every step";
  let description = [{
    A model that is called once for every time step has T copies of each layer.
    Where a neuron of `@main` is called T times, each time from the states that
    the call before ended with, and everything that the calls read is computed
    alike from slices of a sequence, from other such neurons or from what is the
    same at every step, one copy takes the whole sequence:

        %x0 = tensor.extract_slice %x[0, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<2x2x8xf32> to tensor<1x2x8xf32>
        %s0, %v = spk.if %x0 : tensor<1x2x8xf32> -> tensor<1x2x8xi1> state tensor<1x2x8xf32>
        %x1 = tensor.extract_slice %x[1, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<2x2x8xf32> to tensor<1x2x8xf32>
        %s1 = spk.if %x1 initial(%v : tensor<1x2x8xf32>) : tensor<1x2x8xf32> -> tensor<1x2x8xi1>
        %s = tensor.concat dim(0) %s0, %s1 : (tensor<1x2x8xi1>, tensor<1x2x8xi1>) -> tensor<2x2x8xi1>

    becomes

        %s = spk.if %x : tensor<2x2x8xf32> -> tensor<2x2x8xi1>

    A sum of all steps from the first to the last becomes the state of a neuron
    that adds, or `spk.mean` where it is divided by T, so that the model can be
    run step by step. What reads single steps otherwise reads slices. A function
    of which some part is not alike at every step, or whose results are all steps
    of a value one by one, such as taps of single calls, stays as it is.
  }];
  let statistics = [
    Statistic<"numRolled", "rolled", "calls of neurons that became part of a scan">
  ];
}

def SetBatch : Pass<"spk-set-batch", "mlir::ModuleOp"> {
  let summary = "another batch size";
  let description = [{
    Gives axis 1 of every named argument of `@main`, and of everything computed
    from them, another size. What is combined with them and depends on no input
    (constants of one number, empty tensors, broadcasts, values made for a batch
    of one) is made for the new size. An error names the layer where the batch
    is no axis of its own: where it is merged, cut, reduced or averaged. A module
    whose `spk.fixed_batch` says why keeps its batch size.
  }];
  let options = [
    Option<"batch", "batch", "int64_t", "0", "batch size (0: as it is)">
  ];
  let statistics = [
    Statistic<"numRetyped", "retyped", "values of another batch size">
  ];
}

def SplitChannels : Pass<"spk-split-channels"> {
  let summary = "one layer for each slice of a fused projection";
  let description = [{
    Where a layer computes several projections at once (query, key and value)
    and every use of its result is a slice of its channels, moves the slices up
    through neurons without state operands, scales and shifts, pools and
    repetitions to the weights and per-channel constants of the synapse, where
    they are evaluated at compile time. Slices behind `tensor.expand_shape` of
    the channel axis count where they are ranges of whole channels. Slices that
    overlap, other uses anywhere between, and groups keep the layer whole: work
    would be done twice.

        %0 = spk.linear %x, %w : (tensor<4x1x64x48xi1>, tensor<144x48xf32>) -> tensor<4x1x64x144xf32>
        %1 = spk.lif %0 : tensor<4x1x64x144xf32> -> tensor<4x1x64x144xi1>
        %q = tensor.extract_slice %1[0, 0, 0, 0] [4, 1, 64, 48] [1, 1, 1, 1]
     => %v = tensor.extract_slice %w[0, 0] [48, 48] [1, 1]
        %0 = spk.linear %x, %v : (tensor<4x1x64x48xi1>, tensor<48x48xf32>) -> tensor<4x1x64x48xf32>
        %q = spk.lif %0 : tensor<4x1x64x48xf32> -> tensor<4x1x64x48xi1>

    Requires that `spk-fold-batch-norm` ran. Computes the same bits.
  }];
  let statistics = [
    Statistic<"numSplit", "split", "layers split">
  ];
}

def TapSynapses : Pass<"spk-tap-synapses", "mlir::ModuleOp"> {
  let summary = "make what synapses read outputs";
  let description = [{
    For measuring densities: every spike or integer value that a synapse of
    `@main` reads becomes a result `synapse-input:<n>`, and the synapse says
    which (`spk.input_tap`) and how many bit planes it has (`spk.input_planes`,
    0 for spikes). Runs where `spk-apply-densities` does, so that the synapses
    are the same ones in the same order.
  }];
  let statistics = [Statistic<"numTaps", "taps", "results added">];
}

def VerifyRanges : Pass<"spk-verify-ranges"> {
  let summary = "check that sums of spikes fit their element type";
  let description = [{
    Computes the largest value of every integer stream (`ValueRangeAnalysis`)
    and reports each op whose result type cannot hold it, with the layer, the
    largest value and the type that would do. Changes nothing; afterwards a
    stream may be packed into as many bit planes as its largest value needs.
  }];
}

//===----------------------------------------------------------------------===//
// model -> fused
//===----------------------------------------------------------------------===//

def FuseLayers : InterfacePass<"spk-fuse-layers", "mlir::FunctionOpInterface"> {
  let summary = "one spk.fused op per layer";
  let description = [{
    Wraps every synapse and attention core together with what follows it into
    one `spk.fused`: batch norm, repetition over time, max-pool, neuron, a
    second max-pool on its spikes, the residual join, a gate and elementwise
    arithmetic, as long as each value has no other user. A current that is used
    again, as membrane shortcuts do, goes on to its neuron all the same and is
    yielded beside the spikes. A value that arithmetic reads twice, itself and
    through other arithmetic, as LeakyReLU does, stays in its layer. What is left over becomes a fused op of its own, so
    that afterwards every computing op stands in one.

    Requires channels last. Reshapes, slices and transposes stay outside.

        conv -> scale_shift -> lif -> max_pool   =>   spk.fused { conv, ... }
  }];
  let dependentDialects = ["::mlir::spk::SpkDialect"];
  let statistics = [
    Statistic<"numFused", "layers", "fused ops made">,
    Statistic<"numOps", "ops", "ops inside fused ops">
  ];
}

//===----------------------------------------------------------------------===//
// fused -> packed
//===----------------------------------------------------------------------===//

def PackSpikes : Pass<"spk-pack-spikes", "mlir::ModuleOp"> {
  let summary = "give spike tensors the packed encoding";
  let description = [{
    Gives every spike or integer value between fused ops the encoding
    `#spk.packed`, with as many bit planes as its computed largest value needs.
    Inserts `spk.pack` where a plain tensor enters a fused op and `spk.unpack`
    where something other than a fused op or a reshape of outer axes needs plain
    elements; function results become plain, spikes as `i8`. An argument or
    result with the attribute `spk.words` crosses the boundary as words instead:
    an integer stream has as many planes as `spk.max` of the argument needs.

        %s = spk.fused(...) -> tensor<4x1x64x48xi1>
     => %s = spk.fused(...) -> tensor<4x1x64x48xi1, #spk.packed<axis = 3>>
  }];
  let dependentDialects = ["::mlir::spk::SpkDialect",
                           "::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numPacked", "packed", "values packed">,
    Statistic<"numConversions", "conversions", "pack and unpack ops inserted">
  ];
}

//===----------------------------------------------------------------------===//
// packed -> loops
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// loops -> llvm
//===----------------------------------------------------------------------===//

#endif // SPK_DIALECT_SPK_TRANSFORMS_PASSES_TD
