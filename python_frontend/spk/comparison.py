"""`spk.compare`: a compiled model against PyTorch, neuron layer by neuron layer."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from spk.artefact import CompiledModel
from spk.driver import compile as compile_model
from spk.errors import SpkError, Unsupported
from spk.importer.api import as_tensors
from spk.importer.neuron_table import is_written_by_user, lookup, spec_of, step_mode
from spk.neuron_model import NeuronSpec, margins, simulate

__all__ = ["Comparison", "LayerComparison", "NeuronTrace", "NoiseFloor", "compare", "noise_floor", "trace"]

# How far rounding may move a membrane, as a share of the largest of its layer: sums of thousands of terms that cancel
# stay below it, and what a wrong weight, channel or step does is above.
_ROUNDING = 2.0**-12


@dataclass
class NeuronTrace:
    """One call of a neuron in PyTorch: its input current and its spikes."""

    path: str
    module: nn.Module
    current: Tensor
    spikes: Tensor


@dataclass
class LayerComparison:
    """A neuron layer in both implementations.

    Attributes:
        path: module path.
        elements: number of spikes and non-spikes.
        rate: firing rate of the compiled model, in [0, 1].
        reference_rate: firing rate of PyTorch.
        flipped: elements that differ.
        margin: largest distance of PyTorch's membrane from the threshold where
            an element differs for the first time: about an ulp if rounding is the
            cause; None if nothing differs, or the layer is no known neuron or
            goes on from the membrane of a call before.
        bound: the largest margin that rounding explains, known with the margin.
    """

    path: str
    elements: int
    rate: float
    reference_rate: float
    flipped: int
    margin: float | None = None
    bound: float | None = None


@dataclass
class Comparison:
    """Result of `compare`; print it for a table.

    Attributes:
        layers: the tapped neuron layers, in order of execution.
        max_difference: largest difference of outputs.
        output_equal: whether all outputs are equal bit for bit.
        top1_agreement: share of inputs with the same class; None without classes.
        max_output: largest magnitude of PyTorch's outputs.
    """

    layers: list[LayerComparison] = field(default_factory=list)
    max_difference: float = 0.0
    output_equal: bool = True
    top1_agreement: float | None = None
    max_output: float = 0.0

    @property
    def flipped(self) -> int:
        """Spikes that differ, over all layers."""
        return sum(layer.flipped for layer in self.layers)

    @property
    def flipped_rate(self) -> float:
        """Share of spikes that differ, over all layers."""
        return self.flipped / max(1, self.elements)

    @property
    def elements(self) -> int:
        """Spikes and non-spikes that were compared, over all layers."""
        return sum(layer.elements for layer in self.layers)

    @property
    def silent(self) -> list[str]:
        """Layers that never fire in PyTorch: they agree whatever is wrong."""
        return [layer.path for layer in self.layers if layer.reference_rate == 0.0]

    @property
    def first_diverging(self) -> LayerComparison | None:
        """The first layer, in order of execution, with a differing spike."""
        return next((layer for layer in self.layers if layer.flipped), None)

    def __str__(self) -> str:
        width = max([len(layer.path) for layer in self.layers] + [5])
        lines = [f"{'layer':<{width}}  {'rate':>8}  {'PyTorch':>8}  {'flipped':>9}  margin"]
        for layer in self.layers:
            margin = "" if layer.margin is None else f"{layer.margin:.3g}"
            lines.append(f"{layer.path:<{width}}  {layer.rate:>8.2%}  {layer.reference_rate:>8.2%}  {layer.flipped:>9}  {margin}")
        silent = self.silent
        if not self.layers:
            lines = ["no layer is tapped: compile with taps=['*:spikes'] to compare layers"]
        first = self.first_diverging
        lines.append(f"flipped spikes: {self.flipped} ({self.flipped_rate:.4%})")
        lines.append("first diverging layer: " + ("none" if first is None else f"{first.path}, membrane margin {first.margin}"))
        lines.append(f"largest output difference: {self.max_difference:.3g}" + (" (bit for bit equal)" if self.output_equal else ""))
        if self.top1_agreement is not None:
            lines.append(f"top-1 agreement: {self.top1_agreement:.2%}")
        if silent:
            names = ", ".join(silent[:3]) + (", ..." if len(silent) > 3 else "")
            lines.append(f"warning: {len(silent)} of {len(self.layers)} layers never fire ({names}); silent layers agree whatever is wrong")
        return "\n".join(lines)


def _reset(modules: Iterable[nn.Module]) -> None:
    for module in modules:
        if hasattr(module, "_memories") and hasattr(module, "reset"):
            module.reset()


def _run(
    model: nn.Module,
    inputs: tuple[Tensor, ...],
    see: Callable[[NeuronTrace], None],
    given: Mapping[str, Tensor] | None = None,
) -> Any:
    """Run a model in eval mode from its initial state, show every neuron call to `see`; `given` spikes replace a call's."""
    counts: dict[str, int] = {}

    def watch(path: str) -> Any:
        def hook(module: nn.Module, args: tuple[Tensor, ...], result: Tensor) -> Tensor | None:
            count = counts[path] = counts.get(path, -1) + 1
            name = path if count == 0 else f"{path}#{count}"
            see(NeuronTrace(name, module, args[0].detach().clone(), result.detach().clone()))
            return None if given is None or name not in given else given[name].reshape(result.shape).to(result.dtype)

        return hook

    training = {module: module.training for module in model.modules()}
    hooks = [m.register_forward_hook(watch(p)) for p, m in model.named_modules() if lookup(type(m)) or is_written_by_user(type(m))]
    model.eval()
    try:
        _reset(model.modules())
        with torch.no_grad():
            result = model(*inputs)
        _reset(model.modules())
    finally:
        for hook in hooks:
            hook.remove()
        for module, flag in training.items():
            module.training = flag
    return result


def trace(
    model: nn.Module, inputs: tuple[Tensor, ...], given: Mapping[str, Tensor] | None = None
) -> tuple[Any, list[NeuronTrace]]:
    """Run a model in eval mode from its initial state and record every neuron call.

    Args:
        model: the model; it is reset and left as it was found otherwise.
        inputs: its inputs.
        given: spikes by name of a call, which the rest of the model sees instead
            of those that the call gave and the trace records.

    Returns:
        the model's result and the calls in order of execution.
    """
    calls: list[NeuronTrace] = []
    result = _run(model, inputs, calls.append, given)
    return result, calls


@dataclass
class NoiseFloor:
    """PyTorch in float32 against itself in float64.

    Attributes:
        flipped: spikes that differ.
        elements: number of spikes and non-spikes.
        top1_agreement: share of inputs with the same class; None without classes.
    """

    flipped: int
    elements: int
    top1_agreement: float | None

    @property
    def share(self) -> float:
        """Spikes that differ, as a share of all."""
        return self.flipped / max(1, self.elements)


def noise_floor(model: nn.Module, *inputs: Any, follow: bool = False) -> NoiseFloor:
    """How many spikes rounding changes in PyTorch itself: float32 against float64 on the same inputs.

    Args:
        model: as for `compare`.
        inputs: inputs of the model.
        follow: whether the rest of the float64 model sees the spikes that the
            float32 one fired, so that every layer's differences are its own.
    """
    tensors = as_tensors(inputs)
    narrow, calls = trace(model, tensors)
    fired = {call.path: call.spikes for call in calls}
    del calls
    differing = total = 0

    def see(call: NeuronTrace) -> None:
        nonlocal differing, total
        differing += int((fired[call.path].double() != call.spikes).sum())
        total += call.spikes.numel()

    double = tuple(x.double() if x.is_floating_point() else x for x in tensors)
    wide = _run(copy.deepcopy(model).double(), double, see, fired if follow else None)
    a, b = (next(x for x in pytree.tree_leaves(result) if isinstance(x, Tensor)).numpy() for result in (narrow, wide))
    agreed = _same_classes(a, b)
    return NoiseFloor(differing, total, None if agreed is None else float(agreed.mean()))


def _spec(module: nn.Module) -> NeuronSpec | None:
    try:
        return spec_of(module)
    except Unsupported:
        return None


def _same_classes(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """Where the largest output is the same, if these are outputs of classes."""
    return (a.argmax(-1) == b.argmax(-1)).reshape(-1) if a.ndim >= 2 and a.shape[-1] > 1 else None


def _margin(call: NeuronTrace, spec: NeuronSpec, differs: np.ndarray) -> tuple[float, float]:
    """The margin of a layer, and the largest one that rounding explains."""
    current = call.current.numpy()
    if spec.form.states == 0 or step_mode(call.module) == "s":
        current, differs = current[None], differs[None]
    _, charged = simulate(spec, current)
    first = differs & (np.cumsum(differs, axis=0) == 1)  # what follows is a consequence
    largest = max(abs(spec.v_threshold), float(np.abs(current).max()), float(np.abs(charged).max()))
    return float(margins(spec, charged)[first].max()), _ROUNDING * largest


def _layer(call: NeuronTrace, tap: np.ndarray) -> LayerComparison:
    reference = call.spikes.numpy()
    if tap.size != reference.size:
        raise SpkError(f"{call.path}: the tap has shape {list(tap.shape)}, PyTorch's spikes {list(reference.shape)}")
    spec = _spec(call.module)
    spikes = tap.reshape(reference.shape)
    spikes = spec.output(spikes) if spec else spikes
    differs = spikes != reference
    flipped = int(np.count_nonzero(differs))
    from_rest = spec is not None and spec.body is None and ("#" not in call.path or spec.form.states == 0)
    margin, bound = _margin(call, spec, differs) if flipped and from_rest else (None, None)
    rate, reference_rate = (np.count_nonzero(x) / x.size for x in (spikes, reference))
    return LayerComparison(call.path, spikes.size, rate, reference_rate, flipped, margin, bound)


def _as_fired(model: nn.Module, taps: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Tapped spikes as the modules give them, by name of the call."""
    fired = {}
    for name, tap in taps.items():
        try:
            spec = _spec(model.get_submodule(name.partition("#")[0]))
        except AttributeError:
            continue  # a neuron that is written out is no module
        if spec is not None:
            fired[name] = torch.from_numpy(np.ascontiguousarray(spec.output(tap), dtype=np.float32))
    return fired


def _batches(artefact: CompiledModel, tensors: tuple[Tensor, ...]) -> Iterator[tuple[Tensor, ...]]:
    """The inputs in parts of the batch that the artefact was compiled for."""
    if len(tensors) != len(artefact.inputs):
        raise SpkError(f"{len(tensors)} inputs given, {len(artefact.inputs)} expected")
    axes = [1 if info.temporal else 0 for info in artefact.inputs]
    sizes = {(t.shape[a] if t.dim() > a else 0, i.shape[a]) for t, a, i in zip(tensors, axes, artefact.inputs, strict=True)}
    if len(sizes) != 1:
        raise SpkError("the inputs have different batch sizes")
    ((given, compiled),) = sizes
    if given == 0 or given % compiled:
        raise SpkError(f"the batch of {given} is no multiple of the compiled batch of {compiled}")
    for start in range(0, given, compiled):
        yield tuple(t.narrow(a, start, compiled) for t, a in zip(tensors, axes, strict=True))


def _merge(report: Comparison, layers: list[LayerComparison]) -> None:
    """Adds the layers of one more batch."""
    if not report.layers:
        report.layers = layers
        return
    for total, part in zip(report.layers, layers, strict=True):
        weight = part.elements / (total.elements + part.elements)
        total.rate += (part.rate - total.rate) * weight
        total.reference_rate += (part.reference_rate - total.reference_rate) * weight
        total.elements += part.elements
        total.flipped += part.flipped
        total.margin = max((m for m in (total.margin, part.margin) if m is not None), default=None)
        total.bound = min((b for b in (total.bound, part.bound) if b is not None), default=None)


def compare(model: nn.Module, artefact: CompiledModel | None, *inputs: Any, follow: bool = False) -> Comparison:
    """Compare a compiled model with PyTorch.

    Args:
        model: the PyTorch model; it is reset and left as it was found otherwise.
        artefact: the compiled model, with taps ``"*:spikes"`` for the layers; if
            None it is compiled here, for the batch of `inputs`.
        inputs: inputs of the model; their batch may be a multiple of the compiled one.
        follow: whether the rest of the PyTorch model sees the spikes that the
            compiled one fired, so that every layer's differences are its own.
    """
    tensors = as_tensors(inputs)
    if artefact is None:
        artefact = compile_model(model, *tensors, taps=["*:spikes"])
    report = Comparison()
    agreed: list[np.ndarray] = []
    for part in _batches(artefact, tensors):
        got = artefact(*[t.numpy() for t in part])
        taps = {name.removesuffix(":spikes"): value for name, value in artefact.taps.items() if name.endswith(":spikes")}
        expected, calls = trace(model, part, _as_fired(model, taps) if follow else None)
        _merge(report, [_layer(call, taps[call.path]) for call in calls if call.path in taps])
        wanted = [x.detach().numpy() for x in pytree.tree_leaves(expected) if isinstance(x, Tensor)]
        given = [np.asarray(x) for x in pytree.tree_leaves(got)]
        for a, b in zip(wanted, given, strict=True):
            report.output_equal &= bool(np.array_equal(a, b, equal_nan=True))
            if a.size:
                report.max_difference = max(report.max_difference, float(np.abs(a.astype(np.float64) - b).max()))
                report.max_output = max(report.max_output, float(np.abs(a.astype(np.float64)).max()))
        same = _same_classes(wanted[0], given[0])
        if same is not None:
            agreed.append(same)
    report.top1_agreement = float(np.concatenate(agreed).mean()) if agreed else None
    return report
