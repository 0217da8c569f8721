#!/usr/bin/env python3
"""Applies mutations to a copy of the sources and expects tests to fail."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent
SCRATCH = ROOT / "build-mutate"
SOURCE, BUILD = SCRATCH / "source", SCRATCH / "build"
TARGETS = ["spk-opt", "spk-compile", "spk-run"]
LIT = Path("/usr/lib/llvm-22/bin/lit")


def copy_sources():
    """Brings the copy up to date, leaving alone what is equal."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, check=True, capture_output=True, text=True).stdout
    wanted = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    SOURCE.mkdir(parents=True, exist_ok=True)
    for name in wanted:
        to = SOURCE / name
        if not to.exists() or to.read_bytes() != (ROOT / name).read_bytes():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to)
    for file in [path for path in SOURCE.rglob("*") if path.is_file() and not path.is_symlink()]:
        name = str(file.relative_to(SOURCE))
        if name not in wanted and not name.startswith(".venv/") and "__pycache__" not in name:
            file.unlink()
    venv = SOURCE / ".venv"
    if (ROOT / ".venv").exists() and not venv.exists():
        venv.symlink_to(ROOT / ".venv")


def build() -> subprocess.CompletedProcess[str]:
    """Builds what the tests run, in the scratch copy."""
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "release", "-S", SOURCE, "-B", BUILD], cwd=SOURCE, check=True,
                       stdout=subprocess.DEVNULL)
    return subprocess.run(["ninja", "-C", BUILD, *TARGETS], capture_output=True, text=True)


def is_python(test: str) -> bool:
    """Whether a mutation names a test of pytest, such as python_frontend/tests/test_check.py::test_help."""
    return test.partition("::")[0].endswith(".py")


def run_pytest(tests: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs tests of pytest in the copy, with its package and its tools."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE / "python_frontend"), "SPK_BIN_DIR": str(BUILD / "bin")}
    command = [SOURCE / ".venv/bin/python", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=SOURCE, env=environment, capture_output=True, text=True)


def run_tests(pattern: str) -> subprocess.CompletedProcess[str]:
    """Runs the lit tests whose names match."""
    lit = LIT if LIT.exists() else "lit"
    return subprocess.run([lit, "-sv", BUILD / "test", f"--filter={pattern}"], capture_output=True, text=True)


def mutate(text: str, mutation: dict[str, str]) -> str:
    """Source text with the mutation in it.

    Raises:
        ValueError: its place is not there exactly once.
    """
    for old, new in (("from", "to"), ("also-from", "also-to")):
        if old not in mutation:
            continue
        if text.count(mutation[old]) != 1:
            raise ValueError(f"{text.count(mutation[old])} places match, not one")
        text = text.replace(mutation[old], mutation[new])
    if "include" in mutation:
        text = text.replace("#include", f'#include "{mutation["include"]}"\n#include', 1)
    return text


def try_mutation(mutation: dict[str, str]) -> tuple[bool, str]:
    """Whether the named test failed, and what happened where it did not."""
    file = SOURCE / mutation["file"]
    original = file.read_text()
    try:
        mutated = mutate(original, mutation)
    except ValueError as error:
        return False, str(error)
    try:
        file.write_text(mutated)
        built = build()
        if built.returncode:
            return False, "does not build: " + built.stdout[-500:]
        tested = run_pytest([mutation["test"]]) if is_python(mutation["test"]) else run_tests(mutation["test"])
        return tested.returncode != 0, "" if tested.returncode else "the tests passed"
    finally:
        file.write_text(original)


def main() -> int:
    """Applies the mutations in turn and prints a table."""
    parser = argparse.ArgumentParser(prog="utils/mutate.sh", description=__doc__)
    parser.add_argument("--list", action="store_true", help="print the mutations and the tests they name")
    parser.add_argument("--only", metavar="NAME", action="append", help="apply this mutation; may be repeated")
    options = parser.parse_args()
    mutations = tomllib.loads((ROOT / "utils/mutations.toml").read_text())["mutation"]
    unknown = set(options.only or []) - {mutation["name"] for mutation in mutations}
    if unknown:
        parser.error("no mutation " + ", ".join(sorted(unknown)))
    if options.only:
        mutations = [mutation for mutation in mutations if mutation["name"] in options.only]
    width = max(len(mutation["name"]) for mutation in mutations)
    if options.list:
        for mutation in mutations:
            print(f"{mutation['name']:{width}}  {mutation['test']}")
        return 0

    print(f"building the sources as they are in {SCRATCH.relative_to(ROOT)}/", flush=True)
    copy_sources()
    built = build()
    if built.returncode:
        sys.exit(built.stdout[-4000:] + built.stderr[-1000:])
    # A test that fails anyhow would catch everything.
    tests = {mutation["test"] for mutation in mutations}
    by_pytest = sorted(filter(is_python, tests))
    by_lit = sorted(tests.difference(by_pytest))
    runs = [run_tests("|".join(f"(?:{test})" for test in by_lit))] if by_lit else []
    runs += [run_pytest(by_pytest)] if by_pytest else []
    for tested in runs:
        if tested.returncode:
            sys.exit(tested.stdout[-4000:] + "\nthese tests fail without a mutation")

    caught = 0
    for mutation in mutations:
        start = time.monotonic()
        ok, why = try_mutation(mutation)
        caught += ok
        print(f"{'caught' if ok else 'MISSED'}  {mutation['name']:{width}}  {mutation['test']}"
              f"  {time.monotonic() - start:.0f} s{'  ' + why if why else ''}", flush=True)
    build()
    print(f"{caught} mutations caught, {len(mutations) - caught} missed")
    return caught != len(mutations)


if __name__ == "__main__":
    sys.exit(main())
