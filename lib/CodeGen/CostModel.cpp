//===- CostModel.cpp - what kernels take
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/CodeGen/CostModel.h"
#include "spk/CodeGen/PositionOrder.h"
#include "spk/Dialect/Spk/IR/Densities.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <cmath>

using namespace mlir;
using namespace mlir::spk;
namespace json = llvm::json;

//===----------------------------------------------------------------------===//
// Families of CPUs
//===----------------------------------------------------------------------===//

/// `python -m spk calibrate` measured zen5 on an EPYC 9005, avx2 and sse there
/// with code for x86-64-v3 and x86-64, which has no FMA instruction. The others
/// follow from these by the width of their vectors, the vector operations that
/// they start per cycle and an ordinary clock.
static ArrayRef<CostModel> getFamilies() {
  // row/spike, row/word, sorted, sort, lookup, entry, select, fma, plane, qk,
  // kv, finish
  static const CostModel families[] = {
      {"zen5", 0.53, 3.7, 0.37, 9.8, 0.8, 0.9, 2.5, 0.67, 4.0, 0.35, 0.1, 4.0,
       48 << 10, 1 << 20},
      {"zen4", 1.0, 3.5, 0.4, 12.0, 1.2, 1.6, 2.8, 1.1, 4.0, 0.8, 0.16, 6.0,
       32 << 10, 1 << 20},
      {"avx512", 0.8, 5.0, 0.6, 14.0, 1.2, 1.4, 3.6, 0.95, 6.0, 0.5, 0.15, 5.5,
       32 << 10, 1 << 20},
      {"avx2", 0.99, 3.2, 0.11, 11.5, 1.16, 1.6, 2.7, 1.08, 3.8, 0.88, 0.15,
       6.8, 32 << 10, 512 << 10},
      {"sse", 2.7, 3.9, 1.8, 5.0, 2.3, 3.7, 4.6, 85.0, 6.5, 1.9, 0.34, 14.4,
       32 << 10, 512 << 10},
      {"neon", 2.2, 4.0, 1.5, 9.0, 2.1, 3.0, 4.4, 2.3, 7.0, 1.7, 0.33, 13.0,
       64 << 10, 1 << 20}};
  return families;
}

static const CostModel *findFamily(StringRef name) {
  for (const CostModel &family : getFamilies())
    if (family.name == name)
      return &family;
  return nullptr;
}

StringRef CostModel::getFamily(const llvm::Triple &triple, StringRef cpu,
                               StringRef features) {
  if (!triple.isX86())
    return "neon";
  llvm::StringSet<> enabled;
  // Other names are those of old processors, or "generic".
  if (llvm::X86::parseArchX86(cpu) != llvm::X86::CK_None) {
    SmallVector<StringRef> names;
    llvm::X86::getFeaturesForCPU(cpu, names);
    enabled.insert_range(names);
  }
  SmallVector<StringRef> changes;
  features.split(changes, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef change : changes) {
    if (change.consume_front("-"))
      enabled.erase(change);
    else if (change.consume_front("+"))
      enabled.insert(change);
  }
  if (enabled.contains("avx512f"))
    return cpu == "znver5" ? "zen5" : cpu == "znver4" ? "zen4" : "avx512";
  return enabled.contains("avx2") ? "avx2" : "sse";
}

static StringRef getHostFamily() {
  std::string features;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    features += (feature.second ? ",+" : ",-") + feature.first().str();
  return CostModel::getFamily(llvm::Triple(llvm::sys::getDefaultTargetTriple()),
                              llvm::sys::getHostCPUName(), features);
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

namespace {

struct Constant {
  StringLiteral key;
  double CostModel::*member;
};

struct Cache {
  StringLiteral key;
  int64_t CostModel::*member;
};

constexpr Constant constants[] = {
    {"row_per_spike", &CostModel::rowPerSpike},
    {"row_per_word", &CostModel::rowPerWord},
    {"sorted_row_per_word", &CostModel::sortedRowPerWord},
    {"sort_per_word", &CostModel::sortPerWord},
    {"table_per_lookup", &CostModel::tablePerLookup},
    {"table_per_entry", &CostModel::tablePerEntry},
    {"select_per_input", &CostModel::selectPerInput},
    {"fma_per_input", &CostModel::fmaPerInput},
    {"sum_per_plane", &CostModel::sumPerPlane},
    {"attention_qk_first", &CostModel::attentionQKFirst},
    {"attention_kv_first", &CostModel::attentionKVFirst},
    {"finish_per_sum", &CostModel::finishPerSum}};
constexpr Cache caches[] = {{"l1_bytes", &CostModel::l1Bytes},
                            {"l2_bytes", &CostModel::l2Bytes}};

} // namespace

/// Reads every member of the object `name`, and nothing else. Returns what is
/// wrong with it.
template <typename Member, typename IsValid>
static std::string readObject(const json::Object &root, StringRef name,
                              ArrayRef<Member> members, CostModel &model,
                              IsValid isValid, StringRef range) {
  const json::Object *object = root.getObject(name);
  if (!object)
    return ("it has no object '" + name + "'").str();
  for (const Member &member : members) {
    const json::Value *value = object->get(member.key);
    if (!value)
      return ("'" + name + "' has no '" + member.key + "'").str();
    auto number = value->getAsNumber();
    if (!number || !isValid(*number))
      return ("'" + member.key + "' must be " + range).str();
    model.*member.member = *number;
  }
  for (const auto &entry : *object)
    if (llvm::none_of(members, [&](const Member &member) {
          return member.key == StringRef(entry.first);
        }))
      return ("'" + name + "' has an unknown '" + StringRef(entry.first) + "'")
          .str();
  return "";
}

static std::string readModel(const json::Value &value, CostModel &model) {
  const json::Object *root = value.getAsObject();
  if (!root)
    return "it is no object";
  auto cpu = root->getString("cpu");
  if (!cpu)
    return "it has no string 'cpu'";
  model.name = cpu->str();
  std::string problem = readObject(
      *root, "nanoseconds", ArrayRef(constants), model,
      [](double x) { return x >= 0 && std::isfinite(x); },
      "a number that is not negative");
  if (!problem.empty())
    return problem;
  return readObject(
      *root, "caches", ArrayRef(caches), model,
      [](double x) { return x >= 1024 && x <= (int64_t(1) << 40); },
      "at least 1024");
}

llvm::Expected<CostModel> CostModel::get(StringRef source) {
  if (const CostModel *family =
          findFamily(source.empty() ? getHostFamily() : source))
    return *family;
  auto buffer = llvm::MemoryBuffer::getFile(source);
  if (!buffer) {
    std::string families = llvm::join(
        llvm::map_range(getFamilies(),
                        [](const CostModel &family) { return family.name; }),
        ", ");
    return llvm::createStringError("cannot read the cost model '" + source +
                                   "': " + buffer.getError().message() +
                                   "; families of CPUs are " + families);
  }
  auto parsed = json::parse((*buffer)->getBuffer());
  if (!parsed)
    return llvm::createStringError(
        "the cost model '" + source +
        "' is no JSON: " + llvm::toString(parsed.takeError()));
  CostModel model = getFamilies().front();
  std::string problem = readModel(*parsed, model);
  if (!problem.empty())
    return llvm::createStringError("the cost model '" + source +
                                   "' cannot be used: " + problem);
  return model;
}

int64_t CostModel::getTileSums() const {
  int64_t bytes = kWordBits * static_cast<int64_t>(sizeof(float));
  return std::clamp<int64_t>(l2Bytes / 2 / bytes, 128, kMaxTileSums);
}

//===----------------------------------------------------------------------===//
// Synapses
//===----------------------------------------------------------------------===//

/// Pairs of an output position along one axis and a tap inside the input.
static int64_t countVisits(int64_t outputs, int64_t inputs, int64_t taps,
                           int64_t stride, int64_t padding) {
  int64_t count = 0;
  for (int64_t tap = 0; tap < taps; ++tap)
    for (int64_t out = 0; out < outputs; ++out) {
      int64_t at = out * stride + tap - padding;
      count += at >= 0 && at < inputs;
    }
  return count;
}

/// Densities of the bit planes of an operand; none of floats.
static SmallVector<double> getPlanes(SynapseOpInterface synapse) {
  Value input = synapse.getSynapseInput();
  Type element = getElementTypeOrSelf(input);
  if (!element.isInteger())
    return {};
  int64_t planes =
      element.isInteger(1) ? 1 : element.getIntOrFloatBitWidth() - 1;
  if (auto packed =
          dyn_cast_or_null<PackedAttr>(getSpikeEncoding(input.getType())))
    planes = packed.getPlanes();
  return getInputDensity(synapse, planes).planes;
}

SynapseWork SynapseWork::get(FusedOp layer) {
  SynapseOpInterface synapse = layer.getSynapse();
  auto getShape = [](Value value) {
    return cast<RankedTensorType>(value.getType()).getShape();
  };
  ArrayRef<int64_t> output = getShape(synapse->getResult(0));
  ArrayRef<int64_t> input = getShape(synapse.getSynapseInput());
  SynapseWork work;
  work.sum = synapse.getSummation();
  work.blocks = llvm::divideCeil(output.back(), kWordBits);
  work.sums = llvm::product_of(output.drop_back());
  TileGeometry geometry(layer);
  work.tiles = geometry.getNumTiles() * output[1];
  work.sorted = PositionOrder::suits(geometry);
  work.visits = work.sums;
  work.taps = work.windowRows = 1;
  work.inputs = SynapseInputs(synapse).getNumChannels();
  work.planes = getPlanes(synapse);
  if (isa<ConvOp>(synapse.getOperation())) {
    auto [height, width] = synapse.getWindow();
    auto [strideY, strideX] = synapse.getWindowStride();
    auto [padY, padX] = synapse.getWindowPadding();
    work.taps = height * width;
    work.windowRows = height;
    work.visits = output[0] * output[1] *
                  countVisits(output[2], input[2], height, strideY, padY) *
                  countVisits(output[3], input[3], width, strideX, padX);
  }
  return work;
}

int64_t SynapseWork::getWords() const {
  return llvm::divideCeil(inputs, kWordBits);
}

double SynapseWork::getRows(const CostModel &model, int64_t first,
                            int64_t end) const {
  double spikes = 0.0;
  for (int64_t plane = first; plane < end; ++plane)
    spikes += inputs * planes[plane];
  double words = static_cast<double>(getWords()) * (end - first);
  double rows = visits * spikes * model.rowPerSpike;
  if (!sorted)
    return rows + visits * words * model.rowPerWord;
  // Each row of a window has an order of its own.
  return rows + visits * words * model.sortedRowPerWord +
         sums * windowRows * words * model.sortPerWord / blocks;
}

double SynapseWork::getTables(const CostModel &model, int64_t count) const {
  int64_t group = sum.getGroup();
  // Groups do not cross words.
  int64_t groups = inputs / kWordBits * llvm::divideCeil(kWordBits, group) +
                   llvm::divideCeil(inputs % kWordBits, group);
  double entries = static_cast<double>(groups) * (int64_t(1) << group);
  return visits * (count * groups * model.tablePerLookup) +
         tiles * taps * entries * model.tablePerEntry;
}

double SynapseWork::getSelects(const CostModel &model) const {
  return static_cast<double>(visits) * inputs * planes.size() *
         model.selectPerInput;
}

double SynapseWork::getFMAs(const CostModel &model) const {
  return static_cast<double>(visits) * inputs * model.fmaPerInput;
}

double SynapseWork::getPlaneSums(const CostModel &model) const {
  return planes.size() < 2 ? 0.0
                           : sums * (planes.size() - 1) * model.sumPerPlane;
}
