#!/usr/bin/env python3
"""Layers on float inputs, native against the interpreter, bit for bit.

    float_inputs.py DIR

Sums of positions next to each other are made together inside of an image and
one by one at its border, so widths, windows and borders differ from case to
case. Every rounding of a sum shows, as weights and inputs are on no grid.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
from make_weights import write_safetensors

#  steps, batch, input (channels, height, width), output channels, window, strides, padding, groups, pool
CONVS = (
    (1, 1, (3, 9, 20), 70, (3, 3), (1, 1), (1, 1), 1, False),
    (2, 2, (1, 5, 7), 3, (3, 3), (1, 1), (1, 1), 1, False),
    (1, 2, (2, 8, 31), 64, (2, 5), (2, 3), (0, 2), 1, False),
    (1, 1, (3, 6, 13), 24, (1, 1), (1, 1), (0, 0), 1, False),
    (1, 1, (4, 3, 6), 10, (3, 7), (1, 1), (2, 3), 1, False),
    (1, 1, (2, 4, 11), 5, (4, 4), (1, 1), (3, 3), 1, False),
    (5, 1, (3, 25, 30), 65, (3, 3), (1, 1), (1, 1), 1, False),
    (3, 1, (6, 7, 16), 12, (3, 3), (1, 2), (1, 1), 3, False),
    (2, 1, (3, 14, 22), 40, (3, 3), (1, 1), (1, 1), 1, True),
)
#  shape of the input and output channels
LINEARS = (((2, 3, 17, 40), 70), ((3, 2, 5), 66), ((1, 1, 6, 3), 2))


def tensor(shape, element="f32"):
    return f"tensor<{'x'.join(map(str, shape))}x{element}>"


def module(inputs, weights, lines, result):
    loads = "\n".join(f"    %{key} = ml_program.global_load_const @{key} : {tensor(w.shape)}" for key, w in weights.items())
    constants = "\n".join(f"  ml_program.global private @{key}(#ml_program.extern : {tensor(w.shape)}) : {tensor(w.shape)}"
                          for key, w in weights.items())
    return f"""module attributes {{spk.weights = "net.safetensors"}} {{
{constants}
  func.func @main(%x: {tensor(inputs)} {{spk.name = "x"}}) -> ({result[1]} {{spk.name = "y"}}) {{
{loads}
{lines}
    return {result[0]} : {result[1]}
  }}
}}
"""


def conv(rng, steps, batch, size, channels, window, strides, padding, groups, pool):
    inputs = (steps, batch, *size)
    weights = {"w": rng.normal(size=(channels, size[0] // groups, *window)), "b": rng.normal(size=channels)}
    outputs = [(size[1 + i] + 2 * padding[i] - window[i]) // strides[i] + 1 for i in (0, 1)]
    result = tensor((steps, batch, channels, *outputs))
    pair = lambda values: f"array<i64: {values[0]}, {values[1]}>"  # noqa: E731
    lines = (f"    %0 = spk.conv %x, %w bias %b {{strides = {pair(strides)}, padding = {pair(padding)}, groups = {groups} : i64}} : "
             f"({tensor(inputs)}, {tensor(weights['w'].shape)}, {tensor((channels,))}) -> {result}")
    if not pool:
        return inputs, weights, module(inputs, weights, lines, ("%0", result))
    pooled = tensor((steps, batch, channels, *(size // 2 for size in outputs)))
    spikes = pooled.replace("f32", "i1")
    lines += (f"\n    %1 = spk.max_pool %0 {{kernel = {pair((2, 2))}, strides = {pair((2, 2))}, padding = {pair((0, 0))}}} : "
              f"{result} -> {pooled}\n    %2 = spk.lif %1 {{v_reset = 0.0 : f32, v_threshold = 3.0 : f32}} : {pooled} -> {spikes}")
    return inputs, weights, module(inputs, weights, lines, ("%2", spikes))


def linear(rng, inputs, channels):
    weights = {"w": rng.normal(size=(channels, inputs[-1])), "b": rng.normal(size=channels)}
    result = tensor((*inputs[:-1], channels))
    lines = (f"    %0 = spk.linear %x, %w bias %b {{layout = #spk.layout<channels_last>}} : "
             f"({tensor(inputs)}, {tensor(weights['w'].shape)}, {tensor((channels,))}) -> {result}")
    return inputs, weights, module(inputs, weights, lines, ("%0", result))


def run(*command):
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)


def check(directory, rng, inputs, weights, text):
    directory.mkdir(parents=True)
    (directory / "net.mlir").write_text(text)
    write_safetensors(directory / "net.safetensors", weights)
    np.save(directory / "x.npy", rng.normal(size=inputs).astype(np.float32))
    run("spk-compile", directory / "net.mlir", "--compile-to=model", "-o", directory / "model.mlir")
    run("spk-run", "--interpret", directory / "model.mlir", f"--base-dir={directory}", f"--input={directory / 'x.npy'}",
        f"--output={directory / 'expected.npy'}")
    if np.load(directory / "expected.npy").std() == 0:
        sys.exit(f"{directory}: all results are equal")
    for cpu in ("host", "x86-64-v3"):
        library = directory / f"{cpu}.so"
        run("spk-compile", directory / "net.mlir", "--emit=shared", "-o", library, f"--target-cpu={cpu}")
        for threads in (1, 2):
            run("spk-run", library, directory / "x.npy", f"--threads={threads}", f"--expect={directory / 'expected.npy'}")


def main():
    root = Path(sys.argv[1])
    rng = np.random.default_rng(0)
    for number, case in enumerate(CONVS):
        check(root / f"conv{number}", rng, *conv(rng, *case))
    for number, case in enumerate(LINEARS):
        check(root / f"linear{number}", rng, *linear(rng, *case))
    print(f"equal: {len(CONVS)} convolutions and {len(LINEARS)} linear maps")


if __name__ == "__main__":
    main()
