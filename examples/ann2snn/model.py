"""A small transformer for handwritten digits, with the weights that ``train.py`` made."""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ann2snn.transformer import Transformer

__all__ = ["WEIGHTS", "architecture", "build", "example"]

WEIGHTS = Path(__file__).resolve().parent / "digits.safetensors"


def architecture() -> Transformer:
    """The model with fresh weights, ``[B, 1, 32, 32]`` to ``[B, 10]``: two blocks of 48 channels and four heads, 4 levels."""
    # Batch norms give numbers of magnitude 1, of which a limit of 8 in 4 levels would leave almost nothing.
    return Transformer(in_channels=1, dim=48, num_heads=4, depths=2, l=4, up=2.0)


def build() -> Transformer:
    """The trained ANN in eval mode."""
    model = architecture()
    model.load_state_dict(load_file(WEIGHTS))
    return model.eval()


def example() -> tuple[Tensor]:
    """One image of the model's input shape, ``[1, 1, 32, 32]``, on the grid of 1/16."""
    return architecture().example()
