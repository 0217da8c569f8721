//===- runtime.h - the runtime of compiled models ---------------*- C -*-===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The name under which programs include the shared header of compiled models.
//
//===----------------------------------------------------------------------===//

#ifndef SPK_RUNTIME_H
#define SPK_RUNTIME_H

#include "spk/Runtime/runtime.h"

#endif // SPK_RUNTIME_H
