"""Published configurations of the zoo: parameters and state dicts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d
from zoo.catalogue import FAMILIES, family
from zoo.qkformer import qkformer_cifar, qkformer_dvs, qkformer_imagenet
from zoo.sew_resnet import sew_resnet18, sew_resnet34, sew_resnet50, sew_resnet101, sew_resnet152, sew_resnet_dvs
from zoo.spike_driven_transformer import SDSA, spike_driven_transformer_dvs
from zoo.spike_driven_transformer_v3 import spike_driven_transformer_v3_base, spike_driven_transformer_v3_large

from spk import dyadic

MILLIONS: dict[str, tuple[Callable[[], nn.Module], float]] = {
    "qkformer_10_384": (lambda: qkformer_imagenet(dim=384), 16.47),
    "qkformer_10_512": (lambda: qkformer_imagenet(dim=512), 29.08),
    "qkformer_10_768": (lambda: qkformer_imagenet(dim=768), 64.96),
    "sdt_v3_base_t": (lambda: spike_driven_transformer_v3_base((24, 48, 96, 128)), 2.70),
    "sdt_v3_base_s": (lambda: spike_driven_transformer_v3_base((32, 64, 128, 192)), 5.11),
    "sdt_v3_base_m": (lambda: spike_driven_transformer_v3_base((48, 96, 192, 240)), 10.02),
    "sdt_v3_base_l": (spike_driven_transformer_v3_base, 18.99),
    "sdt_v3_large_512": (spike_driven_transformer_v3_large, 83.02),
    "sdt_v3_large_768": (lambda: spike_driven_transformer_v3_large((196, 384, 768)), 171.74),
    "sew_resnet18": (sew_resnet18, 11.69),
    "sew_resnet34": (sew_resnet34, 21.80),
    "sew_resnet50": (sew_resnet50, 25.56),
    "sew_resnet101": (sew_resnet101, 44.55),
    "sew_resnet152": (sew_resnet152, 60.19),
}


@pytest.mark.parametrize("name", list(MILLIONS))
def test_parameters(name: str) -> None:
    build, millions = MILLIONS[name]
    with torch.device("meta"):
        model = build()
    assert round(sum(p.numel() for p in model.parameters()) / 1e6, 2) == millions


# One key of each kind of module, with its shape.
STATE: dict[str, tuple[Callable[[], nn.Module], dict[str, tuple[int, ...]]]] = {
    "qkformer_imagenet": (
        lambda: qkformer_imagenet(dim=384),
        {
            "patch_embed1.proj_conv.weight": (48, 3, 3, 3),
            "patch_embed1.proj1_bn.running_mean": (96,),
            "patch_embed1.proj2_conv.weight": (96, 96, 3, 3),
            "patch_embed1.proj_res_conv.weight": (96, 48, 1, 1),
            "patch_embed3.proj3_conv.weight": (384, 192, 3, 3),
            "patch_embed3.proj4_conv.weight": (384, 384, 3, 3),
            "stage1.0.tssa.q_conv.weight": (96, 96, 1),
            "stage2.1.tssa.proj_conv.bias": (192,),
            "stage2.1.mlp.fc1_conv.weight": (768, 192, 1, 1),
            "stage3.6.attn.v_bn.weight": (384,),
            "stage3.6.mlp.fc2_conv.bias": (384,),
            "head.weight": (1000, 384),
        },
    ),
    "qkformer_cifar": (
        qkformer_cifar,
        {
            "patch_embed1.proj_res_conv.weight": (96, 48, 1, 1),
            "patch_embed2.proj4_bn.running_var": (192,),
            "stage2.0.tssa.k_conv.weight": (192, 192, 1),
            "stage3.1.ssa.proj_conv.weight": (384, 384, 1),
            "stage3.1.mlp.mlp1_conv.weight": (1536, 384, 1, 1),
        },
    ),
    "qkformer_dvs": (
        qkformer_dvs,
        {
            "patch_embed1.proj_conv.weight": (16, 2, 3, 3),
            "patch_embed1.proj3_conv.weight": (128, 64, 3, 3),
            "patch_embed1.proj_res_conv.weight": (128, 32, 1, 1),
            "patch_embed2.proj_conv.weight": (256, 128, 3, 3),
            "stage1.0.tssa.q_conv.weight": (128, 128, 1),
            "stage2.0.ssa.q_conv.weight": (256, 256, 1),
            "stage2.0.mlp.mlp2_bn.bias": (256,),
        },
    ),
    "sdt_v3_base": (
        spike_driven_transformer_v3_base,
        {
            "downsample1_1.encode_conv.bias": (32,),
            "ConvBlock1_1.0.Conv.pwconv1.0.weight": (64, 32, 1, 1),
            "ConvBlock1_2.0.Conv.dwconv.0.weight": (128, 1, 7, 7),
            "ConvBlock2_2.0.Conv.pwconv2.1.running_mean": (128,),
            "ConvBlock2_1.0.conv1.weight": (512, 128, 3, 3),
            "block3.5.conv.dwconv.0.weight": (512, 1, 3, 3),
            "block3.0.attn.q_conv.0.weight": (256, 256, 1, 1),
            "block3.0.attn.v_conv.1.weight": (1024,),
            "block4.1.attn.proj_conv.0.weight": (360, 1440, 1, 1),
            "block4.0.mlp.fc1_conv.bias": (1440,),
            "head.weight": (1000, 360),
        },
    ),
    "sdt_v3_large": (
        spike_driven_transformer_v3_large,
        {
            "ConvBlock1_1.0.conv1.0.0.bias": (256,),
            "ConvBlock2_2.0.conv2.0.1.running_var": (256,),
            "downsample3.encode_conv.weight": (512, 256, 3, 3),
            "block3.11.rep_conv.conv1.0.weight": (512, 512, 1),
            "block3.0.attn.q_conv.0.conv1.0.weight": (768, 512, 1),
            "block3.0.attn.q_conv.0.conv2.1.bias": (512,),
            "block3.0.attn.proj_conv.1.weight": (512,),
            "block3.3.layer_scale2": (512,),
            "block3.0.mlp.fc2_bn.weight": (512,),
            "head_kd.bias": (1000,),
        },
    ),
    "sew_resnet50": (
        sew_resnet50,
        {
            "conv1.weight": (64, 3, 7, 7),
            "bn1.running_mean": (64,),
            "layer1.0.downsample.0.module.0.weight": (256, 64, 1, 1),
            "layer2.0.conv2.module.0.weight": (128, 128, 3, 3),
            "layer4.2.conv3.module.1.running_var": (2048,),
            "fc.weight": (1000, 2048),
        },
    ),
    "sew_resnet_dvs": (
        sew_resnet_dvs,
        {
            "conv.0.0.module.0.weight": (32, 2, 1, 1),
            "conv.0.1.w": (),
            "conv.1.conv.1.0.module.1.weight": (32,),
            "conv.13.conv.0.1.w": (),
            "out.weight": (11, 32),
        },
    ),
}


@pytest.mark.parametrize("name", list(STATE))
def test_state_dict(name: str) -> None:
    build, expected = STATE[name]
    with torch.device("meta"):
        state = build().state_dict()
    assert {key: tuple(state[key].shape) if key in state else None for key in expected} == expected


def test_bad_configurations() -> None:
    with pytest.raises(ValueError, match="24 channels must be divisible by 5 heads"):
        qkformer_imagenet(dim=96, heads=5)
    with pytest.raises(ValueError, match="dim 33 must be divisible by heads 8"):
        spike_driven_transformer_v3_base((8, 8, 33, 32))
    with pytest.raises(ValueError, match="dims must be three widths"):
        spike_driven_transformer_v3_large((8, 8))
    with pytest.raises(ValueError, match="connect must be one of ADD, AND, IAND, got 'OR'"):
        sew_resnet18(connect="OR")
    with pytest.raises(ValueError, match="halve images"):
        sew_resnet_dvs(img=64)


def test_event_attention_pools_tokens_and_channels() -> None:
    torch.manual_seed(3)
    model = spike_driven_transformer_dvs(dim=16, depth=1, heads=2, T=3, img=(16, 32)).eval()
    dyadic.calibrate(model, model.example(batch=2))
    attention, hook = model.block[0].attn, {}
    fired: dict[str, Tensor] = {}
    for name in ("k", "q"):
        getattr(attention, f"{name}_lif").register_forward_hook(lambda _m, _x, y, name=name: fired.update({name: y}))
    with torch.no_grad():
        model(*model.example(batch=2), hook)
    name = "MS_SSA_Conv0"

    def pooled(x: Tensor) -> Tensor:
        return max_pool2d(x.flatten(0, -3), 3, 1, 1).reshape(x.shape)

    assert isinstance(attention, SDSA)
    assert not torch.equal(pooled(fired["k"]), fired["k"])
    assert torch.equal(hook[f"{name}_k_lif"], pooled(fired["k"]))  # over the image
    assert torch.equal(hook[f"{name}_q_lif"], fired["q"])
    before = hook[f"{name}_kv_before"]  # [T, B, h, N, d]
    kv = attention.talking_heads_lif(pooled(before).sum(-2, keepdim=True))
    assert torch.equal(hook[f"{name}_kv"], kv)
    q = fired["q"].flatten(3).unflatten(2, (2, 8)).transpose(-1, -2)
    assert torch.equal(hook[f"{name}_x_after_qkv"], pooled(q * kv))


def test_catalogue() -> None:
    names = [each.name for each in FAMILIES]
    assert len(set(names)) == len(names)
    assert family("SEW ResNet-50, ADD").build is sew_resnet50
    with pytest.raises(KeyError, match=r"no family is called 'ResNet': there are Spikformer, ImageNet, "):
        family("ResNet")
    first, second = (family("SEW ResNet-18, ADD").model().conv1.weight for _ in range(2))
    assert torch.equal(first, second)  # random, and the same at every call
