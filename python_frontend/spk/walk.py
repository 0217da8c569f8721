"""Sets the batch norms of a model in order of execution, so that its neurons fire at chosen rates."""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from spk.rates import NORMS, SYNAPSES, BadRates, hooked, neuron_classes, reset_states, run

__all__ = ["Rates", "Walk"]

_PROBE = 1 << 16  # elements per step used to find the shift of a neuron
_WINDOWS, _SIDE = 8, 24  # of each image, and least side, where it is found behind a pool
_PASSES = 400  # forwards before giving up
_WITHIN = 0.008  # how close a neuron without a batch norm comes to the rate asked of it
_RESULTS = 8  # results of batch norms that wait for their neurons, such as those of q, k and v
_STRAY = 0.012  # how far a rate that was asked for may move for the sake of a neuron that it feeds

Rates = Mapping[str, float | tuple[float, nn.Module]]


class _AgainError(Exception):
    """The rates in front of an attention core changed: the module of this path has to run again."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


class Walk:
    """Sets the batch norms of a model during forwards, in order of execution."""

    def __init__(self, model: nn.Module, low: float, high: float, seed: int, rates: Rates | None = None) -> None:
        self.model = model
        self.low, self.high = low, high
        self.rates = rates or {}
        self.generator = torch.Generator().manual_seed(seed)
        self.classes = neuron_classes(model)
        self.targets: dict[str, float] = {}
        self.fed: dict[str, nn.Module] = {}  # what was shifted for a neuron
        self.step: dict[str, float] = {}  # factor of the last correction, by path of a neuron without batch norm
        self.done: set[str] = set()
        self.order: list[str] = []  # neurons of this pass, in order of execution
        self.feeder: nn.Module | None = None  # last batch norm or synapse with bias since the last neuron
        self.results: deque[tuple[nn.Module, Tensor]] = deque(maxlen=_RESULTS)  # of batch norms that no neuron has read
        self.passes = 0

    def uniform(self, *shape: int) -> Tensor:
        """Numbers in [0, 1), float64."""
        return torch.rand(shape, generator=self.generator, dtype=torch.float64)

    # What a grid and a real-valued walk do differently.

    def set_norm(self, norm: nn.Module, mean: Tensor, deviation: Tensor) -> None:
        """Make ``norm`` map an input with these statistics per channel to deviation about 1 and mean about 0."""
        raise NotImplementedError

    shift_unit = 0.0  # granularity of the shift of a neuron's input

    # The walk itself.

    def run(self, example: Sequence[Tensor]) -> None:
        handles = []
        parents = {path.rpartition(".")[0] for path, module in self.model.named_modules() if type(module) in self.classes}
        for path, module in self.model.named_modules():
            if path and path in parents:
                handles.append(_Repeated(self, path, module))
            if type(module) in self.classes:
                handles.append(module.register_forward_pre_hook(self.at_neuron(path)))
            elif isinstance(module, NORMS):
                handles.append(module.register_forward_pre_hook(self.at_norm(path)))
                handles.append(module.register_forward_hook(self.behind_norm))
            elif isinstance(module, SYNAPSES):
                handles.append(module.register_forward_pre_hook(self.at_synapse()))
        with hooked(handles):
            while self.passes < _PASSES:
                self.passes += 1
                self.order, self.feeder = [], None
                self.results.clear()
                try:
                    run(self.model, example)
                    return
                except _AgainError:
                    continue
        raise BadRates(f"no firing rates between {self.low:.0%} and {self.high:.0%} found in {_PASSES} forwards")

    def wanted(self, path: str) -> tuple[float, nn.Module | None] | None:
        """The rate asked of a neuron and the pool behind which it counts; None if no rate was asked."""
        found = next((rate for glob, rate in self.rates.items() if fnmatchcase(path, glob)), None)
        if found is None or isinstance(found, tuple):
            return found
        return found, None

    def at_synapse(self) -> Callable[..., None]:
        def hook(module: nn.Module, _inputs: Any) -> None:
            self.feeder = module if module.bias is not None else None

        return hook

    def at_norm(self, path: str) -> Callable[..., None]:
        def hook(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self.feeder = norm
            if path in self.done:
                return
            self.done.add(path)
            x = inputs[0]
            channels = 2 if getattr(norm, "step_mode", "s") == "m" else 1  # [T, B, C, ...] or [T * B, C, ...]
            axes = [axis for axis in range(x.dim()) if axis != channels]
            variance, mean = torch.var_mean(x, axes, correction=0)
            self.set_norm(norm, mean.double(), variance.double().sqrt())

        return hook

    def behind_norm(self, norm: nn.Module, _inputs: Any, result: Tensor) -> None:
        self.results.append((norm, result))

    def take_feeder(self, x: Tensor) -> nn.Module | None:
        """The batch norm whose result a neuron reads, as it is or regrouped; otherwise the last layer since the neuron before."""
        memory = x.untyped_storage().data_ptr()
        found = next((pair for pair in self.results if pair[1].untyped_storage().data_ptr() == memory), None)
        if found is None:
            feeder, self.feeder = self.feeder, None
            return feeder
        self.results = deque((pair for pair in self.results if pair[1] is not found[1]), maxlen=_RESULTS)
        if self.feeder is found[0]:
            self.feeder = None
        return found[0]

    def at_neuron(self, path: str) -> Callable[..., None]:
        def hook(node: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self.order.append(path)
            x = inputs[0]
            feeder = self.take_feeder(x)
            if path in self.done:
                return
            wanted = self.wanted(path)
            pool = wanted[1] if wanted else None
            sample = self.sample(node, x, pool)
            if feeder is None:
                self.aim(path, self.rate(node, sample, pool))
                self.done.add(path)
                return
            if path not in self.targets:
                self.targets[path] = wanted[0] if wanted else 0.12 + 0.13 * self.uniform(1).item()
            shift = self.shift(node, sample, self.targets[path], pool)
            feeder.bias.data += shift
            self.fed[path] = feeder
            self.done.add(path)
            x += shift  # in place, for what else reads it: a membrane shortcut

        return hook

    def sample(self, node: nn.Module, x: Tensor, pool: nn.Module | None) -> Tensor:
        """About ``_PROBE`` elements of every step of ``x``, or windows of images if a pool needs neighbours.

        Neurons work element by element.
        """
        if x[0].numel() <= _PROBE or next(node.parameters(), None) is not None:
            return x
        if pool is not None:
            windows = [self.window(x) for _ in range(_WINDOWS)]
            return torch.cat(windows, dim=1)
        flat = x.flatten(1)
        return flat[:, torch.randint(flat.shape[1], (_PROBE,), generator=self.generator)]

    def window(self, x: Tensor) -> Tensor:
        """A square of every image of ``x``, ``[T, B, C, H, W]``, at a random place."""
        side = max(_SIDE, math.isqrt(_PROBE // (x.shape[1] * x.shape[2])))
        for axis in (3, 4):
            room = max(1, x.shape[axis] - side + 1)
            start = int(torch.randint(room // 2 + 1, (1,), generator=self.generator)) * 2  # as the pool strides
            x = x.narrow(axis, min(start, room - 1), min(side, x.shape[axis]))
        return x

    @staticmethod
    def rate(node: nn.Module, x: Tensor, pool: nn.Module | None) -> float:
        """Firing rate of a copy of ``node`` on ``x``, from its present state, counted behind ``pool``."""
        spikes = copy.deepcopy(node).forward(x)
        if pool is not None:
            spikes = pool(spikes.flatten(0, 1))
        return torch.count_nonzero(spikes).item() / spikes.numel()

    def shift(self, node: nn.Module, x: Tensor, target: float, pool: nn.Module | None) -> float:
        """The smallest multiple of ``shift_unit`` which, added to ``x``, makes ``node`` fire at ``target`` or more."""
        reach = 4.0 * (1.0 + x.abs().max().item())
        below, above = -math.ceil(reach / self.shift_unit), math.ceil(reach / self.shift_unit)
        while above - below > 1:
            middle = (below + above) // 2
            if self.rate(node, x + middle * self.shift_unit, pool) < target:
                below = middle
            else:
                above = middle
        return above * self.shift_unit

    def aim(self, path: str, rate: float) -> None:
        """Keep a neuron without a batch norm, or change the rates of the neurons in front of it and run them again."""
        wanted = self.wanted(path)
        low, high = (wanted[0] - _WITHIN, wanted[0] + _WITHIN) if wanted else (2.0 * self.low, 0.7 * self.high)
        if low <= rate <= high:
            return
        scope = path.rpartition(".")[0]
        inside = set(self.model.get_submodule(scope).modules())  # what runs again
        feeders = [other for other in self.order[:-1] if other.rpartition(".")[0] == scope and self.fed.get(other) in inside]
        if not feeders:
            scope, feeders = "", [other for other in self.order[-4:-1] if other in self.fed]
        sign = 1.0 if rate < low else -1.0
        last = self.step.get(path, 0.3 * sign)
        step = last if last * sign > 0 else -0.5 * last  # halve the step when the direction turns
        self.step[path] = step
        # Sum over tokens and channels of products of three rates: a geometric step in each of them.
        changed = False
        for other in feeders:
            asked = self.wanted(other)
            least, most = (asked[0] - _STRAY, asked[0] + _STRAY) if asked else (1.5 * self.low, 0.85 * self.high)
            moved = min(max(self.targets[other] * math.exp(step), least, self.low), most)
            changed |= moved != self.targets[other]
            self.targets[other] = moved
            self.done.discard(other)
        if not changed:
            if not wanted and self.low <= rate <= self.high:
                return
            raise BadRates(f"{path} fires in {rate:.2%} and nothing in front of it can change that")
        raise _AgainError(scope)


class _Repeated:
    """While it stands, ``module`` runs again whenever a neuron in it asks for that."""

    def __init__(self, walk: Walk, path: str, module: nn.Module) -> None:
        self.module = module
        once = module.forward

        def forward(*args: Any, **kwargs: Any) -> Any:
            order = list(walk.order)
            while True:
                try:
                    return once(*args, **kwargs)
                except _AgainError as again:
                    walk.passes += 1
                    if again.scope != path or walk.passes >= _PASSES:
                        raise
                walk.order, walk.feeder = list(order), None
                reset_states(module)

        module.forward = forward

    def remove(self) -> None:
        """As a hook's handle."""
        del self.module.forward
