#!/usr/bin/env python3
"""Spikes and integers as packed words.

    words.py pack PLAIN.npy PLANES WORDS.npy   words of 64 channels, a plane per bit
    words.py equal PLAIN.npy WORDS.npy         exit code 1 unless they hold the same spikes
"""

import sys

import numpy as np


def pack(plain, planes):
    padded = np.pad(plain.astype(np.int64), [(0, 0)] * (plain.ndim - 1) + [(0, -plain.shape[-1] % 64)])
    bits = [np.packbits((padded >> p & 1).astype(np.uint8), axis=-1, bitorder="little") for p in range(planes)]
    return np.stack([np.ascontiguousarray(b).view(np.int64) for b in bits], axis=-1)


if sys.argv[1] == "pack":
    np.save(sys.argv[4], pack(np.load(sys.argv[2]), int(sys.argv[3])))
else:
    plain, words = (np.load(path) for path in sys.argv[2:])
    if plain.dtype != np.bool_ or not np.array_equal(pack(plain, words.shape[-1]), words):
        sys.exit("different spikes")
