"""Neurons that never fire, behind the last layer of a model: their membranes are what the model says.

SpikingJelly's ``NonSpikingLIFNode`` and ``NonSpikingIFNode`` integrate a sequence without threshold or reset and
decode the membranes ``[T, ...]`` of all steps: the last one, their mean or maximum over time, or all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from spk.errors import Unsupported
from spk.importer.traced import Body
from spk.neuron_model import NeuronSpec

__all__ = ["decode", "head_spec", "is_head", "membranes"]

_MODULE = "spikingjelly.activation_based.neuron"
_CLASSES = {(f"{_MODULE}.lif", "NonSpikingLIFNode"), (f"{_MODULE}.integrate_and_fire", "NonSpikingIFNode")}

_DECODERS: dict[str | None, Callable[[Tensor], Any]] = {
    None: lambda v: list(v.unbind(0)),
    "last_mem": lambda v: v[-1],
    "mean-mem": lambda v: v.mean(0),
    "max-mem": lambda v: v.amax(0),
}


def is_head(module: nn.Module) -> bool:
    """Whether a module is a neuron that never fires; subclasses are none."""
    return (type(module).__module__, type(module).__qualname__) in _CLASSES


def head_spec(module: nn.Module) -> NeuronSpec:
    """The equations: ``v + (x - v) / tau``, or ``v + x``.

    Raises:
        Unsupported: where the membranes are decoded in a way that has no operation, or tau is no number above 0.
    """
    if module.decode not in _DECODERS:
        known = ", ".join(repr(d) for d in _DECODERS)
        raise Unsupported(f"decode={module.decode!r} of a neuron that does not fire", f"decode one of {known}")
    operations: list[tuple[str, str, tuple[str, ...], float | None]] = [("h", "arith.addf", ("v0", "x"), None)]
    if hasattr(module, "tau"):
        if not 0.0 < float(module.tau) < float("inf"):
            raise Unsupported(f"tau is {module.tau}", "a finite tau greater than 0")
        operations = [
            ("tau", "arith.constant", (), float(module.tau)),
            ("difference", "arith.subf", ("x", "v0"), None),
            ("change", "arith.divf", ("difference", "tau"), None),
            ("h", "arith.addf", ("v0", "change"), None),
        ]
    return NeuronSpec("neuron", body=Body((0.0,), tuple(operations), "h", "h", ("h",), "f32"))


def membranes(module: nn.Module, x: Tensor) -> Tensor:
    """The membranes of all steps as the module computes them, ``[T, ...]``."""
    decoding, module.decode = module.decode, None
    try:
        return torch.stack(type(module).forward(module, x))
    finally:
        module.decode = decoding


def decode(module: nn.Module, v: Tensor) -> Any:
    """What the module makes of its membranes ``[T, ...]``."""
    return _DECODERS.get(module.decode, _DECODERS[None])(v)
