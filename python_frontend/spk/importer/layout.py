"""Emits the operations that give a view the form an operation needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from spk.errors import Unsupported
from spk.importer.mlir import Builder, Value
from spk.importer.views import BATCH, TIME, Atom, Group, View, axis_atoms, group_size, merge

__all__ = ["Layouter"]


def _reassociation(fine: Sequence[int], coarse: Sequence[int]) -> list[list[int]] | None:
    """Groups of `fine` axes that make up each `coarse` axis, None if they do not nest."""
    groups: list[list[int]] = []
    i = 0
    for n in coarse:
        group: list[int] = []
        size = 1
        while i < len(fine) and (size < n or (not group and fine[i] == 1)):
            size *= fine[i]
            group.append(i)
            i += 1
        if size != n or not group:
            return None
        groups.append(group)
    for j in range(i, len(fine)):  # trailing unit axes
        if fine[j] != 1 or not groups:
            return None
        groups[-1].append(j)
    return groups


class Layouter:
    """Materialises views, once for each form of each value."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self._cache: dict[tuple, Value] = {}

    # Single operations -------------------------------------------------------

    def reshape(self, value: Value, shape: Sequence[int], path: str) -> Value:
        """A row-major reshape as collapse_shape, expand_shape or both."""
        shape = tuple(shape)
        if shape == value.shape:
            return value
        key = (value, "reshape", shape)
        if key not in self._cache:
            self._cache[key] = self._emit_reshape(value, shape, path)
        return self._cache[key]

    def _emit_reshape(self, value: Value, shape: tuple[int, ...], path: str) -> Value:
        if len(shape) < len(value.shape):
            groups = _reassociation(value.shape, shape)
            if groups is not None:
                return self._collapse(value, shape, groups, path)
        if len(shape) > len(value.shape):
            groups = _reassociation(shape, value.shape)
            if groups is not None:
                return self._expand(value, shape, groups, path)
        return self.reshape(self.reshape(value, self._coarse(value.shape, shape), path), shape, path)

    @staticmethod
    def _coarse(old: Sequence[int], new: Sequence[int]) -> tuple[int, ...]:
        """The finest shape that both shapes are refinements of; time and batch stay axes of their own, also where they are 1."""

        def cuts(shape: Sequence[int]) -> set[int]:
            return {math.prod(shape[i:]) for i in range(len(shape) + 1)}

        lead = tuple(old[:2]) if tuple(old[:2]) == tuple(new[:2]) else ()
        points = sorted(cuts(old[len(lead) :]) & cuts(new[len(lead) :]))
        return (*lead, *tuple(large // small for small, large in zip(points, points[1:], strict=False))[::-1])

    def _collapse(self, value: Value, shape: tuple[int, ...], groups: list[list[int]], path: str) -> Value:
        result = self.builder.fresh(shape, value.dtype, value.maximum)
        form = f"tensor.collapse_shape {value.name} {groups}{{attrs}} : {value.type} into {result.type}"
        return self.builder.add("tensor.collapse_shape", form, result, path)

    def _expand(self, value: Value, shape: tuple[int, ...], groups: list[list[int]], path: str) -> Value:
        result = self.builder.fresh(shape, value.dtype, value.maximum)
        form = (
            f"tensor.expand_shape {value.name} {groups} output_shape {list(shape)}{{attrs}}"
            f" : {value.type} into {result.type}"
        )
        return self.builder.add("tensor.expand_shape", form, result, path)

    def transpose(self, value: Value, order: Sequence[int], path: str) -> Value:
        """linalg.transpose into an empty tensor."""
        order = tuple(order)
        if order == tuple(range(len(order))):
            return value
        key = (value, "transpose", order)
        if key not in self._cache:
            shape = tuple(value.shape[i] for i in order)
            init = self.builder.fresh(shape, value.dtype)
            self.builder.add("tensor.empty", f"tensor.empty() : {init.type}", init, path)
            result = self.builder.fresh(shape, value.dtype, value.maximum)
            form = (
                f"linalg.transpose ins({value.name} : {value.type}) outs({init.name} : {init.type})"
                f" permutation = {list(order)}"
            )
            self._cache[key] = self.builder.add("linalg.transpose", form, result, path)
        return self._cache[key]

    def slice(self, value: Value, axis: int, offset: int, size: int, path: str) -> Value:
        """tensor.extract_slice along one axis."""
        shape = list(value.shape)
        shape[axis] = size
        offsets = [offset if i == axis else 0 for i in range(len(shape))]
        key = (value, "slice", axis, offset, size)
        if key not in self._cache:
            result = self.builder.fresh(shape, value.dtype, value.maximum)
            form = f"tensor.extract_slice {value.name}{offsets} {shape} {[1] * len(shape)} : {value.type} to {result.type}"
            self._cache[key] = self.builder.add("tensor.extract_slice", form, result, path)
        return self._cache[key]

    def repeat(self, value: Value, steps: int, path: str) -> Value:
        """spk.repeat of a value with T = 1."""
        if value.shape[0] == steps:
            return value
        key = (value, "repeat", steps)
        if key not in self._cache:
            result = self.builder.fresh((steps, *value.shape[1:]), value.dtype, value.maximum)
            form = f"spk.repeat {value.name}{{attrs}} : {value.type} -> {result.type}"
            self._cache[key] = self.builder.add("spk.repeat", form, result, path)
        return self._cache[key]

    def to_float(self, value: Value, path: str) -> Value:
        """Spikes and integers as f32."""
        if value.is_float:
            return value
        key = (value, "float")
        if key not in self._cache:
            op = "arith.uitofp" if value.dtype == "i1" else "arith.sitofp"
            result = self.builder.fresh(value.shape, "f32")
            self._cache[key] = self.builder.add(op, f"{op} {value.name}{{attrs}} : {value.type} to {result.type}", result, path)
        return self._cache[key]

    # Views --------------------------------------------------------------------

    def materialise(self, view: View, axes: Sequence[Group], path: str) -> Value:
        """A value whose axes are the given groups of the view's atoms, in order.

        Together the groups must hold every atom of the view once.
        """
        shape = tuple(group_size(g) for g in axes)
        if math.prod(shape) != math.prod(view.value.shape):
            raise Unsupported("a view that drops or repeats elements")
        target = merge([a for g in axes for a in g if a.size > 1])
        source = sorted(target, key=lambda a: (a.axis, -a.stride))
        order = [source.index(a) for a in target]
        if order == sorted(order):
            return self.reshape(view.value, shape, path)
        runs: list[list[int]] = []  # neighbouring features move together
        for i, place in enumerate(order):
            if runs and place == runs[-1][-1] + 1 and target[i].axis > BATCH and source[place - 1].axis > BATCH:
                runs[-1].append(place)
            else:
                runs.append([place])
        sizes = {run[0]: math.prod(source[p].size for p in run) for run in runs}
        starts = sorted(sizes)
        before, moves = [sizes[p] for p in starts], [starts.index(run[0]) for run in runs]
        keep = sum(1 for a in source if a.axis in (TIME, BATCH))
        if moves[:keep] == list(range(keep)) and shape[:2] == view.value.shape[:2]:
            # Time and batch stay in front, as axes of their own even where they are 1.
            before = [*shape[:2], *before[keep:]]
            moves = [0, 1, *(m - keep + 2 for m in moves[keep:])]
        value = self.reshape(view.value, before, path)
        return self.reshape(self.transpose(value, moves, path), shape, path)

    def form(self, view: View, axes: Sequence[Group], path: str) -> View:
        """The view of a materialised value: same torch tensor, axes as given."""
        value = self.materialise(view, axes, path)
        if tuple(axes) == axis_atoms(view.value.shape) and value is view.value:
            return view
        moved: dict[Atom, Atom] = {}
        for axis, group in enumerate(axes):
            stride = 1
            for atom in reversed(group):
                moved[atom] = Atom(axis, atom.size, stride)
                stride *= atom.size
        dims = tuple(merge([moved[a] for a in g if a.size > 1 or a in moved]) for g in view.dims)
        return View(value, dims)

    @staticmethod
    def time_batch(view: View) -> tuple[Group, Group]:
        """The atoms of the time and the batch axis of a view, in torch order."""
        flat = [a for g in view.dims for a in g]
        return tuple(a for a in flat if a.axis == TIME), tuple(a for a in flat if a.axis == BATCH)

    def torch_axes(self, view: View) -> list[Group]:
        """Time, batch and one axis for the features of each torch dimension that has any."""
        time, batch = self.time_batch(view)
        axes: list[Group] = [time, batch]
        for group in view.dims:
            features = tuple(a for a in group if a.axis not in (TIME, BATCH))
            if features:
                axes.append(features)
        return axes

    def torch_form(self, view: View, path: str) -> View:
        """The view in the form of `torch_axes`."""
        return self.form(view, self.torch_axes(view), path)
