"""State of modules, outside of ``state_dict``."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn

__all__ = ["MemoryModule"]


class MemoryModule(nn.Module):
    """A module whose memories keep their values between calls, until `reset`."""

    def __init__(self) -> None:
        super().__init__()
        self._memories: dict[str, Any] = {}
        self._memories_rv: dict[str, Any] = {}

    def register_memory(self, name: str, value: Any) -> None:
        """Add a memory; ``reset()`` sets it to ``value`` again."""
        self._memories[name] = value
        self._memories_rv[name] = copy.deepcopy(value)

    def reset(self) -> None:
        """Set every memory to its first value."""
        self._memories.update(copy.deepcopy(self._memories_rv))

    def __getattr__(self, name: str) -> Any:
        memories = self.__dict__.get("_memories", {})
        return memories[name] if name in memories else super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        memories = self.__dict__.get("_memories", {})
        if name in memories:
            memories[name] = value
        else:
            super().__setattr__(name, value)
