"""What is left of a sequence after its last time step: states of neurons, maxima over time."""

from __future__ import annotations

from typing import Any

import torch

from spk.errors import Unsupported
from spk.importer.context import Context, Deferred, handler, need_view
from spk.importer.mlir import Op, Value, f32_array
from spk.importer.traced import Body
from spk.importer.views import TIME, Atom, View, merge

__all__ = ["final_state"]


def final_state(ctx: Context, op: Op, state: int = 0) -> Value:
    """A state of a neuron after the last step, ``[1, ...]``."""
    if len(op.results) == 1:
        source = op.results[0]
        count = len(op.attributes["resting"].split(","))
        op.results += [ctx.builder.fresh((1, *source.shape[1:]), "f32") for _ in range(count)]
        op.suffix = f" state {', '.join(s.type for s in op.results[1:])}"
    return op.results[1 + state]


@handler("aten.amax.default")
def _largest(ctx: Context, x: Any, dims: Any = (), keepdim: bool = False) -> View:
    """The maximum over time: a neuron whose state is the largest input so far, at first the lowest finite number."""
    view = need_view(x)
    if isinstance(view.value, Deferred) or not view.value.is_float or keepdim:
        raise Unsupported("this maximum", "a maximum of floats over time")
    steps = view.value.shape[TIME]
    chosen = [d % len(view.dims) for d in dims]
    if len(chosen) != 1 or merge(view.dims[chosen[0]]) != (Atom(TIME, steps, 1),):
        raise Unsupported("a maximum that is not over time", "a maximum over time, or a max-pool")
    body = Body((torch.finfo(torch.float32).min,), (("m", "arith.maximumf", ("v0", "x"), None),), "m", "m", ("m",), "f32")
    value = view.value
    result = ctx.builder.fresh(value.shape, "f32")
    attributes = {"resting": f32_array(body.resting)}
    op = Op("spk.neuron", [result], f"spk.neuron {value.name}{{attrs}} : {value.type} -> {result.type}", attributes, ctx.path)
    op.region = body.text()
    ctx.builder.ops.append(op)
    return View(final_state(ctx, op), tuple(g for d, g in enumerate(view.dims) if d != chosen[0]))
