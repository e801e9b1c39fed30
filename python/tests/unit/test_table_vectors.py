"""Tables as every SDK reads them: value/testdata/tables.json.

python tests/unit/test_table_vectors.py    writes the file anew
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from freshprocess import fresh_processes
from google.protobuf import any_pb2

from grpc_tool_bridge.frames import METADATA_KEY
from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.values import any_from_json, deserialize_value, serialize_value, to_json

FILE = Path(__file__).parents[3] / "value" / "testdata" / "tables.json"
pytestmark = pytest.mark.skipif(
    not FILE.exists() or int(pd.__version__.partition(".")[0]) < 3,
    reason="not shipped with the package; and pandas 2 makes other indexes and texts of the expressions",
)
NAMES = {"np": np, "pa": pa, "pd": pd, "pl": pl}

TABLES = {
    "frame": "pd.DataFrame({'id': [1, 2], 'price': [1.5, 2.0], 'name': ['a', 'ü']})",
    "frame with a named range": "pd.DataFrame({'id': [1, 2, 3], 'x': [1.0, 2.0, 3.0]}).set_index('id')",
    "frame with a named index": "pd.DataFrame({'id': [5, 7, 3], 'x': [1.0, 2.0, 3.0]}).set_index('id')",
    "frame with an index of texts": "pd.DataFrame({'x': [1, 2]}, index=['a', 'b'])",
    "frame with levels": "pd.DataFrame({'k': ['a', 'b'], 'n': [1, 2], 'x': [0.5, 1.5]}).set_index(['k', 'n'])",
    "frame with attrs": "(lambda f: (f.attrs.update({'unit': 'EUR', 'at': (1, 2)}), f)[1])(pd.DataFrame({'x': [1]}))",
    "frame of categories": (
        "pd.DataFrame({'c': pd.Categorical(['b', 'a', 'b'], categories=['b', 'a'], ordered=True)})"
    ),
    "frame of moments": "pd.DataFrame({'t': pd.date_range('2024-03-30', periods=2, unit='us')})",
    "frame of moments in a zone": (
        "pd.DataFrame({'t': pd.date_range('2024-03-30', periods=3, tz='Europe/Berlin', unit='ns')})"
    ),
    "frame of spans": "pd.DataFrame({'d': pd.to_timedelta([1, -1], unit='s')})",
    "frame of nullable numbers": (
        "pd.DataFrame({'n': pd.array([2**60 + 1, None], dtype='Int64'), "
        "'b': pd.array([True, None], dtype='boolean')})"
    ),
    "frame with NaN": "pd.DataFrame({'x': [1.5, float('nan')]})",
    "frame with null": "pd.DataFrame({'x': pd.arrays.FloatingArray(np.array([1.5, 0.0]), np.array([False, True]))})",
    "frame with NaN and null": (
        "pd.DataFrame({'x': pd.arrays.FloatingArray(np.array([1.5, float('nan'), 0.0]), "
        "np.array([False, False, True]))})"
    ),
    "frame of lists": "pd.DataFrame({'l': [[1, 2], [], [3]]})",
    "frame of bytes": "pd.DataFrame({'b': [b'\\x00\\xff', b'']})",
    "frame of narrow numbers": (
        "pd.DataFrame({'i': np.array([-1, 2], 'int8'), 'u': np.array([0, 2**64 - 1], "
        "'uint64'), 'f': np.array([0.5, -0.0], 'float32')})"
    ),
    "frame of floats of 16 bits": (
        "pd.DataFrame({'h': np.array([2**-24, 2**-14, -1.5, -0.0], 'float16')})"
    ),
    "frame with a name twice": "pd.DataFrame([[1, 2]], columns=['a', 'a'])",
    "frame with names that are ints": "pd.DataFrame([[1, 2]], columns=[5, 3])",
    "frame with names of many kinds": (
        "pd.DataFrame([[1, 2, 3]], columns=pd.Index(['a', 1, ('b', 2)], dtype=object, "
        "tupleize_cols=False))"
    ),
    "frame with levels of names": (
        "pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([('a', 'x'), ('a', 'y')]))"
    ),
    "frame without rows": "pd.DataFrame({'x': pd.Series([], dtype='int64')})",
    "frame without columns": "pd.DataFrame(index=range(3))",
    "frame of periods": "pd.DataFrame({'p': pd.period_range('2020-01', periods=2, freq='M')})",
    "frame of categories of intervals": "pd.DataFrame({'c': pd.cut([5, 1], [0, 3, 6], right=False)})",
    "series": "pd.Series([1.5, 2.5], name='price')",
    "series without a name": "pd.Series([1, 2])",
    "polars frame": "pl.DataFrame({'id': [1, None], 'name': ['a', 'b']})",
    "polars series": "pl.Series('x', [1.5, None])",
    "pyarrow table": "pa.table({'id': pa.array([1, None], pa.int32()), 's': pa.array([{'a': 1}, None])})",
    "pyarrow table of decimals": "pa.table({'d': pa.array(['1.10', '-2.00']).cast(pa.decimal128(10, 2))})",
    "array": "np.arange(6, dtype='int16').reshape(2, 3)",
    "array in Fortran's order": "np.asfortranarray(np.arange(6, dtype='int16').reshape(2, 3))",
    "array of big-endian floats": "np.array([1.5, -0.0], dtype='>f8')",
    "array of complex numbers": "np.array([1 + 2j, -0.5j])",
    "array of bools": "np.array([True, False])",
    "array of days": "np.array(['2024-05-06', 'NaT'], dtype='datetime64[D]')",
    "array of texts": "np.array(['a', 'bc'])",
    "array of no dimension": "np.array(7)",
    "array without items": "np.zeros((0, 2))",
}


def made(expression: str) -> Any:
    """The value of an expression."""
    return eval(expression, dict(NAMES))


def content(encoded: bytes) -> dict[str, Any]:
    """What a stream says, which is the same whichever version of a library wrote it."""
    table = pa.ipc.open_stream(encoded).read_all()
    metadata = table.schema.metadata or {}
    notes = metadata.get(METADATA_KEY)
    described = json.loads(metadata.get(b"pandas", b"{}"))
    return {
        "rows": table.num_rows,
        "columns": [
            {
                "name": field.name,
                "type": str(getattr(field.type, "storage_type", field.type)).removeprefix("large_"),
                "extension": extension(field),
                "cells": None if extension(field) else cells(table.column(at)),
            }
            for at, field in enumerate(table.schema)
        ],
        "index": described.get("index_columns", []),
        "notes": sorted(json.loads(notes)) if notes else [],
    }


def extension(field: Any) -> str:
    """The type of a column that is none of Arrow's own; the library that it is of may have been imported or not."""
    noted = (field.metadata or {}).get(b"ARROW:extension:name", b"").decode()
    return noted or getattr(field.type, "extension_name", "")


def cells(column: Any) -> Any:
    """The cells in the JSON form of values."""
    return json.loads(to_json(serialize_value(column.to_pylist())))


def vector(name: str, expression: str) -> dict[str, Any]:
    """One table of the file."""
    encoded = serialize_value(made(expression))
    return {
        "name": name,
        "any": encoded.SerializeToString(deterministic=True).hex(),
        "json": to_json(encoded),
        "python": expression,
        "go": "*frame.Table",
        "content": content(encoded.value),
    }


def listed() -> list[Any]:
    """The tables of the file."""
    if not FILE.exists():
        return []
    return [
        pytest.param(item, id=item["name"])
        for item in json.loads(FILE.read_text(encoding="utf-8"))["tables"]
    ]


def packed(item: dict[str, Any]) -> any_pb2.Any:
    return any_pb2.Any.FromString(bytes.fromhex(item["any"]))


@pytest.mark.parametrize("item", listed())
def test_a_table_decodes_to_the_value_that_is_described(item):
    decoded = deserialize_value(packed(item))
    assert not difference(made(item["python"]), decoded)
    assert content(packed(item).value) == item["content"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_a_process_that_has_met_none_decodes_each_to_the_same():
    with fresh_processes() as fresh:
        for item in json.loads(FILE.read_text(encoding="utf-8"))["tables"]:
            unlike = difference(made(item["python"]), fresh(packed(item)))
            assert not unlike, f"{item['name']}: {unlike}"


@pytest.mark.parametrize("item", listed())
def test_the_json_form_of_a_table_has_the_same_bytes(item):
    assert to_json(packed(item)) == item["json"]
    assert any_from_json(item["json"]) == packed(item)


@pytest.mark.parametrize("item", listed())
def test_what_this_sdk_writes_has_the_same_content(item):
    encoded = serialize_value(made(item["python"]))
    assert encoded.type_url == packed(item).type_url
    assert content(encoded.value) == item["content"]
    again = serialize_value(deserialize_value(packed(item)))
    assert content(again.value) == item["content"]


def test_the_file_has_every_table():
    found = json.loads(FILE.read_text(encoding="utf-8"))["tables"]
    assert {item["name"]: item["python"] for item in found} == TABLES


if __name__ == "__main__":
    lines = [json.dumps(vector(*pair), ensure_ascii=False) for pair in TABLES.items()]
    FILE.write_text('{"tables":[\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")
