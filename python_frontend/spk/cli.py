"""The command line: ``python -m spk import|check|compile|run|compare|report|show|convert|calibrate``."""

from __future__ import annotations

import argparse
import logging
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spk import cli_observe
from spk.errors import Problem, SpkError, UnsupportedModelError

__all__ = ["main"]

_MODEL = "model: FILE.py:function, where function() returns a torch.nn.Module"

_EPILOG = """\
examples:
  python -m spk check   model.py:build
  python -m spk compile model.py:build -o net.so --tap '*:spikes'
  python -m spk compile model.py:build --input-shape 1,3,224,224 -o net.so
  python -m spk run     net.so --input image.npy --top 5
  python -m spk compare model.py:build --input image.npy
  python -m spk report  net.mlir --samples images.npy
  python -m spk show    net.mlir --samples images.npy -o pictures
  python -m spk convert checkpoint.pth weights.safetensors
  python -m spk calibrate -o machine.json

All shapes, the batch included, are those of the example input: --input,
--input-shape, or what example() in the model's file returns.
"""


def _steps(text: str) -> tuple[int, int]:
    """What ``T=8,extra-t=2`` says."""
    match = re.fullmatch(r"T=(\d+)(?:,extra-t=(\d+))?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"must be T=N or T=N,extra-t=M, not {text!r}")
    return int(match[1]), int(match[2] or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m spk",
        description="Ahead-of-time compiler for spiking transformers: PyTorch models to native code.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    inputs = argparse.ArgumentParser(add_help=False)
    group = inputs.add_argument_group("example input")
    group.add_argument("--input", action="append", default=[], metavar="X.npy", help="input array; repeat for several inputs")
    group.add_argument("--input-shape", action="append", default=[], metavar="1,3,32,32", help="random input of this shape")
    group.add_argument(
        "--timesteps",
        type=int,
        metavar="T",
        help="number of time steps: passed to the model's function if it takes T or timesteps; else the model repeats its input so"
        " often; else, with --input-shape, the input is a sequence [T, ...]; refused, with the reason, where none of them works",
    )
    reading = group.add_mutually_exclusive_group()
    reading.add_argument("--sequence", action="store_true", help="inputs are sequences [T, B, ...] (default: found out)")
    reading.add_argument("--image", action="store_true", help="inputs are images [B, ...] (default: found out)")
    group.add_argument(
        "--tb-scan",
        action="store_true",
        help="where the model feeds a neuron time and batch as one axis, scan both as it does, with a fixed batch and no step()"
        " (default: every image on its own)",
    )

    native = argparse.ArgumentParser(add_help=False)
    group = native.add_argument_group("code generation")
    group.add_argument("--target-cpu", default="host", metavar="CPU", help="host (default), x86-64-v3, ...")
    group.add_argument("--threads", type=int, default=1, metavar="N", help="threads; 1 (default) means no OpenMP")
    group.add_argument(
        "--binary-substeps",
        action="store_true",
        help="run integer spikes as binary ones: synapses of a neuron that fires 0 to D read spikes in D sub-steps",
    )

    add = commands.add_parser
    p = add("import", parents=[inputs], help="write .mlir and .safetensors", description="Import a model without compiling it.")
    p.add_argument("model", help=_MODEL)
    p.add_argument("-o", "--output", required=True, metavar="NET.mlir", help="module; the weights go beside it")

    p = add(
        "check",
        parents=[inputs, native],
        help="list what is unsupported",
        description="List every unsupported operation with its path, reason and nearest supported form."
        " Says 'supported' only if the model was compiled and its spikes and outputs are those of PyTorch, but for what rounding"
        " explains. Exit code 1 if something is unsupported or differs.",
    )
    p.add_argument("model", help=_MODEL)
    p.add_argument(
        "--grid",
        action="store_true",
        help="give the model weights on a dyadic grid, on which no sum rounds and all neurons fire: every spike must be equal",
    )
    cheaper = p.add_mutually_exclusive_group()
    cheaper.add_argument("--compile-only", action="store_true", help="do not run it; says 'compiled' at best")
    cheaper.add_argument("--import-only", action="store_true", help="do not compile; says 'imported' at best")

    p = add(
        "compile",
        parents=[inputs, native],
        help="compile to native code",
        description="Compile a model. Arguments after -- go to spk-compile, for example: -- --explain",
    )
    p.add_argument("model", help=_MODEL)
    p.add_argument("-o", "--output", required=True, metavar="NET", help="artefact; .mlir and .safetensors go beside it")
    p.add_argument("--emit", default="shared", choices=["shared", "exe", "archive", "object", "llvm", "asm", "mlir"])
    p.add_argument("--tap", action="append", default=[], metavar="GLOB[:KIND]", help="extra outputs, for example '*:spikes'")
    p.add_argument(
        "--ann-to-snn",
        type=_steps,
        metavar="T=N[,extra-t=M]",
        help="convert an ANN with QCFS activations to an SNN of N time steps, and M without input behind them",
    )

    p.add_argument(
        "--samples", action="append", metavar="X.npy", help="measure densities on these inputs first; repeat for several inputs"
    )

    p = add("run", parents=[inputs, native], help="run a compiled model", description="Run an artefact or a model.")
    p.add_argument("model", help="NET.so, or FILE.py:function, which is compiled first")
    p.add_argument("--output", metavar="Y.npy", help="write the outputs; several get their names before the suffix")
    p.add_argument("--top", type=int, metavar="K", help="print the K largest outputs")

    p = add(
        "compare",
        parents=[inputs, native],
        help="compare with PyTorch",
        description="Firing rates, flipped spikes, first diverging layer with its membrane margin, outputs. Exit code 1 if"
        " anything differs.",
    )
    p.add_argument("model", help=_MODEL)
    p.add_argument("--artefact", metavar="NET.so", help="compiled with --tap '*:spikes'; compiled now if not given")

    cli_observe.add_commands(add, inputs)

    p = add(
        "convert",
        help="checkpoint of torch.save to safetensors",
        description="Write the weights of a checkpoint as safetensors. Nothing in the checkpoint is executed. Prints what was removed"
        " from the names and what was left out.",
    )
    p.add_argument("checkpoint", metavar="IN.pth", help="file of torch.save: a state_dict, or one under a key such as model")
    p.add_argument("output", metavar="OUT.safetensors", help="file to write")
    p.add_argument("--key", metavar="KEY", help="where the weights are in the checkpoint, for example state_dict_ema")

    p = add(
        "calibrate",
        help="measure this machine",
        description="Measure the constants by which spk-compile --cost-model chooses kernels: time small layers on one processor,"
        " fit, print, write. Leave the machine idle meanwhile.",
    )
    p.add_argument("-o", "--output", default="cost-model.json", metavar="FILE", help="file to write (default: %(default)s)")
    p.add_argument("--target-cpu", default="host", metavar="CPU", help="code to measure: host (default), x86-64-v3, ...")
    p.add_argument("--rounds", type=int, default=40, metavar="N", help="runs of every layer on every input (default: %(default)s)")
    p.add_argument("--quick", action="store_true", help="the fewest layers that determine all constants")
    return parser


def _reading(args: argparse.Namespace) -> dict[str, Any]:
    """How the model is to be read, for `import_model`."""
    sequence = bool(args.sequence) if args.sequence or args.image else None
    return {"sequence": sequence, "tb_scan": args.tb_scan}


def _native(args: argparse.Namespace) -> dict[str, Any]:
    """What is compiled for, and how, for `compile` and `compile_file`."""
    return {"target_cpu": args.target_cpu, "binary_substeps": args.binary_substeps}


def _load(args: argparse.Namespace) -> tuple[Any, tuple[Any, ...]]:
    from spk.sources import example_inputs, load_source, set_timesteps

    steps = args.timesteps
    model, module = load_source(args.model, steps)
    inputs = example_inputs(model, module, args.input, args.input_shape)
    if steps is not None:
        build = getattr(module, args.model.rpartition(":")[2])
        inputs = set_timesteps(model, build, inputs, steps, random=not args.input and bool(args.input_shape))
    return model, inputs


def _print_warnings(warnings: Sequence[Problem]) -> None:
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)


def _import(args: argparse.Namespace) -> int:
    from spk.importer import import_model

    model, inputs = _load(args)
    imported = import_model(model, inputs, args.output, **_reading(args))
    _print_warnings(imported.warnings)
    print(f"wrote {imported.mlir} and {imported.weights}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from spk.check import Compiled, check_compiled, put_on_grid
    from spk.driver import compile_file
    from spk.importer import import_model

    model, inputs = _load(args)
    exact: list[str] = []
    with tempfile.TemporaryDirectory(prefix="spk-check-") as folder:
        try:
            imported = import_model(model, inputs, Path(folder) / "model", **_reading(args))
        except UnsupportedModelError as error:
            print(f"{args.model}: not supported")
            print(error)
            return 1
        _print_warnings(imported.warnings)
        if args.import_only:
            print(f"{args.model}: imported ({len(imported.operations)} operations); not compiled")
            return 0
        native = {"openmp": args.threads != 1, **_native(args)}
        if args.grid and not args.compile_only:
            inputs, exact = put_on_grid(model, inputs)
            imported = import_model(model, inputs, Path(folder) / "model", **_reading(args))
        try:
            if args.compile_only:
                compile_file(imported.mlir, Path(folder) / "model.so", **native)
                print(f"{args.model}: compiled; not compared with PyTorch")
                return 0
            compiled = Compiled(imported, **native)
        except SpkError as error:
            print(f"{args.model}: not supported, the import succeeded but compiling failed")
            print(error)
            return 1
        found = check_compiled(model, inputs, compiled, exact, threads=args.threads, reading=_reading(args), **native)
    if found.warning:
        print(f"warning: {found.warning}", file=sys.stderr)
    print(f"{args.model}: {'not supported' if found.problems else 'supported'}: {found}")
    for problem in found.problems:
        print(problem)
    return 1 if found.problems else 0


def _compile(args: argparse.Namespace) -> int:
    from spk.driver import compile_file
    from spk.importer import import_model

    model, inputs = _load(args)
    output = Path(args.output)
    imported = import_model(model, inputs, output.with_suffix(""), **_reading(args))
    _print_warnings(imported.warnings)
    options = {"emit": args.emit, "taps": args.tap, "samples": args.samples, "openmp": args.threads != 1, **_native(args)}
    compile_file(imported.mlir, output, ann_to_snn=args.ann_to_snn, extra_args=args.rest, echo=True, **options)
    return 0


def _write(output: str, names: Sequence[str], arrays: Sequence[np.ndarray]) -> None:
    path = Path(output)
    for name, array in zip(names, arrays, strict=True):
        target = path if len(arrays) == 1 else path.with_name(f"{path.stem}.{name.replace(':', '_')}{path.suffix}")
        np.save(target, array)
        print(f"wrote {target}")


def _run(args: argparse.Namespace) -> int:
    from spk.artefact import load
    from spk.driver import compile as compile_model
    from spk.sources import example_inputs

    if args.model.endswith(".so"):
        compiled = load(args.model, args.threads)
        inputs = example_inputs(None, None, args.input, args.input_shape, args.timesteps)  # type: ignore[arg-type]
    else:
        model, inputs = _load(args)
        compiled = compile_model(model, *inputs, threads=args.threads, **_native(args), **_reading(args))
    result = compiled(*[x.numpy() for x in inputs])
    values = list(result.values()) if isinstance(result, dict) else list(result) if isinstance(result, tuple) else [result]
    names = [o.name for o in compiled.outputs]
    for name, value in zip(names, values, strict=True):
        print(f"{name}: {value.dtype}{list(value.shape)}")
        if args.top:
            for row in value.reshape(-1, value.shape[-1]):
                best = np.argsort(-row, kind="stable")[: args.top]
                print("  " + "  ".join(f"{i}: {row[i]:.6g}" for i in best))
    if args.output:
        _write(args.output, [*names, *compiled.taps], [*values, *compiled.taps.values()])
    return 0


def _compare(args: argparse.Namespace) -> int:
    from spk.artefact import load
    from spk.comparison import compare
    from spk.driver import compile as compile_model

    model, inputs = _load(args)
    if args.artefact:
        compiled = load(args.artefact, args.threads)
    else:
        options = {"threads": args.threads, **_native(args), **_reading(args)}
        compiled = compile_model(model, *inputs, taps=["*:spikes"], **options)
    report = compare(model, compiled, *inputs)
    print(report)
    return 0 if report.output_equal and not report.flipped else 1


def _calibrate(args: argparse.Namespace) -> int:
    from spk.calibration import calibrate

    if args.rounds < 1:
        raise SpkError(f"--rounds must be at least 1, got {args.rounds}")
    output = Path(args.output)
    if not output.parent.is_dir():
        raise SpkError(f"cannot write {output}: there is no folder {output.parent}")
    measured = calibrate(args.target_cpu, rounds=args.rounds, quick=args.quick)
    print(measured)
    measured.write(output)
    print(f"wrote {output}")
    return 0


def _convert(args: argparse.Namespace) -> int:
    from spk.convert import convert

    print(convert(args.checkpoint, args.output, key=args.key))
    return 0


_COMMANDS = {
    "import": _import,
    "check": _check,
    "compile": _compile,
    "run": _run,
    "compare": _compare,
    "convert": _convert,
    "calibrate": _calibrate,
    **cli_observe.COMMANDS,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the result is the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    cut = given.index("--") if "--" in given and given[:1] == ["compile"] else len(given)
    args = _parser().parse_args(given[:cut])
    args.rest = given[cut + 1 :]
    # PyTorch says on every export that it found no GPU kernels.
    logging.getLogger("torch._library.triton").setLevel(logging.ERROR)
    try:
        return _COMMANDS[args.command](args)
    except SpkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
