"""Functions that build models, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from torch import nn

__all__ = ["create_model", "register_model"]

Build = TypeVar("Build", bound=Callable[..., nn.Module])

_builders: dict[str, Callable[..., nn.Module]] = {}


def register_model(build: Build) -> Build:
    """Decorator: make a function known to `create_model` by its name."""
    _builders[build.__name__] = build
    return build


def create_model(model_name: str, pretrained: bool = False, **options: Any) -> nn.Module:
    """The model of a registered function; options that are None are left out.

    Raises:
        RuntimeError: if no such function was registered, or pretrained weights are asked for.
    """
    if model_name not in _builders:
        raise RuntimeError(f"unknown model {model_name!r}: only models registered in the files loaded are known without timm")
    if pretrained:
        raise RuntimeError(f"pretrained weights of {model_name!r} need timm: load a checkpoint into the model instead")
    given = {name: value for name, value in options.items() if value is not None}
    return _builders[model_name](pretrained=pretrained, **given)
