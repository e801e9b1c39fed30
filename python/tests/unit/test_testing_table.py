"""docs/testing.md says where the testing strategy lives; here it is held to that."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "testing.md"
CODE = re.compile(r"`([^`]+)`")
LOOKS_LIKE_A_PATH = re.compile(r"[\w.*{}-]+(/[\w.*{}-]+)*/?")
NOT_THERE = "not there yet"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="docs/ is not shipped with the package")


def rows(text: str) -> list[list[str]]:
    """The rows of every table, without its head."""
    found = []
    for line, above in zip(text.splitlines()[1:], text.splitlines(), strict=False):
        if line.startswith("|") and above.startswith("|") and not line.startswith("|---"):
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def is_path(text: str) -> bool:
    """Whether a piece of code in the column "Here" is a file or folder of the repository."""
    return bool(LOOKS_LIKE_A_PATH.fullmatch(text)) and ("/" in text or (ROOT / text).exists())


def defines(file: Path, name: str) -> bool:
    """Whether a file has a definition, a case or a key of this name."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py" and file.name != "__init__.py":
        kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        return any(isinstance(n, kinds) and n.name == name for n in ast.walk(ast.parse(text)))
    if file.suffix == ".go":
        word = re.escape(name)
        definition = rf"^(func (\([^)]*\) )?{word}[\[(]|type {word} )"
        return f'"{name}"' in text or re.search(definition, text, re.MULTILINE) is not None
    return re.search(rf"\b{re.escape(name)}\b", text) is not None


def faults_of_place(cell: str) -> list[str]:
    """What is wrong with the column "Here" of a row."""
    faults = [f"something is {NOT_THERE}"] if NOT_THERE in cell else []
    for place in CODE.findall(cell):
        path, _, name = place.partition("::")
        if not name and not is_path(path):
            continue
        if not (ROOT / path).exists() and not path.startswith("coverage/"):
            faults.append(f"there is no {path}")
        elif name and not defines(ROOT / path, name):
            faults.append(f"{path} has no {name!r}")
    return faults


def faults_of_command(command: str) -> list[str]:
    """What is wrong with a command of the column "Run"."""
    words = shlex.split(command)
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        targets = re.findall(r"^([a-z][a-z0-9-]*):", makefile, re.MULTILINE)
        return [f"make has no target {w!r}" for w in words[1:] if w not in targets]
    if words[0] == "pytest":
        return _faults_of_selection(words[1], ROOT / "python" / words[1], words, "-k", "*.py")
    if words[:2] == ["go", "test"]:
        faults = []
        for word in words[2:]:
            if word.startswith("./"):
                faults += _faults_of_selection(word, ROOT / word, words, "-run", "*_test.go")
        return faults
    return [f"{command!r} is neither make nor pytest nor go test"]


def _faults_of_selection(
    shown: str, path: Path, words: list[str], flag: str, files: str
) -> list[str]:
    if not path.exists():
        return [f"there is no {shown}"]
    if flag not in words:
        return []
    name = words[words.index(flag) + 1]
    texts = (file.read_text(encoding="utf-8") for file in path.rglob(files))
    return [] if any(name in text for text in texts) else [f"{shown} has no test {name!r}"]


def faults(text: str) -> list[str]:
    """What is wrong with a page."""
    found = []
    for cells in rows(text):
        if len(cells) != 3:
            found.append(f"a row has {len(cells)} cells, want 3: {cells[0]}")
            continue
        wrong = faults_of_place(cells[1])
        commands = [c for c in CODE.findall(cells[2]) if c.startswith(("make ", "pytest ", "go "))]
        for command in commands:
            wrong += faults_of_command(command)
        found += [f"{cells[0]}: {fault}" for fault in wrong]
    return found


def test_every_path_name_and_command_of_the_table_exists():
    text = PAGE.read_text(encoding="utf-8")
    assert len(rows(text)) > 80
    assert faults(text) == []


@pytest.mark.parametrize(
    ("place", "command", "fault"),
    [
        ("`python/tests/nowhere.py`", "", "no python/tests/nowhere.py"),
        ("`python/tests/conftest.py::nobody`", "", "no 'nobody'"),
        ("`internal/rpc/service.go::Nobody`", "", "no 'Nobody'"),
        ("`Makefile::nothing-of-it`", "", "no 'nothing-of-it'"),
        ("**not there yet**: `python/tests`", "", "not there yet"),
        ("", "`make nothing-of-it`", "no target 'nothing-of-it'"),
        ("", "`pytest tests/nowhere`", "no tests/nowhere"),
        ("", "`pytest tests/e2e -k test_nothing_of_it`", "no test 'test_nothing_of_it'"),
        ("", "`go test ./nowhere`", "no ./nowhere"),
        ("", "`go test ./internal/rpc -run TestNothingOfIt`", "no test 'TestNothingOfIt'"),
        ("", "`go build ./...`", "neither"),
        ("", "| a fourth |", "want 3"),
    ],
)
def test_a_row_that_is_wrong_is_named(place, command, fault):
    text = f"| what | here | run |\n|---|---|---|\n| it | {place} | {command} |\n"
    (found,) = faults(text)
    assert fault in found
    assert found.startswith("it: ") or fault == "want 3"
