"""Max-pools and average pools of rows, planes and volumes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from spk.errors import Unsupported
from spk.importer.context import Const, Context, Scaled, handler, handlers, need_view
from spk.importer.mlir import i64_array
from spk.importer.ops_conv import conv3d, numbers
from spk.importer.ops_layer import conv2d, pair, planes
from spk.importer.ops_mean import count, mean
from spk.importer.ops_neuron import times
from spk.importer.ops_view import reshaped
from spk.importer.views import BATCH, TIME, View, merge, reshape, whole

__all__ = ["divided", "strides"]


def windows(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """Number of windows along a dimension; the last one begins inside of it or in the padding in front."""
    room = size + 2 * padding - (kernel - 1) * dilation - 1
    fitting = room // stride + 1
    return fitting + (ceil_mode and room % stride > 0 and fitting * stride < size + padding)


def strides(given: Any, kernel: Sequence[int]) -> list[int]:
    """Strides of a pool: windows stand side by side where none are given."""
    return numbers(given, len(kernel)) if given not in ((), [], None) else list(kernel)


def divided(ctx: Context, summed: View, divisors: Sequence[int], dim: int) -> View:
    """A sum divided by one number for each element of a dimension."""
    if set(divisors) == {1}:
        return summed
    if len(set(divisors)) == 1:
        return times(ctx, "arith.divf", summed, float(divisors[0]))
    shape = [-1 if i == dim else 1 for i in range(len(summed.dims))]
    tensor = torch.tensor(divisors, dtype=torch.float32).reshape(shape)
    return handlers["aten.div.Tensor"](ctx, summed, Const(tensor, f"{ctx.path}:divisors"))


# Largest elements -----------------------------------------------------------------


@handler("aten.max_pool2d.default")
def max_pool(
    ctx: Context, x: Any, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> View:
    """Over the last two of four dimensions."""
    view = need_view(x)
    scaled = view.value if isinstance(view.value, Scaled) and view.value.factor > 0 else None
    view = ctx.real(view) if scaled is None or scaled.base is None else view.with_value(scaled.base)
    if len(view.dims) != 4:
        raise Unsupported("max-pool without a batch dimension", "[T * B, C, H, W]")
    sizes, pads, apart = pair(kernel), pair(padding), pair(dilation)
    steps = strides(stride, sizes)
    form = planes(ctx, view)
    rest = [windows(*numbers, ceil_mode) for numbers in zip(form.value.shape[3:], sizes, steps, pads, apart, strict=True)]
    shape = (*form.value.shape[:3], *rest)
    result = ctx.builder.fresh(shape, form.value.dtype, form.value.maximum)
    text = f"spk.max_pool {form.value.name}{{attrs}} : {form.value.type} -> {result.type}"
    attributes = {"kernel": i64_array(sizes), "strides": i64_array(steps), "padding": i64_array(pads)}
    if apart != (1, 1):
        attributes["dilation"] = i64_array(apart)
    if ceil_mode:
        attributes["ceil_mode"] = ""
    ctx.builder.add("spk.max_pool", text, result, ctx.path, **attributes)
    value = result if scaled is None else Scaled(shape, base=result, factor=scaled.factor)
    return View(value, (*form.dims[:2], *(merge((whole(i, shape[i]),)) for i in (3, 4))))  # type: ignore[arg-type]


@handler("aten.max_pool1d.default")
def _max_pool1d(ctx: Context, x: Any, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False) -> View:
    view = need_view(x)
    if len(view.dims) != 3:
        raise Unsupported("max-pool without a batch dimension", "[T * B, C, L]")
    kernel, padding, dilation = (pair(n)[0] for n in (kernel, padding, dilation))
    (stride,) = strides(stride, [kernel])
    row = View(view.value, (*view.dims[:2], (), view.dims[2]))
    pooled = max_pool(ctx, row, (1, kernel), (1, stride), (0, padding), (1, dilation), ceil_mode)
    return View(pooled.value, (*pooled.dims[:2], pooled.dims[3]))


@handler("aten.max_pool3d.default")
def _max_pool3d(
    ctx: Context, x: Any, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> View:
    """Over the last two dimensions, then over the one in front of them, which may be time where it stays as it is."""
    view = need_view(x)
    kernel, padding, dilation = (numbers(n, 3) for n in (kernel, padding, dilation))
    stride = strides(stride, kernel)
    if len(view.dims) != 5:
        raise Unsupported("max-pool over three dimensions without a batch dimension", "[T * B, C, D, H, W]")
    samples, *features = view.dims[:3]
    if features and all(a.axis in (TIME, BATCH) for a in features[0]):
        samples = (*samples, *features.pop(0))
    flat = View(view.value, (samples, tuple(a for g in features for a in g), *view.dims[3:]))
    pooled = max_pool(ctx, flat, kernel[1:], stride[1:], padding[1:], dilation[1:], ceil_mode)
    pooled = reshape(pooled, (*view.shape[:3], *pooled.shape[2:]))
    if (kernel[0], stride[0], padding[0]) == (1, 1, 0):
        return pooled
    n, channels, depth, height, width = pooled.shape
    rows = reshaped(ctx, pooled, (n, channels, depth, height * width))
    rows = max_pool(ctx, rows, (kernel[0], 1), (stride[0], 1), (padding[0], 0), (dilation[0], 1), ceil_mode)
    return reshaped(ctx, rows, (n, channels, rows.shape[2], height, width))


# Averages -------------------------------------------------------------------------


def _average(
    ctx: Context, x: Any, kernel: Any, stride: Any, padding: Any, ceil_mode: bool, count_include_pad: bool, divisor: int | None, rank: int
) -> View:
    """A convolution of every channel with ones, whose sums are divided once, as PyTorch does.

    A window that reaches beyond the image counts the zeros around it up to its padding, or none of them.
    """
    view = need_view(x)
    if len(view.dims) != rank + 2:
        raise Unsupported("average pool without a batch dimension", f"[T * B, C, {', '.join('DHW'[-rank:])}]")
    sizes, pads = numbers(kernel, rank), numbers(padding, rank)
    steps = strides(stride, sizes)
    before = view.shape[2:]
    counts: list[list[int]] = []  # elements of every window along each dimension
    beyond: list[int] = []  # zeros behind the padding that the last window reads
    for size, k, s, p in zip(before, sizes, steps, pads, strict=True):
        begins = [i * s - p for i in range(windows(size, k, s, p, 1, ceil_mode))]
        first, last = (-p, size + p) if count_include_pad else (0, size)
        counts.append([min(b + k, last) - max(b, first) for b in begins])
        beyond.append(max(0, begins[-1] + k - size - p))
    if any(beyond):
        view = handlers["aten.pad.default"](ctx, view, [n for width in reversed(beyond) for n in (0, width)])
    channels = view.shape[1]
    ones = Const(torch.ones(channels, 1, *sizes), f"{ctx.path}:ones")
    summed = (conv2d if rank == 2 else conv3d)(ctx, view, ones, None, steps, pads, 1, channels)
    if divisor is not None:
        return times(ctx, "arith.divf", summed, float(divisor))
    if all(len(set(c)) == 1 for c in counts):
        return times(ctx, "arith.divf", summed, float(math.prod(c[0] for c in counts)))
    tensor = torch.ones((1,) * (rank + 2))
    for dim, along in enumerate(counts, 2):
        tensor = tensor * torch.tensor(along, dtype=torch.float32).reshape([-1 if i == dim else 1 for i in range(rank + 2)])
    return handlers["aten.div.Tensor"](ctx, summed, Const(tensor, f"{ctx.path}:counts"))


@handler("aten.avg_pool2d.default")
def _avg_pool2d(
    ctx: Context,
    x: Any,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> View:
    return _average(ctx, x, kernel, stride, padding, ceil_mode, count_include_pad, divisor, 2)


@handler("aten.avg_pool3d.default")
def _avg_pool3d(
    ctx: Context,
    x: Any,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> View:
    return _average(ctx, x, kernel, stride, padding, ceil_mode, count_include_pad, divisor, 3)


@handler("aten.avg_pool1d.default")
def _avg_pool1d(
    ctx: Context,
    x: Any,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> View:
    """Of windows side by side the mean of each, as ``VotingLayer`` takes it; of others a pool of one row."""
    view = need_view(x)
    kernel, padding, length = pair(kernel)[0], pair(padding)[0], view.shape[-1]
    (stride,) = strides(stride, [kernel])
    if stride != kernel or padding or length % kernel:
        row = View(view.value, (*view.dims[:-1], (), view.dims[-1]))
        pooled = _avg_pool2d(ctx, row, [1, kernel], [1, stride], [0, padding], ceil_mode, count_include_pad)
        return reshaped(ctx, pooled, (*pooled.shape[:-2], pooled.shape[-1]))
    parts = reshaped(ctx, view, [*view.shape[:-1], length // kernel, kernel])
    if parts.value.dtype == "i1":  # a count is exact, so that its quotient is the mean
        return times(ctx, "arith.divf", count(ctx, parts, [-1]), float(kernel))
    return mean(ctx, parts, [-1])
