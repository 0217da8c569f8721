"""``--timesteps`` changes the number of time steps, or says why it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from spk.cli import main
from spk.errors import SpkError
from spk.neuron import LIFNode
from spk.timesteps import change_timesteps, repeated_timesteps


class Repeats(nn.Module):
    """Repeats its input over time in one of several ways."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form
        self.fc, self.lif, self.out = nn.Linear(6, 8), LIFNode(), nn.Linear(8, 3)

    def over_time(self, x: Tensor) -> Tensor:
        if self.form == "repeat":
            return x.unsqueeze(0).repeat(4, 1, 1)
        if self.form == "repeat_sizes":
            return x.unsqueeze(0).repeat((4, 1, 1))
        if self.form == "tile":
            return x[None].tile((4, 1, 1))
        if self.form == "expand":
            return x.unsqueeze(0).expand(4, -1, -1)
        if self.form == "expand_sizes":
            return x.unsqueeze(0).expand(4, *x.shape)
        if self.form == "interleave":
            return x.unsqueeze(0).repeat_interleave(4, dim=0)
        if self.form == "stack":
            return torch.stack([x] * 4, dim=0)
        return torch.cat([x.unsqueeze(0)] * 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.lif(self.fc(self.over_time(x)))).mean(0)


FORMS = ("repeat", "repeat_sizes", "tile", "expand", "expand_sizes", "interleave", "stack", "cat")


def of_steps(model: nn.Module, x: Tensor, steps: int) -> Tensor:
    """What a `Repeats` computes for a number of steps."""
    return model.out(model.lif(model.fc(torch.stack([x] * steps)))).mean(0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("batch", [1, 2])
@torch.no_grad()
def test_every_form_of_repetition(form: str, batch: int) -> None:
    model, x = Repeats(form).eval(), torch.rand(batch, 6) * 2
    assert repeated_timesteps(model, (x,)) == 4
    assert torch.equal(model(x), of_steps(model, x, 4))
    for steps in (7, 1, 4):
        changed = Repeats(form).eval()
        changed.load_state_dict(model.state_dict())
        assert change_timesteps(changed, (x,), steps)
        assert torch.equal(changed(x), of_steps(model, x, steps))


class Attribute(nn.Module):
    """T is an attribute that the forward pass reads again; the input is repeated for another reason as well."""

    def __init__(self) -> None:
        super().__init__()
        self.T = 4
        self.token = nn.Parameter(torch.rand(1, 1, 6))
        self.lif, self.out = LIFNode(), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = x.unsqueeze(0).repeat(self.T, 1, 1) + self.token
        y = y + x.unsqueeze(0).repeat(2, 1, 1).sum(0)
        return self.out(self.lif(y.reshape(self.T, -1, 6))).reshape(self.T, -1, 3).mean(0)


@torch.no_grad()
def test_attributes_follow() -> None:
    model, x = Attribute().eval(), torch.rand(4, 6)
    assert change_timesteps(model, (x,), 6)
    assert model.T == 6
    expected = model.out(model.lif(torch.stack([x] * 6) + model.token + 2 * x)).mean(0)
    assert torch.equal(model(x), expected)


class Loop(nn.Module):
    """Single-step neurons behind a repetition."""

    def __init__(self) -> None:
        super().__init__()
        from spikingjelly.activation_based import neuron

        self.lif, self.out = neuron.LIFNode(), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.out(self.lif(step)) for step in x.unsqueeze(0).repeat(4, 1, 1)]).mean(0)


def test_single_step_neurons_are_called_more_often() -> None:
    pytest.importorskip("spikingjelly.activation_based", reason="SpikingJelly is not installed")
    model = Loop().eval()
    assert change_timesteps(model, (torch.rand(2, 6),), 9)


class Baked(Repeats):
    """The number of steps stands in the weights or in a shape."""

    def __init__(self, where: str) -> None:
        super().__init__("repeat")
        self.where = where
        self.over = nn.Parameter(torch.rand(4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.lif(self.fc(self.over_time(x)))
        if self.where == "weight":
            return self.out((y * self.over).sum(0))
        if self.where == "shape":
            y = y.reshape(4, -1, 8)
        return self.out(self.lif(y)).mean(0)


@pytest.mark.parametrize(("where", "steps"), [("weight", 8), ("weight", 1), ("shape", 8)])
def test_refused_where_it_is_in_the_weights(where: str, steps: int) -> None:
    with pytest.raises(SpkError, match=rf"--timesteps={steps}: the model repeats its input 4 times, and that number is in its weights"):
        change_timesteps(Baked(where).eval(), (torch.rand(2, 6),), steps)


class FromData(nn.Module):
    """Events ``[B, T, F]``."""

    def __init__(self) -> None:
        super().__init__()
        self.lif, self.out = LIFNode(), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.lif(x.transpose(0, 1))).mean(0)


def test_not_a_repetition() -> None:
    assert not change_timesteps(FromData().eval(), (torch.rand(2, 5, 6),), 8)
    assert repeated_timesteps(nn.Conv2d(3, 4, 1), (torch.rand(2, 6),)) is None  # raises


SOURCE = """
import sys, torch
sys.path.insert(0, {folder!r})
from test_timesteps import Baked, FromData, Repeats

def repeats():
    return Repeats("repeat")

def baked():
    return Baked("weight")

def from_data():
    return FromData()

def example():
    return torch.rand(2, 5, 6)
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "steps.py"
    path.write_text(SOURCE.format(folder=str(Path(__file__).resolve().parent)))
    return str(path)


def test_import_command(file: str, tmp_path: Path) -> None:
    output = tmp_path / "n.mlir"
    assert main(["import", f"{file}:repeats", "-o", str(output), "--input-shape", "2,6", "--timesteps", "7"]) == 0
    text = output.read_text()
    assert "tensor<7x2x8xi1>" in text
    assert "tensor<1x2x6xf32>" in text
    assert main(["import", f"{file}:from_data", "-o", str(output), "--timesteps", "5"]) == 0
    assert "tensor<5x2x6xi1>" in output.read_text()


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("baked", ["--input-shape", "2,6", "--timesteps", "8"], "that number is in its weights or in a shape of its forward pass: "),
        ("from_data", ["--timesteps", "8"], "the model repeats no input over time, so the number of steps is that of its input of shape"),
        ("repeats", ["--input-shape", "2,6", "--timesteps", "0"], "--timesteps must be at least 1, got 0"),
    ],
)
def test_one_clear_error(
    function: str, arguments: list[str], message: str, file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", f"{file}:{function}", "-o", str(tmp_path / "n.mlir"), *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "n.mlir").exists()
