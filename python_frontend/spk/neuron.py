"""Spiking neurons in plain PyTorch, with SpikingJelly's constructor names.

Per element, in the dtype of the input, every operation rounded on its own
(membrane, current and threshold are in the same dimensionless unit; time is
counted in steps)::

    h = v + (x - (v - v_reset)) / tau      LIF, decay_input=True (the default)
    h = v - (v - v_reset) / tau + x        LIF, decay_input=False
    h = v + (x - (v - v_reset)) * a        PLIF, a = sigmoid(w) with w learned
    h = v - (v - v_reset) * a + x          PLIF, decay_input=False
    h = v + x                              IF
    h = v * (1 - 1 / tau) + x              I-LIF
    s = h >= v_threshold                   fires on equality, NaN never fires
    v = v_reset if s else h                hard reset (v_reset is a number)
    v = h - s * v_threshold                soft reset (v_reset is None)

Integer neurons fire numbers from 0 to ``levels``, ``y`` being ``h / v_threshold``
(I-LIF, always with a soft reset) or the current itself (:class:`MultiSpike`)::

    s = round(clamp(y, 0, levels))         half_even: a half goes to the even number
    s = floor(clamp(y, 0, levels) + 0.5)   half_up

``v`` starts at ``v_reset`` (0 when the reset is soft).  These are the bits of
SpikingJelly's torch backend for finite inputs.

Unlike SpikingJelly's, these neurons keep nothing between calls: every forward
sees a whole sequence ``[T, B, ...]`` and starts from the initial membrane, so
there is no ``reset()`` to forget.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from spk.surrogate import ATan, Fire, Sigmoid

__all__ = ["ATan", "IFNode", "ILIFNode", "LIFNode", "MultiSpike", "ParametricLIFNode", "QCFS", "Sigmoid", "SignedIFNode"]

ROUNDINGS = ("half_even", "half_up")


class _Round(torch.autograd.Function):
    """Rounds to 0..levels forwards; backwards the gradient passes where ``0 <= y <= levels``."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, levels: int, rounding: str) -> Tensor:
        ctx.save_for_backward((y >= 0) & (y <= levels))
        return _round(y, levels, rounding)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (inside,) = ctx.saved_tensors
        return grads[0] * inside, None, None


def _round(y: Tensor, levels: int, rounding: str) -> Tensor:
    y = y.clamp(0, levels)
    return y.round() if rounding == "half_even" else (y + 0.5).floor()


def _check_levels(levels: int, rounding: str) -> None:
    if not 1 <= levels <= 127:
        raise ValueError(f"levels must be in [1, 127], got {levels}")
    if rounding not in ROUNDINGS:
        raise ValueError(f"rounding must be 'half_even' or 'half_up', got {rounding!r}")


class _Node(nn.Module):
    """Common part of the neurons: fire, reset and the loop over time."""

    def __init__(
        self,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        surrogate_function: Sigmoid | None = None,
        detach_reset: bool = False,
        step_mode: str = "m",
    ) -> None:
        super().__init__()
        if not math.isfinite(v_threshold):
            raise ValueError(f"v_threshold must be finite, got {v_threshold}")
        if v_reset is not None and not math.isfinite(v_reset):
            raise ValueError(f"v_reset must be finite or None, got {v_reset}")
        if step_mode != "m":
            raise ValueError(
                f"step_mode must be 'm', got {step_mode!r}: these neurons keep no state between calls"
            )
        self.v_threshold = v_threshold
        self.v_reset = v_reset
        self.surrogate_function = surrogate_function or Sigmoid()
        self.detach_reset = detach_reset
        self.step_mode = step_mode

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        """Membrane before firing, from the current ``x`` and membrane ``v`` of one step, ``[B, ...]``."""
        raise NotImplementedError

    def fire(self, h: Tensor) -> Tensor:
        """Spikes of one step from the charged membrane ``h``, ``[B, ...]``."""
        if self.training:
            return Fire.apply(h, self.v_threshold, self.surrogate_function)
        return (h >= self.v_threshold).to(h.dtype)

    def forward(self, x_seq: Tensor) -> Tensor:
        """Spikes of a whole sequence.

        Args:
            x_seq: input current, float, ``[T, B, ...]``.

        Returns:
            spikes, 0 or 1 in the dtype and shape of ``x_seq``.  In eval mode
            they carry no gradient; in training mode the surrogate's.
        """
        v = torch.full_like(x_seq[0], 0.0 if self.v_reset is None else self.v_reset)
        spikes = []
        for x in x_seq.unbind(0):
            h = self.charge(x, v)
            s = self.fire(h)
            v = self._reset(h, s)
            spikes.append(s)
        return torch.stack(spikes)

    def _reset(self, h: Tensor, s: Tensor) -> Tensor:
        through = self.training and not self.detach_reset  # gradient flows through the reset
        if not through:
            s = s.detach()
        if self.v_reset is None:
            return h - s * self.v_threshold
        if through:
            return s * self.v_reset + (1.0 - s) * h
        return torch.where(s > 0, self.v_reset, h)

    def extra_repr(self) -> str:
        return (
            f"v_threshold={self.v_threshold}, v_reset={self.v_reset}, "
            f"detach_reset={self.detach_reset}, step_mode={self.step_mode}"
        )


class LIFNode(_Node):
    """Leaky integrate-and-fire neuron over ``[T, B, ...]``; equations in the module's docstring.

    Args:
        tau: membrane time constant in steps, greater than 1.
        decay_input: whether the input current is divided by ``tau`` as well.
        v_threshold: membrane at which the neuron fires.
        v_reset: membrane after a spike; ``None`` subtracts ``v_threshold`` instead.
        surrogate_function: slope used by the backward pass in training mode.
        detach_reset: keep the gradient out of the reset.
        step_mode: only ``"m"``, a whole sequence per call.
    """

    def __init__(
        self,
        tau: float = 2.0,
        decay_input: bool = True,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        surrogate_function: Sigmoid | None = None,
        detach_reset: bool = False,
        step_mode: str = "m",
    ) -> None:
        super().__init__(v_threshold, v_reset, surrogate_function, detach_reset, step_mode)
        if not tau > 1.0 or not math.isfinite(tau):
            raise ValueError(f"tau must be finite and greater than 1, got {tau}")
        self.tau = tau
        self.decay_input = decay_input

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        # v - 0.0 is v bit for bit, so the subtraction is left out for the usual reset.
        above = v - self.v_reset if self.v_reset else v
        if self.decay_input:
            return v + (x - above) / self.tau
        return v - above / self.tau + x

    def extra_repr(self) -> str:
        return f"tau={self.tau}, decay_input={self.decay_input}, {super().extra_repr()}"


class IFNode(_Node):
    """Integrate-and-fire neuron over ``[T, B, ...]``: a LIF neuron without leak, ``h = v + x``."""

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v + x


class ParametricLIFNode(_Node):
    """Leaky integrate-and-fire neuron whose time constant is learned: ``1 / tau = sigmoid(w)``.

    Args:
        init_tau: time constant in steps before training, greater than 1.
        decay_input: whether the input current is multiplied by ``1 / tau`` as well.
        v_threshold: membrane at which the neuron fires.
        v_reset: membrane after a spike; ``None`` subtracts ``v_threshold`` instead.
        surrogate_function: slope used by the backward pass in training mode.
        detach_reset: keep the gradient out of the reset.
        step_mode: only ``"m"``, a whole sequence per call.
    """

    def __init__(
        self,
        init_tau: float = 2.0,
        decay_input: bool = True,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        surrogate_function: Sigmoid | None = None,
        detach_reset: bool = False,
        step_mode: str = "m",
    ) -> None:
        super().__init__(v_threshold, v_reset, surrogate_function, detach_reset, step_mode)
        if not init_tau > 1.0 or not math.isfinite(init_tau):
            raise ValueError(f"init_tau must be finite and greater than 1, got {init_tau}")
        self.decay_input = decay_input
        self.w = nn.Parameter(torch.tensor(-math.log(init_tau - 1.0)))

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        # v - 0.0 is v bit for bit, so the subtraction is left out for the usual reset.
        above = v - self.v_reset if self.v_reset else v
        if self.decay_input:
            return v + (x - above) * self.w.sigmoid()
        return v - above * self.w.sigmoid() + x

    def extra_repr(self) -> str:
        tau = 1.0 / self.w.detach().sigmoid().item()
        return f"tau={tau:.6g}, decay_input={self.decay_input}, {super().extra_repr()}"


class ILIFNode(_Node):
    """Integer leaky integrate-and-fire neuron over ``[T, B, ...]`` (I-LIF, Luo et al., ECCV 2024, arXiv:2407.20708).

    Fires 0 to ``levels`` and takes as many thresholds from the membrane.  Its
    gradient passes where ``0 <= h / v_threshold <= levels``.

    Args:
        tau: membrane time constant in steps, at least 1; 4/3 keeps a quarter of the membrane, 1 nothing,
            ``math.inf`` all of it: the neuron of Spike-driven Transformer V3 for events, ``v + x``.
        v_threshold: membrane that one unit of the output stands for, positive.
        levels: largest output, 1 to 127.
        rounding: ``"half_even"`` or ``"half_up"``, what becomes of a half.
        detach_reset: keep the gradient out of the reset.
        step_mode: only ``"m"``, a whole sequence per call.
    """

    def __init__(
        self,
        tau: float = 4.0 / 3.0,
        v_threshold: float = 1.0,
        levels: int = 4,
        rounding: str = "half_even",
        detach_reset: bool = False,
        step_mode: str = "m",
    ) -> None:
        super().__init__(v_threshold, None, None, detach_reset, step_mode)
        if not tau >= 1.0:
            raise ValueError(f"tau must be at least 1, got {tau}")
        if not v_threshold > 0.0:
            raise ValueError(f"v_threshold must be positive, got {v_threshold}")
        _check_levels(levels, rounding)
        self.tau, self.levels, self.rounding = tau, levels, rounding

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v * (1.0 - 1.0 / self.tau) + x

    def fire(self, h: Tensor) -> Tensor:
        return _Round.apply(h / self.v_threshold, self.levels, self.rounding)

    def extra_repr(self) -> str:
        return f"tau={self.tau:.6g}, levels={self.levels}, rounding={self.rounding}, {super().extra_repr()}"


class MultiSpike(nn.Module):
    """Integer neuron without state, of any shape: integers 0 to ``levels``, divided by ``norm``.

    Spike-driven Transformer V3 uses it in both roundings.  Its gradient passes
    where ``0 <= x <= levels``.

    Args:
        levels: largest integer, 1 to 127.
        norm: what the integers are divided by, positive; ``None`` for ``levels``.
        rounding: ``"half_even"`` or ``"half_up"``, what becomes of a half.
    """

    def __init__(self, levels: int = 4, norm: float | None = None, rounding: str = "half_even") -> None:
        super().__init__()
        _check_levels(levels, rounding)
        norm = float(levels) if norm is None else float(norm)
        if not (math.isfinite(norm) and norm > 0.0):
            raise ValueError(f"norm must be positive and finite, got {norm}")
        self.levels, self.norm, self.rounding = levels, norm, rounding

    def forward(self, x: Tensor) -> Tensor:
        """Quantised ``x``, elementwise, in its dtype and shape."""
        return _Round.apply(x, self.levels, self.rounding) / self.norm

    def extra_repr(self) -> str:
        return f"levels={self.levels}, norm={self.norm:g}, rounding={self.rounding}"


class _Floor(torch.autograd.Function):
    """Rounds down forwards; backwards the gradient passes."""

    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        return y.floor()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return grads[0]


class QCFS(nn.Module):
    """Quantisation, clip, floor, shift: the activation of an ANN that becomes an SNN, of any shape.

    ``up * clip(floor(x / up * levels + 1/2) / levels, 0, 1)`` (Bu et al., ICLR
    2022).  The gradient passes through the floor; ``up`` is learned.

    Args:
        levels: steps between 0 and ``up``, 1 to 127.
        up: initial upper limit, positive, in units of ``x``.
    """

    def __init__(self, levels: int = 8, up: float = 8.0) -> None:
        super().__init__()
        _check_levels(levels, "half_up")
        if not (math.isfinite(up) and up > 0.0):
            raise ValueError(f"up must be positive and finite, got {up}")
        self.levels = levels
        self.up = nn.Parameter(torch.tensor([up]))

    def forward(self, x: Tensor) -> Tensor:
        """Quantised ``x``, elementwise, in its dtype and shape."""
        y = _Floor.apply(x / self.up * self.levels + 0.5) / self.levels
        return y.clamp(0.0, 1.0) * self.up

    def extra_repr(self) -> str:
        return f"levels={self.levels}, up={self.up.detach().item():g}"


class SignedIFNode(nn.Module):
    """Integrate-and-fire neuron over ``[T, B, ...]`` that takes back spikes, what :class:`QCFS` becomes in an SNN.

    With ``x`` divided by ``scale``, and ``n`` the sum of the spikes so far::

        h = v + x
        s = 1 where h >= v_threshold and n < max_count
        s = -1 where h <= -v_threshold and n >= 1, else 0
        v = h - s * v_threshold

    Args:
        max_count: bound of the sum of spikes, at least 1.
        scale: unit of the current and of the output ``s * scale``, positive; the ``up`` of the activation.
        v_threshold: membrane at which the neuron fires, positive.
        v_initial: membrane before the first step; half of the threshold rounds the count.
    """

    def __init__(self, max_count: int, scale: float = 1.0, v_threshold: float = 1.0, v_initial: float = 0.5) -> None:
        super().__init__()
        if max_count < 1:
            raise ValueError(f"max_count must be at least 1, got {max_count}")
        for name, value in (("scale", scale), ("v_threshold", v_threshold)):
            if not (math.isfinite(value) and value > 0.0):
                raise ValueError(f"{name} must be positive and finite, got {value}")
        if not math.isfinite(v_initial):
            raise ValueError(f"v_initial must be finite, got {v_initial}")
        self.max_count, self.v_threshold, self.v_initial = max_count, v_threshold, v_initial
        self.register_buffer("scale", torch.tensor([float(scale)]))

    def forward(self, x_seq: Tensor) -> Tensor:
        """Spikes -1, 0 or 1 times ``scale``, in the dtype and shape of ``x_seq``, ``[T, B, ...]``."""
        v = torch.full_like(x_seq[0], self.v_initial)
        count = torch.zeros_like(v)
        spikes = []
        for x in (x_seq / self.scale).unbind(0):
            h = v + x
            up = (h >= self.v_threshold) & (count < self.max_count)
            down = (h <= -self.v_threshold) & (count >= 1)
            s = up.to(h.dtype) - down.to(h.dtype)
            v = h - s * self.v_threshold
            count = count + s
            spikes.append(s)
        return torch.stack(spikes) * self.scale

    def extra_repr(self) -> str:
        return f"max_count={self.max_count}, scale={self.scale.item():g}, v_threshold={self.v_threshold:g}, v_initial={self.v_initial:g}"
