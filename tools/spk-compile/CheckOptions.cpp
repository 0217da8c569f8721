//===- CheckOptions.cpp - what must not fail after a minute
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "spk/CodeGen/CostModel.h"
#include "spk/Target/OutputSet.h"

using namespace mlir;
using namespace mlir::spk;

llvm::Error Compilation::checkOptions() {
  for (const std::string &file : {options.output, options.explainFile})
    if (!file.empty() && file != "-")
      if (llvm::Error error = checkWritable(file))
        return error;
  bool choosesStrategies =
      options.compileFrom < Phase::Packed && options.compileTo >= Phase::Packed;
  bool needsTarget = options.makesArtefact() ||
                     options.emit == Emit::Assembly ||
                     (choosesStrategies && options.costModel.empty());
  costModel = options.costModel;
  if (needsTarget) {
    auto target = resolveTarget(options.targetTriple, options.targetCpu);
    if (!target)
      return target.takeError();
    if (costModel.empty())
      costModel =
          CostModel::getFamily(target->triple, target->cpu, target->features)
              .str();
  }
  if (auto model = CostModel::get(costModel); !model)
    return model.takeError();
  if (options.makesArtefact() || !options.samples.empty())
    if (auto toolchain = Toolchain::find(options.toolchain); !toolchain)
      return toolchain.takeError();
  return llvm::Error::success();
}
