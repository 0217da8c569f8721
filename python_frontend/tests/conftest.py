"""Paths and tools shared by the tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for place in (HERE.parent, HERE, HERE / "fixtures", ROOT / "examples"):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def need_tool() -> Callable[[str], str]:
    """Path of a tool; skips the test, with the reason, if it is not built."""

    def find(name: str) -> str:
        from spk.tools import ToolNotFoundError, find_tool

        try:
            return str(find_tool(name))
        except ToolNotFoundError as error:
            pytest.skip(str(error))

    return find
