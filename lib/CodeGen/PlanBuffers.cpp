//===- PlanBuffers.cpp - all buffers in one static arena
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArenaPlanner.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "spk/CodeGen/Attributes.h"
#include "spk/CodeGen/Entries.h"
#include "spk/CodeGen/Passes.h"
#include "spk/Dialect/Spk/IR/SpkDialect.h"

namespace mlir::spk {
#define GEN_PASS_DEF_PLANBUFFERS
#include "spk/CodeGen/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

/// Values of one role that live in one block: each has an offset.
struct Block {
  SmallVector<int64_t> offsets;
  int64_t bytes = 0;
  void add(MemRefType type) {
    offsets.push_back(bytes);
    bytes = llvm::alignTo(bytes + getBufferBytes(type), kBufferAlignment);
  }
};

/// An argument or result of an entry as the runtime sees it.
struct Port {
  std::string name;
  MemRefType type;
  bool isStatic, isSpikes;
};

class EntryPlanner {
public:
  EntryPlanner(ModuleOp module) : module(module), b(module.getContext()) {}

  LogicalResult run() {
    SmallVector<func::FuncOp> entries;
    for (auto function : module.getOps<func::FuncOp>())
      if (getEntryName(function.getSymName()))
        entries.push_back(function);
    for (func::FuncOp entry : entries)
      collectPorts(entry);
    SmallVector<NamedAttribute> described;
    for (func::FuncOp entry : entries) {
      FailureOr<ArrayAttr> arguments = rewrite(entry);
      if (failed(arguments))
        return failure();
      described.push_back(
          b.getNamedAttr(*getEntryName(entry.getSymName()), *arguments));
    }
    setABI(described);
    return success();
  }

  int64_t numBuffers = 0;

private:
  static StringRef roleOf(DictionaryAttr attributes, StringRef otherwise) {
    auto role =
        attributes ? attributes.getAs<StringAttr>(kRoleAttr) : StringAttr();
    return role ? role.getValue() : otherwise;
  }

  static Port portOf(DictionaryAttr attributes, Type type, StringRef prefix,
                     unsigned index) {
    auto name =
        attributes ? attributes.getAs<StringAttr>(kNameAttr) : StringAttr();
    return {name ? name.str() : (prefix + Twine(index)).str(),
            cast<MemRefType>(type), attributes && attributes.get(kStaticAttr),
            attributes && attributes.get(kSpikesAttr)};
  }

  static DictionaryAttr argAttrs(func::FuncOp entry, unsigned i) {
    return function_interface_impl::getArgAttrDict(entry, i);
  }
  static DictionaryAttr resultAttrs(func::FuncOp entry, unsigned i) {
    return function_interface_impl::getResultAttrDict(entry, i);
  }

  /// Inputs and outputs are those of the whole run; hoisted values and states
  /// come in one order in all entries.
  void collectPorts(func::FuncOp entry) {
    StringRef name = entry.getSymName();
    for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes())) {
      DictionaryAttr attributes = argAttrs(entry, i);
      StringRef role = roleOf(attributes, "input");
      if (name == "main" && role == "input")
        inputs.push_back(portOf(attributes, type, "input_", inputs.size()));
      if (name == "step" && role == "state") {
        states.add(cast<MemRefType>(type));
        auto initial = attributes.getAs<FloatAttr>(kInitialAttr);
        stateInfo.push_back(b.getDictionaryAttr(
            {b.getNamedAttr("offset",
                            b.getI64IntegerAttr(states.offsets.back())),
             b.getNamedAttr(
                 "count",
                 b.getI64IntegerAttr(cast<MemRefType>(type).getNumElements())),
             b.getNamedAttr("initial",
                            initial ? initial : b.getF32FloatAttr(0.0f))}));
      }
    }
    for (auto [i, type] : llvm::enumerate(entry.getResultTypes())) {
      DictionaryAttr attributes = resultAttrs(entry, i);
      if (name == "main")
        outputs.push_back(portOf(attributes, type, "output_", outputs.size()));
      if (name == "prologue" && roleOf(attributes, "hoisted") == "hoisted")
        hoisted.add(cast<MemRefType>(type));
    }
  }

  static int64_t indexOf(ArrayRef<Port> ports, StringRef name) {
    for (auto [i, port] : llvm::enumerate(ports))
      if (port.name == name)
        return i;
    return 0;
  }

  /// Gives `entry` the arguments inputs, outputs, blocks, arena and weights and
  /// returns their names.
  FailureOr<ArrayAttr> rewrite(func::FuncOp entry) {
    Location loc = entry.getLoc();
    ::mlir::Block &body = entry.getBody().front();
    unsigned oldArguments = body.getNumArguments();
    SmallVector<Attribute> names;
    auto addArgument = [&](Type type, const Twine &name) {
      names.push_back(b.getStringAttr(name));
      return body.addArgument(type, loc);
    };
    OpBuilder builder(&body, body.begin());
    DenseMap<StringRef, Value> blocks;
    auto blockView = [&](StringRef role, Block &block, unsigned index,
                         Type type) -> Value {
      Value &argument = blocks[role];
      if (!argument)
        argument = addArgument(bytesType(block.bytes), role);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(&body);
      Value offset =
          arith::ConstantIndexOp::create(builder, loc, block.offsets[index]);
      return memref::ViewOp::create(builder, loc, cast<MemRefType>(type),
                                    argument, offset, ValueRange());
    };

    unsigned numHoisted = 0, numStates = 0;
    SmallVector<Value> oldStates;
    Value weights;
    for (unsigned i = 0; i < oldArguments; ++i) {
      BlockArgument old = body.getArgument(i);
      DictionaryAttr attributes = argAttrs(entry, i);
      StringRef role = roleOf(attributes, "input");
      if (role == "weights") {
        weights = old;
        continue;
      }
      Value now;
      if (role == "hoisted")
        now = blockView("hoisted", hoisted, numHoisted++, old.getType());
      else if (role == "state")
        oldStates.push_back(
            now = blockView("state", states, numStates++, old.getType()));
      else
        now = addArgument(
            old.getType(),
            "input:" +
                Twine(indexOf(
                    inputs,
                    portOf(attributes, old.getType(), "input_", i).name)));
      old.replaceAllUsesWith(now);
    }

    auto end = cast<func::ReturnOp>(body.getTerminator());
    numHoisted = numStates = 0;
    unsigned numOutputs = 0;
    placed.clear();
    for (auto [i, value] : llvm::enumerate(end.getOperands())) {
      DictionaryAttr attributes = resultAttrs(entry, i);
      StringRef role = roleOf(attributes, "output");
      Value target, overwritten;
      if (role == "hoisted") {
        target = blockView("hoisted", hoisted, numHoisted++, value.getType());
      } else if (role == "state") {
        if (numStates < oldStates.size())
          overwritten = oldStates[numStates];
        target = blockView("state", states, numStates++, value.getType());
      } else {
        target = addArgument(
            value.getType(),
            "output:" +
                Twine(indexOf(outputs, portOf(attributes, value.getType(),
                                              "output_", numOutputs++)
                                           .name)));
      }
      writeResultTo(value, target, overwritten, end);
    }
    builder.setInsertionPoint(end);
    func::ReturnOp::create(builder, loc);
    end.erase();

    ArenaPlan plan = planArena(entry);
    numBuffers += plan.buffers.size();
    arenaBytes = std::max(arenaBytes, plan.bytes);
    Value arena = addArgument(bytesType(plan.bytes), "arena");
    placeBuffers(plan, arena);
    shareCopies(entry);
    if (weights) {
      Value argument = addArgument(weights.getType(), "weights");
      weights.replaceAllUsesWith(argument);
    }
    body.eraseArguments(0, oldArguments);
    entry.removeArgAttrsAttr();
    entry.removeResAttrsAttr();
    entry.setFunctionType(
        b.getFunctionType(body.getArgumentTypes(), TypeRange()));
    return b.getArrayAttr(names);
  }

  /// Makes `value` live in `target`: in place of its allocation where it has
  /// one, by a copy else. `overwritten`, if given, is the old content of
  /// `target`, which others may still read.
  void writeResultTo(Value value, Value target, Value overwritten,
                     func::ReturnOp end) {
    if (Value elsewhere = placed.lookup(value)) {
      value = elsewhere;
    } else if (value.getDefiningOp<memref::AllocOp>() &&
               (!overwritten || isUsedOnlyAfter(value, overwritten, end))) {
      placed[value] = target;
      value.replaceAllUsesExcept(target, end);
      return;
    }
    OpBuilder builder(end);
    memref::CopyOp::create(builder, end.getLoc(), value, target);
  }

  /// Whether no op uses `buffer` before the last use of `old`. Bufferization
  /// may use one allocation several times.
  static bool isUsedOnlyAfter(Value buffer, Value old, Operation *end) {
    ::mlir::Block &body = *end->getBlock();
    auto visit = [&](auto &visit, Value value,
                     llvm::function_ref<void(Operation *)> use) -> void {
      for (Operation *user : value.getUsers()) {
        if (isa<ViewLikeOpInterface>(user))
          for (Value view : user->getResults())
            visit(visit, view, use);
        else if (user != end)
          use(body.findAncestorOpInBlock(*user));
      }
    };
    Operation *last = nullptr;
    visit(visit, old, [&](Operation *op) {
      if (!last || last->isBeforeInBlock(op))
        last = op;
    });
    bool after = true;
    visit(visit, buffer,
          [&](Operation *op) { after &= !last || !op->isBeforeInBlock(last); });
    return after;
  }

  /// Copies become loops that threads share. As `memref.copy` each thread would
  /// do them all, one perhaps while another reuses the source for what follows;
  /// and strided ones would call a library.
  static void shareCopies(func::FuncOp entry) {
    entry.walk([](memref::CopyOp copy) {
      OpBuilder builder(copy);
      linalg::CopyOp::create(builder, copy.getLoc(), copy.getSource(),
                             copy.getTarget());
      copy.erase();
    });
  }

  MemRefType bytesType(int64_t bytes) {
    return MemRefType::get({std::max<int64_t>(bytes, 1)}, b.getI8Type());
  }

  Attribute describe(const Port &port) {
    ArrayRef<int64_t> shape = port.type.getShape();
    std::string element;
    if (port.isSpikes)
      element = "i1";
    else
      llvm::raw_string_ostream(element) << port.type.getElementType();
    return b.getDictionaryAttr(
        {b.getNamedAttr("name", b.getStringAttr(port.name)),
         b.getNamedAttr("shape", b.getDenseI64ArrayAttr(port.isStatic
                                                            ? shape.drop_front()
                                                            : shape)),
         b.getNamedAttr("dtype", b.getStringAttr(element)),
         b.getNamedAttr("temporal", b.getBoolAttr(!port.isStatic))});
  }

  void setABI(ArrayRef<NamedAttribute> entries) {
    auto list = [&](ArrayRef<Port> ports) {
      return b.getArrayAttr(llvm::map_to_vector(
          ports, [&](const Port &port) { return describe(port); }));
    };
    auto layout = module->getAttrOfType<ArrayAttr>(kWeightLayoutAttr);
    int64_t weightBytes = 0;
    if (layout)
      for (auto entry : layout.getAsRange<DictionaryAttr>())
        weightBytes = std::max(weightBytes,
                               entry.getAs<IntegerAttr>("offset").getInt() +
                                   entry.getAs<IntegerAttr>("bytes").getInt());
    auto steps = module->getAttrOfType<IntegerAttr>(kTimeStepsAttr);
    SmallVector<NamedAttribute> abi = {
        b.getNamedAttr("time_steps",
                       b.getI64IntegerAttr(steps ? steps.getInt() : 0)),
        b.getNamedAttr("arena_bytes", b.getI64IntegerAttr(arenaBytes)),
        b.getNamedAttr("hoisted_bytes", b.getI64IntegerAttr(hoisted.bytes)),
        b.getNamedAttr("state_bytes", b.getI64IntegerAttr(states.bytes)),
        b.getNamedAttr("weights_bytes", b.getI64IntegerAttr(weightBytes)),
        b.getNamedAttr("inputs", list(inputs)),
        b.getNamedAttr("outputs", list(outputs)),
        b.getNamedAttr("states", b.getArrayAttr(stateInfo)),
        b.getNamedAttr("entries", b.getDictionaryAttr(entries)),
        b.getNamedAttr("weights", layout ? layout : b.getArrayAttr({}))};
    if (auto refused = module->getAttrOfType<StringAttr>(kStepRefusedAttr))
      abi.push_back(b.getNamedAttr("step_refused", refused));
    module->setAttr(kABIAttr, b.getDictionaryAttr(abi));
    module->removeAttr(kWeightLayoutAttr);
    module->removeAttr(kTimeStepsAttr);
    module->removeAttr(kStepRefusedAttr);
  }

  ModuleOp module;
  Builder b;
  SmallVector<Port> inputs, outputs;
  Block hoisted, states;
  SmallVector<Attribute> stateInfo;
  /// Where allocations that are results live instead.
  DenseMap<Value, Value> placed;
  int64_t arenaBytes = 0;
};

struct PlanBuffersPass : spk::impl::PlanBuffersBase<PlanBuffersPass> {
  using Base::Base;

  void runOnOperation() final {
    EntryPlanner planner(getOperation());
    if (failed(planner.run()))
      return signalPassFailure();
    numBuffers += planner.numBuffers;
  }
};

} // namespace
