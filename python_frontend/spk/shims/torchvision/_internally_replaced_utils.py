"""The function that loads weights from the network."""

from __future__ import annotations

from typing import Any

__all__ = ["load_state_dict_from_url"]


def load_state_dict_from_url(url: str, *_arguments: Any, **_options: Any) -> dict[str, Any]:
    """Not here.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError(f"the pretrained weights at {url} need torchvision: load a checkpoint into the model instead")
