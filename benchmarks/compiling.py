"""Compiles a network of the benchmark in a process of its own; prints how long the program took, as JSON.

    python benchmarks/compiling.py NETWORK FOLDER --batches 1,8     with settled weights, and densities of all inputs
    python benchmarks/compiling.py NETWORK FOLDER --steps T --depth N     a program of another size, with random weights

The program is FOLDER/net, the library of a batch size FOLDER/net-BATCH.so.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import networks
import spk
from spk.driver import compile_file


def measure_densities(mlir: Path, folder: Path) -> None:
    """Make the library of batch size 1 and keep the densities that the compiler measured on all inputs."""
    temps = folder / "temps"
    extra = [f"--samples={folder / 'inputs.npy'}", f"--save-temps={temps}"]
    compile_file(mlir, folder / "net-1.so", openmp=True, extra_args=extra)
    shutil.copy(next(temps.glob("*.densities.json")), folder / "densities.json")
    shutil.rmtree(temps)


def main() -> int:
    """Import and compile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=networks.NETWORKS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--batches", help="of libraries, comma-separated")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--depth", type=int, default=8, help="number of blocks")
    options = parser.parse_args()
    folder: Path = options.folder
    if options.batches:
        model = networks.load(options.name, folder / "settled.safetensors")
    else:
        model = networks.NETWORKS[options.name].build(T=options.steps, depth=options.depth).eval()
    start = time.monotonic()
    imported = spk.import_model(model, model.example(), folder / "net")
    seconds = {"import": time.monotonic() - start}
    extra: list[str] = []
    made: list[int] = []
    if options.batches:
        densities = folder / "densities.json"
        if not densities.exists():
            measure_densities(imported.mlir, folder)
            made.append(1)
        extra = [f"--densities={densities}"]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    compile_file(imported.mlir, folder / "net", emit="exe", openmp=True, extra_args=extra)
    seconds["compile"] = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds["compile_cpu"] = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime

    def library(batch: int) -> None:
        compile_file(imported.mlir, folder / f"net-{batch}.so", openmp=True, extra_args=[*extra, f"--batch={batch}"])

    if options.batches:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(library, [batch for batch in map(int, options.batches.split(",")) if batch not in made]))
    weights = imported.mlir.with_suffix(".safetensors")
    print(json.dumps({"seconds": seconds, "weights_bytes": weights.stat().st_size, "bytes": (folder / "net").stat().st_size}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
