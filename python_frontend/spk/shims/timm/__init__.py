"""Stand-in for ``timm``, found where it is not installed."""

from timm.models import create_model

__all__ = ["create_model"]
