"""Pools over three dimensions of which one stays as it is."""

from __future__ import annotations

from typing import Any

from spk.errors import Unsupported
from spk.importer.context import Context, handler, need_view
from spk.importer.ops_layer import max_pool
from spk.importer.views import BATCH, TIME, View, reshape

__all__: list[str] = []


def _triple(x: Any) -> tuple[int, int, int]:
    values = [x] if isinstance(x, int) else list(x)
    first, second, third = values * 3 if len(values) == 1 else values
    return first, second, third


@handler("aten.max_pool3d.default")
def _max_pool_3d(
    ctx: Context, x: Any, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> View:
    """Over the last two dimensions: the one in front of them, and time where it is another, stay as they are."""
    view = need_view(x)
    kernel, padding, dilation = _triple(kernel), _triple(padding), _triple(dilation)
    stride = _triple(stride) if stride not in ((), [], None) else kernel
    if (kernel[0], stride[0], padding[0]) != (1, 1, 0) or len(view.dims) != 5:
        raise Unsupported("max-pool over three dimensions", "MaxPool3d((1, height, width)), or MaxPool2d")
    samples, *features = view.dims[:3]
    if features and all(a.axis in (TIME, BATCH) for a in features[0]):
        samples = (*samples, *features.pop(0))
    flat = View(view.value, (samples, tuple(a for g in features for a in g), *view.dims[3:]))
    pooled = max_pool(ctx, flat, kernel[1:], stride[1:], padding[1:], dilation[1:], ceil_mode)
    return reshape(pooled, (*view.shape[:3], *pooled.shape[2:]))
