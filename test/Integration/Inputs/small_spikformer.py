"""Writes a small Spikformer with random weights, as a module and its weights.

    small_spikformer.py OUT.mlir [--T 3] [--batch 1] [--size 6x10]
                        [--channels 24] [--heads 3] [--seed 0]
                        [--threshold 0.25] [--dvs]

Two convolutions with a pool, one attention block with its MLP, mean and head.
Weights are chosen so that neurons fire; firing_rates.py makes sure.
`--dvs` makes the input a sequence, `[T, B, ...]`, instead of a repeated image.
Also writes OUT.npy, an input, and OUT.other.npy, another one.
"""

import argparse
import json
import struct
from pathlib import Path

import numpy as np


class Model:
    def __init__(self, rng, T, batch):
        self.rng, self.T, self.batch = rng, T, batch
        self.tensors, self.lines, self.count = {}, [], 0

    def weight(self, key, array):
        self.tensors[key] = np.asarray(array, np.float32)
        shape = "x".join(map(str, self.tensors[key].shape))
        name = self.emit(f'ml_program.global_load_const @"{key}" : tensor<{shape}xf32>', key)
        return name, f"tensor<{shape}xf32>"

    def emit(self, text, loc):
        name = f"%{self.count}"
        self.count += 1
        self.lines.append(f'    {name} = {text} loc("{loc}")')
        return name

    def tensor(self, shape, element):
        return f"tensor<{'x'.join(map(str, [self.T, self.batch, *shape]))}x{element}>"

    def norm(self, x, path, channels, fan_in, density, layout, type_):
        r = self.rng
        keys = {
            "weight": r.uniform(0.7, 1.3, channels),
            "bias": r.uniform(0.3, 0.9, channels),
            "running_mean": r.normal(0, 0.2, channels),
            "running_var": fan_in * density * r.uniform(0.3, 0.6, channels),
        }
        loaded = [self.weight(f"{path}.{key}", value) for key, value in keys.items()]
        operands = ", ".join([x, *(name for name, _ in loaded)])
        types = ", ".join([type_, *(t for _, t in loaded)])
        return self.emit(
            f"spk.batch_norm {operands} {{eps = 1.0e-05 : f64, layout = #spk.layout<{layout}>}} : ({types}) -> {type_}", path
        )

    def lif(self, x, path, shape, threshold=1.0):
        return self.emit(
            f"spk.lif {x} {{tau = 2.0 : f32, v_threshold = {threshold:e} : f32, v_reset = 0.0 : f32}} : "
            f"{self.tensor(shape, 'f32')} -> {self.tensor(shape, 'i1')}",
            path,
        )

    def conv_layer(self, x, path, inputs, outputs, size, element):
        weight, wtype = self.weight(f"{path}_conv.weight", self.rng.normal(0, 1, (outputs, inputs, 3, 3)))
        type_ = self.tensor([outputs, *size], "f32")
        y = self.emit(
            f"spk.conv {x}, {weight} {{padding = array<i64: 1, 1>}} : "
            f"({self.tensor([inputs, *size], element)}, {wtype}) -> {type_}",
            f"{path}_conv",
        )
        density = 0.3 if element == "f32" else 0.15
        y = self.norm(y, f"{path}_bn", outputs, 9 * inputs, density, "channels_first", type_)
        return self.lif(y, f"{path}_lif", [outputs, *size])

    def linear_layer(self, x, path, tokens, inputs, outputs, element):
        weight, wtype = self.weight(f"{path}_linear.weight", self.rng.normal(0, 1, (outputs, inputs)))
        bias, btype = self.weight(f"{path}_linear.bias", self.rng.normal(0, 0.1, outputs))
        type_ = self.tensor([tokens, outputs], "f32")
        y = self.emit(
            f"spk.linear {x}, {weight} bias {bias} : "
            f"({self.tensor([tokens, inputs], element)}, {wtype}, {btype}) -> {type_}",
            f"{path}_linear",
        )
        density = 0.6 if element == "i8" else 0.2
        y = self.norm(y, f"{path}_bn", outputs, inputs, density, "channels_last", type_)
        return self.lif(y, f"{path}_lif", [tokens, outputs])

    def add(self, x, y, path, shape, element):
        return self.emit(
            f"spk.add {x}, {y} : ({self.tensor(shape, element)}, {self.tensor(shape, 'i1')}) -> {self.tensor(shape, 'i8')}", path
        )


def write_safetensors(path, tensors):
    header, data = {}, b""
    for key, array in tensors.items():
        header[key] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output", type=Path)
    parser.add_argument("--T", type=int, default=3)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--size", default="6x10")
    parser.add_argument("--channels", type=int, default=24)
    parser.add_argument("--heads", type=int, default=3)
    parser.add_argument("--threshold", type=float, default=0.25, help="of the neuron behind attention")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dvs", action="store_true")
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    m = Model(rng, args.T, args.batch)
    C, (H, W) = args.channels, map(int, args.size.split("x"))
    h, w = (H + 1) // 2, (W + 1) // 2
    N = h * w

    x = "%input"
    image = f"{args.batch}x2x{H}x{W}xf32"
    if not args.dvs:
        x = m.emit(f"spk.repeat {x} : tensor<1x{image}> -> tensor<{args.T}x{image}>", "model")
    x = m.conv_layer(x, "embed.0", 2, C, (H, W), "f32")
    x = m.conv_layer(x, "embed.1", C, C, (H, W), "i1")
    x = m.emit(
        f"spk.max_pool {x} {{kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding = array<i64: 1, 1>}} : "
        f"{m.tensor([C, H, W], 'i1')} -> {m.tensor([C, h, w], 'i1')}",
        "embed.pool",
    )
    x = m.emit(f"tensor.collapse_shape {x} [[0], [1], [2], [3, 4]] : {m.tensor([C, h, w], 'i1')} into {m.tensor([C, N], 'i1')}", "tokens")
    empty = m.emit(f"tensor.empty() : {m.tensor([N, C], 'i1')}", "tokens")
    x = m.emit(
        f"linalg.transpose ins({x} : {m.tensor([C, N], 'i1')}) outs({empty} : {m.tensor([N, C], 'i1')}) permutation = [0, 1, 3, 2]",
        "tokens",
    )
    q, k, v = (m.linear_layer(x, f"block.attn.{p}", N, C, C, "i1") for p in "qkv")
    spikes = m.tensor([N, C], "i1")
    a = m.emit(
        f"spk.ssa {q}, {k}, {v} {{num_heads = {args.heads} : i64, scale = 1.25e-01 : f32}} : "
        f"({spikes}, {spikes}, {spikes}) -> {m.tensor([N, C], 'f32')}",
        "block.attn",
    )
    a = m.lif(a, "block.attn.lif", [N, C], args.threshold)
    a = m.linear_layer(a, "block.attn.proj", N, C, C, "i1")
    x = m.add(x, a, "block.join0", [N, C], "i1")
    y = m.linear_layer(x, "block.mlp.fc1", N, C, 2 * C, "i8")
    y = m.linear_layer(y, "block.mlp.fc2", N, 2 * C, C, "i1")
    x = m.add(x, y, "block.join1", [N, C], "i8")
    x = m.emit(f"spk.mean {x} {{axes = array<i64: 2>}} : {m.tensor([N, C], 'i8')} -> {m.tensor([1, C], 'f32')}", "model")
    x = m.emit(f"spk.mean {x} {{axes = array<i64: 0>}} : {m.tensor([1, C], 'f32')} -> tensor<1x{args.batch}x1x{C}xf32>", "model")
    x = m.emit(
        f"tensor.collapse_shape {x} [[0], [1], [2, 3]] : tensor<1x{args.batch}x1x{C}xf32> into tensor<1x{args.batch}x{C}xf32>", "head"
    )
    weight, wtype = m.weight("head.weight", rng.normal(0, 1, (10, C)))
    bias, btype = m.weight("head.bias", rng.normal(0, 1, 10))
    x = m.emit(
        f"spk.linear {x}, {weight} bias {bias} : (tensor<1x{args.batch}x{C}xf32>, {wtype}, {btype}) -> tensor<1x{args.batch}x10xf32>",
        "head",
    )

    name = args.output.with_suffix(".safetensors")
    lines = [f'module attributes {{spk.weights = "{name.name}"}} {{']
    for key, array in m.tensors.items():
        shape = "x".join(map(str, array.shape))
        lines.append(f'  ml_program.global private @"{key}"(#ml_program.extern : tensor<{shape}xf32>) : tensor<{shape}xf32>')
    steps = args.T if args.dvs else 1
    static = "" if args.dvs else ", spk.static"
    lines.append(
        f'  func.func @main(%input: tensor<{steps}x{image}> {{spk.name = "image"{static}}}) '
        f'-> (tensor<1x{args.batch}x10xf32> {{spk.name = "logits", spk.static}}) {{'
    )
    lines += [*m.lines, f"    return {x} : tensor<1x{args.batch}x10xf32>", "  }", "}", ""]
    args.output.write_text("\n".join(lines))
    write_safetensors(name, m.tensors)
    shape = [args.batch, 2, H, W]
    if args.dvs:
        shape.insert(0, args.T)
    for suffix in (".npy", ".other.npy"):
        np.save(args.output.with_suffix(suffix), rng.uniform(0, 1, shape).astype(np.float32))


main()
