"""The published SpikingResformer graphs (Shi et al., CVPR 2024), written from their description.

Symbols: T time steps, B images, C channels, h heads, d = C / h, N = H*W tokens, M = N / p^2 tokens of a reduced map.

A prologue (7x7 convolution of stride 2, batch norm, max-pool; no neuron) and three stages of 1, 2 and 3 pairs of layers;
between stages a neuron and a 3x3 convolution of stride 2.  The stream is a float (*membrane shortcuts*).

* **DSSA** (dual spike self-attention), p = 4, 2, 1 by stage: spikes ``S = LIF(X)``; ``Y1, Y2 = BN(Conv_pxp(S))``, floats,
  d channels of each a head; then per head ::

      A = LIF(Y1^T S / sqrt(f_x d))        [M, N]
      O = LIF(Y2 A / sqrt(f_a M))          [d, N]
      X + BN(Conv_1x1(O))

  with the firing rates f_x, f_a as kept by training, constants of inference.  The neuron between the products leaves
  them no other order.
* **GWFFN**: neuron, 1x1 up, batch norm; a residual 3x3 convolution in groups of 64 channels behind a neuron; neuron, 1x1
  down, batch norm; residual.

The head averages the float stream over space and maps every time step: logits ``[T, B, classes]``, whose mean over
time is the prediction.  Module names are those of the published state dicts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import torch
from spk.neuron import LIFNode, ParametricLIFNode
from torch import Tensor, nn

__all__ = ["SpikingResformer", "spiking_resformer", "spiking_resformer_cifar", "spiking_resformer_dvs"]

Neuron = Callable[..., nn.Module]
Rate = float | tuple[float, float]


def _per_step(module: nn.Module, x: Tensor) -> Tensor:
    """A module for images on ``[T, B, ...]``."""
    return module(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Conv(nn.Conv2d):
    """A convolution without bias on ``[T, B, C, H, W]``."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Norm(nn.Module):
    """A batch norm on ``[T, B, C, H, W]``, one level down as in the published state dicts."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(features)

    def forward(self, x: Tensor) -> Tensor:
        return _per_step(self.bn, x)


class Pool(nn.Module):
    """The max-pool of the prologue on ``[T, B, C, H, W]``."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return _per_step(self.pool, x)


class DSSA(nn.Module):
    """Dual spike self-attention and its residual on ``[T, B, C, H, W]``."""

    def __init__(self, dim: int, heads: int, tokens: int, patch: int, rate: Rate, activation: Callable[[], nn.Module]) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"the width {dim} must be a multiple of the number of heads, {heads}")
        self.heads, self.width, self.tokens = heads, dim // heads, tokens
        of_x, of_attention = (rate, rate) if isinstance(rate, float) else rate
        self.register_buffer("firing_rate_x", torch.full((1, 1, heads, 1, 1), of_x))
        self.register_buffer("firing_rate_attn", torch.full((1, 1, heads, 1, 1), of_attention))
        self.activation_in = activation()
        self.W = Conv(dim, 2 * dim, patch, stride=patch)
        self.norm = Norm(2 * dim)
        self.activation_attn = activation()
        self.activation_out = activation()
        self.Wproj = Conv(dim, dim, 1)
        self.norm_proj = Norm(dim)

    def forward(self, x: Tensor) -> Tensor:
        lead, (height, width) = x.shape[:2], x.shape[3:]
        s = self.activation_in(x)
        y = self.norm(self.W(s)).reshape(*lead, self.heads, 2 * self.width, -1)
        y1, y2 = y.split(self.width, dim=3)
        s = s.reshape(*lead, self.heads, self.width, -1)
        attention = y1.transpose(-1, -2) @ s * (1.0 / torch.sqrt(self.firing_rate_x * self.width))
        attention = self.activation_attn(attention)
        out = y2 @ attention * (1.0 / torch.sqrt(self.firing_rate_attn * self.tokens))
        out = self.activation_out(out.reshape(*lead, -1, height, width))
        return self.norm_proj(self.Wproj(out)) + x


class GWFFN(nn.Module):
    """The group-wise feed-forward network and its residual on ``[T, B, C, H, W]``."""

    def __init__(self, dim: int, ratio: int, group: int, activation: Callable[[], nn.Module]) -> None:
        super().__init__()
        inner = ratio * dim
        self.up = nn.Sequential(activation(), Conv(dim, inner, 1), Norm(inner))
        self.conv = nn.ModuleList([nn.Sequential(activation(), Conv(inner, inner, 3, padding=1, groups=inner // group), Norm(inner))])
        self.down = nn.Sequential(activation(), Conv(inner, dim, 1), Norm(dim))

    def forward(self, x: Tensor) -> Tensor:
        y = self.up(x)
        z = y
        for layer in self.conv:
            z = layer(z)
        return self.down(z + y) + x


class Downsample(nn.Module):
    """Neuron, 3x3 convolution of stride 2, batch norm."""

    def __init__(self, inputs: int, outputs: int, activation: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.conv = Conv(inputs, outputs, 3, stride=2, padding=1)
        self.norm = Norm(outputs)
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(self.activation(x)))


class SpikingResformer(nn.Module):
    """Images ``[B, C, H, W]`` or, with ``events``, sequences ``[B, T, C, H, W]``, to logits ``[T, B, classes]``."""

    def __init__(
        self,
        *,
        planes: Sequence[int],
        heads: Sequence[int],
        depths: Sequence[int],
        patches: Sequence[int],
        steps: int,
        num_classes: int,
        img: int | tuple[int, int],
        in_channels: int,
        group: int,
        rate: Rate,
        reduces: bool,
        events: bool,
        neuron: Neuron,
    ) -> None:
        super().__init__()
        self.T, self.events, self.in_channels = steps, events, in_channels
        self.image_size = (img, img) if isinstance(img, int) else img
        size = [n // 4 if reduces else n for n in self.image_size]

        def activation() -> nn.Module:
            return neuron(detach_reset=True, step_mode="m")

        first = planes[0]
        if reduces:
            self.prologue = nn.Sequential(Conv(in_channels, first, 7, stride=2, padding=3), Norm(first), Pool())
        else:
            self.prologue = nn.Sequential(Conv(in_channels, first, 3, padding=1), Norm(first))
        self.layers = nn.Sequential()
        for i, (dim, patch) in enumerate(zip(planes, patches, strict=True)):
            stage = nn.Sequential()
            if i:
                stage.append(Downsample(planes[i - 1], dim, activation))
                size = [n // 2 for n in size]
            for _ in range(depths[i]):
                stage.append(DSSA(dim, heads[i], prod(n // patch for n in size), patch, rate, activation))
                stage.append(GWFFN(dim, 4, group, activation))
            self.layers.append(stage)
        self.classifier = nn.Linear(planes[-1], num_classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of every time step, ``[T, B, num_classes]``."""
        x = x.transpose(0, 1) if self.events else x.unsqueeze(0).repeat(self.T, 1, 1, 1, 1)
        x = self.layers(self.prologue(x))
        return self.classifier(x.mean((3, 4)))

    def example(self, batch: int = 1, seed: int = 0) -> tuple[Tensor]:
        """An input of this model's shape on the grid of 1/16: ``batch`` images or, with ``events``, sequences of counts."""
        generator = torch.Generator().manual_seed(seed)
        if self.events:
            shape = (batch, self.T, self.in_channels, *self.image_size)
            return ((torch.rand(shape, generator=generator) < 0.25).float(),)
        shape = (batch, self.in_channels, *self.image_size)
        return (torch.randint(0, 16, shape, generator=generator) / 16.0,)


def spiking_resformer(
    planes: Sequence[int] = (64, 192, 384),
    heads: Sequence[int] = (1, 3, 6),
    depths: Sequence[int] = (1, 2, 3),
    patches: Sequence[int] = (4, 2, 1),
    T: int = 4,
    num_classes: int = 1000,
    img: int | tuple[int, int] = 224,
    in_channels: int = 3,
    group: int = 64,
    rate: Rate = 0.25,
    neuron: Neuron = LIFNode,
) -> SpikingResformer:
    """The ImageNet graph, by default SpikingResformer-Ti (11 M parameters).

    Args:
        planes: channels of the three stages: Ti (64, 192, 384), S (64, 256, 512), M (64, 384, 768), L (128, 512, 1024).
        heads: attention heads of the stages: Ti (1, 3, 6), S (1, 4, 8), M (1, 6, 12), L (2, 8, 16).
        depths: pairs of layers in the stages.
        patches: side p of what the attention's convolution reduces to one token, by stage.
        T: time steps.
        num_classes: width of the head.
        img: side of the image in pixels, or (height, width).
        in_channels: channels of the image.
        group: channels of a group of the grouped convolution.
        rate: what scales the attention as its firing rate, until training has measured one or a state dict brings it;
            or two numbers, the rate of its input and that of its map.
        neuron: class of the neurons: :class:`spk.neuron.LIFNode` or SpikingJelly's ``activation_based.neuron.LIFNode``.
    """
    return SpikingResformer(
        planes=planes,
        heads=heads,
        depths=depths,
        patches=patches,
        steps=T,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        group=group,
        rate=rate,
        reduces=True,
        events=False,
        neuron=neuron,
    )


def spiking_resformer_cifar(
    planes: Sequence[int] = (64, 192, 384),
    heads: Sequence[int] = (1, 3, 6),
    depths: Sequence[int] = (1, 2, 3),
    T: int = 4,
    num_classes: int = 10,
    img: int | tuple[int, int] = 32,
    in_channels: int = 3,
    group: int = 64,
    rate: Rate = 0.25,
    neuron: Neuron = LIFNode,
) -> SpikingResformer:
    """The CIFAR graph: a prologue of one 3x3 convolution that keeps the size.  Arguments as :func:`spiking_resformer`."""
    return SpikingResformer(
        planes=planes,
        heads=heads,
        depths=depths,
        patches=(4, 2, 1),
        steps=T,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        group=group,
        rate=rate,
        reduces=False,
        events=False,
        neuron=neuron,
    )


def spiking_resformer_dvs(
    planes: Sequence[int] = (32, 96, 192),
    heads: Sequence[int] = (1, 3, 6),
    depths: Sequence[int] = (1, 2, 3),
    T: int = 16,
    num_classes: int = 11,
    img: int | tuple[int, int] = 64,
    in_channels: int = 3,
    group: int = 32,
    rate: Rate = 0.25,
    neuron: Neuron = ParametricLIFNode,
) -> SpikingResformer:
    """The DVS Gesture graph with parametric LIF neurons, on events ``[B, T, C, H, W]``.

    The third channel of the published input is the sum of the two polarities.  Arguments as :func:`spiking_resformer`.
    """
    return SpikingResformer(
        planes=planes,
        heads=heads,
        depths=depths,
        patches=(4, 2, 1),
        steps=T,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        group=group,
        rate=rate,
        reduces=False,
        events=True,
        neuron=neuron,
    )
