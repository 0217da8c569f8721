"""The published Meta-SpikeFormer graph (Spike-driven Transformer V2, Yao et al., ICLR 2024), written from its description.

Symbols: T time steps, B images, D_i channels of stage i, N = H*W tokens, h heads.

======  ===============  ====================================================  =============
stage   channels         blocks                                                size at 224 px
======  ===============  ====================================================  =============
1       D_0 / 2          convolution 7x7, stride 2; 1 convolution block        112 x 112
1       D_0              neuron - convolution 3x3, stride 2; 1 such block      56 x 56
2       D_1              neuron - convolution 3x3, stride 2; 2 such blocks     28 x 28
3       D_2              neuron - convolution 3x3, stride 2; 6 attention ones  14 x 14
4       D_3              neuron - convolution 3x3; 2 attention blocks          14 x 14
======  ===============  ====================================================  =============

The stream is a float (*membrane shortcuts*), with a neuron in front of every
synapse but two kinds:

* in ``SepConv`` the depthwise 7x7 convolution feeds a 1x1 convolution directly;
* ``RepConv`` is a chain of linear layers: 1x1, batch norm, depthwise 3x3, 1x1,
  batch norm.  Its first batch norm also fills the border that the depthwise
  convolution reads, with what it makes of zeros: the 1x1 convolution, which has
  no bias, pads with zeros here, and the same numbers follow.

The core is ``(Q (K^T V)) / 8``.  The head averages over tokens, passes a neuron,
maps every time step and averages over time.  Module names are those of the
published state dicts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from spk.neuron import LIFNode
from torch import Tensor, nn

__all__ = ["MetaSpikeformer", "meta_spikeformer"]

Neuron = Callable[..., nn.Module]

SCALE = 0.125  # of the attention core, whatever the width of a head


def _lif(neuron: Neuron, v_threshold: float = 1.0) -> nn.Module:
    return neuron(tau=2.0, v_threshold=v_threshold, detach_reset=True, step_mode="m")


class Norm(nn.Module):
    """A batch norm one level down, where the published state dicts have it."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(features)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(x)


class RepConv(nn.Module):
    """1x1 - batch norm - depthwise 3x3 - 1x1 - batch norm on ``[T * B, C, H, W]``: one linear map, of the same size."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        depthwise = nn.Conv2d(dim, dim, kernel_size=3, groups=dim, bias=False)
        after = nn.Sequential(depthwise, nn.Conv2d(dim, dim, kernel_size=1, bias=False), nn.BatchNorm2d(dim))
        self.body = nn.Sequential(nn.Conv2d(dim, dim, kernel_size=1, padding=1, bias=False), Norm(dim), after)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class SepConv(nn.Module):
    """``BN(W_2 DW(LIF(BN(W_1 LIF(x)))))`` on ``[T, B, C, H, W]``, twice as wide inside, with a depthwise 7x7 ``DW``."""

    def __init__(self, dim: int, neuron: Neuron) -> None:
        super().__init__()
        inner = 2 * dim
        self.lif1 = _lif(neuron)
        self.pwconv1 = nn.Conv2d(dim, inner, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.lif2 = _lif(neuron)
        self.dwconv = nn.Conv2d(inner, inner, kernel_size=7, padding=3, groups=inner, bias=False)
        self.pwconv2 = nn.Conv2d(inner, dim, kernel_size=1, bias=False)
        self.bn2 = nn.BatchNorm2d(dim)

    def forward(self, x: Tensor) -> Tensor:
        lead = x.shape[:2]
        x = self.bn1(self.pwconv1(self.lif1(x).flatten(0, 1))).unflatten(0, lead)
        return self.bn2(self.pwconv2(self.dwconv(self.lif2(x).flatten(0, 1)))).unflatten(0, lead)


class ConvBlock(nn.Module):
    """``x + SepConv(x)``, then ``x + BN(C_2 LIF(BN(C_1 LIF(x))))`` with 3x3 convolutions."""

    def __init__(self, dim: int, mlp_ratio: int, neuron: Neuron) -> None:
        super().__init__()
        self.Conv = SepConv(dim, neuron)
        self.lif1 = _lif(neuron)
        self.conv1 = nn.Conv2d(dim, dim * mlp_ratio, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(dim * mlp_ratio)
        self.lif2 = _lif(neuron)
        self.conv2 = nn.Conv2d(dim * mlp_ratio, dim, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(dim)

    def forward(self, x: Tensor) -> Tensor:
        lead = x.shape[:2]
        x = self.Conv(x) + x
        y = self.bn1(self.conv1(self.lif1(x).flatten(0, 1))).unflatten(0, lead)
        return x + self.bn2(self.conv2(self.lif2(y).flatten(0, 1))).unflatten(0, lead)


class Attention(nn.Module):
    """``BN(R_p LIF_0.5(core(q, k, v) / 8))`` with ``q, k, v = LIF(BN(R LIF(x)))``, ``R`` a :class:`RepConv`, on ``[T, B, C, H, W]``."""

    def __init__(self, dim: int, num_heads: int, neuron: Neuron) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"dim {dim} must be divisible by num_heads {num_heads}")
        self.num_heads = num_heads
        self.head_lif = _lif(neuron)
        for name in ("q", "k", "v"):
            self.add_module(f"{name}_conv", nn.Sequential(RepConv(dim), nn.BatchNorm2d(dim)))
            self.add_module(f"{name}_lif", _lif(neuron))
        self.attn_lif = _lif(neuron, v_threshold=0.5)
        self.proj_conv = nn.Sequential(RepConv(dim), nn.BatchNorm2d(dim))

    def _head_spikes(self, name: str, x: Tensor) -> Tensor:
        """Spikes ``[T, B, C, H, W]`` to those of q, k or v, ``[T, B, h, N, d]``."""
        steps, batch, dim = x.shape[:3]
        y = getattr(self, f"{name}_conv")(x.flatten(0, 1)).unflatten(0, (steps, batch))
        y = getattr(self, f"{name}_lif")(y).flatten(3)
        y = y.transpose(-1, -2).reshape(steps, batch, -1, self.num_heads, dim // self.num_heads)
        return y.permute(0, 1, 3, 2, 4).contiguous()

    def forward(self, x: Tensor) -> Tensor:
        shape = x.shape
        x = self.head_lif(x)
        q, k, v = (self._head_spikes(name, x) for name in ("q", "k", "v"))
        y = (q @ (k.transpose(-2, -1) @ v)) * SCALE
        y = self.attn_lif(y.transpose(3, 4).reshape(*shape[:3], -1).contiguous()).reshape(shape)
        return self.proj_conv(y.flatten(0, 1)).reshape(shape)


class MLP(nn.Module):
    """``BN(W_2 LIF(BN(W_1 LIF(x))))`` on ``[T, B, C, H, W]``."""

    def __init__(self, in_features: int, hidden_features: int, neuron: Neuron) -> None:
        super().__init__()
        self.fc1_conv = nn.Conv1d(in_features, hidden_features, kernel_size=1)
        self.fc1_bn = nn.BatchNorm1d(hidden_features)
        self.fc1_lif = _lif(neuron)
        self.fc2_conv = nn.Conv1d(hidden_features, in_features, kernel_size=1)
        self.fc2_bn = nn.BatchNorm1d(in_features)
        self.fc2_lif = _lif(neuron)

    def forward(self, x: Tensor) -> Tensor:
        shape = x.shape
        lead = shape[:2]
        x = self.fc1_bn(self.fc1_conv(self.fc1_lif(x.flatten(3)).flatten(0, 1))).unflatten(0, lead)
        return self.fc2_bn(self.fc2_conv(self.fc2_lif(x).flatten(0, 1))).reshape(shape)


class AttentionBlock(nn.Module):
    """``x + Attention(x)``, then ``x + MLP(x)``."""

    def __init__(self, dim: int, heads: int, mlp_ratio: int, neuron: Neuron) -> None:
        super().__init__()
        self.attn = Attention(dim, heads, neuron)
        self.mlp = MLP(dim, dim * mlp_ratio, neuron)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(x)
        return x + self.mlp(x)


class Downsampling(nn.Module):
    """``BN(C LIF(x))`` on ``[T, B, C, H, W]``; the first one has no neuron."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, neuron: Neuron | None) -> None:
        super().__init__()
        self.encode_conv = nn.Conv2d(inputs, outputs, kernel_size=kernel, stride=stride, padding=kernel // 2)
        self.encode_bn = nn.BatchNorm2d(outputs)
        self.encode_lif = _lif(neuron) if neuron else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.encode_bn(self.encode_conv(self.encode_lif(x).flatten(0, 1))).unflatten(0, x.shape[:2])


class MetaSpikeformer(nn.Module):
    """Images ``[B, in_channels, H, W]`` (float, any scale) to logits ``[B, num_classes]``; see :func:`meta_spikeformer`."""

    def __init__(
        self,
        *,
        dims: Sequence[int],
        depths: Sequence[int],
        heads: int,
        steps: int,
        num_classes: int,
        img: int | tuple[int, int],
        in_channels: int,
        mlp_ratio: int,
        kd: bool,
        neuron: Neuron,
    ) -> None:
        super().__init__()
        if len(dims) != 4 or len(depths) != 2:
            raise ValueError(f"dims must be four widths and depths two numbers of attention blocks, got {dims} and {depths}")
        self.T = steps
        self.image_size = (img, img) if isinstance(img, int) else tuple(img)
        self.in_channels = in_channels
        first = dims[0] // 2

        def convolutions(dim: int) -> nn.ModuleList:
            return nn.ModuleList([ConvBlock(dim, mlp_ratio, neuron)])

        def attentions(dim: int, depth: int) -> nn.ModuleList:
            return nn.ModuleList(AttentionBlock(dim, heads, mlp_ratio, neuron) for _ in range(depth))

        self.downsample1_1 = Downsampling(in_channels, first, 7, 2, None)
        self.ConvBlock1_1 = convolutions(first)
        self.downsample1_2 = Downsampling(first, dims[0], 3, 2, neuron)
        self.ConvBlock1_2 = convolutions(dims[0])
        self.downsample2 = Downsampling(dims[0], dims[1], 3, 2, neuron)
        self.ConvBlock2_1 = convolutions(dims[1])
        self.ConvBlock2_2 = convolutions(dims[1])
        self.downsample3 = Downsampling(dims[1], dims[2], 3, 2, neuron)
        self.block3 = attentions(dims[2], depths[0])
        self.downsample4 = Downsampling(dims[2], dims[3], 3, 1, neuron)
        self.block4 = attentions(dims[3], depths[1])
        self.lif = _lif(neuron)
        self.head = nn.Linear(dims[3], num_classes)
        self.head_kd = nn.Linear(dims[3], num_classes) if kd else None

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[B, num_classes]`` of images ``[B, in_channels, H, W]``."""
        x = x.unsqueeze(0).repeat(self.T, 1, 1, 1, 1)
        stages = (self.downsample1_1, self.ConvBlock1_1, self.downsample1_2, self.ConvBlock1_2, self.downsample2)
        stages += (self.ConvBlock2_1, self.ConvBlock2_2, self.downsample3, self.block3, self.downsample4, self.block4)
        for stage in stages:
            for layer in stage if isinstance(stage, nn.ModuleList) else (stage,):
                x = layer(x)
        x = self.lif(x.flatten(3).mean(3))  # over tokens: [T, B, C]
        logits = self.head(x).mean(0)
        return logits if self.head_kd is None else (logits + self.head_kd(x).mean(0)) / 2

    def example(self, batch: int = 1, seed: int = 0) -> tuple[Tensor]:
        """An input of this model's shape: ``batch`` images, uniform in [0, 1), on the grid of 1/16."""
        shape = (batch, self.in_channels, *self.image_size)
        generator = torch.Generator().manual_seed(seed)
        return (torch.randint(0, 16, shape, generator=generator) / 16.0,)


def meta_spikeformer(
    dims: Sequence[int] = (128, 256, 512, 640),
    depths: Sequence[int] = (6, 2),
    heads: int = 8,
    T: int = 4,
    num_classes: int = 1000,
    img: int | tuple[int, int] = 224,
    in_channels: int = 3,
    mlp_ratio: int = 4,
    kd: bool = False,
    neuron: Neuron = LIFNode,
) -> MetaSpikeformer:
    """The ImageNet graph, by default Meta-SpikeFormer 8-512 (55 M parameters).

    Args:
        dims: channels of the four stages, the first even and the last two multiples of ``heads``; 8-384 has (96, 192,
            384, 480), 8-768 (192, 384, 768, 960).
        depths: attention blocks of the last two stages.
        heads: number of attention heads h.
        T: time steps; published for 1 and 4.
        num_classes: width of the head.
        img: side of the image in pixels, or (height, width).
        in_channels: channels of the image.
        mlp_ratio: hidden width over that of a stage.
        kd: a second head as trained by distillation; the result is the mean of both.
        neuron: class of the neurons: :class:`spk.neuron.LIFNode` or SpikingJelly's ``activation_based.neuron.LIFNode``.
    """
    return MetaSpikeformer(
        dims=dims,
        depths=depths,
        heads=heads,
        steps=T,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        mlp_ratio=mlp_ratio,
        kd=kd,
        neuron=neuron,
    )
