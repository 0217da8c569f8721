"""Writes a model of the llvm phase with many long kernels: many_kernels.py OUT.mlir [--kernels 16] [--additions 1000].

Kernel i stores input + i + i + ..., with i from a table that all kernels share. The first also leaves its result in a variable, the
last returns that instead of its own. A function that may be inlined is called by two of them.
"""

import argparse
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("output", type=Path)
parser.add_argument("--kernels", type=int, default=16)
parser.add_argument("--additions", type=int, default=1000)
args = parser.parse_args()
K, LANES = args.kernels, "vector<16xf32>"
MODEL = args.output.stem


def kernel(i: int) -> list[str]:
    """A function that is not inlined."""
    lines = [
        f"  llvm.func internal @kernel_{i}(%input: !llvm.ptr, %output: !llvm.ptr) attributes {{no_inline}} {{",
        "    %table = llvm.mlir.addressof @table : !llvm.ptr",
        f"    %row = llvm.getelementptr %table[{i}] : (!llvm.ptr) -> !llvm.ptr, {LANES}",
        f"    %c = llvm.load %row {{alignment = 4 : i64}} : !llvm.ptr -> {LANES}",
        f"    %v0 = llvm.load %input {{alignment = 4 : i64}} : !llvm.ptr -> {LANES}",
    ]
    lines += [f"    %v{n + 1} = llvm.fadd %v{n}, %c : {LANES}" for n in range(args.additions)]
    result = f"%v{args.additions}"
    if i in (1, 2):
        lines.append(f"    %same = llvm.call @identity({result}) : ({LANES}) -> {LANES}")
        result = "%same"
    if i in (0, K - 1):
        lines.append("    %kept = llvm.mlir.addressof @kept : !llvm.ptr")
    if i == 0:
        lines.append(f"    llvm.store {result}, %kept {{alignment = 4 : i64}} : {LANES}, !llvm.ptr")
    if i == K - 1:
        lines.append(f"    %first = llvm.load %kept {{alignment = 4 : i64}} : !llvm.ptr -> {LANES}")
        lines.append(f"    llvm.store {result}, %kept {{alignment = 4 : i64}} : {LANES}, !llvm.ptr")
        result = "%first"
    lines += [
        f"    %place = llvm.getelementptr %output[{i}] : (!llvm.ptr) -> !llvm.ptr, {LANES}",
        f"    llvm.store {result}, %place {{alignment = 4 : i64}} : {LANES}, !llvm.ptr",
        "    llvm.return",
        "  }",
    ]
    return lines


rows = ", ".join(str([float(i)] * 16) for i in range(K))
text = f"""module attributes {{
  spk.abi = {{
    time_steps = 1 : i64, arena_bytes = 0 : i64, hoisted_bytes = 0 : i64, state_bytes = 0 : i64, weights_bytes = 0 : i64,
    inputs = [{{name = "input", shape = array<i64: 1, 16>, dtype = "f32", temporal = false}}],
    outputs = [{{name = "output", shape = array<i64: 1, {K}, 16>, dtype = "f32", temporal = false}}],
    states = [], weights = [], entries = {{run = ["input:0", "output:0", "threads"]}}, step_refused = "it is one step"}}}} {{
  llvm.mlir.global private constant @table(dense<[{rows}]> : tensor<{K}x16xf32>) : !llvm.array<{K} x array<16 x f32>>
  llvm.mlir.global internal @kept(dense<0.0> : tensor<16xf32>) : !llvm.array<16 x f32>
  llvm.func internal @identity(%v: {LANES}) -> {LANES} {{
    llvm.return %v : {LANES}
  }}
  llvm.func @spk_{MODEL}_kernel_run(%input: !llvm.ptr, %output: !llvm.ptr, %threads: i32) {{
"""
text += "".join(f"    llvm.call @kernel_{i}(%input, %output) : (!llvm.ptr, !llvm.ptr) -> ()\n" for i in range(K))
text += "    llvm.return\n  }\n" + "\n".join(line for i in range(K) for line in kernel(i)) + "\n}\n"
args.output.write_text(text)
