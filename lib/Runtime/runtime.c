//===- runtime.c - The functions of one compiled model ----------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Included at the end of the C file that the driver generates for a model, see
// spk/Runtime/descriptor.h. Everything is static but the functions
// spk_<model>_*, so any number of models can be linked together. There is no
// mutable variable outside handles.
//
//===----------------------------------------------------------------------===//

#include "cpu_features.c"
#include "fp_env.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

/// Alignment of every buffer of a handle: a cache line, and the widest vector.
#define SPK_ALIGNMENT 64
#define SPK_MAX_THREADS 4096

struct spk_handle {
  void *arena;
  void *hoisted;
  void *state;
  /// Copies of the static inputs that `hoisted` was computed from, one behind
  /// the other, each rounded up to SPK_ALIGNMENT.
  unsigned char *static_inputs;
  /// Argument arrays of entries, num_inputs and num_outputs long.
  void **inputs;
  void **outputs;
  /// Steps done since the last finish or reset.
  int64_t step;
  int32_t threads;
  bool hoisted_valid;
  /// False at the first time step until somebody needs the state, so that run
  /// does not pay for initialising it.
  bool state_valid;
  char error[512];
};

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

__attribute__((format(printf, 3, 4))) static spk_status
spk_fail(spk_handle *handle, spk_status status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(handle->error, sizeof(handle->error), format, args);
  va_end(args);
  return status;
}

/// Rounds up to SPK_ALIGNMENT; false if the result is no size_t.
static bool spk_round_up(uint64_t bytes, uint64_t *rounded) {
  if (bytes > UINT64_MAX - (SPK_ALIGNMENT - 1))
    return false;
  *rounded = (bytes + (SPK_ALIGNMENT - 1)) & ~(uint64_t)(SPK_ALIGNMENT - 1);
  return *rounded <= SIZE_MAX;
}

/// Allocates an aligned buffer; NULL if it is empty.
static bool spk_allocate(void **buffer, uint64_t bytes) {
  uint64_t rounded;
  *buffer = NULL;
  if (bytes == 0)
    return true;
  if (!spk_round_up(bytes, &rounded))
    return false;
  *buffer = aligned_alloc(SPK_ALIGNMENT, (size_t)rounded);
  return *buffer != NULL;
}

/// Size of the copies of the static inputs.
static bool spk_static_input_bytes(uint64_t *total) {
  *total = 0;
  for (int32_t i = 0; i < model_descriptor.num_inputs; ++i) {
    const spk_tensor_info *info = &model_descriptor.inputs[i];
    uint64_t bytes;
    if (info->temporal)
      continue;
    if (!spk_round_up(info->bytes, &bytes) || *total > UINT64_MAX - bytes)
      return false;
    *total += bytes;
  }
  return true;
}

static int32_t spk_thread_count(int32_t requested) {
  if (strcmp(model_descriptor.metadata.threading, "none") == 0)
    return 1;
  if (requested > 0)
    return requested;
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  if (online < 1)
    return 1;
  return online > SPK_MAX_THREADS ? SPK_MAX_THREADS : (int32_t)online;
}

static void spk_initialise_state(spk_handle *handle) {
  if (handle->state_valid)
    return;
  unsigned char *state = handle->state;
  // Gaps between segments are zeroed as well: save_state writes them.
  if (state)
    memset(state, 0, (size_t)model_descriptor.metadata.state_bytes);
  for (int32_t i = 0; i < model_descriptor.num_segments; ++i) {
    const spk_state_segment *segment = &model_descriptor.segments[i];
    float *values = (float *)(void *)(state + segment->offset);
    for (uint64_t k = 0; k < segment->count; ++k)
      values[k] = segment->initial;
  }
  handle->state_valid = true;
}

static void spk_rewind(spk_handle *handle) {
  handle->step = 0;
  handle->state_valid = false;
}

static void spk_call_entry(spk_handle *handle, spk_entry entry) {
  const spk_call call = {.inputs = handle->inputs,
                         .outputs = handle->outputs,
                         .state = handle->state,
                         .hoisted = handle->hoisted,
                         .arena = handle->arena,
                         .weights = model_descriptor.weights,
                         .threads = handle->threads};
  uint64_t previous = spk_fp_enter();
  entry(&call);
  spk_fp_leave(previous);
}

static spk_status spk_check_pointer(spk_handle *handle, const char *kind,
                                    int32_t index, const spk_tensor_info *info,
                                    const void *pointer) {
  if (!pointer)
    return spk_fail(handle, SPK_ERR_ARGUMENT, "%s %d ('%s') is a null pointer",
                    kind, (int)index, info->name);
  size_t align = spk_dtype_size(info->dtype);
  if (align && (uintptr_t)pointer % align)
    return spk_fail(handle, SPK_ERR_ARGUMENT,
                    "%s %d ('%s') is not aligned to its %d-byte elements", kind,
                    (int)index, info->name, (int)align);
  return SPK_OK;
}

static spk_status spk_set_inputs(spk_handle *handle,
                                 const void *const *inputs) {
  if (!inputs && model_descriptor.num_inputs > 0)
    return spk_fail(handle, SPK_ERR_ARGUMENT, "inputs is a null pointer");
  for (int32_t i = 0; i < model_descriptor.num_inputs; ++i) {
    spk_status status = spk_check_pointer(
        handle, "input", i, &model_descriptor.inputs[i], inputs[i]);
    if (status != SPK_OK)
      return status;
    // Entries have one array type for both directions and only read inputs.
    handle->inputs[i] = (void *)(uintptr_t)inputs[i];
  }
  return SPK_OK;
}

/// Takes the output pointers that a call writes: temporal ones, others or both.
static spk_status spk_set_outputs(spk_handle *handle, void *const *outputs,
                                  bool temporal, bool others) {
  for (int32_t i = 0; i < model_descriptor.num_outputs; ++i) {
    const spk_tensor_info *info = &model_descriptor.outputs[i];
    handle->outputs[i] = NULL;
    if (!(info->temporal ? temporal : others))
      continue;
    if (!outputs)
      return spk_fail(handle, SPK_ERR_ARGUMENT, "outputs is a null pointer");
    spk_status status =
        spk_check_pointer(handle, "output", i, info, outputs[i]);
    if (status != SPK_OK)
      return status;
    handle->outputs[i] = outputs[i];
  }
  return SPK_OK;
}

/// Computes the hoisted values unless those at hand belong to the same bytes.
static void spk_update_hoisted(spk_handle *handle) {
  if (!model_descriptor.prologue)
    return;
  unsigned char *copy = handle->static_inputs;
  bool same = handle->hoisted_valid;
  for (int32_t i = 0; i < model_descriptor.num_inputs; ++i) {
    const spk_tensor_info *info = &model_descriptor.inputs[i];
    uint64_t rounded;
    if (info->temporal || !spk_round_up(info->bytes, &rounded))
      continue;
    if (!handle->hoisted_valid ||
        memcmp(copy, handle->inputs[i], (size_t)info->bytes) != 0) {
      memcpy(copy, handle->inputs[i], (size_t)info->bytes);
      same = false;
    }
    copy += rounded;
  }
  if (same)
    return;
  spk_call_entry(handle, model_descriptor.prologue);
  handle->hoisted_valid = true;
}

static const char *spk_refusal(void) {
  return model_descriptor.step_refusal ? model_descriptor.step_refusal
                                       : "this model cannot be streamed";
}

//===----------------------------------------------------------------------===//
// Saved states
//===----------------------------------------------------------------------===//

static const char spk_blob_magic[8] = {'S', 'P', 'K', 'S', 'T', 'A', 'T', 'E'};

/// Starts a saved state; the model hash, padded to 8 bytes, and the state
/// follow. Integers are in the byte order of the machine: a state from one of
/// the other order fails the test of the ABI version.
typedef struct spk_blob_header {
  char magic[8];
  uint32_t abi_version;
  uint32_t hash_bytes;
  /// Guards against two builds of one model that place the state differently.
  uint64_t layout;
  uint64_t state_bytes;
  uint64_t step;
  /// Over all other bytes.
  uint64_t checksum;
} spk_blob_header;

/// FNV-1a.
static uint64_t spk_checksum(uint64_t sum, const void *data, size_t size) {
  const unsigned char *bytes = data;
  for (size_t i = 0; i < size; ++i)
    sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
  return sum;
}

#define SPK_CHECKSUM_START UINT64_C(0xcbf29ce484222325)

static uint64_t spk_state_layout(void) {
  uint64_t sum = SPK_CHECKSUM_START;
  for (int32_t i = 0; i < model_descriptor.num_segments; ++i) {
    const spk_state_segment *segment = &model_descriptor.segments[i];
    sum = spk_checksum(sum, &segment->offset, sizeof(segment->offset));
    sum = spk_checksum(sum, &segment->count, sizeof(segment->count));
  }
  return sum;
}

static uint64_t spk_blob_checksum(const unsigned char *blob, size_t size) {
  size_t position = offsetof(spk_blob_header, checksum);
  uint64_t sum = spk_checksum(SPK_CHECKSUM_START, blob, position);
  return spk_checksum(sum, blob + sizeof(spk_blob_header),
                      size - sizeof(spk_blob_header));
}

/// Bytes between the header and the state.
static size_t spk_blob_hash_bytes(void) {
  return (strlen(model_descriptor.metadata.model_hash) + 7) & ~(size_t)7;
}

//===----------------------------------------------------------------------===//
// Public functions
//===----------------------------------------------------------------------===//

SPK_HIDDEN uint64_t SPK_NAME(fp_enter)(void) { return spk_fp_enter(); }
SPK_HIDDEN void SPK_NAME(fp_leave)(uint64_t previous) {
  spk_fp_leave(previous);
}

SPK_PUBLIC void SPK_NAME(destroy)(spk_handle *handle) {
  if (!handle)
    return;
  free(handle->arena);
  free(handle->hoisted);
  free(handle->state);
  free(handle->static_inputs);
  free(handle->inputs);
  free(handle->outputs);
  free(handle);
}

SPK_PUBLIC spk_status SPK_NAME(create)(const spk_create_options *options,
                                       spk_handle **handle, char *message,
                                       size_t message_size) {
  char ignored[1];
  if (!message || !message_size) {
    message = ignored;
    message_size = sizeof(ignored);
  }
  message[0] = 0;
  if (handle)
    *handle = NULL;
  if (!options || !handle) {
    snprintf(message, message_size, "%s is a null pointer",
             options ? "handle" : "options");
    return SPK_ERR_ARGUMENT;
  }
  const spk_metadata *metadata = &model_descriptor.metadata;
  if (options->abi_version != SPK_ABI_VERSION) {
    snprintf(message, message_size,
             "the program was built for version %u of the spk runtime "
             "interface, the model '%s' for version %u",
             (unsigned)options->abi_version, metadata->model_name,
             (unsigned)SPK_ABI_VERSION);
    return SPK_ERR_ABI;
  }
  if (options->threads < 0 || options->threads > SPK_MAX_THREADS) {
    snprintf(message, message_size, "%d threads are not between 0 and %d",
             (int)options->threads, SPK_MAX_THREADS);
    return SPK_ERR_ARGUMENT;
  }
  if (!spk_cpu_check(&spk_host_cpu, metadata->cpu_features,
                     metadata->target_cpu, message, message_size))
    return SPK_ERR_CPU_FEATURE;

  uint64_t static_bytes = 0;
  bool fits =
      !model_descriptor.prologue || spk_static_input_bytes(&static_bytes);
  spk_handle *made = calloc(1, sizeof(*made));
  void *copies = NULL;
  if (made) {
    fits = fits && spk_allocate(&made->arena, metadata->arena_bytes) &&
           spk_allocate(&made->hoisted, metadata->hoisted_bytes) &&
           spk_allocate(&made->state, metadata->state_bytes) &&
           spk_allocate(&copies, static_bytes);
    made->static_inputs = copies;
    // One element more: calloc of nothing may return NULL.
    made->inputs =
        calloc((size_t)model_descriptor.num_inputs + 1, sizeof(void *));
    made->outputs =
        calloc((size_t)model_descriptor.num_outputs + 1, sizeof(void *));
  }
  if (!made || !fits || !made->inputs || !made->outputs) {
    SPK_NAME(destroy)(made);
    snprintf(message, message_size,
             "out of memory: the model '%s' needs %llu bytes of scratch memory "
             "and %llu of state",
             metadata->model_name, (unsigned long long)metadata->arena_bytes,
             (unsigned long long)metadata->state_bytes +
                 metadata->hoisted_bytes + static_bytes);
    return SPK_ERR_OUT_OF_MEMORY;
  }
  made->threads = spk_thread_count(options->threads);
  *handle = made;
  return SPK_OK;
}

SPK_PUBLIC spk_status SPK_NAME(run)(spk_handle *handle,
                                    const void *const *inputs,
                                    void *const *outputs) {
  if (!handle)
    return SPK_ERR_ARGUMENT;
  if (handle->step)
    return spk_fail(handle, SPK_ERR_STATE,
                    "run after %lld of %lld steps: call finish or reset first",
                    (long long)handle->step,
                    (long long)model_descriptor.metadata.time_steps);
  spk_status status = spk_set_inputs(handle, inputs);
  if (status == SPK_OK)
    status = spk_set_outputs(handle, outputs, true, true);
  if (status != SPK_OK)
    return status;
  spk_call_entry(handle, model_descriptor.run);
  // The entry may have used both buffers for its own purposes.
  spk_rewind(handle);
  handle->hoisted_valid = false;
  return SPK_OK;
}

SPK_PUBLIC spk_status SPK_NAME(step)(spk_handle *handle,
                                     const void *const *inputs,
                                     void *const *outputs) {
  if (!handle)
    return SPK_ERR_ARGUMENT;
  if (!model_descriptor.step)
    return spk_fail(handle, SPK_ERR_UNSUPPORTED, "%s", spk_refusal());
  int64_t time_steps = model_descriptor.metadata.time_steps;
  if (handle->step >= time_steps)
    return spk_fail(handle, SPK_ERR_STATE,
                    "all %lld steps are done: call finish or reset first",
                    (long long)time_steps);
  spk_status status = spk_set_inputs(handle, inputs);
  if (status == SPK_OK)
    status = spk_set_outputs(handle, outputs, true, false);
  if (status != SPK_OK)
    return status;
  spk_initialise_state(handle);
  spk_update_hoisted(handle);
  spk_call_entry(handle, model_descriptor.step);
  ++handle->step;
  return SPK_OK;
}

SPK_PUBLIC spk_status SPK_NAME(finish)(spk_handle *handle,
                                       void *const *outputs) {
  if (!handle)
    return SPK_ERR_ARGUMENT;
  if (!model_descriptor.step)
    return spk_fail(handle, SPK_ERR_UNSUPPORTED, "%s", spk_refusal());
  int64_t time_steps = model_descriptor.metadata.time_steps;
  if (handle->step != time_steps)
    return spk_fail(handle, SPK_ERR_STATE,
                    "finish after %lld of %lld steps: call step %lld more "
                    "time%s first",
                    (long long)handle->step, (long long)time_steps,
                    (long long)(time_steps - handle->step),
                    time_steps - handle->step == 1 ? "" : "s");
  spk_status status = spk_set_outputs(handle, outputs, false, true);
  if (status != SPK_OK)
    return status;
  for (int32_t i = 0; i < model_descriptor.num_inputs; ++i)
    handle->inputs[i] = NULL;
  if (model_descriptor.finish)
    spk_call_entry(handle, model_descriptor.finish);
  spk_rewind(handle);
  return SPK_OK;
}

SPK_PUBLIC spk_status SPK_NAME(reset)(spk_handle *handle) {
  if (!handle)
    return SPK_ERR_ARGUMENT;
  spk_rewind(handle);
  handle->hoisted_valid = false;
  return SPK_OK;
}

SPK_PUBLIC size_t SPK_NAME(state_size)(const spk_handle *handle) {
  if (!handle || !model_descriptor.step)
    return 0;
  return sizeof(spk_blob_header) + spk_blob_hash_bytes() +
         (size_t)model_descriptor.metadata.state_bytes;
}

SPK_PUBLIC spk_status SPK_NAME(save_state)(spk_handle *handle, void *buffer,
                                           size_t size) {
  if (!handle)
    return SPK_ERR_ARGUMENT;
  if (!model_descriptor.step)
    return spk_fail(handle, SPK_ERR_UNSUPPORTED, "%s", spk_refusal());
  size_t needed = SPK_NAME(state_size)(handle);
  if (!buffer || size < needed)
    return spk_fail(handle, SPK_ERR_ARGUMENT,
                    "saving the state takes a buffer of %llu bytes, not %llu",
                    (unsigned long long)needed,
                    (unsigned long long)(buffer ? size : 0));
  spk_initialise_state(handle);
  const char *hash = model_descriptor.metadata.model_hash;
  spk_blob_header header = {.abi_version = SPK_ABI_VERSION,
                            .hash_bytes = (uint32_t)strlen(hash),
                            .layout = spk_state_layout(),
                            .state_bytes =
                                model_descriptor.metadata.state_bytes,
                            .step = (uint64_t)handle->step};
  memcpy(header.magic, spk_blob_magic, sizeof(header.magic));
  // The buffer need not be aligned, hence copies throughout.
  unsigned char *blob = buffer;
  unsigned char *state = blob + sizeof(header) + spk_blob_hash_bytes();
  memset(blob + sizeof(header), 0, spk_blob_hash_bytes());
  memcpy(blob + sizeof(header), hash, strlen(hash));
  if (handle->state)
    memcpy(state, handle->state, (size_t)header.state_bytes);
  memcpy(blob, &header, sizeof(header));
  header.checksum = spk_blob_checksum(blob, needed);
  memcpy(blob, &header, sizeof(header));
  return SPK_OK;
}

SPK_PUBLIC spk_status SPK_NAME(load_state)(spk_handle *handle,
                                           const void *buffer, size_t size) {
  if (!handle)
    return SPK_ERR_ARGUMENT;
  if (!model_descriptor.step)
    return spk_fail(handle, SPK_ERR_UNSUPPORTED, "%s", spk_refusal());
  if (!buffer)
    return spk_fail(handle, SPK_ERR_ARGUMENT, "buffer is a null pointer");
  const unsigned char *blob = buffer;
  spk_blob_header header;
  if (size < sizeof(header) ||
      memcmp(blob, spk_blob_magic, sizeof(spk_blob_magic)) != 0)
    return spk_fail(handle, SPK_ERR_STATE_BLOB,
                    "this is not a saved state (%llu bytes)",
                    (unsigned long long)size);
  memcpy(&header, blob, sizeof(header));
  if (header.abi_version != SPK_ABI_VERSION)
    return spk_fail(handle, SPK_ERR_STATE_BLOB,
                    "the state was saved by version %u of the runtime "
                    "interface, this is version %u",
                    (unsigned)header.abi_version, (unsigned)SPK_ABI_VERSION);
  const char *hash = model_descriptor.metadata.model_hash;
  if (header.hash_bytes != strlen(hash) ||
      size - sizeof(header) < header.hash_bytes ||
      memcmp(blob + sizeof(header), hash, header.hash_bytes) != 0)
    return spk_fail(handle, SPK_ERR_STATE_BLOB,
                    "the state belongs to another model than '%s' (hash %s)",
                    model_descriptor.metadata.model_name, hash);
  if (header.state_bytes != model_descriptor.metadata.state_bytes ||
      header.layout != spk_state_layout())
    return spk_fail(handle, SPK_ERR_STATE_BLOB,
                    "the state belongs to another build of the model '%s'",
                    model_descriptor.metadata.model_name);
  if (size != SPK_NAME(state_size)(handle))
    return spk_fail(handle, SPK_ERR_STATE_BLOB,
                    "the state is %llu bytes long instead of %llu",
                    (unsigned long long)size,
                    (unsigned long long)SPK_NAME(state_size)(handle));
  if (header.checksum != spk_blob_checksum(blob, size) ||
      header.step > (uint64_t)model_descriptor.metadata.time_steps)
    return spk_fail(handle, SPK_ERR_STATE_BLOB, "the state is corrupted");
  if (handle->state)
    memcpy(handle->state, blob + sizeof(header) + spk_blob_hash_bytes(),
           (size_t)header.state_bytes);
  handle->step = (int64_t)header.step;
  handle->state_valid = true;
  return SPK_OK;
}

SPK_PUBLIC spk_status SPK_NAME(set_threads)(spk_handle *handle,
                                            int32_t threads) {
  if (!handle)
    return SPK_ERR_ARGUMENT;
  if (threads < 0 || threads > SPK_MAX_THREADS)
    return spk_fail(handle, SPK_ERR_ARGUMENT,
                    "%d threads are not between 0 and %d", (int)threads,
                    SPK_MAX_THREADS);
  handle->threads = spk_thread_count(threads);
  return SPK_OK;
}

SPK_PUBLIC int32_t SPK_NAME(get_threads)(const spk_handle *handle) {
  return handle ? handle->threads : 0;
}

SPK_PUBLIC int64_t SPK_NAME(get_step)(const spk_handle *handle) {
  return handle ? handle->step : 0;
}

SPK_PUBLIC const char *SPK_NAME(last_error)(const spk_handle *handle) {
  return handle ? handle->error : "the handle is a null pointer";
}

SPK_PUBLIC int32_t SPK_NAME(num_inputs)(void) {
  return model_descriptor.num_inputs;
}

SPK_PUBLIC int32_t SPK_NAME(num_outputs)(void) {
  return model_descriptor.num_outputs;
}

SPK_PUBLIC const spk_tensor_info *SPK_NAME(input_info)(int32_t index) {
  if (index < 0 || index >= model_descriptor.num_inputs)
    return NULL;
  return &model_descriptor.inputs[index];
}

SPK_PUBLIC const spk_tensor_info *SPK_NAME(output_info)(int32_t index) {
  if (index < 0 || index >= model_descriptor.num_outputs)
    return NULL;
  return &model_descriptor.outputs[index];
}

SPK_PUBLIC const spk_metadata *SPK_NAME(metadata)(void) {
  return &model_descriptor.metadata;
}

SPK_PUBLIC uint64_t SPK_NAME(arena_bytes)(void) {
  return model_descriptor.metadata.arena_bytes;
}

SPK_PUBLIC const spk_api *SPK_NAME(api)(void) {
  static const spk_api api = {.abi_version = SPK_ABI_VERSION,
                              .create = SPK_NAME(create),
                              .destroy = SPK_NAME(destroy),
                              .run = SPK_NAME(run),
                              .step = SPK_NAME(step),
                              .finish = SPK_NAME(finish),
                              .reset = SPK_NAME(reset),
                              .state_size = SPK_NAME(state_size),
                              .save_state = SPK_NAME(save_state),
                              .load_state = SPK_NAME(load_state),
                              .set_threads = SPK_NAME(set_threads),
                              .get_threads = SPK_NAME(get_threads),
                              .get_step = SPK_NAME(get_step),
                              .last_error = SPK_NAME(last_error),
                              .num_inputs = SPK_NAME(num_inputs),
                              .num_outputs = SPK_NAME(num_outputs),
                              .input_info = SPK_NAME(input_info),
                              .output_info = SPK_NAME(output_info),
                              .metadata = SPK_NAME(metadata)};
  return &api;
}
