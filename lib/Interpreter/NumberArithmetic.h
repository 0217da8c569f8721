//===- NumberArithmetic.h - arithmetic of neurons on numbers ----*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_LIB_INTERPRETER_NUMBERARITHMETIC_H
#define SPK_LIB_INTERPRETER_NUMBERARITHMETIC_H

#include "spk/Dialect/Spk/IR/NeuronArithmetic.h"

namespace mlir::spk {

/// Arithmetic on numbers. Each function rounds once: this library is compiled
/// without contraction.
class NumberArithmetic final : public NeuronArithmetic {
public:
  static NeuronValue number(float value) {
    NeuronValue result;
    result.number = value;
    return result;
  }
  NeuronValue constant(float value) final { return number(value); }
  NeuronValue add(NeuronValue a, NeuronValue b) final {
    return number(a.number + b.number);
  }
  NeuronValue sub(NeuronValue a, NeuronValue b) final {
    return number(a.number - b.number);
  }
  NeuronValue mul(NeuronValue a, NeuronValue b) final {
    return number(a.number * b.number);
  }
  NeuronValue div(NeuronValue a, NeuronValue b) final {
    return number(a.number / b.number);
  }
  NeuronValue greaterEqual(NeuronValue a, NeuronValue b) final {
    NeuronValue result;
    result.truth = a.number >= b.number;
    return result;
  }
  NeuronValue select(NeuronValue condition, NeuronValue a,
                     NeuronValue b) final {
    return condition.truth ? a : b;
  }
  NeuronValue apply(Operation *op, ArrayRef<NeuronValue> operands) final;
};

} // namespace mlir::spk

#endif // SPK_LIB_INTERPRETER_NUMBERARITHMETIC_H
