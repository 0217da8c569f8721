"""Calibration of the cost model; what takes how long is not tested."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import nn

import spk
from spk.calibration import CONSTANTS, Calibration, cache_sizes, count, fit
from spk.calibration_layers import LAYERS, STEPS, MicroLayer, module_text, quick_layers
from spk.cli import main
from spk.driver import compile_file
from spk.errors import ToolError


def test_fit_finds_constants() -> None:
    random = np.random.default_rng(0)
    counts, constants = random.uniform(0, 100, (20, 4)), np.array([0.5, 2.0, 0.0, 8.0])
    assert np.allclose(fit(counts, counts @ constants), constants)


def test_fit_is_never_negative() -> None:
    counts = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    found = fit(counts, [3.0, 2.0, 1.0])
    assert (found >= 0).all()
    assert found[1] == 0
    assert found[0] > 0


def test_cache_sizes(tmp_path: Path) -> None:
    for i, (level, kind, size) in enumerate(
        (("1", "Data", "48K"), ("1", "Instruction", "64K"), ("2", "Unified", "2M"), ("3", "Unified", "32M"))
    ):
        folder = tmp_path / f"index{i}"
        folder.mkdir()
        for name, text in (("level", level), ("type", kind), ("size", size)):
            (folder / name).write_text(f"{text}\n")
    assert cache_sizes(tmp_path) == {"l1_bytes": 48 << 10, "l2_bytes": 2 << 20}


def test_cache_sizes_unknown(tmp_path: Path) -> None:
    assert cache_sizes(tmp_path / "none") == {"l1_bytes": 32 << 10, "l2_bytes": 1 << 20}


@pytest.mark.parametrize("layers", [quick_layers(), list(LAYERS)], ids=["quick", "all"])
def test_layers_determine_constants(layers: list[MicroLayer], tmp_path: Path) -> None:
    counts = count(layers, {"l1_bytes": 32 << 10, "l2_bytes": 1 << 20}, tmp_path)
    assert counts.shape == (len(layers), len(CONSTANTS))
    assert np.linalg.matrix_rank(counts / counts.max(axis=0)) == len(CONSTANTS)


def test_count(tmp_path: Path) -> None:
    """Rows: 6 positions, 4 steps, 2 blocks of output channels."""
    layer = MicroLayer("rows", "row_accumulate", 64, 128, 6, 0.25)
    (counts,) = count([layer], {"l1_bytes": 32 << 10, "l2_bytes": 1 << 20}, tmp_path)
    sums = 2 * 6 * STEPS
    expected = {"row_per_spike": sums * 16, "row_per_word": sums, "finish_per_sum": sums}
    assert dict(zip(CONSTANTS, counts, strict=True)) == {name: expected.get(name, 0) for name in CONSTANTS}


def test_inputs_have_their_densities() -> None:
    layer = MicroLayer("rows", "row_accumulate", 100, 64, 500, 0.4, planes=2)
    (words,) = layer.make_input(np.random.default_rng(0))
    assert words.shape == (STEPS, 1, 500, 2, 2)
    bits = np.unpackbits(np.ascontiguousarray(words.swapaxes(-1, -2)).view(np.uint8), axis=-1, bitorder="little")
    assert not bits[..., 100:].any()
    assert np.allclose(bits[..., :100].mean(axis=(0, 1, 2, 4)), [0.4, 0.2], atol=0.01)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("calibrate") / "machine.json"
    allowed = os.sched_getaffinity(0)
    assert main(["calibrate", "--quick", "--rounds", "1", "--target-cpu", "host", "-o", str(file)]) == 0
    assert os.sched_getaffinity(0) == allowed
    return file


def test_command_writes_constants(calibrated: Path) -> None:
    written = json.loads(calibrated.read_text())
    assert list(written["nanoseconds"]) == list(CONSTANTS)
    assert all(value >= 0 for value in written["nanoseconds"].values())
    assert written["caches"] == cache_sizes()
    assert written["fit"]["layers"] == len(quick_layers())


def test_compiler_reads_constants(calibrated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layer = MicroLayer("rows", "row_accumulate", 64, 64, 9, 0.25)
    (tmp_path / "rows.mlir").write_text(module_text([layer], "rows.safetensors"))
    save_file({f"{k}0": v for k, v in layer.weights(np.random.default_rng(0)).items()}, tmp_path / "rows.safetensors")
    cpu = json.loads(calibrated.read_text())["cpu"]
    compile_file(tmp_path / "rows.mlir", tmp_path / "rows.so", cost_model=calibrated, extra_args=["--explain"], echo=True)
    assert f"by the cost model of {cpu}" in capsys.readouterr().out
    with pytest.raises(ToolError, match="cannot read the cost model 'nowhere.json'"):
        compile_file(tmp_path / "rows.mlir", tmp_path / "rows.so", cost_model="nowhere.json")


def test_table_shows_errors() -> None:
    layers = [LAYERS[0], LAYERS[8]]
    result = Calibration(
        "cpu", dict.fromkeys(CONSTANTS, 1.0), {"l1_bytes": 1 << 15, "l2_bytes": 1 << 20}, layers, [1000.0, 2000.0], [1100.0, 1600.0]
    )
    lines = str(result).splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(CONSTANTS)]] == list(CONSTANTS)
    assert any(line.endswith("+10.0%") for line in lines)
    assert lines[-1] == "error of the fit: median 15.0 %, largest 20.0 %"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rounds", "0"], "--rounds must be at least 1, got 0"),
        (["-o", "nowhere/machine.json"], "cannot write nowhere/machine.json: there is no folder nowhere"),
        (["--quick", "--target-cpu", "pdp11"], "unknown CPU 'pdp11'"),
    ],
)
def test_command_errors(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_compile_takes_cost_model() -> None:
    with pytest.raises(ToolError, match=r"(?s)cannot read the cost model 'nowhere.json'.*--cost-model=nowhere.json"):
        spk.compile(nn.Linear(4, 4), torch.zeros(1, 4), cost_model="nowhere.json")
