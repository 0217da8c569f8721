//===- npy.h - Reading and writing NumPy .npy files -------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Versions 1, 2 and 3 of the format, numbers and bools, little endian, C order.
// Files are untrusted: nothing is believed that the length of the file does not
// bear out, and nothing is allocated on the word of a header.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_LIB_RUNTIME_NPY_H
#define SPK_LIB_RUNTIME_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPK_NPY_MAX_RANK 32

/// An array in memory.
typedef struct spk_npy {
  /// As in NumPy's type strings: 'f', 'i', 'u' or 'b' (one byte, 0 or 1).
  char kind;
  /// Bytes per element.
  int32_t item_size;
  int32_t rank;
  int64_t shape[SPK_NPY_MAX_RANK];
  /// Size of `data`.
  uint64_t bytes;
  /// Not aligned in general.
  const unsigned char *data;
  /// What spk_npy_free frees.
  void *owner;
} spk_npy;

/// Name of the element type as NumPy spells it ("float32").
const char *spk_npy_dtype_name(char kind, int32_t item_size);

/// Reads an array out of `size` bytes of `file`, which `array` then points
/// into. False with an explanation that starts with `name` if this is no
/// supported array or not exactly one.
bool spk_npy_parse(const void *file, uint64_t size, const char *name,
                   spk_npy *array, char *message, size_t message_size);

/// Reads a file, or a pipe. Free the array with spk_npy_free.
bool spk_npy_read(const char *path, spk_npy *array, char *message,
                  size_t message_size);

void spk_npy_free(spk_npy *array);

/// Writes a version 1 file. An existing file is replaced in one go, so that
/// none with half of the data is ever seen; `data`, `kind`, `item_size`, `rank`
/// and `shape` of `array` count.
bool spk_npy_write(const char *path, const spk_npy *array, char *message,
                   size_t message_size);

#ifdef __cplusplus
}
#endif

#endif // SPK_LIB_RUNTIME_NPY_H
