#!/usr/bin/env python3
"""Attention cores of many shapes, native against the interpreter, bit for bit.

    attention_cores.py DIR

A case is a core and a neuron on spikes of all densities at once, one per image
of the batch. Its sums and spikes are compared in both orders of the products,
at 1, 2 and 3 threads, on the host and on an older CPU.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

DENSITIES = (0.0, 1 / 64, 0.15, 0.5, 1.0)
ORDERS = ("kv_first", "qk_first")

#  steps, tokens, heads, width, what it is for
CASES = (
    (2, 7, 1, 64, "fewer tokens than a chunk of tables, none of the groups of four complete at the end"),
    (3, 49, 3, 24, "heads inside of words and across them"),
    (2, 13, 4, 32, "two heads to a word"),
    (2, 66, 3, 48, "more tokens than a chunk"),
    (1, 20, 2, 65, "three words to a block, the last one nearly empty"),
    (2, 17, 1, 128, "two words to a head"),
    (4, 301, 1, 64, "two tiles of tokens, the second one shorter; counts above 255"),
    (1, 350, 1, 96, "sums above 16 bits"),
    (2, 1, 2, 16, "one token"),
)
#  The same where sums round, so that the order stays the model's.
ROUNDED = (
    (1, 301, 2, 24, "kv_first", "first"),
    (2, 30, 1, 100, "kv_first", "second"),
    (2, 30, 3, 24, "qk_first", "first"),
)


def module(steps, tokens, heads, width, attributes):
    shape = f"{steps}x{len(DENSITIES)}x{tokens}x{heads * width}"
    spikes, floats = f"tensor<{shape}xi1>", f"tensor<{shape}xf32>"
    names = ", ".join(f'%{x}: {spikes} {{spk.name = "{x}"}}' for x in "qkv")
    return f"""
func.func @main({names}) -> ({floats} {{spk.name = "sums"}}, {spikes} {{spk.name = "spikes"}}) {{
  %0 = spk.ssa %q, %k, %v {{num_heads = {heads} : i64, {attributes}}} : ({spikes}, {spikes}, {spikes}) -> {floats}
  %1 = spk.lif %0 {{v_reset = 0.0 : f32, v_threshold = {tokens * width / 300 + 0.3} : f32}} : {floats} -> {spikes}
  return %0, %1 : {floats}, {spikes}
}}
"""


def run(*command):
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)


def compare(directory, threads, model, reference):
    """Runs `model` and compares all results with those of the interpreter."""
    output = directory / "native"
    output.mkdir(exist_ok=True)
    run("spk-run", model, *(directory / f"{x}.npy" for x in "qkv"), f"--threads={threads}", f"--output-dir={output}")
    for name, expected in reference.items():
        found = np.load(output / f"{name}.npy")
        if found.tobytes() != expected.tobytes():
            where = np.argwhere(found != expected)
            sys.exit(f"{model}, {threads} threads: {name} differs at {len(where)} places, first {where[:1].tolist()}")


def check(directory, text, shape, seed, variants):
    directory.mkdir(parents=True)
    (directory / "net.mlir").write_text(text)
    rng = np.random.default_rng(seed)
    density = np.array(DENSITIES)[:, None, None]
    for x in "qkv":
        np.save(directory / f"{x}.npy", rng.random(shape) < density)
    (directory / "reference").mkdir()
    run("spk-compile", directory / "net.mlir", "--compile-to=model", "-o", directory / "model.mlir")
    run("spk-run", "--interpret", directory / "model.mlir", *(f"--input={directory / x}.npy" for x in "qkv"),
        f"--output-dir={directory / 'reference'}")
    reference = {name: np.load(directory / "reference" / f"{name}.npy") for name in ("sums", "spikes")}
    rate = reference["spikes"].mean(axis=(0, 2, 3))
    if not (rate[0] == 0 and 0.05 < rate.mean() < 0.95):
        sys.exit(f"{directory}: neurons fire at rates {rate}")
    for name, options, threads in variants:
        library = directory / f"{name}.so"
        run("spk-compile", directory / "net.mlir", "--emit=shared", "-o", library, *options)
        for count in threads:
            compare(directory, count, library, reference)


def main():
    root = Path(sys.argv[1])
    for number, (steps, tokens, heads, width, _) in enumerate(CASES):
        shape = (steps, len(DENSITIES), tokens, heads * width)
        variants = [(order, [f"--association={order}"], (1, 2, 3)) for order in ORDERS]
        variants.append(("v3", ["--association=kv_first", "--target-cpu=x86-64-v3"], (1,)))
        check(root / str(number), module(steps, tokens, heads, width, "scale = 0.25 : f32"), shape, number, variants)
    for number, (steps, tokens, heads, width, order, scaled) in enumerate(ROUNDED):
        shape = (steps, len(DENSITIES), tokens, heads * width)
        attributes = (f"scale = 0.3 : f32, source_order = #spk.association<{order}>, "
                      f"scale_after = #spk.scale_after<{scaled}>")
        check(root / f"rounded{number}", module(steps, tokens, heads, width, attributes), shape, number,
              [("native", [], (1, 3))])
    print(f"equal: {len(CASES)} exact and {len(ROUNDED)} rounded cores")


if __name__ == "__main__":
    main()
