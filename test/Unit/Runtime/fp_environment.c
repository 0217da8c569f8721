//===- fp_environment.c - Rounding and denormals ----------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// DEFINE: %{flags} = -std=c11 -Wall -Wextra -Werror
// DEFINE: %{include} = -I%spk_include -I%spk_runtime
// RUN: %clang %{flags} %{include} %s -o %t && %t | FileCheck %s

#define SPK_MODEL probe
#include "spk/Runtime/descriptor.h"

#include "fp_env.h"

#include "check.h"

#if defined(__x86_64__)
// Flush to zero, denormals are zero, round up; and a sticky exception flag.
#define HOSTILE (SPK_FP_DEFAULT | 0x8000 | 0x0040 | 0x4000 | 0x0020)
#else
#define HOSTILE (SPK_FP_DEFAULT | 1 << 24 | 1 << 22)
#endif

/// Written by every entry: control register, 5/3 (which rounding to
/// nearest takes down) and half the smallest normal.
typedef struct probe {
  uint64_t control;
  float quotient;
  float denormal;
} probe;

/// Not inlined: a compiler may move arithmetic, though not calls, past a change
/// of the control register.
__attribute__((noinline)) static probe measure(void) {
  volatile float five = 5.0f, three = 3.0f, tiny = 0x1p-126f, half = 0.5f;
  probe result;
  result.quotient = five / three;
  result.denormal = tiny * half;
  result.control = spk_fp_get();
  return result;
}

static probe seen[4];
static void run_entry(const spk_call *call) {
  (void)call;
  seen[0] = measure();
}
static void prologue_entry(const spk_call *call) {
  (void)call;
  seen[1] = measure();
}
static void step_entry(const spk_call *call) {
  (void)call;
  seen[2] = measure();
}
static void finish_entry(const spk_call *call) {
  (void)call;
  seen[3] = measure();
  // An entry that leaves a mess does not leave it to the caller.
  spk_fp_set(SPK_FP_DEFAULT);
}

static const char *const no_strings[] = {NULL};
static const spk_model_descriptor model_descriptor = {
    .metadata = {.compiler_version = "",
                 .model_name = "probe",
                 .model_hash = "",
                 .target_triple = "",
                 .target_cpu = "",
                 .cpu_features = no_strings,
                 .threading = "none",
                 .properties = no_strings,
                 .time_steps = 1},
    .run = run_entry,
    .prologue = prologue_entry,
    .step = step_entry,
    .finish = finish_entry};

#include "runtime.c"

static void check_default(const probe *result) {
  // Of the flags the entry's own arithmetic may have set some.
  uint64_t flags = SPK_FP_DEFAULT ? 0x3f : 0;
  CHECK((result->control & ~flags) == SPK_FP_DEFAULT);
  CHECK(result->quotient == 0x1.aaaaaap+0f);
  CHECK(result->denormal > 0.0f);
}

/// The hostile settings do something, or the test would show nothing.
static void presets_matter(void) {
  uint64_t before = spk_fp_get();
  spk_fp_set(HOSTILE);
  probe result = measure();
  spk_fp_set(before);
  CHECK(result.denormal == 0.0f);
  CHECK(result.quotient == 0x1.aaaaacp+0f);
}

static void entries_see_defaults(void) {
  const spk_create_options options = {SPK_ABI_VERSION, 0};
  spk_handle *handle;
  uint64_t before = spk_fp_get();
  CHECK(spk_probe_create(&options, &handle, NULL, 0) == SPK_OK);
  // Without OpenMP there is one thread, whatever is asked for.
  CHECK(spk_probe_get_threads(handle) == 1);
  CHECK(spk_probe_set_threads(handle, 8) == SPK_OK);
  CHECK(spk_probe_get_threads(handle) == 1);
  uint64_t after[3];
  spk_status status[3];
  spk_fp_set(HOSTILE);
  status[0] = spk_probe_run(handle, NULL, NULL);
  after[0] = spk_fp_get();
  status[1] = spk_probe_step(handle, NULL, NULL);
  after[1] = spk_fp_get();
  status[2] = spk_probe_finish(handle, NULL);
  after[2] = spk_fp_get();
  spk_fp_set(before);
  for (int i = 0; i < 3; ++i) {
    CHECK(status[i] == SPK_OK);
    CHECK(after[i] == HOSTILE);
  }
  for (int i = 0; i < 4; ++i)
    check_default(&seen[i]);
  spk_probe_destroy(handle);
}

/// What generated code calls on the threads of a parallel region.
static void enter_and_leave(void) {
  uint64_t before = spk_fp_get();
  spk_fp_set(HOSTILE);
  uint64_t previous = spk_probe_fp_enter();
  probe inside = measure();
  spk_probe_fp_leave(previous);
  uint64_t after = spk_fp_get();
  spk_fp_set(before);
  CHECK(previous == HOSTILE && after == HOSTILE);
  check_default(&inside);
}

int main(void) {
  // CHECK: PASS presets_matter
  RUN_CASE(presets_matter);
  // CHECK-NEXT: PASS entries_see_defaults
  RUN_CASE(entries_see_defaults);
  // CHECK-NEXT: PASS enter_and_leave
  RUN_CASE(enter_and_leave);
  return 0;
}
