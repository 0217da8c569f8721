"""Models and example inputs named on the command line.

A user's file is loaded as it is: packages that it imports and that are not
installed have stand-ins (`spk.shims`), and a neuron's ``backend`` such as
``"cupy"``, which only chooses a kernel, becomes ``"torch"``.  What was
replaced is said on standard error.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spk.errors import SpkError
from spk.importer.neuron_table import is_neuron, lookup
from spk.shims import stand_ins
from spk.timesteps import change_timesteps

__all__ = ["example_inputs", "load_source", "parse_shape", "set_timesteps"]


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
        ours = str(Path(__file__).resolve().parent)
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(ours)]
        own = [frame for frame in frames if "site-packages" not in frame.filename and "<frozen" not in frame.filename]
        at = f" at {own[-1].filename}:{own[-1].lineno}" if own else ""
        hint = f"; install {error.name.partition('.')[0]} first" if isinstance(error, ModuleNotFoundError) and error.name else ""
        raise SpkError(f"{what} raised {type(error).__name__}: {error}{hint}{at}") from error


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


def _timesteps_argument(build: Callable[..., Any]) -> str | None:
    """The argument of a function that is the number of time steps, None if it has none."""
    accepted = [name for name in ("T", "timesteps", "time_steps") if name in inspect.signature(build).parameters]
    return accepted[0] if accepted else None


def _note_stand_ins(used: Sequence[str]) -> None:
    """Say which modules were replaced, by package."""
    packages: dict[str, list[str]] = {}
    for name in used:
        if not any(other.startswith(f"{name}.") for other in used):  # modules, not the packages around them
            packages.setdefault(name.partition(".")[0], []).append(name)
    for package, modules in packages.items():
        print(f"note: {package} is not installed or lacks {', '.join(modules)}: stand-ins of spk are used", file=sys.stderr)


@contextmanager
def _backend_accepted() -> Iterator[None]:
    """Lets SpikingJelly's neurons take ``backend=``, an argument that some of its versions have and others refuse."""
    module = sys.modules.get("spikingjelly.activation_based.neuron")
    known = [c for c in vars(module).values() if isinstance(c, type) and lookup(c) is not None] if module else []
    classes = [c for c in dict.fromkeys(known) if "__init__" in vars(c) and "backend" not in inspect.signature(c).parameters]
    original = {c: c.__init__ for c in classes}

    def accepting(init: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(init)
        def __init__(self: nn.Module, *args: Any, backend: str = "torch", **options: Any) -> None:
            init(self, *args, **options)
            self.__dict__["backend"] = backend

        return __init__

    try:
        for c in classes:
            c.__init__ = accepting(original[c])
        yield
    finally:
        for c in classes:
            c.__init__ = original[c]


def _use_torch(model: nn.Module) -> None:
    """Give every neuron the backend that runs anywhere."""
    replaced: dict[str, int] = {}
    for module in model.modules():
        backend = getattr(module, "backend", "torch")
        if is_neuron(module) and isinstance(backend, str) and backend != "torch":
            module.backend = "torch"
            replaced[backend] = replaced.get(backend, 0) + 1
    for backend, count in replaced.items():
        print(f"note: backend='{backend}' of {count} neurons replaced by 'torch', which computes the same", file=sys.stderr)


def load_source(target: str, timesteps: int | None = None) -> tuple[nn.Module, ModuleType]:
    """The model of ``FILE.py:function``, and the file as a module.

    Args:
        target: what to load.
        timesteps: passed to the function if it takes a number of time steps.

    Raises:
        SpkError: naming what is missing.
    """
    if timesteps is not None and timesteps < 1:
        raise SpkError(f"--timesteps must be at least 1, got {timesteps}")
    name, colon, function = target.rpartition(":")
    if not colon or not name.endswith(".py"):
        raise SpkError(f"{target!r} names no model; write FILE.py:function, where function() returns a torch.nn.Module")
    used: list[str] = []
    try:
        with stand_ins() as used:
            module = _module(Path(name))
            build = getattr(module, function, None)
            if not callable(build):
                raise SpkError(f"{name} has no function {function!r}")
            argument = None if timesteps is None else _timesteps_argument(build)
            with _user_code(target), _backend_accepted():
                model = build(**({argument: timesteps} if argument else {}))
    finally:
        _note_stand_ins(used)
    if not isinstance(model, nn.Module):
        raise SpkError(f"{target} returned {type(model).__name__}, not a torch.nn.Module")
    _use_torch(model)
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


def set_timesteps(
    model: nn.Module, build: Callable[..., Any], inputs: tuple[Tensor, ...], steps: int, *, random: bool
) -> tuple[Tensor, ...]:
    """Inputs for a number of time steps of a model that `load_source` was asked to build with it.

    Args:
        model: changed in place if it repeats its input over time.
        build: the function that built it.
        inputs: example inputs.
        steps: number of time steps.
        random: whether the inputs were made from shapes, and may be made sequences ``[T, ...]``.

    Raises:
        SpkError: with the reason, if the model cannot run for so many steps.
    """
    if change_timesteps(model, inputs, steps) or _timesteps_argument(build):
        return inputs
    if random and all(x.dim() < 5 for x in inputs):  # [T, B, C, H, W] and [B, T, C, H, W] have their steps
        return tuple(_random((steps, *x.shape)) for x in inputs)
    if not all(steps in x.shape[:2] for x in inputs):
        raise SpkError(
            f"--timesteps={steps}: the model repeats no input over time, so the number of steps is that of its input of shape"
            f" {list(inputs[0].shape)}; give one of {steps} steps with --input or --input-shape"
        )
    return inputs
