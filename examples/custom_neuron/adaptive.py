"""A leaky neuron whose threshold rises when it fires, written as SpikingJelly wants it, and a network of it."""

from __future__ import annotations

import torch
from spikingjelly.activation_based.neuron import SimpleBaseNode
from torch import Tensor, nn


class AdaptiveLIFNode(SimpleBaseNode):
    """Leaky integrate-and-fire neuron with an adaptive threshold, over ``[T, B, ...]``.

    ::

        h = v / 2 + x
        s = h >= v_threshold + a / 4
        v = h - s * v_threshold
        a = a / 2 + s

    Args:
        v_threshold: threshold of a neuron that has not fired lately.
    """

    def __init__(self, v_threshold: float = 1.0) -> None:
        super().__init__(v_threshold=v_threshold, v_reset=None, step_mode="m")
        self.register_memory("a", 0.0)

    def neuronal_charge(self, x: Tensor) -> None:
        self.v = self.v * 0.5 + x

    def neuronal_fire(self) -> Tensor:
        return self.surrogate_function(self.v - (self.v_threshold + self.a * 0.25))

    def neuronal_reset(self, spike: Tensor) -> None:
        self.v = self.v - spike * self.v_threshold
        self.a = self.a * 0.5 + spike


class Network(nn.Module):
    """Two convolutions with adaptive neurons and a linear head, on sequences ``[T, B, 2, H, W]``."""

    def __init__(self, channels: int = 24, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.neuron1 = AdaptiveLIFNode()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, stride=2, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.neuron2 = AdaptiveLIFNode(v_threshold=0.75)
        self.head = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        steps = x.shape[:2]
        x = self.neuron1(self.bn1(self.conv1(x.flatten(0, 1))).unflatten(0, steps))
        x = self.neuron2(self.bn2(self.conv2(x.flatten(0, 1))).unflatten(0, steps))
        return self.head(x.flatten(3).mean(3)).mean(0)

    @staticmethod
    def example(batch: int = 1) -> tuple[Tensor]:
        """Events on a grid of sixteenths, ``[4, batch, 2, 8, 8]``."""
        generator = torch.Generator().manual_seed(0)
        return (torch.randint(0, 16, (4, batch, 2, 8, 8), generator=generator) / 16.0,)


def build() -> nn.Module:
    """The network with random weights under which its neurons fire."""
    from spk.dyadic import calibrate

    torch.manual_seed(0)
    model = Network().eval()
    calibrate(model, model.example())
    return model


def example() -> tuple[Tensor]:
    """Example inputs of `build`'s network."""
    return Network.example()
