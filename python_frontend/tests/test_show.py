"""Pictures hold the numbers that PyTorch computes."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spikformer.spikformer import Spikformer, spikformer_cifar, spikformer_dvs
from torch import Tensor, nn

import spk
from spk.cli import main
from spk.comparison import trace
from spk.dyadic import settle
from spk.importer import import_model
from spk.neuron import LIFNode
from spk.show import Selection, draw, figures, picture, token_grid
from spk.tapped import compile_tapped

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

DIM, HEADS, T = 24, 3, 3
PNG = b"\x89PNG\r\n\x1a\n"
BUILDERS = {"images, token first": (spikformer_cifar, (16, 16), 0.125), "events, token last": (spikformer_dvs, (32, 48), 0.25)}
IMAGES = "images, token first"


class Net:
    """A settled network, its module and samples."""

    def __init__(self, model: nn.Module, folder: Path, samples: Tensor, scale: float) -> None:
        self.model, self.samples, self.scale = model, samples, scale
        self.module = import_model(model, samples[:2], folder / "net").mlir
        self.compiled = compile_tapped(self.module, ["*:spikes", "*:attention"])

    def figures(self, **wanted: Any) -> dict[str, Any]:
        return figures(self.compiled, [self.samples.numpy()], Selection(**wanted))

    def frame(self, index: int, step: int) -> np.ndarray:
        """What the model sees at a step, ``[C, H, W]``; events are recorded, ``[T, C, H, W]``."""
        sample = self.samples[index].numpy()
        return sample[step] if sample.ndim == 4 else sample

    def spikes(self, name: str, sample: int) -> Tensor:
        """Of a neuron of the core, by head: ``[T, heads, N, d]``."""
        _, calls = trace(self.model, (self.samples[sample : sample + 1],))
        (fired,) = (call.spikes for call in calls if call.path == f"block.0.attn.{name}_lif")
        if not self.model.token_first:
            fired = fired.transpose(2, 3)
        return fired[:, 0].unflatten(-1, (HEADS, DIM // HEADS)).transpose(1, 2)


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory, need_tool: Callable[[str], str]) -> Callable[[str], Net]:
    need_tool("spk-compile")

    @functools.cache
    def get(name: str) -> Net:
        build, img, scale = BUILDERS[name]
        torch.manual_seed(5)
        model: Spikformer = build(dim=DIM, depth=1, heads=HEADS, T=T, img=img, num_classes=10).eval()
        settle(model, model.example(batch=2), output="rounded")
        return Net(model, tmp_path_factory.mktemp("net"), model.example(batch=3, seed=3)[0], scale)

    return get


@pytest.fixture(params=list(BUILDERS))
def net(request: pytest.FixtureRequest, nets: Callable[[str], Net]) -> Net:
    return nets(request.param)


def drawn(axis: Any, index: int = 0) -> np.ndarray:
    """The numbers of an image."""
    return np.asarray(axis.images[index].get_array())


def test_attention_map(net: Net) -> None:
    query, key = net.spikes("q", 1), net.spikes("k", 1)
    maps = (query @ key.transpose(-1, -2) * net.scale).numpy()
    assert maps.max() > net.scale  # counts, not zeros and ones
    figure = net.figures(sample=1)["block.0.attn.attention.png"]
    for head in range(HEADS):
        np.testing.assert_array_equal(drawn(figure.axes[head]), maps[-1, head])  # the last step
        over = figure.axes[HEADS + head]
        np.testing.assert_array_equal(drawn(over), picture(net.frame(1, T - 1)))
        np.testing.assert_allclose(drawn(over, 1).ravel(), maps[-1, head].mean(0), rtol=1e-6)
        assert drawn(over, 1).shape == ((4, 4) if net.model.token_first else (2, 3))
    one = net.figures(sample=1, head=2, step=0)["block.0.attn.attention.png"]
    np.testing.assert_array_equal(drawn(one.axes[0]), maps[0, 2])
    np.testing.assert_array_equal(drawn(one.axes[1]), picture(net.frame(1, 0)))
    assert one.get_suptitle() == f"block.0.attn, t = 0, scale {net.scale}"
    assert one.axes[0].get_title() == "head 2"


@pytest.mark.parametrize("attention", ["A_I", "A_softmax"])
def test_map_of_floats(attention: str, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    torch.manual_seed(5)
    model = spikformer_cifar(dim=DIM, depth=2, heads=HEADS, T=T, img=(16, 16), num_classes=10, attention=attention).eval()
    until = "block.0.attn.attn_lif" if attention == "A_softmax" else None
    settle(model, model.example(batch=2), output="partial" if until else "rounded", until=until)
    floats: dict[str, Tensor] = {}
    core = model.block[0].attn
    for name in ("q", "k"):
        norm = getattr(core, f"{name}_bn")
        norm.register_forward_hook(lambda _m, _x, y, name=name: floats.update({name: y}))
    net = Net(model, tmp_path, model.example(batch=2, seed=3)[0], 0.125)
    floats.clear()
    with torch.no_grad():
        model(net.samples[1:2])
    q, k = (floats[n].unflatten(0, (T, 1))[:, 0].transpose(1, 2).unflatten(2, (HEADS, -1)).transpose(1, 2) for n in ("q", "k"))
    maps = q @ k.transpose(-1, -2) * net.scale  # [T, heads, N, N]
    maps = (maps.softmax(-1) if attention == "A_softmax" else maps).numpy()
    assert maps.std() > 0.001
    figures = net.figures(sample=1, cores=["block.0.attn"])
    assert list(figures) == ["block.0.attn.attention.png"]  # queries and keys are no spikes
    figure = figures["block.0.attn.attention.png"]
    for head in range(HEADS):
        np.testing.assert_allclose(drawn(figure.axes[head]), maps[-1, head], rtol=1e-5, atol=1e-7)
    assert figure.get_suptitle() == f"block.0.attn, t = {T - 1}"


def test_spikes_of_queries_keys_and_values(net: Net) -> None:
    figure = net.figures(head=1)["block.0.attn.attention.qkv.png"]
    axes = np.array(figure.axes).reshape(3, T)
    for row, name in zip(axes, "qkv", strict=True):
        spikes = net.spikes(name, 0).numpy()[:, 1]
        for step in range(T):
            np.testing.assert_array_equal(drawn(row[step]), spikes[step].T)
    assert axes[2, 1].get_title() == f"value, t = 1: {net.spikes('v', 0).numpy()[1, 1].mean():.1%}"


def test_spikes_of_neuron_layers(net: Net) -> None:
    names = ["patch_embed.proj_lif", "block.0.mlp.fc2_lif"]
    pictures = net.figures(rasters=["patch_embed.proj_lif", "block.*.fc2_lif"])
    assert list(pictures) == [f"{name}.spikes.png" for name in names]  # no map is drawn that was not asked for
    _, calls = trace(net.model, (net.samples[:1],))
    fired = {call.path: call.spikes.numpy()[:, 0] for call in calls}
    for name in names:
        for step, axis in enumerate(pictures[f"{name}.spikes.png"].axes):
            np.testing.assert_array_equal(drawn(axis), fired[name][step].reshape(fired[name].shape[1], -1))


class JointCore(nn.Module):
    """Queries, keys and values of one layer, which fires them together; on ``[T, B, N, C]``."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.lif, self.out = nn.Linear(8, 24), LIFNode(), LIFNode()

    def forward(self, x: Tensor) -> Tensor:
        steps, batch, tokens, _ = x.shape
        spikes = self.lif(self.qkv(x)).reshape(steps, batch, tokens, 3, 2, 4).permute(3, 0, 1, 4, 2, 5)
        query, key, value = spikes[0], spikes[1], spikes[2]
        y = (query @ key.transpose(-2, -1)) @ value * 0.25
        return self.out(y.transpose(2, 3).reshape(steps, batch, tokens, 8))


def test_operands_that_are_parts_of_a_layer(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    torch.manual_seed(0)
    model, x = JointCore(), 8 * torch.rand(2, 1, 5, 8)
    module = import_model(model, x, tmp_path / "net", sequence=True).mlir
    pictures = figures(compile_tapped(module, ["*:spikes", "*:attention"]), [x.numpy()], Selection())
    (figure,) = (figure for name, figure in pictures.items() if name.endswith("qkv.png"))
    _, calls = trace(model, (x,))
    spikes = calls[0].spikes[:, 0].numpy()
    assert 0 < spikes.mean() < 1
    for part, row in enumerate(np.array(figure.axes).reshape(3, 2)):
        for step in range(2):
            np.testing.assert_array_equal(drawn(row[step]), spikes[step, :, 8 * part : 8 * part + 8].T)
    (maps,) = (figure for name, figure in pictures.items() if name.endswith("attention.png"))
    assert len(maps.axes) == 3  # of two heads and a scale: there is no image to lay them over


def test_files(nets: Callable[[str], Net], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = nets(IMAGES)
    file, folder = tmp_path / "x.npy", tmp_path / "new" / "pictures"
    np.save(file, net.samples.numpy())
    assert main(["show", str(net.module), "--samples", str(file), "-o", str(folder), "--core", "block.0.*"]) == 0
    names = ["block.0.attn.attention.png", "block.0.attn.attention.qkv.png"]
    assert capsys.readouterr().out.splitlines() == [f"wrote {folder / name}" for name in names]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert all((folder / name).read_bytes().startswith(PNG) for name in names)


def test_errors(nets: Callable[[str], Net], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = nets(IMAGES)
    file, folder = tmp_path / "x.npy", tmp_path / "pictures"
    np.save(file, net.samples.numpy())

    def message(*arguments: str) -> str:
        assert main(["show", str(net.module), "--samples", str(file), "-o", str(folder), *arguments]) == 1
        assert not folder.exists()
        return capsys.readouterr().err

    assert "'mlp' matches no attention core that has a map; there are: block.0.attn" in message("--core", "mlp")
    assert "block.0.attn has no head 3: the heads are 0 to 2" in message("--head", "3")
    assert "block.0.attn has no time step 3: the steps are 0 to 2" in message("--step", "3")
    assert "tokens, --grid 5x5 has 25" in message("--grid", "5x5")
    assert "--grid 5: write ROWSxCOLUMNS" in message("--grid", "5")
    assert "cannot write to" in message("-o", str(file))
    with pytest.raises(spk.SpkError, match=r"'mlp' matches no neuron layer; there are: patch_embed\.proj_lif, "):
        net.figures(rasters=["mlp"])
    with pytest.raises(spk.SpkError, match="there is no sample 3: the samples are 0 to 2"):
        net.figures(sample=3)


def test_samples_that_do_not_fit(nets: Callable[[str], Net]) -> None:
    compiled, x = nets(IMAGES).compiled, np.zeros((4, 3, 16, 16), np.float32)
    assert compiled.count([x]) == 4
    for samples, message in (
        ([x[:, :, 1:]], "4x3x15x16, expected Nx3x16x16 with N samples"),
        ([x[0]], "3x16x16, expected Nx3x16x16 with N samples"),
        ([x[:0]], "0x3x16x16, expected Nx3x16x16"),
        ([x, x], r"net has 1 inputs \(input\), --samples gives files for 2"),
    ):
        with pytest.raises(spk.SpkError, match=message):
            compiled.count(samples)


def test_a_network_without_attention(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    x = torch.zeros(2, 1, 4)
    module = import_model(nn.Sequential(LIFNode(), nn.Linear(4, 2), LIFNode()), x, tmp_path / "net", sequence=True).mlir
    with pytest.raises(spk.SpkError, match=r"net has no attention core that has a map; --raster GLOB draws"):
        draw(module, [x.numpy()])
    assert list(draw(module, [x.numpy()], Selection(rasters=["0"]))) == ["0.spikes.png"]


def test_pictures_of_inputs() -> None:
    grey = picture(np.array([[[0.0, 2.0]]]))
    np.testing.assert_array_equal(grey, [[[0, 0, 0], [1, 1, 1]]])
    colours = np.array([[[0.0]], [[0.5]], [[1.0]]])
    np.testing.assert_array_equal(picture(colours), [[[0, 0.5, 1]]])
    events = np.array([[[4.0, 0.0]], [[0.0, 2.0]]])
    np.testing.assert_array_equal(picture(events), [[[1, 0, 0], [0, 0, 0.5]]])
    np.testing.assert_array_equal(picture(np.full((3, 1, 1), 7.0)), np.zeros((1, 1, 3)))


def test_grid_of_tokens() -> None:
    assert token_grid(196, 224, 224, "core") == (14, 14)
    assert token_grid(6, 32, 48, "core") == (2, 3)
    for tokens, height, width in ((197, 224, 224), (6, 32, 32), (1, 1, 9)):
        with pytest.raises(spk.SpkError, match=f"core: {tokens} tokens are no grid of the shape of an input of {height}x{width}; give it"):
            token_grid(tokens, height, width, "core")


def test_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(spk.SpkError, match="draws with matplotlib, which is not installed: pip install matplotlib"):
        draw(Path("net.mlir"), [])
