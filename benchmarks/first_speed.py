"""Compiled models against PyTorch eager, at equal threads and batch 1.

    python benchmarks/first_speed.py [--models digits,4-384,8-512] [--threads 1,2] [--rounds 5] [--markdown | --json]

For every model: compile it with ``spk.compile``, then run it and PyTorch in
turns, each in a process of its own, over the same rotating inputs.  PyTorch
runs eager with batch norm folded and the first convolution computed once (see
``eager.py``).  Random models are calibrated so that every neuron layer fires
at a rate between 2 % and 60 %.  Files are kept in ``build/benchmarks``.

Goals, as the ratio of median times: digits and 4-384 at least 1.5, 8-512 at
least 1.  Nothing fails if they are missed: this is a measurement and no test.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
INPUTS = 16  # that take turns: a branch predictor learns the spikes of one
GOALS = {"digits": 1.5, "4-384": 1.5, "8-512": 1.0}
SETTLE = 0.4  # seconds until the idle threads of an OpenMP library sleep

sys.path[:0] = [str(ROOT / "examples" / "digits"), str(ROOT / "examples")]


@dataclass
class Row:
    """One model at one number of threads; times in milliseconds."""

    model: str
    threads: int
    pytorch_median: float
    pytorch_min: float
    spk_median: float
    spk_min: float
    goal: float
    compile_seconds: float
    artefact_mib: float
    max_difference: float
    top1_agreement: float

    @property
    def ratio(self) -> float:
        """How many times faster the compiled model is, by medians."""
        return self.pytorch_median / self.spk_median

    @property
    def best_ratio(self) -> float:
        """The same by minima, which other work on the machine disturbs least."""
        return self.pytorch_min / self.spk_min


def say(text: str) -> None:
    """Progress goes to standard error, results to standard output."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def heartbeat(what: str) -> Iterator[None]:
    """Say every few seconds that something is still going on."""
    done = Event()
    start = time.monotonic()

    def beat() -> None:
        while not done.wait(8):
            say(f"   ... {what}: {time.monotonic() - start:.0f} s")

    thread = Thread(target=beat, daemon=True)
    say(what)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


# ---------------------------------------------------------------------------------------------------------------------
# Models
# ---------------------------------------------------------------------------------------------------------------------


def build(name: str, weights: Path) -> Any:
    """A model in eval mode; random ones are calibrated once and their weights kept in ``weights``."""
    import torch
    from safetensors.torch import load_file, save_file
    from spk.dyadic import calibrate

    if name == "digits":
        from model import build as build_digits

        return build_digits()
    from spikformer.spikformer import spikformer_cifar, spikformer_imagenet

    torch.manual_seed(0)
    model = {"4-384": spikformer_cifar, "8-512": spikformer_imagenet}[name]().eval()
    if weights.exists():
        model.load_state_dict(load_file(weights))
    else:
        with heartbeat(f"{name}: calibrating"):
            calibrate(model, model.example())
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, weights)
    return model.eval()


def make_inputs(name: str, model: Any) -> np.ndarray:
    """``INPUTS`` different images: held-out digits, or random ones."""
    if name == "digits":
        import data

        return data.load()[2][:INPUTS].numpy()
    return np.concatenate([model.example(seed=i)[0].numpy() for i in range(INPUTS)])


# ---------------------------------------------------------------------------------------------------------------------
# Measuring: a worker holds one implementation and runs when it is told to
# ---------------------------------------------------------------------------------------------------------------------


def worker(kind: str, name: str, folder: Path, threads: int) -> None:
    """Answer every line on standard input with the times of one pass over the inputs, in ms."""
    inputs = np.load(folder / f"{name}.inputs.npy")
    call: Callable[[np.ndarray], np.ndarray]
    if kind == "spk":
        from spk import load

        call = load(folder / f"{name}.so", threads)
    else:
        import torch
        from eager import fold, forward

        torch.set_num_threads(threads)
        model = fold(build(name, folder / f"{name}.calibrated.safetensors"))
        call = lambda x: forward(model, torch.from_numpy(x)).numpy()  # noqa: E731
    images = [np.ascontiguousarray(inputs[i : i + 1]) for i in range(len(inputs))]
    np.save(folder / f"{name}.{kind}.{threads}.npy", np.concatenate([call(x) for x in images]))  # warms up, too
    print("ready", flush=True)
    for _ in sys.stdin:
        times = []
        for x in images:
            start = time.perf_counter()
            call(x)
            times.append(1e3 * (time.perf_counter() - start))
        print(json.dumps(times), flush=True)


class Worker:
    """The other end of :func:`worker`."""

    def __init__(self, kind: str, name: str, folder: Path, threads: int) -> None:
        command = [sys.executable, __file__, "--worker", kind, "--models", name, "--threads", str(threads), "--folder", folder]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.read()

    def read(self) -> str:
        """The next line; the worker's own message if it ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a worker ended with exit code {self.process.wait()}")
        return line

    def times(self) -> list[float]:
        """One pass over the inputs."""
        assert self.process.stdin is not None
        time.sleep(SETTLE)
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.read())

    def end(self) -> None:
        """Let the process end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def measure(name: str, threads: list[int], rounds: int, folder: Path) -> list[Row]:
    """Compile a model and measure it at each number of threads."""
    import spk

    model = build(name, folder / f"{name}.calibrated.safetensors")
    inputs = make_inputs(name, model)
    np.save(folder / f"{name}.inputs.npy", inputs)
    import torch

    with heartbeat(f"{name}: compiling"):
        start = time.monotonic()
        spk.compile(model, torch.from_numpy(inputs[:1]), output=folder / f"{name}.so", openmp=True)
        seconds = time.monotonic() - start
    size = (folder / f"{name}.so").stat().st_size / 2**20
    rows = []
    for count in threads:
        with heartbeat(f"{name}: {rounds} rounds of {INPUTS} inputs at {count} thread{'s' * (count > 1)}"):
            workers = {kind: Worker(kind, name, folder, count) for kind in ("pytorch", "spk")}
            times: dict[str, list[float]] = {kind: [] for kind in workers}
            for _ in range(rounds):
                for kind, process in workers.items():
                    times[kind] += process.times()
            for process in workers.values():
                process.end()
        a, b = (np.load(folder / f"{name}.{kind}.{count}.npy") for kind in ("pytorch", "spk"))
        median = {kind: statistics.median(t) for kind, t in times.items()}
        rows.append(
            Row(
                model=name,
                threads=count,
                pytorch_median=median["pytorch"],
                pytorch_min=min(times["pytorch"]),
                spk_median=median["spk"],
                spk_min=min(times["spk"]),
                goal=GOALS[name],
                compile_seconds=seconds,
                artefact_mib=size,
                max_difference=float(np.abs(a - b).max()),
                top1_agreement=float((a.argmax(1) == b.argmax(1)).mean()),
            )
        )
        say(f"{name}: PyTorch {rows[-1].pytorch_median:.2f} ms, spk {rows[-1].spk_median:.2f} ms")
    return rows


# ---------------------------------------------------------------------------------------------------------------------
# Results
# ---------------------------------------------------------------------------------------------------------------------


def processor() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def facts(folder: Path, names: list[str]) -> dict[str, Any]:
    """What the numbers depend on."""
    import spk
    import torch

    metadata = spk.load(folder / f"{names[0]}.so").metadata()
    return {
        "date": date.today().isoformat(),
        "processor": f"{processor()}, {os.cpu_count()} available",
        "spk": f"{metadata['compiler_version']} for {metadata['target_cpu']}",
        "pytorch": f"{torch.__version__}, eager, batch norm folded, first convolution once",
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f} in the last minute",
    }


HEAD = ("model", "threads", "PyTorch ms", "(min)", "spk ms", "(min)", "ratio", "(min)", "goal", "max. difference", "top-1 agreement")


def cells(row: Row) -> list[str]:
    """A row of the table."""
    times = [f"{t:.2f}" for t in (row.pytorch_median, row.pytorch_min, row.spk_median, row.spk_min)]
    answers = [f"{row.max_difference:.2g}", f"{row.top1_agreement:.1%}"]
    return [row.model, str(row.threads), *times, f"{row.ratio:.2f}", f"{row.best_ratio:.2f}", f"{row.goal:.1f}", *answers]


def print_table(rows: list[Row], conditions: dict[str, Any], markdown: bool) -> None:
    """For people."""
    table = [list(HEAD), *(cells(row) for row in rows)]
    if markdown:
        print("; ".join(f"{key} {value}" for key, value in conditions.items()) + ".\n")
        print("| " + " | ".join(table[0]) + " |")
        print("|" + "---|" * len(HEAD))
        for line in table[1:]:
            print("| " + " | ".join(line) + " |")
        return
    for key, value in conditions.items():
        print(f"{key:10s} {value}")
    widths = [max(len(line[i]) for line in table) for i in range(len(HEAD))]
    for line in table:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(GOALS), help="from digits, 4-384, 8-512 (default: all)")
    parser.add_argument("--threads", default="1,2", help="numbers of threads (default: 1,2)")
    parser.add_argument("--rounds", type=int, default=5, help=f"passes over the {INPUTS} inputs (default: 5)")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "benchmarks", help="where files are kept")
    style = parser.add_mutually_exclusive_group()
    style.add_argument("--markdown", action="store_true", help="print a Markdown table")
    style.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--worker", choices=("spk", "pytorch"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = options.models.split(",")
    unknown = [name for name in names if name not in GOALS]
    if unknown:
        parser.error(f"no model {', '.join(unknown)}: there are {', '.join(GOALS)}")
    threads = [int(t) for t in options.threads.split(",")]
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.worker:
        worker(options.worker, names[0], options.folder, threads[0])
        return 0
    rows = [row for name in names for row in measure(name, threads, options.rounds, options.folder)]
    conditions = facts(options.folder, names)
    if options.json:
        records = [{**asdict(row), "ratio": row.ratio, "best_ratio": row.best_ratio} for row in rows]
        print(json.dumps({"conditions": conditions, "rows": records}, indent=2))
    else:
        print_table(rows, conditions, options.markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
