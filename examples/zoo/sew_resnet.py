"""The published SEW ResNet graphs (Fang et al., NeurIPS 2021), written from their description.

Symbols: T time steps, B images, C channels, H and W rows and columns.

A block joins the spikes ``s`` of its last neuron with those of its input ``x``,
or of a strided 1x1 convolution of it with a neuron of its own::

    ADD    s + x          integers, one larger with each block of a stage
    AND    s * x          spikes
    IAND   x * (1 - s)    spikes

All neurons integrate without leak and reset to 0 (IF), except those of
:func:`sew_resnet_dvs`, which learn their leak (PLIF).  The first convolution
of the image models, 7x7 with stride 2, reads the image once for all time steps.
The head maps the mean over pixels and time.  Module names are those of the
published state dicts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from spk.neuron import IFNode, ParametricLIFNode
from torch import Tensor, nn

__all__ = [
    "CONNECTIONS",
    "SEWResNet",
    "SEWResNetDVS",
    "load_published",
    "sew_resnet18",
    "sew_resnet34",
    "sew_resnet50",
    "sew_resnet101",
    "sew_resnet152",
    "sew_resnet_dvs",
]

Neuron = Callable[..., nn.Module]
CONNECTIONS = ("ADD", "AND", "IAND")


def _join(connect: str, spikes: Tensor, x: Tensor) -> Tensor:
    if connect == "ADD":
        return spikes + x
    if connect == "AND":
        return spikes * x
    return x * (1.0 - spikes)


def _check(connect: str) -> None:
    if connect not in CONNECTIONS:
        raise ValueError(f"connect must be one of {', '.join(CONNECTIONS)}, got {connect!r}")


class OverTime(nn.Module):
    """Stateless layers at every time step of ``[T, B, ...]``."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.module = nn.Sequential(*layers) if len(layers) > 1 else layers[0]

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> OverTime:
    conv = nn.Conv2d(inputs, outputs, kernel_size=kernel, stride=stride, padding=kernel // 2, bias=False)
    return OverTime(conv, nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """Convolutions with a neuron each, joined with their input.

    Args:
        widths: channels of the input and of each convolution.
        kernels: their sizes, 1 or 3.
        strided: the one that has the stride.
        stride: of the block.
        connect: one of `CONNECTIONS`.
        neuron: makes the neurons.
    """

    def __init__(
        self, widths: Sequence[int], kernels: Sequence[int], strided: int, stride: int, connect: str, neuron: Neuron
    ) -> None:
        super().__init__()
        self.connect = connect
        self.depth = len(kernels)
        for i, kernel in enumerate(kernels):
            conv = _convolution(widths[i], widths[i + 1], kernel, stride if i == strided else 1)
            self.add_module(f"conv{i + 1}", conv)
            self.add_module(f"sn{i + 1}", neuron())
        same = stride == 1 and widths[0] == widths[-1]
        self.downsample = None if same else nn.Sequential(_convolution(widths[0], widths[-1], 1, stride), neuron())

    def forward(self, x: Tensor) -> Tensor:
        spikes = x
        for i in range(1, self.depth + 1):
            spikes = getattr(self, f"sn{i}")(getattr(self, f"conv{i}")(spikes))
        return _join(self.connect, spikes, x if self.downsample is None else self.downsample(x))


def _basic_block(inputs: int, planes: int, stride: int, connect: str, neuron: Neuron) -> Block:
    return Block((inputs, planes, planes), (3, 3), 0, stride, connect, neuron)


def _bottleneck(inputs: int, planes: int, stride: int, connect: str, neuron: Neuron) -> Block:
    return Block((inputs, planes, planes, 4 * planes), (1, 3, 1), 1, stride, connect, neuron)


class SEWResNet(nn.Module):
    """Images ``[B, in_channels, H, W]`` to logits ``[B, num_classes]``.

    Args:
        block: makes a block of (input channels, planes, stride, connect, neuron).
        expansion: channels of a block's result over its planes.
        layers: blocks of each of the four stages.
        connect: one of `CONNECTIONS`.
        T: time steps; the image is repeated at every step.
        num_classes: width of the head.
        img: side of the image in pixels, or (height, width).
        in_channels: channels of the image.
        width: channels of the stem and planes of the first stage; doubled at every stage.
        neuron: class of the neurons: ``spk.neuron.IFNode`` (default) or SpikingJelly's of
            the same name.
    """

    def __init__(
        self,
        block: Callable[..., Block],
        expansion: int,
        layers: Sequence[int],
        *,
        connect: str = "ADD",
        T: int = 4,
        num_classes: int = 1000,
        img: int | tuple[int, int] = 224,
        in_channels: int = 3,
        width: int = 64,
        neuron: Neuron | None = None,
    ) -> None:
        super().__init__()
        _check(connect)
        self.T = T
        self.image_size = (img, img) if isinstance(img, int) else tuple(img)
        self.in_channels = in_channels
        node = partial(neuron or IFNode, detach_reset=True, step_mode="m")
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.sn1 = node()
        self.maxpool = OverTime(nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
        inputs = width
        for stage, count in enumerate(layers):
            planes = width << stage
            blocks = []
            for i in range(count):
                blocks.append(block(inputs, planes, 2 if stage and i == 0 else 1, connect, node))
                inputs = planes * expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.num_stages = len(layers)
        self.avgpool = OverTime(nn.AdaptiveAvgPool2d((1, 1)))
        self.fc = nn.Linear(inputs, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Logits, see the class."""
        x = self.bn1(self.conv1(x)).unsqueeze(0).repeat(self.T, 1, 1, 1, 1)
        x = self.maxpool(self.sn1(x))
        for stage in range(1, self.num_stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(self.avgpool(x).flatten(2).mean(0))

    def example(self, batch: int = 1, seed: int = 0) -> tuple[Tensor]:
        """An input of this model's shape: ``batch`` images, uniform in [0, 1), on the grid of 1/16."""
        generator = torch.Generator().manual_seed(seed)
        shape = (batch, self.in_channels, *self.image_size)
        return (torch.randint(0, 16, shape, generator=generator) / 16.0,)


def sew_resnet18(**options: Any) -> SEWResNet:
    """SEW ResNet-18; options as of :class:`SEWResNet`."""
    return SEWResNet(_basic_block, 1, (2, 2, 2, 2), **options)


def sew_resnet34(**options: Any) -> SEWResNet:
    """SEW ResNet-34; options as of :class:`SEWResNet`."""
    return SEWResNet(_basic_block, 1, (3, 4, 6, 3), **options)


def sew_resnet50(**options: Any) -> SEWResNet:
    """SEW ResNet-50; options as of :class:`SEWResNet`."""
    return SEWResNet(_bottleneck, 4, (3, 4, 6, 3), **options)


def sew_resnet101(**options: Any) -> SEWResNet:
    """SEW ResNet-101; options as of :class:`SEWResNet`."""
    return SEWResNet(_bottleneck, 4, (3, 4, 23, 3), **options)


def sew_resnet152(**options: Any) -> SEWResNet:
    """SEW ResNet-152; options as of :class:`SEWResNet`."""
    return SEWResNet(_bottleneck, 4, (3, 8, 36, 3), **options)


class SEWBlock(nn.Module):
    """Two 3x3 convolutions with a neuron each, joined with their input."""

    def __init__(self, channels: int, connect: str, neuron: Neuron) -> None:
        super().__init__()
        self.connect = connect
        layers = [nn.Sequential(_convolution(channels, channels, 3), neuron()) for _ in range(2)]
        self.conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return _join(self.connect, self.conv(x), x)


class SEWResNetDVS(nn.Module):
    """Events ``[B, T, in_channels, H, W]`` to logits ``[B, num_classes]``.

    Every stage has a 1x1 convolution where the channels change, one block and a 2x2 max-pool.

    Args:
        channels: of each stage.
        connect: one of `CONNECTIONS`.
        T: time steps of :meth:`example`; the model takes those of its input.
        num_classes: width of the head.
        img: side of the frames in pixels, or (height, width).
        in_channels: channels of the events.
        neuron: class of the neurons: ``spk.neuron.ParametricLIFNode`` (default) or
            SpikingJelly's of the same name.
    """

    def __init__(
        self,
        channels: Sequence[int],
        *,
        connect: str,
        T: int,
        num_classes: int,
        img: int | tuple[int, int],
        in_channels: int,
        neuron: Neuron | None,
    ) -> None:
        super().__init__()
        _check(connect)
        self.T = T
        self.in_channels = in_channels
        self.image_size = (img, img) if isinstance(img, int) else tuple(img)
        node = partial(neuron or ParametricLIFNode, init_tau=2.0, detach_reset=True, step_mode="m")
        layers: list[nn.Module] = []
        inputs = in_channels
        for width in channels:
            if width != inputs:
                layers.append(nn.Sequential(_convolution(inputs, width, 1), node()))
            layers += [SEWBlock(width, connect, node), OverTime(nn.MaxPool2d(2, 2))]
            inputs = width
        self.conv = nn.Sequential(*layers, nn.Flatten(2))
        height, width = (side >> len(channels) for side in self.image_size)
        if height < 1 or width < 1:
            raise ValueError(f"{len(channels)} stages halve images of {self.image_size} to nothing")
        self.out = nn.Linear(inputs * height * width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, see the class."""
        return self.out(self.conv(x.permute(1, 0, 2, 3, 4)).mean(0))

    def example(self, batch: int = 1, seed: int = 0) -> tuple[Tensor]:
        """An input of this model's shape: counts of events, 0 to 3."""
        generator = torch.Generator().manual_seed(seed)
        shape = (batch, self.T, self.in_channels, *self.image_size)
        return (torch.randint(0, 4, shape, generator=generator).float(),)


def sew_resnet_dvs(
    channels: Sequence[int] = (32,) * 7,
    connect: str = "ADD",
    T: int = 16,
    num_classes: int = 11,
    img: int | tuple[int, int] = 128,
    in_channels: int = 2,
    neuron: Neuron | None = None,
) -> SEWResNetDVS:
    """The configuration of DVS128 Gesture; that of CIFAR10-DVS has channels (64, 64, 64, 64, 128, 128, 128) and 10 classes."""
    return SEWResNetDVS(
        channels, connect=connect, T=T, num_classes=num_classes, img=img, in_channels=in_channels, neuron=neuron
    )


def load_published(model: SEWResNet | SEWResNetDVS, state: dict[str, Any]) -> None:
    """Load a published state dict; no part of it is left out."""
    model.load_state_dict(state)
