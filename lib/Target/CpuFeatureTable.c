//===- CpuFeatureTable.c - CPU features that the runtime can check --------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file lets the compiler read the runtime's own table of CPU features, so
// that a model never requires one that its runtime cannot check for.
//
//===----------------------------------------------------------------------===//

#include "../Runtime/cpu_features.c"

/// 1: the runtime can check for it; 0: it implies no instruction; -1: unknown.
int spkKnowsCpuFeature(int isX86, const char *name) {
  // Only needed by artefacts.
  (void)spk_cpu_check;
  (void)spk_host_cpu;
  if (isX86) {
    for (size_t i = 0; i < sizeof(spk_x86_features) / sizeof(*spk_x86_features);
         ++i)
      if (!strcmp(spk_x86_features[i].name, name))
        return 1;
    return spk_cpu_ignored(spk_x86_ignored, name) ? 0 : -1;
  }
  for (size_t i = 0;
       i < sizeof(spk_aarch64_features) / sizeof(*spk_aarch64_features); ++i)
    if (!strcmp(spk_aarch64_features[i].name, name))
      return 1;
  return spk_cpu_ignored(spk_aarch64_ignored, name) ? 0 : -1;
}
