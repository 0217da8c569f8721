"""Proof that a model has one answer in any order of summation.

:func:`verify` runs a model in float32 and in float64, compares every layer, and
checks that every sum of a synapse or matrix product fits the float32 significand on its grid.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from spk.rates import (
    HIGH,
    LOW,
    NORMS,
    POOLS,
    SYNAPSES,
    BadRates,
    NotExact,
    Report,
    check_rates,
    hooked,
    neuron_classes,
    run,
)

_EXACT = 24  # bits of a float32 significand
_MATMULS = {torch.matmul, torch.bmm, Tensor.matmul, Tensor.bmm, Tensor.__matmul__}


@dataclass
class _Call:
    """One call of a leaf module, its path, input and output; or a matrix product of two activations and where it stands."""

    path: str
    module: nn.Module | None
    input: Tensor
    output: Tensor
    other: Tensor | None = None  # second operand of a product


class _Products(TorchFunctionMode):
    """Shows ``see`` every matrix product of two activations, with the path of the module that computes it."""

    def __init__(self, see: Callable[[_Call], None]) -> None:
        self.see = see
        self.inside: list[str] = []  # modules that run, outermost first

    def watch(self, model: nn.Module) -> list[Any]:
        """Handles of hooks that keep ``inside``."""

        def enter(path: str) -> Callable[..., None]:
            return lambda *_: self.inside.append(path)

        def leave(*_: Any) -> None:
            self.inside.pop()

        handles = []
        for path, module in model.named_modules():
            handles += [module.register_forward_pre_hook(enter(path)), module.register_forward_hook(leave)]
        return handles

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in _MATMULS and not any(isinstance(x, nn.Parameter) for x in args):
            left, right = (x.detach().clone() for x in args[:2])
            self.see(_Call(f"{self.inside[-1]}, a matrix product", None, left, result.detach().clone(), right))
        return result


def _outputs(result: Any) -> list[Tensor]:
    outputs = [x for x in pytree.tree_leaves(result) if isinstance(x, Tensor)]
    if not outputs:
        raise TypeError(f"the model must return tensors, got {type(result).__name__}")
    return outputs


def _numbered(paths: Sequence[str]) -> list[str]:
    """Calls by name: ``lif``, and ``lif#1`` of the second one."""
    counts: dict[str, int] = {}
    names = []
    for path in paths:
        count = counts[path] = counts.get(path, -1) + 1
        names.append(path if count == 0 else f"{path}#{count}")
    return names


def _same(given: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    return all(torch.equal(a.double(), b.double()) for a, b in zip(given, others, strict=True))


def _observe(model: nn.Module, example: Sequence[Tensor], see: Callable[[_Call], None]) -> list[Tensor]:
    """Show ``see`` every call of a neuron, synapse, batch norm or pool and every matrix product, in order; return the outputs."""
    leaves = (*neuron_classes(model), *SYNAPSES, *NORMS, *POOLS)

    def watch(path: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], result: Tensor | tuple[Tensor, Tensor]) -> None:
            result = result[0] if isinstance(result, tuple) else result  # of a pool that returns its indices too
            see(_Call(path, module, inputs[0].detach().clone(), result.detach().clone()))  # a model may work in place

        return hook

    named = [(path, module) for path, module in model.named_modules() if isinstance(module, leaves)]
    products = _Products(see)
    handles = [*products.watch(model), *(module.register_forward_hook(watch(path)) for path, module in named)]
    with hooked(handles), products:
        return _outputs(run(model, example))


def fraction_bits(x: Tensor) -> int:
    """Smallest b >= 0 such that every element of ``x`` is a multiple of 2**-b; 1000 when there is none below 60."""
    x = x.double()
    for bits in range(60):
        scaled = x * 2.0**bits
        if torch.equal(scaled, scaled.round()):
            return bits
    return 1000


def _exact_in_any_order(call: _Call) -> bool:
    """Whether every partial sum of a synapse or product, in any order, fits the significand of a float32."""
    if call.other is not None:
        bits = fraction_bits(call.input) + fraction_bits(call.other)
        return bits <= 100 and (call.input.double().abs() @ call.other.double().abs()).max().item() * 2.0**bits <= 2.0**_EXACT
    magnitude = copy.deepcopy(call.module).double()
    magnitude.weight.data.abs_()
    bits = fraction_bits(call.module.weight) + fraction_bits(call.input)
    if magnitude.bias is not None:
        magnitude.bias.data.abs_()
        bits = max(bits, fraction_bits(call.module.bias))
    if bits > 100:
        return False
    with torch.no_grad():
        return magnitude.forward(call.input.double().abs()).max().item() * 2.0**bits <= 2.0**_EXACT


def verify(
    model: nn.Module,
    example: Sequence[Tensor],
    *,
    low: float = LOW,
    high: float = HIGH,
    output: str = "exact",
    other: Sequence[Tensor] | None = None,
    until: str | None = None,
) -> Report:
    """Prove that ``model`` is exact on ``example`` and that all its neuron layers fire.

    Inputs and outputs of every neuron, synapse, batch norm and pool, all outputs
    of the model, and every matrix product of two activations, must have the same
    value in float32 and in float64; besides, the sum of magnitudes of every
    synapse and product must fit 24 bits on its grid, so that no order of
    summation rounds.

    Args:
        model: in eval mode, float32.
        example: inputs of the model.
        low, high: firing rates every neuron layer must stay within, in [0, 1].
        output: ``"exact"``, or ``"rounded"`` to allow rounding behind the last
            neuron, where a mean over 49 tokens is not dyadic, or ``"partial"`` to
            allow it anywhere: ``exact`` of the report has the neurons in front.
        other: inputs which must give another output.
        until: path of a neuron in front of which ``"rounded"`` allows rounding,
            instead of behind the last one only.

    Raises:
        NotExact: with the path of the first layer that is not exact.
        BadRates: with the paths of silent and saturated layers, or because
            ``other`` gives the same output.
    """
    if output not in ("exact", "rounded", "partial"):
        raise ValueError(f"output must be 'exact', 'rounded' or 'partial', got {output!r}")
    if model.training:
        raise ValueError("the model must be in eval mode")
    single: list[_Call] = []
    single_out = _observe(model, example, single.append)
    faults: list[tuple[int, str]] = []  # index into the calls, what is wrong
    seen = 0

    def compare(wide: _Call) -> None:
        nonlocal seen
        index, seen = seen, seen + 1
        if index >= len(single) or single[index].path != wide.path:
            raise NotExact(f"{wide.path}: float32 and float64 run different layers")
        narrow = single[index]
        if not torch.equal(narrow.input.double(), wide.input):
            faults.append((index, "its input differs between float32 and float64"))
        elif not torch.equal(narrow.output.double(), wide.output):
            faults.append((index, "its output differs between float32 and float64"))
        elif (narrow.other is not None or isinstance(narrow.module, SYNAPSES)) and not _exact_in_any_order(narrow):
            faults.append((index, "its sums are not exact in every order"))

    wide_example = [x.double() if x.is_floating_point() else x for x in example]
    double_out = _observe(copy.deepcopy(model).double(), wide_example, compare)

    classes = neuron_classes(model)
    end = next((i for i, call in enumerate(single) if call.path == until), len(single))
    last_neuron = max((i for i, call in enumerate(single[:end]) if type(call.module) in classes), default=-1)
    report = Report()
    if faults:
        index, reason = faults[0]
        if (index <= last_neuron and output != "partial") or output == "exact":
            raise NotExact(f"{single[index].path}: {reason}")
        report.rounded_from = single[index].path
    before = single[: faults[0][0]] if faults else single
    report.exact = _numbered([call.path for call in before if type(call.module) in classes])
    if output == "exact" and not _same(single_out, double_out):
        raise NotExact("the output of the model differs between float32 and float64 behind its last layer")

    fired: dict[str, list[Tensor]] = {}
    for call in single:
        if type(call.module) in classes:
            fired.setdefault(call.path, []).append(call.output)
    report.rates = {
        path: sum(torch.count_nonzero(y).item() for y in ys) / sum(y.numel() for y in ys) for path, ys in fired.items()
    }
    check_rates(report.rates, low, high)
    if other is not None and _same(_outputs(run(model, other)), single_out):
        raise BadRates("two inputs give the same output")
    return report
