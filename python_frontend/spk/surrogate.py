"""Surrogate gradients of spikes, with SpikingJelly's names."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

__all__ = ["ATan", "Fire", "Sigmoid"]


class Sigmoid:
    """Surrogate gradient ``ds/dh = alpha * y * (1 - y)`` with ``y = sigmoid(alpha * (h - v_threshold))``."""

    def __init__(self, alpha: float = 4.0) -> None:
        self.alpha = alpha

    def slope(self, distance: Tensor) -> Tensor:
        """``ds/dh`` at ``distance = h - v_threshold``, elementwise."""
        y = torch.sigmoid(self.alpha * distance)
        return self.alpha * y * (1.0 - y)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(alpha={self.alpha})"


class ATan(Sigmoid):
    """Surrogate gradient ``ds/dh = (alpha / 2) / (1 + (pi / 2 * alpha * (h - v_threshold))**2)``."""

    def __init__(self, alpha: float = 2.0) -> None:
        super().__init__(alpha)

    def slope(self, distance: Tensor) -> Tensor:
        return self.alpha / 2.0 / (1.0 + (math.pi / 2.0 * self.alpha * distance) ** 2)


class Fire(torch.autograd.Function):
    """``s = h >= v_threshold`` forwards, the surrogate's slope backwards."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, v_threshold: float, surrogate: Sigmoid) -> Tensor:
        ctx.save_for_backward(h)
        ctx.v_threshold, ctx.surrogate = v_threshold, surrogate
        return (h >= v_threshold).to(h.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (h,) = ctx.saved_tensors
        return grads[0] * ctx.surrogate.slope(h - ctx.v_threshold), None, None
