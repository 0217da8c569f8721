"""A Spikformer for event cameras that takes its recordings frame by frame.

The DVS graph of ``examples/spikformer`` (2-256, 64 tokens) on frames ``[T, B, 2,
H, W]``: the two channels count events of rising and of falling brightness.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from spikformer.spikformer import Spikformer, spikformer_dvs
from spk import dyadic

__all__ = ["FrameByFrame", "build", "moving_bar"]


def moving_bar(steps: int, size: tuple[int, int], seed: int = 0) -> Tensor:
    """Frames ``[T, 1, 2, H, W]`` of a bright bar that crosses the picture, as an event camera counts them.

    Events of rising brightness lie at its leading edge, of falling brightness at
    its trailing edge; one pixel in 200 fires for no reason.
    """
    height, width = size
    generator = torch.Generator().manual_seed(seed)
    frames = torch.zeros(steps, 1, 2, height, width)
    bar = max(2, width // 8)
    for t in range(steps):
        front = (t + 1) * (width - 1) // steps
        frames[t, 0, 0, height // 4 : 3 * height // 4, max(0, front - 1) : front + 1] = 2.0
        frames[t, 0, 1, height // 4 : 3 * height // 4, max(0, front - bar - 1) : max(0, front - bar + 1)] = 2.0
    noise = torch.rand(frames.shape, generator=generator) < 0.005
    return frames + noise


class FrameByFrame(nn.Module):
    """The model on ``[T, B, 2, H, W]``, time first: that of the frames, and not ``[B, T, ...]`` of a finished recording."""

    def __init__(self, model: Spikformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, frames: Tensor) -> Tensor:
        """Logits ``[B, classes]``."""
        return self.model(frames.transpose(0, 1))

    def example(self, batch: int = 1) -> tuple[Tensor]:
        """A recording."""
        frames = moving_bar(self.model.T, self.model.image_size)
        return (frames.repeat(1, batch, 1, 1, 1),)


def build(dim: int = 256, depth: int = 2, heads: int = 16, T: int = 16, img: int = 128) -> FrameByFrame:
    """Random weights at realistic firing rates; load a checkpoint with ``load_published`` of ``examples/spikformer``."""
    torch.manual_seed(0)
    model = FrameByFrame(spikformer_dvs(dim=dim, depth=depth, heads=heads, T=T, img=img)).eval()
    dyadic.calibrate(model, model.example())
    return model
