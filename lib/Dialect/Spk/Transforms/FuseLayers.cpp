//===- FuseLayers.cpp - one op per layer
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::spk {
#define GEN_PASS_DEF_FUSELAYERS
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

/// Elementwise arithmetic on activations, `[T, B, ..., C]`. Of functions only
/// the square root, which every target rounds correctly.
bool isElementwise(Operation *op) {
  if (!(isa_and_nonnull<arith::ArithDialect>(op->getDialect()) ||
        isa<math::SqrtOp>(op)) ||
      op->getNumResults() != 1 || op->getNumOperands() == 0)
    return false;
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  return type && type.getRank() >= 3 &&
         op->hasTrait<::mlir::OpTrait::Elementwise>();
}

/// Ops that compute activations. Reshapes, slices, weights and what is
/// evaluated at compile time are none.
bool computes(Operation *op) {
  return isa<NeuronOpInterface, SynapseOpInterface, ScaleShiftOp, MaxPoolOp,
             AddOp, MeanOp, RepeatOp, SSAOp, AttentionMapOp, CountOp, GateOp,
             MatmulOp, SoftmaxOp, SubStepsOp, AccumulateOp>(op) ||
         isElementwise(op);
}

/// Grows the chain of ops that one kernel runs.
class Layer {
public:
  explicit Layer(Operation *first) { append(first); }

  /// Appends the next user of the last op while the kernel can run it too.
  void grow() {
    while (Operation *user = getNext()) {
      if (user->getBlock() != ops.back()->getBlock() || !accepts(user) ||
          isNeededBefore(user))
        return;
      append(user);
    }
  }

  ArrayRef<Operation *> getOps() const { return ops.getArrayRef(); }

private:
  /// The op that would continue the chain: the only user of its value, or of
  /// several the first neuron. The current that a membrane shortcut reads again
  /// is yielded beside the spikes. Arithmetic that joins a value with what
  /// other arithmetic makes of it, such as the larger of x and 0.01 x, follows
  /// that other.
  Operation *getNext() const {
    Value last = getResult(ops.back());
    if (!last || last.use_empty())
      return nullptr;
    if (last.hasOneUse())
      return *last.user_begin();
    Operation *first = nullptr;
    for (Operation *user : last.getUsers()) {
      auto neuron = dyn_cast<NeuronOpInterface>(user);
      if (neuron && neuron.getCurrent() == last &&
          user->getBlock() == ops.back()->getBlock() &&
          (!first || user->isBeforeInBlock(first)))
        first = user;
    }
    if (first)
      return first;
    for (Operation *user : last.getUsers())
      if (Operation *join = getOnlyReader(user);
          join && llvm::all_of(last.getUsers(), [&](Operation *other) {
            return other == user || other == join;
          }))
        return user;
    return nullptr;
  }

  /// The elementwise op that alone reads an elementwise op of the same block.
  static Operation *getOnlyReader(Operation *op) {
    if (!isElementwise(op) || !op->getResult(0).hasOneUse())
      return nullptr;
    Operation *reader = *op->user_begin();
    return isElementwise(reader) && reader->getBlock() == op->getBlock()
               ? reader
               : nullptr;
  }

  /// The value that a chain continues with: the spikes of a neuron, whose state
  /// and membrane the fused op yields beside.
  static Value getResult(Operation *op) {
    if (auto neuron = dyn_cast<NeuronOpInterface>(op))
      return neuron.getFired();
    return op->getNumResults() == 1 ? op->getResult(0) : Value();
  }

  /// Whether another result of the layer has a user in front of `op`: the layer
  /// stands where its last op stood, and would come too late for it.
  bool isNeededBefore(Operation *op) const {
    return llvm::any_of(ops, [&](Operation *inside) {
      return llvm::any_of(inside->getUsers(), [&](Operation *user) {
        return !ops.contains(user) && user != op &&
               op->getBlock()->findAncestorOpInBlock(*user)->isBeforeInBlock(
                   op);
      });
    });
  }

  bool accepts(Operation *op) const {
    if (isa<AttentionMapOp, SoftmaxOp>(ops.front()))
      return false;
    if (isElementwise(op) || isa<AddOp>(op))
      return !poolsSpikes || isa<AddOp>(op);
    if (auto gate = dyn_cast<GateOp>(op))
      return !poolsSpikes && gate.getInput() == getResult(ops.back());
    if (isa<AccumulateOp>(op))
      return isa<SynapseOpInterface>(ops.back());
    if (isa<ScaleShiftOp, RepeatOp>(op))
      return !hasNeuron;
    if (isa<MaxPoolOp>(op))
      return hasNeuron ? isa<NeuronOpInterface>(ops.back()) : !poolsCurrents;
    if (isa<NeuronOpInterface>(op))
      return !hasNeuron && !isa<MeanOp>(ops.front());
    return false;
  }

  void append(Operation *op) {
    if (isa<MaxPoolOp>(op))
      (hasNeuron ? poolsSpikes : poolsCurrents) = true;
    hasNeuron |= isa<NeuronOpInterface>(op);
    ops.insert(op);
  }

  llvm::SetVector<Operation *> ops;
  bool hasNeuron = false, poolsCurrents = false, poolsSpikes = false;
};

/// Moves the ops of a layer into a new `spk.fused` in place of the last one.
void fuse(ArrayRef<Operation *> ops) {
  Operation *last = ops.back();
  OpBuilder builder(last);
  llvm::SmallPtrSet<Operation *, 8> inside(ops.begin(), ops.end());
  llvm::SetVector<Value> inputs;
  SmallVector<Value> results;
  SmallVector<Operation *> constants;
  for (Operation *op : ops) {
    for (Value operand : op->getOperands()) {
      Operation *def = operand.getDefiningOp();
      if (def && inside.contains(def))
        continue;
      // Splat constants are part of the computation, not data. Weights are
      // data, whatever they are.
      SplatElementsAttr splat;
      if (isElementwise(op) && matchPattern(operand, m_Constant(&splat))) {
        if (!llvm::is_contained(constants, def))
          constants.push_back(def);
        continue;
      }
      inputs.insert(operand);
    }
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(),
                       [&](Operation *user) { return !inside.contains(user); }))
        results.push_back(result);
  }

  // A layer is named after what it computes first: its synapse.
  auto fused = FusedOp::create(builder, ops.front()->getLoc(),
                               ValueRange(results).getTypes(),
                               inputs.getArrayRef(), /*strategy=*/nullptr,
                               /*reason=*/nullptr);
  Block *body = builder.createBlock(&fused.getBody());
  IRMapping mapping;
  for (Value input : inputs)
    mapping.map(input, body->addArgument(input.getType(), input.getLoc()));
  for (Operation *constant : constants)
    builder.clone(*constant, mapping);
  for (Operation *op : ops)
    builder.clone(*op, mapping);
  SmallVector<Value> yielded;
  for (Value result : results)
    yielded.push_back(mapping.lookup(result));
  YieldOp::create(builder, last->getLoc(), yielded);
  for (auto [result, replacement] : llvm::zip(results, fused.getResults()))
    result.replaceAllUsesWith(replacement);
  for (Operation *op : llvm::reverse(ops))
    op->erase();
}

struct FuseLayersPass : spk::impl::FuseLayersBase<FuseLayersPass> {
  using Base::Base;

  void runOnOperation() final {
    for (Block &block : getOperation().getFunctionBody()) {
      SmallVector<Operation *> starts;
      for (Operation &op : block)
        if (computes(&op))
          starts.push_back(&op);
      llvm::SmallPtrSet<Operation *, 32> fusedOps;
      for (Operation *start : starts) {
        if (fusedOps.contains(start))
          continue;
        Layer layer(start);
        layer.grow();
        for (Operation *op : layer.getOps())
          fusedOps.insert(op);
        numOps += layer.getOps().size();
        ++numFused;
        fuse(layer.getOps());
      }
    }
  }
};

} // namespace
