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
import spk.importer.ops_pool
import spk.importer.ops_round
import spk.importer.ops_view  # noqa: F401 - handlers register themselves
from spk.errors import Problem, Unsupported
from spk.importer.capture import Captured, module_at, module_name
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


_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep  # spk itself
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')


def _source(node: torch.fx.Node) -> str:
    frames = _FRAME.findall(node.meta.get("stack_trace") or "")
    own = [f for f in frames if f"{os.sep}site-packages{os.sep}" not in f[0] and not f[0].startswith(_PACKAGE)]
    if not frames:
        return ""
    name, line = (own or frames)[-1]
    relative = os.path.relpath(name)
    return f"{name if relative.startswith('..') else relative}:{line}"


def _path(node: torch.fx.Node) -> str:
    stack = node.meta.get("nn_module_stack") or {}
    return list(stack.values())[-1][0] if stack else ""


def _op_name(target: Any) -> str:
    return "getitem" if target is operator.getitem else str(target)


def _is_view_op(node: torch.fx.Node) -> bool:
    schema = getattr(node.target, "_schema", None)
    return schema is not None and not schema.is_mutable and any(a.alias_info is not None for a in schema.arguments)


def _check_mutation(node: torch.fx.Node) -> None:
    """Refuses in-place operations whose operand is seen again under another name."""
    schema = getattr(node.target, "_schema", None)
    if schema is None or not schema.is_mutable:
        return
    root = node.args[0]
    while isinstance(root, torch.fx.Node) and _is_view_op(root) and isinstance(root.args[0], torch.fx.Node):
        root = root.args[0]
    names = [root]
    for name in names:  # grows
        if not isinstance(name, torch.fx.Node):
            continue
        if any(node < user for user in name.users):
            raise Unsupported("an in-place operation on a tensor that is used again", "the same operation out of place")
        names += [user for user in name.users if _is_view_op(user)]


class _Walk:
    def __init__(self, captured: Captured, model: nn.Module, readings: Sequence[str], tb_scan: bool) -> None:
        self.captured, self.model = captured, model
        self.context = Context(captured, tb_scan)
        self.result = Result(self.context)
        self.readings = list(readings)
        self.env: dict[torch.fx.Node, Any] = {}
        self.stand_ins: set[Value] = set()

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
        args = torch.fx.map_arg(node.args, lambda n: self.env[n])
        kwargs = torch.fx.map_arg(dict(node.kwargs), lambda n: self.env[n])
        leaves = pytree.tree_leaves((args, kwargs), is_leaf=lambda x: isinstance(x, (View, Const, Unknown)))
        if any(isinstance(x, Unknown) for x in leaves):
            return Unknown()
        self.context.path = _path(node)
        try:
            if not any(isinstance(x, View) for x in leaves):
                return self._fold(node, args, kwargs)
            name = _op_name(node.target)
            _check_mutation(node)
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
            x = self.env[leaf]
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
    "group_norm": "BatchNorm2d in eval mode",
    "gelu": "a spiking neuron",
    "ge": "spk.neuron.LIFNode or IFNode for neurons written by hand",
    "gt": "spk.neuron.LIFNode or IFNode for neurons written by hand",
    "heaviside": "spk.neuron.LIFNode or IFNode for neurons written by hand",
    "avg_pool2d": "MaxPool2d, a mean, or a Conv2d with constant weights",
    "sum": "a mean",
    "conv3d": "Conv2d at every time step",
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
