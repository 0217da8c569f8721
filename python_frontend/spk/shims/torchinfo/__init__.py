"""Stand-in for ``torchinfo``, which model files import for scripts that they are as well."""

from __future__ import annotations

from typing import Any

__all__ = ["summary"]


def summary(*_arguments: Any, **_options: Any) -> None:
    """Not here.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError("torchinfo is not installed, and its summary has no stand-in")
