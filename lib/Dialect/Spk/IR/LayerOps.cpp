//===- LayerOps.cpp - stateless layers and joins
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Verification.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

using namespace mlir;
using namespace mlir::spk;

static int64_t channelAxisOf(Layout layout, Value input) {
  return layout == Layout::ChannelsFirst ? 2 : shapeOf(input).size() - 1;
}

/// Checks a per-channel affine layer: the same shape in and out, and one number
/// per channel in each of `parameters`.
static LogicalResult verifyPerChannel(Operation *op, Value input, Value result,
                                      Layout layout, ValueRange parameters) {
  if (shapeOf(input) != shapeOf(result))
    return op->emitOpError("result must have the shape of the input, ")
           << result.getType() << " against " << input.getType();
  if (shapeOf(input).size() < 3)
    return op->emitOpError("input must have time, batch and channel axes, got "
                           "rank ")
           << shapeOf(input).size();
  int64_t channels = shapeOf(input)[channelAxisOf(layout, input)];
  for (Value parameter : parameters)
    if (shapeOf(parameter) != ArrayRef<int64_t>{channels})
      return op->emitOpError("parameters must be one number per channel, ")
             << parameter.getType() << " against " << channels << " channels";
  return success();
}

static LogicalResult verifyEps(Operation *op, const APFloat &eps) {
  if (!eps.isFinite() || eps.isNegative())
    return op->emitOpError("eps must be finite and not negative");
  return success();
}

//===----------------------------------------------------------------------===//
// BatchNormOp, FoldBatchNormOp, ScaleShiftOp
//===----------------------------------------------------------------------===//

LogicalResult BatchNormOp::verify() {
  if (failed(verifyEps(*this, getEps())))
    return failure();
  return verifyPerChannel(*this, getInput(), getResult(), getLayout(),
                          {getGamma(), getBeta(), getMean(), getVariance()});
}
bool BatchNormOp::isChannelsLast() {
  return channelAxisOf(getLayout(), getInput()) ==
         static_cast<int64_t>(shapeOf(getInput()).size()) - 1;
}
void BatchNormOp::setChannelsLast() { setLayout(Layout::ChannelsLast); }
SmallVector<OpOperand *> BatchNormOp::getLayoutOperands() {
  return {&getInputMutable()};
}

LogicalResult FoldBatchNormOp::verify() {
  if (failed(verifyEps(*this, getEps())))
    return failure();
  for (Value other : getOperands())
    if (shapeOf(other) != shapeOf(getGamma()) || shapeOf(other).size() != 1)
      return emitOpError("operands must be vectors of one length, got ")
             << other.getType();
  for (Value result : getResults())
    if (shapeOf(result) != shapeOf(getGamma()))
      return emitOpError("results must have the shape of gamma, got ")
             << result.getType();
  return success();
}

LogicalResult ScaleShiftOp::verify() {
  return verifyPerChannel(*this, getInput(), getResult(), getLayout(),
                          {getScale(), getShift()});
}
bool ScaleShiftOp::isChannelsLast() {
  return channelAxisOf(getLayout(), getInput()) ==
         static_cast<int64_t>(shapeOf(getInput()).size()) - 1;
}
void ScaleShiftOp::setChannelsLast() { setLayout(Layout::ChannelsLast); }
SmallVector<OpOperand *> ScaleShiftOp::getLayoutOperands() {
  return {&getInputMutable()};
}

//===----------------------------------------------------------------------===//
// MaxPoolOp
//===----------------------------------------------------------------------===//

/// Windows along an axis of `size` positions.
static int64_t getNumWindows(MaxPoolOp op, int axis, int64_t size) {
  int64_t extent = op.getWindowExtent(axis), stride = op.getStrides()[axis],
          padding = op.getPadding()[axis];
  int64_t fitting = getWindowedSize(size, extent, stride, padding);
  int64_t begin = fitting * stride - padding; // Of the next window.
  bool reachesBeyond = op.getCeilMode() && begin < size &&
                       begin + extent - stride < size + padding;
  return fitting + reachesBeyond;
}

LogicalResult MaxPoolOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), result = shapeOf(getResult());
  if (input.size() != 5 || result.size() != 5)
    return emitOpError("input and result must have rank 5, got ")
           << input.size() << " and " << result.size();
  if (getElementTypeOrSelf(getInput()) != getElementTypeOrSelf(getResult()))
    return emitOpError("input and result must have one element type, got ")
           << getElementTypeOrSelf(getInput()) << " and "
           << getElementTypeOrSelf(getResult());
  auto positive = [](int64_t size) { return size >= 1; };
  if (getKernel().size() != 2 || getStrides().size() != 2 ||
      getPadding().size() != 2 || getDilation().size() != 2 ||
      !llvm::all_of(getKernel(), positive) ||
      !llvm::all_of(getStrides(), positive) ||
      !llvm::all_of(getDilation(), positive))
    return emitOpError("kernel, strides and dilation must be two positive "
                       "numbers each, padding two numbers");
  for (int i : {0, 1})
    if (getPadding()[i] < 0 || 2 * getPadding()[i] > getWindowExtent(i))
      return emitOpError("padding must be at most half the window, ")
             << getPadding()[i] << " against " << getWindowExtent(i);
  SmallVector<int64_t> expected(input);
  int64_t firstSpatial = getLayout() == Layout::ChannelsFirst ? 3 : 2;
  for (int i : {0, 1})
    expected[firstSpatial + i] =
        getNumWindows(*this, i, input[firstSpatial + i]);
  if (result != ArrayRef<int64_t>(expected))
    return emitOpError("result must have shape [")
           << expected << "], got " << getResult().getType();
  return success();
}
bool MaxPoolOp::isChannelsLast() { return getLayout() == Layout::ChannelsLast; }
void MaxPoolOp::setChannelsLast() { setLayout(Layout::ChannelsLast); }
SmallVector<OpOperand *> MaxPoolOp::getLayoutOperands() {
  return {&getInputMutable()};
}
int64_t MaxPoolOp::inferMaxValue(ArrayRef<int64_t> operandMax, unsigned) {
  return operandMax[0];
}

//===----------------------------------------------------------------------===//
// AddOp
//===----------------------------------------------------------------------===//

LogicalResult AddOp::verify() {
  if (shapeOf(getLhs()) != shapeOf(getRhs()) ||
      shapeOf(getLhs()) != shapeOf(getResult()))
    return emitOpError("operands and result must have one shape, got ")
           << getLhs().getType() << ", " << getRhs().getType() << " and "
           << getResult().getType();
  unsigned width = getElementTypeOrSelf(getResult()).getIntOrFloatBitWidth();
  for (Value operand : getOperands())
    if (getElementTypeOrSelf(operand).getIntOrFloatBitWidth() > width)
      return emitOpError("result must be as wide as the operands, ")
             << getElementTypeOrSelf(getResult()) << " against "
             << getElementTypeOrSelf(operand);
  return success();
}
int64_t AddOp::inferMaxValue(ArrayRef<int64_t> operandMax, unsigned) {
  if (operandMax[0] < 0 || operandMax[1] < 0)
    return -1;
  return operandMax[0] + operandMax[1];
}

//===----------------------------------------------------------------------===//
// RepeatOp, MeanOp
//===----------------------------------------------------------------------===//

LogicalResult RepeatOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), result = shapeOf(getResult());
  if (input.size() < 2 || input[0] != 1)
    return emitOpError("input must have one time step, got ")
           << getInput().getType();
  if (!result.empty() && result[0] < 1)
    return emitOpError("result must have at least one time step, got ")
           << getResult().getType();
  if (input.size() != result.size() ||
      input.drop_front() != result.drop_front() ||
      getElementTypeOrSelf(getInput()) != getElementTypeOrSelf(getResult()))
    return emitOpError("result must be the input with more time steps, got ")
           << getResult().getType();
  return success();
}
OpFoldResult RepeatOp::fold(FoldAdaptor) {
  return getInput().getType() == getResult().getType() ? getInput()
                                                       : OpFoldResult();
}
int64_t RepeatOp::inferMaxValue(ArrayRef<int64_t> operandMax, unsigned) {
  return operandMax[0];
}

LogicalResult MeanOp::verify() {
  SmallVector<int64_t> expected(shapeOf(getInput()));
  int64_t previous = -1;
  for (int64_t axis : getAxes()) {
    if (axis <= previous || axis >= static_cast<int64_t>(expected.size()))
      return emitOpError("axes must be ascending axes of the input, got ")
             << axis;
    if (expected[axis] < 1)
      return emitOpError("reduced axes must not be empty, got ")
             << getInput().getType();
    previous = axis;
    expected[axis] = 1;
  }
  if (getAxes().empty())
    return emitOpError("axes must not be empty");
  if (getAxes().front() == 0 && getAxes().size() > 1)
    return emitOpError("a mean over time must reduce no other axis");
  if (shapeOf(getResult()) != ArrayRef<int64_t>(expected))
    return emitOpError("result must have shape [")
           << expected << "], got " << getResult().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// SPSOp
//===----------------------------------------------------------------------===//

LogicalResult SPSOp::verify() {
  // Whatever passes here expands to ops that verify.
  ArrayRef<int64_t> input = shapeOf(getInput()), weight = shapeOf(getWeight()),
                    result = shapeOf(getResult());
  if (input.size() != 5 || result.size() != 5 || weight.size() != 4)
    return emitOpError("input, weight and result must have ranks 5, 4 and 5, "
                       "got ")
           << input.size() << ", " << weight.size() << " and " << result.size();
  if (getGroups() < 1 || weight[0] % static_cast<int64_t>(getGroups()) != 0)
    return emitOpError("groups must divide the output channels, ")
           << getGroups() << " against " << weight[0];
  if (weight[1] * static_cast<int64_t>(getGroups()) != input[2])
    return emitOpError("weight must have input channels / groups channels, ")
           << weight[1] << " against " << input[2];
  SmallVector<Value> parameters = {getGamma(), getBeta(), getMean(),
                                   getVariance()};
  if (getBias())
    parameters.push_back(getBias());
  for (Value parameter : parameters)
    if (shapeOf(parameter) != ArrayRef<int64_t>{weight[0]})
      return emitOpError("parameters must be one number per channel, ")
             << parameter.getType() << " against " << weight[0] << " channels";
  if (failed(verifyEps(*this, getEps())) ||
      failed(verifyNeuronNumbers(*this, getVThreshold(), getVReset())) ||
      failed(verifyCharge(*this, getCharge(), getTau(), getFactor())))
    return failure();
  for (ArrayRef<int64_t> pair : {getStrides(), getPadding(), getPoolKernel(),
                                 getPoolStrides(), getPoolPadding()})
    if (pair.size() != 2)
      return emitOpError("strides, padding and pool sizes must be two numbers "
                         "each");
  SmallVector<int64_t> expected = {input[0], input[1], weight[0], 0, 0};
  for (int i : {0, 1}) {
    if (getStrides()[i] < 1 || getPoolStrides()[i] < 1 ||
        getPoolKernel()[i] < 1)
      return emitOpError("strides and pool kernel must be positive");
    if (getPadding()[i] < 0 || getPoolPadding()[i] < 0 ||
        2 * getPoolPadding()[i] > getPoolKernel()[i])
      return emitOpError("padding must not be negative, and a pool's at most "
                         "half its kernel");
    int64_t size = getWindowedSize(input[3 + i], weight[2 + i], getStrides()[i],
                                   getPadding()[i]);
    if (getPool() != PoolPlacement::None)
      size = getWindowedSize(size, getPoolKernel()[i], getPoolStrides()[i],
                             getPoolPadding()[i]);
    expected[3 + i] = size;
  }
  if (result != ArrayRef<int64_t>(expected))
    return emitOpError("result must have shape [")
           << expected << "], got " << getResult().getType();
  return success();
}
