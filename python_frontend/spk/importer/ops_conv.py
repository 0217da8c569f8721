"""Convolutions in other dimensions and upward, as convolutions of planes.

The depth of a volume goes to the channels: a convolution over it is one of planes whose weights are zero where depths do
not meet.  A transposed convolution of stride s gives every output position one of s phases, each of which is an ordinary
convolution; all of them are one convolution with s times the channels, whose results are put side by side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from spk.errors import Unsupported
from spk.importer.context import Const, Context, handler, need_const, need_view
from spk.importer.ops_layer import conv2d, explicit_padding
from spk.importer.ops_view import part, reshaped
from spk.importer.views import View, permute

__all__ = ["conv3d", "conv_transpose2d", "numbers"]


def numbers(x: Any, count: int) -> list[int]:
    """One number for each dimension, of what may be one for all."""
    values = [x] if isinstance(x, int) else list(x)
    return [int(n) for n in (values * count if len(values) == 1 else values)]


def _spread(weight: Const, dilation: Sequence[int]) -> Const:
    """Weights with zeros between their taps: a dilated convolution is one of a larger window."""
    if all(d == 1 for d in dilation):
        return weight
    sizes = [(n - 1) * d + 1 for n, d in zip(weight.tensor.shape[2:], dilation, strict=True)]
    spread = weight.tensor.new_zeros((*weight.tensor.shape[:2], *sizes))
    spread[(..., *(slice(None, None, d) for d in dilation))] = weight.tensor
    return Const(spread, f"{weight.key}:dilated {'x'.join(map(str, dilation))}")


def _repeated(bias: Any, count: int) -> Const | None:
    """A bias for `count` outputs of every channel."""
    if bias is None:
        return None
    bias = need_const(bias, "bias")
    return bias if count == 1 else Const(bias.tensor.repeat_interleave(count), f"{bias.key}:{count} each")


def _flat_depth(ctx: Context, view: View) -> View:
    """``[N, C, D, H, W]`` as ``[N, C * D, H, W]``."""
    n, channels, depth, height, width = view.shape
    return reshaped(ctx, view, (n, channels * depth, height, width))


def _over_depth(weight: Const, before: int, after: int, meets: Sequence[tuple[int, int, int]], transposed: bool) -> Const:
    """Weights ``[A, B, K, h, w]`` as ``[A * after, B * before, h, w]``, or transposed the other way round.

    Args:
        weight: of a convolution, or of a transposed one, whose first axis are the inputs.
        before, after: depth of input and output.
        meets: depths of input and output, and the tap at which they meet.
        transposed: which of the two it is.
    """
    first, second, _, height, width = weight.tensor.shape
    sizes = (before, after) if transposed else (after, before)
    dense = weight.tensor.new_zeros((first, sizes[0], second, sizes[1], height, width))
    for d, e, tap in meets:
        rows, columns = (d, e) if transposed else (e, d)
        dense[:, rows, :, columns] = weight.tensor[:, :, tap]
    return Const(dense.reshape(first * sizes[0], second * sizes[1], height, width), f"{weight.key}:depth {before} to {after}")


@handler("aten.conv3d.default", "aten.conv3d.padding")
def conv3d(
    ctx: Context, x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> View:
    """Over the last three of five dimensions."""
    view, weight = need_view(x), need_const(weight, "weight")
    if len(view.dims) != 5:
        raise Unsupported("a convolution without a batch dimension", "[T * B, C, D, H, W]")
    dilation = numbers(dilation, 3)
    weight, steps = _spread(weight, dilation), numbers(stride, 3)
    view, padding = explicit_padding(ctx, view, padding, weight.tensor.shape[2:])
    pads = numbers(padding, 3)
    depth, taps = view.shape[2], weight.tensor.shape[2]
    after = (depth + 2 * pads[0] - taps) // steps[0] + 1
    meets = [(e * steps[0] - pads[0] + k, e, k) for e in range(after) for k in range(taps) if 0 <= e * steps[0] - pads[0] + k < depth]
    planes = _over_depth(weight, depth, after, meets, transposed=False)
    out = conv2d(ctx, _flat_depth(ctx, view), planes, _repeated(bias, after), steps[1:], pads[1:], 1, groups)
    return reshaped(ctx, out, (out.shape[0], weight.tensor.shape[0], after, *out.shape[2:]))


def _phases(weight: Const, steps: Sequence[int], taps: Sequence[int], groups: int) -> Const:
    """Weights of all phases of a transposed convolution: ``[O * s_h * s_w, C / groups, taps]`` of ``[C, O / groups, h, w]``."""
    inputs, outputs, height, width = weight.tensor.shape
    (sh, sw), (th, tw) = steps, taps
    padded = weight.tensor.new_zeros((inputs, outputs, th * sh, tw * sw))
    padded[..., :height, :width] = weight.tensor
    # Tap a + s * j of phase a adds the input j positions back: the j-th from the end of a window.
    split = padded.reshape(groups, inputs // groups, outputs, th, sh, tw, sw).flip(3, 5)
    ordered = split.permute(0, 2, 4, 6, 1, 3, 5).reshape(groups * outputs * sh * sw, inputs // groups, th, tw)
    return Const(ordered.contiguous(), f"{weight.key}:phases {sh}x{sw}")


@handler("aten.conv_transpose2d.input")
def conv_transpose2d(
    ctx: Context,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> View:
    """Over the last two of four dimensions."""
    view, weight = need_view(x), _spread(need_const(weight, "weight"), numbers(dilation, 2))
    if len(view.dims) != 4:
        raise Unsupported("a convolution without a batch dimension", "[T * B, C, H, W]")
    (sh, sw), pads, extra = (numbers(n, 2) for n in (stride, padding, output_padding))
    _, outputs, height, width = weight.tensor.shape
    taps = [math.ceil((n + e) / s) for n, e, s in zip((height, width), extra, (sh, sw), strict=True)]
    channels = outputs * groups
    kernel = _phases(weight, (sh, sw), taps, groups)
    planes = conv2d(ctx, view, kernel, _repeated(bias, sh * sw), 1, [n - 1 for n in taps], 1, groups)
    n, _, rows, columns = planes.shape
    if (sh, sw) != (1, 1):
        split = permute(reshaped(ctx, planes, (n, channels, sh, sw, rows, columns)), (0, 1, 4, 2, 5, 3))
        joined = reshaped(ctx, split, (n, channels, rows * sh, columns * sw))
        planes = ctx.layout.torch_form(ctx.real(joined), ctx.path)
    for dim, size, step, tap in ((2, view.shape[2], sh, height), (3, view.shape[3], sw, width)):
        length = (size - 1) * step - 2 * pads[dim - 2] + tap + extra[dim - 2]
        planes = part(ctx, planes, dim, pads[dim - 2], length)
    return planes


@handler("aten.conv_transpose1d.default")
def _conv_transpose1d(
    ctx: Context,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> View:
    view, weight = need_view(x), need_const(weight, "weight")
    if len(view.dims) != 3:
        raise Unsupported("a convolution without a batch dimension", "[T * B, C, L]")
    row = View(view.value, (*view.dims[:2], (), view.dims[2]))
    wide = Const(weight.tensor.unsqueeze(2), f"{weight.key}:of one row")
    each = [[other, numbers(n, 1)[0]] for n, other in ((stride, 1), (padding, 0), (output_padding, 0), (dilation, 1))]
    planes = conv_transpose2d(ctx, row, wide, bias, *each[:3], groups, each[3])
    return reshaped(ctx, planes, (*planes.shape[:2], planes.shape[3]))


@handler("aten.conv_transpose3d.input")
def _conv_transpose3d(
    ctx: Context,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> View:
    view, weight = need_view(x), _spread(need_const(weight, "weight"), numbers(dilation, 3))
    if len(view.dims) != 5:
        raise Unsupported("a convolution without a batch dimension", "[T * B, C, D, H, W]")
    steps, pads, extra = (numbers(n, 3) for n in (stride, padding, output_padding))
    depth, taps = view.shape[2], weight.tensor.shape[2]
    after = (depth - 1) * steps[0] - 2 * pads[0] + taps + extra[0]
    meets = [(d, d * steps[0] - pads[0] + k, k) for d in range(depth) for k in range(taps) if 0 <= d * steps[0] - pads[0] + k < after]
    planes = _over_depth(weight, depth, after, meets, transposed=True)
    flat = _flat_depth(ctx, view)
    out = conv_transpose2d(ctx, flat, planes, _repeated(bias, after), steps[1:], pads[1:], extra[1:], groups)
    return reshaped(ctx, out, (out.shape[0], weight.tensor.shape[1] * groups, after, *out.shape[2:]))
