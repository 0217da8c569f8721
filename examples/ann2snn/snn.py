"""What ``spk-ann-to-snn`` makes of the transformer, in PyTorch: one time step per call, state in the modules.

Written from the description of h-z-h-cell/ann2snn_transformer: a neuron that
fires 1 and -1 in place of every activation, a difference of pooled sums in place
of every max-pool.  Everything else, softmax included, runs at every step as it
does in the ANN.
"""

from __future__ import annotations

import copy

import torch
from spk.neuron import QCFS
from torch import Tensor, nn

__all__ = ["ScaledNeuron", "SignedMaxPool", "convert", "running_sums"]


class ScaledNeuron(nn.Module):
    """The spiking form of :class:`spk.neuron.QCFS`: currents over ``scale`` charge the membrane, spikes are worth ``scale``.

    The membrane starts at half of the threshold of 1.  The sum of the spikes stays in 0 to ``max_count``.
    """

    def __init__(self, max_count: int, scale: float) -> None:
        super().__init__()
        self.max_count, self.scale = max_count, scale
        self.reset()

    def reset(self) -> None:
        """Back to the first time step."""
        self.membrane: Tensor | float = 0.5
        self.count: Tensor | float = 0.0

    def forward(self, x: Tensor) -> Tensor:
        charged = self.membrane + x / self.scale
        count = self.count + torch.zeros_like(x)
        spikes = ((charged >= 1) & (count < self.max_count)).to(x) - ((charged <= -1) & (count >= 1)).to(x)
        self.membrane, self.count = charged - spikes, count + spikes
        return spikes * self.scale


class SignedMaxPool(nn.Module):
    """The spiking form of a max-pool: the pool of all that came so far, less what it was a step before."""

    def __init__(self, pool: nn.MaxPool2d) -> None:
        super().__init__()
        self.pool = pool
        self.reset()

    def reset(self) -> None:
        """Back to the first time step."""
        self.sum: Tensor | float = 0.0
        self.last: Tensor | float = 0.0

    def forward(self, x: Tensor) -> Tensor:
        self.sum = self.sum + x
        largest = self.pool(self.sum)
        change, self.last = largest - self.last, largest
        return change


def convert(ann: nn.Module, steps: int) -> nn.Module:
    """The SNN of an ANN, which stays as it is, for ``steps`` time steps with input."""
    snn = copy.deepcopy(ann).eval()
    for module in list(snn.modules()):
        for name, child in module.named_children():
            if isinstance(child, QCFS):
                setattr(module, name, ScaledNeuron(steps, child.up.item()))
            elif isinstance(child, nn.MaxPool2d):
                setattr(module, name, SignedMaxPool(child))
    return snn


def running_sums(snn: nn.Module, images: Tensor, steps: int, extra: int = 0) -> Tensor:
    """Sum of the outputs up to every step, ``[steps + extra, B, ...]``: the images for ``steps`` steps, then zeros for ``extra``."""
    for module in snn.modules():
        if isinstance(module, (ScaledNeuron, SignedMaxPool)):
            module.reset()
    sums: list[Tensor] = []
    with torch.no_grad():
        for t in range(steps + extra):
            out = snn(images if t < steps else torch.zeros_like(images))
            sums.append(sums[-1] + out if sums else out)
    return torch.stack(sums)
