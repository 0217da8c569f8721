// RUN: not spk-compile --compile-from=llvm %s --model-name=model --emit=asm -o - 2>&1 | FileCheck %s

// Flags that allow another rounding are refused, however they got here.
// CHECK: error: an operation of 'spk_model_kernel_run' has a fast-math flag that allows another rounding

module attributes {
  spk.abi = {
    time_steps = 1 : i64, arena_bytes = 0 : i64, hoisted_bytes = 0 : i64,
    state_bytes = 0 : i64, weights_bytes = 0 : i64,
    inputs = [{name = "x", shape = array<i64: 1>, dtype = "f32", temporal = false}],
    outputs = [{name = "y", shape = array<i64: 1>, dtype = "f32", temporal = false}],
    states = [], weights = [],
    entries = {run = ["input:0", "output:0", "threads"]}}} {
  llvm.func @spk_model_kernel_run(%input: !llvm.ptr, %output: !llvm.ptr, %threads: i32) {
    %x = llvm.load %input : !llvm.ptr -> f32
    %y = llvm.fadd %x, %x {fastmathFlags = #llvm.fastmath<contract>} : f32
    llvm.store %y, %output : f32, !llvm.ptr
    llvm.return
  }
}
