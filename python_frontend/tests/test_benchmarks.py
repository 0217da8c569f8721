"""The benchmark of whole networks, without its engines: table of densities, folding, lines, verdicts."""

from __future__ import annotations

import functools
import json
import re
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import folding
import lines
import machine
import measuring
import networks
import report
import run
import stages

from spk import rates
from spk.neuron import IFNode

SMALL = {
    "spikformer-4-384": {"dim": 96, "depth": 1, "heads": 3},
    "spikformer-8-512": {"dim": 64, "depth": 1, "heads": 1, "img": 64},
    "spikingformer-8-512": {"dim": 64, "depth": 1, "heads": 1, "img": 64},
    "sdt-8-512": {"dim": 64, "depth": 1, "heads": 1, "img": 64},
}


def small(name: str) -> nn.Module:
    torch.manual_seed(0)
    return networks.NETWORKS[name].build(**SMALL[name]).eval()


# ---------------------------------------------------------------------------------------------------------------------
# Networks
# ---------------------------------------------------------------------------------------------------------------------


def test_every_network_has_a_table() -> None:
    content = json.loads((ROOT / "benchmarks" / "densities.json").read_text())
    assert list(content["networks"]) == list(networks.NETWORKS) == list(run.MODELS)
    assert [name for name, network in networks.NETWORKS.items() if network.sew] == list(run.SEW)


@pytest.mark.parametrize("name", SMALL)
def test_the_table_names_layers(name: str) -> None:
    """Every row is about layers that exist, and every neuron layer, except one of the head, is in a row."""
    model, rows = small(name), networks.table(name)
    neurons = {path for path, module in model.named_modules() if type(module) in rates.neuron_classes()}
    synapses = {path for path, module in model.named_modules() if isinstance(module, rates.SYNAPSES)}
    covered: set[str] = set()
    for row in rows:
        assert 0.0 < row.density < 1.0 and (row.neuron or row.synapse)
        if row.neuron:
            found = {path for path in neurons if fnmatchcase(path, row.neuron)}
            assert found and not found & covered, row
            covered |= found
        if row.synapse:
            assert any(fnmatchcase(path, row.synapse) for path in synapses), row
    assert neurons - covered <= {"head_lif", "block.0.attn.talking_heads_lif"}


def test_a_network_meets_the_table() -> None:
    model, rows = small("spikformer-4-384"), networks.table("spikformer-4-384")
    inputs = networks.images(model, 4)
    networks.settle(model, rows, inputs)
    densities, outputs = networks.measure(model, rows, inputs)
    found = {density.path: density for density in densities}
    assert all(density.met for density in densities), [density for density in densities if not density.met]
    assert {path for path, density in found.items() if density.target is None} == {
        "patch_embed.proj_conv",
        "block.0.attn.q_linear",
        "block.0.attn.k_linear",
        "block.0.attn.v_linear",
        "block.0.mlp.fc1_linear",
        "head",
    }
    assert found["patch_embed.proj_conv3"].density == pytest.approx(0.131, abs=0.02)  # behind a max-pool
    assert found["block.0.attn.q_linear"].mean > found["block.0.attn.q_linear"].density  # integers
    assert outputs.shape == (4, 10)
    assert torch.equal(outputs[1:2], model(inputs[1:2]))
    model.block[0].mlp.fc1_bn.bias.data += 4.0
    again, _ = networks.measure(model, rows, inputs)
    assert [density.path for density in again if not density.met][0] == "block.0.mlp.fc2_linear"


def test_settled_weights_can_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "spikformer-4-384"
    entry = networks.NETWORKS[name]
    tiny = networks.Network(functools.partial(entry.build, **SMALL[name]), sew=True, settled_on=4)
    monkeypatch.setitem(networks.NETWORKS, name, tiny)
    networks.prepare(name, tmp_path)
    model = networks.load(name, tmp_path / "settled.safetensors")
    inputs, outputs = (torch.from_numpy(np.load(tmp_path / f"{what}.npy")) for what in ("inputs", "outputs"))
    assert len(inputs) == networks.INPUTS
    with torch.no_grad():
        assert torch.equal(model(inputs[3:4]), outputs[3:4])
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert all(row["met"] in (True, False) for row in facts["densities"])
    first, second = facts["products"][:2]
    assert first["input"] == [1, 3, 32, 32] and second["input"] == [4, 12, 32, 32]
    assert first["macs"] == 32 * 32 * 12 * 27 and second["macs"] == 4 * 32 * 32 * 24 * 12 * 9
    assert facts["gmac"] == pytest.approx(sum(product["macs"] for product in facts["products"]) / 1e9)


def test_inputs_differ_and_are_on_the_grid() -> None:
    images = networks.images(small("spikingformer-8-512"))
    assert images.shape == (16, 3, 64, 64)
    assert torch.equal(images * 16, (images * 16).round()) and images.min() >= 0.0 and images.max() < 1.0
    assert len({image.numpy().tobytes() for image in images}) == 16
    across = (images[..., 1:] - images[..., :-1]).abs().mean()
    assert across < 0.8 * (images[..., 32:] - images[..., :-32]).abs().mean()  # neighbours are alike


@pytest.mark.parametrize("name", SMALL)
def test_folded_networks_give_the_same_bits(name: str) -> None:
    model = small(name)
    inputs = networks.images(model, 2)
    networks.dyadic.settle(model, (inputs,), output="rounded", until=networks.NETWORKS[name].until)
    folded = folding.fold(model, inputs[:1])
    kinds = {type(module) for module in folded.modules()}
    assert not kinds & {nn.BatchNorm1d, nn.BatchNorm2d, *rates.neuron_classes()}
    once = [path for path, module in folded.named_modules() if isinstance(module, folding.Once)]
    assert once == ["patch_embed.proj_conv"]
    images: list[int] = []
    folded.patch_embed.proj_conv.layer.register_forward_pre_hook(lambda _, x: images.append(len(x[0])))
    with torch.no_grad():
        assert torch.equal(folded(inputs), model(inputs))
    assert images == [2]
    flat = folding.flatten(folded)
    assert not [path for path, module in flat.named_modules() if isinstance(module, nn.Linear) and not path.endswith(".layer")]
    with torch.no_grad():
        assert torch.equal(flat(inputs), model(inputs))


def test_what_cannot_be_folded_is_refused() -> None:
    model = small("spikformer-4-384")
    model.block[0].mlp.fc1_lif = IFNode()
    with pytest.raises(ValueError, match="no unrolled form of IFNode"):
        folding.fold(model, networks.images(model, 1))
    alone = nn.Sequential(nn.ReLU(), nn.BatchNorm2d(3)).eval()
    with pytest.raises(ValueError, match="1: no convolution or linear layer in front of it"):
        folding.fold(alone, torch.ones(1, 3, 4, 4))


# ---------------------------------------------------------------------------------------------------------------------
# Lines
# ---------------------------------------------------------------------------------------------------------------------


def result(engine: str, ms: float, threads: int = 1, network: str = "spikformer-8-512", batch: int = 1, **more: Any) -> measuring.Result:
    entry = run.ENGINES[engine]
    made = measuring.Result(engine, entry.label, entry.fp32, network, batch, threads, **more)
    made.median, made.minimum, made.times = ms, 0.9 * ms, [ms]
    return made


def by_name(found: list[lines.Line]) -> dict[str, lines.Line]:
    return {line.name: line for line in found}


def test_speed_lines() -> None:
    results = [result("spk", 100.0), result("openvino", 201.0), result("openvino-int8", 104.0), result("onednn", 180.0)]
    results += [result("spk", 54.0, threads=2)]
    results += [result("spk", 100.0, network="sdt-8-512"), result("openvino", 320.0, network="sdt-8-512")]
    found = by_name(lines.speed(results, run.SEW))
    assert list(found) == [
        "spikformer-8-512, batch 1, 1 thread, OpenVINO fp32",
        "spikformer-8-512, batch 1, 1 thread, OpenVINO int8",
        "sdt-8-512, batch 1, 1 thread, OpenVINO fp32",
        "spikformer-8-512, 2 threads",
    ]
    assert found["spikformer-8-512, batch 1, 1 thread, OpenVINO fp32"].met
    assert not found["spikformer-8-512, batch 1, 1 thread, OpenVINO int8"].met
    assert found["sdt-8-512, batch 1, 1 thread, OpenVINO fp32"].target == 3.3
    assert not found["sdt-8-512, batch 1, 1 thread, OpenVINO fp32"].met
    assert found["spikformer-8-512, 2 threads"].value == pytest.approx(100 / 54) and found["spikformer-8-512, 2 threads"].met


def test_a_peer_far_below_onednn_voids_its_line() -> None:
    slow = [result("spk", 100.0), result("openvino", 400.0), result("openvino-bf16", 400.0), result("onednn", 330.0)]
    fp32, bf16 = lines.speed(slow, run.SEW)
    assert fp32.value == 4.0 and fp32.void == "OpenVINO fp32 at 82% of oneDNN's rate" and not fp32.met
    assert fp32.record()["pass"] is False and "void: " in fp32.record()["detail"]
    assert bf16.met and not bf16.void  # only fp32 is measured against fp32
    sound = [result("spk", 100.0), result("openvino", 400.0), result("onednn", 341.0)]
    assert lines.speed(sound, run.SEW)[0].met
    (_, verdict), *_ = [(row[0], row[3]) for row in report.line_rows([fp32.record()])[1:]]
    assert verdict == "void"


def test_summary_has_a_column_per_engine() -> None:
    found = [result("spk", 10.0), result("openvino", 29.0), result("onednn", 27.0), result("spk", 2000.0, batch=8)]
    found.append(result("onednn", 5000.0, batch=8))
    rows = report.summary_rows(found)
    assert rows[0] == ["network", "batch", "threads", "spk", "OpenVINO fp32", "oneDNN products"]
    assert rows[1][1:] == ["1", "1", "10.0", "29.0 (2.90)", "27.0 (2.70)"]
    assert rows[2][1:] == ["8", "1", "2000", "", "5000 (2.50)"]
    found[2].median = 20.0
    assert report.summary_rows(found)[1][4] == "29.0 (2.90†)"


def test_lines_of_programs() -> None:
    facts = {"weights_bytes": 100e6, "peak_bytes": 146e6, "seconds": {"import": 4.0, "compile": 5.0}, "first_answer": 340.0}
    memory, compilation, start = lines.program("net", facts, 200.0)
    assert (memory.target, memory.value, memory.met) == (pytest.approx(145.0), 146.0, False)
    assert (compilation.value, compilation.met) == (9.0, True)
    assert (start.value, start.met) == (140.0, True)
    assert not lines.program("net", facts, 180.0)[2].met
    steps, depth = lines.compilation("net", {(4, 4): 2.0, (4, 8): 4.0, (4, 16): 9.0, (16, 8): 4.9})
    assert (steps.value, steps.met) == (pytest.approx(1.225), False)
    assert (depth.value, depth.met) == (pytest.approx(1.25), True)


DOCUMENT = """# Benchmarks
| `elsewhere` | is no list |
## Lines that fall short
| line | profile |
|---|---|
| `known` | 80 % of the time in the third convolution |
| `without a profile` | |
## Next
| `later` | text |
"""


def test_only_lines_listed_with_their_profile_may_fall_short() -> None:
    assert lines.listed(DOCUMENT) == {"known"}
    records = [{"name": name, "pass": False} for name in ("elsewhere", "known", "without a profile", "later")]
    assert lines.unexplained([*records, {"name": "fine", "pass": True}], DOCUMENT) == ["elsewhere", "without a profile", "later"]


def test_faults() -> None:
    exact = result("openvino", 1.0, difference=9e-6)
    wrong = result("onnxruntime", 1.0, difference=2e-5)
    silent = result("eager", 1.0, difference=float("nan"))
    rough = result("openvino-int8", 1.0, difference=0.5)
    unmet = {"net": [{"path": "a.b", "density": 0.2, "target": 0.1, "met": False}, {"path": "c", "met": True}]}
    found = lines.faults([exact, wrong, silent, rough], unmet)
    assert [re.sub(r"^[^:]*: ", "", fault) for fault in found] == [
        "ONNX Runtime differs by 2.0e-05 of the largest output",
        "PyTorch eager differs by nan of the largest output",
        "a.b has a density of 20.0%, the table says 10.0%",
    ]


# ---------------------------------------------------------------------------------------------------------------------
# The run
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def faked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """`run.execute` with nothing behind it but these numbers."""
    numbers: dict[str, Any] = {"spk": 10.0, "openvino": 30.0, "difference": 0.0, "met": True, "document": ""}
    site = stages.Site("spikformer-4-384", tmp_path, tmp_path)
    facts = {"densities": [{"path": "head", "density": 0.1, "mean": 0.1, "target": 0.1, "met": True}], "gmac": 3.7}

    def measured(*_: Any) -> list[measuring.Result]:
        facts["densities"][0]["met"] = numbers["met"]
        (tmp_path / "facts.json").write_text(json.dumps(facts))
        (tmp_path / "docs").mkdir(exist_ok=True)
        (tmp_path / "docs" / "benchmarks.md").write_text(numbers["document"])
        common = {"network": site.name}
        return [
            result("spk", numbers["spk"], **common),
            result("openvino", numbers["openvino"], difference=numbers["difference"], **common),
            result("onednn", 28.0, **common),
        ]

    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "peers_python", lambda _: Path(sys.executable))
    monkeypatch.setattr(run, "sites", lambda *_: [site])
    monkeypatch.setattr(run, "prepare", lambda *_: None)
    monkeypatch.setattr(run, "compile_network", lambda *_: {"seconds": {"import": 1.0, "compile": 1.0}})
    monkeypatch.setattr(run, "start_program", lambda *_: {"first_answer": 50.0, "peak_bytes": 70e6})
    monkeypatch.setattr(run, "measure_network", measured)
    return numbers


def execute(tmp_path: Path, *more: str) -> tuple[int, dict[str, Any]]:
    options = run.parse(["--models=spikformer-4-384", "--no-kernels", f"--folder={tmp_path}", f"--json={tmp_path / 'r.json'}", *more])
    code = run.execute(options)
    return code, json.loads((tmp_path / "r.json").read_text())


def test_check_fails_on_a_line_that_falls_short(faked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, record = execute(tmp_path, "--check", f"--markdown={tmp_path / 't.md'}")
    assert code == 0 and record["lines"][0]["pass"] and record["faults"] == []
    assert "| spikformer-4-384, batch 1, 1 thread, OpenVINO fp32 | 3.00× | ≥ 2.00× | met |" in (tmp_path / "t.md").read_text()
    faked["spk"] = 16.0
    assert execute(tmp_path)[0] == 0
    assert execute(tmp_path, "--check")[0] == 1
    assert "does not list it: spikformer-4-384, batch 1, 1 thread, OpenVINO fp32" in capsys.readouterr().err
    faked["document"] = f"{lines.SHORTFALLS}\n| `spikformer-4-384, batch 1, 1 thread, OpenVINO fp32` | streams |\n"
    assert execute(tmp_path, "--check")[0] == 0


def test_other_answers_or_densities_fail_the_run(faked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faked["difference"] = 1e-3
    code, record = execute(tmp_path)
    assert code == 3 and record["faults"]
    assert "error: spikformer-4-384, batch 1, 1 thread: OpenVINO fp32 differs by 1.0e-03" in capsys.readouterr().err
    faked["difference"], faked["met"] = 0.0, False
    assert execute(tmp_path)[0] == 3


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--models=vgg", "no model vgg: there are spikformer-4-384"),
        ("--peers=tvm", "no peer tvm: there are openvino"),
        ("--threads=0", "--threads must be positive numbers, got 0"),
        ("--batch=x", "--batch must be positive numbers, got x"),
        ("--threads=4096", "4096 threads need as many processors"),
    ],
)
def test_bad_options_are_refused(option: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run.parse([option, f"--folder={tmp_path}"])
    assert caught.value.code == 2 and message in capsys.readouterr().err


def test_what_is_made_follows_from_the_options(tmp_path: Path) -> None:
    quick = run.parse(["--quick", f"--folder={tmp_path}"])
    assert run.kinds_of("sdt-8-512", quick) == ["onnx:1", "int8:1"]
    assert run.kinds_of("spikformer-8-512", quick) == ["onnx:1", "onnx:8", "int8:1"]
    full = run.parse([f"--folder={tmp_path}"])
    assert run.kinds_of("sdt-8-512", full) == ["onnx:1", "onnx:8", "int8:1", "aoti:1"]
    assert run.parse(["--peers=none", f"--folder={tmp_path}"]).peers == []


def test_quick_leaves_out_bf16_where_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for known, peers in ({"avx2"}, ["openvino", "openvino-int8"]), ({"avx512_bf16"}, list(run.QUICK_PEERS)):
        monkeypatch.setattr(run, "flags", lambda known=known: frozenset(known))
        assert run.parse(["--quick", f"--folder={tmp_path}"]).peers == peers
        assert "openvino-bf16" in run.parse([f"--folder={tmp_path}"]).peers


def test_width_of_vectors() -> None:
    assert [machine.vector_bytes(frozenset(known)) for known in ({"avx2", "avx512f"}, {"avx", "avx2"}, {"asimd"})] == [64, 32, 16]


def test_answers_are_compared_by_batch(tmp_path: Path) -> None:
    expected = np.arange(16 * 3, dtype=np.float32).reshape(16, 3)
    np.savez(tmp_path / "a.npz", **{"14": expected[[14, 15, 0]]})
    assert measuring.difference(tmp_path / "a.npz", expected, 3) == 0.0
    np.savez(tmp_path / "a.npz", **{"14": expected[[14, 15, 1]]})
    assert measuring.difference(tmp_path / "a.npz", expected, 3) == pytest.approx(3 / 47)


def test_disturbed_calls_of_several_threads_are_left_out() -> None:
    times = [(1.0, False)] * 4 + [(9.0, True)] * 4
    assert measuring.usable(times, 2) == [1.0] * 4
    assert measuring.usable(times, 1) == [1.0] * 4 + [9.0] * 4
    assert measuring.usable(times[3:], 2) == [1.0] + [9.0] * 4


def test_requirements_are_pinned() -> None:
    entries = [line for line in stages.REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+==[0-9.]+", entry) for entry in entries), entries
    ours = (ROOT / "requirements.txt").read_text().splitlines()
    assert [entry for entry in entries if entry.startswith("torch==")] == [entry for entry in ours if entry.startswith("torch==")]


def test_what_an_older_version_made_is_removed(tmp_path: Path) -> None:
    for name in ("a-8-512-0/peers-0", "a-8-512-1/peers-0", "a-8-512-1/peers-1", "b-8-512-0/peers-0"):
        (tmp_path / name).mkdir(parents=True)
    site = stages.Site("a-8-512", tmp_path / "a-8-512-1", tmp_path / "a-8-512-1" / "peers-1")
    for made in ("facts.json", "densities.json"):
        (site.folder / made).write_text("{}")
    stages.prepare([site], lambda: None, {"a-8-512": []}, tmp_path)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*")) == [
        "a-8-512-1/densities.json",
        "a-8-512-1/facts.json",
        "a-8-512-1/peers-1",
        "b-8-512-0/peers-0",
    ]
