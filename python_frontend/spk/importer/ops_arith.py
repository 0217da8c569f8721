"""Elementwise operations: residual joins, scales, float arithmetic."""

from __future__ import annotations

import math
from typing import Any

import torch

from spk.errors import Unsupported
from spk.importer.context import Complement, Const, Context, Deferred, Scaled, handler, is_power_of_two, need_view
from spk.importer.mlir import MAX_OF
from spk.importer.ops_layer import scale_shift
from spk.importer.views import BATCH, TIME, Atom, Group, View, group_size, refine

__all__ = ["activation"]


def _number(x: Any) -> float | None:
    """The number that an operand is, None if it is a tensor."""
    if isinstance(x, (int, float)) and not isinstance(x, bool):
        return float(x)
    if isinstance(x, Const) and x.tensor.numel() == 1:
        return float(x.tensor)
    return None


def activation(ctx: Context, const: Const, like: View) -> View:
    """A constant tensor as an activation that lies like another operand of the same torch shape."""
    rank = len(like.dims)
    tensor = const.tensor.reshape((1,) * (rank - const.tensor.dim()) + tuple(const.tensor.shape))
    atoms: list[Atom] = []
    before: list[int] = []  # one axis for each atom, as far as the constant depends on it
    wanted: list[int] = []
    for size, group in zip(tensor.shape, like.dims, strict=True):
        if size not in (1, group_size(group)):
            raise Unsupported(f"a constant of shape {list(const.tensor.shape)} beside {list(like.shape)}", "equal shapes")
        for atom in group:
            atoms.append(atom)
            before.append(atom.size if size > 1 else 1)
            wanted.append(1 if atom.axis == TIME and size == 1 else atom.size)
    order = sorted(range(len(atoms)), key=lambda i: (atoms[i].axis, -atoms[i].stride))
    steps = math.prod(n for n, atom in zip(wanted, atoms, strict=True) if atom.axis == TIME)  # numbers of every time step
    if steps not in (1, like.value.shape[TIME]):
        raise Unsupported("a constant that depends on some of the time steps", "one that depends on all of them, or on none")
    shape = (steps, *like.value.shape[1:])
    spread = tensor.reshape(before).expand(wanted).permute(order).reshape(shape)
    key = const.key if shape == tuple(const.tensor.shape) else f"{const.key}:{'x'.join(map(str, shape))}"
    value = ctx.weight(Const(spread, const.key), shape, key)
    return View(ctx.layout.repeat(value, like.value.shape[TIME], ctx.path), like.dims)


def _correspond(ctx: Context, a: View, b: View) -> tuple[View, View]:
    """Both views in one layout: equal value shapes, equal dims; T = 1 is repeated."""
    rank = max(len(a.dims), len(b.dims))
    a = View(a.value, (*[()] * (rank - len(a.dims)), *a.dims))
    b = View(b.value, (*[()] * (rank - len(b.dims)), *b.dims))
    if a.dims == b.dims and a.value.shape == b.value.shape:
        return a, b
    if b.value.shape[TIME] > a.value.shape[TIME]:
        second, first = _correspond(ctx, b, a)
        return first, second
    lead: list[Group] = []
    pairs: dict[Atom, Atom] = {}
    for ga, gb in zip(a.dims, b.dims, strict=True):
        na, nb = group_size(ga), group_size(gb)
        if na == nb:
            xs, ys = refine(ga, gb)
            pairs.update(zip(xs, ys, strict=True))
            lead.append(tuple(xs))
        elif nb == 1 and all(x.axis == TIME for x in ga):
            lead.append(ga)
        else:
            raise Unsupported(f"an elementwise operation that broadcasts {list(a.shape)} and {list(b.shape)}", "equal shapes")
    split = View(a.value, tuple(lead))
    axes = ctx.layout.torch_axes(split)
    form_a = ctx.layout.form(split, axes, ctx.path)
    axes_b = [tuple(pairs[x] for x in g if x in pairs) for g in axes]
    value = ctx.layout.materialise(View(b.value, b.dims), axes_b, ctx.path)
    value = ctx.layout.repeat(value, form_a.value.shape[TIME], ctx.path)
    return form_a, View(value, form_a.dims)


def _store(maximum: int) -> str:
    """The smallest integer type of the dialect for sums up to `maximum`."""
    for dtype in ("i8", "i16", "i32"):
        if maximum <= MAX_OF[dtype]:
            return dtype
    raise Unsupported(f"a sum of spikes that may reach {maximum}", "at most 2147483647")


def _add_counts(ctx: Context, a: View, b: View) -> View:
    assert a.value.maximum is not None and b.value.maximum is not None
    maximum = a.value.maximum + b.value.maximum
    result = ctx.builder.fresh(a.value.shape, _store(maximum), maximum)
    text = f"spk.add {a.value.name}, {b.value.name}{{attrs}} : ({a.value.type}, {b.value.type}) -> {result.type}"
    return a.with_value(ctx.builder.add("spk.add", text, result, ctx.path))


def _floats(ctx: Context, op: str, a: View, b: View) -> View:
    a, b = ctx.floats(a), ctx.floats(b)
    return a.with_value(ctx.binary(op, a.value, b.value, ctx.path))


def _along_channels(view: View, const: Const) -> tuple[int, torch.Tensor] | None:
    """The axis of channels that a constant varies along and its numbers, None if it varies along other axes or time."""
    tensor = const.tensor.reshape((1,) * (len(view.dims) - const.tensor.dim()) + tuple(const.tensor.shape))
    varying = [i for i, n in enumerate(tensor.shape) if n > 1]
    if tensor.dim() != len(view.dims) or any(tensor.shape[i] != view.shape[i] for i in varying):
        return None
    atoms = [a for i in varying for a in view.dims[i] if a.size > 1]
    shape = view.value.shape
    axes = {a.axis for a in atoms}
    if axes not in ({2}, {len(shape) - 1}) or axes & {TIME, BATCH}:
        return None
    (axis,) = axes
    order = sorted(range(len(atoms)), key=lambda i: -atoms[i].stride)
    numbers = tensor.reshape([a.size for a in atoms]).permute(order)
    for place, i in enumerate(order):  # what lies between two atoms, or inside the last one, has equal numbers
        inside = atoms[order[place + 1]].stride * atoms[order[place + 1]].size if place + 1 < len(order) else 1
        at = 2 * place + 1
        numbers = numbers.unsqueeze(at).expand(*numbers.shape[:at], atoms[i].stride // inside, *numbers.shape[at:])
    numbers = numbers.reshape(-1)
    return axis, numbers.repeat(shape[axis] // numbers.numel())


def _scaled_channels(ctx: Context, x: Any, const: Any) -> View | None:
    """A view times a factor for every channel, such as a layer scale or a scale per head; None where the constant is another one."""
    if not isinstance(x, View) or not isinstance(const, Const):
        return None
    found = _along_channels(x, const)
    if found is None:
        return None
    axis, numbers = found
    size = numbers.numel()
    own = Const(numbers, const.key if tuple(const.tensor.shape) == (size,) else f"{const.key}:channels:{size}")
    nothing = Const(torch.full((size,), -0.0), f"constant:zeros:{size}")  # adding -0 changes no bit
    return scale_shift(ctx, ctx.real(x), axis, own, nothing)


def _operands(ctx: Context, a: Any, b: Any) -> tuple[View, View]:
    if isinstance(a, Const):
        b = ctx.real(need_view(b))
        a = activation(ctx, a, b)
    if isinstance(b, Const):
        a = ctx.real(need_view(a))
        b = activation(ctx, b, a)
    return _correspond(ctx, ctx.real(need_view(a)), ctx.real(need_view(b)))


def _with_number(ctx: Context, op: str, x: Any, number: float, swapped: bool = False) -> View:
    view = ctx.floats(need_view(x))
    splat = ctx.splat(number, view.value.shape, ctx.path)
    lhs, rhs = (splat, view.value) if swapped else (view.value, splat)
    result = ctx.binary(op, lhs, rhs, ctx.path)
    if not swapped:
        ctx.by_number[result] = (op, view.value, number)
    return view.with_value(result)


def _alpha(alpha: Any) -> None:
    if alpha != 1:
        raise Unsupported(f"alpha={alpha}", "alpha=1")


def _plus(ctx: Context, view: View, number: float) -> View:
    if number == 0.0:
        return view
    value = view.value
    if isinstance(value, Deferred) and value.forced is None:
        more = value.plus(number, ctx.path)
        if more is not None:
            return view.with_value(more)  # type: ignore[arg-type]
    return _with_number(ctx, "arith.addf", view, number)


@handler("aten.add.Tensor", "aten.add_.Tensor", "aten.add.Scalar")
def _add(ctx: Context, a: Any, b: Any, *, alpha: Any = 1) -> View:
    _alpha(alpha)
    for x, y in ((a, b), (b, a)):
        number = _number(y)
        if number is not None:
            return _plus(ctx, need_view(x), number)
    x, y = _operands(ctx, a, b)
    if not x.value.is_float and not y.value.is_float:
        return _add_counts(ctx, x, y)
    return _floats(ctx, "arith.addf", x, y)


@handler("aten.sub.Tensor", "aten.sub_.Tensor", "aten.sub.Scalar")
def _sub(ctx: Context, a: Any, b: Any, alpha: Any = 1) -> View:
    _alpha(alpha)
    number = _number(b)
    if number is not None:
        return _with_number(ctx, "arith.subf", a, number)
    number = _number(a)
    if number is not None:
        view = need_view(b)
        if number == 1.0 and _are_spikes(view):
            return view.with_value(Complement(view.value.shape, base=view.value))  # type: ignore[arg-type]
        return _with_number(ctx, "arith.subf", b, number, swapped=True)
    return _floats(ctx, "arith.subf", *_operands(ctx, a, b))


@handler("aten.rsub.Scalar", "aten.rsub.Tensor")
def _rsub(ctx: Context, a: Any, b: Any, alpha: Any = 1) -> View:
    """``b - a``."""
    return _sub(ctx, b, a, alpha)


def _scale(ctx: Context, x: Any, number: float) -> View:
    view = need_view(x)
    if number == 1.0:
        return view
    value = view.value
    if isinstance(value, Deferred) and value.forced is None:
        scaled = value.scaled(number, ctx.path)
        if scaled is not None:
            return view.with_value(scaled)  # type: ignore[arg-type]
    if not isinstance(value, Deferred) and not value.is_float:
        return view.with_value(Scaled(value.shape, base=value, factor=number))  # type: ignore[arg-type]
    return _with_number(ctx, "arith.mulf", view, number)


def _are_spikes(view: View) -> bool:
    return not isinstance(view.value, Deferred) and view.value.dtype == "i1"


def _gate(ctx: Context, x: View, mask: View) -> View | None:
    """Spikes times a mask that is the same along some of their dimensions, None where it is not."""
    rank = len(x.dims)
    mask = View(mask.value, (*[()] * (rank - len(mask.dims)), *mask.dims))
    pairs: dict[Atom, Atom] = {}
    own: list[Atom] = []  # atoms of x that the mask does not depend on
    for mine, other in zip(x.dims, mask.dims, strict=True):
        if group_size(other) == group_size(mine):
            left, right = refine(mine, other)
            pairs.update(zip(left, right, strict=True))
        elif group_size(other) == 1:
            own += [a for a in mine if a.size > 1]
        else:
            return None
    if not own or any(a.axis in (TIME, BATCH) for a in own):
        return None
    # One axis of the mask for each of the spikes'; each of its elements stands for a run of neighbours.
    axes: list[Group] = []
    for axis in range(len(x.value.shape)):
        shared = sorted((a for a in pairs if a.axis == axis), key=lambda a: -a.stride)
        if any(a.stride > shared[-1].stride for a in own if shared and a.axis == axis):
            return None
        axes.append(tuple(pairs[a] for a in shared))
    value = ctx.layout.materialise(mask, axes, ctx.path)
    result = ctx.builder.fresh(x.value.shape, "i1", 1)
    text = f"spk.gate {x.value.name}, {value.name}{{attrs}} : ({x.value.type}, {value.type}) -> {result.type}"
    return x.with_value(ctx.builder.add("spk.gate", text, result, ctx.path))


def _inverted(ctx: Context, x: View, other: View) -> View:
    """``1 - spikes`` as spikes where it stands beside spikes."""
    if isinstance(x.value, Complement) and _are_spikes(other):
        return x.with_value(x.value.inverted(ctx, ctx.path))
    return x


@handler("aten.mul.Tensor", "aten.mul_.Tensor", "aten.mul.Scalar")
def _mul(ctx: Context, a: Any, b: Any) -> View:
    for x, y in ((a, b), (b, a)):
        number = _number(y)
        if number is not None:
            return _scale(ctx, x, number)
    for x, y in ((a, b), (b, a)):
        scaled = _scaled_channels(ctx, x, y)
        if scaled is not None:
            return scaled
    if isinstance(a, View) and isinstance(b, View):
        a, b = _inverted(ctx, a, b), _inverted(ctx, b, a)
    for x, y in ((a, b), (b, a)):
        if isinstance(x, View) and isinstance(y, View) and x.value.dtype == y.value.dtype == "i1":
            gated = _gate(ctx, x, y)
            if gated is not None:
                return gated
    x, y = _operands(ctx, a, b)
    if x.value.dtype == "i1" and y.value.dtype == "i1":
        return x.with_value(ctx.binary("arith.andi", x.value, y.value, ctx.path))
    return _floats(ctx, "arith.mulf", x, y)


@handler("aten.div.Tensor", "aten.div_.Tensor", "aten.div.Scalar")
def _div(ctx: Context, a: Any, b: Any) -> View:
    number = _number(b)
    if number is None:
        return _floats(ctx, "arith.divf", *_operands(ctx, a, b))
    if number == 0.0 or math.isnan(number):
        raise Unsupported(f"division by {number}")
    view = need_view(a)
    if isinstance(view.value, Deferred) and view.value.forced is None:
        quotient = view.value.over(number)
        if quotient is not None:
            return view.with_value(quotient)  # type: ignore[arg-type]
    if is_power_of_two(number):
        return _scale(ctx, a, 1.0 / number)
    if isinstance(view.value, Deferred) and not isinstance(view.value, Scaled):
        raise Unsupported(
            f"an attention core divided by {number}, which is no power of two", f"a multiplication by {1.0 / number!r}"
        )
    return _with_number(ctx, "arith.divf", view, number)


@handler("aten.relu.default", "aten.relu_.default")
def _relu(ctx: Context, x: Any) -> View:
    """The larger of x and 0; of two zeros +0, where PyTorch returns what the vector instructions of its CPU do."""
    view = ctx.real(need_view(x))
    return _with_number(ctx, "arith.maximumf", view, 0.0) if view.value.is_float else view


@handler("aten.leaky_relu.default", "aten.leaky_relu_.default")
def _leaky_relu(ctx: Context, x: Any, slope: Any = 0.01) -> View:
    """``x if x > 0 else slope * x``: of the two the larger where the slope is below 1, else the smaller."""
    if not (isinstance(slope, (int, float)) and 0.0 < slope < math.inf):
        raise Unsupported(f"LeakyReLU with a slope of {slope}", "a slope above 0; torch.relu for 0")
    view = ctx.real(need_view(x))
    if not view.value.is_float or slope == 1.0:
        return view
    scaled = _with_number(ctx, "arith.mulf", view, float(slope))
    op = "arith.maximumf" if slope < 1.0 else "arith.minimumf"
    return view.with_value(ctx.binary(op, view.value, scaled.value, ctx.path))
