"""Tables in a process that has met none before: what others registered with Arrow is not known to it."""

from __future__ import annotations

import os

import pandas as pd
import pyarrow as pa
import pytest
from freshprocess import fresh_processes
from roundtrips import every_value

from grpc_tool_bridge import SerializationError
from grpc_tool_bridge.testing.equality import difference
from grpc_tool_bridge.testing.strategies import table_kinds
from grpc_tool_bridge.values import deserialize_value, serialize_value

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
MONTHS = pd.period_range("2020-01", periods=2, freq="M")
SPANS = pd.interval_range(0, 2)
LEVELS = pd.MultiIndex.from_arrays([SPANS, MONTHS], names=["span", None])
EXTENDED = pa.schema([pa.field("a", pa.int64(), metadata={"ARROW:extension:name": "own.kind"})])


@pytest.fixture(scope="module")
def fresh():
    with fresh_processes() as around:
        yield around


def with_attrs(frame, **attrs):
    frame.attrs = attrs
    return frame


@pytest.mark.parametrize(
    "value",
    [
        pd.DataFrame({"a": [1, 2]}, index=MONTHS),
        pd.DataFrame({"a": [1, 2]}, index=SPANS),
        pd.DataFrame({"a": [1, 2]}, index=LEVELS),
        pd.DataFrame({"a": [1, 2]}, index=MONTHS.rename("month")),
        pd.DataFrame({"a": [1, 2]}, index=MONTHS.rename("a")),
        pd.DataFrame([[1, 2]], columns=MONTHS),
        pd.DataFrame([[1, 2]], columns=SPANS),
        pd.DataFrame([[1, 2]], columns=LEVELS),
        pd.DataFrame(index=MONTHS),
        pd.DataFrame(columns=SPANS[:0], index=MONTHS[:0]),
        pd.DataFrame({"p": MONTHS, "i": SPANS}),
        pd.Series([1, 2], index=MONTHS),
        pd.Series([1, 2], index=SPANS, name=7),
        pd.Series([1, 2], index=LEVELS),
        pd.Series(MONTHS),
        pd.Series(pd.interval_range(0.0, 2.0, closed="both")),
        with_attrs(pd.DataFrame({"a": [1]}), inner=pd.Series([1, 2], index=MONTHS)),
        pa.Table.from_pandas(pd.DataFrame({"p": MONTHS}, index=SPANS)),
        [pd.Series([1, 2], index=MONTHS)],
    ],
    ids=lambda value: type(value).__name__,
)
def test_periods_and_intervals_come_back_from_who_never_met_one(fresh, value):
    assert not difference(value, fresh(value))


def test_tables_of_every_kind_come_back_from_who_never_met_one(fresh):
    every_value(lambda batch: [fresh(value) for value in batch], table_kinds(), count=60)


def test_an_index_of_a_type_that_is_registered_elsewhere_is_refused():
    frame = pd.DataFrame({"x": [1]}, index=pd.Index([5], name="a"))
    table = pa.Table.from_pandas(frame)
    known = table.schema.set(1, EXTENDED.field(0))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, known) as writer:
        writer.write_table(table.cast(known))
    encoded = serialize_value(frame)
    encoded.value = sink.getvalue().to_pybytes()
    with pytest.raises(
        SerializationError, match=r"index 'a' is of the extension type 'own.kind'.*import"
    ):
        deserialize_value(encoded)
