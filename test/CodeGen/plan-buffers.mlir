// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-plan-buffers)' -split-input-file | FileCheck %s --implicit-check-not=memref.alloc

// %a and %c are never alive together and share their bytes; %b is alive with
// both. 336 bytes are rounded up to 384.

// CHECK: spk.abi = {arena_bytes = 768 : i64
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.+]]: memref<84xf32>, %[[Y:.+]]: memref<84xf32>, %[[ARENA:.+]]: memref<768xi8>)
// CHECK: %[[ZERO:.+]] = arith.constant 0 : index
// CHECK: %[[A:.+]] = memref.view %[[ARENA]][%[[ZERO]]][] : memref<768xi8> to memref<84xf32>
// CHECK: call @kernel(%[[X]], %[[A]])
// CHECK: %[[NEXT:.+]] = arith.constant 384 : index
// CHECK: %[[B:.+]] = memref.view %[[ARENA]][%[[NEXT]]][]
// CHECK: call @kernel(%[[A]], %[[B]])
// CHECK: %[[AGAIN:.+]] = arith.constant 0 : index
// CHECK: %[[C:.+]] = memref.view %[[ARENA]][%[[AGAIN]]][]
// CHECK: call @kernel(%[[B]], %[[C]])
// CHECK: call @kernel(%[[C]], %[[Y]])
// CHECK: return{{$}}
func.func private @kernel(memref<84xf32>, memref<84xf32>)
func.func @main(%x: memref<84xf32>) -> memref<84xf32> {
  %a = memref.alloc() : memref<84xf32>
  call @kernel(%x, %a) : (memref<84xf32>, memref<84xf32>) -> ()
  %b = memref.alloc() : memref<84xf32>
  call @kernel(%a, %b) : (memref<84xf32>, memref<84xf32>) -> ()
  %c = memref.alloc() : memref<84xf32>
  call @kernel(%b, %c) : (memref<84xf32>, memref<84xf32>) -> ()
  %d = memref.alloc() : memref<84xf32>
  call @kernel(%c, %d) : (memref<84xf32>, memref<84xf32>) -> ()
  return %d : memref<84xf32>
}

// -----

// A view keeps the buffer behind it alive, so nothing is shared here.

// CHECK: spk.abi = {arena_bytes = 1152 : i64
// CHECK-LABEL: func.func @main(
func.func private @kernel(memref<84xf32>, memref<84xf32>)
func.func @main(%x: memref<84xf32>) -> memref<84xf32> {
  %a = memref.alloc() : memref<84xf32>
  call @kernel(%x, %a) : (memref<84xf32>, memref<84xf32>) -> ()
  %later = memref.expand_shape %a [[0, 1]] output_shape [7, 12] : memref<84xf32> into memref<7x12xf32>
  %b = memref.alloc() : memref<84xf32>
  call @kernel(%a, %b) : (memref<84xf32>, memref<84xf32>) -> ()
  %c = memref.alloc() : memref<84xf32>
  call @kernel(%b, %c) : (memref<84xf32>, memref<84xf32>) -> ()
  %again = memref.collapse_shape %later [[0, 1]] : memref<7x12xf32> into memref<84xf32>
  %d = memref.alloc() : memref<84xf32>
  call @kernel(%again, %d) : (memref<84xf32>, memref<84xf32>) -> ()
  call @kernel(%c, %d) : (memref<84xf32>, memref<84xf32>) -> ()
  return %d : memref<84xf32>
}

// -----

// A value returned twice is made in the first result and copied to the second,
// by a loop that threads can share.

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.+]]: memref<84xf32>, %[[Y:[a-z0-9]+]]: memref<84xf32>, %[[Z:[a-z0-9]+]]: memref<84xf32>,
// CHECK: call @kernel(%[[X]], %[[Y]])
// CHECK: linalg.copy ins(%[[Y]] : memref<84xf32>) outs(%[[Z]] : memref<84xf32>)
func.func private @kernel(memref<84xf32>, memref<84xf32>)
func.func @main(%x: memref<84xf32>) -> (memref<84xf32>, memref<84xf32>) {
  %a = memref.alloc() : memref<84xf32>
  call @kernel(%x, %a) : (memref<84xf32>, memref<84xf32>) -> ()
  return %a, %a : memref<84xf32>, memref<84xf32>
}

// -----

// Entries: hoisted values and states are blocks, in one order everywhere. The
// state is updated in place, the weights come last.

// CHECK: module attributes {spk.abi = {
// CHECK-SAME: entries = {
// CHECK-SAME: finish = ["hoisted", "state", "output:1", "arena", "weights"],
// CHECK-SAME: prologue = ["input:0", "hoisted", "arena", "weights"],
// CHECK-SAME: run = ["input:0", "output:0", "output:1", "arena", "weights"],
// CHECK-SAME: step = ["hoisted", "state", "output:0", "arena", "weights"]},
// CHECK-SAME: hoisted_bytes = 64 : i64,
// CHECK-SAME: inputs = [{dtype = "f32", name = "image", shape = array<i64: 1, 4>, temporal = false}],
// CHECK-SAME: outputs = [{dtype = "i1", name = "spikes", shape = array<i64: 3, 1, 4>, temporal = true}, {dtype = "f32", name = "logits", shape = array<i64: 1, 4>, temporal = false}],
// CHECK-SAME: state_bytes = 128 : i64,
// CHECK-SAME: states = [{count = 4 : i64, initial = -5.000000e-01 : f32, offset = 0 : i64}, {count = 4 : i64, initial = 0.000000e+00 : f32, offset = 64 : i64}],
// CHECK-SAME: step_refused = "never", time_steps = 3 : i64,
// CHECK-SAME: weights = [{bytes = 16 : i64, key = "w", offset = 64 : i64}], weights_bytes = 80 : i64}}
// CHECK-NOT: spk.role
// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[HOISTED:.+]]: memref<64xi8>, %[[STATES:.+]]: memref<128xi8>, %[[SPIKES:.+]]: memref<1x1x4xi8>, %{{.+}}: memref<1xi8>, %[[WEIGHTS:.+]]: memref<80xi8>)
// CHECK-DAG: %[[V:.+]] = memref.view %[[STATES]][%{{.+}}][] : memref<128xi8> to memref<1x1x4xf32>
// CHECK-DAG: %[[C:.+]] = memref.view %[[HOISTED]]
// CHECK: call @neuron(%{{.+}}, %{{.+}}, %[[SPIKES]], %{{.+}})
// CHECK-NOT: linalg.copy
// CHECK-LABEL: func.func @finish(
module attributes {spk.time_steps = 3 : i64, spk.step_refused = "never", spk.weight_layout = [{key = "w", offset = 64 : i64, bytes = 16 : i64}]} {
  func.func private @neuron(memref<1x1x4xf32>, memref<1x1x4xf32>, memref<1x1x4xi8>, memref<1x1x4xf32>)
  func.func private @sequence(memref<1x1x4xf32>, memref<3x1x4xi8>, memref<1x1x4xf32>)
  func.func private @add(memref<1x1x4xf32>, memref<1x1x4xf32>, memref<1x1x4xf32>)
  func.func @main(%x: memref<1x1x4xf32> {spk.name = "image", spk.static}, %w: memref<80xi8> {spk.role = "weights"})
      -> (memref<3x1x4xi8> {spk.name = "spikes", spk.spikes}, memref<1x1x4xf32> {spk.name = "logits", spk.static}) {
    %s = memref.alloc() : memref<3x1x4xi8>
    %l = memref.alloc() : memref<1x1x4xf32>
    call @sequence(%x, %s, %l) : (memref<1x1x4xf32>, memref<3x1x4xi8>, memref<1x1x4xf32>) -> ()
    return %s, %l : memref<3x1x4xi8>, memref<1x1x4xf32>
  }
  func.func @prologue(%x: memref<1x1x4xf32> {spk.name = "image", spk.role = "input", spk.static}, %w: memref<80xi8> {spk.role = "weights"})
      -> (memref<1x1x4xf32> {spk.name = "c", spk.role = "hoisted"}) {
    %c = memref.alloc() : memref<1x1x4xf32>
    call @add(%x, %x, %c) : (memref<1x1x4xf32>, memref<1x1x4xf32>, memref<1x1x4xf32>) -> ()
    return %c : memref<1x1x4xf32>
  }
  func.func @step(%c: memref<1x1x4xf32> {spk.name = "c", spk.role = "hoisted"},
      %v: memref<1x1x4xf32> {spk.name = "v", spk.role = "state", spk.initial = -5.000000e-01 : f32},
      %a: memref<1x1x4xf32> {spk.name = "a", spk.role = "state", spk.initial = 0.000000e+00 : f32}, %w: memref<80xi8> {spk.role = "weights"})
      -> (memref<1x1x4xi8> {spk.name = "spikes", spk.role = "output", spk.spikes}, memref<1x1x4xf32> {spk.name = "v", spk.role = "state"}, memref<1x1x4xf32> {spk.name = "a", spk.role = "state"}) {
    %s = memref.alloc() : memref<1x1x4xi8>
    %u = memref.alloc() : memref<1x1x4xf32>
    call @neuron(%c, %v, %s, %u) : (memref<1x1x4xf32>, memref<1x1x4xf32>, memref<1x1x4xi8>, memref<1x1x4xf32>) -> ()
    %b = memref.alloc() : memref<1x1x4xf32>
    call @add(%a, %u, %b) : (memref<1x1x4xf32>, memref<1x1x4xf32>, memref<1x1x4xf32>) -> ()
    return %s, %u, %b : memref<1x1x4xi8>, memref<1x1x4xf32>, memref<1x1x4xf32>
  }
  func.func @finish(%c: memref<1x1x4xf32> {spk.name = "c", spk.role = "hoisted"},
      %v: memref<1x1x4xf32> {spk.name = "v", spk.role = "state", spk.initial = -5.000000e-01 : f32},
      %a: memref<1x1x4xf32> {spk.name = "a", spk.role = "state", spk.initial = 0.000000e+00 : f32}, %w: memref<80xi8> {spk.role = "weights"})
      -> (memref<1x1x4xf32> {spk.name = "logits", spk.role = "output", spk.static}) {
    %l = memref.alloc() : memref<1x1x4xf32>
    call @add(%a, %c, %l) : (memref<1x1x4xf32>, memref<1x1x4xf32>, memref<1x1x4xf32>) -> ()
    return %l : memref<1x1x4xf32>
  }
}

// -----

// Where the buffer of the new state was used before the old one is last read, as
// for a tapped membrane, the state is copied at the end.

// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[STATES:.+]]: memref<64xi8>, %[[MEMBRANE:.+]]: memref<4xf32>, %[[ARENA:.+]]: memref<64xi8>)
// CHECK: %[[NEW:.+]] = memref.view %[[STATES]]
// CHECK: %[[OLD:.+]] = memref.view %[[STATES]]
// CHECK: %[[BUFFER:.+]] = memref.view %[[ARENA]]
// CHECK: call @kernel(%[[MEMBRANE]], %[[BUFFER]])
// CHECK: call @kernel(%[[OLD]], %[[BUFFER]])
// CHECK: linalg.copy ins(%[[BUFFER]] : memref<4xf32>) outs(%[[NEW]] : memref<4xf32>)
func.func private @kernel(memref<4xf32>, memref<4xf32>)
func.func @step(%v: memref<4xf32> {spk.name = "v", spk.role = "state"}) -> (memref<4xf32> {spk.name = "m", spk.role = "output"}, memref<4xf32> {spk.name = "v", spk.role = "state"}) {
  %m = memref.alloc() : memref<4xf32>
  %u = memref.alloc() : memref<4xf32>
  call @kernel(%m, %u) : (memref<4xf32>, memref<4xf32>) -> ()
  call @kernel(%v, %u) : (memref<4xf32>, memref<4xf32>) -> ()
  return %m, %u : memref<4xf32>, memref<4xf32>
}
