"""Means and sums over pixels, tokens, channels and time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from spk.errors import Unsupported
from spk.importer.context import Context, handler, need_view
from spk.importer.mlir import Value, i64_array
from spk.importer.views import BATCH, TIME, Atom, View, group_size, merge

__all__ = ["count", "mean", "mean_axes"]


def mean_axes(ctx: Context, view: View, axes: Sequence[int]) -> Value:
    """The mean of a value over some of its axes, which keep one element."""
    shape = [1 if i in axes else n for i, n in enumerate(view.value.shape)]
    result = ctx.builder.fresh(shape, "f32")
    text = f"spk.mean {view.value.name}{{attrs}} : {view.value.type} -> {result.type}"
    return ctx.builder.add("spk.mean", text, result, ctx.path, axes=i64_array(axes))


def _unfold_time(ctx: Context, view: View) -> View:
    """Time as an axis of its own again after single-step neurons took it for a part of the batch."""
    lead = merge(view.dims[0])
    if view.value.shape[TIME] != 1 or any(a.axis != BATCH for a in lead) or group_size(lead) not in ctx.folded:
        return view
    batch = tuple(a for g in view.dims[1:] for a in g if a.axis == BATCH)
    axes = ctx.layout.torch_axes(View(view.value, tuple(tuple(a for a in g if a.axis > BATCH) for g in view.dims)))
    return ctx.layout.form(view, [lead, batch, *axes[2:]], ctx.path)


@handler("aten.mean.dim")
def mean(ctx: Context, x: Any, dims: Any = None, keepdim: bool = False, dtype: Any = None) -> View:
    """``torch.mean`` over time or features."""
    view = ctx.real(need_view(x))
    if dtype not in (None, torch.float32):
        raise Unsupported(f"a mean in {dtype}", "float32")
    rank = len(view.dims)
    chosen = sorted(range(rank) if not dims else {d % rank for d in dims})
    if 0 in chosen:
        view = _unfold_time(ctx, view)
    if any(a.axis == BATCH for d in chosen for a in view.dims[d]):
        raise Unsupported("a mean over the batch", "a mean over time, tokens or pixels")
    features = [d for d in chosen if any(a.axis != TIME for a in view.dims[d])]
    if any(_partial(view, a) for d in features for a in view.dims[d]):
        view = ctx.layout.torch_form(view, ctx.path)
    axes = sorted({a.axis for d in features for a in view.dims[d]})
    over_time = any(a.axis == TIME for d in chosen for a in view.dims[d])
    if over_time and any(_partial(view, a) for d in chosen for a in view.dims[d] if a.axis == TIME):
        raise Unsupported("a mean over some of the time steps", "a mean over all of them")
    value = view.value
    if axes:
        value = mean_axes(ctx, view, axes)
    if over_time:
        value = mean_axes(ctx, view.with_value(value), [TIME])
    if not axes and not over_time:
        value = ctx.layout.to_float(value, ctx.path)
    kept = [() if d in chosen else g for d, g in enumerate(view.dims)]
    return View(value, tuple(g for d, g in enumerate(kept) if keepdim or d not in chosen))


@handler("aten.sum.dim_IntList")
def count(ctx: Context, x: Any, dims: Any = None, keepdim: bool = False, dtype: Any = None) -> View:
    """``torch.sum`` of spikes over features."""
    view = need_view(x)
    if dtype not in (None, torch.float32) or view.value.dtype != "i1":
        raise Unsupported("a sum of floats or integers", "a sum of spikes, or a mean")
    rank = len(view.dims)
    chosen = sorted(range(rank) if not dims else {d % rank for d in dims})
    reduced = [a for d in chosen for a in view.dims[d] if a.size > 1 or a.axis == TIME]
    if any(a.axis in (TIME, BATCH) for a in reduced):
        raise Unsupported("a sum over time or batch", "a sum over tokens or pixels, or a mean")
    run = _run(reduced)
    if run is None and any(_partial(view, a) for a in reduced):
        view = ctx.layout.torch_form(view, ctx.path)
    kept = [() if d in chosen else g for d, g in enumerate(view.dims)]
    if run is not None:
        value = _count(ctx, view, [run.axis], view.value.shape[run.axis] // run.size)
        kept = [tuple(_behind(a, run) for a in g) for g in kept]
    else:
        axes = sorted({a.axis for d in chosen for a in view.dims[d] if a.size > 1})
        value = _count(ctx, view, axes) if axes else ctx.layout.to_float(view.value, ctx.path)
    return View(value, tuple(g for d, g in enumerate(kept) if keepdim or d not in chosen))


def _run(reduced: Sequence[Atom]) -> Atom | None:
    """The run of neighbours of one axis that is summed, such as the channels of a head; None if it is more than that."""
    merged = merge(reduced)
    return merged[0] if len(merged) == 1 and merged[0].stride == 1 else None


def _behind(atom: Atom, run: Atom) -> Atom:
    """An atom of an axis whose runs became one element each."""
    return Atom(atom.axis, atom.size, atom.stride // run.size) if atom.axis == run.axis else atom


def _count(ctx: Context, view: View, axes: Sequence[int], groups: int = 1) -> Value:
    shape = [groups if i in axes else n for i, n in enumerate(view.value.shape)]
    if math.prod(view.value.shape) // math.prod(shape) >= 1 << 24:
        raise Unsupported("a sum of 2**24 spikes or more, which rounds", "fewer tokens")
    result = ctx.builder.fresh(shape, "f32")
    text = f"spk.count {view.value.name}{{attrs}} : {view.value.type} -> {result.type}"
    attributes = {"axes": i64_array(axes), **({"groups": f"{groups} : i64"} if groups > 1 else {})}
    return ctx.builder.add("spk.count", text, result, ctx.path, **attributes)


def _partial(view: View, atom: Atom) -> bool:
    return atom.size != view.value.shape[atom.axis]
