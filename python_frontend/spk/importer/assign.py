"""Tensors that are assigned part by part: ``out[t] = y``, ``x[:, :, 0:1] = border``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from spk.errors import Unsupported
from spk.importer.context import Const, Context, handler
from spk.importer.mlir import Value
from spk.importer.ops_arith import activation
from spk.importer.ops_pad import bordered
from spk.importer.ops_view import cat, part, stack
from spk.importer.views import BATCH, TIME, Atom, View, whole

__all__ = ["Pieces", "joined", "put", "within", "without"]


@dataclass(eq=False)
class Pieces:
    """A tensor as parts along one dimension.

    Attributes:
        shape: of the whole.
        dim: the dimension that is cut.
        parts: start, size and contents of each part, in order and without gaps.
    """

    shape: tuple[int, ...]
    dim: int
    parts: list[tuple[int, int, View | Const]]


def put(ctx: Context, base: Any, shape: Sequence[int], dim: int, start: int, size: int, value: Any) -> Any:
    """A tensor of this shape whose elements ``start .. start + size`` along a dimension are those of `value`.

    Nothing is emitted for a `base` that is all overwritten in the end.
    """
    if size == shape[dim]:
        return value
    if isinstance(value, Pieces):
        value = joined(ctx, value)
    if isinstance(base, View) and isinstance(value, Const):
        framed = bordered(base, dim, start, size, value)
        if framed is not None:
            return framed
    if isinstance(base, Pieces) and base.dim != dim:
        base = joined(ctx, base)
    old = base.parts if isinstance(base, Pieces) else [(0, shape[dim], base)]
    parts: list[tuple[int, int, View | Const]] = []
    for first, count, content in old:
        for low, high in ((first, min(first + count, start)), (max(first, start + size), first + count)):
            if low < high:
                parts.append((low, high - low, _cut(ctx, content, dim, low - first, high - low)))
    parts.append((start, size, value))
    return Pieces(tuple(shape), dim, sorted(parts, key=lambda p: p[0]))


@handler("aten.cat.default")
def _cat(ctx: Context, xs: Sequence[Any], dim: int = 0) -> View | Const:
    dim %= len(_shape(xs[0]))
    sizes = [_shape(x)[dim] for x in xs]
    shape = [sum(sizes) if i == dim else n for i, n in enumerate(_shape(xs[0]))]
    parts = [(sum(sizes[:i]), size, x) for i, (size, x) in enumerate(zip(sizes, xs, strict=True))]
    steps = dim == 0 and all(isinstance(x, View) and _is_step(x) for x in xs)
    return joined(ctx, Pieces(tuple(shape), dim, parts), along=not steps)


@handler("aten.stack.default")
def _stack(ctx: Context, xs: Sequence[Any], dim: int = 0) -> View:
    like = next(x for x in xs if isinstance(x, View))
    return stack(ctx, [activation(ctx, x, like) if isinstance(x, Const) else x for x in xs], dim % (len(like.dims) + 1))


def _is_step(x: View) -> bool:
    """Whether the first dimension was put in front of the batch: a time step that is to stand beside others."""
    return not x.dims[0] and len(x.dims) > 1 and any(a.axis == BATCH for a in x.dims[1])


def _shape(x: View | Const) -> tuple[int, ...]:
    return x.shape if isinstance(x, View) else tuple(x.tensor.shape)


def _cut(ctx: Context, content: View | Const, dim: int, start: int, size: int) -> View | Const:
    if isinstance(content, View):
        return part(ctx, content, dim, start, size)
    if content.tensor.shape[dim] == size:
        return content
    return Const(content.tensor.narrow(dim, start, size), f"{content.key}:{dim}.{start}+{size}")


def joined(ctx: Context, pieces: Pieces, along: bool = False) -> View | Const:
    """The whole tensor as one value.

    Parts that were computed at single time steps and assigned to elements of a
    dimension, ``out[t] = y``, become a sequence, unless the dimension is known to
    be one of the parts (`along`).
    """
    dim = pieces.dim
    contents = [content for _, _, content in pieces.parts]
    views = [c for c in contents if isinstance(c, View)]
    if not views:
        tensors = [c.tensor for c in contents if isinstance(c, Const)]
        return Const(torch.cat(tensors, dim), f"{contents[0].key}:joined {len(tensors)}")  # type: ignore[union-attr]
    if not along and all(size == 1 for _, size, _ in pieces.parts) and not any(v.dims[dim] for v in views):
        like = without(views[0], dim)
        steps = [without(c, dim) if isinstance(c, View) else activation(ctx, Const(c.tensor.squeeze(dim), c.key), like) for c in contents]
        return stack(ctx, steps, dim)
    like = ctx.layout.torch_form(ctx.real(max(views, key=lambda v: len(v.dims[dim]))), ctx.path)
    return cat(ctx, [c if isinstance(c, View) else _beside(ctx, c, like, dim) for c in contents], dim)


def within(ctx: Context, pieces: Pieces, start: int, size: int) -> View | Const | None:
    """Elements ``start .. start + size`` along the dimension that is cut, None if several parts hold them."""
    for first, count, content in pieces.parts:
        if first <= start and start + size <= first + count:
            return _cut(ctx, content, pieces.dim, start - first, size)
    return None


def without(view: View, dim: int) -> View:
    """The view without a dimension of one element."""
    return View(view.value, (*view.dims[:dim], *view.dims[dim + 1 :]))


def _beside(ctx: Context, const: Const, like: View, dim: int) -> View:
    """A constant part as an activation that lies like another part, but for its size along `dim`."""
    tensor, size = const.tensor, const.tensor.shape[dim]
    first = tensor.narrow(dim, 0, 1)
    if torch.equal(first.expand_as(tensor), tensor):
        tensor = first
    group = like.dims[dim]
    if len(group) > 1 or (group and group[0].size != like.value.shape[group[0].axis]):
        raise Unsupported("an assignment along a regrouped dimension", "assignment before reshaping")
    shape, dims = list(like.value.shape), list(like.dims)
    if group:
        shape[group[0].axis] = size
        dims[dim] = (Atom(TIME, size, 1),) if group[0].axis == TIME else (whole(group[0].axis, size),)
    elif size != 1:
        raise Unsupported("an assignment of constants along a dimension of one element", "torch.cat")
    fake = View(Value("%constant", tuple(shape), "f32"), tuple(dims))
    if torch.equal(tensor, tensor.flatten()[:1].expand(tensor.numel()).reshape(tensor.shape)):
        return fake.with_value(ctx.splat(float(tensor.flatten()[0]), tuple(shape), ctx.path))
    return activation(ctx, Const(tensor, const.key), fake)
