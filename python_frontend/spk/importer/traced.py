"""Neurons that users write: one time step traced into the region of a ``spk.neuron``.

A subclass that overrides charge, fire or reset (``neuronal_charge``,
``neuronal_fire``, ``neuronal_reset`` of SpikingJelly; ``charge``, ``fire``,
``_reset`` of `spk.neuron`) is run once on stand-ins for tensors, and what it does to
them is written down.  It must work element by element, with numbers as constants.
"""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from spk.errors import Unsupported
from spk.importer.mlir import f32
from spk.neuron_model import NeuronSpec, States, Stepped

__all__ = ["METHODS", "Body", "trace_step"]

#: Names of charge, fire and reset by the family of the neuron.
METHODS = (("neuronal_charge", "neuronal_fire", "neuronal_reset"), ("charge", "fire", "_reset"))

HINT = "arithmetic, comparisons and torch.where on the input and the states, element by element"


@dataclass(frozen=True)
class Body:
    """The equations of a step: operations on values by name, first the states and ``x``.

    Attributes:
        resting: states before the first step.
        operations: name of the result, operation of ``arith`` with its predicate,
            operands, and the number of a constant.
        charged: the membrane before firing.
        fired: what fires.
        states: the next states.
        element: ``i1`` or ``f32``, the type of what fires.
    """

    resting: tuple[float, ...]
    operations: tuple[tuple[str, str, tuple[str, ...], float | None], ...]
    charged: str
    fired: str
    states: tuple[str, ...]
    element: str

    def text(self) -> str:
        """The region, without the braces around it."""
        arguments = ", ".join(f"%{name}: f32" for name in (*self._names(), "x"))
        lines = [f"^bb0({arguments}):"]
        for name, op, operands, number in self.operations:
            if number is not None:
                lines.append(f"%{name} = arith.constant {f32(number)}")
                continue
            kind = "i1 to f32" if op == "arith.uitofp" else ("i1" if op in _LOGIC else "f32")
            comma = "," if op.startswith("arith.cmpf") else ""
            lines.append(f"%{name} = {op}{comma} {', '.join(f'%{o}' for o in operands)} : {kind}")
        states = f" state {', '.join(f'%{s}' for s in self.states)}" if self.states else ""
        lines.append(f"spk.fire %{self.charged}, %{self.fired}{states} : {self.element}")
        return "\n".join(f"      {line}" for line in lines)

    def _names(self) -> list[str]:
        return [f"v{i}" for i in range(len(self.resting))]

    def run(self, _spec: NeuronSpec | None, states: States, x: np.ndarray) -> Stepped:
        """One step in float32: charged membrane, what fires, next states."""
        values: dict[str, np.ndarray] = {**dict(zip(self._names(), states, strict=True)), "x": x}
        for name, op, operands, number in self.operations:
            if number is not None:
                values[name] = np.full_like(x, number)
            else:
                values[name] = _NUMPY[op](*(values[o] for o in operands))
        return values[self.charged], values[self.fired], [values[s] for s in self.states]


_LOGIC = ("arith.andi", "arith.ori", "arith.xori")
_NUMPY: dict[str, Callable[..., Any]] = {
    "arith.addf": np.add,
    "arith.subf": np.subtract,
    "arith.mulf": np.multiply,
    "arith.divf": np.divide,
    "arith.negf": np.negative,
    "arith.maximumf": np.maximum,
    "arith.minimumf": np.minimum,
    "arith.select": np.where,
    "arith.uitofp": lambda a: a.astype(np.float32),
    "arith.andi": np.logical_and,
    "arith.ori": np.logical_or,
    "arith.xori": np.logical_xor,
    "arith.cmpf oge": np.greater_equal,
    "arith.cmpf ogt": np.greater,
    "arith.cmpf ole": np.less_equal,
    "arith.cmpf olt": np.less,
    "arith.cmpf oeq": np.equal,
    "arith.cmpf une": np.not_equal,
}


@dataclass(frozen=True)
class _Value:
    """A value of the region."""

    name: str
    truth: bool = False
    truth_of: _Value | None = None  # what a 0 or 1 was made of


@dataclass
class _Writer:
    """Writes down operations, each once."""

    operations: list[tuple[str, str, tuple[str, ...], float | None]] = field(default_factory=list)
    known: dict[tuple[str, tuple[str, ...], float | None], _Value] = field(default_factory=dict)

    def op(self, op: str, *operands: Any, truth: bool = False) -> _Value:
        values = [self.logic(o) if op in _LOGIC else o for o in operands]
        if op == "arith.select":
            values = [self.logic(values[0]), *map(self.number, values[1:])]
        elif op not in (*_LOGIC, "arith.uitofp"):
            values = list(map(self.number, values))
        return self._add(op, tuple(v.name for v in values), None, truth)

    def _add(self, op: str, operands: tuple[str, ...], number: float | None, truth: bool) -> _Value:
        key = (op, operands, number)
        if key not in self.known:
            self.known[key] = _Value(f"c{len(self.operations)}", truth)
            self.operations.append((self.known[key].name, *key))
        return self.known[key]

    def number(self, x: Any) -> _Value:
        """The operand as f32."""
        if isinstance(x, Tensor):
            if x.numel() != 1:
                raise Unsupported(f"a constant of shape {list(x.shape)}", "one number for all neurons")
            x = x.item()
        if isinstance(x, (int, float)):
            if not math.isfinite(x):
                raise Unsupported(f"the constant {x}", "finite numbers")
            return self._add("arith.constant", (), float(np.float32(x)), False)
        if x.truth:
            value = self._add("arith.uitofp", (x.name,), None, False)
            return _Value(value.name, False, x)
        return x

    def logic(self, x: Any) -> _Value:
        """The operand as a truth value."""
        if isinstance(x, _Value) and x.truth_of is not None:
            return x.truth_of
        return x if isinstance(x, _Value) and x.truth else self.op("arith.cmpf une", x, 0.0, truth=True)


Rule = Callable[..., _Value]


def _binary(op: str) -> Rule:
    def rule(w: _Writer, a: Any, b: Any, alpha: Any = 1) -> _Value:
        if alpha != 1:  # torch may fuse the product with the sum
            raise Unsupported(f"alpha={alpha} in a neuron", "a multiplication")
        return w.op(op, a, b)

    return rule


def _compare(predicate: str) -> Rule:
    return lambda w, a, b: w.op(f"arith.cmpf {predicate}", a, b, truth=True)


def _logic(op: str) -> Rule:
    def rule(w: _Writer, a: Any, b: Any) -> _Value:
        if not all(isinstance(x, _Value) and x.truth for x in (a, b)):
            raise Unsupported("a bitwise operation on numbers", "comparisons joined by & and |")
        return w.op(op, a, b, truth=True)

    return rule


def _negation(w: _Writer, a: Any) -> _Value:
    return w.op("arith.cmpf oeq", w.number(a), 0.0, truth=True)


def _clamp(w: _Writer, a: Any, low: Any = None, high: Any = None) -> _Value:
    a = a if low is None else w.op("arith.maximumf", a, low)
    return a if high is None else w.op("arith.minimumf", a, high)


def _where(w: _Writer, condition: Any, a: Any, b: Any) -> _Value:
    return w.op("arith.select", condition, a, b)


def _to(w: _Writer, a: Any, dtype: Any = None, **_: Any) -> _Value:
    if dtype is torch.bool:
        return w.logic(a)
    if dtype not in (None, torch.float32):
        raise Unsupported(f"a conversion to {dtype}", "float32")
    return w.number(a) if dtype is not None else a


def _filled(number: float | None) -> Rule:
    """A tensor of one number in the shape of another."""
    return lambda w, a, fill=number, **_: w.number(fill)


def _same(w: _Writer, a: Any, **_: Any) -> _Value:
    return a


_RULES: dict[str, Rule] = {
    **{name: _binary(f"arith.{name}f") for name in ("add", "sub", "mul", "div")},
    "rsub": lambda w, a, b, alpha=1: _binary("arith.subf")(w, b, a, alpha),
    "neg": lambda w, a: w.op("arith.negf", a),
    "abs": lambda w, a: w.op("arith.maximumf", a, w.op("arith.negf", a)),
    "maximum": _binary("arith.maximumf"),
    "minimum": _binary("arith.minimumf"),
    "relu": lambda w, a: w.op("arith.maximumf", a, 0.0),
    "clamp": _clamp,
    "clamp_min": _clamp,
    "clamp_max": lambda w, a, high: _clamp(w, a, None, high),
    "ge": _compare("oge"),
    "gt": _compare("ogt"),
    "le": _compare("ole"),
    "lt": _compare("olt"),
    "eq": _compare("oeq"),
    "ne": _compare("une"),
    "where": _where,
    **dict.fromkeys(("logical_not", "bitwise_not"), _negation),
    **dict.fromkeys(("logical_and", "bitwise_and"), _logic("arith.andi")),
    **dict.fromkeys(("logical_or", "bitwise_or"), _logic("arith.ori")),
    **dict.fromkeys(("logical_xor", "bitwise_xor"), _logic("arith.xori")),
    "_to_copy": _to,
    "zeros_like": _filled(0.0),
    "ones_like": _filled(1.0),
    "full_like": _filled(None),
    **dict.fromkeys(("detach", "alias", "clone", "lift_fresh_copy"), _same),
}


def _methods(module: nn.Module) -> tuple[str, ...] | None:
    """Names of charge, fire and reset, None if the module has no such methods."""
    return next((names for names in METHODS if all(callable(getattr(module, n, None)) for n in names)), None)


def _resting(module: nn.Module, names: tuple[str, ...]) -> dict[str, float]:
    """The states by name, membrane first, with their values before the first step."""
    if names == METHODS[1]:
        return {"v": 0.0 if module.v_reset is None else float(module.v_reset)}
    resting = dict(getattr(module, "_memories_rv", {}))
    resting.pop("v_seq", None)
    for name, value in resting.items():
        if not isinstance(value, (int, float)):
            raise Unsupported(f"the reset value of {name} is {type(value).__name__}", f"a number as the reset value of {name}")
    return {"v": float(resting.pop("v", 0.0)), **{n: float(v) for n, v in resting.items()}}


def _step(module: nn.Module, names: tuple[str, ...], states: Sequence[str]) -> Callable[..., list[Any]]:
    """One time step as a function of the input and the states."""
    charge, fire, reset = (getattr(module, n) for n in names)

    def plain(x: Tensor, v: Tensor) -> list[Any]:
        h = charge(x, v)
        s = fire(h)
        return [h, s, reset(h, s)]

    def spikingjelly(x: Tensor, *values: Tensor) -> list[Any]:
        before = dict(module._memories)
        try:
            for name, value in zip(states, values, strict=True):
                module._memories[name] = value
            charge(x)
            h = module.v.clone()  # the reset may work in place
            s = fire().clone()
            reset(s)
            return [h, s, *(module._memories[name] for name in states)]
        finally:
            module._memories.update(before)

    return plain if names == METHODS[1] else spikingjelly


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _graph(module: nn.Module, step: Callable[..., Any], count: int) -> torch.fx.GraphModule:
    tensors = [torch.zeros(2, 3) for _ in range(count + 1)]
    training, previous = module.training, logging.root.manager.disable
    module.eval()
    logging.disable(logging.WARNING)
    try:
        with torch.no_grad():
            return make_fx(step, tracing_mode="fake", _allow_non_fake_inputs=True)(*tensors)
    except Unsupported:
        raise
    except Exception as error:
        reason = f"cannot be traced: {type(error).__name__}: {_first_line(error)}"
        if "data-dependent" in str(error).lower() or "DataDependent" in type(error).__name__:
            reason = "cannot be traced: its control flow depends on values"
        raise Unsupported(reason, HINT) from error
    finally:
        module.train(training)
        logging.disable(previous)


def _apply(writer: _Writer, node: torch.fx.Node, env: dict[torch.fx.Node, Any]) -> Any:
    args = torch.fx.map_arg(node.args, lambda n: env[n])
    kwargs = {k: v for k, v in torch.fx.map_arg(dict(node.kwargs), lambda n: env[n]).items() if k in ("alpha", "dtype", "min", "max")}
    if not any(isinstance(a, _Value) for a in (*args, *kwargs.values())):
        with torch.no_grad():
            return node.target(*args, **torch.fx.map_arg(dict(node.kwargs), lambda n: env[n]))  # type: ignore[operator]
    name = str(node.target).split(".")[1]
    in_place = name.endswith("_")
    name = name.removesuffix("_")
    if name not in _RULES or kwargs.get("rounding_mode"):
        raise Unsupported(f"{node.target} in a neuron", HINT)
    kwargs = {{"min": "low", "max": "high"}.get(k, k): v for k, v in kwargs.items()}
    try:
        result = _RULES[name](writer, *args, **kwargs)
    except TypeError as error:
        raise Unsupported(f"this form of {node.target} in a neuron", HINT) from error
    if in_place:
        env[node.args[0]] = result  # type: ignore[index]
    return result


def _runs_as_written(module: nn.Module, body: Body) -> bool:
    """Whether the module's own forward gives the spikes of its charge, fire and reset."""
    current = torch.randn(4, 512, generator=torch.Generator().manual_seed(3)) * 2.0 + 0.5
    copy_of = copy.deepcopy(module).eval()
    if hasattr(copy_of, "reset"):
        copy_of.reset()
    with torch.no_grad():
        single = getattr(copy_of, "step_mode", "m") == "s"
        expected = (torch.stack([copy_of(x) for x in current]) if single else copy_of(current)).numpy()
    states = [np.full(512, number, np.float32) for number in body.resting]
    for x, wanted in zip(current.numpy(), expected, strict=True):
        _, fired, states = body.run(None, states, x)
        if not np.array_equal(fired, wanted):
            return False
    return True


def trace_step(module: nn.Module) -> Body:
    """One time step of a neuron that a user wrote.

    Raises:
        Unsupported: with what in it has no place in a neuron.
    """
    names = _methods(module)
    if names is None:
        raise Unsupported("it has no charge, fire and reset", "the methods " + ", ".join(METHODS[0]))
    resting = _resting(module, names)
    graph = _graph(module, _step(module, names, list(resting)), len(resting))
    writer = _Writer()
    env: dict[torch.fx.Node, Any] = {}
    arguments = iter(["x", *(f"v{i}" for i in range(len(resting)))])
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            env[node] = _Value(next(arguments))
        elif node.op == "get_attr":
            env[node] = getattr(graph, node.target)
        elif node.op == "call_function":
            env[node] = _apply(writer, node, env)
        else:
            results = [env[n] if isinstance(n, torch.fx.Node) else n for n in node.args[0]]
    fired = results[1]
    truth = fired.truth_of if isinstance(fired, _Value) and fired.truth_of is not None else fired
    is_truth = isinstance(truth, _Value) and truth.truth
    charged, *states = (writer.number(r) for r in (results[0], *results[2:]))
    spikes = truth if is_truth else writer.number(fired)
    element = "i1" if is_truth else "f32"
    body = Body(
        tuple(resting.values()), tuple(writer.operations), charged.name, spikes.name, tuple(s.name for s in states), element
    )
    if not _runs_as_written(module, body):
        raise Unsupported(f"its forward is not {', '.join(names)} one after the other", "a class that keeps the forward of its base")
    return body
