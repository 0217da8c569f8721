"""Finds and runs the compiler's tools."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from spk.errors import SpkError, ToolError

__all__ = ["ToolNotFoundError", "find_tool", "run_tool"]


class ToolNotFoundError(SpkError):
    """A tool of the compiler is not installed."""


def _checkouts() -> list[Path]:
    """Source checkouts: the one that holds this file, and the one it was installed from."""
    here = Path(__file__).resolve()
    found = [p for p in here.parents if (p / "CMakeLists.txt").exists() and (p / "python_frontend").is_dir()]
    note = here.with_name("_checkout.txt")
    if note.exists():
        found.append(Path(note.read_text().strip()))
    return found


def _places() -> list[Path]:
    places = [Path(os.environ["SPK_BIN_DIR"])] if os.environ.get("SPK_BIN_DIR") else []
    return [*places, *dict.fromkeys(checkout / "build" / "bin" for checkout in _checkouts())]


def find_tool(name: str) -> Path:
    """Path of a tool: ``$SPK_BIN_DIR``, the build folder of a source checkout, then ``PATH``.

    Raises:
        ToolNotFoundError: naming the places searched.
    """
    for place in _places():
        if os.access(place / name, os.X_OK) and (place / name).is_file():
            return place / name
    found = shutil.which(name)
    if found:
        return Path(found)
    searched = ", ".join([*map(str, _places()), "PATH"])
    raise ToolNotFoundError(f"{name} was not found (searched {searched}): build spk, or set SPK_BIN_DIR to the folder that holds it")


def run_tool(name: str, arguments: Sequence[str | Path], *, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
    """Run a tool and return what it printed.

    Raises:
        ToolNotFoundError: if it is not installed.
        ToolError: if it fails; carries its messages and the command.
    """
    command = [str(find_tool(name)), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout, check=False)
    if done.returncode:
        raise ToolError(command, done.returncode, done.stderr or done.stdout)
    return done
