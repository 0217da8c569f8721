"""Functions on networks and on sequences ``[T, B, ...]``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

__all__ = ["multi_step_forward", "reset_net", "seq_to_ann_forward"]

Stateless = nn.Module | Sequence[Callable[[Tensor], Tensor]] | Callable[[Tensor], Tensor]


def _in_turn(modules: Stateless, x: Tensor) -> Tensor:
    for module in modules if isinstance(modules, (list, tuple, nn.Sequential)) else (modules,):
        x = module(x)
    return x


def reset_net(net: nn.Module) -> None:
    """Forget all states."""
    for module in net.modules():
        if callable(getattr(module, "reset", None)):
            module.reset()


def multi_step_forward(x_seq: Tensor, single_step_module: Stateless) -> Tensor:
    """Step by step through a module, or several in turn: ``[T, B, ...]`` to ``[T, B, ...]``."""
    return torch.stack([_in_turn(single_step_module, x) for x in x_seq.unbind(0)])


def seq_to_ann_forward(x_seq: Tensor, stateless_module: Stateless) -> Tensor:
    """All steps at once, as one batch ``[T * B, ...]``, through a module or several in turn."""
    y = _in_turn(stateless_module, x_seq.flatten(0, 1))
    return y.unflatten(0, x_seq.shape[:2])
