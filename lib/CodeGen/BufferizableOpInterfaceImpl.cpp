//===- BufferizableOpInterfaceImpl.cpp - dispatches as calls
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "spk/CodeGen/Passes.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace mlir::spk;

namespace {

/// A kernel reads its inputs and overwrites every element of its outputs.
struct DispatchModel
    : DstBufferizableOpInterfaceExternalModel<DispatchModel, DispatchOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<DispatchOp>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto dispatch = cast<DispatchOp>(op);
    auto kernel = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
        op, dispatch.getKernelAttr());
    SmallVector<Value> buffers;
    SmallVector<Value> outputs;
    for (OpOperand &operand : op->getOpOperands()) {
      FailureOr<Value> buffer =
          getBuffer(rewriter, operand.get(), options, state);
      if (failed(buffer))
        return failure();
      Value argument = *buffer;
      auto wanted = cast<MemRefType>(
          kernel.getArgumentTypes()[operand.getOperandNumber()]);
      // Kernels address whole buffers: copy what is a part of one.
      if (argument.getType() != wanted) {
        if (dispatch.isDpsInit(&operand))
          return op->emitOpError("output must be a whole buffer, got ")
                 << argument.getType();
        argument = memref::AllocOp::create(rewriter, op->getLoc(), wanted);
        memref::CopyOp::create(rewriter, op->getLoc(), *buffer, argument);
      }
      buffers.push_back(argument);
      if (dispatch.isDpsInit(&operand))
        outputs.push_back(argument);
    }
    func::CallOp::create(rewriter, op->getLoc(), kernel, buffers);
    replaceOpWithBufferizedValues(rewriter, op, outputs);
    return success();
  }
};

} // namespace

void spk::registerBufferizationModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, SpkDialect *) {
    DispatchOp::attachInterface<DispatchModel>(*context);
  });
}
