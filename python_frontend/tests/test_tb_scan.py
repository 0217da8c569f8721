"""Neurons that a model feeds time and batch as one axis: a scan of every image on its own, or of both as the model does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from zoo.qkformer import QKFormer, qkformer_cifar

from spk.artefact import ArtefactError
from spk.cli import main
from spk.driver import compile as compile_model
from spk.dyadic import settle
from spk.errors import ToolError
from spk.importer import translate
from spk.neuron import LIFNode

LIF = "stage3.0.ssa.proj_lif"

SOURCE = """
import torch
from torch import nn
from spk.neuron import LIFNode

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.lif = LIFNode()

    def forward(self, x):
        return self.lif(x.flatten(0, 1)).unflatten(0, x.shape[:2])

def build():
    return Model()

def example():
    return torch.full((3, 2, 5), 1.5)
"""


def published() -> QKFormer:
    torch.manual_seed(3)
    return qkformer_cifar(dim=48, depth=3, heads=3, T=4, num_classes=5, mlp_ratio=2.0, img=8, tb_scan=True).eval()


@pytest.fixture(scope="module")
def model() -> QKFormer:
    """A settled network of which the scan matters: an image has other logits beside another one."""
    model = published()
    settle(model, model.example(batch=2), low=0.02, high=0.6)
    with torch.no_grad():
        (images,) = model.example(batch=2)
        assert not torch.equal(model(images)[1:], model(images[1:]))
    return model


def test_default_scans_every_image(model: QKFormer, need_tool: Callable[[str], str]) -> None:
    """What the model gives at batch 1, for each image."""
    need_tool("spk-compile")
    (images,) = model.example(batch=2)
    net = compile_model(model, images, taps=["*:spikes"])
    with torch.no_grad():
        alone = torch.cat([model(image[None]) for image in images])
    np.testing.assert_array_equal(net(images).numpy(), alone.numpy())
    assert np.asarray(net.taps[f"{LIF}:spikes"]).shape[:2] == (4, 2)


def test_tb_scan_is_the_model(model: QKFormer, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    (images,) = model.example(batch=2)
    net = compile_model(model, images, tb_scan=True)
    with torch.no_grad():
        np.testing.assert_array_equal(net(images).numpy(), model(images).numpy())
    with pytest.raises(ArtefactError, match=f"{LIF}: tensor.collapse_shape looks across time"):
        net.step(images)


def test_tb_scan_fixes_the_batch(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    """Also at batch 1, where the scans are the same."""
    need_tool("spk-compile")
    model = published()
    for batch, reason in ((2, f"{LIF} scans time and batch together"), (1, "imported with --tb-scan")):
        with pytest.raises(ToolError, match=f"runs at batch size {batch} only: {reason}"):
            compile_model(model, *model.example(batch=batch), output=tmp_path / "net.so", tb_scan=True, extra_args=["--batch=3"])


def test_default_warns() -> None:
    model = published()
    (warning,) = translate(model, model.example(batch=2)).warnings
    assert warning.path == LIF
    assert "every image is scanned on its own" in str(warning)
    assert "--tb-scan" in str(warning)
    assert not translate(model, model.example(batch=2), tb_scan=True).warnings
    assert not translate(model, model.example(batch=1)).warnings


def test_one_step_is_scanned_too() -> None:
    """With one time step the neuron of the model goes from image to image all the same."""

    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lif = LIFNode()

        def forward(self, x: Tensor) -> Tensor:
            return self.lif(x.flatten(0, 1)).unflatten(0, x.shape[:2])

    (warning,) = translate(Flat(), torch.rand(1, 3, 5), sequence=True).warnings
    assert "time and batch together" in str(warning)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    source = tmp_path / "model.py"
    source.write_text(SOURCE)
    assert main(["compare", f"{source}:build", "--tb-scan"]) == 0
    assert main(["compare", f"{source}:build"]) == 1
    capsys.readouterr()
    for command in (["check"], ["import", "-o", str(tmp_path / "net.mlir")], ["compile", "-o", str(tmp_path / "net.so")], ["run"]):
        name, *rest = command
        assert main([name, f"{source}:build", *rest]) == 0
        assert ("time and batch together" in capsys.readouterr().err) == (name != "run")
        assert main([name, f"{source}:build", *rest, "--tb-scan"]) == 0
        assert "time and batch together" not in capsys.readouterr().err
