//===- DeriveStep.cpp - one time step of a model --------------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RetypeActivations.h"
#include "TimeSchedule.h"
#include "mlir/IR/IRMapping.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::spk {
#define GEN_PASS_DEF_DERIVESTEP
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

ArrayRef<NamedAttribute> attrsOf(DictionaryAttr attrs) {
  return attrs ? attrs.getValue() : ArrayRef<NamedAttribute>();
}

/// A function under construction, and where values of @main are in it.
class Part {
public:
  Part(func::FuncOp main, StringRef name, Operation *predecessor)
      : builder(main.getContext()), main(main) {
    builder.setInsertionPointAfter(predecessor);
    func = func::FuncOp::create(builder, main.getLoc(), name,
                                builder.getFunctionType({}, {}));
    builder.setInsertionPointToStart(func.addEntryBlock());
  }

  Value addArgument(Type type, Location loc, StringRef role, StringRef name,
                    ArrayRef<NamedAttribute> more = {}) {
    argumentAttrs.push_back(makeAttrs(role, name, argumentNames[role], more));
    return func.front().addArgument(type, loc);
  }

  void addResult(Value value, StringRef role, StringRef name,
                 ArrayRef<NamedAttribute> more = {}) {
    results.push_back(value);
    resultAttrs.push_back(makeAttrs(role, name, resultNames[role], more));
  }

  /// Unnamed arguments of @main stay arguments, behind all others.
  void addWeightArguments(ArrayRef<Operation *> ops, ArrayRef<Value> roots) {
    DenseSet<Value> used(roots.begin(), roots.end());
    for (Operation *op : ops)
      for (Value input : getInputs(op))
        used.insert(input);
    for (BlockArgument argument : main.getArguments()) {
      if (main.getArgAttr(argument.getArgNumber(), kNameAttr) ||
          !used.contains(argument))
        continue;
      argumentAttrs.push_back(DictionaryAttr::get(
          main.getContext(),
          attrsOf(main.getArgAttrDict(argument.getArgNumber()))));
      map.map(argument,
              func.front().addArgument(argument.getType(), argument.getLoc()));
    }
  }

  void finish() {
    func::ReturnOp::create(builder, main.getLoc(), results);
    func.setType(builder.getFunctionType(func.front().getArgumentTypes(),
                                         TypeRange(results)));
    func.setAllArgAttrs(argumentAttrs);
    func.setAllResultAttrs(resultAttrs);
  }

  OpBuilder builder;
  IRMapping map;
  func::FuncOp func;

private:
  DictionaryAttr makeAttrs(StringRef role, StringRef name,
                           llvm::StringSet<> &used,
                           ArrayRef<NamedAttribute> more) {
    std::string unique = name.str();
    for (unsigned i = 1; !used.insert(unique).second; ++i)
      unique = (name + "." + Twine(i)).str();
    NamedAttrList attrs(more);
    attrs.set(kRoleAttr, builder.getStringAttr(role));
    attrs.set(kNameAttr, builder.getStringAttr(unique));
    return attrs.getDictionary(builder.getContext());
  }

  func::FuncOp main;
  SmallVector<Value> results;
  SmallVector<Attribute> argumentAttrs, resultAttrs;
  llvm::StringMap<llvm::StringSet<>> argumentNames, resultNames;
};

struct DeriveStepPass : spk::impl::DeriveStepBase<DeriveStepPass> {
  using Base::Base;

  void runOnOperation() final {
    ModuleOp module = getOperation();
    main = module.lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock()) {
      module.emitError("spk-derive-step: the module must define @main");
      return signalPassFailure();
    }
    for (StringRef name : {"prologue", "step", "finish"})
      if (Operation *taken = module.lookupSymbol(name)) {
        taken->emitError("spk-derive-step: the module must not have @") << name;
        return signalPassFailure();
      }
    schedule = TimeSchedule();
    module->removeAttr(kTimeStepsAttr);
    module->removeAttr(kStepRefusedAttr);
    bool streams = succeeded(schedule.build(main)) && succeeded(makeStep());
    Builder b(&getContext());
    module->setAttr(kTimeStepsAttr, b.getI64IntegerAttr(schedule.steps));
    if (!streams) {
      module->setAttr(kStepRefusedAttr, b.getStringAttr(schedule.refusal));
      return;
    }
    makeFinish();
    makePrologue();
    numStates += schedule.states.size();
    numHoisted += schedule.hoisted.size();
  }

  /// The name outside of a value that crosses functions.
  std::string nameOf(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument)
      return getLayerName(value.getLoc());
    return main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr)
        .str();
  }

  /// Adds the arguments that @main has for `when`.
  void addInputs(Part &part, When when) {
    for (BlockArgument argument : main.getArguments()) {
      if (schedule.get(argument) != when)
        continue;
      auto type = cast<RankedTensorType>(argument.getType());
      if (when == When::Step)
        type = oneStepOf(type);
      part.map.map(argument,
                   part.addArgument(
                       type, argument.getLoc(), "input", nameOf(argument),
                       attrsOf(main.getArgAttrDict(argument.getArgNumber()))));
    }
  }

  RankedTensorType oneStepOf(RankedTensorType type) {
    SmallVector<int64_t> shape(type.getShape());
    shape[0] = 1;
    return type.clone(shape);
  }

  void addHoisted(Part &part) {
    for (Value value : schedule.hoisted)
      part.map.map(value, part.addArgument(value.getType(), value.getLoc(),
                                           "hoisted", nameOf(value)));
  }

  SmallVector<Value> addStates(Part &part) {
    return llvm::map_to_vector(schedule.states, [&](const State &state) {
      NamedAttribute initial(StringAttr::get(&getContext(), kInitialAttr),
                             part.builder.getF32FloatAttr(state.initial));
      return part.addArgument(state.type, state.owner->getLoc(), "state",
                              getLayerName(state.owner->getLoc()), initial);
    });
  }

  /// Results of @main that a streamed run returns at every step, or at the end.
  void addOutputs(Part &part, bool ofStep) {
    Operation *end = main.front().getTerminator();
    for (auto [i, value] : llvm::enumerate(end->getOperands())) {
      if (isStepResult(main, i) != ofStep)
        continue;
      auto name = main.getResultAttrOfType<StringAttr>(i, kNameAttr);
      part.addResult(part.map.lookup(value), "output",
                     name ? name.str() : "output." + std::to_string(i),
                     attrsOf(main.getResultAttrDict(i)));
    }
  }

  LogicalResult makeStep() {
    Part part(main, "step", main);
    AxisResizer resizer(/*axis=*/0, "time", schedule.steps, 1);
    addInputs(part, When::Step);
    for (BlockArgument argument : part.func.getArguments())
      resizer.add(argument, 0);
    addHoisted(part);
    SmallVector<Value> states = addStates(part), newStates;
    SmallVector<Operation *> ops = schedule.getOps(main, When::Step, {});
    part.addWeightArguments(ops, {});
    auto refuse = [&](Operation *op) {
      schedule.refusal = getLayerName(op->getLoc()) + ": " +
                         op->getName().getStringRef().str() +
                         " looks across time";
      part.func.erase();
      return failure();
    };
    for (Operation *op : ops) {
      if (schedule.get(op) == When::Weight) {
        part.builder.clone(*op, part.map);
        continue;
      }
      if (auto repeat = dyn_cast<RepeatOp>(op)) {
        Value once = part.map.lookup(repeat.getInput());
        resizer.add(once, 0);
        part.map.map(repeat.getResult(), once);
        continue;
      }
      auto neuron = dyn_cast<NeuronOpInterface>(op);
      if (neuron || asTimeMean(op)) {
        Value input = part.map.lookup(op->getOperand(0));
        if (resizer.getAxis(input) != 0)
          return refuse(op);
        auto left = ArrayRef(states).drop_front(newStates.size());
        if (neuron)
          llvm::append_range(newStates,
                             stepNeuron(part, resizer, neuron, input, left));
        else
          newStates.push_back(
              accumulate(part.builder, op->getLoc(), input, left.front()));
        continue;
      }
      if (failed(resizer.resize(part.builder.clone(*op, part.map))))
        return refuse(op);
    }
    Operation *end = main.front().getTerminator();
    for (Value value : end->getOperands())
      if (schedule.get(value) == When::Step &&
          resizer.getAxis(part.map.lookup(value)) != 0)
        return refuse(end);
    resizer.eraseReplaced();
    addOutputs(part, /*ofStep=*/true);
    for (auto [state, value] : llvm::zip_equal(schedule.states, newStates))
      part.addResult(value, "state", getLayerName(state.owner->getLoc()));
    part.finish();
    return success();
  }

  /// One step of a neuron from the first of `states`; returns the states after
  /// it.
  ValueRange stepNeuron(Part &part, AxisResizer &resizer,
                        NeuronOpInterface neuron, Value current,
                        ArrayRef<Value> states) {
    size_t numStates = neuron.getRestingStates().size();
    NeuronOpInterface step =
        rebuildNeuron(part.builder, neuron, current,
                      states.take_front(numStates), /*finalStates=*/true,
                      /*membrane=*/neuron.getCharged() != nullptr);
    resizer.add(step.getFired(), 0);
    part.map.map(neuron.getFired(), step.getFired());
    if (Value charged = neuron.getCharged()) {
      resizer.add(step.getCharged(), 0);
      part.map.map(charged, step.getCharged());
    }
    return step.getStatesOut();
  }

  /// The sum of a mean over time, one step further: the additions of spk.mean,
  /// in its order.
  Value accumulate(OpBuilder &builder, Location loc, Value input, Value sum) {
    Type element = getElementTypeOrSelf(input);
    if (element.isInteger(1))
      input = arith::UIToFPOp::create(builder, loc, sum.getType(), input);
    else if (element.isInteger())
      input = arith::SIToFPOp::create(builder, loc, sum.getType(), input);
    return arith::AddFOp::create(builder, loc, sum, input);
  }

  void makeFinish() {
    Part part(main, "finish", getOperation().lookupSymbol("step"));
    addHoisted(part);
    SmallVector<Value> states = addStates(part);
    SmallVector<Value> roots;
    for (auto [i, value] :
         llvm::enumerate(main.front().getTerminator()->getOperands()))
      if (!isStepResult(main, i))
        roots.push_back(value);
    SmallVector<Operation *> ops = schedule.getOps(main, When::After, roots);
    part.addWeightArguments(ops, roots);
    for (auto [state, value] : llvm::zip_equal(schedule.states, states)) {
      auto neuron = dyn_cast<NeuronOpInterface>(state.owner);
      if (!neuron)
        part.map.map(state.owner->getResult(0),
                     divide(part.builder, state.owner->getLoc(), value));
      else if (!neuron.getStatesOut().empty())
        part.map.map(neuron.getStatesOut()[state.index], value);
    }
    for (Operation *op : ops)
      part.builder.clone(*op, part.map);
    addOutputs(part, /*ofStep=*/false);
    part.finish();
  }

  /// The one division of spk.mean.
  Value divide(OpBuilder &builder, Location loc, Value sum) {
    auto type = cast<RankedTensorType>(sum.getType());
    auto count = DenseElementsAttr::get(
        type, builder.getF32FloatAttr(static_cast<float>(schedule.steps)));
    return arith::DivFOp::create(
        builder, loc, sum, arith::ConstantOp::create(builder, loc, count));
  }

  void makePrologue() {
    Part part(main, "prologue", main);
    addInputs(part, When::Static);
    SmallVector<Operation *> ops =
        schedule.getOps(main, When::Static, schedule.hoisted.getArrayRef());
    part.addWeightArguments(ops, {});
    for (Operation *op : ops)
      part.builder.clone(*op, part.map);
    for (Value value : schedule.hoisted)
      part.addResult(part.map.lookup(value), "hoisted", nameOf(value));
    part.finish();
  }

  func::FuncOp main;
  TimeSchedule schedule;
};

} // namespace
