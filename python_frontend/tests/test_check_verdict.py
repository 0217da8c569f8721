"""`python -m spk check` runs what it compiled: equal, differing by roundings, or wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from zoo.catalogue import FAMILIES

import spk
from spk import check, dyadic
from spk.cli import main
from spk.comparison import compare, noise_floor, trace
from spk.importer import neuron_table

IN_CATALOGUE = """\
from zoo.catalogue import family

def build():
    return family({name!r}).model()
"""


def from_catalogue(folder: Path, name: str) -> str:
    file = folder / "model.py"
    file.write_text(IN_CATALOGUE.format(name=name))
    return f"{file}:build"


@pytest.mark.parametrize("name", [family.name for family in FAMILIES])
def test_families(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], need_tool: Callable[[str], str]) -> None:
    """Every builder is supported because a small model of it was compiled and gave PyTorch's spikes."""
    need_tool("spk-compile")
    assert main(["check", from_catalogue(tmp_path, name), "--grid"]) == 0
    printed = capsys.readouterr()
    assert "never fire" not in printed.err
    (family,) = (family for family in FAMILIES if family.name == name)
    if family.until is None:
        pattern = r": supported: compiled; [1-9]\d* neuron layers equal to PyTorch's, every spike of [\d,]+; "
    else:
        pattern = r": supported: compiled; .* layers (equal to PyTorch's, every spike|are in front of the first operation that rounds)"
    assert re.search(pattern, printed.out), printed.out


SOURCE = """\
import torch
from torch import nn
from spk import dyadic
from spk.neuron import LIFNode

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.bn, self.lif = nn.Linear(48, 64, bias=False), nn.BatchNorm1d(64), LIFNode()
        self.fc2, self.bn2, self.lif2 = nn.Linear(64, 64, bias=False), nn.BatchNorm1d(64), LIFNode()
        self.head = nn.Linear(64, 5)

    def layer(self, fc, bn, lif, x):
        return lif(bn(fc(x).flatten(0, 1)).unflatten(0, x.shape[:2]))

    def forward(self, x):
        x = self.layer(self.fc, self.bn, self.lif, x.unsqueeze(0).repeat(4, 1, 1))
        return self.head(self.layer(self.fc2, self.bn2, self.lif2, x).mean(0))

def example():
    return torch.randn(8, 48, generator=torch.Generator().manual_seed(1))

def build():
    torch.manual_seed(0)
    model = Model()
    dyadic.calibrate(model, (example(),))
    return model
"""


@pytest.fixture
def target(tmp_path: Path, need_tool: Callable[[str], str]) -> str:
    need_tool("spk-compile")
    file = tmp_path / "net.py"
    file.write_text(SOURCE)
    return f"{file}:build"


def verdict(target: str, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str, str]:
    code = main(["check", target, *options])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_equal(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = verdict(target, capsys)
    assert (code, err) == (0, "")
    assert "net.py:build: supported: compiled; 2 neuron layers equal to PyTorch's, every spike of 4,096; outputs " in out
    assert out.endswith("; compared on 8 inputs\n")
    assert "compared on 8 inputs" in verdict(target, capsys, "--grid")[1]


def test_cheaper_checks(target: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "check_compiled", None)  # neither runs anything
    assert verdict(target, capsys, "--compile-only")[1].endswith(": compiled; not compared with PyTorch\n")
    assert verdict(target, capsys, "--import-only")[1].endswith("; not compiled\n")


def test_silent_layers(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path(target.rpartition(":")[0])
    file.write_text(file.read_text().replace("    dyadic.calibrate(model, (example(),))\n", "    model.bn2.bias.data -= 9.0\n"))
    code, out, err = verdict(target, capsys)
    assert code == 0
    assert "warning: 1 of 2 layers never fire (lif2); silent layers agree whatever is wrong: give a better --input, or --grid" in err
    assert verdict(target, capsys, "--grid")[2] == ""


def test_one_image_of_a_large_batch(target: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "LARGE", 4095)
    code, out, _ = verdict(target, capsys)
    assert code == 0
    assert "every spike of 512; " in out
    assert out.endswith("compared on 1 input of 8\n")


def miscompiled(monkeypatch: pytest.MonkeyPatch, **changes: float) -> None:
    """Gives the compiler other neurons than PyTorch runs."""
    original = neuron_table._common
    monkeypatch.setattr(neuron_table, "_common", lambda module: {**original(module), **changes})


def test_wrong_neurons(target: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import_model = spk.importer.import_model

    def wrong(*arguments: object, **options: object) -> object:
        with pytest.MonkeyPatch.context() as patch:
            miscompiled(patch, v_threshold=1.125)
            return import_model(*arguments, **options)

    monkeypatch.setattr(spk.importer, "import_model", wrong)
    code, out, _ = verdict(target, capsys)
    assert code == 1
    assert ": not supported: compiled; " in out
    problem = r"^lif: [\d,]+ of 2,048 spikes differ from what PyTorch's layer fires on the same spikes; a membrane 0\.\d+ from its"
    assert re.search(problem, out, re.MULTILINE), out
    assert re.search(r"^lif2: ", out, re.MULTILINE), out
    code, out, _ = verdict(target, capsys, "--grid")
    assert code == 1
    assert re.search(r"^lif: [\d,]+ of 2,048 spikes differ on a dyadic grid, where nothing rounds$", out, re.MULTILINE), out


def test_roundings(target: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = check.check_compiled

    def rounded(model: nn.Module, *arguments: object, **options: object) -> object:
        model.lif.v_threshold += 2.0**-14  # of PyTorch: as far as rounding may reach
        return compiled(model, *arguments, **options)

    monkeypatch.setattr(check, "check_compiled", rounded)
    file = Path(target.rpartition(":")[0])
    file.write_text(file.read_text().replace("torch.randn(8, 48", "torch.randn(2048, 48"))
    code, out, _ = verdict(target, capsys)
    assert code == 0, out
    pattern = r"spikes of 2 neuron layers differ from PyTorch's, \S+ of all, \S+ between PyTorch in float32 and float64, first in lif, "
    assert re.search(r": supported: compiled; [1-9]\d* of 1,048,576 " + pattern, out), out


def test_wrong_outputs(target: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = check.check_compiled

    def shifted(model: nn.Module, *arguments: object, **options: object) -> object:
        with torch.no_grad():
            model.head.bias += 0.125
        return compiled(model, *arguments, **options)

    monkeypatch.setattr(check, "check_compiled", shifted)
    code, out, _ = verdict(target, capsys)
    assert code == 1
    assert re.search(r"^outputs: differ by 0\.125 from PyTorch's on the same spikes, where the largest is ", out, re.MULTILINE), out


def test_no_grid_for_a_model_without_neurons(tmp_path: Path, capsys: pytest.CaptureFixture[str], need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    file = tmp_path / "ann.py"
    file.write_text("import torch\ndef build():\n    return torch.nn.Linear(4, 2)\ndef example():\n    return torch.ones(3, 4)\n")
    code, out, err = verdict(f"{file}:build", capsys, "--grid")
    assert (code, out) == (1, "")
    assert err == (
        "error: the model cannot be put on a dyadic grid: the model has no neuron layer; without --grid its own weights are used\n"
    )
    assert ": supported: compiled; no neuron layers; outputs " in verdict(f"{file}:build", capsys)[1]


# Differences of a layer's own --------------------------------------------------------------------------------------


def settled(seed: int) -> tuple[nn.Module, torch.Tensor]:
    space: dict[str, object] = {}
    exec(SOURCE, space)
    torch.manual_seed(seed)
    model = space["Model"]()
    x = torch.randn(64, 48, generator=torch.Generator().manual_seed(1))
    dyadic.calibrate(model, (x,))
    return model, x


def test_layers_on_the_spikes_that_were_fired(need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    model, x = settled(0)
    net = spk.compile(model, x, taps=["*:spikes"])
    model.lif.v_threshold = 1.25  # of PyTorch
    plain, own = compare(model, net, x), compare(model, net, x, follow=True)
    assert [layer.flipped > 0 for layer in plain.layers] == [True, True]
    assert [layer.flipped > 0 for layer in own.layers] == [True, False]
    assert own.layers[0].margin > own.layers[0].bound
    assert plain.max_difference > 100 * own.max_difference


class TwoSteps(nn.Module):
    """A neuron that is called once a step and keeps its membrane."""

    def __init__(self) -> None:
        super().__init__()
        neuron = pytest.importorskip("spikingjelly.activation_based.neuron", reason="SpikingJelly is not installed")
        self.fc, self.bn, self.lif = nn.Linear(48, 64, bias=False), nn.BatchNorm1d(64), neuron.LIFNode()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.lif(self.bn(self.fc(x))) for _ in range(2)]).mean(0)


def test_calls_of_a_neuron_that_keeps_its_membrane(need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    torch.manual_seed(0)
    model, x = TwoSteps(), torch.randint(0, 16, (64, 48)) / 16.0
    report = dyadic.settle(model, (x,), output="partial")
    assert report.exact == ["lif", "lif#1"]
    net = spk.compile(model, x, taps=["*:spikes"])
    assert compare(model, net, x).flipped == 0
    model.lif.v_threshold = 1.25  # of PyTorch
    first, second = compare(model, net, x, follow=True).layers
    assert first.margin > first.bound
    assert (second.path, second.flipped > 0, second.margin, second.bound) == ("lif#1", True, None, None)


def test_noise_floor() -> None:
    model, x = settled(0)
    assert noise_floor(model, x).share < 1e-3
    assert noise_floor(model, x).top1_agreement == 1.0
    model.bn.running_mean.fill_(2.0**24)  # float32 loses what float64 keeps
    model.bn.running_var.fill_(1.0)
    model.fc.weight.data *= 100.0
    with torch.no_grad():
        model.bn.bias.copy_(2.0**24 * model.bn.weight)
    floor = noise_floor(model, x)
    wide = model.double()
    _, calls = trace(wide, (x.double(),))
    _, narrow = trace(model.float(), (x,))
    differing = sum(int((a.spikes != b.spikes).sum()) for a, b in zip(narrow, calls, strict=True))
    assert differing > 0
    assert floor.share == differing / sum(call.spikes.numel() for call in calls)
    _, own = trace(wide.double(), (x.double(),), {call.path: call.spikes for call in narrow})
    alone = [int((a.spikes != b.spikes).sum()) for a, b in zip(narrow, own, strict=True)]
    assert noise_floor(model.float(), x, follow=True).flipped == sum(alone)
    assert sum(alone) != differing
