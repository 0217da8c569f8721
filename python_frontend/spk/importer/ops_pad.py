"""Padding: of the input of a convolution, which pads by itself, with constants, and with what stands at the border."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from spk.errors import Unsupported
from spk.importer.context import Const, Context, Deferred, handler, need_view
from spk.importer.mlir import Value, tensor_type
from spk.importer.ops_view import cat, part
from spk.importer.views import BATCH, Group, View, whole

__all__ = ["Padded", "bordered", "padding_of"]

Side = tuple[int, int]  # axis, and 0 for its begin or 1 for its end


@dataclass(eq=False)
class Padded(Deferred):
    """A value with margins of zeros, or of constants that were assigned to them.

    Attributes:
        base: what stands inside.
        sizes: widths of the margins, by side.
        fill: what was assigned to margins, of a shape that broadcasts to `shape`.
        filled: the sides that it was assigned to.
    """

    base: Value | None = None
    sizes: dict[Side, int] = field(default_factory=dict)
    fill: Tensor | None = None
    filled: frozenset[Side] = frozenset()

    def emit(self, context: Context, path: str) -> Value:
        assert self.base is not None
        if self.fill is not None and self.filled == set(self.sizes):
            grown = self._grown(context)
            if grown is not None:
                return grown
        value = self.base
        for axis in sorted({axis for axis, _ in self.sizes}):
            value = _extended(context, value, axis, [self.sizes.get((axis, end), 0) for end in (0, 1)], None, path)
        if self.fill is None:
            return value
        for side in sorted(self.filled):
            value = self._assigned(context, value, side, path)
        return value

    def _grown(self, context: Context) -> Value | None:
        """The base computed with its margin, where that gives what was assigned."""
        margin = context.margins.get(self.base)  # type: ignore[arg-type]
        rank = len(self.shape)
        sizes = [self.sizes.get((axis, end), 0) for axis in (rank - 2, rank - 1) for end in (0, 1)]
        if margin is None or {axis for axis, _ in self.sizes} != {rank - 2, rank - 1} or len(set(sizes)) != 1:
            return None
        assert self.fill is not None
        given = self.fill.double().expand(1, 1, margin.content.numel(), 1, 1) if self.fill.dim() == rank else None
        if given is None or not bool(((given.flatten() - margin.content).abs() <= margin.slack).all()):
            return None
        return margin.grow(sizes[0], sizes[2]).value

    def _assigned(self, context: Context, value: Value, side: Side, path: str) -> Value:
        """The value with the constant in one of its margins."""
        axis, end = side
        size, extent = self.sizes[side], value.shape[axis]
        rest = context.layout.slice(value, axis, 0 if end else size, extent - size, path)
        widths = [0, size] if end else [size, 0]
        return _extended(context, rest, axis, widths, self.fill, path)


def _extended(ctx: Context, value: Value, axis: int, widths: Sequence[int], fill: Tensor | None, path: str) -> Value:
    """A value with zeros, or a constant, before and behind it along an axis."""
    parts = [value]
    for end, width in enumerate(widths):
        if width:
            shape = tuple(width if i == axis else n for i, n in enumerate(value.shape))
            parts.insert(len(parts) if end else 0, _margin(ctx, shape, value, fill, path))
    if len(parts) == 1:
        return value
    shape = list(value.shape)
    shape[axis] += sum(widths)
    result = ctx.builder.fresh(shape, parts[0].dtype if fill is not None else value.dtype, value.maximum)
    names, types = (", ".join(getattr(p, what) for p in parts) for what in ("name", "type"))
    return ctx.builder.add("tensor.concat", f"tensor.concat dim({axis}) {names} : ({types}) -> {result.type}", result, path)


def _margin(ctx: Context, shape: tuple[int, ...], value: Value, fill: Tensor | None, path: str) -> Value:
    if fill is not None:
        spread = fill.expand(1, *shape[1:])
        constant = ctx.weight(Const(spread, f"{path}:border {'x'.join(map(str, shape))}"), (1, *shape[1:]))
        return ctx.layout.repeat(constant, shape[0], path)
    if value.is_float:
        return ctx.splat(0.0, shape, path)
    if value.dtype == "i1":
        return ctx.spikes(False, shape, path)
    result = ctx.builder.fresh(shape, value.dtype, 0)
    return ctx.builder.add("arith.constant", f"arith.constant dense<0> : {tensor_type(shape, value.dtype)}", result, path)


def bordered(view: View, dim: int, start: int, size: int, value: Const) -> View | None:
    """A padded view with a constant in the margin ``start .. start + size`` of a dimension, None if that is no margin of it."""
    padded = view.value
    group = view.dims[dim]
    if not isinstance(padded, Padded) or not padded.is_float or padded.forced is not None or len(group) != 1:
        return None
    (atom,) = group
    if atom.size != padded.shape[atom.axis]:
        return None
    ends = {(atom.axis, 0): 0, (atom.axis, 1): padded.shape[atom.axis] - size}
    side = next((s for s, first in ends.items() if padded.sizes.get(s) == size and first == start), None)
    if side is None:
        return None
    fill = _by_axis(view, value.tensor)
    if fill is None or (padded.fill is not None and not torch.equal(fill, padded.fill)):
        return None
    return view.with_value(replace(padded, fill=fill, filled=padded.filled | {side}, forced=None))  # type: ignore[arg-type]


def _by_axis(view: View, tensor: Tensor) -> Tensor | None:
    """A constant that depends on at most one dimension, in the shape of the value; None for others."""
    shape = [1] * len(view.value.shape)
    tensor = tensor.reshape((1,) * (len(view.dims) - tensor.dim()) + tuple(tensor.shape))
    for dim, group in enumerate(view.dims):
        first = tensor.narrow(dim, 0, 1)
        if torch.equal(first.expand_as(tensor), tensor):
            tensor = first
        elif len(group) == 1 and group[0].axis > BATCH and group[0].size == view.value.shape[group[0].axis]:
            shape[group[0].axis] = group[0].size
        else:
            return None
    return tensor.reshape(shape)


def padding_of(ctx: Context, view: View) -> tuple[View, tuple[int, int]]:
    """The input of a convolution without a margin of zeros, and the rows and columns that the convolution pads instead."""
    padded = view.value
    if not isinstance(padded, Padded) or padded.forced is not None or padded.fill is not None or len(view.dims) != 4:
        return view, (0, 0)
    groups: list[Group] = [view.dims[2], view.dims[3]]
    if any(len(g) != 1 or g[0].size != padded.shape[g[0].axis] for g in groups):
        return view, (0, 0)
    axes = [g[0].axis for g in groups]
    sides = [[padded.sizes.get((axis, end), 0) for end in (0, 1)] for axis in axes]
    if any(low != high for low, high in sides) or any(axis not in axes for axis, _ in padded.sizes):
        return view, (0, 0)
    assert padded.base is not None
    inner = [(whole(axis, padded.base.shape[axis]),) for axis in axes]
    return View(padded.base, (*view.dims[:2], *inner)), (sides[0][0], sides[1][0])  # type: ignore[arg-type]


_SOURCES: dict[str, Callable[[int, int, int], tuple[list[int], list[int]]]] = {
    "reflect": lambda n, low, high: ([*range(low, 0, -1)], [*range(n - 2, n - 2 - high, -1)]),
    "replicate": lambda n, low, high: ([0] * low, [n - 1] * high),
    "circular": lambda n, low, high: ([*range(n - low, n)], [*range(high)]),
}  # elements in front of n others and behind them, by mode


def _continued(ctx: Context, view: View, dim: int, low: int, high: int, mode: str) -> View:
    """A view with copies of its own elements before and behind it along a dimension."""
    if mode not in _SOURCES:
        raise Unsupported(f"padding of mode {mode!r}", ", ".join(_SOURCES))
    if not low and not high:
        return view
    before, behind = _SOURCES[mode](view.shape[dim], low, high)
    pieces = [part(ctx, view, dim, start, size) for start, size in _runs(before)]
    pieces += [view, *(part(ctx, view, dim, start, size) for start, size in _runs(behind))]
    return cat(ctx, pieces, dim)


def _runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending neighbours among places, as start and size."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and place == sum(runs[-1]):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((place, 1))
    return runs


@handler("aten.pad.default", "aten.constant_pad_nd.default")
def _pad(ctx: Context, x: Any, widths: Sequence[int], *options: Any, mode: str = "constant", value: float | None = None) -> View:
    texts = [o for o in options if isinstance(o, str)]
    numbers = [o for o in options if isinstance(o, (int, float))]
    mode, value = (texts or [mode])[0], (numbers or [value])[0]
    view = need_view(x)
    if any(w < 0 for w in widths):
        raise Unsupported("padding by a negative width", "a slice")
    if not any(widths):
        return view
    if mode != "constant":
        for i in range(0, len(widths), 2):
            view = _continued(ctx, view, len(view.dims) - 1 - i // 2, widths[i], widths[i + 1], mode)
        return view
    if value:
        view = ctx.floats(view)
    form = ctx.layout.torch_form(ctx.real(view), ctx.path)
    shape, dims, sizes = list(form.value.shape), list(form.dims), {}
    for i in range(0, len(widths), 2):
        dim = len(dims) - 1 - i // 2
        low, high = widths[i : i + 2]
        if not low and not high:
            continue
        group = dims[dim]
        if len(group) != 1 or group[0].axis <= BATCH:
            raise Unsupported("padding of time or batch, or of a dimension of one element", "padding of rows, columns or channels")
        axis = group[0].axis
        shape[axis] += low + high
        dims[dim] = (whole(axis, shape[axis]),)
        sizes.update({(axis, end): width for end, width in enumerate((low, high)) if width})
    padded = Padded(tuple(shape), form.value.dtype, form.value.maximum, base=form.value, sizes=sizes)
    if value:
        padded = replace(padded, fill=torch.full((1,) * len(shape), float(value)), filled=frozenset(sizes))
    return View(padded, tuple(dims))  # type: ignore[arg-type]
