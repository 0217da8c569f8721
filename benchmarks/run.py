"""Compiled networks against OpenVINO, ONNX Runtime and PyTorch.

    python benchmarks/run.py [--quick] [--check] [--models ...] [--peers ...] [--json FILE] [--markdown FILE]

Makes networks on a dyadic grid at published densities, exports and compiles
them for every engine, and runs the engines in turns, each in a process of its
own. Answers in fp32 must agree to 1e-5 of the largest output. See
benchmarks/README.md; the peers go into a virtual environment in
build/benchmarks.

Exit codes: 0 done, 1 with --check if a line falls short that docs/benchmarks.md
does not list, 2 bad option, 3 the run is worthless or failed.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lines
import numpy as np
import report
from engines import ENGINES
from machine import flags, has_bf16
from measuring import Cell, Result, measure
from stages import HERE, ROOT, Site, StageError, compile_network, compile_sizes, environment, heartbeat, peers_python, prepare, say, sites

MODELS = ("spikformer-4-384", "spikformer-8-512", "spikingformer-8-512", "sdt-8-512")
SEW = ("spikformer-4-384", "spikformer-8-512")  # integer streams
PEERS = tuple(name for name in ENGINES if name not in ("spk", "onednn"))
QUICK_PEERS = ("openvino", "openvino-bf16", "openvino-int8")
COMPILED = "spikformer-8-512"  # whose compile times are taken at other depths and time steps
STARTS = 5


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", help=f"comma-separated, of {', '.join(MODELS)} (default: all)")
    parser.add_argument("--peers", help=f"comma-separated, of {', '.join(PEERS)}, or none (default: all, quick: {', '.join(QUICK_PEERS)})")
    parser.add_argument("--threads", default="1,2", help="numbers of threads (default: 1,2)")
    parser.add_argument("--batch", default="1,8", help="batch sizes (default: 1,8; quick: 8 for spikformer-8-512 at most threads)")
    parser.add_argument("--rounds", type=int, help="passes over the 16 inputs (default: 3, quick: 1)")
    parser.add_argument("--quick", action="store_true", help="few rounds and peers, in less than 8 minutes")
    parser.add_argument("--check", action="store_true", help="exit code 1 if a line falls short that docs/benchmarks.md does not list")
    parser.add_argument("--no-kernels", action="store_true", help="leave out benchmarks/kernels.py")
    parser.add_argument("--no-compile-times", action="store_true", help="leave out compiling at other depths and time steps")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "benchmarks", help="where files are kept")
    options = parser.parse_args(arguments)

    def chosen(text: str | None, known: tuple[str, ...], default: tuple[str, ...], what: str) -> list[str]:
        names = list(default) if text is None else [name for name in text.split(",") if name not in ("", "none")]
        unknown = [name for name in names if name not in known]
        if unknown:
            parser.error(f"no {what} {', '.join(unknown)}: there are {', '.join(known)}")
        return names

    def counts(text: str, what: str) -> list[int]:
        if not all(part.isdigit() and int(part) > 0 for part in text.split(",")):
            parser.error(f"{what} must be positive numbers, got {text}")
        return [int(part) for part in text.split(",")]

    quick_peers = QUICK_PEERS if has_bf16(flags()) else tuple(name for name in QUICK_PEERS if name != "openvino-bf16")
    options.models = chosen(options.models, MODELS, MODELS, "model")
    options.peers = chosen(options.peers, PEERS, quick_peers if options.quick else PEERS, "peer")
    options.threads = counts(options.threads, "--threads")
    options.batch = counts(options.batch, "--batch")
    options.rounds = options.rounds or (1 if options.quick else 3)
    available = len(os.sched_getaffinity(0))
    if max(options.threads) > available:
        parser.error(f"{max(options.threads)} threads need as many processors, there are {available}")
    options.folder.mkdir(parents=True, exist_ok=True)
    return options


def batches_of(name: str, options: argparse.Namespace) -> list[int]:
    """Batch sizes to measure of a network."""
    small = options.quick and name != COMPILED
    return [batch for batch in options.batch if batch == 1 or not small] or options.batch


def threads_of(batch: int, options: argparse.Namespace) -> list[int]:
    """Numbers of threads to measure a batch size at."""
    return [max(options.threads)] if options.quick and batch > 1 else options.threads


def runs_on(name: str, batch: int) -> bool:
    """Whether an engine is measured at a batch size: compiling graphs of large batches by PyTorch takes minutes."""
    return batch == 1 or name not in ("compile", "aoti")


def kinds_of(name: str, options: argparse.Namespace) -> list[str]:
    """What ``peers.py`` has to make of a network."""
    kinds: list[str] = []
    for peer in options.peers:
        engine = ENGINES[peer]
        sizes = [batch for batch in batches_of(name, options) if runs_on(peer, batch)]
        kinds += [f"{kind}:1" for kind in (*engine.needs_one, *engine.needs) if sizes]
        kinds += [f"{kind}:{batch}" for batch in sizes for kind in engine.needs]
    return sorted(set(kinds), key=lambda kind: (("onnx", "int8", "aoti").index(kind.split(":")[0]), kind))


def start_program(site: Site, folder: Path) -> dict[str, float]:
    """Time from process start to the end of the first answer, and peak memory, of a program that runs nothing else."""
    first = site.folder / "first.npy"
    np.save(first, np.load(site.folder / "inputs.npy")[:1])
    command = [str(site.folder / "net"), str(first), "--output", str(site.folder / "first-output.npy")]
    took, peak = [], 0
    for _ in range(STARTS):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment(folder, 1))
        _, status, usage = os.wait4(process.pid, 0)
        took.append(1e3 * (time.perf_counter() - start))
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise StageError(f"{' '.join(command)} ended with exit code {process.returncode}")
        peak = max(peak, usage.ru_maxrss * 1024)
    return {"first_answer": statistics.median(took), "peak_bytes": peak}


def measure_network(site: Site, python: Path | None, options: argparse.Namespace) -> list[Result]:
    """All batch sizes and numbers of threads."""
    results = []
    small = "4-384" in site.name
    for batch in batches_of(site.name, options):
        names = ["spk", *(name for name in options.peers if runs_on(name, batch))]
        names += ["onednn"] if python else []
        for threads in threads_of(batch, options):
            # Of a large batch few calls: each works through all its weights, and four of 8 images have all 16 in them.
            rounds, inputs, turn = options.rounds, 16, 16 if small else 8
            if small:
                rounds *= 2
            if batch > 1:
                rounds, inputs, turn = max(1, options.rounds // 2), 16 if small else 4, 4
            label = f"{site.name}, batch {batch}, {lines.threads_label(threads)}: {', '.join(names)}"
            with heartbeat(label):
                cell = Cell(site, batch, threads, rounds, inputs, turn, max(1, turn // 2) if options.quick else turn)
                new = measure(cell, {name: ENGINES[name] for name in names}, python, options.folder)
            say("   " + ", ".join(f"{result.label} {result.median:.1f}" for result in new))
            results += new
    return results


def compile_times(options: argparse.Namespace) -> list[lines.Line]:
    """Of other depths and time steps; the best of three, quick of two."""
    sizes = [(4, 16), (16, 8), (4, 8), (4, 4)]
    best: dict[tuple[int, int], float] = {}
    with heartbeat(f"compiling {COMPILED} at other depths and time steps"):
        for _ in range(2 if options.quick else 3):
            taken = compile_sizes(COMPILED, sizes, options.folder)
            best = {size: min(seconds, best.get(size, seconds)) for size, seconds in taken.items()}
    return lines.compilation(COMPILED, best)


def kernels(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Lines of ``kernels.py``."""
    file = options.folder / "kernels.json"
    command = [sys.executable, str(HERE / "kernels.py"), "--json", str(file), *(["--quick"] if options.quick else [])]
    with heartbeat("benchmarks/kernels.py"):
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise StageError(f"{' '.join(command)} ended with exit code {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(file.read_text())["lines"]


def execute(options: argparse.Namespace) -> int:
    """The whole benchmark."""
    chosen = sites(options.models, options.folder)
    with ThreadPoolExecutor(1) as installer:
        python_made = installer.submit(lambda: peers_python(options.folder) if options.peers else None)
        prepare(chosen, python_made.result, {site.name: kinds_of(site.name, options) for site in chosen}, options.folder)
        python = python_made.result()
    results: list[Result] = []
    found: list[dict[str, Any]] = []
    for site in chosen:
        with heartbeat(f"{site.name}: compiling"):
            facts = compile_network(site, batches_of(site.name, options), options.folder)
        facts |= start_program(site, options.folder)
        mine = measure_network(site, python, options)
        results += mine
        inference = next((r.median for r in mine if (r.engine, r.batch, r.threads) == ("spk", 1, 1)), None)
        if "8-512" in site.name:
            found += [line.record() for line in lines.program(site.name, facts, inference)]
        for r in mine:
            if r.engine == "spk":
                r.made_seconds = sum(facts["seconds"][part] for part in ("import", "compile"))
                if r.batch == r.threads == 1:
                    r.first_answer, r.peak_bytes = facts["first_answer"], facts["peak_bytes"]
    found = [line.record() for line in lines.speed(results, SEW)] + found
    if COMPILED in options.models and not options.no_compile_times:
        found += [line.record() for line in compile_times(options)]
    if not options.no_kernels:
        found += kernels(options)

    knowledge = {site.name: site.facts for site in chosen}
    densities = {name: facts["densities"] for name, facts in knowledge.items()}
    told = report.conditions(results)
    tables = [
        report.line_rows(found),
        report.summary_rows(results),
        report.result_rows(results, {name: facts["gmac"] for name, facts in knowledge.items()}),
        report.density_rows(densities),
    ]
    print("\n".join(f"{key:16s} {value}" for key, value in told.items()))
    print("\n" + "\n\n".join(report.plain(rows) for rows in reversed(tables)))
    if options.markdown:
        text = "; ".join(f"{key} {value}" for key, value in told.items()) + ".\n\n"
        options.markdown.write_text(text + "\n\n".join(report.markdown(rows) for rows in tables) + "\n")
    faults = lines.faults(results, densities)
    if options.json:
        content = {"conditions": told, "lines": found, "results": [asdict(r) for r in results], "densities": densities, "faults": faults}
        options.json.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    for fault in faults:
        say(f"error: {fault}")
    if faults:
        return 3
    unknown = lines.unexplained(found, (ROOT / "docs" / "benchmarks.md").read_text())
    for name in unknown:
        say(f"falls short, and docs/benchmarks.md does not list it: {name}")
    return 1 if options.check and unknown else 0


def main() -> int:
    """Run, one at a time."""
    options = parse()
    with (options.folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run works in {options.folder}; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        return guarded(options)


def guarded(options: argparse.Namespace) -> int:
    """Run, and say what went wrong."""
    start = time.monotonic()
    try:
        return execute(options)
    except StageError as error:
        say(f"error: {error}")
        return 3
    finally:
        say(f"{time.monotonic() - start:.0f} s in all")


if __name__ == "__main__":
    sys.exit(main())
