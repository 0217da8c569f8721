"""Table 1 of Spikformer on the digits: accuracy, operations and energy of five attention maps, from compiled binaries.

    python examples/table1/run.py [--only A_ReLU] [--images 360] [--folder DIR]

Compiles every variant to an executable, lets it read the held-out digits, and
counts operations as ``python -m spk report`` does.  Returns 1 if a binary is
less accurate than PyTorch.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from variants import ATTENTIONS, SIDE, build

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "digits"))

import data  # of examples/digits
import spk
from spk.driver import compile_file
from spk.report import LayerReport, measure

PRODUCTS = ("attention", "matmul")  # kinds of layers that multiply activations with each other
HEADER = ("attention", "accuracy", "PyTorch", "differ", "core: MACs", "SOPs", "energy", "whole: MACs", "SOPs", "energy")


@dataclass
class Cost:
    """Of one image.

    Attributes:
        macs: multiply-accumulates that take place.
        sops: accumulates that spikes select.
        energy: of both, in pJ.
    """

    macs: float
    sops: float
    energy: float

    @classmethod
    def of(cls, layers: Iterable[LayerReport]) -> Cost:
        rows = list(layers)
        return cls(*(sum(getattr(row, name) for row in rows) for name in ("macs", "sops", "arithmetic_pj")))

    def cells(self) -> tuple[str, str, str]:
        """For the table, in thousands and in nJ."""
        return f"{self.macs / 1e3:.1f} k", f"{self.sops / 1e3:.1f} k", f"{self.energy / 1e3:.1f} nJ"


@dataclass
class Row:
    """What a binary does on the held-out digits.

    Attributes:
        attention: the variant.
        right, expected: images that the binary and PyTorch give their label.
        differing: images that they give different classes.
        images: how many there are.
        core, whole: of the attention core, and of all layers with it.
    """

    attention: str
    right: int
    expected: int
    differing: int
    images: int
    core: Cost
    whole: Cost

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        shares = (f"{n / self.images:.2%}" for n in (self.right, self.expected))
        return (self.attention, *shares, str(self.differing), *self.core.cells(), *self.whole.cells())


def measure_variant(attention: str, images: np.ndarray, labels: np.ndarray, folder: Path) -> Row:
    """Compile a variant in `folder`, run it on ``[N, 1, H, W]`` images and count."""
    model = build(attention)
    imported = spk.import_model(model, (torch.from_numpy(images[:1]),), folder / attention)
    executable = compile_file(imported.mlir, folder / f"{attention}.exe", emit="exe")
    inputs, outputs = folder / "images.npy", folder / f"{attention}.logits.npy"
    np.save(inputs, images)
    subprocess.run([executable, inputs, "--output", outputs], check=True, capture_output=True)
    answers = np.load(outputs).argmax(1)
    with torch.no_grad():
        reference = torch.cat([model(x).argmax(1) for x in torch.from_numpy(images).split(60)]).numpy()
    layers = measure(imported.mlir, [images]).layers
    return Row(
        attention,
        int((answers == labels).sum()),
        int((reference == labels).sum()),
        int((answers != reference).sum()),
        len(images),
        Cost.of(row for row in layers if row.kind in PRODUCTS),
        Cost.of(layers),
    )


def table(rows: Sequence[Row]) -> str:
    """Rows in Markdown."""
    lines = [HEADER, ("---",) * len(HEADER), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> int:
    """Print the table; 1 if a binary is less accurate than PyTorch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=ATTENTIONS, help="this variant alone")
    parser.add_argument("--images", type=int, default=data.HELD_OUT, help="how many of the held-out images (default: all)")
    parser.add_argument("--folder", type=Path, help="where to keep what is compiled (default: nowhere)")
    options = parser.parse_args()
    if not 1 <= options.images <= data.HELD_OUT:
        parser.error(f"--images must be from 1 to {data.HELD_OUT}, got {options.images}")
    _, _, images, labels = data.load(SIDE)
    images, labels = images[: options.images].numpy(), labels[: options.images].numpy()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for attention in [options.only] if options.only else ATTENTIONS:
            print(f"{attention}: compile, run, count", file=sys.stderr, flush=True)
            rows.append(measure_variant(attention, images, labels, folder))
    print(f"{len(images)} held-out digits; operations and energy of one, all time steps")
    print()
    print(table(rows))
    return int(any(row.right < row.expected for row in rows))


if __name__ == "__main__":
    sys.exit(main())
