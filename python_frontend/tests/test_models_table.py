"""`utils/models.py`: tables of `docs/models.md` from stored results, row by row."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from zoo.catalogue import FAMILIES, Configuration, Family

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, on files of its own and two families."""
    spec = importlib.util.spec_from_file_location("models_table", ROOT / "utils" / "models.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "DOCUMENT", tmp_path / "models.md")
    monkeypatch.setattr(module, "RESULTS", tmp_path / "models.json")
    size = Configuration("2-8", {}, 1.0, 2.0)
    monkeypatch.setattr(module, "FAMILIES", [Family(name, lambda: None, {}, [size]) for name in ("First net", "Second net")])
    module.DOCUMENT.write_text(f"above\n\n{module.BEGIN}\nold\n{module.END}\n\nbelow\n")
    return module


def measured(monkeypatch: pytest.MonkeyPatch, models: ModuleType, **changes: Any) -> None:
    """What the script is made to measure."""
    grid = {"layers": 3, "exact_layers": 3, "rounded_from": None, "spikes": 2_000_000, "flipped": 0, "flipped_behind": 0.0, "output": 0.0}
    real = {"images": 4, "spikes": 1000, "flipped": 2, "own": 5, "own_floor": 7, "floor": 0.003, "top1": 1.0, "floor_top1": 0.75}
    real |= {"output": 0.1, "first": "block.0.lif", "margin": 1.2e-7}
    counted = {"parameters": 1.001, "gmac": 8.0, "T": 4}
    monkeypatch.setattr(models, "on_grid", lambda *_arguments, **_options: grid | changes)
    monkeypatch.setattr(models, "on_real_weights", lambda *_arguments: dict(real))
    monkeypatch.setattr(models, "count", lambda *_arguments: counted | {k: v for k, v in changes.items() if k in counted})


def run(models: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, list[str]]:
    monkeypatch.setattr(sys, "argv", ["models.py", *arguments])
    code = models.main()
    return code, [line for line in models.DOCUMENT.read_text().splitlines() if line.startswith("| ") and not line.startswith("| model")]


def test_only_the_rows_that_were_measured_change(models: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, models)
    code, rows = run(models, monkeypatch)
    assert code == 0
    assert rows[:2] == [f"| {name} net | 3 | yes |  | not measured |  |" for name in ("First", "Second")]
    assert rows[2:] == [f"| {name} net | 2-8 | yes | 1.00 | 1 | 4 | 8.00 | 2.00 | 2 |  |" for name in ("First", "Second")]
    measured(monkeypatch, models, output=2e-7)
    code, rows = run(models, monkeypatch, "--full", "--only", "Second*")
    assert code == 0
    assert rows[0] == "| First net | 3 | yes |  | not measured |  |"
    assert rows[1] == "| Second net | 3 | yes | 2-8, 3 layers | yes; outputs, means that round, differ by 2e-07 | 2.0 |"
    assert rows[2] == "| Second net | 2-8 | 4 | 0.0 | 5 | 7 | 0.2000% | 0.3000% | 100% | 75% | `block.0.lif` | 1.2e-07 |"
    assert models.DOCUMENT.read_text().startswith(f"above\n\n{models.BEGIN}\n\n| model")
    assert models.DOCUMENT.read_text().endswith(f"|\n\n{models.END}\n\nbelow\n")
    assert list(json.loads(models.RESULTS.read_text())) == ["First net", "Second net"]
    monkeypatch.setattr(models, "on_grid", None)
    assert run(models, monkeypatch, "--tables") == (code, rows)  # from the results alone
    assert run(models, monkeypatch, "--full", "--only", "Second*", "--missing") == (code, rows)


def test_differences_are_told_and_fail(
    models: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured(monkeypatch, models, flipped=5)
    code, rows = run(models, monkeypatch, "--only", "First*")
    assert (code, rows[0]) == (1, "| First net | 3 | no: 5 spikes differ |  | not measured |  |")
    assert "First net: 5 spikes differ from PyTorch's on the grid" in capsys.readouterr().err
    before = models.DOCUMENT.read_text()
    assert run(models, monkeypatch, "--check")[0] == 1
    assert "Second net: no: 5 spikes differ" in capsys.readouterr().out
    assert models.DOCUMENT.read_text() == before
    measured(monkeypatch, models, exact_layers=2, rounded_from="block.0", flipped_behind=0.001)
    code, rows = run(models, monkeypatch, "--only", "First*")
    text = "yes, 2 of 3 layers, up to `block.0`, where sums begin to round; 0.10% of all spikes differ"
    assert (code, rows[0]) == (0, f"| First net | 3 | {text} |  | not measured |  |")
    measured(monkeypatch, models, exact_layers=2, rounded_from="block.0")
    text = "yes, also behind `block.0`, where sums begin to round"
    assert run(models, monkeypatch, "--only", "First*")[1][0] == f"| First net | 3 | {text} |  | not measured |  |"


def test_counts_that_are_not_the_published_ones_need_a_note(models: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, models, gmac=8.3)
    code, rows = run(models, monkeypatch, "--only", "First*")
    assert (code, rows[2]) == (1, "| First net | 2-8 | yes | 1.00 | 1 | 4 | 8.30 | 2.08 | 2 | unexplained |")
    measured(monkeypatch, models, gmac=8.1)  # 2.025, where 2.0 was printed
    assert run(models, monkeypatch, "--only", "First*")[0] == 0
    for gmac, faulty in ((1.539, 0), (1.56, 1)):  # a step of 0.38475 or 0.39, where 0.38 was printed
        models.FAMILIES[0].configurations[0] = Configuration("2-8", {}, 1.0, 0.38)
        measured(monkeypatch, models, gmac=gmac)
        assert run(models, monkeypatch, "--only", "First*")[0] == faulty
    models.FAMILIES[0].configurations[0] = Configuration("2-8", {}, 1.0, 2.0, "an odd border")
    measured(monkeypatch, models, parameters=1.06)
    code, rows = run(models, monkeypatch, "--only", "First*")
    assert (code, rows[2]) == (0, "| First net | 2-8 | yes | 1.06 | 1 | 4 | 8.00 | 2.00 | 2 | an odd border |")


def test_bad_requests(models: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, message in (
        (["--only", "Third*"], "no family is called Third*: there are First net, Second net"),
        (["--full", "--images", "0"], "--images must be at least 1, got 0"),
        (["--check", "--tables"], "not allowed with argument"),
    ):
        with pytest.raises(SystemExit, match="2"):
            run(models, monkeypatch, *arguments)
        assert message in capsys.readouterr().err
    models.DOCUMENT.write_text("no tables\n")
    with pytest.raises(ValueError, match=r"models\.md must have the lines"):
        run(models, monkeypatch, "--tables")


def test_the_document_is_what_was_measured(models: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "models.md").read_text()
    models.DOCUMENT.write_text(text)
    models.RESULTS.write_text((ROOT / "docs" / "models.json").read_text())
    monkeypatch.setattr(models, "FAMILIES", FAMILIES)
    assert run(models, monkeypatch, "--tables")[0] == 0
    assert models.DOCUMENT.read_text() == text
