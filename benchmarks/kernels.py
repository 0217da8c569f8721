"""Compiled layers against oneDNN, OpenBLAS and PyTorch, by shape and density.

    python benchmarks/kernels.py [--quick] [--threads 1,2] [--layers GLOB] [--json FILE] [--markdown FILE] [--check]

The layers are those of Spikformer 8-512 at 224 px, T = 4, batch 1. Of a
compiled layer everything is timed: sums, batch norm, LIF neuron over T and
packing into words, from packed words to packed words. Of the others only the
product is timed, on weights prepared in advance, which favours them.

Every engine has a process of its own, pinned to the same processors, and idles
while another works; they take turns in rounds, each with 16 inputs in
rotation. Spikes must equal, bit for bit, those that follow from the others'
sums: weights lie on a dyadic grid, where every sum is exact in any order.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from kernels_engines import ENGINES, Worker, artefact, python_of, serve
from kernels_layers import LAYERS, Cell, Layer, Parameters, cells_of, expected, make_module, make_parameters, unpack, weight_names
from kernels_report import Row, check, frequency, make_lines, print_markdown, print_table, usable

ROOT = Path(__file__).resolve().parents[1]
QUICK_LAYERS = ("proj*", "fc2*", "conv 256*", "ssa*")
QUICK_DENSITIES = (0.05, 0.15, 0.5)


def say(text: str) -> None:
    """Progress goes to standard error, results to standard output."""
    print(text, file=sys.stderr, flush=True)


# ---------------------------------------------------------------------------------------------------------------------
# Compiling
# ---------------------------------------------------------------------------------------------------------------------


def save_weights(layer: Layer, parameters: Parameters, file: Path) -> None:
    """The safetensors that the modules of a layer name."""
    from safetensors.numpy import save_file

    tensors = {}
    for cell in parameters.scales:
        for part, weights in enumerate(parameters.weights):
            keys = weight_names(cell, part)
            tensors.update(zip(keys, (weights, parameters.scales[cell][part], parameters.shifts[cell][part]), strict=True))
    save_file(tensors, file)


def compile_cell(layer: Layer, cell: Cell, folder: Path, options: list[str]) -> dict[str, Any]:
    """Compile a layer for the density of a cell; returns what ``--explain`` says of it."""
    from spk.tools import find_tool

    library = artefact(folder, layer, cell)
    source, report = library.with_suffix(".mlir"), library.with_suffix(".json")
    source.write_text(make_module(layer, cell, weights_file(layer)))
    command = [find_tool("spk-compile"), source, "-o", library, "--emit=shared", "--explain=json", f"--explain-file={report}", *options]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{layer.name}, {cell.label}: spk-compile failed:\n{done.stderr}")
    return json.loads(report.read_text())["layers"][0]


def weights_file(layer: Layer) -> str:
    """Name of the weights of a layer."""
    return f"{artefact(Path(), layer, Cell(0.0)).stem.rsplit('_', 2)[0]}.safetensors"


def compile_layer(layer: Layer, cells: list[Cell], folder: Path, options: list[str]) -> tuple[Parameters, dict[str, dict[str, Any]]]:
    """Compile a layer for every cell."""
    parameters = make_parameters(layer, tuple(cells))
    if parameters.weights:
        save_weights(layer, parameters, folder / weights_file(layer))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        reports = pool.map(lambda cell: compile_cell(layer, cell, folder, options), cells)
        return parameters, {cell.label: report for cell, report in zip(cells, reports, strict=True)}


# ---------------------------------------------------------------------------------------------------------------------
# Measuring
# ---------------------------------------------------------------------------------------------------------------------


def compare(layer: Layer, cell: Cell, parameters: Parameters, ours: list[np.ndarray], sums: list[np.ndarray]) -> float:
    """The share of neurons that fire.

    Raises:
        SystemExit: if a compiled layer and another engine disagree on a spike.
    """
    rates = []
    for words, spikes in zip(ours, expected(layer, parameters, cell, sums), strict=True):
        fired = unpack(words, layer.outputs)
        different = int((fired != spikes).sum())
        if different:
            raise SystemExit(f"{layer.name}, {cell.label}: {different} of {spikes.size} spikes differ from those of another engine's sums")
        rates.append(float(fired.mean()))
    return statistics.mean(rates)


def measure(layer: Layer, cells: list[Cell], workers: dict[str, Worker], rounds: int, options: argparse.Namespace) -> list[Row]:
    """All cells of a layer, and the others on the same layer, in turns."""
    parameters, reports = compile_layer(layer, cells, options.folder, options.compile)
    ways = {name: worker.load(layer, cells) for name, worker in workers.items()}
    rates = {}
    for cell in cells:
        for index in range(options.answers):
            ours = workers["spk"].answer(cell.label, cell, index)
            for name in (name for name in workers if name != "spk"):
                for way in ways[name]:
                    rates[cell.label] = compare(layer, cell, parameters, ours, workers[name].answer(way, cell, index))
    samples: dict[tuple[str, str], list[tuple[float, bool]]] = {(name, way): [] for name in workers for way in ways[name]}
    for _ in range(rounds):
        for name, way in samples:
            samples[name, way] += workers[name].times(way)
    times = {key: usable(taken, options.threads_now) for key, taken in samples.items()}
    rivals = {}
    for name in workers:
        if name != "spk" and ways[name]:
            best = min(ways[name], key=lambda way: statistics.median(times[name, way]))
            rivals[name] = (statistics.median(times[name, best]), min(times[name, best]), best)
    rows = []
    for cell in cells:
        mine, report = times["spk", cell.label], reports[cell.label]
        rows.append(
            Row(
                layer=layer,
                cell=cell,
                threads=options.threads_now,
                median=statistics.median(mine),
                minimum=min(mine),
                rivals=rivals,
                summation=report.get("sum", ""),
                strategy=report["strategy"],
                fires=rates[cell.label],
                disturbed=statistics.mean(bad for _, bad in samples["spk", cell.label]),
                cycles_per_ms=options.frequency * 1e6 if options.frequency else None,
            )
        )
        say(f"   {layer.name} {cell.label}: {rows[-1].summary()}")
    return rows


def run(threads: int, options: argparse.Namespace) -> list[Row]:
    """All layers at one number of threads."""
    cpus = sorted(os.sched_getaffinity(0))[:threads]
    if len(cpus) < threads:
        raise SystemExit(f"{threads} threads need as many processors, there are {len(cpus)}")
    options.threads_now = threads
    rows: list[Row] = []
    for layer in options.chosen:
        cells = [cell for cell in cells_of(layer) if not options.quick or layer.kind == "first" or cell.density in QUICK_DENSITIES]
        if options.quick:
            cells = [cell for cell in cells if cell.joined == 1]
        if options.cells:
            cells = [cell for cell in cells if fnmatch.fnmatch(cell.label, options.cells)]
        if not cells:
            continue
        start = time.monotonic()
        say(f"{layer.name}, {threads} thread{'s' * (threads > 1)}")
        # New processes for every layer: none keeps the memory of the last one.
        workers = {name: Worker(name, options.folder, cpus) for name in ENGINES if python_of(name)}
        try:
            rows += measure(layer, cells, workers, options.rounds, options)
        finally:
            for worker in workers.values():
                worker.end()
        say(f"   {time.monotonic() - start:.0f} s")
    return rows


def main() -> int:
    """Measure, print, check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few layers, densities and rounds, in less than 90 s")
    parser.add_argument("--threads", default="1", help="numbers of threads (default: 1)")
    parser.add_argument("--layers", default="*", help="glob of layer names, for example 'conv*'")
    parser.add_argument("--cells", help="glob of inputs, for example '15 %%' or 'mean*'")
    parser.add_argument("--rounds", type=int, help="passes over the inputs (default: 7, quick 3)")
    parser.add_argument("--json", type=Path, help="write results there")
    parser.add_argument("--markdown", type=Path, help="write a table there")
    parser.add_argument("--check", action="store_true", help="exit code 1 if a target is missed and docs/benchmarks.md does not say so")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "benchmarks" / "kernels", help="where artefacts are kept")
    parser.add_argument("compile", nargs="*", help="after --: further options of spk-compile, for example --strategy=NAME")
    parser.add_argument("--worker", choices=tuple(ENGINES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.worker:
        serve(ENGINES[options.worker](options.folder, int(options.threads)))
        return 0
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.answers = 1 if options.quick else 2
    patterns = QUICK_LAYERS if options.quick and options.layers == "*" else (options.layers,)
    options.chosen = [layer for layer in LAYERS if any(fnmatch.fnmatch(layer.name, p) for p in patterns)]
    if not options.chosen:
        parser.error(f"no layer {options.layers}: there are {', '.join(layer.name for layer in LAYERS)}")
    if not python_of("OpenVINO"):
        say("OpenVINO is not installed; benchmarks/run.py does that. Its matmul is the fastest known rival of the attention core.")
    options.frequency = frequency(options.folder)
    rows = [row for threads in options.threads.split(",") for row in run(int(threads), options)]
    lines = make_lines(rows)
    print_table(rows, lines, options.frequency)
    if options.markdown:
        options.markdown.write_text(print_markdown(rows, lines, options.frequency))
    if options.json:
        record = {"lines": lines, "rows": [row.record() for row in rows], "frequency_ghz": options.frequency}
        options.json.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return check(lines, (ROOT / "docs" / "benchmarks.md").read_text(), say) if options.check else 0


if __name__ == "__main__":
    sys.exit(main())
