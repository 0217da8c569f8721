// A model of the llvm phase, written by hand: 16 neurons that only add.
//
//   charge = input * gain;  v += charge at each of 4 steps, v = 0.5 at first
//   spikes = v >= 1 at each step;  output = v after the last step
//
// `gain` and `unused` come from the file of weights.

module attributes {
  spk.weights = "accumulate.safetensors",
  spk.abi = {
    time_steps = 4 : i64, arena_bytes = 64 : i64, hoisted_bytes = 64 : i64,
    state_bytes = 64 : i64, weights_bytes = 192 : i64,
    inputs = [{name = "input", shape = array<i64: 2, 8>, dtype = "f32", temporal = false}],
    outputs = [
      {name = "output", shape = array<i64: 2, 8>, dtype = "f32", temporal = false},
      {name = "neuron", shape = array<i64: 4, 2, 8>, dtype = "i1", temporal = true}],
    states = [{offset = 0 : i64, count = 16 : i64, initial = 5.000000e-01 : f32}],
    entries = {
      run = ["input:0", "output:0", "output:1", "arena", "weights", "threads"],
      prologue = ["input:0", "hoisted", "weights", "threads"],
      step = ["hoisted", "state", "output:1", "threads"],
      finish = ["state", "output:0", "threads"]},
    weights = [{key = "unused", offset = 0 : i64, bytes = 12 : i64},
               {key = "gain", offset = 128 : i64, bytes = 64 : i64}]}} {

  // One step on 16 neurons: returns v and stores the spikes.
  llvm.func internal @add(%v: vector<16xf32>, %charge: vector<16xf32>, %spikes: !llvm.ptr) -> vector<16xf32> {
    %one = llvm.mlir.constant(dense<1.0> : vector<16xf32>) : vector<16xf32>
    %h = llvm.fadd %v, %charge : vector<16xf32>
    %fired = llvm.fcmp "oge" %h, %one : vector<16xf32>
    %bytes = llvm.zext %fired : vector<16xi1> to vector<16xi8>
    llvm.store %bytes, %spikes {alignment = 1 : i64} : vector<16xi8>, !llvm.ptr
    llvm.return %h : vector<16xf32>
  }

  llvm.func internal @charge(%input: !llvm.ptr, %weights: !llvm.ptr) -> vector<16xf32> {
    %gain_at = llvm.getelementptr %weights[128] : (!llvm.ptr) -> !llvm.ptr, i8
    %gain = llvm.load %gain_at {alignment = 64 : i64} : !llvm.ptr -> vector<16xf32>
    %x = llvm.load %input {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
    %charge = llvm.fmul %x, %gain : vector<16xf32>
    llvm.return %charge : vector<16xf32>
  }

  llvm.func @spk_accumulate_kernel_run(%input: !llvm.ptr, %output: !llvm.ptr, %spikes: !llvm.ptr, %arena: !llvm.ptr, %weights: !llvm.ptr, %threads: i32) {
    %zero = llvm.mlir.constant(0 : i64) : i64
    %step = llvm.mlir.constant(1 : i64) : i64
    %steps = llvm.mlir.constant(4 : i64) : i64
    %bytes = llvm.mlir.constant(16 : i64) : i64
    %start = llvm.mlir.constant(dense<0.5> : vector<16xf32>) : vector<16xf32>
    %charge = llvm.call @charge(%input, %weights) : (!llvm.ptr, !llvm.ptr) -> vector<16xf32>
    llvm.br ^loop(%zero, %start : i64, vector<16xf32>)
  ^loop(%t: i64, %v: vector<16xf32>):
    %offset = llvm.mul %t, %bytes : i64
    %slice = llvm.getelementptr %spikes[%offset] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %next = llvm.call @add(%v, %charge, %slice) : (vector<16xf32>, vector<16xf32>, !llvm.ptr) -> vector<16xf32>
    %t1 = llvm.add %t, %step : i64
    %more = llvm.icmp "slt" %t1, %steps : i64
    llvm.cond_br %more, ^loop(%t1, %next : i64, vector<16xf32>), ^end
  ^end:
    llvm.store %next, %output {alignment = 4 : i64} : vector<16xf32>, !llvm.ptr
    llvm.return
  }

  llvm.func @spk_accumulate_kernel_prologue(%input: !llvm.ptr, %hoisted: !llvm.ptr, %weights: !llvm.ptr, %threads: i32) {
    %charge = llvm.call @charge(%input, %weights) : (!llvm.ptr, !llvm.ptr) -> vector<16xf32>
    llvm.store %charge, %hoisted : vector<16xf32>, !llvm.ptr
    llvm.return
  }

  llvm.func @spk_accumulate_kernel_step(%hoisted: !llvm.ptr, %state: !llvm.ptr, %spikes: !llvm.ptr, %threads: i32) {
    %charge = llvm.load %hoisted : !llvm.ptr -> vector<16xf32>
    %v = llvm.load %state : !llvm.ptr -> vector<16xf32>
    %next = llvm.call @add(%v, %charge, %spikes) : (vector<16xf32>, vector<16xf32>, !llvm.ptr) -> vector<16xf32>
    llvm.store %next, %state : vector<16xf32>, !llvm.ptr
    llvm.return
  }

  llvm.func @spk_accumulate_kernel_finish(%state: !llvm.ptr, %output: !llvm.ptr, %threads: i32) {
    %v = llvm.load %state : !llvm.ptr -> vector<16xf32>
    llvm.store %v, %output {alignment = 4 : i64} : vector<16xf32>, !llvm.ptr
    llvm.return
  }
}
