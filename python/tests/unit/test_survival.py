"""The README's table of what survives says what was measured."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MCP = ROOT / ".venv-mcp" / "bin" / "python"


def survival():
    spec = importlib.util.spec_from_file_location("survival", ROOT / "test/survival/survival.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for their own
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(shutil.which("go") is None, reason="one column is measured through Go")
def test_the_readme_says_what_json_and_struct_do_to_each_value():
    module = survival()
    committed = module.committed()

    measured = module.measured(mcp=False)

    assert {row: cells[1:4] for row, cells in committed.items()} == measured


def test_every_row_has_a_cell_for_every_way():
    module = survival()
    assert {len(cells) for cells in module.committed().values()} == {len(module.WAYS)}


def test_what_is_measured_are_vectors():
    module = survival()
    known = module.vectors()
    assert [name for name in module.ROWS.values() if name not in known and "(" not in name] == []


@pytest.mark.parametrize(
    ("value", "result", "cell"),
    [
        (1, 1, "kept"),
        (1, 1.0, "float: `1.0`"),
        (1, True, "bool: `True`"),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}, "dict in another order"),
        (float("nan"), float("nan"), "kept"),
        ((1,), [1], "list: `[1]`"),
        ([1], [True], "list: `[True]`"),
        (-0.0, 0.0, "float: `0.0`"),
    ],
)
def test_a_cell_is_kept_only_where_type_content_and_order_are(value, result, cell):
    assert survival().described(value, result) == cell


@pytest.mark.skipif(not MCP.exists(), reason="no environment with MCP: make venv-mcp")
def test_the_readme_says_what_a_tool_of_an_mcp_server_gives_back():
    done = subprocess.run(
        [str(MCP), "-W", "ignore", str(ROOT / "test/survival/survival.py"), "--check"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "python" / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
