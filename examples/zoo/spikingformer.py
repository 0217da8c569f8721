"""The three published Spikingformer graphs (Zhou et al., 2023), written from their description.

Symbols: T time steps, B images, C = D channels, N = H*W tokens, h heads of width d = D/h.

====================  =======================================  ========================================  ===================
part                  CIFAR graph                              ImageNet graph                            DVS graph
====================  =======================================  ========================================  ===================
input                 an image, repeated T times               an image, repeated T times                T frames of events
tokenizer             max-pool in front of its last two of     max-pool in front of each of its last     as ImageNet
                      five convolutions                        four convolutions
widths of it          D/8, D/4, D/2, D, D                      D/8, D/4, D/2, D, D                       as ImageNet
tokens                N = H/4 * W/4                            N = H/16 * W/16                           as ImageNet
attention core        ``((Q K^T) V) / 8``                      ``(Q (K^T V)) / 8``                       ``((Q K^T) V) / 8``
tau of all neurons    2                                        2                                         1.5
====================  =======================================  ========================================  ===================

Spikingformer has *membrane shortcuts*: the stream between blocks is a sum of
batch norms, a float, and every synapse but the first reads spikes because a
neuron stands in front of it: neuron - (max-pool) - convolution - batch norm.
The head averages the float stream over tokens and time and has no neuron.
Module names are those of the published state dicts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from spk.neuron import LIFNode
from torch import Tensor, nn

__all__ = ["Spikingformer", "load_published", "spikingformer_cifar", "spikingformer_dvs", "spikingformer_imagenet"]

Neuron = Callable[..., nn.Module]
Lif = Callable[..., nn.Module]  # a neuron of the model, given its threshold alone

SCALE = 0.125  # of the attention core, whatever the width of a head


def _neurons(neuron: Neuron, tau: float) -> Lif:
    """Neurons of one time constant, given their threshold alone."""

    def make(v_threshold: float = 1.0) -> nn.Module:
        return neuron(tau=tau, v_threshold=v_threshold, detach_reset=True, step_mode="m")

    return make


class Tokenizer(nn.Module):
    """Images ``[T, B, in_channels, H, W]`` to the float stream ``[T, B, D, H', W']``.

    Args:
        in_channels: channels of the image.
        dim: channels D of the result; a multiple of 8.
        pooled: for each of the last four convolutions, whether a max-pool (3x3,
            stride 2, padding 1) stands between its neuron and it.
        names: prefixes of the five convolutions in the state dict.
        pool: name of the max-pool in front of convolution ``i``, ``{i}`` filled in.
        lif: makes the neurons.
    """

    def __init__(
        self,
        in_channels: int,
        dim: int,
        pooled: Sequence[bool],
        names: Sequence[str],
        pool: str,
        lif: Lif,
    ) -> None:
        super().__init__()
        if dim % 8:
            raise ValueError(f"dim must be a multiple of 8, got {dim}")
        widths = [in_channels, dim // 8, dim // 4, dim // 2, dim, dim]
        self.names = tuple(names)
        self.pools: list[str | None] = [None]
        for i, name in enumerate(self.names):
            if i:
                self.add_module(f"{name}_lif", lif())
                self.pools.append(pool.format(i=i) if pooled[i - 1] else None)
                if pooled[i - 1]:
                    self.add_module(pool.format(i=i), nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
            conv = nn.Conv2d(widths[i], widths[i + 1], kernel_size=3, stride=1, padding=1, bias=False)
            self.add_module(f"{name}_conv", conv)
            self.add_module(f"{name}_bn", nn.BatchNorm2d(widths[i + 1]))

    def forward(self, x: Tensor) -> Tensor:
        steps, batch = x.shape[:2]
        for i, (name, pool) in enumerate(zip(self.names, self.pools, strict=True)):
            if i:
                x = getattr(self, f"{name}_lif")(x)
            x = x.flatten(0, 1)
            if pool is not None:
                x = getattr(self, pool)(x)
            x = getattr(self, f"{name}_bn")(getattr(self, f"{name}_conv")(x)).unflatten(0, (steps, batch))
        return x


class SpikingSelfAttention(nn.Module):
    """``BN(W_p LIF_0.5(core(q, k, v) / 8))`` with ``q, k, v = LIF(BN(W LIF(x)))`` on ``[T, B, C, H, W]``."""

    def __init__(self, dim: int, num_heads: int, kv_first: bool, lif: Lif) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"dim {dim} must be divisible by num_heads {num_heads}")
        self.num_heads = num_heads
        self.kv_first = kv_first
        self.scale = SCALE
        self.proj_lif = lif()  # in front of q, k and v; the published name
        for name in ("q", "k", "v"):
            self.add_module(f"{name}_conv", nn.Conv1d(dim, dim, kernel_size=1, stride=1, bias=False))
            self.add_module(f"{name}_bn", nn.BatchNorm1d(dim))
            self.add_module(f"{name}_lif", lif())
        self.attn_lif = lif(v_threshold=0.5)
        self.proj_conv = nn.Conv1d(dim, dim, kernel_size=1, stride=1)
        self.proj_bn = nn.BatchNorm1d(dim)

    def _head_spikes(self, name: str, x: Tensor) -> Tensor:
        """``[T, B, C, N]`` to the spikes of q, k or v, ``[T, B, h, N, d]``."""
        steps, batch, dim, tokens = x.shape
        y = getattr(self, f"{name}_bn")(getattr(self, f"{name}_conv")(x.flatten(0, 1)))
        y = getattr(self, f"{name}_lif")(y.reshape(steps, batch, dim, tokens))
        y = y.transpose(-1, -2).reshape(steps, batch, tokens, self.num_heads, dim // self.num_heads)
        return y.permute(0, 1, 3, 2, 4).contiguous()

    def forward(self, x: Tensor) -> Tensor:
        shape = x.shape
        x = self.proj_lif(x).flatten(3)
        q, k, v = (self._head_spikes(name, x) for name in ("q", "k", "v"))
        y = q @ (k.transpose(-2, -1) @ v) if self.kv_first else (q @ k.transpose(-2, -1)) @ v
        y = (y * self.scale).transpose(3, 4).reshape(x.shape).contiguous()
        y = self.attn_lif(y)
        return self.proj_bn(self.proj_conv(y.flatten(0, 1))).reshape(shape)


class MLP(nn.Module):
    """``BN(W_2 LIF(BN(W_1 LIF(x))))`` on ``[T, B, C, H, W]``."""

    def __init__(self, in_features: int, hidden_features: int, lif: Lif) -> None:
        super().__init__()
        self.mlp1_lif = lif()
        self.mlp1_conv = nn.Conv2d(in_features, hidden_features, kernel_size=1, stride=1)
        self.mlp1_bn = nn.BatchNorm2d(hidden_features)
        self.mlp2_lif = lif()
        self.mlp2_conv = nn.Conv2d(hidden_features, in_features, kernel_size=1, stride=1)
        self.mlp2_bn = nn.BatchNorm2d(in_features)

    def forward(self, x: Tensor) -> Tensor:
        steps, batch = x.shape[:2]
        x = self.mlp1_bn(self.mlp1_conv(self.mlp1_lif(x).flatten(0, 1))).unflatten(0, (steps, batch))
        return self.mlp2_bn(self.mlp2_conv(self.mlp2_lif(x).flatten(0, 1))).unflatten(0, (steps, batch))


class Block(nn.Module):
    """``x + SSA(x)``, then ``x + MLP(x)``: membrane shortcuts on a float stream."""

    def __init__(self, dim: int, heads: int, hidden: int, kv_first: bool, lif: Lif) -> None:
        super().__init__()
        self.attn = SpikingSelfAttention(dim, heads, kv_first, lif)
        self.mlp = MLP(dim, hidden, lif)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(x)
        return x + self.mlp(x)


class Spikingformer(nn.Module):
    """Images ``[B, in_channels, H, W]`` (float, any scale) or events ``[B, T, in_channels, H, W]`` to logits ``[B, num_classes]``.

    Args:
        dim: channels D of the tokens; a multiple of 8 and of ``heads``.
        depth: number of blocks.
        heads: number of attention heads h.
        steps: time steps T; an image is repeated at every step.
        num_classes: width of the head.
        img: side of the image in pixels, or (height, width).
        in_channels: channels of the image.
        mlp_ratio: hidden width of the MLP over D.
        all_pooled: the tokenizer of the ImageNet and DVS graphs instead of that of the CIFAR graph.
        kv_first: order of the attention core.
        events: input of T frames ``[B, T, in_channels, H, W]``; T is then that of the input.
        tau: time constant of all neurons.
        neuron: class of the neurons: :class:`spk.neuron.LIFNode` or
            SpikingJelly's ``activation_based.neuron.LIFNode``.
    """

    def __init__(
        self,
        *,
        dim: int,
        depth: int,
        heads: int,
        steps: int,
        num_classes: int,
        img: int | tuple[int, int],
        in_channels: int,
        mlp_ratio: float,
        all_pooled: bool,
        kv_first: bool,
        events: bool = False,
        tau: float = 2.0,
        neuron: Neuron,
    ) -> None:
        super().__init__()
        self.T = steps
        self.events = events
        self.image_size = (img, img) if isinstance(img, int) else tuple(img)
        self.in_channels = in_channels
        lif = _neurons(neuron, tau)
        if all_pooled:
            pooled, pool = (True, True, True, True), "maxpool{i}"
            names = ("proj", "proj1", "proj2", "proj3", "proj4")
        else:
            pooled, pool = (False, False, True, True), "block{i}_mp"
            names = ("block0", "block1", "block2", "block3", "block4")
        self.patch_embed = Tokenizer(in_channels, dim, pooled, names, pool, lif)
        hidden = int(dim * mlp_ratio)
        self.block = nn.ModuleList(Block(dim, heads, hidden, kv_first, lif) for _ in range(depth))
        self.head = nn.Linear(dim, num_classes)
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[B, num_classes]`` of images ``[B, in_channels, H, W]`` or events ``[B, T, in_channels, H, W]``."""
        x = x.transpose(0, 1) if self.events else x.unsqueeze(0).repeat(self.T, 1, 1, 1, 1)
        x = self.patch_embed(x)
        for block in self.block:
            x = block(x)
        x = x.flatten(3).mean(3)  # over tokens: [T, B, C]
        return self.head(x.mean(0))

    def example(self, batch: int = 1, seed: int = 0) -> tuple[Tensor]:
        """An input of this model's shape: ``batch`` images or recordings, uniform in [0, 1), on the grid of 1/16."""
        shape = (batch, *((self.T,) if self.events else ()), self.in_channels, *self.image_size)
        generator = torch.Generator().manual_seed(seed)
        return (torch.randint(0, 16, shape, generator=generator) / 16.0,)


def spikingformer_cifar(
    dim: int = 384,
    depth: int = 4,
    heads: int = 12,
    T: int = 4,
    num_classes: int = 10,
    img: int | tuple[int, int] = 32,
    in_channels: int = 3,
    mlp_ratio: float = 4.0,
    neuron: Neuron = LIFNode,
) -> Spikingformer:
    """The CIFAR graph, by default Spikingformer 4-384: ``Q K^T`` first.

    The published CIFAR-10 configuration has 12 heads, the one for CIFAR-100 has 8; weights do not tell.
    """
    return Spikingformer(
        dim=dim,
        depth=depth,
        heads=heads,
        steps=T,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        mlp_ratio=mlp_ratio,
        all_pooled=False,
        kv_first=False,
        neuron=neuron,
    )


def spikingformer_imagenet(
    dim: int = 512,
    depth: int = 8,
    heads: int = 8,
    T: int = 4,
    num_classes: int = 1000,
    img: int | tuple[int, int] = 224,
    in_channels: int = 3,
    mlp_ratio: float = 4.0,
    neuron: Neuron = LIFNode,
) -> Spikingformer:
    """The ImageNet graph, by default Spikingformer 8-512: ``K^T V`` first.

    8-384 and 8-768 are published too: ``dim=384`` and ``dim=768``.
    """
    return Spikingformer(
        dim=dim,
        depth=depth,
        heads=heads,
        steps=T,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        mlp_ratio=mlp_ratio,
        all_pooled=True,
        kv_first=True,
        neuron=neuron,
    )


def spikingformer_dvs(
    dim: int = 256,
    depth: int = 2,
    heads: int = 16,
    T: int = 16,
    num_classes: int = 10,
    img: int | tuple[int, int] = 128,
    in_channels: int = 2,
    mlp_ratio: float = 4.0,
    tau: float = 1.5,
    neuron: Neuron = LIFNode,
) -> Spikingformer:
    """The graph for event cameras, by default Spikingformer 2-256 for CIFAR10-DVS (DVS128 Gesture has 11 classes).

    ``Q K^T`` first. All neurons have tau 1.5, whose reciprocal is no float: a
    membrane rounds at every step, and sums on a dyadic grid are exact no more.
    """
    return Spikingformer(
        dim=dim,
        depth=depth,
        heads=heads,
        steps=T,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        mlp_ratio=mlp_ratio,
        all_pooled=True,
        kv_first=False,
        events=True,
        tau=tau,
        neuron=neuron,
    )


def load_published(model: Spikingformer, state: dict[str, Any]) -> None:
    """Load a published state dict, leaving out the LayerNorms (``norm1``, ``norm2``) that its forward never uses."""
    model.load_state_dict({key: value for key, value in state.items() if ".norm1." not in key and ".norm2." not in key})
