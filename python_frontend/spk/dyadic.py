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
neurons that feed it: the module that holds them runs again until it is.

:func:`verify` is the proof: it runs the model in float32 and in float64 and
raises :class:`NotExact` with the name of the first layer where they differ,
checks that every synapse sum is exact in any order, and raises
:class:`BadRates` with the names of silent and saturated layers.

Firing rates are shares of (time step, element) pairs with a spike, in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Sequence

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
    neuron_rates,
)
from spk.walk import Rates, Walk

__all__ = ["EPS", "BadRates", "NotExact", "Report", "calibrate", "neuron_rates", "settle", "verify"]

EPS = 2.0**-17  # of every batch norm on the grid, so that running_var + eps is exactly a power of four
_SHIFT_BITS = 6  # batch norm shifts are multiples of 2**-_SHIFT_BITS


class _GridWalk(Walk):
    shift_unit = 2.0**-_SHIFT_BITS

    def set_norm(self, norm: nn.Module, mean: Tensor, deviation: Tensor) -> None:
        channels = norm.num_features
        exponent = torch.where(deviation > 0, -torch.log2(deviation.clamp_min(2.0**-20)), 0.0).round().clamp(-8, 8)
        scale = torch.tensor([0.75, 1.0, 1.0, 1.25], dtype=torch.float64)[(self.uniform(channels) * 4).long()]
        scale = scale * 2.0**exponent * torch.where(self.uniform(channels) < 0.125, -1.0, 1.0)
        root = 2.0 ** (self.uniform(channels) * 3 - 1).floor()  # square root of running_var + eps: 1/2, 1 or 2
        norm.eps = EPS
        norm.running_var.copy_(root * root - EPS)
        norm.weight.data.copy_(scale * root)
        norm.running_mean.copy_((mean * 8).round() / 8)
        wanted = (self.uniform(channels) - 0.5) - scale * (mean - norm.running_mean.double())
        norm.bias.data.copy_((wanted / self.shift_unit).round() * self.shift_unit)


class _RealWalk(Walk):
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


def _snap(model: nn.Module, bits: int, walk: Walk) -> None:
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
    until: str | None = None,
    rates: Rates | None = None,
    proof: Sequence[Tensor] | None = None,
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
        output, other, until: see :func:`verify`.
        rates: firing rates asked of neuron layers, by glob of module paths, the
            first that matches; or a pair of a rate and the max-pool behind which
            it counts.  Neurons in front of one without a batch norm may stray by
            0.012 for its sake, and it by 0.008.  Others fire at a random rate
            between 12 % and 25 %.
        proof: inputs to prove it on instead of the example; fewer are quicker.
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
    walk = _GridWalk(model, low, high, seed, rates)
    _snap(model, grid_bits, walk)
    walk.run(example)
    report = verify(
        model, example if proof is None else proof, low=low, high=high, output=output, other=other, until=until
    )
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
