"""ATen operations that only change how a tensor is looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from spk.errors import Unsupported
from spk.importer.context import Const, Context, Deferred, handler, need_view
from spk.importer.ops_time import final_state
from spk.importer.views import BATCH, TIME, Atom, Group, View, group_size, merge, permute, reshape

__all__ = ["align", "cat", "part", "reshaped", "stack", "time_repeat"]


def _dim(view: View, dim: int, extra: int = 0) -> int:
    rank = len(view.dims) + extra
    return dim % rank if rank else 0


@handler("aten.reshape.default", "aten.view.default", "aten._unsafe_view.default", "aten._reshape_alias.default")
def reshaped(ctx: Context, x: Any, shape: Sequence[int], *_: Any) -> View:
    """``torch.reshape``, of the value itself where its axes regroup and else of one in torch order."""
    view = need_view(x)
    try:
        return reshape(view, shape)
    except Unsupported:
        view = ctx.real(view)
        return reshape(ctx.layout.torch_form(view, ctx.path), shape)


@handler("aten.reshape_as.default", "aten.view_as.default")
def _reshape_as(ctx: Context, x: Any, other: Any) -> View:
    return reshaped(ctx, x, need_view(other).shape)


@handler("aten.flatten.using_ints")
def _flatten(ctx: Context, x: Any, start: int = 0, end: int = -1) -> View:
    view = need_view(x)
    start, end = _dim(view, start), _dim(view, end)
    shape = view.shape
    return reshaped(ctx, view, [*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]])


@handler("aten.unflatten.int")
def _unflatten(ctx: Context, x: Any, dim: int, sizes: Sequence[int]) -> View:
    view = need_view(x)
    dim = _dim(view, dim)
    sizes = list(sizes)
    if -1 in sizes:
        sizes[sizes.index(-1)] = view.shape[dim] // math.prod(n for n in sizes if n != -1)
    return reshaped(ctx, view, [*view.shape[:dim], *sizes, *view.shape[dim + 1 :]])


@handler("aten.permute.default")
def _permute(ctx: Context, x: Any, order: Sequence[int]) -> View:
    return permute(need_view(x), order)


@handler("aten.transpose.int", "aten.swapaxes.default", "aten.swapdims.default")
def _transpose(ctx: Context, x: Any, a: int, b: int) -> View:
    view = need_view(x)
    order = list(range(len(view.dims)))
    a, b = _dim(view, a), _dim(view, b)
    order[a], order[b] = order[b], order[a]
    return permute(view, order)


@handler("aten.t.default", "aten.numpy_T.default", "aten.mT.default")
def _t(ctx: Context, x: Any) -> View:
    return _transpose(ctx, x, -1, -2)


@handler("aten.movedim.int", "aten.moveaxis.int")
def _movedim(ctx: Context, x: Any, source: int, destination: int) -> View:
    view = need_view(x)
    order = [i for i in range(len(view.dims)) if i != _dim(view, source)]
    order.insert(_dim(view, destination), _dim(view, source))
    return permute(view, order)


@handler("aten.unsqueeze.default", "aten.unsqueeze_.default")
def _unsqueeze(ctx: Context, x: Any, dim: int) -> View:
    view = need_view(x)
    dim = _dim(view, dim, extra=1)
    return View(view.value, (*view.dims[:dim], (), *view.dims[dim:]))


@handler("aten.squeeze.dim", "aten.squeeze.dims", "aten.squeeze.default")
def _squeeze(ctx: Context, x: Any, dims: Any = None) -> View:
    view = need_view(x)
    if dims is None:
        chosen = set(range(len(view.dims)))
    else:
        chosen = {_dim(view, d) for d in (dims if isinstance(dims, (list, tuple)) else [dims])}
    return View(view.value, tuple(g for i, g in enumerate(view.dims) if i not in chosen or group_size(g) != 1))


@handler(
    "aten.contiguous.default",
    "aten.clone.default",
    "aten.detach.default",
    "aten.detach_.default",
    "aten.alias.default",
    "aten.lift_fresh_copy.default",
)
def _same(ctx: Context, x: Any, **_: Any) -> View:
    return need_view(x)


@handler("aten.dropout.default", "aten.feature_dropout.default", "aten.alpha_dropout.default")
def _dropout(ctx: Context, x: Any, p: float, train: bool) -> View:
    if train and p:
        raise Unsupported("dropout in training mode", "the model in eval mode")
    return need_view(x)


@handler("aten.to.dtype", "aten._to_copy.default", "aten.to.device", "aten.type_as.default", "aten.to.dtype_layout", "aten.to.other")
def _to(ctx: Context, x: Any, *args: Any, **kwargs: Any) -> View:
    dtype = kwargs.get("dtype") or next((a for a in args if isinstance(a, torch.dtype)), None)
    if dtype not in (None, torch.float32):
        raise Unsupported(f"conversion to {dtype}", "float32 throughout")
    return need_view(x)


# Time -------------------------------------------------------------------------


def time_repeat(ctx: Context, view: View, dim: int, steps: int) -> View:
    """A unit dimension becomes time: the same value at each of `steps` steps."""
    elsewhere = any(a.axis == TIME for i, g in enumerate(view.dims) if i != dim for a in g)
    if elsewhere or view.value.shape[TIME] != 1:
        raise Unsupported("a repeat of something that has a time axis already", "repeat an image once, where the sequence starts")
    if any(a.axis != TIME for a in view.dims[dim]):
        raise Unsupported("a repeat along a dimension that is not time", "torch.cat, or weights that hold the repetition")
    view = ctx.real(view)
    value = ctx.layout.repeat(view.value, steps, ctx.path)
    dims = list(view.dims)
    dims[dim] = (Atom(TIME, steps, 1),)
    return View(value, tuple(dims))


@handler("aten.repeat.default")
def _repeat(ctx: Context, x: Any, counts: Sequence[int]) -> View:
    view = need_view(x)
    view = View(view.value, (*[()] * (len(counts) - len(view.dims)), *view.dims))
    return _grow(ctx, view, [n * size for n, size in zip(counts, view.shape, strict=True)])


@handler("aten.expand.default")
def _expand(ctx: Context, x: Any, shape: Sequence[int], **_: Any) -> View:
    view = need_view(x)
    view = View(view.value, (*[()] * (len(shape) - len(view.dims)), *view.dims))
    return _grow(ctx, view, [old if new == -1 else new for new, old in zip(shape, view.shape, strict=True)])


@handler("aten.expand_as.default")
def _expand_as(ctx: Context, x: Any, other: Any) -> View:
    return _expand(ctx, x, need_view(other).shape)


def _grow(ctx: Context, view: View, shape: Sequence[int]) -> View:
    grown = [i for i, (old, new) in enumerate(zip(view.shape, shape, strict=True)) if old != new]
    if not grown:
        return view
    if len(grown) > 1 or view.shape[grown[0]] != 1:
        raise Unsupported(f"expansion of {list(view.shape)} to {list(shape)}", "a repeat over time only")
    return time_repeat(ctx, view, grown[0], shape[grown[0]])


# Parts --------------------------------------------------------------------------


def part(ctx: Context, view: View, dim: int, start: int, size: int) -> View:
    """Elements ``start .. start + size`` along a torch dimension."""
    view = ctx.real(view)
    if size == view.shape[dim]:
        return view
    group = merge(view.dims[dim])
    inner = group_size(group[1:])
    if start % inner == 0 and size % inner == 0:
        return _part_of_atom(ctx, view, dim, group, start // inner, size // inner)
    if start // inner == (start + size - 1) // inner:  # within one step of the outer atom
        narrowed = _part_of_atom(ctx, view, dim, group, start // inner, 1)
        return part(ctx, narrowed, dim, start % inner, size)
    form = ctx.layout.torch_form(view, ctx.path)
    if len(merge(form.dims[dim])) > 1:
        raise Unsupported("a slice of some of the images of some of the time steps", "slice before time and batch are joined")
    return part(ctx, form, dim, start, size)


def _part_of_atom(ctx: Context, view: View, dim: int, group: Group, start: int, size: int) -> View:
    atom, rest = group[0], group[1:]
    extent = view.value.shape[atom.axis]
    if atom.size * atom.stride != extent:  # not the outermost factor: make it an axis of its own
        axes: list[Group] = []
        for axis, n in enumerate(view.value.shape):
            pieces = sorted((a for g in view.dims for a in merge(g) if a.axis == axis), key=lambda a: -a.stride)
            if axis != atom.axis:
                axes.append(tuple(pieces))
            else:
                axes += [(a,) for a in pieces]
            if not pieces and n != 1:
                raise Unsupported("a slice of a view that drops elements")
        merged = View(view.value, tuple(merge(g) for g in view.dims))
        return part(ctx, ctx.layout.form(merged, axes, ctx.path), dim, start * group_size(rest), size * group_size(rest))
    value = ctx.layout.slice(view.value, atom.axis, start * atom.stride, size * atom.stride, ctx.path)
    dims = list(view.dims)
    dims[dim] = merge((Atom(atom.axis, size, atom.stride), *rest))
    return View(value, tuple(dims))


@handler("aten.select.int")
def _select(ctx: Context, x: Any, dim: int, index: int) -> View:
    view = need_view(x)
    dim = _dim(view, dim)
    others = (*view.dims[:dim], *view.dims[dim + 1 :])
    steps = view.value.shape[TIME]
    if view.value in ctx.heads and merge(view.dims[dim]) == (Atom(TIME, steps, 1),) and index % steps == steps - 1:
        return View(final_state(ctx, ctx.heads[view.value]), others)  # the last membrane, which streams
    view = part(ctx, view, dim, index % view.shape[dim], 1)
    return View(view.value, (*view.dims[:dim], *view.dims[dim + 1 :]))


@handler("aten.slice.Tensor")
def _slice(ctx: Context, x: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> View:
    view = need_view(x)
    dim = _dim(view, dim)
    first, last, _ = slice(start, end).indices(view.shape[dim])
    if step != 1:
        raise Unsupported(f"a slice with step {step}", "step 1")
    return part(ctx, view, dim, first, last - first)


@handler("aten.narrow.default")
def _narrow(ctx: Context, x: Any, dim: int, start: int, length: int) -> View:
    return _slice(ctx, x, dim, start, start + length)


@handler("aten.split.Tensor", "aten.split_with_sizes.default", "aten.split.sizes")
def _split(ctx: Context, x: Any, sizes: Any, dim: int = 0) -> list[View]:
    view = need_view(x)
    dim = _dim(view, dim)
    extent = view.shape[dim]
    if isinstance(sizes, int):
        sizes = [min(sizes, extent - i) for i in range(0, extent, sizes)]
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return [part(ctx, view, dim, start, size) for start, size in zip(starts, sizes, strict=True)]


@handler("aten.chunk.default")
def _chunk(ctx: Context, x: Any, chunks: int, dim: int = 0) -> list[View]:
    view = need_view(x)
    return _split(ctx, view, -(-view.shape[_dim(view, dim)] // chunks), dim)


@handler("aten.unbind.int")
def _unbind(ctx: Context, x: Any, dim: int = 0) -> list[View]:
    view = need_view(x)
    return [_select(ctx, view, dim, i) for i in range(view.shape[_dim(view, dim)])]


@handler("getitem")
def _getitem(ctx: Context, xs: Any, index: int) -> Any:
    return xs[index]


# Joining --------------------------------------------------------------------------


def align(ctx: Context, views: Sequence[View]) -> list[View]:
    """Views of equal torch shape in one common layout; the first is the model for the others."""
    first = ctx.real(views[0])
    out = [ctx.layout.torch_form(first, ctx.path)]
    for view in views[1:]:
        form = ctx.layout.torch_form(ctx.real(view), ctx.path)
        if form.dims != out[0].dims or form.value.shape != out[0].value.shape:
            raise Unsupported("a join of tensors that lie differently", "tensors with the same time and batch axes")
        out.append(form)
    if len({v.value.dtype for v in out}) > 1:
        out = [ctx.floats(v) for v in out]
    return out


def _concat(ctx: Context, views: list[View], axis: int) -> Any:
    shape = list(views[0].value.shape)
    shape[axis] = sum(v.value.shape[axis] for v in views)
    maxima = [v.value.maximum for v in views]
    maximum = None if None in maxima else max(m for m in maxima if m is not None)
    result = ctx.builder.fresh(shape, views[0].value.dtype, maximum)
    names = ", ".join(v.value.name for v in views)
    types = ", ".join(v.value.type for v in views)
    return ctx.builder.add("tensor.concat", f"tensor.concat dim({axis}) {names} : ({types}) -> {result.type}", result, ctx.path)


def stack(ctx: Context, xs: Sequence[Any], dim: int) -> View:
    """Tensors of single time steps as a sequence."""
    views = [need_view(x) for x in xs]
    first = views[0]
    if all(v.value is first.value and v.dims == first.dims for v in views):
        return time_repeat(ctx, _unsqueeze(ctx, first, dim), dim, len(views))
    if any(v.value.shape[TIME] != 1 or isinstance(v.value, Deferred) and v.value.shape[TIME] != 1 for v in views):
        raise Unsupported("a stack of sequences", "a stack of single time steps")
    aligned = align(ctx, views)
    value = _concat(ctx, aligned, TIME)
    dims = [tuple(a for a in g if a.axis != TIME) for g in aligned[0].dims]
    dims.insert(dim, (Atom(TIME, len(views), 1),))
    return View(value, tuple(dims))


def _with_axis(ctx: Context, view: View, dim: int, along_time: bool) -> View:
    """A view in which a dimension is one whole axis of the value, also where it has one element."""
    form = ctx.layout.torch_form(ctx.real(view), ctx.path)
    group = form.dims[dim]
    if group_size(group) > 1 or (along_time and form.value.shape[TIME] == 1):
        if len(group) > 1 or (group and group[0].size != form.value.shape[group[0].axis]):
            raise Unsupported("a concatenation along a regrouped dimension")
        return form if group else View(form.value, (*form.dims[:dim], (Atom(TIME, 1, 1),), *form.dims[dim + 1 :]))
    others = View(form.value, (*form.dims[:dim], *form.dims[dim + 1 :]))
    axes = ctx.layout.torch_axes(others)
    place = 2 + sum(any(a.axis > BATCH for a in g) for g in others.dims[:dim])
    axes.insert(place, ())
    form = ctx.layout.form(others, axes, ctx.path)
    return View(form.value, (*form.dims[:dim], (Atom(place, 1, 1),), *form.dims[dim:]))


def cat(ctx: Context, xs: Sequence[Any], dim: int) -> View:
    """Tensors that lie alike, one behind the other along a dimension."""
    views = [need_view(x) for x in xs]
    along_time = any(a.axis == TIME for v in views for a in v.dims[dim])
    forms = [_with_axis(ctx, v, dim, along_time) for v in views]
    if len({v.value.dtype for v in forms}) > 1:
        forms = [ctx.floats(v) for v in forms]
    axes = {a.axis for v in forms for a in v.dims[dim]}
    if len(axes) != 1:
        raise Unsupported("a concatenation along a regrouped dimension")
    (axis,) = axes
    rest = {(tuple(n for i, n in enumerate(v.value.shape) if i != axis), v.dims[:dim], v.dims[dim + 1 :]) for v in forms}
    if len(rest) != 1:
        raise Unsupported("a concatenation of tensors that lie differently", "tensors with the same time and batch axes")
    value = _concat(ctx, forms, axis)
    dims = list(forms[0].dims)
    dims[dim] = (Atom(axis, value.shape[axis], 1),)
    return View(value, tuple(dims))


# Constants of a shape -------------------------------------------------------------


@handler("aten.zeros_like.default", "aten.empty_like.default", "aten.new_zeros.default", "aten.new_empty.default")
def _zeros(ctx: Context, x: Any, shape: Sequence[int] | None = None, **_: Any) -> Const:
    return _full(ctx, x, shape, 0.0)


@handler("aten.ones_like.default", "aten.new_ones.default")
def _ones(ctx: Context, x: Any, shape: Sequence[int] | None = None, **_: Any) -> Const:
    return _full(ctx, x, shape, 1.0)


@handler("aten.full_like.default")
def _full_like(ctx: Context, x: Any, number: float, **_: Any) -> Const:
    return _full(ctx, x, None, number)


@handler("aten.new_full.default")
def _new_full(ctx: Context, x: Any, shape: Sequence[int], number: float, **_: Any) -> Const:
    return _full(ctx, x, shape, number)


def _full(ctx: Context, x: Any, shape: Sequence[int] | None, number: float) -> Const:
    shape = need_view(x).shape if shape is None else tuple(shape)
    return Const(torch.full(shape, float(number)), f"{ctx.path}:all {number:g} {'x'.join(map(str, shape))}")
