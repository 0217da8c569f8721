#!/usr/bin/env python3
"""Every way to sum spikes times weights against the interpreter, bit for bit.

    strategies.py DIR VARIANT [--targets CPU...]

Compiles modules of many layers, none of whose sizes fits a block: linear maps
and convolutions whose windows cross every border, with and without what follows
a synapse. VARIANT names the order of all sums; every strategy that realises it
is forced in turn, for every target, and runs with 1, 2 and 3 threads. Samples
differ in their share of spikes. Names layer, strategy, density
and the first index where anything differs from the interpreter on the phase
`model`.
"""

import argparse
import shutil
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from make_weights import write_safetensors

# Shares of inputs that are not zero; in the last sample every position has its
# own, so that neighbours differ in their work.
DENSITIES = (0.0, 1 / 64, 0.15, 0.5, 1.0, None)
THREADS = (1, 2, 3)


@dataclass(frozen=True)
class Layer:
    """A synapse and what follows it; without a window, a linear map."""

    channels: int
    outputs: int
    size: tuple[int, ...]
    window: tuple[int, int] | None = None
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    groups: int = 1
    top: int = 1  # Largest input.
    follows: str = ""  # Any of: bias, pool (before the neuron), lif, current, pool (after it).
    static: bool = False
    reads: int | None = None  # Layer whose spikes are the input.


@dataclass(frozen=True)
class Variant:
    """The order of sums, and what realises it."""

    strategies: tuple[str, ...]
    sums: tuple[str, ...]  # One layer after the other takes the next.
    planes: str = ""  # Added to it where inputs are integers.
    spikes: str = ""  # Order for layers that read the spikes of another, if not that of the others.
    least: int = 1  # Streams hold integers up to this at least.
    floats: bool = False
    options: tuple[str, ...] = ("",)  # Of spk-compile; "" for none.
    groups: bool = False  # Convolutions with groups alone.


VARIANTS = {
    "sequential": Variant(("row_accumulate", "select_accumulate"), ("sequential",), ", planes = true"),
    "grouped": Variant(("table", "select_accumulate"), tuple(f"grouped, group = {g}" for g in (5, 4, 5, 3, 2, 7, 5, 1, 64)),
                       ", planes = true"),
    "grouped-planes": Variant(("table_and_rows",), tuple(f"grouped, group = {g}, planes = true, grouped_planes = {n}"
                                                         for g, n in ((5, 1), (5, 2), (4, 1), (5, 3), (3, 9), (1, 1))),
                              spikes="grouped, group = 5", least=3),
    "fma": Variant(("dense_fma",), ("fma",), spikes="sequential", floats=True),
    "groups-sequential": Variant(("depthwise", "row_accumulate", "select_accumulate"), ("sequential",), ", planes = true", groups=True),
    "groups-grouped": Variant(("depthwise", "table"), ("grouped, group = 5", "grouped, group = 4"), ", planes = true", groups=True),
    "groups-grouped-planes": Variant(("table_and_rows",), ("grouped, group = 5, planes = true, grouped_planes = 1",), least=3, groups=True),
    "groups-fma": Variant(("depthwise", "dense_fma"), ("fma",), floats=True, groups=True),
    "by-option": Variant(("auto",), ("",), options=("--sum=auto", "--sum=sequential", "--sum=grouped")),
}
# What the layers of "by-option" are said to have measured, in turn.
MEASURED = ("", "spk.density = 0.01, ", "spk.density = 0.5, ")

# By time steps and batch size. Tiles are cut along one axis and along two.
MODULES = {
    (4, 1): (
        Layer(200, 100, (49,), follows="bias"),
        Layer(65, 63, (20,), top=3),
        Layer(130, 16, (1,), top=17, follows="lif"),
        Layer(70, 64, (), follows="lif current"),
        Layer(48, 64, (14, 14), (3, 3), padding=(1, 1), follows="lif current"),
        Layer(70, 100, (7, 7), (3, 3), padding=(1, 1), top=3),
        Layer(65, 16, (7, 7), (1, 1), (2, 2), top=17, follows="bias"),
        Layer(64, 63, (14, 14), (3, 3), (2, 2), (1, 1), follows="bias lif"),
        Layer(5, 64, (3, 5), (5, 5), padding=(2, 2), top=3),
        Layer(48, 1, (7, 7), (2, 3), padding=(1, 0)),
        Layer(130, 16, (7, 7), (3, 3), padding=(1, 1), groups=2),
        Layer(48, 64, (7, 7), (3, 3), padding=(1, 1), follows="bias before lif current"),
        Layer(65, 70, (7, 7), (3, 3), (1, 2), (0, 1), follows="lif after"),
        Layer(70, 16, (3, 5), (3, 3), padding=(1, 1), follows="lif", static=True),
        Layer(1, 16, (1, 70), (3, 3), padding=(1, 1), follows="lif current"),
        Layer(64, 64, (14, 14), (3, 3), padding=(1, 1), reads=4),
        Layer(64, 63, (14, 14), (3, 3), padding=(1, 1), reads=4),
        Layer(64, 64, (14, 14), (5, 1), padding=(2, 0), reads=4),
    ),
    (1, 2): (
        Layer(130, 63, (196,), follows="lif current"),
        Layer(1, 1, (15,), top=3),
        Layer(200, 64, (70,), top=17),
        Layer(48, 100, (), follows="bias", top=3),
        Layer(130, 64, (8, 8), (3, 3), padding=(1, 1), top=17),
        Layer(1, 63, (14, 14), (5, 5), padding=(2, 2), follows="bias"),
        Layer(70, 70, (7, 7), (3, 3), (1, 1), (1, 1), groups=70),
        Layer(64, 16, (14, 14), (1, 1), (2, 2), top=3, follows="lif current"),
        Layer(200, 100, (3, 5), (3, 3), (2, 2), (1, 1)),
        Layer(5, 100, (1, 1), (5, 5), padding=(2, 2), top=17),
        Layer(65, 65, (1, 1), (1, 1), padding=(1, 1)),
        Layer(48, 16, (14, 14), (2, 3), (2, 1), (0, 1), top=3, follows="before lif current"),
        Layer(5, 64, (7, 7), (3, 3), padding=(1, 1), follows="bias before"),
        Layer(70, 1, (3, 5), (3, 2), (1, 3), (2, 1), groups=1, top=3, follows="lif after"),
    ),
}
# Blocks of 64 outputs that read one word of inputs, several, or a part of one.
GROUPS = {
    (3, 1): (
        Layer(70, 70, (7, 7), (3, 3), padding=(1, 1), groups=70, follows="lif current"),
        Layer(200, 200, (4, 5), (5, 5), padding=(2, 2), groups=200, top=3),
        Layer(64, 64, (6, 5), (3, 3), (2, 2), (1, 1), groups=64, follows="bias", static=True),
        Layer(128, 128, (6, 5), (3, 3), padding=(1, 1), groups=2, follows="bias lif current"),
        Layer(192, 96, (5, 5), (3, 3), padding=(1, 1), groups=3, top=3),
        Layer(160, 160, (4, 4), (3, 3), padding=(1, 1), groups=10, follows="before lif current"),
        Layer(130, 260, (4, 4), (2, 2), groups=130),
        Layer(260, 130, (4, 14), (1, 3), padding=(0, 1), groups=130, follows="lif after"),
        Layer(72, 48, (5, 5), (3, 3), (2, 2), (1, 1), groups=24, top=17),
        Layer(96, 192, (3, 5), (3, 3), padding=(1, 1), groups=2),
    ),
}


def slide(size, window, stride, padding):
    """Positions of a window."""
    return tuple((n + 2 * p - w) // s + 1 for n, w, s, p in zip(size, window, stride, padding, strict=True))


class Module:
    """Text, weights and inputs of the layers of one module."""

    def __init__(self, steps, batch, layers, variant):
        self.steps, self.batch, self.variant = steps, batch, variant
        self.layers = [replace(layer, top=max(layer.top, variant.least)) for layer in layers]
        self.sums = [variant.sums[i % len(variant.sums)] for i in range(len(layers))]
        self.weights = {}

    def text(self, batch):
        """The module at a batch size."""
        self.lines, self.arguments, self.results, self.globals = [], [], [], []
        for i, layer in enumerate(self.layers):
            self.add_layer(f"l{i}", layer, self.sums[i], batch)
        # A result that looks across time: nothing is compiled step by step.
        shape = f"tensor<{self.steps + 1}x{batch}x1xf32>"
        self.arguments.append(f'%time: {shape} {{spk.name = "time"}}')
        self.op("%last", f"tensor.extract_slice %time[{self.steps}, 0, 0] [1, {batch}, 1] [1, 1, 1] : {shape} to tensor<1x{batch}x1xf32>")
        self.results.append(("%last", f"tensor<1x{batch}x1xf32>", "last"))
        outputs = ", ".join(f'{kind} {{spk.name = "{name}"}}' for _, kind, name in self.results)
        return "\n".join([
            'module attributes {spk.weights = "net.safetensors"} {', *self.globals,
            f"func.func @main({', '.join(self.arguments)}) -> ({outputs}) {{", *self.lines,
            f"return {', '.join(value for value, _, _ in self.results)} : {', '.join(kind for _, kind, _ in self.results)}", "}", "}", ""])

    def op(self, name, text):
        self.lines.append(f"{name} = {text}")
        return name

    def weight(self, name, shape):
        if name not in self.weights:
            rng = np.random.default_rng(zlib.crc32(name.encode()))
            fan = np.prod(shape[1:]) if len(shape) > 1 else 1
            values = rng.normal(0.0, 1.0 / np.sqrt(fan), shape)
            # Zeros of both signs, denormals, and some outputs with numbers
            # beside which others vanish.
            special = rng.random(shape)
            values[special < 0.02] = -0.0
            values[(special >= 0.02) & (special < 0.03)] = 0.0
            values[(special >= 0.03) & (special < 0.05)] *= 1e-39
            values[3::7][special[3::7] > 0.98] *= 1e8
            values[5::7][special[5::7] > 0.98] *= 1e30
            self.weights[name] = values.astype(np.float32)
        kind = f"tensor<{'x'.join(map(str, shape))}xf32>"
        self.globals.append(f'ml_program.global private @"{name}"(#ml_program.extern : {kind}) : {kind}')
        return self.op(f"%{name.replace('.', '_')}", f'ml_program.global_load_const @"{name}" : {kind}'), kind

    def add_layer(self, name, layer, total, batch):
        element = "f32" if self.variant.floats else "i1" if layer.top == 1 else "i8"
        source = f"%{name}"
        if layer.reads is not None:
            element, source, total = "i1", f"%l{layer.reads}_lif", self.variant.spikes or total
        steps = 1 if layer.static else self.steps

        def tensor(steps, size, channels, element):
            return f"tensor<{'x'.join(map(str, (steps, batch, *size, channels)))}x{element}>"

        kind = tensor(steps, layer.size, layer.channels, element)
        notes = [f'spk.name = "{name}"']
        if element == "i8":
            notes.append(f"spk.max = {layer.top} : i64")
            total += self.variant.planes
        if layer.static:
            notes.append("spk.static")
        if layer.reads is None:
            self.arguments.append(f"%{name}: {kind} {{{', '.join(notes)}}}")
        weight, weight_kind = self.weight(f"{name}.w", (layer.outputs, layer.channels // layer.groups, *(layer.window or ())))
        kinds, bias = f"{kind}, {weight_kind}", ""
        if "bias" in layer.follows:
            value, bias_kind = self.weight(f"{name}.b", (layer.outputs,))
            kinds, bias = f"{kinds}, {bias_kind}", f" bias {value}"
        size, kernel, attributes = layer.size, "linear", ""
        if layer.window:
            size, kernel = slide(size, layer.window, layer.stride, layer.padding), "conv"
            attributes = (f"strides = array<i64: {layer.stride[0]}, {layer.stride[1]}>, "
                          f"padding = array<i64: {layer.padding[0]}, {layer.padding[1]}>, groups = {layer.groups} : i64, ")
        order = f"sum = #spk.sum<{total}>, " if total else MEASURED[int(name[1:]) % len(MEASURED)]
        kind = tensor(steps, size, layer.outputs, "f32")
        value = self.op(f"%{name}_sum", f"spk.{kernel} {source}, {weight}{bias} {{{attributes}{order}"
                        f'layout = #spk.layout<channels_last>}} : ({kinds}) -> {kind} loc("{name}")')
        if layer.static:
            repeated = tensor(self.steps, size, layer.outputs, "f32")
            value, kind = self.op(f"%{name}_repeat", f"spk.repeat {value} : {kind} -> {repeated}"), repeated
        words = layer.follows.split()
        if "before" in words:
            value, size, kind = self.pool(f"{name}_before", value, size, kind, (3, 3), (2, 1), (1, 1), layer.outputs, "f32", tensor)
        if "current" in words or "lif" not in words:
            self.results.append((value, kind, f"{name}.current"))
        if "lif" in words:
            spikes = tensor(self.steps, size, layer.outputs, "i1")
            value = self.op(f"%{name}_lif", f"spk.lif {value} {{v_reset = 0.0 : f32, v_threshold = 0.25 : f32}} : {kind} -> {spikes}")
            if "after" in words:
                value, size, spikes = self.pool(f"{name}_after", value, size, spikes, (2, 2), (1, 2), (1, 0), layer.outputs, "i1", tensor)
            self.results.append((value, spikes, f"{name}.spikes"))

    def pool(self, name, value, size, kind, window, stride, padding, channels, element, tensor):
        size = slide(size, window, stride, padding)
        result = tensor(self.steps, size, channels, element)
        arrays = (f"{key} = array<i64: {a}, {b}>" for key, (a, b) in (("kernel", window), ("strides", stride), ("padding", padding)))
        text = f"spk.max_pool {value} {{{', '.join(arrays)}, layout = #spk.layout<channels_last>}} : {kind} -> {result}"
        return self.op(f"%{name}", text), size, result

    def input(self, i):
        """All samples of input i, `batch` of every density."""
        layer, rng = self.layers[i], np.random.default_rng(i)
        shape = (self.steps, self.batch, *layer.size, layer.channels)
        parts = []
        for density in DENSITIES:
            share = density if density is not None else rng.random(shape[:-1])[..., None] ** 3
            parts.append(np.where(rng.random(shape) < share, self.numbers(layer, rng, shape), 0))
        samples = np.concatenate(parts, axis=1).astype(np.float32 if self.variant.floats else np.bool_ if layer.top == 1 else np.int8)
        return samples[0] if layer.static else samples

    def numbers(self, layer, rng, shape):
        if self.variant.floats:
            # Some so small that products underflow to zeros of either sign.
            numbers = rng.normal(size=shape) * np.where(rng.random(shape) < 0.1, 1e-40, 1.0)
            if self.variant.groups:
                # Nothing of another group reaches a sum, not even infinity.
                numbers[..., 3::11] = np.where(rng.random(numbers[..., 3::11].shape) < 0.1, np.inf, numbers[..., 3::11])
            return numbers
        # Small ones are frequent, as in sums of spikes.
        return np.minimum(rng.geometric(0.5, shape) + (rng.random(shape) < 0.1) * rng.integers(0, layer.top, shape), layer.top)


def run(*command, directory):
    """Runs a tool, or ends with what it said."""
    done = subprocess.run([str(word) for word in command], cwd=directory, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def difference(module, result, expected):
    """Where two results differ first, or nothing."""
    if expected.shape != result.shape or expected.dtype != result.dtype:
        return f"{result.dtype}{list(result.shape)} instead of {expected.dtype}{list(expected.shape)}"
    bits = np.uint32 if expected.dtype == np.float32 else np.uint8
    differs = (expected.view(bits) != result.view(bits)) & ~(np.isnan(expected) & np.isnan(result))
    if not differs.any():
        return ""
    first = tuple(int(axis) for axis in np.argwhere(differs)[0])
    density = DENSITIES[first[1] // module.batch]
    return (f"density {'mixed' if density is None else density}, {int(differs.sum())} of {differs.size} differ, first at {list(first)}: "
            f"{result[first]!r} instead of {expected[first]!r}")


class Case:
    """One module with its reference, to be compiled in many ways."""

    def __init__(self, module, option, directory):
        self.module, self.directory = module, directory
        self.options = [option] if option else []
        (directory / "reference").mkdir(parents=True)
        (directory / "net.mlir").write_text(module.text(module.batch))
        (directory / "whole.mlir").write_text(module.text(module.batch * len(DENSITIES)))
        write_safetensors(directory / "net.safetensors", module.weights)
        names = {i: f"l{i}" for i, layer in enumerate(module.layers) if layer.reads is None}
        for i, name in names.items():
            np.save(directory / f"{name}.npy", module.input(i))
        np.save(directory / "time.npy", np.zeros((module.steps + 1, module.batch * len(DENSITIES), 1), np.float32))
        self.inputs = [f"{name}.npy" for name in [*names.values(), "time"]]

    def interpret(self):
        run("spk-compile", "whole.mlir", *self.options, "--compile-to=model", "-o", "model.mlir", directory=self.directory)
        run("spk-run", "--interpret", "model.mlir", *(f"--input={name}" for name in self.inputs), "--output-dir=reference",
            directory=self.directory)
        self.expected = {file.stem: np.load(file) for file in sorted((self.directory / "reference").glob("*.npy"))}

    def compare(self, strategy, target):
        """Differences of one artefact, as lines."""
        name = f"{strategy}.{target}"
        run("spk-compile", "net.mlir", "--emit=shared", *self.options, f"--strategy={strategy}", f"--target-cpu={target}",
            "-o", f"{name}.so", directory=self.directory)
        lines = []
        for threads in THREADS:
            results = self.directory / f"{name}.{threads}"
            results.mkdir()
            run("spk-run", f"{name}.so", *self.inputs, f"--threads={threads}", f"--output-dir={results.name}", directory=self.directory)
            for output, expected in self.expected.items():
                if found := difference(self.module, np.load(results / f"{output}.npy"), expected):
                    at = output.split(".")[0]
                    layer = f" {self.module.layers[int(at[1:])]}, {self.module.sums[int(at[1:])]}" if at[1:].isdigit() else ""
                    lines.append(f"{self.directory.name}/{output}, {strategy}, {target}, {threads} threads: {found}\n   {layer}")
            if not lines:
                shutil.rmtree(results)
        return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("--targets", nargs="+", default=["host"])
    options = parser.parse_args()
    variant = VARIANTS[options.variant]
    cases = [Case(Module(steps, batch, layers, variant), option, options.directory / f"{options.variant}{option[len('--sum'):]}.t{steps}")
             for (steps, batch), layers in (GROUPS if variant.groups else MODULES).items() for option in variant.options]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Case.interpret, cases))
        jobs = [(case, strategy, target) for strategy in variant.strategies for target in options.targets for case in cases]
        lines = [line for found in pool.map(lambda job: job[0].compare(*job[1:]), jobs) for line in found]
    print("\n".join(lines[:40]))
    print(f"{len(jobs)} artefacts, {sum(len(case.expected) for case in cases)} results each pair, {len(lines)} differ")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main())
