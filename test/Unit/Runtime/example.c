//===- example.c - The C example and the generated header -------*- C -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// DEFINE: %{flags} = -std=c11 -Wall -Wextra -Werror -DSPK_MODEL=net
// DEFINE: %{include} = -I%t.dir -I%spk_include -I%spk_runtime
// DEFINE: %{header} = %spk_include/spk/Runtime/model_header.h.in
// RUN: rm -rf %t.dir && mkdir %t.dir
// RUN: sed s/@MODEL@/net/g %{header} > %t.dir/net.h
// RUN: %clang %{flags} %{include} %s %spk_src/examples/c/classify.c -o %t
// RUN: %t | FileCheck %s

// CHECK: input 'image': float32 [2, 4]
// CHECK-NEXT: input 'events': float32 [3, 2, 4], time first
// CHECK-NEXT: output 'logits': float32 [2, 4]
// CHECK-NEXT: output 'block/lif': bool [3, 2, 4], time first
// CHECK-NEXT: sample 0: class {{[0-3]}}, score {{.+}}
// CHECK-NEXT: sample 1: class {{[0-3]}}, score {{.+}}
// CHECK-NEXT: 3 steps and finish: the same bits

#include "fake_model.h"

// Behind the definitions, so that the compiler compares the two.
#include "net.h"
