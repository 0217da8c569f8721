"""What the translation of one graph works with: values, constants, deferred values."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from spk.errors import Problem, Unsupported
from spk.importer.capture import Captured
from spk.importer.layout import Layouter
from spk.importer.mlir import Builder, Op, Value, f32, tensor_type
from spk.importer.views import View, compose

__all__ = ["Complement", "Const", "Context", "Deferred", "Margin", "Scaled", "Unknown", "handler", "handlers", "is_power_of_two"]


@dataclass(eq=False)
class Const:
    """A tensor that does not depend on the input: a parameter, a buffer or something computed from them."""

    tensor: Tensor
    key: str


@dataclass(frozen=True)
class Margin:
    """How a value can be computed with a margin around its pixels, and what stands in that margin.

    Attributes:
        grow: the value with this many rows and columns more on each side.
        content: what stands in the margin, by channel, in float64.
        slack: how far what a model computes for it in float32 may be from that.
    """

    grow: Callable[[int, int], View]
    content: Tensor
    slack: Tensor


class Unknown:
    """Result of an operation that could not be imported; what uses it is skipped silently."""


@dataclass(eq=False)
class Deferred:
    """A value that is emitted only when something needs it in full.

    `shape` and `dtype` are those of the value to be.
    """

    shape: tuple[int, ...]
    dtype: str = "f32"
    maximum: int | None = None
    name: str = "%deferred"
    forced: Value | None = field(default=None, repr=False)

    @property
    def is_float(self) -> bool:
        return self.dtype == "f32"

    def emit(self, context: Context, path: str) -> Value:
        """Emit the operations of this value."""
        raise NotImplementedError

    def emit_view(self, context: Context, path: str) -> View | None:
        """Emit the operations of this value where a view of another form is to stand for it, else None."""
        return None

    def scaled(self, factor: float, path: str) -> Deferred | None:
        """This value times a number, None if it cannot absorb it."""
        return None

    def plus(self, number: float, path: str) -> Deferred | None:
        """This value and a number added to it, None if it cannot absorb it."""
        return None

    def over(self, number: float) -> Deferred | None:
        """This value divided by a number, None if it cannot absorb it."""
        return None


@dataclass(eq=False)
class Scaled(Deferred):
    """Spikes or integers times a number: attention scales may stand on an operand."""

    base: Value | None = None
    factor: float = 1.0

    def emit(self, context: Context, path: str) -> Value:
        assert self.base is not None
        value = context.layout.to_float(self.base, path)
        return context.binary("arith.mulf", value, context.splat(self.factor, value.shape, path), path)


@dataclass(eq=False)
class Complement(Deferred):
    """One minus spikes, as float: as a factor of spikes it is a logical NOT."""

    base: Value | None = None

    def emit(self, context: Context, path: str) -> Value:
        assert self.base is not None
        value = context.layout.to_float(self.base, path)
        return context.binary("arith.subf", context.splat(1.0, value.shape, path), value, path)

    def inverted(self, context: Context, path: str) -> Value:
        """The complement as spikes."""
        assert self.base is not None
        return context.binary("arith.xori", self.base, context.spikes(True, self.base.shape, path), path)


def is_power_of_two(x: float) -> bool:
    """Whether multiplying by x is exact (barring underflow)."""
    mantissa, _ = torch.frexp(torch.tensor(abs(x), dtype=torch.float64))
    return float(mantissa) == 0.5


Handler = Callable[..., Any]
handlers: dict[str, Handler] = {}


def handler(*names: str) -> Callable[[Handler], Handler]:
    """Register the translation of ATen operations by name, for example ``aten.conv2d.default``."""

    def register(function: Handler) -> Handler:
        for name in names:
            handlers[name] = function
        return function

    return register


class Context:
    """State of the translation of one graph."""

    def __init__(self, captured: Captured, tb_scan: bool = False) -> None:
        self.captured = captured
        self.tb_scan = tb_scan  # whether a neuron that is fed time and batch as one axis scans both
        self.builder = Builder()
        self.layout = Layouter(self.builder)
        self.path = ""
        self.warnings: list[Problem] = []
        self.states: dict[str, Any] = {}
        self.heads: dict[Value, Op] = {}  # membranes of neurons that never fire, and what makes them
        self.folded: set[int] = set()  # time steps that single-step neurons take for a part of the batch
        self.constants: dict[str, Tensor] = {}
        self.by_number: dict[Value, tuple[str, Value, float]] = {}  # operation, operand and number that made a value
        self._splats: dict[tuple, Value] = {}
        self.margins: dict[Value, Margin] = {}  # values that can be computed with more pixels around them

    # Constants ----------------------------------------------------------------

    def weight(self, const: Const, shape: tuple[int, ...] | None = None, key: str | None = None) -> Value:
        """A constant as a global, optionally under another shape."""
        tensor = const.tensor.detach().to(torch.float32)
        tensor = tensor.reshape(shape) if shape is not None else tensor
        key = key or const.key
        others = (f"{key}:{i}" for i in itertools.count(2))  # other tensors of the same name
        for own in itertools.chain((key, f"{key}:{'x'.join(map(str, tensor.shape))}"), others):
            known = self.constants.get(own)
            if known is None:
                self.constants[own] = tensor.contiguous().clone()
            if known is None or (known.shape == tensor.shape and known.equal(tensor)):
                break
        return self.builder.weight(own, tuple(tensor.shape))

    def splat(self, number: float, shape: tuple[int, ...], path: str) -> Value:
        """A constant tensor of one number."""
        key = (float(number), shape)
        if key not in self._splats:
            result = self.builder.fresh(shape, "f32")
            literal = f32(number).split(" ")[0]
            form = f"arith.constant dense<{literal}> : {tensor_type(shape, 'f32')}"
            self._splats[key] = self.builder.add("arith.constant", form, result, path)
        return self._splats[key]

    def spikes(self, fires: bool, shape: tuple[int, ...], path: str) -> Value:
        """A constant tensor in which everything fires, or nothing."""
        key = (fires, shape, "i1")
        if key not in self._splats:
            result = self.builder.fresh(shape, "i1", int(fires))
            form = f"arith.constant dense<{str(fires).lower()}> : {tensor_type(shape, 'i1')}"
            self._splats[key] = self.builder.add("arith.constant", form, result, path)
        return self._splats[key]

    # Values -------------------------------------------------------------------

    def real(self, view: View) -> View:
        """The view with a deferred value emitted."""
        value = view.value
        if isinstance(value, Deferred):
            other = value.emit_view(self, self.path)
            if other is not None:
                return compose(other, view)
            if value.forced is None:
                value.forced = value.emit(self, self.path)
            return view.with_value(value.forced)
        return view

    def absorb(self, view: View, weight: Const) -> tuple[View, Const]:
        """The input of a synapse and its weights: a power of two that stands on spikes or integers goes to the weights."""
        value = view.value
        if isinstance(value, Scaled) and value.base is not None and is_power_of_two(value.factor):
            tensor = weight.tensor.detach().to(torch.float32)
            scaled = tensor * value.factor
            if torch.equal(scaled / value.factor, tensor):  # unless the smallest weights lose bits
                return view.with_value(value.base), Const(scaled, f"{weight.key}:times {value.factor:g}")
        return self.real(view), weight

    def floats(self, view: View) -> View:
        """The view as f32."""
        view = self.real(view)
        return view.with_value(self.layout.to_float(view.value, self.path))

    def binary(self, op: str, lhs: Value, rhs: Value, path: str) -> Value:
        """An elementwise arith operation on equal types."""
        result = self.builder.fresh(lhs.shape, lhs.dtype, lhs.maximum)
        return self.builder.add(op, f"{op} {lhs.name}, {rhs.name}{{attrs}} : {lhs.type}", result, path)

    def warn(self, path: str, module: str, op: str, reason: str, hint: str = "", source: str = "") -> None:
        """Note something that compiles but probably means something else than intended."""
        self.warnings.append(Problem(path, module, op, reason, hint, source))


def need_view(x: Any, what: str = "operand") -> View:
    """The argument as a view.

    Raises:
        Unsupported: if it is a constant or a number.
    """
    if isinstance(x, View):
        return x
    raise Unsupported(f"{what} is a constant", "an activation")


def need_const(x: Any, what: str) -> Const:
    """The argument as a constant.

    Raises:
        Unsupported: if it depends on the input.
    """
    if isinstance(x, Const):
        return x
    raise Unsupported(f"{what} depends on the input", f"a parameter or buffer as {what}")
