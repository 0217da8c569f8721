"""Matrix products of floats, integers and spikes per head, and softmaxes, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import spk
from spk.dyadic import settle
from spk.errors import UnsupportedModelError
from spk.importer import translate
from spk.neuron import LIFNode, MultiSpike

T, B, N, C, HEADS = 3, 2, 5, 16, 2  # d = 8: head width

Core = Callable[["Attention", Tensor], Tensor]


class Attention(nn.Module):
    """A core that takes what it needs of ``q``, ``k`` and ``v``, floats ``[T, B, N, C]``, and a neuron behind it."""

    def __init__(self, core: Core) -> None:
        super().__init__()
        self.core = core
        self.first, self.last = LIFNode(), LIFNode()
        self.linears = nn.ModuleList([nn.Linear(C, C, bias=False) for _ in range(3)])
        self.norms = nn.ModuleList([nn.BatchNorm1d(C) for _ in range(3)])
        self.lifs = nn.ModuleList([LIFNode() for _ in range(4)])
        self.spikes = nn.ModuleList([MultiSpike(levels=4, norm=1) for _ in range(3)])
        self.norm = nn.BatchNorm1d(C)
        self.head = nn.Linear(C, 4)

    def branch(self, i: int, s: Tensor) -> Tensor:
        return self.norms[i](self.linears[i](s).flatten(0, 1).transpose(1, 2)).transpose(1, 2).unflatten(0, (T, B))

    def q(self, s: Tensor) -> Tensor:
        return self.branch(0, s)

    def k(self, s: Tensor) -> Tensor:
        return self.branch(1, s)

    def v(self, s: Tensor) -> Tensor:
        return self.branch(2, s)

    def forward(self, x: Tensor) -> Tensor:
        y = self.core(self, self.first(x))
        y = self.norm(y.flatten(0, 1).transpose(1, 2)).transpose(1, 2).unflatten(0, (T, B))
        return self.head(self.last(y))


def heads(x: Tensor) -> Tensor:
    """``[T, B, N, C]`` to ``[T, B, h, N, d]``."""
    return x.unflatten(3, (HEADS, -1)).transpose(2, 3)


def joined(x: Tensor) -> Tensor:
    return x.transpose(2, 3).flatten(3)


def floats(m: Attention, s: Tensor) -> Tensor:
    return joined((heads(m.q(s)) @ heads(m.k(s)).transpose(-1, -2)) * 0.125 @ heads(m.lifs[2](m.v(s))))


def floats_kv_first(m: Attention, s: Tensor) -> Tensor:
    return joined(heads(m.q(s)) @ (heads(m.k(s)).transpose(-1, -2) @ heads(m.lifs[2](m.v(s)))))


def spikes_and_float_values(m: Attention, s: Tensor) -> Tensor:
    return joined((heads(m.lifs[0](m.q(s))) @ heads(m.lifs[1](m.k(s))).transpose(-1, -2)) * 0.25 @ heads(m.v(s)))


def neuron_between(m: Attention, s: Tensor) -> Tensor:
    attention = heads(m.lifs[0](m.q(s))) @ heads(m.lifs[1](m.k(s))).transpose(-1, -2)
    return joined(m.lifs[2](attention * 0.5) @ heads(m.v(s)))


def dual(m: Attention, s: Tensor) -> Tensor:
    """SpikingResformer's: floats by spikes, transposed, a neuron between."""
    spikes = heads(m.lifs[0](m.q(s))).transpose(-1, -2)  # [T, B, h, d, N]
    attention = m.lifs[1](heads(m.k(s)) @ spikes)  # [T, B, h, M, N]
    return joined((heads(m.v(s)).transpose(-1, -2) @ attention).transpose(-1, -2))


def integers(m: Attention, s: Tensor) -> Tensor:
    q, k, v = (heads(m.spikes[i](m.branch(i, s)) / 4) for i in range(3))
    return joined(q @ (k.transpose(-1, -2) @ v) * 8)


def integers_qk_first(m: Attention, s: Tensor) -> Tensor:
    q, k, v = (heads(m.spikes[i](m.branch(i, s))) for i in range(3))
    return joined(((q @ k.transpose(-1, -2)) @ v) / 16)


def sum_of_spikes(m: Attention, s: Tensor) -> Tensor:
    q, k, v = (m.lifs[i](m.branch(i, s)) for i in range(3))
    return joined((heads(q + q) @ heads(k).transpose(-1, -2)) @ heads(v) / 8)


def one_head(m: Attention, s: Tensor) -> Tensor:
    return (m.q(s) @ m.k(s).transpose(-1, -2)) * 0.125 @ m.lifs[2](m.v(s))


def wide_values(m: Attention, s: Tensor) -> Tensor:
    """Values of another width than keys, made narrower by a sum."""
    q, k = m.q(s), m.k(s)
    v = torch.cat([m.lifs[2](m.v(s)), s], dim=3)
    y = joined((heads(q) @ heads(k).transpose(-1, -2)) * 0.0625 @ heads(v))
    first, second = y.chunk(2, dim=3)
    return first + second


def per_head_scale(m: Attention, s: Tensor) -> Tensor:
    scale = torch.tensor([0.5, 0.25]).reshape(HEADS, 1, 1)
    return joined((heads(m.q(s)) @ heads(m.k(s)).transpose(-1, -2)) * scale @ heads(m.lifs[2](m.v(s))))


CORES = [
    floats,
    floats_kv_first,
    spikes_and_float_values,
    neuron_between,
    dual,
    integers,
    integers_qk_first,
    sum_of_spikes,
    one_head,
    wide_values,
    per_head_scale,
]


@pytest.mark.parametrize("core", CORES, ids=lambda core: core.__name__)
def test_product(core: Core, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    torch.manual_seed(3)
    model = Attention(core).eval()
    x = torch.randint(-8, 32, (T, B, N, C)) / 8.0
    settle(model, (x,), output="exact")
    assert "spk.matmul" in translate(model, (x,), sequence=True).text("net.safetensors")
    report = spk.compare(model, spk.compile(model, x, taps=["*:spikes"]), x)
    assert report.flipped == 0
    assert report.output_equal


class Scaled(nn.Module):
    """A linear layer, a constant that multiplies what it gives in a torch layout of its own, and a neuron."""

    def __init__(self, split: Callable[[Tensor], Tensor], constant: Tensor) -> None:
        super().__init__()
        self.linear, self.lif, self.split = nn.Linear(C, C, bias=False), LIFNode(), split
        self.register_buffer("constant", constant)

    def forward(self, x: Tensor) -> Tensor:
        return self.lif(self.split(self.linear(x)) * self.constant)


CONSTANTS: dict[str, tuple[Callable[[Tensor], Tensor], tuple[int, ...], bool]] = {
    "channels": (lambda x: x, (C,), True),
    "heads": (heads, (HEADS, 1, 1), True),
    "width of a head": (heads, (C // HEADS,), True),
    "two of three factors": (lambda x: x.unflatten(3, (2, 2, 4)), (2, 1, 4), True),
    "channels first": (lambda x: x.transpose(2, 3), (C, 1), True),
    "tokens": (lambda x: x, (N, 1), True),  # nothing tells which of two axes are the channels
    "tokens and channels": (lambda x: x, (N, C), False),
}


@pytest.mark.parametrize("name", list(CONSTANTS))
def test_constant_of_channels(name: str, need_tool: Callable[[str], str]) -> None:
    """What varies along the channels alone is a scale of channels, not a tensor as large as an activation."""
    need_tool("spk-compile")
    torch.manual_seed(5)
    split, shape, is_scale = CONSTANTS[name]
    model = Scaled(split, torch.randint(1, 9, shape) / 4.0).eval()
    model.linear.weight.data = torch.randint(-4, 8, (C, C)) / 16.0
    x = torch.randint(-8, 32, (T, B, N, C)) / 8.0
    assert ("spk.scale_shift" in translate(model, (x,), sequence=True).text("net.safetensors")) == is_scale
    with torch.no_grad():
        wanted = model(x).numpy()
    assert 0.02 < wanted.mean() < 0.98
    np.testing.assert_array_equal(np.asarray(spk.compile(model, x)(x.numpy())), wanted)


SOFTMAXES: dict[str, Callable[[Tensor], Tensor]] = {
    "keys": lambda x: torch.softmax(heads(x) @ heads(x).transpose(-1, -2) * 0.3, dim=-1).transpose(2, 3).flatten(3),
    "queries": lambda x: torch.softmax(heads(x) @ heads(x).transpose(-1, -2) * 0.3, dim=-2).transpose(2, 3).flatten(3),
    "heads": lambda x: torch.softmax(heads(x), dim=2),
    "channels": lambda x: torch.softmax(x, dim=-1),
    "tokens": lambda x: x.softmax(2),
    "classes": lambda x: torch.softmax(x.mean(2).mean(0), dim=1),
}


class Softmax(nn.Module):
    def __init__(self, form: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.linear, self.form = nn.Linear(C, C), form

    def forward(self, x: Tensor) -> Tensor:
        return self.form(self.linear(x))


@pytest.mark.parametrize("name", list(SOFTMAXES))
def test_softmax(name: str, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    torch.manual_seed(4)
    model, x = Softmax(SOFTMAXES[name]).eval(), torch.randn(T, B, N, C) * 4
    given = np.asarray(spk.compile(model, x)(x.numpy()))
    with torch.no_grad():
        wanted = model.double()(x.double()).numpy()
    assert given.shape == wanted.shape
    assert wanted.std() > 0.01
    np.testing.assert_allclose(given, wanted, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (lambda x: torch.softmax(x, dim=0), "a softmax across time or batch"),
        (lambda x: x.transpose(0, 2) @ x.transpose(0, 2).transpose(-1, -2), "a matrix product across time or batch"),
        (lambda x: heads(x) @ x[..., : C // HEADS].unsqueeze(2).transpose(-1, -2), "a matrix product that broadcasts"),
    ],
    ids=["softmax over time", "product over time", "broadcast"],
)
def test_refused(form: Callable[[Tensor], Tensor], expected: str) -> None:
    with pytest.raises(UnsupportedModelError) as caught:
        translate(Softmax(form), (torch.rand(T, B, N, C),), sequence=True)
    assert expected in str(caught.value)
