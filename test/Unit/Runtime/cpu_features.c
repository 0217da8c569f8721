//===- cpu_features.c - Refusal on the wrong processor ----------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// DEFINE: %{flags} = -std=c11 -Wall -Wextra -Werror
// DEFINE: %{include} = -I%spk_include -I%spk_runtime
// RUN: %clang %{flags} %{include} %s -o %t && %t | FileCheck %s

#define FAKE_FEATURES "avx2", "telepathy"
#include "fake_model.h"

#include "check.h"

/// An x86-64-v4 processor with an operating system for it, to be spoilt.
static uint32_t leaf1[4], leaf7[4], leaf71[4], leaf81[4];
static uint32_t max_leaf, max_subleaf7, max_extended;
static uint64_t xcr0, hwcaps[2];

static void set_up(void) {
  max_leaf = 0x1f;
  max_subleaf7 = 1;
  max_extended = 0x80000008;
  memset(leaf1, 0xff, sizeof(leaf1));
  memset(leaf7, 0xff, sizeof(leaf7));
  memset(leaf71, 0xff, sizeof(leaf71));
  memset(leaf81, 0xff, sizeof(leaf81));
  xcr0 = 0xe7;
}

static void fake_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]) {
  static const uint32_t ones[4] = {~0u, ~0u, ~0u, ~0u};
  const uint32_t *source = ones;
  if (leaf == 1)
    source = leaf1;
  else if (leaf == 7)
    source = subleaf == 0 ? leaf7 : leaf71;
  else if (leaf == 0x80000001)
    source = leaf81;
  memcpy(regs, source, 4 * sizeof(uint32_t));
  if (leaf == 0)
    regs[0] = max_leaf;
  if (leaf == 0x80000000)
    regs[0] = max_extended;
  if (leaf == 7 && subleaf == 0)
    regs[0] = max_subleaf7;
}

static uint64_t fake_xgetbv(void) { return xcr0; }
static uint64_t fake_hwcap(int word) { return hwcaps[word]; }

static const spk_cpu_provider x86 = {
    .machine = SPK_CPU_X86, .cpuid = fake_cpuid, .xgetbv = fake_xgetbv};
static const spk_cpu_provider arm = {.machine = SPK_CPU_AARCH64,
                                     .hwcap = fake_hwcap};
static const spk_cpu_provider other = {.machine = SPK_CPU_OTHER};

static bool has(const spk_cpu_provider *cpu, const char *feature) {
  const char *const list[] = {feature, NULL};
  char message[512] = "";
  bool present = spk_cpu_check(cpu, list, "znver9", message, sizeof(message));
  CHECK(present == (message[0] == 0));
  if (!present) {
    CHECK_TEXT(message, feature);
    CHECK_TEXT(message, "'znver9'");
  }
  return present;
}

static void all_there(void) {
  set_up();
  const char *const list[] = {"sse3",
                              "ssse3",
                              "sse4.1",
                              "sse4.2",
                              "popcnt",
                              "avx",
                              "avx2",
                              "fma",
                              "bmi",
                              "bmi2",
                              "lzcnt",
                              "f16c",
                              "avx512f",
                              "avx512bw",
                              "avx512dq",
                              "avx512vl",
                              "avx512cd",
                              "avx512vnni",
                              "avx512bf16",
                              "avx512vbmi",
                              "avx512vbmi2",
                              "avx512ifma",
                              "avx512vpopcntdq",
                              "avx512bitalg",
                              "gfni",
                              "vaes",
                              "vpclmulqdq",
                              "avxvnni",
                              "movbe",
                              "xsave",
                              "64bit",
                              "cx16",
                              "fast-gather",
                              "fsrm",
                              "prefer-256-bit",
                              "macrofusion",
                              "tuning-unknown",
                              NULL};
  char message[256] = "untouched";
  CHECK(spk_cpu_check(&x86, list, "x", message, sizeof(message)));
  CHECK(strcmp(message, "untouched") == 0);
  CHECK(spk_cpu_check(&x86, NULL, "x", message, sizeof(message)));
}

static void bits_of_the_processor(void) {
  set_up();
  leaf7[SPK_EBX] &= ~(1u << 5);
  CHECK(!has(&x86, "avx2"));
  CHECK(has(&x86, "avx") && has(&x86, "avx512f") && has(&x86, "bmi2"));
  set_up();
  leaf1[SPK_ECX] &= ~(1u << 12);
  CHECK(!has(&x86, "fma") && has(&x86, "avx2"));
  set_up();
  leaf71[SPK_EAX] &= ~(1u << 5);
  CHECK(!has(&x86, "avx512bf16") && has(&x86, "avxvnni"));
  set_up();
  leaf81[SPK_ECX] &= ~(1u << 5);
  CHECK(!has(&x86, "lzcnt") && has(&x86, "popcnt"));
}

/// Each bit of the tables is the only one that its feature looks at.
static void every_table_entry(void) {
  size_t count = sizeof(spk_x86_features) / sizeof(*spk_x86_features);
  for (size_t i = 0; i < count; ++i) {
    const spk_x86_feature *feature = &spk_x86_features[i];
    set_up();
    xcr0 = UINT64_MAX;
    CHECK(has(&x86, feature->name));
    uint32_t *regs = feature->leaf == 1                       ? leaf1
                     : feature->leaf == 7 && feature->subleaf ? leaf71
                     : feature->leaf == 7                     ? leaf7
                     : feature->leaf == 0x80000001            ? leaf81
                                                              : NULL;
    if (regs) {
      regs[feature->reg] &= ~(1u << feature->bit);
      CHECK(!has(&x86, feature->name));
    }
    for (size_t k = 0; k < i; ++k)
      CHECK(strcmp(spk_x86_features[k].name, feature->name) != 0);
    CHECK(!spk_cpu_ignored(spk_x86_ignored, feature->name));
  }
  count = sizeof(spk_aarch64_features) / sizeof(*spk_aarch64_features);
  for (size_t i = 0; i < count; ++i) {
    CHECK(spk_aarch64_features[i].hwcap || spk_aarch64_features[i].hwcap2);
    CHECK(!spk_cpu_ignored(spk_aarch64_ignored, spk_aarch64_features[i].name));
  }
}

static void leaves_that_do_not_exist(void) {
  set_up();
  max_leaf = 6;
  CHECK(!has(&x86, "avx2") && has(&x86, "avx"));
  set_up();
  max_subleaf7 = 0;
  CHECK(!has(&x86, "avxvnni") && has(&x86, "avx2"));
  set_up();
  max_extended = 0x80000000;
  CHECK(!has(&x86, "lzcnt"));
  // A processor without extended leaves answers with a basic one.
  max_extended = 0x16;
  CHECK(!has(&x86, "lzcnt"));
}

static void bits_of_the_operating_system(void) {
  set_up();
  xcr0 = 0x7;
  CHECK(has(&x86, "avx2") && has(&x86, "fma") && !has(&x86, "avx512f"));
  CHECK(!has(&x86, "avx512vnni") && has(&x86, "avxvnni"));
  xcr0 = 0x67;
  CHECK(!has(&x86, "avx512f"));
  xcr0 = 0x3;
  CHECK(!has(&x86, "avx") && !has(&x86, "fma") && has(&x86, "sse4.2"));
  CHECK(has(&x86, "bmi2") && has(&x86, "gfni"));
  set_up();
  leaf1[SPK_ECX] &= ~(1u << 27);
  CHECK(!has(&x86, "avx2") && !has(&x86, "avx512f") && has(&x86, "popcnt"));
}

static void aarch64(void) {
  hwcaps[0] = SPK_BIT(0) | SPK_BIT(1) | SPK_BIT(22);
  hwcaps[1] = 0;
  CHECK(has(&arm, "neon") && has(&arm, "fp-armv8") && has(&arm, "sve"));
  CHECK(!has(&arm, "sve2") && !has(&arm, "dotprod") && !has(&arm, "v8.2a"));
  hwcaps[1] = SPK_BIT(1);
  CHECK(has(&arm, "sve2") && !has(&arm, "sve2-aes"));
  CHECK(has(&arm, "fuse-aes") && has(&arm, "use-postra-scheduler"));
  CHECK(!has(&arm, "avx2"));
  hwcaps[0] = hwcaps[1] = UINT64_MAX;
  CHECK(has(&arm, "v9.2a") && has(&arm, "i8mm") && has(&arm, "sme2"));
}

static void unknown_names_are_refused(void) {
  set_up();
  CHECK(!has(&x86, "telepathy") && !has(&x86, "sve") && !has(&x86, ""));
  CHECK(!has(&x86, "fast") && !has(&other, "sse2"));
  const char *const none[] = {NULL};
  char message[8];
  CHECK(spk_cpu_check(&other, none, "x", message, sizeof(message)));
}

static void messages_name_everything(void) {
  set_up();
  xcr0 = 0x7;
  const char *const list[] = {"avx2",     "avx512f",   "bmi",
                              "avx512vl", "telepathy", NULL};
  char message[256];
  CHECK(!spk_cpu_check(&x86, list, "znver5", message, sizeof(message)));
  CHECK_TEXT(message, "'znver5'");
  CHECK_TEXT(message, "features avx512f, avx512vl,");
  // More names than any buffer holds.
  const char *many[400];
  for (int i = 0; i < 399; ++i)
    many[i] = "avx512vpopcntdq";
  many[399] = NULL;
  char tiny[16];
  CHECK(!spk_cpu_check(&x86, many, "znver5", message, sizeof(message)));
  CHECK(!spk_cpu_check(&x86, many, "znver5", tiny, sizeof(tiny)));
  CHECK(strlen(tiny) == sizeof(tiny) - 1);
}

static void create_refuses(void) {
  const spk_create_options options = {SPK_ABI_VERSION, 1};
  spk_handle *handle;
  char message[256];
  CHECK(spk_fake_create(&options, &handle, message, sizeof(message)) ==
        SPK_ERR_CPU_FEATURE);
  CHECK(!handle);
  CHECK_TEXT(message, "'testcpu'");
  // Metadata is there all the same.
  CHECK(strcmp(spk_fake_metadata()->cpu_features[1], "telepathy") == 0);
}

int main(void) {
  // CHECK: PASS all_there
  RUN_CASE(all_there);
  // CHECK-NEXT: PASS bits_of_the_processor
  RUN_CASE(bits_of_the_processor);
  // CHECK-NEXT: PASS every_table_entry
  RUN_CASE(every_table_entry);
  // CHECK-NEXT: PASS leaves_that_do_not_exist
  RUN_CASE(leaves_that_do_not_exist);
  // CHECK-NEXT: PASS bits_of_the_operating_system
  RUN_CASE(bits_of_the_operating_system);
  // CHECK-NEXT: PASS aarch64
  RUN_CASE(aarch64);
  // CHECK-NEXT: PASS unknown_names_are_refused
  RUN_CASE(unknown_names_are_refused);
  // CHECK-NEXT: PASS messages_name_everything
  RUN_CASE(messages_name_everything);
  // CHECK-NEXT: PASS create_refuses
  RUN_CASE(create_refuses);
  return 0;
}
