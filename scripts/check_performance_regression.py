"""Compares what was measured with a stored baseline, and fails when something became worse.

    scripts/check_performance_regression.py --current FILE [--threshold PERCENT] [--baseline FILE]

FILE is what `pytest --benchmark-json=FILE` writes, or the bench-results.json of `make bench`. Of the first the medians
are compared, of the second the ratios, which depend less on the machine, and counts of allocations and bytes; what else
is no ratio, such as a time, or is of a side that could not keep up, is shown and not judged. Without --baseline, the
one is compared with python/tests/performance/baseline.json and the other with test/bench/baseline.json; --update stores
FILE there instead: of bench-results.json the figures that `make bench-guard` measures and compares, and no others.

Exit code: 0 nothing is worse by more than the threshold; 1 something is; 2 a file is missing, is not what it should be,
lacks a benchmark that the baseline has, has one without the other side that makes it a ratio, or has no figure that
can be judged because in each a side could not keep up.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OK, REGRESSION, UNUSABLE = 0, 1, 2
COUNTS = ("allocations", "allocations/call", "bytes")
"""The units of `make bench` that do not depend on how fast a machine is."""
ALSO_STORED = ("group", "guarded", "theirs", "rounds", "overloaded", "they_overloaded")
"""What a baseline keeps of a figure of `make bench`: the guard of test/bench compares rounds, group by group."""


class UnusableError(Exception):
    """A file that cannot be compared; the text says which, why and what to do."""


@dataclass(frozen=True)
class Figure:
    """One value that was measured.

    Attributes:
        value: 0 or more; seconds, a ratio, or what the unit says.
        less_is_better: Whether a greater value is a regression; otherwise a smaller one is.
        comparable: Whether it is of a kind that is judged, and no time or the like.
        overloaded: Whether a side could not keep up, so that it is not judged this once.
    """

    value: float
    less_is_better: bool
    comparable: bool = True
    overloaded: bool = False

    @property
    def judged(self) -> bool:
        """Whether a worse value is a regression at all."""
        return self.comparable and not self.overloaded

    def worse_than(self, before: Figure) -> float:
        """By how many percent this is worse; negative where it is better."""
        change = self.change(before)
        return change if before.less_is_better else -change

    def change(self, before: Figure) -> float:
        """By how many percent this is more; infinite where there was nothing before."""
        if before.value == 0:
            return 0.0 if self.value == 0 else math.inf
        return 100 * (self.value / before.value - 1)


@dataclass(frozen=True)
class Report:
    """What a run measured.

    Attributes:
        baseline: Where the baseline of this kind of report is stored.
        machine: What measured it, as far as the file says.
        figures: By name, in the order of the file.
        stored: The part of the file that a baseline keeps, in the file's own form.
        count: Of how many figures that is.
    """

    baseline: Path
    machine: str
    figures: dict[str, Figure]
    stored: dict[str, object]
    count: int


def read(path: Path) -> Report:
    """Reads either kind of file.

    Raises:
        UnusableError: It is not there, or it is neither.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnusableError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UnusableError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise UnusableError(f"{path}: want an object, got {type(content).__name__}")
    if "benchmarks" in content:
        return _pytest_report(path, content)
    if "figures" in content:
        return _bench_report(path, content)
    raise UnusableError(
        f"{path} has neither `benchmarks` (pytest --benchmark-json) nor `figures` (make bench)"
    )


def _pytest_report(path: Path, content: dict[str, object]) -> Report:
    figures: dict[str, Figure] = {}
    kept: list[object] = []
    for where, entry in _entries(path, content, "benchmarks"):
        name = _text(where, entry, "fullname")
        stats = entry.get("stats")
        if not isinstance(stats, dict):
            raise UnusableError(f"{where}: want an object `stats`, got {stats!r}")
        median = _positive(f"{where}.stats", stats, "median")
        _add(figures, where, name, Figure(median, less_is_better=True))
        kept.append({"fullname": name, "stats": {"median": median}})
    machine = content.get("machine_info")
    return Report(
        baseline=ROOT / "python/tests/performance/baseline.json",
        machine=_machine(machine),
        figures=figures,
        stored={"machine_info": {"description": _machine(machine)}, "benchmarks": kept},
        count=len(kept),
    )


def _machine(info: object) -> str:
    """The processor and the interpreter; a baseline has them as one text."""
    if not isinstance(info, dict):
        return ""
    if "description" in info:
        return str(info["description"])
    processor = info.get("cpu")
    brand = processor.get("brand_raw") if isinstance(processor, dict) else None
    count = processor.get("count") if isinstance(processor, dict) else None
    parts = [
        str(brand or info.get("machine") or "an unnamed machine"),
        f"{count} processors" if count else "",
        f"{info.get('python_implementation', 'Python')} {info.get('python_version', '')}".strip(),
    ]
    return ", ".join(part for part in parts if part)


def _bench_report(path: Path, content: dict[str, object]) -> Report:
    figures: dict[str, Figure] = {}
    kept: list[object] = []
    for where, entry in _entries(path, content, "figures"):
        name, unit = _text(where, entry, "name"), _text(where, entry, "unit")
        width, at_most = entry.get("at_a_time"), entry.get("at_most")
        if isinstance(width, bool) or not isinstance(width, int) or not isinstance(at_most, bool):
            raise UnusableError(f"{where}: want an int `at_a_time` and a bool `at_most`")
        figure = Figure(
            value=(ratio := _number(where, entry, "ratio")),
            less_is_better=at_most,
            comparable=unit in COUNTS
            or ("theirs" in entry and _number(where, entry, "theirs") > 0),
            overloaded=_overloaded(entry),
        )
        if figure.judged and ratio == 0 and unit not in COUNTS:  # of which there may be none
            raise UnusableError(f"{where}: the ratio is 0, so one of the sides did not measure")
        _add(figures, where, f"{name} ({unit}, {width} at a time)", figure)
        row = {"name": name, "at_a_time": width, "unit": unit, "ratio": ratio, "at_most": at_most}
        if entry.get("guarded"):
            kept.append({**row, **{key: entry[key] for key in ALSO_STORED if key in entry}})
    processors, compiler = content.get("processors"), content.get("go")
    return Report(
        baseline=ROOT / "test/bench/baseline.json",
        machine=f"{processors} processors, {compiler}" if processors else "",
        figures=figures,
        stored={"processors": processors, "go": compiler, "figures": kept},
        count=len(kept),
    )


def _overloaded(entry: dict[str, object]) -> bool:
    """Calls were given up: how long they took says how long was waited."""
    return bool(entry.get("overloaded") or entry.get("they_overloaded"))


def _entries(
    path: Path, content: dict[str, object], key: str
) -> list[tuple[str, dict[str, object]]]:
    entries = content[key]
    if not isinstance(entries, list) or not entries:
        raise UnusableError(f"{path}: `{key}` is empty or no list, so nothing was measured")
    named = [(f"{path}: {key}[{i}]", entry) for i, entry in enumerate(entries)]
    for where, entry in named:
        if not isinstance(entry, dict):
            raise UnusableError(f"{where}: want an object, got {entry!r}")
    return named


def _text(where: str, entry: dict[str, object], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise UnusableError(f"{where}: want a text `{key}`, got {value!r}")
    return value


def _number(where: str, entry: dict[str, object], key: str) -> float:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnusableError(f"{where}: want a number `{key}`, got {value!r}")
    if not (math.isfinite(value) and value >= 0):
        raise UnusableError(f"{where}: want `{key}` 0 or above and finite, got {value!r}")
    return float(value)


def _positive(where: str, entry: dict[str, object], key: str) -> float:
    value = _number(where, entry, key)
    if value == 0:
        raise UnusableError(f"{where}: want `{key}` above 0 and finite, got 0")
    return value


def _add(figures: dict[str, Figure], where: str, name: str, figure: Figure) -> None:
    if name in figures:
        raise UnusableError(f"{where}: {name} was measured before in the same file")
    figures[name] = figure


def table(current: Report, baseline: Report, threshold: float) -> tuple[list[str], list[str]]:
    """The lines to print, and the names of what became worse by more than the threshold."""
    rows = [("what", "baseline", "current", "change", "")]
    regressions: list[str] = []
    for name, figure in current.figures.items():
        before = baseline.figures.get(name)
        if before is None:
            rows.append((name, "-", f"{figure.value:.4g}", "-", "new"))
            continue
        judged = figure.judged and before.judged
        verdict = "ok" if judged else "not judged"
        if judged and figure.worse_than(before) > threshold:
            verdict = "REGRESSION"
            regressions.append(name)
        change = f"{figure.change(before):+.1f} %"
        rows.append((name, f"{before.value:.4g}", f"{figure.value:.4g}", change, verdict))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return lines, regressions


def compare(current: Path, baseline: Path | None, threshold: float) -> int:
    """Prints the table; returns the exit code."""
    now = read(current)
    before = read(baseline or now.baseline)
    if now.baseline != before.baseline:
        raise UnusableError(f"{current} and {baseline} are not of the same kind")
    missing = [name for name in before.figures if name not in now.figures]
    if missing:
        raise UnusableError(
            f"{current} lacks what the baseline has: {', '.join(missing)}; measure it, "
            "or store a new baseline with --update"
        )
    unlike = [
        name for name, f in before.figures.items() if f.comparable != now.figures[name].comparable
    ]
    if unlike:
        raise UnusableError(
            f"{', '.join(unlike)}: only one of {current} and the baseline says of both sides (`theirs`), so "
            "what the other says is no ratio; measure again, or store a new baseline with --update"
        )
    lines, regressions = table(now, before, threshold)
    print("\n".join(lines))
    both = [(now.figures[name], f) for name, f in before.figures.items() if f.comparable]
    if both and not any(f.judged and then.judged for f, then in both):
        raise UnusableError(
            f"in every figure of {current} or of the baseline a side could not keep up, so nothing was judged; "
            "measure again where less else runs"
        )
    if now.machine != before.machine:
        print(f"\nnot the same machine: the baseline is of {before.machine or 'unknown'},")
        print(f"this run of {now.machine or 'unknown'}; --update stores a baseline of this one")
    if regressions:
        print(f"\nworse by more than {threshold:g} %: {', '.join(regressions)}")
        return REGRESSION
    print(f"\nnothing is worse by more than {threshold:g} %")
    return OK


def store(current: Path, baseline: Path | None) -> int:
    """Makes what was measured the baseline; returns the exit code."""
    report = read(current)
    path = baseline or report.baseline
    if not report.count:
        raise UnusableError(
            f"{current} has no figure that the guard compares, so there is nothing to store: give "
            "test/bench/bench-results.json of `make bench`, or bench-part.json of `make bench-quick`"
        )
    try:
        path.write_text(json.dumps(report.stored, indent=2, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise UnusableError(f"cannot write {path}: {error.strerror}") from error
    print(f"{path}: stored {report.count} of {len(report.figures)} figures")
    return OK


def percent(text: str) -> float:
    """Reads the threshold: a finite number, 0 or more."""
    value = float(text)
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"want a number of percent, 0 or more, got {text!r}")
    return value


def main(arguments: list[str]) -> int:
    """Does what the arguments say; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--current", type=Path, required=True, metavar="FILE", help="what was measured"
    )
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="what it is compared with")
    parser.add_argument(
        "--threshold",
        type=percent,
        default=10.0,
        metavar="PERCENT",
        help="how much worse is allowed; 10",
    )
    parser.add_argument("--update", action="store_true", help="store FILE as the baseline")
    given = parser.parse_args(arguments)
    try:
        if given.update:
            return store(given.current, given.baseline)
        return compare(given.current, given.baseline, given.threshold)
    except UnusableError as error:
        print(f"error: {error}", file=sys.stderr)
        return UNUSABLE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
