"""Turns the events of `go test -json` into lines for people.

    go test -json ./... | go_report.py SUMMARY_FILE

Prints one line a package as it ends, and all that a failed test or a failed
build wrote. The last line, with the totals, goes to SUMMARY_FILE too. Exits 1
when something failed, so that it can stand at the end of a pipe.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path


class Report:
    """The state of one run: what each test wrote, and how the tests ended."""

    def __init__(self) -> None:
        self.output: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.failed = False

    def take(self, event: dict[str, object]) -> None:
        """Takes one event of `go test -json`."""
        action = str(event["Action"])
        if action == "build-output":
            sys.stdout.write(str(event["Output"]))
        elif action == "build-fail":
            self.failed = True
        elif action == "output":
            key = (str(event["Package"]), str(event.get("Test", "")))
            self.output[key].append(str(event["Output"]))
        elif action in ("pass", "fail", "skip"):
            self.end(action, str(event["Package"]), str(event.get("Test", "")), event)

    def end(self, action: str, package: str, test: str, event: dict[str, object]) -> None:
        """Notes the end of a test, or prints that of a package."""
        written = self.output.pop((package, test), [])
        self.failed = self.failed or action == "fail"
        if test:
            self.counts[package][action] += 1
            if action == "fail":
                sys.stdout.write("".join(written))
            return
        if action == "skip":  # a package without tests
            return
        counts = self.counts[package]
        if action == "fail":
            sys.stdout.write("".join(written))
            self.left_over(package)
        word = "ok  " if action == "pass" else "FAIL"
        seconds = float(str(event.get("Elapsed", 0)))
        print(f"{word} {package}  {seconds:.1f} s  {counts.total()} tests", flush=True)

    def left_over(self, package: str) -> None:
        """Prints what the tests wrote that a crash cut off."""
        for key in [key for key in self.output if key[0] == package]:
            sys.stdout.write("".join(self.output.pop(key)))

    def summary(self) -> str:
        """The totals in one line."""
        total: Counter[str] = Counter()
        for counts in self.counts.values():
            total.update(counts)
        ended = f"{total['pass']} passed, {total['fail']} failed, {total['skip']} skipped"
        if self.failed and not total["fail"]:
            ended += ", and a package did not build or end"
        return ended


def main(summary_file: str) -> int:
    """Reports the run that comes in on standard input."""
    report = Report()
    for line in sys.stdin:
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            sys.stdout.write(line)
            continue
        report.take(event)
    Path(summary_file).write_text(report.summary() + "\n", encoding="utf-8")
    return 1 if report.failed or not report.counts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
