"""Tables of the benchmark, for people and for ``docs/benchmarks.md``."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import date
from typing import Any

from lines import SOUND, cells, share_of_onednn
from machine import processor


def conditions(results: Sequence[Any]) -> dict[str, str]:
    """What the numbers depend on."""
    versions = {result.label: result.version for result in results if result.version}
    return {
        "date": date.today().isoformat(),
        "processor": f"{processor()}, {os.cpu_count()} available",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "load": f"{os.getloadavg()[0]:.1f} in the last minute",
        **versions,
    }


def line_rows(lines: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Head and rows of the table of targets."""
    rows = [["line", "value", "target", "", "detail"]]
    for line in lines:
        bound = "≤" if line.get("bound") == "most" else "≥"
        unit = "×" if line["unit"] == "x" else f" {line['unit']}"
        verdict = "met" if line["pass"] else ("void" if "void: " in line["detail"] else "MISSED")
        digits = 2 if line["unit"] == "x" else 1
        value, target = f"{line['value']:.{digits}f}{unit}", f"{bound} {line['target']:.{digits}f}{unit}"
        rows.append([line["name"], value, target, verdict, line["detail"]])
    return rows


def _is_peer(name: str, result: Any) -> bool:
    """Whether an engine is compared with oneDNN's rate: it computes the network in fp32."""
    return result.fp32 and name not in ("spk", "onednn")


def _is_void(cell: dict[str, Any], name: str) -> bool:
    """Whether a peer is too far below oneDNN's rate for its line to count."""
    share = share_of_onednn(cell, name)
    return _is_peer(name, cell[name]) and share is not None and share < SOUND


def result_rows(results: Sequence[Any], gmac: dict[str, float]) -> list[list[str]]:
    """Head and rows of the table of engines."""
    head = ["network", "batch", "threads", "engine", "median ms", "min ms", "over spk", "GMAC/s", "of oneDNN"]
    head += ["difference", "first answer ms", "made s", "load s", "file MB", "peak MB"]
    rows = [head]
    for (network, batch, threads), cell in cells(results):
        for name, result in cell.items():
            mine = cell.get("spk")
            share = share_of_onednn(cell, name)
            rate = gmac[network] * batch / result.median * 1e3
            counted = _is_peer(name, result)
            mark = " (void)" if _is_void(cell, name) else ""
            label = result.label + (", image by image" if result.split else "")
            row = [network, str(batch), str(threads), label, f"{result.median:.1f}", f"{result.minimum:.1f}"]
            row += [f"{result.median / mine.median:.2f}{mark}" if mine else "", f"{rate:.0f}"]
            row += [f"{share:.0%}" if counted and share is not None else ""]
            if name == "onednn":
                row += [""] * 6
            else:
                row += [f"{result.difference:.1e}", f"{result.first_answer:.0f}" if result.first_answer else ""]
                row += [f"{result.made_seconds:.1f}", f"{result.load_seconds:.1f}"]
                row += [f"{result.file_bytes / 1e6:.0f}", f"{result.peak_bytes / 1e6:.0f}"]
            rows.append(row)
    return rows


def summary_rows(results: Sequence[Any]) -> list[list[str]]:
    """Head and rows of medians in ms, one engine a column, with the ratio to spk; a dagger where a peer's line is void."""
    labels = list(dict.fromkeys(result.label for result in results))
    rows = [["network", "batch", "threads", *labels]]
    for (network, batch, threads), cell in cells(results):
        by_label = {result.label: (name, result) for name, result in cell.items()}
        row = [network, str(batch), str(threads)]
        for label in labels:
            if label not in by_label:
                row.append("")
                continue
            name, result = by_label[label]
            mark = "†" if _is_void(cell, name) else ""
            ratio = f" ({result.median / cell['spk'].median:.2f}{mark})" if name != "spk" and "spk" in cell else ""
            digits = 0 if result.median >= 1000 else 1
            row.append(f"{result.median:.{digits}f}{ratio}")
        rows.append(row)
    return rows


def density_rows(densities: dict[str, list[dict[str, Any]]]) -> list[list[str]]:
    """Head and rows of the table of densities; blocks in one row, from the first to the last."""
    rows = [["network", "layer", "not zero", "mean", "table"]]
    for network, entries in densities.items():
        merged: dict[str, list[dict[str, Any]]] = {}
        for entry in entries:
            parts = entry["path"].split(".")
            merged.setdefault(".".join("*" if part.isdigit() else part for part in parts), []).append(entry)
        for path, group in merged.items():
            shares, means = [entry["density"] for entry in group], [entry["mean"] for entry in group]
            target = group[0]["target"]
            spread = f"{shares[0]:.1%}" if len(group) == 1 else f"{min(shares):.1%} to {max(shares):.1%}"
            integer = any(abs(mean - share) > 1e-9 for mean, share in zip(means, shares, strict=True))
            mean = "" if not integer else f"{means[0]:.2f}" if len(group) == 1 else f"{means[0]:.2f} to {means[-1]:.2f}"
            rows.append([network, path, spread, mean, "" if target is None else f"{target:.1%}"])
    return rows


def plain(rows: list[list[str]]) -> str:
    """A table with aligned columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def markdown(rows: list[list[str]]) -> str:
    """A Markdown table."""
    text = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([text[0], "|" + "---|" * len(rows[0]), *text[1:]])
