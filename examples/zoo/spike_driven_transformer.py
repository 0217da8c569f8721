"""The published Spike-driven Transformer graphs (Yao et al., NeurIPS 2023), written from their description.

Symbols: T time steps, B images, C = D channels, N = H*W tokens, h heads of width d = D/h.

The stream between blocks is a float (*membrane shortcuts*), and every synapse
but the first reads spikes.  Spike-driven self-attention (SDSA) has no matrix
product and no scale: with spikes q, k and v ``[T, B, h, N, d]``::

    kv = LIF_0.5(sum over N of k * v)      [T, B, h, 1, d]
    x  = q * kv                            [T, B, h, N, d]

which works on each channel alone, so the number of heads changes nothing.

=============  ==============================  ===============================
part           CIFAR configuration             ImageNet configuration
=============  ==============================  ===============================
max-pools      ``pooling_stat="0011"``         ``pooling_stat="1111"``
tokens         N = H/4 * W/4                   N = H/16 * W/16
=============  ==============================  ===============================

The graph for event cameras has more max-pools, inside the attention: see
:class:`SDSA`.

The first three stages of the patch splitting are convolution - batch norm -
neuron - max-pool.  The fourth pools *in front of* its neuron, and the pooled
float is the stream to which a convolution of the neuron's spikes is added.
The head averages over tokens, passes a neuron, then maps every time step and
averages over time.  Module names are those of the published state dicts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from spk.neuron import LIFNode, ParametricLIFNode
from torch import Tensor, nn

__all__ = [
    "SpikeDrivenTransformer",
    "load_published",
    "spike_driven_transformer_cifar",
    "spike_driven_transformer_dvs",
    "spike_driven_transformer_imagenet",
]

Neuron = Callable[..., nn.Module]
Lif = Callable[..., nn.Module]  # a neuron of the model, given its threshold alone
Hook = dict[str, Tensor]  # spikes by name, as the published forward collects them


def _neurons(spike_mode: str, neuron: Neuron | None) -> Lif:
    """The neurons of ``spike_mode``, of the class ``neuron`` if it is given."""
    if spike_mode == "lif":
        cls, tau = neuron or LIFNode, {"tau": 2.0}
    elif spike_mode == "plif":
        cls, tau = neuron or ParametricLIFNode, {"init_tau": 2.0}
    else:
        raise ValueError(f"spike_mode must be 'lif' or 'plif', got {spike_mode!r}")

    def make(v_threshold: float = 1.0) -> nn.Module:
        return cls(**tau, v_threshold=v_threshold, detach_reset=True, step_mode="m")

    return make


def _note(hook: Hook | None, name: str, x: Tensor) -> Tensor:
    if hook is not None:
        hook[name] = x.detach()
    return x


class PatchSplitting(nn.Module):
    """Images ``[T, B, in_channels, H, W]`` to the float stream ``[T, B, D, H', W']``.

    Args:
        in_channels: channels of the image.
        dim: channels D of the result; a multiple of 8.
        pooling_stat: four digits, ``1`` where a stage has a max-pool (3x3, stride 2, padding 1).
        lif: makes the neurons.
    """

    def __init__(self, in_channels: int, dim: int, pooling_stat: str, lif: Lif) -> None:
        super().__init__()
        if dim % 8:
            raise ValueError(f"dim must be a multiple of 8, got {dim}")
        if len(pooling_stat) != 4 or set(pooling_stat) - {"0", "1"}:
            raise ValueError(f"pooling_stat must be four digits 0 or 1, got {pooling_stat!r}")
        widths = [in_channels, dim // 8, dim // 4, dim // 2, dim]
        self.pooling_stat = pooling_stat
        for i in range(4):
            key = str(i) if i else ""  # published names: proj_conv, proj_conv1, proj_conv2, proj_conv3
            conv = nn.Conv2d(widths[i], widths[i + 1], kernel_size=3, stride=1, padding=1, bias=False)
            self.add_module(f"proj_conv{key}", conv)
            self.add_module(f"proj_bn{key}", nn.BatchNorm2d(widths[i + 1]))
            self.add_module(f"proj_lif{key}", lif())
            self.add_module(f"maxpool{key}", nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
        self.rpe_conv = nn.Conv2d(dim, dim, kernel_size=3, stride=1, padding=1, bias=False)
        self.rpe_bn = nn.BatchNorm2d(dim)

    def forward(self, x: Tensor, hook: Hook | None) -> Tensor:
        steps, batch = x.shape[:2]
        x = x.flatten(0, 1)
        for i, key in enumerate(("", "1", "2")):
            x = getattr(self, f"proj_bn{key}")(getattr(self, f"proj_conv{key}")(x))
            x = getattr(self, f"proj_lif{key}")(x.unflatten(0, (steps, batch)))
            x = _note(hook, f"MS_SPS_lif{key}", x).flatten(0, 1)
            if self.pooling_stat[i] == "1":
                x = getattr(self, f"maxpool{key}")(x)
        x = self.proj_bn3(self.proj_conv3(x))
        if self.pooling_stat[3] == "1":
            x = self.maxpool3(x)
        spikes = _note(hook, "MS_SPS_lif3", self.proj_lif3(x.unflatten(0, (steps, batch))))
        x = self.rpe_bn(self.rpe_conv(spikes.flatten(0, 1))) + x
        return x.unflatten(0, (steps, batch))


class SDSA(nn.Module):
    """``x + BN(W_p SDSA(q, k, v))`` with ``q, k, v = LIF(BN(W LIF(x)))`` on ``[T, B, C, H, W]``.

    With ``eroded``, for events, a max-pool (3 x 3, stride 1) over the last two
    axes follows k, v, their product and its product with q.  The first two are
    ``[T, B, C, H, W]``; the others ``[T, B, h, N, d]``, so that neighbours are
    tokens that follow each other in the flattened image, and channels.
    """

    def __init__(self, dim: int, num_heads: int, lif: Lif, layer: int, eroded: bool = False) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"dim {dim} must be divisible by num_heads {num_heads}")
        self.num_heads = num_heads
        self.layer = layer
        self.pool = nn.MaxPool3d((1, 3, 3), stride=1, padding=(0, 1, 1)) if eroded else nn.Identity()
        self.shortcut_lif = lif()
        for name in ("q", "k", "v"):
            self.add_module(f"{name}_conv", nn.Conv2d(dim, dim, kernel_size=1, stride=1, bias=False))
            self.add_module(f"{name}_bn", nn.BatchNorm2d(dim))
            self.add_module(f"{name}_lif", lif())
        self.talking_heads_lif = lif(v_threshold=0.5)
        self.proj_conv = nn.Conv2d(dim, dim, kernel_size=1, stride=1)
        self.proj_bn = nn.BatchNorm2d(dim)

    def _head_spikes(self, name: str, x: Tensor, hook: Hook | None) -> Tensor:
        """Spikes ``[T, B, C, H, W]`` to those of q, k or v, ``[T, B, h, N, d]``."""
        steps, batch, dim = x.shape[:3]
        y = getattr(self, f"{name}_bn")(getattr(self, f"{name}_conv")(x.flatten(0, 1)))
        y = getattr(self, f"{name}_lif")(y.unflatten(0, (steps, batch)))
        if name != "q":
            y = self.pool(y)
        y = _note(hook, f"MS_SSA_Conv{self.layer}_{name}_lif", y).flatten(3)
        y = y.transpose(-1, -2).reshape(steps, batch, -1, self.num_heads, dim // self.num_heads)
        return y.permute(0, 1, 3, 2, 4).contiguous()

    def forward(self, x: Tensor, hook: Hook | None) -> Tensor:
        name = f"MS_SSA_Conv{self.layer}"
        spikes = _note(hook, f"{name}_first_lif", self.shortcut_lif(x))
        q, k, v = (self._head_spikes(part, spikes, hook) for part in ("q", "k", "v"))
        kv = self.pool(_note(hook, f"{name}_kv_before", k.mul(v)))
        kv = _note(hook, f"{name}_kv", self.talking_heads_lif(kv.sum(dim=-2, keepdim=True)))
        y = _note(hook, f"{name}_x_after_qkv", self.pool(q.mul(kv)))
        y = y.transpose(3, 4).reshape(x.shape).contiguous()
        return self.proj_bn(self.proj_conv(y.flatten(0, 1))).reshape(x.shape) + x


class MLP(nn.Module):
    """``x + BN(W_2 LIF(BN(W_1 LIF(x))))``; the inner sum joins the stream too if it is as wide."""

    def __init__(self, in_features: int, hidden_features: int, lif: Lif, layer: int) -> None:
        super().__init__()
        self.res = in_features == hidden_features
        self.layer = layer
        self.fc1_conv = nn.Conv2d(in_features, hidden_features, kernel_size=1, stride=1)
        self.fc1_bn = nn.BatchNorm2d(hidden_features)
        self.fc1_lif = lif()
        self.fc2_conv = nn.Conv2d(hidden_features, in_features, kernel_size=1, stride=1)
        self.fc2_bn = nn.BatchNorm2d(in_features)
        self.fc2_lif = lif()

    def forward(self, x: Tensor, hook: Hook | None) -> Tensor:
        steps, batch = x.shape[:2]
        name = f"MS_MLP_Conv{self.layer}"
        identity = x
        x = _note(hook, f"{name}_fc1_lif", self.fc1_lif(x))
        x = self.fc1_bn(self.fc1_conv(x.flatten(0, 1))).unflatten(0, (steps, batch))
        if self.res:
            x = identity = identity + x
        x = _note(hook, f"{name}_fc2_lif", self.fc2_lif(x))
        x = self.fc2_bn(self.fc2_conv(x.flatten(0, 1))).unflatten(0, (steps, batch))
        return x + identity


class Block(nn.Module):
    """Attention, then MLP, both with their shortcut inside."""

    def __init__(self, dim: int, heads: int, hidden: int, lif: Lif, layer: int, eroded: bool) -> None:
        super().__init__()
        self.attn = SDSA(dim, heads, lif, layer, eroded)
        self.mlp = MLP(dim, hidden, lif, layer)

    def forward(self, x: Tensor, hook: Hook | None) -> Tensor:
        return self.mlp(self.attn(x, hook), hook)


class SpikeDrivenTransformer(nn.Module):
    """Images ``[B, in_channels, H, W]`` or events ``[B, T, in_channels, H, W]`` to ``(logits, hook)``.

    ``logits`` is ``[B, num_classes]``, with ``tet`` ``[T, B, num_classes]``; ``hook`` is the
    dictionary given to ``forward``, by then holding the spikes of every neuron, or None.

    Args:
        dim: channels D of the tokens; a multiple of 8 and of ``heads``.
        depth: number of blocks.
        heads: number of attention heads h.
        steps: time steps T; an image is repeated at every step.
        num_classes: width of the head.
        img: side of the image in pixels, or (height, width).
        in_channels: channels of the image.
        mlp_ratio: hidden width of the MLP over D.
        pooling_stat: which of the four stages of the patch splitting have a max-pool.
        spike_mode: ``"lif"`` or ``"plif"``, neurons whose time constant is learned.
        tet: give the logits of every time step instead of their mean.
        eroded: max-pools inside the attention; see :class:`SDSA`.
        events: whether :meth:`example` gives recordings; the forward takes both.
        neuron: class of the neurons: of :mod:`spk.neuron` (default) or SpikingJelly's
            ``activation_based.neuron``, ``LIFNode`` or ``ParametricLIFNode`` as
            ``spike_mode`` says.
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
        pooling_stat: str,
        spike_mode: str,
        tet: bool,
        neuron: Neuron | None,
        eroded: bool = False,
        events: bool = False,
    ) -> None:
        super().__init__()
        self.T = steps
        self.tet = tet
        self.events = events
        self.image_size = (img, img) if isinstance(img, int) else tuple(img)
        self.in_channels = in_channels
        lif = _neurons(spike_mode, neuron)
        self.patch_embed = PatchSplitting(in_channels, dim, pooling_stat, lif)
        hidden = int(dim * mlp_ratio)
        self.block = nn.ModuleList(Block(dim, heads, hidden, lif, layer, eroded) for layer in range(depth))
        self.head_lif = lif()
        self.head = nn.Linear(dim, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor, hook: Hook | None = None) -> tuple[Tensor, Hook | None]:
        """Logits and ``hook``, see the class."""
        x = x.unsqueeze(0).repeat(self.T, 1, 1, 1, 1) if x.dim() < 5 else x.transpose(0, 1).contiguous()
        x = self.patch_embed(x, hook)
        for block in self.block:
            x = block(x, hook)
        x = x.flatten(3).mean(3)  # over tokens: [T, B, C]
        x = self.head(_note(hook, "head_lif", self.head_lif(x)))
        return x if self.tet else x.mean(0), hook

    def example(self, batch: int = 1, seed: int = 0) -> tuple[Tensor]:
        """An input of this model's shape: ``batch`` images or recordings, uniform in [0, 1), on the grid of 1/16."""
        shape = (batch, *((self.T,) if self.events else ()), self.in_channels, *self.image_size)
        generator = torch.Generator().manual_seed(seed)
        return (torch.randint(0, 16, shape, generator=generator) / 16.0,)


def spike_driven_transformer_cifar(
    dim: int = 512,
    depth: int = 2,
    heads: int = 8,
    T: int = 4,
    num_classes: int = 10,
    img: int | tuple[int, int] = 32,
    in_channels: int = 3,
    mlp_ratio: float = 4.0,
    pooling_stat: str = "0011",
    spike_mode: str = "lif",
    tet: bool = False,
    neuron: Neuron | None = None,
) -> SpikeDrivenTransformer:
    """The CIFAR configuration, by default 2-512; 2-256 is published too."""
    return SpikeDrivenTransformer(
        dim=dim,
        depth=depth,
        heads=heads,
        steps=T,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        mlp_ratio=mlp_ratio,
        pooling_stat=pooling_stat,
        spike_mode=spike_mode,
        tet=tet,
        neuron=neuron,
    )


def spike_driven_transformer_dvs(
    dim: int = 256,
    depth: int = 2,
    heads: int = 8,
    T: int = 10,
    num_classes: int = 10,
    img: int | tuple[int, int] = 64,
    in_channels: int = 2,
    mlp_ratio: float = 4.0,
    pooling_stat: str = "0011",
    spike_mode: str = "lif",
    tet: bool = False,
    neuron: Neuron | None = None,
) -> SpikeDrivenTransformer:
    """The graph for event cameras, by default 2-256 for CIFAR10-DVS.

    DVS128 Gesture has 11 classes, 128 pixels, ``pooling_stat`` ``"0111"`` and 10
    or 16 time steps.
    """
    return SpikeDrivenTransformer(
        dim=dim,
        depth=depth,
        heads=heads,
        steps=T,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        mlp_ratio=mlp_ratio,
        pooling_stat=pooling_stat,
        spike_mode=spike_mode,
        tet=tet,
        neuron=neuron,
        eroded=True,
        events=True,
    )


def spike_driven_transformer_imagenet(
    dim: int = 512,
    depth: int = 8,
    heads: int = 8,
    T: int = 4,
    num_classes: int = 1000,
    img: int | tuple[int, int] = 224,
    in_channels: int = 3,
    mlp_ratio: float = 4.0,
    pooling_stat: str = "1111",
    spike_mode: str = "lif",
    tet: bool = False,
    neuron: Neuron | None = None,
) -> SpikeDrivenTransformer:
    """The ImageNet configuration, by default 8-512; 8-384, 6-512, 10-512 and 8-768 are published too."""
    return SpikeDrivenTransformer(
        dim=dim,
        depth=depth,
        heads=heads,
        steps=T,
        num_classes=num_classes,
        img=img,
        in_channels=in_channels,
        mlp_ratio=mlp_ratio,
        pooling_stat=pooling_stat,
        spike_mode=spike_mode,
        tet=tet,
        neuron=neuron,
    )


def load_published(model: SpikeDrivenTransformer, state: dict[str, Any]) -> None:
    """Load a published state dict.

    The published files also hold parts that their forward never uses: a
    convolution ``talking_heads`` per block and, with ``plif``, the time constants of
    ``attn_lif`` and ``rpe_lif``.
    """
    dead = (".talking_heads.", ".attn_lif.", ".rpe_lif.")
    model.load_state_dict({key: value for key, value in state.items() if not any(part in key for part in dead)})
