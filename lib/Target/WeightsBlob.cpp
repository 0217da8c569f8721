//===- WeightsBlob.cpp - weights of an artefact
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Target/WeightsBlob.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::spk;

static void writeZeros(llvm::raw_ostream &os, uint64_t count) {
  for (; count > 64; count -= 64)
    os.write_zeros(64);
  os.write_zeros(count);
}

llvm::Error spk::writeWeightsBlob(llvm::raw_ostream &os, const ModelABI &abi,
                                  TensorLookup lookup) {
  uint64_t position = 0;
  for (const WeightABI &weight : abi.weights) {
    auto bytes = lookup(weight.key);
    if (!bytes)
      return bytes.takeError();
    if (bytes->size() != weight.bytes)
      return llvm::createStringError(
          "tensor '" + weight.key + "' has " + std::to_string(bytes->size()) +
          " bytes, the code expects " + std::to_string(weight.bytes));
    writeZeros(os, weight.offset - position);
    os.write(bytes->data(), bytes->size());
    position = weight.offset + weight.bytes;
  }
  writeZeros(os, abi.weightsBytes - position);
  return llvm::Error::success();
}

std::string spk::getWeightsAssembly(StringRef modelName, StringRef blobFile) {
  std::string symbol = ("spk_" + modelName + "_weights").str();
  std::string text;
  llvm::raw_string_ostream os(text);
  // One section per model: linkers drop it with the model's code.
  os << "\t.section .rodata." << symbol << ",\"a\",%progbits\n"
     << "\t.balign 64\n"
     << "\t.globl " << symbol << "\n\t.hidden " << symbol << "\n\t.type "
     << symbol << ",%object\n"
     << symbol << ":\n"
     << "\t.incbin \"" << blobFile << "\"\n"
     << "\t.size " << symbol << ", . - " << symbol << "\n"
     << "\t.section .note.GNU-stack,\"\",%progbits\n";
  return text;
}
