// Arrays in and out of spk-run --interpret.

// RUN: rm -rf %t && mkdir %t
// RUN: %python %S/../Inputs/make_npy.py %t/image.npy int8 1x2 3 4
// RUN: %python %S/../Inputs/make_npy.py %t/inside.npy int8 1x1x2 3 4
// RUN: %python %S/../Inputs/make_npy.py %t/x.npy float32 2x1x2 0.5 1 1.5 2
// RUN: %python %S/../Inputs/make_npy.py %t/sum.npy float32 2x1x2 3.5 5 4.5 6
// RUN: %python %S/../Inputs/make_npy.py %t/off.npy float32 2x1x2 3.5 5 4.5 7
// RUN: %python %S/../Inputs/make_npy.py %t/wide.npy float64 2x1x2 0.5 1 1.5 2

// A static input has no time axis outside, but may come with one.
// RUN: spk-run --interpret %s --input %t/image.npy --input %t/x.npy | FileCheck %s --check-prefix=PRINT
// RUN: spk-run --interpret %s --input %t/inside.npy --input %t/x.npy | FileCheck %s --check-prefix=PRINT
// PRINT: block/0/sum: float32[2,1,2] = 3.5 5 4.5 6
// PRINT-NEXT: image: int8[1,2] = 3 4

// RUN: spk-run --interpret %s --input %t/image.npy --input %t/x.npy --output %t/out.npy && cmp %t/out.npy %t/sum.npy
// RUN: spk-run --interpret %s --input %t/image.npy --input %t/x.npy --output-dir %t/all && cmp %t/all/block.0.sum.npy %t/sum.npy && cmp %t/all/image.npy %t/image.npy

// RUN: spk-run --interpret %s --input %t/image.npy --input %t/x.npy --expect %t/sum.npy --expect %t/image.npy | FileCheck %s --check-prefix=EQUAL
// EQUAL: output 'block/0/sum' equals {{.*}}sum.npy: 4 elements
// EQUAL: output 'image' equals {{.*}}image.npy: 2 elements
// RUN: not spk-run --interpret %s --input %t/image.npy --input %t/x.npy --expect %t/off.npy 2>&1 | FileCheck %s --check-prefix=DIFFERENT
// DIFFERENT: output 'block/0/sum' differs from {{.*}}off.npy first at element 3: got 6, expected 7; 1 of 4 differ

// RUN: not spk-run --interpret %s --input %t/image.npy 2>&1 | FileCheck %s --check-prefix=COUNT
// COUNT: error: 'main' has 2 inputs, got 1 --input
// RUN: not spk-run --interpret %s --input %t/x.npy --input %t/x.npy 2>&1 | FileCheck %s --check-prefix=SHAPE
// SHAPE: error: {{.*}}x.npy: 'photo' must be int8[1,2], got float32[2,1,2]
// RUN: not spk-run --interpret %s --input %t/image.npy --input %t/wide.npy 2>&1 | FileCheck %s --check-prefix=DTYPE
// DTYPE: error: {{.*}}wide.npy: 'input1' must be float32[2,1,2], got float64[2,1,2]
// RUN: not spk-run --interpret %s --input %t/none.npy --input %t/x.npy 2>&1 | FileCheck %s --check-prefix=ABSENT
// ABSENT: error: {{.*}}none.npy: {{.*}}No such file or directory
// RUN: not spk-run --interpret %s --input %t/image.npy --input %t/x.npy --expect %t/a --expect %t/b --expect %t/c 2>&1 | FileCheck %s --check-prefix=OUTPUTS
// OUTPUTS: error: 'main' has 2 outputs, got 3 --output or --expect
// RUN: not spk-run --interpret %s --output %t/a --output-dir %t 2>&1 | FileCheck %s --check-prefix=EXCLUDE
// EXCLUDE: error: --output and --output-dir exclude each other
// RUN: not spk-run --interpret %s --function=absent 2>&1 | FileCheck %s --check-prefix=FUNCTION
// FUNCTION: error: module has no function 'absent'
// RUN: sed s/@main/@other/ %s > %t/two.mlir && not spk-run --interpret %t/two.mlir 2>&1 | FileCheck %s --check-prefix=TWO
// TWO: error: module must have one public function, or --function must choose one; it has 2
// TWO: note: function 'other'
// TWO: note: function 'second'
// RUN: not spk-run --interpret %s --function=token 2>&1 | FileCheck %s --check-prefix=PORT
// PORT: error: input 0 must be a static tensor of f32 or integers, got 'tensor<?xf32>'
// RUN: not spk-run --interpret %t/none.mlir 2>&1 | FileCheck %s --check-prefix=FILE
// FILE: error: could not open input file {{.*}}none.mlir

func.func @main(%image: tensor<1x1x2xi8> {spk.name = "photo", spk.static}, %x: tensor<2x1x2xf32>)
    -> (tensor<2x1x2xf32> {spk.name = "block/0/sum"}, tensor<1x1x2xi8> {spk.name = "image", spk.static}) {
  %0 = spk.repeat %image : tensor<1x1x2xi8> -> tensor<2x1x2xi8>
  %1 = arith.sitofp %0 : tensor<2x1x2xi8> to tensor<2x1x2xf32>
  %2 = arith.addf %1, %x : tensor<2x1x2xf32>
  return %2, %image : tensor<2x1x2xf32>, tensor<1x1x2xi8>
}

func.func @second() { return }

func.func private @token(%x: tensor<?xf32>) { return }
