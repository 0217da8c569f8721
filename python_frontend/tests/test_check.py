"""What cannot be imported is listed completely, with path, class, reason and source line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from spk.cli import main
from spk.errors import ToolError, UnsupportedModelError
from spk.importer import translate
from spk.neuron import LIFNode
from spk.tools import ToolNotFoundError, find_tool, run_tool

HERE = Path(__file__).resolve().parent


class Halved(LIFNode):
    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v + x * 0.5 if bool((v > 0).any()) else x


class Bad(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)
        self.norm = nn.LayerNorm(8)
        self.halved = Halved()
        self.squash, self.smooth = nn.GELU(), nn.Softplus()
        self.lif = LIFNode()
        self.fc = nn.Linear(8, 10)
        self.dead = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        x = x.unsqueeze(0).repeat(4, 1, 1, 1, 1)
        t, b = x.shape[:2]
        x = self.squash(self.conv(x.flatten(0, 1))).unflatten(0, (t, b))
        x = self.lif(self.halved(x) * 1.0).flatten(3)
        y = torch.cumsum(x, 3)
        z = self.smooth(x.flatten(0, 1)).unflatten(0, (t, b))
        return self.fc(self.norm((y + z).transpose(-1, -2)).mean(2).mean(0))


def problems(model: nn.Module, *inputs: Tensor) -> dict[tuple[str, str], str]:
    with pytest.raises(UnsupportedModelError) as raised:
        translate(model, inputs)
    return {(p.path, p.op): p.reason for p in raised.value.problems}


def test_all_problems_at_once() -> None:
    found = problems(Bad(), torch.rand(2, 3, 8, 8))
    assert set(found) == {
        ("squash", "aten.gelu.default"),
        ("halved", "neuron"),
        ("", "aten.cumsum.default"),
        ("smooth", "aten.softplus.default"),
        ("norm", "aten.layer_norm.default"),
    }
    assert found["squash", "aten.gelu.default"] == "this operation is not supported"
    assert found["halved", "neuron"] == "cannot be traced: its control flow depends on values"


@pytest.mark.parametrize("slope", [0.0, -0.5, float("nan"), float("inf")])
def test_slopes_that_are_refused(slope: float) -> None:
    found = problems(nn.Sequential(nn.Linear(4, 4), nn.LeakyReLU(slope), LIFNode()), torch.rand(3, 2, 4))
    assert found == {("1", "aten.leaky_relu.default"): f"LeakyReLU with a slope of {slope}"}


def test_problem_text() -> None:
    with pytest.raises(UnsupportedModelError) as raised:
        translate(Bad(), torch.rand(2, 3, 8, 8))
    first = raised.value.problems[0]
    assert first.module == "torch.nn.modules.activation.GELU"
    assert re.search(r"test_check\.py:\d+$", first.source)
    assert "nearest supported form: a spiking neuron" in str(first)
    assert str(raised.value).startswith("5 unsupported operations:")


class Core(nn.Module):
    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form
        self.lif, self.bn = LIFNode(), nn.BatchNorm1d(4)

    def forward(self, x: Tensor) -> Tensor:
        s = self.lif(x)
        k = s.transpose(-1, -2)
        if self.form == "odd scale on operand":
            return ((s * 0.3) @ k) @ s
        if self.form == "divided":
            return ((s @ k) @ s) / 3.0
        if self.form == "across images":
            return (s.transpose(1, 2) @ s.transpose(1, 2).transpose(-1, -2)) @ s.transpose(1, 2)
        raise ValueError(self.form)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("odd scale on operand", "no power of two on an operand"),
        ("divided", "divided by 3.0"),
        ("across images", "attention across images"),
    ],
)
def test_attention_that_is_not_supported(form: str, expected: str) -> None:
    assert expected in " ".join(problems(Core(form), torch.rand(3, 2, 5, 4)).values())


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (lambda x, s: x.sum(2), "nearest supported form: a sum of spikes, or a mean"),
        (lambda x, s: (s + s).sum(2), "a sum of floats or integers"),
        (lambda x, s: s.sum(0), "a sum over time or batch"),
        (lambda x, s: s.sum(1), "a sum over time or batch"),
        (lambda x, s: s.sum(2, dtype=torch.float64), "a sum of floats or integers"),
        (lambda x, s: s * s[:, :1], "broadcasts"),
        (lambda x, s: x * s.mean(2, keepdim=True), "broadcasts"),
    ],
)
def test_sums_and_masks_that_are_not_supported(form: Callable[[Tensor, Tensor], Tensor], expected: str) -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lif = LIFNode()

        def forward(self, x: Tensor) -> Tensor:
            return form(x, self.lif(x))

    with pytest.raises(UnsupportedModelError) as caught:
        translate(Model(), torch.rand(3, 2, 5, 4), sequence=True)
    assert expected in str(caught.value)


class BatchTimes(nn.Module):
    """The neuron scans B * T."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.lif, self.first = nn.Linear(4, 4), LIFNode(), LIFNode()

    def forward(self, x: Tensor) -> Tensor:
        return self.lif(self.fc(self.first(x).transpose(0, 1).flatten(0, 1)))


def test_scan_over_batch_and_time() -> None:
    reason = problems(BatchTimes(), torch.rand(3, 2, 5, 4))["lif", "neuron"]
    assert "leading dimension is not time" in reason


def test_control_flow() -> None:
    class Branch(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(UnsupportedModelError, match="torch.export cannot capture") as raised:
        translate(Branch(), torch.rand(2, 3))
    (problem,) = raised.value.problems
    line = Path(__file__).read_text().splitlines()[int(problem.source.rpartition(":")[2]) - 1]
    assert "if x.sum() > 0" in line


class Counts(nn.Module):
    """Changes a buffer in place: a state that no neuron keeps."""

    def __init__(self) -> None:
        super().__init__()
        self.lif = LIFNode()
        self.register_buffer("seen", torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        self.seen += x.mean((0, 1))
        return self.lif(x) * self.seen


def test_a_buffer_that_changes() -> None:
    model = Counts()
    found = problems(model, torch.rand(2, 3, 4))
    assert "the forward pass changes seen in place" in " ".join(found.values())
    assert not model.seen.any()


def test_assignment_to_every_second_element() -> None:
    class Strided(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            x = x * 2.0
            x[..., ::2] = 0.0
            return x

    assert "an assignment to every 2th element" in " ".join(problems(Strided(), torch.rand(2, 3, 4)).values())


# Command line -------------------------------------------------------------------

SOURCE = """
import torch
from torch import nn
from spk.neuron import LIFNode

class Model(nn.Module):
    def __init__(self, T):
        super().__init__()
        self.T, self.fc, self.lif = T, nn.Linear(6, 4), LIFNode({options})

    def forward(self, x):
        x = self.fc(x.unsqueeze(0).repeat(self.T, 1, 1))
        return {result}

def build(T=4):
    torch.manual_seed(0)
    return Model(T)

def example():
    return torch.ones(2, 6)
"""


def source(tmp_path: Path, result: str = "self.lif(x).mean(0)", options: str = "") -> str:
    path = tmp_path / "net.py"
    path.write_text(SOURCE.format(result=result, options=options))
    return f"{path}:build"


def test_check_import_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--import-only", source(tmp_path)]) == 0
    assert "imported" in capsys.readouterr().out
    assert main(["check", "--import-only", source(tmp_path, "torch.erf(self.lif(x)).mean(0)")]) == 1
    out = capsys.readouterr().out
    assert "not supported" in out
    assert "aten.erf.default" in out
    assert "net.py:13" in out


def test_check_says_supported_only_if_compiling_succeeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = source(tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    monkeypatch.setenv("SPK_BIN_DIR", str(tools))
    compiler = tools / "spk-compile"
    compiler.write_text("#!/bin/sh\necho 'fc: too wide' >&2\nexit 3\n")
    compiler.chmod(0o755)
    assert main(["check", target]) == 1
    out = capsys.readouterr().out
    assert "compiling failed" in out
    assert "fc: too wide" in out
    assert "reproduce with:" in out
    compiler.write_text("#!/bin/sh\nexit 0\n")
    assert main(["check", target, "--compile-only"]) == 0
    assert capsys.readouterr().out.strip().endswith(": compiled; not compared with PyTorch")
    assert main(["check", target]) == 1  # nothing was compiled that could run
    printed = capsys.readouterr()
    assert "supported" not in printed.out
    assert re.search(r"^error: compiled, but it cannot be run here: .*; --compile-only does not run it$", printed.err)


def test_compile_run_and_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str], need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    target, library = source(tmp_path), str(tmp_path / "out.so")
    np.save(tmp_path / "x.npy", np.ones((2, 6), np.float32))
    assert main(["compile", target, "-o", library, "--tap", "*:spikes", "--", "--explain"]) == 0
    assert "fc" in capsys.readouterr().out
    assert main(["run", library, "--input", str(tmp_path / "x.npy"), "--top", "2", "--output", str(tmp_path / "y.npy")]) == 0
    assert np.load(tmp_path / "y.output.npy").shape == (2, 4)
    assert np.load(tmp_path / "y.lif_spikes.npy").shape == (4, 2, 4)
    assert main(["compare", target, "--artefact", library]) in (0, 1)
    assert "flipped spikes" in capsys.readouterr().out


def test_import_command(tmp_path: Path) -> None:
    assert main(["import", source(tmp_path), "-o", str(tmp_path / "n.mlir"), "--timesteps", "7"]) == 0
    assert "tensor<7x2x" in (tmp_path / "n.mlir").read_text()
    assert main(["import", source(tmp_path), "-o", str(tmp_path / "n.mlir"), "--input-shape", "5,6"]) == 0
    assert "tensor<1x5x6xf32>" in (tmp_path / "n.mlir").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nothing.py:build"], "nothing.py does not exist"),
        (["check", "nothing"], "write FILE.py:function"),
        (["run", "nothing.so", "--input-shape", "1,2"], "nothing.so does not exist"),
        (["run", "nothing.so"], "nothing.so does not exist"),
    ],
)
def test_one_clear_error(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def build():\n    return {}['model']\n", "m.py:build raised KeyError: 'model' at "),
        ("import nothing_of_that_name\n", "m.py raised ModuleNotFoundError: "),
    ],
)
def test_what_the_users_code_raises(text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "m.py"
    file.write_text(text)
    assert main(["check", f"{file}:build", "--input-shape", "1,2"]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert re.search(r"m\.py:\d\n$", error)
    assert error.count("\n") == 1


def test_help() -> None:
    done = subprocess.run([sys.executable, "-m", "spk", "--help"], cwd=HERE.parent, capture_output=True, text=True, check=True)
    assert all(command in done.stdout for command in ("import", "check", "compile", "run", "compare", "examples:"))


# Tools ----------------------------------------------------------------------------


def test_missing_tool_is_one_clear_error() -> None:
    with pytest.raises(ToolNotFoundError, match="spk-nothing was not found .* build spk, or set SPK_BIN_DIR"):
        find_tool("spk-nothing")


def test_failing_tool_shows_its_messages_and_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "spk-fail"
    tool.write_text("#!/bin/sh\necho broken >&2\nexit 7\n")
    tool.chmod(0o755)
    monkeypatch.setenv("SPK_BIN_DIR", str(tmp_path))
    with pytest.raises(ToolError, match=r"exit code 7\nbroken\nreproduce with:\n  .*spk-fail 'a b'") as raised:
        run_tool("spk-fail", ["a b"])
    assert raised.value.command == [str(tool), "a b"]


class Rounded(nn.Module):
    """Roundings that are no integer neurons."""

    def forward(self, x: Tensor) -> Tensor:
        negative = torch.round(torch.clamp(x, -1, 4))
        fraction = torch.floor(x.clamp(0, 2.5) + 0.5)
        other = torch.floor(x.clamp(0, 4) + 0.25)
        return negative + fraction + other + x.clamp(0, 4).floor() + torch.round(x)


def test_roundings() -> None:
    with pytest.raises(UnsupportedModelError) as raised:
        translate(Rounded(), torch.rand(2, 3, 4))
    found = [(p.op, p.reason) for p in raised.value.problems]
    assert sorted(found) == [("aten.floor.default", "rounding of floats")] * 3 + [("aten.round.default", "rounding of floats")] * 2
    assert "round(clamp(x, 0, D))" in str(raised.value)
