#!/usr/bin/env python3
"""Checks that the examples in an op definition file parse and verify.

Every ```mlir block of an op's description is put into a function whose
arguments are the values that the block uses without defining them, with the
types that stand behind the ops, and given to spk-opt.
"""

import argparse
import itertools
import re
import subprocess
import sys

# Ops whose form is only seen inside another op's example.
WITHOUT_EXAMPLE = {"fire", "yield"}

OPEN, CLOSE = "([{<", ")]}>"
OP = re.compile(r'^def Spk_\w+Op : Spk_\w*Op<"(\w+)"', re.M)
BLOCK = re.compile(r"```mlir\n(.*?)```", re.S)
STATEMENT = re.compile(r"\s*(?:(%[^=]*?)\s*=\s*)?(spk\.\w+)")


def hide_arrows(text):
    """The text without the closing bracket that is part of an arrow."""
    return text.replace("->", "-_")


def depth_after(text, depth=0):
    """Bracket depth behind a text that starts at `depth`."""
    for c in hide_arrows(text):
        depth += (c in OPEN) - (c in CLOSE)
    return depth


def find_top_level(text, separator):
    """Positions of `separator` outside all brackets."""
    depth, found = 0, []
    for i, c in enumerate(hide_arrows(text)):
        depth += (c in OPEN) - (c in CLOSE)
        if depth == 0 and c == separator:
            found.append(i)
    return found


def split_top_level(text):
    """The parts of a list, split at commas outside all brackets."""
    bounds = [-1, *find_top_level(text, ","), len(text)]
    return [text[a + 1 : b].strip() for a, b in itertools.pairwise(bounds) if text[a + 1 : b].strip()]


def statements(block):
    """The ops of a block with everything up to the next op, regions included."""
    parts, depth = [], 0
    for line in block.splitlines():
        if depth == 0 and STATEMENT.match(line):
            parts.append("")
        if parts:
            parts[-1] += line + "\n"
        depth = depth_after(line, depth)
    return parts


def operand_types(statement):
    """Operands of a statement with their types."""
    match = STATEMENT.match(statement)
    text = statement[match.end() :]
    # A region behind the op has values of its own.
    region = re.search(r"\{\s*\n\s*\^", text)
    text = text[: region.start()] if region else text
    types = {}
    colons = find_top_level(text, ":")
    head = text[: colons[0]] if colons else text
    # `%v : type` inside brackets: initial(...), ins(...), outs(...).
    for group in re.findall(r"\((%[^()]*:[^()]*)\)", head):
        names, _, listed = group.partition(":")
        types.update(zip(re.findall(r"%\w+", names), split_top_level(listed), strict=True))
    plain = [name for name in re.findall(r"%\w+", head) if name not in types]
    if colons:
        listed = re.split(r"->", text[colons[0] + 1 :])[0].strip()
        if listed.startswith("("):
            listed = listed[1:-1]
        types.update(zip(plain, split_top_level(listed), strict=True))
    return types


def make_module(block):
    """A module with one function around a block."""
    arguments, defined = {}, set()
    for statement in statements(block):
        for name, type_ in operand_types(statement).items():
            if name in defined:
                continue
            if arguments.setdefault(name, type_) != type_:
                raise ValueError(f"{name} is {arguments[name]} and {type_}")
        results = STATEMENT.match(statement).group(1)
        defined.update(re.findall(r"%\w+", results or ""))
    symbols = "".join(f"func.func private {name}()\n" for name in sorted(set(re.findall(r"@\w+", block))))
    signature = ", ".join(f"{name}: {type_}" for name, type_ in arguments.items())
    return f"{symbols}func.func @example({signature}) {{\n{block}  return\n}}\n"


def main():
    """Checks every example of a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="TableGen file of ops")
    parser.add_argument("--spk-opt", default="spk-opt")
    arguments = parser.parse_args()

    with open(arguments.file, encoding="utf-8") as file:
        text = file.read()
    starts = [(match.start(), match.group(1)) for match in OP.finditer(text)]
    failures, examples = [], 0
    for (start, op), (end, _) in zip(starts, [*starts[1:], (len(text), "")], strict=True):
        blocks = BLOCK.findall(text[start:end])
        if not blocks and op not in WITHOUT_EXAMPLE:
            failures.append(f"spk.{op}: no example")
        for block in blocks:
            examples += 1
            if not re.search(rf"\bspk\.{op}\b", block):
                failures.append(f"spk.{op}: the example does not show it")
            try:
                module = make_module(block)
            except ValueError as error:
                failures.append(f"spk.{op}: {error}")
                continue
            run = subprocess.run([arguments.spk_opt, "-"], input=module, capture_output=True, text=True, check=False)
            if run.returncode != 0:
                failures.append(f"spk.{op}: the example does not verify\n{run.stderr.strip()}\n{module}")
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"{examples} examples, {len(failures)} failures")
    return 1 if failures or not examples else 0


if __name__ == "__main__":
    sys.exit(main())
