"""Neurons of the CUDA extension, which compute what those of ``clock_driven`` do."""

from spikingjelly.clock_driven.neuron import (
    IFNode,
    LIFNode,
    MultiStepIFNode,
    MultiStepLIFNode,
    MultiStepParametricLIFNode,
    ParametricLIFNode,
)

__all__ = ["IFNode", "LIFNode", "MultiStepIFNode", "MultiStepLIFNode", "MultiStepParametricLIFNode", "ParametricLIFNode"]
