"""Python side of spk, an ahead-of-time compiler for spiking transformers."""

from __future__ import annotations

from spk.errors import Problem, SpkError, ToolError, UnsupportedModelError

__all__ = ["Problem", "SpkError", "ToolError", "UnsupportedModelError", "import_model"]
from spk.importer import import_model
