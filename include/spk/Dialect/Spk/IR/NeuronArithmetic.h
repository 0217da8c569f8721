//===- NeuronArithmetic.h - arithmetic of one neuron step -*- C++ -*-
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// This file lets a neuron state its charge, fire and reset once. The
// interpreter runs them on numbers, code generators on vectors.

#ifndef SPK_DIALECT_SPK_IR_NEURONARITHMETIC_H
#define SPK_DIALECT_SPK_IR_NEURONARITHMETIC_H

#include "mlir/IR/Operation.h"

namespace mlir::spk {

/// A quantity of a neuron step: an SSA value while code is generated, a number
/// (or a truth value) while it is interpreted.
struct NeuronValue {
  Value ir;
  float number = 0.0f;
  bool truth = false;
};

/// Arithmetic that a neuron step is made of. Every operation rounds once to
/// f32; nothing is contracted.
class NeuronArithmetic {
public:
  virtual ~NeuronArithmetic() = default;
  virtual NeuronValue constant(float number) = 0;
  virtual NeuronValue add(NeuronValue a, NeuronValue b) = 0;
  virtual NeuronValue sub(NeuronValue a, NeuronValue b) = 0;
  virtual NeuronValue mul(NeuronValue a, NeuronValue b) = 0;
  virtual NeuronValue div(NeuronValue a, NeuronValue b) = 0;
  /// a >= b; false when either is NaN.
  virtual NeuronValue greaterEqual(NeuronValue a, NeuronValue b) = 0;
  virtual NeuronValue select(NeuronValue condition, NeuronValue a,
                             NeuronValue b) = 0;
  /// What `op`, which isNeuronArithmetic, computes of its operands.
  virtual NeuronValue apply(Operation *op, ArrayRef<NeuronValue> operands) = 0;
};

/// Whether `op` is arithmetic on f32 and i1 that a neuron may be made of: an
/// operation of `arith` that rounds once and is not allowed to do otherwise.
bool isNeuronArithmetic(Operation *op);

/// exp(x) for x <= 0 by the one expansion that `spk.softmax` documents; 0 below
/// -87.3 and for NaN.
NeuronValue exponential(NeuronArithmetic &arithmetic, NeuronValue x);

/// Results of one time step.
struct NeuronStep {
  /// h, the membrane before firing.
  NeuronValue charged;
  /// s: a truth value where spikes are `i1`, a number elsewhere.
  NeuronValue fired;
  /// What the next step starts from: v, the membrane after the reset, first.
  SmallVector<NeuronValue, 2> states;
};

} // namespace mlir::spk

#endif // SPK_DIALECT_SPK_IR_NEURONARITHMETIC_H
