"""Five small Spikformers for handwritten digits that differ in their attention map, with the weights that ``train.py`` made.

The CIFAR graph of ``examples/spikformer`` on grey 24x24 images: 6x6 = 36
tokens, one block of 48 channels in three heads of width 16, T = 4.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from spikformer.spikformer import ATTENTIONS, Spikformer, spikformer_cifar
from spk.neuron import LIFNode

__all__ = ["ATTENTIONS", "SIDE", "architecture", "build", "example", "weights"]

SIDE = 24  # pixels


def weights(attention: str) -> Path:
    """File of the trained weights of a variant."""
    return Path(__file__).resolve().parent / f"{attention}.safetensors"


def architecture(attention: str, neuron: Callable[..., nn.Module] = LIFNode) -> Spikformer:
    """A variant with fresh weights, ``[B, 1, 24, 24]`` to ``[B, 10]``."""
    return spikformer_cifar(
        dim=48,
        depth=1,
        heads=3,
        T=4,
        num_classes=10,
        img=SIDE,
        in_channels=1,
        mlp_ratio=2.0,
        attention=attention,
        neuron=neuron,
    )


def build(attention: str = "A_SSA") -> Spikformer:
    """A trained variant in eval mode."""
    model = architecture(attention)
    model.load_state_dict(load_file(weights(attention)))
    return model.eval()


def example() -> tuple[Tensor]:
    """One image of the variants' input shape, ``[1, 1, 24, 24]``, on the grid of 1/16."""
    return architecture("A_SSA").example()
