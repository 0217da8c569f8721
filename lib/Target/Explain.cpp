//===- Explain.cpp - decisions of the compiler, for people
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Target/Explain.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Locale.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::spk;

std::string spk::formatBytes(uint64_t bytes) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (bytes < 1024)
    os << bytes << " B";
  else if (bytes < 1024 * 1024)
    os << llvm::format("%.1f KiB", bytes / 1024.0);
  else
    os << llvm::format("%.2f MiB", bytes / (1024.0 * 1024.0));
  return text;
}

/// "1.2 M".
static std::string formatCount(int64_t count) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (count < 10000)
    os << count;
  else if (count < 1000000)
    os << llvm::format("%.1f k", count / 1e3);
  else
    os << llvm::format("%.2f M", count / 1e6);
  return text;
}

namespace {

/// Columns as wide as what stands in them.
class Table {
public:
  explicit Table(std::vector<std::string> header) { add(std::move(header)); }

  void add(std::vector<std::string> row) { rows.push_back(std::move(row)); }

  void print(llvm::raw_ostream &os) const {
    std::vector<size_t> widths(rows.front().size());
    for (const auto &row : rows)
      for (auto [i, cell] : llvm::enumerate(row))
        widths[i] = std::max<size_t>(
            widths[i], std::max(0, llvm::sys::locale::columnWidth(cell)));
    for (const auto &row : rows) {
      std::string line;
      for (auto [i, cell] : llvm::enumerate(row)) {
        line += cell;
        line.append(widths[i] + 2 -
                        std::max(0, llvm::sys::locale::columnWidth(cell)),
                    ' ');
      }
      os << StringRef(line).rtrim() << '\n';
    }
  }

private:
  std::vector<std::vector<std::string>> rows;
};

struct Totals {
  explicit Totals(const ModelReport &report) {
    for (const LayerReport &layer : report.layers) {
      milliseconds += layer.getEstimate().value_or(0.0);
      outputBytes += layer.outputBytes;
      weightBytes += layer.weightBytes;
      multiplyAccumulates += layer.multiplyAccumulates;
    }
    for (const FloatBuffer &buffer : report.floatBuffers)
      floatBytes += buffer.bytes;
  }
  uint64_t outputBytes = 0, weightBytes = 0, floatBytes = 0;
  int64_t multiplyAccumulates = 0;
  double milliseconds = 0.0;
};

/// Reasons, each of which usually holds for many layers.
class Notes {
public:
  /// "1 3": the numbers of the reasons.
  std::string refer(ArrayRef<std::string> reasons) {
    SmallVector<std::string> numbers;
    for (const std::string &reason : reasons) {
      auto it = llvm::find(notes, reason);
      numbers.push_back(std::to_string(it - notes.begin() + 1));
      if (it == notes.end())
        notes.push_back(reason);
    }
    return llvm::join(numbers, " ");
  }

  void print(llvm::raw_ostream &os) const {
    for (auto [i, note] : llvm::enumerate(notes))
      os << "  " << i + 1 << "  " << note << "\n";
  }

private:
  std::vector<std::string> notes;
};

} // namespace

/// "75.4 % (52.7, 22.7)": with the bit planes of integers.
static std::string describe(const InputDensity &density) {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto percent = [](double share) {
    return llvm::format("%.3g", 100.0 * share);
  };
  os << percent(density.share) << " %";
  if (density.planes.size() > 1) {
    os << " (";
    llvm::interleaveComma(density.planes, os,
                          [&](double share) { os << percent(share); });
    os << ')';
  }
  return density.measured ? text : text + " assumed";
}

/// "1.36 ms".
static std::string formatTime(double milliseconds) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (milliseconds < 1.0)
    os << llvm::format("%.3g µs", milliseconds * 1e3);
  else
    os << llvm::format("%.3g ms", milliseconds);
  return text;
}

/// "1.36 ms (select_accumulate 6.9 ms)": with the strategies that were not
/// chosen.
static std::string describeEstimates(const LayerReport &layer) {
  auto estimate = layer.getEstimate();
  if (!estimate)
    return "-";
  SmallVector<std::string> others;
  for (const auto &[name, milliseconds] : layer.estimates)
    if (name != layer.strategy)
      others.push_back(name + " " + formatTime(milliseconds));
  std::string text = formatTime(*estimate);
  return others.empty() ? text : text + " (" + llvm::join(others, ", ") + ")";
}

static std::string orDash(StringRef text) {
  return text.empty() ? "-" : text.str();
}

void spk::printReport(llvm::raw_ostream &os, StringRef modelName,
                      const ModelReport &report, const ModelABI *abi) {
  os << "model " << modelName << ": " << report.layers.size() << " layers\n\n";
  Notes notes;
  Table table({"layer", "runs as one", "input", "output", "density", "sum",
               "strategy", "estimate", "association", "output bytes", "weights",
               "dense MACs", "why"});
  for (const LayerReport &layer : report.layers) {
    std::string association = orDash(layer.association);
    if (!layer.association.empty())
      association += " (QK first " + formatCount(layer.qkFirstCost) +
                     ", KV first " + formatCount(layer.kvFirstCost) + ")";
    table.add({layer.layer, layer.fused, orDash(layer.input), layer.output,
               layer.density ? describe(*layer.density) : "-",
               orDash(layer.sum), orDash(layer.strategy),
               describeEstimates(layer), association,
               formatBytes(layer.outputBytes), formatBytes(layer.weightBytes),
               formatCount(layer.multiplyAccumulates),
               orDash(notes.refer(layer.why))});
  }
  Totals totals(report);
  table.add({"total", "", "", "", "", "", "", formatTime(totals.milliseconds),
             "", formatBytes(totals.outputBytes),
             formatBytes(totals.weightBytes),
             formatCount(totals.multiplyAccumulates), ""});
  table.print(os);
  os << "\nwhy:\n";
  notes.print(os);

  os << "\nfloat buffers that reach memory: " << report.floatBuffers.size()
     << ", " << formatBytes(totals.floatBytes) << "\n";
  if (!report.floatBuffers.empty()) {
    Table floats({"  layer", "type", "bytes", "use"});
    for (const FloatBuffer &buffer : report.floatBuffers)
      floats.add({"  " + buffer.layer, buffer.type, formatBytes(buffer.bytes),
                  buffer.use});
    floats.print(os);
  }
  if (abi)
    os << "\nmemory: arena " << formatBytes(abi->arenaBytes)
       << ", computed once per image " << formatBytes(abi->hoistedBytes)
       << ", state between steps " << formatBytes(abi->stateBytes)
       << ", weights " << formatBytes(abi->weightsBytes) << "\n";
  if (abi && !abi->stepRefused.empty())
    os << "no step(): " << abi->stepRefused << "\n";
  if (!report.fixedBatch.empty())
    os << "fixed batch: " << report.fixedBatch << "\n";
}

static llvm::json::Value toJSON(const LayerReport &layer) {
  llvm::json::Object object{
      {"layer", layer.layer},
      {"fused", layer.fused},
      {"input", layer.input},
      {"output", layer.output},
      {"sum", layer.sum},
      {"strategy", layer.strategy},
      {"output_bytes", static_cast<int64_t>(layer.outputBytes)},
      {"weight_bytes", static_cast<int64_t>(layer.weightBytes)},
      {"dense_macs", layer.multiplyAccumulates},
      {"why", llvm::json::Array(layer.why)}};
  if (auto estimate = layer.getEstimate()) {
    llvm::json::Object estimates;
    for (const auto &[name, milliseconds] : layer.estimates)
      estimates[name] = milliseconds;
    object["estimated_ms"] = *estimate;
    object["estimates_ms"] = std::move(estimates);
  }
  if (layer.density) {
    object["density"] = layer.density->share;
    object["density_measured"] = layer.density->measured;
    if (layer.density->planes.size() > 1)
      object["plane_densities"] = llvm::json::Array(layer.density->planes);
  }
  if (!layer.association.empty()) {
    object["association"] = layer.association;
    object["qk_first_macs"] = layer.qkFirstCost;
    object["kv_first_macs"] = layer.kvFirstCost;
  }
  return object;
}

void spk::printReportAsJSON(llvm::raw_ostream &os, StringRef modelName,
                            const ModelReport &report, const ModelABI *abi) {
  Totals totals(report);
  llvm::json::Array layers, floats;
  for (const LayerReport &layer : report.layers)
    layers.push_back(toJSON(layer));
  for (const FloatBuffer &buffer : report.floatBuffers)
    floats.push_back(
        llvm::json::Object{{"layer", buffer.layer},
                           {"type", buffer.type},
                           {"bytes", static_cast<int64_t>(buffer.bytes)},
                           {"use", buffer.use}});
  llvm::json::Object root{
      {"model", modelName},
      {"layers", std::move(layers)},
      {"totals",
       llvm::json::Object{
           {"output_bytes", static_cast<int64_t>(totals.outputBytes)},
           {"weight_bytes", static_cast<int64_t>(totals.weightBytes)},
           {"float_bytes", static_cast<int64_t>(totals.floatBytes)},
           {"dense_macs", totals.multiplyAccumulates},
           {"estimated_ms", totals.milliseconds}}},
      {"float_buffers", std::move(floats)}};
  if (!report.fixedBatch.empty())
    root["fixed_batch"] = report.fixedBatch;
  if (abi) {
    root["arena_bytes"] = static_cast<int64_t>(abi->arenaBytes);
    root["hoisted_bytes"] = static_cast<int64_t>(abi->hoistedBytes);
    root["state_bytes"] = static_cast<int64_t>(abi->stateBytes);
    root["weights_bytes"] = static_cast<int64_t>(abi->weightsBytes);
    if (!abi->stepRefused.empty())
      root["step_refused"] = abi->stepRefused;
  }
  os << llvm::formatv("{0:2}", llvm::json::Value(std::move(root))) << '\n';
}
