"""A small Spikformer for handwritten digits, with the weights that ``train.py`` made.

The CIFAR graph of ``examples/spikformer`` on grey 32x32 images: SPS with its
two pools (32x32 to 8x8 = 64 tokens), RPE, two blocks of 96 channels and four
heads of width 24, T = 4.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from spikformer.spikformer import Spikformer, spikformer_cifar
from spk.neuron import LIFNode

__all__ = ["WEIGHTS", "architecture", "build", "example"]

WEIGHTS = Path(__file__).resolve().parent / "digits.safetensors"


def architecture(neuron: Callable[..., nn.Module] = LIFNode) -> Spikformer:
    """The model with fresh weights, ``[B, 1, 32, 32]`` to ``[B, 10]``."""
    return spikformer_cifar(dim=96, depth=2, heads=4, T=4, num_classes=10, in_channels=1, mlp_ratio=2.0, neuron=neuron)


def build(neuron: Callable[..., nn.Module] = LIFNode) -> Spikformer:
    """The trained model in eval mode."""
    model = architecture(neuron)
    model.load_state_dict(load_file(WEIGHTS))
    return model.eval()


def example() -> tuple[Tensor]:
    """One image of the model's input shape, ``[1, 1, 32, 32]``, on the grid of 1/16."""
    return architecture().example()
