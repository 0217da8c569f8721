"""Measures the constants by which ``spk-compile --cost-model`` chooses strategies.

Small layers are compiled with a known strategy each and timed on one processor.
How often each constant counts in what the compiler expects of a layer is asked
from the compiler itself: with one constant at 1 and all others at 0, its
estimate is that count. The constants then follow by least squares of relative
errors, none of them negative.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from spk.artefact import CompiledModel, load
from spk.calibration_layers import LAYERS, MicroLayer, module_text, quick_layers
from spk.tools import run_tool

__all__ = ["CONSTANTS", "Calibration", "calibrate", "fit"]

CONSTANTS = {
    "row_per_spike": "adding the weight row of a set bit",
    "row_per_word": "going through a word of 64 inputs for its set bits",
    "sorted_row_per_word": "the same at positions in the order of their spikes",
    "sort_per_word": "sorting a position by a word, for all output channels",
    "table_per_lookup": "adding the table entry of a group",
    "table_per_entry": "computing a table entry",
    "select_per_input": "adding a weight row or zero",
    "fma_per_input": "multiplying and adding the row of a float",
    "sum_per_plane": "adding the sum of a further bit plane",
    "attention_qk_first": "64 multiply-accumulates of attention, Q Kᵀ first",
    "attention_kv_first": "64 multiply-accumulates of attention, Kᵀ V first",
    "finish_per_sum": "norm, neuron and packing of a sum",
}
_INPUTS = 8  # that take turns: a branch predictor learns the spikes of one
_UNIT = 1e6  # estimates are rounded to whole nanoseconds


@dataclass(frozen=True)
class Calibration:
    """Constants and how well they fit.

    Attributes:
        cpu: processor that the code was made for.
        nanoseconds: the constants, each for 64 output channels.
        caches: bytes of the data caches of a core, ``l1_bytes`` and ``l2_bytes``.
        layers: layers that were measured.
        measured: nanoseconds that each took.
        estimated: nanoseconds that the constants give.
    """

    cpu: str
    nanoseconds: dict[str, float]
    caches: dict[str, int]
    layers: Sequence[MicroLayer]
    measured: Sequence[float]
    estimated: Sequence[float]

    @property
    def errors(self) -> list[float]:
        """Relative error of the estimate of every layer."""
        return [estimate / time - 1 for estimate, time in zip(self.estimated, self.measured, strict=True)]

    def write(self, file: str | Path) -> None:
        """Write what ``spk-compile --cost-model`` reads."""
        sizes = list(map(abs, self.errors))
        record = {
            "cpu": self.cpu,
            "nanoseconds": self.nanoseconds,
            "caches": self.caches,
            "fit": {"layers": len(sizes), "median_error": statistics.median(sizes), "largest_error": max(sizes)},
        }
        Path(file).write_text(json.dumps(record, indent=1) + "\n")

    def __str__(self) -> str:
        lines = [f"{'constant':20} {'ns':>8}  of 64 output channels"]
        lines += [f"{name:20} {value:8.3f}  {CONSTANTS[name]}" for name, value in self.nanoseconds.items()]
        lines += ["", f"{'layer':26} {'strategy':18} {'measured':>10} {'estimate':>10} {'error':>7}"]
        for layer, taken, estimate, error in zip(self.layers, self.measured, self.estimated, self.errors, strict=True):
            lines.append(f"{layer.name:26} {layer.strategy:18} {taken / 1e3:7.1f} µs {estimate / 1e3:7.1f} µs {100 * error:+6.1f}%")
        sizes = list(map(abs, self.errors))
        lines += ["", f"error of the fit: median {100 * statistics.median(sizes):.1f} %, largest {100 * max(sizes):.1f} %"]
        return "\n".join(lines)


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def cache_sizes(root: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> dict[str, int]:
    """Bytes of the data caches of a core; common ones where the system does not say."""
    sizes = {"l1_bytes": 32 << 10, "l2_bytes": 1 << 20}
    for index in sorted(root.glob("index*")):
        level, kind, size = (_read(index / name) for name in ("level", "type", "size"))
        match = re.fullmatch(r"(\d+)([KM])", size)
        if match and kind in ("Data", "Unified") and f"l{level}_bytes" in sizes:
            sizes[f"l{level}_bytes"] = int(match[1]) << {"K": 10, "M": 20}[match[2]]
    return sizes


# ---------------------------------------------------------------------------------------------------------------------
# What the compiler expects
# ---------------------------------------------------------------------------------------------------------------------


def _save_weights(layers: Sequence[MicroLayer], file: Path) -> None:
    tensors = {f"{key}{i}": value for i, layer in enumerate(layers) for key, value in layer.weights(np.random.default_rng(i)).items()}
    if tensors:
        save_file(tensors, file)


def _write(layers: Sequence[MicroLayer], stem: Path) -> Path:
    _save_weights(layers, stem.with_suffix(".safetensors"))
    stem.with_suffix(".mlir").write_text(module_text(list(layers), f"{stem.name}.safetensors"))
    return stem.with_suffix(".mlir")


def count(layers: Sequence[MicroLayer], caches: dict[str, int], folder: Path) -> np.ndarray:
    """How often every constant counts in the estimate of every layer, ``[layers, constants]``."""
    source = _write(layers, folder / "all")

    def column(constant: str) -> list[float]:
        file = folder / f"{constant}.json"
        nanoseconds = {name: _UNIT * (name == constant) for name in CONSTANTS}
        file.write_text(json.dumps({"cpu": constant, "nanoseconds": nanoseconds, "caches": caches}))
        done = run_tool("spk-compile", [source, "--compile-to=packed", "--explain=json", f"--cost-model={file}"])
        reports = {report["layer"]: report["estimates_ms"] for report in json.loads(done.stdout)["layers"]}
        estimates = []
        for i, layer in enumerate(layers):
            prefix = "attention_" if layer.is_attention else ""
            estimates.append(reports[str(i)][prefix + layer.strategy] * 1e6 / _UNIT)
        return estimates

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.array(list(pool.map(column, CONSTANTS))).T


# ---------------------------------------------------------------------------------------------------------------------
# What layers take
# ---------------------------------------------------------------------------------------------------------------------


def _compile(layer: MicroLayer, stem: Path, target_cpu: str) -> Path:
    library = stem.with_suffix(".so")
    options = ["--emit=shared", "--openmp=none", f"--target-cpu={target_cpu}"]
    if not layer.is_attention:
        options.append(f"--strategy={layer.strategy}")
    run_tool("spk-compile", [_write([layer], stem), "-o", library, *options])
    return library


def _bind(model: CompiledModel, layer: MicroLayer) -> list[Callable[[], Any]]:
    """A call for each of several inputs, through the C interface without copies or checks of shapes."""
    random = np.random.default_rng(0)
    outputs = [np.empty(o.shape, o.dtype) for o in model.outputs]
    into = model._pointers(outputs)

    def bind(inputs: list[np.ndarray]) -> Callable[[], Any]:
        given, run, handle = model._pointers(inputs), model._api.run, model._handle
        return lambda keep=(inputs, outputs): model._check(run(handle, given, into))

    return [bind(layer.make_input(random)) for _ in range(_INPUTS)]


def _measure(calls: list[list[Callable[[], Any]]], rounds: int) -> list[float]:
    """Nanoseconds per call of every layer: the mean over its inputs of the shortest of all rounds."""
    shortest = np.full((len(calls), _INPUTS), np.inf)
    for _ in range(rounds):
        for i, layer in enumerate(calls):
            layer[-1]()  # the other layers emptied the caches
            for j, call in enumerate(layer):
                start = time.perf_counter_ns()
                call()
                shortest[i, j] = min(shortest[i, j], time.perf_counter_ns() - start)
    return shortest.mean(axis=1).tolist()


def fit(counts: np.ndarray, measured: Sequence[float]) -> np.ndarray:
    """Constants that are not negative and minimise the squares of relative errors."""
    relative = counts / np.asarray(measured)[:, None]
    used = np.ones(counts.shape[1], bool)
    solution = np.zeros(counts.shape[1])
    while used.any():
        found = np.linalg.lstsq(relative[:, used], np.ones(len(counts)), rcond=None)[0]
        if (found >= 0).all():
            solution[used] = found
            break
        used[np.flatnonzero(used)[np.argmin(found * np.linalg.norm(relative[:, used], axis=0))]] = False
    return solution


def calibrate(target_cpu: str = "host", *, rounds: int = 40, quick: bool = False) -> Calibration:
    """Measure this machine.

    Args:
        target_cpu: processor to make code for; this machine must be able to run it.
        rounds: how often every layer runs on every input.
        quick: measure the fewest layers that determine all constants.

    Raises:
        ToolError: if a layer cannot be compiled.
        ArtefactError: if this machine cannot run it.
    """
    layers = quick_layers() if quick else list(LAYERS)
    caches = cache_sizes()
    allowed = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory(prefix="spk-calibrate-") as name:
        folder = Path(name)
        counts = count(layers, caches, folder)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            jobs = [(layer, folder / f"layer{i}", target_cpu) for i, layer in enumerate(layers)]
            libraries = list(pool.map(lambda job: _compile(*job), jobs))
        models = [load(library) for library in libraries]
        try:
            os.sched_setaffinity(0, {min(allowed)})
            calls = [_bind(model, layer) for model, layer in zip(models, layers, strict=True)]
            measured = _measure(calls, rounds)
        finally:
            os.sched_setaffinity(0, allowed)
    constants = fit(counts, measured)
    values = dict(zip(CONSTANTS, constants.tolist(), strict=True))
    return Calibration(models[0].metadata()["target_cpu"], values, caches, layers, measured, (counts @ constants).tolist())
