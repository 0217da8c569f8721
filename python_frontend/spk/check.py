"""Whether a compiled model does what PyTorch does: the verdict of ``python -m spk check``."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from spk import dyadic
from spk.artefact import ArtefactError, CompiledModel
from spk.comparison import Comparison, LayerComparison, NoiseFloor, compare, noise_floor
from spk.driver import compile_file
from spk.errors import SpkError
from spk.importer import ImportedModel, import_model
from spk.neuron_model import FORMS

__all__ = ["LARGE", "Compiled", "Verdict", "check_compiled", "put_on_grid"]

LARGE = 1 << 27  # spikes of the whole batch from which on one image is compared
_UNKNOWN = 0.01  # share of spikes that may differ in a layer whose membrane margin is not known
_OUTPUT = 2.0**-10  # share of the largest output by which rounding may change one
_GRID = 16.0
_NEURONS = {"spk.neuron", *(f"spk.{kind}" for kind in FORMS)}


@dataclass
class Verdict:
    """What a compiled model and PyTorch have in common.

    Attributes:
        compared: all layers and the outputs.
        inputs: what it was compared on.
        floor: PyTorch against itself in float64, where something differs.
        exact: layers in front of the first operation that rounds, which must be equal; empty if the weights are not on a grid.
        problems: differences that rounding does not explain, with the layer.
        warning: why the agreement may say little.
    """

    compared: Comparison
    inputs: str
    floor: NoiseFloor | None = None
    exact: Collection[str] = ()
    problems: list[str] = field(default_factory=list)
    warning: str = ""

    def __str__(self) -> str:
        compared = self.compared
        layers = f"{len(compared.layers)} neuron layers" if len(compared.layers) != 1 else "1 neuron layer"
        if not compared.layers:
            spikes = "no neuron layers"
        elif compared.flipped == 0:
            spikes = f"{layers} equal to PyTorch's, every spike of {compared.elements:,}"
        else:
            spikes = f"{compared.flipped:,} of {compared.elements:,} spikes of {layers} differ from PyTorch's"
            if self.floor is not None:
                spikes += f", {compared.flipped_rate:.2g} of all, {self.floor.share:.2g} between PyTorch in float32 and float64"
            first = compared.first_diverging
            spikes += f", first in {first.path}"
            if first.margin is not None:
                spikes += f", whose membrane was {first.margin:.2g} from its threshold"
            if self.exact:
                spikes += f"; {len(self.exact)} layers are in front of the first operation that rounds"
        output = "outputs equal" if compared.output_equal else f"outputs differ by {compared.max_difference:.2g}"
        return f"compiled; {spikes}; {output}; compared on {self.inputs}"


def put_on_grid(model: nn.Module, inputs: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], list[str]]:
    """Give a model weights on a dyadic grid, as `spk.dyadic.settle`, where operations may round.

    Returns:
        the inputs, rounded to multiples of 1/16, and the neuron layers in front
        of the first operation that rounds, which every implementation must
        compute alike.

    Raises:
        SpkError: with the layer, if neurons stay silent or a batch norm cannot be set.
    """
    rounded = tuple((x * _GRID).round() / _GRID if x.is_floating_point() else x for x in inputs)
    try:
        settled = dyadic.settle(model, rounded, output="partial")
    except (dyadic.BadRates, dyadic.NotExact, TypeError, ValueError) as error:
        raise SpkError(f"the model cannot be put on a dyadic grid: {error}; without --grid its own weights are used") from error
    return rounded, settled.exact


def _layer_problem(layer: LayerComparison) -> str | None:
    """What is wrong with a layer that differs on the spikes that the compiled model fired in front of it."""
    text = f"{layer.path}: {layer.flipped:,} of {layer.elements:,} spikes differ from what PyTorch's layer fires on the same spikes"
    if layer.flipped == 0:
        return None
    if layer.margin is None or layer.bound is None:
        return text if layer.flipped > _UNKNOWN * layer.elements else None
    if layer.margin <= layer.bound:
        return None
    return f"{text}; a membrane {layer.margin:.2g} from its threshold is not a matter of rounding, which explains {layer.bound:.1g}"


def _problems(model: nn.Module, tapped: CompiledModel, inputs: Sequence[Tensor], found: Verdict) -> list[str]:
    """Differences that rounding does not explain."""
    on_grid = [layer for layer in found.compared.layers if layer.flipped and layer.path in found.exact]
    if on_grid:
        first = on_grid[0]
        return [f"{first.path}: {first.flipped:,} of {first.elements:,} spikes differ on a dyadic grid, where nothing rounds"]
    own = compare(model, tapped, *inputs, follow=True)  # each layer on the same spikes
    problems = [text for layer in own.layers if (text := _layer_problem(layer)) is not None]
    if not problems and not own.max_difference <= _OUTPUT * own.max_output:
        largest = f"the largest is {own.max_output:.3g}"
        problems.append(f"outputs: differ by {own.max_difference:.3g} from PyTorch's on the same spikes, where {largest}")
    return problems


def _same_outputs(plain: CompiledModel, tapped: CompiledModel, inputs: Sequence[Tensor]) -> bool:
    arrays = [x.numpy() for x in inputs]
    pairs = zip(pytree.tree_leaves(plain(*arrays)), pytree.tree_leaves(tapped(*arrays)), strict=True)
    return all(np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True) for a, b in pairs)


def _first_of(inputs: Sequence[Tensor], compiled: CompiledModel) -> tuple[Tensor, ...]:
    """The first image or recording of a batch."""
    return tuple(x.narrow(1 if info.temporal else 0, 0, 1) for x, info in zip(inputs, compiled.inputs, strict=True))


def _batch(compiled: CompiledModel) -> int:
    info = compiled.inputs[0]
    return info.shape[1 if info.temporal else 0]


class Compiled:
    """A model compiled as it is and with the spikes of all neuron layers as outputs, both at a time.

    Raises:
        SpkError: if compiling fails.
    """

    def __init__(self, imported: ImportedModel, **options: Any) -> None:
        module = imported.mlir
        #: Whether the model scans a batch as one image, which is imported as a scan of every image on its own.
        self.scans_alone = any("--tb-scan" in warning.hint for warning in imported.warnings)
        self.plain, self.tapped = module.with_suffix(".so"), module.with_suffix(".tapped.so")
        taps = ["*:spikes"] if any(name in _NEURONS for name in imported.operations) else []
        with ThreadPoolExecutor(2) as pool:
            plain = pool.submit(compile_file, module, self.plain, **options)
            tapped = pool.submit(compile_file, module, self.tapped, taps=taps, **options)
            plain.result()
            tapped.result()

    def load(self, threads: int) -> tuple[CompiledModel, CompiledModel]:
        """Both, ready to run.

        Raises:
            SpkError: if they cannot run on this machine.
        """
        try:
            return CompiledModel(self.plain, threads), CompiledModel(self.tapped, threads)
        except ArtefactError as error:
            raise SpkError(f"compiled, but it cannot be run here: {error}; --compile-only does not run it") from error


def check_compiled(
    model: nn.Module,
    inputs: Sequence[Tensor],
    compiled: Compiled,
    exact: Collection[str] = (),
    *,
    threads: int = 1,
    reading: dict[str, Any] | None = None,
    **native: Any,
) -> Verdict:
    """Compare a compiled model with PyTorch, all spikes and outputs, and its outputs with and without taps.

    Of a large batch, and of one that the model scans as if it were one image, the first image is compared, for which it is
    compiled anew.

    Args:
        model: the PyTorch model.
        inputs: its inputs.
        compiled: the model, imported with `reading` for these inputs and compiled with `native`.
        exact: names of neuron calls that must be equal.
        threads: threads to run on.
        reading: how the model was imported, see `spk.import_model`.
        native: options of `spk.driver.compile_file`.

    Raises:
        SpkError: if it cannot be compiled for one image, or not run on this machine.
    """
    reading = reading or {}
    inputs = tuple(torch.as_tensor(x) for x in inputs)
    plain, tapped = compiled.load(threads)
    batch = _batch(plain)
    on = "1 input" if batch == 1 else f"{batch} inputs"
    is_large = sum(math.prod(tap.shape) for tap in tapped.tapped) > LARGE
    if batch > 1 and not reading.get("tb_scan") and (is_large or compiled.scans_alone):
        inputs, on = _first_of(inputs, plain), f"1 input of {batch}"
        imported = import_model(model, inputs, compiled.plain.with_name("first"), **reading)
        plain, tapped = Compiled(imported, **native).load(threads)
    found = Verdict(compare(model, tapped, *inputs), on, exact=exact)
    if not _same_outputs(plain, tapped, inputs):
        found.problems.append("outputs: compiled with taps they are others than without")
    if found.compared.flipped or not found.compared.output_equal:
        found.problems += _problems(model, tapped, inputs, found)
    if found.compared.flipped:
        found.floor = noise_floor(model, *inputs)
    silent = found.compared.silent
    if silent:
        names = ", ".join(silent[:3]) + (", ..." if len(silent) > 3 else "")
        of = f"{len(silent)} of {len(found.compared.layers)} layers never fire"
        found.warning = f"{of} ({names}); silent layers agree whatever is wrong: give a better --input, or --grid"
    return found
