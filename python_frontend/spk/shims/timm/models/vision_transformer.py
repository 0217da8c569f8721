"""Description of a model's input, which nothing in a forward pass reads, and layers that spiking models import and do not build."""

from __future__ import annotations

from typing import Any

from torch import nn

__all__ = ["Block", "PatchEmbed", "_cfg"]


def _cfg(url: str = "", **options: Any) -> dict[str, Any]:
    """The given options beside the defaults of ImageNet."""
    return {"url": url, "num_classes": 1000, "input_size": (3, 224, 224), "pool_size": None, **options}


class _NotHere(nn.Module):
    """A layer of timm that can be imported and not built.

    Raises:
        RuntimeError: always.
    """

    def __init__(self, *_arguments: Any, **_options: Any) -> None:
        raise RuntimeError(f"timm is not installed, and its {type(self).__name__} has no stand-in")


class Block(_NotHere):
    """A block of a vision transformer: not here."""


class PatchEmbed(_NotHere):
    """The patches of an image: not here."""
