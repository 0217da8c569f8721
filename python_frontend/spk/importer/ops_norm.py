"""Norms whose statistics come from the input."""

from __future__ import annotations

from typing import Any

import torch

from spk.errors import Unsupported
from spk.importer.context import Const, Context, handler, need_const, need_view
from spk.importer.mlir import Value
from spk.importer.ops_layer import scale_shift
from spk.importer.ops_mean import mean_axes
from spk.importer.ops_view import reshaped
from spk.importer.views import BATCH, TIME, View, merge, whole

__all__: list[str] = []


def _spread(ctx: Context, value: Value, axis: int, size: int) -> Value:
    """The same numbers along an axis that has one element."""
    if size == 1:
        return value
    flat = ctx.layout.reshape(value, (*value.shape[:axis], *value.shape[axis + 1 :]), ctx.path)
    shape = (*value.shape[:axis], size, *value.shape[axis + 1 :])
    init = ctx.builder.fresh(shape, "f32")
    ctx.builder.add("tensor.empty", f"tensor.empty() : {init.type}", init, ctx.path)
    result = ctx.builder.fresh(shape, "f32")
    text = f"linalg.broadcast ins({flat.name} : {flat.type}) outs({init.name} : {init.type}) dimensions = [{axis}]"
    return ctx.builder.add("linalg.broadcast", text, result, ctx.path)


def _root(ctx: Context, value: Value) -> Value:
    result = ctx.builder.fresh(value.shape, "f32")
    return ctx.builder.add("math.sqrt", f"math.sqrt {value.name} : {value.type}", result, ctx.path)


@handler("aten.group_norm.default")
def _group_norm(ctx: Context, x: Any, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5, *_: Any) -> View:
    """``x * scale + shift`` with numbers per image and channel, from mean and variance of each group of channels.

    Means over pixels come before means over channels, so that kernels reduce
    what they vectorise.  PyTorch updates mean and variance while it reads, which
    rounds otherwise.
    """
    view = ctx.floats(need_view(x))
    samples, channels, *rest = view.shape
    lead = view.dims[0]
    if any(a.axis in (TIME, BATCH) and a.size > 1 for g in view.dims[1:] for a in g):
        raise Unsupported("a group norm over time or batch", "[T * B, C, ...]")
    time, batch = (tuple(a for a in lead if (a.axis == TIME) == is_time) for is_time in (True, False))
    pixels = tuple(a for g in view.dims[2:] for a in g)
    form = ctx.layout.form(view, [time, batch, pixels, view.dims[1]], ctx.path)
    value, (steps, images, size, _) = form.value, form.value.shape

    def binary(op: str, a: Value, b: Value) -> Value:
        return ctx.binary(op, a, b, ctx.path)

    def everywhere(x: Value) -> Value:
        return _spread(ctx, x, 2, size)

    def mean(x: Value) -> Value:
        """Of ``[T, B, pixels, C]`` the mean of its group for every channel, ``[T, B, 1, C]``."""
        x = mean_axes(ctx, _whole(x), [2])
        within = channels // groups
        if within == 1:
            return x
        x = ctx.layout.reshape(x, (steps, images, groups, within), ctx.path)
        x = _spread(ctx, mean_axes(ctx, _whole(x), [3]), 3, within)
        return ctx.layout.reshape(x, (steps, images, 1, channels), ctx.path)

    def affine(x: Value, factor: Const, addend: Const) -> Value:
        return scale_shift(ctx, _whole(x), 3, factor, addend).value

    average = mean(value)
    away = binary("arith.subf", value, everywhere(average))
    variance = mean(binary("arith.mulf", away, away))
    root = _root(ctx, binary("arith.addf", variance, ctx.splat(eps, variance.shape, ctx.path)))
    scale = binary("arith.divf", ctx.splat(1.0, root.shape, ctx.path), root)
    nothing, minus_one = (Const(torch.full((channels,), n), f"constant:{n:g}:{channels}") for n in (-0.0, -1.0))
    if weight is not None:
        scale = affine(scale, need_const(weight, "weight"), nothing)
    shift = affine(binary("arith.mulf", average, scale), minus_one, nothing if bias is None else need_const(bias, "bias"))
    value = binary("arith.addf", binary("arith.mulf", value, everywhere(scale)), everywhere(shift))
    dims = (form.dims[0], merge((whole(3, channels),)), merge((whole(2, size),)))
    return reshaped(ctx, View(value, dims), (samples, channels, *rest))


def _whole(value: Value) -> View:
    """A value whose dimensions are its axes, also those of one element."""
    return View(value, tuple((whole(i, n),) for i, n in enumerate(value.shape)))
