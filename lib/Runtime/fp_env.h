//===- fp_env.h - Floating-point environment of a thread --------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// <fenv.h> knows rounding and traps but neither flush-to-zero nor
// denormals-are-zero, which other libraries in the process set (and which
// -ffast-math sets in a start-up file), hence the control registers by hand.
// The x87 unit is left alone: generated code does not use it.
//
// A compiler may move arithmetic across these functions, but neither calls nor
// accesses to memory: enter, call the code that computes, leave.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_LIB_RUNTIME_FP_ENV_H
#define SPK_LIB_RUNTIME_FP_ENV_H

#include <stdint.h>

#if defined(__x86_64__)

static inline uint64_t spk_fp_get(void) {
  uint32_t mxcsr;
  __asm__ __volatile__("stmxcsr %0" : "=m"(mxcsr) : : "memory");
  return mxcsr;
}

static inline void spk_fp_set(uint64_t value) {
  uint32_t mxcsr = (uint32_t)value;
  __asm__ __volatile__("ldmxcsr %0" : : "m"(mxcsr) : "memory");
}

// All exceptions masked, round to nearest, denormals kept on both sides.
#define SPK_FP_DEFAULT UINT64_C(0x1f80)

#elif defined(__aarch64__)

static inline uint64_t spk_fp_get(void) {
  uint64_t fpcr;
  __asm__ __volatile__("mrs %0, fpcr" : "=r"(fpcr) : : "memory");
  return fpcr;
}

static inline void spk_fp_set(uint64_t value) {
  __asm__ __volatile__("msr fpcr, %0" : : "r"(value) : "memory");
}

// The same; also no default NaN, no alternate handling, no 16-bit flushing.
#define SPK_FP_DEFAULT UINT64_C(0)

#elif defined(__riscv_flen)

static inline uint64_t spk_fp_get(void) {
  uint64_t fcsr = 0;
  __asm__ __volatile__("frcsr %0" : "=r"(fcsr) : : "memory");
  return fcsr;
}

static inline void spk_fp_set(uint64_t value) {
  __asm__ __volatile__("fscsr %0" : : "r"(value) : "memory");
}

#define SPK_FP_DEFAULT UINT64_C(0)

#else
#error "fp_env.h: no access to the floating-point control of this architecture"
#endif

/// Sets the default environment and returns the previous one.
static inline uint64_t spk_fp_enter(void) {
  uint64_t previous = spk_fp_get();
  spk_fp_set(SPK_FP_DEFAULT);
  return previous;
}

/// Puts back what spk_fp_enter returned, exception flags included.
static inline void spk_fp_leave(uint64_t previous) { spk_fp_set(previous); }

#endif // SPK_LIB_RUNTIME_FP_ENV_H
