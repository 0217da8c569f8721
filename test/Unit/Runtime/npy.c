//===- npy.c - Reading and writing .npy files -------------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// DEFINE: %{flags} = -std=c11 -Wall -Wextra -Werror
// RUN: rm -rf %t.dir && mkdir %t.dir
// RUN: %clang %{flags} -I%spk_runtime %s %spk_runtime/npy.c -o %t
// RUN: %t %t.dir | FileCheck %s

// symlink and readlink under -std=c11.
#define _XOPEN_SOURCE 700

#include "npy.h"

#include "check.h"

#include <unistd.h>

static const char *directory;
static unsigned char file[4096];
static char message[256];
static spk_npy array;

/// Makes a file of a version, a header and `data` zero bytes in `file`.
static uint64_t make(int major, const char *header, uint64_t data) {
  size_t length = strlen(header), start = major == 1 ? 10 : 12;
  memset(file, 0, sizeof(file));
  memcpy(file, "\x93NUMPY", 6);
  file[6] = (unsigned char)major;
  file[8] = (unsigned char)(length & 0xff);
  file[9] = (unsigned char)(length >> 8);
  memcpy(file + start, header, length);
  CHECK(start + length + data <= sizeof(file));
  return start + length + data;
}

/// Parses a copy of exactly the right size, so that a checker of memory errors
/// sees reads behind it.
static bool parse(uint64_t size) {
  unsigned char *copy = malloc((size_t)size + 1);
  CHECK(copy);
  unsigned char *start = copy + 1;
  memcpy(start, file, (size_t)size);
  message[0] = 0;
  bool done =
      spk_npy_parse(start, size, "x.npy", &array, message, sizeof(message));
  free(copy);
  CHECK(done == (message[0] == 0));
  if (!done)
    CHECK(strncmp(message, "x.npy: ", 7) == 0);
  return done;
}

#define ACCEPTS(major, header, data) CHECK(parse(make(major, header, data)))
#define REFUSES(header, data, text)                                            \
  do {                                                                         \
    CHECK(!parse(make(1, header, data)));                                      \
    CHECK_TEXT(message, text);                                                 \
  } while (0)

#define HEADER(descr, shape)                                                   \
  "{'descr': '" descr "', 'fortran_order': False, 'shape': " shape ", }   \n"

static void good_headers(void) {
  ACCEPTS(1, HEADER("<f4", "(2, 3)"), 24);
  CHECK(array.kind == 'f' && array.item_size == 4 && array.rank == 2);
  CHECK(array.shape[0] == 2 && array.shape[1] == 3 && array.bytes == 24);
  ACCEPTS(2, HEADER("|b1", "(5,)"), 5);
  ACCEPTS(3, HEADER("|i1", "()"), 1);
  CHECK(array.rank == 0);
  ACCEPTS(1, HEADER("<i2", "(4,)"), 8);
  ACCEPTS(1, HEADER("<i4", "(4,)"), 16);
  ACCEPTS(1, HEADER("<i8", "(4,)"), 32);
  ACCEPTS(1, HEADER("|u1", "(4,)"), 4);
  ACCEPTS(1, HEADER("<f8", "(1, 1)"), 8);
  ACCEPTS(1, HEADER("<f4", "(3, 0, 2)"), 0);
  CHECK(array.bytes == 0);
  // Any order of keys, either quote, no comma at the end.
  ACCEPTS(1, "{\"shape\":(2,),\"descr\":\"<f4\",\"fortran_order\":False}", 8);
  // For fewer than two axes the order is the same.
  ACCEPTS(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2,)}", 8);
  CHECK(strcmp(spk_npy_dtype_name('f', 8), "float64") == 0);
}

static void truncated_and_oversized(void) {
  uint64_t size = make(1, HEADER("<f4", "(2, 3)"), 24);
  for (uint64_t part = 0; part < size; ++part) {
    make(1, HEADER("<f4", "(2, 3)"), 24);
    CHECK(!parse(part));
  }
  REFUSES(HEADER("<f4", "(2, 3)"), 20, "24 bytes of data, there are 20");
  REFUSES(HEADER("<f4", "(2, 3)"), 25, "1 bytes follow the array");
  REFUSES(HEADER("<f4", "(1000000000000,)"), 8, "cut short");
  REFUSES(HEADER("<f4", "(4611686018427387904, 4)"), 8, "too large");
  REFUSES(HEADER("<f4", "(4611686018427387904, 0, 4)"), 0, "too large");
  REFUSES(HEADER("<f4", "(9223372036854775808,)"), 8, "too large");
  REFUSES(HEADER("<f4", "(99999999999999999999999,)"), 8, "too large");
  // A header that is longer than the file, or than any header.
  make(2, HEADER("<f4", "(2,)"), 8);
  file[10] = 1;
  CHECK(!parse(200));
  CHECK_TEXT(message, "ends within its header");
  file[11] = 0xff;
  CHECK(!parse(200));
  CHECK_TEXT(message, "claims to be");
}

static void garbage(void) {
  REFUSES("", 0, "not a dictionary");
  REFUSES("{", 0, "malformed");
  REFUSES("{}", 0, "lacks");
  REFUSES("{'descr'}", 0, "malformed");
  REFUSES("{'descr': }", 0, "malformed");
  REFUSES("{'descr: '<f4'}", 0, "malformed");
  REFUSES("{'fortran_order': Maybe}", 0, "neither");
  REFUSES("{'shape': 3}", 0, "not a tuple");
  REFUSES(HEADER("<f4", "(3)"), 12, "not a tuple");
  REFUSES(HEADER("<f4", "(3"), 12, "malformed");
  REFUSES(HEADER("<f4", "(3,,)"), 12, "malformed");
  REFUSES(HEADER("<f4", "(3 4)"), 48, "malformed");
  REFUSES(HEADER("<f4", "(-3,)"), 12, "malformed");
  REFUSES(HEADER("<f4", "(3.0,)"), 12, "malformed");
  REFUSES(HEADER("<f4", "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
                        "1,1,1,1,1,1,1,1)"),
          4, "more than 32 axes");
  REFUSES(HEADER("<f4", "(1,)") "x", 4, "malformed");
  REFUSES("{'descr': '<f4', 'descr': '<f4', }", 0, "repeated key 'descr'");
  REFUSES("{'colour': 'red'}", 0, "unknown or repeated key 'colour'");
  REFUSES("{'descr': '<f4', 'shape': (1,), }", 4, "lacks");
  REFUSES("{'descr': [('a', '<f4')], }", 0, "structured");
  REFUSES(HEADER("<c8", "(1,)"), 8, "'<c8' is not supported");
  REFUSES(HEADER("|O", "(1,)"), 8, "'|O' is not supported");
  REFUSES(HEADER("<U12", "(1,)"), 48, "'<U12' is not supported");
  REFUSES(HEADER("<f3", "(1,)"), 3, "'<f3' is not supported");
  REFUSES(HEADER(">f4", "(1,)"), 4, "big-endian");
  REFUSES("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}", 24,
          "np.ascontiguousarray");
  uint64_t size = make(1, HEADER("|b1", "(2,)"), 2);
  file[size - 1] = 2;
  CHECK(!parse(size));
  CHECK_TEXT(message, "a bool is 2");
  size = make(4, HEADER("<f4", "(1,)"), 4);
  CHECK(!parse(size));
  CHECK_TEXT(message, "version 4.0");
  size = make(1, HEADER("<f4", "(1,)"), 4);
  file[0] = 'x';
  CHECK(!parse(size));
  CHECK_TEXT(message, "not an .npy file");
  // Any one byte of a good file may be anything: no crash, and never more data
  // than there is.
  size = make(1, HEADER("<f4", "(2, 3)"), 24);
  for (uint64_t i = 0; i < size - 24; ++i)
    for (int value = 0; value < 256; ++value) {
      make(1, HEADER("<f4", "(2, 3)"), 24);
      file[i] = (unsigned char)value;
      if (parse(size))
        CHECK(array.bytes <= size);
    }
}

static char *path(const char *name) {
  static char text[4096];
  snprintf(text, sizeof(text), "%s/%s", directory, name);
  return text;
}

static void written_files_are_read(void) {
  static const struct {
    char kind;
    int32_t size;
  } types[] = {{'f', 4}, {'b', 1}, {'i', 1}, {'i', 2},
               {'i', 4}, {'i', 8}, {'u', 1}};
  unsigned char data[8 * 6];
  for (size_t i = 0; i < sizeof(data); ++i)
    data[i] = i & 1;
  for (size_t k = 0; k < sizeof(types) / sizeof(*types); ++k)
    for (int32_t rank = 0; rank <= 3; ++rank) {
      spk_npy out = {.kind = types[k].kind,
                     .item_size = types[k].size,
                     .rank = rank,
                     .shape = {rank == 1 ? 6 : 3, 2, 1},
                     .data = data};
      // Over what the last round wrote.
      CHECK(spk_npy_write(path("a.npy"), &out, message, sizeof(message)));
      CHECK(spk_npy_read(path("a.npy"), &array, message, sizeof(message)));
      CHECK(array.kind == out.kind && array.item_size == out.item_size);
      CHECK(array.rank == rank);
      CHECK(memcmp(array.shape, out.shape, (size_t)rank * 8) == 0);
      CHECK(array.bytes == (uint64_t)((rank ? 6 : 1) * types[k].size));
      CHECK(memcmp(array.data, data, (size_t)array.bytes) == 0);
      CHECK((array.data - (unsigned char *)array.owner) % 64 == 0);
      spk_npy_free(&array);
      CHECK(!array.owner);
    }
}

static void files_that_fail(void) {
  spk_npy out = {.kind = 'b', .item_size = 1, .rank = 0, .data = file};
  CHECK(!spk_npy_read(path("none.npy"), &array, message, sizeof(message)));
  CHECK_TEXT(message, "none.npy: No such file");
  CHECK(!spk_npy_read(directory, &array, message, sizeof(message)));
  CHECK(!spk_npy_write(path("no/where.npy"), &out, message, sizeof(message)));
  CHECK_TEXT(message, "where.npy: cannot be written: No such file");
  // A device is written to, not replaced.
  CHECK(!spk_npy_write("/dev/full", &out, message, sizeof(message)));
  CHECK(spk_npy_write("/dev/null", &out, message, sizeof(message)));
  FILE *null = fopen("/dev/null", "rb");
  CHECK(null && fgetc(null) == EOF);
  fclose(null);
}

static void links_are_followed(void) {
  unsigned char one = 1;
  spk_npy out = {.kind = 'b', .item_size = 1, .rank = 0, .data = &one};
  char link[4096];
  snprintf(link, sizeof(link), "%s", path("link.npy"));
  CHECK(symlink("a.npy", link) == 0);
  CHECK(spk_npy_write(link, &out, message, sizeof(message)));
  CHECK(spk_npy_read(path("a.npy"), &array, message, sizeof(message)));
  CHECK(array.rank == 0 && array.kind == 'b' && array.data[0] == 1);
  spk_npy_free(&array);
  // Still a link.
  char target[16];
  CHECK(readlink(link, target, sizeof(target)) == 5);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  directory = argv[1];
  // CHECK: PASS good_headers
  RUN_CASE(good_headers);
  // CHECK-NEXT: PASS truncated_and_oversized
  RUN_CASE(truncated_and_oversized);
  // CHECK-NEXT: PASS garbage
  RUN_CASE(garbage);
  // CHECK-NEXT: PASS written_files_are_read
  RUN_CASE(written_files_are_read);
  // CHECK-NEXT: PASS files_that_fail
  RUN_CASE(files_that_fail);
  // CHECK-NEXT: PASS links_are_followed
  RUN_CASE(links_are_followed);
  return 0;
}
