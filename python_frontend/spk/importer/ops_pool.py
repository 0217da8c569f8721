"""Average pools of planes, and max-pools over three dimensions."""

from __future__ import annotations

from typing import Any

import torch

from spk.errors import Unsupported
from spk.importer.context import Const, Context, handler, need_view
from spk.importer.ops_layer import conv2d, max_pool
from spk.importer.ops_view import reshaped
from spk.importer.views import BATCH, TIME, View, reshape

__all__ = ["avg_pool_2d"]


def _triple(x: Any) -> tuple[int, int, int]:
    values = [x] if isinstance(x, int) else list(x)
    first, second, third = values * 3 if len(values) == 1 else values
    return first, second, third


@handler("aten.max_pool3d.default")
def _max_pool_3d(
    ctx: Context, x: Any, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> View:
    """Over the last two dimensions, then over the one in front of them, which may be time where it stays as it is."""
    view = need_view(x)
    kernel, padding, dilation = _triple(kernel), _triple(padding), _triple(dilation)
    stride = _triple(stride) if stride not in ((), [], None) else kernel
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


@handler("aten.avg_pool2d.default")
def avg_pool_2d(
    ctx: Context,
    x: Any,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> View:
    """A convolution of every channel with ones, whose sum is divided once."""
    view = need_view(x)
    if len(view.dims) != 4 or ceil_mode:
        raise Unsupported("average pool with ceil_mode or no batch dimension", "AvgPool2d(kernel, stride, padding)")
    kernel = [kernel, kernel] if isinstance(kernel, int) else list(kernel) * (2 // len(kernel))
    padded = padding not in (0, [0], [0, 0], (0, 0))
    if padded and not count_include_pad and divisor is None:
        raise Unsupported("average pool that divides by less at the border", "count_include_pad=True")
    channels = view.shape[1]
    ones = Const(torch.ones(channels, 1, *kernel), f"{ctx.path}:ones")
    summed = conv2d(ctx, view, ones, None, stride if stride not in ((), [], None) else kernel, padding, 1, channels)
    number = ctx.splat(float(divisor or kernel[0] * kernel[1]), summed.value.shape, ctx.path)
    return summed.with_value(ctx.binary("arith.divf", summed.value, number, ctx.path))
