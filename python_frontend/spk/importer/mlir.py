"""A small builder for textual MLIR: values, operations, functions."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

__all__ = ["Builder", "Op", "Value", "f32", "f32_array", "i64_array", "quoted", "tensor_type"]

_NAME = re.compile(r"%\w+")

MAX_OF = {"i1": 1, "i8": 127, "i16": 32767, "i32": 2147483647}


def tensor_type(shape: Sequence[int], dtype: str) -> str:
    """``tensor<4x1x8xf32>``."""
    return f"tensor<{''.join(f'{n}x' for n in shape)}{dtype}>"


def _shortest(value: float, digits: int) -> str:
    """The shortest scientific notation that parses back to the same number."""
    pack = "<f" if digits == 9 else "<d"
    wanted = struct.pack(pack, value)
    for precision in range(1, digits):
        text = f"{value:.{precision}e}"
        try:
            packed = struct.pack(pack, float(text))
        except OverflowError:  # the largest number, rounded up
            continue
        if packed == wanted:
            return text
    return f"{value:.{digits}e}"


def f32(value: float) -> str:
    """A float attribute that parses back to exactly this value rounded to f32."""
    rounded = struct.unpack("<f", struct.pack("<f", value))[0]
    return f"{_shortest(rounded, 9)} : f32"


def f64(value: float) -> str:
    """A float attribute of exactly this double."""
    return f"{_shortest(value, 17)} : f64"


def f32_array(values: Iterable[float]) -> str:
    """``array<f32: 0.0, 5.0e-01>``."""
    return f"array<f32: {', '.join(f32(v).split(' ')[0] for v in values)}>"


def i64_array(values: Iterable[int]) -> str:
    """``array<i64: 1, 2>``."""
    return f"array<i64: {', '.join(map(str, values))}>"


def quoted(text: str) -> str:
    """A string literal, also what follows ``@`` for a symbol with dots."""
    escaped = "".join(c if c.isprintable() and c not in '"\\' and ord(c) < 128 else "".join(f"\\{b:02X}" for b in c.encode()) for c in text)
    return f'"{escaped}"'


@dataclass(eq=False)
class Value:
    """An SSA value.

    Attributes:
        name: with its ``%``.
        shape: canonical, ``[T, B, ...]`` for activations.
        dtype: ``f32``, ``i1``, ``i8``, ``i16`` or ``i32``.
        maximum: largest value of an integer value, None for floats.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    maximum: int | None = None

    @property
    def type(self) -> str:
        return tensor_type(self.shape, self.dtype)

    @property
    def is_float(self) -> bool:
        return self.dtype == "f32"


@dataclass(eq=False)
class Op:
    """An operation; printed by `Builder.text`, so it may still change until then.

    Attributes:
        results: its results.
        form: text with ``{attrs}`` where the attribute dictionary goes.
        attributes: printed in order.
        path: location.
        suffix: what follows the form.
        region: text of its region.
    """

    name: str
    results: list[Value]
    form: str
    attributes: dict[str, str] = field(default_factory=dict)
    path: str = ""
    suffix: str = ""
    region: str = ""

    def text(self) -> str:
        attrs = ", ".join(f"{k} = {v}" if v else k for k, v in self.attributes.items())
        body = self.form.replace("{attrs}", f" {{{attrs}}}" if attrs else "")
        results = ", ".join(r.name for r in self.results)
        head = f"{results} = " if results else ""
        region = f" {{\n{self.region}\n    }}" if self.region else ""
        return f"{head}{body}{self.suffix}{region} loc({quoted(self.path or 'model')})"


class Builder:
    """Collects the globals and operations of one function."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.globals: dict[str, tuple[int, ...]] = {}
        self.attributes: dict[str, str] = {}  # of the module
        self._loads: dict[str, Value] = {}
        self._count = 0

    def fresh(self, shape: Sequence[int], dtype: str, maximum: int | None = None) -> Value:
        """A new value with the next number as its name."""
        value = Value(f"%{self._count}", tuple(shape), dtype, maximum)
        self._count += 1
        return value

    def add(self, name: str, form: str, result: Value, path: str, **attributes: str) -> Value:
        """Append an operation with one result."""
        self.ops.append(Op(name, [result], form, dict(attributes), path))
        return result

    def weight(self, key: str, shape: Sequence[int]) -> Value:
        """Load of a global; loads come first in the function, once for each key."""
        if key not in self._loads:
            value = Value(f"%w{len(self._loads)}", tuple(shape), "f32")
            self.globals[key] = tuple(shape)
            self._loads[key] = value
        return self._loads[key]

    def drop_dead(self, returned: Iterable[Value]) -> None:
        """Remove operations and loads that no result depends on."""
        live = {v.name for v in returned}
        kept: list[Op] = []
        for op in reversed(self.ops):
            if any(r.name in live for r in op.results):
                kept.append(op)
                live |= set(_NAME.findall(op.form))
        self.ops = kept[::-1]
        self._loads = {k: v for k, v in self._loads.items() if v.name in live}
        self.globals = {k: v for k, v in self.globals.items() if k in self._loads}

    def opcodes(self) -> list[str]:
        """Names of the operations in order, for tests."""
        return [op.name for op in self.ops]

    def text(self, weights_file: str, arguments: str, results: str, returned: Sequence[Value]) -> str:
        """The module."""
        attributes = {**self.attributes, "spk.weights": quoted(weights_file)}
        lines = [f"module attributes {{{', '.join(f'{k} = {v}' for k, v in attributes.items())}}} {{"]
        for key, shape in self.globals.items():
            kind = tensor_type(shape, "f32")
            lines.append(f"  ml_program.global private @{quoted(key)}(#ml_program.extern : {kind}) : {kind}")
        lines.append(f"  func.func @main({arguments}) -> ({results}) {{")
        for key, value in self._loads.items():
            lines.append(f"    {value.name} = ml_program.global_load_const @{quoted(key)} : {value.type} loc({quoted(key)})")
        lines += [f"    {op.text()}" for op in self.ops]
        names = ", ".join(v.name for v in returned)
        types = ", ".join(v.type for v in returned)
        lines += [f"    return {names} : {types}", "  }", "}", ""]
        return "\n".join(lines)
