"""``examples/events``: a recording frame by frame."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
STREAM = ROOT / "examples" / "events" / "stream.py"


def stream(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, STREAM, *arguments]
    environment = {"PYTHONPATH": str(ROOT / "python_frontend")}
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, env={**os.environ, **environment})


def test_frame_by_frame_gives_the_bits_of_the_recording(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    rng = np.random.default_rng(0)
    np.save(tmp_path / "frames.npy", rng.poisson(0.3, (3, 2, 32, 32)))
    done = stream("--recording", tmp_path / "frames.npy", "--dim", 32)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines if line.startswith("frame  ")] == ["frame  0", "frame  1", "frame  2"]
    assert lines[-1] == "frame by frame and at once: the same bits"


def test_other_shapes_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "frames.npy", np.zeros((3, 2, 30, 30), np.float32))
    done = stream("--recording", tmp_path / "frames.npy")
    assert done.returncode == 2
    assert "has shape [3, 2, 30, 30], expected [T, 2, H, H] with H a multiple of 16" in done.stderr
