"""The parts of benchmarks/kernels.py that need no clock: inputs, expected answers, targets."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import kernels
from kernels_engines import OneDNN, OpenBLAS, Spk
from kernels_layers import IMAGE, INPUTS, LAYERS, STREAMS, Cell, Layer, cells_of, expected, fire, make_input, make_parameters, pack, unpack
from kernels_report import LANES, Row, check, make_lines, ones_per_input, usable

SPARSE = Cell(0.25)
TINY = {
    "linear": (Layer("tiny linear", "linear", 70, 65, 5, parts=2), SPARSE),
    "stream": (Layer("tiny stream", "linear", 70, 65, 5), Cell(0.25, 5)),
    "conv": (Layer("tiny conv", "conv", 70, 65, 5), SPARSE),
    "first": (Layer("tiny first", "first", 3, 65, 6), IMAGE),
    "ssa": (Layer("tiny ssa", "ssa", 128, 128, 9, heads=2), SPARSE),
}


@pytest.fixture(autouse=True)
def keep_gradients() -> Iterator[None]:
    """Engines switch gradients off for their whole process."""
    with torch.enable_grad():
        yield


def numpy_sums(layer: Layer, weights: list[np.ndarray], values: np.ndarray) -> list[np.ndarray]:
    """Sums in float64, straight from the definitions."""
    values = values.astype(np.float64)
    if layer.kind == "ssa":
        steps, _, tokens, _ = values.shape
        q, k, v = values.reshape(steps, tokens, 3, layer.heads, -1).transpose(2, 0, 3, 1, 4)
        return [(q @ k.swapaxes(-2, -1) @ v).transpose(0, 2, 1, 3).reshape(steps, 1, tokens, layer.outputs).astype(np.float32)]
    sums = []
    for weight in weights:
        if layer.taps == 1:
            sums.append((values @ weight.T).astype(np.float32))
            continue
        padded = np.pad(values, [(0, 0), (0, 0), (1, 1), (1, 1), (0, 0)])
        total = np.zeros((*values.shape[:-1], layer.outputs))
        for y in range(3):
            for x in range(3):
                total += padded[:, :, y : y + layer.size, x : x + layer.size] @ weight[:, :, y, x].T
        sums.append(total.astype(np.float32))
    return sums


@pytest.mark.parametrize("kind", TINY)
def test_engines_agree_with_numpy(kind: str, tmp_path: Path) -> None:
    layer, cell = TINY[kind]
    parameters, reports = kernels.compile_layer(layer, [cell], tmp_path, [])
    assert reports[cell.label]["strategy"]
    engine = Spk(tmp_path, 1)
    assert engine.load(layer, [cell]) == [cell.label]
    answers = []
    for index in range(2):
        sums = numpy_sums(layer, parameters.weights, make_input(layer, cell, index))
        ours = [words.copy() for words in engine.answer(cell.label, cell, index)]
        assert 0.02 < kernels.compare(layer, cell, parameters, ours, sums) < 0.9
        answers.append(ours)
        for rival in (OneDNN(tmp_path, 1), OpenBLAS(tmp_path, 1)):
            for way in rival.load(layer, [cell]):
                for ours_, theirs in zip(sums, rival.answer(way, cell, index), strict=True):
                    np.testing.assert_array_equal(ours_, theirs, err_msg=f"{type(rival).__name__} {way}")
    assert any((a != b).any() for a, b in zip(*answers, strict=True))
    answers[0][0][0, 0, 0, ..., 0, 0] ^= 1
    with pytest.raises(SystemExit, match="spikes differ"):
        kernels.compare(layer, cell, parameters, answers[0], numpy_sums(layer, parameters.weights, make_input(layer, cell, 0)))


def test_words_hold_channels_and_planes() -> None:
    values = np.random.default_rng(0).integers(0, 8, (2, 1, 3, 70)).astype(np.int8)
    words = pack(values, 3)
    assert words.shape == (2, 1, 3, 2, 3)
    assert words.dtype == np.int64
    planes = [unpack(words[..., p : p + 1], 70).astype(np.int8) << p for p in range(3)]
    np.testing.assert_array_equal(sum(planes), values)
    assert words[0, 0, 0, 1, 0] & 1 == values[0, 0, 0, 64] & 1
    assert (words[..., 1, :].astype(np.uint64) >> np.uint64(6) == 0).all()


def test_neuron_fires_on_equality_and_resets() -> None:
    currents = np.array([2.0, 2.0, 1.0, 2.5], np.float32)[:, None]
    # Charges: 1 (fires), 1 (fires), 0.5, 1.5 (fires).
    assert fire(currents).ravel().tolist() == [1, 1, 0, 1]
    assert fire(currents / 2, 0.5).ravel().tolist() == [1, 1, 0, 1]


def test_inputs_have_the_density_and_differ() -> None:
    layer = LAYERS[0]
    for cell in (*cells_of(layer), *STREAMS):
        first, second = (make_input(layer, cell, i) for i in range(2))
        assert abs(first.mean() - cell.density * cell.joined) < 0.02
        assert first.max() < 2**cell.planes
        assert (first != second).any() == (0 < cell.density < 1)
    assert ones_per_input(Cell(0.15)) == 0.15
    assert ones_per_input(Cell(1.0, 3)) == 2.0


def test_shapes_of_the_network() -> None:
    by_name = {layer.name: layer for layer in LAYERS}
    assert by_name["fc1 512→2048"].macs == 784 * 512 * 2048
    assert by_name["conv 512→512 @14"].macs == 4 * 14 * 14 * 512 * 512 * 9
    assert by_name["first 3→64 @224"].macs == 224 * 224 * 3 * 64 * 9
    assert by_name["ssa 196×64, 8 heads"].macs == 4 * 8 * 2 * 196 * 64 * 64


def row(layer: Layer, cell: Cell, spk: float, rivals: dict[str, float], threads: int = 1) -> Row:
    """A row whose minima are a tenth below the medians."""
    times = {name: (ms, 0.9 * ms, "way") for name, ms in rivals.items()}
    return Row(layer, cell, threads, spk, 0.9 * spk, times, "sequential", "row_accumulate", 0.2, 0.0, 4e6)


def test_lines_and_check() -> None:
    linear, ssa = LAYERS[0], LAYERS[-1]
    rows = [
        row(linear, Cell(0.15), 1.0, {"oneDNN": 4.0, "OpenBLAS": 1.0}),
        row(linear, Cell(0.05), 0.5, {"oneDNN": 3.5}),
        row(linear, Cell(0.25, 6), 100.0, {"oneDNN": 1.0}),
        row(ssa, Cell(0.15), 1.0, {"oneDNN": 9.0, "OpenBLAS": 7.0, "PyTorch": 8.0}),
        row(linear, Cell(0.15), 1.0, {"oneDNN": 1.0}, threads=2),
    ]
    lines = {line["name"]: line for line in make_lines(rows)}
    assert {name: (line["value"], line["pass"]) for name, line in lines.items()} == {
        "kernels: layers at 15 %": (4.0, True),
        "kernels: layers at 5 %": (7.0, False),
        "kernels: layers at any density": (4.0, True),
        "kernels: attention core at 15 %": (7.0, True),
        "kernels: layers at 15 %, 2 threads": (1.0, False),
        "kernels: layers at any density, 2 threads": (1.0, False),
    }
    slower = row(linear, Cell(0.15), 1.0, {"oneDNN": 4.0})
    slower.rivals["oneDNN"] = (4.0, 3.0, "way")
    assert make_lines([slower])[0]["value"] == pytest.approx(3.0 / 0.9, abs=1e-3)
    assert "OpenBLAS" in lines["kernels: attention core at 15 %"]["detail"]
    said: list[str] = []
    short = [lines["kernels: layers at 15 %"], lines["kernels: layers at 5 %"]]
    assert check(short, "nothing is listed", said.append) == 1
    assert check(short, "| `kernels: layers at 5 %` | why |", said.append) == 0
    assert check(short[:1], "", said.append) == 0
    assert len(said) == 2


def test_disturbed_calls_of_several_threads_do_not_count() -> None:
    quiet = [(1.0, False)] * INPUTS
    assert usable([*quiet, (9.0, True)], 2) == [1.0] * INPUTS
    assert usable([*quiet[1:], (9.0, True)], 2) == [1.0] * (INPUTS - 1) + [9.0]
    # Of one thread they have its own time.
    assert usable([*quiet, (1.5, True)], 1) == [1.0] * INPUTS + [1.5]


class Sleeper(OpenBLAS):
    """Works for a while, and is interrupted."""

    def call(self, way: str) -> Callable[[int], None]:
        return lambda index: time.sleep(0.02)


def test_own_time_of_disturbed_calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    switches = itertools.count()
    monkeypatch.setattr("resource.getrusage", lambda who: SimpleNamespace(ru_nivcsw=next(switches)))
    assert max(ms for ms, disturbed in Sleeper(tmp_path, 1).times("") if disturbed) < 15
    assert min(ms for ms, disturbed in Sleeper(tmp_path, 2).times("") if disturbed) > 15
    monkeypatch.setattr("resource.getrusage", lambda who: SimpleNamespace(ru_nivcsw=0))
    assert min(ms for ms, disturbed in Sleeper(tmp_path, 1).times("") if not disturbed) > 15


def test_ceiling() -> None:
    layer = LAYERS[0]
    # 4 GHz and two loads of a vector a cycle: with 16 lanes 128 GMAC/s dense, 1280 at 10 %.
    rate = 1280 * LANES / 16
    at = row(layer, Cell(0.1), layer.macs / rate / 1e6 / 0.9, {"oneDNN": 1.0})
    assert at.of_ceiling == pytest.approx(1.0)
    assert at.speed == pytest.approx(rate * 0.9)


def test_expected_repeats_an_image() -> None:
    layer, cell = TINY["first"]
    parameters = make_parameters(layer, (cell,))
    sums = numpy_sums(layer, parameters.weights, make_input(layer, cell, 0))
    assert expected(layer, parameters, cell, sums)[0].shape == (4, 1, 6, 6, 65)
