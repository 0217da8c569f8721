//===- cpu_features.c - Does this processor have these features? -*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Included by runtime.c, so that each model carries its own copy and nothing is
// exported. The questions go through a table of functions, spk_cpu_provider, so
// that a unit test can answer them for a processor it does not run on; for the
// same reason the tables of all architectures are always compiled.
//
// Names are LLVM's. A name that is neither in a table nor on the list of names
// that imply no instruction is refused: a clear message on a processor that
// might have worked is better than an illegal instruction.
//
//===----------------------------------------------------------------------===//

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

typedef enum spk_cpu_machine {
  SPK_CPU_X86,
  SPK_CPU_AARCH64,
  /// Nothing can be asked, so no feature is known to be there.
  SPK_CPU_OTHER
} spk_cpu_machine;

typedef struct spk_cpu_provider {
  spk_cpu_machine machine;
  /// x86: registers eax, ebx, ecx, edx of cpuid.
  void (*cpuid)(uint32_t leaf, uint32_t subleaf, uint32_t registers[4]);
  /// x86: XCR0. Called only if cpuid says that the OS has enabled xgetbv.
  uint64_t (*xgetbv)(void);
  /// AArch64 Linux: AT_HWCAP (word 0) and AT_HWCAP2 (word 1).
  uint64_t (*hwcap)(int word);
} spk_cpu_provider;

//===----------------------------------------------------------------------===//
// x86
//===----------------------------------------------------------------------===//

enum { SPK_EAX, SPK_EBX, SPK_ECX, SPK_EDX };

/// Registers that the OS has to save on a context switch, as bits of XCR0: an
/// instruction faults, or worse loses its result, where it does not.
enum {
  SPK_OS_NONE = 0,
  SPK_OS_YMM = 0x6,
  SPK_OS_ZMM = 0xe6,
  SPK_OS_AMX = 0x60006,
  SPK_OS_APX = 0x80006
};

typedef struct spk_x86_feature {
  const char *name;
  uint32_t leaf;
  uint8_t subleaf;
  uint8_t reg;
  uint8_t bit;
  uint32_t os;
} spk_x86_feature;

static const spk_x86_feature spk_x86_features[] = {
    {"cx8", 1, 0, SPK_EDX, 8, 0},
    {"cmov", 1, 0, SPK_EDX, 15, 0},
    {"mmx", 1, 0, SPK_EDX, 23, 0},
    {"fxsr", 1, 0, SPK_EDX, 24, 0},
    {"sse", 1, 0, SPK_EDX, 25, 0},
    {"sse2", 1, 0, SPK_EDX, 26, 0},
    {"sse3", 1, 0, SPK_ECX, 0, 0},
    {"pclmul", 1, 0, SPK_ECX, 1, 0},
    {"ssse3", 1, 0, SPK_ECX, 9, 0},
    {"fma", 1, 0, SPK_ECX, 12, SPK_OS_YMM},
    {"cx16", 1, 0, SPK_ECX, 13, 0},
    {"sse4.1", 1, 0, SPK_ECX, 19, 0},
    {"sse4.2", 1, 0, SPK_ECX, 20, 0},
    {"crc32", 1, 0, SPK_ECX, 20, 0},
    {"movbe", 1, 0, SPK_ECX, 22, 0},
    {"popcnt", 1, 0, SPK_ECX, 23, 0},
    {"aes", 1, 0, SPK_ECX, 25, 0},
    {"xsave", 1, 0, SPK_ECX, 26, SPK_OS_YMM},
    {"avx", 1, 0, SPK_ECX, 28, SPK_OS_YMM},
    {"f16c", 1, 0, SPK_ECX, 29, SPK_OS_YMM},
    {"rdrnd", 1, 0, SPK_ECX, 30, 0},
    {"fsgsbase", 7, 0, SPK_EBX, 0, 0},
    {"sgx", 7, 0, SPK_EBX, 2, 0},
    {"bmi", 7, 0, SPK_EBX, 3, 0},
    {"avx2", 7, 0, SPK_EBX, 5, SPK_OS_YMM},
    {"bmi2", 7, 0, SPK_EBX, 8, 0},
    {"invpcid", 7, 0, SPK_EBX, 10, 0},
    {"rtm", 7, 0, SPK_EBX, 11, 0},
    {"avx512f", 7, 0, SPK_EBX, 16, SPK_OS_ZMM},
    {"avx512dq", 7, 0, SPK_EBX, 17, SPK_OS_ZMM},
    {"rdseed", 7, 0, SPK_EBX, 18, 0},
    {"adx", 7, 0, SPK_EBX, 19, 0},
    {"avx512ifma", 7, 0, SPK_EBX, 21, SPK_OS_ZMM},
    {"clflushopt", 7, 0, SPK_EBX, 23, 0},
    {"clwb", 7, 0, SPK_EBX, 24, 0},
    {"avx512cd", 7, 0, SPK_EBX, 28, SPK_OS_ZMM},
    {"sha", 7, 0, SPK_EBX, 29, 0},
    {"avx512bw", 7, 0, SPK_EBX, 30, SPK_OS_ZMM},
    {"avx512vl", 7, 0, SPK_EBX, 31, SPK_OS_ZMM},
    {"avx512vbmi", 7, 0, SPK_ECX, 1, SPK_OS_ZMM},
    // The bit that says that the OS has enabled protection keys.
    {"pku", 7, 0, SPK_ECX, 4, 0},
    {"waitpkg", 7, 0, SPK_ECX, 5, 0},
    {"avx512vbmi2", 7, 0, SPK_ECX, 6, SPK_OS_ZMM},
    {"shstk", 7, 0, SPK_ECX, 7, 0},
    {"gfni", 7, 0, SPK_ECX, 8, 0},
    {"vaes", 7, 0, SPK_ECX, 9, SPK_OS_YMM},
    {"vpclmulqdq", 7, 0, SPK_ECX, 10, SPK_OS_YMM},
    {"avx512vnni", 7, 0, SPK_ECX, 11, SPK_OS_ZMM},
    {"avx512bitalg", 7, 0, SPK_ECX, 12, SPK_OS_ZMM},
    {"avx512vpopcntdq", 7, 0, SPK_ECX, 14, SPK_OS_ZMM},
    {"rdpid", 7, 0, SPK_ECX, 22, 0},
    {"cldemote", 7, 0, SPK_ECX, 25, 0},
    {"movdiri", 7, 0, SPK_ECX, 27, 0},
    {"movdir64b", 7, 0, SPK_ECX, 28, 0},
    {"enqcmd", 7, 0, SPK_ECX, 29, 0},
    {"uintr", 7, 0, SPK_EDX, 5, 0},
    {"avx512vp2intersect", 7, 0, SPK_EDX, 8, SPK_OS_ZMM},
    {"serialize", 7, 0, SPK_EDX, 14, 0},
    {"tsxldtrk", 7, 0, SPK_EDX, 16, 0},
    {"pconfig", 7, 0, SPK_EDX, 18, 0},
    {"amx-bf16", 7, 0, SPK_EDX, 22, SPK_OS_AMX},
    {"avx512fp16", 7, 0, SPK_EDX, 23, SPK_OS_ZMM},
    {"amx-tile", 7, 0, SPK_EDX, 24, SPK_OS_AMX},
    {"amx-int8", 7, 0, SPK_EDX, 25, SPK_OS_AMX},
    {"sha512", 7, 1, SPK_EAX, 0, SPK_OS_YMM},
    {"sm3", 7, 1, SPK_EAX, 1, SPK_OS_YMM},
    {"sm4", 7, 1, SPK_EAX, 2, SPK_OS_YMM},
    {"raoint", 7, 1, SPK_EAX, 3, 0},
    {"avxvnni", 7, 1, SPK_EAX, 4, SPK_OS_YMM},
    {"avx512bf16", 7, 1, SPK_EAX, 5, SPK_OS_ZMM},
    {"cmpccxadd", 7, 1, SPK_EAX, 7, 0},
    {"amx-fp16", 7, 1, SPK_EAX, 21, SPK_OS_AMX},
    {"hreset", 7, 1, SPK_EAX, 22, 0},
    {"avxifma", 7, 1, SPK_EAX, 23, SPK_OS_YMM},
    {"movrs", 7, 1, SPK_EAX, 31, 0},
    {"avxvnniint8", 7, 1, SPK_EDX, 4, SPK_OS_YMM},
    {"avxneconvert", 7, 1, SPK_EDX, 5, SPK_OS_YMM},
    {"amx-complex", 7, 1, SPK_EDX, 8, SPK_OS_AMX},
    {"avxvnniint16", 7, 1, SPK_EDX, 10, SPK_OS_YMM},
    {"prefetchi", 7, 1, SPK_EDX, 14, 0},
    {"usermsr", 7, 1, SPK_EDX, 15, 0},
    {"ccmp", 7, 1, SPK_EDX, 21, SPK_OS_APX},
    {"cf", 7, 1, SPK_EDX, 21, SPK_OS_APX},
    {"egpr", 7, 1, SPK_EDX, 21, SPK_OS_APX},
    {"ndd", 7, 1, SPK_EDX, 21, SPK_OS_APX},
    {"nf", 7, 1, SPK_EDX, 21, SPK_OS_APX},
    {"ppx", 7, 1, SPK_EDX, 21, SPK_OS_APX},
    {"push2pop2", 7, 1, SPK_EDX, 21, SPK_OS_APX},
    {"zu", 7, 1, SPK_EDX, 21, SPK_OS_APX},
    {"xsaveopt", 0xd, 1, SPK_EAX, 0, SPK_OS_YMM},
    {"xsavec", 0xd, 1, SPK_EAX, 1, SPK_OS_YMM},
    {"xsaves", 0xd, 1, SPK_EAX, 3, SPK_OS_YMM},
    {"ptwrite", 0x14, 0, SPK_EBX, 4, 0},
    {"kl", 0x19, 0, SPK_EBX, 0, 0},
    {"widekl", 0x19, 0, SPK_EBX, 2, 0},
    {"amx-fp8", 0x1e, 1, SPK_EAX, 4, SPK_OS_AMX},
    {"amx-tf32", 0x1e, 1, SPK_EAX, 6, SPK_OS_AMX},
    {"amx-avx512", 0x1e, 1, SPK_EAX, 7, SPK_OS_AMX},
    {"amx-movrs", 0x1e, 1, SPK_EAX, 8, SPK_OS_AMX},
    {"sahf", 0x80000001, 0, SPK_ECX, 0, 0},
    {"lzcnt", 0x80000001, 0, SPK_ECX, 5, 0},
    {"sse4a", 0x80000001, 0, SPK_ECX, 6, 0},
    {"prfchw", 0x80000001, 0, SPK_ECX, 8, 0},
    {"xop", 0x80000001, 0, SPK_ECX, 11, SPK_OS_YMM},
    {"lwp", 0x80000001, 0, SPK_ECX, 15, 0},
    {"fma4", 0x80000001, 0, SPK_ECX, 16, SPK_OS_YMM},
    {"tbm", 0x80000001, 0, SPK_ECX, 21, 0},
    {"mwaitx", 0x80000001, 0, SPK_ECX, 29, 0},
    {"64bit", 0x80000001, 0, SPK_EDX, 29, 0},
    {"clzero", 0x80000008, 0, SPK_EBX, 0, 0},
    {"rdpru", 0x80000008, 0, SPK_EBX, 4, 0},
    {"wbnoinvd", 0x80000008, 0, SPK_EBX, 9, 0},
};

/// Names by which LLVM's processor definitions tune code, choose among
/// mitigations or state what every x86-64 processor has. A trailing asterisk
/// stands for any ending.
static const char *const spk_x86_ignored[] = {"64bit-mode",
                                              "allow-light-256-bit",
                                              "branch-hint",
                                              "branchfusion",
                                              "ermsb",
                                              "evex512",
                                              "false-deps-*",
                                              "fast-*",
                                              "faster-*",
                                              "fsrm",
                                              "harden-sls-*",
                                              "idivl-to-divb",
                                              "idivq-to-divl",
                                              "inline-asm-use-gpr32",
                                              "lea-sp",
                                              "lea-uses-ag",
                                              "lvi-*",
                                              "macrofusion",
                                              "no-bypass-delay",
                                              "no-bypass-delay-*",
                                              "nopl",
                                              "pad-short-functions",
                                              "prefer-*",
                                              "retpoline",
                                              "retpoline-*",
                                              "sbb-dep-breaking",
                                              "seses",
                                              "slow-*",
                                              "tagged-globals",
                                              "tuning-*",
                                              "use-*",
                                              "vzeroupper",
                                              "x87",
                                              NULL};

static bool spk_x86_has(const spk_cpu_provider *cpu,
                        const spk_x86_feature *feature) {
  uint32_t regs[4];
  uint32_t base = feature->leaf & UINT32_C(0x80000000);
  // A leaf above the maximum returns the data of another one.
  cpu->cpuid(base, 0, regs);
  if (regs[SPK_EAX] < feature->leaf || (base && !(regs[SPK_EAX] & base)))
    return false;
  if (feature->leaf == 7 && feature->subleaf) {
    cpu->cpuid(7, 0, regs);
    if (regs[SPK_EAX] < feature->subleaf)
      return false;
  }
  cpu->cpuid(feature->leaf, feature->subleaf, regs);
  if (!((regs[feature->reg] >> feature->bit) & 1))
    return false;
  if (feature->os == SPK_OS_NONE)
    return true;
  cpu->cpuid(1, 0, regs);
  bool osxsave = (regs[SPK_ECX] >> 27) & 1;
  return osxsave && (cpu->xgetbv() & feature->os) == feature->os;
}

//===----------------------------------------------------------------------===//
// AArch64
//===----------------------------------------------------------------------===//

#define SPK_BIT(n) (UINT64_C(1) << (n))

typedef struct spk_aarch64_feature {
  const char *name;
  uint64_t hwcap;
  uint64_t hwcap2;
} spk_aarch64_feature;

// Instructions that user code compiled for an architecture version may contain.
#define SPK_V81 (SPK_BIT(7) | SPK_BIT(8) | SPK_BIT(12))
#define SPK_V82 (SPK_V81 | SPK_BIT(16))
#define SPK_V83 (SPK_V82 | SPK_BIT(13) | SPK_BIT(14) | SPK_BIT(15))
#define SPK_V84                                                                \
  (SPK_V83 | SPK_BIT(20) | SPK_BIT(25) | SPK_BIT(26) | SPK_BIT(27))
#define SPK_V85 (SPK_V84 | SPK_BIT(29))
#define SPK_V85_2 (SPK_BIT(0) | SPK_BIT(7) | SPK_BIT(8))
#define SPK_V86_2 (SPK_V85_2 | SPK_BIT(13) | SPK_BIT(14))
#define SPK_V87_2 (SPK_V86_2 | SPK_BIT(31))
#define SPK_V88_2 (SPK_V87_2 | SPK_BIT(43) | SPK_BIT(44))

static const spk_aarch64_feature spk_aarch64_features[] = {
    {"fp-armv8", SPK_BIT(0), 0},
    {"neon", SPK_BIT(1), 0},
    {"aes", SPK_BIT(3) | SPK_BIT(4), 0},
    {"sha2", SPK_BIT(5) | SPK_BIT(6), 0},
    {"crypto", SPK_BIT(3) | SPK_BIT(4) | SPK_BIT(5) | SPK_BIT(6), 0},
    {"crc", SPK_BIT(7), 0},
    {"lse", SPK_BIT(8), 0},
    {"fullfp16", SPK_BIT(9) | SPK_BIT(10), 0},
    {"rdm", SPK_BIT(12), 0},
    {"jsconv", SPK_BIT(13), 0},
    {"complxnum", SPK_BIT(14), 0},
    {"rcpc", SPK_BIT(15), 0},
    {"ccpp", SPK_BIT(16), 0},
    {"sha3", SPK_BIT(17) | SPK_BIT(21), 0},
    {"sm4", SPK_BIT(18) | SPK_BIT(19), 0},
    {"dotprod", SPK_BIT(20), 0},
    {"sve", SPK_BIT(22), 0},
    {"fp16fml", SPK_BIT(23), 0},
    {"dit", SPK_BIT(24), 0},
    {"lse2", SPK_BIT(25), 0},
    {"rcpc-immo", SPK_BIT(26), 0},
    {"flagm", SPK_BIT(27), 0},
    {"ssbs", SPK_BIT(28), 0},
    {"sb", SPK_BIT(29), 0},
    {"pauth", SPK_BIT(30) | SPK_BIT(31), 0},
    {"ccdp", 0, SPK_BIT(0)},
    {"sve2", SPK_BIT(22), SPK_BIT(1)},
    {"sve-aes", 0, SPK_BIT(2) | SPK_BIT(3)},
    {"sve2-aes", SPK_BIT(22), SPK_BIT(1) | SPK_BIT(2) | SPK_BIT(3)},
    {"sve-bitperm", 0, SPK_BIT(4)},
    {"sve2-bitperm", SPK_BIT(22), SPK_BIT(1) | SPK_BIT(4)},
    {"sve-sha3", 0, SPK_BIT(5)},
    {"sve2-sha3", SPK_BIT(22), SPK_BIT(1) | SPK_BIT(5)},
    {"sve-sm4", 0, SPK_BIT(6)},
    {"sve2-sm4", SPK_BIT(22), SPK_BIT(1) | SPK_BIT(6)},
    {"altnzcv", 0, SPK_BIT(7)},
    {"fptoint", 0, SPK_BIT(8)},
    {"f32mm", SPK_BIT(22), SPK_BIT(10)},
    {"f64mm", SPK_BIT(22), SPK_BIT(11)},
    {"i8mm", 0, SPK_BIT(13)},
    {"bf16", 0, SPK_BIT(14)},
    {"rand", 0, SPK_BIT(16)},
    {"mte", 0, SPK_BIT(18)},
    {"sme", 0, SPK_BIT(23)},
    {"sme-i16i64", 0, SPK_BIT(23) | SPK_BIT(24)},
    {"sme-f64f64", 0, SPK_BIT(23) | SPK_BIT(25)},
    {"sme-fa64", 0, SPK_BIT(23) | SPK_BIT(30)},
    {"wfxt", 0, SPK_BIT(31)},
    {"cssc", 0, SPK_BIT(34)},
    {"sve2p1", SPK_BIT(22), SPK_BIT(1) | SPK_BIT(36)},
    {"sme2", 0, SPK_BIT(23) | SPK_BIT(37)},
    {"sme2p1", 0, SPK_BIT(23) | SPK_BIT(37) | SPK_BIT(38)},
    {"mops", 0, SPK_BIT(43)},
    {"hbc", 0, SPK_BIT(44)},
    {"sve-b16b16", 0, SPK_BIT(45)},
    {"rcpc3", 0, SPK_BIT(46)},
    {"lse128", 0, SPK_BIT(47)},
    {"lut", 0, SPK_BIT(49)},
    {"faminmax", 0, SPK_BIT(50)},
    {"v8a", SPK_BIT(0) | SPK_BIT(1), 0},
    {"v8.1a", SPK_V81, 0},
    {"v8.2a", SPK_V82, 0},
    {"v8.3a", SPK_V83, 0},
    {"v8.4a", SPK_V84, 0},
    {"v8.5a", SPK_V85, SPK_V85_2},
    {"v8.6a", SPK_V85, SPK_V86_2},
    {"v8.7a", SPK_V85, SPK_V87_2},
    {"v8.8a", SPK_V85, SPK_V88_2},
    {"v9a", SPK_V85 | SPK_BIT(22), SPK_V85_2 | SPK_BIT(1)},
    {"v9.1a", SPK_V85 | SPK_BIT(22), SPK_V86_2 | SPK_BIT(1)},
    {"v9.2a", SPK_V85 | SPK_BIT(22), SPK_V87_2 | SPK_BIT(1)},
    {"v9.3a", SPK_V85 | SPK_BIT(22), SPK_V88_2 | SPK_BIT(1)},
};

/// Tuning; instructions in the hint space, which older processors execute as
/// no-ops; and extensions of the system registers, which only an operating
/// system uses and which the kernel therefore does not report.
static const char *const spk_aarch64_ignored[] = {
    // Tuning and code-generation choices.
    "addr-lsl-*", "aggressive-*", "alternate-sextload-*", "alu-lsl-fast",
    "arith-*", "ascend-store-address", "avoid-ldapur", "balance-fp-ops",
    "cmp-bcc-fusion", "disable-*", "enable-select-opt", "exynos-cheap-as-move",
    "fix-*", "force-32bit-jump-tables", "fuse-*", "harden-sls-*",
    "ldp-aligned-only", "max-interleave-factor-*", "no-bti-at-return-twice",
    "no-neg-immediates", "no-sve-fp-ld1r", "no-zcz-*", "outline-atomics",
    "predictable-select-expensive", "prfm-slc-target", "reserve-*", "slow-*",
    "store-pair-suppress", "stp-aligned-only", "strict-align", "tagged-globals",
    "use-*", "zcm-*", "zcz-*",
    // Hint space.
    "bti", "chk", "clrbhb", "spe-eef",
    // System registers.
    "CONTEXTIDREL2", "am", "amvs", "brbe", "ccidx", "ecv", "el2vmsa", "el3",
    "ete", "fgt", "fmv", "fpac", "hcx", "lor", "mec", "mpam", "nmi", "nv",
    "pan", "pan-rwv", "perfmon", "predres", "ras", "rasv2", "rme", "sel2",
    "spe", "specres2", "specrestrict", "tlb-rmi", "tracev8.4", "trbe", "uaops",
    "vh", "xs", NULL};

static bool spk_aarch64_has(const spk_cpu_provider *cpu,
                            const spk_aarch64_feature *feature) {
  return (cpu->hwcap(0) & feature->hwcap) == feature->hwcap &&
         (cpu->hwcap(1) & feature->hwcap2) == feature->hwcap2;
}

//===----------------------------------------------------------------------===//
// The check
//===----------------------------------------------------------------------===//

static bool spk_cpu_ignored(const char *const *list, const char *name) {
  for (; *list; ++list) {
    size_t length = strlen(*list);
    if ((*list)[length - 1] == '*' ? !strncmp(*list, name, length - 1)
                                   : !strcmp(*list, name))
      return true;
  }
  return false;
}

typedef enum spk_cpu_answer {
  SPK_CPU_PRESENT,
  SPK_CPU_ABSENT,
  SPK_CPU_UNKNOWN
} spk_cpu_answer;

static spk_cpu_answer spk_cpu_ask(const spk_cpu_provider *cpu,
                                  const char *name) {
  if (cpu->machine == SPK_CPU_X86) {
    size_t count = sizeof(spk_x86_features) / sizeof(*spk_x86_features);
    for (size_t i = 0; i < count; ++i)
      if (!strcmp(spk_x86_features[i].name, name))
        return spk_x86_has(cpu, &spk_x86_features[i]) ? SPK_CPU_PRESENT
                                                      : SPK_CPU_ABSENT;
    if (spk_cpu_ignored(spk_x86_ignored, name))
      return SPK_CPU_PRESENT;
  } else if (cpu->machine == SPK_CPU_AARCH64) {
    size_t count = sizeof(spk_aarch64_features) / sizeof(*spk_aarch64_features);
    for (size_t i = 0; i < count; ++i)
      if (!strcmp(spk_aarch64_features[i].name, name))
        return spk_aarch64_has(cpu, &spk_aarch64_features[i]) ? SPK_CPU_PRESENT
                                                              : SPK_CPU_ABSENT;
    if (spk_cpu_ignored(spk_aarch64_ignored, name))
      return SPK_CPU_PRESENT;
  }
  return SPK_CPU_UNKNOWN;
}

/// True if all features of the NULL-terminated list are there. Otherwise
/// `message` names those that are not, and the CPU the code was built for.
static bool spk_cpu_check(const spk_cpu_provider *cpu,
                          const char *const *features, const char *target_cpu,
                          char *message, size_t size) {
  char missing[256] = "";
  size_t used = 0;
  int absent = 0;
  const char *unknown = NULL;
  for (; features && *features; ++features) {
    spk_cpu_answer answer = spk_cpu_ask(cpu, *features);
    if (answer == SPK_CPU_UNKNOWN && !unknown)
      unknown = *features;
    if (answer != SPK_CPU_ABSENT)
      continue;
    ++absent;
    // The first names are enough when there are too many for the buffer.
    if (used + strlen(*features) + 3 < sizeof(missing))
      used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s%s",
                               used ? ", " : "", *features);
  }
  if (absent)
    snprintf(message, size,
             "this model was compiled for '%s' and needs CPU feature%s %s, "
             "which this processor or its operating system does not provide",
             target_cpu, absent > 1 ? "s" : "", missing);
  else if (unknown)
    snprintf(message, size,
             "this model was compiled for '%s' and needs the CPU feature %s, "
             "which the runtime cannot check for on this machine",
             target_cpu, unknown);
  return !absent && !unknown;
}

//===----------------------------------------------------------------------===//
// This machine
//===----------------------------------------------------------------------===//

#if defined(__x86_64__)

static void spk_host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]) {
  __asm__ __volatile__("cpuid"
                       : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]),
                         "=d"(regs[3])
                       : "a"(leaf), "c"(subleaf));
}

static uint64_t spk_host_xgetbv(void) {
  uint32_t low, high;
  // Spelled in bytes: the assembler accepts the mnemonic for newer CPUs only.
  __asm__ __volatile__(".byte 0x0f, 0x01, 0xd0"
                       : "=a"(low), "=d"(high)
                       : "c"(0));
  return (uint64_t)high << 32 | low;
}

static const spk_cpu_provider spk_host_cpu = {
    .machine = SPK_CPU_X86, .cpuid = spk_host_cpuid, .xgetbv = spk_host_xgetbv};

#elif defined(__aarch64__) && defined(__linux__)

static uint64_t spk_host_hwcap(int word) {
  return getauxval(word ? 26 /* AT_HWCAP2 */ : 16 /* AT_HWCAP */);
}

static const spk_cpu_provider spk_host_cpu = {.machine = SPK_CPU_AARCH64,
                                              .hwcap = spk_host_hwcap};

#else

static const spk_cpu_provider spk_host_cpu = {.machine = SPK_CPU_OTHER};

#endif
