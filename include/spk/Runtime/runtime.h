//===- runtime.h - Public C interface of compiled spk models ----*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The interface shared by every model that spk-compile produces. A model NAME
// comes with a header NAME.h that declares its functions, spk_NAME_create and
// so on, and
//
//   const spk_api *spk_NAME_api(void);
//
// which returns the same functions as a table, for programs that handle several
// models or load them with dlopen.
//
// Threads. There is no mutable state outside handles: any number of handles, of
// one model or of several, may be used at the same time. One handle may be used
// by one thread at a time; it may move between threads.
//
// Floating point. run, step and finish compute with round-to-nearest and
// denormals whatever the caller has set, and give the caller's floating-point
// environment back unchanged. Results do not depend on the number of threads.
//
// Arrays are dense, in C order (last axis fastest), in the byte order of the
// machine, and must be aligned to their element type. Inputs, outputs and
// handle memory must not overlap.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_RUNTIME_RUNTIME_H
#define SPK_RUNTIME_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Version of the structures and functions in this file. A program passes the
/// version it was compiled with to create, which refuses any other.
#define SPK_ABI_VERSION 1

/// What a function returns. Functions that fail change nothing that the caller
/// can observe, except where they say so, and leave a message behind (see
/// spk_api::last_error).
typedef enum spk_status {
  SPK_OK = 0,
  /// The program and the model were built against different runtime.h.
  SPK_ERR_ABI = 1,
  /// This processor, or the operating system, lacks an instruction set
  /// extension that the model's code uses.
  SPK_ERR_CPU_FEATURE = 2,
  /// Memory could not be allocated.
  SPK_ERR_OUT_OF_MEMORY = 3,
  /// A null pointer, a negative count or a buffer that is too small.
  SPK_ERR_ARGUMENT = 4,
  /// The call does not fit what was done before: finish before all time steps
  /// were done, one step too many, or run between two steps.
  SPK_ERR_STATE = 5,
  /// The model cannot do this, for example step with a layer that looks across
  /// time. The message names the layer.
  SPK_ERR_UNSUPPORTED = 6,
  /// load_state was given something that is not a state of this model.
  SPK_ERR_STATE_BLOB = 7
} spk_status;

/// The name of a status, for messages.
static inline const char *spk_status_name(spk_status status) {
  switch (status) {
  case SPK_OK:
    return "ok";
  case SPK_ERR_ABI:
    return "ABI version mismatch";
  case SPK_ERR_CPU_FEATURE:
    return "missing CPU feature";
  case SPK_ERR_OUT_OF_MEMORY:
    return "out of memory";
  case SPK_ERR_ARGUMENT:
    return "bad argument";
  case SPK_ERR_STATE:
    return "bad state";
  case SPK_ERR_UNSUPPORTED:
    return "unsupported";
  case SPK_ERR_STATE_BLOB:
    return "bad state blob";
  }
  return "unknown status";
}

/// Element types of inputs and outputs.
typedef enum spk_dtype {
  SPK_F32 = 0,
  /// One byte per element, 0 or 1 and nothing else.
  SPK_BOOL = 1,
  SPK_I8 = 2,
  SPK_I16 = 3,
  SPK_I32 = 4,
  SPK_I64 = 5
} spk_dtype;

/// The name of an element type, as NumPy spells it.
static inline const char *spk_dtype_name(spk_dtype dtype) {
  switch (dtype) {
  case SPK_F32:
    return "float32";
  case SPK_BOOL:
    return "bool";
  case SPK_I8:
    return "int8";
  case SPK_I16:
    return "int16";
  case SPK_I32:
    return "int32";
  case SPK_I64:
    return "int64";
  }
  return "unknown dtype";
}

/// Bytes of one element, 0 for a value that is no element type.
static inline size_t spk_dtype_size(spk_dtype dtype) {
  switch (dtype) {
  case SPK_BOOL:
  case SPK_I8:
    return 1;
  case SPK_I16:
    return 2;
  case SPK_F32:
  case SPK_I32:
    return 4;
  case SPK_I64:
    return 8;
  }
  return 0;
}

/// Describes one input or output.
typedef struct spk_tensor_info {
  /// Unique among the inputs, or among the outputs; a tapped value has the path
  /// of its layer, for example "block/3/attn/q_lif".
  const char *name;
  spk_dtype dtype;
  /// Number of axes.
  int32_t rank;
  /// Length of each axis.
  const int64_t *shape;
  /// Size of the whole tensor in bytes.
  uint64_t bytes;
  /// 1 if the leading axis is time, in which case step takes or gives one time
  /// slice: the same shape with a leading 1, bytes / time_steps bytes. 0 if the
  /// tensor has no time axis: [batch, ...] as a rule.
  int32_t temporal;
} spk_tensor_info;

/// Facts about a model. All strings and arrays live as long as the model's code
/// does; strings are never null.
typedef struct spk_metadata {
  const char *compiler_version;
  const char *model_name;
  /// Hash of everything that decides what the model computes: network, weights,
  /// batch size. States are exchanged only between equal hashes.
  const char *model_hash;
  const char *target_triple;
  const char *target_cpu;
  /// Instruction set extensions that the code needs, as LLVM spells them and
  /// without a sign ("avx2", "sve"), terminated by NULL.
  const char *const *cpu_features;
  /// "openmp", or "none" for code that runs on the calling thread alone.
  const char *threading;
  /// "key=value" strings, terminated by NULL, for example the order of
  /// summation of each layer.
  const char *const *properties;
  /// Memory that a handle holds in scratch buffers, in values that are computed
  /// once per image, and in the state carried from step to step.
  uint64_t arena_bytes;
  uint64_t hoisted_bytes;
  uint64_t state_bytes;
  /// Memory of the weights, shared by all handles.
  uint64_t weights_bytes;
  /// Number of time steps T that run does and that finish wants.
  int64_t time_steps;
} spk_metadata;

/// Options of create. Set abi_version to SPK_ABI_VERSION.
typedef struct spk_create_options {
  uint32_t abi_version;
  /// Number of threads that compute: 1 to 4096, or 0 for all online processors.
  int32_t threads;
} spk_create_options;

/// One instance of a model: scratch memory and the state between steps.
typedef struct spk_handle spk_handle;

/// The functions of a model. Each is also an ordinary function
/// spk_NAME_<field>.
typedef struct spk_api {
  /// SPK_ABI_VERSION of the model. Check it before using any other field of a
  /// table that came from dlopen.
  uint32_t abi_version;

  /// Makes a handle, at the first time step. Refuses with SPK_ERR_ABI,
  /// SPK_ERR_CPU_FEATURE, SPK_ERR_ARGUMENT or SPK_ERR_OUT_OF_MEMORY; *handle is
  /// then NULL. No code that needs `cpu_features` runs before they are checked.
  /// `message`, which may be NULL, receives up to `message_size` bytes of
  /// explanation, terminated by a zero (an empty string on success).
  spk_status (*create)(const spk_create_options *options, spk_handle **handle,
                       char *message, size_t message_size);

  /// Frees a handle. NULL is allowed.
  void (*destroy)(spk_handle *handle);

  /// Runs all time steps. `inputs` and `outputs` hold one pointer per input and
  /// output, in the order of input_info and output_info, each to a whole tensor
  /// of spk_tensor_info::bytes bytes. None may be NULL. Leaves the handle at
  /// the first time step. SPK_ERR_STATE if steps were done since the last
  /// finish or reset.
  spk_status (*run)(spk_handle *handle, const void *const *inputs,
                    void *const *outputs);

  /// Does the next time step. All inputs are given at every step: of a temporal
  /// input the slice of this step, of any other the whole tensor (the image
  /// that is shown again and again). What depends on the latter alone is
  /// computed at the first step and again when their bytes change. Temporal
  /// outputs receive the slice of this step; pointers of other outputs are not
  /// used and may be NULL, as may `outputs` itself if no output is temporal.
  /// SPK_ERR_STATE after time_steps steps without finish or reset;
  /// SPK_ERR_UNSUPPORTED for a model that cannot be streamed.
  spk_status (*step)(spk_handle *handle, const void *const *inputs,
                     void *const *outputs);

  /// Writes the outputs that have no time axis, after exactly time_steps steps
  /// (otherwise SPK_ERR_STATE, and nothing changes). Pointers of temporal
  /// outputs are not used and may be NULL. The outputs of all steps and of
  /// finish together are those of run, bit for bit. Leaves the handle at the
  /// first time step.
  spk_status (*finish)(spk_handle *handle, void *const *outputs);

  /// Goes back to the first time step and forgets the repeated image.
  spk_status (*reset)(spk_handle *handle);

  /// Size in bytes of what save_state writes: the same for all handles of a
  /// model, 0 for a model that cannot be streamed or if `handle` is NULL.
  size_t (*state_size)(const spk_handle *handle);

  /// Writes the state between steps, with the number of steps done, to
  /// `buffer` of `size` bytes, at least state_size.
  spk_status (*save_state)(spk_handle *handle, void *buffer, size_t size);

  /// Continues from a saved state. Anything but an intact state of the same
  /// model hash and ABI version is refused with SPK_ERR_STATE_BLOB, and the
  /// handle keeps the state it had. `size` is the size that was saved. A state
  /// is not encrypted or signed: a checksum guards against accidents only.
  spk_status (*load_state)(spk_handle *handle, const void *buffer, size_t size);

  /// Changes the number of threads: 1 to 4096, or 0 for all online processors.
  /// Takes effect at the next call and never changes results. Accepted and
  /// without effect if spk_metadata::threading is "none".
  spk_status (*set_threads)(spk_handle *handle, int32_t threads);

  /// Number of threads that compute; 1 if spk_metadata::threading is "none".
  int32_t (*get_threads)(const spk_handle *handle);

  /// Number of steps done since the last finish or reset.
  int64_t (*get_step)(const spk_handle *handle);

  /// Why the last function that failed on this handle did; an empty string if
  /// none did. Valid until the next call on the handle.
  const char *(*last_error)(const spk_handle *handle);

  /// The inputs and outputs, known without a handle. The info functions return
  /// NULL for an index out of range.
  int32_t (*num_inputs)(void);
  int32_t (*num_outputs)(void);
  const spk_tensor_info *(*input_info)(int32_t index);
  const spk_tensor_info *(*output_info)(int32_t index);

  /// Facts about the model, known without a handle and on any processor.
  const spk_metadata *(*metadata)(void);
} spk_api;

#ifdef __cplusplus
}
#endif

#endif // SPK_RUNTIME_RUNTIME_H
