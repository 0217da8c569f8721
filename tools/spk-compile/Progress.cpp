//===- Progress.cpp - what a long compilation is doing
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Progress.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir::spk;

static double toSeconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

Progress::Progress() : watcher([this] { watch(); }) {}

Progress::~Progress() {
  finish();
  watcher.join();
}

double Progress::getSeconds() const { return toSeconds(Clock::now() - begin); }

void Progress::endStage() {
  if (!current.empty())
    stages.push_back({current, toSeconds(Clock::now() - stageBegin)});
  current.clear();
}

void Progress::start(llvm::StringRef stage) {
  std::lock_guard<std::mutex> lock(mutex);
  endStage();
  current = prefix + stage.str();
  detail.clear();
  stageBegin = Clock::now();
  changed.notify_all();
}

void Progress::setPrefix(llvm::StringRef text) {
  std::lock_guard<std::mutex> lock(mutex);
  prefix = text.str();
}

void Progress::describe(llvm::StringRef text) {
  std::lock_guard<std::mutex> lock(mutex);
  detail = text.str();
}

void Progress::finish() {
  std::lock_guard<std::mutex> lock(mutex);
  endStage();
  done = true;
  changed.notify_all();
}

void Progress::watch() {
  std::unique_lock<std::mutex> lock(mutex);
  while (!done) {
    Clock::time_point watched = stageBegin;
    auto isOver = [&] { return done || stageBegin != watched; };
    std::chrono::seconds patience(2);
    while (!changed.wait_for(lock, patience, isOver)) {
      if (!current.empty())
        llvm::errs() << llvm::format("[%5.1f s] ", getSeconds()) << current
                     << (detail.empty() ? "" : ", ") << detail << "\n";
      patience = std::chrono::seconds(5);
    }
  }
}

void Progress::printTimes(llvm::raw_ostream &os) {
  std::lock_guard<std::mutex> lock(mutex);
  for (const Stage &stage : stages)
    os << llvm::format("%8.3f s  ", stage.seconds) << stage.name << "\n";
}
