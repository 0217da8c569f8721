"""`spk.neuron` against SpikingJelly's neurons on their torch backend, bit for bit."""

from __future__ import annotations

import math

import pytest
import torch
from spikingjelly.activation_based import neuron as sj
from spikingjelly.activation_based import surrogate
from torch import Tensor

from spk import neuron

SHAPE = (6, 3, 257)  # T, B, C


def currents(dtype: torch.dtype = torch.float32) -> Tensor:
    """Currents around the threshold, some large, some negative; a third on a coarse grid so that equality happens."""
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(SHAPE, generator=generator, dtype=dtype) * 2.0
    x[..., ::3] = (x[..., ::3] * 4).round() / 4
    return x


def same_bits(ours: Tensor, theirs: Tensor) -> bool:
    return ours.dtype == theirs.dtype and torch.equal(ours, theirs)


@pytest.mark.parametrize("tau", [2.0, 1.5, 4.0 / 3.0, 10.0])
@pytest.mark.parametrize("decay_input", [True, False])
@pytest.mark.parametrize("v_reset", [0.0, None, -0.3, 0.25])
@pytest.mark.parametrize("v_threshold", [1.0, 0.5, 0.7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_lif_has_the_bits_of_spikingjelly(
    tau: float, decay_input: bool, v_reset: float | None, v_threshold: float, dtype: torch.dtype
) -> None:
    options = {"tau": tau, "decay_input": decay_input, "v_reset": v_reset, "v_threshold": v_threshold, "step_mode": "m"}
    theirs = sj.LIFNode(**options, store_v_seq=True).eval()
    ours = neuron.LIFNode(**options).eval()
    x = currents(dtype) * (tau if decay_input else 1.0)  # a current divided by tau must still reach the threshold
    expected, got = theirs(x), ours(x)
    assert 0.02 < expected.mean() < 0.6
    assert same_bits(got, expected)
    # The membranes too: each is charged from the one before, so equal charges mean equal membranes.
    v = torch.full_like(x[0], 0.0 if v_reset is None else v_reset)
    for t in range(SHAPE[0]):
        v = ours._reset(ours.charge(x[t], v), got[t])
        assert same_bits(v, theirs.v_seq[t])


@pytest.mark.parametrize("init_tau", [2.0, 1.5, 3.0])
@pytest.mark.parametrize("decay_input", [True, False])
@pytest.mark.parametrize("v_reset", [0.0, None, -0.3])
def test_parametric_lif_has_the_bits_of_spikingjelly(init_tau: float, decay_input: bool, v_reset: float | None) -> None:
    options = {"init_tau": init_tau, "decay_input": decay_input, "v_reset": v_reset, "step_mode": "m"}
    theirs = sj.ParametricLIFNode(**options, store_v_seq=True).eval()
    ours = neuron.ParametricLIFNode(**options).eval()
    assert torch.equal(ours.w, theirs.w)
    x = currents() * (init_tau if decay_input else 1.0)
    with torch.no_grad():
        expected, got = theirs(x), ours(x)
        assert 0.02 < expected.mean() < 0.6
        assert same_bits(got, expected)
        v = torch.full_like(x[0], 0.0 if v_reset is None else v_reset)
        for t in range(SHAPE[0]):
            v = ours._reset(ours.charge(x[t], v), got[t])
            assert same_bits(v, theirs.v_seq[t])


def test_parametric_lif_learns_its_time_constant() -> None:
    node = neuron.ParametricLIFNode(init_tau=3.0)
    assert list(node.state_dict()) == ["w"]
    assert "tau=3, decay_input=True" in repr(node)
    node.train()(currents()).sum().backward()
    assert node.w.grad is not None and node.w.grad.abs() > 0
    with pytest.raises(ValueError, match="init_tau must be finite and greater than 1, got 1.0"):
        neuron.ParametricLIFNode(init_tau=1.0)


@pytest.mark.parametrize("v_reset", [0.0, None, -0.3])
@pytest.mark.parametrize("v_threshold", [1.0, 0.5, 0.7])
def test_if_has_the_bits_of_spikingjelly(v_reset: float | None, v_threshold: float) -> None:
    theirs = sj.IFNode(v_threshold=v_threshold, v_reset=v_reset, step_mode="m").eval()
    ours = neuron.IFNode(v_threshold=v_threshold, v_reset=v_reset).eval()
    expected = theirs(currents())
    assert 0.02 < expected.mean() < 0.6
    assert same_bits(ours(currents()), expected)


def test_equality_fires() -> None:
    below = torch.nextafter(torch.tensor(2.0), torch.tensor(0.0))
    x = torch.stack([torch.tensor(2.0), below]).reshape(1, 1, 2)
    assert neuron.LIFNode().eval()(x).tolist() == [[[1.0, 0.0]]]
    assert neuron.IFNode(v_threshold=2.0).eval()(x).tolist() == [[[1.0, 0.0]]]


@pytest.mark.parametrize("node", [neuron.LIFNode(), neuron.LIFNode(v_reset=None), neuron.IFNode()])
def test_nan_never_fires(node: neuron.LIFNode | neuron.IFNode) -> None:
    x = torch.full((3, 1, 1), 100.0)
    x[1] = float("nan")
    assert node.eval()(x).flatten().tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("reset", [0.0, None])
def test_nothing_is_kept_between_calls(reset: float | None) -> None:
    node = neuron.LIFNode(v_reset=reset).eval()
    assert same_bits(node(currents()), node(currents()))


@pytest.mark.parametrize("detach_reset", [True, False])
@pytest.mark.parametrize("v_reset", [0.0, None])
@pytest.mark.parametrize("name", ["Sigmoid", "ATan"])
def test_the_gradient_is_spikingjellys(detach_reset: bool, v_reset: float | None, name: str) -> None:
    options = {"detach_reset": detach_reset, "v_reset": v_reset, "step_mode": "m"}
    theirs = sj.LIFNode(**options, surrogate_function=getattr(surrogate, name)())
    ours = neuron.LIFNode(**options, surrogate_function=getattr(neuron, name)())
    grads = []
    for node in (theirs, ours):
        x = currents().requires_grad_()
        (node(x) * torch.linspace(-1, 1, SHAPE[-1])).sum().backward()
        grads.append(x.grad)
    assert grads[0].abs().max() > 0.1
    torch.testing.assert_close(grads[1], grads[0], rtol=1e-4, atol=1e-6)


def test_training_and_eval_spike_alike() -> None:
    node = neuron.LIFNode(tau=1.5, v_reset=-0.3)
    assert same_bits(node.train()(currents()), node.eval()(currents()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau": 1.0}, "tau must be finite and greater than 1"),
        ({"tau": float("nan")}, "tau must be finite and greater than 1"),
        ({"v_threshold": float("inf")}, "v_threshold must be finite"),
        ({"v_reset": float("nan")}, "v_reset must be finite or None"),
        ({"step_mode": "s"}, "step_mode must be 'm'"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        neuron.LIFNode(**options)


@pytest.mark.parametrize("tau", [4.0 / 3.0, 1.75, 2.0])
@pytest.mark.parametrize("levels", [1, 4, 9])
@pytest.mark.parametrize("v_threshold", [1.0, 0.7])
def test_ilif_has_the_bits_of_spikingjelly(tau: float, levels: int, v_threshold: float) -> None:
    options = {"tau": tau, "v_threshold": v_threshold, "step_mode": "m"}
    theirs = sj.ILIFNode(**options, surrogate_function=surrogate.MultiLevelSpikeCount(levels)).eval()
    ours = neuron.ILIFNode(**options, levels=levels).eval()
    expected = theirs(currents())
    assert expected.max() >= min(levels, 6)
    assert same_bits(ours(currents()), expected)


def test_ilif_without_leak_keeps_what_it_did_not_fire() -> None:
    """v += x; s = round(clamp(v, 0, 8)); v -= s."""
    node, x = neuron.ILIFNode(tau=math.inf, levels=8).eval(), currents() * 3
    v, expected = torch.zeros_like(x[0]), []
    for current in x:
        v = v + current
        expected.append(v.clamp(0, 8).round())
        v = v - expected[-1]
    assert same_bits(node(x), torch.stack(expected))
    assert torch.stack(expected).unique().numel() > 5


@pytest.mark.parametrize("rounding", neuron.ROUNDINGS)
def test_multi_spike_rounds_and_divides(rounding: str) -> None:
    x = torch.tensor([-1.0, 0.5, 1.5, 2.5, 3.5, 9.0])
    integers = {"half_even": [0, 0, 2, 2, 4, 4], "half_up": [0, 1, 2, 3, 4, 4]}[rounding]
    assert (neuron.MultiSpike(rounding=rounding)(x) * 4).tolist() == integers
    assert neuron.MultiSpike(norm=1.0, rounding=rounding)(x).tolist() == integers
    assert f"levels=4, norm=4, rounding={rounding}" in repr(neuron.MultiSpike(rounding=rounding))


def test_integer_neurons_pass_gradients_inside_their_range() -> None:
    x = torch.tensor([-0.5, 0.0, 1.3, 4.0, 4.5], requires_grad=True)
    neuron.MultiSpike()(x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25, 0.25, 0.25, 0.0]
    current = torch.tensor([[[0.6]], [[0.7]]], requires_grad=True)
    neuron.ILIFNode(v_threshold=0.5, detach_reset=True)(current).sum().backward()
    assert current.grad.flatten().tolist() == [2.0 + 0.5, 2.0]


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (neuron.ILIFNode, {"tau": 0.5}, "tau must be at least 1, got 0.5"),
        (neuron.ILIFNode, {"v_threshold": 0.0}, "v_threshold must be positive"),
        (neuron.ILIFNode, {"levels": 0}, r"levels must be in \[1, 127\], got 0"),
        (neuron.MultiSpike, {"levels": 128}, r"levels must be in \[1, 127\], got 128"),
        (neuron.MultiSpike, {"rounding": "up"}, "rounding must be 'half_even' or 'half_up', got 'up'"),
        (neuron.MultiSpike, {"norm": 0.0}, "norm must be positive and finite"),
        (neuron.QCFS, {"levels": 0}, "levels must be in"),
        (neuron.QCFS, {"up": -1.0}, "up must be positive and finite, got -1.0"),
        (neuron.SignedIFNode, {"max_count": 0}, "max_count must be at least 1, got 0"),
        (neuron.SignedIFNode, {"max_count": 4, "scale": 0.0}, "scale must be positive and finite, got 0.0"),
        (neuron.SignedIFNode, {"max_count": 4, "v_threshold": -1.0}, "v_threshold must be positive and finite"),
        (neuron.SignedIFNode, {"max_count": 4, "v_initial": float("nan")}, "v_initial must be finite"),
    ],
)
def test_bad_options_of_other_neurons_are_refused(cls: type, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**options)


def test_qcfs_is_a_staircase_with_learned_height() -> None:
    node = neuron.QCFS(levels=4, up=2.0)
    x = torch.tensor([-1.0, 0.24, 0.25, 0.5, 1.2, 1.9, 5.0], requires_grad=True)
    y = node(x)
    assert y.tolist() == [0.0, 0.0, 0.5, 0.5, 1.0, 2.0, 2.0]
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    assert node.up.grad is not None and node.up.grad.item() != 0
    assert list(node.state_dict()) == ["up"]
    assert "levels=4, up=2" in repr(node)


def test_signed_spikes_add_up_to_qcfs() -> None:
    """The sum of the spikes of a constant current is the activation's value, as conversion wants it."""
    current = torch.linspace(-1, 3, 257)
    spikes = neuron.SignedIFNode(8, scale=2.0)(current.repeat(8, 1))
    staircase = neuron.QCFS(levels=8, up=2.0)(current)
    assert torch.equal(spikes.sum(0) / 8, staircase.detach())


def test_signed_spikes_are_taken_back() -> None:
    x = torch.tensor([0.5, 1.0, 0.75, 0.5, -3.0, -0.25, -2.0, 3.0]).reshape(8, 1)
    assert neuron.SignedIFNode(2)(x).flatten().tolist() == [1.0, 1.0, 0.0, 0.0, -1.0, -1.0, 0.0, 1.0]
    assert neuron.SignedIFNode(2, scale=0.5)(x * 0.5).flatten().tolist() == [0.5, 0.5, 0.0, 0.0, -0.5, -0.5, 0.0, 0.5]
    assert "max_count=2, scale=1, v_threshold=1, v_initial=0.5" in repr(neuron.SignedIFNode(2))
