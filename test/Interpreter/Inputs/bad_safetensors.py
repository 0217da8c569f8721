#!/usr/bin/env python3
"""Every way in which a file of weights may be wrong.

bad_safetensors.py DIR COMMAND... writes DIR/<case>/w.safetensors, runs COMMAND
with --base-dir=DIR/<case> and prints its exit code, its output and its errors.
"""

import json
import math
import pathlib
import struct
import subprocess
import sys

DATA = struct.pack("<4f", 1, 2, 3, 4)


def entry(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def file(header, data=DATA):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


GOOD = file({"a": entry([2], 0, 8), "b": entry([2], 8, 16)})

CASES = {
    "good": GOOD,
    # __metadata__ is no tensor; a header may be padded; data may be unaligned.
    "padded": file(json.dumps({"__metadata__": {"x": "y"}, "c": entry([1], 0, 1, "U8"),
                               "a": entry([2], 1, 9), "b": entry([2], 9, 17)}).encode() + b"  ", b"\0" + DATA),
    "escaped": file(b'{"\\u0061":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
                    b'"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}'),
    "empty": b"",
    "short": GOOD[:7],
    "truncated": GOOD[:-1],
    "header-truncated": GOOD[:20],
    "header-huge": struct.pack("<Q", 1 << 40) + GOOD[8:],
    "header-over-limit": struct.pack("<Q", 100_000_001) + GOOD[8:],
    "not-an-object": file(b"[1]"),
    "not-json": file(b'{"a":'),
    "not-utf8": file(b'{"\xff":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'),
    "nested": file(b'{"a":' + b"[" * 1_000_000),
    "duplicate": file(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
                      b'"\\u0061":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}'),
    "duplicate-inside": file(b'{"a":{"dtype":"F32","shape":[2],"shape":[4],"data_offsets":[0,16]}}'),
    "no-dtype": file({"a": {"shape": [4], "data_offsets": [0, 16]}}),
    "unknown-dtype": file({"a": entry([4], 0, 16, "F33")}),
    "number": file({"a": 1}),
    "negative-size": file({"a": entry([-4], 0, 16)}),
    "negative-offset": file({"a": entry([4], -16, 0)}),
    "fractional-size": file({"a": entry([4.5], 0, 16)}),
    "overflow": file({"a": entry([1 << 62, 4, 4], 0, 16)}),
    "size-mismatch": file({"a": entry([3], 0, 16)}),
    "reversed": file({"a": entry([4], 16, 0)}),
    "overlapping": file({"a": entry([3], 0, 12), "b": entry([2], 8, 16)}),
    "same-place": file({"a": entry([2], 0, 8), "b": entry([2], 0, 8)}, DATA[:8]),
    "gap": file({"a": entry([2], 0, 8), "b": entry([1], 12, 16)}),
    "out-of-bounds": file({"a": entry([2], 0, 8), "b": entry([4], 8, 24)}),
    "rest": file({"a": entry([2], 0, 8)}),
    "missing": file({"a": entry([2], 0, 8), "c": entry([2], 8, 16)}),
    "wrong-shape": file({"a": entry([1, 2], 0, 8), "b": entry([2], 8, 16)}),
    "wrong-dtype": file({"a": entry([2], 0, 8), "b": entry([2], 8, 12, "BF16"), "c": entry([1], 12, 16)}),
    "nan": file({"a": entry([2], 0, 8), "b": entry([2], 8, 16)}, struct.pack("<4f", 1, 2, 3, math.nan)),
    "infinite": file({"a": entry([2], 0, 8), "b": entry([2], 8, 16)}, struct.pack("<4f", -math.inf, 2, 3, 4)),
}


def main(root, *command):
    for name, contents in CASES.items():
        folder = pathlib.Path(root, name)
        folder.mkdir(parents=True)
        (folder / "w.safetensors").write_bytes(contents)
    pathlib.Path(root, "absent").mkdir()
    pathlib.Path(root, "folder", "w.safetensors").mkdir(parents=True)
    for name in [*CASES, "absent", "folder"]:
        folder = pathlib.Path(root, name)
        done = subprocess.run([*command, f"--base-dir={folder}"], capture_output=True, text=True)
        print(f"{name}: exit {done.returncode}")
        print(done.stdout, end="")
        for line in done.stderr.splitlines():
            if "error: " in line:
                print(line.partition("error: ")[2].replace(f"{folder}/", ""))


if __name__ == "__main__":
    main(*sys.argv[1:])
