//===- Exponential.cpp - exp by arithmetic that rounds the same everywhere
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Dialect/Spk/IR/SpkOps.h"

using namespace mlir;
using namespace mlir::spk;

NeuronValue spk::exponential(NeuronArithmetic &a, NeuronValue x) {
  // Adding and taking away 1.5 * 2^23 rounds to an integer, half to even.
  NeuronValue shift = a.constant(12582912.0f);
  NeuronValue n =
      a.sub(a.add(a.mul(x, a.constant(1.44269504088896341f)), shift), shift);
  // ln(2) in two parts, so that n times the first is exact.
  NeuronValue r = a.sub(x, a.mul(n, a.constant(0.693359375f)));
  r = a.sub(r, a.mul(n, a.constant(-2.12194440e-4f)));
  NeuronValue p = a.constant(1.9875691500e-4f);
  for (float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f,
                  1.6666665459e-1f, 5.0000001201e-1f})
    p = a.add(a.mul(p, r), a.constant(c));
  NeuronValue y = a.mul(a.mul(p, r), r);
  y = a.add(a.add(y, r), a.constant(1.0f));
  // y * 2^n, bit by bit of n: exact, as the result stays normal.
  for (int power : {64, 32, 16, 8, 4, 2, 1}) {
    NeuronValue takes = a.greaterEqual(a.constant(-power), n);
    y = a.select(takes, a.mul(y, a.constant(std::ldexp(1.0f, -power))), y);
    n = a.select(takes, a.add(n, a.constant(power)), n);
  }
  return a.select(a.greaterEqual(x, a.constant(-87.3f)), y, a.constant(0.0f));
}
