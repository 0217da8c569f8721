#!/usr/bin/env python3
"""Measures the models of examples/zoo/catalogue.py and writes their tables into docs/models.md.

    PYTHONPATH=python_frontend .venv/bin/python utils/models.py [--full] [--only GLOB] [--check]

For every published size: imports it with random weights, and counts parameters
in PyTorch and multiply-accumulates by spk-compile. For every graph: settles a
small one on a dyadic grid and compares all spikes of the compiled model with
PyTorch's. --full instead takes the first published size of every family, which
needs one or two minutes and a few GB each: all spikes on the grid, and with
real-valued weights, beside what PyTorch in float32 and in float64 differ by.

Results are kept in docs/models.json; the tables are written from it, so that
--only measures anew the rows of a family and leaves the others. --check
compares, writes nothing and returns 1 if a graph is not exact; --tables
measures nothing.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples"))

import spk  # noqa: E402
from spk import dyadic  # noqa: E402
from spk.comparison import Comparison, noise_floor  # noqa: E402
from spk.rates import LOW  # noqa: E402
from spk.tools import find_tool  # noqa: E402
from zoo.catalogue import FAMILIES, Configuration, Family  # noqa: E402

DOCUMENT = ROOT / "docs" / "models.md"
RESULTS = ROOT / "docs" / "models.json"
BEGIN, END = "<!-- utils/models.py writes from here -->", "<!-- to here -->"
NOTEWORTHY = 0.01  # share by which a count may differ from the published one without a note

Results = dict[str, dict[str, Any]]  # by family: what each measurement gave


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


# ---------------------------------------------------------------------------------------------------------------------
# Measurements
# ---------------------------------------------------------------------------------------------------------------------


def on_grid(family: Family, configuration: Configuration | None, batch: int) -> dict[str, Any]:
    """Settle a model, compile it and compare every spike in front of the first operation that rounds."""
    model = family.model(configuration)
    inputs = model.example(batch=batch)
    # A mean over 196 tokens in front of the last neurons rounds at a published size only.
    output, low = ("rounded", LOW) if configuration is None else ("partial", configuration.low)
    settled = dyadic.settle(model, inputs, output=output, until=family.until, low=low)
    compared = spk.compare(model, None, *inputs)
    exact = [layer for layer in compared.layers if layer.path in settled.exact]
    return {
        "layers": len(compared.layers),
        "exact_layers": len(exact),
        "rounded_from": settled.rounded_from,
        "spikes": sum(layer.elements for layer in exact),
        "flipped": sum(layer.flipped for layer in exact),
        "flipped_behind": compared.flipped_rate if len(exact) < len(compared.layers) else 0.0,
        "output": compared.max_difference,
    }


def on_real_weights(family: Family, configuration: Configuration, images: int) -> dict[str, Any]:
    """Compare a model with real-valued weights and batch norms calibrated on one image, on others."""
    model = family.model(configuration)
    dyadic.calibrate(model, model.example(batch=1), low=configuration.low)
    inputs = model.example(batch=images, seed=1)
    one = [x.narrow(0, 0, 1) for x in inputs]
    compiled = spk.compile(model, *one, taps=["*:spikes"])
    compared: Comparison = spk.compare(model, compiled, *inputs)
    singles = [[x.narrow(0, i, 1) for x in inputs] for i in range(images)]
    floors = [noise_floor(model, *single) for single in singles]
    first = compared.first_diverging
    return {
        "images": images,
        "spikes": compared.elements,
        "flipped": compared.flipped,
        "floor": sum(floor.share for floor in floors) / images,
        "own": spk.compare(model, compiled, *inputs, follow=True).flipped,
        "own_floor": sum(noise_floor(model, *single, follow=True).flipped for single in singles),
        "top1": compared.top1_agreement,
        "floor_top1": sum(floor.top1_agreement for floor in floors) / images,
        "output": compared.max_difference,
        "first": None if first is None else first.path,
        "margin": None if first is None else first.margin,
    }


def count(family: Family, configuration: Configuration) -> dict[str, Any]:
    """Parameters in millions, dense multiply-accumulates of all steps in 1e9 by spk-compile, and T."""
    model = family.model(configuration)
    parameters = sum(p.numel() for p in model.parameters()) / 1e6
    with tempfile.TemporaryDirectory() as folder:
        imported = spk.import_model(model, model.example(), Path(folder) / "net")
        command = [str(find_tool("spk-compile")), str(imported.mlir), "--explain=json"]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {"parameters": parameters, "gmac": json.loads(text)["totals"]["dense_macs"] / 1e9, "T": model.T}


def measure_small(family: Family) -> dict[str, Any]:
    """What is measured of every family by default."""
    say(f"{family.name}: compile and compare")
    small = on_grid(family, None, batch=2)
    sizes = {}
    for configuration in family.configurations:
        say(f"{family.name} {configuration.name}: import")
        sizes[configuration.name] = count(family, configuration)
    return {"small": small, "sizes": sizes}


def measure_full(family: Family, images: int) -> dict[str, Any]:
    """What is measured of a published size."""
    if not family.configurations:
        say(f"{family.name}: no published size")
        return {}
    configuration = family.configurations[0]
    found: dict[str, Any] = {"size": configuration.name}
    works: list[tuple[str, Callable[[], dict[str, Any]]]] = [
        ("grid", lambda: on_grid(family, configuration, batch=1)),
        ("real", lambda: on_real_weights(family, configuration, images)),
    ]
    for name, work in works:
        start = time.monotonic()
        found[name] = work()
        found[name]["seconds"] = round(time.monotonic() - start)
        gc.collect()
        say(f"{family.name} {configuration.name}, {name}: {found[name]}")
    return {"full": found}


# ---------------------------------------------------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------------------------------------------------


def verdict(grid: dict[str, Any] | None) -> str:
    """Whether a model on the grid is exact, for a table."""
    if grid is None:
        return "not measured"
    if grid["flipped"]:
        return f"no: {grid['flipped']} spikes differ"
    if grid["exact_layers"] < grid["layers"]:
        at = f"`{grid['rounded_from']}`, where sums begin to round"
        if grid["flipped_behind"] == 0:
            return f"yes, also behind {at}"
        return f"yes, {grid['exact_layers']} of {grid['layers']} layers, up to {at}; {grid['flipped_behind']:.2%} of all spikes differ"
    return "yes" if grid["output"] == 0 else f"yes; outputs, means that round, differ by {grid['output']:.0e}"


def exactness_table(results: Results) -> list[str]:
    """Rows of graphs: the small model and a published size on the grid."""
    rows = [
        "| model | neuron layers | bit-exact on the grid | full size | bit-exact at full size | spikes compared, M |",
        "|---|---|---|---|---|---|",
    ]
    for family in FAMILIES:
        found = results.get(family.name, {})
        small, full = found.get("small"), found.get("full")
        row = [family.name, "" if small is None else str(small["layers"]), verdict(small)]
        if full is None:
            row += ["", "not measured" if family.configurations else "", ""]
        else:
            row += [f"{full['size']}, {full['grid']['layers']} layers", verdict(full["grid"]), f"{full['grid']['spikes'] / 1e6:.1f}"]
        rows.append("| " + " | ".join(row) + " |")
    return rows


def real_table(results: Results) -> list[str]:
    """Rows of published sizes with real-valued weights."""
    rows = [
        "| model | size | images | spikes, M | roundings that flip a spike | PyTorch float32, float64 | spikes that differ in the end"
        " | PyTorch float32, float64 | same class | PyTorch float32, float64 | first layer that differs | margin of its membrane |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for family in FAMILIES:
        full = results.get(family.name, {}).get("full")
        if full is None:
            continue
        real = full["real"]
        row = [family.name, full["size"], str(real["images"]), f"{real['spikes'] / 1e6:.1f}"]
        row += [str(real["own"]), str(real["own_floor"]), f"{real['flipped'] / real['spikes']:.4%}", f"{real['floor']:.4%}"]
        row += [f"{real['top1']:.0%}", f"{real['floor_top1']:.0%}"]
        row += ["none" if real["first"] is None else f"`{real['first']}`", "" if real["margin"] is None else f"{real['margin']:.1e}"]
        rows.append("| " + " | ".join(row) + " |")
    return rows


def differs(counted: float, published: float | None) -> bool:
    """Whether a count needs a note: it is not the published one, which was rounded to the digits it has."""
    if published is None:
        return False
    rounding = 0.5 * 10.0 ** -len(str(published).partition(".")[2])
    return abs(counted - published) > max(NOTEWORTHY * published, rounding)


def note(configuration: Configuration, counted: dict[str, Any]) -> str:
    """Why counts differ; says so where nobody told."""
    step = counted["gmac"] / counted["T"]
    if not differs(counted["parameters"], configuration.parameters) and not differs(step, configuration.gmac):
        return ""
    return configuration.note or "unexplained"


def sizes_table(results: Results) -> list[str]:
    """Rows of published sizes."""
    rows = [
        "| model | size | imported | parameters, M | published, M | T | GMAC of a run | of a step | from the published code"
        " | why they differ by over 1 % |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for family in FAMILIES:
        sizes = results.get(family.name, {}).get("sizes", {})
        for configuration in family.configurations:
            published = "" if configuration.parameters is None else f"{configuration.parameters:g}"
            by_code = "" if configuration.gmac is None else f"{configuration.gmac:g}"
            counted = sizes.get(configuration.name)
            if counted is None:
                row = [family.name, configuration.name, "not measured", "", published, "", "", "", by_code, ""]
            else:
                gmac, steps = counted["gmac"], counted["T"]
                row = [family.name, configuration.name, "yes", f"{counted['parameters']:.2f}", published, str(steps)]
                row += [f"{gmac:.2f}", f"{gmac / steps:.2f}", by_code, note(configuration, counted)]
            rows.append("| " + " | ".join(row) + " |")
    return rows


def faults(results: Results, families: list[Family]) -> list[str]:
    """Families that are not exact, and counts that nobody explains."""
    found = []
    for family in families:
        measured = results.get(family.name, {})
        for grid in (measured.get("small"), measured.get("full", {}).get("grid")):
            if grid is not None and grid["flipped"]:
                found.append(f"{family.name}: {grid['flipped']} spikes differ from PyTorch's on the grid")
        for configuration in family.configurations:
            counted = measured.get("sizes", {}).get(configuration.name)
            if counted is not None and note(configuration, counted) == "unexplained":
                found.append(f"{family.name} {configuration.name}: its counts are not the published ones; say why in its note")
    return found


def write_tables(results: Results) -> None:
    """Put the tables into the document.

    Raises:
        ValueError: the document lacks the lines between which they stand.
    """
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or not after:
        raise ValueError(f"{DOCUMENT} must have the lines {BEGIN} and {END}")
    tables = [exactness_table(results), real_table(results), sizes_table(results)]
    text = "\n\n".join("\n".join(table) for table in tables)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def store(name: str, measured: dict[str, Any]) -> Results:
    """Add what was measured of a family to the results of all that are in the catalogue, in its order."""
    known: Results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    known[name] = {**known.get(name, {}), **measured}
    results = {family.name: known[family.name] for family in FAMILIES if family.name in known}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    return results


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="GLOB", default="*", help="families to measure (default: all)")
    parser.add_argument("--full", action="store_true", help="compare a published size of each instead of a small one")
    parser.add_argument("--images", type=int, metavar="N", default=4, help="inputs with real-valued weights (default: %(default)s)")
    parser.add_argument("--missing", action="store_true", help="leave out families that have such results already")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--check", action="store_true", help="compare on the grid and write nothing; 1 if a model is not exact")
    group.add_argument("--tables", action="store_true", help="measure nothing, write the tables from the results")
    options = parser.parse_args()
    families = [family for family in FAMILIES if fnmatch(family.name, options.only)]
    if not families:
        parser.error(f"no family is called {options.only}: there are " + ", ".join(family.name for family in FAMILIES))
    if options.images < 1:
        parser.error(f"--images must be at least 1, got {options.images}")
    torch.set_num_threads(1)
    results: Results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kind = "full" if options.full else "small"
    for family in [] if options.tables else families:
        if options.check:
            configuration = family.configurations[0] if options.full and family.configurations else None
            say(f"{family.name}: compile and compare")
            results[family.name] = {"small": on_grid(family, configuration, batch=1 if options.full else 2)}
            print(f"{family.name}: {verdict(results[family.name]['small'])}", flush=True)
        elif not (options.missing and kind in results.get(family.name, {})):
            results = store(family.name, measure_full(family, options.images) if options.full else measure_small(family))
    if not options.check:
        write_tables(results)
    found = faults(results, families)
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
