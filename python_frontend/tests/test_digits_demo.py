"""The comparison that ``utils/demo.sh`` ends with, on a few of its images."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "digits"
IMAGES = 6


def test_demo_compares_the_executable_with_pytorch(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    compiler = need_tool("spk-compile")

    def run(*command: object) -> str:
        done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(sys.executable, "-m", "spk", "import", f"{DIGITS / 'model.py'}:build", "-o", tmp_path / "digits.mlir")
    run(compiler, tmp_path / "digits.mlir", "-o", tmp_path / "digits")
    run(compiler, tmp_path / "digits.mlir", "--tap", "*:spikes", "--emit=shared", "-o", tmp_path / "taps.so")
    run(sys.executable, DIGITS / "export_test_set.py", tmp_path)
    for name in ("test_images", "test_labels"):
        np.save(tmp_path / f"{name}.npy", np.load(tmp_path / f"{name}.npy")[:IMAGES])
    run(tmp_path / "digits", tmp_path / "test_images.npy", "--output", tmp_path / "logits.npy")
    printed = run(
        sys.executable, DIGITS / "demo.py", "--executable", tmp_path / "digits", "--taps", tmp_path / "taps.so", "--folder", tmp_path
    )
    assert "images that differ: 0\n" in printed
    assert f"/{IMAGES})" in printed and "flipped spikes: 0 % (0 of " in printed
    assert "1 thread: binary " in printed and "process start to first answer: " in printed
