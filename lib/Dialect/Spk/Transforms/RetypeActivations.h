//===- RetypeActivations.h - another size of one axis -----------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file gives the activations of a function another number of time steps or
// another batch size, op by op in program order.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_DIALECT_SPK_TRANSFORMS_RETYPEACTIVATIONS_H
#define SPK_DIALECT_SPK_TRANSFORMS_RETYPEACTIVATIONS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::spk {

/// Follows one axis from the values it was told about to everything computed
/// from them and changes its size, as long as the axis stays an axis of its own
/// and every op does the same at each of its positions.
class AxisResizer {
public:
  /// `axis` is where layers have the axis (0 for time, 1 for the batch), `name`
  /// what reasons call it.
  AxisResizer(int64_t axis, StringRef name, int64_t from, int64_t to)
      : layerAxis(axis), name(name), from(from), to(to) {}

  /// `value` has the new size already, along `axis`.
  void add(Value value, int64_t axis) { axes[value] = axis; }

  /// The axis of a value that was resized, or nothing.
  std::optional<int64_t> getAxis(Value value) const;

  /// Gives a value with the old size the new one; both count as many times as
  /// it has sub-steps.
  LogicalResult resizeValue(Value value, int64_t axis, int64_t subSteps = 1);

  /// Gives the results of `op` the new size where its operands have it, and
  /// operands that are made for it (constants, empty tensors, broadcasts) too.
  /// On failure `getReason` says why; `op` may then be invalid.
  LogicalResult resize(Operation *op);

  /// Erases what made operands of the old size and has no user left. Call it
  /// last: ops that were not resized yet may share such a value.
  void eraseReplaced();

  const std::string &getReason() const { return reason; }

private:
  LogicalResult fail(const Twine &why);
  LogicalResult resizeOperand(OpOperand &operand, int64_t axis);
  LogicalResult resizeLayer(Operation *op);
  LogicalResult resizeElementwise(Operation *op);
  LogicalResult resizeLinalg(linalg::LinalgOp op);
  LogicalResult resizeCollapse(tensor::CollapseShapeOp op);
  LogicalResult resizeExpand(tensor::ExpandShapeOp op);
  LogicalResult resizeExtract(tensor::ExtractSliceOp op);
  LogicalResult resizeInsert(tensor::InsertSliceOp op);
  LogicalResult resizeConcat(tensor::ConcatOp op);
  bool isWholeSlice(ArrayRef<int64_t> offsets, ArrayRef<int64_t> sizes,
                    ArrayRef<int64_t> strides, int64_t axis) const;

  DenseMap<Value, int64_t> axes;
  DenseMap<Value, int64_t> subStepsOf; // Where there are several.
  llvm::SetVector<Operation *> replaced;
  int64_t layerAxis;
  std::string name;
  int64_t from, to;
  std::string reason;
};

/// Whether a layer sees leading time and batch axes and does the same at every
/// position of the batch.
bool isLayer(Operation *op);

/// The same neuron on another current, from `initialStates` (empty: at rest),
/// with its states after the last step and its charged membrane as results
/// where asked for. The old neuron stays.
NeuronOpInterface rebuildNeuron(OpBuilder &builder, NeuronOpInterface neuron,
                                Value current, ValueRange initialStates,
                                bool finalStates, bool membrane);

} // namespace mlir::spk

#endif // SPK_DIALECT_SPK_TRANSFORMS_RETYPEACTIVATIONS_H
