"""Stand-ins for what published models import and today's installations lack.

Below this folder lies a tree of packages under their own names: the parts of
``spikingjelly.clock_driven`` (SpikingJelly up to 0.0.0.0.12), of
``spikingjelly.cext`` and of ``timm`` that a forward pass needs, ``torchinfo``
and ``torchvision``.  While `stand_ins` stands, imports that find nothing installed
find that tree, so that files written for those packages load unmodified.  What
is installed always comes first.

The stand-ins compute the forward pass in eval mode, in plain PyTorch.  They
are no replacement for training: their surrogate functions have no gradient.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

__all__ = ["stand_ins"]

_TREE = Path(__file__).resolve().parent
_EXTENDED = ("spikingjelly",)  # installed without what older versions had


def _loaded() -> dict[str, ModuleType]:
    """The modules that came from the tree, by name."""
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and not name.startswith("spk.") and _TREE in Path(file).parents:
            found[name] = module
    return found


def _unload(names: Iterator[str]) -> None:
    for name in names:
        module = sys.modules.pop(name)
        parent, _, child = name.rpartition(".")
        if parent in sys.modules and getattr(sys.modules[parent], child, None) is module:
            delattr(sys.modules[parent], child)


@contextlib.contextmanager
def stand_ins() -> Iterator[list[str]]:
    """Let imports find the stand-ins.

    Yields:
        a list which holds, when the context is left, the names of the modules
        that were taken from the stand-ins.  Nothing of them stays importable.
    """
    used: list[str] = []
    places = [(sys.path, str(_TREE))]
    for name in _EXTENDED:
        with contextlib.suppress(ImportError):
            places.append((importlib.import_module(name).__path__, str(_TREE / name)))
    for path, folder in places:
        path.append(folder)
    try:
        yield used
    finally:
        for path, folder in places:
            path.remove(folder)
        loaded = _loaded()
        used += sorted(loaded)
        _unload(iter(loaded))
