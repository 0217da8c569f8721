"""The layers of a module and how they are linked, read from MLIR's generic form.

Names, types and operands are all that is read: what a layer costs and how it runs
is the compiler's to say (``spk-compile --explain=json``), what flows through it
the taps'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spk.artefact import TensorInfo
from spk.errors import SpkError
from spk.neuron_model import FORMS
from spk.tools import run_tool

__all__ = ["Attention", "Graph", "Operand", "Operation", "Product", "TensorType", "read_graph", "type_of"]

UNNAMED = "?"
ATTENTION = "spk.ssa"
PRODUCT = "spk.matmul"

_ALIAS = re.compile(r"^#(loc\d*) = loc\((.*)\)$", re.M)
_NAME = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\(.*\))?')
_MAIN = re.compile(r'^  "func\.func"\(\) <\{.*sym_name = "main".*\(\{$', re.M)
_STATEMENT = re.compile(r'    (?:(%\w+)(?::\d+)? = )?"([\w.]+)"\(([^)]*)\)(.*)')
_TENSOR = re.compile(r"tensor<((?:\d+x)*)(\w+)>")
_TYPE = re.compile(r"(?:[^,<]|<[^>]*>)+")


@dataclass(frozen=True)
class TensorType:
    """Shape, ``[T, B, ...]`` for activations, and element type such as ``i1`` or ``f32``."""

    shape: tuple[int, ...]
    element: str


def type_of(info: TensorInfo) -> TensorType:
    """The type of an output of a compiled model."""
    kinds = {"b": "i1", "i": f"i{8 * info.dtype.itemsize}", "f": f"f{8 * info.dtype.itemsize}"}
    return TensorType(info.shape, kinds[info.dtype.kind])


@dataclass(frozen=True)
class Operation:
    """One operation of ``@main``.

    Attributes:
        name: with its dialect, ``spk.lif``.
        layer: module path, ``?`` if it has none.
        result: its first value; empty if it has none.
        operands: the values that it reads; ``%7#1`` for another than the first of an operation.
        attributes: their text.
        operand_types: one for each operand, None for what is no tensor.
        type: of the first result.
    """

    name: str
    layer: str
    result: str
    operands: tuple[str, ...]
    attributes: str
    operand_types: tuple[TensorType | None, ...]
    type: TensorType | None

    def number(self, key: str) -> float:
        """A numeric attribute."""
        found = re.search(rf"\b{key} = (\S+) : ", self.attributes)
        if found is None:
            raise SpkError(f"{self.layer}: {self.name} has no number {key}")
        return float(found.group(1))

    def enum(self, key: str) -> str:
        """The case of an enum attribute: ``qk_first`` of ``#spk.association<qk_first>``."""
        found = re.search(rf"\b{key} = #spk\.\w+<(\w+)>", self.attributes)
        if found is None:
            raise SpkError(f"{self.layer}: {self.name} has no {key}")
        return found.group(1)

    def array(self, key: str) -> list[int]:
        """A dense array of integers."""
        found = re.search(rf"\b{key} = array<i64(?:: ([^>]*))?>", self.attributes)
        if found is None:
            raise SpkError(f"{self.layer}: {self.name} has no array {key}")
        return [int(n) for n in (found.group(1) or "").split(",") if n.strip()]


def _view(op: Operation, array: np.ndarray) -> np.ndarray:
    """What an operation makes of an array that it only gives another form."""
    if op.name == "linalg.transpose":
        return array.transpose(op.array("permutation"))
    if op.name == "tensor.extract_slice":
        starts, sizes, strides = (op.array(f"static_{key}") for key in ("offsets", "sizes", "strides"))
        return array[tuple(slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(starts, sizes, strides, strict=True))]
    assert op.type is not None
    return array.reshape(op.type.shape)


_KEEP_MAPS = {f"spk.{name}" for name in (*FORMS, "neuron", "softmax", "scale_shift")}
_VIEWS = {"linalg.transpose", "tensor.cast", "tensor.collapse_shape", "tensor.expand_shape", "tensor.extract_slice"}


@dataclass(frozen=True)
class Operand:
    """What an attention core or a product reads: what a neuron fires, in another form.

    Attributes:
        tap: name of the neuron's output with a tap for spikes, None if they are no neuron's.
        views: operations between the neuron and its reader.
    """

    tap: str | None
    views: tuple[Operation, ...] = ()

    def read(self, taps: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """The operand in its reader's layout, from what the taps hold; None if no tap holds it."""
        if self.tap is None:
            return None
        array = taps[self.tap]
        for op in self.views:
            array = _view(op, array)
        return array


@dataclass(frozen=True)
class Attention:
    """A core ``scale * (Q Kᵀ) V``, or one of products with a map between them.

    Attributes:
        layer: module path.
        tap: name of the output that a tap for its map adds.
        steps: T of its operands.
        tokens: N of them, of keys where queries are others.
        heads: number of heads, contiguous chunks of the channels.
        scale: of the map; None where the map is what weighs the values, scaled, behind softmax or neuron.
        token_last: whether operands are ``[T, B, C, N]`` rather than ``[T, B, N, C]``.
        query, key, value: the operands; of no neuron in a core of products.
    """

    layer: str
    tap: str
    steps: int
    tokens: int
    heads: int
    scale: float | None
    token_last: bool
    query: Operand
    key: Operand
    value: Operand

    def by_head(self, array: np.ndarray) -> np.ndarray:
        """An operand as ``[T, B, heads, N, d]``."""
        if self.token_last:
            array = array.swapaxes(2, 3)
        steps, batch, tokens, channels = array.shape
        return array.reshape(steps, batch, tokens, self.heads, channels // self.heads).swapaxes(2, 3)


@dataclass(frozen=True)
class Product:
    """A matrix product of two activations per head.

    Attributes:
        layer: module path.
        rows, columns: the operands.
    """

    layer: str
    rows: Operand
    columns: Operand


class Graph:
    """The operations of ``@main`` in order; `taps` are outputs that a compiled model has besides its own, with their types.

    Attributes:
        operations: all of them.
        neurons: for every tapped neuron its operation and the name of its output.
        attention: the attention cores of spikes.
        maps: these and the cores of products that have a map.
        products: by its result, every matrix product of activations.
    """

    def __init__(self, operations: Sequence[Operation], taps: Mapping[str, TensorType] | None = None) -> None:
        self.operations = list(operations)
        self._producers = {op.result: op for op in operations if op.result}
        self._weights = self._find_weights()
        self.neurons = list(self._find_neurons(taps or {}))
        self._taps = {op.result: tap for op, tap in self.neurons}
        self.attention: list[Attention] = []
        self.maps: list[Attention] = []
        self.products: dict[str, Product] = {}
        for op in operations:
            if op.name == ATTENTION:
                self.attention.append(self._attention(op))
                self.maps.append(self.attention[-1])
            elif op.name == PRODUCT:
                if self._reads_map(op):
                    self.maps.append(self._weighing(op))
                rows, columns = (self._operand(value) for value in op.operands)
                self.products[op.result] = Product(op.layer, rows, columns)

    def _find_weights(self) -> set[str]:
        """Values that the model holds, or makes of such."""
        weights: set[str] = set()
        for op in self.operations:
            held = op.name in ("ml_program.global_load_const", "arith.constant")
            if held or (op.operands and weights.issuperset(op.operands)):
                weights.add(op.result)
        return weights

    def weighs(self, op: Operation) -> bool:
        """Whether an operation multiplies with a matrix of weights, or activations with each other."""
        if op.name in (ATTENTION, PRODUCT):
            return True
        if not op.name.startswith("spk."):  # arithmetic with a constant tensor
            return False
        if len(op.operands) < 2 or op.operands[0] in self._weights or op.operands[1] not in self._weights:
            return False
        matrix = op.operand_types[1]
        return matrix is not None and len(matrix.shape) > 1

    def _find_neurons(self, taps: Mapping[str, TensorType]) -> Iterator[tuple[Operation, str]]:
        """A module that is called again has taps ``layer:spikes``, ``layer:spikes.1``, ... in order of the calls."""
        waiting: dict[str, list[str]] = {}
        for tap in taps:
            layer, kind = tap.rsplit(":", 1)
            if kind.partition(".")[0] == "spikes":
                waiting.setdefault(layer, []).append(tap)
        for op in self.operations:
            names = waiting.get(op.layer)
            if names and op.name.startswith("spk.") and op.type == taps[names[0]]:
                yield op, names.pop(0)

    def _operand(self, value: str) -> Operand:
        views: list[Operation] = []
        while value not in self._taps:
            op = self._producers.get(value)
            if op is None or op.name not in _VIEWS:
                return Operand(None)
            views.insert(0, op)
            value = op.operands[0]
        return Operand(self._taps[value], tuple(views))

    def _reads_map(self, op: Operation) -> bool:
        """Whether the rows of a product are an attention map, as ``spk-add-taps`` says."""
        value = op.operands[0]
        while (producer := self._producers.get(value)) is not None:
            if producer.name == PRODUCT:
                return True
            if producer.name not in _KEEP_MAPS | _VIEWS and not producer.name.startswith("arith.") or not producer.operands:
                return False
            value = producer.operands[0]
        return False

    def _tap(self, op: Operation) -> str:
        earlier = sum(core.layer == op.layer for core in self.maps)
        return f"{op.layer}:attention" + (f".{earlier}" if earlier else "")

    def _weighing(self, op: Operation) -> Attention:
        """The core of which a product weighs the values."""
        rows, columns = op.operand_types[:2]
        assert rows is not None and columns is not None
        none = Operand(None)
        heads = int(op.number("num_heads"))
        return Attention(op.layer, self._tap(op), rows.shape[0], columns.shape[2], heads, None, False, none, none, none)

    def _attention(self, op: Operation) -> Attention:
        query, key, value = (self._operand(v) for v in op.operands[:3])
        token_last = op.enum("token_layout") == "token_last"
        tap = self._tap(op)
        assert op.operand_types[0] is not None
        shape = op.operand_types[0].shape
        return Attention(
            layer=op.layer,
            tap=tap,
            steps=shape[0],
            tokens=shape[3 if token_last else 2],
            heads=int(op.number("num_heads")),
            scale=op.number("scale"),
            token_last=token_last,
            query=query,
            key=key,
            value=value,
        )


# Reading ---------------------------------------------------------------------------------------------------------------


def _layer(location: str, aliases: Mapping[str, str]) -> str:
    """The module path of a location: its name, or the first name among fused ones."""
    location = location.strip()
    if location.startswith("#"):
        return _layer(aliases.get(location[1:], ""), aliases)
    if location.startswith("fused"):
        parts = location[location.index("[") + 1 : location.rindex("]")].split(",")
        return next((name for part in parts if (name := _layer(part, aliases)) != UNNAMED), UNNAMED)
    named = _NAME.fullmatch(location)
    return named.group(1) if named else UNNAMED


def _types(text: str) -> tuple[TensorType | None, ...]:
    out = []
    for part in _TYPE.findall(text.strip().removeprefix("(").removesuffix(")")):
        found = _TENSOR.fullmatch(part.strip())
        shape = tuple(int(n) for n in found.group(1).split("x")[:-1]) if found else ()
        out.append(TensorType(shape, found.group(2)) if found else None)
    return tuple(out)


def _statements(body: str) -> Iterator[str]:
    """Operations of a function, each on one line; the regions of those that have some are left out."""
    head = ""
    for line in body.splitlines():
        if line.startswith("  })"):
            return
        if line.startswith("    })"):
            yield head.removesuffix("({") + line.removeprefix("    })")
        elif re.match(r'    [%"]', line):
            head = line
            if not line.endswith("({"):
                yield line


def parse(text: str) -> list[Operation]:
    """The operations of ``@main`` in a module in generic form with locations.

    Raises:
        SpkError: if there is no such function.
    """
    aliases = dict(_ALIAS.findall(text))
    main = _MAIN.search(text)
    if main is None:
        raise SpkError("the module defines no @main")
    operations = []
    for statement in _statements(text[main.end() + 1 :]):
        found = _STATEMENT.match(statement)
        if found is None:
            continue
        result, name, operands, rest = found.groups()
        rest, _, location = rest.rpartition(" loc(")
        attributes, _, types = rest.rpartition(" : (")
        taken, _, given = types.partition(") -> ")
        results = _types(given)
        values = tuple(v.strip().removesuffix("#0") for v in operands.split(",") if v.strip())
        layer = _layer(location.removesuffix(")"), aliases)
        operations.append(Operation(name, layer, result or "", values, attributes, _types(taken), results[0] if results else None))
    return operations


def read_graph(mlir: Path, taps: Mapping[str, TensorType] | None = None) -> Graph:
    """The graph of a module of the phase ``input``, stages of patch splitting taken apart.

    Args:
        mlir: the file.
        taps: outputs of the model compiled from it with taps, by name, with their types.

    Raises:
        ToolError: if it is no valid module.
    """
    done = run_tool("spk-opt", [mlir, "--spk-expand-sps", "--mlir-print-op-generic", "--mlir-print-debuginfo"])
    return Graph(parse(done.stdout), taps)
