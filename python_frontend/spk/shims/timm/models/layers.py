"""Layers and initialisers of ``timm.models.layers`` and ``timm.layers``."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from typing import Any

from torch import Tensor, nn
from torch.nn.init import trunc_normal_

__all__ = ["DropPath", "to_2tuple", "trunc_normal_"]


def to_2tuple(x: Any) -> tuple[Any, ...]:
    """A sequence as a tuple, anything else twice."""
    return tuple(x) if isinstance(x, Iterable) and not isinstance(x, str) else tuple(repeat(x, 2))


class DropPath(nn.Module):
    """Identity: stochastic depth in eval mode, ``drop_prob`` is not read."""

    def __init__(self, drop_prob: float = 0.0, scale_by_keep: bool = True) -> None:
        super().__init__()
        self.drop_prob = drop_prob
        self.scale_by_keep = scale_by_keep

    def forward(self, x: Tensor) -> Tensor:
        return x
