//===- check.h - Assertions of the runtime's unit tests ---------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPK_TEST_UNIT_RUNTIME_CHECK_H
#define SPK_TEST_UNIT_RUNTIME_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);           \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

/// Checks that `text` contains `part`.
#define CHECK_TEXT(text, part)                                                 \
  do {                                                                         \
    if (!strstr(text, part)) {                                                 \
      printf("%s:%d: '%s' does not contain '%s'\n", __FILE__, __LINE__, text,  \
             part);                                                            \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

#define RUN_CASE(name)                                                         \
  do {                                                                         \
    name();                                                                    \
    printf("PASS %s\n", #name);                                                \
  } while (0)

#endif // SPK_TEST_UNIT_RUNTIME_CHECK_H
