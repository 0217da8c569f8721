"""The neuron equations of the spk dialect in numpy.

One definition used by the tests of the neuron table and by `spk.compare` for
membrane margins.  Every operation is rounded to f32 on its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["NeuronSpec", "simulate"]


@dataclass(frozen=True)
class NeuronSpec:
    """A neuron as the dialect has it.

    Attributes:
        kind: ``"lif"`` or ``"if"``.
        charge: form of the charge equation (``decay_input``, ``no_decay_input``,
            ``multiply``, ``no_decay_multiply`` or ``retain``); unused by ``"if"``.
        tau: time constant, for the forms that divide.
        factor: multiplier, for ``multiply``, ``no_decay_multiply`` and ``retain``.
        v_threshold: threshold.
        v_reset: reset voltage, or None for the soft reset.
        initial: membrane before the first step; None stands for the resting
            value, ``v_reset`` or 0.
    """

    kind: str
    charge: str = "decay_input"
    tau: float | None = None
    factor: float | None = None
    v_threshold: float = 1.0
    v_reset: float | None = 0.0
    initial: float | None = None

    def resting(self) -> float:
        """Membrane before the first step."""
        if self.initial is not None:
            return self.initial
        return 0.0 if self.v_reset is None else self.v_reset


def _charge(spec: NeuronSpec, v: np.ndarray, x: np.ndarray) -> np.ndarray:
    if spec.kind == "if":
        return v + x
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


def simulate(spec: NeuronSpec, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Run a neuron over the leading axis.

    Args:
        spec: the neuron.
        current: input current, float32, ``[T, ...]``.

    Returns:
        spikes (bool) and the charged membrane before firing (float32), both in
        the shape of `current`.
    """
    current = np.asarray(current, dtype=np.float32)
    v = np.full(current.shape[1:], spec.resting(), dtype=np.float32)
    threshold = np.float32(spec.v_threshold)
    spikes = np.empty(current.shape, dtype=bool)
    charged = np.empty_like(current)
    for t, x in enumerate(current):
        h = _charge(spec, v, x)
        s = h >= threshold
        v = h - s.astype(np.float32) * threshold if spec.v_reset is None else np.where(s, np.float32(spec.v_reset), h)
        spikes[t], charged[t] = s, h
    return spikes, charged
