//===- runner.c - Command line around a compiled model ----------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// clock_gettime and mkdir under -std=c11; before the first system header.
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif

#include "runner.h"

#include "npy.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

//===----------------------------------------------------------------------===//
// State of one invocation
//===----------------------------------------------------------------------===//

typedef struct spk_options {
  const char **inputs;
  int num_inputs;
  const char **outputs;
  int num_outputs;
  const char *output_dir;
  const char *expect;
  const char *labels;
  int64_t top;
  int64_t threads;
  int64_t warmup;
  int64_t repetitions;
  bool benchmark;
  bool json;
  bool stream;
  bool info;
} spk_options;

/// One input or output of the model and the samples that belong to it.
typedef struct spk_port {
  const spk_tensor_info *info;
  /// Axis that counts samples, -1 if there is none: the tensor then belongs to
  /// the whole batch.
  int axis;
  /// Bytes of one sample, per time step if the tensor has a time axis.
  uint64_t sample_bytes;
  /// 1, or the number of time steps.
  uint64_t slices;
  /// All samples.
  spk_npy array;
  /// One batch, as the model takes it.
  unsigned char *batch;
} spk_port;

typedef struct spk_runner {
  const spk_api *api;
  spk_options options;
  spk_handle *handle;
  spk_port *inputs;
  int num_inputs;
  spk_port *outputs;
  int num_outputs;
  /// Batch size of the model.
  int64_t batch;
  /// Number of samples in the input files.
  int64_t samples;
  /// Arguments of the model's functions.
  const void **input_pointers;
  void **output_pointers;
  char **labels;
  int64_t num_labels;
} spk_runner;

/// Prints the one line that an error is, and returns the exit code for it.
__attribute__((format(printf, 2, 3))) static int
spk_error(int code, const char *format, ...) {
  va_list args;
  fflush(stdout);
  fputs("spk: error: ", stderr);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  return code;
}

static int spk_out_of_memory(void) {
  return spk_error(SPK_EXIT_MODEL, "out of memory");
}

/// malloc for buffers of the model: aligned, never NULL for 0 bytes.
static void *spk_buffer(uint64_t bytes) {
  if (bytes > SIZE_MAX - 64)
    return NULL;
  return aligned_alloc(64, ((size_t)bytes + 64) & ~(size_t)63);
}

static double spk_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/// "[4, 3, 224, 224]", valid until the eighth call after this one.
static const char *spk_shape_text(int32_t rank, const int64_t *shape) {
  static char texts[8][SPK_NPY_MAX_RANK * 22 + 3];
  static unsigned next;
  char *text = texts[next++ % 8];
  size_t used = 0, size = sizeof(texts[0]);
  text[used++] = '[';
  for (int32_t i = 0; i < rank && i < SPK_NPY_MAX_RANK; ++i)
    used += (size_t)snprintf(text + used, size - used, "%s%" PRId64,
                             i ? ", " : "", shape[i]);
  text[used++] = ']';
  text[used] = 0;
  return text;
}

static char spk_dtype_kind(spk_dtype dtype) {
  return dtype == SPK_F32 ? 'f' : dtype == SPK_BOOL ? 'b' : 'i';
}

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

static const char *spk_program(const char *argv0) {
  const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
  return slash ? slash + 1 : argv0 ? argv0 : "model";
}

static void spk_help(const spk_api *api, const char *program) {
  const spk_metadata *metadata = api->metadata();
  printf("Runs the spiking network '%s', compiled by spk %s.\n\n",
         metadata->model_name, metadata->compiler_version);
  printf("usage: %s [options] INPUT.npy...\n\n", program);
  puts(
      "Files\n"
      "  INPUT.npy, --input FILE  one file per input, in the order of --info.\n"
      "                           The batch axis (axis 0, or axis 1 of an "
      "input with a\n"
      "                           time axis) may have any length: samples are "
      "run in\n"
      "                           groups of the batch size the model was "
      "compiled for\n"
      "  --output FILE            write an output to FILE; repeat it for "
      "further\n"
      "                           outputs, in the order of --info\n"
      "  --output-dir DIR         write every output to DIR/<name>.npy, '/' in "
      "names\n"
      "                           becoming '.'\n"
      "  --expect FILE            compare the first output with FILE, bit for "
      "bit;\n"
      "                           exit code 3 and the first difference if they "
      "differ\n\n"
      "Results\n"
      "  --top K                  print the K best classes of every sample\n"
      "  --labels FILE            names of the classes, one per line\n\n"
      "Running\n"
      "  --threads N              number of threads, 0 for all processors "
      "(default 1)\n"
      "  --stream                 step by step with spk_*_step and finish, "
      "instead of\n"
      "                           all time steps at once; the results are the "
      "same\n\n"
      "Measuring\n"
      "  --benchmark              time the model on the samples given, in "
      "turn\n"
      "  --warmup N               runs before the clock starts (default 3)\n"
      "  --repetitions N          runs that are timed (default 20)\n"
      "  --json                   print --benchmark or --info as JSON\n\n"
      "Other\n"
      "  --info                   inputs, outputs and facts about the model\n"
      "  --version                version of the compiler and of the model\n"
      "  --help                   this text\n\n"
      "Options also take their value after an equals sign: --top=5. Without "
      "any of\n"
      "--output, --output-dir, --expect, --top and --benchmark a summary of "
      "the "
      "outputs\n"
      "is printed.\n\n"
      "Exit codes: 0 done, 1 the model cannot run here, 2 bad option or file,\n"
      "3 --expect found a difference.\n\n"
      "Example, in Python and then in a shell:");
  int32_t count = api->num_inputs();
  for (int32_t i = 0; i < count; ++i) {
    const spk_tensor_info *input = api->input_info(i);
    printf("  np.save(\"x%d.npy\", %s.astype(np.%s))  # shape %s\n", (int)i,
           input->name, spk_dtype_name(input->dtype),
           spk_shape_text(input->rank, input->shape));
  }
  printf("  %s", program);
  for (int32_t i = 0; i < count; ++i)
    printf(" x%d.npy", (int)i);
  puts(" --top 5 --labels classes.txt --output result.npy");
}

static int spk_parse_count(const char *option, const char *text, int64_t low,
                           int64_t high, int64_t *value) {
  char *end;
  errno = 0;
  long long parsed = strtoll(text, &end, 10);
  if (errno || end == text || *end || parsed < low || parsed > high)
    return spk_error(SPK_EXIT_USAGE,
                     "%s wants a number from %" PRId64 " to %" PRId64
                     ", not '%s'",
                     option, low, high, text);
  *value = parsed;
  return SPK_EXIT_OK;
}

/// What the options asked for besides running.
typedef enum spk_action {
  SPK_ACTION_RUN,
  SPK_ACTION_HELP,
  SPK_ACTION_VERSION
} spk_action;

static int spk_parse_options(int argc, char **argv, spk_options *options,
                             spk_action *action) {
  static const char *const valued[] = {
      "--input",  "--output",  "--output-dir", "--expect",      "--top",
      "--labels", "--threads", "--warmup",     "--repetitions", NULL};
  bool only_files = false, counts = false;
  *action = SPK_ACTION_RUN;
  *options = (spk_options){.threads = 1, .warmup = 3, .repetitions = 20};
  // Each argument adds at most one file.
  options->inputs = calloc((size_t)argc + 1, sizeof(char *));
  options->outputs = calloc((size_t)argc + 1, sizeof(char *));
  if (!options->inputs || !options->outputs)
    return spk_out_of_memory();
  for (int i = 1; i < argc; ++i) {
    const char *argument = argv[i];
    if (only_files || argument[0] != '-' || argument[1] == 0) {
      options->inputs[options->num_inputs++] = argument;
      continue;
    }
    if (strcmp(argument, "--") == 0) {
      only_files = true;
      continue;
    }
    size_t length = strcspn(argument, "=");
    const char *value = argument[length] ? argument + length + 1 : NULL;
    const char *option = NULL;
    for (int k = 0; valued[k]; ++k)
      if (strlen(valued[k]) == length &&
          strncmp(valued[k], argument, length) == 0)
        option = valued[k];
    if (option) {
      if (!value && i + 1 < argc)
        value = argv[++i];
      if (!value || !*value)
        return spk_error(SPK_EXIT_USAGE, "%s wants a value", option);
      int code = SPK_EXIT_OK;
      if (strcmp(option, "--input") == 0)
        options->inputs[options->num_inputs++] = value;
      else if (strcmp(option, "--output") == 0)
        options->outputs[options->num_outputs++] = value;
      else if (strcmp(option, "--output-dir") == 0)
        options->output_dir = value;
      else if (strcmp(option, "--expect") == 0)
        options->expect = value;
      else if (strcmp(option, "--labels") == 0)
        options->labels = value;
      else if (strcmp(option, "--top") == 0)
        code = spk_parse_count(option, value, 1, INT32_MAX, &options->top);
      else if (strcmp(option, "--threads") == 0)
        code = spk_parse_count(option, value, 0, 4096, &options->threads);
      else if (strcmp(option, "--warmup") == 0)
        code = spk_parse_count(option, value, 0, INT32_MAX, &options->warmup);
      else
        code =
            spk_parse_count(option, value, 1, INT32_MAX, &options->repetitions);
      if (code != SPK_EXIT_OK)
        return code;
      counts |= strcmp(option, "--warmup") == 0 ||
                strcmp(option, "--repetitions") == 0;
      continue;
    }
    if (strcmp(argument, "--benchmark") == 0)
      options->benchmark = true;
    else if (strcmp(argument, "--json") == 0)
      options->json = true;
    else if (strcmp(argument, "--stream") == 0)
      options->stream = true;
    else if (strcmp(argument, "--info") == 0)
      options->info = true;
    else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
      *action = SPK_ACTION_HELP;
    else if (strcmp(argument, "--version") == 0)
      *action = SPK_ACTION_VERSION;
    else
      return spk_error(SPK_EXIT_USAGE, "unknown option '%s'; see --help",
                       argument);
  }
  if (*action != SPK_ACTION_RUN)
    return SPK_EXIT_OK;
  if (options->labels && !options->top)
    return spk_error(SPK_EXIT_USAGE, "--labels does nothing without --top");
  if (counts && !options->benchmark)
    return spk_error(SPK_EXIT_USAGE,
                     "--warmup and --repetitions do nothing without "
                     "--benchmark");
  if (options->json && !options->benchmark && !options->info)
    return spk_error(SPK_EXIT_USAGE,
                     "--json does nothing without --benchmark or --info");
  if (options->num_outputs && options->output_dir)
    return spk_error(SPK_EXIT_USAGE,
                     "--output and --output-dir exclude each other");
  return SPK_EXIT_OK;
}

//===----------------------------------------------------------------------===//
// --info
//===----------------------------------------------------------------------===//

static void spk_json_string(const char *text) {
  putchar('"');
  for (; *text; ++text) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\')
      printf("\\%c", c);
    else if (c < ' ')
      printf("\\u%04x", c);
    else
      putchar(c);
  }
  putchar('"');
}

static void spk_json_member(const char *key, const char *value) {
  printf("  \"%s\": ", key);
  spk_json_string(value);
  printf(",\n");
}

static void spk_json_list(const char *key, const char *const *list) {
  printf("  \"%s\": [", key);
  for (int i = 0; list && list[i]; ++i) {
    printf("%s", i ? ", " : "");
    spk_json_string(list[i]);
  }
  printf("],\n");
}

static void spk_info_ports(const spk_api *api, bool json, bool input) {
  int32_t count = input ? api->num_inputs() : api->num_outputs();
  if (json)
    printf("  \"%s\": [", input ? "inputs" : "outputs");
  for (int32_t i = 0; i < count; ++i) {
    const spk_tensor_info *info =
        input ? api->input_info(i) : api->output_info(i);
    const char *shape = spk_shape_text(info->rank, info->shape);
    if (!json) {
      char label[32];
      snprintf(label, sizeof(label), "%s %d", input ? "input" : "output",
               (int)i);
      printf("%-14s %s  %s %s%s\n", label, info->name,
             spk_dtype_name(info->dtype), shape,
             info->temporal ? "  (leading axis is time)" : "");
      continue;
    }
    printf("%s\n    {\"name\": ", i ? "," : "");
    spk_json_string(info->name);
    printf(", \"dtype\": \"%s\", \"shape\": %s, \"bytes\": %" PRIu64
           ", \"temporal\": %s}",
           spk_dtype_name(info->dtype), shape, info->bytes,
           info->temporal ? "true" : "false");
  }
  if (json)
    printf("%s],\n", count ? "\n  " : "");
}

static void spk_info(const spk_api *api, bool json) {
  const spk_metadata *metadata = api->metadata();
  if (json) {
    printf("{\n");
    spk_json_member("model", metadata->model_name);
    spk_json_member("model_hash", metadata->model_hash);
    spk_json_member("compiler_version", metadata->compiler_version);
    spk_json_member("target_triple", metadata->target_triple);
    spk_json_member("target_cpu", metadata->target_cpu);
    spk_json_member("threading", metadata->threading);
    spk_json_list("cpu_features", metadata->cpu_features);
    spk_json_list("properties", metadata->properties);
    spk_info_ports(api, json, true);
    spk_info_ports(api, json, false);
    printf("  \"time_steps\": %" PRId64 ",\n  \"weights_bytes\": %" PRIu64
           ",\n  \"arena_bytes\": %" PRIu64 ",\n  \"hoisted_bytes\": %" PRIu64
           ",\n  \"state_bytes\": %" PRIu64 ",\n  \"abi_version\": %u\n}\n",
           metadata->time_steps, metadata->weights_bytes, metadata->arena_bytes,
           metadata->hoisted_bytes, metadata->state_bytes,
           (unsigned)api->abi_version);
    return;
  }
  printf("model          %s\n", metadata->model_name);
  printf("hash           %s\n", metadata->model_hash);
  printf("compiler       spk %s\n", metadata->compiler_version);
  printf("target         %s, %s\n", metadata->target_triple,
         metadata->target_cpu);
  printf("CPU features  ");
  for (int i = 0; metadata->cpu_features && metadata->cpu_features[i]; ++i)
    printf(" %s", metadata->cpu_features[i]);
  printf("\nthreading      %s\n", metadata->threading);
  printf("time steps     %" PRId64 "\n", metadata->time_steps);
  spk_info_ports(api, json, true);
  spk_info_ports(api, json, false);
  printf("weights        %" PRIu64 " bytes\n", metadata->weights_bytes);
  printf("scratch memory %" PRIu64 " bytes per handle\n",
         metadata->arena_bytes);
  printf("hoisted values %" PRIu64 " bytes per handle\n",
         metadata->hoisted_bytes);
  printf("state          %" PRIu64 " bytes per handle\n",
         metadata->state_bytes);
  for (int i = 0; metadata->properties && metadata->properties[i]; ++i)
    printf("property       %s\n", metadata->properties[i]);
}

//===----------------------------------------------------------------------===//
// Inputs and outputs
//===----------------------------------------------------------------------===//

/// Fills in `port` for a batch axis of length `batch`.
static void spk_describe(spk_port *port, const spk_tensor_info *info,
                         int64_t batch, int64_t time_steps) {
  int axis = info->temporal ? 1 : 0;
  port->info = info;
  port->slices = info->temporal ? (uint64_t)time_steps : 1;
  port->axis = info->rank > axis && info->shape[axis] == batch ? axis : -1;
  uint64_t per_batch = info->bytes / port->slices;
  port->sample_bytes =
      port->axis < 0 || batch == 0 ? per_batch : per_batch / (uint64_t)batch;
}

static int spk_read_input(spk_runner *runner, int index, const char *path) {
  spk_port *port = &runner->inputs[index];
  const spk_tensor_info *info = port->info;
  char message[512];
  if (!spk_npy_read(path, &port->array, message, sizeof(message)))
    return spk_error(SPK_EXIT_USAGE, "%s", message);
  const spk_npy *array = &port->array;
  const char *wanted = spk_dtype_name(info->dtype);
  if (array->kind != spk_dtype_kind(info->dtype) ||
      (size_t)array->item_size != spk_dtype_size(info->dtype))
    return spk_error(
        SPK_EXIT_USAGE,
        "%s: input '%s' is %s, the file holds %s; convert with .astype(np.%s)",
        path, info->name, wanted,
        spk_npy_dtype_name(array->kind, array->item_size),
        info->dtype == SPK_BOOL ? "bool_" : wanted);
  bool fits = array->rank == info->rank;
  for (int32_t i = 0; fits && i < array->rank; ++i)
    fits = i == port->axis ? array->shape[i] > 0
                           : array->shape[i] == info->shape[i];
  if (!fits) {
    const char *batched = "";
    if (port->axis == 0)
      batched = " (any length of axis 0)";
    else if (port->axis == 1)
      batched = " (any length of axis 1)";
    return spk_error(SPK_EXIT_USAGE,
                     "%s: input '%s' has shape %s%s, the file has shape %s",
                     path, info->name, spk_shape_text(info->rank, info->shape),
                     batched, spk_shape_text(array->rank, array->shape));
  }
  if (port->axis < 0)
    return SPK_EXIT_OK;
  int64_t samples = array->shape[port->axis];
  if (runner->samples >= 0 && runner->samples != samples)
    return spk_error(SPK_EXIT_USAGE,
                     "%s: the file has %" PRId64
                     " samples, the files before it have %" PRId64,
                     path, samples, runner->samples);
  runner->samples = samples;
  return SPK_EXIT_OK;
}

/// The value of a property of the model, or NULL.
static const char *spk_property(const spk_metadata *metadata, const char *key) {
  size_t length = strlen(key);
  for (int i = 0; metadata->properties && metadata->properties[i]; ++i) {
    const char *property = metadata->properties[i];
    if (strncmp(property, key, length) == 0 && property[length] == '=')
      return property + length + 1;
  }
  return NULL;
}

/// Reads all inputs and makes room for a batch and for all outputs.
static int spk_prepare(spk_runner *runner) {
  const spk_api *api = runner->api;
  const spk_options *options = &runner->options;
  int64_t time_steps = api->metadata()->time_steps;
  int num_inputs = api->num_inputs();
  int num_outputs = api->num_outputs();
  if (options->num_inputs != num_inputs)
    return spk_error(SPK_EXIT_USAGE,
                     "the model has %d input%s, %d file%s given; see --info "
                     "and --help",
                     num_inputs, num_inputs == 1 ? "" : "s",
                     options->num_inputs,
                     options->num_inputs == 1 ? " was" : "s were");
  if (options->num_outputs > num_outputs)
    return spk_error(
        SPK_EXIT_USAGE, "the model has %d output%s, %d files were given",
        num_outputs, num_outputs == 1 ? "" : "s", options->num_outputs);

  runner->inputs = calloc((size_t)num_inputs + 1, sizeof(spk_port));
  runner->outputs = calloc((size_t)num_outputs + 1, sizeof(spk_port));
  runner->input_pointers = calloc((size_t)num_inputs + 1, sizeof(void *));
  runner->output_pointers = calloc((size_t)num_outputs + 1, sizeof(void *));
  if (!runner->inputs || !runner->outputs || !runner->input_pointers ||
      !runner->output_pointers)
    return spk_out_of_memory();

  // The batch axis of the first input says how many samples there are.
  runner->batch = 1;
  runner->samples = -1;
  if (num_inputs > 0) {
    const spk_tensor_info *info = api->input_info(0);
    int axis = info->temporal ? 1 : 0;
    if (info->rank > axis)
      runner->batch = info->shape[axis];
  }
  for (int i = 0; i < num_inputs; ++i) {
    spk_port *port = &runner->inputs[i];
    spk_describe(port, api->input_info(i), runner->batch, time_steps);
    runner->num_inputs = i + 1;
    int code = spk_read_input(runner, i, options->inputs[i]);
    if (code != SPK_EXIT_OK)
      return code;
    port->batch = spk_buffer(port->info->bytes);
    if (!port->batch)
      return spk_out_of_memory();
    runner->input_pointers[i] = port->batch;
  }
  if (runner->samples < 0)
    runner->samples = runner->batch;
  const char *fixed_batch = spk_property(api->metadata(), "fixed_batch");
  if (fixed_batch && runner->samples % runner->batch != 0)
    return spk_error(SPK_EXIT_USAGE,
                     "the inputs hold %" PRId64
                     " samples and must hold a multiple of %" PRId64 ": %s",
                     runner->samples, runner->batch, fixed_batch);

  for (int i = 0; i < num_outputs; ++i) {
    spk_port *port = &runner->outputs[i];
    const spk_tensor_info *info = api->output_info(i);
    spk_describe(port, info, runner->batch, time_steps);
    runner->num_outputs = i + 1;
    spk_npy *array = &port->array;
    if (info->rank > SPK_NPY_MAX_RANK)
      return spk_error(SPK_EXIT_USAGE, "output '%s' has too many axes",
                       info->name);
    array->kind = spk_dtype_kind(info->dtype);
    array->item_size = (int32_t)spk_dtype_size(info->dtype);
    array->rank = info->rank;
    for (int32_t k = 0; k < info->rank; ++k)
      array->shape[k] = info->shape[k];
    if (port->axis >= 0)
      array->shape[port->axis] = runner->samples;
    else if (runner->samples != runner->batch)
      return spk_error(SPK_EXIT_USAGE,
                       "output '%s' has no batch axis, so the inputs must hold "
                       "exactly %" PRId64 " samples",
                       info->name, runner->batch);
    uint64_t count = port->axis >= 0 ? (uint64_t)runner->samples : 1;
    uint64_t per_count = port->slices * port->sample_bytes;
    if (per_count && count > (uint64_t)INT64_MAX / per_count)
      return spk_out_of_memory();
    array->bytes = count * per_count;
    port->batch = spk_buffer(info->bytes);
    array->owner = spk_buffer(array->bytes);
    array->data = array->owner;
    if (!port->batch || !array->owner)
      return spk_out_of_memory();
    runner->output_pointers[i] = port->batch;
  }
  return SPK_EXIT_OK;
}

/// Copies samples [first, first + batch) into the model's buffers; the last
/// sample stands in for those behind it.
static void spk_gather(spk_runner *runner, int64_t first) {
  for (int i = 0; i < runner->num_inputs; ++i) {
    spk_port *port = &runner->inputs[i];
    if (port->axis < 0) {
      memcpy(port->batch, port->array.data, (size_t)port->info->bytes);
      continue;
    }
    size_t size = (size_t)port->sample_bytes;
    unsigned char *to = port->batch;
    for (uint64_t t = 0; t < port->slices; ++t)
      for (int64_t b = 0; b < runner->batch; ++b, to += size) {
        int64_t sample =
            first + b < runner->samples ? first + b : runner->samples - 1;
        uint64_t index = t * (uint64_t)runner->samples + (uint64_t)sample;
        memcpy(to, port->array.data + index * size, size);
      }
  }
}

/// Copies the results of a batch to their places, without the padding.
static void spk_scatter(spk_runner *runner, int64_t first) {
  for (int i = 0; i < runner->num_outputs; ++i) {
    spk_port *port = &runner->outputs[i];
    unsigned char *to = port->array.owner;
    if (port->axis < 0) {
      memcpy(to, port->batch, (size_t)port->info->bytes);
      continue;
    }
    uint64_t size = port->sample_bytes;
    uint64_t valid = (uint64_t)(runner->samples - first < runner->batch
                                    ? runner->samples - first
                                    : runner->batch);
    for (uint64_t t = 0; t < port->slices; ++t)
      memcpy(to + (t * (uint64_t)runner->samples + (uint64_t)first) * size,
             port->batch + t * (uint64_t)runner->batch * size,
             (size_t)(valid * size));
  }
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

static int spk_create_handle(spk_runner *runner) {
  char message[512];
  const spk_create_options options = {.abi_version = SPK_ABI_VERSION,
                                      .threads =
                                          (int32_t)runner->options.threads};
  spk_status status =
      runner->api->create(&options, &runner->handle, message, sizeof(message));
  if (status != SPK_OK)
    return spk_error(SPK_EXIT_MODEL, "%s", message);
  return SPK_EXIT_OK;
}

/// Runs the model on the batch that is in the buffers.
static spk_status spk_run_batch(spk_runner *runner) {
  const spk_api *api = runner->api;
  if (!runner->options.stream)
    return api->run(runner->handle, runner->input_pointers,
                    runner->output_pointers);
  int64_t time_steps = api->metadata()->time_steps;
  spk_status status = SPK_OK;
  for (int64_t t = 0; t < time_steps && status == SPK_OK; ++t) {
    for (int i = 0; i < runner->num_inputs; ++i) {
      spk_port *port = &runner->inputs[i];
      if (port->info->temporal)
        runner->input_pointers[i] =
            port->batch + port->info->bytes / port->slices * (uint64_t)t;
    }
    for (int i = 0; i < runner->num_outputs; ++i) {
      spk_port *port = &runner->outputs[i];
      if (port->info->temporal)
        runner->output_pointers[i] =
            port->batch + port->info->bytes / port->slices * (uint64_t)t;
    }
    status = api->step(runner->handle, runner->input_pointers,
                       runner->output_pointers);
  }
  if (status == SPK_OK)
    status = api->finish(runner->handle, runner->output_pointers);
  return status;
}

static int spk_run_error(const spk_runner *runner) {
  return spk_error(SPK_EXIT_MODEL, "%s",
                   runner->api->last_error(runner->handle));
}

static int spk_run_samples(spk_runner *runner) {
  double start = spk_now(), reported = start;
  for (int64_t first = 0; first < runner->samples; first += runner->batch) {
    spk_gather(runner, first);
    if (spk_run_batch(runner) != SPK_OK)
      return spk_run_error(runner);
    spk_scatter(runner, first);
    int64_t done = first + runner->batch;
    double now = spk_now();
    if (now - reported < 2 || done >= runner->samples)
      continue;
    reported = now;
    fprintf(stderr,
            "spk: %" PRId64 " of %" PRId64 " samples, %.3g per second\n", done,
            runner->samples, (double)done / (now - start));
  }
  return SPK_EXIT_OK;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

static double spk_value(const spk_npy *array, uint64_t index) {
  const unsigned char *at = array->data + index * (uint64_t)array->item_size;
  float f;
  int16_t i16;
  int32_t i32;
  int64_t i64;
  if (array->kind == 'f') {
    memcpy(&f, at, sizeof(f));
    return (double)f;
  }
  switch (array->item_size) {
  case 2:
    memcpy(&i16, at, sizeof(i16));
    return (double)i16;
  case 4:
    memcpy(&i32, at, sizeof(i32));
    return (double)i32;
  case 8:
    memcpy(&i64, at, sizeof(i64));
    return (double)i64;
  default:
    return array->kind == 'b' ? (double)*at : (double)(int8_t)*at;
  }
}

/// A value with all its digits, and the bits of a float.
static const char *spk_value_text(const spk_npy *array, uint64_t index) {
  static char texts[2][64];
  static unsigned next;
  char *text = texts[next++ % 2];
  const unsigned char *at = array->data + index * (uint64_t)array->item_size;
  if (array->kind == 'f') {
    uint32_t bits;
    memcpy(&bits, at, sizeof(bits));
    snprintf(text, sizeof(texts[0]), "%.9g (0x%08" PRIx32 ")",
             spk_value(array, index), bits);
  } else if (array->item_size == 8) {
    int64_t value;
    memcpy(&value, at, sizeof(value));
    snprintf(text, sizeof(texts[0]), "%" PRId64, value);
  } else {
    snprintf(text, sizeof(texts[0]), "%.0f", spk_value(array, index));
  }
  return text;
}

/// The file that output `index` goes to, or NULL; free it.
static char *spk_output_path(const spk_runner *runner, int index) {
  const spk_options *options = &runner->options;
  const char *name = runner->api->output_info(index)->name;
  const char *dir = options->output_dir;
  size_t size = strlen(name) + (dir ? strlen(dir) : 0) + 8;
  if (index < options->num_outputs)
    size += strlen(options->outputs[index]);
  char *path = malloc(size);
  if (!path)
    return NULL;
  if (!dir) {
    strcpy(path, options->outputs[index]);
    return path;
  }
  int prefix = snprintf(path, size, "%s/", dir);
  snprintf(path + prefix, size - (size_t)prefix, "%s.npy", name);
  for (char *c = path + prefix; *c; ++c)
    if (*c == '/')
      *c = '.';
  return path;
}

static int spk_write_outputs(spk_runner *runner) {
  const spk_options *options = &runner->options;
  int count = options->output_dir ? runner->num_outputs : options->num_outputs;
  char message[512];
  if (options->output_dir && mkdir(options->output_dir, 0777) != 0 &&
      errno != EEXIST)
    return spk_error(SPK_EXIT_USAGE, "%s: %s", options->output_dir,
                     strerror(errno));
  for (int i = 0; i < count; ++i) {
    char *path = spk_output_path(runner, i);
    if (!path)
      return spk_out_of_memory();
    bool done = spk_npy_write(path, &runner->outputs[i].array, message,
                              sizeof(message));
    free(path);
    if (!done)
      return spk_error(SPK_EXIT_USAGE, "%s", message);
  }
  return SPK_EXIT_OK;
}

/// Two outputs must not end up in one file.
static int spk_check_output_names(const spk_runner *runner) {
  const spk_options *options = &runner->options;
  int count = options->output_dir ? runner->num_outputs : options->num_outputs;
  int code = SPK_EXIT_OK;
  for (int i = 0; i < count && code == SPK_EXIT_OK; ++i)
    for (int k = 0; k < i && code == SPK_EXIT_OK; ++k) {
      char *one = spk_output_path(runner, k);
      char *other = spk_output_path(runner, i);
      if (!one || !other)
        code = spk_out_of_memory();
      else if (strcmp(one, other) == 0)
        code = spk_error(SPK_EXIT_USAGE, "two outputs would be written to %s",
                         one);
      free(one);
      free(other);
    }
  return code;
}

static int spk_check_expected(const spk_runner *runner, const char *path,
                              const spk_npy *expected) {
  const spk_port *port = &runner->outputs[0];
  const spk_npy *array = &port->array;
  if (expected->kind != array->kind || expected->item_size != array->item_size)
    return spk_error(SPK_EXIT_USAGE, "%s: output '%s' is %s, the file holds %s",
                     path, port->info->name,
                     spk_npy_dtype_name(array->kind, array->item_size),
                     spk_npy_dtype_name(expected->kind, expected->item_size));
  if (expected->rank != array->rank ||
      memcmp(expected->shape, array->shape,
             (size_t)array->rank * sizeof(array->shape[0])) != 0)
    return spk_error(
        SPK_EXIT_USAGE, "%s: output '%s' has shape %s, the file has shape %s",
        path, port->info->name, spk_shape_text(array->rank, array->shape),
        spk_shape_text(expected->rank, expected->shape));
  return SPK_EXIT_OK;
}

static int spk_compare(const spk_runner *runner, const spk_npy *expected) {
  const spk_port *port = &runner->outputs[0];
  const spk_npy *array = &port->array;
  uint64_t size = (uint64_t)array->item_size;
  uint64_t count = array->bytes / size, first = 0, differing = 0;
  for (uint64_t i = 0; i < count; ++i)
    if (memcmp(array->data + i * size, expected->data + i * size,
               (size_t)size) != 0 &&
        differing++ == 0)
      first = i;
  if (!differing) {
    printf("%s equals %s: %" PRIu64 " values, bit for bit\n", port->info->name,
           runner->options.expect, count);
    return SPK_EXIT_OK;
  }
  int64_t position[SPK_NPY_MAX_RANK];
  uint64_t rest = first;
  for (int32_t i = array->rank; i-- > 0;) {
    position[i] = (int64_t)(rest % (uint64_t)array->shape[i]);
    rest /= (uint64_t)array->shape[i];
  }
  return spk_error(SPK_EXIT_DIFFERENT,
                   "output '%s' differs from %s first at %s: got %s, expected "
                   "%s; %" PRIu64 " of %" PRIu64 " values differ",
                   port->info->name, runner->options.expect,
                   spk_shape_text(array->rank, position),
                   spk_value_text(array, first),
                   spk_value_text(expected, first), differing, count);
}

/// Number of classes if the first output is a row of scores per sample, else 0.
static int64_t spk_num_classes(const spk_runner *runner) {
  if (runner->num_outputs == 0)
    return 0;
  const spk_port *port = &runner->outputs[0];
  if (port->axis != 0 || port->info->rank != 2)
    return 0;
  return port->info->shape[1];
}

static int spk_read_labels(spk_runner *runner, const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file)
    return spk_error(SPK_EXIT_USAGE, "%s: %s", path, strerror(errno));
  char *line = NULL;
  size_t capacity = 0;
  ssize_t length;
  int64_t room = 0, blank = 0;
  int code = SPK_EXIT_OK;
  while (code == SPK_EXIT_OK &&
         (length = getline(&line, &capacity, file)) >= 0) {
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
      line[--length] = 0;
    if (runner->num_labels == room) {
      room = room ? 2 * room : 64;
      char **grown = realloc(runner->labels, (size_t)room * sizeof(char *));
      if (!grown) {
        code = spk_out_of_memory();
        break;
      }
      runner->labels = grown;
    }
    char *copy = malloc((size_t)length + 1);
    if (!copy) {
      code = spk_out_of_memory();
      break;
    }
    memcpy(copy, line, (size_t)length);
    copy[length] = 0;
    runner->labels[runner->num_labels++] = copy;
    // Empty lines at the end of the file are no names.
    blank = length ? 0 : blank + 1;
  }
  if (code == SPK_EXIT_OK && ferror(file))
    code = spk_error(SPK_EXIT_USAGE, "%s: %s", path, strerror(errno));
  free(line);
  fclose(file);
  int64_t names = runner->num_labels - blank;
  if (code == SPK_EXIT_OK && names != spk_num_classes(runner))
    code = spk_error(SPK_EXIT_USAGE,
                     "%s: the file names %" PRId64
                     " classes, the output has %" PRId64,
                     path, names, spk_num_classes(runner));
  return code;
}

static void spk_print_top(const spk_runner *runner) {
  const spk_npy *array = &runner->outputs[0].array;
  int64_t classes = spk_num_classes(runner);
  int64_t count = runner->options.top < classes ? runner->options.top : classes;
  for (int64_t sample = 0; sample < runner->samples; ++sample) {
    uint64_t row = (uint64_t)(sample * classes);
    double last = 0;
    int64_t last_class = -1;
    printf("sample %" PRId64 "\n", sample);
    // The next best is the largest among those behind the last one printed, in
    // the order of descending score, then ascending class; NaN comes last.
    for (int64_t rank = 0; rank < count; ++rank) {
      double best = 0;
      int64_t best_class = -1;
      for (int64_t c = 0; c < classes; ++c) {
        double value = spk_value(array, row + (uint64_t)c);
        if (isnan(value))
          value = -INFINITY;
        bool behind =
            last_class < 0 || value < last || (value == last && c > last_class);
        if (behind && (best_class < 0 || value > best)) {
          best = value;
          best_class = c;
        }
      }
      last = best;
      last_class = best_class;
      printf("  %2" PRId64 ". class %-5" PRId64 " score %-12.6g%s%s\n",
             rank + 1, best_class, spk_value(array, row + (uint64_t)best_class),
             runner->labels ? " " : "",
             runner->labels ? runner->labels[best_class] : "");
    }
  }
}

static void spk_print_summary(const spk_runner *runner) {
  for (int i = 0; i < runner->num_outputs; ++i) {
    const spk_npy *array = &runner->outputs[i].array;
    uint64_t count = array->bytes / (uint64_t)array->item_size;
    double low = INFINITY, high = -INFINITY;
    for (uint64_t k = 0; k < count; ++k) {
      double value = spk_value(array, k);
      low = value < low ? value : low;
      high = value > high ? value : high;
    }
    printf("%s: %s %s", runner->outputs[i].info->name,
           spk_npy_dtype_name(array->kind, array->item_size),
           spk_shape_text(array->rank, array->shape));
    if (count)
      printf(", from %.6g to %.6g:", low, high);
    for (uint64_t k = 0; k < count && k < 8; ++k)
      printf(" %.6g", spk_value(array, k));
    printf("%s\n", count > 8 ? " ..." : "");
  }
}

//===----------------------------------------------------------------------===//
// --benchmark
//===----------------------------------------------------------------------===//

static void spk_cpu_model(char *name, size_t size) {
  snprintf(name, size, "unknown");
  FILE *file = fopen("/proc/cpuinfo", "r");
  if (!file)
    return;
  char line[512];
  while (fgets(line, sizeof(line), file)) {
    char *colon = strchr(line, ':');
    // AArch64 has no model name; its numbers are better than nothing.
    bool found = strncmp(line, "model name", 10) == 0;
    if (!colon || (!found && strncmp(line, "CPU part", 8) != 0))
      continue;
    char *text = colon + 1 + strspn(colon + 1, " \t");
    text[strcspn(text, "\n")] = 0;
    snprintf(name, size, "%s%s", found ? "" : "part ", text);
    if (found)
      break;
  }
  fclose(file);
}

static int spk_compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/// The smallest value that at least `percent` of all values do not exceed.
static double spk_percentile(const double *sorted, int64_t count, int percent) {
  int64_t rank = (count * percent + 99) / 100;
  return sorted[rank > 0 ? rank - 1 : 0];
}

static int spk_benchmark(spk_runner *runner) {
  const spk_options *options = &runner->options;
  const spk_metadata *metadata = runner->api->metadata();
  int64_t count = options->repetitions, first = 0;
  double *times = malloc((size_t)count * sizeof(double));
  if (!times)
    return spk_out_of_memory();
  double reported = spk_now();
  for (int64_t i = -options->warmup; i < count; ++i) {
    // Spikes decide how long a run takes, so all samples get their turn.
    spk_gather(runner, first);
    first = first + runner->batch < runner->samples ? first + runner->batch : 0;
    double start = spk_now();
    spk_status status = spk_run_batch(runner);
    double end = spk_now();
    if (status != SPK_OK) {
      free(times);
      return spk_run_error(runner);
    }
    if (i >= 0)
      times[i] = (end - start) * 1e3;
    if (end - reported < 2 || i + 1 >= count)
      continue;
    reported = end;
    fprintf(stderr, "spk: %s %" PRId64 " of %" PRId64 "\n",
            i < 0 ? "warm-up run" : "run",
            i < 0 ? i + 1 + options->warmup : i + 1,
            i < 0 ? options->warmup : count);
  }
  qsort(times, (size_t)count, sizeof(double), spk_compare_doubles);
  double low = times[0], median = spk_percentile(times, count, 50);
  double p90 = spk_percentile(times, count, 90);
  double p99 = spk_percentile(times, count, 99);
  free(times);
  double rate = median > 0 ? (double)runner->batch * 1e3 / median : 0;

  char cpu[256];
  spk_cpu_model(cpu, sizeof(cpu));
  struct rusage usage;
  memset(&usage, 0, sizeof(usage));
  getrusage(RUSAGE_SELF, &usage);
  // In kilobytes on Linux.
  int64_t rss = (int64_t)usage.ru_maxrss * 1024;
  int threads = runner->api->get_threads(runner->handle);
  const char *mode = options->stream ? "stream" : "run";
  if (options->json) {
    printf("{\n");
    spk_json_member("model", metadata->model_name);
    spk_json_member("model_hash", metadata->model_hash);
    spk_json_member("compiler_version", metadata->compiler_version);
    spk_json_member("target_cpu", metadata->target_cpu);
    spk_json_member("cpu", cpu);
    spk_json_member("mode", mode);
    printf("  \"threads\": %d,\n  \"batch\": %" PRId64
           ",\n  \"samples\": %" PRId64 ",\n  \"warmup\": %" PRId64
           ",\n  \"repetitions\": %" PRId64 ",\n  \"min_ms\": %.6f,\n"
           "  \"median_ms\": %.6f,\n  \"p90_ms\": %.6f,\n  \"p99_ms\": %.6f,\n"
           "  \"images_per_second\": %.3f,\n  \"arena_bytes\": %" PRIu64
           ",\n  \"weights_bytes\": %" PRIu64
           ",\n  \"peak_rss_bytes\": %" PRId64 "\n}\n",
           threads, runner->batch, runner->samples, options->warmup, count, low,
           median, p90, p99, rate, metadata->arena_bytes,
           metadata->weights_bytes, rss);
    return SPK_EXIT_OK;
  }
  printf("model          %s, compiled by spk %s for %s\n", metadata->model_name,
         metadata->compiler_version, metadata->target_cpu);
  printf("CPU            %s\n", cpu);
  printf("mode           %s, %d thread%s, batch %" PRId64 "\n", mode, threads,
         threads == 1 ? "" : "s", runner->batch);
  printf("runs           %" PRId64 " after %" PRId64
         " to warm up, over %" PRId64 " sample%s\n",
         count, options->warmup, runner->samples,
         runner->samples == 1 ? "" : "s");
  printf("time (ms)      min %.4f  median %.4f  p90 %.4f  p99 %.4f\n", low,
         median, p90, p99);
  printf("images/s       %.2f\n", rate);
  const double mib = 1024.0 * 1024.0;
  printf("peak memory    %.1f MiB, with an arena of %.2f and weights of %.1f\n",
         (double)rss / mib, (double)metadata->arena_bytes / mib,
         (double)metadata->weights_bytes / mib);
  return SPK_EXIT_OK;
}

//===----------------------------------------------------------------------===//
// The program
//===----------------------------------------------------------------------===//

/// Everything that can be wrong is found before the first result is written.
static int spk_execute(spk_runner *runner) {
  const spk_options *options = &runner->options;
  bool wants_results = options->num_outputs || options->output_dir ||
                       options->expect || options->top;
  spk_npy expected = {0};
  char message[512];
  int code = spk_prepare(runner);
  if (code == SPK_EXIT_OK && options->top && spk_num_classes(runner) == 0)
    code = spk_error(SPK_EXIT_USAGE,
                     "--top wants a first output of shape [batch, classes]");
  if (code == SPK_EXIT_OK && options->labels)
    code = spk_read_labels(runner, options->labels);
  if (code == SPK_EXIT_OK && options->expect && runner->num_outputs == 0)
    code = spk_error(SPK_EXIT_USAGE, "the model has no output to compare");
  if (code == SPK_EXIT_OK && options->expect) {
    if (!spk_npy_read(options->expect, &expected, message, sizeof(message)))
      code = spk_error(SPK_EXIT_USAGE, "%s", message);
    else
      code = spk_check_expected(runner, options->expect, &expected);
  }
  if (code == SPK_EXIT_OK)
    code = spk_check_output_names(runner);
  if (code == SPK_EXIT_OK)
    code = spk_create_handle(runner);

  if (code == SPK_EXIT_OK && (wants_results || !options->benchmark)) {
    code = spk_run_samples(runner);
    if (code == SPK_EXIT_OK)
      code = spk_write_outputs(runner);
    if (code == SPK_EXIT_OK && options->top)
      spk_print_top(runner);
    if (code == SPK_EXIT_OK && !wants_results)
      spk_print_summary(runner);
    if (code == SPK_EXIT_OK && options->expect)
      code = spk_compare(runner, &expected);
  }
  if (code == SPK_EXIT_OK && options->benchmark)
    code = spk_benchmark(runner);
  spk_npy_free(&expected);
  return code;
}

int spk_runner_main(int argc, char **argv, const spk_api *api) {
  spk_runner runner = {.api = api};
  spk_action action;
  if (api->abi_version != SPK_ABI_VERSION)
    return spk_error(SPK_EXIT_MODEL,
                     "the model has version %u of the runtime interface, this "
                     "program version %u",
                     (unsigned)api->abi_version, (unsigned)SPK_ABI_VERSION);
  int code = spk_parse_options(argc, argv, &runner.options, &action);
  if (code == SPK_EXIT_OK) {
    const spk_metadata *metadata = api->metadata();
    if (action == SPK_ACTION_HELP)
      spk_help(api, spk_program(argc > 0 ? argv[0] : NULL));
    else if (action == SPK_ACTION_VERSION)
      printf("%s, compiled by spk %s for %s; runtime interface %u\n",
             metadata->model_name, metadata->compiler_version,
             metadata->target_cpu, (unsigned)api->abi_version);
    else if (runner.options.info)
      spk_info(api, runner.options.json);
    else
      code = spk_execute(&runner);
  }
  if (fflush(stdout) != 0 && code == SPK_EXIT_OK)
    code = spk_error(SPK_EXIT_USAGE, "standard output: %s", strerror(errno));

  api->destroy(runner.handle);
  for (int i = 0; i < runner.num_inputs; ++i) {
    spk_npy_free(&runner.inputs[i].array);
    free(runner.inputs[i].batch);
  }
  for (int i = 0; i < runner.num_outputs; ++i) {
    spk_npy_free(&runner.outputs[i].array);
    free(runner.outputs[i].batch);
  }
  for (int64_t i = 0; i < runner.num_labels; ++i)
    free(runner.labels[i]);
  free(runner.labels);
  free(runner.inputs);
  free(runner.outputs);
  free(runner.input_pointers);
  free(runner.output_pointers);
  free(runner.options.inputs);
  free(runner.options.outputs);
  return code;
}
