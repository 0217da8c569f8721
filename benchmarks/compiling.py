"""Compiles a network of the benchmark in a process of its own; prints how long every part took, as JSON.

    python benchmarks/compiling.py NETWORK OUTPUT [--weights FILE] [--steps T] [--depth N] [--batch N] [--densities FILE | --samples FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import networks
import spk
from spk.driver import compile_file


def main() -> int:
    """Import and compile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=networks.NETWORKS)
    parser.add_argument("output", type=Path, help="NAME.so for a shared library, else a program")
    parser.add_argument("--weights", type=Path, help="settled weights; random ones if not given")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--depth", type=int, help="number of blocks, the network's own by default")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--densities", type=Path)
    parser.add_argument("--samples", type=Path)
    options = parser.parse_args()
    if options.weights:
        model = networks.load(options.name, options.weights)
    else:
        depth = {"depth": options.depth} if options.depth else {}
        model = networks.NETWORKS[options.name].build(T=options.steps, **depth).eval()
    shared = options.output.suffix == ".so"
    extra = [f"--densities={options.densities}"] if options.densities else []
    if options.samples:
        extra += [f"--samples={options.samples}", f"--save-temps={options.output.parent / 'temps'}"]
    start = time.monotonic()
    imported = spk.import_model(model, model.example(options.batch), options.output.with_suffix(""))
    seconds = {"import": time.monotonic() - start}
    start = time.monotonic()
    compile_file(imported.mlir, options.output, emit="shared" if shared else "exe", openmp=True, extra_args=extra)
    seconds["compile"] = time.monotonic() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds["compile_cpu"] = used.ru_utime + used.ru_stime
    weights = options.output.with_suffix(".safetensors")
    print(json.dumps({"seconds": seconds, "weights_bytes": weights.stat().st_size, "bytes": options.output.stat().st_size}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
