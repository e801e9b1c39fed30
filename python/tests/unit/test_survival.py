"""The README's table of what survives says what was measured."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.struct_pb2 import Struct

from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.values import deserialize_value, serialize_value

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
    for row, value in module.samples().items():
        vector = known[module.ROWS[row]]
        encoded = Any.FromString(bytes.fromhex(vector["any"]))
        if (
            "content" in vector
        ):  # a table: writers of Arrow may put the same content into other bytes
            assert serialize_value(value).type_url == encoded.type_url
            if int(pd.__version__.partition(".")[0]) >= 3:  # of which the vectors are
                assert not difference(deserialize_value(encoded), value)
        else:
            assert serialize_value(value) == encoded, row


def test_what_a_struct_does_to_the_order_of_a_dict_does_not_depend_on_the_process():
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'test/survival')!r}); import survival\n"
        "print(list(survival.through_struct({'z': 1.0, 'a': [{'y': 1.0, 'b': 2.0}], 'm': 3.0})))\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(3)
    }
    assert said == {"['a', 'm', 'z']\n"}


def test_a_struct_is_read_in_the_order_of_its_bytes():
    module = survival()
    z, a = Struct(), Struct()
    z.update({"z": None})
    a.update({"a": {"x": [1.0, "t", {}]}})
    data = z.SerializeToString() + a.SerializeToString()

    assert module.same({"z": None, "a": {"x": [1.0, "t", {}]}}, module.in_struct(data))


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
