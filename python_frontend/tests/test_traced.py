"""Neurons that users write: what is traced computes what their own forward computes, the rest is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from custom_neuron.adaptive import AdaptiveLIFNode, Network
from spikingjelly.activation_based.neuron import LIFNode as SpikingJellyLIF
from spikingjelly.activation_based.neuron import SimpleBaseNode, SimpleLIFNode
from torch import Tensor, nn

from spk.errors import Unsupported
from spk.importer import translate
from spk.importer.neuron_table import describe_rejection, spec_of
from spk.neuron import IFNode, LIFNode
from spk.neuron_model import simulate


def currents() -> Tensor:
    return torch.randn(6, 2048, generator=torch.Generator().manual_seed(9)) * 2.0 + 0.5


class Quadratic(LIFNode):
    """A charge of its own, the rest of the base."""

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v + (x - v * (v - 0.5)) / self.tau


class TwoSided(IFNode):
    """Fires where the membrane leaves a band; everything overridden."""

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return torch.clamp(v, -2.0, 2.0) * 0.75 + x.abs() - torch.relu(x) * 0.5

    def fire(self, h: Tensor) -> Tensor:
        return ((h >= self.v_threshold) | ~(h > -self.v_threshold)).to(h.dtype)

    def _reset(self, h: Tensor, s: Tensor) -> Tensor:
        return torch.where(s.bool(), torch.zeros_like(h), -h)


class InPlace(SimpleBaseNode):
    """Charges and resets in place, multi-step."""

    def neuronal_charge(self, x: Tensor) -> None:
        self.v *= 0.5
        self.v += x

    def neuronal_reset(self, spike: Tensor) -> None:
        self.v -= spike * self.v_threshold


class Ternary(IFNode):
    """Fires -1, 0 or 1."""

    def fire(self, h: Tensor) -> Tensor:
        return (h >= self.v_threshold).float() - (h <= -self.v_threshold).float()


class Learned(SimpleLIFNode):
    """A parameter in the charge, single steps."""

    def __init__(self) -> None:
        super().__init__(tau=1.5, decay_input=True)
        self.w = nn.Parameter(torch.tensor(0.3))

    def neuronal_charge(self, x: Tensor) -> None:
        self.v = self.v * torch.sigmoid(self.w) + x


@pytest.mark.parametrize(
    ("module", "element", "states"),
    [
        (Quadratic(tau=1.5), "i1", 1),
        (Quadratic(v_reset=None), "i1", 1),
        (TwoSided(v_threshold=0.75), "i1", 1),
        (Ternary(v_reset=None), "f32", 1),
        (AdaptiveLIFNode(), "i1", 2),
        (Learned(), "i1", 1),
        (InPlace(step_mode="m"), "i1", 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else str(value),
)
def test_traced(module: nn.Module, element: str, states: int) -> None:
    module.eval()
    assert describe_rejection(module) is None
    spec = spec_of(module)
    assert (spec.kind, spec.form.element, spec.form.states) == ("neuron", element, states)
    x = currents()
    with torch.no_grad():
        single = getattr(module, "step_mode", "m") == "s"
        expected = torch.stack([module(step) for step in x]) if single else module(x)
    assert 0.02 < expected.count_nonzero() / expected.numel() < 0.9
    np.testing.assert_array_equal(simulate(spec, x.numpy())[0].astype(np.float32), expected.numpy())


def test_region() -> None:
    result = translate(Network(), *Network.example())
    first, second = (op for op in result.context.builder.ops if op.name == "spk.neuron")
    assert first.attributes == {"resting": "array<f32: 0.0e+00, 0.0e+00>"}
    lines = [line.strip() for line in first.region.splitlines()]
    assert lines[0] == "^bb0(%v0: f32, %v1: f32, %x: f32):"
    assert re.fullmatch(r"spk\.fire %c\d+, %c\d+ state %c\d+, %c\d+ : i1", lines[-1])
    assert sum("arith.mulf" in line for line in lines) == 4
    assert first.region != second.region
    assert (first.path, second.path) == ("neuron1", "neuron2")


class DependsOnValues(IFNode):
    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v + x if bool((x > 0).all()) else v


class AcrossElements(IFNode):
    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v + x - x.mean()


class Exponential(IFNode):
    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v + x + torch.exp(v)


class PerChannel(IFNode):
    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v + x * torch.tensor([0.5, 1.0, 0.5])


class Scaled(IFNode):
    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return torch.add(v, x, alpha=0.3)


class Infinite(IFNode):
    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return torch.minimum(v + x, torch.full_like(x, float("inf")))


class Doubled(SimpleBaseNode):
    def neuronal_charge(self, x: Tensor) -> None:
        self.v = self.v + x

    def single_step_forward(self, x: Tensor) -> Tensor:
        return super().single_step_forward(2.0 * x)


class TensorMemory(SimpleBaseNode):
    def __init__(self) -> None:
        super().__init__()
        self.register_memory("u", torch.zeros(3))

    def neuronal_charge(self, x: Tensor) -> None:
        self.v = self.v + x + self.u


class NotCalled(SpikingJellyLIF):
    """SpikingJelly's LIFNode does not call this."""

    def neuronal_charge(self, x: Tensor) -> None:
        self.v = self.v + x


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (DependsOnValues(), "cannot be traced: its control flow depends on values"),
        (AcrossElements(), r"aten\.mean\.default in a neuron"),
        (Exponential(), r"aten\.exp\.default in a neuron"),
        (PerChannel(), r"a constant of shape \[3\]"),
        (Scaled(), "alpha=0.3 in a neuron"),
        (Infinite(), "the constant inf"),
        (Doubled(), r"is a neuron that changes single_step_forward\(\)|keeps state between calls"),
        (TensorMemory(), "the reset value of u is Tensor"),
        (NotCalled(), r"overrides neuronal_charge\(\) of LIFNode"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_refused(module: nn.Module, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        spec_of(module.eval())


def test_a_forward_that_does_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an older base whose forward has a path of its own past the three methods."""
    forward = IFNode.forward
    monkeypatch.setattr(IFNode, "forward", lambda self, x: forward(self, 2.0 * x))
    with pytest.raises(Unsupported, match="its forward is not charge, fire, _reset one after the other"):
        spec_of(Half())


class Half(IFNode):
    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v + x * 0.5
