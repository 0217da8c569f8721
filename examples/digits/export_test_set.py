"""Write the 360 held-out digits as ``.npy`` files for the compiled model.

    python examples/digits/export_test_set.py FOLDER

``test_images.npy`` is float32 ``[360, 1, 32, 32]`` in [0, 1], ``test_labels.npy`` int64 ``[360]``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import data
import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    _, _, images, labels = data.load()
    for name, values in (("test_images", images), ("test_labels", labels)):
        np.save(folder / f"{name}.npy", values.numpy())
        print(f"wrote {folder / name}.npy {list(values.shape)} {values.numpy().dtype}")


if __name__ == "__main__":
    main()
