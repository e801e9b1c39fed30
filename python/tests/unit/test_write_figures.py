"""scripts/write_figures.py: what it writes into the pages, and what it refuses."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "scripts" / "write_figures.py"


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("write_figures", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def figure(scene: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "scene": scene, "name": name, "at_a_time": 1024, "unit": "calls/s",
        "ours": 123456.0, "theirs": 61728.0, "ratio": 2.0, "low": 1.5, "high": 2.5, "rounds": [1.5, 2.0, 2.5],
        "processor_us": 10.04, "their_processor_us": 20.0, "reach": 1.7, "at_most": False, "reached": True,
    } | more  # fmt: skip


def run(*figures: dict[str, Any]) -> dict[str, Any]:
    return {"processors": 2, "go": "go1.26", "figures": list(figures)}


PAGE = "above\n<!-- figures: begin calls -->\nold\n<!-- figures: end -->\nbelow\n"


def test_a_block_holds_the_figures_of_its_scenes_and_the_rest_of_the_page_stays(
    script: Any,
) -> None:
    text = script.filled(PAGE, run(figure("calls", "a call"), figure("peers", "a peer")))
    assert text.startswith("above\n<!-- figures: begin calls -->\n| What |")
    assert text.endswith("\n<!-- figures: end -->\nbelow\n")
    assert (
        "| a call | 1,024 | calls/s | 123,456 | 61,728 | 2.00 | 1.50 to 2.50 | ≥ 1.7 | reached | 10.0 : 20.0 |"
        in text
    )
    assert "a peer" not in text
    assert "old" not in text
    assert "1 of 1 wanted figures reached. Medians of 3 rounds" in text


def test_filling_twice_changes_nothing(script: Any) -> None:
    figures = run(figure("calls", "a call"))
    once = script.filled(PAGE, figures)
    assert script.filled(once, figures) == once


def test_a_goal_that_is_missed_is_said_and_what_has_none_is_not_judged(script: Any) -> None:
    text = script.table(
        run(
            figure("calls", "slow", reached=False, at_most=True, reach=12),
            figure("calls", "only to look at", look=True, theirs=0, their_processor_us=0),
        ),
        None,
    )
    assert "| ≤ 12 | **not reached** |" in text
    assert (
        "| only to look at | 1,024 | calls/s | 123,456 | - | 2.00 | 1.50 to 2.50 | - |  | 10.0 |"
        in text
    )
    assert "0 of 1 wanted figures reached" in text


@pytest.mark.parametrize(
    ("ratio", "at_most", "reach", "goal", "said"),
    [
        (3.6, False, 3, 3.5, "| ≥ 3 (goal 3.5) | goal reached |"),
        (3.5, False, 3, 3.5, "| ≥ 3 (goal 3.5) | goal reached |"),
        (3.4, False, 3, 3.5, "| ≥ 3 (goal 3.5) | reached |"),
        (2.9, False, 3, 3.5, "| ≥ 3 (goal 3.5) | **not reached** |"),
        (0.4, True, 0.6, 0.5, "| ≤ 0.6 (goal 0.5) | goal reached |"),
        (0.55, True, 0.6, 0.5, "| ≤ 0.6 (goal 0.5) | reached |"),
        (3.6, False, 3, 0, "| ≥ 3 | reached |"),
    ],
)
def test_a_goal_beyond_what_is_wanted_is_shown_and_said_when_it_is_reached(
    script: Any, ratio: float, at_most: bool, reach: float, goal: float, said: str
) -> None:
    reached = ratio <= reach if at_most else ratio >= reach
    one = figure(
        "calls", "a call", ratio=ratio, at_most=at_most, reach=reach, goal=goal, reached=reached
    )
    text = script.table(run(one), None)
    assert said in text
    counted = f"and {int('goal reached' in said)} of 1 goals: `reached` is the first figure"
    assert (counted in text) == bool(goal)


def test_the_footer_says_how_long_the_run_was_if_that_is_known(script: Any) -> None:
    figures = run(figure("calls", "a call"))
    assert script.table(figures, None).rstrip().endswith("2 processors, go1.26.")
    text = script.table(figures | {"seconds": 1578.4}, None)
    assert text.rstrip().endswith("2 processors, go1.26, a run of 26 minutes.")


def test_processor_time_that_nobody_knows_is_no_figure(script: Any) -> None:
    text = script.table(
        run(figure("broker", "a call", look=True, processor_us=0, their_processor_us=0)), None
    )
    assert "| - |  |  |" in text


def test_a_side_that_could_not_keep_up_is_said_and_its_figure_is_a_bound(script: Any) -> None:
    text = script.table(
        run(
            figure("open loop", "theirs", look=True, overloaded=1, they_overloaded=2),
            figure("open loop", "ours", look=True, overloaded=3),
        ),
        None,
    )
    assert "| theirs | 1,024 | calls/s | 123,456 | > 61,728 |" in text
    assert "| overloaded in 1 : 2 of 3 rounds |" in text
    assert "| ours | 1,024 | calls/s | > 123,456 | 61,728 |" in text
    assert "| overloaded in 3 : 0 of 3 rounds |" in text


def test_a_scene_without_figures_beside_one_that_has_some_is_refused(script: Any) -> None:
    page = PAGE.replace("calls", "calls, peers")
    with pytest.raises(ValueError, match="no figure of calls"):
        script.filled(page, run(figure("peers", "a peer")))


def test_a_run_of_other_scenes_leaves_a_block_as_it_is(script: Any) -> None:
    assert script.filled(PAGE, run(figure("peers", "a peer"))) == PAGE


def test_a_block_may_hold_all_scenes_but_some(script: Any) -> None:
    page = PAGE.replace("begin calls", "begin all but peers, go codec")
    figures = figure("calls", "a call"), figure("peers", "a peer"), figure("go codec", "an int")
    text = script.filled(page, run(*figures))
    assert "a call" in text
    assert "a peer" not in text
    assert "an int" not in text
    assert script.filled(page, run(*figures[1:])) == page


def test_every_page_has_a_block_and_the_chart_is_copied(script: Any, tmp_path: Path) -> None:
    for name in script.PAGES:
        page = tmp_path / name
        page.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "<!-- figures: begin" in text
        page.write_text(
            re.sub(r"<!-- figures: begin .* -->", "<!-- figures: begin all -->", text),
            encoding="utf-8",
        )
    results = tmp_path / "bench-results.json"
    results.write_text(json.dumps(run(figure("calls", "a call"))), encoding="utf-8")
    results.with_suffix(".svg").write_text("<svg/>", encoding="utf-8")
    script.main(results, tmp_path)
    assert (tmp_path / script.CHART).read_text(encoding="utf-8") == "<svg/>"
    for name in script.PAGES:
        assert "| a call |" in (tmp_path / name).read_text(encoding="utf-8")

    page = tmp_path / script.PAGES[0]
    page.write_text(
        page.read_text(encoding="utf-8").replace("begin all", "begin peers"), encoding="utf-8"
    )
    results.with_suffix(".svg").write_text("<svg>of some scenes</svg>", encoding="utf-8")
    script.main(results, tmp_path)
    assert (tmp_path / script.CHART).read_text(encoding="utf-8") == "<svg/>"
