"""The attention maps of Spikformer's table 1 and examples/table1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from spikformer.spikformer import ATTENTIONS, Spikformer, spikformer_cifar, spikformer_dvs, spikformer_imagenet
from torch import Tensor, nn

from spk.dyadic import calibrate

BUILDERS: dict[str, tuple[Callable[..., Spikformer], float]] = {
    "cifar": (spikformer_cifar, 0.125),
    "imagenet": (spikformer_imagenet, 0.125),
    "dvs": (spikformer_dvs, 0.25),
}
SLOPE = 0.2


def small(build: Callable[..., Spikformer], **options: Any) -> Spikformer:
    img = (16, 24) if build is spikformer_cifar else (48, 64)
    return build(**{"dim": 24, "depth": 1, "heads": 3, "T": 3, "num_classes": 5, "img": img, **options})


def leaky(x: Tensor, slope: float) -> Tensor:
    return torch.where(x > 0, x, slope * x)


def by_hand(attention: str, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """The core on ``[..., h, N, d]`` in float64, entry by entry of table 1."""
    if attention == "A_ReLU":
        q, k = leaky(q, 0.0), leaky(k, 0.0)
    if attention == "A_LeakyReLU":
        q, k = leaky(q, SLOPE), leaky(k, SLOPE)
    weights = torch.einsum("...nd,...md->...nm", q, k) * scale
    if attention == "A_softmax":
        weights = weights.exp() / weights.exp().sum(-1, keepdim=True)
    return torch.einsum("...nm,...md->...nd", weights, v)


def in_heads(x: Tensor, token_first: bool) -> Tensor:
    """``[T, B, N, C]`` or ``[T, B, C, N]`` as ``[T, B, h, N, d]``, float64."""
    x = x if token_first else x.mT
    return x.double().unflatten(-1, (3, -1)).transpose(2, 3)


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("graph", list(BUILDERS))
def test_core_is_what_the_table_says(graph: str, attention: str) -> None:
    build, scale = BUILDERS[graph]
    torch.manual_seed(3)
    model = small(build, attention=attention, slope=SLOPE).eval()
    x = model.example(batch=2)
    calibrate(model, x)
    core = model.block[0].attn
    seen: dict[str, Tensor] = {}

    def see(name: str) -> Callable[..., None]:
        return lambda _m, inputs, y: seen.__setitem__(name, inputs[0] if name == "attn_lif" else y)

    for name in ("q_bn", "k_bn", "q_lif", "k_lif", "v_lif", "attn_lif"):
        if hasattr(core, name):
            core.get_submodule(name).register_forward_hook(see(name))
    with torch.no_grad():
        model(*x)
    assert ("q_lif" in seen) == (attention == "A_SSA")
    if attention == "A_SSA":
        q, k = (in_heads(seen[f"{name}_lif"], model.token_first) for name in "qk")
    else:  # what batch norms give is [T * B, C, N] in both layouts
        q, k = (in_heads(seen[f"{name}_bn"].unflatten(0, (3, 2)), False) for name in "qk")
        assert (q < 0).any() and (k < 0).any()
    v = in_heads(seen["v_lif"], model.token_first)
    assert set(v.unique().tolist()) == {0.0, 1.0}
    got = in_heads(seen["attn_lif"], model.token_first)
    torch.testing.assert_close(got, by_hand(attention, q, k, v, scale), rtol=1e-5, atol=1e-5)


def test_slope_defaults_to_that_of_pytorch() -> None:
    core = small(spikformer_cifar, attention="A_LeakyReLU").block[0].attn
    assert core.q_act.negative_slope == core.k_act.negative_slope == nn.LeakyReLU().negative_slope == 0.01


def test_unknown_attention_is_refused() -> None:
    with pytest.raises(ValueError, match="attention must be one of A_I, A_ReLU, A_LeakyReLU, A_softmax, A_SSA, got 'A_GELU'"):
        small(spikformer_imagenet, attention="A_GELU")
