"""The neuron equations of the spk dialect in numpy.

One definition used by the tests of the neuron table and by `spk.compare` for
membrane margins.  Every operation is rounded to f32 on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["NUMBERS", "NeuronSpec", "margins", "simulate"]

#: The attributes of each neuron operation, by kind.
NUMBERS: dict[str, tuple[str, ...]] = {
    "lif": ("charge", "tau", "factor", "v_threshold", "v_reset"),
    "if": ("v_threshold", "v_reset"),
    "ilif": ("charge", "tau", "factor", "v_threshold", "levels", "rounding"),
    "multi_spike": ("levels", "rounding"),
}


@dataclass(frozen=True)
class NeuronSpec:
    """A neuron as the dialect has it.

    Attributes:
        kind: ``"lif"``, ``"if"``, ``"ilif"`` or ``"multi_spike"``: the operation.
        charge: form of the charge equation (``decay_input``, ``no_decay_input``,
            ``multiply``, ``no_decay_multiply`` or ``retain``) of leaky neurons.
        tau: time constant, for the forms that divide.
        factor: multiplier, for ``multiply``, ``no_decay_multiply`` and ``retain``.
        v_threshold: threshold.
        v_reset: reset voltage, or None for the soft reset.
        initial: membrane before the first step; None stands for the resting
            value, ``v_reset`` or 0.
        levels: largest spike of integer neurons, None for neurons that fire 0 or 1.
        rounding: ``half_even`` or ``half_up``, of integer neurons.
        divisor: what the module divides its spikes by.
        stateless: whether the module keeps nothing between time steps.
    """

    kind: str
    charge: str = "decay_input"
    tau: float | None = None
    factor: float | None = None
    v_threshold: float = 1.0
    v_reset: float | None = 0.0
    initial: float | None = None
    levels: int | None = None
    rounding: str = "half_even"
    divisor: float = 1.0
    stateless: bool = False

    def resting(self) -> float:
        """Membrane before the first step."""
        if self.initial is not None:
            return self.initial
        return 0.0 if self.v_reset is None else self.v_reset


def _leaky(spec: NeuronSpec, v: np.ndarray, x: np.ndarray) -> np.ndarray:
    reset = np.float32(0.0 if spec.v_reset is None else spec.v_reset)
    if spec.charge == "decay_input":
        return v + (x - (v - reset)) / np.float32(spec.tau)
    if spec.charge == "no_decay_input":
        return v - (v - reset) / np.float32(spec.tau) + x
    if spec.charge == "multiply":
        return v + (x - (v - reset)) * np.float32(spec.factor)
    if spec.charge == "no_decay_multiply":
        return v - (v - reset) * np.float32(spec.factor) + x
    if spec.charge == "retain":
        return v * np.float32(spec.factor) + x
    raise ValueError(f"unknown charge form {spec.charge!r}")


_CHARGE: dict[str, Callable[[NeuronSpec, np.ndarray, np.ndarray], np.ndarray]] = {
    "lif": _leaky,
    "if": lambda spec, v, x: v + x,
    "ilif": _leaky,
    "multi_spike": lambda spec, v, x: x,
}


def _fire(spec: NeuronSpec, h: np.ndarray) -> np.ndarray:
    """Spikes as numbers."""
    if spec.levels is None:
        return (h >= np.float32(spec.v_threshold)).astype(np.float32)
    y = np.clip(np.nan_to_num(h / np.float32(spec.v_threshold), nan=0.0), np.float32(0), np.float32(spec.levels))
    return np.rint(y) if spec.rounding == "half_even" else np.floor(y + np.float32(0.5))


def simulate(spec: NeuronSpec, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Run a neuron over the leading axis.

    Args:
        spec: the neuron.
        current: input current, float32, ``[T, ...]``.

    Returns:
        spikes (bool, int8 of integer neurons) and the charged membrane before
        firing (float32), both in the shape of `current`.
    """
    current = np.asarray(current, dtype=np.float32)
    v = np.full(current.shape[1:], spec.resting(), dtype=np.float32)
    threshold = np.float32(spec.v_threshold)
    spikes = np.empty(current.shape, dtype=bool if spec.levels is None else np.int8)
    charged = np.empty_like(current)
    for t, x in enumerate(current):
        h = _CHARGE[spec.kind](spec, v, x)
        s = _fire(spec, h)
        v = h - s * threshold if spec.v_reset is None else np.where(s != 0, np.float32(spec.v_reset), h)
        spikes[t], charged[t] = s, h
    return spikes, charged


def margins(spec: NeuronSpec, charged: np.ndarray) -> np.ndarray:
    """How far charged membranes are from the nearest one that fires otherwise, elementwise."""
    threshold = np.float32(spec.v_threshold)
    if spec.levels is None:
        return np.abs(charged - threshold)
    half = np.clip(np.floor(charged / threshold), 0, spec.levels - 1) + np.float32(0.5)
    return np.abs(charged - half * threshold)
