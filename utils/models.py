#!/usr/bin/env python3
"""Measures the models of examples/zoo/catalogue.py and writes their tables into docs/models.md.

    PYTHONPATH=python_frontend .venv/bin/python utils/models.py [--only GLOB] [--check]

For every published size: imports it with random weights, and counts parameters
in PyTorch and multiply-accumulates by spk-compile. For every graph: settles a
small one on a dyadic grid and compares all spikes of the compiled model with
PyTorch's; the same with real-valued weights, beside what PyTorch in float32 and
in float64 differ by. --check writes nothing and returns 1 if a graph is not
exact.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples"))

import spk  # noqa: E402
from spk import dyadic  # noqa: E402
from spk.comparison import trace  # noqa: E402
from spk.tools import find_tool  # noqa: E402
from zoo.catalogue import FAMILIES, Configuration, Family  # noqa: E402

DOCUMENT = ROOT / "docs" / "models.md"
BEGIN, END = "<!-- utils/models.py writes from here -->", "<!-- to here -->"


@dataclass
class Exactness:
    """Of a small model: spikes that differ from PyTorch's, on the grid and with real-valued weights.

    Attributes:
        layers: neuron layers compared.
        flipped: differing spikes on the grid.
        output: largest difference of outputs on the grid.
        real: share of spikes that differ with real-valued weights.
        floor: the same between PyTorch in float32 and in float64.
        top1: share of inputs with the same class.
    """

    layers: int
    flipped: int
    output: float
    real: float
    floor: float
    top1: float | None

    @property
    def verdict(self) -> str:
        """For the table."""
        if self.flipped:
            return f"no: {self.flipped} spikes differ"
        return "yes" if self.output == 0 else f"yes; outputs, means that round, differ by {self.output:.0e}"


def noise_floor(family: Family, model: nn.Module, inputs: tuple[Tensor, ...]) -> float:
    """Share of spikes that differ between PyTorch in float32 and float64."""
    wide = family.model().double()
    wide.load_state_dict({key: value.double() if value.is_floating_point() else value for key, value in model.state_dict().items()})
    pairs = zip(trace(model, inputs)[1], trace(wide, tuple(x.double() for x in inputs))[1], strict=True)
    differing = total = 0
    for a, b in pairs:
        differing += int((a.spikes != b.spikes).sum())
        total += a.spikes.numel()
    return differing / total


def compare_small(family: Family) -> Exactness:
    """Settle, compile and compare; then again with real-valued weights."""
    model = family.model()
    inputs = model.example(batch=2)
    dyadic.settle(model, inputs, output="rounded", until=family.until)
    grid = spk.compare(model, None, *inputs)
    real = family.model()
    dyadic.calibrate(real, inputs)
    floats = spk.compare(real, None, *inputs)
    floor = noise_floor(family, real, inputs)
    return Exactness(len(grid.layers), grid.flipped, grid.max_difference, floats.flipped_rate, floor, floats.top1_agreement)


def count(family: Family, configuration: Configuration) -> tuple[float, float, int]:
    """Parameters in millions, dense multiply-accumulates of all steps in 1e9 by spk-compile, and T."""
    model = family.build(**configuration.options).eval()
    parameters = sum(p.numel() for p in model.parameters()) / 1e6
    with tempfile.TemporaryDirectory() as folder:
        imported = spk.import_model(model, model.example(), Path(folder) / "net")
        command = [str(find_tool("spk-compile")), str(imported.mlir), "--explain=json"]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return parameters, json.loads(text)["totals"]["dense_macs"] / 1e9, model.T


def sizes_table(families: list[Family]) -> list[str]:
    """Rows of published sizes."""
    rows = [
        "| model | size | imported | parameters, M | published, M | T | GMAC of a run | of a step | from the published code |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for family in families:
        for configuration in family.configurations:
            print(f"{family.name} {configuration.name}: import", file=sys.stderr, flush=True)
            parameters, gmac, steps = count(family, configuration)
            published = "" if configuration.parameters is None else f"{configuration.parameters:g}"
            counted = "" if configuration.gmac is None else f"{configuration.gmac:g}"
            row = [family.name, configuration.name, "yes", f"{parameters:.2f}", published]
            row += [str(steps), f"{gmac:.2f}", f"{gmac / steps:.2f}", counted]
            rows.append("| " + " | ".join(row) + " |")
    return rows


def exactness_table(families: list[Family]) -> tuple[list[str], bool]:
    """Rows of graphs, and whether all are exact."""
    rows = [
        "| model | neuron layers | bit-exact on the grid | real weights: spikes that differ | PyTorch float32, float64 | same class |",
        "|---|---|---|---|---|---|",
    ]
    exact = True
    for family in families:
        print(f"{family.name}: compile and compare", file=sys.stderr, flush=True)
        result = compare_family.model()
        exact &= result.flipped == 0
        top1 = "" if result.top1 is None else f"{result.top1:.0%}"
        row = [family.name, str(result.layers), result.verdict, f"{result.real:.3%}", f"{result.floor:.3%}", top1]
        rows.append("| " + " | ".join(row) + " |")
    return rows, exact


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="GLOB", default="*", help="families to measure; the tables are printed and not written")
    parser.add_argument("--check", action="store_true", help="compare the small models and write nothing; 1 if one is not exact")
    options = parser.parse_args()
    families = [family for family in FAMILIES if fnmatch(family.name, options.only)]
    if not families:
        parser.error(f"no family is called {options.only}: there are " + ", ".join(family.name for family in FAMILIES))
    rows, exact = exactness_table(families)
    if not options.check:
        rows += ["", *sizes_table(families)]
    if options.check or options.only != "*":
        print("\n".join(rows))
        return int(not exact)
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or not after:
        parser.error(f"{DOCUMENT} must have the lines {BEGIN} and {END}")
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n" + "\n".join(rows) + f"\n\n{END}{after}")
    return int(not exact)


if __name__ == "__main__":
    sys.exit(main())
