"""The registry of models."""

from timm.models.registry import create_model, register_model

__all__ = ["create_model", "register_model"]
