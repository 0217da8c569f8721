// A model names files beside itself: a path must not lead anywhere else.

// RUN: rm -rf %t && mkdir -p %t/model && cd %t
// RUN: %python %S/../Inputs/make_safetensors.py %t/w.safetensors a=2:1,2
// RUN: %python %S/../Inputs/make_safetensors.py %t/model/w.safetensors a=2:3,4
// RUN: sed 's:FILE:"w.safetensors":' %s > model/m.mlir && spk-run --interpret model/m.mlir | FileCheck %s --check-prefix=BESIDE
// RUN: spk-run --interpret model/m.mlir --base-dir=%t | FileCheck %s --check-prefix=BASE
// RUN: sed 's:FILE:"model/w.safetensors":' %s > m.mlir && spk-run --interpret m.mlir | FileCheck %s --check-prefix=BESIDE
// RUN: sed 's:FILE:"../w.safetensors":' %s > model/m.mlir && not spk-run --interpret model/m.mlir 2>&1 | FileCheck %s --check-prefix=PATH
// RUN: sed 's:FILE:"x/../../w.safetensors":' %s > model/m.mlir && not spk-run --interpret model/m.mlir 2>&1 | FileCheck %s --check-prefix=PATH
// RUN: sed 's:FILE:"%t/w.safetensors":' %s > model/m.mlir && not spk-run --interpret model/m.mlir 2>&1 | FileCheck %s --check-prefix=PATH
// RUN: sed 's:FILE:"":' %s > model/m.mlir && not spk-run --interpret model/m.mlir 2>&1 | FileCheck %s --check-prefix=PATH
// RUN: sed 's:FILE:1:' %s > model/m.mlir && not spk-run --interpret model/m.mlir 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: sed 's:spk.weights = FILE::' %s > model/m.mlir && not spk-run --interpret model/m.mlir 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: sed 's:FILE:"w.safetensors":; s:2xf32:2xi8:g' %s > model/m.mlir && not spk-run --interpret model/m.mlir 2>&1 | FileCheck %s --check-prefix=TYPE

// BESIDE: output0: float32[2] = 3 4
// BASE: output0: float32[2] = 1 2
// PATH: error: spk.weights must name a file beside the module, without a leading '/' and '..', got "
// NAME: error: spk.weights must be a file name, got 1
// NONE: error: weight 'a' is extern, but the module has no spk.weights
// TYPE: error: weight 'a' must be a static tensor of f32, got 'tensor<2xi8>'

module attributes {spk.weights = FILE} {
  ml_program.global private @"a"(#ml_program.extern : tensor<2xf32>) : tensor<2xf32>
  func.func @main() -> tensor<2xf32> {
    %a = ml_program.global_load_const @a : tensor<2xf32>
    return %a : tensor<2xf32>
  }
}
