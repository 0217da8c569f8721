"""`report` and `show` on one model of each kind, against what PyTorch's hooks count.

Kinds: integers between blocks (SEW), float streams with membrane shortcuts
(Spikingformer), spike-driven attention (SDSA) and token attention (QKTA).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from zoo.catalogue import family

import spk
from spk.cli import main
from spk.comparison import trace
from spk.dyadic import settle
from spk.importer import import_model
from spk.rates import neuron_rates
from spk.report import Report, measure
from spk.show import Selection, figures
from spk.tapped import compile_tapped

SAMPLES = 3  # the last batch of two holds one

# Family: layers to draw, attention core that has a map, what layers with weights read.
KINDS = {
    "SEW ResNet-18, ADD": ("layer2.*.sn?", None, {"floats", "spikes", "integers"}),
    "Spikingformer, CIFAR": ("block.0.attn.*_lif", "block.0.attn", {"floats", "spikes"}),
    "Spike-driven Transformer, CIFAR": ("block.0.attn.*_lif", None, {"floats", "spikes"}),
    "QKFormer, CIFAR": ("stage1.0.tssa.*_lif", "stage3.0.ssa", {"floats", "spikes", "integers"}),
}


class Observed:
    """A settled network, its module and samples."""

    def __init__(self, name: str, folder: Path) -> None:
        self.raster, self.core, self.reads = KINDS[name]
        self.model: nn.Module = family(name).model()
        example = self.model.example(batch=2)
        settle(self.model, example, output="rounded")
        self.samples: Tensor = self.model.example(batch=SAMPLES, seed=3)[0]
        self.module = import_model(self.model, example, folder / "net").mlir
        self.file = folder / "samples.npy"
        np.save(self.file, self.samples.numpy())


@pytest.fixture(scope="module", params=list(KINDS))
def net(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, need_tool: Callable[[str], str]) -> Observed:
    need_tool("spk-compile")
    return Observed(request.param, tmp_path_factory.mktemp("net"))


@pytest.fixture(scope="module")
def report(net: Observed) -> Report:
    return measure(net.module, [net.samples.numpy()])


def hooked(model: nn.Module, x: Tensor) -> dict[str, tuple[Tensor, int]]:
    """Input and multiply-accumulates of every layer with weights, by path in order of execution."""
    seen = {}

    def watch(path: str) -> Callable[..., None]:
        def hook(layer: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
            seen[path] = (args[0].detach().clone(), output.numel() * layer.weight[0].numel())

        return hook

    kinds = (nn.Conv1d, nn.Conv2d, nn.Linear)
    handles = [layer.register_forward_hook(watch(path)) for path, layer in model.named_modules() if isinstance(layer, kinds)]
    with torch.no_grad():
        model(x)
    for handle in handles:
        handle.remove()
    return seen


def test_counts(net: Observed, report: Report) -> None:
    seen = hooked(net.model, net.samples)
    weighted = {row.layer: row for row in report.layers if row.kind in ("conv", "linear")}
    assert set(weighted) == set(seen)
    kinds = set()
    for path, (x, macs) in seen.items():
        row = weighted[path]
        reads = "floats" if not torch.equal(x, x.round()) else "integers" if x.max() > 1 else "spikes"
        kinds.add(row.reads)
        assert (row.reads, row.dense_macs * SAMPLES) == (reads, macs), path
        if reads == "floats":
            assert (row.rate, row.macs, row.sops) == (None, row.dense_macs, 0), path
            continue
        fired = float(x.sum(dtype=torch.float64))
        assert row.rate * x.numel() == pytest.approx(fired, rel=1e-9), path
        assert row.sops * SAMPLES == pytest.approx(fired / x.numel() * macs, rel=1e-9), path
        assert row.macs == 0, path
        assert row.arithmetic_pj == pytest.approx(0.9 * row.sops), path
    assert kinds == net.reads


def test_firing_rates(net: Observed, report: Report) -> None:
    expected = neuron_rates(net.model, net.samples)
    assert {row.layer: row.rate for row in report.layers if row.layer in expected and row.kind in ("lif", "if")} == expected


def test_formats(net: Observed, report: Report, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("spk.report.measure", lambda *_arguments, **_options: report)  # once is enough
    text = {}
    for name in ("text", "json", "csv"):
        assert main(["report", str(net.module), "--samples", str(net.file), "--format", name]) == 0
        text[name] = capsys.readouterr().out
    layers = json.loads(text["json"])["layers"]
    assert [row["layer"] for row in layers] == [row.layer for row in report.layers]
    assert [row["sops"] for row in layers] == [row.sops for row in report.layers]
    rows = list(csv.DictReader(io.StringIO(text["csv"])))
    assert rows == [{key: "" if value is None else str(value) for key, value in row.items()} for row in layers]
    lines = text["text"].splitlines()
    assert [line.split()[0] for line in lines[3 : 3 + len(layers)]] == [row.layer for row in report.layers]


def drawn(axis: Any) -> np.ndarray:
    return np.asarray(axis.images[0].get_array())


def test_pictures(net: Observed) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    compiled = compile_tapped(net.module, ["*:spikes", *([f"{net.core}:attention"] if net.core else [])])
    samples = [net.samples.numpy()]
    pictures = figures(compiled, samples, Selection(rasters=[net.raster], sample=1))
    calls = {call.path: call.spikes.numpy() for call in trace(net.model, (net.samples[1:2],))[1]}
    assert len(pictures) >= 4
    for name, figure in pictures.items():
        fired = calls[name.removesuffix(".spikes.png")]
        fired = fired.reshape(net.model.T, *fired.shape[1:])[:, 0]
        for step, axis in enumerate(figure.axes):
            np.testing.assert_array_equal(drawn(axis), fired[step].reshape(drawn(axis).shape))
    if net.core is None:
        with pytest.raises(spk.SpkError, match="no attention core that has a map; --raster GLOB draws"):
            figures(compiled, samples, Selection())
        return
    maps = figures(compiled, samples, Selection(cores=[net.core], sample=1))[f"{net.core}.attention.png"]
    query, key = (calls[f"{net.core}.{name}_lif"][:, 0] for name in "qk")  # [T, C, N] or [T, N, C]
    (core,) = (core for core in compiled.graph.attention if core.layer == net.core)
    query, key = (x if core.token_last else x.transpose(0, 2, 1) for x in (query, key))
    width = query.shape[1] // core.heads
    for head in range(core.heads):
        part = slice(width * head, width * (head + 1))
        counts = query[-1, part].T @ key[-1, part]
        assert counts.max() > 1
        np.testing.assert_array_equal(drawn(maps.axes[head]), counts * np.float32(core.scale))
