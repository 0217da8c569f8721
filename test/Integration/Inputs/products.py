#!/usr/bin/env python3
"""Matrix products per head and softmaxes, native against the interpreter, bit for bit.

    products.py DIR

A case is a product of operands of two kinds, a neuron behind it, and both
softmaxes of its result. Both are also compared with numpy in float64, which
knows nothing of the order of sums. At 1, 2 and 3 threads, on the host and on
older CPUs.
"""

import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np

#  Mean of the numbers of a kind.
MEANS = {"f32": 0.0, "i1": 0.5, "i8": 1.5}
KINDS = tuple(MEANS)
#  steps, batch, rows, terms, heads, width, what it is for
SHAPES = (
    (2, 2, 5, 64, 1, 64, "one word to a head, one block"),
    (1, 2, 7, 24, 3, 49, "heads inside of words and across them, blocks shared by heads"),
    (3, 1, 4, 70, 2, 100, "two words to a head, two blocks to a head"),
    (1, 1, 3, 1, 4, 5, "one term, four heads to a block"),
    (1, 1, 1, 130, 2, 128, "one row, three words to a head, two whole blocks to a head"),
)
MOST = 5


def tensor(shape, kind):
    return f"tensor<{'x'.join(map(str, shape))}x{kind}>"


def module(steps, batch, rows, terms, heads, width, kinds):
    left = tensor((steps, batch, rows, heads * terms), kinds[0])
    right = tensor((steps, batch, terms, heads * width), kinds[1])
    sums = tensor((steps, batch, rows, heads * width), "f32")
    spikes = tensor((steps, batch, rows, heads * width), "i1")
    threshold = max(0.5, terms * MEANS[kinds[0]] * MEANS[kinds[1]] / 2)
    attributes = [f', spk.max = {MOST} : i64' if kind == "i8" else "" for kind in kinds]
    return f"""
func.func @main(%a: {left} {{spk.name = "a"{attributes[0]}}}, %b: {right} {{spk.name = "b"{attributes[1]}}})
    -> ({sums} {{spk.name = "sums"}}, {spikes} {{spk.name = "spikes"}}, {sums} {{spk.name = "keys"}}, {sums} {{spk.name = "queries"}}) {{
  %0 = spk.matmul %a, %b {{num_heads = {heads} : i64}} : ({left}, {right}) -> {sums}
  %1 = spk.lif %0 {{v_reset = 0.0 : f32, v_threshold = {threshold} : f32}} : {sums} -> {spikes}
  %2 = spk.softmax %0 {{num_heads = {heads} : i64}} : {sums}
  %3 = spk.softmax %0 {{num_heads = {heads} : i64, over = #spk.softmax_axis<queries>}} : {sums}
  return %0, %1, %2, %3 : {sums}, {spikes}, {sums}, {sums}
}}
"""


def operand(rng, shape, kind):
    if kind == "f32":
        return rng.normal(size=shape).astype(np.float32)
    if kind == "i1":
        return rng.random(shape) < rng.random(shape[:2] + (1, 1))
    return (rng.integers(0, MOST + 1, shape) * (rng.random(shape) < 0.6)).astype(np.int8)


def expected(a, b, heads):
    """In float64: the product, and softmaxes of what f32 makes of it."""
    steps, batch, rows, _ = a.shape
    left = a.reshape(steps, batch, rows, heads, -1).transpose(0, 1, 3, 2, 4).astype(np.float64)
    right = b.reshape(steps, batch, b.shape[2], heads, -1).transpose(0, 1, 3, 2, 4).astype(np.float64)
    return (left @ right).transpose(0, 1, 3, 2, 4).reshape(steps, batch, rows, -1)


def softmax(x, axis):
    e = np.exp(x.astype(np.float64) - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def run(*command):
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)


def check_meaning(directory, a, b, heads, found):
    reference = expected(a, b, heads)
    if not np.allclose(found["sums"], reference, rtol=1e-4, atol=1e-4):
        sys.exit(f"{directory}: sums are not the product")
    steps, batch, rows, channels = reference.shape
    maps = found["sums"].reshape(steps, batch, rows, heads, channels // heads)
    for name, axis in (("keys", 4), ("queries", 2)):
        wanted = softmax(maps, axis)
        error = np.abs(found[name].reshape(maps.shape) - wanted)
        # Its argument is rounded, exp is within 2 ulp, the sum and the division add some.
        far = np.abs(maps - maps.max(axis=axis, keepdims=True))
        if not np.all(error <= wanted * (1e-6 + far * 2.0**-24) + 1e-37):
            sys.exit(f"{directory}: softmax over {name} is off by {error.max()}")
    if not 0.01 < found["spikes"].mean() < 0.99:
        sys.exit(f"{directory}: neurons fire at a rate of {found['spikes'].mean()}")


def check(directory, shape, kinds, seed):
    directory.mkdir(parents=True)
    (directory / "net.mlir").write_text(module(*shape[:6], kinds))
    steps, batch, rows, terms, heads, width = shape[:6]
    rng = np.random.default_rng(seed)
    a = operand(rng, (steps, batch, rows, heads * terms), kinds[0])
    b = operand(rng, (steps, batch, terms, heads * width), kinds[1])
    np.save(directory / "a.npy", a)
    np.save(directory / "b.npy", b)
    inputs = (directory / "a.npy", directory / "b.npy")
    names = ("sums", "spikes", "keys", "queries")
    run("spk-compile", directory / "net.mlir", "--compile-to=model", "-o", directory / "model.mlir")
    run("spk-run", "--interpret", directory / "model.mlir", *(f"--input={x}" for x in inputs), f"--output-dir={directory}")
    reference = {name: np.load(directory / f"{name}.npy") for name in names}
    check_meaning(directory, a, b, heads, reference)
    older = (("x86-64-v3", (1,)), ("x86-64", (1,))) if seed % 2 else ()
    for target, threads in (("host", (1, 2, 3)), *older):
        library = directory / f"{target}.so"
        run("spk-compile", directory / "net.mlir", "--emit=shared", "-o", library, f"--target-cpu={target}")
        for count in threads:
            output = directory / "native"
            output.mkdir(exist_ok=True)
            run("spk-run", library, *inputs, f"--threads={count}", f"--output-dir={output}")
            for name in names:
                if np.load(output / f"{name}.npy").tobytes() != reference[name].tobytes():
                    sys.exit(f"{library}, {count} threads: {name} differs")


def check_exponential(directory):
    """Of 0 and x a softmax gives 1 and exp(x), divided by their sum: within 3 roundings all the way down."""
    directory.mkdir(parents=True)
    x = np.zeros((1, 1, 4096, 2), np.float32)
    x[..., 1] = -np.linspace(0.0, 87.0, x.shape[2], dtype=np.float32)
    np.save(directory / "x.npy", x)
    kind = tensor(x.shape, "f32")
    (directory / "net.mlir").write_text(f"""
func.func @main(%x: {kind} {{spk.name = "x"}}) -> ({kind} {{spk.name = "y"}}) {{
  %0 = spk.softmax %x {{num_heads = 1 : i64}} : {kind}
  return %0 : {kind}
}}
""")
    run("spk-run", "--interpret", directory / "net.mlir", f"--input={directory / 'x.npy'}", f"--output-dir={directory}")
    error = np.abs(np.load(directory / "y.npy") / softmax(x, 3) - 1.0).max()
    if error > 3.0 * 2.0**-24:
        sys.exit(f"{directory}: exp is off by {error * 2.0**24} roundings")


def main():
    root = Path(sys.argv[1])
    check_exponential(root / "exponential")
    count = 0
    for number, shape in enumerate(SHAPES):
        for kinds in product(KINDS, KINDS) if number == 1 else (KINDS[:2], KINDS[1::-1], KINDS[:1] * 2):
            check(root / f"{number}-{'-'.join(kinds)}", shape, kinds, count)
            count += 1
    print(f"equal: {count} products")


if __name__ == "__main__":
    main()
