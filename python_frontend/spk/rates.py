"""Firing rates of the neuron layers of a model.

Rates are shares of (time step, element) pairs with a spike, in [0, 1].
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.pooling import _AvgPoolNd, _MaxPoolNd

from spk import neuron as plain
from spk.importer.neuron_table import is_written_by_user, lookup

LOW, HIGH = 0.02, 0.60  # firing rates a test network must stay within

NORMS = (_BatchNorm,)  # also those of SpikingJelly that add to it
SYNAPSES = (nn.Linear, _ConvNd)
POOLS = (_MaxPoolNd, _AvgPoolNd)


class NotExact(ValueError):
    """A float32 result of the model depends on rounding."""


class BadRates(ValueError):
    """A neuron layer is silent or saturated, or two inputs give the same output."""


@dataclass
class Report:
    """What a network that passed :func:`settle`, :func:`calibrate` or :func:`verify` does on its example.

    Attributes:
        rates: firing rate of every neuron layer, by module path, in order of execution.
        rounded_from: module path of the first layer whose float32 result is
            rounded, or None when even the output is exact.
        exact: calls of neurons in front of the first rounding, in order of
            execution, ``lif#1`` the second one of a module; empty unless proved.
        passes: forwards the walk took.
    """

    rates: dict[str, float] = field(default_factory=dict)
    rounded_from: str | None = None
    exact: list[str] = field(default_factory=list)
    passes: int = 0

    def __str__(self) -> str:
        lines = [f"{path:40s} {rate:7.2%}" for path, rate in self.rates.items()]
        return "\n".join(lines)


# ---------------------------------------------------------------------------------------------------------------------
# Neurons, seen from outside
# ---------------------------------------------------------------------------------------------------------------------


def _with_subclasses(cls: type) -> set[type]:
    return {cls}.union(*(_with_subclasses(c) for c in cls.__subclasses__()))


def neuron_classes(model: nn.Module | None = None) -> set[type]:
    """Exact classes taken for neurons: ours, those SpikingJelly exports where the model brought it in, users' own.

    With a model, its classes that are known by their base as well.
    """
    own = (getattr(plain, name) for name in plain.__all__)
    classes: set[type] = {value for value in own if issubclass(value, nn.Module)}
    bases: list[type] = [plain._Node]
    theirs = sys.modules.get("spikingjelly.activation_based.neuron")
    if theirs is not None:
        exported = (value for value in vars(theirs).values() if isinstance(value, type))
        classes |= {value for value in exported if issubclass(value, nn.Module)}
        bases += [value for name, value in vars(theirs).items() if name in ("BaseNode", "SimpleBaseNode")]
    if model is not None:
        classes |= {type(module) for module in model.modules() if lookup(type(module)) is not None}
    return classes | {c for base in bases for c in _with_subclasses(base) if is_written_by_user(c)}


def reset_states(model: nn.Module) -> None:
    """Forget the state of SpikingJelly's neurons; those of ``spk.neuron`` have none."""
    for module in model.modules():
        if callable(getattr(module, "reset", None)):
            module.reset()


def run(model: nn.Module, example: Sequence[Tensor]) -> Any:
    """Output of the model on ``example``, from fresh states and without gradients."""
    reset_states(model)
    try:
        with torch.no_grad():
            return model(*example)
    finally:
        reset_states(model)


@contextmanager
def hooked(handles: list[Any]) -> Iterator[None]:
    """Removes the hooks behind ``handles`` at the end."""
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def neuron_rates(model: nn.Module, x: Tensor | Sequence[Tensor]) -> dict[str, float]:
    """Firing rate in [0, 1] of every neuron layer of ``model`` on ``x``, by module path, in order of execution.

    State kept by the neurons is reset before and after.
    """
    classes = neuron_classes(model)
    spikes: dict[str, int] = {}
    elements: dict[str, int] = {}
    handles = []

    def watch(path: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            spikes[path] = spikes.get(path, 0) + int(torch.count_nonzero(output))
            elements[path] = elements.get(path, 0) + output.numel()

        return hook

    for path, module in model.named_modules():
        if type(module) in classes:
            handles.append(module.register_forward_hook(watch(path)))
    with hooked(handles):
        run(model, (x,) if isinstance(x, Tensor) else x)
    return {path: spikes[path] / elements[path] for path in spikes}


def check_rates(rates: dict[str, float], low: float, high: float) -> None:
    """Raises BadRates with the names of the layers whose rates are outside [low, high]."""
    if not rates:
        raise BadRates("the model has no neuron layer")
    silent = [f"{path} ({rate:.2%})" for path, rate in rates.items() if rate < low]
    saturated = [f"{path} ({rate:.2%})" for path, rate in rates.items() if rate > high]
    problems = []
    if silent:
        problems.append(f"silent, below {low:.0%}: {', '.join(silent)}")
    if saturated:
        problems.append(f"saturated, above {high:.0%}: {', '.join(saturated)}")
    if problems:
        raise BadRates("; ".join(problems))
