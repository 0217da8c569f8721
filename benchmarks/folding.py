"""Models as the engines of other projects like them best; on a dyadic grid they give the same bits.

:func:`fold` makes a copy of a model in which

* every batch norm is folded into the convolution or linear layer in front of it;
* the first convolution is computed once, and not once per time step;
* neurons are unrolled over time into plain operations, which every exporter knows.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from spk import rates
from spk.neuron import LIFNode
from torch import Tensor, nn

__all__ = ["flatten", "fold"]


class Once(nn.Module):
    """A layer on ``[T * B, ...]`` whose input is the same at every time step: computed at the first, then repeated."""

    def __init__(self, layer: nn.Module, steps: int) -> None:
        super().__init__()
        self.layer = layer
        self.steps = steps

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x[: x.shape[0] // self.steps])
        return y.repeat(self.steps, *(1,) * (y.dim() - 1))


class Unrolled(nn.Module):
    """A LIF neuron with a hard reset to 0 and a time constant that is a power of two, on ``[T, B, ...]``."""

    def __init__(self, node: nn.Module) -> None:
        super().__init__()
        if type(node) is not LIFNode or node.v_reset != 0.0 or not node.decay_input:
            raise ValueError(f"no unrolled form of {node}")
        self.rate = 1.0 / node.tau
        self.threshold = node.v_threshold

    def forward(self, x: Tensor) -> Tensor:
        steps, batch = int(x.shape[0]), int(x.shape[1])
        spikes = []
        v: Tensor | None = None
        # On [T * B, ...]: what stands before and behind is that shape, too, so that OpenVINO keeps its layouts.
        for current in x.flatten(0, 1).split(batch):
            h = current * self.rate if v is None else v + (current - v) * self.rate
            fires = h >= self.threshold
            v = torch.where(fires, 0.0, h)
            spikes.append(fires.to(x.dtype))
        return torch.cat(spikes).unflatten(0, (steps, batch))


class Flat(nn.Module):
    """A linear layer that sees a matrix: on some layouts of ``[B, N, C]`` PyTorch's compiler makes a batched product, which is slower."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.reshape(-1, x.shape[-1])).reshape(*x.shape[:-1], -1)


def flatten(model: nn.Module) -> nn.Module:
    """Put every linear layer of a folded model into :class:`Flat`."""
    for path, module in list(model.named_modules()):
        if isinstance(module, nn.Linear):
            _replace(model, path, Flat(module))
    return model


def _replace(model: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)


def _pairs(model: nn.Module, example: Tensor) -> tuple[dict[str, str], str]:
    """The synapse in front of every batch norm, by path, and the path of the first synapse."""
    paths = {module: path for path, module in model.named_modules()}
    memory: dict[int, tuple[str, Tensor]] = {}  # address of an output: of which synapse; tensors are kept, so addresses stay
    pairs: dict[str, str] = {}
    first: list[str] = []

    def at_synapse(module: nn.Module, _inputs: Any, output: Tensor) -> None:
        first.append(paths[module])
        memory[output.untyped_storage().data_ptr()] = (paths[module], output)

    def at_norm(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        found = memory.get(inputs[0].untyped_storage().data_ptr())
        if found is None:
            raise ValueError(f"{paths[module]}: no convolution or linear layer in front of it")
        pairs[paths[module]] = found[0]

    handles = [m.register_forward_hook(at_synapse) for m in paths if isinstance(m, rates.SYNAPSES)]
    handles += [m.register_forward_pre_hook(at_norm) for m in paths if isinstance(m, rates.NORMS)]
    with rates.hooked(handles):
        rates.run(model, (example,))
    return pairs, first[0]


def _fused(synapse: nn.Module, norm: nn.Module) -> nn.Module:
    """A synapse that computes both, its parameters rounded once."""
    wide = [norm.weight, norm.bias, norm.running_mean, norm.running_var]
    weight, shift, mean, variance = (tensor.detach().double() for tensor in wide)
    scale = weight / (variance + norm.eps).sqrt()
    bias = synapse.bias.detach().double() if synapse.bias is not None else torch.zeros_like(mean)
    fused = copy.deepcopy(synapse)
    axes = (-1,) + (1,) * (fused.weight.dim() - 1)
    fused.weight = nn.Parameter((fused.weight.double() * scale.reshape(axes)).float())
    fused.bias = nn.Parameter((shift + (bias - mean) * scale).float())
    return fused


def fold(model: nn.Module, example: Tensor) -> nn.Module:
    """A folded copy of a model in eval mode.

    Args:
        model: has an attribute ``T``, and repeats its input at that many time steps.
        example: an input; it is run once, to see what follows what.

    Raises:
        ValueError: a batch norm has no synapse in front of it, or a neuron has no unrolled form.
    """
    pairs, first = _pairs(model, example)
    folded = copy.deepcopy(model).eval()
    for norm, synapse in pairs.items():
        _replace(folded, synapse, _fused(folded.get_submodule(synapse), folded.get_submodule(norm)))
        _replace(folded, norm, nn.Identity())
    _replace(folded, first, Once(folded.get_submodule(first), folded.T))
    for path, module in list(folded.named_modules()):
        if type(module) in rates.neuron_classes():
            _replace(folded, path, Unrolled(module))
    return folded.requires_grad_(False)
