"""PyTorch eager at its best without a compiler: what the benchmarks compare with.

:func:`fold` makes a copy of a model that computes the same up to rounding, with

* every batch norm in eval mode folded into the convolution or linear layer in
  front of it (``torch.nn.utils.fusion``);
* the first convolution computed once, and not once per time step, where the
  model repeats one image.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

__all__ = ["fold", "forward"]


class _Once(nn.Module):
    """A layer on ``[T * B, ...]`` whose input is the same at every time step: computed at the first, then repeated."""

    def __init__(self, layer: nn.Module, steps: int) -> None:
        super().__init__()
        self.layer = layer
        self.steps = steps

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x[: x.shape[0] // self.steps])
        return y.repeat(self.steps, *(1,) * (y.dim() - 1))


def fold(model: nn.Module, first: str = "patch_embed.proj_conv") -> nn.Module:
    """A folded copy of a model, in eval mode.

    Args:
        model: layers named ``..._conv`` or ``..._linear`` stand in front of the
            batch norm of the same name with ``_bn``; ``T`` is the number of
            time steps.
        first: the convolution that sees the repeated image.

    Raises:
        ValueError: if a batch norm has no such layer.
    """
    model = copy.deepcopy(model).eval()
    for parent in list(model.modules()):
        for name, norm in list(parent.named_children()):
            if not isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d)):
                continue
            names = [name.replace("bn", kind) for kind in ("conv", "linear")]
            layer_name = next((n for n in names if hasattr(parent, n)), None)
            if layer_name is None:
                raise ValueError(f"{name}: no layer {' or '.join(names)} to fold it into")
            layer = getattr(parent, layer_name)
            fuse = fuse_linear_bn_eval if isinstance(layer, nn.Linear) else fuse_conv_bn_eval
            setattr(parent, layer_name, fuse(layer, norm))
            setattr(parent, name, nn.Identity())
    path, _, name = first.rpartition(".")
    parent = model.get_submodule(path)
    setattr(parent, name, _Once(getattr(parent, name), model.T))
    return model


def forward(model: nn.Module, x: Tensor) -> Tensor:
    """One inference."""
    with torch.inference_mode():
        return model(x)
