"""Max-pools that return where the largest element of each window is, and their inverse.

The places never become numbers: what puts elements back to them compares the
elements of every window once more.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from spk.errors import Unsupported
from spk.importer.context import Context, Deferred, handler, handlers, need_view
from spk.importer.mlir import Value
from spk.importer.ops_conv import numbers
from spk.importer.ops_pool import strides
from spk.importer.ops_view import align, cat, part, reshaped
from spk.importer.views import View

__all__: list[str] = []

LARGE = 2.0**127


@dataclass(eq=False)
class Places(Deferred):
    """Where the largest elements of the windows of a max-pool are.

    Attributes:
        pooled: the input of the pool, ``[N, C, ...]``.
        kernel, strides, padding: of the pool, by dimension.
    """

    pooled: View | None = None
    kernel: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    padding: tuple[int, ...] = ()

    def emit(self, context: Context, path: str) -> Value:
        raise Unsupported("indices of a max-pool in arithmetic", "MaxUnpool of them")


def _pool_with_places(rank: int) -> None:
    @handler(f"aten.max_pool{rank}d_with_indices.default")
    def pool(ctx: Context, x: Any, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False) -> Any:
        """The pool and the places."""
        view = ctx.real(need_view(x))
        result = handlers[f"aten.max_pool{rank}d.default"](ctx, view, kernel, stride, padding, dilation, ceil_mode)
        sizes = numbers(kernel, rank)
        places = Places(result.value.shape, "i32", pooled=view)
        if all(n == 1 for n in numbers(dilation, rank)):  # else it is refused where it is used
            places.kernel, places.padding = tuple(sizes), tuple(numbers(padding, rank))
            places.strides = tuple(strides(stride, sizes))
        return result, result.with_value(places)


for _rank in (1, 2, 3):
    _pool_with_places(_rank)


def _window_elements(ctx: Context, view: View, counts: Sequence[int], places: Places, around: float) -> list[View]:
    """For each place of a window, row by row, the element there of every window, ``[N, C, *counts]``.

    What lies outside of the view is `around`.
    """
    sizes = view.shape[2:]
    widths: list[int] = []
    for n, s, p, m in zip(counts, places.strides, places.padding, sizes, strict=True):
        widths = [p, max(0, n * s - p - m), *widths]
    view = handlers["aten.pad.default"](ctx, view, widths, "constant", around)
    shape: list[int] = []
    for dim, (n, s) in enumerate(zip(counts, places.strides, strict=True), 2):
        view = part(ctx, view, dim, 0, n * s)
        shape += [n, s]
    split = reshaped(ctx, view, (*view.shape[:2], *shape))
    taps = []
    for tap in itertools.product(*(range(k) for k in places.kernel)):
        one = split
        for i, at in enumerate(tap):
            one = part(ctx, one, 3 + 2 * i, at, 1)
        taps.append(View(one.value, (*one.dims[:2], *one.dims[2::2])))
    return taps


def _first_spikes(ctx: Context, taps: Sequence[Value]) -> list[Value]:
    """Spikes where a tap is the first that fires, or the first one at all."""

    def logic(op: str, a: Value, b: Value) -> Value:
        return ctx.binary(op, a, b, ctx.path)

    every = ctx.spikes(True, taps[0].shape, ctx.path)
    fired, firsts = taps[0], [taps[0]]
    for tap in taps[1:]:
        firsts.append(logic("arith.andi", tap, logic("arith.xori", fired, every)))
        fired = logic("arith.ori", fired, tap)
    firsts[0] = logic("arith.ori", firsts[0], logic("arith.xori", fired, every))
    return firsts


def _first_largest(ctx: Context, taps: Sequence[Value]) -> list[Value]:
    """1 where a tap is the first of the largest ones, else 0."""

    def op(name: str, a: Value, b: Value | float) -> Value:
        return ctx.binary(f"arith.{name}f", a, b if isinstance(b, Value) else ctx.splat(b, a.shape, ctx.path), ctx.path)

    largest = taps[0]
    for tap in taps[1:]:
        largest = op("maximum", largest, tap)
    free, firsts = ctx.splat(1.0, largest.shape, ctx.path), []
    for tap in taps:
        below = op("mul", op("mul", op("sub", tap, largest), LARGE), LARGE)  # -2**105 for the least that differs
        firsts.append(op("mul", op("add", op("maximum", below, -1.0), 1.0), free))
        free = op("sub", free, firsts[-1])
    return firsts


def _unpooled(ctx: Context, x: Any, indices: Any, size: Sequence[int]) -> View:
    """The elements of `x` at their places, zeros elsewhere."""
    values, at = need_view(x), need_view(indices)
    places = at.value
    if not isinstance(places, Places) or places.pooled is None or at.shape != values.shape:
        raise Unsupported("indices that come from no max-pool of the same size", "MaxPool(…, return_indices=True)")
    if not places.kernel or any(k > s for k, s in zip(places.kernel, places.strides, strict=True)):
        raise Unsupported("max-unpool of windows that overlap or are dilated", "stride=kernel_size and dilation=1")
    source = places.pooled
    rank = len(places.kernel)
    if tuple(size[-rank:]) != source.shape[2:]:
        raise Unsupported(
            f"max-unpool to {list(size[-rank:])} of what was pooled from {list(source.shape[2:])}",
            f"output_size={tuple(source.shape[2:])}, to which the indices belong",
        )
    counts = at.shape[-rank:]
    spikes = _are_spikes(values) and _are_spikes(source) and not any(places.padding)
    values, source = (ctx.real(v) if spikes else ctx.floats(v) for v in (values, source))
    taps = _window_elements(ctx, source, counts, places, 0.0 if spikes else torch.finfo(torch.float32).min)
    own, *taps = align(ctx, [values, *taps])
    firsts = (_first_spikes if spikes else _first_largest)(ctx, [tap.value for tap in taps])
    placed = [ctx.binary("arith.andi" if spikes else "arith.mulf", own.value, first, ctx.path) for first in firsts]
    if not spikes:  # of a negative number and 0 the product is -0
        zeros = ctx.splat(0.0, own.value.shape, ctx.path)
        placed = [ctx.binary("arith.addf", value, zeros, ctx.path) for value in placed]
    spots = dict(zip(itertools.product(*(range(k) for k in places.kernel)), placed, strict=True))
    return _woven(ctx, own, spots, places, source.shape[2:])


def _are_spikes(view: View) -> bool:
    return view.value.dtype == "i1" and not isinstance(view.value, Deferred)


def _woven(ctx: Context, like: View, at: Mapping[tuple[int, ...], Value], places: Places, size: Sequence[int]) -> View:
    """``[N, C, *size]`` from one value for each place in a window, of all windows; zeros between windows."""
    rank = len(places.strides)

    def joined(offset: tuple[int, ...]) -> View:
        dim = len(offset)
        if dim == rank:
            apart = [g for group in like.dims[2:] for g in (group, ())]
            return View(at[offset], (*like.dims[:2], *apart))
        steps = [joined((*offset, i)) for i in range(places.kernel[dim])]
        shape, is_float = steps[0].value.shape, steps[0].value.is_float
        between = ctx.splat(0.0, shape, ctx.path) if is_float else ctx.spikes(False, shape, ctx.path)
        steps += [steps[0].with_value(between)] * (places.strides[dim] - places.kernel[dim])
        return cat(ctx, steps, 3 + 2 * dim) if len(steps) > 1 else steps[0]

    whole = joined(())
    covered = [n * s for n, s in zip(like.shape[2:], places.strides, strict=True)]
    view = reshaped(ctx, whole, (*like.shape[:2], *covered))
    missing = [max(0, m + p - n) for m, n, p in zip(size, covered, places.padding, strict=True)]
    view = handlers["aten.pad.default"](ctx, view, [n for width in reversed(missing) for n in (0, width)])
    for dim, (m, p) in enumerate(zip(size, places.padding, strict=True), 2):
        view = part(ctx, view, dim, p, m)
    return view


@handler("aten.max_unpool2d.default")
def _max_unpool2d(ctx: Context, x: Any, indices: Any, size: Sequence[int]) -> View:
    """Also of rows, which PyTorch takes for columns of one element."""
    values, at = need_view(x), need_view(indices)
    if isinstance(at.value, Places) and len(at.value.kernel) == 1 and len(at.dims) == 4:
        rows = [View(v.value, v.dims[:3]) for v in (values, at)]
        out = _unpooled(ctx, *rows, size[:1])
        return View(out.value, (*out.dims, ()))
    return _unpooled(ctx, values, at, size)


@handler("aten.max_unpool3d.default")
def _max_unpool3d(ctx: Context, x: Any, indices: Any, size: Sequence[int], *_: Any) -> View:
    return _unpooled(ctx, x, indices, size)
