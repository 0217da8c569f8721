"""Neurons that never fire, as heads of a model: membranes of PyTorch bit for bit, and step by step."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import spk
from spk.errors import UnsupportedModelError
from spk.importer import translate
from spk.neuron import LIFNode

T = 5


class Model(nn.Module):
    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.fc, self.lif, self.classes, self.head = nn.Linear(6, 8), LIFNode(), nn.Linear(8, 4), head

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        return self.head(self.classes(self.lif(self.fc(x))))


def neuron(name: str) -> Callable[..., nn.Module]:
    return getattr(pytest.importorskip("spikingjelly.activation_based.neuron", reason="SpikingJelly is not installed"), name)


def built(name: str, **options: object) -> tuple[Model, Tensor]:
    torch.manual_seed(2)
    model = Model(neuron(name)(**options)).eval()
    for layer in (model.fc, model.classes):  # on a grid, so that sums are exact in any order
        layer.weight.data = torch.randint(-6, 10, layer.weight.shape) / 16.0
        layer.bias.data = torch.randint(4, 12, layer.bias.shape) / 16.0
    x = torch.randint(-8, 24, (T, 3, 6)) / 8.0
    with torch.no_grad():
        rate = model.lif(model.fc(x)).mean().item()
    assert 0.02 < rate < 0.6
    return model, x


FORMS = [("NonSpikingLIFNode", {"tau": 1.5}), ("NonSpikingLIFNode", {}), ("NonSpikingIFNode", {})]


@pytest.mark.parametrize("decode", ["last_mem", "mean-mem", "max-mem"])
@pytest.mark.parametrize(("name", "options"), FORMS)
def test_decoded(name: str, options: dict[str, float], decode: str, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    model, x = built(name, decode=decode, **options)
    net = spk.compile(model, x)
    given = np.asarray(net(x.numpy()))
    with torch.no_grad():
        wanted = model(x).numpy()
    assert wanted.std() > 0.05
    # PyTorch leaves the order of its mean open.
    np.testing.assert_allclose(given, wanted, rtol=1e-6 if decode == "mean-mem" else 0.0)
    for step in x.numpy():
        net.step(step)
    np.testing.assert_array_equal(np.asarray(net.finish()), given)


def test_all_steps(need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    model, x = built("NonSpikingLIFNode")
    given = spk.compile(model, x)(x.numpy())
    with torch.no_grad():
        wanted = model(x)
    assert len(given) == T
    for a, b in zip(given, wanted, strict=True):
        np.testing.assert_array_equal(np.asarray(a), b.numpy())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"decode": "max-abs-mem"}, "decode='max-abs-mem' of a neuron that does not fire"),
        ({"tau": math.inf}, "tau is inf"),
    ],
)
def test_refused(options: dict[str, object], expected: str) -> None:
    model, x = built("NonSpikingLIFNode", **options)
    with pytest.raises(UnsupportedModelError) as caught:
        translate(model, (x,), sequence=True)
    (problem,) = caught.value.problems
    assert (problem.path, problem.reason) == ("head", expected)


def test_maximum_that_is_not_over_time() -> None:
    class Largest(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.amax(2)

    with pytest.raises(UnsupportedModelError, match="a maximum that is not over time"):
        translate(Largest(), (torch.rand(T, 3, 6),), sequence=True)
