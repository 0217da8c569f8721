//===- DensityFile.cpp - measured densities of a model
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Support/DensityFile.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace mlir::spk;
namespace json = llvm::json;

namespace mlir::spk {

/// Found by `json::fromJSON` of a vector.
static bool fromJSON(const json::Value &value, SynapseDensity &density,
                     json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("layer", density.layer) &&
         map.map("density", density.density) &&
         map.mapOptional("planes", density.planes);
}

} // namespace mlir::spk

llvm::Expected<std::vector<SynapseDensity>> spk::readDensities(StringRef file) {
  auto buffer = llvm::MemoryBuffer::getFile(file);
  if (!buffer)
    return llvm::createStringError("cannot read the densities '" + file +
                                   "': " + buffer.getError().message());
  auto parsed = json::parse((*buffer)->getBuffer());
  if (!parsed)
    return llvm::createStringError(
        "the densities '" + file +
        "' are no JSON: " + llvm::toString(parsed.takeError()));
  json::Path::Root root("densities");
  std::vector<SynapseDensity> densities;
  json::ObjectMapper map(*parsed, root);
  if (!map || !map.map("densities", densities))
    return llvm::createStringError(
        "the densities '" + file +
        "' are no list of layers: " + llvm::toString(root.getError()));
  return densities;
}

void spk::writeDensities(llvm::raw_ostream &os,
                         ArrayRef<SynapseDensity> densities) {
  json::OStream out(os, /*IndentSize=*/1);
  out.object([&] {
    out.attributeArray("densities", [&] {
      for (const SynapseDensity &density : densities)
        out.object([&] {
          out.attribute("layer", density.layer);
          out.attribute("density", density.density);
          if (!density.planes.empty())
            out.attribute("planes", json::Array(density.planes));
        });
    });
  });
  os << '\n';
}
