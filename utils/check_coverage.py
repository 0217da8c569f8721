#!/usr/bin/env python3
"""Checks that every op, verifier message, pass and pass option has a test.

* Every op of the dialect stands in test/Dialect/Spk/IR/round-trip.mlir.
* Every message of a verifier in lib/Dialect/Spk/IR has an expected-error in
  test/Dialect/Spk/IR/invalid.mlir; a message that is written at several places
  has as many.
* Every pass has a test file of its name.
* Every pass option is set in a test of that pass.
"""

import argparse
import collections
import pathlib
import re
import sys

IR = pathlib.Path("Dialect", "Spk", "IR")
LITERALS = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
MESSAGE = re.compile(r"(?:emitOpError\(\s*|emitError\(\)\s*<<\s*)" + LITERALS)
EXPECTED = re.compile(r"expected-error[^{]*\{\{(.*?)\}\}")
OP = re.compile(r'^def Spk_\w+Op : Spk_\w*Op<"(\w+)"', re.M)
PASS = re.compile(r'^def \w+\s*:\s*(?:Interface)?Pass<\s*"([\w-]+)"', re.M)
OPTION = re.compile(r'\b(?:List)?Option<\s*"\w+",\s*"([\w-]+)"')


def read(path):
    """The text of a file, empty where there is none."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def missing_ops(root):
    """Ops that are not parsed and printed."""
    text = "\n".join(line for line in read(root / "test" / IR / "round-trip.mlir").splitlines() if not line.lstrip().startswith("//"))
    for op in OP.findall(read(root / "include/spk" / IR / "SpkOps.td")):
        if not re.search(rf"\bspk\.{op}\b", text):
            yield f"op spk.{op} is not in round-trip.mlir"


def missing_messages(root):
    """Verifier messages that no test expects."""
    expected = EXPECTED.findall(read(root / "test" / IR / "invalid.mlir"))
    messages = collections.Counter()
    places = {}
    for path in sorted((root / "lib" / IR).glob("*.cpp")):
        for match in MESSAGE.finditer(read(path)):
            message = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', match.group(1))).strip(" ,")
            messages[message] += 1
            places.setdefault(message, path.name)
    for message, count in messages.items():
        found = sum(bool(re.search(rf"(?<!\w){re.escape(message)}", text)) for text in expected)
        if found < count:
            yield f'message "{message}" ({places[message]}) is expected {found} times in invalid.mlir, written {count} times'


def missing_passes(root):
    """Passes without a test file and options that no test sets."""
    tests = [path for path in (root / "test").rglob("*") if path.suffix in (".mlir", ".test", ".py", ".c") and path.is_file()]
    names = {path.stem for path in tests}
    texts = [read(path) for path in tests]
    for path in sorted((root / "include/spk").rglob("Passes.td")):
        text = read(path)
        starts = [(match.start(), match.group(1)) for match in PASS.finditer(text)]
        for (start, flag), (end, _) in zip(starts, [*starts[1:], (len(text), "")], strict=True):
            if flag.removeprefix("spk-") not in names:
                yield f"pass {flag} has no test file {flag.removeprefix('spk-')}.mlir"
            for option in OPTION.findall(text[start:end]):
                use = re.compile(rf"{re.escape(flag)}=?[\"'{{][^}}\n]*(?<![\w-]){re.escape(option)}=")
                if not any(use.search(test) for test in texts):
                    yield f"option {option} of pass {flag} is set in no test"


def main():
    """Prints what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=pathlib.Path, help="root of the source tree")
    root = parser.parse_args().root
    missing = [*missing_ops(root), *missing_messages(root), *missing_passes(root)]
    for line in missing:
        print(line, file=sys.stderr)
    print(f"{len(missing)} missing")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
