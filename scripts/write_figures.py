"""Writes the figures of a run of `make bench` into the pages that show them, and its chart into docs/.

It is called with the path of bench-results.json and the root of the repository. Each page shows the scenes that are
named in its line "<!-- figures: begin SCENE, SCENE … -->" ("all", or "all but SCENE, SCENE …", for every one, or the
others), down to "<!-- figures: end -->". Blocks of other scenes than those of the run stay as they are.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

PAGES = ("README.md", "docs/performance.md", "test/bench/README.md")
CHART = "docs/bench-results.svg"
_BLOCK = re.compile(
    r"(<!-- figures: begin (?P<scenes>[^>]*?) -->\n).*?(<!-- figures: end -->)",
    re.DOTALL,
)
# Below this a number has two digits behind the point, below the next one, and beyond it none.
_HUNDREDTHS, _TENTHS = 10, 100


def main(results: Path, root: Path) -> None:
    """Fills the blocks of all pages; the chart is that of a run which has figures for each of them."""
    run = json.loads(results.read_text(encoding="utf-8"))
    is_whole = True
    for name in PAGES:
        page = root / name
        text = page.read_text(encoding="utf-8")
        is_whole = is_whole and all(shown(match, run) for match in _BLOCK.finditer(text))
        page.write_text(filled(text, run), encoding="utf-8")
    chart = results.with_suffix(".svg")
    if chart.exists() and is_whole:
        shutil.copyfile(chart, root / CHART)


def filled(text: str, run: dict[str, Any]) -> str:
    """The page with those blocks filled anew that the run has figures of.

    Raises:
        ValueError: It has figures of some scenes of a block, and not of others.
    """

    def block(match: re.Match[str]) -> str:
        scenes = shown(match, run)
        return f"{match[1]}{table(run, scenes)}{match[3]}" if scenes else match[0]

    return _BLOCK.sub(block, text)


def shown(block: re.Match[str], run: dict[str, Any]) -> list[str]:
    """The scenes of a block; none if the run has figures of none of them."""
    measured = list(dict.fromkeys(figure["scene"] for figure in run["figures"]))
    if block["scenes"] == "all":
        return measured
    listed = block["scenes"].removeprefix("all but ")
    named = [scene.strip() for scene in listed.split(",")]
    if listed != block["scenes"]:
        return [scene for scene in measured if scene not in named]
    return named if set(named) & set(measured) else []


def table(run: dict[str, Any], scenes: list[str] | None) -> str:
    """The figures of some scenes, or of all, as a table, and below it what it is."""
    figures = [f for f in run["figures"] if scenes is None or f["scene"] in scenes]
    known = {f["scene"] for f in figures}
    if missing := set(scenes or ()) - known:
        raise ValueError(f"the run has no figure of {', '.join(sorted(missing))}")
    lines = [
        "| What | at a time | unit | ours | theirs | ratio | spread | wanted | | CPU µs a call |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    name = ""
    for f in figures:
        shown, name = "" if f["name"] == name else f["name"], f["name"]
        cells = (
            shown,
            f"{f['at_a_time']:,}" if f["at_a_time"] else "-",
            f["unit"],
            bound(f, "ours", "overloaded"),
            bound(f, "theirs", "they_overloaded"),
            number(f.get("ratio")),
            f"{number(f.get('low'))} to {number(f.get('high'))}",
            wanted(f),
            verdict(f),
            processor(f),
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", summary(run, figures), ""]
    return "\n".join(lines)


def summary(run: dict[str, Any], figures: list[dict[str, Any]]) -> str:
    """What the table is of."""
    asked = [f for f in figures if not f.get("look")]
    reached = sum(1 for f in asked if f["reached"])
    further = [f for f in asked if f.get("goal")]
    beyond = (
        f", and {sum(map(goal_reached, further))} of {len(further)} goals: "
        "`reached` is the first figure that is wanted, `goal reached` the one in brackets too"
        if further
        else ""
    )
    rounds = sorted({len(f["rounds"]) for f in figures if f.get("rounds")})
    counts = " or ".join(str(n) for n in rounds) or "1"
    return (
        f"{reached} of {len(asked)} wanted figures reached{beyond}. "
        f"Medians of {counts} rounds, each side in turn; the spread is that of the rounds. "
        "CPU: all processes of a side together, ours : theirs; empty where it is not known. "
        f"{run['processors']} processors, {run['go']}{lasted(run)}."
    )


def lasted(run: dict[str, Any]) -> str:
    """How long the whole run took."""
    seconds = run.get("seconds")
    return f", a run of {seconds / 60:.0f} minutes" if seconds else ""


def number(value: float | None) -> str:
    """A number with the digits that count; "-" where there is none."""
    if not value:
        return "-"
    if value < 0.01:
        return f"{value:.2g}"
    if value < _HUNDREDTHS:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < _TENTHS else f"{value:,.0f}"


def bound(figure: dict[str, Any], key: str, overloaded: str) -> str:
    """A figure; no more than a bound where its side was overloaded in most rounds."""
    value = number(figure.get(key))
    return f"> {value}" if 2 * figure.get(overloaded, 0) > len(figure.get("rounds", ())) else value


def wanted(figure: dict[str, Any]) -> str:
    """What is wanted, and the goal beyond it."""
    if figure.get("look"):
        return "-"
    text = f"{'≤' if figure['at_most'] else '≥'} {figure['reach']:g}"
    return f"{text} (goal {figure['goal']:g})" if figure.get("goal") else text


def goal_reached(figure: dict[str, Any]) -> bool:
    """Whether the goal beyond what is wanted is reached; not where there is none."""
    if not figure.get("goal"):
        return False
    if figure["at_most"]:
        return figure["ratio"] <= figure["goal"]
    return figure["ratio"] >= figure["goal"]


def verdict(figure: dict[str, Any]) -> str:
    """What was reached, or that a side could not keep up."""
    ours, theirs = figure.get("overloaded", 0), figure.get("they_overloaded", 0)
    if ours or theirs:
        return f"overloaded in {ours} : {theirs} of {len(figure['rounds'])} rounds"
    if figure.get("look"):
        return ""
    if not figure["reached"]:
        return "**not reached**"
    return "goal reached" if goal_reached(figure) else "reached"


def processor(figure: dict[str, Any]) -> str:
    """The processor time of both sides; nothing where it is not known."""
    ours, theirs = figure.get("processor_us"), figure.get("their_processor_us")
    if not ours and not theirs:
        return ""
    return f"{number(ours)} : {number(theirs)}" if theirs else number(ours)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
