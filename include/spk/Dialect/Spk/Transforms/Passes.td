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
    * `attention` of an attention core: `spk.attention_map` of its query and key.

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
    * small integers: the same, with `planes`.

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

def SetBatch : Pass<"spk-set-batch", "mlir::ModuleOp"> {
  let summary = "another batch size";
  let description = [{
    Gives axis 1 of every named argument of `@main`, and of everything computed
    from them, another size. What is combined with them and depends on no input
    (constants of one number, empty tensors, broadcasts, values made for a batch
    of one) is made for the new size. An error names the layer where the batch
    is no axis of its own: where it is merged, cut, reduced or averaged.
  }];
  let options = [
    Option<"batch", "batch", "int64_t", "0", "batch size (0: as it is)">
  ];
  let statistics = [
    Statistic<"numRetyped", "retyped", "values of another batch size">
  ];
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

//===----------------------------------------------------------------------===//
// fused -> packed
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// packed -> loops
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// loops -> llvm
//===----------------------------------------------------------------------===//

#endif // SPK_DIALECT_SPK_TRANSFORMS_PASSES_TD
