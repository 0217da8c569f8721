"""Every published configuration that the examples build, with a small one of its graph.

``utils/models.py`` measures them for ``docs/models.md``; tests compare the small ones with PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from spikformer.spikformer import spikformer_cifar, spikformer_dvs, spikformer_imagenet
from spk.rates import LOW
from torch import nn
from zoo.meta_spikeformer import meta_spikeformer
from zoo.qkformer import qkformer_cifar, qkformer_dvs, qkformer_imagenet
from zoo.sew_resnet import sew_resnet18, sew_resnet34, sew_resnet50, sew_resnet101, sew_resnet152, sew_resnet_dvs
from zoo.spike_driven_transformer import (
    spike_driven_transformer_cifar,
    spike_driven_transformer_dvs,
    spike_driven_transformer_imagenet,
)
from zoo.spike_driven_transformer_v3 import spike_driven_transformer_v3_base, spike_driven_transformer_v3_large
from zoo.spiking_resformer import spiking_resformer, spiking_resformer_cifar, spiking_resformer_dvs
from zoo.spikingformer import spikingformer_cifar, spikingformer_dvs, spikingformer_imagenet

__all__ = ["FAMILIES", "Configuration", "Family", "family"]


@dataclass(frozen=True)
class Configuration:
    """A published size of a graph.

    Attributes:
        name: as the literature calls it.
        options: of the builder.
        parameters: published, in millions; None where no source tells.
        gmac: dense multiply-accumulates of an image and time step counted from the published code, in 1e9; None if not counted.
        note: why a count differs from the published one by more than 1 %.
        low: least firing rate asked of its neurons where untrained ones are compared with PyTorch.
    """

    name: str
    options: dict[str, Any]
    parameters: float | None = None
    gmac: float | None = None
    note: str | None = None
    low: float = LOW


@dataclass(frozen=True)
class Family:
    """A graph, its sizes, and a small one for tests.

    Attributes:
        name: model and data.
        build: the builder.
        small: options of the small one.
        configurations: the published sizes; the first one is compared whole.
        until: layer behind which sums round; see :func:`spk.dyadic.verify`.
        no_step: why it cannot be run step by step, with the layer, as a pattern of the message of ``step``; recordings
            ``[B, T, ...]`` need none.
    """

    name: str
    build: Callable[..., nn.Module]
    small: dict[str, Any]
    configurations: list[Configuration] = field(default_factory=list)
    until: str | None = None
    no_step: str | None = None

    def model(self, configuration: Configuration | None = None) -> nn.Module:
        """A published size, or the small one, in eval mode; the same random weights at every call."""
        torch.manual_seed(11)
        return self.build(**(self.small if configuration is None else configuration.options)).eval()


def family(name: str) -> Family:
    """The family of this name; a KeyError names those there are."""
    found = {each.name: each for each in FAMILIES}
    if name not in found:
        raise KeyError(f"no family is called {name!r}: there are {', '.join(found)}")
    return found[name]


BORDER = "RepConv's first convolution also computes the border that the published one fills with constants"
PROLOGUE = "the prologue runs once, not at every step"
SMALL = {"dim": 48, "depth": 1, "heads": 2}
SMALL_SEW = {"width": 8, "T": 3, "num_classes": 5, "img": (32, 64)}

FAMILIES = [
    Family(
        "Spikformer, ImageNet",
        spikformer_imagenet,
        {**SMALL, "img": (32, 64)},
        [
            Configuration("8-384", {"dim": 384}, 16.81, 4.72, "the first convolution runs once, not at every step"),
            Configuration("8-512", {}, 29.68, 8.36),
            Configuration("8-768", {"dim": 768}, 66.34, 18.7),
        ],
    ),
    Family(
        "Spikformer, CIFAR",
        spikformer_cifar,
        {**SMALL, "img": (16, 24)},
        [
            Configuration("4-256", {"dim": 256, "heads": 8}, 4.15),
            Configuration("2-384", {"depth": 2}, 5.76),
            Configuration("4-384", {}, 9.32, 0.93),
        ],
    ),
    *(
        Family(
            f"Spikformer of table 1, {attention}",
            spikformer_cifar,
            {**SMALL, "img": (16, 24), "attention": attention, **options},
            [Configuration("4-384", {"attention": attention}, 9.32)],
            until="block.0.attn.attn_lif" if attention == "A_softmax" else None,
        )
        for attention, options in (("A_I", {}), ("A_ReLU", {}), ("A_LeakyReLU", {"slope": 0.25}), ("A_softmax", {}))
    ),
    Family("Spikformer, DVS", spikformer_dvs, {**SMALL, "img": (32, 64), "T": 5}, [Configuration("2-256", {}, 2.57, 0.38)]),
    Family(
        "Spikformer, pool in front of the neuron (CML)",
        spikformer_imagenet,
        {**SMALL, "img": (32, 64), "pool_first": True},
        [Configuration("8-384", {"dim": 384, "pool_first": True}, 16.81)],
    ),
    Family(
        "Spikingformer, ImageNet",
        spikingformer_imagenet,
        {**SMALL, "img": (64, 128)},
        [
            Configuration("8-384", {"dim": 384}, 16.81),
            Configuration("8-512", {}, 29.68),
            Configuration("8-768", {"dim": 768}, 66.34),
        ],
    ),
    Family(
        "Spikingformer, CIFAR",
        spikingformer_cifar,
        {**SMALL, "img": (16, 24)},
        [
            Configuration("4-256", {"dim": 256, "heads": 8}, 4.15),
            Configuration("2-384", {"depth": 2}, 5.76),
            Configuration("4-384", {}, 9.32),
        ],
    ),
    Family("Spikingformer, DVS (tau 1.5)", spikingformer_dvs, {**SMALL, "img": (32, 64), "T": 5}, [Configuration("2-256", {}, 2.57)]),
    Family(
        "Spike-driven Transformer, ImageNet",
        spike_driven_transformer_imagenet,
        {**SMALL, "img": (64, 128)},
        [
            Configuration("8-384", {"dim": 384}, 16.8),
            Configuration("6-512", {"depth": 6}, 23.4),
            Configuration("8-512", {}, 29.7),
            Configuration("10-512", {"depth": 10}, 36.0),
            Configuration("8-768", {"dim": 768}, 66.4),
        ],
    ),
    Family(
        "Spike-driven Transformer, CIFAR",
        spike_driven_transformer_cifar,
        {**SMALL, "img": (16, 32)},
        [Configuration("2-512", {}, 10.24)],
    ),
    Family(
        "Spike-driven Transformer, DVS",
        spike_driven_transformer_dvs,
        {**SMALL, "img": (16, 32), "T": 5},
        [
            # Three max-pools in its attention saturate what stands behind them if neurons in front fire more often.
            Configuration("2-256, CIFAR10-DVS", {}, 2.6, low=0.002),
            Configuration("2-256, Gesture", {"num_classes": 11, "img": 128, "pooling_stat": "0111", "T": 16}, 2.6, low=0.002),
        ],
    ),
    Family(
        "Meta-SpikeFormer (Spike-driven Transformer V2)",
        meta_spikeformer,
        {"dims": (16, 24, 32, 48), "depths": (1, 1), "heads": 2, "img": (32, 64)},
        [
            Configuration("8-384", {"dims": (96, 192, 384, 480)}, 31.33, 14.0, BORDER),
            Configuration("8-512", {}, 55.35, 24.8, BORDER),
            Configuration("8-768", {"dims": (192, 384, 768, 960)}, 123.7),
        ],
    ),
    # Heads 16 wide, where the scale 2 / sqrt(d) is a power of two; another one rounds once, behind exact products.
    Family(
        "Spike-driven Transformer V3, Base",
        spike_driven_transformer_v3_base,
        {"dims": (16, 24, 32, 32), "depths": (1, 1), "heads": 2, "img": (32, 64)},
        [
            Configuration("t", {"dims": (24, 48, 96, 128)}, 2.70),
            Configuration("s", {"dims": (32, 64, 128, 192)}, 5.11),
            Configuration("m", {"dims": (48, 96, 192, 240)}, 10.02),
            Configuration("l", {}, 18.99),
        ],
    ),
    Family(
        "Spike-driven Transformer V3, Large",
        spike_driven_transformer_v3_large,
        {"dims": (8, 16, 64), "depth": 2, "heads": 2, "img": 64, "layer_scale": 0.5},
        # Training starts from blocks that add next to nothing.
        [
            Configuration("12-512", {"layer_scale": 1.0}, 83.0),
            Configuration("12-768", {"dims": (196, 384, 768), "layer_scale": 1.0}, 173.0),
        ],
    ),
    Family(
        "QKFormer, ImageNet",
        qkformer_imagenet,
        {"dim": 48, "depth": 4, "heads": 3, "mlp_ratio": 2.0, "img": (32, 64)},
        [
            Configuration("10-384", {"dim": 384}, 16.47),
            Configuration("10-512", {}, 29.08),
            Configuration("10-768", {"dim": 768}, 64.96, 23.3),
        ],
    ),
    Family(
        "QKFormer, CIFAR",
        qkformer_cifar,
        {"dim": 48, "depth": 3, "heads": 3, "mlp_ratio": 2.0, "img": (8, 16)},
        [Configuration("4-384", {})],
    ),
    Family(
        "QKFormer, DVS",
        qkformer_dvs,
        {"dim": 96, "heads": 6, "T": 3, "img": (16, 32)},
        [Configuration("2-256, CIFAR10-DVS", {}), Configuration("2-256, Gesture", {"num_classes": 11, "mlp_ratio": 4.0})],
    ),
    Family("SEW ResNet-18, ADD", sew_resnet18, SMALL_SEW, [Configuration("18", {}, 11.69)]),
    Family("SEW ResNet-18, AND", sew_resnet18, {**SMALL_SEW, "connect": "AND", "width": 12}),
    Family("SEW ResNet-18, IAND", sew_resnet18, {**SMALL_SEW, "connect": "IAND"}),
    Family("SEW ResNet-34, ADD", sew_resnet34, SMALL_SEW, [Configuration("34", {}, 21.80)]),
    Family("SEW ResNet-50, ADD", sew_resnet50, {**SMALL_SEW, "width": 4}, [Configuration("50", {}, 25.56)]),
    Family("SEW ResNet-101, ADD", sew_resnet101, {**SMALL_SEW, "width": 4}, [Configuration("101", {}, 44.55)]),
    Family("SEW ResNet-152, ADD", sew_resnet152, {**SMALL_SEW, "width": 4}, [Configuration("152", {}, 60.19)]),
    Family(
        "SEW ResNet, DVS, ADD",
        sew_resnet_dvs,
        {"channels": (8, 8, 12), "T": 3, "img": (16, 24)},
        [
            Configuration("Gesture", {}),
            Configuration("CIFAR10-DVS", {"channels": (64, 64, 64, 64, 128, 128, 128), "num_classes": 10}),
        ],
    ),
    Family(
        "SpikingResformer, ImageNet",
        spiking_resformer,
        {"planes": (16, 32, 64), "heads": (1, 2, 4), "depths": (1, 1, 1), "group": 16, "T": 3, "img": (64, 64)},
        [
            # Random weights saturate attention that is scaled as for trained ones.
            Configuration("Ti", {"rate": 4.0}, 11.18, 4.0, PROLOGUE),
            Configuration("S", {"planes": (64, 256, 512), "heads": (1, 4, 8)}, 17.81),
            Configuration("M", {"planes": (64, 384, 768), "heads": (1, 6, 12)}, 35.6),
            Configuration("L", {"planes": (128, 512, 1024), "heads": (2, 8, 16)}, 60.38, 18.4, PROLOGUE),
        ],
    ),
    Family(
        "SpikingResformer, CIFAR",
        spiking_resformer_cifar,
        {"planes": (16, 32, 64), "heads": (1, 2, 4), "depths": (1, 1, 1), "group": 16, "T": 3, "img": (16, 16)},
        [Configuration("Ti", {"rate": 4.0})],
    ),
    Family(
        "SpikingResformer, DVS",
        spiking_resformer_dvs,
        {"planes": (16, 32, 64), "heads": (1, 2, 4), "depths": (1, 1, 1), "group": 16, "T": 4, "img": (16, 16)},
        [Configuration("Gesture", {"rate": (2.0, 4.0)})],
    ),
]
