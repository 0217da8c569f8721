//===- Interpret.h - models that are not compiled ---------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TOOLS_SPKRUN_INTERPRET_H
#define SPK_TOOLS_SPKRUN_INTERPRET_H

namespace spkrun {

/// `spk-run --interpret`: parses the command line, runs a function of a module
/// by the interpreter and returns an exit code of the runner.
int interpretMain(int argc, char **argv);

} // namespace spkrun

#endif // SPK_TOOLS_SPKRUN_INTERPRET_H
