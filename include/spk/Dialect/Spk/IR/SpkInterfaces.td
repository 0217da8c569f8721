//===- SpkInterfaces.td - spk interfaces -------------------*- tablegen -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_IR_SPKINTERFACES_TD
#define SPK_DIALECT_SPK_IR_SPKINTERFACES_TD

include "mlir/IR/OpBase.td"

def Spk_NeuronOpInterface : OpInterface<"NeuronOpInterface"> {
  let cppNamespace = "::mlir::spk";
  let description = [{
    A neuron that scans the leading time axis. `step` is the one definition of
    charge, fire and reset: the interpreter runs it on numbers and every code
    generator on vectors, through `NeuronArithmetic`.

    A neuron keeps as many states as it has resting values, each as large as one
    time step: a membrane, a count; a stateless one keeps none. What a neuron
    does not say itself it has from `Spk_NeuronOp`.
  }];
  let methods = [
    InterfaceMethod<"States at the start of a sequence.",
      "::llvm::SmallVector<float>", "getRestingStates">,
    InterfaceMethod<"Largest value of an integer output, 1 for spikes; -1 for floats.",
      "int64_t", "getMaxFired">,
    InterfaceMethod<"One time step: charge, fire, reset.",
      "::mlir::spk::NeuronStep", "step",
      (ins "::mlir::spk::NeuronArithmetic &":$arithmetic,
           "::llvm::ArrayRef<::mlir::spk::NeuronValue>":$states,
           "::mlir::spk::NeuronValue":$x)>,
    InterfaceMethod<"Current that charges the neuron, `[T, B, ...]` f32.",
      "::mlir::Value", "getCurrent", (ins), "",
      [{ return $_op.getInput(); }]>,
    InterfaceMethod<"States before the first step, `[1, B, ...]` each; empty "
                    "where they are the resting ones.",
      "::mlir::ValueRange", "getStates", (ins), "",
      [{ return $_op.getInitialStates(); }]>,
    InterfaceMethod<"Spikes, `[T, B, ...]`.", "::mlir::Value", "getFired",
      (ins), "", [{ return $_op.getSpikes(); }]>,
    InterfaceMethod<"States after the last step, or empty.",
      "::mlir::ValueRange", "getStatesOut", (ins), "",
      [{ return $_op.getFinalStates(); }]>,
    InterfaceMethod<"Charged membrane h before firing at every step, or null.",
      "::mlir::Value", "getCharged", (ins), "",
      [{ return $_op.getMembrane(); }]>,
  ];
}

def Spk_SynapseOpInterface : OpInterface<"SynapseOpInterface"> {
  let cppNamespace = "::mlir::spk";
  let description = [{
    A layer that is linear in its spike operand: convolutions and linear maps.
  }];
  let methods = [
    InterfaceMethod<"Operand summed over.", "::mlir::Value", "getSynapseInput">,
    InterfaceMethod<"Weights, output channel outermost.",
      "::mlir::Value", "getSynapseWeight">,
    InterfaceMethod<"Bias, added after the sum, or null.",
      "::mlir::Value", "getSynapseBias">,
    InterfaceMethod<"Drops the bias operand.", "void", "clearSynapseBias">,
    InterfaceMethod<"Output channels.", "int64_t", "getOutputChannels">,
    InterfaceMethod<"Input channels that one output channel sees.",
      "int64_t", "getChannelsPerGroup">,
    InterfaceMethod<"Window height and width, 1 × 1 for a linear map.",
      "std::pair<int64_t, int64_t>", "getWindow">,
    InterfaceMethod<"Window strides.", "std::pair<int64_t, int64_t>",
      "getWindowStride">,
    InterfaceMethod<"Zero padding at the top/left border.",
      "std::pair<int64_t, int64_t>", "getWindowPadding">,
    InterfaceMethod<"Groups.", "int64_t", "getNumGroups">,
    InterfaceMethod<"Channel axis of input and output.",
      "int64_t", "getChannelAxis">,
    InterfaceMethod<"Order of the sum, or null while not fixed.",
      "::mlir::spk::SumAttr", "getSummation">,
    InterfaceMethod<"Fixes the order of the sum.", "void", "setSummation",
      (ins "::mlir::spk::SumAttr":$sum)>,
    InterfaceMethod<"Dense multiply-accumulates of all steps and the batch.",
      "int64_t", "getMultiplyAccumulates">,
  ];
}

def Spk_ValueRangeOpInterface : OpInterface<"ValueRangeOpInterface"> {
  let cppNamespace = "::mlir::spk";
  let description = [{
    Computes the largest value of each result from the largest values of the
    operands; -1 stands for a value with no known bound (floats).
  }];
  let methods = [
    InterfaceMethod<"Largest value of result `index`.",
      "int64_t", "inferMaxValue",
      (ins "::llvm::ArrayRef<int64_t>":$operandMax, "unsigned":$index)>,
  ];
}

def Spk_ChannelAxisOpInterface : OpInterface<"ChannelAxisOpInterface"> {
  let cppNamespace = "::mlir::spk";
  let description = [{
    An op with a layout attribute that says where its channel axis is, and
    which computes the same on the transposed operands in the other layout.
  }];
  let methods = [
    InterfaceMethod<"Whether the channels are the innermost axis.",
      "bool", "isChannelsLast">,
    InterfaceMethod<"Sets the layout to channels last.",
      "void", "setChannelsLast">,
    InterfaceMethod<"Operands that have the channel axis (not the weights).",
      "::llvm::SmallVector<::mlir::OpOperand *>", "getLayoutOperands">,
  ];
}

def Spk_SpikeEncodingAttrInterface : AttrInterface<"SpikeEncodingAttrInterface"> {
  let cppNamespace = "::mlir::spk";
  let description = [{
    How a tensor of spikes is stored. The attribute and this interface belong
    together: no pass computes a storage shape on its own.
  }];
  let methods = [
    InterfaceMethod<"Tensor of words that stores a tensor of this shape.",
      "::mlir::RankedTensorType", "getStorageType",
      (ins "::mlir::RankedTensorType":$type)>,
    InterfaceMethod<"Bytes that store a tensor of this shape.",
      "int64_t", "getStorageBytes", (ins "::mlir::RankedTensorType":$type)>,
    InterfaceMethod<"Axis whose elements share words.",
      "int64_t", "getPackedAxis">,
    InterfaceMethod<"The encoding once the tensor has `rank` axes, the packed "
                    "one still innermost.",
      "::mlir::Attribute", "withRank", (ins "int64_t":$rank)>,
  ];
}

#endif // SPK_DIALECT_SPK_IR_SPKINTERFACES_TD
