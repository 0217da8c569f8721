"""Densities measured on samples, from Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from spikformer.spikformer import spikformer_cifar
from torch import nn

import spk
from spk.cli import main
from spk.dyadic import settle
from spk.samples import sample_files


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(5)
    model = spikformer_cifar(dim=24, depth=1, heads=3, T=3, img=(16, 16)).eval()
    settle(model, model.example(batch=2), output="rounded")
    return model


def test_densities_are_firing_rates(model: nn.Module, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    samples = torch.rand(5, 3, 16, 16)
    net = spk.compile(
        model,
        samples[:1],
        samples=samples,
        taps=["*:spikes"],
        output=tmp_path / "net.so",
        extra_args=[f"--save-temps={tmp_path / 'temps'}"],
    )
    measured = json.loads((tmp_path / "temps" / "net.densities.json").read_text())["densities"]
    by_layer = {entry["layer"]: entry for entry in measured}
    spikes = []
    for sample in samples:
        net(sample[None].numpy())
        spikes.append({name: value.copy() for name, value in net.taps.items()})
    # The second layer of the MLP reads what its first neuron fires.
    fired = np.concatenate([taps["block.0.mlp.fc1_lif:spikes"] for taps in spikes], axis=1)
    assert by_layer["block.0.mlp.fc2_linear"]["density"] == np.count_nonzero(fired) / fired.size
    assert any("planes" in entry for entry in measured)


def test_files(tmp_path: Path) -> None:
    assert sample_files(None, tmp_path) == []
    exact, other = tmp_path / "exact.npy", tmp_path / "other.npy"
    np.save(exact, np.ones((2, 3), np.float32))
    np.save(other, np.ones((2, 3), np.uint8))
    assert sample_files(exact, tmp_path) == [exact]
    written = sample_files([str(exact), other, torch.ones(2, 3), np.ones((3, 2)).T], tmp_path)
    assert written == [exact, *(tmp_path / f"samples.{i}.npy" for i in (1, 2, 3))]
    for path in written:
        array = np.load(path)
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        np.testing.assert_array_equal(array, np.ones((2, 3)))


def test_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_text("no array")
    with pytest.raises(spk.SpkError, match=r"the samples .*x\.npy cannot be read"):
        sample_files(tmp_path / "x.npy", tmp_path)


def test_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.py").write_text(
        "import torch\nclass Net(torch.nn.Module):\n  def forward(self, x):\n    return x + 1\ndef build():\n  return Net()\n"
        "def example():\n  return torch.ones(1, 2)\n"
    )
    compiler = tmp_path / "spk-compile"
    compiler.write_text('#!/bin/sh\nfor a in "$@"; do echo "$a"; done\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("SPK_BIN_DIR", str(tmp_path))
    samples = tmp_path / "x.npy"
    np.save(samples, np.ones((4, 2), np.float32))
    target = f"{tmp_path / 'net.py'}:build"
    assert main(["compile", target, "-o", str(tmp_path / "out.so"), "--samples", str(samples)]) == 0
    assert f"--samples={samples}" in capsys.readouterr().out.splitlines()
    assert main(["compile", target, "-o", str(tmp_path / "out.so"), "--samples", str(tmp_path / "gone.npy")]) == 1
    assert "gone.npy cannot be read" in capsys.readouterr().err
