"""What the importer emits."""

from __future__ import annotations

import importlib
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import forms
import pytest
import torch
from safetensors.torch import load_file
from spikformer.spikformer import spikformer_cifar, spikformer_imagenet
from torch import nn

import spk
from spk.errors import ToolError
from spk.importer import import_model, translate
from spk.importer.capture import capture, reference
from spk.neuron import LIFNode

FIXTURES = ("sj_attention", "tutorial_en", "tutorial_en_improved", "tutorial_zh")


def cifar() -> nn.Module:
    return spikformer_cifar(dim=48, depth=2, heads=2, T=3, img=(16, 24))


def imagenet() -> nn.Module:
    return spikformer_imagenet(dim=48, depth=2, heads=2, T=3, img=(32, 48))


def counts(result) -> Counter:
    return Counter(op.name for op in result.context.builder.ops)


def ops(result, name: str) -> list:
    return [op for op in result.context.builder.ops if op.name == name]


def test_cifar_graph() -> None:
    model = cifar()
    result = translate(model, model.example(batch=2))
    assert counts(result) == {
        "spk.repeat": 1,
        "spk.conv": 5,
        "spk.batch_norm": 5 + 2 * 6,
        "spk.lif": 5 + 2 * 7,
        "spk.max_pool": 2,
        "spk.add": 1 + 2 * 2,
        "spk.linear": 2 * 6 + 1,
        "spk.ssa": 2,
        "spk.mean": 2,
        "tensor.collapse_shape": 2,
        "tensor.empty": 1,
        "linalg.transpose": 1,
    }
    (core, _) = ops(result, "spk.ssa")
    assert core.path == "block.0.attn"
    assert core.attributes == {
        "num_heads": "2 : i64",
        "scale": "1.25e-01 : f32",
        "source_order": "#spk.association<qk_first>",
        "scale_after": "#spk.scale_after<first>",
        "token_layout": "#spk.token_layout<token_first>",
    }
    assert [op.path for op in ops(result, "spk.lif")][5:9] == [f"block.0.attn.{n}_lif" for n in ("q", "k", "v", "attn")]
    assert ops(result, "spk.lif")[8].attributes["v_threshold"] == "5.0e-01 : f32"
    assert [(a.static, a.value.shape) for a in (*result.inputs, *result.outputs)] == [(True, (1, 2, 3, 16, 24)), (True, (1, 2, 10))]
    assert not result.warnings


def test_imagenet_graph() -> None:
    model = imagenet()
    result = translate(model, model.example())
    assert counts(result)["spk.max_pool"] == 4
    assert counts(result)["linalg.transpose"] == 0
    (core, _) = ops(result, "spk.ssa")
    assert core.attributes["source_order"] == "#spk.association<kv_first>"
    assert core.attributes["scale_after"] == "#spk.scale_after<second>"
    assert core.attributes["token_layout"] == "#spk.token_layout<token_last>"
    linear = ops(result, "spk.linear")
    assert [op.attributes["layout"] for op in linear[:-1]] == ["#spk.layout<channels_first>"] * 12
    assert linear[-1].attributes["layout"] == "#spk.layout<channels_last>"


def test_ranges_of_integer_streams() -> None:
    """Block i sees values up to 2 + 2i; the type grows when they no longer fit."""
    model = cifar()
    joins = ops(translate(model, model.example()), "spk.add")
    assert [op.results[0].maximum for op in joins] == [2, 3, 4, 5, 6]
    assert {op.results[0].dtype for op in joins} == {"i8"}

    class Doubling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lif = LIFNode()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.lif(x)
            for _ in range(8):
                y = y + y
            return y

    joins = ops(translate(Doubling(), torch.rand(2, 1, 3)), "spk.add")
    assert [op.results[0].maximum for op in joins] == [2**i for i in range(1, 9)]
    assert [op.results[0].dtype for op in joins] == ["i8"] * 6 + ["i16"] * 2


@pytest.mark.parametrize("name", FIXTURES)
def test_fixture(name: str) -> None:
    fixture = importlib.import_module(name)
    result = translate(fixture.build(), fixture.example())
    (core,) = ops(result, "spk.ssa")
    improved = name in ("sj_attention", "tutorial_en_improved")
    assert core.attributes["token_layout"].endswith("token_last>" if improved else "token_first>")
    assert core.attributes["source_order"].endswith("kv_first>" if improved else "qk_first>")
    threshold = next(op for op in ops(result, "spk.lif") if op.path.endswith("attn_lif")).attributes["v_threshold"]
    assert threshold == ("5.0e-01 : f32" if name == "sj_attention" else "1.0e+00 : f32")
    assert counts(result)["tensor.extract_slice"] == (3 if improved else 0)
    steps = {op.results[0].shape[0] for op in ops(result, "spk.lif")}
    assert steps == ({1} if name == "tutorial_zh" else {4})
    assert len(result.warnings) == (8 if name == "tutorial_zh" else 0)
    assert result.inputs[0].static == (name != "tutorial_en_improved")


EXPECTED = {
    "q_scaled": ("qk_first", "first", "2.5e-01"),
    "kv_first": ("kv_first", "first", "1.25e-01"),
    "bmm": ("qk_first", "first", "1.25e-01"),
    "token_last_qk": ("qk_first", "second", "1.25e-01"),
    "token_last_kv": ("kv_first", "second", "1.25e-01"),
    "odd_scale": ("qk_first", "first", "3.0e-01"),
    "transposed_map": ("qk_first", "second", "1.25e-01"),
    "one_head": ("qk_first", "first", "1.25e-01"),
}


@pytest.mark.parametrize("form", forms.ATTENTION)
def test_attention_forms(form: str) -> None:
    result = translate(forms.Attention(form), forms.grid(3, 2, 7, 24))
    (core,) = ops(result, "spk.ssa")
    order, after, scale = EXPECTED[form]
    assert core.attributes["source_order"] == f"#spk.association<{order}>"
    assert core.attributes["scale_after"] == f"#spk.scale_after<{after}>"
    assert core.attributes["scale"] == f"{scale} : f32"
    assert core.attributes["num_heads"] == ("1 : i64" if form == "one_head" else "3 : i64")
    assert counts(result)["linalg.transpose"] == 0


def test_operands_of_attention_are_in_their_places() -> None:
    for form in ("kv_first", "token_last_kv", "transposed_map"):
        result = translate(forms.Attention(form), forms.grid(3, 2, 7, 24))
        (core,) = ops(result, "spk.ssa")
        made_by = {op.results[0].name: op.path for op in ops(result, "spk.lif")}
        operands = re.findall(r"%\d+", core.form)
        assert [made_by[o] for o in operands] == ["q_lif", "k_lif", "v_lif"], form


class SpikeDriven(nn.Module):
    """Spike-driven attention on `[T, B, N, C]`, written with heads or without, the mask in front or behind."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form
        for name in ("q", "k", "v", "kv"):
            self.add_module(name, LIFNode(v_threshold=0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        t, b, n, c = x.shape
        q, k, v = self.q(x), self.k(x * 0.5), self.v(x * 0.75)
        if self.form == "heads":
            q, k, v = (y.reshape(t, b, n, 3, c // 3).permute(0, 1, 3, 2, 4) for y in (q, k, v))
            y = q * self.kv((k * v).sum(-2, keepdim=True))
            return y.transpose(2, 3).reshape(x.shape)
        if self.form == "token_last":
            q, k, v = (y.transpose(2, 3) for y in (q, k, v))
            return (self.kv((k * v).sum(-1)).unsqueeze(-1) * q).transpose(2, 3)
        if self.form == "mask_of_queries":  # as token attention does: one number for each token
            return self.kv(q.sum(3, keepdim=True)) * k * v
        return self.kv(k.mul(v).sum(dim=2, keepdim=True)).mul(q)


@pytest.mark.parametrize("form", ["plain", "heads", "token_last"])
def test_spike_driven_attention_forms(form: str) -> None:
    result = translate(SpikeDriven(form), forms.grid(3, 2, 7, 24))
    (both,), (count,), (gate,) = (ops(result, name) for name in ("arith.andi", "spk.count", "spk.gate"))
    made_by = {op.results[0].name: op.path for op in ops(result, "spk.lif")}
    assert {made_by[o] for o in re.findall(r"%\d+", both.form)} == {"k", "v"}
    assert re.findall(r"%\d+", count.form) == [both.results[0].name]
    assert count.attributes["axes"] == "array<i64: 2>"
    assert [made_by[o] for o in re.findall(r"%\d+", gate.form)] == ["q", "kv"]
    assert counts(result)["linalg.transpose"] == 0
    assert gate.results[0].shape == (3, 2, 7, 24)


class TokenAttention(nn.Module):
    """Token attention on `[T, B, C, N]` or, token first, `[T, B, N, C]`; three heads."""

    def __init__(self, token_first: bool) -> None:
        super().__init__()
        self.token_first = token_first
        for name in ("q", "k", "mask"):
            self.add_module(name, LIFNode(v_threshold=0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        axis = 3 if self.token_first else 2
        q, k = (y.unflatten(axis, (3, -1)) for y in (self.q(x), self.k(x * 0.5)))
        return (k * self.mask(q.sum(axis + 1, keepdim=True))).flatten(axis, axis + 1)


@pytest.mark.parametrize(("token_first", "axis", "mask"), [(False, 2, (3, 2, 3, 24)), (True, 3, (3, 2, 7, 3))])
def test_token_attention(token_first: bool, axis: int, mask: tuple[int, ...]) -> None:
    shape = (3, 2, 7, 24) if token_first else (3, 2, 24, 24)
    result = translate(TokenAttention(token_first), forms.grid(*shape))
    (count,), (gate,) = ops(result, "spk.count"), ops(result, "spk.gate")
    assert count.attributes == {"axes": f"array<i64: {axis}>", "groups": "3 : i64"}
    assert count.results[0].shape == mask
    made_by = {op.results[0].name: op.path for op in ops(result, "spk.lif")}
    assert [made_by[o] for o in re.findall(r"%\d+", gate.form)] == ["k", "mask"]
    assert "linalg.transpose" not in counts(result)
    assert "tensor.expand_shape" not in counts(result)


class Join(nn.Module):
    """Spikes beside one minus spikes, and numbers minus floats."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = LIFNode(v_threshold=0.5), LIFNode()

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        a, b = self.a(x), self.b(x)
        return a * (1.0 - b), (1.0 - b) * x, 2.0 - x


def test_one_minus_spikes_is_a_logical_not() -> None:
    result = translate(Join(), forms.grid(3, 2, 7, 24))
    (inverted,), (join,) = ops(result, "arith.xori"), ops(result, "arith.andi")
    made_by = {op.results[0].name: op.path for op in ops(result, "spk.lif")}
    assert made_by[re.findall(r"%\d+", inverted.form)[0]] == "b"
    assert made_by[re.findall(r"%\d+", join.form)[0]] == "a"
    # Elsewhere it is a float, the number in front.
    constants = {op.results[0].name: op.form for op in ops(result, "arith.constant")}
    for op, number in zip(ops(result, "arith.subf"), ("1.0", "2.0"), strict=True):
        assert number in constants[re.findall(r"%\d+", op.form)[0]]


def test_in_place_repeat_and_join() -> None:
    """As SEW ResNet writes them."""

    class InPlace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.a, self.b = nn.Conv2d(3, 4, 3), LIFNode(), LIFNode(v_threshold=0.5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.conv(x)
            x.unsqueeze_(0)
            x = x.repeat(4, 1, 1, 1, 1)
            out = self.b(x)
            out *= self.a(x)
            return out

    result = translate(InPlace(), torch.rand(2, 3, 6, 6))
    assert counts(result) == {"spk.conv": 1, "spk.repeat": 1, "spk.lif": 2, "arith.andi": 1, "arith.uitofp": 1}


def test_factors_of_channels_have_no_batch() -> None:
    result = translate(forms.LayerScale(), forms.grid(3, 2, 5, 6))
    layers = ops(result, "spk.scale_shift")
    assert [op.attributes["layout"] for op in layers] == [f"#spk.layout<channels_{where}>" for where in ("last", "last", "first")]
    assert all(op.form.endswith("tensor<6xf32>, tensor<6xf32>) -> " + op.results[0].type) for op in layers)
    zeros = result.context.constants["constant:zeros:6"]
    assert torch.equal(zeros, torch.zeros(6)) and torch.signbit(zeros).all()  # adding -0 changes nothing
    assert "arith.mulf" not in counts(result)


def test_mask_of_one_channel() -> None:
    result = translate(SpikeDriven("mask_of_queries"), forms.grid(3, 2, 7, 24))
    (count,), (gate,) = ops(result, "spk.count"), ops(result, "spk.gate")
    assert count.attributes["axes"] == "array<i64: 3>"
    assert gate.form.endswith("(tensor<3x2x7x24xi1>, tensor<3x2x7x1xi1>) -> tensor<3x2x7x24xi1>")


def test_loop_over_time_threads_the_state() -> None:
    result = translate(forms.PerStep(images=False), forms.grid(4, 2, 2, 6, 6))
    nodes = [op for op in ops(result, "spk.lif") if op.path.split("#")[0] == "lif"]
    assert [op.path for op in nodes] == ["lif", "lif#1", "lif#2", "lif#3"]
    assert [len(op.results) for op in nodes] == [2, 2, 2, 1]
    assert "initial(" not in nodes[0].form
    assert all(f"initial({a.results[1].name} :" in b.form for a, b in zip(nodes, nodes[1:], strict=False))
    assert counts(result)["tensor.concat"] == 1


def test_inputs_and_outputs() -> None:
    result = translate(forms.Membrane(), forms.grid(2, 3, 6, 6))
    assert [(a.name, a.static) for a in result.outputs] == [("logits", False), ("spikes", False)]
    result = translate(forms.Twice(), forms.grid(4, 2, 3, 6))
    assert [a.name for a in result.outputs] == ["output"]
    assert "is dropped" in str(result.warnings[0])
    result = translate(forms.Events(), forms.grid(2, 5, 2, 6, 6))
    assert result.inputs[0].value.shape == (1, 2, 5, 2, 6, 6)
    assert result.inputs[0].static


def test_grey_images_are_no_sequences() -> None:
    class Grey(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.lif = nn.Conv2d(1, 4, 3), LIFNode()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.lif(self.conv(x).unsqueeze(0)).flatten(3).mean(-1).mean(0)

    for batch in (1, 3):
        result = translate(Grey(), torch.rand(batch, 1, 8, 8))
        assert result.inputs[0].static
        assert result.inputs[0].value.shape == (1, batch, 1, 8, 8)
        assert result.outputs[0].value.shape == (1, batch, 4)


def test_files(tmp_path: Path) -> None:
    model = imagenet()
    imported = import_model(model, model.example(), tmp_path / "net.mlir")
    text = imported.mlir.read_text()
    assert 'spk.weights = "net.safetensors"' in text
    weights = load_file(imported.weights)
    state = model.state_dict()
    assert set(weights) == {k for k in state if "num_batches_tracked" not in k}
    for key, tensor in weights.items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor.reshape(state[key].shape), state[key])
        shape = "x".join(map(str, tensor.shape))
        assert f'@"{key}"(#ml_program.extern : tensor<{shape}xf32>) : tensor<{shape}xf32>' in text
    assert weights["block.0.attn.q_conv.weight"].shape == (48, 48)
    again = import_model(model, model.example(), tmp_path / "again")
    assert again.mlir.read_text().replace("again.", "net.") == text
    assert again.weights.read_bytes() == imported.weights.read_bytes()


def test_model_is_left_alone() -> None:
    fixture = importlib.import_module("tutorial_en")
    model = fixture.build().train()
    (x,) = fixture.example()
    model(x)
    before = {n: m._memories["v"] for n, m in model.named_modules() if hasattr(m, "_memories")}
    translate(model, (x,))
    assert all(m.training for m in model.modules())
    assert not any("forward" in vars(m) for m in model.modules())
    for name, value in before.items():
        assert model.get_submodule(name)._memories["v"] is value


@pytest.mark.parametrize("name", FIXTURES)
def test_captured_program_computes_what_the_model_computes(name: str) -> None:
    from spk.comparison import trace

    fixture = importlib.import_module(name)
    model, inputs = fixture.build(), fixture.example()
    captured = capture(model, inputs)
    assert torch.equal(reference(captured, inputs), trace(model, inputs)[0])


def test_dead_modules_and_affine_free_batch_norm() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.LayerNorm(7)
            self.fc = nn.Linear(6, 6)
            self.bn = nn.BatchNorm1d(6, affine=False)
            self.lif = LIFNode()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.lif(self.bn(self.fc(x.flatten(0, 1))).unflatten(0, x.shape[:2]))

    result = translate(Model(), torch.rand(3, 2, 6))
    weights = result.weights()
    assert set(weights) == {"fc.weight", "fc.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"}
    assert torch.equal(weights["bn.weight"], torch.ones(6))


ALL = [*forms.cases(), ("cifar", cifar, None), ("imagenet", imagenet, None), *((n, None, None) for n in FIXTURES)]


@pytest.mark.parametrize(("name", "build", "inputs"), ALL, ids=[case[0] for case in ALL])
def test_parses(name: str, build: Callable | None, inputs: tuple | None, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    tool = need_tool("spk-opt")
    if build is None:
        fixture = importlib.import_module(name)
        build, inputs = fixture.build, fixture.example()
    model = build()
    imported = import_model(model, inputs or model.example(), tmp_path / name)
    done = subprocess.run([tool, str(imported.mlir)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "spk." in done.stdout


def test_weights_that_training_lost(need_tool: Callable[[str], str]) -> None:
    """The compiler refuses them and names them; NaN, which differs from itself, must not keep the importer from ending."""
    need_tool("spk-compile")
    model = nn.Sequential(nn.Linear(8, 4), LIFNode())
    with torch.no_grad():
        model[0].bias[1] = float("nan")
    with pytest.raises(ToolError, match=r"tensor '0.bias' must be finite, element 1 is NaN"):
        spk.compile(model, torch.rand(3, 2, 8))
