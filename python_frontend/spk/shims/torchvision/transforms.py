"""Transforms of images, none of which is here."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    raise AttributeError(f"torchvision is not installed, and its transforms.{name} has no stand-in")
