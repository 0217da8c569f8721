"""Build script: notes the source checkout, so that an installed package finds the tools built there."""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithCheckout(build_py):
    """Writes ``spk/_checkout.txt`` beside the modules."""

    def run(self) -> None:
        super().run()
        checkout = Path(__file__).resolve().parents[1]
        if (checkout / "CMakeLists.txt").exists():
            (Path(self.build_lib) / "spk" / "_checkout.txt").write_text(f"{checkout}\n")


setup(cmdclass={"build_py": BuildWithCheckout})
