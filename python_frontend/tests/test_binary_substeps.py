"""Integer spikes run as binary sub-steps: the same spikes as the integers and as PyTorch, where no sum rounds."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import forms
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree
from zoo.spike_driven_transformer_v3 import spike_driven_transformer_v3_base

from spk import cli, compare, dyadic
from spk.driver import compile as compile_model
from spk.importer import import_model


def v3() -> nn.Module:
    return spike_driven_transformer_v3_base(dims=(8, 12, 32, 32), depths=(1, 1), heads=2, img=(32, 64), num_classes=5)


MODELS: dict[str, Callable[[], tuple[nn.Module, tuple[Tensor, ...]]]] = {
    "neurons": lambda: (forms.IntegerNeurons(), (forms.grid(3, 2, 2, 8, 8),)),  # with state and without, 3 steps
    "v3": lambda: (v3(), v3().example(batch=2)),
}


def settled(name: str) -> tuple[nn.Module, tuple[Tensor, ...]]:
    torch.manual_seed(11)
    model, inputs = MODELS[name]()
    dyadic.settle(model.eval(), inputs, output="rounded")
    return model, inputs


@pytest.mark.parametrize("name", list(MODELS))
def test_equal_to_integers_and_to_pytorch(name: str, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    model, inputs = settled(name)
    arrays = [x.numpy() for x in inputs]
    given = []
    for binary in (False, True):
        net = compile_model(model, *inputs, taps=["*:spikes"], binary_substeps=binary)
        outputs = [np.asarray(x) for x in pytree.tree_leaves(net(*arrays))]
        given.append(outputs + [np.asarray(net.taps[path]) for path in sorted(net.taps)])
        report = compare(model, net, *inputs)
        assert report.flipped == 0 and len(report.layers) > 3
        net.reset()
        for t in range(net.time_steps):  # step by step gives the spikes of a run
            net.step(*[x[t] if info.temporal else x for x, info in zip(arrays, net.inputs, strict=True)])
        last = [np.asarray(x) for x in pytree.tree_leaves(net.finish())]
        for a, b in zip(last, outputs, strict=True):
            np.testing.assert_array_equal(a, b)
    for a, b in zip(*given, strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_synapse_of_a_neuron_reads_spikes(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    model, inputs = settled("neurons")
    imported = import_model(model, inputs, tmp_path / "net")
    command = [need_tool("spk-compile"), str(imported.mlir), "--binary-substeps"]
    explained = json.loads(subprocess.run([*command, "--explain=json"], check=True, capture_output=True, text=True).stdout)
    layers = {layer["layer"]: layer for layer in explained["layers"]}
    for i in (1, 2, 3):
        assert layers[f"convs.{i}"]["input"].split(" ")[0].endswith("xi1"), layers[f"convs.{i}"]
        assert "accumulate" in layers[f"convs.{i}"]["fused"]
    kept = [layer for layer in explained["layers"] if any("reads integers" in why for why in layer["why"])]
    assert [layer["fused"].rpartition("+")[2] for layer in kept] == ["add", "mean"]


def test_command_line(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    target = tmp_path / "model.py"
    target.write_text(
        "import torch\nfrom torch import nn\nfrom spk.neuron import MultiSpike\n"
        "def build():\n"
        "    torch.manual_seed(0)\n"
        "    return nn.Sequential(nn.Linear(6, 8, bias=False), MultiSpike(), nn.Linear(8, 3))\n"
        "def example():\n"
        "    return (torch.rand(2, 6) * 8,)\n"
    )
    output = tmp_path / "net.so"
    options = ["--emit", "mlir", "--binary-substeps", "--", "--compile-to=model"]
    assert cli.main(["compile", f"{target}:build", "-o", str(output), *options]) == 0
    assert "spk.sub_steps" in output.read_text()
