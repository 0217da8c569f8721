"""Measure what the digits model must be: accurate, neither silent nor saturated, and in need of its attention.

    python examples/digits/check.py

Prints the accuracy on the 360 held-out images, the firing rates of the neurons
on them and the share of predictions that change when the output of every
attention branch is replaced by zeros.  Exits with 1 if a limit is missed.
"""

from __future__ import annotations

import sys

import data
import torch
from model import build
from spk.dyadic import neuron_rates
from torch import Tensor, nn

ACCURACY = 0.975  # at least
RATES = (0.02, 0.60)  # of q, k, v, attention and projection neurons
CHANGED = 0.05  # at least, share of predictions that change without attention
BATCH = 60
REQUIRED = ("q_lif", "k_lif", "v_lif", "attn_lif", "attn.proj_lif")


def predictions(model: nn.Module, images: Tensor) -> Tensor:
    """Class of each image, ``[B]`` int64."""
    with torch.no_grad():
        return torch.cat([model(x).argmax(1) for x in images.split(BATCH)])


def main() -> int:
    """Print the measurements; 0 when every limit is kept, else 1."""
    _, _, images, labels = data.load()
    model = build()
    missed = []

    classes = predictions(model, images)
    right = int((classes == labels).sum())
    print(f"accuracy: {right / len(labels):.2%} ({right}/{len(labels)})")
    if right / len(labels) < ACCURACY:
        missed.append(f"accuracy below {ACCURACY:.1%}")

    batches = [neuron_rates(model, x) for x in images.split(BATCH)]  # of equal size, so rates average
    for path in batches[0]:
        rate = sum(rates[path] for rates in batches) / len(batches)
        required = path.endswith(REQUIRED)
        print(f"rate {path:32s} {rate:7.2%}{'' if required else '   (no limit)'}")
        if required and not RATES[0] <= rate <= RATES[1]:
            missed.append(f"{path} fires in {rate:.2%}, outside {RATES[0]:.0%} to {RATES[1]:.0%}")

    hooks = [block.attn.register_forward_hook(lambda _m, _i, y: torch.zeros_like(y)) for block in model.block]
    without = predictions(model, images)
    for hook in hooks:
        hook.remove()
    changed = int((without != classes).sum())
    print(f"predictions changed by zeroing the attention output: {changed / len(labels):.2%} ({changed}/{len(labels)})")
    if changed / len(labels) < CHANGED:
        missed.append(f"zeroing the attention changes less than {CHANGED:.0%} of the predictions")

    for line in missed:
        print(f"MISSED: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
