"""Walks the ATen graph and applies the handlers; collects all problems instead of stopping at the first."""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

import spk.importer.attention
import spk.importer.ops_arith
import spk.importer.ops_conv
import spk.importer.ops_mean
import spk.importer.ops_neuron
import spk.importer.ops_norm
import spk.importer.ops_pool
import spk.importer.ops_resample
import spk.importer.ops_round
import spk.importer.ops_unpool
import spk.importer.ops_view  # noqa: F401 - handlers register themselves
from spk.errors import Problem, Unsupported
from spk.importer.aliases import Aliases, is_mutation, overwrites, read, written
from spk.importer.assign import Pieces, joined
from spk.importer.capture import PACKAGE, Captured, module_at, module_name, shown
from spk.importer.context import Const, Context, Unknown, handlers
from spk.importer.mlir import Value, quoted
from spk.importer.views import BATCH, TIME, Atom, Group, View, axis_atoms, group_size, merge

__all__ = ["BATCH_FIRST", "IMAGE", "SEQUENCE", "Result", "translate_graph"]

SEQUENCE, IMAGE, BATCH_FIRST = "sequence", "image", "batch_first"


@dataclass
class Argument:
    """An argument or result of the compiled function."""

    name: str
    static: bool
    value: Value

    def text(self, named: bool) -> str:
        attributes = f"spk.name = {quoted(self.name)}" + (", spk.static" if self.static else "")
        head = f"{self.value.name}: " if named else ""
        return f"{head}{self.value.type} {{{attributes}}}"


@dataclass
class Result:
    """A translated graph: function, weights and findings."""

    context: Context
    inputs: list[Argument] = field(default_factory=list)
    outputs: list[Argument] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    translated: int = 0

    @property
    def warnings(self) -> list[Problem]:
        return self.context.warnings

    def text(self, weights_file: str) -> str:
        """The MLIR module."""
        arguments = ", ".join(a.text(named=True) for a in self.inputs)
        results = ", ".join(a.text(named=False) for a in self.outputs)
        return self.context.builder.text(weights_file, arguments, results, [a.value for a in self.outputs])

    def weights(self) -> dict[str, Tensor]:
        """The tensors that the module reads, by key."""
        return {key: self.context.constants[key] for key in self.context.builder.globals}


_FRAME = re.compile(r'File "([^"]+)", line (\d+)')


def _source(node: torch.fx.Node) -> str:
    """The user's line that a node comes from; where there is none of the user, the nearest of a library."""
    frames = _FRAME.findall(node.meta.get("stack_trace") or "")
    foreign = [f for f in frames if not f[0].startswith(PACKAGE)]
    own = [f for f in foreign if f"{os.sep}site-packages{os.sep}" not in f[0]]
    if not frames:
        return ""
    name, line = (own or foreign or frames)[-1]
    return f"{shown(name)}:{line}"


def _path(node: torch.fx.Node) -> str:
    stack = node.meta.get("nn_module_stack") or {}
    return list(stack.values())[-1][0] if stack else ""


def _op_name(target: Any) -> str:
    return "getitem" if target is operator.getitem else str(target)


_UNREAD = object()  # a view whose elements nothing reads before they are overwritten


class _Walk:
    def __init__(self, captured: Captured, model: nn.Module, readings: Sequence[str], tb_scan: bool) -> None:
        self.captured, self.model = captured, model
        self.context = Context(captured, tb_scan)
        self.result = Result(self.context)
        self.readings = list(readings)
        self.env: dict[torch.fx.Node, Any] = {}
        self.stand_ins: set[Value] = set()
        self.aliases = Aliases(captured.program.graph)
        signature = captured.program.graph_signature
        self.kept = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}

    def run(self) -> Result:
        self._placeholders()
        for node in self.captured.program.graph.nodes:
            if node.op == "call_function":
                self.env[node] = self._call(node)
            elif node.op == "output":
                self._outputs(node)
            elif node.op == "get_attr":
                self._problem(node, Unsupported("a captured sub-graph", "a forward pass without control flow operators"))
                self.env[node] = Unknown()
        if self.context.tb_scan:  # at batch 1 nothing shows that another batch would mean something else
            self.context.builder.attributes.setdefault("spk.fixed_batch", quoted("imported with --tb-scan"))
        if not self.result.problems:
            self.context.builder.drop_dead([a.value for a in self.result.outputs])
        return self.result

    # Inputs and constants -------------------------------------------------------

    def _placeholders(self) -> None:
        signature = self.captured.program.graph_signature
        constants = {**signature.inputs_to_parameters, **signature.inputs_to_buffers, **signature.inputs_to_lifted_tensor_constants}
        tensors = {**self.captured.program.constants, **self.captured.program.state_dict}
        users = list(signature.user_inputs)
        count = 0
        for node in self.captured.program.graph.nodes:
            if node.op != "placeholder":
                continue
            if node.name in constants:
                key = constants[node.name]
                self.env[node] = Const(tensors[key].detach(), key)
            elif isinstance(node.meta.get("val"), Tensor):
                name = "input" if sum(isinstance(u, str) for u in users) == 1 else node.name
                self.env[node] = self._argument(node, name, count)
                count += 1
            else:
                self.env[node] = node.meta.get("val")

    def _argument(self, node: torch.fx.Node, name: str, index: int) -> Any:
        val = node.meta["val"]
        if val.dtype != torch.float32:
            self._problem(node, Unsupported(f"input {name} has dtype {val.dtype}", "float32"))
            return Unknown()
        static = self.readings[index] != SEQUENCE
        shape = (1, *val.shape) if static else tuple(val.shape)
        if len(shape) < 2:
            self._problem(node, Unsupported(f"input {name} of shape {list(val.shape)}", "[B, ...] or [T, B, ...]"))
            return Unknown()
        value = Value(f"%arg{index}", shape, "f32")
        self.result.inputs.append(Argument(name, static, value))
        dims = axis_atoms(shape)
        if self.readings[index] != BATCH_FIRST:
            return View(value, dims[1:] if static else dims)
        order = (2, 1, *range(3, len(shape)))  # [1, B, T, ...] to [T, B, ...]
        flat = self.context.layout.reshape(value, shape[1:], "")
        moved = self.context.layout.transpose(flat, [i - 1 for i in order], "")
        batch, time, *rest = axis_atoms(moved.shape)[1::-1] + axis_atoms(moved.shape)[2:]
        return View(moved, (batch, time, *rest))

    # Operations -----------------------------------------------------------------

    def _call(self, node: torch.fx.Node) -> Any:
        """The value of a node; in-place operations also give new values to what they change."""
        if self.aliases.only_written(node):
            return _UNREAD
        if not is_mutation(node):
            return self._evaluate(node)
        value = self._overwritten(node) if overwrites(node) else self._evaluate(node)
        try:
            self._store(node.args[0], value)  # type: ignore[arg-type]
        except Unsupported as error:
            self._problem(node, error)
            return Unknown()
        for view in self.aliases.stale(node):
            self.env[view] = self.env[view.args[0]] if is_mutation(view) else self._evaluate(view)  # type: ignore[index]
        return value

    def _read(self, node: torch.fx.Node) -> Any:
        """The present value of a node as a whole."""
        if self.env[node] is _UNREAD:
            self.env[node] = self._evaluate(node)
        if isinstance(self.env[node], Pieces):
            self.env[node] = joined(self.context, self.env[node])
        return self.env[node]

    def _overwritten(self, node: torch.fx.Node) -> Any:
        """What the operand of an assignment is behind it."""
        shape = tuple(node.meta["val"].shape)
        source = node.args[1] if len(node.args) > 1 else 0.0
        value = self._read(source) if isinstance(source, torch.fx.Node) else Const(torch.tensor(float(source)), f"{node.name}")  # type: ignore[arg-type]
        if isinstance(value, Const):
            return Const(value.tensor.expand(shape), f"{value.key}:{node.name}")
        if isinstance(value, View) and value.shape != shape:
            try:
                return handlers["aten.expand.default"](self.context, value, shape)
            except Unsupported as error:
                self._problem(node, error)
                return Unknown()
        return value

    def _store(self, node: torch.fx.Node, value: Any) -> None:
        """Give a node a new value, and what it is a view of the elements of that."""
        self.env[node] = value
        base = self.aliases.base(node)
        if base is None:
            if node.name in self.kept:
                raise Unsupported(
                    f"the forward pass changes {self.kept[node.name]} in place, so that the next call gives something else",
                    "a neuron of spk.neuron or SpikingJelly for what has a state",
                )
            return
        if self.env[base] is _UNREAD:
            self.env[base] = self._evaluate(base)
        if isinstance(value, Unknown) or isinstance(self.env[base], Unknown):
            self._store(base, Unknown())
        else:
            self._store(base, written(self.context, self.env[base], node, value))

    def _evaluate(self, node: torch.fx.Node) -> Any:
        self.context.path = _path(node)
        try:
            whole = self.env.get(self.aliases.base(node))  # type: ignore[arg-type]
            if isinstance(whole, Pieces):
                content = read(self.context, whole, node)
                if content is not None:
                    return content
            args = torch.fx.map_arg(node.args, self._read)
            kwargs = torch.fx.map_arg(dict(node.kwargs), self._read)
        except Unsupported as error:
            self._problem(node, error)
            return Unknown()
        leaves = pytree.tree_leaves((args, kwargs), is_leaf=lambda x: isinstance(x, (View, Const, Unknown)))
        if any(isinstance(x, Unknown) for x in leaves):
            return Unknown()
        self.context.path = _path(node)
        try:
            if not any(isinstance(x, View) for x in leaves):
                return self._fold(node, args, kwargs)
            name = _op_name(node.target)
            if name not in handlers:
                raise Unsupported("this operation is not supported", _HINTS.get(name.split(".")[1] if "." in name else name, ""))
            out = handlers[name](self.context, *args, **kwargs)
            self.result.translated += 1
            return out
        except Unsupported as error:
            follows = "mm" in str(node.target) or "matmul" in str(node.target)
            if not (follows and any(isinstance(x, View) and x.value in self.stand_ins for x in leaves)):
                self._problem(node, error)
        except (TypeError, IndexError, ValueError, NotImplementedError) as error:
            self._problem(node, Unsupported(f"this form of the operation is not supported ({type(error).__name__}: {error})"))
        return self._stand_in(node, next((x for x in leaves if isinstance(x, View)), None))

    def _stand_in(self, node: torch.fx.Node, like: View | None) -> Any:
        """A value in place of one that could not be made, so that what follows is checked as well."""
        val = node.meta.get("val")
        if like is None or not isinstance(val, Tensor) or not val.dim() or not like.dims:
            return Unknown()
        roles = [g for g in like.dims[: val.dim()] if any(a.axis in (TIME, BATCH) for a in g)]
        if [group_size(g) for g in roles] != list(val.shape[: len(roles)]):
            return Unknown()
        lead = like.value.shape[:2]
        rest = val.shape[len(roles) :]
        covered = [a for g in roles for a in g if a.size > 1]
        if any(a.axis > BATCH for a in covered) or group_size(covered) != lead[0] * lead[1]:
            return Unknown()
        fired = _op_name(node.target) == "spk.neuron.default"
        value = self.context.builder.fresh((*lead, *rest), "i1" if fired else "f32", 1 if fired else None)
        self.stand_ins.add(value)
        return View(value, (*roles, *axis_atoms((1, 1, *rest))[2:]))

    def _fold(self, node: torch.fx.Node, args: Any, kwargs: Any) -> Any:
        """Evaluates an operation on constants."""

        def plain(x: Any) -> Any:
            return x.tensor if isinstance(x, Const) else x

        if is_mutation(node):
            args = (Const(args[0].tensor.clone(), args[0].key), *args[1:])
        is_leaf = lambda x: isinstance(x, Const)  # noqa: E731
        args, kwargs = (pytree.tree_map(plain, x, is_leaf=is_leaf) for x in (args, kwargs))
        with torch.no_grad():
            out = node.target(*args, **kwargs)
        stem = f"{self.context.path}:" if self.context.path else ""
        wrap = lambda x: Const(x, f"{stem}{node.name}") if isinstance(x, Tensor) else x  # noqa: E731
        return pytree.tree_map(wrap, out)

    def _problem(self, node: torch.fx.Node, error: Unsupported) -> None:
        path = _path(node)
        op = _op_name(node.target)
        if op == "spk.neuron.default":
            path, op = str(node.args[1]), "neuron"
        module = module_at(self.model, path)
        self.result.problems.append(Problem(path, module_name(module), op, error.reason, error.hint, _source(node)))

    # Outputs --------------------------------------------------------------------

    def _outputs(self, node: torch.fx.Node) -> None:
        leaves = list(node.args[0])
        spec = self.captured.program.call_spec.out_spec
        names = _output_names(spec, len(leaves))
        for leaf, name in zip(leaves, names, strict=True):
            if not isinstance(leaf, torch.fx.Node):
                self.context.warn("", module_name(self.model), "output", f"{name} is {leaf!r} and is dropped")
                continue
            x = self._read(leaf)
            if isinstance(x, Unknown):
                continue
            self.context.path = ""
            try:
                if not isinstance(x, View):
                    raise Unsupported(f"{name} does not depend on the input", "outputs computed from the input")
                self.result.outputs.append(self._output(name, self.context.floats(x)))
            except Unsupported as error:
                self._problem(leaf, error)
        if len(self.result.outputs) == 1:
            self.result.outputs[0].name = "output"
        if not self.result.outputs and not self.result.problems:
            self._problem(node, Unsupported("the model has no output"))

    def _output(self, name: str, view: View) -> Argument:
        dims: list[Group] = [tuple(g) for g in view.dims]
        steps = view.value.shape[TIME]
        lead = merge(dims[0]) if dims else ()
        sequence = bool(lead) and lead == (Atom(TIME, steps, 1),)
        if not sequence and len(dims) > 1:  # single-step neurons fold time into the batch
            inputs = [a.value.shape[:2] for a in self.result.inputs if not a.static]
            folded = any(a.axis == BATCH for a in dims[0]) and any(a.axis == BATCH for a in dims[1])
            sequence = folded and (group_size(dims[0]), group_size(dims[1])) in inputs
        axes = dims if sequence else [(), *dims]
        if len(axes) < 2:
            axes = [*axes, ()]
        value = self.context.layout.materialise(view, axes, "")
        return Argument(name, not sequence, value)


_HINTS = {
    "scaled_dot_product_attention": "scale * (Q @ K.transpose(-2, -1)) @ V, a softmax between them where there is one",
    "layer_norm": "BatchNorm1d or BatchNorm2d in eval mode",
    "gelu": "a spiking neuron",
    "ge": "spk.neuron.LIFNode or IFNode for neurons written by hand",
    "gt": "spk.neuron.LIFNode or IFNode for neurons written by hand",
    "heaviside": "spk.neuron.LIFNode or IFNode for neurons written by hand",
    "sum": "a mean",
    "adaptive_max_pool2d": "MaxPool2d",
    "adaptive_max_pool3d": "MaxPool2d at every time step",
}


def _output_names(spec: Any, count: int) -> list[str]:
    if spec is not None and spec.type is dict:
        keys = [str(k) for k in spec.context]
        if len(keys) == count:
            return keys
    return [f"output_{i}" for i in range(count)]


def translate_graph(captured: Captured, model: nn.Module, readings: Sequence[str], tb_scan: bool = False) -> Result:
    """Translate a captured model.

    Args:
        captured: the exported program with its neurons.
        model: for class names in messages.
        readings: for each input what its leading dimensions are: `SEQUENCE`
            ``[T, B, ...]``, `IMAGE` ``[B, ...]`` or `BATCH_FIRST` ``[B, T, ...]``.
        tb_scan: whether a multi-step neuron whose leading dimension is time and batch
            together scans both, as the model does, instead of every image on its own.
    """
    return _Walk(captured, model, readings, tb_scan).run()
