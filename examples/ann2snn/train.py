"""Train the ANN on the handwritten digits of ``examples/digits``.

    python examples/ann2snn/train.py [--output examples/ann2snn/digits.safetensors]

Takes about 3 minutes on one core (measured: 2 min 41 s).  Deterministic: the seed, the number of threads
and the order of the images are fixed, so the same PyTorch on the same kind of
CPU writes the same file.  The held-out images are only looked at to report
accuracy: nothing is selected by them, and the weights kept are those of the
last epoch.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ann2snn.model import WEIGHTS, architecture
from digits.data import augment, load

SEED = 0


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Share of ``images`` given their label, in [0, 1]; leaves the model in eval mode."""
    model.eval()
    with torch.no_grad():
        classes = torch.cat([model(x).argmax(1) for x in images.split(60)])
    return (classes == labels).float().mean().item()


def train(epochs: int, batch: int, rate: float) -> nn.Module:
    """The trained model in eval mode; ``rate`` is the peak learning rate."""
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(SEED)
    images, labels, held_images, held_labels = load()

    model = architecture()
    steps = len(images) // batch
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=rate, total_steps=epochs * steps, pct_start=0.1, div_factor=10.0, final_div_factor=100.0
    )
    start = time.monotonic()
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(images), generator=generator)
        for step in range(steps):
            index = order[step * batch : (step + 1) * batch]
            logits = model(augment(images[index], generator))
            loss = functional.cross_entropy(logits, labels[index], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        held = accuracy(model, held_images, held_labels)
        print(f"epoch {epoch + 1}/{epochs}: loss {loss.item():.3f}, held-out {held:.2%}, {time.monotonic() - start:.0f} s", flush=True)
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    options = parser.parse_args()
    model = train(options.epochs, options.batch, options.rate)
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, options.output)
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
