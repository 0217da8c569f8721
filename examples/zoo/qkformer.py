"""The published QKFormer graphs (Zhou et al., NeurIPS 2024), written from their description.

Symbols: T time steps, B images, C = D channels, N = H*W tokens, h heads of width d = D/h.

The stream between blocks holds small integers: every block adds spikes to it
(SEW).  Early stages have token attention (QKTA), whose mask is one spike for
each head and token, with spikes q and k ``[T, B, h, d, N]``::

    A = LIF_0.5(sum over d of q)           [T, B, h, 1, N]
    x = A * k                              [T, B, h, d, N]

the last one spiking self-attention (SSA) ``(Q (K^T V)) * 0.125``.

=========  =====================  =====================  =====================
part       ImageNet               CIFAR                  DVS
=========  =====================  =====================  =====================
stage 1    D/4, H/4, 1 QKTA       D/4, H, 1 QKTA         D/2, H/8, 1 QKTA
stage 2    D/2, H/8, 2 QKTA       D/2, H/2, 1 QKTA       D, H/16, 1 SSA
stage 3    D, H/16, SSA           D, H/4, SSA
heads h    the same in all        8                      16
=========  =====================  =====================  =====================

Every stage begins with convolutions that pool *in front of* their neurons,
beside a shortcut: a strided 1x1 convolution with a neuron of its own.  The head
averages over tokens and time, then maps.  Module names are those of the
published state dicts.

The published SSA feeds its last neuron, ``proj_lif``, time and batch as one
axis, so that it scans from image to image and the answer for an image depends
on the batch it is in.  Here every image is scanned on its own, which is the same
at batch 1; ``tb_scan=True`` builds the published forward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from spk.neuron import LIFNode
from torch import Tensor, nn

__all__ = ["QKFormer", "load_published", "qkformer_cifar", "qkformer_dvs", "qkformer_imagenet"]

Neuron = Callable[..., nn.Module]
SCALE = 0.125  # of SSA, whatever the width of a head


def _lif(neuron: Neuron, v_threshold: float = 1.0) -> nn.Module:
    return neuron(tau=2.0, v_threshold=v_threshold, detach_reset=True, step_mode="m")


class Stage(NamedTuple):
    """A convolution of a patch embedding: published name, channels of the result, whether it has a max-pool."""

    name: str
    channels: int
    pool: bool = False


class PatchEmbedding(nn.Module):
    """``[T, B, in_channels, H, W]`` to sums of two spikes ``[T, B, D, H/s, W/s]``.

    A chain of 3x3 convolution - batch norm - max-pool (3x3, stride 2, padding 1) where
    it has one - neuron, and a shortcut around its end.

    Args:
        in_channels: channels of the input.
        stages: the chain.
        shortcut_from: stages in front of the shortcut.
        shortcut_stride: of its convolution.
        neuron: class of the neurons.
    """

    def __init__(
        self, in_channels: int, stages: Sequence[Stage], shortcut_from: int, shortcut_stride: int, neuron: Neuron
    ) -> None:
        super().__init__()
        widths = [in_channels, *(stage.channels for stage in stages)]
        self.stages = tuple(stages)
        self.shortcut_from = shortcut_from
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        for stage, width in zip(stages, widths, strict=False):
            conv = nn.Conv2d(width, stage.channels, kernel_size=3, stride=1, padding=1, bias=False)
            self._add(stage.name, conv, neuron)
        shortcut = nn.Conv2d(widths[shortcut_from], widths[-1], kernel_size=1, stride=shortcut_stride, bias=False)
        self._add("proj_res", shortcut, neuron)

    def _add(self, name: str, conv: nn.Conv2d, neuron: Neuron) -> None:
        self.add_module(f"{name}_conv", conv)
        self.add_module(f"{name}_bn", nn.BatchNorm2d(conv.out_channels))
        self.add_module(f"{name}_lif", _lif(neuron))

    def _layer(self, name: str, x: Tensor, pool: bool = False) -> Tensor:
        y = getattr(self, f"{name}_bn")(getattr(self, f"{name}_conv")(x.flatten(0, 1)))
        y = self.maxpool(y) if pool else y
        return getattr(self, f"{name}_lif")(y.unflatten(0, x.shape[:2]))

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for stage in self.stages:
            seen.append(self._layer(stage.name, seen[-1], stage.pool))
        return seen[-1] + self._layer("proj_res", seen[self.shortcut_from])


class Attention(nn.Module):
    """Parts of both attentions on ``[T, B, C, N]``: spikes ``LIF(BN(W x))`` of `parts`, the neuron ``attn_lif``, the projection.

    Args:
        dim: channels C, a multiple of ``num_heads``.
        num_heads: heads h.
        parts: operands with a map of their own.
        neuron: class of the neurons.
    """

    def __init__(self, dim: int, num_heads: int, parts: str, neuron: Neuron) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"{dim} channels must be divisible by {num_heads} heads")
        self.num_heads = num_heads
        for name in parts:
            self.add_module(f"{name}_conv", nn.Conv1d(dim, dim, kernel_size=1, stride=1, bias=False))
            self.add_module(f"{name}_bn", nn.BatchNorm1d(dim))
            self.add_module(f"{name}_lif", _lif(neuron))
        self.attn_lif = _lif(neuron, v_threshold=0.5)
        self.proj_conv = nn.Conv1d(dim, dim, kernel_size=1, stride=1)
        self.proj_bn = nn.BatchNorm1d(dim)
        self.proj_lif = _lif(neuron)

    def spikes(self, name: str, x: Tensor) -> Tensor:
        """Spikes ``[T, B, C, N]`` of one operand."""
        y = getattr(self, f"{name}_bn")(getattr(self, f"{name}_conv")(x.flatten(0, 1)))
        return getattr(self, f"{name}_lif")(y.unflatten(0, x.shape[:2]))

    def projected(self, x: Tensor) -> Tensor:
        """The current of ``proj_lif``, ``[T * B, C, N]``."""
        return self.proj_bn(self.proj_conv(x.flatten(0, 1)))


class TokenQKAttention(Attention):
    """Token attention of ``[T, B, C, H, W]``, see the module's description."""

    def __init__(self, dim: int, num_heads: int, neuron: Neuron) -> None:
        super().__init__(dim, num_heads, "qk", neuron)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(3)
        q, k = (self.spikes(name, tokens).unflatten(2, (self.num_heads, -1)) for name in "qk")
        mask = self.attn_lif(q.sum(dim=3, keepdim=True))
        y = torch.mul(mask, k).flatten(2, 3)
        return self.proj_lif(self.projected(y).reshape(x.shape))


class SpikingSelfAttention(Attention):
    """SSA of ``[T, B, C, H, W]``, K^T V first; with ``tb_scan`` its last neuron scans time and batch as one axis."""

    def __init__(self, dim: int, num_heads: int, tb_scan: bool, neuron: Neuron) -> None:
        super().__init__(dim, num_heads, "qkv", neuron)
        self.tb_scan = tb_scan

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(3)
        heads = (self.spikes(name, tokens).transpose(-1, -2).unflatten(3, (self.num_heads, -1)) for name in "qkv")
        q, k, v = (y.transpose(2, 3).contiguous() for y in heads)  # [T, B, h, N, d]
        y = (q @ (k.transpose(-2, -1) @ v)) * SCALE
        y = self.attn_lif(y.transpose(3, 4).reshape(tokens.shape).contiguous())
        y = self.projected(y)
        if self.tb_scan:
            return self.proj_lif(y).reshape(x.shape)
        return self.proj_lif(y.reshape(x.shape))


class MLP(nn.Module):
    """``LIF(BN(W_2 LIF(BN(W_1 x))))`` of ``[T, B, C, H, W]``; `name` is the first part of the published module names."""

    def __init__(self, dim: int, hidden: int, name: str, neuron: Neuron) -> None:
        super().__init__()
        self.layers = (f"{name}1", f"{name}2")
        for layer, (inputs, outputs) in zip(self.layers, ((dim, hidden), (hidden, dim)), strict=True):
            self.add_module(f"{layer}_conv", nn.Conv2d(inputs, outputs, kernel_size=1, stride=1))
            self.add_module(f"{layer}_bn", nn.BatchNorm2d(outputs))
            self.add_module(f"{layer}_lif", _lif(neuron))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            y = getattr(self, f"{layer}_bn")(getattr(self, f"{layer}_conv")(x.flatten(0, 1)))
            x = getattr(self, f"{layer}_lif")(y.unflatten(0, x.shape[:2]))
        return x


class Block(nn.Module):
    """``x + attention(x)``, then ``x + MLP(x)``; `name` is the published name of the attention."""

    def __init__(self, name: str, attention: nn.Module, mlp: MLP) -> None:
        super().__init__()
        self.attention = name
        self.add_module(name, attention)
        self.mlp = mlp

    def forward(self, x: Tensor) -> Tensor:
        x = x + getattr(self, self.attention)(x)
        return x + self.mlp(x)


class _Parts(NamedTuple):
    """What the blocks of a model share."""

    heads: int
    mlp_ratio: float
    mlp: str  # first part of the names of the MLP's layers
    ssa: str  # name of the self-attention
    tb_scan: bool
    neuron: Neuron

    def _mlp(self, dim: int) -> MLP:
        return MLP(dim, int(dim * self.mlp_ratio), self.mlp, self.neuron)

    def token_blocks(self, dim: int, count: int) -> nn.ModuleList:
        """Blocks with token attention."""
        return nn.ModuleList(
            Block("tssa", TokenQKAttention(dim, self.heads, self.neuron), self._mlp(dim)) for _ in range(count)
        )

    def ssa_blocks(self, dim: int, count: int) -> nn.ModuleList:
        """Blocks with self-attention."""
        return nn.ModuleList(
            Block(self.ssa, SpikingSelfAttention(dim, self.heads, self.tb_scan, self.neuron), self._mlp(dim))
            for _ in range(count)
        )


class QKFormer(nn.Module):
    """Images ``[B, in_channels, H, W]``, or events ``[B, T, in_channels, H, W]``, to logits ``[B, num_classes]``.

    Args:
        stages: a patch embedding and its blocks for each stage.
        dim: channels of the last stage.
        steps: time steps T; an image is repeated at every step.
        events: whether the input is a sequence.
        num_classes: width of the head.
        img: side of the image in pixels, or (height, width).
        in_channels: channels of the image.
    """

    def __init__(
        self,
        stages: Sequence[tuple[PatchEmbedding, nn.ModuleList]],
        *,
        dim: int,
        steps: int,
        events: bool,
        num_classes: int,
        img: int | tuple[int, int],
        in_channels: int,
    ) -> None:
        super().__init__()
        self.T = steps
        self.events = events
        self.num_stages = len(stages)
        self.image_size = (img, img) if isinstance(img, int) else tuple(img)
        self.in_channels = in_channels
        for i, (embedding, blocks) in enumerate(stages, 1):
            self.add_module(f"patch_embed{i}", embedding)
            self.add_module(f"stage{i}", blocks)
        self.head = nn.Linear(dim, num_classes)
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, see the class."""
        x = x.permute(1, 0, 2, 3, 4) if self.events else x.unsqueeze(0).repeat(self.T, 1, 1, 1, 1)
        for i in range(1, self.num_stages + 1):
            x = getattr(self, f"patch_embed{i}")(x)
            for block in getattr(self, f"stage{i}"):
                x = block(x)
        x = x.flatten(3).mean(3)  # over tokens: [T, B, C]
        return self.head(x.mean(0))

    def example(self, batch: int = 1, seed: int = 0) -> tuple[Tensor]:
        """An input of this model's shape: images, uniform in [0, 1), on the grid of 1/16; or counts of events, 0 to 3."""
        generator = torch.Generator().manual_seed(seed)
        if self.events:
            shape = (batch, self.T, self.in_channels, *self.image_size)
            return (torch.randint(0, 4, shape, generator=generator).float(),)
        shape = (batch, self.in_channels, *self.image_size)
        return (torch.randint(0, 16, shape, generator=generator) / 16.0,)


def qkformer_imagenet(
    dim: int = 512,
    depth: int = 10,
    heads: int | None = None,
    T: int = 4,
    num_classes: int = 1000,
    img: int | tuple[int, int] = 224,
    in_channels: int = 3,
    mlp_ratio: float = 4.0,
    tb_scan: bool = False,
    neuron: Neuron | None = None,
) -> QKFormer:
    """The ImageNet configuration, by default 10-512; 10-384 and 10-768 are published too.

    Args:
        dim: channels D of the last stage; a multiple of 8, D/4 one of ``heads``.
        depth: number of blocks, 3 of them in front of the last stage.
        heads: heads h of every attention; D/64 by default.
        T: time steps; the image is repeated at every step.
        num_classes: width of the head.
        img: side of the image in pixels, or (height, width); a multiple of 16.
        in_channels: channels of the image.
        mlp_ratio: hidden width of the MLP over its width.
        tb_scan: the published forward, see the module's description.
        neuron: class of the neurons: ``spk.neuron.LIFNode`` (default) or SpikingJelly's
            of the same name.
    """
    parts = _Parts(dim // 64 if heads is None else heads, mlp_ratio, "fc", "attn", tb_scan, neuron or LIFNode)

    def embedding(channels: int) -> PatchEmbedding:
        return PatchEmbedding(channels // 2, (Stage("proj3", channels, True), Stage("proj4", channels)), 0, 2, parts.neuron)

    first = (Stage("proj", dim // 8, True), Stage("proj1", dim // 4, True), Stage("proj2", dim // 4))
    stages = [
        (PatchEmbedding(in_channels, first, 1, 2, parts.neuron), parts.token_blocks(dim // 4, 1)),
        (embedding(dim // 2), parts.token_blocks(dim // 2, 2)),
        (embedding(dim), parts.ssa_blocks(dim, depth - 3)),
    ]
    return QKFormer(stages, dim=dim, steps=T, events=False, num_classes=num_classes, img=img, in_channels=in_channels)


def qkformer_cifar(
    dim: int = 384,
    depth: int = 4,
    heads: int = 8,
    T: int = 4,
    num_classes: int = 10,
    img: int | tuple[int, int] = 32,
    in_channels: int = 3,
    mlp_ratio: float = 4.0,
    tb_scan: bool = False,
    neuron: Neuron | None = None,
) -> QKFormer:
    """The CIFAR configuration 4-384, with 10 or 100 classes.

    ``heads`` must be 8 for published weights, whatever their configuration says.  Two blocks
    are in front of the last stage.  Other arguments as for :func:`qkformer_imagenet`.
    """
    parts = _Parts(heads, mlp_ratio, "mlp", "ssa", tb_scan, neuron or LIFNode)

    def embedding(channels: int) -> PatchEmbedding:
        return PatchEmbedding(channels // 2, (Stage("proj3", channels), Stage("proj4", channels, True)), 0, 2, parts.neuron)

    first = (Stage("proj", dim // 8), Stage("proj1", dim // 4))
    stages = [
        (PatchEmbedding(in_channels, first, 1, 1, parts.neuron), parts.token_blocks(dim // 4, 1)),
        (embedding(dim // 2), parts.token_blocks(dim // 2, 1)),
        (embedding(dim), parts.ssa_blocks(dim, depth - 2)),
    ]
    return QKFormer(stages, dim=dim, steps=T, events=False, num_classes=num_classes, img=img, in_channels=in_channels)


def qkformer_dvs(
    dim: int = 256,
    heads: int = 16,
    T: int = 16,
    num_classes: int = 10,
    img: int | tuple[int, int] = 128,
    in_channels: int = 2,
    mlp_ratio: float = 1.0,
    tb_scan: bool = False,
    neuron: Neuron | None = None,
) -> QKFormer:
    """The event configuration 2-256 of CIFAR10-DVS; that of DVS128 Gesture has 11 classes and an MLP ratio of 4.

    Takes events ``[B, T, in_channels, H, W]``; T is that of the input, ``T`` that of
    :meth:`QKFormer.example` alone.  ``heads`` must be 16 for published weights.  Other
    arguments as for :func:`qkformer_imagenet`.
    """
    parts = _Parts(heads, mlp_ratio, "mlp", "ssa", tb_scan, neuron or LIFNode)
    half = dim // 2
    first = (
        Stage("proj", half // 8),
        Stage("proj1", half // 4, True),
        Stage("proj2", half // 2, True),
        Stage("proj3", half, True),
    )
    second = (Stage("proj", dim), Stage("proj4", dim, True))
    stages = [
        (PatchEmbedding(in_channels, first, 2, 4, parts.neuron), parts.token_blocks(half, 1)),
        (PatchEmbedding(half, second, 0, 2, parts.neuron), parts.ssa_blocks(dim, 1)),
    ]
    return QKFormer(stages, dim=dim, steps=T, events=True, num_classes=num_classes, img=img, in_channels=in_channels)


def load_published(model: QKFormer, state: dict[str, Any]) -> None:
    """Load a published state dict; no part of it is left out."""
    model.load_state_dict(state)
