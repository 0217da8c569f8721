"""Compiles a network of the benchmark in a process of its own; prints how long the program took, as JSON.

    python benchmarks/compiling.py NETWORK FOLDER --densities       measures densities on all inputs
    python benchmarks/compiling.py NETWORK FOLDER --batches 1,8     with settled weights and these densities
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
    """Keep the densities that the compiler measures on all inputs."""
    temps = folder / "temps"
    extra = [f"--samples={folder / 'inputs.npy'}", f"--save-temps={temps}"]
    temps.mkdir(exist_ok=True)
    compile_file(mlir, temps / "net.so", openmp=True, extra_args=extra)
    shutil.copy(next(temps.glob("*.densities.json")), folder / "densities.json")
    shutil.rmtree(temps)


def main() -> int:
    """Import and compile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=networks.NETWORKS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--densities", action="store_true", help="measure densities, and nothing else")
    parser.add_argument("--batches", help="of libraries, comma-separated")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--depth", type=int, default=8, help="number of blocks")
    options = parser.parse_args()
    folder: Path = options.folder
    if options.batches or options.densities:
        model = networks.load(options.name, folder / "settled.safetensors")
    else:
        model = networks.NETWORKS[options.name].build(T=options.steps, depth=options.depth).eval()
    start = time.monotonic()
    imported = spk.import_model(model, model.example(), folder / "net")
    seconds = {"import": time.monotonic() - start}
    if options.densities:
        measure_densities(imported.mlir, folder)
        return 0
    extra = [f"--densities={folder / 'densities.json'}"] if options.batches else []
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
            list(pool.map(library, map(int, options.batches.split(","))))
    weights = imported.mlir.with_suffix(".safetensors")
    print(json.dumps({"seconds": seconds, "weights_bytes": weights.stat().st_size, "bytes": (folder / "net").stat().st_size}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
