// A model of the llvm phase, written by hand: 1024 values doubled by several
// threads, each in the floating-point environment of the runtime.

module attributes {
  spk.abi = {
    time_steps = 1 : i64, arena_bytes = 0 : i64, hoisted_bytes = 0 : i64,
    state_bytes = 0 : i64, weights_bytes = 0 : i64,
    inputs = [{name = "input", shape = array<i64: 1, 1024>, dtype = "f32", temporal = false}],
    outputs = [{name = "output", shape = array<i64: 1, 1024>, dtype = "f32", temporal = false}],
    states = [], weights = [],
    entries = {run = ["input:0", "output:0", "threads"]},
    step_refused = "layer.7: looks across time"}} {

  llvm.func @spk_parallel_fp_enter() -> i64
  llvm.func @spk_parallel_fp_leave(i64)

  llvm.func @spk_parallel_kernel_run(%input: !llvm.ptr, %output: !llvm.ptr, %threads: i32) {
    %zero = llvm.mlir.constant(0 : i64) : i64
    %one = llvm.mlir.constant(1 : i64) : i64
    %count = llvm.mlir.constant(1024 : i64) : i64
    omp.parallel num_threads(%threads : i32) {
      %previous = llvm.call @spk_parallel_fp_enter() : () -> i64
      omp.wsloop {
        omp.loop_nest (%i) : i64 = (%zero) to (%count) step (%one) {
          %from = llvm.getelementptr %input[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
          %to = llvm.getelementptr %output[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
          %x = llvm.load %from : !llvm.ptr -> f32
          %y = llvm.fadd %x, %x : f32
          llvm.store %y, %to : f32, !llvm.ptr
          omp.yield
        }
      }
      llvm.call @spk_parallel_fp_leave(%previous) : (i64) -> ()
      omp.terminator
    }
    llvm.return
  }
}
