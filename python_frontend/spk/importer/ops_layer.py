"""Synapses and batch norm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from spk.errors import Unsupported
from spk.importer.context import Const, Context, Margin, handler, handlers, need_const, need_view
from spk.importer.mlir import Value, f64, i64_array
from spk.importer.ops_pad import padding_of
from spk.importer.views import BATCH, TIME, Group, View, merge, whole

__all__ = ["conv2d", "explicit_padding", "linear", "pair", "planes", "scale_shift"]

CHANNELS_FIRST, CHANNELS_LAST = "#spk.layout<channels_first>", "#spk.layout<channels_last>"


def pair(x: Any) -> tuple[int, int]:
    """Height and width of what may be one number for both."""
    values = [x, x] if isinstance(x, int) else list(x)
    if len(values) == 1:
        values *= 2
    return int(values[0]), int(values[1])


def _only_features(group: Group, what: str) -> None:
    if any(a.axis in (TIME, BATCH) and (a.size > 1 or a.axis == TIME) for a in group):
        raise Unsupported(f"the {what} dimension holds time or batch", "[T, B, ...] or, flattened, [T * B, ...]")


def planes(ctx: Context, view: View) -> View:
    """``[N, C, H, W]`` or ``[N, C, L]`` as a value ``[T, B, C, H, W]`` or ``[T, B, C, L]``."""
    if view.value.name.startswith("%arg") and len(view.value.shape) <= len(view.dims):
        raise Unsupported("a convolution of an input that has no batch dimension", "[T, B, C, H, W], or images [B, C, H, W]")
    across = [i for i, group in enumerate(view.dims[2:], 2) if any(a.axis == TIME for a in group)]
    if across and all(a.axis == BATCH for a in view.dims[0]):  # rows or columns are time steps
        return _across_time(ctx, view)
    for group, what in zip(view.dims[1:], ("channel", "height", "width"), strict=False):
        _only_features(group, what)
    lead = view.dims[0]
    time = tuple(a for a in lead if a.axis == TIME)
    batch = tuple(a for a in lead if a.axis != TIME)
    return ctx.layout.form(view, [time, batch, *view.dims[1:]], ctx.path)


def _across_time(ctx: Context, view: View) -> View:
    """Time as an axis of features, in front of which there is one step: what learns a weight for every time step."""
    if any(a.axis == BATCH for group in view.dims[1:] for a in group):
        raise Unsupported("a convolution over images", "[T * B, C, H, W]")
    value = ctx.layout.materialise(view, [(), *view.dims], ctx.path)
    return View(value, tuple(merge((whole(i + 1, n),)) for i, n in enumerate(view.shape)))


def _synapse(
    ctx: Context, op: str, x: Value, weight: Value, bias: Value | None, shape: Sequence[int], attributes: dict[str, str]
) -> Value:
    result = ctx.builder.fresh(shape, "f32")
    operands, types = f"{x.name}, {weight.name}", f"{x.type}, {weight.type}"
    if bias is not None:
        operands, types = f"{operands} bias {bias.name}", f"{types}, {bias.type}"
    return ctx.builder.add(op, f"{op} {operands}{{attrs}} : ({types}) -> {result.type}", result, ctx.path, **attributes)


def linear(ctx: Context, x: View, weight: Const, bias: Const | None) -> View:
    """A linear map of the last torch dimension."""
    view, weight = ctx.absorb(x, weight)
    _only_features(view.dims[-1], "channel")
    axes = ctx.layout.torch_axes(View(view.value, view.dims[:-1]))
    axes.append(view.dims[-1])
    form = ctx.layout.form(view, axes, ctx.path)
    outputs = weight.tensor.shape[0]
    w, b = ctx.weight(weight), None if bias is None else ctx.weight(bias)
    shape = (*form.value.shape[:-1], outputs)
    result = _synapse(ctx, "spk.linear", form.value, w, b, shape, {"layout": CHANNELS_LAST})
    return View(result, (*form.dims[:-1], merge((whole(len(shape) - 1, outputs),))))


@handler("aten.linear.default")
def _linear(ctx: Context, x: Any, weight: Any, bias: Any = None) -> View:
    weight = need_const(weight, "weight")
    return linear(ctx, need_view(x), weight, None if bias is None else need_const(bias, "bias"))


@handler("aten.addmm.default")
def _addmm(ctx: Context, bias: Any, x: Any, weight: Any, **scales: Any) -> View:
    if any(v != 1 for v in scales.values()):
        raise Unsupported("addmm with beta or alpha", "torch.nn.Linear")
    weight = need_const(weight, "weight")
    transposed = Const(weight.tensor.t().contiguous(), f"{weight.key}:transposed")
    return linear(ctx, need_view(x), transposed, need_const(bias, "bias"))


def explicit_padding(ctx: Context, view: View, padding: Any, window: Sequence[int]) -> tuple[View, Any]:
    """A view and what a convolution pads it with in numbers, for windows of these sizes.

    ``"same"`` pads an even window by one more behind than in front, as PyTorch does: by itself.
    """
    if padding == "valid":
        return view, 0
    if padding != "same":
        return view, padding
    uneven = [n for size in reversed(window) for n in (0, 1 - size % 2)]
    return handlers["aten.pad.default"](ctx, view, uneven) if any(uneven) else view, [(size - 1) // 2 for size in window]


@handler("aten.conv2d.default", "aten.conv2d.padding")
def conv2d(
    ctx: Context, x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> View:
    """Over the last two of four dimensions."""
    x, weight = need_view(x), _spread(need_const(weight, "weight"), pair(dilation))
    if len(x.dims) != 4:
        raise Unsupported("a convolution without a batch dimension", "[T * B, C, H, W]")
    x, padding = explicit_padding(ctx, x, padding, weight.tensor.shape[2:])
    inner, margin = padding_of(ctx, x)
    view, weight = ctx.absorb(inner, weight)
    out, _, kh, kw = weight.tensor.shape
    (sh, sw), (ph, pw) = pair(stride), (p + m for p, m in zip(pair(padding), margin, strict=True))
    form = planes(ctx, view)
    t, b, _, h, w = form.value.shape
    shape = (t, b, out, (h + 2 * ph - kh) // sh + 1, (w + 2 * pw - kw) // sw + 1)
    attributes = {"strides": i64_array((sh, sw)), "padding": i64_array((ph, pw)), "groups": f"{groups} : i64"}
    w = ctx.weight(weight)
    bias_value = None if bias is None else ctx.weight(need_const(bias, "bias"))
    result = _synapse(ctx, "spk.conv", form.value, w, bias_value, shape, attributes)
    if (kh, kw, sh, sw, ph, pw) == (1, 1, 1, 1, 0, 0):
        _note_margin(ctx, result, lambda p: conv2d(ctx, x, weight, bias, 1, p, 1, groups), weight, bias)
    return View(result, (form.dims[0], *(merge((whole(i, shape[i]),)) for i in (2, 3, 4))))


def _note_margin(ctx: Context, value: Value, padded: Callable[[tuple[int, int]], View], weight: Const, bias: Const | None) -> None:
    """A 1x1 convolution of zeros around its input gives its bias around its output."""
    path = ctx.path

    def grow(rows: int, columns: int) -> View:
        here, ctx.path = ctx.path, path
        try:
            return padded((rows, columns))
        finally:
            ctx.path = here

    content = torch.zeros(weight.tensor.shape[0], dtype=torch.float64) if bias is None else bias.tensor.double()
    ctx.margins[value] = Margin(grow, content, torch.zeros_like(content))


@handler("aten.conv1d.default", "aten.conv1d.padding")
def _conv1d(
    ctx: Context, x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> View:
    weight = need_const(weight, "weight")
    view = need_view(x)
    if len(view.dims) != 3:
        raise Unsupported("a convolution without a batch dimension", "[T * B, C, L]")
    out, channels, kernel = weight.tensor.shape
    pad = padding if isinstance(padding, str) else pair(padding)[0]
    if kernel == 1 and groups == 1 and pair(stride)[0] == 1 and pad in (0, "valid", "same"):
        view, weight = ctx.absorb(view, weight)
        form = planes(ctx, view)
        shape = (*form.value.shape[:2], out, form.value.shape[3])
        w = ctx.weight(weight, (out, channels))
        bias_value = None if bias is None else ctx.weight(need_const(bias, "bias"))
        result = _synapse(ctx, "spk.linear", form.value, w, bias_value, shape, {"layout": CHANNELS_FIRST})
        return View(result, (form.dims[0], merge((whole(2, out),)), form.dims[2]))
    wide = Const(weight.tensor.unsqueeze(2), f"{weight.key}:of one row")
    pads = pad if isinstance(pad, str) else (0, pad)
    row = View(view.value, (*view.dims[:2], (), view.dims[2]))
    out_row = conv2d(ctx, row, wide, bias, (1, pair(stride)[0]), pads, (1, pair(dilation)[0]), groups)
    return View(out_row.value, (*out_row.dims[:2], out_row.dims[3]))


def _spread(weight: Const, dilation: tuple[int, int]) -> Const:
    """Weights with zeros between their taps: a dilated convolution is one of a larger window."""
    if dilation == (1, 1):
        return weight
    dh, dw = dilation
    *lead, kh, kw = weight.tensor.shape
    spread = weight.tensor.new_zeros((*lead, (kh - 1) * dh + 1, (kw - 1) * dw + 1))
    spread[..., ::dh, ::dw] = weight.tensor
    return Const(spread, f"{weight.key}:dilated {dh}x{dw}")


def _channel_layout(view: View, group: Group) -> str | None:
    """Layout attribute if `group` is one whole axis in a place that the dialect knows."""
    if len(group) != 1:
        return None
    (atom,) = group
    if atom.stride != 1 or atom.size != view.value.shape[atom.axis]:
        return None
    if atom.axis == 2:
        return CHANNELS_FIRST
    return CHANNELS_LAST if atom.axis == len(view.value.shape) - 1 else None


def scale_shift(ctx: Context, view: View, axis: int, scale: Const, shift: Const) -> View:
    """``view * scale + shift``, one number of each for every element of an axis of the value, the third or the last."""
    view = ctx.floats(view)
    operands = [view.value, ctx.weight(scale), ctx.weight(shift)]
    result = ctx.builder.fresh(view.value.shape, "f32")
    form = f"spk.scale_shift {', '.join(v.name for v in operands)}{{attrs}} : ({', '.join(v.type for v in operands)}) -> {result.type}"
    layout = CHANNELS_LAST if axis == len(view.value.shape) - 1 else CHANNELS_FIRST
    return view.with_value(ctx.builder.add("spk.scale_shift", form, result, ctx.path, layout=layout))


@handler("aten.batch_norm.default", "aten.cudnn_batch_norm.default")
def _batch_norm(
    ctx: Context, x: Any, weight: Any, bias: Any, mean: Any, var: Any, training: bool, momentum: float, eps: float, *_: Any
) -> View:
    if training or mean is None or var is None:
        raise Unsupported("batch norm with the statistics of the batch", "track_running_stats=True and eval mode")
    view = before = ctx.floats(need_view(x))
    _only_features(view.dims[1], "channel")
    layout = _channel_layout(view, view.dims[1])
    if layout is None:
        form = planes(ctx, view) if len(view.dims) > 2 else ctx.layout.torch_form(view, ctx.path)
        view, layout = form, CHANNELS_FIRST
    mean, var = need_const(mean, "running_mean"), need_const(var, "running_var")
    stem = mean.key.removesuffix("running_mean")
    gamma = Const(torch.ones_like(mean.tensor), f"{stem}weight") if weight is None else need_const(weight, "weight")
    beta = Const(torch.zeros_like(mean.tensor), f"{stem}bias") if bias is None else need_const(bias, "bias")
    operands = [view.value, *(ctx.weight(c) for c in (gamma, beta, mean, var))]
    result = ctx.builder.fresh(view.value.shape, "f32")
    form_text = f"spk.batch_norm {', '.join(v.name for v in operands)}{{attrs}} : ({', '.join(v.type for v in operands)}) -> {result.type}"
    ctx.builder.add("spk.batch_norm", form_text, result, ctx.path, eps=f64(eps), layout=layout)
    margin = ctx.margins.get(before.value)
    if margin is not None and margin.content.numel() == gamma.tensor.numel():  # not where depth is among the channels
        _norm_margin(ctx, before, result, gamma, beta, mean, var, eps)
    return view.with_value(result)


def _norm_margin(ctx: Context, view: View, result: Value, gamma: Const, beta: Const, mean: Const, var: Const, eps: float) -> None:
    """What a batch norm makes of a margin around its input."""
    inner, path = ctx.margins[view.value], ctx.path

    def grow(rows: int, columns: int) -> View:
        here, ctx.path = ctx.path, path
        try:
            return _batch_norm(ctx, inner.grow(rows, columns), gamma, beta, mean, var, False, 0.0, eps)
        finally:
            ctx.path = here

    g, b, m, v = (c.tensor.double() for c in (gamma, beta, mean, var))
    scale = g / (v + eps).sqrt()
    content = (inner.content - m) * scale + b
    slack = inner.slack * scale.abs() + 2.0**-21 * (((inner.content.abs() + m.abs()) * scale.abs()) + b.abs())
    ctx.margins[result] = Margin(grow, content, slack)
