#!/usr/bin/env python3
"""Random small modules, all of whose neurons fire.

    generate.py DIR SEED        writes DIR/net.mlir, weights and inputs

A module is a chain of stages drawn at random: patch splitting, linear maps,
attention, residuals, streams of integers. Shapes are small and divide nothing.
"""

import argparse
import re
import sys
from pathlib import Path

import numpy as np
from make_weights import Model


class Value:
    def __init__(self, name, shape, element):
        self.name, self.shape, self.element = name, tuple(shape), element

    @property
    def type(self):
        return f"tensor<{'x'.join(map(str, self.shape))}x{self.element}>"


class Program:
    """Text of a module, op by op."""

    def __init__(self):
        self.globals, self.loads, self.lines = [], [], []
        self.arguments, self.results, self.count, self.layers = [], [], 0, 0

    def op(self, text, shape, element, loc=None):
        """`text` with {r} for the result type."""
        value = Value(f"%{self.count}", shape, element)
        self.count += 1
        self.lines.append(f"    {value.name} = {text.replace('{r}', value.type)}" + (f' loc("{loc}")' if loc else ""))
        return value

    def weight(self, key, shape):
        value = Value("%" + key.replace(".", "_"), shape, "f32")
        self.globals.append(f'  ml_program.global private @"{key}"(#ml_program.extern : {value.type}) : {value.type}')
        self.loads.append(f'    {value.name} = ml_program.global_load_const @"{key}" : {value.type}')
        return value

    def argument(self, shape, element, static):
        value = Value(f"%x{len(self.arguments)}", shape, element)
        self.arguments.append(f'{value.name}: {value.type} {{spk.name = "x{len(self.arguments)}"{", spk.static" if static else ""}}}')
        return value

    def result(self, value, name, static):
        self.results.append((value, f'{{spk.name = "{name}"{", spk.static" if static else ""}}}'))

    def layer(self):
        self.layers += 1
        return f"layer{self.layers}"

    def text(self):
        names = ", ".join(value.name for value, _ in self.results)
        types = ", ".join(value.type for value, _ in self.results)
        outputs = ", ".join(f"{value.type} {attributes}" for value, attributes in self.results)
        return "\n".join([
            'module attributes {spk.weights = "net.safetensors"} {', *self.globals,
            f"  func.func @main({', '.join(self.arguments)}) -> ({outputs}) {{", *self.loads, *self.lines,
            f"    return {names} : {types}", "  }", "}", ""])

    # Layers. Shapes are [T, B, C, H, W], [T, B, N, C] or [T, B, C, N].

    def norm(self, x, layer, axis):
        parts = [self.weight(f"{layer}.{part}", (x.shape[axis],)) for part in ("gamma", "beta", "mean", "var")]
        layout = "channels_first" if axis == 2 else "channels_last"
        return self.op(f"spk.batch_norm {x.name}, {', '.join(p.name for p in parts)} {{layout = #spk.layout<{layout}>}} : "
                       f"({x.type}, {', '.join(p.type for p in parts)}) -> {{r}}", x.shape, "f32", f"{layer}.norm")

    def conv(self, x, layer, channels, kernel, strides, padding, groups, bias):
        weight = self.weight(f"{layer}.w", (channels, x.shape[2] // groups, *kernel))
        operands = [x, weight] + ([self.weight(f"{layer}.b", (channels,))] if bias else [])
        size = [(x.shape[3 + i] + 2 * padding[i] - kernel[i]) // strides[i] + 1 for i in (0, 1)]
        text = f"{x.name}, {weight.name}" + (f" bias {operands[2].name}" if bias else "")
        return self.op(f"spk.conv {text} {{strides = array<i64: {strides[0]}, {strides[1]}>, "
                       f"padding = array<i64: {padding[0]}, {padding[1]}>, "
                       f"groups = {groups} : i64}} : ({', '.join(o.type for o in operands)}) -> {{r}}",
                       (*x.shape[:2], channels, *size), "f32", f"{layer}.conv")

    def linear(self, x, layer, channels, axis, bias):
        weight = self.weight(f"{layer}.w", (channels, x.shape[axis]))
        operands = [x, weight] + ([self.weight(f"{layer}.b", (channels,))] if bias else [])
        shape = list(x.shape)
        shape[axis] = channels
        layout = "channels_last" if axis == len(shape) - 1 else "channels_first"
        text = f"{x.name}, {weight.name}" + (f" bias {operands[2].name}" if bias else "")
        return self.op(f"spk.linear {text} {{layout = #spk.layout<{layout}>}} : ({', '.join(o.type for o in operands)}) -> {{r}}",
                       shape, "f32", f"{layer}.linear")

    def neuron(self, x, layer, attributes, kind="lif"):
        return self.op(f"spk.{kind} {x.name} {{{attributes}}} : {x.type} -> {{r}}", x.shape, "i1", f"{layer}.lif")

    def pool(self, x, kernel, strides, padding):
        size = [(x.shape[3 + i] + 2 * padding[i] - kernel[i]) // strides[i] + 1 for i in (0, 1)]
        return self.op(f"spk.max_pool {x.name} {{kernel = array<i64: {kernel[0]}, {kernel[1]}>, "
                       f"strides = array<i64: {strides[0]}, {strides[1]}>, "
                       f"padding = array<i64: {padding[0]}, {padding[1]}>}} : {x.type} -> {{r}}", (*x.shape[:3], *size), x.element)

    def ssa(self, q, k, v, attributes):
        return self.op(f"spk.ssa {q.name}, {k.name}, {v.name} {{{attributes}}} : ({q.type}, {k.type}, {v.type}) -> {{r}}", q.shape, "f32")

    def add(self, x, y):
        return self.op(f"spk.add {x.name}, {y.name} : ({x.type}, {y.type}) -> {{r}}", x.shape, "i8")

    def mean(self, x, axes):
        shape = [1 if i in axes else size for i, size in enumerate(x.shape)]
        return self.op(f"spk.mean {x.name} {{axes = array<i64: {', '.join(map(str, axes))}>}} : {x.type} -> {{r}}", shape, "f32")

    def transpose(self, x, permutation):
        shape = [x.shape[i] for i in permutation]
        empty = self.op("tensor.empty() : {r}", shape, x.element)
        return self.op(f"linalg.transpose ins({x.name} : {x.type}) outs({empty.name} : {empty.type}) permutation = "
                       f"[{', '.join(map(str, permutation))}]", shape, x.element)

    def flatten(self, x):
        """[T, B, C, H, W] -> [T, B, C, N]"""
        shape = (*x.shape[:3], x.shape[3] * x.shape[4])
        return self.op(f"tensor.collapse_shape {x.name} [[0], [1], [2], [3, 4]] : {x.type} into {{r}}", shape, x.element)


class Generator:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.program = Program()

    def pick(self, *choices):
        return choices[self.rng.integers(len(choices))]

    def neuron_attributes(self):
        charge = self.pick("decay_input", "decay_input", "no_decay_input", "multiply", "retain")
        text = f"charge = #spk.charge<{charge}>, v_threshold = {self.pick(1.0, 0.5, 0.7)} : f32"
        text += {"decay_input": f", tau = {self.pick(2.0, 1.5, 3.0)} : f32", "no_decay_input": f", tau = {self.pick(2.0, 1.3)} : f32",
                 "multiply": ", factor = 0.4 : f32", "retain": ", factor = 0.3 : f32"}[charge]
        reset = self.pick("hard", "hard", "soft", "shifted")
        return text + {"hard": ", v_reset = 0.0 : f32", "soft": "", "shifted": ", v_reset = -0.125 : f32"}[reset]

    def fire(self, x, layer):
        if self.rng.random() < 0.25:
            attributes = f"v_threshold = {self.pick(1.0, 0.6)} : f32" + self.pick("", ", v_reset = 0.0 : f32")
            return self.program.neuron(x, layer, attributes, "if")
        return self.program.neuron(x, layer, self.neuron_attributes())

    def patch_splitting(self, x):
        p, layer = self.program, self.program.layer()
        groups = self.pick(1, 1, 1, 3 if x.shape[2] % 3 == 0 else 1)
        channels = groups * int(self.rng.integers(1, 75 // groups))
        kernel = [self.pick(1, 2, 3), self.pick(1, 3)]
        strides = [self.pick(1, 1, 2), self.pick(1, 1, 2)]
        padding = [int(self.rng.integers(0, k)) for k in kernel]
        normed = self.rng.random() < 0.7
        y = p.conv(x, layer, channels, kernel, strides, padding, groups, not normed or self.rng.random() < 0.5)
        if normed:
            y = p.norm(y, layer, 2)
        placement = self.pick("none", "before", "after")
        window = [self.pick(2, 3), self.pick(2, 3)], [self.pick(1, 2), self.pick(1, 2)], [self.pick(0, 1), 1]
        if min(y.shape[3:]) < 3:
            placement = "none"
        if placement == "before":
            y = p.pool(y, *window)
        y = self.fire(y, layer)
        return p.pool(y, *window) if placement == "after" else y

    def projection(self, x, channels, token_last):
        p, layer = self.program, self.program.layer()
        axis = 2 if token_last else 3
        normed = self.rng.random() < 0.7
        y = p.linear(x, layer, channels, axis, not normed or self.rng.random() < 0.5)
        return self.fire(p.norm(y, layer, axis) if normed else y, layer)

    def attention(self, x, token_last):
        p, layer = self.program, self.program.layer()
        heads = self.pick(1, 2, 3)
        channels = heads * int(self.rng.integers(3, 90 // heads))
        q, k, v = (self.projection(x, channels, token_last) for _ in range(3))
        scale = self.pick(0.125, 0.25, 0.3)
        attributes = (f"num_heads = {heads} : i64, scale = {scale} : f32, "
                      f"source_order = #spk.association<{self.pick('qk_first', 'kv_first')}>, "
                      f"scale_after = #spk.scale_after<{self.pick('first', 'second')}>, "
                      f"token_layout = #spk.token_layout<{'token_last' if token_last else 'token_first'}>")
        y = p.ssa(q, k, v, attributes)
        y = p.neuron(y, layer, "v_reset = 0.0 : f32, v_threshold = 1.0 : f32")
        return self.projection(y, x.shape[2 if token_last else 3], token_last)

    def build(self):
        p = self.program
        steps, batch = self.pick(1, 2, 3, 5), self.pick(1, 1, 2, 3)
        height, width = int(self.rng.integers(3, 10)), int(self.rng.integers(3, 12))
        channels = self.pick(1, 2, 3)
        kind = self.pick("image", "events", "spikes", "counts") if steps > 1 else self.pick("events", "spikes", "counts")
        if kind == "image":
            x = p.argument((1, batch, channels, height, width), "f32", True)
            x = p.op(f"spk.repeat {x.name} : {x.type} -> {{r}}", (steps, *x.shape[1:]), "f32")
        else:
            x = p.argument((steps, batch, channels, height, width), {"events": "f32", "spikes": "i1", "counts": "i8"}[kind], False)
        for _ in range(self.pick(1, 1, 2)):
            x = self.patch_splitting(x)
        x = p.flatten(x)
        token_last = self.rng.random() < 0.5
        if not token_last:
            x = p.transpose(x, [0, 1, 3, 2])
        for _ in range(self.pick(1, 2)):
            if self.rng.random() < 0.6:
                part = self.attention(x, token_last)
            else:
                part = self.projection(x, x.shape[2 if token_last else 3], token_last)
            x = p.add(x, part) if self.rng.random() < 0.7 else part
        if self.rng.random() < 0.3:
            p.result(x, "stream", False)
        x = p.mean(x, [3 if token_last else 2])
        shape = (steps, batch, max(x.shape[2:]))
        groups = "[[0], [1], [2, 3]]"
        x = p.op(f"tensor.collapse_shape {x.name} {groups} : {x.type} into {{r}}", shape, "f32")
        over_time = self.rng.random() < 0.7
        if over_time:
            x = p.mean(x, [0])
        x = p.linear(x, "head", self.pick(3, 10, 70), 2, True)
        p.result(x, "logits", over_time)
        return p.text()


def settle_attention(model, layer):
    """The threshold of an attention neuron that lets one in five fire."""
    current = model.interpret(f"{layer}.lif:current").popitem()[1]
    top = max(float(np.quantile(current, 0.7)), 0.5 * float(current.max()) * 0.3, 1e-3)
    # Half of it, as tau is 2, and on no value that the products take.
    model.text = re.sub(rf'(v_threshold = )[\d.e-]+( : f32[^\n]*loc\("{layer}\.lif"\))', rf"\g<1>{0.55 * top:.6f}\g<2>", model.text)
    model.save_text()


def write(directory, seed):
    """One module; draws another where neurons stay silent."""
    for attempt in range(20):
        model = Model(Generator([seed, attempt]).build(), directory, seed)
        for layer in model.neurons:
            if f"{layer}.w" in model.weights:
                model.settle(layer)
            else:
                settle_attention(model, layer)
        wrong = model.dead_layers()
        if not wrong:
            return
        print(f"seed {seed}: another one, as these are silent: {', '.join(wrong)}")
    sys.exit(f"seed {seed}: no module fires")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("seed", type=int)
    options = parser.parse_args()
    write(options.directory, options.seed)


if __name__ == "__main__":
    main()
