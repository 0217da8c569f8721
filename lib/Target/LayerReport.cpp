//===- LayerReport.cpp - what became of every layer
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Target/LayerReport.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "spk/CodeGen/CostModel.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::spk;

/// Set by the passes that choose association and sum.
static constexpr StringLiteral kWhyAssociation = "spk.why_association";
static constexpr StringLiteral kWhySum = "spk.why_sum";
/// Set by the pass that runs integer spikes as binary sub-steps.
static constexpr StringLiteral kWhyIntegers = "spk.why_integers";

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

static std::string describe(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return "?";
  std::string text;
  llvm::raw_string_ostream os(text);
  for (int64_t size : tensor.getShape())
    os << size << 'x';
  os << tensor.getElementType();
  if (auto packed = dyn_cast_or_null<PackedAttr>(tensor.getEncoding())) {
    os << " packed";
    if (packed.getPlanes() > 1)
      os << " in " << packed.getPlanes() << " planes";
  }
  return text;
}

static uint64_t getBytes(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape())
    return 0;
  if (SpikeEncodingAttrInterface encoding = getSpikeEncoding(tensor))
    return encoding.getStorageBytes(tensor);
  uint64_t bits = tensor.getElementType().isIntOrFloat()
                      ? tensor.getElementTypeBitWidth()
                      : 64;
  return tensor.getNumElements() * ((bits + 7) / 8);
}

static bool isFloat(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

/// Whether a value is known at compile time: a weight, or derived from weights.
static bool isWeight(Value value) {
  SmallVector<Value> pending = {value};
  llvm::SmallPtrSet<Operation *, 8> seen;
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    if (!op || op->getNumRegions())
      return false;
    if (!seen.insert(op).second)
      continue;
    bool source = isa<ml_program::GlobalLoadConstOp>(op) ||
                  op->hasTrait<::mlir::OpTrait::ConstantLike>();
    if (!source && op->getNumOperands() == 0)
      return false;
    pending.append(op->operand_begin(), op->operand_end());
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

static std::string describeFused(Block &body) {
  SmallVector<StringRef> parts;
  for (Operation &op : body.without_terminator()) {
    if (op.hasTrait<::mlir::OpTrait::ConstantLike>())
      continue;
    StringRef name = op.getName().stripDialect();
    parts.push_back(llvm::StringSwitch<StringRef>(name)
                        .Cases({"batch_norm", "scale_shift"}, "norm")
                        .Case("max_pool", "pool")
                        .Case("ssa", "attention")
                        .Default(name));
  }
  return llvm::join(parts, "+");
}

static std::string describe(SumAttr sum) {
  if (!sum)
    return "";
  std::string text = stringifySumKind(sum.getKind()).str();
  if (sum.getGroup())
    text += " " + std::to_string(sum.getGroup());
  if (sum.getGroupedPlanes())
    text += " " + std::to_string(sum.getGroupedPlanes());
  return sum.getPlanes() ? text + " planes" : text;
}

static void addWhy(LayerReport &report, Operation *op, StringRef attribute) {
  if (auto why = op->getAttrOfType<StringAttr>(attribute))
    report.why.push_back(why.str());
}

/// Nothing where floats are read, zeros or not.
static std::optional<InputDensity> getDensity(SynapseOpInterface synapse) {
  auto packed = dyn_cast_or_null<PackedAttr>(
      getSpikeEncoding(synapse.getSynapseInput().getType()));
  if (!packed)
    return std::nullopt;
  return getInputDensity(synapse, packed.getPlanes());
}

static std::vector<std::pair<std::string, double>> getEstimates(FusedOp layer) {
  std::vector<std::pair<std::string, double>> estimates;
  if (auto attribute = layer->getAttrOfType<DictionaryAttr>(kEstimatesAttr))
    for (NamedAttribute estimate : attribute)
      if (auto nanoseconds = dyn_cast<IntegerAttr>(estimate.getValue()))
        estimates.push_back(
            {estimate.getName().str(), nanoseconds.getInt() / 1e6});
  return estimates;
}

std::optional<double> LayerReport::getEstimate() const {
  for (const auto &[name, milliseconds] : estimates)
    if (name == strategy)
      return milliseconds;
  return std::nullopt;
}

static LayerReport reportLayer(FusedOp layer) {
  LayerReport report;
  Block &body = layer.getBody().front();
  report.fused = describeFused(body);
  report.strategy = layer.getStrategy().value_or("").str();
  report.estimates = getEstimates(layer);

  // The layer is named after what gives it its weights, else after the
  // attention core, the neuron, or whatever comes first.
  Operation *main = nullptr;
  Value input;
  if (SynapseOpInterface synapse = layer.getSynapse()) {
    main = synapse;
    input = synapse.getSynapseInput();
    report.sum = describe(synapse.getSummation());
    report.density = getDensity(synapse);
    report.multiplyAccumulates = synapse.getMultiplyAccumulates();
    addWhy(report, main, kWhySum);
  }
  body.walk([&](SSAOp attention) {
    main = attention;
    input = attention.getQuery();
    report.sum = describe(attention.getSumAttr());
    report.association =
        stringifyAssociation(attention.getExecutedOrder()).str();
    report.qkFirstCost = attention.getCost(Association::QKFirst);
    report.kvFirstCost = attention.getCost(Association::KVFirst);
    report.multiplyAccumulates =
        attention.getCost(attention.getExecutedOrder());
    addWhy(report, main, kWhyAssociation);
    addWhy(report, main, kWhySum);
  });
  body.walk([&](MatmulOp product) {
    main = product;
    input = product.getRows();
    report.sum = describe(product.getSumAttr());
    report.multiplyAccumulates = product.getMultiplyAccumulates();
    addWhy(report, main, kWhySum);
  });
  if (!main)
    main = layer.getNeuron();
  if (!main)
    main = body.empty() ? layer.getOperation() : &body.front();
  if (!input && main->getNumOperands())
    input = main->getOperand(0);
  report.layer = getLayerName(main->getLoc());
  report.input = input ? describe(input.getType()) : "";
  for (Value operand : layer.getInputs())
    if (isWeight(operand))
      report.weightBytes += getBytes(operand.getType());
  SmallVector<std::string> outputs;
  for (Value result : layer.getResults()) {
    report.outputBytes += getBytes(result.getType());
    outputs.push_back(describe(result.getType()));
  }
  report.output = llvm::join(outputs, ", ");
  for (Operation &op : body)
    addWhy(report, &op, kWhyIntegers);
  if (auto reason = layer.getReason())
    report.why.push_back(reason->str());
  return report;
}

/// The function that runs all time steps.
static func::FuncOp getMain(ModuleOp module) {
  if (auto main = module.lookupSymbol<func::FuncOp>("main"))
    return main;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isExternal())
      return function;
  return nullptr;
}

/// Whether an op only gives another shape to the same bytes.
static bool isView(Operation *op) {
  return isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp,
             tensor::ExtractSliceOp>(op);
}

/// What reads a value in the end, views aside.
static std::string describeUse(Value value) {
  SmallVector<Value> pending = {value};
  SmallVector<std::string> readers;
  while (!pending.empty())
    for (Operation *user : pending.pop_back_val().getUsers()) {
      if (isView(user)) {
        pending.append(user->result_begin(), user->result_end());
        continue;
      }
      std::string reader;
      if (isa<func::ReturnOp>(user))
        reader = "output of the model";
      else if (auto fused = dyn_cast<FusedOp>(user))
        reader = "read by " + reportLayer(fused).layer;
      else
        reader = "read by " + user->getName().getStringRef().str();
      if (!llvm::is_contained(readers, reader))
        readers.push_back(reader);
    }
  llvm::sort(readers);
  return readers.empty() ? "not read" : llvm::join(readers, ", ");
}

ModelReport spk::collectReport(ModuleOp module) {
  ModelReport report;
  if (auto reason = module->getAttrOfType<StringAttr>(kFixedBatchAttr))
    report.fixedBatch = reason.str();
  func::FuncOp main = getMain(module);
  if (!main)
    return report;
  for (Operation &op : main.getBody().front().without_terminator()) {
    auto fused = dyn_cast<FusedOp>(op);
    if (fused)
      report.layers.push_back(reportLayer(fused));
    // An empty tensor is the place that the next op writes to.
    if (isView(&op) || isa<tensor::EmptyOp>(op))
      continue;
    for (Value result : op.getResults())
      if (isFloat(result.getType()) && !isWeight(result))
        report.floatBuffers.push_back(
            {fused ? report.layers.back().layer : getLayerName(op.getLoc()),
             describe(result.getType()), getBytes(result.getType()),
             describeUse(result)});
  }
  return report;
}

std::vector<std::string> ModelReport::getProperties() const {
  std::vector<std::string> properties;
  for (const LayerReport &layer : layers) {
    if (!layer.sum.empty())
      properties.push_back("sum:" + layer.layer + "=" + layer.sum);
    if (!layer.association.empty())
      properties.push_back("association:" + layer.layer + "=" +
                           layer.association);
  }
  if (!fixedBatch.empty())
    properties.push_back("fixed_batch=" + fixedBatch);
  return properties;
}
