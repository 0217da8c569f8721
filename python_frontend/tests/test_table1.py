"""The attention maps of Spikformer's table 1 and examples/table1."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from spikformer.spikformer import ATTENTIONS, Spikformer, spikformer_cifar, spikformer_dvs, spikformer_imagenet
from torch import Tensor, nn

import spk
from spk.dyadic import calibrate, neuron_rates, settle
from spk.rates import HIGH, LOW, check_rates

BUILDERS: dict[str, tuple[Callable[..., Spikformer], float]] = {
    "cifar": (spikformer_cifar, 0.125),
    "imagenet": (spikformer_imagenet, 0.125),
    "dvs": (spikformer_dvs, 0.25),
}
SLOPE = 0.2
ROOT = Path(__file__).resolve().parents[2]


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


@pytest.mark.parametrize("graph", list(BUILDERS))
def test_softmax_is_exact_up_to_itself(graph: str, need_tool: Callable[[str], str]) -> None:
    """Exponentials round differently in PyTorch: every spike in front of them is equal, those behind where no membrane is that close."""
    need_tool("spk-compile")
    torch.manual_seed(11)
    model = small(BUILDERS[graph][0], attention="A_softmax").eval()
    x = model.example(batch=2)
    core = "block.0.attn.attn_lif"
    report = settle(model, x, output="rounded", until=core)
    assert report.rounded_from == "block.0.attn, a matrix product"
    found = spk.compare(model, None, *x)
    paths = [layer.path for layer in found.layers]
    assert len(paths) == len(report.rates)
    in_front = found.layers[: paths.index(core)]
    assert "block.0.attn.v_lif" in [layer.path for layer in in_front]
    assert [layer.flipped for layer in in_front] == [0] * len(in_front)
    assert found.flipped_rate < 0.001
    if found.first_diverging is not None:
        assert found.first_diverging.margin < 1e-6
    else:
        assert found.max_difference < 2e-6


# The example -----------------------------------------------------------------------------------------------------------

TABLE1 = ROOT / "examples" / "table1"
IMAGES = 12


@pytest.fixture(scope="module")
def variants() -> ModuleType:
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    spec = importlib.util.spec_from_file_location("variants", TABLE1 / "variants.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_trained_weights(variants: ModuleType, attention: str) -> None:
    from sklearn.datasets import load_digits

    assert variants.weights(attention).stat().st_size < 300_000
    model = variants.build(attention)
    raw, labels = load_digits(return_X_y=True)
    images = torch.from_numpy(raw[:100]).float().reshape(-1, 1, 8, 8) / 16.0
    images = nn.functional.interpolate(images, size=(variants.SIDE, variants.SIDE), mode="bilinear", align_corners=False)
    with torch.no_grad():
        answers = model(images).argmax(1)
    assert (answers == torch.from_numpy(labels[:100])).float().mean() > 0.9
    check_rates({path: rate for path, rate in neuron_rates(model, images).items() if ".attn." in path}, LOW, HIGH)


@pytest.mark.parametrize("attention", ["A_LeakyReLU", "A_softmax", "A_SSA"])
def test_table_is_printed_from_binaries(attention: str, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    need_tool("spk-compile")
    command = [sys.executable, TABLE1 / "run.py", "--only", attention, "--images", IMAGES, "--folder", tmp_path]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    title, _, header, rule, row = done.stdout.splitlines()
    assert title == f"{IMAGES} held-out digits; operations and energy of one, all time steps"
    names, cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in (header, row))
    assert len(names) == len(rule.strip("|").split("|")) == len(cells)
    found = dict(zip(names[:4], cells[:4], strict=True))
    assert found["attention"] == attention
    assert found["accuracy"] == found["PyTorch"] and found["differ"] == "0"
    assert (tmp_path / f"{attention}.exe").stat().st_mode & 0o111
    core_macs, core_sops, core_energy, macs, sops, energy = (float(cell.split()[0]) for cell in cells[4:])
    # T x N x N x D of each product: floats multiply, values select.
    assert core_macs == (0 if attention == "A_SSA" else pytest.approx(4 * 36 * 36 * 48 / 1e3, abs=0.1))
    assert 0 < core_sops < 0.6 * 2 * 4 * 36 * 36 * 48 / 1e3
    for m, s, e in ((core_macs, core_sops, core_energy), (macs, sops, energy)):
        assert e == pytest.approx(4.6 * m + 0.9 * s, abs=0.6)
    assert macs > core_macs and sops > core_sops


def test_bad_number_of_images(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    command = [sys.executable, str(TABLE1 / "run.py"), "--images", "361"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "--images must be from 1 to 360, got 361" in done.stderr
