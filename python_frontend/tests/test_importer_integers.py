"""What the importer emits for integer neurons, and for activations that become neurons."""

from __future__ import annotations

import forms
import pytest
import torch
from test_importer import counts, ops
from torch import nn

from spk.errors import UnsupportedModelError
from spk.importer import import_model, translate
from spk.neuron import MultiSpike


def test_integer_neurons() -> None:
    """Layers read integers, not floats: a division by a power of two goes to their weights, behind a pool as well."""
    model = forms.IntegerNeurons()
    result = translate(model, forms.grid(3, 2, 2, 8, 8))
    neurons = [op for op in result.context.builder.ops if op.name in ("spk.ilif", "spk.multi_spike")]
    assert [op.path for op in neurons] == [f"neurons.{i}" for i in range(4)]
    assert [op.results[0].maximum for op in neurons] == [4, 4, 6, 2]
    assert {op.results[0].dtype for op in neurons} == {"i8"}
    assert neurons[0].attributes == {
        "charge": "#spk.charge<retain>",
        "factor": "2.5e-01 : f32",
        "v_threshold": "1.0e+00 : f32",
        "levels": "4 : i64",
        "rounding": "#spk.rounding<half_even>",
    }
    assert neurons[2].attributes == {"levels": "6 : i64", "rounding": "#spk.rounding<half_up>"}
    assert ["xi8>," in op.form for op in ops(result, "spk.conv")] == [False, True, True, True]
    assert [op.results[0].maximum for op in ops(result, "spk.add")] == [8]
    assert not any(op.name.startswith("arith.") for op in result.context.builder.ops)
    scaled = result.weights()["convs.2.weight:times 0.25"]
    assert torch.equal(scaled, model.convs[2].weight * 0.25)
    assert "convs.3.weight" in result.weights()


def test_integer_neurons_written_out() -> None:
    result = translate(forms.WrittenOut(), forms.grid(2, 3, 4, 8))
    assert [op.attributes["rounding"] for op in ops(result, "spk.multi_spike")] == [
        "#spk.rounding<half_even>",
        "#spk.rounding<half_up>",
    ]
    assert "conv2.weight:times 0.25" in result.weights()


class Quotient(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.spike = MultiSpike(norm=3.0)
        self.fc = nn.Linear(4, 4, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.spike(x)) + x.clamp(-1.0, 6.0) + x.clamp(max=2.0)


def test_what_a_scale_cannot_do() -> None:
    """A division by 3 rounds, so it stays; so does a clamp that no rounding follows."""
    result = translate(Quotient(), torch.rand(2, 3, 4))
    assert counts(result)["arith.divf"] == 1
    assert set(result.weights()) == {"fc.weight"}
    assert (counts(result)["arith.maximumf"], counts(result)["arith.minimumf"]) == (1, 2)


def test_a_scale_takes_no_bits_from_small_weights() -> None:
    model = nn.Sequential(MultiSpike(), nn.Linear(4, 4, bias=False))
    model[1].weight.data.fill_(2.0**-149)
    result = translate(model, torch.rand(2, 3, 4))
    assert counts(result)["arith.mulf"] == 1
    assert set(result.weights()) == {"1.weight"}


def test_converted_neurons() -> None:
    """An activation is one operation; signed spikes are floats, and start where the neuron says."""
    result = translate(forms.Converted(), forms.grid(4, 2, 3, 6))
    neurons = [op for op in result.context.builder.ops if op.name in ("spk.qcfs", "spk.signed_if")]
    assert [op.results[0].type for op in neurons] == ["tensor<4x2x3x6xf32>"] * 4
    assert neurons[0].attributes == {"levels": "8 : i64", "up": "2.0e+00 : f32"}
    assert neurons[1].attributes == {"v_threshold": "1.0e+00 : f32", "max_count": "3 : i64"}
    assert [op.form.count("initial(") for op in neurons] == [0, 1, 1, 0]
    assert counts(result)["arith.divf"] == counts(result)["arith.mulf"] == 1


class Staircase(nn.Module):
    """An activation written as operations, of `levels` steps, that the caller may leave unfinished."""

    def __init__(self, levels: int, finished: bool = True) -> None:
        super().__init__()
        self.levels, self.finished = levels, finished
        self.up = nn.Parameter(torch.tensor([1.7]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.floor(x / self.up * self.levels + 0.5) / self.levels
        return torch.clamp(y, 0, 1 if self.finished else 2) * self.up


@pytest.mark.parametrize("levels", [1, 3, 4, 127])
def test_staircases_written_as_operations(levels: int) -> None:
    result = translate(Staircase(levels), torch.rand(2, 3, 4))
    assert set(counts(result)) == {"arith.constant", "arith.divf", "arith.mulf", "spk.qcfs"}
    (step,) = (op for op in result.context.builder.ops if op.name == "spk.qcfs")
    assert step.attributes == {"levels": f"{levels} : i64", "up": "1.0e+00 : f32"}


@pytest.mark.parametrize("model", [Staircase(4, finished=False), Staircase(200)])
def test_other_floors_are_refused(model: nn.Module) -> None:
    with pytest.raises(UnsupportedModelError, match="rounding of floats"):
        import_model(model, (torch.rand(2, 3),), "unused")
