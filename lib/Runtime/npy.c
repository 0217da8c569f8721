//===- npy.c - Reading and writing NumPy .npy files -------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// realpath, fdopen and lstat under -std=c11; before the first system header.
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif

#include "npy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "npy.c: not written for big-endian machines"
#endif

/// No writer in use comes near this; a longer header is garbage.
#define SPK_NPY_MAX_HEADER (UINT32_C(1) << 20)

static const unsigned char spk_npy_magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

typedef struct spk_npy_error {
  const char *name;
  char *message;
  size_t size;
} spk_npy_error;

/// Always false, so that callers can return it.
__attribute__((format(printf, 2, 3))) static bool
spk_npy_fail(const spk_npy_error *error, const char *format, ...) {
  va_list args;
  int used = snprintf(error->message, error->size, "%s: ", error->name);
  if (used < 0 || (size_t)used >= error->size)
    return false;
  va_start(args, format);
  vsnprintf(error->message + used, error->size - (size_t)used, format, args);
  va_end(args);
  return false;
}

const char *spk_npy_dtype_name(char kind, int32_t item_size) {
  static const struct {
    char kind;
    int32_t item_size;
    const char *name;
  } names[] = {{'b', 1, "bool"},    {'i', 1, "int8"},    {'i', 2, "int16"},
               {'i', 4, "int32"},   {'i', 8, "int64"},   {'u', 1, "uint8"},
               {'u', 2, "uint16"},  {'u', 4, "uint32"},  {'u', 8, "uint64"},
               {'f', 2, "float16"}, {'f', 4, "float32"}, {'f', 8, "float64"}};
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i)
    if (names[i].kind == kind && names[i].item_size == item_size)
      return names[i].name;
  return NULL;
}

//===----------------------------------------------------------------------===//
// The header: a Python dictionary with three keys
//===----------------------------------------------------------------------===//

typedef struct spk_npy_cursor {
  const char *at;
  const char *end;
} spk_npy_cursor;

static void spk_npy_space(spk_npy_cursor *cursor) {
  while (cursor->at < cursor->end &&
         (*cursor->at == ' ' || *cursor->at == '\n' || *cursor->at == '\t'))
    ++cursor->at;
}

/// Skips blanks and then `c`, if it is there.
static bool spk_npy_take(spk_npy_cursor *cursor, char c) {
  spk_npy_space(cursor);
  if (cursor->at == cursor->end || *cursor->at != c)
    return false;
  ++cursor->at;
  return true;
}

static bool spk_npy_word(spk_npy_cursor *cursor, const char *word) {
  spk_npy_space(cursor);
  size_t length = strlen(word);
  if ((size_t)(cursor->end - cursor->at) < length ||
      memcmp(cursor->at, word, length) != 0)
    return false;
  cursor->at += length;
  return true;
}

/// A quoted string without escapes, at most size - 1 bytes long.
static bool spk_npy_string(spk_npy_cursor *cursor, char *text, size_t size) {
  char quote;
  if (spk_npy_take(cursor, '\''))
    quote = '\'';
  else if (spk_npy_take(cursor, '"'))
    quote = '"';
  else
    return false;
  size_t length = 0;
  for (; cursor->at < cursor->end && *cursor->at != quote; ++cursor->at) {
    // Printable only: the text may end up in a message.
    if (length + 1 >= size || *cursor->at == '\\' || *cursor->at < ' ' ||
        *cursor->at > '~')
      return false;
    text[length++] = *cursor->at;
  }
  text[length] = 0;
  return spk_npy_take(cursor, quote);
}

static bool spk_npy_shape(spk_npy_cursor *cursor, spk_npy *array,
                          const spk_npy_error *error) {
  bool comma = true;
  array->rank = 0;
  if (!spk_npy_take(cursor, '('))
    return spk_npy_fail(error, "the shape in its header is not a tuple");
  while (!spk_npy_take(cursor, ')')) {
    if (!comma)
      return spk_npy_fail(error, "the shape in its header is malformed");
    if (array->rank == SPK_NPY_MAX_RANK)
      return spk_npy_fail(error, "it has more than %d axes", SPK_NPY_MAX_RANK);
    spk_npy_space(cursor);
    int64_t value = 0;
    const char *start = cursor->at;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
         ++cursor->at) {
      int digit = *cursor->at - '0';
      if (value > (INT64_MAX - digit) / 10)
        return spk_npy_fail(error, "its shape is too large");
      value = value * 10 + digit;
    }
    if (cursor->at == start)
      return spk_npy_fail(error, "the shape in its header is malformed");
    array->shape[array->rank++] = value;
    comma = spk_npy_take(cursor, ',');
  }
  // (3) is a number in Python, not a tuple.
  if (array->rank == 1 && !comma)
    return spk_npy_fail(error, "the shape in its header is not a tuple");
  return true;
}

static bool spk_npy_descr(const char *descr, spk_npy *array,
                          const spk_npy_error *error) {
  size_t length = strlen(descr);
  if (length != 3 || descr[2] < '1' || descr[2] > '9' ||
      !strchr("<>|=", descr[0]) ||
      !spk_npy_dtype_name(descr[1], descr[2] - '0'))
    return spk_npy_fail(error, "its element type '%s' is not supported", descr);
  array->kind = descr[1];
  array->item_size = descr[2] - '0';
  if (descr[0] == '>' && array->item_size > 1)
    return spk_npy_fail(error,
                        "it is big-endian ('%s'); convert it with "
                        ".astype('<%s')",
                        descr, descr + 1);
  if (descr[0] == '|' && array->item_size > 1)
    return spk_npy_fail(error, "its element type '%s' is not supported", descr);
  return true;
}

static bool spk_npy_dictionary(spk_npy_cursor *cursor, spk_npy *array,
                               const spk_npy_error *error) {
  bool has_descr = false, has_order = false, has_shape = false;
  bool fortran = false, comma = true;
  char text[64];
  if (!spk_npy_take(cursor, '{'))
    return spk_npy_fail(error, "its header is not a dictionary");
  while (!spk_npy_take(cursor, '}')) {
    if (!comma || !spk_npy_string(cursor, text, sizeof(text)) ||
        !spk_npy_take(cursor, ':'))
      return spk_npy_fail(error, "its header is malformed");
    if (strcmp(text, "descr") == 0 && !has_descr) {
      has_descr = true;
      spk_npy_space(cursor);
      if (cursor->at < cursor->end && *cursor->at == '[')
        return spk_npy_fail(error, "structured arrays are not supported");
      if (!spk_npy_string(cursor, text, sizeof(text)))
        return spk_npy_fail(error, "the element type in its header is "
                                   "malformed");
      if (!spk_npy_descr(text, array, error))
        return false;
    } else if (strcmp(text, "fortran_order") == 0 && !has_order) {
      has_order = true;
      fortran = spk_npy_word(cursor, "True");
      if (!fortran && !spk_npy_word(cursor, "False"))
        return spk_npy_fail(error, "fortran_order in its header is neither "
                                   "True nor False");
    } else if (strcmp(text, "shape") == 0 && !has_shape) {
      has_shape = true;
      if (!spk_npy_shape(cursor, array, error))
        return false;
    } else {
      return spk_npy_fail(error,
                          "its header has an unknown or repeated key "
                          "'%s'",
                          text);
    }
    comma = spk_npy_take(cursor, ',');
  }
  spk_npy_space(cursor);
  if (cursor->at != cursor->end)
    return spk_npy_fail(error, "its header is malformed");
  if (!has_descr || !has_order || !has_shape)
    return spk_npy_fail(error, "its header lacks descr, fortran_order or "
                               "shape");
  if (fortran && array->rank > 1)
    return spk_npy_fail(error, "it is in Fortran order; convert it with "
                               "np.ascontiguousarray");
  return true;
}

bool spk_npy_parse(const void *file, uint64_t size, const char *name,
                   spk_npy *array, char *message, size_t message_size) {
  const spk_npy_error error = {name, message, message_size};
  const unsigned char *bytes = file;
  memset(array, 0, sizeof(*array));
  if (size < 10 || memcmp(bytes, spk_npy_magic, sizeof(spk_npy_magic)) != 0)
    return spk_npy_fail(&error, "not an .npy file");
  unsigned major = bytes[6];
  uint64_t start;
  uint32_t length;
  if (major == 1) {
    start = 10;
    length = bytes[8] | (uint32_t)bytes[9] << 8;
  } else if (major == 2 || major == 3) {
    if (size < 12)
      return spk_npy_fail(&error, "the file ends within its header");
    start = 12;
    length = bytes[8] | (uint32_t)bytes[9] << 8 | (uint32_t)bytes[10] << 16 |
             (uint32_t)bytes[11] << 24;
  } else {
    return spk_npy_fail(&error,
                        "version %u.%u of the .npy format is not "
                        "supported",
                        major, (unsigned)bytes[7]);
  }
  if (length > SPK_NPY_MAX_HEADER)
    return spk_npy_fail(&error, "its header claims to be %u bytes long",
                        (unsigned)length);
  if (length > size - start)
    return spk_npy_fail(&error, "the file ends within its header");
  spk_npy_cursor cursor = {(const char *)bytes + start,
                           (const char *)bytes + start + length};
  if (!spk_npy_dictionary(&cursor, array, &error))
    return false;

  uint64_t available = size - start - length;
  uint64_t wanted = (uint64_t)array->item_size;
  bool empty = false;
  for (int32_t i = 0; i < array->rank; ++i) {
    uint64_t extent = (uint64_t)array->shape[i];
    empty |= extent == 0;
    // Zeros are left out of the product, so that they cannot hide an overflow.
    if (extent && wanted > (uint64_t)INT64_MAX / extent)
      return spk_npy_fail(&error, "its shape is too large");
    if (extent)
      wanted *= extent;
  }
  if (empty)
    wanted = 0;
  if (wanted > available)
    return spk_npy_fail(&error,
                        "the file is cut short: its shape takes %llu bytes of "
                        "data, there are %llu",
                        (unsigned long long)wanted,
                        (unsigned long long)available);
  if (wanted < available)
    return spk_npy_fail(&error, "%llu bytes follow the array",
                        (unsigned long long)(available - wanted));
  array->bytes = wanted;
  array->data = bytes + start + length;
  if (array->kind == 'b')
    for (uint64_t i = 0; i < wanted; ++i)
      if (array->data[i] > 1)
        return spk_npy_fail(&error, "a bool is %u instead of 0 or 1",
                            (unsigned)array->data[i]);
  return true;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

bool spk_npy_read(const char *path, spk_npy *array, char *message,
                  size_t message_size) {
  const spk_npy_error error = {path, message, message_size};
  memset(array, 0, sizeof(*array));
  FILE *file = fopen(path, "rb");
  if (!file)
    return spk_npy_fail(&error, "%s", strerror(errno));
  struct stat status;
  size_t capacity = (size_t)1 << 16;
  if (fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) &&
      status.st_size > 0 && (uint64_t)status.st_size < SIZE_MAX)
    // One more byte, so that the end is seen without growing.
    capacity = (size_t)status.st_size + 1;
  size_t size = 0;
  unsigned char *buffer = NULL;
  for (;;) {
    unsigned char *grown = realloc(buffer, capacity);
    if (!grown) {
      free(buffer);
      fclose(file);
      return spk_npy_fail(&error, "out of memory");
    }
    buffer = grown;
    size += fread(buffer + size, 1, capacity - size, file);
    if (size < capacity || capacity > SIZE_MAX / 2)
      break;
    capacity *= 2;
  }
  bool failed = ferror(file) || !feof(file);
  int code = errno;
  fclose(file);
  if (failed) {
    free(buffer);
    return spk_npy_fail(&error, "%s", strerror(code));
  }
  if (!spk_npy_parse(buffer, size, path, array, message, message_size)) {
    free(buffer);
    return false;
  }
  array->owner = buffer;
  return true;
}

void spk_npy_free(spk_npy *array) {
  free(array->owner);
  memset(array, 0, sizeof(*array));
}

/// Writes the header, padded so that the data starts at a multiple of 64.
static bool spk_npy_emit(FILE *file, const spk_npy *array) {
  char text[1024];
  // Ten bytes for magic, version and length; the longest header, 32 axes of 19
  // digits, fits.
  size_t used = (size_t)snprintf(
      text, sizeof(text),
      "{'descr': '%c%c%d', 'fortran_order': False, 'shape': (",
      array->item_size == 1 ? '|' : '<', array->kind, (int)array->item_size);
  uint64_t bytes = (uint64_t)array->item_size;
  for (int32_t i = 0; i < array->rank; ++i) {
    used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%lld",
                             i ? ", " : "", (long long)array->shape[i]);
    bytes *= (uint64_t)array->shape[i];
  }
  used += (size_t)snprintf(text + used, sizeof(text) - used, "%s), }",
                           array->rank == 1 ? "," : "");
  while ((10 + used + 1) % 64)
    text[used++] = ' ';
  text[used++] = '\n';
  unsigned char prefix[10] = {0, 0, 0, 0, 0, 0, 1, 0, 0, 0};
  memcpy(prefix, spk_npy_magic, sizeof(spk_npy_magic));
  prefix[8] = (unsigned char)(used & 0xff);
  prefix[9] = (unsigned char)(used >> 8);
  return fwrite(prefix, 1, sizeof(prefix), file) == sizeof(prefix) &&
         fwrite(text, 1, used, file) == used &&
         fwrite(array->data, 1, (size_t)bytes, file) == bytes;
}

bool spk_npy_write(const char *path, const spk_npy *array, char *message,
                   size_t message_size) {
  const spk_npy_error error = {path, message, message_size};
  struct stat status;
  char *target = NULL;
  char *temporary = NULL;
  bool done = false;
  int code = 0;
  FILE *file;

  if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
    // A pipe or device cannot be replaced, and must not be.
    file = fopen(path, "wb");
    if (!file)
      return spk_npy_fail(&error, "%s", strerror(errno));
    done = spk_npy_emit(file, array);
    code = errno;
    if (fclose(file) != 0 && done) {
      done = false;
      code = errno;
    }
    return done || spk_npy_fail(&error, "%s", strerror(code));
  }

  // Behind a symbolic link it is the file that is replaced, not the link.
  target = realpath(path, NULL);
  const char *final = target ? target : path;
  size_t size = strlen(final) + 32;
  temporary = malloc(size);
  if (!temporary) {
    free(target);
    return spk_npy_fail(&error, "out of memory");
  }
  snprintf(temporary, size, "%s.tmp.%ld", final, (long)getpid());
  int descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
  file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
  if (!file) {
    code = errno;
    if (descriptor >= 0)
      close(descriptor);
  } else {
    done = spk_npy_emit(file, array);
    code = errno;
    if (fclose(file) != 0 && done) {
      done = false;
      code = errno;
    }
    if (done && rename(temporary, final) != 0) {
      done = false;
      code = errno;
    }
  }
  if (!done && descriptor >= 0)
    unlink(temporary);
  free(temporary);
  free(target);
  return done || spk_npy_fail(&error, "cannot be written: %s", strerror(code));
}
