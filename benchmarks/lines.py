"""The targets of the benchmark, and which of them are met."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

EXACT = 1e-5  # relative difference of outputs above which two fp32 engines do not compute the same
SOUND = 0.85  # share of oneDNN's rate below which a peer is misconfigured, or the machine was disturbed
SEW = {"openvino": 2.0, "openvino-bf16": 1.05, "openvino-int8": 1.05}
BINARY = {"openvino": 3.3, "openvino-bf16": 1.7, "openvino-int8": 1.7}
SCALING = 1.85  # of two threads
START_MS = 150.0  # from process start to first answer, beyond one inference
COMPILE_S = 10.0
STEPS = 1.2  # compile time at T = 16 over T = 4
DEPTH = 1.25  # compile time of a block among 9 to 16 over that of one among 5 to 8
SHORTFALLS = "## Lines that fall short"


@dataclass
class Line:
    """A target: `value` must be at least (or, with `most`, at most) `target`."""

    name: str
    target: float
    value: float
    unit: str
    most: bool = False
    void: str = ""  # why the value says nothing
    detail: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is met by a sound value."""
        return not self.void and (self.value <= self.target if self.most else self.value >= self.target)

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "target": self.target,
            "value": self.value,
            "unit": self.unit,
            "bound": "most" if self.most else "least",
            "pass": self.met,
            "detail": "; ".join(filter(None, [f"void: {self.void}" if self.void else "", self.detail])),
        }


def threads_label(count: int) -> str:
    """For people."""
    return f"{count} thread{'s' * (count > 1)}"


def cells(results: Sequence[Any]) -> Iterator[tuple[tuple[str, int, int], dict[str, Any]]]:
    """Results by network, batch size and threads, then by engine."""
    found: dict[tuple[str, int, int], dict[str, Any]] = {}
    for result in results:
        found.setdefault((result.network, result.batch, result.threads), {})[result.engine] = result
    yield from found.items()


def share_of_onednn(cell: dict[str, Any], engine: str) -> float | None:
    """Rate of an engine over that of oneDNN on the products of the network alone, or None if that was not measured."""
    if engine not in cell or "onednn" not in cell:
        return None
    return cell["onednn"].median / cell[engine].median


def speed(results: Sequence[Any], sew: Iterable[str]) -> list[Line]:
    """One line per network, batch size, number of threads and OpenVINO's precisions; one per network for two threads."""
    lines = []
    integer = set(sew)
    for (network, batch, threads), cell in cells(results):
        if "spk" not in cell:
            continue
        mine = cell["spk"]
        for engine, target in (SEW if network in integer else BINARY).items():
            if engine not in cell:
                continue
            peer = cell[engine]
            share = share_of_onednn(cell, engine) if peer.fp32 else None
            void = f"{peer.label} at {share:.0%} of oneDNN's rate" if share is not None and share < SOUND else ""
            lines.append(
                Line(
                    f"{network}, batch {batch}, {threads_label(threads)}, {peer.label}",
                    target,
                    peer.median / mine.median,
                    "x",
                    void=void,
                    detail=f"{mine.median:.1f} ms against {peer.median:.1f}; by minima {peer.minimum / mine.minimum:.2f}",
                )
            )
    found = dict(cells(results))
    for (network, batch, threads), cell in found.items():
        two = found.get((network, batch, 2), {}).get("spk")
        if threads == 1 and batch == 1 and "spk" in cell and two is not None:
            value = cell["spk"].median / two.median
            lines.append(Line(f"{network}, 2 threads", SCALING, value, "x", detail=f"{cell['spk'].median:.1f} ms, {two.median:.1f} ms"))
    return lines


def program(name: str, facts: dict[str, Any], inference_ms: float | None) -> list[Line]:
    """Lines of a compiled program: its memory, start and compilation."""
    limit = (1.15 * facts["weights_bytes"] + 30e6) / 1e6
    seconds = facts["seconds"]["import"] + facts["seconds"]["compile"]
    parts = f"{facts['seconds']['import']:.1f} s import, {facts['seconds']['compile']:.1f} s compiler"
    weights = f"weights {facts['weights_bytes'] / 1e6:.0f} MB"
    lines = [
        Line(f"{name}, peak memory", limit, facts["peak_bytes"] / 1e6, "MB", most=True, detail=weights),
        Line(f"{name}, compilation", COMPILE_S, seconds, "s", most=True, detail=parts),
    ]
    if inference_ms is not None:
        beyond = facts["first_answer"] - inference_ms
        detail = f"first answer after {facts['first_answer']:.0f} ms, an inference takes {inference_ms:.0f} ms"
        lines.append(Line(f"{name}, start", START_MS, beyond, "ms", most=True, detail=detail))
    return lines


def compilation(name: str, seconds: dict[tuple[int, int], float]) -> list[Line]:
    """Lines of compile times in CPU seconds by time steps and depth."""
    lines = []
    if (4, 8) in seconds and (16, 8) in seconds:
        short, long = seconds[4, 8], seconds[16, 8]
        lines.append(Line(f"{name}, T = 16 over T = 4", STEPS, long / short, "x", most=True, detail=f"{short:.1f} s, {long:.1f} s of CPU"))
    if {(4, 4), (4, 8), (4, 16)} <= set(seconds):
        first, second = (seconds[4, 8] - seconds[4, 4]) / 4, (seconds[4, 16] - seconds[4, 8]) / 8
        detail = f"{first:.2f} s, {second:.2f} s of CPU per block"
        lines.append(Line(f"{name}, depth 16 over depth 8", DEPTH, second / max(first, 1e-9), "x", most=True, detail=detail))
    return lines


def faults(results: Sequence[Any], densities: dict[str, list[dict[str, Any]]]) -> list[str]:
    """What makes the whole run worthless: different answers in fp32, or densities other than those of the table."""
    found = [
        f"{r.network}, batch {r.batch}, {threads_label(r.threads)}: {r.label} differs by {r.difference:.1e} of the largest output"
        for r in results
        if r.fp32 and not r.difference <= EXACT
    ]
    for network, rows in densities.items():
        for row in rows:
            if not row["met"]:
                found.append(f"{network}: {row['path']} has a density of {row['density']:.1%}, the table says {row['target']:.1%}")
    return found


def listed(document: str) -> set[str]:
    """Names of the lines that a document says fall short, each in a table row with what its profile shows."""
    section = re.split(r"^## ", document.partition(SHORTFALLS)[2], maxsplit=1, flags=re.MULTILINE)[0]
    return set(re.findall(r"^\| `([^`]+)` \| *[^|\s][^|]*\|", section, flags=re.MULTILINE))


def unexplained(lines: Sequence[dict[str, Any]], document: str) -> list[str]:
    """Names of the lines that fall short, without those that the document lists."""
    known = listed(document)
    return [line["name"] for line in lines if not line["pass"] and line["name"] not in known]
