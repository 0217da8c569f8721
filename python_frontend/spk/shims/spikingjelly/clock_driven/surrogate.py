"""Surrogate functions, of which only the forward pass exists: ``x >= 0``, on 0 as well."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "ATan",
    "Erf",
    "F",
    "LeakyKReLU",
    "PiecewiseExp",
    "PiecewiseLeakyReLU",
    "PiecewiseQuadratic",
    "Sigmoid",
    "SoftSign",
    "SurrogateFunctionBase",
    "math",
    "nn",
    "torch",
]  # with the names that the original imports, which a file that imports * has as well


class SurrogateFunctionBase(nn.Module):
    """Spikes 0 or 1 in the dtype of ``x``; parameters shape the gradient only and are not read."""

    def __init__(self, *_shape: Any, **_options: Any) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return (x >= 0).to(x.dtype)


class ATan(SurrogateFunctionBase):
    """Gradient of arctan."""


class Erf(SurrogateFunctionBase):
    """Gradient of the Gauss error function."""


class LeakyKReLU(SurrogateFunctionBase):
    """Gradient of a leaky ReLU."""


class PiecewiseExp(SurrogateFunctionBase):
    """Gradient falling exponentially to both sides."""


class PiecewiseLeakyReLU(SurrogateFunctionBase):
    """Gradient of a piecewise linear function."""


class PiecewiseQuadratic(SurrogateFunctionBase):
    """Gradient of a piecewise quadratic function."""


class Sigmoid(SurrogateFunctionBase):
    """Gradient of the logistic function."""


class SoftSign(SurrogateFunctionBase):
    """Gradient of the soft sign."""
