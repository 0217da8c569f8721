"""Python side of spk, an ahead-of-time compiler for spiking transformers.

* `spk.compile(model, example)` compiles a PyTorch model to native code.
* `spk.load(path)` loads a compiled model.
* `spk.compare(model, artefact, x)` compares it with PyTorch, neuron by neuron.
* `spk.import_model(model, example, stem)` writes the compiler's input only.

``python -m spk --help`` offers the same on the command line.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "ArtefactError": "spk.artefact",
    "Comparison": "spk.comparison",
    "CompiledModel": "spk.artefact",
    "ImportedModel": "spk.importer",
    "Problem": "spk.errors",
    "SpkError": "spk.errors",
    "ToolError": "spk.errors",
    "UnsupportedModelError": "spk.errors",
    "compare": "spk.comparison",
    "compile": "spk.driver",
    "import_model": "spk.importer",
    "load": "spk.artefact",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Loads what is asked for: `spk.neuron` alone needs none of the frontend."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
