//===- Registration.h - dialects and passes of the spk tools -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_PIPELINES_REGISTRATION_H
#define SPK_PIPELINES_REGISTRATION_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::spk {

/// Every dialect and interface model that some phase needs.
void registerDialects(DialectRegistry &registry);

/// The passes of the project, the upstream passes of its pipelines, and the
/// pipelines themselves.
void registerPassesAndPipelines();

} // namespace mlir::spk

#endif // SPK_PIPELINES_REGISTRATION_H
