"""Compiled models: shared libraries with the C interface of ``spk/Runtime/runtime.h``."""

from __future__ import annotations

import ctypes
import re
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spk.errors import SpkError

__all__ = ["ArtefactError", "CompiledModel", "TensorInfo", "load"]

ABI_VERSION = 1
_DTYPES = (np.float32, np.bool_, np.int8, np.int16, np.int32, np.int64)
_TAP = re.compile(r":(spikes|current|membrane|attention)(\.\d+)?$")


class ArtefactError(SpkError):
    """A compiled model refused a call."""


class _Options(ctypes.Structure):
    _fields_ = [("abi_version", ctypes.c_uint32), ("threads", ctypes.c_int32)]


class _Info(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("dtype", ctypes.c_int),
        ("rank", ctypes.c_int32),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("bytes", ctypes.c_uint64),
        ("temporal", ctypes.c_int32),
    ]


class _Metadata(ctypes.Structure):
    _fields_ = [
        ("compiler_version", ctypes.c_char_p),
        ("model_name", ctypes.c_char_p),
        ("model_hash", ctypes.c_char_p),
        ("target_triple", ctypes.c_char_p),
        ("target_cpu", ctypes.c_char_p),
        ("cpu_features", ctypes.POINTER(ctypes.c_char_p)),
        ("threading", ctypes.c_char_p),
        ("properties", ctypes.POINTER(ctypes.c_char_p)),
        ("arena_bytes", ctypes.c_uint64),
        ("hoisted_bytes", ctypes.c_uint64),
        ("state_bytes", ctypes.c_uint64),
        ("weights_bytes", ctypes.c_uint64),
        ("time_steps", ctypes.c_int64),
    ]


_H, _V, _S = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int
_PP = ctypes.POINTER(ctypes.c_void_p)


def _function(result: Any, *arguments: Any) -> Any:
    return ctypes.CFUNCTYPE(result, *arguments)


class _Api(ctypes.Structure):
    _fields_ = [
        ("abi_version", ctypes.c_uint32),
        ("create", _function(_S, ctypes.POINTER(_Options), ctypes.POINTER(_H), ctypes.c_char_p, ctypes.c_size_t)),
        ("destroy", _function(None, _H)),
        ("run", _function(_S, _H, _PP, _PP)),
        ("step", _function(_S, _H, _PP, _PP)),
        ("finish", _function(_S, _H, _PP)),
        ("reset", _function(_S, _H)),
        ("state_size", _function(ctypes.c_size_t, _H)),
        ("save_state", _function(_S, _H, _V, ctypes.c_size_t)),
        ("load_state", _function(_S, _H, _V, ctypes.c_size_t)),
        ("set_threads", _function(_S, _H, ctypes.c_int32)),
        ("get_threads", _function(ctypes.c_int32, _H)),
        ("get_step", _function(ctypes.c_int64, _H)),
        ("last_error", _function(ctypes.c_char_p, _H)),
        ("num_inputs", _function(ctypes.c_int32)),
        ("num_outputs", _function(ctypes.c_int32)),
        ("input_info", _function(ctypes.POINTER(_Info), ctypes.c_int32)),
        ("output_info", _function(ctypes.POINTER(_Info), ctypes.c_int32)),
        ("metadata", _function(ctypes.POINTER(_Metadata))),
    ]


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of a compiled model; `temporal` says that its leading axis is time."""

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    temporal: bool

    @staticmethod
    def of(info: _Info) -> TensorInfo:
        """From the C structure."""
        shape = tuple(info.shape[i] for i in range(info.rank))
        return TensorInfo(info.name.decode(), np.dtype(_DTYPES[info.dtype]), shape, bool(info.temporal))

    def slice_shape(self) -> tuple[int, ...]:
        """Shape at one time step."""
        return (1, *self.shape[1:]) if self.temporal else self.shape


def _strings(array: Any) -> list[str]:
    out = []
    while array and array[len(out)] is not None:
        out.append(array[len(out)].decode())
    return out


def _table(library: ctypes.CDLL, path: Path) -> _Api:
    names = re.findall(rb"spk_(\w+?)_api\0", path.read_bytes())
    for name in dict.fromkeys(n.decode() for n in names):
        try:
            function = getattr(library, f"spk_{name}_api")
        except AttributeError:
            continue
        function.restype = ctypes.POINTER(_Api)
        return function().contents
    raise ArtefactError(f"{path} exports no spk_<model>_api: it was not made by spk-compile --emit=shared")


class CompiledModel:
    """A compiled model, called like the model it was made from.

    Attributes:
        path: the shared library.
        inputs: descriptions of the inputs.
        outputs: descriptions of the model's own outputs.
        tapped: descriptions of the tapped values.
        taps: tapped values of the last call, by name (``"block.0.attn.q_lif:spikes"``).
    """

    def __init__(self, path: str | Path, threads: int = 1, *, keep: tempfile.TemporaryDirectory | None = None) -> None:
        self.path = Path(path).resolve()
        if not self.path.is_file():
            raise ArtefactError(f"{self.path} does not exist")
        self._keep = keep
        try:
            self._library = ctypes.CDLL(str(self.path))
        except OSError as error:
            raise ArtefactError(f"{self.path} cannot be loaded: {error}") from error
        self._api = _table(self._library, self.path)
        if self._api.abi_version != ABI_VERSION:
            raise ArtefactError(f"{self.path} has ABI version {self._api.abi_version}, this package {ABI_VERSION}")
        self._handle = _H()
        message = ctypes.create_string_buffer(1024)
        options = _Options(ABI_VERSION, threads)
        status = self._api.create(ctypes.byref(options), ctypes.byref(self._handle), message, len(message))
        if status:
            raise ArtefactError(f"{self.path}: {message.value.decode(errors='replace')} (status {status})")
        weakref.finalize(self, self._api.destroy, self._handle)
        self.inputs = [TensorInfo.of(self._api.input_info(i).contents) for i in range(self._api.num_inputs())]
        self._all = [TensorInfo.of(self._api.output_info(i).contents) for i in range(self._api.num_outputs())]
        self.outputs = [o for o in self._all if not _TAP.search(o.name)]
        self.tapped = [o for o in self._all if _TAP.search(o.name)]
        self.taps: dict[str, Any] = {}

    def __repr__(self) -> str:
        inputs = ", ".join(f"{i.name}{list(i.shape)}" for i in self.inputs)
        outputs = ", ".join(f"{o.name}{list(o.shape)}" for o in self.outputs)
        return f"CompiledModel({self.path.name}: {inputs} -> {outputs}, {len(self.tapped)} taps)"

    # Facts ---------------------------------------------------------------------

    @property
    def time_steps(self) -> int:
        """T, the number of steps of a whole run."""
        return int(self._api.metadata().contents.time_steps)

    @property
    def threads(self) -> int:
        """Threads that compute."""
        return int(self._api.get_threads(self._handle))

    @threads.setter
    def threads(self, count: int) -> None:
        self._check(self._api.set_threads(self._handle, count))

    def metadata(self) -> dict[str, Any]:
        """Compiler version, model hash, required CPU features, memory."""
        data = self._api.metadata().contents
        out: dict[str, Any] = {}
        for name, kind in _Metadata._fields_:
            value = getattr(data, name)
            if kind is ctypes.c_char_p:
                out[name] = value.decode()
            elif kind is ctypes.POINTER(ctypes.c_char_p):
                out[name] = _strings(value)
            else:
                out[name] = int(value)
        return out

    # Running --------------------------------------------------------------------

    def _check(self, status: int) -> None:
        if status:
            text = self._api.last_error(self._handle).decode(errors="replace")
            raise ArtefactError(f"{text or 'the call failed'} (status {status})")

    def _arrays(self, inputs: Sequence[Any], one_step: bool) -> list[np.ndarray]:
        if len(inputs) != len(self.inputs):
            raise ArtefactError(f"{len(inputs)} inputs given, {len(self.inputs)} expected: {[i.name for i in self.inputs]}")
        arrays = []
        for x, info in zip(inputs, self.inputs, strict=True):
            array = x.detach().cpu().numpy() if hasattr(x, "detach") else np.asarray(x)
            shape = info.slice_shape() if one_step else info.shape
            if one_step and info.temporal and array.shape == shape[1:]:
                array = array[None]
            if array.shape != shape:
                raise ArtefactError(f"input {info.name} has shape {list(array.shape)}, expected {list(shape)}")
            arrays.append(np.ascontiguousarray(array, dtype=info.dtype))
        return arrays

    @staticmethod
    def _pointers(arrays: Sequence[np.ndarray | None]) -> Any:
        addresses = [None if a is None else a.ctypes.data for a in arrays]
        return (ctypes.c_void_p * max(1, len(addresses)))(*addresses)

    def _give(self, arrays: dict[str, np.ndarray], like: Any) -> Any:
        if hasattr(like, "detach"):
            import torch

            convert: Any = torch.from_numpy
        else:
            convert = lambda a: a  # noqa: E731
        own = {o.name: convert(arrays[o.name]) for o in self.outputs if o.name in arrays}
        self.taps.update({o.name: convert(arrays[o.name]) for o in self.tapped if o.name in arrays})
        if not own:
            return None
        if len(self.outputs) == 1:
            return next(iter(own.values()))
        numbered = [f"output_{i}" for i in range(len(self.outputs))] == [o.name for o in self.outputs]
        return tuple(own.values()) if numbered and len(own) == len(self.outputs) else own

    def __call__(self, *inputs: Any) -> Any:
        """All time steps: outputs as the model returns them, in the kind of array that was given."""
        arrays = self._arrays(inputs, one_step=False)
        outputs = [np.empty(o.shape, o.dtype) for o in self._all]
        self._check(self._api.run(self._handle, self._pointers(arrays), self._pointers(outputs)))
        self.taps = {}
        return self._give({o.name: a for o, a in zip(self._all, outputs, strict=True)}, inputs[0])

    def step(self, *inputs: Any) -> Any:
        """The next time step: of a sequence one time slice, of an image the whole image.

        Returns:
            this step's slice of the outputs that have a time axis, else None.
        """
        arrays = self._arrays(inputs, one_step=True)
        outputs = [np.empty(o.slice_shape(), o.dtype) if o.temporal else None for o in self._all]
        self._check(self._api.step(self._handle, self._pointers(arrays), self._pointers(outputs)))
        self._like = inputs[0]
        return self._give({o.name: a for o, a in zip(self._all, outputs, strict=True) if a is not None}, inputs[0])

    def finish(self) -> Any:
        """After all time steps: the outputs that have no time axis."""
        outputs = [None if o.temporal else np.empty(o.shape, o.dtype) for o in self._all]
        self._check(self._api.finish(self._handle, self._pointers(outputs)))
        given = {o.name: a for o, a in zip(self._all, outputs, strict=True) if a is not None}
        return self._give(given, getattr(self, "_like", None))

    def reset(self) -> None:
        """Back to the first time step."""
        self._check(self._api.reset(self._handle))

    def save_state(self) -> bytes:
        """The state between steps, for `load_state` of the same model."""
        size = self._api.state_size(self._handle)
        buffer = ctypes.create_string_buffer(max(1, size))
        self._check(self._api.save_state(self._handle, buffer, size))
        return buffer.raw[:size]

    def load_state(self, state: bytes) -> None:
        """Continue from a saved state; one of another model is refused."""
        self._check(self._api.load_state(self._handle, ctypes.create_string_buffer(state, len(state)), len(state)))


def load(path: str | Path, threads: int = 1) -> CompiledModel:
    """Load a shared library made by `spk.compile` or ``spk-compile --emit=shared``."""
    return CompiledModel(path, threads)
