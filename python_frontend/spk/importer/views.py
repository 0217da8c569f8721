"""How a torch tensor lies in an MLIR value.

A torch tensor is a `View` of one MLIR value of canonical form ``[T, B, ...]``:
every torch dimension is an ordered group of atoms, and an atom is a factor of
one axis of the value.  For a value of shape ``[4, 2, 96, 8, 8]``::

    x.flatten(0, 1).flatten(2)   dims [(T, B), (C), (H, W)]
    x.reshape(4, 2, 3, 32, 64)   dims [(T), (B), (C: 3, stride 32), (C: 32, stride 1), (H, W)]

Reshapes, permutations and the like only change the groups; operations are
emitted when something needs another form (`spk.importer.layout`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from spk.errors import Unsupported
from spk.importer.mlir import Value

__all__ = [
    "Atom",
    "Group",
    "View",
    "axis_atoms",
    "compose",
    "group_size",
    "merge",
    "permute",
    "refine",
    "reshape",
    "source_order",
    "whole",
]

TIME, BATCH = 0, 1


@dataclass(frozen=True)
class Atom:
    """A factor of an axis: index = sum over the atoms of an axis of digit * stride."""

    axis: int
    size: int
    stride: int


Group = tuple[Atom, ...]


@dataclass(frozen=True)
class View:
    """A torch tensor as groups of factors of an MLIR value's axes.

    Attributes:
        value: the MLIR value, or a deferred value with `shape` and `dtype`.
        dims: one group for each torch dimension; a group may be empty (size 1).
    """

    value: Value
    dims: tuple[Group, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(group_size(g) for g in self.dims)

    def with_value(self, value: Value) -> View:
        """The same view of another value of the same shape."""
        return replace(self, value=value)


def group_size(group: Sequence[Atom]) -> int:
    """Number of elements that a group of atoms indexes."""
    return math.prod(a.size for a in group)


def whole(axis: int, size: int) -> Atom:
    """The atom that covers an axis."""
    return Atom(axis, size, 1)


def merge(group: Sequence[Atom]) -> Group:
    """Joins neighbours that are neighbours in their axis too; drops unit atoms except a lone time marker."""
    out: list[Atom] = []
    for atom in group:
        if atom.size == 1 and atom.axis != TIME:
            continue
        if out and out[-1].axis == atom.axis and out[-1].stride == atom.size * atom.stride:
            out[-1] = Atom(atom.axis, out[-1].size * atom.size, atom.stride)
        else:
            out.append(atom)
    return tuple(out)


def axis_atoms(shape: Sequence[int]) -> tuple[Group, ...]:
    """The dims of a view whose torch dimensions are the axes."""
    return tuple(merge((whole(i, n),)) for i, n in enumerate(shape))


def permute(view: View, order: Sequence[int]) -> View:
    """``torch.permute``."""
    rank = len(view.dims)
    return View(view.value, tuple(view.dims[d % rank] for d in order))


def _take(pending: list[Atom], size: int) -> Group:
    """Removes atoms worth `size` elements from the front, splitting one where needed."""
    taken: list[Atom] = []
    if size == 1:
        if pending and pending[0].size == 1:
            taken.append(pending.pop(0))
        return tuple(taken)
    while size > 1:
        if not pending:
            raise Unsupported("reshape to another number of elements")
        atom = pending.pop(0)
        if atom.size <= size:
            if size % atom.size:
                raise Unsupported("reshape that regroups dimensions that do not divide each other")
            taken.append(atom)
            size //= atom.size
            continue
        if atom.size % size:
            raise Unsupported("reshape that regroups dimensions that do not divide each other")
        inner = atom.size // size
        taken.append(Atom(atom.axis, size, atom.stride * inner))
        pending.insert(0, Atom(atom.axis, inner, atom.stride))
        size = 1
    return tuple(taken)


def reshape(view: View, shape: Sequence[int]) -> View:
    """``torch.reshape`` in row-major order.

    Raises:
        Unsupported: where a new dimension is no product of factors of the old ones;
            the caller may materialise the view and try again.
    """
    total = math.prod(view.shape)
    sizes = list(shape)
    if -1 in sizes:
        rest = math.prod(n for n in sizes if n != -1)
        sizes[sizes.index(-1)] = total // rest
    if math.prod(sizes) != total:
        raise Unsupported(f"reshape of {list(view.shape)} to {list(shape)}")
    pending = list(merge([a for group in view.dims for a in group]))
    dims = [merge(_take(pending, n)) for n in sizes]
    for atom in pending:  # unit markers left over belong to the last dimension
        if dims:
            dims[-1] = (*dims[-1], atom)
    return View(view.value, tuple(dims))


def compose(inner: View, outer: View) -> View:
    """The view `outer` of a value whose axes are the dimensions of `inner`, as a view of inner's value."""
    dims: list[Group] = []
    for group in outer.dims:
        atoms: list[Atom] = []
        for atom in group:
            axis = inner.dims[atom.axis]
            parts = (group_size(axis) // (atom.size * atom.stride), atom.size, atom.stride)
            atoms += reshape(View(inner.value, (axis,)), parts).dims[1]
        dims.append(merge(atoms))
    return View(inner.value, tuple(dims))


def source_order(dims: Sequence[Group]) -> bool:
    """Whether reading the torch dimensions in order reads the value in its own order."""
    flat = merge([a for group in dims for a in group if a.size > 1])
    last = (-1, 0)
    for atom in flat:
        here = (atom.axis, -atom.stride)
        if here <= last:
            return False
        last = here
    return True


def refine(left: Sequence[Atom], right: Sequence[Atom]) -> tuple[list[Atom], list[Atom]]:
    """Splits two groups of equal size until their atoms correspond one to one."""
    a, b = [x for x in left if x.size > 1], [x for x in right if x.size > 1]
    out_a: list[Atom] = []
    out_b: list[Atom] = []
    while a and b:
        n = math.gcd(a[-1].size, b[-1].size)
        smaller = min(a[-1].size, b[-1].size)
        if n != smaller:
            raise Unsupported("operands whose dimensions are factored in incompatible ways")
        for rest, out in ((a, out_a), (b, out_b)):
            atom = rest.pop()
            out.append(Atom(atom.axis, n, atom.stride))
            if atom.size > n:
                rest.append(Atom(atom.axis, atom.size // n, atom.stride * n))
    if a or b:
        raise Unsupported("operands of different sizes")
    return out_a[::-1], out_b[::-1]
