//===- SpkDialect.h - spk dialect -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_IR_SPKDIALECT_H
#define SPK_DIALECT_SPK_IR_SPKDIALECT_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"

#include "spk/Dialect/Spk/IR/SpkDialect.h.inc"
#include "spk/Dialect/Spk/IR/SpkEnums.h.inc"

namespace mlir::spk {

/// Module attribute: file name of the safetensors that holds the weights.
inline constexpr llvm::StringLiteral kWeightsAttr = "spk.weights";
/// Module attribute: file name of tensors derived from the weights.
inline constexpr llvm::StringLiteral kDerivedWeightsAttr =
    "spk.derived_weights";
/// Argument and result attribute: name outside.
inline constexpr llvm::StringLiteral kNameAttr = "spk.name";
/// Argument and result attribute: does not depend on time, so that the outside
/// shape lacks the leading axis of size 1.
inline constexpr llvm::StringLiteral kStaticAttr = "spk.static";
/// Argument and result attribute: bytes that are spikes, 0 or 1.
inline constexpr llvm::StringLiteral kSpikesAttr = "spk.spikes";
/// Argument and result attribute: spikes or integers that the outside holds as
/// packed words, the storage of `#spk.packed`, and not as a byte each.
inline constexpr llvm::StringLiteral kWordsAttr = "spk.words";
/// Argument attribute: largest element that the outside will ever give.
inline constexpr llvm::StringLiteral kMaxAttr = "spk.max";
/// Argument and result attribute: input, output, hoisted, state or weights.
inline constexpr llvm::StringLiteral kRoleAttr = "spk.role";
/// State argument attribute: value before the first step.
inline constexpr llvm::StringLiteral kInitialAttr = "spk.initial";
/// Module attribute: time steps of a whole run.
inline constexpr llvm::StringLiteral kTimeStepsAttr = "spk.time_steps";
/// Module attribute: why the model cannot be streamed.
inline constexpr llvm::StringLiteral kStepRefusedAttr = "spk.step_refused";

/// Module attribute: why the batch size must stay what it is and the images of
/// a batch must stay together.
inline constexpr llvm::StringLiteral kFixedBatchAttr = "spk.fixed_batch";

/// Spikes of one packed word.
inline constexpr int64_t kWordBits = 64;

/// Output size of a window that moves over `size` elements; 0 where it does not
/// fit.
inline int64_t getWindowedSize(int64_t size, int64_t window, int64_t stride,
                               int64_t padding) {
  int64_t room = size + 2 * padding - window;
  return room < 0 ? 0 : room / stride + 1;
}

/// Module path of the layer that an op came from ("block.0.attn.q_lif"), or
/// "?" where the location has no name.
std::string getLayerName(Location loc);

namespace OpTrait {
/// The op does the same at every time step.
template <typename ConcreteType>
class TimeWise : public ::mlir::OpTrait::TraitBase<ConcreteType, TimeWise> {};
} // namespace OpTrait

} // namespace mlir::spk

#endif // SPK_DIALECT_SPK_IR_SPKDIALECT_H
