"""Integer neurons written as clamp and round, and staircases written as round and clamp.

Neurons are ``round(clamp(x, 0, D))`` and ``floor(clamp(x, 0, D) + 0.5)``, the
activation of an ANN ``clamp(floor(x * L + 0.5) / L, 0, 1)``.  Published models
have them as an ``autograd.Function``, of which the captured graph holds these
operations.  What comes first stays deferred until the other meets it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from spk.errors import Unsupported
from spk.importer.context import Context, Deferred, handler, need_view
from spk.importer.mlir import Value
from spk.importer.ops_neuron import emit_neuron
from spk.importer.views import View
from spk.neuron_model import NeuronSpec

__all__ = ["Clamped"]

HINT = "round(clamp(x, 0, D)), or floor(clamp(x, 0, D) + 0.5), with a whole number D up to 127; or spk.neuron.MultiSpike or QCFS"


@dataclass(eq=False)
class Clamped(Deferred):
    """A clamp that waits for a rounding, with a number that was added behind it."""

    base: Value | None = None
    low: float | None = None
    high: float | None = None
    added: float = 0.0

    def emit(self, context: Context, path: str) -> Value:
        assert self.base is not None
        value = self.base
        for op, bound in (("arith.maximumf", self.low), ("arith.minimumf", self.high)):
            if bound is not None:
                value = context.binary(op, value, context.splat(bound, value.shape, path), path)
        if self.added:
            value = context.binary("arith.addf", value, context.splat(self.added, value.shape, path), path)
        return value

    def plus(self, number: float, path: str) -> Deferred | None:
        return None if self.added else replace(self, added=number, forced=None)


@dataclass(eq=False)
class Stepped(Deferred):
    """``floor(x * levels + 0.5)``, or that over ``levels``, which waits for a clamp."""

    base: Value | None = None
    levels: int = 1
    divided: bool = False

    def emit(self, context: Context, path: str) -> Value:
        raise Unsupported("rounding of floats", HINT)

    def over(self, number: float) -> Deferred | None:
        if self.divided or number != self.levels:
            raise Unsupported("rounding of floats", HINT)
        return replace(self, divided=True)


def _stepped(ctx: Context, value: Value) -> Stepped | None:
    """What the floor of a value waits for, None if no clamp could make it a staircase."""
    op, inner, number = ctx.by_number.get(value, ("", value, 0.0))
    if (op, number) != ("arith.addf", 0.5):
        return None
    op, base, levels = ctx.by_number.get(inner, ("", inner, 1.0))
    if op != "arith.mulf" or levels not in range(1, 128):
        base, levels = inner, 1.0
    return Stepped(value.shape, base=base, levels=int(levels))


@handler("aten.clamp.default", "aten.clamp_.default", "aten.hardtanh.default")
def _clamp(ctx: Context, x: Any, low: float | None = None, high: float | None = None) -> View:
    view = need_view(x)
    steps = view.value
    if isinstance(steps, Stepped) and steps.divided and (low, high) == (0, 1):
        assert steps.base is not None
        spec = NeuronSpec("qcfs", levels=steps.levels)
        return view.with_value(emit_neuron(ctx, spec, steps.base, ctx.path).results[0])
    view = ctx.floats(view)
    return view.with_value(Clamped(view.value.shape, base=view.value, low=low, high=high))  # type: ignore[arg-type]


def _rounded(ctx: Context, x: Any, rounding: str, added: float) -> View:
    view = need_view(x)
    value = view.value
    whole = isinstance(value, Clamped) and value.low == 0 and value.high in range(1, 128) and value.added == added
    if not whole:
        raise Unsupported("rounding of floats", HINT)
    assert isinstance(value, Clamped) and value.base is not None and value.high is not None
    spec = NeuronSpec("multi_spike", levels=int(value.high), rounding=rounding)
    return view.with_value(emit_neuron(ctx, spec, value.base, ctx.path).results[0])


@handler("aten.round.default", "aten.round_.default")
def _round(ctx: Context, x: Any) -> View:
    return _rounded(ctx, x, "half_even", 0.0)


@handler("aten.floor.default", "aten.floor_.default")
def _floor(ctx: Context, x: Any) -> View:
    view = need_view(x)
    steps = None if isinstance(view.value, Deferred) else _stepped(ctx, view.value)
    if steps is not None:
        return view.with_value(steps)  # type: ignore[arg-type]
    return _rounded(ctx, x, "half_up", 0.5)
