//===- LocalizeSymbols.cpp - hide what an object keeps to itself
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Target/LocalizeSymbols.h"
#include "llvm/ObjCopy/CommonConfig.h"
#include "llvm/ObjCopy/ELF/ELFConfig.h"
#include "llvm/ObjCopy/MultiFormatConfig.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/Binary.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::spk;

namespace {

/// What objcopy --localize-hidden does.
class LocalizeHidden : public llvm::objcopy::MultiFormatConfig {
public:
  LocalizeHidden() { elf.LocalizeHidden = true; }

  const llvm::objcopy::CommonConfig &getCommonConfig() const override {
    return common;
  }
  llvm::Expected<const llvm::objcopy::ELFConfig &>
  getELFConfig() const override {
    return elf;
  }
  llvm::Expected<const llvm::objcopy::COFFConfig &>
  getCOFFConfig() const override {
    return unsupported();
  }
  llvm::Expected<const llvm::objcopy::MachOConfig &>
  getMachOConfig() const override {
    return unsupported();
  }
  llvm::Expected<const llvm::objcopy::WasmConfig &>
  getWasmConfig() const override {
    return unsupported();
  }
  llvm::Expected<const llvm::objcopy::XCOFFConfig &>
  getXCOFFConfig() const override {
    return unsupported();
  }
  llvm::Expected<const llvm::objcopy::DXContainerConfig &>
  getDXContainerConfig() const override {
    return unsupported();
  }

private:
  static llvm::Error unsupported() {
    return llvm::createStringError("only ELF objects are supported");
  }

  llvm::objcopy::CommonConfig common;
  llvm::objcopy::ELFConfig elf;
};

} // namespace

llvm::Error spk::localizeHiddenSymbols(StringRef input, StringRef output) {
  auto binary = llvm::object::createBinary(input);
  if (!binary)
    return binary.takeError();
  std::error_code code;
  llvm::raw_fd_ostream os(output, code);
  if (code)
    return llvm::createStringError("cannot write '" + output +
                                   "': " + code.message());
  LocalizeHidden config;
  return llvm::objcopy::executeObjcopyOnBinary(config, *binary->getBinary(),
                                               os);
}
