//===- spk-compile.cpp - compiles a model to native code
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "Options.h"
#include "mlir/IR/MLIRContext.h"
#include "spk/Pipelines/Registration.h"
#include "spk/Target/EmitLLVM.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

/// Shows diagnostics with the line of the model that they are about, and
/// remembers whether an error has been explained.
class DiagnosticPrinter {
public:
  explicit DiagnosticPrinter(MLIRContext &context)
      : printer(sources, &context), counter(&context, [this](Diagnostic &d) {
          reported |= d.getSeverity() == DiagnosticSeverity::Error;
          return failure();
        }) {}

  bool hasReportedError() const { return reported; }

private:
  llvm::SourceMgr sources;
  bool reported = false;
  SourceMgrDiagnosticHandler printer;
  /// Asked before the printer, and passes everything on.
  ScopedDiagnosticHandler counter;
};

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::setBugReportMsg("spk-compile has crashed: please report this with the "
                        "command line and the model.\n");
  std::optional<CompileOptions> options = parseCommandLine(argc, argv);
  if (!options)
    return 2;
  initializeTargets();
  DialectRegistry registry;
  registerDialects(registry);
  registerLLVMTranslations(registry);
  MLIRContext context(registry);
  context.printOpOnDiagnostic(false);
  DiagnosticPrinter diagnostics(context);

  Progress progress;
  Compilation compilation(context, *options, progress);
  llvm::Error error = compilation.run();
  if (!error)
    return 0;
  // Whoever printed a diagnostic has said what is wrong and where.
  if (diagnostics.hasReportedError())
    llvm::consumeError(std::move(error));
  else
    llvm::WithColor::error(llvm::errs(), "spk-compile")
        << llvm::toString(std::move(error)) << "\n";
  return 1;
}
