"""Files written for packages that are not installed load unmodified."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from spk import dyadic
from spk.cli import main
from spk.comparison import compare
from spk.errors import SpkError
from spk.importer.neuron_table import spec_of, step_mode
from spk.neuron_model import simulate
from spk.shims import stand_ins
from spk.sources import load_source

HERE = Path(__file__).resolve().parent
OLD = HERE / "fixtures" / "old_api.py"


def old(function: str = "build") -> nn.Module:
    torch.manual_seed(0)
    return load_source(f"{OLD}:{function}")[0]


@pytest.fixture(scope="module")
def clock_driven() -> object:
    """The stand-in of ``spikingjelly.clock_driven.neuron``."""
    with stand_ins():
        from spikingjelly.clock_driven import neuron
    if not neuron.__file__.startswith(str(HERE.parent)):
        pytest.skip("SpikingJelly 0.0.0.0.12 is installed, and comes first")
    return neuron


def test_stars_bring_what_the_original_imports(clock_driven: object) -> None:
    """Files use torch, nn and surrogate that they have from ``from spikingjelly.clock_driven.neuron import *``."""
    names: dict[str, object] = {}
    with stand_ins():
        exec("from spikingjelly.clock_driven.neuron import *\nfrom spikingjelly.clock_driven.surrogate import *", names)
    assert {"Callable", "F", "IFNode", "Sigmoid", "base", "math", "nn", "surrogate", "torch"} <= set(names)
    assert names["nn"] is nn and names["F"] is nn.functional


@pytest.mark.parametrize("reset", [0.0, -0.25, 0.3, None])
@pytest.mark.parametrize("decay", [True, False])
@pytest.mark.parametrize("tau", [1.5, 2.0, 5.3])
def test_neurons_compute_what_the_table_says(clock_driven: object, tau: float, decay: bool, reset: float | None) -> None:
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(6, 4096, generator=generator) * 2.0 + 0.8
    for cls, own in (
        ("LIFNode", {"tau": tau, "decay_input": decay}),
        ("ParametricLIFNode", {"init_tau": tau, "decay_input": decay}),
        ("IFNode", {}),
    ):
        several = getattr(clock_driven, f"MultiStep{cls}")(v_threshold=0.75, v_reset=reset, **own).eval()
        single = getattr(clock_driven, cls)(v_threshold=0.75, v_reset=reset, **own).eval()
        assert (step_mode(several), step_mode(single)) == ("m", "s")
        with torch.no_grad():
            spikes = several(x)
            assert torch.equal(torch.stack([single(step) for step in x]), spikes)
        assert 0.01 < spikes.mean() < 0.95
        fired, charged = simulate(spec_of(several), x.numpy())
        np.testing.assert_array_equal(fired, spikes.numpy() != 0)
        rest = charged[-1] - fired[-1] * np.float32(0.75) if reset is None else np.where(fired[-1], np.float32(reset), charged[-1])
        np.testing.assert_array_equal(several.v.numpy(), rest)


def test_the_membrane_stays_until_reset(clock_driven: object) -> None:
    lif = clock_driven.MultiStepLIFNode()  # type: ignore[attr-defined]
    x = torch.full((1, 3), 1.6)
    first = lif(x)
    assert not torch.equal(lif(x), first)
    lif.reset()
    assert torch.equal(lif(x), first)
    assert "v" not in lif.state_dict()
    assert torch.equal(copy.deepcopy(lif).v, lif.v)


def test_time_constants_are_checked(clock_driven: object) -> None:
    with pytest.raises(ValueError, match="tau must be greater than 1, got 1.0"):
        clock_driven.LIFNode(tau=1.0)  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="init_tau must be greater than 1, got 0.5"):
        clock_driven.ParametricLIFNode(init_tau=0.5)  # type: ignore[attr-defined]


def test_functions_on_sequences() -> None:
    with stand_ins():
        from spikingjelly.clock_driven import functional, layer
    x = torch.rand(3, 2, 4)
    linear, relu = nn.Linear(4, 5), nn.ReLU()
    expected = relu(linear(x))
    for module in ([linear, relu], nn.Sequential(linear, relu)):
        assert torch.allclose(functional.seq_to_ann_forward(x, module), expected)
        assert torch.allclose(functional.multi_step_forward(x, module), expected)
    assert torch.allclose(layer.MultiStepContainer(linear, relu)(x), expected)
    assert torch.equal(layer.MultiStepDropout2d(0.3)(x), x)


def test_layers_do_nothing_in_eval_mode() -> None:
    with stand_ins():
        layers = import_module("timm.models.layers")
        assert import_module("timm.layers").DropPath is layers.DropPath
    x = torch.rand(3, 2)
    assert torch.equal(layers.DropPath(0.3).eval()(x), x)
    assert (layers.to_2tuple(3), layers.to_2tuple([1, 2]), layers.to_2tuple("same")) == ((3, 3), (1, 2), ("same", "same"))
    assert layers.trunc_normal_(torch.zeros(100), std=0.02).std() < 0.04


def test_stand_ins_leave_nothing_behind() -> None:
    path, modules = list(sys.path), set(sys.modules)
    with stand_ins() as used:
        import spikingjelly.clock_driven.neuron  # noqa: F401
        import timm.models.layers
    assert {"spikingjelly.clock_driven.neuron", "timm.models.layers"} <= set(used)
    assert sys.path == path
    assert not {name for name in set(sys.modules) - modules if name.startswith(("timm", "spikingjelly.clock_driven"))}
    with pytest.raises(ImportError):
        import timm  # noqa: F401


def test_registry_of_models() -> None:
    with stand_ins():
        from timm.models import create_model
    with pytest.raises(RuntimeError, match="unknown model 'resnet50'"):
        create_model("resnet50")
    with pytest.raises(SpkError, match="pretrained weights of 'old_net' need timm"):
        load_source(f"{OLD.with_name('old_api_pretrained.py')}:build")


def test_torchinfo_can_be_imported_and_not_called() -> None:
    with stand_ins():
        torchinfo = import_module("torchinfo")
    if Path(torchinfo.__file__ or "").is_relative_to(HERE.parent):
        with pytest.raises(RuntimeError, match="torchinfo is not installed"):
            torchinfo.summary(nn.Linear(1, 1))


def test_pretrained_weights_need_torchvision() -> None:
    with stand_ins():
        download = import_module("torchvision._internally_replaced_utils")
    if Path(download.__file__ or "").is_relative_to(HERE.parent):
        with pytest.raises(RuntimeError, match="the pretrained weights at https://host/file need torchvision"):
            download.load_state_dict_from_url("https://host/file", progress=True)


def test_neurons_of_the_old_extension() -> None:
    with stand_ins():
        extension, plain = (import_module(f"spikingjelly.{place}.neuron") for place in ("cext", "clock_driven"))
    assert extension.MultiStepParametricLIFNode is plain.MultiStepParametricLIFNode


def test_layers_and_transforms_can_be_imported_and_not_used() -> None:
    with stand_ins():
        timm, transforms = import_module("timm.models.vision_transformer"), import_module("torchvision.transforms")
    if Path(timm.__file__ or "").is_relative_to(HERE.parent):
        for name in ("PatchEmbed", "Block"):
            with pytest.raises(RuntimeError, match=f"timm is not installed, and its {name} has no stand-in"):
                getattr(timm, name)(img_size=224)
    if Path(transforms.__file__ or "").is_relative_to(HERE.parent):
        with pytest.raises(AttributeError, match="transforms.Compose has no stand-in"):
            _ = transforms.Compose


def test_check_says_what_was_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--import-only", f"{OLD}:build"]) == 0
    seen = capsys.readouterr()
    assert "imported" in seen.out
    assert "note: spikingjelly is not installed or lacks spikingjelly.cext.neuron, spikingjelly.clock_driven.base," in seen.err
    assert "note: timm is not installed or lacks timm.layers, timm.models.layers," in seen.err
    assert "note: backend='cupy' of 2 neurons replaced by 'torch', which computes the same" in seen.err


WITHOUT = """
import importlib.machinery, sys

class Hidden:
    '''SpikingJelly and timm are not installed.'''
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in ("spikingjelly", "timm", "einops"):
            return None
        found = importlib.machinery.PathFinder.find_spec(name, [p for p in sys.path if "site-packages" not in p])
        if found is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return found

sys.meta_path.insert(0, Hidden)
sys.path.insert(0, sys.argv[1])
from spk.cli import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("function", ["build", "step_by_step"])
def test_without_spikingjelly(function: str) -> None:
    shape = ["--input-shape", "2,6"] if function == "step_by_step" else []
    arguments = ["check", "--import-only", f"{OLD}:{function}", *shape]
    done = subprocess.run([sys.executable, "-c", WITHOUT, str(HERE.parent), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "imported" in done.stdout
    assert "spikingjelly.clock_driven.neuron" in done.stderr


def test_source_lines_are_the_users(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A finding below a stand-in names the line that calls it."""
    file = tmp_path / "net.py"
    file.write_text(GELU)
    assert main(["check", "--import-only", f"{file}:Net", "--input-shape", "4,2,6"]) == 1
    out = capsys.readouterr().out
    assert "aten.gelu.default" in out
    assert f"at {file}:11\n" in out


GELU = """
from spikingjelly.clock_driven import layer
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.act = layer.SeqToANNContainer(nn.GELU())

    def forward(self, x):
        return self.act(x)
"""


def test_what_has_no_stand_in_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.py"
    file.write_text("from spikingjelly.clock_driven import neuron\nimport package_that_is_absent.part\n")
    assert main(["check", f"{file}:build", "--input-shape", "1,2"]) == 1
    error = capsys.readouterr().err
    assert "raised ModuleNotFoundError: No module named 'package_that_is_absent'; install package_that_is_absent first at" in error


def test_compiled_equals_pytorch(need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    model, module = load_source(f"{OLD}:build")
    example = module.example()
    dyadic.settle(model, (example,))
    report = compare(model, None, example)
    assert {layer.path for layer in report.layers} == {"stem_lif", "mlp.lif1", "mlp.lif2"}
    assert report.flipped == 0
    assert report.output_equal


def test_step_by_step_equals_pytorch(need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    model = old("step_by_step")
    with torch.no_grad():
        for fc in (model.fc, model.fc2):
            fc.weight.copy_((fc.weight * 16).round() / 8)
            fc.bias.copy_((fc.bias * 16).round() / 8 + 0.5)
    report = compare(model, None, torch.arange(12).reshape(2, 6) % 5 / 4.0)
    assert [layer.path for layer in report.layers] == ["lif", "lif#1", "lif#2"]
    assert report.flipped == 0
    assert any(0.0 < layer.rate < 1.0 for layer in report.layers)


NEW = """
import torch
from torch import nn
from spikingjelly.activation_based import neuron, surrogate

class LIF(neuron.LIFNode):
    def __init__(self):
        super().__init__(tau=2., surrogate_function=surrogate.ATan(), detach_reset=True, step_mode='m', backend='cupy')

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.lif, self.node = nn.Linear(6, 4), LIF(), neuron.IFNode(step_mode='m', backend='triton')

    def forward(self, x):
        return self.node(self.lif(self.fc(x)))

build = Net
example = lambda: torch.ones(4, 2, 6)
"""


def test_backends_of_installed_spikingjelly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A class that only chooses the arguments of its base is that base."""
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron", reason="SpikingJelly is not installed")
    constructor = neuron.LIFNode.__init__
    file = tmp_path / "new_api.py"
    file.write_text(NEW)
    assert main(["check", "--import-only", f"{file}:build"]) == 0
    error = capsys.readouterr().err
    assert "note: backend='cupy' of 1 neurons replaced by 'torch'" in error
    assert "note: backend='triton' of 1 neurons replaced by 'torch'" in error
    assert neuron.LIFNode.__init__ is constructor
