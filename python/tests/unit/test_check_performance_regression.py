"""scripts/check_performance_regression.py: what it finds, what it refuses, and how it says so."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "scripts" / "check_performance_regression.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="scripts/ is not shipped")


def pytest_report(**medians: float) -> dict[str, object]:
    """What pytest-benchmark writes, as far as it matters here."""
    return {
        "machine_info": {"python_version": "3.11.7", "cpu": {"brand_raw": "A", "count": 2}},
        "benchmarks": [
            {"fullname": f"tests/{name}", "stats": {"median": median, "mean": 9.0}}
            for name, median in medians.items()
        ],
    }


def bench_report(ratio: float = 2.0, *, at_most: bool = False) -> dict[str, object]:
    """What `make bench` writes, as far as it matters here."""
    figure = {"name": "relay", "at_a_time": 64, "unit": "calls/s", "ours": 9, "theirs": 4}
    figure["guarded"] = True
    return {
        "processors": 2,
        "go": "go1.26",
        "figures": [{**figure, "ratio": ratio, "at_most": at_most}],
    }


def with_another(report: dict[str, object]) -> dict[str, object]:
    """The report with one more figure, which both sides could keep up with."""
    report["figures"] += [{**bench_report()["figures"][0], "name": "other"}]  # type: ignore[operator, index]
    return report


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("check_performance_regression", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def write(tmp_path):
    """Writes a file, as JSON unless it is a text; gives its path."""

    def written(name: str, content: object) -> str:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return str(path)

    return written


@pytest.fixture
def check(script, write):
    """Compares two reports; gives the exit code."""

    def checked(current: object, baseline: object, *more: str) -> int:
        files = ["--current", write("current.json", current)]
        files += ["--baseline", write("baseline.json", baseline)]
        return script.main([*files, *more])

    return checked


@pytest.mark.parametrize(
    ("before", "now", "threshold", "code"),
    [
        (1.0, 1.0, "10", 0),
        (1.0, 0.1, "10", 0),
        (1.0, 1.09, "10", 0),
        (1.0, 1.11, "10", 1),
        (1.0, 1.11, "12", 0),
        (1.0, 1.001, "0", 1),
        (1.0, 1.0, "0", 0),
    ],
)
def test_a_median_may_grow_by_the_threshold_and_no_more(check, before, now, threshold, code):
    current, baseline = pytest_report(latency=now), pytest_report(latency=before)
    assert check(current, baseline, "--threshold", threshold) == code


@pytest.mark.parametrize(
    ("before", "now", "at_most", "code"),
    [
        (2.0, 1.9, False, 0),
        (2.0, 1.7, False, 1),
        (2.0, 4.0, False, 0),
        (2.0, 2.1, True, 0),
        (2.0, 2.3, True, 1),
        (2.0, 1.0, True, 0),
    ],
)
def test_a_ratio_is_judged_in_the_direction_that_the_figure_names(
    check, before, now, at_most, code
):
    assert check(bench_report(now, at_most=at_most), bench_report(before, at_most=at_most)) == code


@pytest.mark.parametrize(("unit", "code"), [("µs/call", 0), ("ms", 0), ("allocations/call", 1)])
def test_a_time_is_shown_and_not_judged_and_a_count_is(check, capsys, unit, code):
    before, now = bench_report(2.0, at_most=True), bench_report(9.0, at_most=True)
    for report in (before, now):
        report["figures"][0].update(unit=unit, theirs=0)  # type: ignore[index]
    assert check(now, before) == code
    assert ("not judged" in capsys.readouterr().out) == (code == 0)


@pytest.mark.parametrize("key", ["overloaded", "they_overloaded"])
def test_a_side_that_could_not_keep_up_then_or_now_is_shown_and_not_judged(check, capsys, key):
    for of in (0, 1):
        reports = [with_another(bench_report(ratio, at_most=True)) for ratio in (9.0, 2.0)]
        assert check(*reports) == 1
        reports[of]["figures"][0][key] = 3
        capsys.readouterr()
        assert check(*reports) == 0
        assert "not judged" in capsys.readouterr().out


@pytest.mark.parametrize(("before", "now", "code"), [(0.0, 0.0, 0), (0.0, 1.0, 1), (1.0, 0.0, 0)])
def test_of_what_is_counted_nothing_may_stay_so_and_become_so(check, before, now, code):
    reports = [bench_report(now, at_most=True), bench_report(before, at_most=True)]
    for report in reports:
        report["figures"][0].update(unit="allocations", theirs=0)  # type: ignore[index]
    assert check(*reports) == code


@pytest.mark.parametrize("at_most", [True, False])
@pytest.mark.parametrize("of", [0, 1])
def test_a_ratio_of_nothing_is_refused_then_and_now(check, capsys, of, at_most):
    reports = [bench_report(2.0, at_most=at_most), bench_report(2.0, at_most=at_most)]
    reports[of]["figures"][0]["ratio"] = 0  # type: ignore[index]
    assert check(*reports) == 2
    assert "the ratio is 0, so one of the sides did not measure" in capsys.readouterr().err
    reports[of]["figures"][0]["overloaded"] = 1  # type: ignore[index]
    assert check(*map(with_another, reports)) == 0, (
        "nothing was answered in time, and the row says so"
    )


@pytest.mark.parametrize("of", [0, 1])
def test_a_file_in_which_nothing_can_be_judged_does_not_pass(check, capsys, of):
    reports = [with_another(bench_report()), with_another(bench_report())]
    for figure in reports[of]["figures"]:  # type: ignore[attr-defined]
        figure["overloaded"] = 2
    assert check(*reports) == 2
    out = capsys.readouterr()
    assert out.out.count("not judged") == 2
    assert "so nothing was judged; measure again where less else runs" in out.err


@pytest.mark.parametrize("of", [0, 1])
def test_what_is_a_ratio_only_then_or_only_now_is_refused_however_bad_it_is(check, capsys, of):
    for change in ({"theirs": 0}, {}):
        reports = [bench_report(20.0, at_most=True), bench_report(2.0, at_most=True)]
        del reports[of]["figures"][0]["theirs"]  # type: ignore[index]
        reports[of]["figures"][0].update(change)  # type: ignore[index]
        assert check(*reports) == 2
        told = capsys.readouterr().err
        assert "relay (calls/s, 64 at a time)" in told
        assert "no ratio" in told
        assert "--update" in told


def test_a_stored_baseline_keeps_the_rounds_for_the_guard(script, write, tmp_path):
    report = bench_report()
    report["figures"][0].update(group="go", rounds=[2.0, 2.1])  # type: ignore[index]
    baseline = tmp_path / "baseline.json"
    current = write("current.json", report)
    assert script.main(["--current", current, "--baseline", str(baseline), "--update"]) == 0
    stored = json.loads(baseline.read_text("utf-8"))["figures"][0]
    assert stored["group"] == "go"
    assert stored["theirs"] == 4
    assert stored["rounds"] == [2.0, 2.1]


def test_of_a_whole_run_only_what_the_guard_compares_is_stored(script, write, tmp_path, capsys):
    report = bench_report()
    guarded = report["figures"][0]  # type: ignore[index]
    others = [
        {**guarded, "name": name, "guarded": value}
        for name, value in (("an empty stream", False), ("a peer", None))
    ]
    report["figures"] += others  # type: ignore[operator]
    baseline = tmp_path / "baseline.json"
    arguments = ["--current", write("current.json", report), "--baseline", str(baseline)]
    assert script.main([*arguments, "--update"]) == 0
    assert "stored 1 of 3 figures" in capsys.readouterr().out
    stored = json.loads(baseline.read_text("utf-8"))["figures"]
    assert [figure["name"] for figure in stored] == ["relay"]
    assert script.main(arguments) == 0
    assert "new" in capsys.readouterr().out


def test_a_run_without_anything_that_the_guard_compares_is_not_stored(
    script, write, tmp_path, capsys
):
    report = bench_report()
    del report["figures"][0]["guarded"]  # type: ignore[index]
    baseline = tmp_path / "baseline.json"
    arguments = ["--current", write("current.json", report), "--baseline", str(baseline)]
    assert script.main([*arguments, "--update"]) == 2
    assert "no figure that the guard compares" in capsys.readouterr().err
    assert not baseline.exists()


def test_the_threshold_is_10_percent_unless_said_otherwise(check):
    assert check(pytest_report(latency=1.09), pytest_report(latency=1.0)) == 0
    assert check(pytest_report(latency=1.11), pytest_report(latency=1.0)) == 1


def test_the_table_shows_every_benchmark_and_names_what_became_worse(check, capsys):
    baseline = pytest_report(latency=0.001, batch=0.5)
    code = check(pytest_report(latency=0.002, batch=0.4, fresh=1.0), baseline)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert code == 1
    assert "tests/latency 0.001 0.002 +100.0 % REGRESSION" in lines
    assert "tests/batch 0.5 0.4 -20.0 % ok" in lines
    assert "tests/fresh - 1 - new" in lines
    assert lines[-1] == "worse by more than 10 %: tests/latency"


def test_another_machine_than_the_baselines_is_named(check, capsys):
    current = pytest_report(latency=1.0)
    current["machine_info"] = {"machine": "arm64", "python_version": "3.13.0"}
    assert check(current, pytest_report(latency=1.0)) == 0
    out = capsys.readouterr().out
    assert "the baseline is of A, 2 processors, Python 3.11.7" in out
    assert "this run of arm64, Python 3.13.0" in out


def test_the_same_machine_is_not_mentioned(check, capsys):
    assert check(bench_report(), bench_report()) == 0
    assert "machine" not in capsys.readouterr().out


def test_a_benchmark_that_is_gone_is_no_pass(check, capsys):
    assert check(pytest_report(batch=1.0), pytest_report(latency=1.0, batch=1.0)) == 2
    assert "lacks what the baseline has: tests/latency" in capsys.readouterr().err


def test_reports_of_different_kinds_are_not_compared(check, capsys):
    assert check(pytest_report(latency=1.0), bench_report()) == 2
    assert "not of the same kind" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(script, tmp_path, capsys):
    assert script.main(["--current", str(tmp_path / "nowhere.json")]) == 2
    assert f"cannot read {tmp_path / 'nowhere.json'}: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ([], "want an object, got list"),
        ({}, "neither `benchmarks`"),
        ({"benchmarks": []}, "nothing was measured"),
        ({"benchmarks": {}}, "nothing was measured"),
        ({"benchmarks": [3]}, "benchmarks[0]: want an object, got 3"),
        ({"benchmarks": [{"stats": {"median": 1}}]}, "want a text `fullname`, got None"),
        ({"benchmarks": [{"fullname": "a"}]}, "want an object `stats`, got None"),
        ({"benchmarks": [{"fullname": "a", "stats": {}}]}, "want a number `median`, got None"),
        (pytest_report(latency=0), "want `median` above 0 and finite, got 0"),
        (pytest_report(latency=float("nan")), "0 or above and finite, got nan"),
        (pytest_report(latency=True), "want a number `median`, got True"),
        ({"figures": [{"name": "a", "unit": "ms"}]}, "an int `at_a_time` and a bool `at_most`"),
        (
            {"figures": [{"name": "a", "unit": "ms", "at_a_time": True, "at_most": True}]},
            "an int `at_a_time` and a bool `at_most`",
        ),
        (
            {"figures": [{**bench_report()["figures"][0], "theirs": True}]},  # type: ignore[index]
            "want a number `theirs`, got True",
        ),
        (bench_report(-1.0), "want `ratio` 0 or above and finite, got -1.0"),
        (
            {"benchmarks": pytest_report(a=1.0)["benchmarks"] * 2},  # type: ignore[operator]
            "benchmarks[1]: tests/a was measured before",
        ),
    ],
)
@pytest.mark.parametrize("side", ["current", "baseline"])
def test_a_malformed_file_is_named_with_the_place(check, capsys, content, fault, side):
    files = {"current": pytest_report(latency=1.0), "baseline": pytest_report(latency=1.0)}
    files[side] = content
    assert check(files["current"], files["baseline"]) == 2
    err = capsys.readouterr().err
    assert fault in err
    assert f"{side}.json" in err


@pytest.mark.parametrize("threshold", ["-1", "nan", "inf", "ten"])
def test_a_threshold_that_is_no_percentage_is_refused(check, capsys, threshold):
    with pytest.raises(SystemExit, match="2"):
        check(bench_report(), bench_report(), f"--threshold={threshold}")
    assert "--threshold" in capsys.readouterr().err


@pytest.mark.parametrize("report", [pytest_report(latency=0.25, batch=3.0), bench_report(1.5)])
def test_a_stored_baseline_is_what_was_measured(script, write, tmp_path, capsys, report):
    current, baseline = write("current.json", report), str(tmp_path / "stored.json")
    assert script.main(["--current", current, "--baseline", baseline, "--update"]) == 0
    assert script.main(["--current", current, "--baseline", baseline, "--threshold", "0"]) == 0
    assert "+0.0 %" in capsys.readouterr().out


def test_a_baseline_that_cannot_be_written_is_named(script, write, tmp_path, capsys):
    current, baseline = write("current.json", bench_report()), str(tmp_path / "no" / "where.json")
    assert script.main(["--current", current, "--baseline", baseline, "--update"]) == 2
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize(
    "path", ["python/tests/performance/baseline.json", "test/bench/baseline.json"]
)
def test_the_stored_baselines_can_be_read_and_are_where_they_are_looked_for(script, path):
    report = script.read(ROOT / path)
    assert report.baseline == ROOT / path
    assert report.figures


def test_the_exit_code_is_the_programs(write):
    current = write("current.json", pytest_report(latency=2.0))
    baseline = write("baseline.json", pytest_report(latency=1.0))
    command = [sys.executable, str(SCRIPT), "--current", current, "--baseline", baseline]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "REGRESSION" in done.stdout
