"""Containers over ``[T, B, ...]``, and dropout, which does nothing in eval mode."""

from __future__ import annotations

from spikingjelly.clock_driven import functional
from torch import Tensor, nn

__all__ = [
    "Dropout",
    "Dropout2d",
    "MultiStepContainer",
    "MultiStepDropout",
    "MultiStepDropout2d",
    "SeqToANNContainer",
]


class SeqToANNContainer(nn.Sequential):
    """Stateless modules that see the sequence as one batch ``[T * B, ...]``."""

    def forward(self, x_seq: Tensor) -> Tensor:
        return functional.seq_to_ann_forward(x_seq, super().forward)


class MultiStepContainer(nn.Sequential):
    """Single-step modules that see one step after the other."""

    def forward(self, x_seq: Tensor) -> Tensor:
        return functional.multi_step_forward(x_seq, super().forward)


class Dropout(nn.Module):
    """Identity: dropout in eval mode, ``p`` is not read."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return x


class Dropout2d(Dropout):
    """Identity: dropout of channels in eval mode."""


class MultiStepDropout(Dropout):
    """Identity: dropout with one mask for all steps, in eval mode."""


class MultiStepDropout2d(Dropout2d):
    """Identity: dropout of channels with one mask for all steps, in eval mode."""
