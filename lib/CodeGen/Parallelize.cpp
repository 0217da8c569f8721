//===- Parallelize.cpp - parallel loops as OpenMP worksharing
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "spk/CodeGen/Attributes.h"
#include "spk/CodeGen/Entries.h"
#include "spk/CodeGen/Passes.h"

namespace mlir::spk {
#define GEN_PASS_DEF_PARALLELIZE
#include "spk/CodeGen/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

/// Replaces a parallel loop by loops made by `makeOuter` (for the outermost
/// axis) and sequential loops inside.
template <typename MakeOuter>
void replaceLoop(scf::ParallelOp loop, MakeOuter makeOuter) {
  OpBuilder b(loop);
  Location loc = loop.getLoc();
  SmallVector<Value> indices;
  indices.push_back(makeOuter(b, loc, loop.getLowerBound()[0],
                              loop.getUpperBound()[0], loop.getStep()[0]));
  for (unsigned i = 1; i < loop.getNumLoops(); ++i) {
    auto inner = scf::ForOp::create(b, loc, loop.getLowerBound()[i],
                                    loop.getUpperBound()[i], loop.getStep()[i]);
    b.setInsertionPointToStart(inner.getBody());
    indices.push_back(inner.getInductionVar());
  }
  Block *body = loop.getBody();
  body->getTerminator()->erase();
  Block *target = b.getInsertionBlock();
  IRRewriter rewriter(b);
  rewriter.inlineBlockBefore(body, target, b.getInsertionPoint(), indices);
  loop.erase();
}

struct ParallelizePass : spk::impl::ParallelizeBase<ParallelizePass> {
  using Base::Base;

  void runOnOperation() final {
    SmallVector<scf::ParallelOp> loops;
    getOperation().walk([&](scf::ParallelOp loop) {
      // An inner parallel loop stays with the thread that reached it.
      loops.push_back(loop);
    });
    for (scf::ParallelOp loop : loops) {
      bool isOuter = !loop->getParentOfType<scf::ParallelOp>() &&
                     !loop->getParentOfType<omp::WsloopOp>();
      if (!openmp || !isOuter)
        replaceLoop(loop, makeSequential);
      else {
        replaceLoop(loop, makeWorkshared);
        ++numLoops;
      }
    }
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (getEntryName(function.getSymName()))
        addRegion(function);
    describeThreads();
  }

private:
  static Value makeSequential(OpBuilder &b, Location loc, Value lower,
                              Value upper, Value step) {
    auto loop = scf::ForOp::create(b, loc, lower, upper, step);
    b.setInsertionPointToStart(loop.getBody());
    return loop.getInductionVar();
  }

  static Value makeWorkshared(OpBuilder &b, Location loc, Value lower,
                              Value upper, Value step) {
    auto shared = omp::WsloopOp::create(b, loc, omp::WsloopOperands());
    b.createBlock(&shared.getRegion());
    omp::LoopNestOperands clauses;
    clauses.loopLowerBounds = {lower};
    clauses.loopUpperBounds = {upper};
    clauses.loopSteps = {step};
    auto nest = omp::LoopNestOp::create(b, loc, clauses);
    Block *body =
        b.createBlock(&nest.getRegion(), {}, {b.getIndexType()}, {loc});
    auto end = omp::YieldOp::create(b, loc);
    b.setInsertionPoint(end);
    return body->getArgument(0);
  }

  /// The thread count becomes the last argument; with OpenMP the body runs in
  /// one parallel region.
  void addRegion(func::FuncOp entry) {
    Location loc = entry.getLoc();
    OpBuilder b(&getContext());
    Block *body = &entry.getBody().front();
    unsigned position = entry.getNumArguments();
    if (failed(entry.insertArgument(position, b.getI32Type(), {}, loc)))
      return signalPassFailure();
    Value threads = entry.getArgument(position);
    if (!openmp)
      return;
    b.setInsertionPointToStart(body);
    omp::ParallelOperands clauses;
    clauses.numThreads = threads;
    auto region = omp::ParallelOp::create(b, loc, clauses);
    Block *inner = b.createBlock(&region.getRegion());
    // Worker threads start with whatever floating-point modes they inherited.
    auto i64 = b.getI64Type();
    func::FuncOp enter = declare("fp_enter", {}, {i64});
    func::FuncOp leave = declare("fp_leave", {i64}, {});
    b.setInsertionPointToStart(inner);
    Value modes =
        func::CallOp::create(b, loc, enter, ValueRange()).getResult(0);
    auto end = omp::TerminatorOp::create(b, loc);
    SmallVector<Operation *> moved;
    for (Operation &op : llvm::make_early_inc_range(*body))
      if (&op != region && !isa<func::ReturnOp>(op)) {
        op.moveBefore(end);
        moved.push_back(&op);
      }
    leaveToOneThread(moved);
    b.setInsertionPoint(end);
    func::CallOp::create(b, loc, leave, modes);
  }

  /// Puts what no loop shares into `omp.single`, where one thread runs it and
  /// the others wait: a loop of one iteration, say, which canonicalization made
  /// straight-line code. All threads at once would update states in place once
  /// each, and run ahead into buffers that others still read.
  void leaveToOneThread(ArrayRef<Operation *> ops) {
    SmallVector<Operation *> run;
    auto flush = [&] {
      if (run.empty())
        return;
      OpBuilder b(run.back());
      auto single =
          omp::SingleOp::create(b, run.back()->getLoc(), omp::SingleOperands());
      b.createBlock(&single.getRegion());
      auto end = omp::TerminatorOp::create(b, single.getLoc());
      for (Operation *op : run)
        op->moveBefore(end);
      run.clear();
    };
    for (Operation *op : ops) {
      bool followsRun = llvm::any_of(op->getOperands(), [&](Value operand) {
        return llvm::is_contained(run, operand.getDefiningOp());
      });
      if (isMemoryEffectFree(op) && !followsRun)
        continue;
      if (isShared(op))
        flush();
      else
        run.push_back(op);
    }
    flush();
  }

  /// Whether all threads meet in a loop of `op` or of the kernel it calls.
  bool isShared(Operation *op) {
    auto hasLoop = [](Operation *root) {
      return root->walk([](omp::WsloopOp) { return WalkResult::interrupt(); })
          .wasInterrupted();
    };
    if (auto call = dyn_cast<func::CallOp>(op))
      return hasLoop(getOperation().lookupSymbol(call.getCallee()));
    return hasLoop(op);
  }

  /// Every entry takes the thread count behind its other arguments.
  void describeThreads() {
    ModuleOp module = getOperation();
    auto abi = module->getAttrOfType<DictionaryAttr>(kABIAttr);
    if (!abi)
      return;
    Builder b(&getContext());
    SmallVector<NamedAttribute> entries;
    for (NamedAttribute entry : abi.getAs<DictionaryAttr>("entries")) {
      auto names = llvm::to_vector(cast<ArrayAttr>(entry.getValue()));
      names.push_back(b.getStringAttr("threads"));
      entries.emplace_back(entry.getName(), b.getArrayAttr(names));
    }
    NamedAttrList described(abi);
    described.set("entries", b.getDictionaryAttr(entries));
    module->setAttr(kABIAttr, described.getDictionary(&getContext()));
  }

  func::FuncOp declare(StringRef name, TypeRange inputs, TypeRange results) {
    std::string symbol = "spk_" + modelName + "_" + name.str();
    if (auto known = getOperation().lookupSymbol<func::FuncOp>(symbol))
      return known;
    OpBuilder b(getOperation().getBodyRegion());
    b.setInsertionPointToEnd(getOperation().getBody());
    auto function = func::FuncOp::create(b, getOperation().getLoc(), symbol,
                                         b.getFunctionType(inputs, results));
    function.setPrivate();
    return function;
  }
};

} // namespace
