"""Recounts the densities of small_spikformer.py: check_densities.py DENSITIES.json TAPS_DIR."""

import json
import sys
from pathlib import Path

import numpy as np

measured = json.loads(Path(sys.argv[1]).read_text())["densities"]
taps = {path.name.removesuffix(":spikes.npy"): np.load(path) for path in Path(sys.argv[2]).glob("*:spikes.npy")}


def pool(x):
    """Maximum of 3 x 3 windows, two apart, with a border of zeros."""
    padded = np.pad(x, [(0, 0)] * 3 + [(1, 1)] * 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(3, 4))
    return windows[:, :, :, ::2, ::2].any(axis=(5, 6))


tokens = pool(taps["embed.1_lif"])
stream = tokens.reshape(*tokens.shape[:3], -1).swapaxes(2, 3).astype(np.uint8) + taps["block.attn.proj_lif"]
assert {0, 1, 2} == set(np.unique(stream))
expected = [
    ("embed.1_conv", taps["embed.0_lif"]),
    ("block.attn.q_linear", tokens),
    ("block.attn.k_linear", tokens),
    ("block.attn.v_linear", tokens),
    ("block.attn.proj_linear", taps["block.attn.lif"]),
    ("block.mlp.fc1_linear", stream),
    ("block.mlp.fc2_linear", taps["block.mlp.fc1_lif"]),
]
assert len(expected) == len(measured)
for entry, (layer, x) in zip(measured, expected, strict=True):
    assert entry["layer"] == layer, (entry, layer)
    assert 0 < entry["density"] < 1
    assert entry["density"] == np.count_nonzero(x) / x.size, entry
    planes = [np.count_nonzero(x & 1) / x.size, np.count_nonzero(x & 2) / x.size] if x is stream else None
    assert entry.get("planes") == planes, (entry, planes)
