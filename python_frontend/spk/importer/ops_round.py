"""Integer neurons written as clamp and round: ``round(clamp(x, 0, D))`` and ``floor(clamp(x, 0, D) + 0.5)``.

Published models have them as an ``autograd.Function``, of which the captured
graph holds these operations.  A clamp stays deferred until a rounding meets it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from spk.errors import Unsupported
from spk.importer.context import Context, Deferred, handler, need_view
from spk.importer.mlir import Value
from spk.importer.ops_layer import emit_neuron
from spk.importer.views import View
from spk.neuron_model import NeuronSpec

__all__ = ["Clamped"]

HINT = "round(clamp(x, 0, D)), or floor(clamp(x, 0, D) + 0.5), with a whole number D up to 127; or spk.neuron.MultiSpike"


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


@handler("aten.clamp.default", "aten.clamp_.default", "aten.hardtanh.default")
def _clamp(ctx: Context, x: Any, low: float | None = None, high: float | None = None) -> View:
    view = ctx.floats(need_view(x))
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
    return _rounded(ctx, x, "half_up", 0.5)
