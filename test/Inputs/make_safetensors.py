#!/usr/bin/env python3
"""Writes or prints a safetensors file of float32 tensors.

make_safetensors.py FILE KEY=SHAPE:VALUE,VALUE... ...   (one value fills)
make_safetensors.py --print FILE
"""

import json
import struct
import sys


def write(path, tensors):
    header, data = {}, b""
    for text in tensors:
        key, _, rest = text.partition("=")
        shape, _, values = rest.partition(":")
        sizes = [int(size) for size in shape.split("x")]
        count = 1
        for size in sizes:
            count *= size
        numbers = [float(value) for value in values.split(",")]
        if len(numbers) == 1:
            numbers *= count
        begin = len(data)
        data += struct.pack(f"<{count}f", *numbers)
        header[key] = {"dtype": "F32", "shape": sizes, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def show(path):
    with open(path, "rb") as file:
        contents = file.read()
    end = 8 + struct.unpack_from("<Q", contents)[0]
    for key, entry in json.loads(contents[8:end]).items():
        first, last = (end + offset for offset in entry["data_offsets"])
        numbers = struct.unpack(f"<{(last - first) // 4}f", contents[first:last])
        print(key, entry["dtype"], entry["shape"], *(f"{number:.9g}" for number in numbers))


if __name__ == "__main__":
    if sys.argv[1] == "--print":
        show(sys.argv[2])
    else:
        write(sys.argv[1], sys.argv[2:])
