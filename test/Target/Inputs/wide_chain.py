"""Writes a chain of wide layers and an input: wide_chain.py OUT.mlir [--layers 6] [--channels 1024]."""

import argparse
import json
import struct
from pathlib import Path

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("output", type=Path)
parser.add_argument("--layers", type=int, default=6)
parser.add_argument("--channels", type=int, default=1024)
args = parser.parse_args()
C, rng = args.channels, np.random.default_rng(0)
keys = [f"layer.{i}.weight" for i in range(args.layers)]

header, start = {}, 0
for key in keys:
    header[key] = {"dtype": "F32", "shape": [C, C], "data_offsets": [start, start := start + 4 * C * C]}
text = json.dumps(header)
text += " " * (-len(text) % 8)
with args.output.with_suffix(".safetensors").open("wb") as file:
    file.write(struct.pack("<Q", len(text)) + text.encode())
    for _ in keys:
        file.write(rng.normal(0, 0.1, (C, C)).astype(np.float32).tobytes())

weight, currents, spikes = (f"tensor<{shape}>" for shape in (f"{C}x{C}xf32", f"2x1x16x{C}xf32", f"2x1x16x{C}xi1"))
lines = [f'module attributes {{spk.weights = "{args.output.stem}.safetensors"}} {{']
lines += [f'  ml_program.global private @"{key}"(#ml_program.extern : {weight}) : {weight}' for key in keys]
lines.append(f'  func.func @main(%x: {currents} {{spk.name = "x"}}) -> ({spikes} {{spk.name = "y"}}) {{')
lines.append(f"    %s0 = spk.lif %x {{v_threshold = 1.0 : f32}} : {currents} -> {spikes}")
for i, key in enumerate(keys):
    lines.append(f'    %w{i} = ml_program.global_load_const @"{key}" : {weight}')
    lines.append(f'    %c{i} = spk.linear %s{i}, %w{i} : ({spikes}, {weight}) -> {currents} loc("layer.{i}")')
    lines.append(f"    %s{i + 1} = spk.lif %c{i} {{v_threshold = 1.0 : f32}} : {currents} -> {spikes}")
lines += [f"    return %s{args.layers} : {spikes}", "  }", "}", ""]
args.output.write_text("\n".join(lines))
np.save(args.output.with_suffix(".npy"), rng.uniform(0, 3, (2, 1, 16, C)).astype(np.float32))
