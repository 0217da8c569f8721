//===- classify.c - Using a compiled model from C ---------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Classifies one batch with a model called "net", first with all time steps in
// one call and then step by step, and checks that both give the same bits.
// README.md in this directory says how to build it.
//
//   classify [IMAGE.f32]
//
// IMAGE.f32 holds the first input as raw float32 numbers; without it the model
// is shown a ramp.
//
//===----------------------------------------------------------------------===//

#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Prints why the model refused, and gives up.
static void check(spk_status status, const spk_handle *handle) {
  if (status == SPK_OK)
    return;
  fprintf(stderr, "classify: %s: %s\n", spk_status_name(status),
          spk_net_last_error(handle));
  exit(1);
}

static void *allocate(size_t bytes) {
  void *memory = calloc(1, bytes ? bytes : 1);
  if (!memory) {
    fprintf(stderr, "classify: out of memory\n");
    exit(1);
  }
  return memory;
}

static void print_tensor(const char *kind, const spk_tensor_info *info) {
  printf("%s '%s': %s [", kind, info->name, spk_dtype_name(info->dtype));
  for (int32_t i = 0; i < info->rank; ++i)
    printf("%s%lld", i ? ", " : "", (long long)info->shape[i]);
  printf("]%s\n", info->temporal ? ", time first" : "");
}

/// Fills an input from a file, or with numbers that rise from 0 to 1.
static void fill(const spk_tensor_info *info, void *data, const char *path) {
  size_t bytes = (size_t)info->bytes;
  if (path) {
    FILE *file = fopen(path, "rb");
    if (!file || fread(data, 1, bytes, file) != bytes || fgetc(file) != EOF) {
      fprintf(stderr, "classify: %s does not hold exactly %llu bytes\n", path,
              (unsigned long long)bytes);
      exit(1);
    }
    fclose(file);
  } else if (info->dtype == SPK_F32) {
    float *values = data;
    size_t count = bytes / sizeof(float);
    for (size_t i = 0; i < count; ++i)
      values[i] = (float)i / (float)count;
  } // Inputs of other types stay 0.
}

/// Prints the best class of every sample of an output of shape
/// [batch, classes].
static void print_classes(const spk_tensor_info *info, const float *scores) {
  if (info->dtype != SPK_F32 || info->rank != 2 || info->temporal)
    return;
  for (int64_t b = 0; b < info->shape[0]; ++b) {
    const float *row = scores + b * info->shape[1];
    int64_t best = 0;
    for (int64_t c = 1; c < info->shape[1]; ++c)
      if (row[c] > row[best])
        best = c;
    printf("sample %lld: class %lld, score %g\n", (long long)b, (long long)best,
           (double)row[best]);
  }
}

/// Where time step t of a tensor starts. A tensor without a time axis is the
/// same at every step.
static void *slice(const spk_tensor_info *info, void *data, int64_t t) {
  uint64_t time_steps = (uint64_t)spk_net_metadata()->time_steps;
  if (!info->temporal)
    return data;
  return (char *)data + info->bytes / time_steps * (uint64_t)t;
}

int main(int argc, char **argv) {
  // A handle holds all the memory that the model works in.
  spk_create_options options = {0};
  options.abi_version = SPK_ABI_VERSION;
  options.threads = 1;
  spk_handle *handle;
  char message[256];
  spk_status status =
      spk_net_create(&options, &handle, message, sizeof(message));
  if (status != SPK_OK) {
    fprintf(stderr, "classify: %s\n", message);
    return 1;
  }

  int32_t num_inputs = spk_net_num_inputs();
  int32_t num_outputs = spk_net_num_outputs();
  void **inputs = allocate((size_t)num_inputs * sizeof(void *));
  void **outputs = allocate((size_t)num_outputs * sizeof(void *));
  void **streamed = allocate((size_t)num_outputs * sizeof(void *));
  for (int32_t i = 0; i < num_inputs; ++i) {
    const spk_tensor_info *info = spk_net_input_info(i);
    print_tensor("input", info);
    inputs[i] = allocate((size_t)info->bytes);
    fill(info, inputs[i], i == 0 && argc > 1 ? argv[1] : NULL);
  }
  for (int32_t i = 0; i < num_outputs; ++i) {
    const spk_tensor_info *info = spk_net_output_info(i);
    print_tensor("output", info);
    outputs[i] = allocate((size_t)info->bytes);
    streamed[i] = allocate((size_t)info->bytes);
  }

  // All time steps at once.
  check(spk_net_run(handle, (const void *const *)inputs, outputs), handle);
  if (num_outputs > 0)
    print_classes(spk_net_output_info(0), outputs[0]);

  // Step by step. Outputs with a time axis arrive with each step, the others at
  // the end.
  const void **step_inputs = allocate((size_t)num_inputs * sizeof(void *));
  void **step_outputs = allocate((size_t)num_outputs * sizeof(void *));
  int64_t time_steps = spk_net_metadata()->time_steps;
  status = SPK_OK;
  for (int64_t t = 0; t < time_steps && status == SPK_OK; ++t) {
    for (int32_t i = 0; i < num_inputs; ++i)
      step_inputs[i] = slice(spk_net_input_info(i), inputs[i], t);
    for (int32_t i = 0; i < num_outputs; ++i)
      step_outputs[i] = slice(spk_net_output_info(i), streamed[i], t);
    status = spk_net_step(handle, step_inputs, step_outputs);
  }
  int code = 0;
  if (status == SPK_ERR_UNSUPPORTED) {
    printf("not streamed: %s\n", spk_net_last_error(handle));
  } else {
    check(status, handle);
    check(spk_net_finish(handle, streamed), handle);
    for (int32_t i = 0; i < num_outputs; ++i)
      if (memcmp(outputs[i], streamed[i],
                 (size_t)spk_net_output_info(i)->bytes) != 0)
        code = 1;
    printf("%lld steps and finish: %s\n", (long long)time_steps,
           code ? "DIFFERENT BITS" : "the same bits");
  }

  for (int32_t i = 0; i < num_inputs; ++i)
    free(inputs[i]);
  for (int32_t i = 0; i < num_outputs; ++i) {
    free(outputs[i]);
    free(streamed[i]);
  }
  free(inputs);
  free(outputs);
  free(streamed);
  free(step_inputs);
  free(step_outputs);
  spk_net_destroy(handle);
  return code;
}
