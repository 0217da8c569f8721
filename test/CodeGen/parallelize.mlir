// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-parallelize{model-name=net})' | FileCheck %s --implicit-check-not=scf.parallel
// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-parallelize{openmp=false})' | FileCheck %s --check-prefix=SEQUENTIAL --implicit-check-not=scf.parallel --implicit-check-not=omp. --implicit-check-not=fp_enter

// One region for all loops; the thread count is the last argument. Every thread
// sets its floating-point modes and restores them. What no loop shares is run by
// one thread while the others wait.

// CHECK: spk.abi = {entries = {run = ["input:0", "arena", "threads"]}}
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.+]]: memref<8x8xf32>, %[[ARENA:.+]]: memref<256xi8>, %[[THREADS:.+]]: i32)
// CHECK-NEXT: omp.parallel num_threads(%[[THREADS]] : i32) {
// CHECK-NEXT: %[[MODES:.+]] = func.call @spk_net_fp_enter() : () -> i64
// CHECK: %[[VIEW:.+]] = memref.view %[[ARENA]]
// CHECK-NEXT: omp.wsloop {
// CHECK-NEXT: omp.loop_nest (%[[I:.+]]) : index = (%{{.+}}) to (%{{.+}}) step (%{{.+}}) {
// CHECK-NEXT: scf.for %[[J:.+]] = %{{.+}} to
// CHECK-NEXT: %[[LOADED:.+]] = memref.load %[[X]][%[[I]], %[[J]]]
// CHECK-NEXT: memref.store %[[LOADED]], %[[VIEW]][%[[I]], %[[J]]]
// CHECK: func.call @shared(%[[VIEW]])
// CHECK-NEXT: omp.single {
// CHECK-NEXT: func.call @alone(%[[VIEW]])
// CHECK-NEXT: %[[E:.+]] = memref.load %[[VIEW]]
// CHECK-NEXT: memref.store %[[E]], %[[X]]
// CHECK-NEXT: omp.terminator
// CHECK-NEXT: }
// CHECK-NEXT: func.call @shared(%[[X]])
// CHECK-NEXT: func.call @spk_net_fp_leave(%[[MODES]]) : (i64) -> ()
// CHECK-NEXT: omp.terminator
// CHECK-NEXT: }
// CHECK-NEXT: return

// SEQUENTIAL-LABEL: func.func @main(
// SEQUENTIAL-SAME: %{{.+}}: memref<256xi8>, %{{.+}}: i32)
// SEQUENTIAL: scf.for
// SEQUENTIAL-NEXT: scf.for
// SEQUENTIAL: call @shared
// SEQUENTIAL-NEXT: call @alone
module attributes {spk.abi = {entries = {run = ["input:0", "arena"]}}} {
func.func @main(%x: memref<8x8xf32>, %arena: memref<256xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %view = memref.view %arena[%c0][] : memref<256xi8> to memref<8x8xf32>
  scf.parallel (%i, %j) = (%c0, %c0) to (%c8, %c8) step (%c1, %c1) {
    %0 = memref.load %x[%i, %j] : memref<8x8xf32>
    memref.store %0, %view[%i, %j] : memref<8x8xf32>
  }
  call @shared(%view) : (memref<8x8xf32>) -> ()
  call @alone(%view) : (memref<8x8xf32>) -> ()
  %1 = memref.load %view[%c0, %c1] : memref<8x8xf32>
  memref.store %1, %x[%c0, %c0] : memref<8x8xf32>
  call @shared(%x) : (memref<8x8xf32>) -> ()
  return
}

// A kernel shares its loop with the threads of the entry; a loop inside stays
// with the thread that reaches it.

// CHECK-LABEL: func.func private @shared(
// CHECK-NOT: omp.parallel
// CHECK: omp.wsloop
// CHECK: omp.loop_nest (%[[I:.+]]) : index
// CHECK: scf.for %[[J:.+]] = %
// CHECK-NEXT: memref.store %{{.+}}, %{{.+}}[%[[I]], %[[J]]]
// SEQUENTIAL-LABEL: func.func private @shared(
// SEQUENTIAL: scf.for
// SEQUENTIAL-NEXT: scf.for
func.func private @shared(%x: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  scf.parallel (%i) = (%c0) to (%c8) step (%c1) {
    scf.parallel (%j) = (%c0) to (%c8) step (%c1) {
      memref.store %zero, %x[%i, %j] : memref<8x8xf32>
    }
  }
  return
}

func.func private @alone(%x: memref<8x8xf32>) {
  return
}
}
