//===- TimeSchedule.cpp - what a model computes when ----------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TimeSchedule.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::spk;

SmallVector<Value> spk::getInputs(Operation *op) {
  SmallVector<Value> inputs(op->getOperands());
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  llvm::append_range(inputs, captured);
  return inputs;
}

/// The number that every element of a state operand has; none is 0.
static std::optional<float> getSplat(Value value) {
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  auto splat = constant ? dyn_cast<SplatElementsAttr>(constant.getValue())
                        : SplatElementsAttr();
  if (!splat || !splat.getElementType().isF32())
    return std::nullopt;
  return splat.getSplatValue<float>();
}

MeanOp spk::asTimeMean(Operation *op) {
  auto mean = dyn_cast<MeanOp>(op);
  return mean && mean.getAxes().front() == 0 ? mean : MeanOp();
}

LogicalResult TimeSchedule::refuse(Operation *op, StringRef why) {
  refusal = (getLayerName(op->getLoc()) + ": " + op->getName().getStringRef() +
             " " + why)
                .str();
  return failure();
}

LogicalResult TimeSchedule::noteSteps(Operation *op, Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() < 2)
    return refuse(op, "has a sequence without time and batch axes");
  if (steps != 0 && steps != type.getDimSize(0))
    return refuse(op, "has another number of time steps");
  steps = type.getDimSize(0);
  return success();
}

LogicalResult TimeSchedule::build(func::FuncOp main) {
  for (BlockArgument argument : main.getArguments()) {
    unsigned i = argument.getArgNumber();
    When when = !main.getArgAttr(i, kNameAttr)    ? When::Weight
                : main.getArgAttr(i, kStaticAttr) ? When::Static
                                                  : When::Step;
    if (when == When::Step && failed(noteSteps(main, argument)))
      return failure();
    values[argument] = when;
  }
  for (Operation &op : main.front().without_terminator())
    if (failed(classify(&op)))
      return failure();
  steps = std::max<int64_t>(steps, 1);
  for (unsigned i = 0, e = main.getNumResults(); i < e; ++i)
    if (failed(checkResult(main, i)))
      return failure();
  // Hoisted: static values that another time needs or that are results. Program
  // order, the same on every run.
  DenseSet<Value> crossing;
  for (Operation &op : main.front())
    if (get(&op) != When::Weight && get(&op) != When::Static)
      for (Value input : getInputs(&op))
        crossing.insert(input);
  for (Value result : main.front().getTerminator()->getOperands())
    crossing.insert(result);
  auto hoist = [&](Value value) {
    if (crossing.contains(value) && get(value) == When::Static)
      hoisted.insert(value);
  };
  llvm::for_each(main.getArguments(), hoist);
  for (Operation &op : main.front())
    llvm::for_each(op.getResults(), hoist);
  return success();
}

bool spk::isStepResult(func::FuncOp main, unsigned i) {
  return !main.getResultAttr(i, kStaticAttr);
}

LogicalResult TimeSchedule::checkResult(func::FuncOp main, unsigned i) {
  Value value = main.front().getTerminator()->getOperand(i);
  When when = get(value);
  // A model of one step may know everything before it.
  auto type = dyn_cast<RankedTensorType>(value.getType());
  bool isOneStep =
      steps == 1 && type && type.getRank() > 0 && type.getDimSize(0) == 1;
  bool known = when == When::Step || (when == When::Static && isOneStep);
  if (isStepResult(main, i) ? known : when != When::Step)
    return success();
  auto name = main.getResultAttrOfType<StringAttr>(i, kNameAttr);
  refusal = ("output " + (name ? name.str() : std::to_string(i)) +
             (when == When::Step ? ": depends on single steps but has no time "
                                   "axis"
                                 : ": its time axis is not that of the steps"));
  return failure();
}

LogicalResult TimeSchedule::classify(Operation *op) {
  bool anyStatic = false, anyStep = false, anyAfter = false;
  for (Value input : getInputs(op)) {
    anyStatic |= get(input) == When::Static;
    anyStep |= get(input) == When::Step;
    anyAfter |= get(input) == When::After;
  }
  bool repeats = isa<RepeatOp>(op);
  if (anyStep && (anyAfter || repeats))
    return refuse(op);
  if (anyAfter && repeats)
    return refuse(op);
  When when = anyStep || repeats ? When::Step
              : anyAfter         ? When::After
              : anyStatic        ? When::Static
                                 : When::Weight;
  ops[op] = when;
  for (Value result : op->getResults())
    values[result] = when;
  if (when != When::Step)
    return success();
  if (repeats)
    return noteSteps(op, op->getResult(0));

  if (MeanOp mean = asTimeMean(op)) {
    values[mean.getResult()] = When::After;
    states.push_back({op, mean.getResult().getType(), 0.0f});
  } else if (auto neuron = dyn_cast<NeuronOpInterface>(op)) {
    for (Value state : neuron.getStatesOut())
      values[state] = When::After;
    SmallVector<float> initial = neuron.getRestingStates();
    for (auto [i, state] : llvm::enumerate(neuron.getStates())) {
      std::optional<float> splat = getSplat(state);
      if (!splat)
        return refuse(op, "starts from a computed state");
      initial[i] = *splat;
    }
    auto current = cast<RankedTensorType>(neuron.getCurrent().getType());
    SmallVector<int64_t> shape(current.getShape());
    shape[0] = 1;
    for (auto [i, number] : llvm::enumerate(initial))
      states.push_back({op, current.clone(shape), number, unsigned(i)});
  } else if (isa<SPSOp>(op)) {
    return refuse(op, "holds a neuron and must be expanded");
  }
  return success();
}

SmallVector<Operation *> TimeSchedule::getOps(func::FuncOp main, When when,
                                              ArrayRef<Value> roots) const {
  DenseSet<Value> wanted(roots.begin(), roots.end());
  SmallVector<Operation *> needed;
  for (Operation &op : llvm::reverse(main.front().without_terminator())) {
    When own = get(&op);
    if (own != when && own != When::Weight)
      continue;
    if (!(own == When::Step) && llvm::none_of(op.getResults(), [&](Value v) {
          return wanted.contains(v);
        }))
      continue;
    needed.push_back(&op);
    // A step starts from the state that it is given.
    auto neuron = dyn_cast<NeuronOpInterface>(op);
    if (neuron && own == When::Step)
      wanted.insert(neuron.getCurrent());
    else
      wanted.insert_range(getInputs(&op));
  }
  std::reverse(needed.begin(), needed.end());
  return needed;
}
