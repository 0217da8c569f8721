//===- Progress.h - what a long compilation is doing ------------*- C++ -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TOOLS_SPK_COMPILE_PROGRESS_H
#define SPK_TOOLS_SPK_COMPILE_PROGRESS_H

#include "llvm/ADT/StringRef.h"
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace mlir::spk {

/// Measures the stages of a compilation, and says on stderr which one is
/// running once it has taken more than two seconds.
class Progress {
public:
  Progress();
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// Ends the stage that runs and begins another.
  void start(llvm::StringRef stage);
  /// Stands before the names of stages from now on.
  void setPrefix(llvm::StringRef text);
  /// How far the stage is.
  void describe(llvm::StringRef text);
  /// Ends the last stage.
  void finish();

  double getSeconds() const;
  void printTimes(llvm::raw_ostream &os);

private:
  using Clock = std::chrono::steady_clock;
  struct Stage {
    std::string name;
    double seconds;
  };

  void watch();
  void endStage();

  const Clock::time_point begin = Clock::now();
  Clock::time_point stageBegin = begin;
  std::string current, detail, prefix;
  std::vector<Stage> stages;
  bool done = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::thread watcher;
};

} // namespace mlir::spk

#endif // SPK_TOOLS_SPK_COMPILE_PROGRESS_H
