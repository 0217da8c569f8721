//===- StorageOps.cpp - packing
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Dialect/Spk/IR/SpkOps.h"

using namespace mlir;
using namespace mlir::spk;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Whether `plain` can hold the elements of `packed`: the same type, or bytes
/// for spikes.
static bool holdsElementsOf(Type plain, Type packed) {
  return plain == packed || (packed.isInteger(1) && plain.isInteger(8));
}

LogicalResult PackOp::verify() {
  if (getSpikeEncoding(getInput().getType()) ||
      !getSpikeEncoding(getResult().getType()))
    return emitOpError("must go from a plain to a packed tensor");
  if (typeOf(getInput()).getShape() != typeOf(getResult()).getShape() ||
      !holdsElementsOf(typeOf(getInput()).getElementType(),
                       typeOf(getResult()).getElementType()))
    return emitOpError("must keep shape and elements, ")
           << getInput().getType() << " against " << getResult().getType();
  return success();
}

OpFoldResult PackOp::fold(FoldAdaptor) {
  auto unpack = getInput().getDefiningOp<UnpackOp>();
  if (unpack && unpack.getInput().getType() == getResult().getType())
    return unpack.getInput();
  return {};
}

LogicalResult UnpackOp::verify() {
  if (!getSpikeEncoding(getInput().getType()) ||
      getSpikeEncoding(getResult().getType()))
    return emitOpError("must go from a packed to a plain tensor");
  if (typeOf(getInput()).getShape() != typeOf(getResult()).getShape() ||
      !holdsElementsOf(typeOf(getResult()).getElementType(),
                       typeOf(getInput()).getElementType()))
    return emitOpError("must keep shape and elements, ")
           << getInput().getType() << " against " << getResult().getType();
  return success();
}

LogicalResult PackWeightsOp::verify() {
  RankedTensorType weight = typeOf(getWeight()), result = typeOf(getResult());
  if (weight.getRank() != 2 && weight.getRank() != 4)
    return emitOpError("weight must have rank 2 or 4, got ")
           << weight.getRank();
  if (getGroups() < 1 || weight.getDimSize(0) < 1 ||
      weight.getDimSize(0) % static_cast<int64_t>(getGroups()) != 0)
    return emitOpError("groups must divide the output channels, ")
           << getGroups() << " against " << weight.getDimSize(0);
  if (result.getRank() != 3 || result.getDimSize(2) < 1)
    return emitOpError("result must have rank 3 and a block of at least one "
                       "channel, got ")
           << result;
  int64_t outputs = weight.getDimSize(0), perGroup = weight.getDimSize(1);
  int64_t groups = getGroups(), block = result.getDimSize(2);
  int64_t blocks = llvm::divideCeil(outputs, block);
  int64_t own = weight.getNumElements() / outputs;
  std::optional<ArrayRef<int64_t>> firsts = getFirstInputs();
  if (firsts && getOwnInputs())
    return emitOpError("cannot have both first_inputs and own_inputs");
  int64_t inputs = getOwnInputs() ? own : own * groups;
  if ((!firsts && result.getDimSize(1) != inputs) ||
      result.getDimSize(0) != blocks)
    return emitOpError("result must be [ceil(O / block), K, block] with K = ")
           << inputs << ", got " << result;
  if (!firsts)
    return success();
  int64_t taps = own / std::max<int64_t>(perGroup, 1);
  int64_t rows = taps > 0 ? result.getDimSize(1) / taps : 0;
  if (static_cast<int64_t>(firsts->size()) != blocks ||
      rows * taps != result.getDimSize(1))
    return emitOpError("first_inputs must have one input for each of the ")
           << blocks << " blocks, and K be a multiple of " << taps;
  for (auto [b, first] : llvm::enumerate(*firsts)) {
    int64_t from = b * block, to = std::min<int64_t>(from + block, outputs);
    int64_t low = from / (outputs / groups) * perGroup;
    int64_t high = ((to - 1) / (outputs / groups) + 1) * perGroup;
    if (first > low || first + rows < high)
      return emitOpError("block ")
             << b << " needs inputs " << low << " to " << high - 1
             << ", and has " << first << " to " << first + rows - 1;
  }
  return success();
}

LogicalResult PadChannelsOp::verify() {
  RankedTensorType input = typeOf(getInput()), result = typeOf(getResult());
  if (input.getRank() != 1 || result.getRank() != 1 ||
      result.getDimSize(0) < input.getDimSize(0))
    return emitOpError("result must be a vector no shorter than the input, ")
           << result << " against " << input;
  return success();
}
