"""The transformer of h-z-h-cell/ann2snn_transformer, written from its description: an ANN that is made to become an SNN.

It has the graph of the Spikformer for CIFAR with another activation in place of
the neurons and a softmax in the attention.  Symbols: B images, C = D channels,
N tokens, h heads.

* Four stages conv 3x3 - batch norm - activation with D/8, D/4, D/2, D channels;
  a pool (3x3, stride 2, padding 1) behind the last two.
* A relative position branch (RPE) conv - batch norm - activation added to its input.
* ``depths`` blocks ``x + attention(x)``, ``x + mlp(x)`` of linear map - batch
  norm - activation; the attention is ``softmax(Q K^T / 8) V`` in which the
  softmax runs over the *queries* (``dim=2`` of ``[B, h, N, N]``), as published.
* A head: mean over tokens, one linear layer.

The activation is :class:`spk.neuron.QCFS` with ``l`` levels and a learned upper
limit ``up``.  Module names are those of the published state dicts.
"""

from __future__ import annotations

from typing import Any

import torch
from spk.neuron import QCFS
from torch import Tensor, nn

__all__ = ["Transformer", "load_published"]

SCALE = 0.125  # of the attention core, whatever the width of a head


class Embedding(nn.Module):
    """Images ``[B, in_channels, H, W]`` to tokens ``[B, N, D]``.

    Args:
        in_channels: channels of the image.
        dim: channels D of a token; a multiple of 8.
        patch_size: pixels between tokens, 1, 2, 4, 8 or 16: each power of two is
            the pool of a stage, from the last stage on.
        use_maxpool: largest value of a window, else its mean.
        activation: what makes an activation.
    """

    def __init__(self, in_channels: int, dim: int, patch_size: int, use_maxpool: bool, activation: Any) -> None:
        super().__init__()
        if dim % 8:
            raise ValueError(f"dim must be a multiple of 8, got {dim}")
        if patch_size not in (1, 2, 4, 8, 16):
            raise ValueError(f"patch_size must be 1, 2, 4, 8 or 16, got {patch_size}")
        pool = nn.MaxPool2d if use_maxpool else nn.AvgPool2d
        widths = [in_channels, dim // 8, dim // 4, dim // 2, dim]
        self.keys = ["", "1", "2", "3"]  # published names: proj_conv, proj_conv1, proj_conv2, proj_conv3
        for i, key in enumerate(self.keys):
            self.add_module(f"proj_conv{key}", nn.Conv2d(widths[i], widths[i + 1], kernel_size=3, padding=1, bias=False))
            self.add_module(f"proj_bn{key}", nn.BatchNorm2d(widths[i + 1]))
            self.add_module(f"proj_relu{key}", activation())
            if patch_size >> (4 - i):
                self.add_module(f"maxpool{key}", pool(kernel_size=3, stride=2, padding=1))
        self.rpe_conv = nn.Conv2d(dim, dim, kernel_size=3, padding=1, bias=False)
        self.rpe_bn = nn.BatchNorm2d(dim)
        self.rpe_relu = activation()

    def forward(self, x: Tensor) -> Tensor:
        for key in self.keys:
            for layer in ("proj_conv", "proj_bn", "proj_relu", "maxpool"):
                if hasattr(self, f"{layer}{key}"):
                    x = getattr(self, f"{layer}{key}")(x)
        x = self.rpe_relu(self.rpe_bn(self.rpe_conv(x))) + x
        return x.flatten(2).transpose(1, 2)


class TokenLayer(nn.Module):
    """Base of what applies linear maps, each with a batch norm and an activation, to tokens ``[B, N, C]``."""

    def add_layer(self, name: str, inputs: int, outputs: int, activation: Any) -> None:
        """Add the modules of the map ``name``."""
        self.add_module(f"{name}_linear", nn.Linear(inputs, outputs))
        self.add_module(f"{name}_bn", nn.BatchNorm1d(outputs))
        self.add_module(f"{name}_relu", activation())

    def layer(self, name: str, x: Tensor) -> Tensor:
        """The map ``name`` of tokens ``[B, N, C]``."""
        x = getattr(self, f"{name}_linear")(x)
        x = getattr(self, f"{name}_bn")(x.transpose(1, 2)).transpose(1, 2)
        return getattr(self, f"{name}_relu")(x)


class VSA(TokenLayer):
    """Self-attention with a softmax on tokens ``[B, N, C]``."""

    def __init__(self, dim: int, num_heads: int, activation: Any) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"dim {dim} must be a multiple of num_heads {num_heads}")
        self.num_heads = num_heads
        for name in ("q", "k", "v", "proj"):
            self.add_layer(name, dim, dim, activation)
        self.attn_softmax = nn.Softmax(dim=2)  # over the queries, as published

    def forward(self, x: Tensor) -> Tensor:
        B, N, C = x.shape

        def heads(name: str) -> Tensor:
            return self.layer(name, x).reshape(B, N, self.num_heads, C // self.num_heads).permute(0, 2, 1, 3)

        q, k, v = heads("q"), heads("k"), heads("v")
        attention = self.attn_softmax((q @ k.transpose(-2, -1)) * SCALE)
        return self.layer("proj", (attention @ v).transpose(1, 2).reshape(B, N, C))


class MLP(TokenLayer):
    """Two linear maps of tokens ``[B, N, C]``."""

    def __init__(self, dim: int, hidden: int, activation: Any) -> None:
        super().__init__()
        self.add_layer("fc1", dim, hidden, activation)
        self.add_layer("fc2", hidden, dim, activation)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer("fc2", self.layer("fc1", x))


class Block(nn.Module):
    """Attention and MLP, each added to the stream ``[B, N, C]``."""

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float, activation: Any) -> None:
        super().__init__()
        self.attn = VSA(dim, num_heads, activation)
        self.mlp = MLP(dim, int(dim * mlp_ratio), activation)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(x)
        return x + self.mlp(x)


class Transformer(nn.Module):
    """The ANN: images ``[B, in_channels, H, W]`` to logits ``[B, num_classes]``; defaults as published for CIFAR-10.

    Args:
        img: height and width of the image; multiples of ``patch_size``.
        in_channels: channels of the image.
        num_classes: number of logits.
        dim: channels D of a token; a multiple of 8 and of ``num_heads``.
        num_heads: attention heads.
        patch_size: pixels between tokens: 1, 2, 4, 8 or 16.
        mlp_ratio: hidden channels of an MLP, as a multiple of ``dim``.
        depths: number of blocks.
        l: levels of the activation between 0 and its upper limit, 1 to 127.
        up: upper limit of the activation before training, positive.
        use_maxpool: max-pools, else average-pools.
    """

    def __init__(
        self,
        img: tuple[int, int] = (32, 32),
        in_channels: int = 3,
        num_classes: int = 10,
        dim: int = 384,
        num_heads: int = 12,
        patch_size: int = 4,
        mlp_ratio: float = 4.0,
        depths: int = 4,
        l: int = 4,  # noqa: E741 - the published name
        up: float = 8.0,
        use_maxpool: bool = True,
    ) -> None:
        super().__init__()
        if img[0] % patch_size or img[1] % patch_size:
            raise ValueError(f"img {img} must be a multiple of patch_size {patch_size}")
        self.shape = (in_channels, *img)

        def activation() -> QCFS:
            return QCFS(l, up)

        self.patch_embed = Embedding(in_channels, dim, patch_size, use_maxpool, activation)
        self.block = nn.ModuleList(Block(dim, num_heads, mlp_ratio, activation) for _ in range(depths))
        self.head = nn.Linear(dim, num_classes)
        self.apply(_initialise)

    def example(self) -> tuple[Tensor]:
        """One image of the model's input shape, on the grid of 1/16, ``[1, in_channels, H, W]``."""
        generator = torch.Generator().manual_seed(0)
        return (torch.randint(0, 17, (1, *self.shape), generator=generator) / 16,)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[B, num_classes]`` of images ``[B, in_channels, H, W]``."""
        x = self.patch_embed(x)
        for block in self.block:
            x = block(x)
        return self.head(x.mean(1))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)


def load_published(model: Transformer, state: dict[str, Any]) -> None:
    """Load a published state dict, leaving out the LayerNorms (``norm1``, ``norm2``) that its forward never uses."""
    model.load_state_dict({key: value for key, value in state.items() if ".norm1." not in key and ".norm2." not in key})
