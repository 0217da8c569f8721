//===- SynapseOps.cpp - convolutions and linear maps
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Verification.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

using namespace mlir;
using namespace mlir::spk;

/// Checks that `sum` suits the element type of the operand it sums over.
static LogicalResult verifySum(Operation *op, Value input,
                               std::optional<SumAttr> sum) {
  if (!sum)
    return success();
  Type element = getElementTypeOrSelf(input);
  bool isFloat = element.isF32();
  if (isFloat != (sum->getKind() == SumKind::FMA))
    return op->emitOpError(
               "sum must be fma exactly where the input is f32, got ")
           << *sum << " for " << element;
  if (sum->getPlanes() && element.isInteger(1))
    return op->emitOpError("spikes have one plane, sum must not have planes");
  if (sum->getKind() == SumKind::Exact)
    return op->emitOpError("sum of f32 weights must not be exact");
  return success();
}

static LogicalResult verifyBias(Operation *op, Value bias, int64_t channels) {
  if (bias && shapeOf(bias) != ArrayRef<int64_t>{channels})
    return op->emitOpError("bias must be one number per output channel, ")
           << bias.getType() << " against " << channels << " channels";
  return success();
}

static int64_t elementsOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getNumElements();
}

//===----------------------------------------------------------------------===//
// ConvOp
//===----------------------------------------------------------------------===//

LogicalResult ConvOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), weight = shapeOf(getWeight()),
                    result = shapeOf(getResult());
  if (input.size() != 5 || result.size() != 5)
    return emitOpError("input and result must have rank 5, got ")
           << input.size() << " and " << result.size();
  if (weight.size() != 4)
    return emitOpError("weight must have rank 4, got ") << weight.size();
  if (getStrides().size() != 2 || getPadding().size() != 2 ||
      llvm::any_of(getStrides(), [](int64_t s) { return s < 1; }) ||
      llvm::any_of(getPadding(), [](int64_t p) { return p < 0; }))
    return emitOpError("strides must be two positive numbers, padding two "
                       "numbers that are not negative");
  if (input[0] != result[0] || input[1] != result[1])
    return emitOpError("time and batch of input and result must be equal, ")
           << getInput().getType() << " against " << getResult().getType();
  int64_t channelAxis = getChannelAxis();
  int64_t inChannels = input[channelAxis], outChannels = result[channelAxis];
  if (getGroups() < 1 || inChannels % getGroups() != 0 ||
      weight[0] % getGroups() != 0)
    return emitOpError("groups must divide input and output channels, ")
           << getGroups() << " against " << inChannels << " and " << weight[0];
  if (weight[1] * static_cast<int64_t>(getGroups()) != inChannels)
    return emitOpError("weight must have input channels / groups = ")
           << inChannels / getGroups() << " channels, got " << weight[1];
  if (weight[0] != outChannels)
    return emitOpError("result must have the weight's output channels, ")
           << outChannels << " != " << weight[0];
  int64_t firstSpatial = getLayout() == Layout::ChannelsFirst ? 3 : 2;
  for (int i : {0, 1}) {
    int64_t expected = getWindowedSize(input[firstSpatial + i], weight[2 + i],
                                       getStrides()[i], getPadding()[i]);
    if (result[firstSpatial + i] != expected)
      return emitOpError("result must have ")
             << expected << (i ? " columns, got " : " rows, got ")
             << result[firstSpatial + i];
  }
  if (failed(verifyBias(*this, getBias(), outChannels)))
    return failure();
  return verifySum(*this, getInput(), getSum());
}

Value ConvOp::getSynapseInput() { return getInput(); }
Value ConvOp::getSynapseWeight() { return getWeight(); }
Value ConvOp::getSynapseBias() { return getBias(); }
void ConvOp::clearSynapseBias() { getBiasMutable().clear(); }
int64_t ConvOp::getOutputChannels() { return shapeOf(getWeight())[0]; }
int64_t ConvOp::getChannelsPerGroup() { return shapeOf(getWeight())[1]; }
std::pair<int64_t, int64_t> ConvOp::getWindow() {
  return {shapeOf(getWeight())[2], shapeOf(getWeight())[3]};
}
std::pair<int64_t, int64_t> ConvOp::getWindowStride() {
  return {getStrides()[0], getStrides()[1]};
}
std::pair<int64_t, int64_t> ConvOp::getWindowPadding() {
  return {getPadding()[0], getPadding()[1]};
}
int64_t ConvOp::getNumGroups() { return getGroups(); }
int64_t ConvOp::getChannelAxis() {
  return getLayout() == Layout::ChannelsFirst ? 2
                                              : shapeOf(getInput()).size() - 1;
}
SumAttr ConvOp::getSummation() { return getSumAttr(); }
void ConvOp::setSummation(SumAttr sum) { setSumAttr(sum); }
int64_t ConvOp::getMultiplyAccumulates() {
  ArrayRef<int64_t> weight = shapeOf(getWeight());
  return elementsOf(getResult()) * weight[1] * weight[2] * weight[3];
}
bool ConvOp::isChannelsLast() { return getLayout() == Layout::ChannelsLast; }
void ConvOp::setChannelsLast() { setLayout(Layout::ChannelsLast); }
SmallVector<OpOperand *> ConvOp::getLayoutOperands() {
  return {&getInputMutable()};
}
int64_t ConvOp::inferMaxValue(ArrayRef<int64_t>, unsigned) { return -1; }

//===----------------------------------------------------------------------===//
// LinearOp
//===----------------------------------------------------------------------===//

LogicalResult LinearOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), weight = shapeOf(getWeight()),
                    result = shapeOf(getResult());
  if (input.size() < 3)
    return emitOpError(
               "input must have time, batch and channel axes, got rank ")
           << input.size();
  if (weight.size() != 2)
    return emitOpError("weight must have rank 2, got ") << weight.size();
  int64_t axis = getChannelAxis();
  if (weight[1] != input[axis])
    return emitOpError("weight must have the input's channels, ")
           << weight[1] << " != " << input[axis];
  SmallVector<int64_t> expected(input);
  expected[axis] = weight[0];
  if (result != ArrayRef<int64_t>(expected))
    return emitOpError("result must have the input's shape with ")
           << weight[0] << " channels, got " << getResult().getType();
  if (failed(verifyBias(*this, getBias(), weight[0])))
    return failure();
  return verifySum(*this, getInput(), getSum());
}

Value LinearOp::getSynapseInput() { return getInput(); }
Value LinearOp::getSynapseWeight() { return getWeight(); }
Value LinearOp::getSynapseBias() { return getBias(); }
void LinearOp::clearSynapseBias() { getBiasMutable().clear(); }
int64_t LinearOp::getOutputChannels() { return shapeOf(getWeight())[0]; }
int64_t LinearOp::getChannelsPerGroup() { return shapeOf(getWeight())[1]; }
std::pair<int64_t, int64_t> LinearOp::getWindow() { return {1, 1}; }
std::pair<int64_t, int64_t> LinearOp::getWindowStride() { return {1, 1}; }
std::pair<int64_t, int64_t> LinearOp::getWindowPadding() { return {0, 0}; }
int64_t LinearOp::getNumGroups() { return 1; }
int64_t LinearOp::getChannelAxis() {
  return getLayout() == Layout::ChannelsFirst ? 2
                                              : shapeOf(getInput()).size() - 1;
}
SumAttr LinearOp::getSummation() { return getSumAttr(); }
void LinearOp::setSummation(SumAttr sum) { setSumAttr(sum); }
int64_t LinearOp::getMultiplyAccumulates() {
  return elementsOf(getResult()) * shapeOf(getWeight())[1];
}
bool LinearOp::isChannelsLast() {
  return getChannelAxis() ==
         static_cast<int64_t>(shapeOf(getInput()).size()) - 1;
}
void LinearOp::setChannelsLast() { setLayout(Layout::ChannelsLast); }
SmallVector<OpOperand *> LinearOp::getLayoutOperands() {
  return {&getInputMutable()};
}
int64_t LinearOp::inferMaxValue(ArrayRef<int64_t>, unsigned) { return -1; }
