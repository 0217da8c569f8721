"""Compare the digits executable with PyTorch on the 360 held-out images.

    python examples/digits/demo.py --executable digits --taps digits_taps.so --folder build/demo

``utils/demo.sh`` makes the files and calls this.  FOLDER holds
``test_images.npy``, ``test_labels.npy`` (see ``export_test_set.py``) and
``logits.npy``, which the executable wrote for them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from model import build
from spk import load
from spk.comparison import Comparison, compare, trace
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from folding import fold

ROUNDS = 3  # binary and PyTorch take turns
RUNS = 120  # per round


def forward(model: nn.Module, x: Tensor) -> Tensor:
    """One inference."""
    with torch.inference_mode():
        return model(x)


def progress(what: str, images: Tensor) -> Iterator[Tensor]:
    """One image after the other, saying so every few seconds."""
    shown = time.monotonic()
    for i, image in enumerate(images.split(1)):
        if time.monotonic() - shown > 4:
            shown = time.monotonic()
            print(f"   ... {what}: image {i} of {len(images)}", flush=True)
        yield image


def accuracy(classes: np.ndarray, labels: np.ndarray) -> str:
    """``97.50 % (351/360)``."""
    right = int((classes == labels).sum())
    return f"{100 * right / len(labels):.2f} % ({right}/{len(labels)})"


def share(count: int, total: int) -> str:
    """``0.0012 % (3 of 250000)``."""
    return f"{100 * count / max(1, total):.2g} % ({count} of {total})"


def compare_spikes(model: nn.Module, taps: Path, images: Tensor) -> list[Comparison]:
    """Every spike of every neuron layer, image by image."""
    artefact = load(taps)
    return [compare(model, artefact, x) for x in progress("comparing spikes", images)]


def noise_floor(model: nn.Module, images: Tensor) -> tuple[int, int]:
    """Spikes that differ between PyTorch in float32 and in float64, and all."""
    exact = build().double()
    differing = total = 0
    for x in progress("PyTorch in float64", images):
        for a, b in zip(trace(model, (x,))[1], trace(exact, (x.double(),))[1], strict=True):
            differing += int((a.spikes != b.spikes).sum())
            total += a.spikes.numel()
    return differing, total


def binary_ms(executable: Path, images: Path, threads: int) -> float:
    """Median milliseconds of an image in the executable."""
    command = [executable, images, "--benchmark", "--json", f"--threads={threads}", f"--repetitions={RUNS}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout)["median_ms"])


def eager_ms(model: nn.Module, images: Tensor, threads: int) -> float:
    """Median milliseconds of an image in PyTorch."""
    torch.set_num_threads(threads)
    forward(model, images[:1])
    times = []
    for image in images[:RUNS].split(1):
        start = time.perf_counter()
        forward(model, image)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def first_answer_ms(command: Sequence[str | Path], count: int) -> float:
    """Median milliseconds from the start of a process to its end, with one image."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def print_spikes(model: nn.Module, taps: Path, images: Tensor) -> None:
    """Compare spikes and print what differs."""
    reports = compare_spikes(model, taps, images)
    flipped = sum(r.flipped for r in reports)
    total = sum(layer.elements for r in reports for layer in r.layers)
    print(f"flipped spikes: {share(flipped, total)}, over {len(reports[0].layers)} neuron layers and {len(images)} images")
    diverging = [r.first_diverging for r in reports if r.first_diverging]
    if diverging:
        margin = max(layer.margin or 0.0 for layer in diverging)
        paths = [layer.path for layer in reports[0].layers]
        first = min((layer.path for layer in diverging), key=paths.index)
        print(f"  first diverging layer: {first}; largest membrane margin where an image diverges first: {margin:.3g}")
    floor = share(*noise_floor(model, images))
    print(f"  for comparison, PyTorch float32 against float64: {floor}")


def print_speed(model: nn.Module, executable: Path, folder: Path, images: Tensor) -> None:
    """Images per second of both, at equal numbers of threads."""
    folded = fold(model, images[:1])
    version = subprocess.run([executable, "--version"], check=True, capture_output=True, text=True).stdout.split(";")[0]
    print(f"speed, batch 1, {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    print(f"  binary: {version}; PyTorch: {torch.__version__}, eager, batch norm folded, first convolution once, neurons unrolled")
    for threads in sorted({1, os.cpu_count() or 1}):
        binary, plain, best = [], [], []
        for _ in range(ROUNDS):
            binary.append(binary_ms(executable, folder / "test_images.npy", threads))
            best.append(eager_ms(folded, images, threads))
            plain.append(eager_ms(model, images, threads))
        a, b, c = (1e3 / statistics.median(x) for x in (binary, best, plain))
        name = "1 thread" if threads == 1 else f"{threads} threads"
        print(f"  {name}: binary {a:.0f} images/s, PyTorch {b:.0f} images/s (as written: {c:.0f}), ratio {a / b:.1f}", flush=True)


def print_start(executable: Path, folder: Path, image: Tensor) -> None:
    """Size of the executable and how soon it answers."""
    print(f"binary size: {executable.stat().st_size / 2**20:.2f} MiB, weights included")
    one = folder / "one_image.npy"
    np.save(one, image.numpy())
    binary = first_answer_ms([executable, one, "--top=1"], 21)
    script = f"import numpy, torch, model; model.build()(torch.from_numpy(numpy.load({str(one)!r}))).argmax().item()"
    environment = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); {script}"]
    eager = first_answer_ms(environment, 3)
    print(f"process start to first answer: {binary:.1f} ms; PyTorch: {eager:.0f} ms")


def main() -> int:
    """Print the comparison; 1 if the executable is less accurate than PyTorch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executable", type=Path, required=True)
    parser.add_argument("--taps", type=Path, required=True, help="shared library with --tap '*:spikes'")
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    executable, folder = options.executable.resolve(), options.folder

    images = torch.from_numpy(np.load(folder / "test_images.npy"))
    labels = np.load(folder / "test_labels.npy")
    logits = np.load(folder / "logits.npy")
    model = build()
    expected = np.concatenate([forward(model, x).numpy() for x in progress("PyTorch", images)])
    answers, reference = logits.argmax(1), expected.argmax(1)
    print(f"first images: the executable reads {' '.join(map(str, answers[:10]))}, they are {' '.join(map(str, labels[:10]))}")
    print(f"binary accuracy: {accuracy(answers, labels)}")
    print(f"PyTorch accuracy: {accuracy(reference, labels)}")
    differing = np.flatnonzero(answers != reference)
    named = f": {', '.join(map(str, differing[:20]))}" if len(differing) else ""
    print(f"images that differ: {len(differing)}{named}")
    print(f"largest difference of logits: {np.abs(logits - expected).max():.3g}")
    print_spikes(model, options.taps, images)
    print_speed(model, executable, folder, images)
    print_start(executable, folder, images[:1])
    return int((answers == labels).sum() < (reference == labels).sum())


if __name__ == "__main__":
    sys.exit(main())
