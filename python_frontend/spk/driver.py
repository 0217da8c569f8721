"""`spk.compile`: from a PyTorch model to a loaded shared library."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from spk.artefact import CompiledModel
from spk.importer import ImportedModel, import_model
from spk.samples import sample_files
from spk.tools import run_tool

__all__ = ["compile", "compile_file", "compile_imported"]


def compile_file(
    mlir: str | Path,
    output: str | Path,
    *,
    emit: str = "shared",
    taps: Sequence[str] = (),
    samples: Any = None,
    target_cpu: str = "host",
    cost_model: str | Path | None = None,
    openmp: bool = False,
    ann_to_snn: tuple[int, int] | int | None = None,
    binary_substeps: bool = False,
    extra_args: Sequence[str] = (),
    echo: bool = False,
) -> Path:
    """Run ``spk-compile`` on a module; `echo` prints what it says.

    Raises:
        SpkError: if the samples cannot be read.
        ToolError: with the compiler's messages and the command that reproduces them.
    """
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.unlink(missing_ok=True)  # a loaded library keeps its old file
    arguments: list[str | Path] = [mlir, "-o", output, f"--emit={emit}", f"--target-cpu={target_cpu}"]
    arguments += [f"--tap={tap}" for tap in taps]
    if cost_model is not None:
        arguments.append(f"--cost-model={cost_model}")
    if ann_to_snn is not None:
        steps, extra = (ann_to_snn, 0) if isinstance(ann_to_snn, int) else ann_to_snn
        arguments.append(f"--ann-to-snn=T={steps},extra-t={extra}")
    if binary_substeps:
        arguments.append("--binary-substeps")
    if not openmp:
        arguments.append("--openmp=none")
    with tempfile.TemporaryDirectory(prefix="spk-samples-") as folder:
        arguments += [f"--samples={file}" for file in sample_files(samples, Path(folder))]
        done = run_tool("spk-compile", [*arguments, *extra_args])
    if echo:
        print(done.stdout, end="")
        print(done.stderr, end="", file=sys.stderr)
    return output


def compile_imported(imported: ImportedModel, output: str | Path, **options: Any) -> Path:
    """`compile_file` on an imported model."""
    return compile_file(imported.mlir, output, **options)


def compile(
    model: nn.Module,
    *example: Any,
    output: str | Path | None = None,
    threads: int = 1,
    taps: Sequence[str] = (),
    samples: Any = None,
    target_cpu: str = "host",
    cost_model: str | Path | None = None,
    openmp: bool | None = None,
    sequence: bool | None = None,
    tb_scan: bool = False,
    ann_to_snn: tuple[int, int] | int | None = None,
    binary_substeps: bool = False,
    extra_args: Sequence[str] = (),
) -> CompiledModel:
    """Compile a model to native code and load it.

    Args:
        model: any module that `spk.import_model` takes; left as it was found.
        example: example inputs; they fix all shapes, the batch included.
        output: where to write the shared library (``.so``) and, beside it, the
            imported ``.mlir`` and ``.safetensors``; a temporary folder if None.
        threads: threads that the loaded model uses.
        taps: module path globs, each with an optional ``:spikes``, ``:current``,
            ``:membrane`` or ``:attention``, that become extra outputs.
        samples: inputs on which to measure how dense the input of every layer
            is: an array, a tensor or the path of a ``.npy`` file, a list of them
            for several inputs. The batch axis may have any length. Densities are
            assumed if None.
        target_cpu: processor to compile for.
        cost_model: file that ``python -m spk calibrate`` wrote, or a family of
            CPUs, by which kernels are chosen; never changes a bit.
        openmp: whether to emit parallel code; by default if `threads` is not 1.
        sequence, tb_scan: see `spk.import_model`.
        ann_to_snn: convert an ANN with `spk.neuron.QCFS` activations to an SNN of
            T time steps, or of (T, extra_t) with so many without input behind
            them. The results are sums over all steps divided by T; the tap
            ``"output:membrane"`` has the sums step by step.
        binary_substeps: run integer spikes as binary ones: what reads a neuron
            that fires 0 to D sums spikes of D sub-steps, which may round
            otherwise than the sum of integers.
        extra_args: further arguments of ``spk-compile``.

    Raises:
        UnsupportedModelError: with every operation that cannot be imported.
        ToolError: if the compiler fails.
    """
    if not example:
        raise TypeError("spk.compile needs an example input: spk.compile(model, x)")
    keep = tempfile.TemporaryDirectory(prefix="spk-") if output is None else None
    library = Path(keep.name) / "model.so" if keep is not None else Path(output)  # type: ignore[arg-type]
    if library.suffix != ".so":
        library = library.with_name(f"{library.name}.so")
    imported = import_model(model, example, library.with_suffix(""), sequence=sequence, tb_scan=tb_scan)
    parallel = threads != 1 if openmp is None else openmp
    compile_file(
        imported.mlir,
        library,
        taps=taps,
        samples=samples,
        target_cpu=target_cpu,
        cost_model=cost_model,
        openmp=parallel,
        ann_to_snn=ann_to_snn,
        binary_substeps=binary_substeps,
        extra_args=extra_args,
    )
    return CompiledModel(library, threads, keep=keep)
