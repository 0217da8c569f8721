//===- GenerateKernels.cpp - a function of loops for every fused layer
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "spk/CodeGen/AttentionKernel.h"
#include "spk/CodeGen/LayerKernel.h"
#include "spk/CodeGen/Passes.h"
#include "spk/CodeGen/SynapseStrategy.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::spk {
#define GEN_PASS_DEF_GENERATEKERNELS
#include "spk/CodeGen/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

//===----------------------------------------------------------------------===//
// Splitting a layer
//===----------------------------------------------------------------------===//

/// Makes a fused op of `ops` of `layer` in front of it, with the given results.
/// `outer` maps values of the region to values outside.
static FusedOp makePart(FusedOp layer, ArrayRef<Operation *> ops,
                        ArrayRef<Value> results, IRMapping &outer) {
  OpBuilder b(layer);
  llvm::SmallPtrSet<Operation *, 8> inside(ops.begin(), ops.end());
  llvm::SetVector<Value> inner;
  for (Operation *op : ops)
    for (Value operand : op->getOperands())
      if (!operand.getDefiningOp() || !inside.contains(operand.getDefiningOp()))
        inner.insert(operand);
  SmallVector<Value> inputs;
  for (Value value : inner)
    inputs.push_back(outer.lookup(value));
  auto part =
      FusedOp::create(b, layer.getLoc(), ValueRange(results).getTypes(), inputs,
                      layer.getStrategyAttr(), layer.getReasonAttr());
  Block *body = b.createBlock(&part.getBody());
  IRMapping mapping;
  for (Value value : inner)
    mapping.map(value, body->addArgument(value.getType(), value.getLoc()));
  for (Operation *op : ops)
    b.clone(*op, mapping);
  SmallVector<Value> yielded;
  for (Value result : results)
    yielded.push_back(mapping.lookup(result));
  YieldOp::create(b, layer.getLoc(), yielded);
  for (auto [result, replacement] : llvm::zip(results, part.getResults()))
    outer.map(result, replacement);
  return part;
}

/// Splits a layer in front of a max-pool of its own spikes: the pool reads
/// words of neighbouring positions, which must be complete.
static SmallVector<FusedOp> splitAtPool(FusedOp layer) {
  MaxPoolOp pool;
  for (auto op : layer.getBody().front().getOps<MaxPoolOp>())
    if (op.getInput().getDefiningOp<NeuronOpInterface>())
      pool = op;
  if (!pool)
    return {layer};
  IRMapping outer;
  for (auto [argument, input] :
       llvm::zip(layer.getBody().getArguments(), layer.getInputs()))
    outer.map(argument, input);
  SmallVector<Operation *> before, after;
  for (Operation &op : layer.getBody().front().without_terminator())
    (op.isBeforeInBlock(pool) ? before : after).push_back(&op);
  SmallVector<Value> passed = {pool.getInput()}, final;
  for (Value value : layer.getYield().getValues())
    if (value.getDefiningOp()->isBeforeInBlock(pool)) {
      if (!llvm::is_contained(passed, value))
        passed.push_back(value);
    } else {
      final.push_back(value);
    }
  FusedOp first = makePart(layer, before, passed, outer);
  FusedOp second = makePart(layer, after, final, outer);
  SmallVector<Value> replacements;
  for (Value value : layer.getYield().getValues())
    replacements.push_back(outer.lookup(value));
  layer.replaceAllUsesWith(replacements);
  layer.erase();
  return {first, second};
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

namespace {

class KernelLibrary {
public:
  explicit KernelLibrary(ModuleOp module) : module(module) {}

  /// The kernel of that key, emitted on first use.
  FailureOr<func::FuncOp>
  get(const std::string &key, StringRef name, TypeRange types, Location loc,
      llvm::function_ref<LogicalResult(func::FuncOp)> emit) {
    func::FuncOp &kernel = kernels[key];
    if (kernel)
      return kernel;
    OpBuilder b(module.getBodyRegion());
    b.setInsertionPointToEnd(module.getBody());
    kernel = func::FuncOp::create(
        b, loc, ("kernel_" + Twine(kernels.size() - 1) + "_" + name).str(),
        b.getFunctionType(types, {}));
    kernel.setPrivate();
    kernel.addEntryBlock();
    b.setInsertionPointToEnd(&kernel.getBody().front());
    func::ReturnOp::create(b, loc);
    if (failed(emit(kernel)))
      return failure();
    return kernel;
  }

  size_t size() const { return kernels.size(); }

private:
  ModuleOp module;
  llvm::StringMap<func::FuncOp> kernels;
};

/// Text that is equal for layers which one kernel can run.
std::string getKey(FusedOp layer) {
  std::string key;
  llvm::raw_string_ostream os(key);
  os << layer.getStrategy().value_or("") << layer.getInputs().getTypes();
  for (Operation &op : layer.getBody().front()) {
    os << '\n';
    SmallVector<StringRef> notes;
    for (NamedAttribute attribute : op.getDiscardableAttrs())
      notes.push_back(attribute.getName());
    Operation *copy = op.clone();
    for (StringRef note : notes)
      copy->removeDiscardableAttr(note);
    // Operands by number: the clone stands in no block.
    os << copy->getName() << copy->getAttrDictionary()
       << copy->getResultTypes();
    for (Value operand : op.getOperands()) {
      if (auto argument = dyn_cast<BlockArgument>(operand))
        os << " a" << argument.getArgNumber();
      else
        os << " o"
           << std::distance(layer.getBody().front().begin(),
                            operand.getDefiningOp()->getIterator())
           << "." << cast<OpResult>(operand).getResultNumber();
    }
    copy->destroy();
    for (Region &region : op.getRegions())
      for (Operation &nested : region.getOps())
        os << '\n' << nested;
  }
  return key;
}

/// What a layer computes first, constants and storage aside.
StringRef getMainName(FusedOp layer) {
  for (Operation &op : layer.getBody().front())
    if (!op.hasTrait<::mlir::OpTrait::ConstantLike>() && !isa<UnpackOp>(op))
      return op.getName().stripDialect();
  return "empty";
}

class KernelGenerator {
public:
  KernelGenerator(ModuleOp module) : kernels(module) {}

  LogicalResult generate(FusedOp layer) {
    for (FusedOp part : splitAtPool(layer))
      if (failed(generatePart(part)))
        return failure();
    return success();
  }

  LogicalResult generate(PackOp op) {
    return convert(op, "pack", [&](func::FuncOp kernel) {
      emitPackKernel(op, kernel);
      return success();
    });
  }

  LogicalResult generate(UnpackOp op) {
    return convert(op, "unpack", [&](func::FuncOp kernel) {
      emitUnpackKernel(op, kernel);
      return success();
    });
  }

  size_t getNumKernels() const { return kernels.size(); }
  int64_t numDispatches = 0;

private:
  /// Argument types of a kernel: the buffers of `values`, then of `results`.
  static SmallVector<Type> bufferTypes(ValueRange values, TypeRange results) {
    SmallVector<Type> types;
    for (Type type : values.getTypes())
      types.push_back(getBufferType(cast<RankedTensorType>(type)));
    for (Type type : results)
      types.push_back(getBufferType(cast<RankedTensorType>(type)));
    return types;
  }

  DispatchOp dispatch(OpBuilder &b, Location loc, func::FuncOp kernel,
                      ValueRange inputs, TypeRange results) {
    SmallVector<Value> outputs;
    for (Type type : results) {
      auto tensor = cast<RankedTensorType>(type);
      outputs.push_back(tensor::EmptyOp::create(b, loc, tensor.getShape(),
                                                tensor.getElementType(),
                                                tensor.getEncoding()));
    }
    ++numDispatches;
    return DispatchOp::create(b, loc, results,
                              FlatSymbolRefAttr::get(kernel.getSymNameAttr()),
                              inputs, outputs);
  }

  LogicalResult convert(Operation *op, StringRef name,
                        llvm::function_ref<LogicalResult(func::FuncOp)> emit) {
    OpBuilder b(op);
    std::string key;
    llvm::raw_string_ostream(key)
        << name << op->getOperandTypes() << op->getResultTypes();
    FailureOr<func::FuncOp> kernel = kernels.get(
        key, name, bufferTypes(op->getOperands(), op->getResultTypes()),
        op->getLoc(), emit);
    if (failed(kernel))
      return failure();
    op->replaceAllUsesWith(dispatch(b, op->getLoc(), *kernel, op->getOperands(),
                                    op->getResultTypes()));
    op->erase();
    return success();
  }

  /// The intermediate of an attention core, made by a kernel of its own.
  FailureOr<Value> generateProduct(OpBuilder &b, Location loc,
                                   const AttentionCore &core, Value left,
                                   Value right) {
    RankedTensorType type = core.getProductType();
    std::string key;
    llvm::raw_string_ostream os(key);
    os << "product " << static_cast<int>(core.order) << ' ' << core.heads << ' '
       << core.scaleFirst << ' ' << core.scale << left.getType() << type;
    StringRef name =
        core.order == Association::KVFirst ? "attention_kv" : "attention_qk";
    FailureOr<func::FuncOp> kernel = kernels.get(
        key, name, bufferTypes({left, right}, {type}), loc,
        [&](func::FuncOp function) {
          KernelBuilder builder(loc, function.getContext());
          builder.setInsertionPointToStart(&function.getBody().front());
          emitFirstProduct(builder, core, function);
          return success();
        });
    if (failed(kernel))
      return failure();
    return dispatch(b, loc, *kernel, {left, right}, {type})->getResult(0);
  }

  /// The order in which a layer walks its positions, made once for all layers
  /// that read the same input in the same tiles.
  FailureOr<Value> generateOrder(OpBuilder &b, Location loc,
                                 const PositionOrder &order, Value input) {
    std::string key;
    llvm::raw_string_ostream os(key);
    const TileGeometry &g = order.geometry;
    SynapseOpInterface op = g.op;
    os << "order " << input.getType() << order.getType() << ' '
       << order.firstPlane;
    for (int64_t number : {g.height,
                           g.width,
                           g.rows,
                           g.columns,
                           g.sizeY,
                           g.sizeX,
                           g.windowY.size,
                           g.windowY.stride,
                           g.windowY.padding,
                           g.windowX.size,
                           g.windowX.stride,
                           g.windowX.padding,
                           g.steps,
                           g.margin,
                           g.pitch,
                           op.getWindow().first,
                           op.getWindow().second,
                           op.getWindowStride().first,
                           op.getWindowPadding().first,
                           op.getWindowPadding().second})
      os << ' ' << number;
    Value &made = orders[{input.getAsOpaquePointer(), key}];
    if (made)
      return made;
    FailureOr<func::FuncOp> kernel =
        kernels.get(key, "order", bufferTypes({input}, {order.getType()}), loc,
                    [&](func::FuncOp function) {
                      emitPositionOrder(order, function);
                      return success();
                    });
    if (failed(kernel))
      return failure();
    made = dispatch(b, loc, *kernel, {input}, {order.getType()})->getResult(0);
    return made;
  }

  LogicalResult generatePart(FusedOp layer) {
    OpBuilder b(layer);
    Location loc = layer.getLoc();
    Block &body = layer.getBody().front();
    auto outside = [&](Value value) {
      return layer.getInputs()[cast<BlockArgument>(value).getArgNumber()];
    };
    auto maps = body.getOps<AttentionMapOp>();
    if (!maps.empty()) {
      AttentionMapOp map = *maps.begin();
      FailureOr<Value> product =
          generateProduct(b, loc, AttentionCore(map), outside(map.getQuery()),
                          outside(map.getKey()));
      if (failed(product))
        return failure();
      layer.replaceAllUsesWith(ValueRange{*product});
      layer.erase();
      return success();
    }

    SmallVector<Value> inputs;
    for (BlockArgument argument : body.getArguments())
      inputs.push_back(prepareInput(b, layer, argument));
    auto cores = body.getOps<SSAOp>();
    if (!cores.empty()) {
      SSAOp op = *cores.begin();
      AttentionCore core(op);
      bool kvFirst = core.order == Association::KVFirst;
      FailureOr<Value> product = generateProduct(
          b, loc, core, outside(kvFirst ? op.getKey() : op.getQuery()),
          outside(kvFirst ? op.getValue() : op.getKey()));
      if (failed(product))
        return failure();
      inputs.push_back(*product);
    }
    if (std::optional<PositionOrder> order = getPositionOrder(layer)) {
      FailureOr<Value> made = generateOrder(
          b, loc, *order, outside(layer.getSynapse().getSynapseInput()));
      if (failed(made))
        return failure();
      inputs.push_back(*made);
    }
    FailureOr<func::FuncOp> kernel =
        kernels.get(getKey(layer), getMainName(layer),
                    bufferTypes(inputs, layer.getResultTypes()), loc,
                    [&](func::FuncOp function) {
                      return emitLayerKernel(layer, function);
                    });
    if (failed(kernel))
      return failure();
    layer.replaceAllUsesWith(
        dispatch(b, loc, *kernel, inputs, layer.getResultTypes()));
    layer.erase();
    return success();
  }

  /// The input as the kernel reads it: weights in rows of 64 output channels.
  static Value prepareInput(OpBuilder &b, FusedOp layer,
                            BlockArgument argument) {
    Value input = layer.getInputs()[argument.getArgNumber()];
    auto type = cast<RankedTensorType>(input.getType());
    auto padded = [](int64_t channels) {
      return llvm::divideCeil(channels, kLanes);
    };
    switch (getInputRole(argument)) {
    case InputRole::Activation:
      return input;
    case InputRole::PerChannel:
      return PadChannelsOp::create(
          b, layer.getLoc(),
          type.clone(
              {static_cast<int64_t>(padded(type.getDimSize(0))) * kLanes}),
          input);
    case InputRole::Weight:
      return packWeights(b, layer, input);
    }
    llvm_unreachable("unknown role");
  }

  KernelLibrary kernels;
  std::map<std::pair<void *, std::string>, Value> orders;
};

struct GenerateKernelsPass
    : spk::impl::GenerateKernelsBase<GenerateKernelsPass> {
  using Base::Base;

  void runOnOperation() final {
    KernelGenerator generator(getOperation());
    SmallVector<Operation *> layers;
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<FusedOp, PackOp, UnpackOp>(op)) {
        layers.push_back(op);
        return WalkResult::skip();
      }
      return WalkResult::advance();
    });
    for (Operation *op : layers) {
      LogicalResult result = success();
      if (auto fused = dyn_cast<FusedOp>(op))
        result = generator.generate(fused);
      else if (auto pack = dyn_cast<PackOp>(op))
        result = generator.generate(pack);
      else
        result = generator.generate(cast<UnpackOp>(op));
      if (failed(result))
        return signalPassFailure();
    }
    numKernels += generator.getNumKernels();
    numDispatches += generator.numDispatches;
  }
};

} // namespace
