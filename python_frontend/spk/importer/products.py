"""Matrix products and softmaxes of attention maps that are no spiking attention core.

A product of torch tensors ``a @ b`` with the dimensions ``[..., R, K]`` and ``[..., K, S]``, heads among the leading
ones, becomes one `spk.matmul` of rows ``[T, B, R, heads * K]`` and columns ``[T, B, K, heads * S]``, or of the
transposed operands, whichever moves less: maps of floats, and cores with a neuron between their products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spk.errors import Unsupported
from spk.importer.context import Context, Scaled, handler, is_power_of_two, need_view
from spk.importer.mlir import Value
from spk.importer.views import BATCH, TIME, Atom, Group, View, axis_atoms, group_size, merge

__all__ = ["head_dims", "head_product", "is_head_chunk", "is_in_place", "leading", "swap"]

HINT = "products per time step and head, the dimensions in front of the last two being time, batch and heads"


def swap(view: View) -> View:
    """``view.transpose(-2, -1)``."""
    return View(view.value, (*view.dims[:-2], view.dims[-1], view.dims[-2]))


def leading(view: View) -> tuple[Group, Group, Group]:
    """Time, batch and head atoms of the dimensions in front of the last two."""
    flat = [a for g in view.dims[:-2] for a in g]
    return (
        tuple(a for a in flat if a.axis == TIME),
        tuple(a for a in flat if a.axis == BATCH),
        tuple(a for a in flat if a.axis not in (TIME, BATCH) and a.size > 1),
    )


def is_head_chunk(heads: Group, channels: Group) -> bool:
    """Whether heads and channels are one axis, heads outside."""
    return len(merge((*heads, *channels))) == 1


def is_in_place(view: View, axes: tuple[Group, ...]) -> bool:
    """Whether the view's value has these axes already."""
    return tuple(merge(g) for g in axes) == tuple(merge(g) for g in axis_atoms(view.value.shape))


def head_dims(lead: tuple[Group, ...], shape: tuple[int, ...], heads: int, rows: int, columns: int) -> tuple[Group, ...]:
    """The torch dimensions ``[..., rows, columns of a head]`` of a value of this shape.

    Args:
        lead: dimensions of an operand in front of the last two.
        shape: of the value, four axes.
        heads: in the axis `columns`.
        rows: axis of the rows.
        columns: axis of heads and columns, heads outside.
    """
    width = shape[columns] // heads
    left = {TIME: shape[TIME], BATCH: shape[BATCH], columns: heads}
    dims: list[Group] = []
    for group in lead:
        out = []
        for atom in group:
            axis = atom.axis if atom.axis in (TIME, BATCH) else columns
            if atom.size == 1:
                if axis == TIME:
                    out.append(atom)
                continue
            left[axis] //= atom.size
            out.append(Atom(axis, atom.size, left[axis] * (width if axis == columns else 1)))
        dims.append(merge(out))
    return (*dims, merge((Atom(rows, shape[rows], 1),)), merge((Atom(columns, width, 1),)))


@dataclass(frozen=True)
class _Orientation:
    """Rows and columns of a product, as axes of four."""

    rows: View
    columns: View
    row_axes: tuple[Group, ...]
    column_axes: tuple[Group, ...]
    merit: tuple[int, int, int]


def _orientation(rows: View, columns: View) -> _Orientation:
    """``rows [..., R, K] @ columns [..., K, S]``."""
    time, batch, heads = leading(rows)
    row_axes = (time, batch, rows.dims[-2], (*heads, *rows.dims[-1]))
    time, batch, other = leading(columns)
    column_axes = (time, batch, columns.dims[-2], (*other, *columns.dims[-1]))
    merit = (
        is_head_chunk(heads, rows.dims[-1]) + is_head_chunk(other, columns.dims[-1]),
        is_in_place(rows, row_axes) + is_in_place(columns, column_axes),
        int(not rows.value.is_float),  # set bits of rows are cheap to walk
    )
    return _Orientation(rows, columns, row_axes, column_axes, merit)


def _unscaled(ctx: Context, view: View) -> tuple[View, float]:
    """The view without a power of two that stands on spikes or integers, and that number."""
    value = view.value
    if isinstance(value, Scaled) and value.base is not None and is_power_of_two(value.factor):
        return view.with_value(value.base), value.factor
    return ctx.real(view), 1.0


def head_product(ctx: Context, a: View, b: View, factor: float = 1.0, site: str = "") -> View:
    """``a @ b`` times a power of two.

    Raises:
        Unsupported: where the product joins time steps, images or broadcasts.
    """
    site = site or ctx.path
    if len(a.dims) != len(b.dims) or a.shape[:-2] != b.shape[:-2]:
        raise Unsupported("a matrix product that broadcasts", HINT)
    (a, left), (b, right) = _unscaled(ctx, a), _unscaled(ctx, b)
    factor *= left * right
    for group in (*a.dims[-2:], *b.dims[-2:]):
        if any(atom.axis in (TIME, BATCH) and atom.size > 1 for atom in group):
            raise Unsupported("a matrix product across time or batch", HINT)
    direct, transposed = _orientation(a, b), _orientation(swap(b), swap(a))
    chosen = transposed if transposed.merit > direct.merit else direct
    rows = ctx.layout.materialise(chosen.rows, chosen.row_axes, site)
    columns = ctx.layout.materialise(chosen.columns, chosen.column_axes, site)
    steps = max(rows.shape[TIME], columns.shape[TIME])
    rows, columns = (ctx.layout.repeat(x, steps, site) for x in (rows, columns))
    heads = group_size(leading(a)[2])
    shape = (*rows.shape[:3], columns.shape[3])
    result = ctx.builder.fresh(shape, "f32")
    text = f"spk.matmul {rows.name}, {columns.name}{{attrs}} : ({rows.type}, {columns.type}) -> {result.type}"
    value: Value = ctx.builder.add("spk.matmul", text, result, site, num_heads=f"{heads} : i64")
    if factor != 1.0:
        value = ctx.binary("arith.mulf", value, ctx.splat(factor, shape, site), site)
    lead = chosen.rows if chosen.rows.value.shape[TIME] == steps else chosen.columns
    view = View(value, head_dims(lead.dims[:-2], shape, heads, rows=2, columns=3))
    return swap(view) if chosen is transposed else view


@handler("aten.softmax.int", "aten._softmax.default")
def _softmax(ctx: Context, x: Any, dim: int, *_: Any) -> View:
    view = ctx.floats(need_view(x))
    dim %= len(view.dims)
    summed = view.dims[dim]
    if any(a.axis in (TIME, BATCH) and a.size > 1 for a in summed):
        raise Unsupported("a softmax across time or batch", "a softmax over keys, queries or classes")
    time, batch = ctx.layout.time_batch(view)
    others = [tuple(a for a in g if a.axis not in (TIME, BATCH)) for i, g in enumerate(view.dims) if i != dim]
    others = [g for g in others if g]
    forms: list[tuple[tuple[Group, ...], int, str]] = []
    for i, rows in enumerate(others):  # over the innermost axis, runs of which are heads
        heads = tuple(a for j, g in enumerate(others) if j != i for a in g)
        forms.append(((time, batch, rows, (*heads, *summed)), group_size(heads), "keys"))
    rest = tuple(a for g in others for a in g)
    forms.append(((time, batch, summed, rest), 1, "queries"))
    if not others:
        forms = [((time, batch, (), summed), 1, "keys")]
    axes, heads, over = next((f for f in forms if is_in_place(view, f[0])), forms[-2] if others else forms[0])
    form = ctx.layout.form(view, axes, ctx.path)
    result = ctx.builder.fresh(form.value.shape, "f32")
    text = f"spk.softmax {form.value.name}{{attrs}} : {result.type}"
    attributes = {"num_heads": f"{heads} : i64", "over": f"#spk.softmax_axis<{over}>"}
    return form.with_value(ctx.builder.add("spk.softmax", text, result, ctx.path, **attributes))
