// DEFINE: %{file} = %t.json
// DEFINE: %{apply} = not spk-opt %s --pass-pipeline='builtin.module(spk-apply-densities{file=%{file}})' 2>&1 | FileCheck %s --check-prefix

// RUN: echo 'func.func private @other()' | not spk-opt --pass-pipeline='builtin.module(spk-apply-densities{file=%t.json})' 2>&1 | FileCheck %s --check-prefix=MAIN
// MAIN: spk-apply-densities: the module must define @main

// REDEFINE: %{file} = %t.missing
// RUN: %{apply}=MISSING
// MISSING: error: cannot read the densities '{{.*}}.missing'
// REDEFINE: %{file} = %t.json

// RUN: echo '{"densities": [' > %t.json
// RUN: %{apply}=SYNTAX
// SYNTAX: error: the densities '{{.*}}.json' are no JSON: [2:0, byte=16]

// RUN: echo '{"layers": []}' > %t.json
// RUN: %{apply}=LIST
// LIST: error: the densities '{{.*}}.json' are no list of layers: missing value at densities.densities

// RUN: echo '{"densities": [{"layer": "fc", "density": "much"}]}' > %t.json
// RUN: %{apply}=NUMBER
// NUMBER: error: the densities '{{.*}}.json' are no list of layers: expected number at densities.densities[0].density

// RUN: echo '{"densities": [{"layer": "conv", "density": 0.5}]}' > %t.json
// RUN: %{apply}=NAME
// NAME: error: the densities '{{.*}}.json' name the layer 'conv' 1 times, 0 layers of this name read spikes or integers

// RUN: echo '{"densities": [{"layer": "fc", "density": 0.5}, {"layer": "fc", "density": 0.5}]}' > %t.json
// RUN: %{apply}=TWICE
// TWICE: name the layer 'fc' 2 times, 1 layers of this name read spikes or integers

// RUN: echo '{"densities": [{"layer": "fc", "density": 0.5, "planes": [0.5, 0, 0]}]}' > %t.json
// RUN: %{apply}=PLANES
// PLANES: error: {{.*}}'spk.linear' op reads 2 bit planes, the densities '{{.*}}.json' give 3

// RUN: echo '{"densities": [{"layer": "fc", "density": 1.5}]}' > %t.json
// RUN: %{apply}=SHARE
// SHARE: error: {{.*}}'spk.linear' op spk.density must be in [0, 1], got 1.5

// RUN: echo '{"densities": [{"layer": "fc", "density": 0.5, "planes": [0.5, -1]}]}' > %t.json
// RUN: %{apply}=PLANE
// PLANE: error: {{.*}}'spk.linear' op spk.plane_densities must be in [0, 1], got -1.0

func.func @main(%s: tensor<4x1x6x8xi1>, %w: tensor<8x8xf32>) -> tensor<4x1x6x8xf32> {
  %i = spk.add %s, %s : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xi8>
  %y = spk.linear %i, %w : (tensor<4x1x6x8xi8>, tensor<8x8xf32>) -> tensor<4x1x6x8xf32> loc("fc")
  return %y : tensor<4x1x6x8xf32>
}
