"""Prints the totals of a JUnit file, as pytest writes it, in one line.

It is called with the path of the file.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET


def main(path: str) -> None:
    """Adds up the suites of the file at path."""
    total = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in ET.parse(path).getroot().iter("testsuite"):  # noqa: S314 - our own file
        for name in total:
            total[name] += int(suite.get(name, "0"))
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - failed - total["skipped"]
    print(f"{passed} passed, {failed} failed, {total['skipped']} skipped")


if __name__ == "__main__":
    main(sys.argv[1])
