"""`spk.dyadic`: models on the grid are exact and alive, and the proof fails on those that are not."""

from __future__ import annotations

import copy
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from spikingjelly.activation_based import neuron as sj
from torch import Tensor, nn

from spk import dyadic
from spk.neuron import IFNode, LIFNode

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "examples"))

from spikformer.spikformer import spikformer_cifar, spikformer_imagenet
from zoo.spikingformer import spikingformer_imagenet

Case = tuple[nn.Module, tuple[Tensor, ...]]


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fixture_case(name: str) -> Case:
    module = load(HERE / "fixtures" / f"{name}.py")
    return module.build(), module.example()


def tiny_case(make: Callable[..., nn.Module], node: type[nn.Module], img: int | tuple[int, int], batch: int) -> Case:
    torch.manual_seed(0)
    model = make(dim=48, depth=1, heads=2, img=img, neuron=node)
    return model, model.example(batch)


# name: (how to make the model and its example, whether even the output is exact)
CASES: dict[str, tuple[Callable[[], Case], bool]] = {
    "tutorial_zh": (lambda: fixture_case("tutorial_zh"), False),  # a mean over 49 tokens
    "tutorial_en": (lambda: fixture_case("tutorial_en"), True),
    "tutorial_en_improved": (lambda: fixture_case("tutorial_en_improved"), False),
    "sj_attention": (lambda: fixture_case("sj_attention"), True),
    "cifar": (lambda: tiny_case(spikformer_cifar, LIFNode, 16, 1), True),
    "cifar_sj": (lambda: tiny_case(spikformer_cifar, sj.LIFNode, 16, 2), True),
    "cifar_oblong": (lambda: tiny_case(spikformer_cifar, LIFNode, (16, 24), 2), False),  # 24 tokens
    "imagenet": (lambda: tiny_case(spikformer_imagenet, LIFNode, 64, 1), True),
    "imagenet_sj": (lambda: tiny_case(spikformer_imagenet, sj.LIFNode, 64, 1), True),
    "imagenet_one_token": (lambda: tiny_case(spikformer_imagenet, LIFNode, 16, 3), True),
    "imagenet_oblong": (lambda: tiny_case(spikformer_imagenet, LIFNode, (32, 48), 2), False),  # 6 tokens
}


def settled(name: str) -> tuple[nn.Module, tuple[Tensor, ...], dyadic.Report]:
    make, exact = CASES[name]
    model, example = make()
    other = tuple(x.flip(-1) for x in example)
    report = dyadic.settle(model, example, output="exact" if exact else "rounded", other=other)
    return model, example, report


def reset(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, sj.BaseNode):
            module.reset()


def spikes_and_output(model: nn.Module, example: tuple[Tensor, ...]) -> tuple[list[tuple[str, Tensor]], Tensor]:
    """What every neuron fires, in order of execution, and the output: written apart from the code under test."""
    fired: list[tuple[str, Tensor]] = []

    def watch(path: str) -> Callable[..., None]:
        return lambda _module, _inputs, output: fired.append((path, output.clone()))

    neurons = (LIFNode, IFNode, sj.LIFNode, sj.IFNode)
    named = [(path, module) for path, module in model.named_modules() if type(module) in neurons]
    handles = [module.register_forward_hook(watch(path)) for path, module in named]
    reset(model)
    with torch.no_grad():
        output = model(*example)
    reset(model)
    for handle in handles:
        handle.remove()
    return fired, output


@pytest.mark.parametrize("name", CASES)
def test_settled_models_are_exact_and_alive(name: str) -> None:
    model, example, report = settled(name)
    single, single_out = spikes_and_output(model, example)
    double, double_out = spikes_and_output(copy.deepcopy(model).double(), tuple(x.double() for x in example))
    assert [path for path, _ in single] == [path for path, _ in double] == list(report.rates)
    assert len(single) >= 4
    for (path, narrow), (_, wide) in zip(single, double, strict=True):
        assert narrow.dtype == torch.float32 and wide.dtype == torch.float64
        assert torch.equal(narrow.double(), wide), path
        rate = narrow.mean(dtype=torch.float64).item()
        assert 0.02 <= rate <= 0.60, path
        assert report.rates[path] == pytest.approx(rate)
    assert (report.rounded_from is None) == CASES[name][1]
    assert torch.equal(single_out.double(), double_out) == CASES[name][1]
    assert dyadic.neuron_rates(model, example) == pytest.approx(report.rates)


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
@pytest.mark.parametrize("name", ["cifar", "imagenet", "tutorial_en"])
def test_no_order_of_summation_matters(name: str) -> None:
    """Permuted input channels and PyTorch's plain kernels add in other orders."""
    model, example, _ = settled(name)
    fired, output = spikes_and_output(model, example)
    with torch.backends.mkldnn.flags(enabled=False):
        again, other_output = spikes_and_output(model, example)
    assert torch.equal(output, other_output)
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(fired, again, strict=True))
    generator = torch.Generator().manual_seed(7)
    for module in model.modules():
        if not isinstance(module, nn.Linear | nn.Conv1d):
            continue
        channels = module.weight.shape[1]
        axis = 2 if isinstance(module, nn.Linear) else 1
        x = torch.randint(0, 4, (5, 9, channels) if axis == 2 else (5, channels, 9), generator=generator).float()
        order = torch.randperm(channels, generator=generator)
        permuted = copy.deepcopy(module)
        permuted.weight.data.copy_(module.weight[:, order])
        assert torch.equal(module(x), permuted(x.index_select(axis, order)))


def test_settling_is_reproducible() -> None:
    first, _, _ = settled("cifar")
    second, _, _ = settled("cifar")
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True))


@pytest.mark.parametrize(
    "key",
    [
        "patch_embed.proj_conv.weight",
        "patch_embed.proj_conv2.weight",
        "patch_embed.rpe_bn.bias",
        "patch_embed.proj_bn1.running_mean",
        "patch_embed.proj_bn3.running_var",
        "block.0.attn.q_linear.weight",
        "block.0.attn.k_bn.weight",
        "block.0.attn.proj_linear.bias",
        "block.0.mlp.fc2_linear.weight",
        "head.weight",
        "head.bias",
    ],
)
def test_the_proof_names_the_layer_moved_off_the_grid(key: str) -> None:
    model, example, _ = settled("cifar")
    layer, _, name = key.rpartition(".")
    values = getattr(model.get_submodule(layer), name).data
    values += 0.001 * (1.0 + torch.arange(values.numel()).reshape(values.shape) / 7.0)
    with pytest.raises(dyadic.NotExact, match=rf"^{layer}: "):
        dyadic.verify(model, example)


def test_one_weight_too_fine_for_a_float32_sum_is_found() -> None:
    """On a dyadic grid, but so fine that some order of summation rounds: equal results on the example do not hide it."""
    model, example, _ = settled("cifar")
    layer = model.block[0].mlp.fc1_linear
    layer.weight.data[3] = 0.0
    layer.weight.data[3, 5] = 2.0**-30
    layer.bias.data[3] = 0.0
    with pytest.raises(dyadic.NotExact, match=r"^block\.0\.mlp\.fc1_linear: its sums are not exact in every order"):
        dyadic.verify(model, example)


class Products(nn.Module):
    """Two products of activations in front of a neuron, in a module of their own."""

    class Core(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return (x @ y.mT) @ y

    def __init__(self) -> None:
        super().__init__()
        self.core = Products.Core()
        self.lif = LIFNode()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.lif(self.core(x, y))


def test_a_product_of_activations_whose_order_matters_is_found() -> None:
    model = Products().eval()
    y = torch.eye(3).repeat(4, 2, 1, 1)
    x = y + 2.0
    report = dyadic.verify(model, (x, y), high=1.0)
    assert report.rounded_from is None
    # 2^26 - 2^26 + 1 is 1 in this order, and in float32 0 in others.
    x[0, 0, 0] = torch.tensor([2.0**13, -(2.0**13), 1.0])
    y[0, 0] = torch.tensor([[2.0**13, 2.0**13, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    with pytest.raises(dyadic.NotExact, match="^core, a matrix product: its sums are not exact in every order"):
        dyadic.verify(model, (x, y), high=1.0)
    x[0, 0, 0, 2] = 1.0 + 2.0**-20
    with pytest.raises(dyadic.NotExact, match="^core, a matrix product: its output differs between float32 and float64"):
        dyadic.verify(model, (x, y + 2.0**-10), high=1.0)


def test_silent_and_saturated_layers_are_named() -> None:
    model, example, _ = settled("cifar")
    model.block[0].attn.v_bn.bias.data -= 64.0
    model.block[0].mlp.fc1_bn.bias.data += 64.0
    with pytest.raises(dyadic.BadRates) as caught:
        dyadic.verify(model, example)
    silent, saturated = str(caught.value).split("; ")
    assert "block.0.attn.v_lif (0.00%)" in silent and "block.0.attn.attn_lif (0.00%)" in silent
    assert "block.0.mlp.fc1_lif (100.00%)" in saturated and "v_lif" not in saturated


def test_an_input_that_changes_nothing_is_refused() -> None:
    model, example, _ = settled("cifar")
    with pytest.raises(dyadic.BadRates, match="two inputs give the same output"):
        dyadic.verify(model, example, other=example)


def test_a_rounded_output_must_be_asked_for() -> None:
    model, example = CASES["cifar_oblong"][0]()
    with pytest.raises(dyadic.NotExact, match=r"^head: "):
        dyadic.settle(model, example)


@pytest.mark.parametrize("name", CASES)
def test_calibrated_models_keep_their_weights_and_are_alive(name: str) -> None:
    model, example = CASES[name][0]()
    before = {key: value.clone() for key, value in model.state_dict().items() if value.dim() > 1}
    report = dyadic.calibrate(model, example)
    assert not model.training
    assert dyadic.neuron_rates(model, example) == report.rates
    assert all(0.02 <= rate <= 0.60 for rate in report.rates.values())
    assert all(torch.equal(model.state_dict()[key], value) for key, value in before.items())
    with pytest.raises(dyadic.NotExact):
        dyadic.verify(model, example)


class Silent(nn.Module):
    """A neuron that nothing in front of it can make fire."""

    def __init__(self) -> None:
        super().__init__()
        self.lif = LIFNode()

    def forward(self, x: Tensor) -> Tensor:
        return self.lif(x * 0.0)


class Own(LIFNode):
    """A subclass with a forward pass of its own is not its base."""

    def forward(self, x_seq: Tensor) -> Tensor:
        return super().forward(x_seq * 2.0)


class Chosen(LIFNode):
    """A subclass that only chooses arguments is."""

    def __init__(self) -> None:
        super().__init__(tau=4.0)


def test_a_neuron_that_cannot_fire_is_named() -> None:
    with pytest.raises(dyadic.BadRates, match="lif fires in 0.00%"):
        dyadic.settle(Silent(), (torch.ones(4, 1, 8),))


def test_subclasses_with_a_forward_pass_of_their_own_are_not_counted() -> None:
    model = nn.Sequential(LIFNode(), Own(), sj.IFNode(step_mode="m"), Chosen()).eval()
    assert list(dyadic.neuron_rates(model, torch.full((4, 1, 8), 2.0))) == ["0", "2", "3"]


class Nothing(nn.Module):
    """Returns nothing."""

    def forward(self, x: Tensor) -> None:
        """Forget the input."""


def test_bad_requests_are_refused() -> None:
    model, example = CASES["cifar"][0]()
    with pytest.raises(ValueError, match="input 0 is not on a dyadic grid"):
        dyadic.settle(model, (example[0] / 3.0,))
    with pytest.raises(ValueError, match="output must be 'exact', 'rounded' or 'partial', got 'about'"):
        dyadic.verify(model.eval(), example, output="about")
    with pytest.raises(ValueError, match="must be in eval mode"):
        dyadic.verify(model.train(), example)
    model.patch_embed.rpe_bn = nn.BatchNorm2d(48, affine=False)
    with pytest.raises(ValueError, match=r"^patch_embed\.rpe_bn: a batch norm needs affine=True"):
        dyadic.settle(model, example)


POOL = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

# glob of the neurons: what is asked of them
ASKED: dict[str, float | tuple[float, nn.Module]] = {
    "patch_embed.proj_lif": (0.30, POOL),
    "patch_embed.proj_lif1": (0.20, POOL),
    "patch_embed.rpe_lif": 0.18,
    "*.q_lif": 0.20,
    "*.k_lif": 0.12,
    "*.v_lif": 0.14,
    "*.attn_lif": 0.08,
    "*.fc1_lif": 0.05,
}


def test_layers_fire_as_asked() -> None:
    torch.manual_seed(0)
    model = spikformer_imagenet(dim=64, depth=2, heads=2, img=64)
    example = model.example(4)
    report = dyadic.settle(model, example, output="rounded", rates=ASKED)
    fired = dict(spikes_and_output(model, example)[0])
    for path, asked in (("patch_embed.proj_lif", 0.30), ("patch_embed.proj_lif1", 0.20)):
        pooled = POOL(fired[path].flatten(0, 1))
        assert pooled.mean().item() == pytest.approx(asked, abs=0.02), path
    assert report.rates["patch_embed.rpe_lif"] == pytest.approx(0.18, abs=0.01)
    for i in range(2):
        for name, asked in (("q", 0.20), ("k", 0.12), ("v", 0.14)):
            assert report.rates[f"block.{i}.attn.{name}_lif"] == pytest.approx(asked, abs=0.02)
        assert report.rates[f"block.{i}.attn.attn_lif"] == pytest.approx(0.08, abs=0.01)
        assert report.rates[f"block.{i}.mlp.fc1_lif"] == pytest.approx(0.05, abs=0.01)


def test_layers_fire_as_asked_on_membrane_shortcuts() -> None:
    """The shift of a neuron moves the stream, too, and an attention module that runs again keeps what fed it."""
    torch.manual_seed(0)
    model = spikingformer_imagenet(dim=64, depth=2, heads=2, img=64)
    rates = {"*.attn.proj_lif": 0.18, "*.mlp1_lif": 0.27, "*.mlp2_lif": 0.05, "*.attn_lif": 0.30}
    report = dyadic.settle(model, model.example(4), output="rounded", rates=rates)
    assert report.passes > 1
    for i in range(2):
        for name, asked in rates.items():
            path = next(path for path in report.rates if path.startswith(f"block.{i}.") and path.endswith(name[1:]))
            assert report.rates[path] == pytest.approx(asked, abs=0.015), path


def test_rates_that_exclude_each_other_are_refused() -> None:
    torch.manual_seed(0)
    model = spikformer_imagenet(dim=48, depth=1, heads=2, img=32)
    rates = {"*.q_lif": 0.25, "*.k_lif": 0.25, "*.v_lif": 0.25, "*.attn_lif": 0.5}
    with pytest.raises(dyadic.BadRates, match=r"block\.0\.attn\.attn_lif fires in .* and nothing in front of it can change that"):
        dyadic.settle(model, model.example(), rates=rates)


def test_rounding_in_front_of_a_neuron_must_be_asked_for() -> None:
    """A neuron behind a mean over six tokens."""

    class Late(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(16, 16)
            self.bn = nn.BatchNorm1d(16)
            self.lif = LIFNode()
            self.late = LIFNode(v_threshold=0.125)

        def forward(self, x: Tensor) -> Tensor:
            y = self.bn(self.linear(x).flatten(0, 1).transpose(1, 2)).transpose(1, 2).unflatten(0, x.shape[:2])
            return self.late(self.lif(y).mean(2)).mean(0)

    torch.manual_seed(0)
    example = (torch.randint(0, 16, (4, 8, 6, 16)) / 16.0,)
    with pytest.raises(dyadic.NotExact, match="^late: "):
        dyadic.settle(Late(), example, output="rounded")
    report = dyadic.settle(Late(), example, output="rounded", until="late")
    assert report.rounded_from == "late"
    report = dyadic.settle(Late(), example, output="partial")
    assert (report.rounded_from, report.exact) == ("late", ["lif"])


def test_all_outputs_are_proved() -> None:
    class Two(nn.Module):
        def __init__(self, divisor: float) -> None:
            super().__init__()
            self.linear, self.bn, self.lif, self.divisor = nn.Linear(16, 16), nn.BatchNorm1d(16), LIFNode(), divisor

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            y = self.bn(self.linear(x).flatten(0, 1)).unflatten(0, x.shape[:2])
            spikes = self.lif(y)
            return {"spikes": spikes, "share": spikes.mean(0) / self.divisor}

    torch.manual_seed(0)
    example = (torch.randint(0, 16, (4, 32, 16)) / 16.0,)
    report = dyadic.settle(Two(2.0), example, output="exact", other=(example[0] * 0.5,))
    assert (report.rounded_from, report.exact) == (None, ["lif"])
    with pytest.raises(dyadic.NotExact, match="the output of the model differs"):
        dyadic.settle(Two(3.0), example, output="exact")
    with pytest.raises(dyadic.BadRates, match="two inputs give the same output"):
        dyadic.settle(Two(2.0), example, other=example)
    with pytest.raises(TypeError, match="must return tensors, got NoneType"):
        dyadic.verify(Nothing().eval(), example)
