#!/usr/bin/env python3
"""Writes a .npy file: make_npy.py FILE DTYPE SHAPE VALUE...

DTYPE is one of bool, int8, int16, int32, int64, float32 and float64, SHAPE is
like 4x1x2 (or "scalar"). One value fills the array.
"""

import struct
import sys

TYPES = {"bool": ("|b1", "B"), "int8": ("|i1", "b"), "int16": ("<i2", "h"), "int32": ("<i4", "i"),
         "int64": ("<i8", "q"), "float32": ("<f4", "f"), "float64": ("<f8", "d")}


def main(path, dtype, shape, *values):
    sizes = [] if shape == "scalar" else [int(size) for size in shape.split("x")]
    count = 1
    for size in sizes:
        count *= size
    descr, code = TYPES[dtype]
    numbers = [float(value) if dtype.startswith("float") else int(value) for value in values]
    if len(numbers) == 1:
        numbers *= count
    if len(numbers) != count:
        sys.exit(f"{path}: {len(numbers)} values for {count} elements")
    text = str(tuple(sizes))
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {text}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack(f"<{count}{code}", *numbers))


if __name__ == "__main__":
    main(*sys.argv[1:])
