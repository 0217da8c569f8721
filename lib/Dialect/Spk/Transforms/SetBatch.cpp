//===- SetBatch.cpp - another batch size ----------------------------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RetypeActivations.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"

namespace mlir::spk {
#define GEN_PASS_DEF_SETBATCH
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

constexpr int64_t kBatchAxis = 1;

struct SetBatchPass : spk::impl::SetBatchBase<SetBatchPass> {
  using Base::Base;

  void runOnOperation() final {
    if (batch == 0)
      return;
    if (batch < 0) {
      getOperation().emitError("spk-set-batch: batch must be positive, got ")
          << batch.getValue();
      return signalPassFailure();
    }
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock()) {
      getOperation().emitError("spk-set-batch: the module must define @main");
      return signalPassFailure();
    }
    if (failed(setBatch(main)))
      signalPassFailure();
  }

  LogicalResult setBatch(func::FuncOp main) {
    SmallVector<BlockArgument> activations;
    std::optional<int64_t> from;
    for (BlockArgument argument : main.getArguments()) {
      auto name =
          main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr);
      if (!name)
        continue;
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (!type || type.getRank() < 2)
        return main.emitError("input ")
               << name << " must have time and batch axes, got "
               << argument.getType();
      if (from && *from != type.getDimSize(kBatchAxis))
        return main.emitError("input ")
               << name << " must have the batch size of the other inputs, "
               << type.getDimSize(kBatchAxis) << " against " << *from;
      from = type.getDimSize(kBatchAxis);
      activations.push_back(argument);
    }
    if (!from || *from == batch)
      return success();
    if (auto reason =
            getOperation()->getAttrOfType<StringAttr>(kFixedBatchAttr))
      return getOperation().emitError("the model runs at batch size ")
             << *from << " only: " << reason.getValue();

    AxisResizer resizer(kBatchAxis, "batch", *from, batch);
    auto refuse = [&](Operation *op) {
      return op->emitError("layer ")
             << getLayerName(op->getLoc()) << " cannot run at batch size "
             << batch.getValue() << ": " << op->getName() << " "
             << resizer.getReason();
    };
    for (BlockArgument argument : activations)
      if (failed(resizer.resizeValue(argument, kBatchAxis)))
        return refuse(main);
    for (Operation &op : main.front()) {
      if (failed(resizer.resize(&op)))
        return refuse(&op);
      numRetyped += llvm::count_if(op.getResults(), [&](Value result) {
        return resizer.getAxis(result).has_value();
      });
    }
    resizer.eraseReplaced();
    Operation *end = main.front().getTerminator();
    for (Value result : end->getOperands())
      if (resizer.getAxis(result).value_or(kBatchAxis) != kBatchAxis)
        return end->emitError("outputs must have the batch on axis ")
               << kBatchAxis << ", got " << result.getType();
    main.setType(FunctionType::get(&getContext(),
                                   main.front().getArgumentTypes(),
                                   end->getOperandTypes()));
    return success();
  }
};

} // namespace
