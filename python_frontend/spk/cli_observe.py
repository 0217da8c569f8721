"""The commands that show what a network does: ``python -m spk report|show``."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spk.errors import SpkError

__all__ = ["COMMANDS", "add_commands"]

_NET = "NET.mlir, or the artefact NET or NET.so with NET.mlir beside it, or FILE.py:function"


def add_commands(add: Callable[..., argparse.ArgumentParser], inputs: argparse.ArgumentParser) -> None:
    """Adds the parsers of both commands; `inputs` has the options for an example input."""
    observed = argparse.ArgumentParser(add_help=False)
    observed.add_argument("model", help=_NET)
    observed.add_argument("--samples", action="append", required=True, metavar="X.npy", help="samples; repeat for several inputs")
    observed.add_argument("--target-cpu", default="host", metavar="CPU", help="CPU to run on: host (default), x86-64-v3, ...")

    p = add(
        "report",
        parents=[observed, inputs],
        help="firing rates, operations, energy",
        description="Firing rate, multiply-accumulates, synaptic operations and energy of every layer, counted on samples.",
    )
    p.add_argument("--format", default="text", choices=["text", "json", "csv"])
    p.add_argument("-o", "--output", metavar="FILE", help="write here (default: standard output)")
    group = p.add_argument_group("what is counted")
    group.add_argument("--integers", default="spikes", choices=["spikes", "floats"], help="an integer n is n spikes (default), or a float")
    group.add_argument(
        "--static",
        default="every-step",
        choices=["every-step", "once"],
        help="count layers whose input is the same at every step so often (default: every-step, as papers do)",
    )
    group.add_argument("--association", default="auto", choices=["auto", "qk_first", "kv_first"], help="order of the attention products")
    group = p.add_argument_group("energy, in pJ")
    group.add_argument("--mac-pj", type=float, metavar="E", help="of a multiply-accumulate (4.6)")
    group.add_argument("--accumulate-pj", type=float, metavar="E", help="of an accumulate (0.9)")
    group.add_argument(
        "--memory-pj", metavar="BYTES=E,...", help="of an access to a 32-bit word, by capacity (8192=10,32768=20,1048576=100)"
    )

    p = add(
        "show",
        parents=[observed, inputs],
        help="draw attention maps and spikes",
        description="Draw attention maps over the input and the spikes of queries, keys, values and other neurons, as PNG files.",
    )
    p.add_argument("-o", "--output", default=".", metavar="DIR", help="folder to write to (default: this one)")
    p.add_argument("--core", action="append", metavar="GLOB", help="attention cores (default: the last one)")
    p.add_argument("--raster", action="append", default=[], metavar="GLOB", help="neuron layers whose spikes to draw")
    p.add_argument("--sample", type=int, default=0, metavar="I", help="index of the sample (default: 0)")
    p.add_argument("--step", type=int, metavar="T", help="time step of the attention map, from 0 on (default: the last one)")
    p.add_argument("--head", type=int, metavar="H", help="head, from 0 on (default: all)")
    p.add_argument("--grid", metavar="ROWSxCOLUMNS", help="arrangement of the tokens (default: as the input is shaped)")


def _module(args: argparse.Namespace, folder: Path) -> Path:
    """The module to compile; that of a PyTorch model is written to `folder`."""
    from spk.tapped import find_module

    if ".py:" not in args.model:
        return find_module(args.model)
    from spk.importer import import_model
    from spk.sources import example_inputs, load_source, set_timesteps

    model, source = load_source(args.model, args.timesteps)
    has_example = any(callable(getattr(holder, "example", None)) for holder in (source, model))
    files = args.input or ([] if args.input_shape or has_example else args.samples)
    inputs = example_inputs(model, source, files, args.input_shape)
    if args.timesteps is not None:
        build = getattr(source, args.model.rpartition(":")[2])
        inputs = set_timesteps(model, build, inputs, args.timesteps, random=not files and bool(args.input_shape))
    sequence = bool(args.sequence) if args.sequence or args.image else None
    return import_model(model, inputs, folder / Path(args.model.rpartition(":")[0]).stem, sequence=sequence).mlir


def _report(args: argparse.Namespace) -> int:
    from spk.energy import Constants, parse_memory
    from spk.report import Convention, measure

    given: dict[str, Any] = {"mac": args.mac_pj, "accumulate": args.accumulate_pj}
    given["memory"] = None if args.memory_pj is None else parse_memory(args.memory_pj)
    constants = Constants(**{name: value for name, value in given.items() if value is not None})
    output = Path(args.output) if args.output else None
    if output is not None and not output.parent.is_dir():
        raise SpkError(f"cannot write {output}: there is no folder {output.parent}")
    convention = Convention(integers_as_macs=args.integers == "floats", static_once=args.static == "once")
    with tempfile.TemporaryDirectory(prefix="spk-report-") as folder:
        options: dict[str, Any] = {"association": args.association, "target_cpu": args.target_cpu}
        module = _module(args, Path(folder))
        report = measure(module, args.samples, constants=constants, convention=convention, **options)
    text = {"text": lambda: f"{report}\n", "json": report.to_json, "csv": report.to_csv}[args.format]()
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, encoding="utf-8")
        print(f"wrote {output}")
    return 0


def _show(args: argparse.Namespace) -> int:
    from spk.show import Selection, draw
    from spk.sources import parse_shape

    grid = None if args.grid is None else parse_shape(args.grid)
    if grid is not None and len(grid) != 2:
        raise SpkError(f"--grid {args.grid}: write ROWSxCOLUMNS, for example 8x8")
    output = Path(args.output)
    if output.exists() and not output.is_dir():
        raise SpkError(f"cannot write to {output}: it is no folder")
    wanted = Selection(args.core, args.raster, args.sample, args.step, args.head, grid)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory(prefix="spk-show-") as folder:
        pictures = draw(_module(args, Path(folder)), args.samples, wanted, target_cpu=args.target_cpu)
    output.mkdir(parents=True, exist_ok=True)
    for name, data in pictures.items():
        (output / name).write_bytes(data)
        print(f"wrote {output / name}")
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {"report": _report, "show": _show}
