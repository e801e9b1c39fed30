"""The examples that are tests themselves are run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_the_example_of_the_test_kit_passes():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_slug.py"]

    ran = subprocess.run(
        command, cwd=EXAMPLES / "testkit", capture_output=True, text=True, check=False, timeout=300
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "6 passed" in ran.stdout
