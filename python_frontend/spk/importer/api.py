"""Import of a model into ``.mlir`` text and ``.safetensors`` weights."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from spk.errors import Problem, UnsupportedModelError
from spk.importer.capture import capture
from spk.importer.translate import BATCH_FIRST, IMAGE, SEQUENCE, Result, translate_graph

__all__ = ["ImportedModel", "as_tensors", "import_model", "readable_by_all", "translate"]


@dataclass(frozen=True)
class ImportedModel:
    """Files of an imported model.

    Attributes:
        mlir: the module as text.
        weights: the safetensors file beside it, which the module names.
        warnings: things that compile but may mean something else than intended.
        operations: names of the operations in order.
        input_names: names of the inputs.
        output_names: names of the outputs.
    """

    mlir: Path
    weights: Path
    warnings: list[Problem] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)
    input_names: list[str] = field(default_factory=list)
    output_names: list[str] = field(default_factory=list)


def as_tensors(inputs: Tensor | np.ndarray | Sequence[Tensor | np.ndarray]) -> tuple[Tensor, ...]:
    """One array or several as a tuple of float32 tensors on the CPU."""
    if isinstance(inputs, (Tensor, np.ndarray)):
        inputs = (inputs,)
    out = []
    for x in inputs:
        tensor = torch.from_numpy(np.ascontiguousarray(x)) if isinstance(x, np.ndarray) else x
        tensor = tensor.detach().cpu()
        out.append(tensor.float() if tensor.is_floating_point() else tensor)
    return tuple(out)


def readable_by_all(file: Path) -> None:
    """Give a file that was made private the permissions of any new file."""
    mask = os.umask(0)
    os.umask(mask)
    file.chmod(0o666 & ~mask)


def _choices(inputs: Sequence[Tensor], sequence: bool | None) -> list[tuple[str, ...]]:
    """The readings of the inputs to try, most likely first."""
    options: list[tuple[str, ...]] = []
    for x in inputs:
        if sequence is not None:
            options.append((SEQUENCE,) if sequence else (IMAGE, BATCH_FIRST))
        else:
            options.append((SEQUENCE, IMAGE, BATCH_FIRST) if x.dim() >= 3 else (IMAGE,))
    return list(product(*options))


def translate(
    model: nn.Module,
    inputs: Tensor | np.ndarray | Sequence[Tensor | np.ndarray],
    *,
    sequence: bool | None = None,
    tb_scan: bool = False,
) -> Result:
    """Translate a model in memory.

    Args:
        model: any module; it is left as it was found.
        inputs: example inputs, which fix all shapes.
        sequence: whether inputs are sequences ``[T, B, ...]`` (True) or images
            ``[B, ...]`` (False); found out from the model if None.
        tb_scan: what a multi-step neuron does that the model feeds time and batch as one
            axis (QKFormer's ``proj_lif``). False: it scans every image on its own, which
            is what the model does at batch 1. True: it scans ``t * B + b`` as the model
            does, so that images depend on their neighbours; the batch is then fixed and
            the result has no ``step``.

    Raises:
        UnsupportedModelError: with all findings.
    """
    tensors = as_tensors(inputs)
    captured = capture(model, tensors)
    best: Result | None = None
    for readings in _choices(tensors, sequence):
        result = translate_graph(captured, model, readings, tb_scan)
        if not result.problems:
            return result
        if best is None or result.translated > best.translated:
            best = result
    assert best is not None
    raise UnsupportedModelError(best.problems)


def import_model(
    model: nn.Module,
    inputs: Tensor | np.ndarray | Sequence[Tensor | np.ndarray],
    output: str | Path,
    *,
    sequence: bool | None = None,
    tb_scan: bool = False,
) -> ImportedModel:
    """Write a model as ``<output>.mlir`` and ``<output>.safetensors``.

    Args:
        model: any module; it is left as it was found.
        inputs: example inputs, which fix all shapes, the batch included.
        output: path without suffix, or with ``.mlir``.
        sequence, tb_scan: see `translate`.

    Raises:
        UnsupportedModelError: with all findings; nothing is written.
    """
    result = translate(model, inputs, sequence=sequence, tb_scan=tb_scan)
    path = Path(output)
    stem = path.with_suffix("") if path.suffix == ".mlir" else path
    mlir, weights = stem.with_name(f"{stem.name}.mlir"), stem.with_name(f"{stem.name}.safetensors")
    mlir.parent.mkdir(parents=True, exist_ok=True)
    save_file(result.weights(), str(weights))
    readable_by_all(weights)
    mlir.write_text(result.text(weights.name), encoding="utf-8")
    return ImportedModel(
        mlir,
        weights,
        list(result.warnings),
        result.context.builder.opcodes(),
        [a.name for a in result.inputs],
        [a.name for a in result.outputs],
    )
