"""Models on a dyadic grid, and models whose neurons all fire.

A test that compares two implementations of a spiking network needs a network

* whose float32 sums are **exact in any order**, so that a difference is a
  fault and not a matter of rounding: every weight, bias and batch norm
  constant is a small multiple of a power of two (:func:`settle`);
* whose neurons are **neither silent nor saturated**: on a silent network every
  implementation is right (:func:`settle` and, on real-valued weights,
  :func:`calibrate`).

Both walk the model in the order of execution during a forward on the example
and set each batch norm when its input is known, so that the neuron behind it
fires at a chosen rate.  A neuron with no batch norm in front of it (the one
behind an attention core) is brought into the range through the rates of the
neurons that feed it.

:func:`verify` is the proof: it runs the model in float32 and in float64 and
raises :class:`NotExact` with the name of the first layer where they differ,
checks that every synapse sum is exact in any order, and raises
:class:`BadRates` with the names of silent and saturated layers.

Firing rates are shares of (time step, element) pairs with a spike, in [0, 1].
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from spk.exactness import fraction_bits, verify
from spk.rates import (
    HIGH,
    LOW,
    NORMS,
    SYNAPSES,
    BadRates,
    NotExact,
    Report,
    check_rates,
    hooked,
    neuron_classes,
    neuron_rates,
    run,
)

__all__ = ["BadRates", "NotExact", "Report", "calibrate", "neuron_rates", "settle", "verify"]

_EPS = 2.0**-17  # of every batch norm on the grid, so that running_var + eps is exactly a power of four
_SHIFT_BITS = 6  # batch norm shifts are multiples of 2**-_SHIFT_BITS
_PROBE = 1 << 18  # elements per step used to find the shift of a neuron
_PASSES = 400  # forwards before giving up


class _AgainError(Exception):
    """The rates in front of an attention core changed: walk again."""


class _Walk:
    """Sets the batch norms of a model during forwards, in order of execution."""

    def __init__(self, model: nn.Module, low: float, high: float, seed: int) -> None:
        self.model = model
        self.low, self.high = low, high
        self.generator = torch.Generator().manual_seed(seed)
        self.classes = neuron_classes()
        self.targets: dict[str, float] = {}
        self.step: dict[str, float] = {}  # factor of the last correction, by path of a neuron without batch norm
        self.done: set[str] = set()
        self.order: list[str] = []  # neurons of this pass, in order of execution
        self.feeder: nn.Module | None = None  # last batch norm or synapse with bias since the last neuron
        self.passes = 0

    def uniform(self, *shape: int) -> Tensor:
        """Numbers in [0, 1), float64."""
        return torch.rand(shape, generator=self.generator, dtype=torch.float64)

    # What a grid and a real-valued walk do differently.

    def set_norm(self, norm: nn.Module, mean: Tensor, deviation: Tensor) -> None:
        """Make ``norm`` map an input with these statistics per channel to deviation about 1 and mean about 0."""
        raise NotImplementedError

    shift_unit = 0.0  # granularity of the shift of a neuron's input

    # The walk itself.

    def run(self, example: Sequence[Tensor]) -> None:
        handles = []
        for path, module in self.model.named_modules():
            if type(module) in self.classes:
                handles.append(module.register_forward_pre_hook(self.at_neuron(path)))
            elif isinstance(module, NORMS):
                handles.append(module.register_forward_pre_hook(self.at_norm(path)))
            elif isinstance(module, SYNAPSES):
                handles.append(module.register_forward_pre_hook(self.at_synapse()))
        with hooked(handles):
            while self.passes < _PASSES:
                self.passes += 1
                self.order, self.feeder = [], None
                try:
                    run(self.model, example)
                    return
                except _AgainError:
                    continue
        raise BadRates(f"no firing rates between {self.low:.0%} and {self.high:.0%} found in {_PASSES} forwards")

    def at_synapse(self) -> Callable[..., None]:
        def hook(module: nn.Module, _inputs: Any) -> None:
            self.feeder = module if module.bias is not None else None

        return hook

    def at_norm(self, path: str) -> Callable[..., None]:
        def hook(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self.feeder = norm
            if path in self.done:
                return
            self.done.add(path)
            x = inputs[0]
            axes = [axis for axis in range(x.dim()) if axis != 1]
            variance, mean = torch.var_mean(x, axes, correction=0)
            self.set_norm(norm, mean.double(), variance.double().sqrt())

        return hook

    def at_neuron(self, path: str) -> Callable[..., Any]:
        def hook(node: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            self.order.append(path)
            feeder, self.feeder = self.feeder, None
            if path in self.done:
                return None
            x = inputs[0]
            sample = self.sample(node, x)
            if feeder is None:
                self.aim(path, self.rate(node, sample))
                self.done.add(path)
                return None
            target = self.targets.setdefault(path, 0.12 + 0.13 * self.uniform(1).item())
            shift = self.shift(node, sample, target)
            feeder.bias.data += shift
            self.done.add(path)
            return (x + shift, *inputs[1:])

        return hook

    def sample(self, node: nn.Module, x: Tensor) -> Tensor:
        """At most ``_PROBE`` elements of every step of ``x``; neurons work element by element."""
        flat = x.flatten(1)
        if flat.shape[1] <= _PROBE or next(node.parameters(), None) is not None:
            return x
        return flat[:, torch.randint(flat.shape[1], (_PROBE,), generator=self.generator)]

    @staticmethod
    def rate(node: nn.Module, x: Tensor) -> float:
        """Firing rate of a copy of ``node`` on ``x``, from its present state."""
        return torch.count_nonzero(copy.deepcopy(node).forward(x)).item() / x.numel()

    def shift(self, node: nn.Module, x: Tensor, target: float) -> float:
        """The smallest multiple of ``shift_unit`` which, added to ``x``, makes ``node`` fire at ``target`` or more."""
        reach = 4.0 * (1.0 + x.abs().max().item())
        below, above = -math.ceil(reach / self.shift_unit), math.ceil(reach / self.shift_unit)
        while above - below > 1:
            middle = (below + above) // 2
            if self.rate(node, x + middle * self.shift_unit) < target:
                below = middle
            else:
                above = middle
        return above * self.shift_unit

    def aim(self, path: str, rate: float) -> None:
        """Keep a neuron without a batch norm, or change the rates of the neurons in front of it and walk again."""
        if 2.0 * self.low <= rate <= 0.7 * self.high:
            return
        parent = path.rpartition(".")[0]
        feeders = [other for other in self.order[:-1] if other.rpartition(".")[0] == parent and other in self.targets]
        feeders = feeders or [other for other in self.order[-4:-1] if other in self.targets]
        wanted = 1.0 if rate < 2.0 * self.low else -1.0
        last = self.step.get(path, 0.3 * wanted)
        step = last if last * wanted > 0 else -0.5 * last  # halve the step when the direction turns
        self.step[path] = step
        # Sum over tokens and channels of products of three rates: a geometric step in each of them.
        changed = False
        for other in feeders:
            moved = min(max(self.targets[other] * math.exp(step), 1.5 * self.low), 0.85 * self.high)
            changed |= moved != self.targets[other]
            self.targets[other] = moved
            self.done.discard(other)
        if not changed:
            if self.low <= rate <= self.high:
                return
            raise BadRates(f"{path} fires in {rate:.2%} and nothing in front of it can change that")
        raise _AgainError


class _GridWalk(_Walk):
    shift_unit = 2.0**-_SHIFT_BITS

    def set_norm(self, norm: nn.Module, mean: Tensor, deviation: Tensor) -> None:
        channels = norm.num_features
        exponent = torch.where(deviation > 0, -torch.log2(deviation.clamp_min(2.0**-20)), 0.0).round().clamp(-8, 8)
        scale = torch.tensor([0.75, 1.0, 1.0, 1.25], dtype=torch.float64)[(self.uniform(channels) * 4).long()]
        scale = scale * 2.0**exponent * torch.where(self.uniform(channels) < 0.125, -1.0, 1.0)
        root = 2.0 ** (self.uniform(channels) * 3 - 1).floor()  # square root of running_var + eps: 1/2, 1 or 2
        norm.eps = _EPS
        norm.running_var.copy_(root * root - _EPS)
        norm.weight.data.copy_(scale * root)
        norm.running_mean.copy_((mean * 8).round() / 8)
        wanted = (self.uniform(channels) - 0.5) - scale * (mean - norm.running_mean.double())
        norm.bias.data.copy_((wanted / self.shift_unit).round() * self.shift_unit)


class _RealWalk(_Walk):
    shift_unit = 2.0**-12

    def set_norm(self, norm: nn.Module, mean: Tensor, deviation: Tensor) -> None:
        channels = norm.num_features
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(torch.where(deviation > 0, deviation * deviation, 1.0))
        norm.weight.data.copy_(0.7 + 0.6 * self.uniform(channels))
        norm.bias.data.copy_(self.uniform(channels) - 0.5)


def _check_norms(model: nn.Module) -> None:
    for path, module in model.named_modules():
        if isinstance(module, NORMS) and not (module.affine and module.track_running_stats):
            raise ValueError(f"{path}: a batch norm needs affine=True and track_running_stats=True here")


def _snap(model: nn.Module, bits: int, walk: _Walk) -> None:
    """Round every weight to k / 2**bits with |k| <= 7, and draw biases k / 2**bits with |k| <= 4."""
    for path, module in model.named_modules():
        if not isinstance(module, SYNAPSES):
            continue
        weight = module.weight.data
        largest = weight.abs().max().item()
        if not math.isfinite(largest):
            raise ValueError(f"{path}: the weight is not finite")
        if largest > 0:
            unit = 2.0 ** math.ceil(math.log2(largest / 7.0))
            weight.copy_((weight.double() / unit).round() / 2.0**bits)
        if module.bias is not None:
            module.bias.data.copy_((walk.uniform(*module.bias.shape) * 9).floor() - 4).div_(2.0**bits)


def settle(
    model: nn.Module,
    example: Sequence[Tensor],
    *,
    grid_bits: int = 4,
    low: float = LOW,
    high: float = HIGH,
    output: str = "exact",
    other: Sequence[Tensor] | None = None,
    seed: int = 0,
) -> Report:
    """Put ``model`` in eval mode on a dyadic grid on which every neuron layer fires on ``example``, and prove it.

    Weights become ``k / 2**grid_bits`` with ``|k| <= 7``, following the sign
    and relative size of those the model has (so seed torch before building
    it).  Batch norms are set anew; their eps becomes ``2**-17``, which makes
    ``sqrt(running_var + eps)`` exactly 1/2, 1 or 2.

    Args:
        model: changed in place; on return in eval mode and reset.
        example: inputs on a dyadic grid, such as multiples of 1/16.
        grid_bits: fractional bits of the weights.
        low, high: firing rates every neuron layer must stay within, in [0, 1].
        output, other: see :func:`verify`.
        seed: of the batch norm constants and biases.

    Raises:
        NotExact, BadRates: see :func:`verify`.
        ValueError: the example is off the grid, or a layer cannot be put on it.
    """
    model.eval()
    _check_norms(model)
    for index, x in enumerate(example):
        if x.is_floating_point() and fraction_bits(x) > 12:
            raise ValueError(f"input {index} is not on a dyadic grid: it needs more than 12 fractional bits")
    walk = _GridWalk(model, low, high, seed)
    _snap(model, grid_bits, walk)
    walk.run(example)
    report = verify(model, example, low=low, high=high, output=output, other=other)
    report.passes = walk.passes
    return report


def calibrate(
    model: nn.Module, example: Sequence[Tensor], *, low: float = LOW, high: float = HIGH, seed: int = 0
) -> Report:
    """Set batch norms and biases of a model with real-valued weights so that every neuron layer fires on ``example``.

    The weights stay as they are.  The model is changed in place; on return it
    is in eval mode and reset.

    Args:
        model: any model :func:`settle` takes.
        example: inputs, real-valued.
        low, high: firing rates every neuron layer must stay within, in [0, 1].
        seed: of the batch norm constants and biases.

    Raises:
        BadRates: with the names of the layers that stayed outside.
    """
    model.eval()
    _check_norms(model)
    walk = _RealWalk(model, low, high, seed)
    for module in model.modules():
        if isinstance(module, SYNAPSES) and module.bias is not None:
            module.bias.data.copy_((walk.uniform(*module.bias.shape) - 0.5) * 0.2)
    walk.run(example)
    report = Report(rates=neuron_rates(model, example), passes=walk.passes)
    check_rates(report.rates, low, high)
    return report
