"""ANNs, the SNNs that ``spk-ann-to-snn`` makes of them, and the same in PyTorch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from ann2snn.snn import ScaledNeuron, convert, running_sums
from ann2snn.transformer import Transformer, load_published
from torch import Tensor, nn

import spk
from spk import dyadic
from spk.cli import main
from spk.errors import SpkError
from spk.neuron import QCFS, LIFNode

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "ann2snn"
SMALL = {"img": (16, 32), "in_channels": 2, "dim": 16, "num_heads": 2, "l": 4, "up": 2.0}


def settled(depths: int, use_maxpool: bool = True) -> tuple[Transformer, Tensor]:
    """A small transformer, and three images on which it is exact up to its first softmax or average pool."""
    torch.manual_seed(0)
    model = Transformer(depths=depths, use_maxpool=use_maxpool, **SMALL)
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 17, (3, *model.shape), generator=generator) / 16
    until = ("block.0.attn.proj_relu" if depths else None) if use_maxpool else "patch_embed.proj_relu3"
    dyadic.settle(model, (images,), output="rounded" if until else "exact", until=until, grid_bits=3)
    return model, images


def spikes_of(snn: nn.Module, images: Tensor, steps: int, extra: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Outputs of every neuron at every step, by path, and the sums of the results."""
    fired: dict[str, list[Tensor]] = {}
    hooks = [
        module.register_forward_hook(lambda _m, _i, y, path=path: fired.setdefault(path, []).append(y))
        for path, module in snn.named_modules()
        if isinstance(module, ScaledNeuron)
    ]
    sums = running_sums(snn, images, steps, extra)
    for hook in hooks:
        hook.remove()
    return {path: torch.stack(ys).numpy() for path, ys in fired.items()}, sums.numpy()


def taps_of(net: spk.CompiledModel, ann: nn.Module) -> dict[str, np.ndarray]:
    """What every neuron of a compiled SNN gives at every step of its last run, by path."""
    ups = {path: np.float32(module.up.item()) for path, module in ann.named_modules() if isinstance(module, QCFS)}
    return {path: net.taps[f"{path}:spikes"] * up for path, up in ups.items()}


def test_the_transformer_compiles_as_an_ann(need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    model, images = settled(0)
    report = spk.compare(model, spk.compile(model, images, taps=["*:spikes"]), images)
    assert report.output_equal and report.flipped == 0
    assert len(report.layers) == 5 and all(0.02 < layer.rate < 0.6 for layer in report.layers)


def test_an_ann_with_attention_is_exact_up_to_the_softmax(need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    model, images = settled(1)
    report = spk.compare(model, spk.compile(model, images, taps=["*:spikes"]), images)
    assert [layer.flipped for layer in report.layers[:8]] == [0] * 8
    assert report.layers[7].path == "block.0.attn.v_relu"
    assert report.flipped_rate < 1e-3 and report.max_difference < 1e-2


@pytest.mark.parametrize(("steps", "extra"), [(1, 0), (4, 0), (4, 3)])
def test_the_snn_is_pytorchs(steps: int, extra: int, need_tool: Callable[[str], str]) -> None:
    """Every spike and every sum, bit for bit."""
    need_tool("spk-compile")
    model, images = settled(0)
    net = spk.compile(model, images, ann_to_snn=(steps, extra), taps=["*_relu*:spikes", "output:membrane"])
    result = net(images.numpy())
    spikes, sums = spikes_of(convert(model, steps), images, steps, extra)
    taps = taps_of(net, model)
    assert list(spikes) == list(taps) and len(spikes) == 5
    for path, expected in spikes.items():
        assert taps[path].shape == (steps + extra, *expected.shape[1:])
        assert np.array_equal(taps[path], expected), path
        assert 0.02 < np.count_nonzero(expected) / expected.size < 0.6, path
    assert steps == 1 or all((y < 0).any() for path, y in spikes.items() if path != "patch_embed.proj_relu")
    assert np.array_equal(net.taps["output:membrane"], sums)
    assert np.array_equal(result, sums[-1] / np.float32(steps))


def test_an_snn_with_average_pools_is_exact_up_to_the_first(need_tool: Callable[[str], str]) -> None:
    """Means of nine pixels round."""
    need_tool("spk-compile")
    model, images = settled(0, use_maxpool=False)
    flips, difference = differences(model, images)
    assert [*flips.values()][:3] == [0.0] * 3, flips
    assert len(flips) == 5 and max(flips.values()) < 1e-3, flips
    assert difference < 1e-2


def test_a_pool_of_sums_is_no_running_maximum(need_tool: Callable[[str], str]) -> None:
    """Negative spikes take the largest sum down again somewhere."""
    need_tool("spk-compile")
    model, images = settled(0)
    net = spk.compile(model, images, ann_to_snn=(4, 3), taps=["patch_embed.maxpool2.*:spikes"])
    net(images.numpy())
    changes = net.taps["patch_embed.maxpool2.difference:spikes"]
    assert changes.min() < 0 < changes.max()
    pooled = torch.from_numpy(net.taps["patch_embed.maxpool2.sum:spikes"]).flatten(0, 1)
    largest = nn.functional.max_pool2d(pooled, 3, 2, 1).unflatten(0, (7, 3)).numpy()
    assert np.array_equal(np.cumsum(changes, axis=0), largest)


def test_step_by_step_gives_the_same_bits(need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    model, images = settled(1)
    net = spk.compile(model, images, ann_to_snn=(3, 2), taps=["output:membrane", "*_relu:spikes"])
    whole, taps = net(images.numpy()), net.taps
    net.reset()
    for t in range(5):
        net.taps = {}
        net.step(images.numpy())
        for name, value in taps.items():
            assert np.array_equal(net.taps[name][0].view(np.uint32), value[t].view(np.uint32)), (name, t)
    assert np.array_equal(net.finish().view(np.uint32), whole.view(np.uint32))


def differences(model: nn.Module, images: Tensor) -> tuple[dict[str, float], float]:
    """Share of differing spikes of every neuron, by path, and the largest difference of sums, compiled and in PyTorch."""
    net = spk.compile(model, images, ann_to_snn=(4, 1), taps=["*_relu*:spikes", "output:membrane"])
    net(images.numpy())
    spikes, sums = spikes_of(convert(model, 4), images, 4, 1)
    taps = taps_of(net, model)
    return {path: float(np.mean(taps[path] != y)) for path, y in spikes.items()}, float(np.abs(net.taps["output:membrane"] - sums).max())


def test_an_snn_with_attention_is_exact_up_to_the_softmax(need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    flips, difference = differences(*settled(1))
    assert [*flips][8] == "block.0.attn.proj_relu" and len(flips) == 11
    assert [*flips.values()][:8] == [0.0] * 8, flips
    assert max(flips.values()) < 1e-3, flips
    assert difference < 1e-2


def test_published_state_dicts_load() -> None:
    model = Transformer(depths=1, **SMALL)
    state = {**model.state_dict(), "block.0.norm1.weight": torch.ones(16), "block.0.norm2.bias": torch.zeros(16)}
    keys = {"patch_embed.proj_conv.weight", "patch_embed.proj_relu3.up", "patch_embed.rpe_bn.running_var"}
    keys |= {"block.0.attn.q_linear.bias", "block.0.attn.proj_relu.up", "block.0.mlp.fc2_bn.weight", "head.weight"}
    assert keys <= set(state) and state["patch_embed.proj_relu.up"].shape == (1,)
    state["head.bias"] = torch.arange(10.0)
    load_published(model, state)
    assert model.head.bias.tolist() == list(range(10))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 20}, "dim must be a multiple of 8, got 20"),
        ({"patch_size": 3, "img": (12, 12)}, "patch_size must be 1, 2, 4, 8 or 16, got 3"),
        ({"num_heads": 3}, "dim 16 must be a multiple of num_heads 3"),
        ({"img": (18, 16)}, "must be a multiple of patch_size 4"),
    ],
)
def test_impossible_sizes_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Transformer(**{**SMALL, **options})


def test_patch_size_is_the_pools() -> None:
    for patch_size in (1, 2, 4, 8):
        model = Transformer(depths=0, **{**SMALL, "patch_size": patch_size}).eval()
        assert model.patch_embed(model.example()[0]).shape == (1, 16 * 32 // patch_size**2, 16)


class Pools(nn.Module):
    """An average pool of some kind, on images ``[B, 2, 8, 8]``."""

    def __init__(self, *options: int, **named: object) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(*options, **named)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(x)


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": (2, 4), "stride": (1, 2)},
        {"kernel_size": 3, "count_include_pad": False},
        {"kernel_size": 3, "padding": 1, "divisor_override": 5, "count_include_pad": False},
        {"kernel_size": 3, "padding": 1, "count_include_pad": False},
        {"kernel_size": 3, "ceil_mode": True},
    ],
)
def test_average_pools_import(options: dict[str, object], need_tool: Callable[[str], str]) -> None:
    """The sum is exact on the grid and divided once, as PyTorch does."""
    need_tool("spk-compile")
    images = torch.randint(-16, 17, (2, 2, 8, 8), generator=torch.Generator().manual_seed(0)) / 16
    model = Pools(**options)
    assert torch.equal(spk.compile(model, images)(images), model(images))


class Spiking(nn.Module):
    """One spiking neuron."""

    def __init__(self) -> None:
        super().__init__()
        self.lif = LIFNode()

    def forward(self, x: Tensor) -> Tensor:
        return self.lif(x.unsqueeze(0)).mean(0)


def test_other_models_are_not_converted(need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    with pytest.raises(SpkError, match=r"layer lif cannot become part of an SNN: spk.lif is a spiking neuron already"):
        spk.compile(Spiking(), torch.zeros(1, 4), ann_to_snn=4)
    plain = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    with pytest.raises(SpkError, match=r"layer 1 cannot become part of an SNN: arith.maximumf .*; QCFS \(spk.qcfs"):
        spk.compile(plain, torch.zeros(1, 4), ann_to_snn=4)
    with pytest.raises(SpkError, match="no activation that could become a neuron"):
        spk.compile(plain[0], torch.zeros(1, 4), ann_to_snn=4)
    with pytest.raises(SpkError, match="--ann-to-snn must be T=N"):
        spk.compile(Spiking(), torch.zeros(1, 4), ann_to_snn=(0, 1))


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    source = tmp_path / "net.py"
    source.write_text(
        "from ann2snn.transformer import Transformer\n"
        "def build():\n    return Transformer(img=(8, 8), in_channels=1, dim=8, num_heads=1, depths=0).eval()\n"
        "def example():\n    return build().example()\n"
    )
    assert main(["compile", f"{source}:build", "-o", str(tmp_path / "net.so"), "--ann-to-snn", "T=5,extra-t=2"]) == 0
    assert spk.load(tmp_path / "net.so").time_steps == 7
    with pytest.raises(SystemExit):
        main(["compile", f"{source}:build", "-o", str(tmp_path / "net.so"), "--ann-to-snn", "5"])
    assert "must be T=N or T=N,extra-t=M, not '5'" in capsys.readouterr().err


def test_the_example_prints_rows_equal_to_pytorchs(need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    command = [sys.executable, EXAMPLE / "run.py", "--steps=3", "--extra=1", "--images=40"]
    done = subprocess.run([str(x) for x in command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("rows that differ from PyTorch's: none") == 2
    assert "ANN, binary : top-1 " in done.stdout and "\nSNN, top-5: " in done.stdout
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [len(row) for row in rows if row[:1] in (["1"], ["2"], ["3"]) and "." in row[-1]] == [3, 3, 2] * 2
