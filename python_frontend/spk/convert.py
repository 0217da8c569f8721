"""Checkpoints as ``torch.save`` writes them, to safetensors.

Files are read with ``weights_only=True``: nothing in them is executed.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from spk.errors import SpkError
from spk.importer.api import readable_by_all

__all__ = ["Conversion", "convert"]

# Where training scripts put the weights, and what wraps a model while it trains.
_NESTS = ("state_dict", "model", "model_state_dict", "net", "network", "weights")
_PREFIXES = ("module.", "_orig_mod.", "model.module.")


@dataclass(frozen=True)
class Conversion:
    """What was written, and what was not.

    Attributes:
        output: the file.
        tensors: how many tensors it holds.
        taken: keys under which the weights stood in the checkpoint, outermost first.
        prefixes: prefixes removed from every key.
        ignored: what stood beside the weights, and entries that are no tensors, with their types.
    """

    output: Path
    tensors: int
    taken: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    ignored: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"wrote {self.output}: {self.tensors} tensors" + (f" of {' / '.join(self.taken)}" if self.taken else "")]
        lines += [f"removed the prefix {prefix!r}" for prefix in self.prefixes]
        lines += [f"left out {name} ({kind})" for name, kind in self.ignored.items()]
        return "\n".join(lines)


# What training scripts store beside weights, and what can do nothing when it is restored.
_HARMLESS = [
    argparse.Namespace,
    np.dtype,
    *(type(np.dtype(kind)) for kind in "bBhHiIlLqQefd?"),
    np.float64(0.0).__reduce__()[0],
    (np.float64(0.0).__reduce__()[0], "numpy.core.multiarray.scalar"),  # its name before numpy 2
]


def _load(source: Path) -> Any:
    if not source.is_file():
        raise SpkError(f"{source} does not exist")
    try:
        with torch.serialization.safe_globals(_HARMLESS):
            return torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:
        found = re.search(r"GLOBAL (\S+) was not an allowed global", str(error))
        if found:
            raise SpkError(
                f"{source} holds {found[1]}, which only running code from the file could restore; where you trust it, write"
                " torch.save(model.state_dict(), ...) with the code that wrote it"
            ) from error
        raise SpkError(f"{source} cannot be read as a file of torch.save ({type(error).__name__})") from error


def _kind(value: Any) -> str:
    return f"{type(value).__name__} of {len(value)}" if isinstance(value, (Mapping, list, tuple)) else type(value).__name__


def _weights(source: Path, checkpoint: Any, key: str | None) -> tuple[Mapping[str, Any], tuple[str, ...], dict[str, str]]:
    """The state dictionary in a checkpoint, where it stood, and what stood beside it."""
    taken: list[str] = []
    ignored: dict[str, str] = {}
    found = checkpoint
    while isinstance(found, Mapping):
        nest = key if key and not taken else next((n for n in _NESTS if isinstance(found.get(n), Mapping)), None)
        if nest is None:
            break
        if not isinstance(found.get(nest), Mapping):
            raise SpkError(f"{source} has no dictionary under {nest!r}; it has {', '.join(map(str, found))}")
        ignored |= {"/".join([*taken, str(name)]): _kind(value) for name, value in found.items() if name != nest}
        taken.append(nest)
        found = found[nest]
    if not isinstance(found, Mapping) or not any(isinstance(value, Tensor) for value in found.values()):
        has = ", ".join(map(str, found)) if isinstance(found, Mapping) else _kind(found)
        raise SpkError(f"{source} holds no state dictionary but {has or 'nothing'}; name the key of the weights with --key")
    return found, tuple(taken), ignored


def _without_prefixes(weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    removed: list[str] = []
    while True:
        prefix = next((p for p in _PREFIXES if all(name.startswith(p) for name in weights)), None)
        if prefix is None:
            return weights, tuple(removed)
        weights = {name.removeprefix(prefix): tensor for name, tensor in weights.items()}
        removed.append(prefix)


def convert(source: str | Path, output: str | Path, *, key: str | None = None) -> Conversion:
    """Write the weights of a checkpoint as safetensors.

    Args:
        source: a file of ``torch.save``: a state dictionary, or one nested
            under a usual key such as ``"model"`` or ``"state_dict"``.
        output: file to write; types and shapes stay as they are.
        key: where the weights are, for example ``"state_dict_ema"``.

    Raises:
        SpkError: naming what is wrong; nothing is written.
    """
    source, output = Path(source), Path(output)
    if not output.parent.is_dir():
        raise SpkError(f"cannot write {output}: there is no folder {output.parent}")
    found, taken, ignored = _weights(source, _load(source), key)
    stem = "".join(f"{name}/" for name in taken)
    dense = {str(name): value for name, value in found.items() if isinstance(value, Tensor) and value.layout == torch.strided}
    ignored |= {f"{stem}{name}": _kind(value) for name, value in found.items() if str(name) not in dense}
    weights, prefixes = _without_prefixes(dense)
    handle, temporary = tempfile.mkstemp(dir=output.parent, prefix=output.name)
    os.close(handle)
    try:
        save_file({name: tensor.detach().contiguous().clone() for name, tensor in weights.items()}, temporary)
        readable_by_all(Path(temporary))
        os.replace(temporary, output)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return Conversion(output, len(weights), taken, prefixes, ignored)
