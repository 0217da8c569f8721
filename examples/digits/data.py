"""The digits data set: 1,797 real 8x8 grey images of handwritten digits from scikit-learn.

Images are resized by bilinear interpolation, to 32x32 unless asked for another side, and scaled to [0, 1].
The split is fixed: 360 images, drawn in equal shares of the ten classes, are
held out and never seen by training.
"""

from __future__ import annotations

import math

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor
from torch.nn import functional

__all__ = ["HELD_OUT", "SIDE", "augment", "load"]

HELD_OUT = 360
SIDE = 32  # pixels


def load(side: int = SIDE) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training images and labels, held-out images and labels.

    Args:
        side: of the images in pixels.

    Returns:
        ``[1437, 1, side, side]`` float32 in [0, 1], ``[1437]`` int64,
        ``[360, 1, side, side]`` float32 in [0, 1], ``[360]`` int64.
    """
    raw, labels = load_digits(return_X_y=True)
    images = torch.from_numpy(raw).to(torch.float32).reshape(-1, 1, 8, 8) / 16.0
    images = functional.interpolate(images, size=(side, side), mode="bilinear", align_corners=False)
    train, held = train_test_split(range(len(labels)), test_size=HELD_OUT, random_state=0, stratify=labels)
    target = torch.from_numpy(labels).to(torch.int64)
    return images[train], target[train], images[held], target[held]


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Rotate by up to 12 degrees, scale by up to 10 %, shift by up to 2 pixels; ``[B, 1, H, W]``."""

    def uniform(limit: float) -> Tensor:
        return (torch.rand(len(images), generator=generator) * 2 - 1) * limit

    angle, scale = uniform(math.radians(12)), 1 + uniform(0.1)
    shift = 2.0 * 2.0 / images.shape[-1]
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = torch.stack([cos, -sin, uniform(shift), sin, cos, uniform(shift)], dim=1)
    grid = functional.affine_grid(rows.reshape(-1, 2, 3), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
