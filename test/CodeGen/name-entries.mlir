// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-name-entries)' | FileCheck %s --check-prefixes=CHECK,DEFAULT
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-name-entries{model-name=net})' | FileCheck %s --check-prefixes=CHECK,NAMED

// Two models link into one program: nothing but the entries is visible, and
// those carry the model's name. Runtime functions stay declared.

// DEFAULT: llvm.func @spk_model_kernel_run(
// NAMED: llvm.func @spk_net_kernel_run(
// CHECK: llvm.call @helper()
llvm.func @main(%x: !llvm.ptr) {
  llvm.call @helper() : () -> ()
  llvm.return
}
// DEFAULT: llvm.func @spk_model_kernel_prologue(
// NAMED: llvm.func @spk_net_kernel_prologue(
llvm.func @prologue() {
  llvm.return
}
// NAMED: llvm.func @spk_net_kernel_step(
llvm.func @step() {
  llvm.return
}
// NAMED: llvm.func @spk_net_kernel_finish(
llvm.func @finish() {
  llvm.return
}
// CHECK: llvm.func internal @helper()
llvm.func @helper() {
  llvm.return
}
// CHECK: llvm.func @spk_net_fp_enter() -> i64
llvm.func @spk_net_fp_enter() -> i64
