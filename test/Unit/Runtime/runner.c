//===- runner.c - The command line around a model ---------------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// DEFINE: %{flags} = -std=c11 -Wall -Wextra -Werror
// DEFINE: %{include} = -I%spk_include -I%spk_runtime
// DEFINE: %{runner} = %spk_runtime/runner.c %spk_runtime/npy.c
// RUN: rm -rf %t.dir && mkdir %t.dir
// RUN: %clang %{flags} %{include} %s %{runner} -o %t
// RUN: %t %t.dir 2>&1 | FileCheck %s
//
// The program of an executable model: the same with runner_main.c.
//
// DEFINE: %{main} = -DSPK_MODEL=exe -DEXECUTABLE %spk_runtime/runner_main.c
// RUN: %clang %{flags} %{include} %{main} %s %{runner} -o %t.exe
// RUN: %t.exe --version | FileCheck %s --check-prefix=EXE
// EXE: exe, compiled by spk 0.0-test for testcpu; runtime interface 1

#include "fake_model.h"

#ifndef EXECUTABLE

#include "check.h"
#include "npy.h"
#include "runner.h"

#include <unistd.h>

enum { SAMPLES = 5 };

static float images[SAMPLES * FAKE_C];
static float events[FAKE_T * SAMPLES * FAKE_C];

/// Runs the program with arguments separated by blanks.
static int run(const char *line) {
  char text[512], *arguments[40] = {"net"};
  int count = 1;
  snprintf(text, sizeof(text), "%s", line);
  for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
    arguments[count++] = word;
  int code = spk_runner_main(count, arguments, spk_fake_api());
  fflush(stdout);
  return code;
}

#define EXITS(code, line)                                                      \
  do {                                                                         \
    printf("$ %s\n", line);                                                    \
    fflush(stdout);                                                            \
    CHECK(run(line) == (code));                                                \
  } while (0)

static void write_npy(const char *path, char kind, int32_t size, int32_t rank,
                      int64_t a, int64_t b, int64_t c, const void *data) {
  spk_npy array = {.kind = kind,
                   .item_size = size,
                   .rank = rank,
                   .shape = {a, b, c},
                   .data = data};
  char message[256];
  CHECK(spk_npy_write(path, &array, message, sizeof(message)));
}

static void write_text(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void set_up(void) {
  static const double wide[FAKE_N] = {0};
  for (int i = 0; i < SAMPLES * FAKE_C; ++i)
    images[i] = (float)(i * 5 % 7) * 0.5f;
  for (int i = 0; i < FAKE_T * SAMPLES * FAKE_C; ++i)
    events[i] = (float)(i * 3 % 5) * 0.375f;
  write_npy("image.npy", 'f', 4, 2, SAMPLES, FAKE_C, 0, images);
  write_npy("events.npy", 'f', 4, 3, FAKE_T, SAMPLES, FAKE_C, events);
  write_npy("image2.npy", 'f', 4, 2, FAKE_B, FAKE_C, 0, images);
  write_npy("wide.npy", 'f', 8, 2, FAKE_B, FAKE_C, 0, wide);
  write_npy("flat.npy", 'f', 4, 1, FAKE_N, 0, 0, images);
  write_npy("narrow.npy", 'f', 4, 2, SAMPLES, 3, 0, images);
  write_text("labels.txt", "ant\nbee\r\ncat\ndog\n\n");
  write_text("few.txt", "ant\nbee\n");
  write_text("text.npy", "hello, this is no array\n");
}

/// Each sample alone, in a batch of copies of itself.
static void reference(float *logits, unsigned char *spikes) {
  const spk_create_options options = {SPK_ABI_VERSION, 1};
  spk_handle *handle;
  CHECK(spk_fake_create(&options, &handle, NULL, 0) == SPK_OK);
  for (int sample = 0; sample < SAMPLES; ++sample) {
    float image[FAKE_N], event[FAKE_T * FAKE_N], logit[FAKE_N];
    unsigned char spike[FAKE_T * FAKE_N];
    for (int i = 0; i < FAKE_N; ++i)
      image[i] = images[sample * FAKE_C + i % FAKE_C];
    for (int t = 0; t < FAKE_T; ++t)
      for (int i = 0; i < FAKE_N; ++i)
        event[t * FAKE_N + i] =
            events[(t * SAMPLES + sample) * FAKE_C + i % FAKE_C];
    const void *inputs[] = {image, event};
    void *outputs[] = {logit, spike};
    CHECK(spk_fake_run(handle, inputs, outputs) == SPK_OK);
    memcpy(logits + sample * FAKE_C, logit, FAKE_C * sizeof(float));
    for (int t = 0; t < FAKE_T; ++t)
      memcpy(spikes + (t * SAMPLES + sample) * FAKE_C, spike + t * FAKE_N,
             FAKE_C);
  }
  spk_fake_destroy(handle);
}

static void check_file(const char *path, int32_t rank, const void *data,
                       uint64_t bytes) {
  spk_npy array;
  char message[256];
  CHECK(spk_npy_read(path, &array, message, sizeof(message)));
  CHECK(array.rank == rank && array.bytes == bytes);
  CHECK(array.shape[rank - 2] == SAMPLES && array.shape[rank - 1] == FAKE_C);
  CHECK(memcmp(array.data, data, (size_t)bytes) == 0);
  spk_npy_free(&array);
  CHECK(unlink(path) == 0);
}

static void results(void) {
  float logits[SAMPLES * FAKE_C];
  unsigned char spikes[FAKE_T * SAMPLES * FAKE_C];
  reference(logits, spikes);
  // Five samples through a batch of two, in every way.
  EXITS(0, "image.npy events.npy --output a.npy --output b.npy");
  check_file("a.npy", 2, logits, sizeof(logits));
  check_file("b.npy", 3, spikes, sizeof(spikes));
  EXITS(0, "--input image.npy --input=events.npy --output-dir out --stream");
  check_file("out/logits.npy", 2, logits, sizeof(logits));
  check_file("out/block.lif.npy", 3, spikes, sizeof(spikes));
  write_npy("good.npy", 'f', 4, 2, SAMPLES, FAKE_C, 0, logits);
  logits[2 * FAKE_C + 1] += 0.5f;
  write_npy("bad.npy", 'f', 4, 2, SAMPLES, FAKE_C, 0, logits);
  EXITS(0, "image.npy events.npy --expect good.npy --threads 2");
  // CHECK: logits equals good.npy: 20 values, bit for bit
  EXITS(3, "image.npy events.npy --expect bad.npy");
  // CHECK: $ image.npy events.npy --expect bad.npy
  // CHECK-NEXT: spk: error: output 'logits' differs from bad.npy first at
  // CHECK-SAME: [2, 1]: got {{.*}} (0x{{[0-9a-f]+}}), expected {{.*}}; 1 of 20
  EXITS(0, "image.npy events.npy --top 2 --labels labels.txt");
  // CHECK: sample 0
  // CHECK-NEXT: 1. class {{[0-3]}} score {{.*}} {{ant|bee|cat|dog}}
  // CHECK-NEXT: 2. class
  // CHECK-NEXT: sample 1
  // CHECK: sample 4
  EXITS(0, "image.npy events.npy");
  // CHECK: logits: float32 [5, 4], from
  // CHECK-NEXT: block/lif: bool [3, 5, 4], from 0 to 1:
  EXITS(0, "image.npy events.npy --benchmark --json --repetitions 4");
  // CHECK: "model": "fake"
  // CHECK: "batch": 2
  // CHECK: "repetitions": 4
  // CHECK: "median_ms": {{[0-9.]+}},
  // CHECK: "arena_bytes": 128,
  // CHECK-NEXT: "weights_bytes": {{[0-9]+}},
  // CHECK-NEXT: "peak_rss_bytes": {{[1-9][0-9]*}}
  EXITS(0, "image.npy events.npy --benchmark --stream --warmup 0");
  // CHECK: mode stream, 1 thread, batch 2
  // CHECK: time (ms) min {{[0-9.]+}} median {{[0-9.]+}} p90 {{[0-9.]+}} p99
  // CHECK: peak memory {{[0-9.]+}} MiB, with an arena of 0.00 and weights of
  EXITS(0, "--info");
  // CHECK: input 0 image float32 [2, 4]
  // CHECK: output 1 block/lif bool [3, 2, 4] (leading axis is time)
  // CHECK: property lif.sum=sequential
  EXITS(0, "--info --json");
  // CHECK: "properties": ["lif.sum=sequential"],
  EXITS(0, "--help");
  // CHECK: usage: net [options] INPUT.npy...
}

static void errors(void) {
  // CHECK: $ --colour
  // CHECK-NEXT: spk: error: unknown option '--colour'; see --help
  EXITS(2, "--colour");
  // CHECK: spk: error: unknown option '--inputs=x'; see --help
  EXITS(2, "--inputs=x");
  // CHECK: spk: error: --top wants a value
  EXITS(2, "image.npy events.npy --top");
  // CHECK: spk: error: --top wants a number from 1 to 2147483647, not '0'
  EXITS(2, "image.npy events.npy --top 0");
  // CHECK: spk: error: --threads wants a number {{.*}}, not '2x'
  EXITS(2, "image.npy events.npy --threads=2x");
  // CHECK: spk: error: --labels does nothing without --top
  EXITS(2, "image.npy events.npy --labels labels.txt");
  // CHECK: spk: error: the model has 2 inputs, 0 files were given
  EXITS(2, "");
  // CHECK: spk: error: the model has 2 inputs, 1 file was given
  EXITS(2, "image.npy");
  // CHECK: spk: error: none.npy: No such file or directory
  EXITS(2, "none.npy events.npy --output o.npy");
  // CHECK: spk: error: text.npy: not an .npy file
  EXITS(2, "text.npy events.npy --output o.npy");
  // CHECK: spk: error: wide.npy: input 'image' is float32, the file holds
  // CHECK-SAME: float64; convert with .astype(np.float32)
  EXITS(2, "wide.npy events.npy --output o.npy");
  // CHECK: spk: error: narrow.npy: input 'image' has shape [2, 4] (any length
  // CHECK-SAME: of axis 0), the file has shape [5, 3]
  EXITS(2, "narrow.npy events.npy --output o.npy");
  // CHECK: spk: error: flat.npy: {{.*}} the file has shape [8]
  EXITS(2, "flat.npy events.npy --output o.npy");
  // CHECK: spk: error: events.npy: the file has 5 samples, the files before it
  // CHECK-SAME: have 2
  EXITS(2, "image2.npy events.npy --output o.npy");
  // CHECK: spk: error: none.npy: No such file
  EXITS(2, "image.npy events.npy --output o.npy --expect none.npy");
  // CHECK: spk: error: flat.npy: output 'logits' has shape [5, 4], the file
  // CHECK-SAME: has shape [8]
  EXITS(2, "image.npy events.npy --output o.npy --expect flat.npy");
  // CHECK: spk: error: few.txt: the file names 2 classes, the output has 4
  EXITS(2, "image.npy events.npy --output o.npy --top 1 --labels few.txt");
  // CHECK: spk: error: two outputs would be written to o.npy
  EXITS(2, "image.npy events.npy --output o.npy --output o.npy");
  // CHECK: spk: error: the model has 2 outputs, 3 files were given
  EXITS(2, "image.npy events.npy --output o --output p --output q");
  // CHECK: spk: error: no/o.npy: cannot be written: No such file or directory
  EXITS(2, "image.npy events.npy --output no/o.npy");
  // None of these left anything behind.
  CHECK(access("o.npy", F_OK) != 0);
}

int main(int argc, char **argv) {
  CHECK(argc == 2 && chdir(argv[1]) == 0);
  set_up();
  results();
  errors();
  // CHECK: PASS runner
  printf("PASS runner\n");
  return 0;
}

#endif
