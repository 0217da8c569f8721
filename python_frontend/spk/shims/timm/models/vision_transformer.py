"""Description of a model's input, which nothing in a forward pass reads."""

from __future__ import annotations

from typing import Any

__all__ = ["_cfg"]


def _cfg(url: str = "", **options: Any) -> dict[str, Any]:
    """The given options beside the defaults of ImageNet."""
    return {"url": url, "num_classes": 1000, "input_size": (3, 224, 224), "pool_size": None, **options}
