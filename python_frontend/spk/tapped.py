"""Models compiled with inner values as outputs, and what these are on samples."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spk.artefact import CompiledModel, TensorInfo
from spk.driver import compile_file
from spk.errors import SpkError
from spk.graph import Graph, read_graph, type_of
from spk.samples import sample_files

__all__ = ["Samples", "TappedModel", "compile_tapped", "find_module", "load_samples"]

_ARTEFACTS = (".so", ".a", ".o", ".exe", ".mlir")


def find_module(name: str | Path) -> Path:
    """The module of a network: the file itself, or ``NET.mlir`` beside the artefact ``NET`` or ``NET.so``.

    Raises:
        SpkError: if there is none, with what to do.
    """
    path = Path(name)
    module = path.with_suffix(".mlir") if path.suffix in _ARTEFACTS else path.with_name(f"{path.name}.mlir")
    if module.is_file():
        return module
    if path == module:
        raise SpkError(f"{path} does not exist")
    raise SpkError(
        f"{path}: there is no {module}, from which the network would be compiled with taps; name the .mlir file, or"
        " FILE.py:function, or keep the .mlir and .safetensors that python -m spk compile writes beside the artefact"
    )


Samples = np.ndarray | str | Path  # an array, or a .npy file


def load_samples(samples: Sequence[Samples]) -> list[np.ndarray]:
    """Samples of every input as arrays of float32.

    Raises:
        SpkError: if a file cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="spk-samples-") as folder:
        return [np.load(file) for file in sample_files(list(samples), Path(folder))]


def _batch_axis(info: TensorInfo) -> int:
    return 1 if info.temporal else 0


def _take(array: np.ndarray, axis: int, start: int, count: int) -> np.ndarray:
    """`count` samples from `start` on; where they end, the last one again."""
    last = array.shape[axis] - 1
    return array.take(np.minimum(np.arange(start, start + count), last), axis)


@dataclass(frozen=True)
class Group:
    """Taps of one run.

    Attributes:
        taps: arrays of the compiled batch size, by name.
        valid: the number of samples in it; what follows is a repetition.
    """

    taps: dict[str, np.ndarray]
    valid: int

    def samples(self, array: np.ndarray) -> np.ndarray:
        """An array ``[T, B, ...]`` without the repetition."""
        return array[:, : self.valid]


class TappedModel:
    """A network compiled with taps into a temporary folder.

    Attributes:
        name: of the module's file.
        compiled: the loaded artefact.
        graph: the module's layers.
        explanation: what ``spk-compile --explain=json`` says; with densities if
            samples were given.
    """

    def __init__(self, module: Path, compiled: CompiledModel, explanation: dict[str, Any]) -> None:
        self.name = module.stem
        self.compiled = compiled
        self.explanation = explanation
        self.graph: Graph = read_graph(module, {info.name: type_of(info) for info in compiled.tapped})

    def count(self, samples: Sequence[np.ndarray]) -> int:
        """The number of samples.

        Raises:
            SpkError: if they do not fit the inputs.
        """
        inputs = self.compiled.inputs
        if len(samples) != len(inputs):
            names = ", ".join(i.name for i in inputs)
            raise SpkError(f"{self.name} has {len(inputs)} inputs ({names}), --samples gives files for {len(samples)}")
        counts = set()
        for array, info in zip(samples, inputs, strict=True):
            axis = _batch_axis(info)
            fits = array.ndim == len(info.shape) and all(
                n == m for i, (n, m) in enumerate(zip(array.shape, info.shape, strict=True)) if i != axis
            )
            if not fits or array.shape[axis] == 0:
                wanted = "x".join("N" if i == axis else str(n) for i, n in enumerate(info.shape))
                raise SpkError(f"the samples of {info.name} are {'x'.join(map(str, array.shape))}, expected {wanted} with N samples")
            counts.add(array.shape[axis])
        if len(counts) != 1:
            raise SpkError(f"the inputs have different numbers of samples: {', '.join(map(str, sorted(counts)))}")
        return counts.pop()

    def run_one(self, samples: Sequence[np.ndarray], index: int) -> Group:
        """The taps on one sample.

        Raises:
            SpkError: if there is no such sample.
        """
        total = self.count(samples)
        if not 0 <= index < total:
            raise SpkError(f"there is no sample {index}: the samples are 0 to {total - 1}")
        return next(self.run([_take(a, _batch_axis(i), index, 1) for a, i in zip(samples, self.compiled.inputs, strict=True)]))

    def run(self, samples: Sequence[np.ndarray]) -> Iterator[Group]:
        """The taps on all samples, a batch at a time."""
        inputs = self.compiled.inputs
        total, batch = self.count(samples), inputs[0].shape[_batch_axis(inputs[0])]
        for start in range(0, total, batch):
            self.compiled(*[_take(a, _batch_axis(i), start, batch) for a, i in zip(samples, inputs, strict=True)])
            yield Group(self.compiled.taps, min(batch, total - start))


def compile_tapped(
    module: Path,
    taps: Sequence[str],
    *,
    densities_of: Sequence[Samples] = (),
    extra_args: Sequence[str] = (),
    target_cpu: str = "host",
) -> TappedModel:
    """Compile a module with taps and load it.

    Args:
        module: the ``.mlir`` file, with its weights beside it.
        taps: as of ``spk-compile --tap``.
        densities_of: samples of every input on which the compiler counts what
            layers with weights read.
        extra_args: further arguments of ``spk-compile``.
        target_cpu: processor to compile for.

    Raises:
        ToolError: if the compiler fails.
    """
    keep = tempfile.TemporaryDirectory(prefix="spk-tapped-")
    library, explanation = Path(keep.name) / "tapped.so", Path(keep.name) / "explain.json"
    options = ["--explain=json", f"--explain-file={explanation}", *extra_args]
    compile_file(module, library, taps=taps, samples=list(densities_of) or None, target_cpu=target_cpu, extra_args=options)
    compiled = CompiledModel(library, keep=keep)
    return TappedModel(module, compiled, json.loads(explanation.read_text(encoding="utf-8")))
