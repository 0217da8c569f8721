"""SpikingJelly's layers with a ``step_mode``, between neurons; table in python_frontend/README.md."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forms
import numpy as np
import pytest
import torch
from agreement import agree, seeded
from torch import Tensor, nn

import spk
from spk.comparison import trace
from spk.dyadic import settle
from spk.errors import UnsupportedModelError
from spk.importer.api import translate

pytest.importorskip("spikingjelly.activation_based", reason="SpikingJelly is not installed")
from spikingjelly.activation_based import functional, layer, neuron

EVENTS = (forms.grid(3, 2, 2, 8, 8) * 4,)


def multi_step(model: nn.Module) -> nn.Module:
    functional.set_step_mode(model, "m")
    return model


class Wrapped(nn.Module):
    """A layer between two neurons, on ``[T, B, 8, 8, 8]`` or on what `before` makes of that."""

    def __init__(self, parts: Callable[[], list[nn.Module]], before: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        self.before = before
        self.conv, self.bn, self.lif = layer.Conv2d(2, 8, 3, padding=1, bias=False), layer.BatchNorm2d(8), neuron.LIFNode()
        self.parts, self.lif2 = nn.Sequential(*parts()), neuron.LIFNode()
        multi_step(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.lif(self.bn(self.conv(x)))
        x = x if self.before is None else self.before(x)
        return self.lif2(self.parts(x))


def tokens(x: Tensor) -> Tensor:
    return x.flatten(3)


def volumes(x: Tensor) -> Tensor:
    return x.unflatten(2, (2, 4))


def deep(x: Tensor) -> Tensor:
    return x.unflatten(-1, (4, 2))


def planes(x: Tensor) -> Tensor:
    return x.flatten(2, 3)


class Unpooled(nn.Module):
    """A max-pool, perhaps a neuron that also fires one step later, and the max-unpool to the size in front of the pool."""

    def __init__(self, rank: int, *window: Any, fires: bool = False, floats: bool = False, sized: bool = True, **options: Any) -> None:
        super().__init__()
        self.pool = getattr(layer, f"MaxPool{rank}d")(*window, return_indices=True, **options)
        self.unpool = getattr(layer, f"MaxUnpool{rank}d")(*window)
        self.lif = neuron.IFNode(v_threshold=0.5, v_reset=None) if fires else nn.Identity()
        self.rank, self.floats, self.sized = rank, floats, sized

    def forward(self, x: Tensor) -> Tensor:
        if self.floats:
            x = 0.25 - x * 0.5
        y, indices = self.pool(x)
        return self.unpool(self.lif(y), indices, output_size=x.shape[-self.rank :] if self.sized else None)


class Apply(nn.Module):
    """A function as a layer."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def nine_columns(x: Tensor) -> Tensor:
    return nn.functional.pad(x, (0, 1))


def twice(x: Tensor) -> Tensor:
    return x * 2.0


def then_1x1() -> list[nn.Module]:
    return [layer.Conv2d(8, 8, 1), layer.BatchNorm2d(8)]


def then_1x1x1() -> list[nn.Module]:
    return [layer.Conv3d(2, 2, 1), layer.BatchNorm3d(2)]


def then_linear(features: int = 8) -> list[nn.Module]:
    return [layer.Flatten(), layer.Linear(features, 8), layer.BatchNorm1d(8)]


Case = tuple[Callable[[], list[nn.Module]], Callable[[Tensor], Tensor] | None]

SUPPORTED: dict[str, Case] = {
    "Conv1d": (lambda: [layer.Conv1d(8, 8, 1, bias=False), layer.BatchNorm1d(8)], tokens),
    "Conv1d_of_3": (lambda: [layer.Conv1d(8, 8, 3, padding=1, bias=False), layer.BatchNorm1d(8)], tokens),
    "Conv1d_grouped": (lambda: [layer.Conv1d(8, 16, 3, stride=2, dilation=2, groups=8), layer.BatchNorm1d(16)], tokens),
    "Conv2d": (lambda: [layer.Conv2d(8, 8, 3, stride=2), layer.BatchNorm2d(8)], None),
    "Conv2d_same": (lambda: [layer.Conv2d(8, 8, 3, padding="same", groups=2), layer.BatchNorm2d(8)], None),
    "Conv1d_circular": (lambda: [layer.Conv1d(8, 8, 3, padding=2, padding_mode="circular"), layer.BatchNorm1d(8)], tokens),
    "Conv2d_reflect": (lambda: [layer.Conv2d(8, 8, 5, padding=(2, 1), padding_mode="reflect"), layer.BatchNorm2d(8)], None),
    "Conv2d_circular": (lambda: [layer.Conv2d(8, 8, 3, padding=2, padding_mode="circular"), layer.BatchNorm2d(8)], None),
    "Conv3d_replicate": (lambda: [layer.Conv3d(2, 2, 3, padding=1, padding_mode="replicate"), layer.BatchNorm3d(2)], volumes),
    "Conv2d_same_of_even_windows": (lambda: [layer.Conv2d(8, 8, (2, 5), padding="same"), layer.BatchNorm2d(8)], None),
    "Conv1d_same_of_an_even_window": (lambda: [layer.Conv1d(8, 8, 4, padding="same"), layer.BatchNorm1d(8)], tokens),
    "Conv3d_same": (lambda: [layer.Conv3d(2, 2, (2, 3, 4), padding="same"), layer.BatchNorm3d(2)], volumes),
    "Conv3d_same_dilated": (lambda: [layer.Conv3d(2, 2, (1, 2, 3), padding="same", dilation=2), layer.BatchNorm3d(2)], volumes),
    "Conv2d_dilated": (lambda: [layer.Conv2d(8, 8, 3, padding=(2, 1), dilation=(2, 1)), layer.BatchNorm2d(8)], None),
    "Linear": (lambda: [*then_linear(512)], None),
    "MaxPool1d": (lambda: [layer.MaxPool1d(4), layer.Conv1d(8, 8, 1), layer.BatchNorm1d(8)], tokens),
    "MaxPool2d": (lambda: [layer.MaxPool2d(3, 2, 1), *then_1x1()], None),
    "MaxPool2d_ceil": (lambda: [layer.MaxPool2d(3, padding=(0, 1), ceil_mode=True), *then_1x1()], None),
    "MaxPool2d_ceil_of_whole_windows": (lambda: [layer.MaxPool2d(2, ceil_mode=True), *then_1x1()], None),
    "MaxPool2d_dilated": (lambda: [layer.MaxPool2d((2, 3), (1, 2), 1, dilation=(3, 2)), *then_1x1()], None),
    "MaxPool1d_ceil": (lambda: [layer.MaxPool1d(7, 5, ceil_mode=True), layer.Conv1d(8, 8, 1), layer.BatchNorm1d(8)], tokens),
    "MaxPool3d_ceil": (lambda: [layer.MaxPool3d((3, 3, 2), (3, 3, 2), ceil_mode=True), *then_1x1x1()], volumes),
    "MaxUnpool1d": (lambda: [Unpooled(1, 4, fires=True), layer.Conv1d(8, 8, 1), layer.BatchNorm1d(8)], tokens),
    "MaxUnpool2d": (lambda: [Unpooled(2, 2), *then_1x1()], None),
    "MaxUnpool2d_of_other_spikes": (lambda: [Unpooled(2, 2, fires=True), *then_1x1()], None),
    "MaxUnpool2d_of_floats": (lambda: [Unpooled(2, (2, 4), floats=True), *then_1x1()], None),
    "MaxUnpool2d_of_spikes_at_floats": (lambda: [Unpooled(2, 2, floats=True, fires=True), *then_1x1()], None),
    "MaxUnpool2d_apart": (lambda: [Unpooled(2, 2, 3), *then_1x1()], None),
    "MaxUnpool2d_padded": (lambda: [Unpooled(2, 3, 3, (1, 0), fires=True), *then_1x1()], None),
    "MaxUnpool2d_ceil": (lambda: [Unpooled(2, 3, ceil_mode=True), *then_1x1()], None),
    "MaxUnpool3d": (lambda: [Unpooled(3, (2, 2, 4)), *then_1x1x1()], volumes),
    "MaxPool3d": (lambda: [layer.MaxPool3d((1, 2, 2)), Apply(planes), *then_1x1()], volumes),
    "MaxPool3d_over_depth": (lambda: [layer.MaxPool3d(2, padding=1), *then_1x1x1()], volumes),
    "Conv3d": (lambda: [layer.Conv3d(2, 2, 3, padding=1), layer.BatchNorm3d(2)], volumes),
    "Conv3d_strided": (
        lambda: [layer.Conv3d(2, 4, (2, 3, 1), stride=(2, 1, 2), padding=(1, 0, 0), groups=2), layer.BatchNorm3d(4)],
        volumes,
    ),
    "Conv3d_dilated": (lambda: [layer.Conv3d(2, 2, (3, 3, 2), dilation=(1, 3, 2), padding=1), layer.BatchNorm3d(2)], volumes),
    "ConvTranspose1d": (
        lambda: [layer.ConvTranspose1d(8, 8, 3, stride=2, padding=1, output_padding=1), layer.BatchNorm1d(8)],
        tokens,
    ),
    "ConvTranspose2d": (
        lambda: [layer.ConvTranspose2d(8, 8, 3, stride=2, padding=1, output_padding=1, groups=2), layer.BatchNorm2d(8)],
        None,
    ),
    "ConvTranspose2d_dilated": (
        lambda: [layer.ConvTranspose2d(8, 8, 2, stride=(1, 3), dilation=2, padding=(1, 0)), layer.BatchNorm2d(8)],
        None,
    ),
    "ConvTranspose3d": (
        lambda: [layer.ConvTranspose3d(2, 2, 3, stride=2, padding=1, output_padding=(1, 0, 1)), layer.BatchNorm3d(2)],
        volumes,
    ),
    "Upsample": (lambda: [layer.Upsample(scale_factor=2), *then_1x1()], None),
    "Upsample_of_a_row": (lambda: [layer.Upsample(scale_factor=2), layer.Conv1d(8, 8, 1), layer.BatchNorm1d(8)], tokens),
    "Upsample_to_a_size": (lambda: [layer.Upsample((11, 13)), *then_1x1()], None),
    "Upsample_exact": (lambda: [layer.Upsample((11, 13), mode="nearest-exact"), *then_1x1()], None),
    "Upsample_by_one_and_a_half": (lambda: [layer.Upsample(scale_factor=1.5), *then_1x1()], None),
    "Upsample_of_a_volume": (lambda: [layer.Upsample(scale_factor=(1, 2, 1)), *then_1x1x1()], volumes),
    "Upsample_linear": (
        lambda: [layer.Upsample(scale_factor=2, mode="linear"), layer.Conv1d(8, 8, 1), layer.BatchNorm1d(8)],
        tokens,
    ),
    "Upsample_bilinear": (lambda: [layer.Upsample(scale_factor=2, mode="bilinear"), *then_1x1()], None),
    "Upsample_bilinear_aligned": (lambda: [layer.Upsample((15, 8), mode="bilinear", align_corners=True), *then_1x1()], None),
    "Upsample_trilinear": (lambda: [layer.Upsample(scale_factor=2, mode="trilinear"), *then_1x1x1()], volumes),
    "AvgPool1d": (lambda: [layer.AvgPool1d(4), layer.Conv1d(8, 8, 1), layer.BatchNorm1d(8)], tokens),
    "AvgPool1d_overlapping": (lambda: [layer.AvgPool1d(4, stride=1), layer.Conv1d(8, 8, 1), layer.BatchNorm1d(8)], tokens),
    "AvgPool3d": (lambda: [layer.AvgPool3d(2), *then_1x1x1()], volumes),
    "AvgPool2d_ceil": (lambda: [layer.AvgPool2d((4, 2), (6, 2), ceil_mode=True), *then_1x1()], None),
    "AvgPool2d_without_the_padding": (lambda: [layer.AvgPool2d(2, 2, 1, count_include_pad=False), *then_1x1()], None),
    "AvgPool3d_ceil": (lambda: [layer.AvgPool3d((1, 4, 2), (1, 6, 2), ceil_mode=True), *then_1x1x1()], volumes),
    "AdaptiveAvgPool2d_of_overlapping_windows": (lambda: [layer.AdaptiveAvgPool2d((6, None)), *then_1x1()], None),
    "AdaptiveAvgPool2d_to_a_divisor": (lambda: [layer.AdaptiveAvgPool2d(4), *then_1x1()], None),
    "AdaptiveAvgPool2d_to_a_multiple": (lambda: [layer.AdaptiveAvgPool2d(16), *then_1x1()], None),
    "AvgPool2d": (lambda: [layer.AvgPool2d(2), *then_1x1()], None),
    "AdaptiveAvgPool1d": (lambda: [layer.AdaptiveAvgPool1d(1), *then_linear()], tokens),
    "AdaptiveAvgPool2d": (lambda: [layer.AdaptiveAvgPool2d((1, 1)), *then_linear()], None),
    "AdaptiveAvgPool2d_as_it_is": (lambda: [layer.AdaptiveAvgPool2d(8), *then_1x1()], None),
    "AdaptiveAvgPool3d": (lambda: [layer.AdaptiveAvgPool3d(1), *then_linear()], deep),
    "ThresholdDependentBatchNorm2d": (lambda: [layer.Conv2d(8, 8, 3), layer.ThresholdDependentBatchNorm2d(1.0, 1.0, 8)], None),
    "BatchNorm3d": (lambda: [layer.Conv2d(8, 8, 3), Apply(volumes), layer.BatchNorm3d(2)], None),
    "Dropout": (lambda: [layer.Dropout(0.5), layer.Dropout2d(0.5), layer.PrintShapeModule(), *then_1x1()], None),
    "VotingLayer": (lambda: [*then_linear(512), neuron.LIFNode(), layer.VotingLayer(4), layer.Linear(2, 4), layer.BatchNorm1d(4)], None),
}


@pytest.mark.parametrize("name", SUPPORTED)
def test_wrappers(name: str, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    parts, before = SUPPORTED[name]
    assert agree(seeded(lambda: Wrapped(parts, before)), EVENTS, tmp_path, layers=2) == ""


class InALoop(Wrapped):
    """The same in single-step mode, called once for every time step."""

    def __init__(self, parts: Callable[[], list[nn.Module]], before: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__(parts, before)
        functional.set_step_mode(self, "s")

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.step(image) for image in x])

    def step(self, x: Tensor) -> Tensor:
        x = self.lif(self.bn(self.conv(x)))
        x = x if self.before is None else self.before(x.unsqueeze(0)).squeeze(0)
        return self.lif2(self.parts(x))


IN_A_LOOP = (
    *("Conv1d_circular", "Conv2d_same_of_even_windows", "Conv2d_reflect", "Conv3d_replicate", "ConvTranspose3d", "Linear"),
    *("MaxPool1d_ceil", "MaxPool2d_dilated", "MaxPool3d_ceil", "MaxUnpool2d_of_other_spikes", "Dropout"),
    *("AvgPool2d_ceil", "AvgPool3d_ceil", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d_of_overlapping_windows"),
    *("Upsample_to_a_size", "Upsample_bilinear", "Upsample_trilinear"),
)


@pytest.mark.parametrize("name", IN_A_LOOP)
def test_single_steps(name: str, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    parts, before = SUPPORTED[name]
    assert agree(seeded(lambda: InALoop(parts, before)), EVENTS, tmp_path, layers=2) == ""


class Last(nn.Module):
    """A layer behind a neuron, as `Wrapped` without a second one."""

    def __init__(self, part: nn.Module, before: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        self.before = before
        self.conv, self.bn, self.lif = layer.Conv2d(2, 8, 3, padding=1, bias=False), layer.BatchNorm2d(8), neuron.LIFNode()
        self.part = part
        multi_step(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.lif(self.bn(self.conv(x)))
        return self.part(x if self.before is None else self.before(x))


# Quotients that round, as PyTorch's do: of sums of spikes, which do not.
ROUNDED: dict[str, Callable[[], nn.Module]] = {
    "AvgPool1d_ceil": lambda: Last(layer.AvgPool1d(5, ceil_mode=True), tokens),
    "AvgPool2d_ceil": lambda: Last(layer.AvgPool2d(3, 2, 1, ceil_mode=True)),
    "AvgPool2d_without_the_padding": lambda: Last(layer.AvgPool2d(3, 2, 1, count_include_pad=False)),
    "AvgPool2d_divisor": lambda: Last(layer.AvgPool2d(3, 2, 1, ceil_mode=True, divisor_override=7)),
    "AvgPool3d_ceil": lambda: Last(layer.AvgPool3d((2, 3, 3), 2, (1, 1, 0), True, False), volumes),
    "AdaptiveAvgPool1d": lambda: Last(layer.AdaptiveAvgPool1d(7), tokens),
    "AdaptiveAvgPool2d": lambda: Last(layer.AdaptiveAvgPool2d((3, 5))),
    "AdaptiveAvgPool2d_of_thirds": lambda: Last(layer.AdaptiveAvgPool2d((2, 3)), nine_columns),
    "AdaptiveAvgPool3d": lambda: Last(layer.AdaptiveAvgPool3d((3, 1, 5)), volumes),
    "Upsample_bicubic": lambda: Last(layer.Upsample(scale_factor=2, mode="bicubic")),
}


@pytest.mark.parametrize("name", ROUNDED)
def test_wrappers_that_round(name: str, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    model = seeded(ROUNDED[name])
    settle(model, EVENTS, output="rounded")
    net = spk.compile(model, EVENTS[0], output=tmp_path / "net.so")
    np.testing.assert_array_equal(np.asarray(net(EVENTS[0].numpy())), trace(model, EVENTS)[0].numpy())


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("groups", [1, 2, 8])
def test_group_norm(groups: int, affine: bool, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    """Equal up to the rounding of mean and variance, which PyTorch updates while it reads."""
    need_tool("spk-compile")
    model = seeded(lambda: Last(layer.GroupNorm(groups, 8, affine=affine)))
    if affine:
        nn.init.normal_(model.part.weight)
        nn.init.normal_(model.part.bias)
    settle(model, EVENTS, output="rounded")
    net = spk.compile(model, EVENTS[0], output=tmp_path / "net.so")
    result = trace(model, EVENTS)[0].numpy()
    assert result.std() > 0.5
    np.testing.assert_allclose(np.asarray(net(EVENTS[0].numpy())), result, rtol=2e-6, atol=4e-6)


def test_group_norm_in_front_of_a_neuron(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    model = seeded(lambda: Wrapped(lambda: [layer.Conv2d(8, 8, 3), layer.GroupNorm(2, 8), Apply(twice)], None))
    settle(model, EVENTS, output="partial")
    report = spk.compare(model, None, EVENTS[0])
    assert [x.path for x in report.layers] == ["lif", "lif2"]
    assert report.flipped == 0
    assert all(0.02 < x.rate < 0.6 for x in report.layers)


def test_batch_norm_of_every_step(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    model = seeded(lambda: Wrapped(lambda: [layer.TemporalEffectiveBatchNorm2d(3, 8)], None))
    with torch.no_grad():
        model.parts[0].scale.copy_(torch.tensor([0.5, 1.0, 2.0]))
    assert agree(model, EVENTS, tmp_path, layers=2).startswith("parts.0: arith.mulf looks across time")


REFUSED: dict[str, tuple[Case, str]] = {
    "MaxUnpool2d_of_overlapping_windows": ((lambda: [Unpooled(2, 3, 2, 1)], None), "windows that overlap.*stride=kernel_size"),
    "MaxUnpool2d_to_another_size": (
        (lambda: [Unpooled(2, 3, sized=False)], None),
        r"max-unpool to \[6, 6\] of what was pooled from \[8, 8\].*output_size=\(8, 8\)",
    ),
    "BatchNormThroughTime2d": ((lambda: [layer.BatchNormThroughTime2d(3, 8)], None), "keeps state between calls.*BatchNorm2d, the same"),
    "NeuNorm": ((lambda: [layer.NeuNorm(8, 8, 8, 0.9)], None), "NeuNorm keeps state.*form: BatchNorm2d"),
    "DropConnectLinear": ((lambda: [layer.DropConnectLinear(64, 8)], tokens), "DropConnectLinear keeps state.*form: Linear"),
    "SynapseFilter": ((lambda: [layer.SynapseFilter(tau=2.0)], None), "SynapseFilter keeps state.*a LIF neuron"),
    "Delay": ((lambda: [layer.Delay(1)], None), "Delay keeps state.*without a delay"),
    "ElementWiseRecurrentContainer": (
        (lambda: [layer.ElementWiseRecurrentContainer(neuron.IFNode(), torch.add)], None),
        "ElementWiseRecurrentContainer keeps state.*nothing is fed back",
    ),
    "LinearRecurrentContainer": (
        (lambda: [layer.Flatten(), layer.LinearRecurrentContainer(neuron.IFNode(), 512, 512)], None),
        "LinearRecurrentContainer keeps state.*nothing is fed back",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_wrappers(name: str) -> None:
    (parts, before), message = REFUSED[name]
    with pytest.raises(UnsupportedModelError) as raised:
        translate(seeded(lambda: Wrapped(parts, before)), EVENTS)
    found = raised.value.problems
    assert any(re.search(message, " ".join(str(p).split())) for p in found), found
    assert all(p.path.startswith("parts.") and "test_wrappers.py:" in p.source for p in found), found


@pytest.mark.parametrize("build", [lambda: layer.WSConv2d(8, 8, 3, padding=1), lambda: layer.WSLinear(8, 8)])
def test_standardised_weights_are_constants(build: Callable[[], nn.Module]) -> None:
    module = seeded(build)
    x = forms.grid(2, 8, 4, 4) if isinstance(module, nn.Conv2d) else forms.grid(2, 8)
    (weight,) = (w for key, w in translate(module, x).weights().items() if key != "bias")
    assert torch.equal(weight, module.get_weight())
