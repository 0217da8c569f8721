//===- descriptor.h - Contract of generated code and runtime ----*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to spk. The driver writes one C file per model:
//
//   #define SPK_MODEL net
//   #include "spk/Runtime/descriptor.h"
//   extern const unsigned char spk_net_weights[];
//   extern void spk_net_kernel_run(float *in0, float *out0, void *arena,
//                                  const void *weights, int32_t threads);
//   static void run_entry(const spk_call *c) {
//     spk_net_kernel_run(c->inputs[0], c->outputs[0], c->arena, c->weights,
//                        c->threads);
//   }
//   static const spk_model_descriptor model_descriptor = {...};
//   #include "runtime.c"
//
// and compiles it for the baseline of the triple, so that nothing in it needs a
// CPU feature before create has checked for it; the kernels in the object next
// to it are compiled for the target CPU. Every symbol of a model starts with
// spk_<model>_, so that several models link into one program; spk_<model>_run
// and the like are the public functions, hence the infix "kernel_".
//
//===----------------------------------------------------------------------===//

#ifndef SPK_RUNTIME_DESCRIPTOR_H
#define SPK_RUNTIME_DESCRIPTOR_H

// Needed for sysconf under -std=c11; has to precede the first system header.
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include "spk/Runtime/runtime.h"

#ifndef SPK_MODEL
#error "define SPK_MODEL to the name of the model before including this file"
#endif

#define SPK_NAME_PASTE(model, function) spk_##model##_##function
#define SPK_NAME_EXPAND(model, function) SPK_NAME_PASTE(model, function)
#define SPK_NAME(function) SPK_NAME_EXPAND(SPK_MODEL, function)

#define SPK_STRING_PASTE(text) #text
#define SPK_STRING_EXPAND(text) SPK_STRING_PASTE(text)
#define SPK_MODEL_STRING SPK_STRING_EXPAND(SPK_MODEL)

/// Objects are compiled with -fvisibility=hidden, or linked with an export
/// list; the public functions are marked so that either way works.
#define SPK_PUBLIC __attribute__((visibility("default")))
#define SPK_HIDDEN __attribute__((visibility("hidden")))

/// Called by generated code on every thread of a parallel region, around its
/// body: sets the floating-point environment that the numerics promise, and
/// puts the previous one back.
SPK_HIDDEN uint64_t SPK_NAME(fp_enter)(void);
SPK_HIDDEN void SPK_NAME(fp_leave)(uint64_t previous);

/// What an entry receives. Buffers of size 0 are NULL, all others are aligned
/// to 64 bytes and a multiple of 64 bytes long, except the caller's inputs and
/// outputs, which are aligned to their element only.
typedef struct spk_call {
  /// One pointer per input; NULL in finish, which has none. In step and
  /// prologue those of temporal inputs point to one time slice, which prologue
  /// must not use.
  void *const *inputs;
  /// One pointer per output. In step those of non-temporal outputs, in finish
  /// those of temporal ones are NULL; prologue must not use any.
  void *const *outputs;
  /// State carried from step to step.
  void *state;
  /// Values that depend on the static inputs alone: written by prologue, read
  /// by step.
  void *hoisted;
  /// Scratch memory, contents undefined.
  void *arena;
  const void *weights;
  /// At least 1.
  int32_t threads;
} spk_call;

typedef void (*spk_entry)(const spk_call *call);

/// A range of the state and the value it has at the first time step. Bytes of
/// the state outside all segments start as 0.
typedef struct spk_state_segment {
  /// In bytes, a multiple of 4.
  uint64_t offset;
  /// In elements of 4 bytes.
  uint64_t count;
  float initial;
} spk_state_segment;

/// All that the runtime knows about a model.
typedef struct spk_model_descriptor {
  /// arena_bytes is the largest arena of any entry.
  spk_metadata metadata;
  const spk_tensor_info *inputs;
  int32_t num_inputs;
  const spk_tensor_info *outputs;
  int32_t num_outputs;
  const spk_state_segment *segments;
  int32_t num_segments;
  const void *weights;
  /// Required. May use state and hoisted as it likes.
  spk_entry run;
  /// NULL if nothing is hoisted.
  spk_entry prologue;
  /// NULL if the model cannot be streamed; `step_refusal` then says why.
  spk_entry step;
  /// NULL if there is nothing to do after the last step.
  spk_entry finish;
  const char *step_refusal;
} spk_model_descriptor;

#endif // SPK_RUNTIME_DESCRIPTOR_H
