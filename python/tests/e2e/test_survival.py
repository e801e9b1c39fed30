"""The README's column of Toolbridge says what comes back from a tool in Go, through a bridge."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_readme_says_what_comes_back_through_a_bridge(house):
    spec = importlib.util.spec_from_file_location(
        "survival", ROOT / "test" / "survival" / "survival.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["survival"] = module
    spec.loader.exec_module(module)
    committed = module.committed()

    measured = module.with_bridge({row: [] for row in committed}, house.address)

    assert {row: cells[:1] for row, cells in committed.items()} == measured
