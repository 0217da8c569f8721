//===- fake_model.h - A small network written by hand -----------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the compiler would generate for one layer of leaky neurons over an image
// that is repeated and events that differ from step to step, followed by a mean
// over time: it has every kind of input and output, hoisted values and state.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TEST_UNIT_RUNTIME_FAKE_MODEL_H
#define SPK_TEST_UNIT_RUNTIME_FAKE_MODEL_H

#ifndef SPK_MODEL
#define SPK_MODEL fake
#endif
#include "spk/Runtime/descriptor.h"

#include <stdlib.h>
#include <string.h>

#ifndef FAKE_HASH
#define FAKE_HASH "0123456789abc"
#endif

enum { FAKE_T = 3, FAKE_B = 2, FAKE_C = 4, FAKE_N = FAKE_B * FAKE_C };

/// Not part of what a real model has: lets tests see the cache at work.
static int fake_prologue_calls;
static int fake_last_threads;

static const float fake_weights[FAKE_C] = {0.5f, 1.0f, 1.5f, -2.0f};

static void fake_hoist(const float *image, const float *weights,
                       float *hoisted) {
  for (int i = 0; i < FAKE_N; ++i)
    hoisted[i] = image[i] * weights[i % FAKE_C];
}

/// `state` is the membranes, a gap of 8 elements, and the sums over time.
static void fake_neurons(const float *hoisted, const float *events,
                         float *state, unsigned char *spikes) {
  for (int i = 0; i < FAKE_N; ++i) {
    float h = state[i] + (hoisted[i] + events[i] - state[i]) / 2.0f;
    spikes[i] = h >= 1.0f;
    state[i] = spikes[i] ? 0.0f : h;
    state[16 + i] += spikes[i] ? h : 0.0f;
  }
}

static void fake_mean(const float *state, float *logits) {
  for (int i = 0; i < FAKE_N; ++i)
    logits[i] = state[16 + i] / (float)FAKE_T;
}

static void fake_run(const spk_call *call) {
  float *state = call->arena;
  float *hoisted = state + 24;
  const float *events = call->inputs[1];
  unsigned char *spikes = call->outputs[1];
  fake_last_threads = call->threads;
  for (int i = 0; i < 24; ++i)
    state[i] = i < FAKE_N ? 0.25f : 0.0f;
  fake_hoist(call->inputs[0], call->weights, hoisted);
  for (int t = 0; t < FAKE_T; ++t)
    fake_neurons(hoisted, events + t * FAKE_N, state, spikes + t * FAKE_N);
  fake_mean(state, call->outputs[0]);
  // A real model may use these buffers as scratch memory.
  memset(call->hoisted, 0xff, FAKE_N * sizeof(float));
  memset(call->state, 0xff, 24 * sizeof(float));
}

static void fake_prologue(const spk_call *call) {
  ++fake_prologue_calls;
  fake_hoist(call->inputs[0], call->weights, call->hoisted);
}

#ifndef FAKE_REFUSAL
static void fake_step(const spk_call *call) {
  // Scratch memory is clobbered between steps; nothing may live there.
  memset(call->arena, 0xff, (24 + FAKE_N) * sizeof(float));
  if (call->outputs[0])
    abort();
  fake_neurons(call->hoisted, call->inputs[1], call->state, call->outputs[1]);
}

static void fake_finish(const spk_call *call) {
  if (call->inputs[0] || call->outputs[1])
    abort();
  fake_mean(call->state, call->outputs[0]);
}
#endif

static const int64_t fake_image_shape[] = {FAKE_B, FAKE_C};
static const int64_t fake_sequence_shape[] = {FAKE_T, FAKE_B, FAKE_C};
static const spk_tensor_info fake_inputs[] = {
    {"image", SPK_F32, 2, fake_image_shape, FAKE_N * 4, 0},
    {"events", SPK_F32, 3, fake_sequence_shape, FAKE_T * FAKE_N * 4, 1}};
static const spk_tensor_info fake_outputs[] = {
    {"logits", SPK_F32, 2, fake_image_shape, FAKE_N * 4, 0},
    {"block/lif", SPK_BOOL, 3, fake_sequence_shape, FAKE_T * FAKE_N, 1}};
static const spk_state_segment fake_segments[] = {{0, FAKE_N, 0.25f},
                                                  {64, FAKE_N, 0.0f}};
#ifndef FAKE_FEATURES
#define FAKE_FEATURES NULL
#endif
static const char *const fake_features[] = {FAKE_FEATURES, NULL};
static const char *const fake_properties[] = {"lif.sum=sequential", NULL};

#ifndef FAKE_THREADING
#define FAKE_THREADING "openmp"
#endif

static const spk_model_descriptor model_descriptor = {
    .metadata = {.compiler_version = "0.0-test",
                 .model_name = SPK_MODEL_STRING,
                 .model_hash = FAKE_HASH,
                 .target_triple = "test-unknown-linux",
                 .target_cpu = "testcpu",
                 .cpu_features = fake_features,
                 .threading = FAKE_THREADING,
                 .properties = fake_properties,
                 .arena_bytes = (24 + FAKE_N) * sizeof(float),
                 .hoisted_bytes = FAKE_N * sizeof(float),
                 .state_bytes = 24 * sizeof(float),
                 .weights_bytes = sizeof(fake_weights),
                 .time_steps = FAKE_T},
    .inputs = fake_inputs,
    .num_inputs = 2,
    .outputs = fake_outputs,
    .num_outputs = 2,
    .segments = fake_segments,
    .num_segments = 2,
    .weights = fake_weights,
    .run = fake_run,
    .prologue = fake_prologue,
#ifdef FAKE_REFUSAL
    .step_refusal = FAKE_REFUSAL,
#else
    .step = fake_step,
    .finish = fake_finish,
#endif
};

#include "runtime.c"

/// Inputs that make some of the neurons fire; `seed` varies them.
static inline void fake_fill(int seed, float *image, float *events) {
  for (int i = 0; i < FAKE_N; ++i)
    image[i] = (float)((i * 5 + seed) % 7) * 0.5f;
  for (int i = 0; i < FAKE_T * FAKE_N; ++i)
    events[i] = (float)((i * 3 + seed) % 5) * 0.375f;
}

#endif // SPK_TEST_UNIT_RUNTIME_FAKE_MODEL_H
