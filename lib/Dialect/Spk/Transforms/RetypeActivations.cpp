//===- RetypeActivations.cpp - another size of one axis -------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RetypeActivations.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::spk;

static RankedTensorType typeOf(Value value) {
  return dyn_cast<RankedTensorType>(value.getType());
}

bool spk::isLayer(Operation *op) {
  return op->hasTrait<spk::OpTrait::TimeWise>() ||
         isa<NeuronOpInterface, MeanOp, RepeatOp, SPSOp, SubStepsOp,
             AccumulateOp>(op);
}

/// Operands of a layer that have time and batch axes.
static SmallVector<OpOperand *> getActivations(Operation *op) {
  if (auto channels = dyn_cast<ChannelAxisOpInterface>(op))
    return channels.getLayoutOperands();
  if (isa<SPSOp>(op))
    return {&op->getOpOperand(0)};
  return llvm::map_to_vector(op->getOpOperands(),
                             [](OpOperand &operand) { return &operand; });
}

std::optional<int64_t> AxisResizer::getAxis(Value value) const {
  auto it = axes.find(value);
  return it == axes.end() ? std::nullopt : std::make_optional(it->second);
}

LogicalResult AxisResizer::fail(const Twine &why) {
  reason = why.str();
  return failure();
}

LogicalResult AxisResizer::resizeValue(Value value, int64_t axis,
                                       int64_t subSteps) {
  RankedTensorType type = typeOf(value);
  if (!type || axis >= type.getRank() ||
      type.getDimSize(axis) != from * subSteps)
    return fail("has no " + name + " axis of size " + Twine(from * subSteps));
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = to * subSteps;
  if (subSteps != 1)
    subStepsOf[value] = subSteps;
  int64_t elements = 1;
  for (int64_t size : shape)
    if (llvm::MulOverflow(elements, size, elements))
      return fail("has too many elements");
  value.setType(type.clone(shape));
  axes[value] = axis;
  return success();
}

LogicalResult AxisResizer::resizeOperand(OpOperand &operand, int64_t axis) {
  Value value = operand.get();
  if (std::optional<int64_t> known = getAxis(value))
    return *known == axis ? success()
                          : fail("has the " + name + " axis in two places");
  RankedTensorType type = typeOf(value);
  if (!type || axis >= type.getRank())
    return fail("has an operand without " + name + " axis");
  if (type.getDimSize(axis) == to)
    return success();

  OpBuilder builder(operand.getOwner());
  Location loc = value.getLoc();
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = to;
  RankedTensorType newType = type.clone(shape);
  auto makeEmpty = [&]() -> Value {
    return tensor::EmptyOp::create(builder, loc, shape, type.getElementType(),
                                   type.getEncoding());
  };
  Operation *producer = value.getDefiningOp();
  DenseElementsAttr splat;
  if (auto constant = dyn_cast_or_null<arith::ConstantOp>(producer))
    splat = dyn_cast<SplatElementsAttr>(constant.getValue());
  auto broadcast = dyn_cast_or_null<linalg::BroadcastOp>(producer);
  Value resized;
  if (splat) {
    resized =
        arith::ConstantOp::create(builder, loc, splat.resizeSplat(newType));
  } else if (isa_and_nonnull<tensor::EmptyOp>(producer)) {
    resized = makeEmpty();
  } else if (broadcast && llvm::is_contained(broadcast.getDimensions(), axis)) {
    resized =
        linalg::BroadcastOp::create(builder, loc, broadcast.getInput(),
                                    makeEmpty(), broadcast.getDimensions())
            ->getResult(0);
  } else if (type.getDimSize(axis) == 1 && type.getRank() > 1) {
    // Computed from weights only, so it is the same for every sample.
    SmallVector<ReassociationIndices> groups;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      bool joins = axis == 0 ? i == 1 : i == axis;
      if (joins)
        groups.back().push_back(i);
      else
        groups.push_back({i});
    }
    Value row = tensor::CollapseShapeOp::create(builder, loc, value, groups);
    resized = linalg::BroadcastOp::create(builder, loc, row, makeEmpty(),
                                          ArrayRef<int64_t>{axis})
                  ->getResult(0);
  } else {
    return fail("combines the " + name + " axis with a value of fixed size");
  }
  operand.set(resized);
  if (producer)
    replaced.insert(producer);
  return success();
}

void AxisResizer::eraseReplaced() {
  for (Operation *producer : replaced)
    if (isOpTriviallyDead(producer))
      producer->erase();
  replaced.clear();
}

LogicalResult AxisResizer::resize(Operation *op) {
  auto isResized = [&](Value value) { return axes.contains(value); };
  bool captures = false;
  for (Region &region : op->getRegions())
    visitUsedValuesDefinedAbove(region, region, [&](OpOperand *operand) {
      captures |= isResized(operand->get());
    });
  if (captures)
    return fail("reads the " + name + " axis inside its region");
  if (llvm::none_of(op->getOperands(), isResized) ||
      op->hasTrait<mlir::OpTrait::IsTerminator>())
    return success();
  if (isLayer(op))
    return resizeLayer(op);
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](tensor::CollapseShapeOp op) { return resizeCollapse(op); })
      .Case([&](tensor::ExpandShapeOp op) { return resizeExpand(op); })
      .Case([&](tensor::ExtractSliceOp op) { return resizeExtract(op); })
      .Case([&](tensor::InsertSliceOp op) { return resizeInsert(op); })
      .Case([&](tensor::ConcatOp op) { return resizeConcat(op); })
      .Case([&](linalg::LinalgOp op) { return resizeLinalg(op); })
      .Default([&](Operation *op) {
        if (op->hasTrait<mlir::OpTrait::Elementwise>())
          return resizeElementwise(op);
        return fail("is not known to keep the " + name + " axis");
      });
}

LogicalResult AxisResizer::resizeLayer(Operation *op) {
  SmallVector<OpOperand *> activations = getActivations(op);
  for (OpOperand &operand : op->getOpOperands()) {
    std::optional<int64_t> axis = getAxis(operand.get());
    bool isActivation = llvm::is_contained(activations, &operand);
    if (axis && (*axis != layerAxis || !isActivation))
      return fail("does not have the " + name + " axis where layers have it");
    if (!axis && isActivation && failed(resizeOperand(operand, layerAxis)))
      return failure();
  }
  auto mean = dyn_cast<MeanOp>(op);
  if (mean && llvm::is_contained(mean.getAxes(), layerAxis))
    return fail("averages over the " + name + " axis");
  // Sub-steps multiply the steps until they are accumulated; between there are
  // synapses, whose first activation decides.
  int64_t subSteps = subStepsOf.lookup_or(activations.front()->get(), 1);
  if (layerAxis == 0) {
    if (auto expand = dyn_cast<SubStepsOp>(op))
      subSteps *= expand.getLevels();
    else if (auto accumulate = dyn_cast<AccumulateOp>(op))
      subSteps /= accumulate.getLevels();
  }
  for (Value result : op->getResults())
    if (failed(resizeValue(result, layerAxis, subSteps)))
      return failure();
  return success();
}

LogicalResult AxisResizer::resizeElementwise(Operation *op) {
  std::optional<int64_t> axis;
  for (Value operand : op->getOperands())
    if (!axis)
      axis = getAxis(operand);
  for (OpOperand &operand : op->getOpOperands())
    if (typeOf(operand.get()) && failed(resizeOperand(operand, *axis)))
      return failure();
  for (Value result : op->getResults())
    if (failed(resizeValue(result, *axis)))
      return failure();
  return success();
}

LogicalResult AxisResizer::resizeLinalg(linalg::LinalgOp op) {
  // The loop that runs over the axis.
  std::optional<unsigned> loop;
  for (OpOperand &operand : op->getOpOperands()) {
    std::optional<int64_t> axis = getAxis(operand.get());
    if (!axis)
      continue;
    auto expr = dyn_cast<AffineDimExpr>(
        op.getMatchingIndexingMap(&operand).getResult(*axis));
    if (!expr || (loop && *loop != expr.getPosition()))
      return fail("mixes the " + name + " axis with another");
    loop = expr.getPosition();
  }
  if (op.getIteratorTypesArray()[*loop] != utils::IteratorType::parallel)
    return fail("reduces over the " + name + " axis");
  WalkResult indexed = op->walk([&](linalg::IndexOp index) {
    return index.getDim() == *loop ? WalkResult::interrupt()
                                   : WalkResult::advance();
  });
  if (indexed.wasInterrupted())
    return fail("depends on the position along the " + name + " axis");
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    bool found = false;
    for (auto [i, expr] : llvm::enumerate(map.getResults())) {
      if (!expr.isFunctionOfDim(*loop))
        continue;
      if (!isa<AffineDimExpr>(expr) || found)
        return fail("mixes the " + name + " axis with another");
      found = true;
      if (failed(resizeOperand(operand, i)))
        return failure();
    }
    if (!op.isDpsInit(&operand))
      continue;
    if (!found)
      return fail("mixes the " + name + " axis with another");
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (expr.isFunctionOfDim(*loop) &&
          failed(resizeValue(op.getTiedOpResult(&operand), i)))
        return failure();
  }
  return success();
}

LogicalResult AxisResizer::resizeCollapse(tensor::CollapseShapeOp op) {
  int64_t axis = *getAxis(op.getSrc());
  for (auto [i, group] : llvm::enumerate(op.getReassociationIndices())) {
    if (!llvm::is_contained(group, axis))
      continue;
    for (int64_t other : group)
      if (other != axis && op.getSrcType().getDimSize(other) != 1)
        return fail("merges the " + name + " axis with another");
    return resizeValue(op.getResult(), i);
  }
  return fail("drops the " + name + " axis");
}

LogicalResult AxisResizer::resizeExpand(tensor::ExpandShapeOp op) {
  ReassociationIndices group =
      op.getReassociationIndices()[*getAxis(op.getSrc())];
  RankedTensorType type = op.getResultType();
  // Of several unit axes, the one where layers have it.
  int64_t axis = llvm::is_contained(group, layerAxis) ? layerAxis : group[0];
  for (int64_t i : group)
    if (type.getDimSize(i) != 1)
      axis = i;
  if (type.getDimSize(axis) != from)
    return fail("splits the " + name + " axis");
  if (failed(resizeValue(op.getResult(), axis)))
    return failure();
  op.setStaticOutputShape(op.getResultType().getShape());
  return success();
}

bool AxisResizer::isWholeSlice(ArrayRef<int64_t> offsets,
                               ArrayRef<int64_t> sizes,
                               ArrayRef<int64_t> strides, int64_t axis) const {
  return offsets[axis] == 0 && sizes[axis] == from && strides[axis] == 1;
}

LogicalResult AxisResizer::resizeExtract(tensor::ExtractSliceOp op) {
  int64_t axis = *getAxis(op.getSource());
  llvm::SmallBitVector dropped = op.getDroppedDims();
  if (dropped[axis] || !isWholeSlice(op.getStaticOffsets(), op.getStaticSizes(),
                                     op.getStaticStrides(), axis))
    return fail("cuts the " + name + " axis");
  SmallVector<int64_t> sizes(op.getStaticSizes());
  sizes[axis] = to;
  op.setStaticSizes(sizes);
  int64_t before = 0;
  for (int64_t i = 0; i < axis; ++i)
    before += dropped[i];
  return resizeValue(op.getResult(), axis - before);
}

LogicalResult AxisResizer::resizeInsert(tensor::InsertSliceOp op) {
  if (op.getSourceType().getRank() != op.getDestType().getRank())
    return fail("is not known to keep the " + name + " axis");
  std::optional<int64_t> axis = getAxis(op.getSource());
  if (!axis)
    axis = getAxis(op.getDest());
  if (!isWholeSlice(op.getStaticOffsets(), op.getStaticSizes(),
                    op.getStaticStrides(), *axis))
    return fail("cuts the " + name + " axis");
  if (failed(resizeOperand(op.getSourceMutable(), *axis)) ||
      failed(resizeOperand(op.getDestMutable(), *axis)))
    return failure();
  SmallVector<int64_t> sizes(op.getStaticSizes());
  sizes[*axis] = to;
  op.setStaticSizes(sizes);
  return resizeValue(op.getResult(), *axis);
}

LogicalResult AxisResizer::resizeConcat(tensor::ConcatOp op) {
  std::optional<int64_t> axis;
  for (Value input : op.getInputs())
    if (!axis)
      axis = getAxis(input);
  if (static_cast<int64_t>(op.getDim()) == *axis)
    return fail("concatenates along the " + name + " axis");
  for (OpOperand &operand : op->getOpOperands())
    if (failed(resizeOperand(operand, *axis)))
      return failure();
  return resizeValue(op.getResult(), *axis);
}

NeuronOpInterface spk::rebuildNeuron(OpBuilder &builder,
                                     NeuronOpInterface neuron, Value current,
                                     ValueRange initialStates, bool finalStates,
                                     bool membrane) {
  auto currentType = cast<RankedTensorType>(current.getType());
  SmallVector<int64_t> stateShape(currentType.getShape());
  stateShape[0] = 1;
  // Operands, results and segment sizes are those of Spk_NeuronOp.
  OperationState state(neuron->getLoc(), neuron->getName());
  state.addOperands(current);
  state.addOperands(initialStates);
  state.addTypes(
      currentType.clone(getElementTypeOrSelf(neuron.getFired().getType())));
  int32_t numStates = finalStates ? neuron.getRestingStates().size() : 0;
  state.addTypes(SmallVector<Type>(numStates, currentType.clone(stateShape)));
  if (membrane)
    state.addTypes(currentType);
  NamedAttrList properties(
      cast<DictionaryAttr>(neuron->getPropertiesAsAttribute()));
  properties.set("resultSegmentSizes",
                 builder.getDenseI32ArrayAttr({1, numStates, membrane}));
  state.propertiesAttr = properties.getDictionary(builder.getContext());
  state.addAttributes(llvm::to_vector(neuron->getDiscardableAttrs()));
  for (Region &region : neuron->getRegions()) {
    IRMapping mapping;
    region.cloneInto(state.addRegion(), mapping);
  }
  return cast<NeuronOpInterface>(builder.create(state));
}
