"""What ``run.py`` makes before it measures: the virtual environment of the others, networks, and compiled networks.

Everything is kept in ``build/benchmarks``, under names that change when what it was made from does.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from threading import Event, Thread
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
REQUIREMENTS = HERE / "requirements-peers.txt"


class StageError(Exception):
    """A stage failed; the message holds what its process said."""


def say(text: str) -> None:
    """Progress goes to standard error, results to standard output."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def heartbeat(what: str) -> Iterator[None]:
    """Say what is going on, every few seconds that it still is, and how long it took."""
    done = Event()
    start = time.monotonic()

    def beat() -> None:
        while not done.wait(15):
            say(f"   ... {what}: {time.monotonic() - start:.0f} s")

    thread = Thread(target=beat, daemon=True)
    say(what)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        say(f"   {time.monotonic() - start:.0f} s")


def environment(folder: Path, threads: int) -> dict[str, str]:
    """Of every process of the benchmark: its threads, and a home of its own for what tools leave there."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    count = str(threads)
    variables = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), count)
    paths = {"HOME": str(home), "PYTHONPATH": str(ROOT / "python_frontend"), "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor")}
    return {**os.environ, **variables, **paths}


def run(command: list[Any], folder: Path, threads: int = 1) -> str:
    """Output of a process.

    Raises:
        StageError: if it fails.
    """
    text = [str(part) for part in command]
    # What PyTorch allocates and frees at once would otherwise go back to the system every time.
    heap = {"MALLOC_TRIM_THRESHOLD_": "4000000000", "MALLOC_MMAP_THRESHOLD_": "4000000000"}
    done = subprocess.run(text, capture_output=True, text=True, check=False, env=environment(folder, threads) | heap)
    if done.returncode:
        raise StageError(f"{' '.join(text)}\nended with exit code {done.returncode}:\n{done.stderr[-3000:]}{done.stdout[-1000:]}")
    return done.stdout


def last_json(text: str) -> Any:
    """Of the last line."""
    return json.loads(text.strip().splitlines()[-1])


def peers_python(folder: Path) -> Path:
    """The Python of the virtual environment of the others; made if it is missing or its requirements changed."""
    venv = folder / "venv"
    stamp = venv / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    python = venv / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        with heartbeat(f"installing the packages of {REQUIREMENTS.relative_to(ROOT)} into {venv} (about 1.5 GB)"):
            if not python.exists():
                run([sys.executable, "-m", "venv", venv], folder)
            run([python, "-m", "pip", "install", "--progress-bar", "off", "-r", REQUIREMENTS], folder)
        stamp.write_text(wanted)
    return python


@dataclass(frozen=True)
class Site:
    """Where a network and everything made from it is kept."""

    name: str
    folder: Path
    peers: Path

    @property
    def facts(self) -> dict[str, Any]:
        """Densities, products and work, see :mod:`networks`."""
        return json.loads((self.folder / "facts.json").read_text())

    def seconds(self, kind: str) -> float:
        """How long it took to make something for the others, such as ``onnx-1``."""
        note = self.peers / f"{kind}.json"
        return float(json.loads(note.read_text())["seconds"]) if note.exists() else 0.0


def digest(*parts: Any) -> str:
    """Changes when a part does: the content of a path, anything else as text."""
    made = hashlib.sha256()
    for part in parts:
        made.update(part.read_bytes() if isinstance(part, Path) else str(part).encode())
    return made.hexdigest()[:12]


def sites(names: list[str], folder: Path) -> list[Site]:
    """Of the networks of these names; nothing is made."""
    spk = ROOT / "python_frontend" / "spk"
    settled = [spk / f"{part}.py" for part in ("dyadic", "exactness", "rates", "walk", "neuron")]
    settled += [HERE / "networks.py", HERE / "densities.json", *sorted((ROOT / "examples").glob("*/spik*.py"))]
    exported = digest(REQUIREMENTS, HERE / "folding.py", HERE / "peers.py")
    places = {name: folder / f"{name}-{digest(name, metadata.version('torch'), *settled)}" for name in names}
    return [Site(name, place, place / f"peers-{exported}") for name, place in places.items()]


def prepare(wanted: list[Site], get_python: Callable[[], Path | None], kinds: dict[str, list[str]], folder: Path) -> None:
    """Make networks, densities, and what the others need: ``kinds`` of ``peers.py`` by name of network.

    Args:
        wanted: networks.
        get_python: waits for the Python of the others; None if there are no others.
        kinds: by name of network.
        folder: where files are kept.
    """
    for site in wanted:
        for old in {*folder.glob(f"{site.name}-*"), *site.folder.glob("peers-*")} - {site.folder, site.peers}:
            shutil.rmtree(old)

    def one(site: Site) -> None:
        if not (site.folder / "facts.json").exists():
            start = time.monotonic()
            run([sys.executable, HERE / "networks.py", site.name, site.folder], folder)
            say(f"   {site.name}: settled on the table of densities, {time.monotonic() - start:.0f} s")
        if not (site.folder / "densities.json").exists():
            run([sys.executable, HERE / "compiling.py", site.name, site.folder, "--densities"], folder)
        python = get_python()
        missing = [kind for kind in kinds[site.name] if not (site.peers / f"{kind.replace(':', '-')}.json").exists()]
        if python and missing:
            start = time.monotonic()
            run([python, HERE / "peers.py", site.name, site.folder, site.peers, *missing], folder)
            say(f"   {site.name}: made {', '.join(missing)}, {time.monotonic() - start:.0f} s")

    # Large ones first, one processor for each.
    with heartbeat("preparing networks"), ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, sorted(wanted, key=lambda site: "8-512" not in site.name)))


def compile_network(site: Site, batches: list[int], folder: Path) -> dict[str, Any]:
    """Compile the program and one library per batch size; returns what is known of the program."""
    command = [sys.executable, HERE / "compiling.py", site.name, site.folder, "--batches", ",".join(map(str, batches))]
    return last_json(run(command, folder, os.cpu_count() or 1))


def compile_sizes(name: str, sizes: list[tuple[int, int]], folder: Path) -> dict[tuple[int, int], float]:
    """CPU seconds that the compiler takes for a network of other time steps and depths."""

    def one(size: tuple[int, int]) -> float:
        place = folder / "compiling" / f"{size[0]}-{size[1]}"
        place.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, HERE / "compiling.py", name, place, "--steps", size[0], "--depth", size[1]]
        return float(last_json(run(command, folder))["seconds"]["compile_cpu"])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        taken = list(pool.map(one, sizes))
    shutil.rmtree(folder / "compiling")
    return dict(zip(sizes, taken, strict=True))
