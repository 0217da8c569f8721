"""Errors and findings that the frontend reports."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Problem", "SpkError", "ToolError", "Unsupported", "UnsupportedModelError"]


class SpkError(Exception):
    """Base class of everything that spk raises on purpose."""


class Unsupported(SpkError):
    """One operation cannot be imported; the importer turns it into a `Problem`."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


@dataclass(frozen=True)
class Problem:
    """Something in a model that cannot be compiled, or that deserves a warning.

    Attributes:
        path: module path as in ``state_dict`` keys; empty for the model itself.
        module: class of that module.
        op: operation, for example ``aten.softmax.int``.
        reason: what is wrong.
        hint: the nearest form that is supported.
        source: ``file:line`` of the user's code, if known.
    """

    path: str
    module: str
    op: str
    reason: str
    hint: str = ""
    source: str = ""

    def __str__(self) -> str:
        where = self.path or "(model)"
        lines = [f"{where} [{self.module}] {self.op}: {self.reason}"]
        if self.source:
            lines.append(f"    at {self.source}")
        if self.hint:
            lines.append(f"    nearest supported form: {self.hint}")
        return "\n".join(lines)


class UnsupportedModelError(SpkError):
    """The model holds operations that cannot be compiled; all of them are in `problems`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        count = len(self.problems)
        noun = "operation" if count == 1 else "operations"
        super().__init__("\n".join([f"{count} unsupported {noun}:", *map(str, self.problems)]))


class ToolError(SpkError):
    """A compiler tool failed; carries what it printed and the command that reproduces it."""

    def __init__(self, command: Sequence[str], returncode: int, stderr: str) -> None:
        self.command = list(command)
        self.returncode = returncode
        self.stderr = stderr
        super().__init__(
            f"{command[0]} failed with exit code {returncode}\n{stderr.rstrip()}\nreproduce with:\n  {shlex.join(command)}"
        )
