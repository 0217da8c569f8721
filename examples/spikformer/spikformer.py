"""The three published Spikformer graphs (Zhou et al., ICLR 2023), written from their description.

Symbols: T time steps, B images, C = D channels, N tokens, h heads of width d = D/h.

========================  ===============================  ====================================  ========================
part                      CIFAR graph                      ImageNet graph                        DVS graph
========================  ===============================  ====================================  ========================
input                     an image, repeated T times       an image, repeated T times            T frames of events
patch splitting (SPS)     max-pool after stages 3 and 4    max-pool after each of the 4 stages   as ImageNet
tokens                    N = H/4 * W/4                    N = H/16 * W/16                       as ImageNet
layout of the blocks      token-first ``[T, B, N, C]``     token-last ``[T, B, C, N]``           as ImageNet
synapses of the blocks    ``nn.Linear`` with bias          ``nn.Conv1d`` of width 1              as ImageNet
attention core            ``((Q K^T) / 8) V``              ``(Q (K^T V)) / 8``                   ``((Q K^T) V) / 4``
========================  ===============================  ====================================  ========================

All share: conv 3x3 - batch norm - LIF per SPS stage with D/8, D/4, D/2, D
channels and the pool *behind* the neuron (``pool_first`` puts it in front, as
the CML variants of Zhou et al., 2023, do); a relative position branch (RPE)
conv - batch norm - LIF added to its input; SEW residuals, so that the stream
between blocks holds small integers; a neuron with threshold 0.5 behind the
attention core; a head that averages over tokens, then over time, then applies
one linear layer.  Module names are those of the published state dicts.

``attention`` chooses the attention map, as table 1 of the paper compares them
(section 3.3).  ``q`` and ``k`` are the floats behind the batch norms, V is
spikes in all of them, and everything behind the core is the same:

=============== ==================================================== ====================================
``attention``   core                                                 queries and keys
=============== ==================================================== ====================================
``A_I``         ``scale (q k^T) V``                                  floats
``A_ReLU``      ``scale (ReLU(q) ReLU(k)^T) V``                      floats from 0 on
``A_LeakyReLU`` ``scale (LeakyReLU(q) LeakyReLU(k)^T) V``            floats
``A_softmax``   ``softmax(scale q k^T) V``, over the keys            floats
``A_SSA``       as above, the published one                          spikes: ``Q = LIF(q)``, ``K = LIF(k)``
=============== ==================================================== ====================================

The paper names the products and leaves open: the slope of LeakyReLU, here
PyTorch's default of 0.01 unless ``slope`` says otherwise; the scale, here that
of the graph for all; the order, here ``q k^T`` first for all but ``A_SSA``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
from spk.neuron import LIFNode
from torch import Tensor, nn

__all__ = ["ATTENTIONS", "Spikformer", "load_published", "spikformer_cifar", "spikformer_dvs", "spikformer_imagenet"]

Neuron = Callable[..., nn.Module]

SCALE = 0.125  # of the attention core for images, whatever the width of a head
DVS_SCALE = 0.25
ATTENTIONS = ("A_I", "A_ReLU", "A_LeakyReLU", "A_softmax", "A_SSA")  # of table 1
SLOPE = 0.01  # of LeakyReLU, PyTorch's default


def _lif(neuron: Neuron, v_threshold: float = 1.0) -> nn.Module:
    return neuron(tau=2.0, v_threshold=v_threshold, detach_reset=True, step_mode="m")


class SPS(nn.Module):
    """Spiking patch splitting with RPE.

    Images ``[T, B, in_channels, H, W]`` to counts in {0, 1, 2}, ``[T, B, D, H', W']``.

    Args:
        in_channels: channels of the image.
        embed_dims: channels D of the result; a multiple of 8.
        pooled: for each of the four stages, whether a max-pool (3x3, stride 2,
            padding 1) follows the neuron.
        pool_first: whether that pool stands in front of the neuron instead.
        neuron: class of the neurons.
    """

    def __init__(
        self, in_channels: int, embed_dims: int, pooled: tuple[bool, bool, bool, bool], pool_first: bool, neuron: Neuron
    ) -> None:
        super().__init__()
        if embed_dims % 8:
            raise ValueError(f"embed_dims must be a multiple of 8, got {embed_dims}")
        widths = [in_channels, embed_dims // 8, embed_dims // 4, embed_dims // 2, embed_dims]
        self.pooled = pooled
        self.pool_first = pool_first
        for i in range(4):
            key = str(i) if i else ""  # published names: proj_conv, proj_conv1, proj_conv2, proj_conv3
            conv = nn.Conv2d(widths[i], widths[i + 1], kernel_size=3, stride=1, padding=1, bias=False)
            self.add_module(f"proj_conv{key}", conv)
            self.add_module(f"proj_bn{key}", nn.BatchNorm2d(widths[i + 1]))
            self.add_module(f"proj_lif{key}", _lif(neuron))
            if pooled[i]:
                self.add_module(f"maxpool{key}", nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
        self.rpe_conv = nn.Conv2d(embed_dims, embed_dims, kernel_size=3, stride=1, padding=1, bias=False)
        self.rpe_bn = nn.BatchNorm2d(embed_dims)
        self.rpe_lif = _lif(neuron)

    def forward(self, x: Tensor) -> Tensor:
        steps, batch = x.shape[:2]
        x = x.flatten(0, 1)
        for key, pooled in zip(("", "1", "2", "3"), self.pooled, strict=True):
            x = getattr(self, f"proj_bn{key}")(getattr(self, f"proj_conv{key}")(x))
            if pooled and self.pool_first:
                x = getattr(self, f"maxpool{key}")(x)
            x = getattr(self, f"proj_lif{key}")(x.unflatten(0, (steps, batch))).flatten(0, 1)
            if pooled and not self.pool_first:
                x = getattr(self, f"maxpool{key}")(x)
        rpe = self.rpe_bn(self.rpe_conv(x)).unflatten(0, (steps, batch))
        return x.unflatten(0, (steps, batch)) + self.rpe_lif(rpe)


class _Attention(nn.Module):
    """What the attention of all graphs shares: neurons, or what stands in their place.

    Args:
        dim: channels C of the tokens.
        num_heads: contiguous chunks of them.
        attention: one of ``ATTENTIONS``.
        slope: of LeakyReLU below 0.
        scale: of the attention map.
        neuron: class of the neurons.
    """

    def __init__(self, dim: int, num_heads: int, attention: str, slope: float, scale: float, neuron: Neuron) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"dim {dim} must be divisible by num_heads {num_heads}")
        if attention not in ATTENTIONS:
            raise ValueError(f"attention must be one of {', '.join(ATTENTIONS)}, got {attention!r}")
        self.num_heads = num_heads
        self.attention = attention
        self.scale = scale
        for name in ("v", "proj") if attention != "A_SSA" else ("q", "k", "v", "proj"):
            self.add_module(f"{name}_lif", _lif(neuron))
        if attention in ("A_ReLU", "A_LeakyReLU"):
            for name in ("q", "k"):
                self.add_module(f"{name}_act", nn.ReLU() if attention == "A_ReLU" else nn.LeakyReLU(slope))
        self.attn_lif = _lif(neuron, v_threshold=0.5)

    def _current(self, name: str, x: Tensor) -> Tensor:
        """``BN(W x)`` in the layout of ``x``."""
        raise NotImplementedError

    def _signal(self, name: str, x: Tensor) -> Tensor:
        """What the layer ``name`` sends on: spikes, or floats for the queries and keys of all maps but A_SSA."""
        y = self._current(name, x)
        for kind in ("lif", "act"):
            if hasattr(self, f"{name}_{kind}"):
                y = getattr(self, f"{name}_{kind}")(y)
        return y

    def _map(self, product: Tensor) -> Tensor:
        """The attention map of scaled products ``[T, B, h, N, N]`` of queries (rows) and keys."""
        return product.softmax(-1) if self.attention == "A_softmax" else product


class LinearSSA(_Attention):
    """Attention on ``[T, B, N, C]``: ``LIF(BN(W_p LIF_0.5(((Q K^T) / 8) V)))``, or another map of table 1."""

    def __init__(self, dim: int, num_heads: int, attention: str, slope: float, neuron: Neuron) -> None:
        super().__init__(dim, num_heads, attention, slope, SCALE, neuron)
        for name in ("q", "k", "v", "proj"):
            self.add_module(f"{name}_linear", nn.Linear(dim, dim))
            self.add_module(f"{name}_bn", nn.BatchNorm1d(dim))

    def _current(self, name: str, x: Tensor) -> Tensor:
        steps, batch, tokens, dim = x.shape
        y = getattr(self, f"{name}_linear")(x.flatten(0, 1))
        y = getattr(self, f"{name}_bn")(y.transpose(-1, -2)).transpose(-1, -2)
        return y.reshape(steps, batch, tokens, dim).contiguous()

    def _heads(self, x: Tensor) -> Tensor:
        """``[T, B, N, C]`` to ``[T, B, h, N, d]``."""
        steps, batch, tokens, dim = x.shape
        x = x.reshape(steps, batch, tokens, self.num_heads, dim // self.num_heads)
        return x.permute(0, 1, 3, 2, 4).contiguous()

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self._heads(self._signal(name, x)) for name in ("q", "k", "v"))
        y = self._map((q @ k.transpose(-2, -1)) * self.scale) @ v
        y = self.attn_lif(y.transpose(2, 3).reshape(x.shape).contiguous())
        return self._signal("proj", y)


class LinearMLP(nn.Module):
    """``LIF(BN(W_2 LIF(BN(W_1 x))))`` on ``[T, B, N, C]``."""

    def __init__(self, in_features: int, hidden_features: int, neuron: Neuron) -> None:
        super().__init__()
        self.fc1_linear = nn.Linear(in_features, hidden_features)
        self.fc1_bn = nn.BatchNorm1d(hidden_features)
        self.fc1_lif = _lif(neuron)
        self.fc2_linear = nn.Linear(hidden_features, in_features)
        self.fc2_bn = nn.BatchNorm1d(in_features)
        self.fc2_lif = _lif(neuron)

    def forward(self, x: Tensor) -> Tensor:
        steps, batch, tokens, _ = x.shape
        x = self.fc1_bn(self.fc1_linear(x.flatten(0, 1)).transpose(-1, -2)).transpose(-1, -2)
        x = self.fc1_lif(x.reshape(steps, batch, tokens, -1).contiguous())
        x = self.fc2_bn(self.fc2_linear(x.flatten(0, 1)).transpose(-1, -2)).transpose(-1, -2)
        return self.fc2_lif(x.reshape(steps, batch, tokens, -1).contiguous())


class ConvSSA(_Attention):
    """Attention on ``[T, B, C, N]``: ``LIF(BN(W_p LIF_0.5((Q (K^T V)) / 8)))``, DVS ``LIF_0.5(((Q K^T) V) / 4)``, or a map of table 1.

    As published, the q, k and v convolutions have no bias and the projection has one.
    """

    def __init__(self, dim: int, num_heads: int, attention: str, slope: float, kv_first: bool, scale: float, neuron: Neuron) -> None:
        super().__init__(dim, num_heads, attention, slope, scale, neuron)
        self.kv_first = kv_first
        for name in ("q", "k", "v", "proj"):
            self.add_module(f"{name}_conv", nn.Conv1d(dim, dim, kernel_size=1, stride=1, bias=name == "proj"))
            self.add_module(f"{name}_bn", nn.BatchNorm1d(dim))

    def _current(self, name: str, x: Tensor) -> Tensor:
        y = getattr(self, f"{name}_bn")(getattr(self, f"{name}_conv")(x.flatten(0, 1)))
        return y.reshape(x.shape).contiguous()

    def _heads(self, x: Tensor) -> Tensor:
        """``[T, B, C, N]`` to ``[T, B, h, N, d]``."""
        steps, batch, dim, tokens = x.shape
        x = x.transpose(-1, -2).reshape(steps, batch, tokens, self.num_heads, dim // self.num_heads)
        return x.permute(0, 1, 3, 2, 4).contiguous()

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self._heads(self._signal(name, x)) for name in ("q", "k", "v"))
        if self.attention != "A_SSA":
            y = self._map((q @ k.transpose(-2, -1)) * self.scale) @ v
        else:
            y = q @ (k.transpose(-2, -1) @ v) if self.kv_first else (q @ k.transpose(-2, -1)) @ v
            y = y * self.scale
        y = self.attn_lif(y.transpose(3, 4).reshape(x.shape).contiguous())
        return self._signal("proj", y)


class ConvMLP(nn.Module):
    """``LIF(BN(W_2 LIF(BN(W_1 x))))`` on ``[T, B, C, N]``."""

    def __init__(self, in_features: int, hidden_features: int, neuron: Neuron) -> None:
        super().__init__()
        self.fc1_conv = nn.Conv1d(in_features, hidden_features, kernel_size=1, stride=1)
        self.fc1_bn = nn.BatchNorm1d(hidden_features)
        self.fc1_lif = _lif(neuron)
        self.fc2_conv = nn.Conv1d(hidden_features, in_features, kernel_size=1, stride=1)
        self.fc2_bn = nn.BatchNorm1d(in_features)
        self.fc2_lif = _lif(neuron)

    def forward(self, x: Tensor) -> Tensor:
        steps, batch, _, tokens = x.shape
        x = self.fc1_bn(self.fc1_conv(x.flatten(0, 1)))
        x = self.fc1_lif(x.reshape(steps, batch, -1, tokens).contiguous())
        x = self.fc2_bn(self.fc2_conv(x.flatten(0, 1)))
        return self.fc2_lif(x.reshape(steps, batch, -1, tokens).contiguous())


class Block(nn.Module):
    """``x + SSA(x)``, then ``x + MLP(x)``: SEW residuals on integer streams."""

    def __init__(self, attn: nn.Module, mlp: nn.Module) -> None:
        super().__init__()
        self.attn = attn
        self.mlp = mlp

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(x)
        return x + self.mlp(x)


class Spikformer(nn.Module):
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
        pooled: SPS stages followed by a max-pool.
        pool_first: whether these pools stand in front of the neuron instead.
        token_first: layout of the blocks, ``[T, B, N, C]`` or ``[T, B, C, N]``.
        events: input of T frames ``[B, T, in_channels, H, W]``; T is then that of the input.
        attention: the attention map, one of ``ATTENTIONS``.
        slope: of the LeakyReLU of ``A_LeakyReLU``.
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
        pooled: tuple[bool, bool, bool, bool],
        pool_first: bool,
        token_first: bool,
        events: bool = False,
        attention: str = "A_SSA",
        slope: float = SLOPE,
        neuron: Neuron,
    ) -> None:
        super().__init__()
        self.T = steps
        self.events = events
        self.image_size = (img, img) if isinstance(img, int) else tuple(img)
        self.in_channels = in_channels
        self.token_first = token_first
        self.patch_embed = SPS(in_channels, dim, pooled, pool_first, neuron)
        hidden = int(dim * mlp_ratio)
        scale = DVS_SCALE if events else SCALE

        def core() -> nn.Module:
            if token_first:
                return LinearSSA(dim, heads, attention, slope, neuron)
            return ConvSSA(dim, heads, attention, slope, not events, scale, neuron)

        mlp = LinearMLP if token_first else ConvMLP
        self.block = nn.ModuleList(Block(core(), mlp(dim, hidden, neuron)) for _ in range(depth))
        self.head = nn.Linear(dim, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[B, num_classes]`` of images ``[B, in_channels, H, W]`` or events ``[B, T, in_channels, H, W]``."""
        x = x.transpose(0, 1) if self.events else x.unsqueeze(0).repeat(self.T, 1, 1, 1, 1)
        x = self.patch_embed(x).flatten(-2)  # [T, B, C, N]
        if self.token_first:
            x = x.transpose(-1, -2)
        for block in self.block:
            x = block(x)
        x = x.mean(2 if self.token_first else 3)  # over tokens: [T, B, C]
        return self.head(x.mean(0))

    def example(self, batch: int = 1, seed: int = 0) -> tuple[Tensor]:
        """An input of this model's shape: ``batch`` images or recordings, uniform in [0, 1), on the grid of 1/16."""
        shape = (batch, *((self.T,) if self.events else ()), self.in_channels, *self.image_size)
        generator = torch.Generator().manual_seed(seed)
        return (torch.randint(0, 16, shape, generator=generator) / 16.0,)


def spikformer_cifar(
    dim: int = 384,
    depth: int = 4,
    heads: int = 12,
    T: int = 4,
    num_classes: int = 10,
    img: int | tuple[int, int] = 32,
    in_channels: int = 3,
    mlp_ratio: float = 4.0,
    pool_first: bool = False,
    attention: str = "A_SSA",
    slope: float = SLOPE,
    neuron: Neuron = LIFNode,
) -> Spikformer:
    """The CIFAR graph, by default Spikformer 4-384: ``nn.Linear``, token-first, ``Q K^T`` first.

    4-256 and 2-384 are published too: ``dim=256, heads=8`` and ``depth=2``.
    """
    return Spikformer(
        dim=dim,
        depth=depth,
        heads=heads,
        steps=T,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        mlp_ratio=mlp_ratio,
        pooled=(False, False, True, True),
        pool_first=pool_first,
        token_first=True,
        attention=attention,
        slope=slope,
        neuron=neuron,
    )


def spikformer_imagenet(
    dim: int = 512,
    depth: int = 8,
    heads: int = 8,
    T: int = 4,
    num_classes: int = 1000,
    img: int | tuple[int, int] = 224,
    in_channels: int = 3,
    mlp_ratio: float = 4.0,
    pool_first: bool = False,
    attention: str = "A_SSA",
    slope: float = SLOPE,
    neuron: Neuron = LIFNode,
) -> Spikformer:
    """The ImageNet graph, by default Spikformer 8-512: ``Conv1d``, token-last, ``K^T V`` first.

    8-384 and 8-768 are published too: ``dim=384`` and ``dim=768``.
    """
    return Spikformer(
        dim=dim,
        depth=depth,
        heads=heads,
        steps=T,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        mlp_ratio=mlp_ratio,
        pooled=(True, True, True, True),
        pool_first=pool_first,
        token_first=False,
        attention=attention,
        slope=slope,
        neuron=neuron,
    )


def spikformer_dvs(
    dim: int = 256,
    depth: int = 2,
    heads: int = 16,
    T: int = 16,
    num_classes: int = 10,
    img: int | tuple[int, int] = 128,
    in_channels: int = 2,
    mlp_ratio: float = 4.0,
    pool_first: bool = False,
    attention: str = "A_SSA",
    slope: float = SLOPE,
    neuron: Neuron = LIFNode,
) -> Spikformer:
    """The graph for event cameras, by default Spikformer 2-256 for CIFAR10-DVS: ``Conv1d``, ``Q K^T`` first, scale 1/4.

    Published at T = 10 and T = 16; T is a property of the recordings, not of the weights.
    """
    return Spikformer(
        dim=dim,
        depth=depth,
        heads=heads,
        steps=T,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        mlp_ratio=mlp_ratio,
        pooled=(True, True, True, True),
        pool_first=pool_first,
        token_first=False,
        events=True,
        attention=attention,
        slope=slope,
        neuron=neuron,
    )


def load_published(model: Spikformer, state: dict[str, Any]) -> None:
    """Load a published state dict.

    The published files also hold a position embedding and LayerNorms that their
    forward never uses (``pos_embed``, ``norm``, ``norm1``, ``norm2``), and the ImageNet MLP as 1x1 ``Conv2d``, which is the
    ``Conv1d`` of width 1 used here.
    """
    own = model.state_dict()
    unused = re.compile(r"(^|\.)(pos_embed|norm1?2?\.(weight|bias))$")
    kept = {key: value for key, value in state.items() if not unused.search(key)}
    model.load_state_dict({key: value.reshape(own[key].shape) if key in own else value for key, value in kept.items()})
