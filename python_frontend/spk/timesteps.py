"""Another number of time steps than a model was written for.

Models for images repeat their input over time, ``x.unsqueeze(0).repeat(T, ...)``
or in another of the forms of `_repetition`, with T an attribute or a literal in
the forward pass.  `change_timesteps` makes that repetition another one and has
the forward pass run on shapes alone, before and after: everything that a
neuron sees must become longer in time and stay as it was otherwise.  Where
it does not, T is in the weights or in a shape of the forward pass, and the
change is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from spk.errors import SpkError
from spk.importer.capture import neuron_shapes

__all__ = ["change_timesteps", "repeated_timesteps"]

_ATTRIBUTES = ("T", "timesteps", "time_steps", "time_step")

Shapes = list[tuple[str, tuple[int, ...]]]


@dataclass(frozen=True)
class _Repetition:
    """A call that repeats a tensor over a new leading axis.

    Attributes:
        batch: length of the axis behind it.
        count: how often.
        element: what is repeated, ``[1, B, ...]`` or ``[B, ...]``.
        stacked: whether the axis is made by the call itself.
    """

    batch: int
    count: int
    element: Tensor
    stacked: bool = False

    def again(self, count: int) -> Tensor:
        """The element repeated `count` times."""
        whole = self.element.unsqueeze(0) if self.stacked else self.element
        return whole.repeat(count, *(1 for _ in whole.shape[1:]))


_REPEAT = (torch.Tensor.repeat, torch.Tensor.tile, torch.tile)
_INTERLEAVE = (torch.Tensor.repeat_interleave, torch.repeat_interleave)


def _of_tensor(function: Callable[..., Any], x: Tensor, rest: Sequence[Any]) -> _Repetition | None:
    """The repetition in a call on one tensor, None if it is none."""
    counts = list(rest[0]) if len(rest) == 1 and isinstance(rest[0], (tuple, list)) else list(rest)
    if x.dim() < 2 or x.shape[0] != 1 or not counts or not all(isinstance(n, int) for n in counts):
        return None
    if function in _INTERLEAVE:
        whole = counts[1:] == [0]
    else:
        kept = [{1}] * (x.dim() - 1) if function in _REPEAT else [{-1, size} for size in x.shape[1:]]
        whole = len(counts) == x.dim() and all(n in allowed for n, allowed in zip(counts[1:], kept, strict=True))
    return _Repetition(x.shape[1], counts[0], x) if whole else None


def _repetition(function: Callable[..., Any], arguments: Sequence[Any]) -> _Repetition | None:
    """The repetition in a call, None if it is none."""
    if not arguments:
        return None
    first, *rest = arguments
    if isinstance(first, Tensor):
        known = function in (*_REPEAT, *_INTERLEAVE, torch.Tensor.expand)
        return _of_tensor(function, first, rest) if known else None
    if function not in (torch.stack, torch.cat) or rest not in ([], [0]) or not isinstance(first, (tuple, list)):
        return None
    element, stacked = first[0], function is torch.stack
    if len(first) < 2 or any(x is not element for x in first) or not (stacked or element.shape[0] == 1):
        return None
    return _Repetition(element.shape[0 if stacked else 1], len(first), element, stacked)


class _Repeated(TorchFunctionMode):
    """Finds the repetition of an input over time, and makes it one of `steps` if that is given.

    Attributes:
        found: how often the forward pass repeats the input; None until it does.
    """

    def __init__(self, inputs: Sequence[Any], steps: int | None = None) -> None:
        super().__init__()
        self.batches = {x.shape[0] for x in inputs if isinstance(x, Tensor) and x.dim()}
        self.steps = steps
        self.found: int | None = None

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        repetition = _repetition(func, (*args, *named.values())) if set(named) <= {"dim"} else None
        if repetition is not None and repetition.batch in self.batches and self.found in (None, repetition.count):
            self.found = repetition.count
            if self.steps is not None:
                return repetition.again(self.steps)
        return func(*args, **named)


def _shapes(model: nn.Module, inputs: Sequence[Tensor]) -> Shapes:
    """Shapes of a dry run.

    Raises:
        SpkError: if the forward pass raises.
    """
    try:
        return neuron_shapes(model, inputs)
    except Exception as error:
        text = str(error).strip().splitlines() or [type(error).__name__]
        raise SpkError(text[0]) from error


def repeated_timesteps(model: nn.Module, inputs: Sequence[Tensor]) -> int | None:
    """How often the forward pass repeats its input over time, None if it does not, or fails."""
    mode = _Repeated(inputs)
    try:
        with mode:
            neuron_shapes(model, inputs)
    except Exception:  # noqa: BLE001 - the user's forward pass may raise anything, and fails again where it is captured
        return None
    return mode.found


class _Retimed:
    """A model whose input is repeated as often as `set` says."""

    def __init__(self, model: nn.Module, old: int) -> None:
        self.steps = old
        self.attributes = [
            (module, name) for module in model.modules() for name in _ATTRIBUTES if type(vars(module).get(name)) is int
        ]
        self.attributes = [(module, name) for module, name in self.attributes if vars(module)[name] == old]
        once = model.forward

        @functools.wraps(once)
        def forward(*arguments: Any, **options: Any) -> Any:
            with _Repeated([*arguments, *options.values()], self.steps):
                return once(*arguments, **options)

        model.forward = forward

    def set(self, steps: int) -> None:
        """Repeat the input `steps` times from now on."""
        self.steps = steps
        for module, name in self.attributes:
            setattr(module, name, steps)


def _by_path(shapes: Shapes) -> dict[str, list[tuple[int, ...]]]:
    calls: dict[str, list[tuple[int, ...]]] = {}
    for path, shape in shapes:
        calls.setdefault(path, []).append(shape)
    return calls


def _check(before: Shapes, after: Shapes, old: int, new: int) -> None:
    """Every neuron must see longer sequences, or be called more often; results may stay as they are.

    Raises:
        SpkError: if anything else changes.
    """
    was, now = _by_path(before), _by_path(after)
    for path in was:
        longer = [(shape[0] // old * new, *shape[1:]) for shape in was[path] if shape and shape[0] % old == 0]
        oftener = len(was[path]) * new == len(now.get(path, [])) * old and set(was[path]) == set(now[path])
        same = not path and was[path] == now.get(path)
        if not (now.get(path) == longer or oftener or same):
            seen = [list(shape) for shape in now.get(path, [])[:1]]
            raise SpkError(f"{path or 'the result'} has the shape {seen[0] if seen else 'of nothing'} where it was {list(was[path][0])}")


def change_timesteps(model: nn.Module, inputs: Sequence[Tensor], steps: int) -> bool:
    """Have a model that repeats its input over time repeat it `steps` times.

    Args:
        model: changed in place.
        inputs: example inputs.
        steps: number of time steps, at least 1.

    Returns:
        whether the model repeats its input at all.

    Raises:
        SpkError: if another number of steps changes more than the length of sequences.
    """
    old = repeated_timesteps(model, inputs)
    if old is None or old == steps:
        return old is not None
    before = _shapes(model, inputs)
    retimed = _Retimed(model, old)
    # A single step hides weights for several behind broadcasting: look with more of them as well.
    try:
        for probe in (steps,) if steps > 1 else (old + 1, steps):
            retimed.set(probe)
            _check(before, _shapes(model, inputs), old, probe)
    except SpkError as error:
        raise SpkError(
            f"--timesteps={steps}: the model repeats its input {old} times, and that number is in its weights or in a shape of its"
            f" forward pass: {error}"
        ) from error
    return True
