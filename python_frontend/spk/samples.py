"""Samples to measure densities on, as the files that ``spk-compile --samples`` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spk.errors import SpkError

__all__ = ["sample_files"]


def _load(path: str | Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SpkError(f"the samples {path} cannot be read as .npy: {error}") from error


def sample_files(samples: Any, folder: Path) -> list[Path]:
    """One file of float32 numbers for every input.

    Args:
        samples: an array, a tensor or the path of a ``.npy`` file; a list or tuple
            of them for a model with several inputs; None for no files.
        folder: where arrays, and files of other numbers, are written.

    Raises:
        SpkError: if a file cannot be read.
    """
    if samples is None:
        return []
    files = []
    for index, given in enumerate(samples if isinstance(samples, (list, tuple)) else [samples]):
        is_path = isinstance(given, (str, Path))
        array = _load(given) if is_path else given.detach().cpu().numpy() if hasattr(given, "detach") else np.asarray(given)
        if is_path and array.dtype == np.float32 and array.flags.c_contiguous:
            files.append(Path(given))
            continue
        files.append(folder / f"samples.{index}.npy")
        np.save(files[-1], np.ascontiguousarray(array, dtype=np.float32))
    return files
