"""Recognition of spiking attention cores: two products of spikes with an optional scale.

Whatever the class that writes them, the products read as a chain ``A B C``::

    A B C = Q Kᵀ V      tokens are the rows of A
    A B C = Vᵀ K Qᵀ     the same, transposed: channels are the rows of A

multiplied as ``(A B) C`` or ``A (B C)``.  The first product stays deferred until
the second one meets it, and the second until all scales are known.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from spk.errors import Unsupported
from spk.importer.context import Const, Context, Deferred, Scaled, handler, is_power_of_two, need_view
from spk.importer.mlir import Value, f32
from spk.importer.ops_layer import linear
from spk.importer.products import head_dims, head_product, is_head_chunk, is_in_place, leading, swap
from spk.importer.views import BATCH, TIME, Atom, Group, View, group_size, merge

__all__ = ["Core", "Product"]

HINT = "scale * (Q @ K.transpose(-2, -1)) @ V of spikes, in either order, heads as contiguous channel chunks"


@dataclass(eq=False)
class Product(Deferred):
    """A product of two spike tensors that waits for the third operand; one axis for each torch dimension."""

    left: View | None = None
    right: View | None = None
    factors: tuple[float, ...] = ()
    site: str = ""
    alone: View | None = field(default=None, repr=False)

    def emit_view(self, context: Context, path: str) -> View:
        """The product by itself: something else than a third operand reads it."""
        if self.alone is None:
            assert self.left is not None and self.right is not None
            view = head_product(context, self.left, self.right, site=self.site)
            for factor in self.factors:
                splat = context.splat(factor, view.value.shape, self.site)
                view = view.with_value(context.binary("arith.mulf", view.value, splat, self.site))
            self.alone = view
        return self.alone

    def scaled(self, factor: float, path: str) -> Deferred:
        return replace(self, factors=(*self.factors, factor), alone=None)


@dataclass(eq=False)
class Core(Deferred):
    """An attention core that waits for its scale."""

    operands: tuple[View, View, View] = ()  # type: ignore[assignment]
    heads: int = 1
    order: str = "qk_first"
    token_last: bool = False
    inner: tuple[float, ...] = ()
    outer: tuple[float, ...] = ()
    site: str = ""
    axes: tuple[tuple[Group, ...], ...] = field(default=())

    def scaled(self, factor: float, path: str) -> Deferred:
        return replace(self, outer=(*self.outer, factor), forced=None)

    def _scale(self) -> tuple[float, str]:
        """The scale as one number, and the product it follows."""
        rounding = [("first", s) for s in self.inner if not is_power_of_two(s)]
        rounding += [("second", s) for s in self.outer if not is_power_of_two(s)]
        if len(rounding) > 1:
            raise Unsupported("several attention scales that are no powers of two", "one scale")
        total = 1.0
        for s in (*self.inner, *self.outer):
            total *= s
        if rounding:
            return total, rounding[0][0]
        return total, "first" if self.inner and not self.outer else "second"

    def emit(self, context: Context, path: str) -> Value:
        scale, after = self._scale()
        values = [context.layout.materialise(v, a, self.site) for v, a in zip(self.operands, self.axes, strict=True)]
        result = context.builder.fresh(self.shape, "f32")
        attributes = {"num_heads": f"{self.heads} : i64", "scale": f32(scale)}
        attributes["source_order"] = f"#spk.association<{self.order}>"
        attributes["scale_after"] = f"#spk.scale_after<{after}>"
        attributes["token_layout"] = f"#spk.token_layout<{'token_last' if self.token_last else 'token_first'}>"
        names = ", ".join(v.name for v in values)
        types = ", ".join(v.type for v in values)
        return context.builder.add("spk.ssa", f"spk.ssa {names}{{attrs}} : ({types}) -> {result.type}", result, self.site, **attributes)


def _operand(view: View) -> tuple[View, float] | None:
    """A view of spikes and the scale that stands on them, None if the view is no spikes."""
    value = view.value
    if isinstance(value, Scaled) and value.base is not None and value.base.dtype == "i1":
        return view.with_value(value.base), value.factor
    if not isinstance(value, Deferred) and value.dtype == "i1":
        return view, 1.0
    return None


def _first_product(a: View, b: View, site: str) -> View | None:
    """The product that waits for a third operand, None if it is no product of spikes."""
    left, right = _operand(a), _operand(b)
    if left is None or right is None:
        return None
    if len(a.dims) != len(b.dims) or a.shape[:-2] != b.shape[:-2]:
        raise Unsupported("a matrix product that broadcasts", HINT)
    factors = tuple(s for s in (left[1], right[1]) if s != 1.0)
    if not all(is_power_of_two(s) for s in factors):
        raise Unsupported("a scale that is no power of two on an operand of the attention", "the scale behind a product")
    shape = (*a.shape[:-1], b.shape[-1])
    product = Product(shape, left=left[0], right=right[0], factors=factors, site=site)
    return View(product, _plain(shape))  # type: ignore[arg-type]


def _plain(shape: tuple[int, ...]) -> tuple[Group, ...]:
    return tuple((Atom(i, n, 1),) if n > 1 else () for i, n in enumerate(shape))


def _unfold(view: View) -> tuple[View, View]:
    """The two operands of a deferred product, seen through a transposition of its last two dimensions."""
    product = view.value
    assert isinstance(product, Product) and product.left is not None and product.right is not None
    plain = _plain(product.shape)
    flat = [a for g in view.dims[:-2] for a in g if a.size > 1]
    if merge(flat) != merge([a for g in plain[:-2] for a in g]):
        raise Unsupported("an attention map whose heads or time steps are rearranged", HINT)
    tail, plain_tail = tuple(merge(g) for g in view.dims[-2:]), tuple(merge(g) for g in plain[-2:])
    if tail == plain_tail:
        return product.left, product.right
    if tail == plain_tail[::-1]:
        return swap(product.right), swap(product.left)
    raise Unsupported("an attention map that is reshaped before the second product", HINT)


def _axes(view: View, tokens: int, channels: int, token_last: bool) -> tuple[Group, ...]:
    time, batch, heads = leading(view)
    token_axis, channel_axis = view.dims[tokens], (*heads, *view.dims[channels])
    if any(a.axis == BATCH and a.size > 1 for a in (*token_axis, *channel_axis)) or any(a.axis == TIME for a in channel_axis if a.size > 1):
        raise Unsupported("attention across images, or with time steps as channels", HINT)
    matrix = (channel_axis, token_axis) if token_last else (token_axis, channel_axis)
    return (time, batch, *matrix)


def _core(ctx: Context, chain: tuple[View, View, View], left_first: bool, factors: tuple[float, ...], other: View) -> View:
    a, b, c = chain
    heads = group_size(leading(a)[2])
    transposed = heads > 1 and not is_head_chunk(leading(a)[2], a.dims[-1]) and is_head_chunk(leading(a)[2], a.dims[-2])
    if transposed:  # Vᵀ K Qᵀ
        order = "kv_first" if left_first else "qk_first"
        operands, places = (c, b, a), ((-1, -2), (-2, -1), (-1, -2))
    else:  # Q Kᵀ V
        order = "qk_first" if left_first else "kv_first"
        operands, places = (a, b, c), ((-2, -1), (-1, -2), (-2, -1))
    both = {
        last: tuple(_axes(v, t, ch, last) for v, (t, ch) in zip(operands, places, strict=True)) for last in (False, True)
    }
    fits = {last: sum(is_in_place(v, x) for v, x in zip(operands, axes, strict=True)) for last, axes in both.items()}
    token_last = fits[True] > fits[False]
    axes = both[token_last]
    shapes = {tuple(group_size(g) for g in x) for x in axes}
    if len(shapes) != 1:
        raise Unsupported("attention between tensors of different shapes", HINT)
    (shape,) = shapes
    core = Core(
        shape, operands=operands, heads=heads, order=order, token_last=token_last, inner=factors, site=ctx.path, axes=axes
    )
    rows, columns = (3, 2) if token_last else (2, 3)
    view = View(core, head_dims(other.dims[:-2], shape, heads, rows, columns))  # type: ignore[arg-type]
    return swap(view) if transposed else view


@handler("aten.matmul.default", "aten.bmm.default", "aten.mm.default")
def _matmul(ctx: Context, a: Any, b: Any) -> View:
    if isinstance(a, View) and isinstance(b, Const):
        if b.tensor.dim() != 2:
            raise Unsupported("a product with a batch of constant matrices", "torch.nn.Linear")
        return linear(ctx, a, Const(b.tensor.t().contiguous(), f"{b.key}:transposed"), None)
    a, b = need_view(a), need_view(b)
    a_waits, b_waits = isinstance(a.value, Product), isinstance(b.value, Product)
    if not a_waits and not b_waits:
        product = _first_product(a, b, ctx.path)
        return head_product(ctx, a, b) if product is None else product
    waiting, other = (a, b) if a_waits else (b, a)
    third = None if a_waits and b_waits else _operand(other)
    if third is None:
        return head_product(ctx, ctx.real(a), ctx.real(b))
    operand, scale = third
    if not is_power_of_two(scale):
        raise Unsupported("a scale that is no power of two on an operand of the attention", "the scale behind a product")
    product = waiting.value
    assert isinstance(product, Product)
    pair = _unfold(waiting)
    chain = (*pair, operand) if a_waits else (operand, *pair)
    factors = (*product.factors, *(() if scale == 1.0 else (scale,)))
    return _core(ctx, chain, a_waits, factors, operand)  # type: ignore[arg-type]
