"""Train the five variants with surrogate gradients, as ``examples/digits/train.py`` does.

    python examples/table1/train.py [--only A_ReLU] [--output FOLDER]

Takes about 4 minutes each on one core.  Deterministic: seed, number of threads
and order of the images are fixed, so the same PyTorch on the same kind of CPU
writes the same files.  All variants start from the same seed and take the same
steps; the held-out images are only looked at to report accuracy.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from safetensors.torch import save_file
from variants import ATTENTIONS, SIDE, architecture, weights

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "digits"))

from train import train  # of examples/digits

EPOCHS, BATCH, RATE, THREADS = 24, 32, 3e-3, 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=ATTENTIONS, help="train this variant alone")
    parser.add_argument("--output", type=Path, default=weights(ATTENTIONS[0]).parent, help="folder of the weights")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args()
    for attention in [options.only] if options.only else ATTENTIONS:
        print(f"{attention}:")
        model = train(options.epochs, BATCH, RATE, THREADS, lambda attention=attention: architecture(attention), SIDE)
        path = options.output / weights(attention).name
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, path)
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
