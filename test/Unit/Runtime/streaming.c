//===- streaming.c - run, step, finish and saved states ---------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// DEFINE: %{flags} = -std=c11 -Wall -Wextra -Werror
// DEFINE: %{include} = -I%spk_include -I%spk_runtime
// RUN: %clang %{flags} %{include} %s -o %t && %t | FileCheck %s

#include "fake_model.h"

#include "check.h"

static float image[FAKE_N], events[FAKE_T * FAKE_N];
static float logits[FAKE_N], expected_logits[FAKE_N];
static unsigned char spikes[FAKE_T * FAKE_N], expected_spikes[FAKE_T * FAKE_N];

static const void *const run_inputs[] = {image, events};
static void *const run_outputs[] = {logits, spikes};
static void *const expected_outputs[] = {expected_logits, expected_spikes};

static spk_handle *create(void) {
  const spk_create_options options = {SPK_ABI_VERSION, 1};
  spk_handle *handle;
  char message[256];
  CHECK(spk_fake_create(&options, &handle, message, sizeof(message)) == SPK_OK);
  CHECK(handle && message[0] == 0);
  return handle;
}

static spk_status step(spk_handle *handle, int t) {
  const void *inputs[] = {image, events + t * FAKE_N};
  void *outputs[] = {NULL, spikes + t * FAKE_N};
  return spk_fake_step(handle, inputs, outputs);
}

static spk_status finish(spk_handle *handle) {
  void *outputs[] = {logits, NULL};
  return spk_fake_finish(handle, outputs);
}

/// Computes what is expected with a handle of its own, and clears the results.
static void prepare(int seed) {
  fake_fill(seed, image, events);
  spk_handle *handle = create();
  CHECK(spk_fake_run(handle, run_inputs, expected_outputs) == SPK_OK);
  spk_fake_destroy(handle);
  memset(logits, 0xee, sizeof(logits));
  memset(spikes, 0xee, sizeof(spikes));
}

static void check_results(void) {
  CHECK(memcmp(logits, expected_logits, sizeof(logits)) == 0);
  CHECK(memcmp(spikes, expected_spikes, sizeof(spikes)) == 0);
}

static void handshake(void) {
  spk_create_options options = {SPK_ABI_VERSION + 1, 1};
  char message[256];
  spk_handle *handle = (spk_handle *)(void *)message;
  CHECK(spk_fake_create(&options, &handle, message, sizeof(message)) ==
        SPK_ERR_ABI);
  CHECK(!handle);
  CHECK_TEXT(message, "version 2");
  CHECK_TEXT(message, "'fake' for version 1");
  // Without room for a message it is refused just the same.
  CHECK(spk_fake_create(&options, &handle, NULL, 0) == SPK_ERR_ABI);
  // A message that does not fit is cut, and terminated.
  char tiny[4] = "xxx";
  CHECK(spk_fake_create(&options, &handle, tiny, sizeof(tiny)) == SPK_ERR_ABI);
  CHECK(strlen(tiny) == 3);
  CHECK(spk_fake_create(NULL, &handle, message, sizeof(message)) ==
        SPK_ERR_ARGUMENT);
  options.abi_version = SPK_ABI_VERSION;
  CHECK(spk_fake_create(&options, NULL, message, sizeof(message)) ==
        SPK_ERR_ARGUMENT);
  options.threads = -1;
  CHECK(spk_fake_create(&options, &handle, message, sizeof(message)) ==
        SPK_ERR_ARGUMENT);
  CHECK(spk_fake_api()->abi_version == SPK_ABI_VERSION);
}

static void bad_arguments(void) {
  prepare(1);
  spk_handle *handle = create();
  const void *no_events[] = {image, NULL};
  void *no_spikes[] = {logits, NULL};
  CHECK(spk_fake_run(NULL, run_inputs, run_outputs) == SPK_ERR_ARGUMENT);
  CHECK(spk_fake_run(handle, NULL, run_outputs) == SPK_ERR_ARGUMENT);
  CHECK(spk_fake_run(handle, run_inputs, NULL) == SPK_ERR_ARGUMENT);
  CHECK(spk_fake_run(handle, no_events, run_outputs) == SPK_ERR_ARGUMENT);
  CHECK_TEXT(spk_fake_last_error(handle), "input 1 ('events')");
  CHECK(spk_fake_run(handle, run_inputs, no_spikes) == SPK_ERR_ARGUMENT);
  CHECK_TEXT(spk_fake_last_error(handle), "output 1 ('block/lif')");
  CHECK(spk_fake_step(handle, run_inputs, no_spikes) == SPK_ERR_ARGUMENT);
  const void *crooked[] = {(const char *)image + 1, events};
  CHECK(spk_fake_run(handle, crooked, run_outputs) == SPK_ERR_ARGUMENT);
  CHECK_TEXT(spk_fake_last_error(handle), "not aligned");
  // None of this counted as a step.
  CHECK(spk_fake_get_step(handle) == 0);
  CHECK(spk_fake_run(handle, run_inputs, run_outputs) == SPK_OK);
  check_results();
  spk_fake_destroy(handle);
  spk_fake_destroy(NULL);
}

static void run_equals_steps_and_finish(void) {
  spk_handle *handle = create();
  int fired = 0;
  for (int seed = 0; seed < 5; ++seed) {
    prepare(seed);
    for (int t = 0; t < FAKE_T; ++t) {
      CHECK(spk_fake_get_step(handle) == t);
      CHECK(step(handle, t) == SPK_OK);
    }
    CHECK(finish(handle) == SPK_OK);
    check_results();
    CHECK(spk_fake_get_step(handle) == 0);
    for (int i = 0; i < FAKE_T * FAKE_N; ++i)
      fired += spikes[i];
    // And back again on the same handle.
    memset(logits, 0, sizeof(logits));
    CHECK(spk_fake_run(handle, run_inputs, run_outputs) == SPK_OK);
    check_results();
  }
  // Nothing would be tested if no neuron fired, or all did.
  CHECK(fired > FAKE_N && fired < 4 * FAKE_T * FAKE_N);
  spk_fake_destroy(handle);
}

static void too_many_steps(void) {
  prepare(2);
  spk_handle *handle = create();
  for (int t = 0; t < FAKE_T; ++t)
    CHECK(step(handle, t) == SPK_OK);
  unsigned char before[sizeof(spikes)];
  memcpy(before, spikes, sizeof(spikes));
  CHECK(step(handle, 0) == SPK_ERR_STATE);
  CHECK_TEXT(spk_fake_last_error(handle), "all 3 steps are done");
  CHECK(memcmp(before, spikes, sizeof(spikes)) == 0);
  CHECK(finish(handle) == SPK_OK);
  check_results();
  spk_fake_destroy(handle);
}

static void finish_early(void) {
  prepare(3);
  spk_handle *handle = create();
  CHECK(finish(handle) == SPK_ERR_STATE);
  CHECK_TEXT(spk_fake_last_error(handle), "after 0 of 3 steps");
  CHECK(step(handle, 0) == SPK_OK);
  CHECK(step(handle, 1) == SPK_OK);
  CHECK(finish(handle) == SPK_ERR_STATE);
  CHECK_TEXT(spk_fake_last_error(handle), "after 2 of 3 steps");
  // The refusal changed nothing.
  CHECK(step(handle, 2) == SPK_OK);
  CHECK(spk_fake_finish(handle, NULL) == SPK_ERR_ARGUMENT);
  CHECK(finish(handle) == SPK_OK);
  check_results();
  spk_fake_destroy(handle);
}

static void run_between_steps(void) {
  prepare(4);
  spk_handle *handle = create();
  CHECK(step(handle, 0) == SPK_OK);
  CHECK(spk_fake_run(handle, run_inputs, run_outputs) == SPK_ERR_STATE);
  CHECK_TEXT(spk_fake_last_error(handle), "after 1 of 3 steps");
  CHECK(step(handle, 1) == SPK_OK);
  CHECK(step(handle, 2) == SPK_OK);
  CHECK(finish(handle) == SPK_OK);
  check_results();
  spk_fake_destroy(handle);
}

static void reset(void) {
  spk_handle *handle = create();
  prepare(1);
  CHECK(step(handle, 0) == SPK_OK);
  CHECK(step(handle, 1) == SPK_OK);
  CHECK(spk_fake_reset(handle) == SPK_OK);
  CHECK(spk_fake_reset(NULL) == SPK_ERR_ARGUMENT);
  prepare(4);
  for (int t = 0; t < FAKE_T; ++t)
    CHECK(step(handle, t) == SPK_OK);
  CHECK(finish(handle) == SPK_OK);
  check_results();
  spk_fake_destroy(handle);
}

static void static_inputs_are_cached(void) {
  prepare(2);
  spk_handle *handle = create();
  fake_prologue_calls = 0;
  CHECK(step(handle, 0) == SPK_OK);
  CHECK(fake_prologue_calls == 1);
  // The bytes count, not the address.
  float copy[FAKE_N];
  memcpy(copy, image, sizeof(copy));
  const void *elsewhere[] = {copy, events + FAKE_N};
  void *outputs[] = {NULL, spikes + FAKE_N};
  CHECK(spk_fake_step(handle, elsewhere, outputs) == SPK_OK);
  CHECK(fake_prologue_calls == 1);
  // The caller may overwrite the image between two steps.
  image[FAKE_N - 1] += 1.0f;
  CHECK(step(handle, 2) == SPK_OK);
  CHECK(fake_prologue_calls == 2);
  CHECK(memcmp(spikes, expected_spikes, 2 * FAKE_N) == 0);
  CHECK(finish(handle) == SPK_OK);
  // After a reset, and after run, the values are computed afresh.
  CHECK(spk_fake_reset(handle) == SPK_OK);
  CHECK(step(handle, 0) == SPK_OK);
  CHECK(fake_prologue_calls == 3);
  CHECK(spk_fake_reset(handle) == SPK_OK);
  prepare(2);
  CHECK(spk_fake_run(handle, run_inputs, run_outputs) == SPK_OK);
  for (int t = 0; t < FAKE_T; ++t)
    CHECK(step(handle, t) == SPK_OK);
  CHECK(finish(handle) == SPK_OK);
  check_results();
  spk_fake_destroy(handle);
}

static void save_and_load_state(void) {
  spk_handle *one = create(), *other = create();
  size_t size = spk_fake_state_size(one);
  unsigned char *blob = malloc(size + 1), *again = malloc(size);
  CHECK(blob && again && size > 24 * sizeof(float));
  for (int steps = 0; steps <= FAKE_T; ++steps) {
    prepare(steps);
    for (int t = 0; t < steps; ++t)
      CHECK(step(one, t) == SPK_OK);
    // Any address will do.
    CHECK(spk_fake_save_state(one, blob + 1, size) == SPK_OK);
    CHECK(spk_fake_save_state(one, again, size) == SPK_OK);
    CHECK(memcmp(blob + 1, again, size) == 0);
    // `other` has a state of its own, which is replaced.
    CHECK(spk_fake_reset(other) == SPK_OK);
    CHECK(step(other, 0) == SPK_OK);
    CHECK(spk_fake_load_state(other, blob + 1, size) == SPK_OK);
    CHECK(spk_fake_get_step(other) == steps);
    for (int t = steps; t < FAKE_T; ++t)
      CHECK(step(other, t) == SPK_OK);
    CHECK(finish(other) == SPK_OK);
    check_results();
    CHECK(spk_fake_reset(one) == SPK_OK);
  }
  CHECK(spk_fake_save_state(one, blob, size - 1) == SPK_ERR_ARGUMENT);
  CHECK(spk_fake_save_state(one, NULL, size) == SPK_ERR_ARGUMENT);
  CHECK(spk_fake_state_size(NULL) == 0);
  free(blob);
  free(again);
  spk_fake_destroy(one);
  spk_fake_destroy(other);
}

static void bad_states_are_refused(void) {
  prepare(1);
  spk_handle *handle = create();
  size_t size = spk_fake_state_size(handle);
  unsigned char *blob = malloc(size);
  CHECK(blob);
  CHECK(step(handle, 0) == SPK_OK);
  CHECK(spk_fake_save_state(handle, blob, size) == SPK_OK);
  CHECK(step(handle, 1) == SPK_OK);
  // Whichever byte is changed.
  for (size_t i = 0; i < size; ++i) {
    blob[i] ^= 0x10;
    CHECK(spk_fake_load_state(handle, blob, size) == SPK_ERR_STATE_BLOB);
    blob[i] ^= 0x10;
  }
  // Whatever part is missing; a copy of exactly that size, so that a checker
  // of memory errors sees reads behind it.
  for (size_t i = 0; i < size; ++i) {
    unsigned char *part = malloc(i + 1);
    CHECK(part);
    memcpy(part, blob, i);
    CHECK(spk_fake_load_state(handle, part, i) == SPK_ERR_STATE_BLOB);
    free(part);
  }
  spk_blob_header header;
  memcpy(&header, blob, sizeof(header));
  header.abi_version = SPK_ABI_VERSION + 1;
  memcpy(blob, &header, sizeof(header));
  CHECK(spk_fake_load_state(handle, blob, size) == SPK_ERR_STATE_BLOB);
  CHECK_TEXT(spk_fake_last_error(handle), "version 2");
  header.abi_version = SPK_ABI_VERSION;
  // A step that no model has, with a checksum that is right.
  header.step = FAKE_T + 1;
  memcpy(blob, &header, sizeof(header));
  header.checksum = spk_blob_checksum(blob, size);
  memcpy(blob, &header, sizeof(header));
  CHECK(spk_fake_load_state(handle, blob, size) == SPK_ERR_STATE_BLOB);
  // The state of another model.
  blob[sizeof(header)] ^= 1;
  CHECK(spk_fake_load_state(handle, blob, size) == SPK_ERR_STATE_BLOB);
  CHECK_TEXT(spk_fake_last_error(handle), "another model than 'fake'");
  CHECK(spk_fake_load_state(handle, NULL, size) == SPK_ERR_ARGUMENT);
  // The handle kept what it had.
  CHECK(spk_fake_get_step(handle) == 2);
  CHECK(step(handle, 2) == SPK_OK);
  CHECK(finish(handle) == SPK_OK);
  check_results();
  free(blob);
  spk_fake_destroy(handle);
}

static void threads(void) {
  prepare(1);
  spk_handle *handle = create();
  CHECK(spk_fake_get_threads(handle) == 1);
  CHECK(spk_fake_set_threads(handle, 3) == SPK_OK);
  CHECK(spk_fake_get_threads(handle) == 3);
  CHECK(spk_fake_run(handle, run_inputs, run_outputs) == SPK_OK);
  CHECK(fake_last_threads == 3);
  CHECK(spk_fake_set_threads(handle, -1) == SPK_ERR_ARGUMENT);
  CHECK(spk_fake_get_threads(handle) == 3);
  CHECK(spk_fake_set_threads(handle, 0) == SPK_OK);
  CHECK(spk_fake_get_threads(handle) >= 1);
  spk_fake_destroy(handle);
}

static void queries(void) {
  const spk_api *api = spk_fake_api();
  CHECK(api->num_inputs() == 2 && api->num_outputs() == 2);
  CHECK(strcmp(api->input_info(1)->name, "events") == 0);
  CHECK(api->output_info(1)->dtype == SPK_BOOL);
  CHECK(!api->input_info(2) && !api->input_info(-1));
  CHECK(!api->output_info(2) && !api->output_info(-1));
  CHECK(strcmp(api->metadata()->model_name, "fake") == 0);
  CHECK(spk_fake_arena_bytes() == (24 + FAKE_N) * sizeof(float));
  CHECK(spk_fake_arena_bytes() == api->metadata()->arena_bytes);
  CHECK(strcmp(spk_status_name(SPK_ERR_STATE), "bad state") == 0);
  CHECK(strcmp(spk_dtype_name(SPK_I16), "int16") == 0);
  CHECK(spk_dtype_size(SPK_I64) == 8);
}

static void buffers_are_aligned(void) {
  spk_handle *handle = create();
  CHECK((uintptr_t)handle->arena % 64 == 0);
  CHECK((uintptr_t)handle->state % 64 == 0);
  CHECK((uintptr_t)handle->hoisted % 64 == 0);
  CHECK((uintptr_t)handle->static_inputs % 64 == 0);
  void *buffer;
  CHECK(!spk_allocate(&buffer, UINT64_MAX));
  CHECK(!spk_allocate(&buffer, UINT64_MAX - 62));
  CHECK(spk_allocate(&buffer, 0) && !buffer);
  spk_fake_destroy(handle);
}

int main(void) {
  // CHECK: PASS handshake
  RUN_CASE(handshake);
  // CHECK-NEXT: PASS bad_arguments
  RUN_CASE(bad_arguments);
  // CHECK-NEXT: PASS run_equals_steps_and_finish
  RUN_CASE(run_equals_steps_and_finish);
  // CHECK-NEXT: PASS too_many_steps
  RUN_CASE(too_many_steps);
  // CHECK-NEXT: PASS finish_early
  RUN_CASE(finish_early);
  // CHECK-NEXT: PASS run_between_steps
  RUN_CASE(run_between_steps);
  // CHECK-NEXT: PASS reset
  RUN_CASE(reset);
  // CHECK-NEXT: PASS static_inputs_are_cached
  RUN_CASE(static_inputs_are_cached);
  // CHECK-NEXT: PASS save_and_load_state
  RUN_CASE(save_and_load_state);
  // CHECK-NEXT: PASS bad_states_are_refused
  RUN_CASE(bad_states_are_refused);
  // CHECK-NEXT: PASS threads
  RUN_CASE(threads);
  // CHECK-NEXT: PASS queries
  RUN_CASE(queries);
  // CHECK-NEXT: PASS buffers_are_aligned
  RUN_CASE(buffers_are_aligned);
  return 0;
}
