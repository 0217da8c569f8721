//===- LaneEmitter.cpp - values of a layer at 64 channels
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "spk/CodeGen/AttentionKernel.h"
#include "spk/CodeGen/SynapseStrategy.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::spk;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Reading and writing
//===----------------------------------------------------------------------===//

SmallVector<Value> LaneEmitter::indicesOf(RankedTensorType type,
                                          const Position &at) {
  SmallVector<Value> indices = {type.getDimSize(0) == 1 ? b.index(0) : at.t,
                                at.b};
  for (auto [axis, index] : llvm::enumerate(at.axes))
    indices.push_back(type.getDimSize(2 + axis) == 1 ? b.index(0) : index);
  return indices;
}

FailureOr<Lanes> LaneEmitter::emitArgument(BlockArgument argument,
                                           const Position &at) {
  Value buffer = buffers.lookup(argument);
  RankedTensorType type = typeOf(argument);
  SmallVector<Value> indices = indicesOf(type, at);
  if (type.getElementType().isF32())
    return Lanes::ofVector(
        b.loadLanes(buffer, indices, at.block, type.getShape().back()));
  SmallVector<Value> planes;
  int64_t count = cast<MemRefType>(buffer.getType()).getShape().back();
  for (int64_t plane = 0; plane < count; ++plane) {
    SmallVector<Value> word(indices);
    word.append({at.block, b.index(plane)});
    planes.push_back(memref::LoadOp::create(b, buffer, word));
  }
  return Lanes::ofWords(std::move(planes));
}

void LaneEmitter::store(const Lanes &lanes, Value value, Value buffer,
                        const Position &at) {
  RankedTensorType type = typeOf(value);
  SmallVector<Value> indices = indicesOf(type, at);
  if (type.getElementType().isF32()) {
    b.storeLanes(lanes.vector, buffer, indices, at.block,
                 type.getShape().back());
    return;
  }
  int64_t count = cast<MemRefType>(buffer.getType()).getShape().back();
  for (int64_t plane = 0; plane < count; ++plane) {
    SmallVector<Value> word(indices);
    word.append({at.block, b.index(plane)});
    Value bits = plane < static_cast<int64_t>(lanes.planes.size())
                     ? lanes.planes[plane]
                     : b.word(0);
    memref::StoreOp::create(b, bits, buffer, word);
  }
}

Value LaneEmitter::loadPerChannel(Value argument, Value block) {
  return vector::LoadOp::create(b, b.floatLanes(), buffers.lookup(argument),
                                ValueRange{b.mulIndex(block, kLanes)});
}

Value LaneEmitter::toFloat(const Lanes &lanes) {
  if (lanes.vector)
    return lanes.vector;
  if (lanes.planes.size() == 1)
    return arith::SelectOp::create(b, b.wordToMask(lanes.planes[0]),
                                   b.splat(1.0f), b.splat(0.0f));
  Value sum = b.zeroLanes(b.getI32Type());
  for (auto [plane, word] : llvm::enumerate(lanes.planes)) {
    Value weight = arith::ConstantOp::create(
        b, DenseElementsAttr::get(b.lanes(b.getI32Type()),
                                  b.getI32IntegerAttr(1 << plane)));
    Value bits = arith::SelectOp::create(b, b.wordToMask(word), weight,
                                         b.zeroLanes(b.getI32Type()));
    sum = arith::OrIOp::create(b, sum, bits);
  }
  return arith::SIToFPOp::create(b, b.floatLanes(), sum);
}

Lanes LaneEmitter::toPlanes(Value lanes, Value packed) {
  int64_t planes = cast<PackedAttr>(typeOf(packed).getEncoding()).getPlanes();
  VectorType type = b.lanes(b.getI32Type());
  Value integers = arith::FPToSIOp::create(b, type, lanes);
  SmallVector<Value> words;
  for (int64_t plane = 0; plane < planes; ++plane) {
    Value weight = arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, b.getI32IntegerAttr(1 << plane)));
    Value isSet = arith::CmpIOp::create(
        b, arith::CmpIPredicate::ne, arith::AndIOp::create(b, integers, weight),
        b.zeroLanes(b.getI32Type()));
    words.push_back(b.maskToWord(isSet));
  }
  return Lanes::ofWords(std::move(words));
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

FailureOr<Lanes> LaneEmitter::emit(Value value, const Position &at) {
  if (auto it = fixed.find(value); it != fixed.end())
    return it->second;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return emitArgument(argument, at);
  Operation *op = value.getDefiningOp();
  return TypeSwitch<Operation *, FailureOr<Lanes>>(op)
      .Case<SynapseOpInterface>([&](auto op) { return emitSynapse(op, at); })
      .Case([&](ScaleShiftOp op) { return emitScaleShift(op, at); })
      .Case([&](RepeatOp op) {
        Position first = at;
        first.t = b.index(0);
        return emit(op.getInput(), first);
      })
      .Case([&](MaxPoolOp op) { return emitMaxPool(op, at); })
      .Case([&](AddOp op) { return emitAdd(op, at); })
      .Case([&](MeanOp op) { return emitMean(op, at); })
      .Case([&](UnpackOp op) { return emit(op.getInput(), at); })
      .Case([&](SSAOp op) { return emitAttention(op, at); })
      .Case([&](MatmulOp op) { return emitMatmul(op, at); })
      .Case([&](CountOp op) { return emitCount(op, at); })
      .Case([&](GateOp op) { return emitGate(op, at); })
      .Case([&](SubStepsOp op) { return emitSubSteps(op, at); })
      .Case([&](AccumulateOp op) { return emitAccumulate(op, at); })
      .Default([&](Operation *op) { return emitElementwise(op, at); });
}

FailureOr<Lanes> LaneEmitter::emitSynapse(SynapseOpInterface op,
                                          const Position &at) {
  Value sum;
  if (sums) {
    Value t = typeOf(op->getResult(0)).getDimSize(0) == 1 ? b.index(0) : at.t;
    sum = b.loadRow(sums->sums, {sums->getSumIndex(b, t, at.axes)});
  } else {
    FailureOr<const SynapseStrategy *> strategy = getStrategy(op);
    if (failed(strategy))
      return failure();
    sum = (*strategy)->emitSum(b, {op, buffers.lookup(op.getSynapseInput()),
                                   buffers.lookup(op.getSynapseWeight()), at.t,
                                   at.b, at.block, at.axes});
  }
  if (Value bias = op.getSynapseBias())
    sum = arith::AddFOp::create(b, sum, loadPerChannel(bias, at.block));
  return Lanes::ofVector(sum);
}

FailureOr<const SynapseStrategy *>
LaneEmitter::getStrategy(SynapseOpInterface op) {
  StringAttr name = cast<FusedOp>(op->getParentOp()).getStrategyAttr();
  const SynapseStrategy *strategy =
      name ? lookupSynapseStrategy(name.getValue()) : nullptr;
  if (strategy && op.getSummation() && strategy->realises(op.getSummation()) &&
      strategy->suits(SynapseInputs(op)))
    return strategy;
  op->emitOpError("needs a strategy that realises its sum; run "
                  "spk-select-strategies");
  return failure();
}

FailureOr<Lanes> LaneEmitter::emitScaleShift(ScaleShiftOp op,
                                             const Position &at) {
  FailureOr<Lanes> input = emit(op.getInput(), at);
  if (failed(input))
    return failure();
  Value scaled = arith::MulFOp::create(b, input->vector,
                                       loadPerChannel(op.getScale(), at.block));
  return Lanes::ofVector(arith::AddFOp::create(
      b, scaled, loadPerChannel(op.getShift(), at.block)));
}

FailureOr<Lanes> LaneEmitter::emitAttention(SSAOp op, const Position &at) {
  AttentionCore core(op);
  Value operand =
      core.order == Association::KVFirst ? op.getQuery() : op.getValue();
  return Lanes::ofVector(emitSecondProduct(b, core, product,
                                           buffers.lookup(operand), at.t, at.b,
                                           at.axes.front(), at.block));
}

/// Whether a value of the layer has several readers, all of them arithmetic
/// that reads it where it writes.
static bool isReadInPlace(Value value) {
  return value.getDefiningOp() && !value.hasOneUse() &&
         llvm::all_of(value.getUsers(), [](Operation *user) {
           return user->hasTrait<::mlir::OpTrait::Elementwise>();
         });
}

FailureOr<Lanes> LaneEmitter::emitElementwise(Operation *op,
                                              const Position &at) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto splat = dyn_cast<SplatElementsAttr>(constant.getValue());
    if (splat && splat.getElementType().isF32())
      return Lanes::ofVector(b.splat(splat.getSplatValue<float>()));
    if (splat && splat.getElementType().isInteger(1))
      return Lanes::ofWords(
          {splat.getSplatValue<bool>()
               ? b.validLanes(at.block, typeOf(constant).getShape().back())
               : b.word(0)});
  }
  if (isa<arith::UIToFPOp, arith::SIToFPOp>(op)) {
    FailureOr<Lanes> input = emit(op->getOperand(0), at);
    if (failed(input))
      return failure();
    return Lanes::ofVector(toFloat(*input));
  }
  // Bitwise operations keep the bits past the last channel zero.
  Type element = getElementTypeOrSelf(op->getResult(0));
  bool isBitwise = isa<arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op) &&
                   element.isInteger(1);
  if (!op->hasTrait<::mlir::OpTrait::Elementwise>() ||
      !(element.isF32() || isBitwise)) {
    op->emitOpError("has no native code; see spk-run --interpret");
    return failure();
  }
  SmallVector<Value> operands, shared;
  for (Value operand : op->getOperands()) {
    FailureOr<Lanes> lanes = emit(operand, at);
    if (failed(lanes))
      return failure();
    operands.push_back(isBitwise ? lanes->planes[0] : toFloat(*lanes));
    // Other operands may be made of this one, at the same position.
    if (isReadInPlace(operand) && fixed.try_emplace(operand, *lanes).second)
      shared.push_back(operand);
  }
  for (Value operand : shared)
    fixed.erase(operand);
  OperationState state(op->getLoc(), op->getName());
  state.addOperands(operands);
  state.addTypes(isBitwise ? Type(b.getI64Type()) : Type(b.floatLanes()));
  state.addAttributes(llvm::to_vector(op->getDiscardableAttrs()));
  state.propertiesAttr = op->getPropertiesAsAttribute();
  Value result = b.create(state)->getResult(0);
  return isBitwise ? Lanes::ofWords({result}) : Lanes::ofVector(result);
}
