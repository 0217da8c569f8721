"""`spk.compile` and `spk.compare` from the outside; differences must be found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from spikformer.spikformer import spikformer_cifar
from torch import nn

import spk
from spk.comparison import Comparison, LayerComparison
from spk.dyadic import settle

LAYERS = 12


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(5)
    model = spikformer_cifar(dim=24, depth=1, heads=3, T=3, img=(16, 16)).eval()
    settle(model, model.example(batch=2), output="rounded")
    return model


@pytest.fixture(scope="module")
def net(model: nn.Module, need_tool: Callable[[str], str]) -> spk.CompiledModel:
    need_tool("spk-compile")
    return spk.compile(model, *model.example(batch=2), taps=["*:spikes"])


def test_arrays_in_arrays_out(model: nn.Module, net: spk.CompiledModel) -> None:
    (x,) = model.example(batch=2)
    tensor, array = net(x), net(x.numpy())
    assert isinstance(tensor, torch.Tensor)
    assert isinstance(array, np.ndarray)
    assert tensor.shape == (2, 10)
    np.testing.assert_array_equal(tensor.numpy(), array)
    taps = net.taps
    assert len(taps) == LAYERS
    assert taps["block.0.attn.q_lif:spikes"].dtype == np.bool_
    assert taps["block.0.attn.q_lif:spikes"].shape == (3, 2, 16, 24)


def test_equal_models(model: nn.Module, net: spk.CompiledModel) -> None:
    (x,) = model.example(batch=6, seed=3)
    report = spk.compare(model, net, x)  # three times the compiled batch
    assert len(report.layers) == LAYERS
    assert report.flipped == 0
    assert report.top1_agreement == 1.0
    assert "first diverging layer: none" in str(report)
    with pytest.raises(spk.SpkError, match="batch of 3 is no multiple of the compiled batch of 2"):
        spk.compare(model, net, x[:3])


def test_a_moved_threshold_is_found(model: nn.Module, net: spk.CompiledModel) -> None:
    (x,) = model.example(batch=2)
    node = model.block[0].attn.k_lif
    node.v_threshold += 0.125
    try:
        report = spk.compare(model, net, x)
    finally:
        node.v_threshold -= 0.125
    first = report.first_diverging
    assert first is not None
    assert first.path == "block.0.attn.k_lif"
    assert first.flipped > 0
    assert first.margin is not None
    assert first.margin <= 0.125
    assert "block.0.attn.k_lif, membrane margin" in str(report)


def test_a_changed_weight_is_found(model: nn.Module, net: spk.CompiledModel) -> None:
    (x,) = model.example(batch=2)
    weight = model.head.weight.data
    kept = weight.clone()
    weight[0] += 1.0
    try:
        report = spk.compare(model, net, x)
    finally:
        weight.copy_(kept)
    assert report.flipped == 0
    assert not report.output_equal
    assert report.max_difference > 0.01


def test_output_file_and_load(model: nn.Module, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    (x,) = model.example()
    net = spk.compile(model, x, output=tmp_path / "net")
    assert net.path == tmp_path / "net.so"
    assert (tmp_path / "net.mlir").exists()
    assert (tmp_path / "net.safetensors").exists()
    np.testing.assert_array_equal(spk.load(net.path)(x).numpy(), net(x).numpy())
    assert "no layer is tapped" in str(spk.compare(model, net, x))


def test_compiler_errors_carry_the_command(model: nn.Module, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    with pytest.raises(spk.ToolError, match=r"(?s)no_such_layer.*reproduce with:\n.*--tap=no_such_layer"):
        spk.compile(model, *model.example(), taps=["no_such_layer"])
    with pytest.raises(TypeError, match="needs an example input"):
        spk.compile(model)


def test_report_text() -> None:
    layers = [LayerComparison("a", 100, 0.25, 0.25, 0), LayerComparison("b", 100, 0.5, 0.52, 2, 1e-7)]
    report = Comparison(layers, 0.5, False, 0.9)
    assert report.flipped_rate == 0.01
    assert "first diverging layer: b, membrane margin 1e-07" in str(report)
    assert "flipped spikes: 2 (1.0000%)" in str(report)
    assert "top-1 agreement: 90.00%" in str(report)
    assert "warning" not in str(report)


def test_silent_layers_are_named() -> None:
    layers = [LayerComparison("a", 100, 0.25, 0.25, 0), LayerComparison("b", 100, 0.0, 0.0, 0)]
    assert "warning: 1 of 2 layers never fire (b)" in str(Comparison(layers, 0.0, True, 1.0))
