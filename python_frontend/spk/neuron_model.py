"""The neuron equations of the spk dialect in numpy.

One definition used by the tests of the neuron table and by `spk.compare` for
membrane margins.  Every operation is rounded to f32 on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["FORMS", "NeuronForm", "NeuronSpec", "margins", "simulate"]


@dataclass(frozen=True)
class NeuronSpec:
    """A neuron as the dialect has it.

    Attributes:
        kind: the operation, a key of `FORMS`.
        charge: form of the charge equation (``decay_input``, ``no_decay_input``,
            ``multiply``, ``no_decay_multiply`` or ``retain``) of leaky neurons.
        tau: time constant, for the forms that divide.
        factor: multiplier, for ``multiply``, ``no_decay_multiply`` and ``retain``.
        v_threshold: threshold.
        v_reset: reset voltage, or None for the soft reset.
        initial: membrane before the first step; None stands for the resting
            value, ``v_reset`` or 0.
        levels: largest spike of integer neurons.
        rounding: ``half_even`` or ``half_up``, of integer neurons.
        max_count: bound of the sum of signed spikes.
        divisor: what the module divides its spikes by.
        scale: what the module divides its input by and multiplies its spikes with.
        up: upper limit of the staircase of an activation.
        body: the equations of a neuron that a user wrote.
    """

    kind: str
    charge: str = "decay_input"
    tau: float | None = None
    factor: float | None = None
    v_threshold: float = 1.0
    v_reset: float | None = 0.0
    initial: float | None = None
    levels: int = 1
    rounding: str = "half_even"
    max_count: int = 1
    divisor: float = 1.0
    scale: float = 1.0
    up: float = 1.0
    body: Body | None = None

    @property
    def form(self) -> NeuronForm:
        """What all neurons of this kind have in common."""
        if self.body is None:
            return FORMS[self.kind]
        return NeuronForm((), self.body.element, len(self.body.resting), self.body.run)

    def resting(self) -> list[float]:
        """States before the first step; the first one is the membrane."""
        if self.body is not None:
            return list(self.body.resting)
        membrane = 0.0 if self.v_reset is None else self.v_reset
        return [membrane if self.initial is None else self.initial, 0.0][: self.form.states]

    def output(self, spikes: np.ndarray) -> np.ndarray:
        """What the module returns for these spikes of the operation, float32."""
        return spikes / np.float32(self.divisor) * np.float32(self.scale)


States = list[np.ndarray]
Stepped = tuple[np.ndarray, np.ndarray, States]  # membrane before firing, spikes as numbers, next states


class Body(Protocol):
    """The equations of a neuron that a user wrote."""

    @property
    def resting(self) -> tuple[float, ...]:
        """States before the first step."""

    @property
    def element(self) -> str:
        """Type of what it fires."""

    def run(self, spec: NeuronSpec, states: States, x: np.ndarray) -> Stepped:
        """One time step in float32."""

    def text(self) -> str:
        """The region of the operation."""


@dataclass(frozen=True)
class NeuronForm:
    """A neuron operation.

    Attributes:
        numbers: names of its attributes, fields of `NeuronSpec`.
        element: type of what it fires, ``i1``, ``i8`` or ``f32``.
        states: what it keeps for each element between time steps.
        step: its equations.
    """

    numbers: tuple[str, ...]
    element: str
    states: int
    step: Callable[[NeuronSpec, States, np.ndarray], Stepped]


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


def _fire_and_reset(spec: NeuronSpec, h: np.ndarray) -> Stepped:
    s = h >= np.float32(spec.v_threshold)
    v = np.where(s, h - np.float32(spec.v_threshold) if spec.v_reset is None else np.float32(spec.v_reset), h)
    return h, s, [v]


def _round(spec: NeuronSpec, y: np.ndarray) -> np.ndarray:
    y = np.clip(np.nan_to_num(y, nan=0.0), np.float32(0), np.float32(spec.levels))
    return np.rint(y) if spec.rounding == "half_even" else np.floor(y + np.float32(0.5))


def _integer(spec: NeuronSpec, h: np.ndarray) -> Stepped:
    threshold = np.float32(spec.v_threshold)
    s = _round(spec, h / threshold)
    return h, s, [h - s * threshold]


def _staircase(spec: NeuronSpec, _: States, x: np.ndarray) -> Stepped:
    up, levels = np.float32(spec.up), np.float32(spec.levels)
    return x, _round(spec, x / up * levels) / levels * up, []


def _signed(spec: NeuronSpec, states: States, x: np.ndarray) -> Stepped:
    (v, count), threshold = states, np.float32(spec.v_threshold)
    h = v + x
    up, down = (h >= threshold) & (count < spec.max_count), (h <= -threshold) & (count >= 1)
    s = up.astype(np.float32) - down.astype(np.float32)
    return h, s, [h - s * threshold, count + s]


_CHARGE = ("charge", "tau", "factor")

FORMS: dict[str, NeuronForm] = {
    "lif": NeuronForm(
        (*_CHARGE, "v_threshold", "v_reset"), "i1", 1, lambda spec, v, x: _fire_and_reset(spec, _leaky(spec, v[0], x))
    ),
    "if": NeuronForm(("v_threshold", "v_reset"), "i1", 1, lambda spec, v, x: _fire_and_reset(spec, v[0] + x)),
    "ilif": NeuronForm(
        (*_CHARGE, "v_threshold", "levels", "rounding"), "i8", 1, lambda spec, v, x: _integer(spec, _leaky(spec, v[0], x))
    ),
    "multi_spike": NeuronForm(("levels", "rounding"), "i8", 0, lambda spec, v, x: (x, _round(spec, x), [])),
    "qcfs": NeuronForm(("levels", "up"), "f32", 0, _staircase),
    "signed_if": NeuronForm(("v_threshold", "max_count"), "f32", 2, _signed),
}

_NUMPY = {"i1": np.bool_, "i8": np.int8, "f32": np.float32}


def simulate(spec: NeuronSpec, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Run a neuron over the leading axis.

    Args:
        spec: the neuron.
        current: input current of the module, float32, ``[T, ...]``.

    Returns:
        spikes of the operation (bool, int8 or float32) and the charged membrane
        before firing (float32), both in the shape of `current`.
    """
    current = np.asarray(current, dtype=np.float32) / np.float32(spec.scale)
    states = [np.full(current.shape[1:], number, dtype=np.float32) for number in spec.resting()]
    spikes = np.empty(current.shape, dtype=_NUMPY[spec.form.element])
    charged = np.empty_like(current)
    for t, x in enumerate(current):
        charged[t], spikes[t], states = spec.form.step(spec, states, x)
    return spikes, charged


def margins(spec: NeuronSpec, charged: np.ndarray) -> np.ndarray:
    """How far charged membranes are from the nearest one that fires otherwise, elementwise."""
    threshold = np.float32(spec.v_threshold)
    if spec.kind == "qcfs":
        threshold = np.float32(spec.up / spec.levels)
    if spec.form.element == "i8" or spec.kind == "qcfs":
        half = np.clip(np.floor(charged / threshold), 0, spec.levels - 1) + np.float32(0.5)
        return np.abs(charged - half * threshold)
    above = np.abs(charged - threshold)
    return above if spec.form.element == "i1" else np.minimum(above, np.abs(charged + threshold))
