"""Every neuron class against the dialect's formula that the importer gives it, bit for bit."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from spk.errors import Unsupported
from spk.importer.neuron_table import describe_rejection, lookup, spec_of
from spk.neuron import QCFS, IFNode, ILIFNode, LIFNode, MultiSpike, ParametricLIFNode, SignedIFNode
from spk.neuron_model import NeuronSpec, simulate

sj = pytest.importorskip("spikingjelly.activation_based.neuron", reason="SpikingJelly is not installed")
from spikingjelly.activation_based import surrogate

TAUS = (1.5, 1.75, 2.0, 4.0, 5.3)
RESETS = (0.0, -0.25, 0.3, None)


def currents(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(6, 4096, generator=generator) * 2.0 + 0.8


def assert_same_bits(module: nn.Module) -> None:
    spec = spec_of(module.eval())
    x = currents(7)
    with torch.no_grad():
        expected = module(x).numpy()
    spikes, _ = simulate(spec, x.numpy())
    assert 0.01 < np.count_nonzero(expected) / expected.size < 0.95
    np.testing.assert_array_equal(spec.output(spikes), expected)


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("decay", [True, False])
@pytest.mark.parametrize("tau", TAUS)
@pytest.mark.parametrize("cls", [LIFNode, sj.LIFNode, sj.SimpleLIFNode])
def test_lif(cls: type, tau: float, decay: bool, reset: float | None) -> None:
    module = cls(tau=tau, decay_input=decay, v_threshold=0.75, v_reset=reset, step_mode="m")
    if cls is sj.SimpleLIFNode and reset is None:
        with pytest.raises(Unsupported, match="v_reset=None"):
            spec_of(module)
        return
    assert_same_bits(module)


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("cls", [IFNode, sj.IFNode, sj.SimpleIFNode])
def test_if(cls: type, reset: float | None) -> None:
    assert_same_bits(cls(v_threshold=1.25, v_reset=reset, step_mode="m"))


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("tau", TAUS)
@pytest.mark.parametrize("cls", [ParametricLIFNode, sj.ParametricLIFNode])
def test_plif(cls: type, tau: float, reset: float | None) -> None:
    module = cls(init_tau=tau, v_reset=reset, step_mode="m")
    with torch.no_grad():
        module.w += 0.137
    assert spec_of(module).charge == "multiply"
    assert_same_bits(module)


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("tau", TAUS)
@pytest.mark.parametrize("cls", [ParametricLIFNode, sj.ParametricLIFNode])
def test_plif_without_input_decay(cls: type, tau: float, reset: float | None) -> None:
    module = cls(init_tau=tau, decay_input=False, v_reset=reset, step_mode="m")
    with torch.no_grad():
        module.w += 0.137
    assert spec_of(module).charge == "no_decay_multiply"
    assert_same_bits(module)


def halves() -> Tensor:
    """Currents a third of which are halves, where the roundings differ."""
    x = currents(5)
    x[:, ::3] = (x[:, ::3] * 2).round() / 2
    return x


def counts(spec: NeuronSpec, x: Tensor) -> np.ndarray:
    return spec.output(simulate(spec, x.numpy())[0])


@pytest.mark.parametrize("rounding", ["half_even", "half_up"])
@pytest.mark.parametrize("levels", [1, 4, 127])
@pytest.mark.parametrize("tau", [1.0, 4 / 3, 1.75, 2.0, math.inf])
def test_ilif(tau: float, levels: int, rounding: str) -> None:
    module = ILIFNode(tau=tau, v_threshold=0.75, levels=levels, rounding=rounding).eval()
    assert_same_bits(module)
    np.testing.assert_array_equal(counts(spec_of(module), halves()), module(halves()))


@pytest.mark.parametrize("tau", [4 / 3, 1.75, 2.0])
def test_ilif_of_spikingjelly(tau: float) -> None:
    options = {"tau": tau, "v_threshold": 0.75, "surrogate_function": surrogate.MultiLevelSpikeCount(6)}
    assert_same_bits(sj.ILIFNode(**options, step_mode="m"))
    single = sj.ILIFNode(**options).eval()
    with torch.no_grad():
        expected = np.stack([single(x).numpy() for x in halves()])
    np.testing.assert_array_equal(counts(spec_of(single), halves()), expected)


@pytest.mark.parametrize("norm", [None, 1.0, 3.0])
@pytest.mark.parametrize("rounding", ["half_even", "half_up"])
def test_multi_spike(rounding: str, norm: float | None) -> None:
    module = MultiSpike(levels=4, norm=norm, rounding=rounding).eval()
    assert_same_bits(module)
    np.testing.assert_array_equal(counts(spec_of(module), halves()), module(halves()))


@pytest.mark.parametrize("levels", [1, 4, 8, 127])
@pytest.mark.parametrize("up", [1.0, 0.7, 2.0])
def test_qcfs(up: float, levels: int) -> None:
    assert_same_bits(QCFS(levels, up))


@pytest.mark.parametrize("v_initial", [0.0, 0.5, 0.3])
@pytest.mark.parametrize("scale", [1.0, 0.7, 2.0])
@pytest.mark.parametrize("max_count", [1, 3, 8])
def test_signed_if(max_count: int, scale: float, v_initial: float) -> None:
    module = SignedIFNode(max_count, scale, v_initial=v_initial)
    assert_same_bits(module)
    spikes = simulate(spec_of(module), currents(7).numpy())[0]
    assert set(np.unique(spikes)) == {-1.0, 0.0, 1.0}
    total = np.cumsum(spikes, axis=0)
    assert (total.min(), total.max()) == (0.0, min(6, max_count))


def test_learned_numbers_are_checked() -> None:
    module = QCFS()
    with torch.no_grad():
        module.up -= 9.0
    with pytest.raises(Unsupported, match=r"up is \[-1.0\]"):
        spec_of(module)


def test_roundings_really_differ() -> None:
    even, up = (counts(spec_of(MultiSpike(rounding=r)), halves()) for r in ("half_even", "half_up"))
    assert (even != up).mean() > 0.02


def test_forms_really_differ() -> None:
    """The table matters: dividing and multiplying give other bits at tau 1.5."""
    x = currents(3)
    divided = simulate(spec_of(LIFNode(tau=1.5)), x.numpy())[1]
    spec = spec_of(LIFNode(tau=1.5))
    multiplied = simulate(type(spec)("lif", "multiply", factor=1 / 1.5), x.numpy())[1]
    assert (divided != multiplied).mean() > 0.05


@pytest.mark.parametrize("surrogate_function", [surrogate.Sigmoid(), surrogate.ATan(), surrogate.PiecewiseQuadratic()])
def test_surrogates_do_not_matter(surrogate_function: object) -> None:
    assert_same_bits(sj.LIFNode(surrogate_function=surrogate_function, step_mode="m"))


OLD = """
import sys, torch, numpy as np
version = sys.argv[1]
sys.path[:0] = [sys.argv[2], sys.argv[3]]
from spk.errors import Unsupported
from spk.importer.neuron_table import spec_of, step_mode
from spk.neuron_model import simulate
if "clock_driven" in version:
    from spikingjelly.clock_driven import neuron
    classes, extra = (neuron.MultiStepLIFNode, neuron.MultiStepParametricLIFNode, neuron.MultiStepIFNode), {}
else:
    from spikingjelly.activation_based import neuron
    classes, extra = (neuron.LIFNode, neuron.ParametricLIFNode, neuron.IFNode), {"step_mode": "m"}
x = torch.randn(6, 4096) * 2 + 0.8
for cls in classes:
    for tau in (1.5, 2.0, 5.3):
        for decay in (True, False):
            for reset in (0.0, -0.25, None):
                own = {"tau": tau} if "tau" in cls.__init__.__code__.co_varnames else {"init_tau": tau}
                own = {} if "IFNode" in cls.__name__ and "LIF" not in cls.__name__ else {**own, "decay_input": decay}
                module = cls(v_reset=reset, **own, **extra).eval()
                try:
                    spec = spec_of(module)
                except Unsupported:
                    continue
                with torch.no_grad():
                    expected = module(x).numpy() != 0
                assert step_mode(module) == "m"
                assert np.array_equal(simulate(spec, x.numpy())[0], expected), (cls, tau, decay, reset)
                print("equal")
"""


OLDER = [("clock_driven 0.0.0.0.12", "SPK_SPIKINGJELLY_12"), ("0.0.0.0.14", "SPK_SPIKINGJELLY_14")]


@pytest.mark.parametrize(("version", "variable"), OLDER)
def test_older_spikingjelly(version: str, variable: str) -> None:
    """Needs the old package unpacked beside the installed one: ``pip install --no-deps --target FOLDER spikingjelly==...``."""
    folder = os.environ.get(variable)
    if not folder:
        pytest.skip(f"{variable} names no folder with SpikingJelly {version}")
    command = [sys.executable, "-c", OLD, version, folder, str(Path(__file__).resolve().parents[1])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("equal") >= 36


def unrounded() -> nn.Module:
    module = sj.ILIFNode()
    module.surrogate_function = surrogate.MultiLevelSpikeCount(4, spiking=False)
    return module


class Leaky(sj.LIFNode):
    def single_step_functional_forward(self, inputs, states, **kwargs):
        return super().single_step_functional_forward(inputs, states, **kwargs)


class Chosen(LIFNode):
    """Brings a constructor and a method that the base does not have."""

    def __init__(self) -> None:
        super().__init__(tau=5.3, v_threshold=0.75, decay_input=False)

    def rate(self, x: Tensor) -> Tensor:
        return self(x).mean()


class Leaking:
    """Overrides the charge of whatever stands behind it."""

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return 0.5 * super().charge(x, v)  # type: ignore[misc]


class Mixed(Leaking, LIFNode):
    pass


class OwnForward(LIFNode):
    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v + 0.5 * x

    def forward(self, x_seq: Tensor) -> Tensor:
        return super().forward(x_seq * 2.0)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (Leaky(), r"overrides single_step_functional_forward\(\) of LIFNode"),
        (OwnForward(), r"OwnForward overrides charge\(\), forward\(\) of LIFNode"),
        (sj.QIFNode(), r"QIFNode keeps state between calls and is no neuron that spk knows"),
        (sj.LIFNode(surrogate_function=surrogate.Sigmoid(spiking=False)), "does not fire as x >= 0"),
        (sj.LIFNode(surrogate_function=surrogate.MultiLevelSpikeCount(4)), "does not fire as x >= 0"),
        (unrounded(), r"does not round to 0\.\.4 in the forward pass"),
    ],
)
def test_rejected(module: nn.Module, expected: str) -> None:
    reason = describe_rejection(module)
    assert reason is not None
    assert re.search(expected, reason)
    with pytest.raises(Unsupported):
        spec_of(module)


def test_a_subclass_that_overrides_nothing_is_its_base() -> None:
    assert_same_bits(Chosen())
    assert lookup(Chosen) is lookup(LIFNode)
    assert lookup(Mixed) is None


def test_forward_replaced_on_the_instance() -> None:
    module = LIFNode()
    module.forward = lambda x: x  # type: ignore[method-assign]
    assert "replaced on the instance" in str(describe_rejection(module))


def test_initial_membrane() -> None:
    module = sj.SimpleIFNode(v_reset=-0.5, step_mode="m")  # starts at 0, resets to -0.5
    assert spec_of(module).initial == 0.0
    assert spec_of(sj.IFNode(v_reset=-0.5)).initial is None
