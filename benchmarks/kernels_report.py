"""Results of ``kernels.py``: rows, the lines that targets are checked on, and how they are printed."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from kernels_layers import INPUTS, Cell, Layer
from machine import flags, vector_bytes

VECTOR_BYTES = vector_bytes(flags())
LANES = VECTOR_BYTES // 4  # f32 of a load
LOADS = 2  # of a vector from the first-level cache in one cycle

#: Each step waits for the one before: two cycles per trip on any processor.
CHAIN = """unsigned long chain(unsigned long trips, unsigned long k) {
  unsigned long x = 0;
  for (unsigned long i = 0; i < trips; ++i) {
    x ^= i;
    x += k;
  }
  return x;
}
"""

#: Name, what it is about, density (None: any), least ratio of times, by medians and by minima.
TARGETS = (
    ("layers at 15 %", ("linear", "conv"), 0.15, 3.5),
    ("layers at 5 %", ("linear", "conv"), 0.05, 8.0),
    ("layers at any density", ("linear", "conv"), None, 2.5),
    ("attention core at 15 %", ("ssa",), 0.15, 6.0),
)


@dataclass
class Row:
    """A layer on one kind of input; times in ms; rivals as (median, minimum, way); share of samples that others disturbed."""

    layer: Layer
    cell: Cell
    threads: int
    median: float
    minimum: float
    rivals: dict[str, tuple[float, float, str]]
    summation: str
    strategy: str
    fires: float
    disturbed: float
    cycles_per_ms: float | None

    @property
    def label(self) -> str:
        """What the layer reads."""
        return "image" if self.layer.kind == "first" else self.cell.label

    @property
    def best(self) -> str:
        """The rival to be compared with: oneDNN for layers, the fastest for attention."""
        return min(self.rivals, key=lambda name: self.rivals[name][0]) if self.layer.kind == "ssa" else "oneDNN"

    @property
    def checked(self) -> float:
        """The ratio that targets are checked on: the lower of both, since other work on the machine slows down long calls most."""
        return min(self.ratio(self.best), self.ratio(self.best, True))

    def ratio(self, name: str, minima: bool = False) -> float:
        """How many times faster than a rival, by medians or by minima."""
        return self.rivals[name][1] / self.minimum if minima else self.rivals[name][0] / self.median

    @property
    def speed(self) -> float:
        """GMAC/s, counted as dense, at the median time."""
        return self.layer.macs / self.median / 1e6

    @property
    def of_ceiling(self) -> float | None:
        """Least time that loading one row of weights per spike takes, two loads a cycle, over the time taken.

        Strategies that load less than a row per spike may pass 1. Taps outside the image load nothing.
        """
        if not self.cycles_per_ms or self.layer.kind == "ssa":
            return None
        inside = (1 - 2 / (3 * self.layer.size)) ** 2 if self.layer.taps == 9 else 1.0
        loads = self.layer.macs * inside * ones_per_input(self.cell) / LANES
        return loads / LOADS / self.threads / self.cycles_per_ms / self.minimum

    def summary(self) -> str:
        """One line of progress."""
        rivals = ", ".join(f"{self.ratio(name):.2f} x {name}" for name in self.rivals)
        return f"{self.median:.3f} ms, {self.speed:.0f} GMAC/s, {rivals}; {self.summation} by {self.strategy}"

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "layer": self.layer.name,
            "kind": self.layer.kind,
            "input": self.label,
            "threads": self.threads,
            "macs": self.layer.macs,
            "spk_median_ms": self.median,
            "spk_min_ms": self.minimum,
            "gmacs": self.speed,
            "of_ceiling": self.of_ceiling,
            "sum": self.summation,
            "strategy": self.strategy,
            "fires": self.fires,
            "disturbed": self.disturbed,
            "rivals": {
                name: {"median_ms": m, "min_ms": low, "way": way, "ratio": self.ratio(name), "ratio_of_minima": self.ratio(name, True)}
                for name, (m, low, way) in self.rivals.items()
            },
        }


def usable(samples: list[tuple[float, bool]], threads: int) -> list[float]:
    """Times of calls that count: of several threads those that no other process disturbed, if there are enough."""
    quiet = [ms for ms, disturbed in samples if not disturbed]
    return quiet if threads > 1 and len(quiet) >= INPUTS else [ms for ms, _ in samples]


def ones_per_input(cell: Cell) -> float:
    """Set bits of an input, on average over all bit planes."""
    if cell.joined == 1:
        return cell.density
    counts = np.random.default_rng(0).binomial(cell.joined, cell.density, 1 << 16)
    return float(sum((counts >> p & 1).mean() for p in range(cell.planes)))


def frequency(folder: Path) -> float | None:
    """GHz of a processor while it works, from a chain of additions; None without a C compiler."""
    compiler = next(filter(None, map(shutil.which, ("clang-22", "clang", "cc"))), None)
    if not compiler:
        return None
    source, library = folder / "cycles.c", folder / "cycles.so"
    source.write_text(CHAIN)
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", source, "-o", library], check=True)
    chain = ctypes.CDLL(str(library)).chain
    chain.argtypes, chain.restype = [ctypes.c_ulong] * 2, ctypes.c_ulong
    trips, best = 1 << 20, float("inf")
    for _ in range(40):
        start = time.perf_counter()
        chain(trips, 12345)
        best = min(best, time.perf_counter() - start)
    return 2 * trips / best / 1e9


# ---------------------------------------------------------------------------------------------------------------------
# Targets
# ---------------------------------------------------------------------------------------------------------------------


def make_lines(rows: list[Row]) -> list[dict[str, Any]]:
    """One line per target and number of threads: the worst of all layers that it is about."""
    lines = []
    for threads in dict.fromkeys(row.threads for row in rows):
        for name, kinds, density, target in TARGETS:
            about = [
                row
                for row in rows
                if row.threads == threads and row.layer.kind in kinds and row.cell.joined == 1 and density in (None, row.cell.density)
            ]
            if not about:
                continue
            worst = min(about, key=lambda row: row.checked)
            value = worst.checked
            mean = float(np.exp(np.mean([np.log(row.checked) for row in about])))
            detail = f"worst of {len(about)}: {worst.layer.name}, {worst.label}, against {worst.best}"
            detail += f"; {worst.ratio(worst.best):.2f} by medians, {worst.ratio(worst.best, True):.2f} by minima"
            lines.append(
                {
                    "name": f"kernels: {name}" + (f", {threads} threads" if threads > 1 else ""),
                    "target": target,
                    "value": round(value, 3),
                    "unit": "x",
                    "pass": value >= target,
                    "detail": detail + (f"; geometric mean {mean:.2f}" if len(about) > 1 else ""),
                }
            )
    return lines


def check(lines: list[dict[str, Any]], document: str, say: Callable[[str], None]) -> int:
    """1 if a target is missed and the document does not name the line in backquotes, else 0."""
    missed = [line for line in lines if not line["pass"]]
    unknown = [line for line in missed if f"`{line['name']}`" not in document]
    for line in missed:
        known = "" if line in unknown else " (listed in docs/benchmarks.md)"
        say(f"missed: {line['name']}: {line['value']:.2f}, target {line['target']}{known}; {line['detail']}")
    return 1 if unknown else 0


# ---------------------------------------------------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------------------------------------------------

NOTE = (
    "Times in ms: medians, minima in parentheses. spk: sums, batch norm, LIF over T = 4 and packing; others: the product alone. "
    f"GMAC/s counts as dense. Ceiling: one row of weights loaded per spike, two {VECTOR_BYTES}-byte loads a cycle"
)


def _cells(row: Row, names: list[str]) -> list[str]:
    ceiling = "" if row.of_ceiling is None else f"{100 * row.of_ceiling:.0f} %"
    out = [row.layer.name, row.label, str(row.threads), row.summation, row.strategy]
    out += [f"{row.median:.3f} ({row.minimum:.3f})", f"{row.speed:.0f}", ceiling]
    for name in names:
        if name not in row.rivals:
            out += ["", ""]
            continue
        median, minimum, _ = row.rivals[name]
        out += [f"{median:.2f} ({minimum:.2f})", f"{row.ratio(name):.2f} ({row.ratio(name, True):.2f})"]
    return out


def _table(rows: list[Row]) -> list[list[str]]:
    names = list(dict.fromkeys(name for row in rows for name in row.rivals))
    head = ["layer", "input", "threads", "sum", "strategy", "spk", "GMAC/s", "of ceiling"]
    for name in names:
        head += [name, "ratio"]
    return [head, *(_cells(row, names) for row in rows)]


def _note(ghz: float | None) -> str:
    return NOTE + (f" at {ghz:.2f} GHz." if ghz else ".")


def print_table(rows: list[Row], lines: list[dict[str, Any]], ghz: float | None) -> None:
    """For people."""
    table = _table(rows)
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print(_note(ghz))
    for line in lines:
        print(f"{'ok    ' if line['pass'] else 'MISSED'} {line['name']}: {line['value']:.2f}, target {line['target']}; {line['detail']}")


def print_markdown(rows: list[Row], lines: list[dict[str, Any]], ghz: float | None) -> str:
    """For documents."""
    table = _table(rows)
    out = [_note(ghz), ""]
    out += ["| " + " | ".join(table[0]) + " |", "|" + "---|" * len(table[0])]
    out += ["| " + " | ".join(line) + " |" for line in table[1:]]
    out += ["", "| target | least ratio | measured | |", "|---|---|---|---|"]
    for line in lines:
        missed = "" if line["pass"] else " (missed)"
        out.append(f"| `{line['name']}` | {line['target']} | {line['value']:.2f}{missed} | {line['detail']} |")
    return "\n".join(out) + "\n"
