"""Capture of a model as an ATen graph in which every neuron is one operation.

``torch.export`` would unroll a neuron's loop over time.  For the time of the
export every neuron's ``forward`` is therefore replaced by the custom operation
``spk::neuron``, whose real implementation runs the neuron's own forward, so
that the exported program still computes what the model computes.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import logging
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils import _pytree as pytree

from spk.errors import Problem, Unsupported, UnsupportedModelError
from spk.importer.heads import decode, head_spec, is_head, membranes
from spk.importer.neuron_table import is_neuron, spec_of, step_mode
from spk.neuron_model import NeuronSpec

__all__ = ["PACKAGE", "Captured", "NeuronSite", "capture", "module_at", "module_name", "neuron_shapes", "shown"]


@dataclass
class NeuronSite:
    """A neuron module of the model.

    Attributes:
        path: module path.
        module: the module.
        spec: the dialect's form, None if the neuron is not supported.
        problem: why it is not.
        mode: ``"m"`` or ``"s"``.
        keeps_state: whether a second call continues from the first one's state.
        calls: how often the forward pass called it.
    """

    path: str
    module: nn.Module
    spec: NeuronSpec | None
    problem: Unsupported | None
    mode: str
    keeps_state: bool
    calls: int = 0
    memories: dict[str, Any] = field(default_factory=dict)


@dataclass
class Captured:
    """An exported model.

    Attributes:
        program: result of ``torch.export``; its neurons are ``spk::neuron`` calls.
        sites: neurons by module path.
        modules: all modules by path.
    """

    program: torch.export.ExportedProgram
    sites: dict[str, NeuronSite]
    modules: dict[str, nn.Module]


_running: dict[str, NeuronSite] = {}


@torch.library.custom_op("spk::neuron", mutates_args=())
def _neuron(x: Tensor, path: str, call: int) -> Tensor:
    """Spikes of the neuron at `path`; `call` counts its calls within one forward pass."""
    site = _running[path]
    if is_head(site.module):
        return membranes(site.module, x)
    if call == 0 and hasattr(site.module, "reset"):
        site.module.reset()
    return type(site.module).forward(site.module, x).clone()


@_neuron.register_fake
def _(x: Tensor, path: str, call: int) -> Tensor:
    return torch.empty_like(x)


def module_at(model: nn.Module, path: str) -> nn.Module | None:
    """The submodule at a path, None if there is none."""
    try:
        return model.get_submodule(path)
    except AttributeError:
        return None


def module_name(module: nn.Module | type | None) -> str:
    """Qualified class name for messages."""
    if module is None:
        return "unknown module"
    cls = module if isinstance(module, type) else type(module)
    return f"{cls.__module__}.{cls.__qualname__}"


def _site(path: str, module: nn.Module) -> NeuronSite:
    spec, problem = None, None
    try:
        spec = head_spec(module) if is_head(module) else spec_of(module)
    except Unsupported as error:
        problem = error
    return NeuronSite(path, module, spec, problem, step_mode(module), hasattr(module, "_memories"))


def _patch(site: NeuronSite) -> None:
    def forward(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs:
            raise Unsupported(f"{site.path} is called with more than one argument", "neuron(x)")
        call, site.calls = site.calls, site.calls + 1
        out = torch.ops.spk.neuron(x, site.path, call)
        return decode(site.module, out) if is_head(site.module) else out

    site.module.__dict__["forward"] = forward


@contextlib.contextmanager
def running(sites: dict[str, NeuronSite]) -> Iterator[None]:
    """Make the neurons known to the real implementation of ``spk::neuron``."""
    previous = dict(_running)
    _running.clear()
    _running.update(sites)
    memories = {path: dict(getattr(site.module, "_memories", {})) for path, site in sites.items()}
    backends = {path: site.module.backend for path, site in sites.items() if getattr(site.module, "backend", "torch") != "torch"}
    for path in backends:  # cupy and triton are choices of a kernel, not of a result
        sites[path].module.__dict__["_backend" if "_backend" in vars(sites[path].module) else "backend"] = "torch"
    try:
        yield
    finally:
        _running.clear()
        _running.update(previous)
        for path, values in memories.items():
            if values:
                sites[path].module._memories.update(values)
        for path, backend in backends.items():
            sites[path].module.__dict__["_backend" if "_backend" in vars(sites[path].module) else "backend"] = backend


def _time_first(container: nn.Sequential, x_seq: Tensor) -> Tensor:
    """What SpikingJelly's ``TLastSeqToANNContainer`` computes with ``torch.vmap``, which cannot be captured, on ``[B, ..., T]``."""
    moved = x_seq.movedim(-1, 0)
    y = nn.Sequential.forward(container, moved.flatten(0, 1))
    return y.unflatten(0, moved.shape[:2]).movedim(0, -1)


@contextlib.contextmanager
def _prepared(model: nn.Module, sites: dict[str, NeuronSite]) -> Iterator[None]:
    """The model in eval mode with patched neurons; everything is put back afterwards."""
    training = {module: module.training for module in model.modules()}
    time_last = [m for m in model.modules() if type(m).__name__ == "TLastSeqToANNContainer" and isinstance(m, nn.Sequential)]
    model.eval()
    try:
        for site in sites.values():
            _patch(site)
        for module in time_last:
            module.__dict__["forward"] = functools.partial(_time_first, module)
        yield
    finally:
        for module in (*time_last, *(site.module for site in sites.values())):
            module.__dict__.pop("forward", None)
        for module, flag in training.items():
            module.training = flag


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps torch's own account of an export that fails to itself: it becomes a finding."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(previous)


def _last_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep  # spk itself


def _raised_at(error: BaseException) -> str:
    """``file:line`` of the user's code that an exception came through last, empty if none."""
    foreign = (f"{os.sep}site-packages{os.sep}", PACKAGE)
    seen: BaseException | None = error
    while seen is not None:
        frames = traceback.extract_tb(seen.__traceback__)
        own = [f for f in frames if os.path.isfile(f.filename) and not any(x in f.filename for x in foreign)]
        if own:
            return f"{shown(own[-1].filename)}:{own[-1].lineno}"
        seen = seen.__cause__ or seen.__context__
    return ""


def shown(name: str) -> str:
    """A file's name as messages show it: relative where it lies below the working directory."""
    relative = os.path.relpath(name)
    return name if relative.startswith("..") else relative


def _export_problems(model: nn.Module, sites: dict[str, NeuronSite], error: BaseException) -> list[Problem]:
    problems = [
        Problem(s.path, module_name(s.module), "neuron", s.problem.reason, s.problem.hint)
        for s in sites.values()
        if s.problem is not None and s.calls
    ]
    source = _raised_at(error)
    if isinstance(error, Unsupported):
        problems.append(Problem("", module_name(model), "forward", error.reason, error.hint, source))
    else:
        reason = f"torch.export cannot capture the forward pass: {type(error).__name__}: {_last_line(error)}"
        hint = "a forward pass whose control flow does not depend on values"
        problems.append(Problem("", module_name(model), "forward", reason, hint, source))
    return problems


def _sites(model: nn.Module) -> dict[str, NeuronSite]:
    """The neurons of a model by path, each under the first of its paths."""
    sites: dict[str, NeuronSite] = {}
    seen: set[int] = set()
    for path, module in model.named_modules(remove_duplicate=False):
        if (is_neuron(module) or is_head(module)) and id(module) not in seen:
            seen.add(id(module))
            sites[path] = _site(path, module)
    return sites


def neuron_shapes(model: nn.Module, inputs: Sequence[Tensor]) -> list[tuple[str, tuple[int, ...]]]:
    """Paths and input shapes of all neuron calls of a forward pass, and at the end those of its results.

    Nothing is computed: the forward pass runs on shapes alone.

    Raises:
        Exception: whatever the forward pass raises.
    """
    sites = _sites(model)
    shapes: list[tuple[str, tuple[int, ...]]] = []

    def watch(path: str) -> Callable[..., None]:
        return lambda _module, arguments: shapes.append((path, tuple(arguments[0].shape)))

    hooks = [site.module.register_forward_pre_hook(watch(path)) for path, site in sites.items()]
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    try:
        with _prepared(model, sites), running(sites), torch.no_grad(), _quiet(), mode:
            result = model(*[mode.from_tensor(x) for x in inputs])
    finally:
        for hook in hooks:
            hook.remove()
    results = (x for x in pytree.tree_leaves(result) if isinstance(x, Tensor))
    return [*shapes, *(("", tuple(x.shape)) for x in results)]


def capture(model: nn.Module, inputs: Sequence[Tensor]) -> Captured:
    """Export a model.

    Args:
        model: the model; it is left as it was found.
        inputs: example inputs, which fix all shapes.

    Raises:
        UnsupportedModelError: if the forward pass cannot be captured.
    """
    modules = dict(model.named_modules(remove_duplicate=False))
    sites = _sites(model)
    arguments = tuple(copy.copy(x) for x in inputs)
    with _prepared(model, sites), running(sites), torch.no_grad(), _quiet():
        try:
            program = torch.export.export(model, arguments, strict=False)
        except Exception as error:
            raise UnsupportedModelError(_export_problems(model, sites, error)) from error
    return Captured(program, sites, modules)


def reference(captured: Captured, inputs: Sequence[Tensor]) -> Any:
    """What the captured program computes in PyTorch, neurons included."""
    with running(captured.sites), torch.no_grad():
        return captured.program.module()(*inputs)
