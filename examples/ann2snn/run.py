"""Convert the trained transformer and print its accuracy over time, from compiled binaries and from PyTorch.

    python examples/ann2snn/run.py [--steps 12] [--extra 4] [--images 360]

The first row is the ANN.  In the tables row t is the SNN for t steps of input, a
binary of its own, since t bounds the spikes of a neuron; column n is its answer
after n steps, those past t without input.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import spk
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ann2snn.model import build
from ann2snn.snn import convert, running_sums
from digits.data import load

BATCH = 20


def accuracy(logits: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Percentage of rows of ``logits`` ``[B, classes]`` that have their label among their ``k`` largest; ties go to lower classes."""
    best = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    return 100.0 * float((best == labels[:, None]).any(1).mean())


def compiled_sums(model: nn.Module, images: torch.Tensor, steps: int, extra: int) -> np.ndarray:
    """Sums of the outputs of a binary up to every step, ``[steps + extra, B, classes]``."""
    net = spk.compile(model, images[:BATCH], ann_to_snn=(steps, extra), taps=["output:membrane"])
    parts = []
    for batch in images.split(BATCH):
        net(batch.numpy())
        parts.append(net.taps["output:membrane"])
    return np.concatenate(parts, axis=1)


def print_table(title: str, rows: list[list[float]], columns: int) -> None:
    """Row t begins at column t."""
    print(f"{title}: steps of input down, all steps across")
    print("      " + "".join(f"{n:8d}" for n in range(1, columns + 1)))
    for t, row in enumerate(rows, start=1):
        print(f"{t:6d}" + "        " * (t - 1) + "".join(f"{percent:8.2f}" for percent in row))


def main() -> int:
    """Print the tables; 1 if a row of PyTorch's differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=12, help="largest number of time steps (default: 12)")
    parser.add_argument("--extra", type=int, default=4, help="at most so many without input (default: 4)")
    parser.add_argument("--images", type=int, default=360, help=f"held-out images, a multiple of {BATCH} (default: 360)")
    options = parser.parse_args()
    if options.steps < 1 or options.extra < 0:
        parser.error("--steps must be at least 1, --extra at least 0")
    if not 0 < options.images <= 360 or options.images % BATCH:
        parser.error(f"--images must be a multiple of {BATCH} up to 360, got {options.images}")
    _, _, images, target = load()
    images, labels = images[: options.images], target[: options.images].numpy()
    model = build()

    net = spk.compile(model, images[:BATCH])
    ours = np.concatenate([net(x.numpy()) for x in images.split(BATCH)])
    with torch.no_grad():
        theirs = np.concatenate([model(x).numpy() for x in images.split(BATCH)])
    differing = 0
    for name, logits in (("binary", ours), ("PyTorch", theirs)):
        print(f"ANN, {name:7s}: top-1 {accuracy(logits, labels, 1):.2f}, top-5 {accuracy(logits, labels, 5):.2f}", flush=True)
    differing += any(accuracy(ours, labels, k) != accuracy(theirs, labels, k) for k in (1, 5))

    tables: dict[tuple[str, int], list[list[float]]] = {(name, k): [] for name in ("binary", "PyTorch") for k in (1, 5)}
    answers = total = 0
    largest = 0.0
    for steps in range(1, options.steps + 1):
        start = time.monotonic()
        extra = min(options.extra, options.steps - steps)
        sums = {"binary": compiled_sums(model, images, steps, extra)}
        snn = convert(model, steps)
        sums["PyTorch"] = torch.cat([running_sums(snn, x, steps, extra) for x in images.split(BATCH)], dim=1).numpy()
        for (name, k), rows in tables.items():
            rows.append([accuracy(logits, labels, k) for logits in sums[name][steps - 1 :]])
        answers += int((sums["binary"].argmax(2) != sums["PyTorch"].argmax(2))[steps - 1 :].sum())
        total += (extra + 1) * len(images)
        largest = max(largest, float(np.abs(sums["binary"] - sums["PyTorch"]).max()))
        print(f"   ... {steps} of {options.steps} steps of input: {time.monotonic() - start:.0f} s", flush=True)
    for k in (1, 5):
        print_table(f"\nSNN, top-{k}", tables["binary", k], options.steps)
        rows = zip(tables["binary", k], tables["PyTorch", k], strict=True)
        different = [t for t, (row, other) in enumerate(rows, start=1) if row != other]
        differing += len(different)
        print(f"rows that differ from PyTorch's: {', '.join(map(str, different)) or 'none'}")
        if different:
            print_table(f"PyTorch, top-{k}", tables["PyTorch", k], options.steps)
    print(f"\nanswers that differ: {answers} of {total}; largest difference of summed logits: {largest:.3g}")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
