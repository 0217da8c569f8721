//===- CodeParts.cpp - code that is compiled in parts
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spk/Target/CodeParts.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::spk;

/// What a part may hold, in units of getCost. Setting up LLVM's pipelines takes
/// some milliseconds per part, compiling this much a hundred.
constexpr uint64_t kCostPerPart = 10000;

/// About what it takes to compile a function: vectors wider than registers
/// become several instructions.
static uint64_t getCost(const llvm::Function &function) {
  uint64_t cost = 0;
  for (const llvm::Instruction &instruction : llvm::instructions(function)) {
    llvm::Type *type = instruction.getType();
    if (auto *store = dyn_cast<llvm::StoreInst>(&instruction))
      type = store->getValueOperand()->getType();
    cost += 1 + type->getPrimitiveSizeInBits().getKnownMinValue() / 512;
  }
  return cost;
}

/// Whether every part that uses the value has a copy.
static bool isCopied(const llvm::GlobalVariable &global) {
  return global.isConstant() && global.hasLocalLinkage();
}

/// Calls `visit` with all functions that use a value, also through constants.
static void forEachUser(const llvm::Value &value,
                        llvm::function_ref<void(llvm::Function &)> visit) {
  SmallVector<const llvm::User *> pending(value.users());
  llvm::SmallPtrSet<const llvm::User *, 8> seen;
  while (!pending.empty()) {
    const llvm::User *user = pending.pop_back_val();
    if (!seen.insert(user).second)
      continue;
    if (auto *instruction = dyn_cast<llvm::Instruction>(user))
      visit(*const_cast<llvm::Function *>(instruction->getFunction()));
    else
      pending.append(user->user_begin(), user->user_end());
  }
}

void CodeParts::distribute(llvm::Module &module) {
  llvm::EquivalenceClasses<llvm::Function *> together;
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    together.insert(&function);
    if (function.hasLocalLinkage() &&
        !function.hasFnAttribute(llvm::Attribute::NoInline))
      forEachUser(function, [&](llvm::Function &user) {
        together.unionSets(&function, &user);
      });
  }
  struct Group {
    SmallVector<llvm::Function *> functions;
    uint64_t cost = 0;
    size_t position = 0;
  };
  llvm::MapVector<llvm::Function *, Group> byLeader;
  uint64_t total = 0;
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    Group &group = byLeader[together.getLeaderValue(&function)];
    uint64_t cost = getCost(function);
    if (group.functions.empty())
      group.position = byLeader.size();
    group.functions.push_back(&function);
    group.cost += cost;
    total += cost;
  }
  auto groups = llvm::to_vector(llvm::make_second_range(byLeader));
  size_t wanted = llvm::divideCeil(total, kCostPerPart);
  numParts = std::max<size_t>(1, std::min(wanted, groups.size()));

  // The largest first, each to the part that has the least so far.
  llvm::sort(groups, [](const Group &a, const Group &b) {
    return std::make_pair(b.cost, a.position) <
           std::make_pair(a.cost, b.position);
  });
  SmallVector<uint64_t> costs(numParts, 0);
  for (const Group &group : groups) {
    auto *least = llvm::min_element(costs);
    *least += group.cost;
    for (llvm::Function *function : group.functions)
      partOf[function->getName()] = least - costs.begin();
  }
}

void CodeParts::expose(llvm::Module &module, StringRef prefix) {
  auto isShared = [&](const llvm::GlobalValue &value, unsigned part) {
    bool shared = false;
    forEachUser(value, [&](llvm::Function &user) {
      shared |= partOf.lookup(user.getName()) != part;
    });
    return shared;
  };
  for (llvm::GlobalObject &object : module.global_objects()) {
    auto *variable = dyn_cast<llvm::GlobalVariable>(&object);
    if (object.isDeclaration() || !object.hasLocalLinkage() ||
        (variable && isCopied(*variable)))
      continue;
    unsigned part = partOf.lookup(object.getName());
    if (!isShared(object, part))
      continue;
    object.setLinkage(llvm::GlobalValue::ExternalLinkage);
    object.setVisibility(llvm::GlobalValue::HiddenVisibility);
    object.setName(prefix + object.getName());
    partOf[object.getName()] = part;
  }
}

CodeParts::CodeParts(llvm::Module &module, StringRef prefix) {
  distribute(module);
  expose(module, prefix);
  llvm::raw_svector_ostream os(bitcode);
  llvm::WriteBitcodeToFile(module, os);
}

llvm::Expected<std::unique_ptr<llvm::Module>>
CodeParts::read(unsigned part, llvm::LLVMContext &context) const {
  // Lazily: most bodies are never looked at.
  auto module = llvm::getLazyBitcodeModule(
      llvm::MemoryBufferRef(StringRef(bitcode.data(), bitcode.size()), "code"),
      context);
  if (!module)
    return module.takeError();
  for (llvm::Function &function : **module)
    if (!function.isDeclaration() && partOf.lookup(function.getName()) != part)
      function.deleteBody();
  if (llvm::Error error = (*module)->materializeAll())
    return error;
  for (llvm::GlobalVariable &global :
       llvm::make_early_inc_range((*module)->globals())) {
    if (global.isDeclaration())
      continue;
    if (isCopied(global)) {
      global.removeDeadConstantUsers();
      if (global.use_empty())
        global.eraseFromParent();
    } else if (part != 0) {
      global.setInitializer(nullptr);
      global.setLinkage(llvm::GlobalValue::ExternalLinkage);
    }
  }
  return module;
}

std::string spk::getPartSuffix(unsigned part) {
  return part == 0 ? "" : "." + std::to_string(part);
}
