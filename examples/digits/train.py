"""Train the digits model with surrogate gradients.

    python examples/digits/train.py [--output examples/digits/digits.safetensors]

Takes about 10 minutes on two cores (measured: 10 min 25 s; 14 min with other work
on the machine).  Deterministic: the seed, the number of threads and the order of the images are
fixed, so the same PyTorch on the same kind of CPU writes the same file.  The
held-out images are only looked at to report accuracy: nothing is selected by
them, and the weights kept are those of the last epoch.

A penalty keeps the firing rate of the neurons around the attention inside a
band, because an attention that is silent or saturated carries nothing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import data
import torch
from model import WEIGHTS, architecture
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

SEED = 0
BAND = (0.06, 0.40)  # firing rates that cost nothing
PENALTY = 2.0


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Share of ``images`` given their label, in [0, 1]; leaves the model in eval mode."""
    model.eval()
    with torch.no_grad():
        classes = torch.cat([model(x).argmax(1) for x in images.split(60)])
    return (classes == labels).float().mean().item()


def train(
    epochs: int, batch: int, rate: float, threads: int, build: Callable[[], nn.Module] = architecture, side: int = data.SIDE
) -> nn.Module:
    """A trained model in eval mode.

    Args:
        epochs: passes over the training images.
        batch: images of a step.
        rate: peak learning rate.
        threads: of PyTorch.
        build: makes the model with fresh weights.
        side: of the images in pixels.
    """
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(SEED)
    images, labels, held_images, held_labels = data.load(side)

    model = build()
    rates: dict[str, Tensor] = {}
    watched = ("q_lif", "k_lif", "v_lif", "attn_lif", "proj_lif")
    for path, module in model.block.named_modules():
        if path.endswith(watched):
            module.register_forward_hook(lambda _m, _i, y, path=path: rates.__setitem__(path, y.mean()))

    steps = len(images) // batch
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=rate, total_steps=epochs * steps, pct_start=0.1, div_factor=10.0, final_div_factor=100.0
    )
    start = shown = time.monotonic()
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(images), generator=generator)
        for step in range(steps):
            index = order[step * batch : (step + 1) * batch]
            logits = model(data.augment(images[index], generator))
            loss = functional.cross_entropy(logits, labels[index], label_smoothing=0.05)
            outside = sum(functional.relu(BAND[0] - r) + functional.relu(r - BAND[1]) for r in rates.values())
            optimizer.zero_grad()
            (loss + PENALTY * outside).backward()
            optimizer.step()
            schedule.step()
            if time.monotonic() - shown > 3.0:
                shown = time.monotonic()
                print(f"  epoch {epoch + 1}/{epochs}, step {step + 1}/{steps}, loss {loss.item():.3f}", flush=True)
        fired = {path: r.item() for path, r in rates.items()}  # of the last batch: accuracy() runs the hooks again
        low, high = min(fired, key=fired.__getitem__), max(fired, key=fired.__getitem__)
        print(
            f"epoch {epoch + 1}/{epochs}: loss {loss.item():.3f}, "
            f"held-out {accuracy(model, held_images, held_labels):.2%}, "
            f"rates {fired[low]:.1%} ({low}) to {fired[high]:.1%} ({high}), {time.monotonic() - start:.0f} s",
            flush=True,
        )
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    model = train(options.epochs, options.batch, options.rate, options.threads)
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, options.output)
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
