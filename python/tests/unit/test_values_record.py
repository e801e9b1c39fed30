"""Record, the value of a class that is not known here."""

from __future__ import annotations

import pickle

import pytest

from grpc_tool_bridge.values import Record


class TestRecord:
    def test_fields_are_attributes_and_items(self):
        record = Record("Point", {"x": 1, "fields": 2})
        assert (record.x, record["x"], record["fields"]) == (1, 1, 2)
        assert record.fields == {"x": 1, "fields": 2}
        with pytest.raises(AttributeError, match="'z'"):
            _ = record.z
        assert repr(record) == "Record Point(x=1, fields=2)"

    def test_equality_hash_and_pickle(self):
        record = Record("P", {"x": 1, "y": 2})
        assert record == Record("P", {"x": 1, "y": 2})
        assert record != Record("P", {"y": 2, "x": 1})
        assert record != 3
        assert hash(record) == hash(Record("P", {"x": 1, "y": 2}))
        assert pickle.loads(pickle.dumps(record)) == record
