"""Planes and volumes of another size: adaptive average pools and upsampling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from spk.errors import Unsupported
from spk.importer.context import Const, Context, handler, need_view
from spk.importer.ops_conv import conv_transpose2d
from spk.importer.ops_layer import conv2d, linear
from spk.importer.ops_mean import mean
from spk.importer.ops_pool import divided
from spk.importer.ops_view import reshaped
from spk.importer.views import View, permute

__all__: list[str] = []


def _along(ctx: Context, view: View, dim: int, matrix: Tensor, what: str) -> View:
    """A linear map ``[after, before]`` along one dimension."""
    after, before = matrix.shape
    if after == before and torch.equal(matrix, torch.eye(before)):
        return view
    rank = len(view.dims)
    order = [i for i in range(rank) if i != dim] + [dim]
    out = linear(ctx, permute(view, order), Const(matrix, f"{ctx.path}:{what} {before} to {after}"), None)
    return permute(out, [order.index(i) for i in range(rank)])


# Adaptive pools -------------------------------------------------------------------


@handler("aten.adaptive_avg_pool3d.default", "aten.adaptive_avg_pool2d.default", "aten.adaptive_avg_pool1d.default")
def _adaptive_pool(ctx: Context, x: Any, size: Any) -> View:
    """Sums of windows that may overlap and differ in size, divided dimension by dimension, as PyTorch does."""
    view = need_view(x)
    sizes = [size] if isinstance(size, int) else list(size)
    before = view.shape[-len(sizes) :]
    sizes = [old if new is None else new for new, old in zip(sizes, before, strict=True)]
    if tuple(sizes) == before:
        return view
    first = len(view.dims) - len(sizes)
    if all(n == 1 for n in sizes):
        return mean(ctx, view, list(range(first, len(view.dims))), True)
    ends = [[(i * m // n, -(-(i + 1) * m // n)) for i in range(n)] for m, n in zip(before, sizes, strict=True)]
    if len(sizes) == 2 and len(view.dims) == 4 and all(m % n == 0 for m, n in zip(before, sizes, strict=True)):
        view = _sum_of_tiles(ctx, view, [m // n for m, n in zip(before, sizes, strict=True)])
    else:
        for dim, (m, along) in enumerate(zip(before, ends, strict=True), first):
            matrix = torch.tensor([[float(a <= i < b) for i in range(m)] for a, b in along])
            view = _along(ctx, view, dim, matrix, "windows")
    for dim, along in enumerate(ends, first):
        view = divided(ctx, view, [b - a for a, b in along], dim)
    return view


def _sum_of_tiles(ctx: Context, view: View, kernel: Sequence[int]) -> View:
    """Sums of windows side by side: a convolution of every channel with ones."""
    channels = view.shape[1]
    ones = Const(torch.ones(channels, 1, *kernel), f"{ctx.path}:ones")
    return conv2d(ctx, view, ones, None, kernel, 0, 1, channels)


# Upsampling -----------------------------------------------------------------------


def _positions(ctx: Context, x: Any, size: Any, factors: Any) -> tuple[View, list[tuple[int | None, float | None]]]:
    """The input, and for each of its last dimensions the size to be or the factor, as given."""
    view = need_view(x)
    given = list(size) if size is not None else list(factors)
    if len(view.dims) != len(given) + 2:
        raise Unsupported("upsampling without a batch dimension", f"[T * B, C, {', '.join('DHW'[-len(given):])}]")
    return view, [(int(n), None) if size is not None else (None, float(n)) for n in given]


def _resampled(ctx: Context, x: Any, size: Any, factors: Any, weights: Any) -> View:
    """Dimension by dimension a linear map, whose weights are what PyTorch makes of unit vectors."""
    view, given = _positions(ctx, x, size, factors)
    for dim, (length, factor) in enumerate(given, 2):
        units = torch.eye(view.shape[dim]).unsqueeze(0)
        matrix = weights(units, None if length is None else [length], None if factor is None else [factor])[0].T
        view = _along(ctx, view, dim, matrix.contiguous(), "resampled")
    return view


@handler("aten.upsample_nearest1d.vec", "aten.upsample_nearest2d.vec", "aten.upsample_nearest3d.vec")
def _nearest(ctx: Context, x: Any, size: Any = None, factors: Any = None) -> View:
    """To a whole number of times the rows and columns, a transposed convolution of every channel with ones."""
    view, given = _positions(ctx, x, size, factors)
    before = view.shape[2:]
    after = [n if n is not None else math.floor(m * f) for (n, f), m in zip(given, before, strict=True)]  # type: ignore[operator]
    if len(after) == 3 or any(n % m for n, m in zip(after, before, strict=True)):
        return _resampled(ctx, x, size, factors, torch.ops.aten.upsample_nearest1d.vec)
    flat = len(after) == 1
    row = View(view.value, (*view.dims[:2], (), view.dims[2])) if flat else view
    steps = [1] * flat + [n // m for n, m in zip(after, before, strict=True)]
    channels = view.shape[1]
    ones = Const(torch.ones(channels, 1, *steps), f"{ctx.path}:ones")
    up = conv_transpose2d(ctx, row, ones, None, steps, 0, 0, channels)
    return reshaped(ctx, up, (*up.shape[:2], up.shape[3])) if flat else up


@handler("aten._upsample_nearest_exact1d.vec", "aten._upsample_nearest_exact2d.vec", "aten._upsample_nearest_exact3d.vec")
def _nearest_exact(ctx: Context, x: Any, size: Any = None, factors: Any = None) -> View:
    return _resampled(ctx, x, size, factors, torch.ops.aten._upsample_nearest_exact1d.vec)


@handler("aten.upsample_linear1d.vec", "aten.upsample_bilinear2d.vec", "aten.upsample_trilinear3d.vec")
def _linear(ctx: Context, x: Any, size: Any, align_corners: bool, factors: Any = None) -> View:
    return _resampled(ctx, x, size, factors, lambda units, n, f: torch.ops.aten.upsample_linear1d.vec(units, n, align_corners, f))


@handler("aten.upsample_bicubic2d.vec")
def _bicubic(ctx: Context, x: Any, size: Any, align_corners: bool, factors: Any = None) -> View:
    def weights(units: Tensor, length: list[int] | None, factor: list[float] | None) -> Tensor:
        sizes, scales = [1, *length] if length else None, [1.0, *factor] if factor else None
        return torch.ops.aten.upsample_bicubic2d.vec(units.unsqueeze(2), sizes, align_corners, scales).squeeze(2)

    return _resampled(ctx, x, size, factors, weights)
