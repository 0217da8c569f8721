//===- Pipelines.h - phases of compilation ----------------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file names the levels of IR and builds the passes from each level to
// the next. spk-opt registers one pipeline per level; spk-compile runs the same
// functions.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_PIPELINES_PIPELINES_H
#define SPK_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir::spk {

enum class Phase { Input, Model, Fused, Packed, Loops, LLVM };

struct PhaseInfo {
  Phase phase;
  llvm::StringLiteral name;
  llvm::StringLiteral meaning;
};

/// All phases in order.
llvm::ArrayRef<PhaseInfo> getPhases();

/// Options of the pipelines; each phase reads those it needs.
struct PipelineOptions : PassPipelineOptions<PipelineOptions> {
  // input -> model
  Option<int64_t> snnSteps{
      *this, "ann-to-snn-t",
      llvm::cl::desc("convert an ANN to an SNN of so many time steps (0: the "
                     "model is no ANN, or stays one)"),
      llvm::cl::init(0)};
  Option<int64_t> snnExtraSteps{
      *this, "ann-to-snn-extra-t",
      llvm::cl::desc("and of so many without input behind them"),
      llvm::cl::init(0)};
  Option<int64_t> batch{*this, "batch",
                        llvm::cl::desc("batch size (0: as in the model)"),
                        llvm::cl::init(0)};
  ListOption<std::string> taps{
      *this, "taps",
      llvm::cl::desc("GLOB[:spikes|:current|:membrane|:attention] of layers "
                     "whose values become outputs")};
  Option<std::string> association{
      *this, "association",
      llvm::cl::desc("auto, qk_first or kv_first, where both are exact"),
      llvm::cl::init("auto")};
  Option<bool> allowInexactAssociation{
      *this, "allow-inexact-association",
      llvm::cl::desc("reassociate even where rounding may differ"),
      llvm::cl::init(false)};
  Option<bool> binarySubSteps{
      *this, "binary-substeps",
      llvm::cl::desc("run integer spikes as binary sub-steps"),
      llvm::cl::init(false)};
  Option<std::string> sum{*this, "sum",
                          llvm::cl::desc("auto, sequential or grouped"),
                          llvm::cl::init("auto")};
  Option<std::string> densities{
      *this, "densities",
      llvm::cl::desc("JSON file of measured densities of synapses"),
      llvm::cl::init("")};
  Option<bool> tapSynapses{
      *this, "tap-synapses",
      llvm::cl::desc("for measuring densities: what synapses read becomes "
                     "outputs, and there is no streaming"),
      llvm::cl::init(false)};
  Option<bool> remarks{*this, "remarks",
                       llvm::cl::desc("report decisions as remarks"),
                       llvm::cl::init(false)};
  // fused -> packed
  Option<std::string> strategy{
      *this, "strategy",
      llvm::cl::desc("kernel strategy to use wherever it realises the sum"),
      llvm::cl::init("auto")};
  Option<std::string> costModel{
      *this, "cost-model",
      llvm::cl::desc("constants that strategies are chosen by: a JSON file, or "
                     "a family of CPUs (default: that of this machine)"),
      llvm::cl::init("")};
  // packed -> loops
  Option<std::string> baseDir{
      *this, "base-dir",
      llvm::cl::desc("directory that file names in the module are relative to"),
      llvm::cl::init("")};
  Option<std::string> derivedFile{
      *this, "derived-file",
      llvm::cl::desc("safetensors file to write derived tensors to"),
      llvm::cl::init("")};
  // loops -> llvm
  Option<std::string> modelName{*this, "model-name",
                                llvm::cl::desc("prefix of the symbols"),
                                llvm::cl::init("model")};
  Option<bool> openmp{*this, "openmp",
                      llvm::cl::desc("parallel loops as OpenMP"),
                      llvm::cl::init(true)};
};

/// The passes from the phase before `phase` to it; none for Phase::Input.
void buildPhasePipeline(OpPassManager &pm, Phase phase,
                        const PipelineOptions &options);

/// Registers `spk-to-model`, `spk-to-fused`, ... and `spk-to-llvm`.
void registerPipelines();

} // namespace mlir::spk

#endif // SPK_PIPELINES_PIPELINES_H
