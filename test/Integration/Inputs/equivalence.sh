#!/usr/bin/env bash
# Compares every way to run a model, bit for bit: equivalence.sh DIR [quick [OPTION...]]
#
# DIR holds net.mlir, its weights and x<i>.npy. The reference is the interpreter
# on the `model` phase. Neurons are tapped, so spikes, membranes and currents are
# compared and not only results. `quick` leaves out other targets and options;
# OPTIONs go to every compilation.
set -euo pipefail
cd "$1"
quick=${2:-}
options=("${@:3}")
inputs=(x?.npy)

# same DIR: every file of DIR equals the one of reference/.
same() {
  local file
  for file in reference/*.npy; do
    cmp "$file" "$1/$(basename "$file")"
  done
}
# native NAME OPTIONS...: compiles, runs with 1 and 2 threads, compares.
native() {
  local name=$1
  shift
  spk-compile net.mlir "${options[@]}" -o "$name.so" --emit=shared "${taps[@]}" "$@"
  for threads in 1 2; do
    mkdir -p "$name.$threads"
    spk-run "$name.so" "${inputs[@]}" --threads=$threads --output-dir="$name.$threads"
    same "$name.$threads"
  done
}

taps=('--tap=*:spikes' '--tap=*:membrane' '--tap=*:current')
spk-compile net.mlir "${options[@]}" --compile-to=model -o model.mlir "${taps[@]}"
mkdir -p reference
spk-run --interpret model.mlir "${inputs[@]/#/--input=}" --output-dir=reference > /dev/null
if [ -z "$quick" ]; then
  spk-compile net.mlir "${options[@]}" --compile-to=fused -o fused.mlir "${taps[@]}"
  mkdir -p fused
  spk-run --interpret fused.mlir "${inputs[@]/#/--input=}" --output-dir=fused > /dev/null
  same fused
fi

native tapped
if ! grep -q spk.step_refused model.mlir; then
  mkdir -p stream
  spk-run tapped.so "${inputs[@]}" --stream --threads=2 --output-dir=stream
  same stream
fi

# Untapped code is fused further; its results are the first of the reference.
taps=()
outputs=$(grep -o 'spk.name = "[^":]*"' net.mlir | sort -u | grep -o '"[^"]*"' | tr -d '"' | grep -v '^x[0-9]*$')
same() {
  local output
  for output in $outputs; do
    cmp "reference/$output.npy" "$1/$output.npy"
  done
}
native plain
if [ -z "$quick" ]; then
  native v3 --target-cpu=x86-64-v3
  native sequential --openmp=none
  native select --strategy=select_accumulate
fi
if ! grep -q spk.step_refused model.mlir; then
  mkdir -p plain.stream
  spk-run plain.so "${inputs[@]}" --stream --output-dir=plain.stream
  same plain.stream
fi
# What a user would type: the first result against a file.
first=$(grep -o 'spk.name = "[^":]*"' net.mlir | grep -o '"[^"]*"' | tr -d '"' | grep -v '^x[0-9]*$' | head -1)
spk-run plain.so "${inputs[@]}" --threads=2 --expect="reference/$first.npy"
echo "equal: $(ls reference | wc -l) values"
