//===- RollTimeSteps.cpp - one scan instead of a call for every step ------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NeuronBuilders.h"
#include "RetypeActivations.h"
#include "TimeStepMatcher.h"
#include "mlir/IR/Matchers.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::spk {
#define GEN_PASS_DEF_ROLLTIMESTEPS
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

RankedTensorType typeOf(Value value) {
  return dyn_cast<RankedTensorType>(value.getType());
}

/// Rewrites a function whose neurons are called once for every time step.
class Roller {
public:
  Roller(func::FuncOp main, SmallVector<NeuronChain> found)
      : main(main), chains(std::move(found)), steps(chains.front().size()),
        matcher(main, chains), resizer(/*axis=*/0, "time", /*from=*/1, steps) {}

  /// On failure the function is invalid.
  LogicalResult roll() {
    for (const NeuronChain &chain : chains)
      if (!matcher.match(valuesOf(
              chain, [](NeuronOpInterface call) { return call.getCurrent(); })))
        return failure();
    SmallVector<TimeStepSum> sums = matcher.findSums();
    SmallVector<tensor::ConcatOp> joins = matcher.findJoins();
    replaced.insert(joins.begin(), joins.end());
    for (const TimeStepSum &total : sums)
      replaced.insert(total.adds.begin(), total.adds.end());
    if (failed(resizeFirstStep()) || failed(sliceOtherUses()))
      return failure();
    for (tensor::ConcatOp join : joins)
      if (failed(replaceJoin(join)))
        return failure();
    for (const TimeStepSum &total : sums)
      if (failed(addUp(total)))
        return failure();
    eraseOtherSteps();
    resizer.eraseReplaced();
    return success();
  }

private:
  static SmallVector<Value>
  valuesOf(const NeuronChain &chain,
           llvm::function_ref<Value(NeuronOpInterface)> get) {
    return llvm::map_to_vector(
        chain, [&](NeuronOpInterface call) { return get(call); });
  }

  Value rolledOf(Value first) const {
    auto it = rolled.find(first);
    return it == rolled.end() ? first : it->second;
  }

  /// The ops of the first step compute all steps.
  LogicalResult resizeFirstStep() {
    for (Value first : matcher.getFirsts())
      firstStep.insert(first.getDefiningOp());
    for (const NeuronChain &chain : chains)
      firstStep.insert(chain.front());
    SmallVector<Operation *> ordered = firstStep.takeVector();
    llvm::sort(ordered, [](Operation *a, Operation *b) {
      return a->isBeforeInBlock(b);
    });
    firstStep.insert(ordered.begin(), ordered.end());
    for (Operation *op : ordered)
      if (failed(resizeOp(op)))
        return failure();
    return success();
  }

  LogicalResult resizeOp(Operation *op) {
    if (matcher.isSlice(op, op, 0) &&
        !matcher.getSteps(op->getResult(0)).empty()) {
      replaceInside(op->getResult(0),
                    cast<tensor::ExtractSliceOp>(op).getSource());
      return success();
    }
    if (const NeuronChain *chain = matcher.getChain(op))
      return resizeNeuron(*chain);
    auto isResized = [&](Value value) { return resizer.getAxis(value); };
    if (llvm::none_of(op->getOperands(), isResized))
      return success();
    // What is the same at every step.
    if (op->hasTrait<mlir::OpTrait::Elementwise>() ||
        isa<AddOp, GateOp, MatmulOp, SSAOp, AttentionMapOp, tensor::ConcatOp>(
            op))
      for (OpOperand &operand : op->getOpOperands())
        if (!isResized(operand.get()) && hasOneStep(operand.get()) &&
            !matchPattern(operand.get(), m_Constant()))
          operand.set(repeat(op, operand.get()));
    if (failed(resizer.resize(op)))
      return failure();
    for (Value result : op->getResults())
      rolled[result] = result;
    return success();
  }

  Value repeat(Operation *before, Value value) {
    OpBuilder builder(before);
    SmallVector<int64_t> shape(typeOf(value).getShape());
    shape[0] = steps;
    Value repeated = RepeatOp::create(builder, value.getLoc(),
                                      typeOf(value).clone(shape), value);
    resizer.add(repeated, 0);
    return repeated;
  }

  LogicalResult resizeNeuron(const NeuronChain &chain) {
    NeuronOpInterface first = chain.front();
    Value current = first.getCurrent();
    if (std::optional<int64_t> axis = resizer.getAxis(current);
        axis && *axis != 0)
      return failure();
    if (!resizer.getAxis(current))
      current = repeat(first, current);
    bool membrane = llvm::any_of(
        chain, [](NeuronOpInterface call) { return bool(call.getCharged()); });
    NeuronOpInterface end = chain.back();
    ValueRange last = end.getStatesOut();
    OpBuilder builder(first);
    NeuronOpInterface scan =
        rebuildNeuron(builder, first, current, first.getStates(),
                      /*finalStates=*/!last.empty(), membrane);
    replaced.insert(scan);
    for (auto [old, state] : llvm::zip(last, scan.getStatesOut()))
      old.replaceAllUsesWith(state);
    remember(
        valuesOf(chain, [](NeuronOpInterface call) { return call.getFired(); }),
        scan.getFired());
    if (!membrane)
      return success();
    SmallVector<Value> charged = valuesOf(
        chain, [](NeuronOpInterface call) { return call.getCharged(); });
    if (llvm::all_of(charged, [](Value step) { return bool(step); })) {
      remember(charged, scan.getCharged());
      return success();
    }
    // Only some calls are asked for theirs.
    for (auto [t, step] : llvm::enumerate(charged))
      if (step)
        step.replaceAllUsesWith(slice(scan.getCharged(), t));
    return success();
  }

  /// `all` are the values of all steps.
  void remember(ArrayRef<Value> values, Value all) {
    matcher.add(values);
    replaceInside(values.front(), all);
  }

  /// In the first step `all` takes the place of its first step.
  void replaceInside(Value first, Value all) {
    resizer.add(all, 0);
    rolled[first] = all;
    first.replaceUsesWithIf(all, [&](OpOperand &use) {
      return firstStep.contains(use.getOwner());
    });
  }

  /// All steps in place of a join of them.
  LogicalResult replaceJoin(tensor::ConcatOp join) {
    Value all = rolledOf(join.getInputs().front());
    std::optional<int64_t> axis = resizer.getAxis(all);
    if (axis && *axis != 0)
      return failure();
    join.replaceAllUsesWith(axis ? all : repeat(join, all));
    return success();
  }

  /// The sum of all steps. A quotient by their number is a mean; any other sum
  /// is the state of a neuron that adds, from -0, which changes no bit.
  LogicalResult addUp(const TimeStepSum &total) {
    OpBuilder builder(total.getLast());
    Location loc = total.getLast()->getLoc();
    Value all = rolledOf(total.addends.front());
    std::optional<int64_t> axis = resizer.getAxis(all);
    if (!axis)
      return success(); // The same at every step: the sum may stay.
    if (*axis != 0)
      return failure();
    SmallVector<Value> sums;
    if (isa<AddOp>(total.getLast()))
      for (Operation *user : total.getLast()->getUsers())
        sums.push_back(user->getResult(0));
    else
      sums.push_back(total.getLast()->getResult(0));
    for (Value sum : sums) {
      if (Value quotient = getQuotient(sum)) {
        builder.setInsertionPoint(quotient.getDefiningOp());
        quotient.replaceAllUsesWith(
            MeanOp::create(builder, loc, quotient.getType(), all,
                           builder.getDenseI64ArrayAttr({0})));
        continue;
      }
      builder.setInsertionPoint(sum.getDefiningOp());
      Value floats = all;
      if (getElementTypeOrSelf(all).isInteger(1))
        floats = arith::UIToFPOp::create(
            builder, loc, typeOf(all).clone(builder.getF32Type()), all);
      sum.replaceAllUsesWith(
          createRunningSum(builder, builder.getUnknownLoc(), floats,
                           /*finalState=*/true, /*start=*/-0.0f)
              .getFinalStates()
              .front());
    }
    return success();
  }

  /// The only use of a sum if it divides by the number of steps, or null.
  Value getQuotient(Value sum) const {
    if (!sum.hasOneUse())
      return {};
    Operation *user = *sum.user_begin();
    SplatElementsAttr splat;
    if (!isa<arith::DivFOp, arith::MulFOp>(user) ||
        user->getOperand(0) != sum ||
        !matchPattern(user->getOperand(1), m_Constant(&splat)))
      return {};
    float number = splat.getSplatValue<float>(), count = steps;
    bool divides = isa<arith::DivFOp>(user)
                       ? number == count
                       : llvm::isPowerOf2_64(steps) && number * count == 1.0f;
    return divides ? user->getResult(0) : Value();
  }

  /// Whoever reads single steps reads a slice of all. Fails where all of them
  /// are results, such as taps of single calls: nothing would be gained.
  LogicalResult sliceOtherUses() {
    for (Value first : matcher.getFirsts())
      for (Value value : matcher.getSteps(first))
        replaced.insert(value.getDefiningOp());
    for (const NeuronChain &chain : chains)
      replaced.insert(chain.begin(), chain.end());
    for (Value first : matcher.getFirsts()) {
      Value all = rolledOf(first);
      std::optional<int64_t> axis = resizer.getAxis(all);
      auto isResult = [&](Value step) {
        return llvm::is_contained(step.getUsers(),
                                  main.front().getTerminator());
      };
      if (llvm::all_of(matcher.getSteps(first), isResult))
        return failure();
      for (auto [t, step] : llvm::enumerate(matcher.getSteps(first))) {
        Value value = step;
        if (matcher.isSlice(value.getDefiningOp(), first.getDefiningOp(), t))
          continue; // Is one already.
        auto isOther = [&](OpOperand &use) {
          return !replaced.contains(use.getOwner());
        };
        if (llvm::none_of(value.getUses(), isOther) || (!axis && t == 0))
          continue;
        if (axis && *axis != 0)
          return failure();
        value.replaceUsesWithIf(axis ? slice(all, t) : all, isOther);
      }
    }
    return success();
  }

  Value slice(Value all, int64_t t) {
    OpBuilder builder(all.getContext());
    builder.setInsertionPointAfterValue(all);
    RankedTensorType type = typeOf(all);
    SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0)),
        sizes, strides(type.getRank(), builder.getIndexAttr(1));
    offsets[0] = builder.getIndexAttr(t);
    for (int64_t size : type.getShape())
      sizes.push_back(builder.getIndexAttr(size));
    sizes[0] = builder.getIndexAttr(1);
    auto op = tensor::ExtractSliceOp::create(builder, all.getLoc(), all,
                                             offsets, sizes, strides);
    replaced.insert(op); // Reads all steps itself.
    return op;
  }

  void eraseOtherSteps() {
    for (Operation &op :
         llvm::make_early_inc_range(llvm::reverse(main.front())))
      if (isOpTriviallyDead(&op) && !op.hasTrait<mlir::OpTrait::IsTerminator>())
        op.erase();
  }

  func::FuncOp main;
  SmallVector<NeuronChain> chains;
  int64_t steps;
  TimeStepMatcher matcher;
  AxisResizer resizer;
  /// What holds all steps, by the value of the first.
  DenseMap<Value, Value> rolled;
  llvm::SetVector<Operation *> firstStep;
  /// Ops that read all steps, or that nothing will read in the end.
  DenseSet<Operation *> replaced;
};

struct RollTimeStepsPass : spk::impl::RollTimeStepsBase<RollTimeStepsPass> {
  using Base::Base;

  void runOnOperation() final {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock() ||
        findNeuronChains(main).empty())
      return;
    OwningOpRef<func::FuncOp> copy = main.clone();
    SmallVector<NeuronChain> chains = findNeuronChains(*copy);
    size_t calls = chains.size() * chains.front().size();
    if (failed(Roller(*copy, std::move(chains)).roll()))
      return;
    main.getBody().takeBody(copy->getBody());
    numRolled += calls;
  }
};

} // namespace
