"""SpikingJelly 2.0.0: its models, attention layers, containers, and loops over single steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import forms
import pytest
import torch
from agreement import agree, seeded
from torch import Tensor, nn

import spk
from spk.importer.api import translate
from spk.shims import stand_ins

pytest.importorskip("spikingjelly.activation_based", reason="SpikingJelly is not installed")
with stand_ins():  # its residual networks import torchvision, for pretrained weights alone
    from spikingjelly.activation_based import functional, layer, neuron, surrogate
    from spikingjelly.activation_based.model import (
        maxformer,
        ms_resnet,
        parametric_lif_net,
        qkformer,
        sew_resnet,
        spikformer,
        spiking_resnet,
        spiking_vgg,
    )
    from spikingjelly.activation_based.model import spike_driven_transformer as sdt

IMAGES = (forms.grid(2, 3, 32, 32),)
SEQUENCE = (forms.grid(3, 1, 3, 32, 32),)
PLANES = (forms.grid(3, 2, 3, 32, 16),)
EVENTS = (forms.grid(3, 2, 2, 8, 8) * 4,)
IF = {"spiking_neuron": neuron.IFNode, "surrogate_function": surrogate.ATan(), "detach_reset": True}


def multi_step(model: nn.Module) -> nn.Module:
    functional.set_step_mode(model, "m")
    return model


class Tokens(nn.Module):
    """One of the attention layers, on the tokens of an image."""

    def __init__(self, attention: Callable[[int], nn.Module], planes: bool = False) -> None:
        super().__init__()
        self.planes = planes
        self.conv, self.bn = layer.Conv2d(3, 24, 4, 4, bias=False), layer.BatchNorm2d(24)
        self.lif, self.attn, self.head = neuron.LIFNode(), attention(24), layer.Linear(24, 5)
        multi_step(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x))
        if self.planes:
            return self.head(self.lif(self.attn(x)).flatten(3).mean(-1)).mean(0)
        x = self.lif(x).flatten(3)
        return self.head((x + self.attn(x)).mean(-1)).mean(0)


def residual(block: type[nn.Module], connect: str, **options: Any) -> nn.Module:
    return multi_step(sew_resnet.SEWResNet(block, [1, 1, 1, 1], cnf=connect, num_classes=5, **options, **IF))


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...]]] = {
    "SpikingSelfAttention": (lambda: Tokens(lambda d: layer.SpikingSelfAttention(d, 3)), PLANES),
    "TokenQKAttention": (lambda: Tokens(lambda d: layer.TokenQKAttention(d, 3)), PLANES),
    "ChannelQKAttention": (lambda: Tokens(lambda d: layer.ChannelQKAttention(d, 3)), PLANES),
    "SpikeDrivenSelfAttention": (lambda: Tokens(lambda d: layer.SpikeDrivenSelfAttention(d, 3), True), PLANES),
    "spikformer_patch_4": (
        lambda: spikformer.Spikformer(
            T=4, img_size_h=16, img_size_w=16, patch_size=4, num_classes=10, embed_dims=32, num_heads=4, depths=1
        ),
        (forms.grid(2, 3, 16, 16),),
    ),
    "spikformer_patch_16": (
        lambda: spikformer.Spikformer(T=4, img_size_h=32, img_size_w=64, num_classes=10, embed_dims=32, num_heads=4, depths=1),
        (forms.grid(1, 3, 32, 64),),
    ),
    "qkformer_token": (
        lambda: qkformer.QKFormer(T=4, num_classes=5, embed_dims=32, num_heads=(1, 2, 2), depths=(1, 1, 1)),
        IMAGES,
    ),
    "qkformer_channel": (
        lambda: qkformer.QKFormer(T=4, num_classes=5, embed_dims=32, num_heads=(1, 2, 2), depths=(1, 1, 1), qka_type="channel"),
        IMAGES,
    ),
    "spike_driven_transformer": (
        lambda: sdt.SpikeDrivenTransformer(T=4, num_classes=5, embed_dims=32, num_heads=2, depths=1),
        (forms.grid(2, 3, 32, 64),),
    ),
    "spike_driven_transformer_pools": (
        lambda: sdt.SpikeDrivenTransformer(T=4, num_classes=5, embed_dims=32, num_heads=2, depths=1, mlp_ratio=1.0, pooling_stat="0011"),
        (forms.grid(2, 3, 16, 16),),
    ),
    "maxformer": (lambda: maxformer.MaxFormer(T=4, num_classes=5, embed_dims=64, depths=(1, 1, 1)), IMAGES),
    "maxformer_cifar": (
        lambda: maxformer.MaxFormer(T=4, num_classes=5, embed_dims=64, depths=(1, 1, 1), cifar=True),
        (forms.grid(2, 3, 16, 16),),
    ),
    "ms_resnet": (
        lambda: ms_resnet.MSResNet(T=2, num_classes=5, layers=(1, 1, 1), base_channels=8),
        (forms.grid(2, 3, 64, 64),),
    ),
    "max_resnet": (
        lambda: ms_resnet.MaxResNet(
            T=4, num_classes=5, layers=(1, 2, 1), stage_channels=(8, 16, 16), base_channels=8, stem_kernel_size=3, stem_stride=1
        ),
        (forms.grid(2, 3, 16, 16),),
    ),
    **{
        f"sew_resnet_{connect.lower()}": (lambda connect=connect: residual(sew_resnet.BasicBlock, connect), SEQUENCE)
        for connect in ("ADD", "AND", "IAND")
    },
    "sew_resnet_bottleneck": (lambda: residual(sew_resnet.Bottleneck, "ADD"), SEQUENCE),
    "sew_resnext": (lambda: residual(sew_resnet.Bottleneck, "ADD", groups=32, width_per_group=4), SEQUENCE),
    "sew_resnet_dilated": (
        lambda: residual(sew_resnet.Bottleneck, "ADD", replace_stride_with_dilation=[False, True, True]),
        SEQUENCE,
    ),
    "spiking_resnet": (
        lambda: multi_step(spiking_resnet.SpikingResNet(spiking_resnet.BasicBlock, [1, 1, 1, 1], num_classes=5, **IF)),
        SEQUENCE,
    ),
    "mnist_net": (lambda: multi_step(parametric_lif_net.MNISTNet(channels=8, **IF)), (forms.grid(3, 1, 1, 28, 28) * 2,)),
}


@pytest.mark.parametrize("name", MODELS)
def test_models(name: str, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    build, inputs = MODELS[name]
    until = "layer3.0.downsample.0" if name == "ms_resnet" else None  # the third convolution of floats in a row
    assert agree(seeded(build), inputs, tmp_path, layers=4, until=until) == ""


# Single steps -------------------------------------------------------------------------


def network() -> nn.Sequential:
    """Single-step layers, as SpikingJelly builds them unless told otherwise."""
    return nn.Sequential(
        layer.Conv2d(2, 8, 3, padding=1, bias=False),
        layer.BatchNorm2d(8),
        neuron.LIFNode(),
        layer.MaxPool2d(2),
        layer.Conv2d(8, 8, 3, padding=1, bias=False),
        layer.BatchNorm2d(8),
        neuron.IFNode(),
        layer.AdaptiveAvgPool2d(1),
        layer.Flatten(),
        layer.Dropout(0.5),
        layer.Linear(8, 4),
    )


class Loop(nn.Module):
    """A network called once for each time step, its results joined in one of the usual ways."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form, self.net = form, network()

    def forward(self, x: Tensor) -> Tensor:
        if self.form == "image":  # the same input at every step
            total = 0.0
            for _ in range(4):
                total = total + self.net(x)
            return total / 4
        if self.form == "in_place":
            functional.reset_net(self.net)
            total = self.net(x[0])
            for t in range(1, x.shape[0]):
                total += self.net(x[t])
            return total
        if self.form == "cat":
            return torch.cat([self.net(step).unsqueeze(0) for step in x]).mean(0)
        if self.form == "function":
            return functional.multi_step_forward(x, self.net)
        raise ValueError(self.form)


class Contained(nn.Module):
    """Containers of single-step layers on a sequence."""

    def __init__(self, outer: Callable[..., nn.Module]) -> None:
        super().__init__()
        conv = layer.Conv2d(2, 8, 3, padding=1, bias=False)
        self.net = outer(conv, layer.BatchNorm2d(8), neuron.LIFNode(), layer.MaxPool2d(2), layer.Flatten())
        self.map = layer.StepModeContainer(False, "m", layer.Linear(128, 8, bias=False), layer.BatchNorm1d(8))
        self.tail = layer.SeqToANNContainer(nn.Linear(8, 8), nn.BatchNorm1d(8))
        self.lif, self.lif2, self.fc = neuron.IFNode(step_mode="m"), neuron.LIFNode(step_mode="m"), layer.Linear(8, 3, step_mode="m")

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.lif2(self.tail(self.lif(self.map(self.net(x)))))).mean(0)


SINGLE: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...]]] = {
    "image": (lambda: Loop("image"), (forms.grid(2, 2, 8, 8) * 4,)),
    **{form: (lambda form=form: Loop(form), (forms.grid(4, 2, 2, 8, 8) * 4,)) for form in ("in_place", "cat", "function")},
    "MultiStepContainer": (lambda: Contained(layer.MultiStepContainer), EVENTS),
    "StepModeContainer": (lambda: Contained(lambda *parts: layer.StepModeContainer(True, "m", *parts)), EVENTS),
}


@pytest.mark.parametrize("name", SINGLE)
def test_single_steps(name: str, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    """State is carried from call to call, and from `step` to `step`."""
    need_tool("spk-compile")
    build, inputs = SINGLE[name]
    model = seeded(build)
    assert agree(model, inputs, tmp_path, layers=2) == ""
    trace = spk.comparison.trace(model, inputs)[1]
    spikes = [call.spikes for call in trace if call.path.startswith("net.2")]
    assert len(spikes) == 4 or name.endswith("Container")
    assert any(not torch.equal(a, b) for a, b in zip(spikes, spikes[1:], strict=False))


class TimeLast(nn.Module):
    """Containers for sequences ``[B, ..., T]``."""

    def __init__(self) -> None:
        super().__init__()
        self.net = layer.TLastSeqToANNContainer(nn.Conv2d(2, 8, 3, padding=1), nn.BatchNorm2d(8))
        self.lif, self.fc = layer.TLastMultiStepContainer(neuron.LIFNode()), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.lif(self.net(x)).flatten(2, 3).mean(2).mean(-1))


def test_time_last(need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    model = seeded(TimeLast)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_((parameter * 16).round() / 16)
        model.net[0].bias += 0.75
        model.net[1].running_var.fill_(1.0 - model.net[1].eps)
    report = spk.compare(model, None, forms.grid(2, 2, 4, 4, 3) * 4)
    assert [x.path for x in report.layers] == ["lif.0", "lif.0#1", "lif.0#2"]
    assert report.flipped == 0
    assert all(0.02 < x.rate < 0.98 for x in report.layers)


def test_vgg_imports() -> None:
    """Its head pools what is 1 x 1 to 7 x 7; its 100 million weights are not compiled here."""
    result = translate(multi_step(spiking_vgg.spiking_vgg11_bn(num_classes=5, **IF)).eval(), SEQUENCE)
    assert [x.value.shape for x in result.outputs] == [(*SEQUENCE[0].shape[:2], 5)]


def test_full_size_models_import() -> None:
    for build in (sdt.sdt_8_384, qkformer.qkformer_10_384, maxformer.maxformer_10_384, spikformer.spikformer_ti):
        assert translate(build().eval(), torch.zeros(1, 3, 224, 224)).outputs
