"""Which values of a captured graph are parts or other views of one tensor, and what an assignment to one does to the rest.

A graph that PyTorch captures may change tensors in place::

    out[:, :, 0:1] = border     %slice = aten.slice.Tensor(%out, 2, 0, 1); aten.copy_.default(%slice, %border)

The values of the importer never change.  An in-place operation is therefore
computed as if it gave a new tensor, and everything that shares memory with its
operand gets a new value: the tensors that the operand is a view of, by
`written`, and other views of them, which are computed again.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from spk.errors import Unsupported
from spk.importer.assign import Pieces, joined, put, within, without
from spk.importer.context import Const, Context
from spk.importer.ops_view import reshaped
from spk.importer.views import View, permute

__all__ = ["Aliases", "is_mutation", "overwrites", "read", "written"]

_METADATA = {"unsqueeze_", "squeeze_", "transpose_", "t_", "swapaxes_", "swapdims_", "detach_", "requires_grad_"}
_OVERWRITES = {"copy_", "fill_", "zero_"}
_SAME = {"detach", "alias", "contiguous", "to", "_to_copy", "lift_fresh", "dropout", "type_as", "positive"}
_PERMUTES = {"permute", "transpose", "t", "mT", "numpy_T", "movedim", "moveaxis", "swapaxes", "swapdims"}
_RESHAPES = {"view", "reshape", "flatten", "unflatten", "unsqueeze", "squeeze", "_unsafe_view", "view_as", "reshape_as"}


def _operation(node: torch.fx.Node) -> str:
    """``slice`` of ``aten.slice.Tensor``."""
    if node.target is operator.getitem:
        return "getitem"
    schema = getattr(node.target, "_schema", None)
    return schema.name.rpartition(":")[2] if schema is not None else ""


def is_mutation(node: torch.fx.Node) -> bool:
    """Whether a node changes the elements of its first operand."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable and _operation(node) not in _METADATA


def overwrites(node: torch.fx.Node) -> bool:
    """Whether a node gives its first operand new elements, whatever it held."""
    return _operation(node) in _OVERWRITES


def _shape(node: torch.fx.Node) -> tuple[int, ...]:
    return tuple(node.meta["val"].shape)


class Aliases:
    """Nodes of a graph by the memory that their tensors lie in."""

    def __init__(self, graph: torch.fx.Graph) -> None:
        self._groups: dict[int, list[torch.fx.Node]] = {}
        self._only_written: dict[torch.fx.Node, bool] = {}
        for node in graph.nodes:
            storage = self._storage(node)
            if storage is not None:
                self._groups.setdefault(storage, []).append(node)

    @staticmethod
    def _storage(node: torch.fx.Node) -> int | None:
        val = node.meta.get("val")
        return val.untyped_storage()._cdata if isinstance(val, Tensor) else None

    def base(self, node: torch.fx.Node) -> torch.fx.Node | None:
        """The tensor that a node is a view of, or that it changed in place; None if it has memory of its own."""
        source = node.args[0] if node.op == "call_function" and node.args else None
        if node.target is operator.getitem and isinstance(source, torch.fx.Node):
            source = source.args[0]
        if not isinstance(source, torch.fx.Node) or self._storage(source) is None:
            return None
        return source if self._storage(source) == self._storage(node) else None

    def chain(self, node: torch.fx.Node) -> Iterator[torch.fx.Node]:
        """The node, what it is a view of, and so on."""
        current: torch.fx.Node | None = node
        while current is not None:
            yield current
            current = self.base(current)

    def only_written(self, node: torch.fx.Node) -> bool:
        """Whether a view serves as the target of assignments alone, so that what it held is never read."""
        if node not in self._only_written:
            self._only_written[node] = (
                self.base(node) is not None
                and not is_mutation(node)
                and bool(node.users)
                and all(
                    user.args[0] is node
                    and list(user.all_input_nodes).count(node) == 1
                    and (overwrites(user) or self.base(user) is node and self.only_written(user))
                    for user in node.users
                )
            )
        return self._only_written[node]

    def stale(self, node: torch.fx.Node) -> list[torch.fx.Node]:
        """Views from before an in-place operation that are used behind it and do not lead to its operand, in order."""
        storage = self._storage(node.args[0])  # type: ignore[arg-type]
        group = self._groups.get(storage, []) if storage is not None else []
        chain = set(self.chain(node.args[0]))  # type: ignore[arg-type]
        earlier = [n for n in group if n < node and n not in chain]
        wanted: set[torch.fx.Node] = set()
        for other in reversed(earlier):
            if any(node < user for user in other.users) or any(user in wanted for user in other.users):
                wanted.add(other)
        return [n for n in earlier if n in wanted]


def _offsets(source: torch.fx.Node, index: int) -> tuple[int, int, int]:
    """Dimension, start and size of a result of chunk, split or unbind."""
    parts = [tuple(x.shape) for x in source.meta["val"]]
    whole = _shape(source.args[0])  # type: ignore[arg-type]
    dims = [*source.args[2:3], *(v for k, v in source.kwargs.items() if k == "dim")] if _operation(source) != "unbind" else source.args[1:2]
    dim = int(dims[0]) % len(whole) if dims else 0  # type: ignore[call-overload]
    sizes = [1 if _operation(source) == "unbind" else shape[dim] for shape in parts]
    return dim, sum(sizes[:index]), sizes[index]


def _place(node: torch.fx.Node, shape: Sequence[int]) -> tuple[int, int, int] | None:
    """Dimension, start and size of the part that a view takes, None if it takes all."""
    name = _operation(node)
    if name == "getitem":
        return _offsets(node.args[0], node.args[1])  # type: ignore[arg-type]
    if name not in ("select", "slice", "narrow"):
        return None
    arguments = [*node.args[1:], *node.kwargs.values()]
    dim = int(arguments[0] if arguments else 0) % len(shape)  # type: ignore[call-overload]
    if name == "select":
        return dim, int(arguments[1]) % shape[dim], 1  # type: ignore[call-overload]
    start, end = (*arguments[1:3], None, None)[:2]
    if name == "narrow":
        return dim, int(start), int(end)  # type: ignore[call-overload]
    if len(arguments) > 3 and arguments[3] != 1:
        raise Unsupported(f"an assignment to every {arguments[3]}th element", "assignment to a contiguous slice")
    first, last, _ = slice(start, end).indices(shape[dim])  # type: ignore[misc]
    return dim, first, last - first


def written(ctx: Context, base: Any, node: torch.fx.Node, value: Any) -> Any:
    """The tensor `base` once its view `node` has the elements `value`."""
    if is_mutation(node):
        return value
    source = node.args[0] if node.target is not operator.getitem else node.args[0].args[0]  # type: ignore[union-attr]
    shape = _shape(source)  # type: ignore[arg-type]
    if isinstance(base, Const) and isinstance(value, Const):
        copy = base.tensor.expand(shape).clone()
        _view_of(node, copy).copy_(value.tensor)
        return Const(copy, f"{value.key}:in {base.key}")
    place = _place(node, shape)
    if place is not None:
        dim, start, size = place
        if len(_shape(node)) < len(shape):
            value = _unsqueezed(value, dim)
        return put(ctx, base, shape, dim, start, size, value)
    if isinstance(value, Pieces):
        value = joined(ctx, value)
    name = _operation(node)
    if name in _SAME:
        return value
    if name in _RESHAPES:
        return Const(value.tensor.reshape(shape), value.key) if isinstance(value, Const) else reshaped(ctx, value, shape)
    if name in _PERMUTES:
        order = _inverse(node, len(shape))
        return Const(value.tensor.permute(order), value.key) if isinstance(value, Const) else permute(value, order)
    raise Unsupported(f"an in-place operation on what {name} gives", "the same operation out of place, or assignment to a slice")


def read(ctx: Context, pieces: Pieces, node: torch.fx.Node) -> Any:
    """What a view takes of a tensor in parts, None if that is not one of them."""
    place = _place(node, pieces.shape)
    if place is None or place[0] != pieces.dim:
        return None
    content = within(ctx, pieces, *place[1:])
    if content is None or len(_shape(node)) == len(pieces.shape):
        return content
    if isinstance(content, Const):
        return Const(content.tensor.squeeze(place[0]), content.key)
    return without(content, place[0])


def _inverse(node: torch.fx.Node, rank: int) -> list[int]:
    """The permutation that takes a permuted view back."""
    sizes = torch.empty([i + 2 for i in range(rank)], device="meta")
    moved = [n - 2 for n in _view_of(node, sizes).shape]
    return [moved.index(i) for i in range(rank)]


def _view_of(node: torch.fx.Node, tensor: Tensor) -> Tensor:
    """The same view of another tensor."""
    if node.target is operator.getitem:
        source = node.args[0]
        return source.target(tensor, *source.args[1:], **source.kwargs)[node.args[1]]  # type: ignore[union-attr, operator, index]
    return node.target(tensor, *node.args[1:], **node.kwargs)  # type: ignore[operator]


def _unsqueezed(value: Any, dim: int) -> Any:
    if isinstance(value, Const):
        return Const(value.tensor.unsqueeze(dim), value.key)
    if isinstance(value, Pieces):
        raise Unsupported("an assignment of a tensor that is itself assigned part by part", "one tensor, assigned as a whole")
    return View(value.value, (*value.dims[:dim], (), *value.dims[dim:]))
