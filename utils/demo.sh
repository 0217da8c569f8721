#!/usr/bin/env bash
# From nothing to a native executable that reads handwritten digits: installs
# what is missing, builds the compiler, compiles the trained model of
# examples/digits, runs it over 360 held-out images and compares with PyTorch.
# Leaves its files in build/demo.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

"$root/utils/setup.sh"
"$root/utils/build.sh"

out=build/demo
python=.venv/bin/python
mkdir -p "$out"

step "import the PyTorch model" \
  $python -m spk import examples/digits/model.py:build -o "$out/digits.mlir"
step "compile it to an executable" \
  build/bin/spk-compile "$out/digits.mlir" -o "$out/digits"
step "compile it to a library that shows every spike" \
  build/bin/spk-compile "$out/digits.mlir" --tap '*:spikes' --emit=shared -o "$out/digits_taps.so"
step "write the held-out images" \
  $python examples/digits/export_test_set.py "$out"
step "run the executable over them" \
  "$out/digits" "$out/test_images.npy" --output "$out/logits.npy"
step "compare it with PyTorch" \
  $python -u examples/digits/demo.py --executable "$out/digits" --taps "$out/digits_taps.so" --folder "$out"
