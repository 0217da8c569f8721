"""One call that proves a model on the dyadic grid: compiled spikes and outputs are PyTorch's, and steps are a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from test_equivalence import HIGH, LOW, Settled, assert_same, in_child, stepped
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from spk.artefact import ArtefactError, CompiledModel
from spk.comparison import trace
from spk.driver import compile_file
from spk.dyadic import settle
from spk.importer import import_model


def outputs_of(result: Any) -> list[np.ndarray]:
    return [np.asarray(x) for x in pytree.tree_leaves(result) if isinstance(x, (Tensor, np.ndarray))]


def agree(model: nn.Module, inputs: tuple[Tensor, ...], folder: Path, layers: int = 1, until: str | None = None) -> str:
    """Settles, compiles and compares a model; returns why it cannot run step by step, empty if it can.

    Args:
        model: changed in place.
        inputs: on the grid.
        folder: for the files.
        layers: least number of neuron layers.
        until: the module behind which PyTorch rounds; what runs from there on is not compared.
    """
    model.eval()
    report = settle(model, inputs, low=LOW, high=HIGH, output="rounded", until=until)
    result, calls = trace(model, inputs)
    assert len(calls) >= layers
    paths = {call.path.partition("#")[0] for call in calls}  # a neuron that is called step by step fires over all steps
    for path in paths if until is None else ():
        spikes = torch.stack([call.spikes for call in calls if call.path.partition("#")[0] == path])
        assert LOW <= spikes.count_nonzero().item() / spikes.numel() <= HIGH, path
    outputs = outputs_of(result)
    other = tuple(x.flip(-1).roll(1, -2) * 0.5 for x in inputs)
    changed = outputs_of(trace(model, other)[0])
    assert any(not np.array_equal(a, b) for a, b in zip(outputs, changed, strict=True)), "two inputs give the same output"
    imported = import_model(model, inputs, folder / "net")
    if until is not None:
        scope = until.partition(".")[0]
        calls = calls[: next(i for i, call in enumerate(calls) if call.path.startswith(scope))]
        assert len(calls) >= layers
    settled = Settled(model, inputs, calls, outputs, report.rounded_from is None, imported, other)
    native = CompiledModel(compile_file(imported.mlir, folder / "net.so", taps=["*:spikes"]))
    given = outputs_of(native(*[x.numpy() for x in inputs]))
    compared = {call.path for call in calls}
    taps = {name.removesuffix(":spikes"): np.asarray(a) for name, a in native.taps.items()}
    assert until is not None or set(taps) == compared
    settled.outputs = [] if until is not None else outputs
    assert_same(settled, given if until is None else [], {path: taps[path] for path in compared})
    if not in_child(lambda: _without_steps(settled, native) or stepped(settled.inputs, native)):
        return ""
    # Taps of a neuron's single calls are results at single steps: without them a loop may become a scan.
    plain = CompiledModel(compile_file(imported.mlir, folder / "plain.so"))
    for a, b in zip(outputs_of(plain(*[x.numpy() for x in inputs])), given, strict=True):
        np.testing.assert_array_equal(a, b)
    return in_child(lambda: _without_steps(settled, plain) or stepped(settled.inputs, plain))


def _without_steps(settled: Settled, native: CompiledModel) -> str:
    """Why a model whose result needs all time steps at once cannot run step by step, empty if it is not one."""
    step = [x[0].numpy() if info.temporal else x.numpy() for x, info in zip(settled.inputs, native.inputs, strict=True)]
    try:
        native.step(*step)
    except ArtefactError as error:
        return str(error) if "depends on single steps but has no time axis" in str(error) else ""
    native.reset()
    return ""


def seeded(build: Any) -> nn.Module:
    """A built model whose weights do not depend on what ran before."""
    torch.manual_seed(11)
    return build().eval()
