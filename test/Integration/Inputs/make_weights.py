#!/usr/bin/env python3
"""Random weights and inputs under which every neuron of a model fires.

    make_weights.py MODEL.mlir DIR [--seed N]

Reads the extern `ml_program.global`s and the inputs of @main from the text and
writes DIR/net.mlir (the model), DIR/net.safetensors (its weights) and two
inputs, DIR/x<i>.npy and DIR/other<i>.npy. Weights are real numbers on no grid.

A layer L has weights L.w, perhaps a bias L.b, perhaps a batch norm L.gamma,
L.beta, L.mean, L.var, and a neuron at loc("L.lif"). Layers are settled one
after the other, with the currents that the interpreter computes, so that each
neuron charges to about its threshold. Fails unless in the end every neuron
layer fires between 2 % and 60 % and the two inputs give different outputs: on a
silent network every compiler is right.
"""

import argparse
import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

LOWEST, HIGHEST = 0.02, 0.60
GLOBAL = re.compile(r'ml_program\.global private @"?([\w.]+)"?\(#ml_program\.extern : tensor<([\dx]+)xf32>\)')
ARGUMENT = re.compile(r"%\w+: tensor<([\dx]+)x(f32|i1|i8|i16|i32)> (\{[^}]*spk\.name = [^}]*\})")
NEURON = re.compile(r'spk\.(lif|if|sps|ilif|multi_spike|signed_if|qcfs|neuron)\b[^\n]*?\{(.*?)\}[^\n]*loc\("([\w.]+)\.lif"\)')
TYPES = {"f32": np.float32, "i1": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32}


def shape_of(text):
    return tuple(int(size) for size in text.split("x"))


def write_safetensors(path, tensors):
    header, data = {}, b""
    for key, value in tensors.items():
        value = np.ascontiguousarray(value, np.float32)
        header[key] = {"dtype": "F32", "shape": list(value.shape),
                       "data_offsets": [len(data), len(data) + value.nbytes]}
        data += value.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def firing_rate(spikes):
    """Share of elements that fire, whatever integer."""
    return np.count_nonzero(spikes) / spikes.size


def number(attributes, name, default):
    found = re.search(rf"\b{name} = ([-+.\de]+)", attributes)
    return float(found.group(1)) if found else default


class Model:
    def __init__(self, text, directory, seed=0):
        self.text, self.directory = text, Path(directory)
        self.rng = np.random.default_rng(seed)
        self.shapes = {key: shape_of(shape) for key, shape in GLOBAL.findall(text)}
        self.neurons = {name: (kind, attributes) for kind, attributes, name in NEURON.findall(text)}
        self.directory.mkdir(parents=True, exist_ok=True)
        self.save_text()
        self.weights = {key: self.initial(key, shape) for key, shape in self.shapes.items()}
        self.inputs = {}
        signature = text[text.index("@main"):text.index("->", text.index("@main"))]
        for kind in ("x", "other"):
            for i, (shape, element, attributes) in enumerate(ARGUMENT.findall(signature)):
                shape = shape_of(shape)
                # A static input has no time axis outside of the module.
                shape = shape[1:] if "spk.static" in attributes else shape
                self.inputs[kind, i] = self.random_input(shape, element)
                np.save(self.directory / f"{kind}{i}.npy", self.inputs[kind, i])
        self.num_inputs = len(self.inputs) // 2

    def save_text(self):
        (self.directory / "net.mlir").write_text(self.text)

    def random_input(self, shape, element):
        if element == "f32":
            return self.rng.normal(size=shape).astype(np.float32)
        if element == "i1":
            return self.rng.random(shape) < 0.3
        # Mostly small, as sums of spikes are, with every bit plane in use.
        values = np.where(self.rng.random(shape) < 0.1, self.rng.integers(0, 128, shape),
                          self.rng.integers(0, 3, shape))
        return values.astype(TYPES[element])

    def initial(self, key, shape):
        name = key.rsplit(".", 1)[-1]
        if name == "gamma":
            return self.rng.uniform(0.8, 1.2, shape)
        if name == "var":
            return self.rng.uniform(0.5, 1.5, shape)
        if len(shape) == 1:
            return self.rng.normal(0.0, 0.1, shape)
        return self.rng.normal(0.0, 1.0 / np.sqrt(np.prod(shape[1:])), shape)

    def interpret(self, tap=None, kind="x"):
        """All outputs by name; with a tap, only what it adds."""
        write_safetensors(self.directory / "net.safetensors", self.weights)
        with tempfile.TemporaryDirectory(dir=self.directory) as scratch:
            model, scratch = self.directory / "net.mlir", Path(scratch)
            if tap:
                model = scratch / "tapped.mlir"
                pipeline = f"builtin.module(spk-expand-sps,spk-add-taps{{taps={tap}}})"
                subprocess.run(["spk-opt", self.directory / "net.mlir", "--pass-pipeline=" + pipeline,
                                "--mlir-print-debuginfo", "-o", model], check=True)
            inputs = [argument for i in range(self.num_inputs)
                      for argument in ("--input", self.directory / f"{kind}{i}.npy")]
            (scratch / "out").mkdir()
            subprocess.run(["spk-run", "--interpret", model, f"--base-dir={self.directory}", *inputs,
                            f"--output-dir={scratch / 'out'}"], check=True, stdout=subprocess.DEVNULL)
            found = {file.name[:-len(".npy")]: np.load(file) for file in (scratch / "out").glob("*.npy")}
            return {name: value for name, value in found.items() if not tap or ":" in name}

    def settle(self, layer):
        """Makes the neuron of `layer` fire about one time in five."""
        kind, attributes = self.neurons[layer]
        threshold = number(attributes, "v_threshold", 1.0)
        charge = re.search(r"#spk\.charge<(\w+)>", attributes)
        charge = charge.group(1) if charge else "decay_input"
        gain = 1.0
        leaks = kind in ("lif", "sps", "ilif")
        if leaks and charge == "decay_input":
            gain = number(attributes, "tau", 2.0)
        if leaks and charge == "multiply":
            gain = 1.0 / number(attributes, "factor", 0.5)
        current = self.interpret(f"{layer}.lif:current").popitem()[1].astype(np.float64)
        mean, deviation = current.mean(), current.std() + 1e-12
        shift = 0.1
        for _ in range(8):
            self.set_affine(layer, mean, deviation, threshold * gain, shift)
            rate = firing_rate(self.interpret(f"{layer}.lif:spikes").popitem()[1])
            if 0.08 < rate < 0.4:
                return
            shift += 0.2 if rate < 0.2 else -0.2

    def set_affine(self, layer, mean, deviation, unit, shift):
        """Currents of that mean and deviation become normal around shift * unit."""
        rng, weights = np.random.default_rng(len(layer)), self.weights
        if f"{layer}.gamma" in weights:
            channels = self.shapes[f"{layer}.gamma"]
            weights[f"{layer}.gamma"] = unit * rng.uniform(0.6, 0.9, channels)
            weights[f"{layer}.beta"] = unit * (shift + rng.normal(0.0, 0.1, channels))
            before = getattr(self, "before", {}).setdefault(
                layer, (weights[f"{layer}.mean"].mean(), weights[f"{layer}.var"].mean()))
            # The first currents went through the initial norm: undo it on average.
            weights[f"{layer}.mean"] = before[0] + mean * np.sqrt(before[1]) + rng.normal(0.0, 0.05 * deviation, channels)
            weights[f"{layer}.var"] = before[1] * deviation**2 * rng.uniform(0.8, 1.2, channels)
            return
        weight, bias = f"{layer}.w", f"{layer}.b"
        if weight not in weights:
            return
        first = self.__dict__.setdefault("first", {}).setdefault(
            layer, (weights[weight], weights.get(bias)))
        weights[weight] = first[0] * (0.75 * unit / deviation)
        if bias in weights:
            weights[bias] = (first[1] - mean) * (0.75 * unit / deviation) + shift * unit

    def settle_all(self):
        for layer in self.neurons:
            if f"{layer}.w" in self.weights or f"{layer}.gamma" in self.weights:
                self.settle(layer)

    def dead_layers(self):
        """Layers that fire too rarely or too often, and what is wrong with the
        outputs."""
        rates = {name: firing_rate(value) for name, value in self.interpret("*:spikes").items()}
        for name, rate in rates.items():
            print(f"{name}: {100 * rate:.1f} %")
        wrong = [name for name, rate in rates.items() if not LOWEST <= rate <= HIGHEST]
        first, second = self.interpret(), self.interpret(kind="other")
        if not rates:
            wrong.append("no neuron was tapped")
        for name, value in first.items():
            if np.array_equal(value, second[name]):
                wrong.append(f"{name} does not depend on the input")
            if not np.all(np.isfinite(value.astype(np.float64))):
                wrong.append(f"{name} is not finite")
        return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model = Model(options.model.read_text(), options.directory, options.seed)
    model.settle_all()
    if wrong := model.dead_layers():
        sys.exit(f"{options.model.name}: not between {LOWEST:.0%} and {HIGHEST:.0%}: " + ", ".join(wrong))


if __name__ == "__main__":
    main()
