"""Writes the weights of accumulate.mlir: write_weights.py FILE.safetensors."""

import json
import struct
import sys

tensors = {
    "gain": ([16], [0.125 * k for k in range(16)]),
    "unused": ([3], [1.0, 2.0, 3.0]),
}
header, data = {}, b""
for key, (shape, values) in tensors.items():
    values = struct.pack(f"<{len(values)}f", *values)
    header[key] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
    data += values
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
