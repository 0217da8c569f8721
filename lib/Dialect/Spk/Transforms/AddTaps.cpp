//===- AddTaps.cpp - intermediate values as outputs -----------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RetypeActivations.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/GlobPattern.h"
#include <bitset>

namespace mlir::spk {
#define GEN_PASS_DEF_ADDTAPS
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

enum Kind : unsigned { Spikes, Current, Membrane, Attention };
constexpr StringLiteral kKindNames[] = {"spikes", "current", "membrane",
                                        "attention"};

/// Which of the kinds a layer is tapped for.
using Kinds = std::bitset<std::size(kKindNames)>;

/// The attention map that a product weighs values with: its rows, where they
/// come from another product by way of what keeps a map a map. Else null.
Value getMap(MatmulOp product) {
  Value value = product.getRows();
  while (Operation *op = value.getDefiningOp()) {
    if (isa<MatmulOp>(op))
      return product.getRows();
    bool keepsMap =
        isa<NeuronOpInterface, SoftmaxOp, ScaleShiftOp, tensor::CollapseShapeOp,
            tensor::ExpandShapeOp, linalg::TransposeOp>(op) ||
        op->hasTrait<mlir::OpTrait::Elementwise>();
    if (!keepsMap || op->getNumOperands() == 0)
      return Value();
    value = op->getOperand(0);
  }
  return Value();
}

bool hasKind(Operation *op, Kind kind) {
  if (kind != Attention)
    return isa<NeuronOpInterface>(op);
  auto product = dyn_cast<MatmulOp>(op);
  return isa<SSAOp>(op) || (product && getMap(product));
}

struct AddTapsPass : spk::impl::AddTapsBase<AddTapsPass> {
  using Base::Base;

  void runOnOperation() final {
    if (taps.empty())
      return;
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock()) {
      getOperation().emitError("spk-add-taps: the module must define @main");
      return signalPassFailure();
    }
    llvm::MapVector<Operation *, Kinds> tapped;
    for (Operation &op : main.front())
      if (isa<NeuronOpInterface, SSAOp, MatmulOp>(op) &&
          getLayerName(op.getLoc()) != "?")
        tapped[&op] = Kinds();
    for (StringRef tap : taps)
      if (failed(select(main, tap, tapped)))
        return signalPassFailure();
    addResults(main, tapped);
  }

  /// Marks the layers that one `GLOB[:kind]` names.
  LogicalResult select(func::FuncOp main, StringRef tap,
                       llvm::MapVector<Operation *, Kinds> &tapped) {
    auto [glob, kindName] =
        tap.contains(':') ? tap.rsplit(':') : std::pair(tap, kKindNames[0]);
    const StringLiteral *found = llvm::find(kKindNames, kindName);
    if (found == std::end(kKindNames))
      return main.emitError("tap \"")
             << tap << "\" must end in :spikes, :current, :membrane or "
             << ":attention, got :" << kindName;
    Kind kind = static_cast<Kind>(found - std::begin(kKindNames));
    llvm::Expected<llvm::GlobPattern> pattern = llvm::GlobPattern::create(glob);
    if (!pattern)
      return main.emitError("tap \"")
             << tap << "\": " << llvm::toString(pattern.takeError());

    bool any = false;
    llvm::SetVector<StringAttr> candidates;
    for (auto &[op, kinds] : tapped) {
      if (!hasKind(op, kind))
        continue;
      std::string name = getLayerName(op->getLoc());
      candidates.insert(StringAttr::get(&getContext(), name));
      if (!pattern->match(name))
        continue;
      any = true;
      kinds.set(kind);
    }
    if (any)
      return success();
    InFlightDiagnostic error =
        main.emitError("tap \"")
        << tap << "\" matches no layer that has "
        << (kind == Attention ? "an attention map" : "a neuron");
    SmallVector<StringAttr> nearest = candidates.takeVector();
    llvm::sort(nearest, [glob = glob](StringAttr a, StringAttr b) {
      return std::pair(a.getValue().edit_distance(glob), a.getValue()) <
             std::pair(b.getValue().edit_distance(glob), b.getValue());
    });
    if (nearest.empty())
      error << "; the model names none";
    for (auto [i, name] : llvm::enumerate(ArrayRef(nearest).take_front(5)))
      error << (i ? ", " : "; nearest: ") << name.getValue();
    return failure();
  }

  /// The map of a product, `[T, B, heads, N, M]` f32.
  static Value splitHeads(OpBuilder &builder, MatmulOp product) {
    Location loc = product.getLoc();
    Value map = getMap(product);
    auto type = cast<RankedTensorType>(map.getType());
    int64_t heads = product.getNumHeads();
    SmallVector<int64_t> shape(type.getShape().drop_back());
    shape.append({heads, product.getNumTerms()});
    Value split = tensor::ExpandShapeOp::create(
        builder, loc, type.clone(shape), map,
        ArrayRef<ReassociationIndices>{{0}, {1}, {2}, {3, 4}});
    SmallVector<int64_t> order = {0, 1, 3, 2, 4};
    Value empty = tensor::EmptyOp::create(
        builder, loc,
        ArrayRef<int64_t>{shape[0], shape[1], shape[3], shape[2], shape[4]},
        type.getElementType());
    Value result =
        linalg::TransposeOp::create(builder, loc, split, empty, order)
            ->getResult(0);
    auto floats =
        cast<RankedTensorType>(result.getType()).clone(builder.getF32Type());
    if (type.getElementType().isInteger(1))
      return arith::UIToFPOp::create(builder, loc, floats, result);
    if (type.getElementType().isInteger())
      return arith::SIToFPOp::create(builder, loc, floats, result);
    return result;
  }

  /// The value of `kind` that `op` has, made where it is not there yet. May
  /// replace `op`.
  Value getValue(Operation *&op, Kind kind) {
    OpBuilder builder(op);
    if (auto product = dyn_cast<MatmulOp>(op))
      return splitHeads(builder, product);
    if (kind == Attention) {
      auto ssa = cast<SSAOp>(op);
      ArrayRef<int64_t> shape = ssa.getQuery().getType().getShape();
      int64_t heads = ssa.getNumHeads(), tokens = ssa.getNumTokens();
      auto type = RankedTensorType::get(
          {shape[0], shape[1], heads, tokens, tokens}, builder.getF32Type());
      builder.setInsertionPointAfter(op);
      return AttentionMapOp::create(
          builder, op->getLoc(), type, ssa.getQuery(), ssa.getKey(),
          ssa.getNumHeadsAttr(), ssa.getScaleAttr(), ssa.getTokenLayoutAttr());
    }
    auto neuron = cast<NeuronOpInterface>(op);
    if (kind == Membrane && !neuron.getCharged()) {
      NeuronOpInterface charged =
          rebuildNeuron(builder, neuron, neuron.getCurrent(),
                        neuron.getStates(), !neuron.getStatesOut().empty(),
                        /*membrane=*/true);
      neuron.getFired().replaceAllUsesWith(charged.getFired());
      for (auto [state, other] :
           llvm::zip_equal(neuron.getStatesOut(), charged.getStatesOut()))
        state.replaceAllUsesWith(other);
      op->erase();
      op = charged;
      neuron = charged;
    }
    switch (kind) {
    case Current:
      return neuron.getCurrent();
    case Membrane:
      return neuron.getCharged();
    default:
      return neuron.getFired();
    }
  }

  void addResults(func::FuncOp main,
                  const llvm::MapVector<Operation *, Kinds> &tapped) {
    llvm::StringSet<> used;
    for (unsigned i = 0; i < main.getNumResults(); ++i)
      if (auto name = main.getResultAttrOfType<StringAttr>(i, kNameAttr))
        used.insert(name.getValue());
    Operation *end = main.front().getTerminator();
    for (auto [layer, kinds] : tapped) {
      Operation *op = layer;
      // The membrane first: it may replace the neuron.
      std::array<Value, std::size(kKindNames)> values;
      for (Kind kind : {Membrane, Spikes, Current, Attention})
        if (kinds[kind])
          values[kind] = getValue(op, kind);
      for (Kind kind : {Spikes, Current, Membrane, Attention}) {
        if (!values[kind])
          continue;
        std::string base =
            (getLayerName(op->getLoc()) + ":" + kKindNames[kind]).str();
        std::string name = base;
        for (unsigned i = 1; !used.insert(name).second; ++i)
          name = base + "." + std::to_string(i);
        end->insertOperands(end->getNumOperands(), values[kind]);
        NamedAttribute nameAttr(StringAttr::get(&getContext(), kNameAttr),
                                StringAttr::get(&getContext(), name));
        (void)main.insertResult(main.getNumResults(), values[kind].getType(),
                                DictionaryAttr::get(&getContext(), nameAttr));
        ++numTaps;
      }
    }
  }
};

} // namespace
