"""The published Spike-driven Transformer V3 graphs (E-SpikeFormer, Yao et al., 2024), written from their description.

Symbols: B images, D_i channels of stage i, N = H*W tokens, h heads of width d, L levels.

Neurons have no state and fire integers 0..L, divided by L: at inference every
integer stands for as many binary spikes in L sub-steps.  Two graphs were
published, which round differently:

=================  ===========================================  ================================================
part               Base                                         Large
=================  ===========================================  ================================================
tensors            ``[B, C, H, W]``, no axis of time            ``[T, B, C, H, W]``, ``[T, B, C, N]``; T = 1
integers           half to even, L = 4                          half up, L = 4 (published too: 8)
convolution block  SepConv, then two 3x3                        two 3x3
attention block    SepConv 3x3, attention, MLP                  RepConv of the 512 graph alone, attention, MLP
q, k, v            1x1, v four times as wide                    RepConv: two 1x1, 1.5 times as wide inside
core               ``((Q K^T) V) * 2 / sqrt(d)``                ``(Q (K^T V)) / 8``
sums               plain                                        attention and MLP times a learned factor a channel
stages             4: 6 and 2 attention blocks                  3: 12 attention blocks
head               neuron (integers, undivided) - linear        linear on the *mean*, beside one as in Base
=================  ===========================================  ================================================

The stream is a float (*membrane shortcuts*).  The two heads of Large, one of
them trained by distillation, are averaged.  Module names are those of the
published state dicts.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from spk.neuron import MultiSpike
from torch import Tensor, nn

__all__ = [
    "SpikeDrivenTransformerV3Base",
    "SpikeDrivenTransformerV3Large",
    "spike_driven_transformer_v3_base",
    "spike_driven_transformer_v3_large",
]

LARGE_SCALE = 0.125  # of Large's attention core, whatever the width of a head


def _example(batch: int, channels: int, size: tuple[int, int], seed: int) -> tuple[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (torch.randint(0, 16, (batch, channels, *size), generator=generator) / 16.0,)


def _check_heads(dim: int, heads: int) -> None:
    if dim % heads:
        raise ValueError(f"dim {dim} must be divisible by heads {heads}")


def _even(levels: int, norm: float | None = None) -> MultiSpike:
    return MultiSpike(levels, norm, "half_even")


def _up(levels: int, norm: float | None = None) -> MultiSpike:
    return MultiSpike(levels, norm, "half_up")


def _normed(conv: nn.Module) -> nn.Sequential:
    """A synapse and its batch norm."""
    norm = nn.BatchNorm1d if isinstance(conv, nn.Conv1d) else nn.BatchNorm2d
    return nn.Sequential(conv, norm(conv.out_channels))


def _heads_apart(x: Tensor, heads: int) -> Tensor:
    """``[..., C, N]`` as ``[..., h, N, d]``."""
    x = x.transpose(-1, -2)
    return x.reshape(*x.shape[:-1], heads, -1).transpose(-2, -3)


# Base -----------------------------------------------------------------------------


class SepConv(nn.Module):
    """1x1 - depthwise k x k - 1x1 on ``[B, C, H, W]``, twice as wide inside, each behind a neuron and with a batch norm."""

    def __init__(self, dim: int, kernel: int, levels: int) -> None:
        super().__init__()
        inner = 2 * dim
        self.spike1 = _even(levels)
        self.pwconv1 = _normed(nn.Conv2d(dim, inner, kernel_size=1, bias=False))
        self.spike2 = _even(levels)
        self.dwconv = _normed(nn.Conv2d(inner, inner, kernel_size=kernel, padding=kernel // 2, groups=inner, bias=False))
        self.spike3 = _even(levels)
        self.pwconv2 = _normed(nn.Conv2d(inner, dim, kernel_size=1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        x = self.pwconv1(self.spike1(x))
        x = self.dwconv(self.spike2(x))
        return self.pwconv2(self.spike3(x))


class ConvBlock(nn.Module):
    """``x + SepConv(x)``, then ``x + BN(C_2 S(BN(C_1 S(x))))`` with 3x3 convolutions and neurons S."""

    def __init__(self, dim: int, mlp_ratio: int, levels: int) -> None:
        super().__init__()
        inner = dim * mlp_ratio
        self.Conv = SepConv(dim, 7, levels)
        self.spike1 = _even(levels)
        self.conv1 = nn.Conv2d(dim, inner, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.spike2 = _even(levels)
        self.conv2 = nn.Conv2d(inner, dim, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(dim)

    def forward(self, x: Tensor) -> Tensor:
        x = self.Conv(x) + x
        y = self.bn1(self.conv1(self.spike1(x)))
        return x + self.bn2(self.conv2(self.spike2(y)))


class Attention(nn.Module):
    """``BN(W_p S(((Q K^T) V) * 2 / sqrt(d)))`` with ``q, k, v = S(BN(W S(x)))`` on ``[B, C, H, W]``."""

    widening = 4  # of v over q and k

    def __init__(self, dim: int, heads: int, levels: int) -> None:
        super().__init__()
        _check_heads(dim, heads)
        self.num_heads = heads
        self.scale = (dim // heads) ** -0.5
        values = dim * self.widening
        self.head_spike = _even(levels)
        for name, outputs in (("q", dim), ("k", dim), ("v", values)):
            self.add_module(f"{name}_conv", _normed(nn.Conv2d(dim, outputs, kernel_size=1, bias=False)))
            self.add_module(f"{name}_spike", _even(levels))
        self.attn_spike = _even(levels)
        self.proj_conv = _normed(nn.Conv2d(values, dim, kernel_size=1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        x = self.head_spike(x)
        q, k, v = (
            _heads_apart(getattr(self, f"{name}_spike")(getattr(self, f"{name}_conv")(x)).flatten(2), self.num_heads)
            for name in ("q", "k", "v")
        )
        y = (q @ k.transpose(-2, -1)) @ v * (self.scale * 2)
        y = y.transpose(2, 3).reshape(batch, -1, height * width)
        return self.proj_conv(self.attn_spike(y).reshape(batch, -1, height, width))


class MLP(nn.Module):
    """``BN(W_2 S(BN(W_1 S(x))))`` on ``[B, C, H, W]``."""

    def __init__(self, dim: int, hidden: int, levels: int) -> None:
        super().__init__()
        self.fc1_conv = nn.Conv1d(dim, hidden, kernel_size=1)
        self.fc1_bn = nn.BatchNorm1d(hidden)
        self.fc1_spike = _even(levels)
        self.fc2_conv = nn.Conv1d(hidden, dim, kernel_size=1)
        self.fc2_bn = nn.BatchNorm1d(dim)
        self.fc2_spike = _even(levels)

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc1_bn(self.fc1_conv(self.fc1_spike(x.flatten(2))))
        return self.fc2_bn(self.fc2_conv(self.fc2_spike(y))).reshape(x.shape)


class Block(nn.Module):
    """``x + SepConv(x)``, ``x + Attention(x)``, ``x + MLP(x)``."""

    def __init__(self, dim: int, heads: int, mlp_ratio: int, levels: int) -> None:
        super().__init__()
        self.conv = SepConv(dim, 3, levels)
        self.attn = Attention(dim, heads, levels)
        self.mlp = MLP(dim, dim * mlp_ratio, levels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.conv(x)
        x = x + self.attn(x)
        return x + self.mlp(x)


class Downsampling(nn.Module):
    """``BN(C S(x))`` on ``[B, C, H, W]``; the first one of a model has no neuron."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, spike: nn.Module | None) -> None:
        super().__init__()
        self.encode_conv = nn.Conv2d(inputs, outputs, kernel_size=kernel, stride=stride, padding=kernel // 2)
        self.encode_bn = nn.BatchNorm2d(outputs)
        self.encode_spike = spike or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.encode_bn(self.encode_conv(self.encode_spike(x)))


class SpikeDrivenTransformerV3Base(nn.Module):
    """Images ``[B, in_channels, H, W]`` (float, any scale) to logits ``[B, num_classes]``; see
    :func:`spike_driven_transformer_v3_base`."""

    def __init__(
        self,
        *,
        dims: Sequence[int],
        depths: Sequence[int],
        heads: int,
        num_classes: int,
        img: int | tuple[int, int],
        in_channels: int,
        mlp_ratio: int,
        levels: int,
    ) -> None:
        super().__init__()
        if len(dims) != 4 or len(depths) != 2:
            raise ValueError(f"dims must be four widths and depths two numbers of attention blocks, got {dims} and {depths}")
        self.T = 1
        self.image_size = (img, img) if isinstance(img, int) else tuple(img)
        self.in_channels = in_channels
        first = dims[0] // 2

        def down(inputs: int, outputs: int, stride: int) -> Downsampling:
            return Downsampling(inputs, outputs, 3, stride, _even(levels))

        def convolutions(dim: int) -> nn.ModuleList:
            return nn.ModuleList([ConvBlock(dim, mlp_ratio, levels)])

        def attentions(dim: int, depth: int) -> nn.ModuleList:
            return nn.ModuleList(Block(dim, heads, mlp_ratio, levels) for _ in range(depth))

        self.downsample1_1 = Downsampling(in_channels, first, 7, 2, None)
        self.ConvBlock1_1 = convolutions(first)
        self.downsample1_2 = down(first, dims[0], 2)
        self.ConvBlock1_2 = convolutions(dims[0])
        self.downsample2 = down(dims[0], dims[1], 2)
        self.ConvBlock2_1 = convolutions(dims[1])
        self.ConvBlock2_2 = convolutions(dims[1])
        self.downsample3 = down(dims[1], dims[2], 2)
        self.block3 = attentions(dims[2], depths[0])
        self.downsample4 = down(dims[2], dims[3], 1)
        self.block4 = attentions(dims[3], depths[1])
        self.head = nn.Linear(dims[3], num_classes)
        self.spike = _even(levels, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[B, num_classes]`` of images ``[B, in_channels, H, W]``."""
        stages = (self.downsample1_1, self.ConvBlock1_1, self.downsample1_2, self.ConvBlock1_2, self.downsample2)
        stages += (self.ConvBlock2_1, self.ConvBlock2_2, self.downsample3, self.block3, self.downsample4, self.block4)
        for stage in stages:
            for layer in stage if isinstance(stage, nn.ModuleList) else (stage,):
                x = layer(x)
        return self.head(self.spike(x.flatten(2).mean(2)))  # mean over tokens

    def example(self, batch: int = 1, seed: int = 0) -> tuple[Tensor]:
        """An input of this model's shape: ``batch`` images, uniform in [0, 1), on the grid of 1/16."""
        return _example(batch, self.in_channels, self.image_size, seed)


def spike_driven_transformer_v3_base(
    dims: Sequence[int] = (64, 128, 256, 360),
    depths: Sequence[int] = (6, 2),
    heads: int = 8,
    num_classes: int = 1000,
    img: int | tuple[int, int] = 224,
    in_channels: int = 3,
    mlp_ratio: int = 4,
    levels: int = 4,
) -> SpikeDrivenTransformerV3Base:
    """The ImageNet graph of 2.7 to 19 M parameters, by default the largest, "l".

    Args:
        dims: channels of the four stages, the first even and the last two multiples of ``heads``; "t" has (24, 48, 96,
            128), "s" (32, 64, 128, 192), "m" (48, 96, 192, 240).
        depths: attention blocks of the last two stages.
        heads: number of attention heads h.
        num_classes: width of the head.
        img: side of the image in pixels, or (height, width).
        in_channels: channels of the image.
        mlp_ratio: hidden width over that of a stage.
        levels: largest integer L that a neuron fires.
    """
    return SpikeDrivenTransformerV3Base(
        dims=dims,
        depths=depths,
        heads=heads,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        mlp_ratio=mlp_ratio,
        levels=levels,
    )


# Large ----------------------------------------------------------------------------


class LargeConvBlock(nn.Module):
    """``x + BN(C_2 S(BN(C_1 S(x))))`` with 3x3 convolutions on ``[T, B, C, H, W]``."""

    def __init__(self, dim: int, mlp_ratio: int, levels: int) -> None:
        super().__init__()
        inner = dim * mlp_ratio
        self.neuron1 = _up(levels)
        self.conv1 = nn.Sequential(_normed(nn.Conv2d(dim, inner, kernel_size=3, padding=1)))
        self.neuron2 = _up(levels)
        self.conv2 = nn.Sequential(_normed(nn.Conv2d(inner, dim, kernel_size=3, padding=1)))

    def forward(self, x: Tensor) -> Tensor:
        lead = x.shape[:2]
        y = self.conv1(self.neuron1(x).flatten(0, 1)).unflatten(0, lead)
        return self.conv2(self.neuron2(y).flatten(0, 1)).unflatten(0, lead) + x


class RepConv(nn.Module):
    """1x1 - batch norm - 1x1 - batch norm on ``[T * B, C, N]``: one linear map."""

    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.conv1 = _normed(nn.Conv1d(dim, inner, kernel_size=1, bias=False))
        self.conv2 = _normed(nn.Conv1d(inner, dim, kernel_size=1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.conv1(x))


class LargeAttention(nn.Module):
    """``BN(R_p S((Q (K^T V)) / 8))`` with ``q, k, v = S(BN(R S(x)))``, ``R`` a :class:`RepConv`, on ``[T, B, C, N]``."""

    def __init__(self, dim: int, heads: int, levels: int) -> None:
        super().__init__()
        _check_heads(dim, heads)
        self.num_heads = heads
        inner = int(dim * 1.5)
        self.head_lif = _up(levels)
        for name in ("q", "k", "v"):
            self.add_module(f"{name}_conv", nn.Sequential(RepConv(dim, inner), nn.BatchNorm1d(dim)))
            self.add_module(f"{name}_lif", _up(levels))
        self.attn_lif = _up(levels)
        self.proj_conv = nn.Sequential(RepConv(dim, inner), nn.BatchNorm1d(dim))

    def forward(self, x: Tensor) -> Tensor:
        shape = x.shape
        x = self.head_lif(x).flatten(0, 1)
        q, k, v = (
            _heads_apart(getattr(self, f"{name}_lif")(getattr(self, f"{name}_conv")(x).reshape(shape)), self.num_heads)
            for name in ("q", "k", "v")
        )
        y = (q @ (k.transpose(-2, -1) @ v)) * LARGE_SCALE
        y = self.attn_lif(y.transpose(3, 4).reshape(shape))
        return self.proj_conv(y.flatten(0, 1)).reshape(shape)


class LargeMLP(nn.Module):
    """``BN(W_2 S(BN(W_1 S(x))))`` on ``[T, B, C, N]``."""

    def __init__(self, dim: int, hidden: int, levels: int) -> None:
        super().__init__()
        self.fc1_conv = nn.Conv1d(dim, hidden, kernel_size=1)
        self.fc1_bn = nn.BatchNorm1d(hidden)
        self.fc1_lif = _up(levels)
        self.fc2_conv = nn.Conv1d(hidden, dim, kernel_size=1)
        self.fc2_bn = nn.BatchNorm1d(dim)
        self.fc2_lif = _up(levels)

    def forward(self, x: Tensor) -> Tensor:
        lead = x.shape[:2]
        y = self.fc1_bn(self.fc1_conv(self.fc1_lif(x).flatten(0, 1))).unflatten(0, lead)
        return self.fc2_bn(self.fc2_conv(self.fc2_lif(y).flatten(0, 1))).unflatten(0, lead)


class LargeBlock(nn.Module):
    """``x + s_1 Attention(x)``, ``x + s_2 MLP(x)`` with a factor per channel, on ``[T, B, C, N]``.

    With ``rep_conv``, ``x + R S(x)`` comes first, whose published forward names
    sizes that are not defined there; they can only be those of ``x``.
    """

    def __init__(self, dim: int, heads: int, mlp_ratio: int, levels: int, layer_scale: float, rep_conv: bool) -> None:
        super().__init__()
        self.rep_conv = RepConv(dim, dim) if rep_conv else None
        self.lif = _up(levels)
        self.attn = LargeAttention(dim, heads, levels)
        self.mlp = LargeMLP(dim, dim * mlp_ratio, levels)
        self.layer_scale1 = nn.Parameter(torch.full((dim,), layer_scale))
        self.layer_scale2 = nn.Parameter(torch.full((dim,), layer_scale))

    def forward(self, x: Tensor) -> Tensor:
        if self.rep_conv is not None:
            x = x + self.rep_conv(self.lif(x).flatten(0, 1)).reshape(x.shape)
        x = x + self.attn(x) * self.layer_scale1[:, None]
        return x + self.mlp(x) * self.layer_scale2[:, None]


class LargeDownsampling(nn.Module):
    """``BN(C S(x))`` on ``[T, B, C, H, W]``; the first one of a model has no neuron."""

    def __init__(self, inputs: int, outputs: int, kernel: int, spike: nn.Module | None) -> None:
        super().__init__()
        self.encode_conv = nn.Conv2d(inputs, outputs, kernel_size=kernel, stride=2, padding=kernel // 2)
        self.encode_bn = nn.BatchNorm2d(outputs)
        self.encode_lif = spike or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.encode_bn(self.encode_conv(self.encode_lif(x).flatten(0, 1))).unflatten(0, x.shape[:2])


class SpikeDrivenTransformerV3Large(nn.Module):
    """Images ``[B, in_channels, H, W]`` (float, any scale) to logits ``[B, num_classes]``; see
    :func:`spike_driven_transformer_v3_large`."""

    def __init__(
        self,
        *,
        dims: Sequence[int],
        depth: int,
        heads: int,
        steps: int,
        num_classes: int,
        img: int | tuple[int, int],
        in_channels: int,
        mlp_ratio: int,
        levels: int,
        layer_scale: float,
        rep_conv: bool,
        kd: bool,
    ) -> None:
        super().__init__()
        if len(dims) != 3:
            raise ValueError(f"dims must be three widths, got {dims}")
        self.T = steps
        self.image_size = (img, img) if isinstance(img, int) else tuple(img)
        self.in_channels = in_channels
        first = dims[0] // 2

        def down(inputs: int, outputs: int) -> LargeDownsampling:
            return LargeDownsampling(inputs, outputs, 3, _up(levels))

        def convolutions(dim: int) -> nn.ModuleList:
            return nn.ModuleList([LargeConvBlock(dim, mlp_ratio, levels)])

        self.downsample1_1 = LargeDownsampling(in_channels, first, 7, None)
        self.ConvBlock1_1 = convolutions(first)
        self.downsample1_2 = down(first, dims[0])
        self.ConvBlock1_2 = convolutions(dims[0])
        self.downsample2 = down(dims[0], dims[1])
        self.ConvBlock2_1 = convolutions(dims[1])
        self.ConvBlock2_2 = convolutions(dims[1])
        self.downsample3 = down(dims[1], dims[2])
        self.block3 = nn.ModuleList(
            LargeBlock(dims[2], heads, mlp_ratio, levels, layer_scale, rep_conv) for _ in range(depth)
        )
        self.head = nn.Linear(dims[2], num_classes)
        self.lif = _up(levels, 1.0)
        self.head_kd = nn.Linear(dims[2], num_classes) if kd else None

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[B, num_classes]`` of images ``[B, in_channels, H, W]``."""
        x = x.unsqueeze(0).repeat(self.T, 1, 1, 1, 1)
        stages = (self.downsample1_1, self.ConvBlock1_1, self.downsample1_2, self.ConvBlock1_2, self.downsample2)
        stages += (self.ConvBlock2_1, self.ConvBlock2_2, self.downsample3)
        for stage in stages:
            for layer in stage if isinstance(stage, nn.ModuleList) else (stage,):
                x = layer(x)
        x = x.flatten(3)
        for block in self.block3:
            x = block(x)
        x = x.mean(3)  # over tokens: [T, B, C]
        fired = self.lif(x)
        logits = self.head(x).mean(0)  # of the stream itself, as published
        return logits if self.head_kd is None else (logits + self.head_kd(fired).mean(0)) / 2

    def example(self, batch: int = 1, seed: int = 0) -> tuple[Tensor]:
        """An input of this model's shape: ``batch`` images, uniform in [0, 1), on the grid of 1/16."""
        return _example(batch, self.in_channels, self.image_size, seed)


def spike_driven_transformer_v3_large(
    dims: Sequence[int] = (128, 256, 512),
    depth: int = 12,
    heads: int = 8,
    T: int = 1,
    num_classes: int = 1000,
    img: int | tuple[int, int] = 224,
    in_channels: int = 3,
    mlp_ratio: int = 4,
    levels: int = 4,
    layer_scale: float = 1e-6,
    rep_conv: bool | None = None,
    kd: bool = True,
) -> SpikeDrivenTransformerV3Large:
    """The ImageNet graph of 83 and 173 M parameters, by default 12-512.

    Args:
        dims: channels of the three stages, the first even and the last a multiple of ``heads``; 12-768 has (196, 384, 768).
        depth: attention blocks.
        heads: number of attention heads h.
        T: time steps; published with 1.
        num_classes: width of the heads.
        img: side of the image in pixels, or (height, width); published for 224 and 384.
        in_channels: channels of the image.
        mlp_ratio: hidden width over that of a stage.
        levels: largest integer L that a neuron fires; published with 4 and 8.
        layer_scale: initial factor of the attention and MLP branches.
        rep_conv: whether each block begins with a :class:`RepConv`; by default as published, in graphs no wider than 512.
        kd: a second head as trained by distillation, on integers; the result is the mean of both.
    """
    return SpikeDrivenTransformerV3Large(
        dims=dims,
        depth=depth,
        heads=heads,
        steps=T,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        mlp_ratio=mlp_ratio,
        levels=levels,
        layer_scale=layer_scale,
        rep_conv=dims[-1] <= 512 if rep_conv is None else rep_conv,
        kd=kd,
    )
