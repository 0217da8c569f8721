"""Adds up the results that utils/test.sh has collected, and prints them in one line.

    python utils/test_summary.py FOLDER

FOLDER holds ``SUITE.status``, the exit code of each suite, and for those that
count their tests ``SUITE.xml``, a JUnit file. A suite that failed without a
failed test, or that ran no test, is a failure.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def counts(report: Path) -> tuple[int, int, int]:
    """Passed, failed and skipped tests of a JUnit file."""
    passed = failed = skipped = 0
    for case in ET.parse(report).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def suite(status: Path) -> tuple[int, int, int]:
    """The same of a suite, whose exit code must agree."""
    code = int(status.read_text())
    report = status.with_suffix(".xml")
    if not report.exists():
        counted = status.stem in ("lit", "pytest")
        return (0, 1, 0) if code or counted else (1, 0, 0)
    passed, failed, skipped = counts(report)
    if not failed and (code or not passed):
        failed = 1
    return passed, failed, skipped


def main() -> int:
    """Print one line per suite and the sum; 0 if nothing failed."""
    total = [0, 0, 0]
    print()
    for status in sorted(Path(sys.argv[1]).glob("*.status")):
        numbers = suite(status)
        total = [a + b for a, b in zip(total, numbers, strict=True)]
        print("{:10s} passed {}, failed {}, skipped {}".format(status.stem, *numbers))
    if not any(total):
        total[1] = 1
    print("{} passed, {} failed, {} skipped".format(*total))
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
