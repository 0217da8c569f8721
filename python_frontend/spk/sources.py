"""Models and example inputs named on the command line."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spk.errors import SpkError

__all__ = ["example_inputs", "load_source", "parse_shape"]


def parse_shape(text: str) -> tuple[int, ...]:
    """``"1,3,32,32"`` as a tuple.

    Raises:
        SpkError: if it is no list of positive numbers.
    """
    try:
        shape = tuple(int(part) for part in text.replace("x", ",").split(","))
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1:
        raise SpkError(f"{text!r} is no shape; write for example 1,3,32,32")
    return shape


@contextmanager
def _user_code(what: str) -> Iterator[None]:
    """Turns whatever the user's code raises into an SpkError that names the line."""
    try:
        yield
    except SpkError:
        raise
    except Exception as error:
        ours = str(Path(__file__).resolve())
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != ours]
        own = [frame for frame in frames if "site-packages" not in frame.filename and "<frozen" not in frame.filename]
        at = f" at {own[-1].filename}:{own[-1].lineno}" if own else ""
        raise SpkError(f"{what} raised {type(error).__name__}: {error}{at}") from error


def _module(path: Path) -> ModuleType:
    if not path.is_file():
        raise SpkError(f"{path} does not exist")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SpkError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    with _user_code(str(path)):
        spec.loader.exec_module(module)
    return module


def load_source(target: str, timesteps: int | None = None) -> tuple[nn.Module, ModuleType]:
    """The model of ``FILE.py:function``, and the file as a module.

    Raises:
        SpkError: naming what is missing.
    """
    name, colon, function = target.rpartition(":")
    if not colon or not name.endswith(".py"):
        raise SpkError(f"{target!r} names no model; write FILE.py:function, where function() returns a torch.nn.Module")
    module = _module(Path(name))
    build = getattr(module, function, None)
    if not callable(build):
        raise SpkError(f"{name} has no function {function!r}")
    arguments: dict[str, Any] = {}
    if timesteps is not None:
        accepted = [p for p in ("T", "timesteps", "time_steps") if p in inspect.signature(build).parameters]
        if accepted:
            arguments[accepted[0]] = timesteps
    with _user_code(target):
        model = build(**arguments)
    if not isinstance(model, nn.Module):
        raise SpkError(f"{target} returned {type(model).__name__}, not a torch.nn.Module")
    return model.eval(), module


def _random(shape: Sequence[int]) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 16, tuple(shape), generator=generator) / 16.0


def _file(path: str) -> Tensor:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise SpkError(f"{path} cannot be read as .npy: {error}") from error
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def example_inputs(
    model: nn.Module, module: ModuleType | None, files: Sequence[str], shapes: Sequence[str], timesteps: int | None = None
) -> tuple[Tensor, ...]:
    """Inputs from files, from shapes, or from ``example()`` of the file or the model.

    Raises:
        SpkError: if there are none.
    """
    if files:
        return tuple(_file(f) for f in files)
    if shapes:
        prefix = () if timesteps is None else (timesteps,)
        return tuple(_random((*prefix, *parse_shape(s))) for s in shapes)
    for holder in (module, model):
        example = getattr(holder, "example", None)
        if callable(example):
            with _user_code("example()"):
                given = example()
            return tuple(given) if isinstance(given, (tuple, list)) else (given,)
    raise SpkError("no example input: give --input x.npy or --input-shape 1,3,32,32, or define example() beside the model")
