"""Item assignment, in-place operations and padding, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import forms
import pytest
import torch
import torch.nn.functional as F
from agreement import agree, seeded
from torch import Tensor, nn

from spk.importer import import_model
from spk.neuron import LIFNode

IMAGES = (forms.grid(3, 2, 2, 6, 5) * 4,)
TOKENS = (forms.grid(4, 2, 6) * 4,)


class NormAndBorder(nn.Module):
    """A batch norm that writes what it makes of zeros around its output, as RepConv of Meta-SpikeFormer does."""

    def __init__(self, channels: int, border: int, off: float) -> None:
        super().__init__()
        self.bn, self.border, self.off = nn.BatchNorm2d(channels), border, off

    def forward(self, x: Tensor) -> Tensor:
        root = torch.sqrt(self.bn.running_var + self.bn.eps)
        zero = (self.bn.bias.detach() - self.bn.running_mean * self.bn.weight.detach() / root).view(1, -1, 1, 1) + self.off
        n = self.border
        x = F.pad(self.bn(x), [n] * 4)
        x[:, :, 0:n, :] = zero
        x[:, :, -n:, :] = zero
        x[:, :, :, 0:n] = zero
        x[:, :, :, -n:] = zero
        return x


class Bordered(nn.Module):
    """A depthwise convolution behind a border; with a 1x1 convolution in front of it, that one can compute the border."""

    def __init__(self, kernel: int = 1, border: int = 1, bias: bool = False, off: float = 0.0) -> None:
        super().__init__()
        self.conv, self.bn, self.lif = nn.Conv2d(2, 8, 1, bias=False), nn.BatchNorm2d(8), LIFNode()
        first = nn.Conv2d(8, 8, kernel, padding=kernel // 2, bias=bias)
        depthwise = nn.Conv2d(8, 8, 3, groups=8, bias=False)
        self.body = nn.Sequential(first, NormAndBorder(8, border, off), depthwise, nn.BatchNorm2d(8))
        self.out_lif, self.fc = LIFNode(), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        lead = x.shape[:2]
        x = self.lif(self.bn(self.conv(x.flatten(0, 1))).unflatten(0, lead))
        x = self.out_lif(self.body(x.flatten(0, 1)).unflatten(0, lead))
        return self.fc(x.flatten(3).mean(-1)).mean(0)


class Loop(nn.Module):
    """A loop over time that writes its results into a tensor."""

    def __init__(self, form: str) -> None:
        super().__init__()
        from spikingjelly.activation_based import neuron

        self.form = form
        self.fc, self.bn, self.lif, self.out = nn.Linear(6, 8), nn.BatchNorm1d(8), neuron.LIFNode(), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        steps, batch = x.shape[:2]
        result = x.new_ones(steps, batch, 8) if self.form == "holes" else x.new_zeros((steps, batch, 8))
        if self.form == "like":
            result = torch.zeros_like(x[..., :1]).repeat(1, 1, 8)
        for t in range(steps):
            if self.form == "holes" and t == 1:
                continue
            spikes = self.lif(self.bn(self.fc(x[t])))
            if self.form == "added":
                result[t] += spikes
            else:
                result[t] = spikes
        return self.out(result).mean(0)


def channels(y: Tensor) -> Tensor:
    y[:, :, 2:4] = 0
    return y


def time(y: Tensor) -> Tensor:
    y[0] = 0.5
    return y


def swapped(y: Tensor) -> Tensor:
    y = y.clone()
    first = y[..., :4].clone()
    y[..., :4] = y[..., 4:]
    y[..., 4:] = first
    return y


def alias(y: Tensor) -> Tensor:
    flat = y.view(-1, 8)
    y += 1.0
    return flat.reshape(y.shape) * 0.5 + y


def transposed(y: Tensor) -> Tensor:
    y.transpose(0, 2)[1:3] = 0.25
    return y


def scaled(y: Tensor) -> Tensor:
    y[:, :, :2] *= 2.0
    return y


def chunk(y: Tensor) -> Tensor:
    first, second = y.chunk(2, -1)
    first.add_(second)
    return y


def zeros_in_front(y: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(y[:1]), y[:-1]]) + torch.cat([y[..., 4:], y.new_ones(*y.shape[:2], 4)], -1)


class Changed(nn.Module):
    """A membrane that is changed in place between batch norm and neuron."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.change = change
        self.fc, self.bn, self.lif = nn.Linear(6, 8), nn.BatchNorm1d(8), LIFNode()
        self.fc2, self.bn2, self.lif2, self.out = nn.Linear(8, 8), nn.BatchNorm1d(8), LIFNode(), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        lead = x.shape[:2]
        x = self.lif(self.bn(self.fc(x.flatten(0, 1))).reshape(*lead, 8))
        x = self.bn2(self.fc2(x.flatten(0, 1))).reshape(*lead, 8)
        return self.out(self.lif2(self.change(x))).mean(0)


class Margins(nn.Module):
    """Padding in front of a convolution that does not pad."""

    def __init__(self, pad: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.pad = pad
        self.conv, self.bn, self.lif = nn.Conv2d(2, 8, 1, bias=False), nn.BatchNorm2d(8), LIFNode()
        self.conv2, self.bn2, self.lif2, self.fc = nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8), LIFNode(), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        lead = x.shape[:2]
        x = self.pad(self.lif(self.bn(self.conv(x.flatten(0, 1))).unflatten(0, lead)).flatten(0, 1))
        x = self.lif2(self.bn2(self.conv2(x)).unflatten(0, lead))
        return self.fc(x.flatten(3).mean(-1)).mean(0)


def filled(x: Tensor) -> Tensor:
    x = F.pad(x, (1, 1, 1, 1))
    x[:, :, :1] = 0.5
    return x


def margins_of_two_numbers(x: Tensor) -> Tensor:
    """Of the same shapes in one module."""
    return F.pad(x, (1, 1, 1, 1), value=0.5) - F.pad(x, (1, 1, 1, 1), value=0.25) * 0.5


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...]]] = {
    "border": (Bordered, IMAGES),
    "border_of_two_with_bias": (lambda: Bordered(border=2, bias=True), IMAGES),
    "border_behind_3x3": (lambda: Bordered(kernel=3), IMAGES),
    "border_of_its_own": (lambda: Bordered(off=0.25), IMAGES),
    **{f"loop_{form}": (lambda form=form: Loop(form), TOKENS) for form in ("zeros", "like", "added", "holes")},
    **{
        change.__name__: (lambda change=change: Changed(change), TOKENS)
        for change in (channels, time, swapped, alias, transposed, scaled, chunk, zeros_in_front)
    },
    "pad_all_sides": (lambda: Margins(nn.ZeroPad2d(1)), IMAGES),
    "pad_columns": (lambda: Margins(lambda x: F.pad(x, (2, 2))), IMAGES),
    "pad_two_sides": (lambda: Margins(lambda x: F.pad(x, (0, 1, 1, 0))), IMAGES),
    "pad_and_fill": (lambda: Margins(filled), IMAGES),
    "margins_of_two_numbers": (lambda: Margins(margins_of_two_numbers), IMAGES),
}


@pytest.mark.parametrize("name", CASES)
def test_agrees(name: str, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    if name.startswith("loop"):
        pytest.importorskip("spikingjelly", reason="SpikingJelly is not installed")
    build, inputs = CASES[name]
    agree(seeded(build), inputs, tmp_path, layers=2)


def test_padding_is_left_to_the_convolution(tmp_path: Path) -> None:
    """Neither margins of zeros nor a border that follows from a 1x1 convolution are tensors of their own."""
    for build in (Bordered, lambda: Margins(nn.ZeroPad2d(1))):
        assert "tensor.concat" not in import_model(seeded(build), IMAGES, tmp_path / "net").operations
    assert "tensor.concat" in import_model(seeded(lambda: Bordered(kernel=3)), IMAGES, tmp_path / "net").operations


def test_a_border_that_does_not_follow_stays_a_constant(tmp_path: Path) -> None:
    model = seeded(lambda: Bordered(off=0.25))
    assert "tensor.concat" in import_model(model, IMAGES, tmp_path / "net").operations
