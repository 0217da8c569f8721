//===- ChooseAssociation.cpp - order of the attention products ------------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/Builders.h"
#include "spk/Dialect/Spk/IR/SpkOps.h"
#include "spk/Dialect/Spk/Transforms/Passes.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::spk {
#define GEN_PASS_DEF_CHOOSEASSOCIATION
#include "spk/Dialect/Spk/Transforms/Passes.h.inc"
} // namespace mlir::spk

using namespace mlir;
using namespace mlir::spk;

namespace {

constexpr llvm::StringLiteral kInexactAttr = "spk.inexact";
constexpr llvm::StringLiteral kWhyAttr = "spk.why_association";

uint64_t product(std::initializer_list<uint64_t> factors) {
  uint64_t result = 1;
  for (uint64_t factor : factors)
    result = llvm::SaturatingMultiply(result, factor);
  return result;
}

/// Word operations of one head in either order.
///
/// The first product of qk_first is one AND and one popcount per word of
/// channels, a row of the map being made for whole words of keys. The first
/// product of kv_first adds a row of V under a mask for every channel of every
/// key; a row is whole words of channels, and its counts, at most N, share a
/// word by as many lanes as they fit in. Either second product adds 32-bit
/// integers, two to a word, and is what the choice hangs on:
///
///     qk_first = N * pad(N) * pad(d) / 64       + N * N * d / 2
///     kv_first = N * d * pad(d) / (64 / bits)   + N * d * d / 2
///
/// with pad(x) = 64 * ceil(x / 64) and bits = 8, 16 or 32, the narrowest
/// integer that holds N.
struct Costs {
  uint64_t qkFirst, kvFirst;

  Costs(uint64_t tokens, uint64_t width) {
    auto padded = [](uint64_t x) { return llvm::alignTo(x, kWordBits); };
    uint64_t bits = tokens < (1u << 8) ? 8 : tokens < (1u << 16) ? 16 : 32;
    qkFirst = llvm::SaturatingAdd(
        product({tokens, padded(tokens), padded(width) / kWordBits}),
        product({tokens, tokens, width}) / 2);
    kvFirst = llvm::SaturatingAdd(
        product({tokens, width, padded(width) * bits / kWordBits}),
        product({tokens, width, width}) / 2);
  }

  Association cheaper(Association onTie) const {
    if (qkFirst == kvFirst)
      return onTie;
    return qkFirst < kvFirst ? Association::QKFirst : Association::KVFirst;
  }
};

struct ChooseAssociationPass
    : spk::impl::ChooseAssociationBase<ChooseAssociationPass> {
  using Base::Base;

  void runOnOperation() final {
    std::optional<Association> forced = symbolizeAssociation(force);
    if (!forced) {
      getOperation()->emitError(
          "spk-choose-association: force must be auto, qk_first or kv_first, "
          "got ")
          << force;
      return signalPassFailure();
    }
    getOperation()->walk([&](SSAOp op) { choose(op, *forced); });
  }

  /// Why the orders give the same bits, or why that is not known.
  std::string getProof(SSAOp op) {
    std::string text;
    llvm::raw_string_ostream os(text);
    int64_t bound = op.getNumTokens() * op.getHeadWidth();
    if (op.isReassociable())
      os << "exact, as the scale is a power of two and N * d = " << bound
         << " < 2^24";
    else if (bound >= (int64_t(1) << 24))
      os << "not exact, as N * d = " << bound << " is not below 2^24";
    else
      os << "not exact, as the scale is not a power of two in [2^-126, 2^103]";
    return text;
  }

  void choose(SSAOp op, Association forced) {
    bool exact = op.isReassociable();
    Costs costs(op.getNumTokens(), op.getHeadWidth());
    Association source = op.getSourceOrder(), order;
    StringRef because;
    if (forced != Association::Auto) {
      order = forced;
      because = "forced";
    } else if (op.getAssociation() != Association::Auto) {
      order = op.getAssociation();
      because = "set by the model";
    } else {
      order = costs.cheaper(source);
      because = "cheaper";
    }
    bool mayReorder = exact || allowInexact || op->hasAttr(kInexactAttr);
    if (order != source && !mayReorder) {
      if (forced != Association::Auto)
        op.emitWarning("keeps the source order ")
            << stringifyAssociation(source) << " although "
            << stringifyAssociation(forced) << " is forced: " << getProof(op)
            << ", layer " << getLayerName(op.getLoc());
      ++numUnproved;
      order = source;
      because = "source order";
    } else if (order != source && !exact) {
      op.emitWarning("executes ")
          << stringifyAssociation(order)
          << " against the source order: " << getProof(op) << ", layer "
          << getLayerName(op.getLoc());
      op->setAttr(kInexactAttr, UnitAttr::get(&getContext()));
      ++numInexact;
    }
    op.setAssociation(order);
    ++(order == Association::QKFirst ? numQKFirst : numKVFirst);

    // Integers below 2^24, scaled by a power of two: the bits depend neither
    // on the order of the sums nor on the place of the scale.
    if (exact)
      op.setScaleAfter(ScaleAfter::Second);
    op.setSumAttr(SumAttr::get(&getContext(),
                               exact ? SumKind::Exact : SumKind::Sequential));

    std::string why;
    llvm::raw_string_ostream os(why);
    os << stringifyAssociation(order) << " (" << because << "): qk_first "
       << costs.qkFirst << ", kv_first " << costs.kvFirst
       << " word operations per head, N = " << op.getNumTokens()
       << ", d = " << op.getHeadWidth() << "; " << getProof(op);
    op->setAttr(kWhyAttr, StringAttr::get(&getContext(), why));
    if (remarks)
      op.emitRemark(why);
  }
};

} // namespace
