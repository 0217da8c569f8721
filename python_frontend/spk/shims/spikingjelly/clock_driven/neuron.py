"""Neurons of SpikingJelly 0.0.0.0.12, torch backend, operation by operation in its order of rounding.

Per element and step, in the dtype of the input (a = 1 / tau or sigmoid(w),
p = v_reset; forms with p None or 0 in brackets)::

    LIF    h = v + (x - (v - p)) / tau     [h = v + (x - v) / tau]
           h = v - (v - p) / tau + x       [h = v * (1 - 1 / tau) + x]     decay_input=False
    PLIF   h = v + (x - (v - p)) * a       [h = v + (x - v) * a]
           h = v - (v - p) * a + x         [h = v * (1 - a) + x]           decay_input=False
    IF     h = v + x
    s = h - v_threshold >= 0
    v = h - s * v_threshold                v_reset None
    v = (1 - s) * h + s * v_reset          otherwise

Classes named ``MultiStep...`` take a sequence ``[T, B, ...]``, the others one
step ``[B, ...]``.  The membrane stays until ``reset()``.  ``backend``,
``cupy_fp32_inference`` and ``lava_s_cale`` choose nothing here: there is one
kernel.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from spikingjelly.clock_driven import base, surrogate
from torch import Tensor, nn

__all__ = [
    "BaseNode",
    "Callable",
    "IFNode",
    "LIFNode",
    "MultiStepIFNode",
    "MultiStepLIFNode",
    "MultiStepParametricLIFNode",
    "ParametricLIFNode",
    "abstractmethod",
    "base",
    "math",
    "nn",
    "surrogate",
    "torch",
]  # with the names that the original imports, which a file that imports * has as well


class BaseNode(base.MemoryModule):
    """One step: charge, fire, reset."""

    def __init__(
        self,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        surrogate_function: nn.Module | None = None,
        detach_reset: bool = False,
        backend: str = "torch",
        *,
        cupy_fp32_inference: bool = False,
        lava_s_cale: int = 64,
    ) -> None:
        super().__init__()
        self.register_memory("v", 0.0 if v_reset is None else v_reset)
        self.v_threshold = v_threshold
        self.v_reset = v_reset
        self.detach_reset = detach_reset
        self.backend = backend
        self.surrogate_function = surrogate.Sigmoid() if surrogate_function is None else surrogate_function

    def neuronal_charge(self, x: Tensor) -> None:
        """Set the membrane ``v`` from the current ``x`` of one step, ``[B, ...]``."""
        raise NotImplementedError

    def neuronal_fire(self) -> Tensor:
        """Spikes of the charged membrane."""
        return self.surrogate_function(self.v - self.v_threshold)

    def neuronal_reset(self, spike: Tensor) -> None:
        """Set the membrane behind the spikes."""
        if self.detach_reset:
            spike = spike.detach()
        if self.v_reset is None:
            self.v = self.v - spike * self.v_threshold
        else:
            self.v = (1.0 - spike) * self.v + spike * self.v_reset

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of one step, in the shape and dtype of ``x``."""
        self.neuronal_charge(x)
        spike = self.neuronal_fire()
        self.neuronal_reset(spike)
        return spike

    def extra_repr(self) -> str:
        return f"v_threshold={self.v_threshold}, v_reset={self.v_reset}, detach_reset={self.detach_reset}"


class IFNode(BaseNode):
    """Integrate and fire, one step."""

    def neuronal_charge(self, x: Tensor) -> None:
        self.v = self.v + x


class LIFNode(BaseNode):
    """Leaky integrate and fire, one step.

    Raises:
        ValueError: if ``tau`` is not greater than 1.
    """

    def __init__(self, tau: float = 2.0, decay_input: bool = True, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not tau > 1.0:
            raise ValueError(f"tau must be greater than 1, got {tau}")
        self.tau = tau
        self.decay_input = decay_input

    def neuronal_charge(self, x: Tensor) -> None:
        if self.decay_input:
            above = self.v - self.v_reset if self.v_reset else self.v
            self.v = self.v + (x - above) / self.tau
        elif self.v_reset:
            self.v = self.v - (self.v - self.v_reset) / self.tau + x
        else:
            self.v = self.v * (1.0 - 1.0 / self.tau) + x

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, tau={self.tau}, decay_input={self.decay_input}"


class ParametricLIFNode(BaseNode):
    """Leaky integrate and fire with a learned time constant, one step.

    Raises:
        ValueError: if ``init_tau`` is not greater than 1.
    """

    def __init__(self, init_tau: float = 2.0, decay_input: bool = True, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not init_tau > 1.0:
            raise ValueError(f"init_tau must be greater than 1, got {init_tau}")
        self.decay_input = decay_input
        self.w = nn.Parameter(torch.as_tensor(-math.log(init_tau - 1.0)))

    def neuronal_charge(self, x: Tensor) -> None:
        factor = self.w.sigmoid()
        if self.decay_input:
            above = self.v - self.v_reset if self.v_reset else self.v
            self.v = self.v + (x - above) * factor
        elif self.v_reset:
            self.v = self.v - (self.v - self.v_reset) * factor + x
        else:
            self.v = self.v * (1.0 - factor) + x

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, tau={1.0 / self.w.detach().sigmoid().item():.6g}, decay_input={self.decay_input}"


class _MultiStep:
    """A whole sequence per call, ``[T, B, ...]``, of the neuron beside it among the bases."""

    def forward(self, x_seq: Tensor) -> Tensor:
        steps = [super(_MultiStep, self).forward(x) for x in x_seq.unbind(0)]  # type: ignore[misc]
        return torch.stack(steps)


class MultiStepIFNode(_MultiStep, IFNode):
    """Integrate and fire over ``[T, B, ...]``."""


class MultiStepLIFNode(_MultiStep, LIFNode):
    """Leaky integrate and fire over ``[T, B, ...]``."""


class MultiStepParametricLIFNode(_MultiStep, ParametricLIFNode):
    """Leaky integrate and fire with a learned time constant over ``[T, B, ...]``."""
