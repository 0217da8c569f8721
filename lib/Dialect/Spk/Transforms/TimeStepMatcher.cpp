//===- TimeStepMatcher.cpp - what is computed alike at every step ---------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TimeStepMatcher.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::spk;

bool spk::hasOneStep(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() > 0 && type.getDimSize(0) == 1;
}

//===----------------------------------------------------------------------===//
// Calls of neurons
//===----------------------------------------------------------------------===//

/// Whether two neurons are the same but for the results that they have.
static bool isSameNeuron(NeuronOpInterface a, NeuronOpInterface b) {
  auto attributesOf = [](Operation *op) {
    NamedAttrList list(op->getAttrDictionary());
    list.erase("resultSegmentSizes");
    return list.getDictionary(op->getContext());
  };
  if (a->getName() != b->getName() || attributesOf(a) != attributesOf(b) ||
      a.getCurrent().getType() != b.getCurrent().getType())
    return false;
  return llvm::all_of_zip(a->getRegions(), b->getRegions(),
                          [](Region &x, Region &y) {
                            return OperationEquivalence::isRegionEquivalentTo(
                                &x, &y, OperationEquivalence::IgnoreLocations);
                          });
}

/// The call that starts from the states that `neuron` ends with, or null.
static NeuronOpInterface getNextCall(NeuronOpInterface neuron) {
  ValueRange states = neuron.getStatesOut();
  if (states.empty() ||
      !llvm::all_of(states, [](Value state) { return state.hasOneUse(); }))
    return {};
  auto next = dyn_cast<NeuronOpInterface>(*states[0].user_begin());
  return next && next.getStates() == states && isSameNeuron(neuron, next)
             ? next
             : NeuronOpInterface();
}

SmallVector<NeuronChain> spk::findNeuronChains(func::FuncOp main) {
  DenseSet<Operation *> continued;
  SmallVector<NeuronChain> chains;
  for (auto neuron : main.front().getOps<NeuronOpInterface>()) {
    if (continued.contains(neuron) || !hasOneStep(neuron.getCurrent()))
      continue;
    NeuronChain chain = {neuron};
    while (NeuronOpInterface next = getNextCall(chain.back())) {
      chain.push_back(next);
      continued.insert(next);
    }
    chains.push_back(std::move(chain));
  }
  size_t longest = 1;
  for (const NeuronChain &chain : chains)
    longest = std::max(longest, chain.size());
  llvm::erase_if(chains, [&](const NeuronChain &chain) {
    return longest == 1 || chain.size() != longest;
  });
  return chains;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

TimeStepMatcher::TimeStepMatcher(func::FuncOp main,
                                 ArrayRef<NeuronChain> chains)
    : main(main), steps(chains.front().size()) {
  for (const NeuronChain &chain : chains)
    for (NeuronOpInterface call : chain)
      chainOf[call] = &chain;
}

ArrayRef<Value> TimeStepMatcher::getSteps(Value first) const {
  auto it = stepsOf.find(first);
  return it == stepsOf.end() ? ArrayRef<Value>() : it->second;
}

void TimeStepMatcher::add(ArrayRef<Value> values) {
  if (stepsOf.try_emplace(values.front(), llvm::to_vector(values)).second)
    firsts.push_back(values.front());
}

/// Whether two ops compute the same from their operands.
static bool isSameComputation(Operation *a, Operation *b) {
  auto ignoreValues = [](Value, Value) { return success(); };
  return OperationEquivalence::isEquivalentTo(
      a, b, ignoreValues, /*markEquivalent=*/nullptr,
      OperationEquivalence::IgnoreLocations);
}

bool TimeStepMatcher::match(ArrayRef<Value> values) {
  size_t before = firsts.size();
  if (matchAll(values))
    return true;
  while (firsts.size() > before)
    stepsOf.erase(firsts.pop_back_val());
  return false;
}

bool TimeStepMatcher::matchAll(ArrayRef<Value> roots) {
  SmallVector<SmallVector<Value>> worklist = {llvm::to_vector(roots)};
  while (!worklist.empty()) {
    SmallVector<Value> values = worklist.pop_back_val();
    if (llvm::all_equal(values))
      continue;
    auto [known, isNew] = stepsOf.try_emplace(values.front(), values);
    if (!isNew) {
      if (known->second != values)
        return false;
      continue;
    }
    firsts.push_back(values.front());
    auto result = dyn_cast<OpResult>(values.front());
    if (!result)
      return false;
    Operation *first = result.getOwner();
    for (auto [t, value] : llvm::enumerate(values)) {
      auto other = dyn_cast<OpResult>(value);
      if (!other || other.getResultNumber() != result.getResultNumber() ||
          !(chainOf.contains(first) || isSlice(other.getOwner(), first, t) ||
            isSameComputation(first, other.getOwner())))
        return false;
    }
    if (isSlice(first, first, 0))
      continue;
    if (const NeuronChain *chain = chainOf.lookup(first)) {
      if (!llvm::equal(*chain, values, [](Operation *call, Value value) {
            return call == value.getDefiningOp();
          }))
        return false;
      continue; // Its current is matched by itself.
    }
    if (!isMemoryEffectFree(first) || isa<NeuronOpInterface>(first) ||
        !hasOneStep(result))
      return false;
    for (unsigned i = 0, e = first->getNumOperands(); i < e; ++i)
      worklist.push_back(llvm::map_to_vector(values, [&](Value value) {
        return value.getDefiningOp()->getOperand(i);
      }));
  }
  return true;
}

bool TimeStepMatcher::isSlice(Operation *op, Operation *first,
                              int64_t t) const {
  auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
  auto begin = dyn_cast<tensor::ExtractSliceOp>(first);
  if (!slice || !begin || slice.getSource() != begin.getSource() ||
      slice.getType() != begin.getType() ||
      slice.getSourceType().getRank() != slice.getType().getRank() ||
      slice.getSourceType().getDimSize(0) != steps)
    return false;
  SmallVector<int64_t> offsets(slice.getType().getRank(), 0);
  offsets[0] = t;
  SmallVector<int64_t> sizes(slice.getSourceType().getShape());
  sizes[0] = 1;
  return slice.getStaticOffsets() == ArrayRef(offsets) &&
         slice.getStaticSizes() == ArrayRef(sizes) &&
         llvm::all_of(slice.getStaticStrides(),
                      [](int64_t stride) { return stride == 1; });
}

SmallVector<tensor::ConcatOp> TimeStepMatcher::findJoins() {
  SmallVector<tensor::ConcatOp> joins;
  for (auto join : main.front().getOps<tensor::ConcatOp>())
    if (join.getDim() == 0 &&
        static_cast<int64_t>(join.getInputs().size()) == steps &&
        llvm::all_of(join.getInputs(), hasOneStep) &&
        !llvm::all_equal(join.getInputs()) &&
        match(llvm::to_vector(join.getInputs())))
      joins.push_back(join);
  return joins;
}

SmallVector<TimeStepSum> TimeStepMatcher::findSums() {
  SmallVector<TimeStepSum> found;
  auto continues = [](Operation *user, Value sum) {
    return isa<arith::AddFOp, AddOp>(user) && user->getOperand(0) == sum;
  };
  for (Operation &op : main.front()) {
    if (!isa<arith::AddFOp, AddOp>(op))
      continue;
    Value sum = op.getResult(0);
    if (sum.hasOneUse() && continues(*sum.user_begin(), sum))
      continue;
    TimeStepSum total;
    while (static_cast<int64_t>(total.addends.size()) + 1 < steps) {
      Operation *add = sum.getDefiningOp();
      if (!add || add->getName() != op.getName() ||
          (add != &op && !sum.hasOneUse()))
        break;
      total.adds.push_back(add);
      total.addends.push_back(add->getOperand(1));
      sum = add->getOperand(0);
    }
    total.addends.push_back(sum);
    std::reverse(total.addends.begin(), total.addends.end());
    bool areCounts = isa<AddOp>(op);
    if (static_cast<int64_t>(total.addends.size()) == steps &&
        hasOneStep(op.getResult(0)) && !llvm::all_equal(total.addends) &&
        (!areCounts ||
         (llvm::all_of(op.getUsers(), llvm::IsaPred<arith::SIToFPOp>) &&
          getElementTypeOrSelf(sum).isInteger(1))) &&
        match(total.addends))
      found.push_back(std::move(total));
  }
  return found;
}
