"""Synapses, batch norm, pooling, means and neurons."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from spk.errors import Unsupported
from spk.importer.capture import module_name
from spk.importer.context import Const, Context, Margin, Scaled, handler, is_power_of_two, need_const, need_view
from spk.importer.heads import is_head
from spk.importer.mlir import Op, Value, f32, f32_array, f64, i64_array, quoted
from spk.importer.ops_pad import padding_of
from spk.importer.ops_view import reshaped
from spk.importer.views import BATCH, TIME, Atom, Group, View, group_size, merge, source_order, whole
from spk.neuron_model import NeuronSpec

__all__ = ["conv2d", "emit_neuron", "linear", "max_pool", "scale_shift"]

CHANNELS_FIRST, CHANNELS_LAST = "#spk.layout<channels_first>", "#spk.layout<channels_last>"


def _pair(x: Any) -> tuple[int, int]:
    values = [x, x] if isinstance(x, int) else list(x)
    if len(values) == 1:
        values *= 2
    return int(values[0]), int(values[1])


def _only_features(group: Group, what: str) -> None:
    if any(a.axis in (TIME, BATCH) and (a.size > 1 or a.axis == TIME) for a in group):
        raise Unsupported(f"the {what} dimension holds time or batch", "[T, B, ...] or, flattened, [T * B, ...]")


def _planes(ctx: Context, view: View) -> View:
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


@handler("aten.conv2d.default", "aten.conv2d.padding")
def conv2d(
    ctx: Context, x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> View:
    """Over the last two of four dimensions."""
    inner, margin = padding_of(ctx, need_view(x))
    view, weight = ctx.absorb(inner, need_const(weight, "weight"))
    if len(view.dims) != 4:
        raise Unsupported("a convolution without a batch dimension", "[T * B, C, H, W]")
    weight = _spread(weight, _pair(dilation))
    out, _, kh, kw = weight.tensor.shape
    if isinstance(padding, str):
        if padding == "same" and (kh % 2 == 0 or kw % 2 == 0):
            raise Unsupported("padding='same' with an even kernel", "explicit padding")
        padding = (0, 0) if padding == "valid" else (kh // 2, kw // 2)
    (sh, sw), (ph, pw) = _pair(stride), (p + m for p, m in zip(_pair(padding), margin, strict=True))
    form = _planes(ctx, view)
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
    pad = padding if isinstance(padding, str) else _pair(padding)[0]
    if kernel == 1 and groups == 1 and _pair(stride)[0] == 1 and pad in (0, "valid", "same"):
        view, weight = ctx.absorb(view, weight)
        form = _planes(ctx, view)
        shape = (*form.value.shape[:2], out, form.value.shape[3])
        w = ctx.weight(weight, (out, channels))
        bias_value = None if bias is None else ctx.weight(need_const(bias, "bias"))
        result = _synapse(ctx, "spk.linear", form.value, w, bias_value, shape, {"layout": CHANNELS_FIRST})
        return View(result, (form.dims[0], merge((whole(2, out),)), form.dims[2]))
    wide = Const(weight.tensor.unsqueeze(2), f"{weight.key}:of one row")
    pads = pad if isinstance(pad, str) else (0, pad)
    row = View(view.value, (*view.dims[:2], (), view.dims[2]))
    planes = conv2d(ctx, row, wide, bias, (1, _pair(stride)[0]), pads, (1, _pair(dilation)[0]), groups)
    return View(planes.value, (*planes.dims[:2], planes.dims[3]))


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
        form = _planes(ctx, view) if len(view.dims) > 2 else ctx.layout.torch_form(view, ctx.path)
        view, layout = form, CHANNELS_FIRST
    mean, var = need_const(mean, "running_mean"), need_const(var, "running_var")
    stem = mean.key.removesuffix("running_mean")
    gamma = Const(torch.ones_like(mean.tensor), f"{stem}weight") if weight is None else need_const(weight, "weight")
    beta = Const(torch.zeros_like(mean.tensor), f"{stem}bias") if bias is None else need_const(bias, "bias")
    operands = [view.value, *(ctx.weight(c) for c in (gamma, beta, mean, var))]
    result = ctx.builder.fresh(view.value.shape, "f32")
    form_text = f"spk.batch_norm {', '.join(v.name for v in operands)}{{attrs}} : ({', '.join(v.type for v in operands)}) -> {result.type}"
    ctx.builder.add("spk.batch_norm", form_text, result, ctx.path, eps=f64(eps), layout=layout)
    if before.value in ctx.margins:
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


@handler("aten.max_pool2d.default")
def max_pool(
    ctx: Context, x: Any, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> View:
    """Over the last two of four dimensions."""
    view = need_view(x)
    scaled = view.value if isinstance(view.value, Scaled) and view.value.factor > 0 else None
    view = ctx.real(view) if scaled is None or scaled.base is None else view.with_value(scaled.base)
    if _pair(dilation) != (1, 1) or len(view.dims) != 4:
        raise Unsupported("max-pool with dilation or no batch dimension", "MaxPool2d(kernel, stride, padding)")
    (kh, kw), (ph, pw) = _pair(kernel), _pair(padding)
    sh, sw = _pair(stride) if stride not in ((), [], None) else (kh, kw)
    if ceil_mode and any((n + 2 * p - k) % s for n, k, s, p in zip(view.shape[2:], (kh, kw), (sh, sw), (ph, pw), strict=True)):
        raise Unsupported("max-pool with ceil_mode, whose last windows reach beyond the image", "windows that divide the image, or padding")
    form = _planes(ctx, view)
    t, b, c, h, w = form.value.shape
    shape = (t, b, c, (h + 2 * ph - kh) // sh + 1, (w + 2 * pw - kw) // sw + 1)
    result = ctx.builder.fresh(shape, form.value.dtype, form.value.maximum)
    text = f"spk.max_pool {form.value.name}{{attrs}} : {form.value.type} -> {result.type}"
    attributes = {"kernel": i64_array((kh, kw)), "strides": i64_array((sh, sw)), "padding": i64_array((ph, pw))}
    ctx.builder.add("spk.max_pool", text, result, ctx.path, **attributes)
    value = result if scaled is None else Scaled(shape, base=result, factor=scaled.factor)
    return View(value, (*form.dims[:2], *(merge((whole(i, shape[i]),)) for i in (3, 4))))  # type: ignore[arg-type]


@handler("aten.max_pool1d.default")
def _max_pool1d(ctx: Context, x: Any, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False) -> View:
    view = need_view(x)
    if len(view.dims) != 3:
        raise Unsupported("max-pool without a batch dimension", "[T * B, C, L]")
    kernel, padding, dilation = (_pair(n)[0] for n in (kernel, padding, dilation))
    stride = _pair(stride)[0] if stride not in ((), [], None) else kernel
    row = View(view.value, (*view.dims[:2], (), view.dims[2]))
    planes = max_pool(ctx, row, (1, kernel), (1, stride), (0, padding), (1, dilation), ceil_mode)
    return View(planes.value, (*planes.dims[:2], planes.dims[3]))


# Means ----------------------------------------------------------------------------


def _reduce(ctx: Context, view: View, axes: Sequence[int]) -> Value:
    shape = [1 if i in axes else n for i, n in enumerate(view.value.shape)]
    result = ctx.builder.fresh(shape, "f32")
    text = f"spk.mean {view.value.name}{{attrs}} : {view.value.type} -> {result.type}"
    return ctx.builder.add("spk.mean", text, result, ctx.path, axes=i64_array(axes))


def _unfold_time(ctx: Context, view: View) -> View:
    """Time as an axis of its own again after single-step neurons took it for a part of the batch."""
    lead = merge(view.dims[0])
    if view.value.shape[TIME] != 1 or any(a.axis != BATCH for a in lead) or group_size(lead) not in ctx.folded:
        return view
    batch = tuple(a for g in view.dims[1:] for a in g if a.axis == BATCH)
    axes = ctx.layout.torch_axes(View(view.value, tuple(tuple(a for a in g if a.axis > BATCH) for g in view.dims)))
    return ctx.layout.form(view, [lead, batch, *axes[2:]], ctx.path)


@handler("aten.mean.dim")
def _mean(ctx: Context, x: Any, dims: Any = None, keepdim: bool = False, dtype: Any = None) -> View:
    view = ctx.real(need_view(x))
    if dtype not in (None, torch.float32):
        raise Unsupported(f"a mean in {dtype}", "float32")
    rank = len(view.dims)
    chosen = sorted(range(rank) if not dims else {d % rank for d in dims})
    if 0 in chosen:
        view = _unfold_time(ctx, view)
    if any(a.axis == BATCH for d in chosen for a in view.dims[d]):
        raise Unsupported("a mean over the batch", "a mean over time, tokens or pixels")
    features = [d for d in chosen if any(a.axis != TIME for a in view.dims[d])]
    if any(_partial(view, a) for d in features for a in view.dims[d]):
        view = ctx.layout.torch_form(view, ctx.path)
    axes = sorted({a.axis for d in features for a in view.dims[d]})
    over_time = any(a.axis == TIME for d in chosen for a in view.dims[d])
    if over_time and any(_partial(view, a) for d in chosen for a in view.dims[d] if a.axis == TIME):
        raise Unsupported("a mean over some of the time steps", "a mean over all of them")
    value = view.value
    if axes:
        value = _reduce(ctx, view, axes)
    if over_time:
        value = _reduce(ctx, view.with_value(value), [TIME])
    if not axes and not over_time:
        value = ctx.layout.to_float(value, ctx.path)
    kept = [() if d in chosen else g for d, g in enumerate(view.dims)]
    return View(value, tuple(g for d, g in enumerate(kept) if keepdim or d not in chosen))


@handler("aten.sum.dim_IntList")
def _sum(ctx: Context, x: Any, dims: Any = None, keepdim: bool = False, dtype: Any = None) -> View:
    view = need_view(x)
    if dtype not in (None, torch.float32) or view.value.dtype != "i1":
        raise Unsupported("a sum of floats or integers", "a sum of spikes, or a mean")
    rank = len(view.dims)
    chosen = sorted(range(rank) if not dims else {d % rank for d in dims})
    reduced = [a for d in chosen for a in view.dims[d] if a.size > 1 or a.axis == TIME]
    if any(a.axis in (TIME, BATCH) for a in reduced):
        raise Unsupported("a sum over time or batch", "a sum over tokens or pixels, or a mean")
    run = _run(reduced)
    if run is None and any(_partial(view, a) for a in reduced):
        view = ctx.layout.torch_form(view, ctx.path)
    kept = [() if d in chosen else g for d, g in enumerate(view.dims)]
    if run is not None:
        value = _count(ctx, view, [run.axis], view.value.shape[run.axis] // run.size)
        kept = [tuple(_behind(a, run) for a in g) for g in kept]
    else:
        axes = sorted({a.axis for d in chosen for a in view.dims[d] if a.size > 1})
        value = _count(ctx, view, axes) if axes else ctx.layout.to_float(view.value, ctx.path)
    return View(value, tuple(g for d, g in enumerate(kept) if keepdim or d not in chosen))


def _run(reduced: Sequence[Atom]) -> Atom | None:
    """The run of neighbours of one axis that is summed, such as the channels of a head; None if it is more than that."""
    merged = merge(reduced)
    return merged[0] if len(merged) == 1 and merged[0].stride == 1 else None


def _behind(atom: Atom, run: Atom) -> Atom:
    """An atom of an axis whose runs became one element each."""
    return Atom(atom.axis, atom.size, atom.stride // run.size) if atom.axis == run.axis else atom


def _count(ctx: Context, view: View, axes: Sequence[int], groups: int = 1) -> Value:
    shape = [groups if i in axes else n for i, n in enumerate(view.value.shape)]
    if math.prod(view.value.shape) // math.prod(shape) >= 1 << 24:
        raise Unsupported("a sum of 2**24 spikes or more, which rounds", "fewer tokens")
    result = ctx.builder.fresh(shape, "f32")
    text = f"spk.count {view.value.name}{{attrs}} : {view.value.type} -> {result.type}"
    attributes = {"axes": i64_array(axes), **({"groups": f"{groups} : i64"} if groups > 1 else {})}
    return ctx.builder.add("spk.count", text, result, ctx.path, **attributes)


def _partial(view: View, atom: Atom) -> bool:
    return atom.size != view.value.shape[atom.axis]


@handler("aten.avg_pool1d.default")
def _avg_pool1d(ctx: Context, x: Any, kernel: Any, stride: Any = (), padding: Any = 0, ceil_mode: bool = False, *_: Any) -> View:
    """Windows side by side: the mean of each, as ``VotingLayer`` takes it."""
    view = need_view(x)
    kernel, padding, length = _pair(kernel)[0], _pair(padding)[0], view.shape[-1]
    stride = _pair(stride)[0] if stride not in ((), [], None) else kernel
    if stride != kernel or padding or length % kernel:
        reason = f"average pool over {kernel} of {length} elements with stride {stride} and padding {padding}"
        raise Unsupported(reason, "windows side by side that cover all elements: AvgPool1d(kernel)")
    windows = reshaped(ctx, view, [*view.shape[:-1], length // kernel, kernel])
    if windows.value.dtype == "i1":  # a count is exact, so that its quotient is the mean
        return _times(ctx, "arith.divf", _sum(ctx, windows, [-1]), float(kernel))
    return _mean(ctx, windows, [-1])


@handler("aten.adaptive_avg_pool3d.default", "aten.adaptive_avg_pool2d.default", "aten.adaptive_avg_pool1d.default")
def _adaptive_pool(ctx: Context, x: Any, size: Any) -> View:
    view = need_view(x)
    sizes = [size] if isinstance(size, int) else list(size)
    count = len(sizes)
    if tuple(sizes) == view.shape[-count:]:
        return view
    if any(n != 1 for n in sizes):
        reason = f"adaptive average pool of {list(view.shape[-count:])} to {sizes}"
        raise Unsupported(reason, "to 1 or to the size that there is, or a mean")
    return _mean(ctx, view, list(range(-count, 0)), True)


# Neurons --------------------------------------------------------------------------


def _joins_batch(view: View) -> bool:
    """Whether the leading dimension is time and batch together, so that a scan of it goes from image to image."""
    steps, batch = view.value.shape[:2]
    return batch > 1 and merge(view.dims[0]) == (whole(TIME, steps), whole(BATCH, batch))


def _scan_form(ctx: Context, view: View) -> View:
    """The input of a multi-step neuron, torch order, time as axis 0."""
    lead = [a for a in view.dims[0] if a.size > 1]
    steps = view.value.shape[TIME]
    if lead == ([Atom(TIME, steps, 1)] if steps > 1 else []) or _joins_batch(view):
        if source_order(view.dims):
            return view
        return ctx.layout.torch_form(view, ctx.path)
    within = math.prod(a.size for a in lead if a.axis == TIME)
    if lead and steps == within and not any(a.axis == BATCH for a in lead):  # time came as a feature, or some of its steps did
        rest = View(view.value, view.dims[1:])
        axes = ctx.layout.torch_axes(rest)
        return ctx.layout.form(view, [view.dims[0], *axes[1:]], ctx.path)
    raise Unsupported("a multi-step neuron whose leading dimension is not time", "[T, B, ...] with all time steps")


def _step_form(ctx: Context, view: View) -> View:
    """The input of a single-step neuron: one time step, all leading axes are its batch."""
    if view.value.shape[TIME] == 1 and source_order(view.dims):
        return view
    lead = max((i for i, g in enumerate(view.dims) if any(a.axis in (TIME, BATCH) for a in g)), default=0)
    batch = tuple(a for g in view.dims[: lead + 1] for a in g if a.size > 1)
    rest = [tuple(a for a in g if a.size > 1) for g in view.dims[lead + 1 :]]
    return ctx.layout.form(view, [(), batch, *(g for g in rest if g)], ctx.path)


def _attribute(name: str, value: Any) -> str:
    """An attribute of a neuron."""
    if isinstance(value, str):
        return f"#spk.{name}<{value}>"
    return f"{value} : i64" if isinstance(value, int) else f32(value)


def emit_neuron(ctx: Context, spec: NeuronSpec, x: Value, path: str, initial: Sequence[Value] = ()) -> Op:
    """Append the operation of a neuron on the current `x`, from `initial` if it does not start at rest."""
    element = spec.form.element
    result = ctx.builder.fresh(x.shape, element, None if element == "f32" else spec.levels)
    numbers = {name: getattr(spec, name) for name in spec.form.numbers}
    attributes = {name: _attribute(name, number) for name, number in numbers.items() if number is not None}
    if spec.body is not None:
        attributes["resting"] = f32_array(spec.body.resting)
    names, types = (", ".join(getattr(v, what) for v in initial) for what in ("name", "type"))
    start = f" initial({names} : {types})" if initial else ""
    text = f"spk.{spec.kind} {x.name}{start}{{attrs}} : {x.type} -> {result.type}"
    op = Op(f"spk.{spec.kind}", [result], text, attributes, path, region=spec.body.text() if spec.body else "")
    ctx.builder.ops.append(op)
    return op


def _initial(ctx: Context, spec: NeuronSpec, path: str, shape: tuple[int, ...], torch_shape: tuple[int, ...]) -> list[Value]:
    """States before the first step: of the previous call of a neuron that keeps them, constants, or none to start at rest."""
    previous = ctx.states.get(path)
    if previous is not None and previous[1] == torch_shape:
        op = previous[0]
        if len(op.results) == 1:
            source = op.results[0]
            states = [ctx.builder.fresh((1, *source.shape[1:]), "f32") for _ in range(spec.form.states)]
            op.results += states
            op.suffix = f" state {', '.join(s.type for s in states)}"
        return [ctx.layout.reshape(state, shape, ctx.path) for state in op.results[1:]]
    if spec.initial is not None:
        return [ctx.splat(number, shape, ctx.path) for number in spec.resting()]
    return []


@handler("spk.neuron.default")
def _neuron(ctx: Context, x: Any, path: str, call: int) -> View:
    site = ctx.captured.sites[path]
    if site.problem is not None or site.spec is None:
        raise site.problem or Unsupported("an unknown neuron")
    view = _into(ctx, ctx.floats(need_view(x)), site.spec)
    if site.spec.form.states == 0:
        form = view if source_order(view.dims) else ctx.layout.torch_form(view, ctx.path)
        torch_shape = view.shape
    elif site.mode == "m":
        form, torch_shape = _scan_form(ctx, view), view.shape[1:]
    else:
        steps = view.value.shape[TIME]
        if steps > 1:
            ctx.folded.add(steps)
        if steps > 1 or (group_size(view.dims[0]) in ctx.folded and len(view.dims) > 2):
            ctx.warn(
                path,
                module_name(site.module),
                "neuron",
                f"step_mode='s' is fed a sequence {list(view.shape)}: time is part of the batch and no state passes between steps",
                "step_mode='m'",
            )
        form, torch_shape = _step_form(ctx, view), view.shape
    where = path if call == 0 else f"{path}#{call}"
    current = form.value
    joined = site.mode == "m" and site.spec.form.states > 0 and _joins_batch(view)
    if joined and ctx.tb_scan:
        steps, batch, *features = current.shape
        current = ctx.layout.reshape(current, (steps * batch, 1, *features), ctx.path)
        ctx.builder.attributes.setdefault("spk.fixed_batch", quoted(f"{where} scans time and batch together"))
    elif joined:
        ctx.warn(
            path,
            module_name(site.module),
            "neuron",
            f"the model scans time and batch together, {list(view.shape)}, so that images depend on their neighbours;"
            " every image is scanned on its own here, which is the same at batch 1",
            "--tb-scan (tb_scan=True) for the scan of the model",
        )
    initial = _initial(ctx, site.spec, path, (1, *current.shape[1:]), tuple(torch_shape))
    op = emit_neuron(ctx, site.spec, current, where, initial)
    if is_head(site.module):
        ctx.heads[op.results[0]] = op
    if site.keeps_state:
        ctx.states[path] = (op, tuple(torch_shape))
    fired = form.with_value(ctx.layout.reshape(op.results[0], form.value.shape, ctx.path))
    return _out_of(ctx, fired, site.spec)


def _times(ctx: Context, op: str, view: View, number: float) -> View:
    """An arith operation of a view and a number; none where it is 1."""
    if number == 1.0:
        return view
    view = ctx.floats(view)
    return view.with_value(ctx.binary(op, view.value, ctx.splat(number, view.value.shape, ctx.path), ctx.path))


def _into(ctx: Context, view: View, spec: NeuronSpec) -> View:
    """What a module makes of its input in front of the operation."""
    return _times(ctx, "arith.divf", view, spec.scale)


def _out_of(ctx: Context, view: View, spec: NeuronSpec) -> View:
    """What a module makes of spikes; divided by a power of two they stay what they are until something needs the quotient."""
    if view.value.is_float or not is_power_of_two(spec.divisor):
        return _times(ctx, "arith.mulf", _times(ctx, "arith.divf", view, spec.divisor), spec.scale)
    factor = spec.scale / spec.divisor
    if factor == 1.0:
        return view
    return view.with_value(Scaled(view.value.shape, base=view.value, factor=factor))  # type: ignore[arg-type]
