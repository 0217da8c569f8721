//===- Pipelines.cpp - phases of compilation
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Pipelines/Pipelines.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "spk/CodeGen/Passes.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"
#include "spk/Interpreter/Passes.h"

using namespace mlir;
using namespace mlir::spk;

ArrayRef<PhaseInfo> spk::getPhases() {
  static const PhaseInfo phases[] = {
      {Phase::Input, "input", "the model as imported"},
      {Phase::Model, "model",
       "canonical; association and order of every sum fixed"},
      {Phase::Fused, "fused", "one op per layer"},
      {Phase::Packed, "packed", "spikes packed into words, strategies chosen"},
      {Phase::Loops, "loops", "loops on static buffers"},
      {Phase::LLVM, "llvm", "LLVM dialect"}};
  return phases;
}

/// Cheap, local cleaning: no region simplification, operands before users.
static std::unique_ptr<Pass> createCleanup() {
  GreedyRewriteConfig config;
  config.setUseTopDownTraversal(true);
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  return createCanonicalizerPass(config);
}

static void addModelPasses(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createExpandSPS());
  if (options.snnSteps != 0) {
    ANNToSNNOptions snn;
    snn.steps = options.snnSteps;
    snn.extraSteps = options.snnExtraSteps;
    pm.addPass(createANNToSNN(snn));
  }
  // Taps name values as the model has them, so they come before anything that
  // moves values; batch changes types only.
  if (!options.taps.empty()) {
    AddTapsOptions taps;
    taps.taps = llvm::to_vector(options.taps);
    pm.addPass(createAddTaps(taps));
  }
  pm.addPass(createRollTimeSteps());
  if (options.batch != 0) {
    SetBatchOptions batch;
    batch.batch = options.batch;
    pm.addPass(createSetBatch(batch));
  }
  pm.addPass(createFoldBatchNorm());
  // Everything that needs spatial layouts agrees on one, so that transposes
  // cancel before layers are fused.
  pm.addPass(createChannelsLast());
  pm.addNestedPass<func::FuncOp>(createFlattenPositions());
  pm.addPass(createSplitChannels());
  // A repeated image is convolved once.
  pm.addPass(createHoistStatic());
  pm.addPass(createCleanup());
  pm.addPass(createCSEPass());
  pm.addPass(createVerifyRanges());
  // Synapses of sub-steps add in another order than those of integers.
  if (options.binarySubSteps) {
    ExpandIntegerSpikesOptions integers;
    integers.remarks = options.remarks;
    pm.addNestedPass<func::FuncOp>(createExpandIntegerSpikes(integers));
  }
  // The last passes that may decide about rounding.
  ChooseAssociationOptions association;
  association.force = options.association;
  association.allowInexact = options.allowInexactAssociation;
  association.remarks = options.remarks;
  pm.addPass(createChooseAssociation(association));
  ApplyDensitiesOptions densities;
  densities.file = options.densities;
  pm.addPass(createApplyDensities(densities));
  if (options.tapSynapses)
    pm.addPass(createTapSynapses());
  ChooseSumOptions sum;
  sum.sum = options.sum;
  pm.addPass(createChooseSum(sum));
  // From here on every bit is decided, so streaming can be derived.
  if (!options.tapSynapses)
    pm.addPass(createDeriveStep());
  pm.addPass(createCleanup());
}

static void addFusedPasses(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createFuseLayers());
}

static void addPackedPasses(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createPackSpikes());
  pm.addPass(createCleanup());
  // Upstream cleaning is known to mix encodings silently.
  VerifyEncodingsOptions uniform;
  uniform.allowPacked = true;
  pm.addPass(createVerifyEncodings(uniform));
  SelectStrategiesOptions strategies;
  strategies.strategy = options.strategy;
  strategies.costModel = options.costModel;
  pm.addPass(createSelectStrategies(strategies));
}

static void addLoopsPasses(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createGenerateKernels());
  // Folded batch norms and packed weights become numbers in a file.
  EvaluateConstantsOptions constants;
  constants.baseDir = options.baseDir;
  constants.derivedFile = options.derivedFile;
  pm.addPass(createEvaluateConstants(constants));
  pm.addPass(createMaterializeWords());
  pm.addPass(createVerifyEncodings());
  pm.addPass(createPlaceWeights());
  // Kernels are many: what looks at one function alone runs on several at the
  // same time.
  pm.addNestedPass<func::FuncOp>(createCleanup());
  pm.addNestedPass<func::FuncOp>(createCSEPass());
  // Small float arithmetic outside of layers.
  pm.addNestedPass<func::FuncOp>(createConvertElementwiseToLinalgPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(bufferize));
  pm.addNestedPass<func::FuncOp>(createCleanup());
  pm.addPass(createPlanBuffers());
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToParallelLoopsPass());
  pm.addNestedPass<func::FuncOp>(createCleanup());
  pm.addNestedPass<func::FuncOp>(createCSEPass());
}

static void addLLVMPasses(OpPassManager &pm, const PipelineOptions &options) {
  ParallelizeOptions parallelize;
  parallelize.openmp = options.openmp;
  parallelize.modelName = options.modelName;
  pm.addPass(createParallelize(parallelize));
  pm.addNestedPass<func::FuncOp>(createSCFToControlFlowPass());
  pm.addNestedPass<func::FuncOp>(memref::createExpandStridedMetadataPass());
  pm.addNestedPass<func::FuncOp>(createLowerAffinePass());
  pm.addNestedPass<func::FuncOp>(createConvertVectorToLLVMPass());
  pm.addNestedPass<func::FuncOp>(createConvertMathToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addNestedPass<func::FuncOp>(createArithToLLVMConversionPass());
  pm.addNestedPass<func::FuncOp>(createConvertIndexToLLVMPass());
  // Static buffers need no descriptors: entries take plain pointers.
  ConvertFuncToLLVMPassOptions functions;
  functions.useBarePtrCallConv = true;
  pm.addPass(createConvertFuncToLLVMPass(functions));
  pm.addPass(createConvertControlFlowToLLVMPass());
  if (options.openmp)
    pm.addPass(createConvertOpenMPToLLVMPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createReconcileUnrealizedCastsPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createCleanup());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createCSEPass());
  NameEntriesOptions names;
  names.modelName = options.modelName;
  pm.addPass(createNameEntries(names));
}

void spk::buildPhasePipeline(OpPassManager &pm, Phase phase,
                             const PipelineOptions &options) {
  switch (phase) {
  case Phase::Input:
    return;
  case Phase::Model:
    return addModelPasses(pm, options);
  case Phase::Fused:
    return addFusedPasses(pm);
  case Phase::Packed:
    return addPackedPasses(pm, options);
  case Phase::Loops:
    return addLoopsPasses(pm, options);
  case Phase::LLVM:
    return addLLVMPasses(pm, options);
  }
}

void spk::registerPipelines() {
  for (const PhaseInfo &info : getPhases().drop_front()) {
    Phase phase = info.phase;
    PassPipelineRegistration<PipelineOptions>(
        "spk-to-" + info.name.str(), info.meaning,
        [phase](OpPassManager &pm, const PipelineOptions &options) {
          buildPhasePipeline(pm, phase, options);
        });
  }
}
