"""Firing rates, operations and energy of every layer, against PyTorch's hooks and by hand."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from spikformer.spikformer import spikformer_cifar
from torch import Tensor, nn

import spk
from spk.cli import main
from spk.dyadic import settle
from spk.energy import Constants, Work, arithmetic_pj, memory_pj, parse_memory
from spk.graph import Graph, TensorType, parse
from spk.importer import import_model
from spk.neuron import LIFNode
from spk.rates import neuron_rates
from spk.report import Convention, Counter, Fired, LayerReport, Report, measure
from spk.tapped import compile_tapped

SAMPLES, T, TOKENS, DIM, HEADS = 5, 3, 16, 24, 3


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(5)
    model = spikformer_cifar(dim=DIM, depth=1, heads=HEADS, T=T, img=(16, 16)).eval()
    settle(model, model.example(batch=2), output="rounded")
    return model


@pytest.fixture(scope="module")
def samples(model: nn.Module) -> Tensor:
    return model.example(batch=SAMPLES, seed=3)[0]


@pytest.fixture(scope="module")
def module(model: nn.Module, tmp_path_factory: pytest.TempPathFactory, need_tool: Callable[[str], str]) -> Path:
    need_tool("spk-compile")
    return import_model(model, model.example(batch=2), tmp_path_factory.mktemp("net") / "net").mlir


@pytest.fixture(scope="module")
def report(module: Path, samples: Tensor) -> Report:
    return measure(module, [samples.numpy()])


def hooked(model: nn.Module, x: Tensor) -> dict[str, tuple[float, int, int, Tensor]]:
    """By path: sum of the input, its elements, multiply-accumulates, the output."""
    seen = {}

    def watch(path: str) -> Callable[..., None]:
        def hook(layer: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
            weight = getattr(layer, "weight", None)
            macs = 0 if weight is None else output.numel() * weight[0].numel()
            seen[path] = (float(args[0].sum()), args[0].numel(), macs, output)

        return hook

    kinds = (nn.Conv2d, nn.Linear, LIFNode)
    handles = [m.register_forward_hook(watch(p)) for p, m in model.named_modules() if isinstance(m, kinds)]
    with torch.no_grad():
        model(x)
    for handle in handles:
        handle.remove()
    return seen


def test_counts_equal_those_of_hooks(model: nn.Module, samples: Tensor, report: Report) -> None:
    assert report.samples == SAMPLES  # the last batch of two holds one
    assert report.time_steps == T
    seen = hooked(model, samples)
    weighted = [row for row in report.layers if row.kind in ("conv", "linear")]
    assert [row.layer for row in weighted] == [path for path, (_, _, macs, _) in seen.items() if macs]
    for row in weighted:
        spikes, elements, macs, _ = seen[row.layer]
        assert row.dense_macs * SAMPLES == macs
        if row.layer in ("patch_embed.proj_conv", "head"):
            assert (row.reads, row.rate, row.macs, row.sops) == ("floats", None, row.dense_macs, 0)
            continue
        assert row.rate is not None
        assert row.rate * elements == pytest.approx(spikes, abs=1e-6)
        assert row.macs == 0
        assert row.sops * SAMPLES == pytest.approx(spikes / elements * macs, rel=1e-12)
        assert row.arithmetic_pj == pytest.approx(0.9 * row.sops)
    assert {row.layer: row.reads for row in weighted}["block.0.mlp.fc1_linear"] == "integers"


def test_firing_rates_equal_those_of_hooks(model: nn.Module, samples: Tensor, report: Report) -> None:
    assert {row.layer: row.rate for row in report.layers if row.kind == "lif"} == neuron_rates(model, samples)


@pytest.mark.parametrize(
    ("order", "selecting", "product"), [("qk_first", "qv", TOKENS * TOKENS), ("kv_first", "kq", TOKENS * DIM // HEADS)]
)
def test_attention(model: nn.Module, samples: Tensor, module: Path, order: str, selecting: str, product: int) -> None:
    (row,) = [row for row in measure(module, [samples.numpy()], association=order).layers if row.kind == "attention"]
    assert row.layer == "block.0.attn"
    assert row.dense_macs == 2 * T * product * DIM
    seen = hooked(model, samples)
    rates = [float(seen[f"block.0.attn.{name}_lif"][3].mean(dtype=torch.float64)) for name in selecting]
    assert row.rate == pytest.approx(sum(rates) / 2, rel=1e-12)
    assert row.sops == pytest.approx(T * product * DIM * sum(rates), rel=1e-12)


def test_conventions(module: Path, samples: Tensor, report: Report) -> None:
    other = measure(module, [samples.numpy()], convention=Convention(integers_as_macs=True, static_once=True))
    changed = {a.layer: (a, b) for a, b in zip(report.layers, other.layers, strict=True) if a != b}
    # Repeated images are convolved once; the stream between blocks holds integers.
    stem, streamed = "patch_embed.proj_conv", [row.layer for row in report.layers if row.reads == "integers"]
    assert set(changed) == {stem, *streamed}
    assert [(row.macs, row.steps) for row in changed[stem]] == [(changed[stem][1].macs * T, T), (changed[stem][1].macs, 1)]
    for layer in streamed:
        assert changed[layer][1].macs == changed[layer][1].dense_macs == changed[layer][0].dense_macs
        assert changed[layer][1].sops == 0
    assert "an integer n counts as n spikes; a layer with the same input at every step counts T times" in str(report)
    assert "an integer input counts as a float; a layer with the same input at every step counts once" in str(other)


class ByHand(nn.Module):
    """A linear layer, written as such or as a convolution of one pixel, which the compiler makes linear."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3, bias=False) if kind == "linear" else nn.Conv2d(4, 3, 1, bias=False)
        self.lif, self.out = LIFNode(), LIFNode()

    def forward(self, x: Tensor) -> Tensor:
        spikes = self.lif(x)
        if isinstance(self.fc, nn.Linear):
            return self.out(self.fc(spikes)).mean(0)
        return self.out(self.fc(spikes.flatten(0, 1)).unflatten(0, x.shape[:2])).mean(0)


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_one_layer_by_hand(kind: str, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    # A current of 2 brings the membrane to its threshold of 1 in one step, none leaves it at rest.
    x = torch.tensor([[[2.0, 0.0, 2.0, 0.0]], [[0.0, 0.0, 2.0, 0.0]]])
    x = x if kind == "linear" else x[..., None, None]
    module = import_model(ByHand(kind), x, tmp_path / "net", sequence=True).mlir
    report = measure(module, [x.numpy()])
    lif, fc, out = report.layers
    # Three spikes of eight; each is added to three sums by its weight.
    assert (lif.layer, lif.rate, lif.sops) == ("lif", 3 / 8, 0)
    assert fc == LayerReport(
        layer="fc",
        kind=kind,
        reads="spikes",
        rate=3 / 8,
        steps=2,
        dense_macs=24,
        macs=0,
        sops=9,
        arithmetic_pj=9 * 0.9,
        memory_pj=pytest.approx((9 * 48 + 2 * 9 * 12 + 3 * 4000) * 10 / 8192),
    )
    # Four membranes of 4 bytes, read and written twice.
    assert lif.memory_pj == pytest.approx((2 * 8 * 16 + 3 * 4000) * 10 / 8192)
    assert out.layer == "out"
    assert report.ann_pj == pytest.approx(12 * 4.6)


class ProductByHand(nn.Module):
    """Spikes times floats that are made of them, on tokens; `swapped` for floats times spikes, `squared` for floats alone."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form
        self.fc, self.lif, self.out = nn.Linear(4, 4, bias=False), LIFNode(), LIFNode()

    def forward(self, x: Tensor) -> Tensor:
        spikes = self.lif(x)
        floats = self.fc(spikes)
        rows, columns = {"plain": (spikes, floats), "swapped": (floats, spikes), "squared": (floats, floats)}[self.form]
        return self.out(rows @ columns.transpose(-1, -2))


@pytest.mark.parametrize("form", ["plain", "swapped", "squared"])
def test_one_product_by_hand(form: str, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    x = torch.tensor([[[[2.0, 0.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0]]], [[[0.0, 0.0, 2.0, 0.0], [2.0, 2.0, 2.0, 0.0]]]])
    report = measure(import_model(ProductByHand(form), x, tmp_path / "net", sequence=True).mlir, [x.numpy()])
    (row,) = [row for row in report.layers if row.kind == "matmul"]
    # Two steps of 2x4 times 4x2. Six spikes of sixteen, each read by two sums.
    assert row.dense_macs == 2 * 2 * 4 * 2
    floats = 2 * 4 * 4  # bytes of an operand
    if form == "squared":
        assert (row.reads, row.rate, row.macs, row.sops) == ("floats", None, 32, 0)
        assert row.arithmetic_pj == pytest.approx(32 * 4.6)
        assert row.memory_pj == pytest.approx(32 * 2 * floats * 10 / 8192)
    else:
        assert (row.reads, row.rate, row.macs, row.sops) == ("spikes", 6 / 16, 0, 12)
        assert row.arithmetic_pj == pytest.approx(12 * 0.9)
        assert row.memory_pj == pytest.approx((12 * floats + 2 * 12 * 2 * 2 * 4 + 6 * 4000) * 10 / 8192)
    assert report.ann_pj == pytest.approx((32 + 16) * 4.6)


class Cut(nn.Module):
    """A layer whose halves feed different neurons: the compiler computes them apart."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.lif, self.left, self.right = nn.Linear(4, 6, bias=False), LIFNode(), LIFNode(), LIFNode()

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.fc(self.lif(x)).chunk(2, -1)
        return (self.left(left) + self.right(right)).mean(0)


def test_layer_that_is_cut_into_parts(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    x = torch.tensor([[[2.0, 0.0, 2.0, 0.0]], [[0.0, 0.0, 2.0, 0.0]]])
    module = import_model(Cut(), x, tmp_path / "net", sequence=True).mlir
    model = compile_tapped(module, ["*:spikes"])
    assert [layer["dense_macs"] for layer in model.explanation["layers"] if layer["layer"] == "fc"] == [24, 24]
    (fc,) = [row for row in measure(module, [x.numpy()]).layers if row.layer == "fc"]
    assert (fc.dense_macs, fc.rate, fc.sops) == (2 * 4 * 6, 3 / 8, 3 * 6)
    assert fc.memory_pj == pytest.approx((18 * 96 + 2 * 18 * 24 + 3 * 4000) * 10 / 8192)


def test_cores_of_floats(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    """The scale between the products is no layer with weights."""
    need_tool("spk-compile")
    torch.manual_seed(5)
    model = spikformer_cifar(dim=DIM, depth=1, heads=HEADS, T=T, img=(16, 16), attention="A_I").eval()
    settle(model, model.example(batch=2), output="rounded")
    samples = model.example(batch=SAMPLES, seed=3)[0]
    report = measure(import_model(model, model.example(batch=2), tmp_path / "net").mlir, [samples.numpy()])
    first, second = [row for row in report.layers if row.layer == "block.0.attn"]
    assert first.kind == second.kind == "matmul"
    assert (first.reads, first.macs, first.sops) == ("floats", T * TOKENS * TOKENS * DIM, 0)
    rate = float(hooked(model, samples)["block.0.attn.v_lif"][3].mean(dtype=torch.float64))
    assert (second.reads, second.rate, second.macs) == ("spikes", pytest.approx(rate, rel=1e-12), 0)
    assert second.sops == pytest.approx(rate * T * TOKENS * TOKENS * DIM, rel=1e-12)


def test_energy_of_work() -> None:
    constants = Constants()
    assert constants.access(0) == 0
    assert constants.access(4096) == 5
    assert constants.access(8192) == 10
    assert constants.access(20480) == 15
    assert constants.access(1 << 30) == 100
    assert arithmetic_pj(Work(macs=10, accumulates=100), constants) == pytest.approx(46 + 90)
    # An operation reads its weight; a multiply-accumulate its input too; an accumulate reads and writes its sum.
    assert memory_pj(Work(macs=3, weight_bytes=8192, input_bytes=32768, sum_bytes=8192), constants) == 3 * 10 + 3 * 20
    assert memory_pj(Work(accumulates=3, weight_bytes=8192, sum_bytes=32768), constants) == 3 * 10 + 6 * 20
    assert memory_pj(Work(updates=2, spikes=1, sum_bytes=8192), constants) == 2 * 2 * 10 + 10 * 4000 / 8192


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constants(mac=-1.0), "energy of a multiply-accumulate must be a number of pJ from 0 on, got -1"),
        (lambda: Constants(accumulate=float("nan")), "energy of an accumulate must be"),
        (lambda: Constants(memory=((8192, float("inf")),)), "energy of a memory access must be"),
        (lambda: Constants(memory=((8192, 1.0), (4096, 2.0))), r"positive and ascending, got \[8192, 4096\]"),
        (lambda: Constants(memory=()), r"positive and ascending, got \[\]"),
        (lambda: parse_memory("8192"), "'8192' is no list of memories; write BYTES=PJ"),
        (lambda: parse_memory("a=b"), "'a=b' is no list of memories"),
    ],
)
def test_bad_constants(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(spk.SpkError, match=message):
        make()


def test_text(report: Report) -> None:
    text = str(report)
    assert text.startswith("net: 5 samples, T = 3; operations and energy of one\n")
    assert "constants: multiply-accumulate 4.6 pJ, accumulate 0.9 pJ; access to a 32-bit word" in text
    assert "10 at 8 KiB, 20 at 32 KiB, 100 at 1024 KiB" in text
    assert "not the energy of any processor" in text


def test_files(module: Path, samples: Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.npy"
    np.save(file, samples.numpy())
    stem = str(module.with_suffix(".so"))  # the artefact need not be there, its module does
    settings = ["--mac-pj", "10", "--accumulate-pj", "1", "--memory-pj", "8192=5", "--association", "kv_first"]
    assert main(["report", stem, "--samples", str(file), "--format", "json", *settings]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["model"] == "net"
    assert document["constants"] == {"mac": 10.0, "accumulate": 1.0, "memory": [[8192, 5.0]]}
    assert document["totals"]["sops"] == sum(layer["sops"] for layer in document["layers"])
    assert all(layer["arithmetic_pj"] == pytest.approx(10 * layer["macs"] + layer["sops"]) for layer in document["layers"])
    assert "not the energy of any processor" in document["note"]
    table = tmp_path / "report.csv"
    assert main(["report", str(module.with_suffix("")), "--samples", str(file), "--format", "csv", "-o", str(table), *settings]) == 0
    assert f"wrote {table}" in capsys.readouterr().out
    with table.open() as rows:
        for row, layer in zip(csv.DictReader(rows), document["layers"], strict=True):
            assert row == {key: "" if value is None else str(value) for key, value in layer.items()}


def test_a_model_in_python(tmp_path: Path, need_tool: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    need_tool("spk-compile")
    (tmp_path / "tiny.py").write_text(
        "from torch import nn\nfrom spk.neuron import LIFNode\n"
        "def build():\n  return nn.Sequential(LIFNode(), nn.Linear(4, 2), LIFNode())\n"
    )
    np.save(tmp_path / "x.npy", np.full((3, 2, 4), 2.0, np.float32))
    target = f"{tmp_path / 'tiny.py'}:build"
    assert main(["report", target, "--samples", str(tmp_path / "x.npy"), "--sequence", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["model"], document["samples"], document["time_steps"]) == ("tiny", 2, 3)
    assert document["layers"][0]["rate"] == 1.0
    assert main(["report", target, "--samples", str(tmp_path / "x.npy"), "--sequence", "--timesteps", "0"]) == 1
    assert "--timesteps must be at least 1, got 0" in capsys.readouterr().err


def test_other_time_steps(tmp_path: Path, need_tool: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    need_tool("spk-compile")
    (tmp_path / "still.py").write_text(
        "import torch\nfrom torch import nn\nfrom spk.neuron import LIFNode\n"
        "class Still(nn.Module):\n"
        "  def __init__(self):\n    super().__init__()\n    self.T, self.fc, self.lif = 4, nn.Linear(4, 2), LIFNode()\n"
        "  def forward(self, x):\n    return self.lif(self.fc(x.unsqueeze(0).repeat(self.T, 1, 1)))\n"
        "def build():\n  return Still()\n"
    )
    np.save(tmp_path / "x.npy", np.ones((2, 4), np.float32))
    arguments = ["report", f"{tmp_path / 'still.py'}:build", "--samples", str(tmp_path / "x.npy"), "--format", "json"]
    for more, steps in ([], 4), (["--timesteps", "3"], 3):
        assert main([*arguments, *more]) == 0
        assert json.loads(capsys.readouterr().out)["time_steps"] == steps


def test_errors(module: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.npy", tmp_path / "bad.npy"
    np.save(good, np.zeros((1, 3, 16, 16), np.float32))
    np.save(bad, np.zeros((1, 3, 16, 15), np.float32))

    def message(*arguments: str) -> str:
        assert main(["report", *arguments]) == 1
        printed = capsys.readouterr()
        assert not printed.out
        return printed.err

    assert f"{tmp_path / 'gone.mlir'} does not exist" in message(str(tmp_path / "gone.mlir"), "--samples", str(good))
    for artefact in ("gone", "gone.so"):
        text = message(str(tmp_path / artefact), "--samples", str(good))
        assert f"there is no {tmp_path / 'gone.mlir'}, from which" in text
        assert "name the .mlir file, or FILE.py:function" in text
    assert "gone.npy cannot be read as .npy" in message(str(module), "--samples", str(tmp_path / "gone.npy"))
    assert f"--samples='{bad}' holds float32 [1, 3, 16, 15], the input" in message(str(module), "--samples", str(bad))
    assert "there is no folder" in message(str(module), "--samples", str(good), "-o", str(tmp_path / "no" / "x.json"))
    assert "must be a number of pJ" in message(str(module), "--samples", str(good), "--mac-pj", "-1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.npy", "good.npy"]


GENERIC = """\
#loc = loc(unknown)
#loc1 = loc("lif")
#loc2 = loc("net.mlir":3:4)
#loc3 = loc("attn"(#loc2))
#loc4 = loc(fused[#loc2, #loc3])
"builtin.module"() ({
  "func.func"() <{function_type = () -> (), sym_name = "main"}> ({
  ^bb0(%arg0: tensor<2x1x6x12xf32> loc(unknown)):
    %8 = "spk.norm"(%arg0) : (tensor<2x1x6x12xf32>) -> tensor<2x1x6x12xf32> loc(#loc1)
    %0:2 = "spk.lif"(%8) <{tau = 2.0e+00 : f32}> : (tensor<2x1x6x12xf32>) -> (tensor<2x1x6x12xi1>, tensor<2x1x6x12xf32>) loc(#loc1)
    %1 = "tensor.extract_slice"(%0#0) <{operandSegmentSizes = array<i32: 1, 0, 0, 0>, static_offsets = array<i64: 0, 0, 2, 0>,\
 static_sizes = array<i64: 2, 1, 2, 12>, static_strides = array<i64: 1, 1, 1, 1>}> : (tensor<2x1x6x12xi1>) -> tensor<2x1x2x12xi1> loc(#loc4)
    %2 = "tensor.empty"() : () -> tensor<2x1x12x2xi1> loc(#loc4)
    %3 = "linalg.transpose"(%1, %2) <{permutation = array<i64: 0, 1, 3, 2>}> ({
    ^bb0(%arg1: i1 loc("x"), %arg2: i1 loc("y")):
      "linalg.yield"(%arg1) : (i1) -> () loc(#loc4)
    }) : (tensor<2x1x2x12xi1>, tensor<2x1x12x2xi1>) -> tensor<2x1x12x2xi1> loc(#loc4)
    %4:2 = "spk.two"(%3) : (tensor<2x1x12x2xi1>) -> (tensor<2x1x12x2xi1>, index) loc(#loc4)
    %5 = "spk.ssa"(%3, %4#0, %3) <{num_heads = 2 : i64, scale = 1.250000e-01 : f32,\
 token_layout = #spk.token_layout<token_first>}> : (tensor<2x1x12x2xi1>, tensor<2x1x12x2xi1>, tensor<2x1x12x2xi1>)\
 -> tensor<2x1x12x2xf32> loc(#loc4)
    "func.return"() : () -> () loc(#loc)
  }) : () -> () loc(#loc)
  "func.func"() <{function_type = () -> (), sym_name = "other"}> ({
    %9 = "spk.lif"() : () -> tensor<1xi1> loc(#loc1)
  }) : () -> () loc(#loc)
}) : () -> () loc(#loc)
"""


TAPS = {"lif:spikes": TensorType((2, 1, 6, 12), "i1")}


def test_graph_of_a_module() -> None:
    operations = parse(GENERIC)
    names = ["norm", "lif", "extract_slice", "empty", "transpose", "two", "ssa", "return"]
    assert [op.name.partition(".")[2] for op in operations] == names
    assert [op.layer for op in operations] == ["lif", "lif", *["attn"] * 5, "?"]
    graph = Graph(operations, TAPS)
    (core,) = graph.attention
    assert (core.layer, core.tap, core.heads, core.scale, core.token_last) == ("attn", "attn:attention", 2, 0.125, False)
    spikes = np.random.default_rng(0).random((2, 1, 6, 12)) < 0.5
    expected = spikes[:, :, 2:4].transpose(0, 1, 3, 2)
    np.testing.assert_array_equal(core.query.read({"lif:spikes": spikes}), expected)
    np.testing.assert_array_equal(core.by_head(expected)[:, :, 1, :, 0], expected[..., 1])
    assert core.key.read({"lif:spikes": spikes}) is None  # what another operation makes of them is not theirs
    with pytest.raises(spk.SpkError, match="defines no @main"):
        parse(GENERIC.replace('"main"', '"first"'))


def counted(layer: dict[str, Any]) -> list[LayerReport]:
    """Rows of the module above where the compiler tells of one layer."""
    graph = Graph(parse(GENERIC), TAPS)
    taps = {"lif:spikes": np.ones((2, 1, 6, 12), np.bool_)}
    group = SimpleNamespace(taps=taps, valid=1, samples=lambda array: array)
    model = SimpleNamespace(name="net", graph=graph, explanation={"layers": [layer]}, run=lambda samples: [group])
    counter = Counter(model, Convention(), Constants())
    counter.run([])
    return counter.rows()


@pytest.mark.parametrize(("dtype", "rate"), [(np.int8, 2.0), (np.float32, 0.75), (np.bool_, 0.75)])
def test_rates_of_neurons_that_fire_numbers(dtype: type, rate: float) -> None:
    fired = Fired()
    fired.add(np.array([[3, 0], [-3, 2]]).astype(dtype))
    assert fired.rate == rate


def test_operands_that_no_neuron_fires_count_as_ones() -> None:
    core = {"layer": "attn", "fused": "attention", "dense_macs": 96, "input": "2x1x12x2xi1 packed", "weight_bytes": 0}
    for order, rate in (("qk_first", 1.0), ("kv_first", None)):  # keys come from elsewhere
        lif, attention = counted(core | {"association": order})
        assert (lif.layer, lif.rate) == ("lif", 1.0)
        assert (attention.rate, attention.dense_macs, attention.sops) == (rate, 96, 96)


def test_a_layer_that_the_module_lacks() -> None:
    with pytest.raises(spk.SpkError, match=r"net: the layer fc \(linear\+lif\) is not found in the module"):
        counted({"layer": "fc", "fused": "linear+lif", "dense_macs": 3, "weight_bytes": 0})


def test_text_of_large_and_small_numbers() -> None:
    row = LayerReport("a", "linear", "spikes", 0.5, 4, 2_000_000_000, 0.0, 1_500_000.0, 1_350_000.0, 2_000.0)
    text = str(Report("net", 1, 4, Constants(), Convention(), [row]))
    assert text.startswith("net: 1 sample, T = 4; ")
    assert "a      linear  spikes  50.00%  4      2.00 G     -  1.50 M     1.35 µJ  2.00 nJ" in text
