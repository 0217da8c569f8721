//===- two_models.c - Two models in one program -----------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Compiled twice, once as each model: neither knows of the other's symbols.
//
// DEFINE: %{flags} = -std=c11 -Wall -Wextra -Werror -fvisibility=hidden
// DEFINE: %{include} = -I%spk_include -I%spk_runtime
// DEFINE: %{compile} = %clang %{flags} %{include} -c %s
// RUN: %{compile} -DSPK_MODEL=alpha -o %t.alpha.o
// RUN: %{compile} -DSPK_MODEL=beta -DBETA -o %t.beta.o
// RUN: %clang %t.alpha.o %t.beta.o -o %t && %t | FileCheck %s

// Two builds of one network, of which the second cannot be streamed and has
// another hash.
#ifdef BETA
#define FAKE_HASH "fedcba9876543"
#define FAKE_REFUSAL "layer 'attn' looks across time"
#define FAKE_THREADING "none"
#endif

#include "fake_model.h"

#include "check.h"

#ifndef BETA

const spk_api *spk_beta_api(void);

static float image[FAKE_N], events[FAKE_T * FAKE_N];
static const void *const inputs[] = {image, events};

static spk_handle *create(const spk_api *api) {
  const spk_create_options options = {SPK_ABI_VERSION, 2};
  spk_handle *handle;
  CHECK(api->create(&options, &handle, NULL, 0) == SPK_OK);
  return handle;
}

static void separate_metadata(void) {
  const spk_api *alpha = spk_alpha_api(), *beta = spk_beta_api();
  CHECK(alpha != beta && alpha->run != beta->run);
  CHECK(strcmp(alpha->metadata()->model_name, "alpha") == 0);
  CHECK(strcmp(beta->metadata()->model_name, "beta") == 0);
}

static void interleaved(void) {
  const spk_api *alpha = spk_alpha_api(), *beta = spk_beta_api();
  spk_handle *one = create(alpha), *two = create(alpha), *three = create(beta);
  CHECK(alpha->get_threads(one) == 2 && beta->get_threads(three) == 1);
  float logits[3][FAKE_N];
  unsigned char spikes[3][FAKE_T * FAKE_N];
  fake_fill(1, image, events);
  void *beta_outputs[] = {logits[2], spikes[2]};
  for (int t = 0; t < FAKE_T; ++t) {
    const void *slice[] = {image, events + t * FAKE_N};
    void *first[] = {NULL, spikes[0] + t * FAKE_N};
    void *second[] = {NULL, spikes[1] + t * FAKE_N};
    CHECK(alpha->step(one, slice, first) == SPK_OK);
    CHECK(beta->run(three, inputs, beta_outputs) == SPK_OK);
    CHECK(alpha->step(two, slice, second) == SPK_OK);
  }
  void *first[] = {logits[0], NULL}, *second[] = {logits[1], NULL};
  CHECK(alpha->finish(one, first) == SPK_OK);
  CHECK(alpha->finish(two, second) == SPK_OK);
  for (int i = 0; i < 2; ++i) {
    CHECK(memcmp(logits[i], logits[2], sizeof(logits[2])) == 0);
    CHECK(memcmp(spikes[i], spikes[2], sizeof(spikes[2])) == 0);
  }
  alpha->destroy(one);
  alpha->destroy(two);
  beta->destroy(three);
}

static void refusal_names_the_layer(void) {
  const spk_api *beta = spk_beta_api();
  spk_handle *handle = create(beta);
  char buffer[512];
  CHECK(beta->step(handle, inputs, NULL) == SPK_ERR_UNSUPPORTED);
  CHECK_TEXT(beta->last_error(handle), "layer 'attn' looks across time");
  CHECK(beta->finish(handle, NULL) == SPK_ERR_UNSUPPORTED);
  CHECK(beta->state_size(handle) == 0);
  CHECK(beta->save_state(handle, buffer, sizeof(buffer)) ==
        SPK_ERR_UNSUPPORTED);
  CHECK(beta->load_state(handle, buffer, sizeof(buffer)) ==
        SPK_ERR_UNSUPPORTED);
  beta->destroy(handle);
}

int main(void) {
  // CHECK: PASS separate_metadata
  RUN_CASE(separate_metadata);
  // CHECK-NEXT: PASS interleaved
  RUN_CASE(interleaved);
  // CHECK-NEXT: PASS refusal_names_the_layer
  RUN_CASE(refusal_names_the_layer);
  return 0;
}

#endif
