"""The installed package: complete, and it finds the tools of the checkout it was installed from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]


def test_install_and_find_tools(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77", reason="setuptools 77 is not installed")
    source = tmp_path / "checkout" / "python_frontend"
    ignore = shutil.ignore_patterns("tests", "__pycache__", "build", "*.egg-info")
    shutil.copytree(PACKAGE, source, ignore=ignore)
    (source.parent / "CMakeLists.txt").touch()
    tool = source.parent / "build" / "bin" / "spk-compile"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(tmp_path / "site"), str(source)], check=True, capture_output=True)
    code = "import spk.tools, spk.importer, spk.cli; print(spk.__file__); print(spk.tools.find_tool('spk-compile'))"
    environment = {k: v for k, v in os.environ.items() if k != "SPK_BIN_DIR"} | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [str(tmp_path / "site" / "spk" / "__init__.py"), str(tool)], done.stderr


def test_documented_names_exist() -> None:
    import spk

    for name in spk.__all__:
        assert getattr(spk, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = spk.nothing
