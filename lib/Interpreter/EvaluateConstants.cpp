//===- EvaluateConstants.cpp - what is computed from weights alone --------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "spk/Interpreter/Interpreter.h"
#include "spk/Interpreter/Passes.h"
#include "spk/Support/WeightStore.h"
#include "llvm/Support/Path.h"
#include <map>
#include <set>

namespace mlir::spk {
#define GEN_PASS_DEF_EVALUATECONSTANTS
#include "spk/Interpreter/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

/// Gives every value that is computed from weights alone a number, the same
/// number to equal computations, and evaluates those that are wanted.
class ConstantEvaluator {
public:
  ConstantEvaluator(ModuleOp module, const WeightStore &weights)
      : interpreter(module, weights) {
    for (auto global : module.getOps<ml_program::GlobalOp>())
      if (!isa_and_present<ml_program::ExternAttr>(global.getValueAttr()))
        denseGlobals.insert(global.getSymNameAttr());
  }

  /// Numbers the results of `op` if it computes from weights alone. Ops come in
  /// an order in which operands precede users.
  void visit(Operation *op) {
    if (!isSource(op) && !isEvaluable(op))
      return;
    // Attributes and types are unique in their context, so that pointers
    // compare them; numbers are handed out in the order of the walk.
    auto identity = [](const void *pointer) {
      return reinterpret_cast<uintptr_t>(pointer);
    };
    std::vector<uintptr_t> key = {
        identity(op->getName().getAsOpaquePointer()),
        identity(op->getPropertiesAsAttribute().getAsOpaquePointer()),
        identity(op->getDiscardableAttrDictionary().getAsOpaquePointer())};
    for (Type type : op->getResultTypes())
      key.push_back(identity(type.getAsOpaquePointer()));
    SmallVector<unsigned> operands;
    for (Value operand : op->getOperands()) {
      operands.push_back(numbers.lookup(operand));
      key.push_back(operands.back());
    }
    auto [it, isNew] = known.try_emplace(key, computations.size());
    if (isNew)
      for (OpResult result : op->getResults())
        computations.push_back(
            {op, result.getResultNumber(), operands, isReplaced(op)});
    for (OpResult result : op->getResults())
      numbers[result] = it->second + result.getResultNumber();
  }

  /// The number of a value that can become a derived weight, or nothing.
  std::optional<unsigned> getReplaceable(Value value) const {
    auto it = numbers.find(value);
    if (it == numbers.end() || !computations[it->second].isReplaced ||
        !getElementTypeOrSelf(value).isF32())
      return std::nullopt;
    return it->second;
  }

  bool isKnown(Value value) const { return numbers.contains(value); }

  /// The value behind a number, or nothing with an error.
  std::optional<TensorValue> evaluate(unsigned number) {
    // Operands have lower numbers: what is needed is found downwards and
    // evaluated upwards, without recursion however long the chain is.
    std::set<unsigned> needed = {number};
    for (auto it = needed.rbegin(); it != needed.rend(); ++it)
      if (!values.contains(*it))
        for (unsigned operand : computations[*it].operands)
          needed.insert(operand);
    for (unsigned current : needed) {
      if (values.contains(current))
        continue;
      const Computation &computation = computations[current];
      SmallVector<TensorValue> operands;
      for (unsigned operand : computation.operands)
        operands.push_back(values.lookup(operand));
      FailureOr<SmallVector<TensorValue>> results =
          interpreter.evaluate(computation.op, operands);
      if (failed(results))
        return std::nullopt;
      numEvaluated += computation.isReplaced;
      for (auto [index, result] : llvm::enumerate(*results))
        values[current - computation.result + index] = result;
    }
    return values.lookup(number);
  }

  unsigned getNumEvaluated() const { return numEvaluated; }

private:
  /// Results of these are where computations start; they stay as they are.
  bool isSource(Operation *op) const {
    return isa<arith::ConstantOp, ml_program::GlobalLoadConstOp>(op) &&
           isa<RankedTensorType>(op->getResult(0).getType());
  }

  /// Ops that do not make more of the weights than there is.
  bool isEvaluable(Operation *op) const {
    return isa<FoldBatchNormOp, PackWeightsOp, PadChannelsOp,
               tensor::CollapseShapeOp, tensor::EmptyOp, tensor::ExpandShapeOp,
               tensor::ExtractSliceOp, linalg::TransposeOp, arith::AddFOp,
               arith::DivFOp, arith::MulFOp, arith::NegFOp, arith::SubFOp>(
               op) &&
           isa<RankedTensorType>(op->getResult(0).getType()) &&
           llvm::all_of(op->getOperands(),
                        [&](Value value) { return numbers.contains(value); });
  }

  bool isReplaced(Operation *op) const {
    if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op))
      return denseGlobals.contains(load.getGlobal().getLeafReference());
    return !isa<arith::ConstantOp, tensor::EmptyOp>(op);
  }

  struct Computation {
    Operation *op;
    unsigned result;
    SmallVector<unsigned> operands;
    bool isReplaced;
  };

  Interpreter interpreter;
  DenseSet<StringAttr> denseGlobals;
  std::map<std::vector<uintptr_t>, unsigned> known;
  std::vector<Computation> computations;
  DenseMap<Value, unsigned> numbers;
  DenseMap<unsigned, TensorValue> values;
  unsigned numEvaluated = 0;
};

struct EvaluateConstantsPass
    : spk::impl::EvaluateConstantsBase<EvaluateConstantsPass> {
  using Base::Base;

  void runOnOperation() final {
    ModuleOp module = getOperation();
    nextDerived = 0;
    lastGlobal = nullptr;
    WeightStore weights;
    if (failed(weights.load(module, baseDir)))
      return signalPassFailure();
    ConstantEvaluator evaluator(module, weights);
    SmallVector<Operation *> visited;
    for (auto function : module.getOps<FunctionOpInterface>())
      for (Operation &op : function.getFunctionBody().getOps()) {
        evaluator.visit(&op);
        if (op.getNumResults() > 0 && evaluator.isKnown(op.getResult(0)))
          visited.push_back(&op);
      }
    if (failed(replaceResults(visited, evaluator, weights)))
      return signalPassFailure();
    for (Operation *op : llvm::reverse(visited))
      if (op->use_empty())
        op->erase();
    eraseUnusedGlobals();
    numEvaluated += evaluator.getNumEvaluated();
    if (failed(writeDerived(weights)))
      return signalPassFailure();
  }

private:
  /// Replaces the values that ops which are not evaluated use.
  LogicalResult replaceResults(ArrayRef<Operation *> ops,
                               ConstantEvaluator &evaluator,
                               WeightStore &weights) {
    DenseMap<unsigned, ml_program::GlobalOp> globals;
    for (Operation *op : ops)
      for (Value result : op->getResults()) {
        auto isOutside = [&](OpOperand &use) {
          Operation *user = use.getOwner();
          return user->getNumResults() == 0 ||
                 !evaluator.isKnown(user->getResult(0));
        };
        std::optional<unsigned> number = evaluator.getReplaceable(result);
        if (!number || llvm::none_of(result.getUses(), isOutside))
          continue;
        ml_program::GlobalOp &global = globals[*number];
        if (!global) {
          std::optional<TensorValue> value = evaluator.evaluate(*number);
          if (!value)
            return failure();
          global = createGlobal(op->getLoc(), result.getType());
          weights.add(global.getSymName(), value->shape,
                      value->get<float>().vec());
          ++numDerived;
        }
        OpBuilder builder(op);
        Value load = ml_program::GlobalLoadConstOp::create(
            builder, op->getLoc(), result.getType(),
            FlatSymbolRefAttr::get(global.getSymNameAttr()));
        result.replaceUsesWithIf(load, isOutside);
      }
    return success();
  }

  ml_program::GlobalOp createGlobal(Location loc, Type type) {
    ModuleOp module = getOperation();
    std::string name;
    do
      name = "derived." + std::to_string(nextDerived++);
    while (SymbolTable::lookupSymbolIn(module, name));
    OpBuilder builder(&getContext());
    // In front of the module, in the order in which they are made.
    if (lastGlobal)
      builder.setInsertionPointAfter(lastGlobal);
    else
      builder.setInsertionPointToStart(module.getBody());
    lastGlobal = ml_program::GlobalOp::create(
        builder, loc, name, type, /*is_mutable=*/false,
        ml_program::ExternAttr::get(&getContext(), type),
        builder.getStringAttr("private"));
    return cast<ml_program::GlobalOp>(lastGlobal);
  }

  void eraseUnusedGlobals() {
    DenseSet<StringAttr> used;
    getOperation().walk([&](ml_program::GlobalLoadConstOp load) {
      used.insert(load.getGlobal().getLeafReference());
    });
    for (auto global : llvm::make_early_inc_range(
             getOperation().getOps<ml_program::GlobalOp>()))
      if (global.isPrivate() && !used.contains(global.getSymNameAttr()))
        global.erase();
  }

  /// Writes the derived weights that the module still has, also those of an
  /// earlier run.
  LogicalResult writeDerived(const WeightStore &weights) {
    if (derivedFile.empty())
      return success();
    SmallVector<NamedTensor> derived;
    SymbolTable symbols(getOperation());
    for (const NamedTensor &tensor : weights.getDerived())
      if (symbols.lookup(tensor.key))
        derived.push_back(tensor);
    if (derived.empty()) {
      getOperation()->removeAttr(kDerivedWeightsAttr);
      return success();
    }
    if (llvm::Error error = writeSafetensors(derivedFile, derived))
      return getOperation().emitError() << llvm::toString(std::move(error));
    getOperation()->setAttr(
        kDerivedWeightsAttr,
        StringAttr::get(&getContext(), llvm::sys::path::filename(derivedFile)));
    return success();
  }

  unsigned nextDerived = 0;
  Operation *lastGlobal = nullptr;
};

} // namespace
