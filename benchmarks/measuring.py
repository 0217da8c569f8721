"""Runs engines in turns and collects what they took."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from stages import HERE, Site, StageError, environment

INPUTS = 16
PAUSE = 0.3  # seconds until the idle threads of an OpenMP library sleep
TURNS = {"onednn": 2}  # timed calls per round of what is no network


@dataclass
class Result:
    """What one engine did with a network; times in ms."""

    engine: str
    label: str
    fp32: bool
    network: str
    batch: int
    threads: int
    median: float = 0.0
    minimum: float = 0.0
    disturbed: float = 0.0  # share of calls during which another process took the processor
    difference: float = 0.0  # of outputs to those of PyTorch, relative to the largest
    first_answer: float = 0.0  # ms from the start of the process, Python included; at one thread
    load_seconds: float = 0.0  # until the network was ready to run
    made_seconds: float = 0.0  # to make what was loaded
    file_bytes: int = 0
    peak_bytes: int = 0
    version: str = ""
    split: bool = False  # image by image
    times: list[float] = field(default_factory=list)


class Worker:
    """The other end of ``engines.py``, pinned to the first processors."""

    def __init__(self, name: str, site: Site, threads: int, batch: int, python: Path | None, folder: Path) -> None:
        cpus = sorted(os.sched_getaffinity(0))[:threads]
        self.name = name
        self.answers = folder / f"answers-{name}.npz"
        self.answers.unlink(missing_ok=True)
        arguments = [name, site.name, "--folder", site.folder, "--peer-folder", site.peers]
        arguments += ["--threads", threads, "--batch", batch, "--answers", self.answers]
        command = [str(part) for part in (python or sys.executable, HERE / "engines.py", *arguments)]
        self.log = (folder / f"log-{name}.txt").open("w+")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=environment(folder, threads),
            preexec_fn=lambda: os.sched_setaffinity(0, cpus),
        )

    def read(self) -> Any:
        """The next reply.

        Raises:
            StageError: with what the worker said, if it ended.
        """
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.log.seek(0)
            raise StageError(f"{self.name} ended with exit code {code}:\n{self.log.read()[-3000:]}")
        return json.loads(line)

    def turn(self, which: list[int]) -> Any:
        """Let it time these inputs."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(which) + "\n")
        self.process.stdin.flush()
        return self.read()

    def end(self) -> None:
        """Let the process save its answers and end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        self.log.close()


def usable(times: list[tuple[float, bool]], threads: int) -> list[float]:
    """Times to take the median of: with several threads those of calls that were not disturbed, where enough are left."""
    clean = [took for took, disturbed in times if not disturbed]
    return clean if threads > 1 and len(clean) >= max(4, len(times) // 4) else [took for took, _ in times]


def difference(answers: Path, expected: np.ndarray, batch: int) -> float:
    """The largest difference to the expected outputs of all inputs answered, relative to the largest of them."""
    worst = 0.0
    with np.load(answers) as arrays:
        for name in arrays.files:
            rows = [(int(name) + j) % len(expected) for j in range(batch)]
            want = expected[rows].astype(np.float64)
            worst = max(worst, float(np.abs(arrays[name] - want).max() / np.abs(want).max()))
    return worst


@dataclass(frozen=True)
class Cell:
    """A network at a batch size and a number of threads, and how often it is run."""

    site: Site
    batch: int
    threads: int
    rounds: int
    inputs: int  # timed per round, of 16; fewer lie evenly among them
    turn: int  # of these in a row
    others: int  # of a turn that the others time: their work does not depend on the spikes


def introduce(cell: Cell, engine: Any, worker: Worker) -> Result:
    """Wait until a worker has given its first answer, and note what it says of itself."""
    ready = worker.read()
    result = Result(worker.name, engine.label, engine.fp32, cell.site.name, cell.batch, cell.threads)
    if cell.threads == 1:
        result.first_answer = 1e3 * (ready["answered"] - worker.started)
    size = 1 if ready["split"] else cell.batch
    result.made_seconds = sum(cell.site.seconds(f"{kind}-{size}") for kind in (*engine.needs, *engine.needs_one))
    result.load_seconds, result.version = ready["load_seconds"], ready["version"]
    result.file_bytes, result.split = ready["bytes"], ready["split"]
    return result


def measure(cell: Cell, engines: dict[str, Any], python: Path | None, folder: Path) -> list[Result]:
    """All engines on a cell, in turns.

    Raises:
        StageError: if an engine fails.
    """
    results: dict[str, Result] = {}
    workers: dict[str, Worker] = {}
    timed: dict[str, list[tuple[float, bool]]] = {name: [] for name in engines}
    expected = np.load(cell.site.folder / "outputs.npy")
    try:
        # At one thread one after another, so that the time to the first answer is not disturbed; where an engine
        # chooses how to run a batch, too.
        together = cell.threads > 1 and cell.batch == 1
        for name, engine in engines.items():
            workers[name] = Worker(name, cell.site, cell.threads, cell.batch, python if engine.peers else None, folder)
            if not together:
                results[name] = introduce(cell, engine, workers[name])
        if together:
            results = {name: introduce(cell, engine, workers[name]) for name, engine in engines.items()}
        names = list(engines)
        for number in range(cell.rounds * cell.inputs // cell.turn):
            which = [(number * cell.turn + i) * (INPUTS // cell.inputs) % INPUTS for i in range(cell.turn)]
            shifted = names[number % len(names) :] + names[: number % len(names)]
            for name in shifted:
                time.sleep(PAUSE if cell.threads > 1 else 0.05)
                mine = which if name == "spk" else which[: TURNS.get(name, cell.others)]
                reply = workers[name].turn(mine)
                timed[name] += [(took, disturbed) for took, disturbed in reply["times"]]
                results[name].peak_bytes = reply["peak"]
    finally:
        for worker in workers.values():
            worker.end()
    for name, result in results.items():
        times = usable(timed[name], cell.threads)
        result.median, result.minimum, result.times = statistics.median(times), min(times), times
        result.disturbed = statistics.mean(disturbed for _, disturbed in timed[name])
        if engines[name].network:
            result.difference = difference(workers[name].answers, expected, cell.batch)
    return list(results.values())
