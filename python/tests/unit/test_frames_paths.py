"""Paths of what does not fit in a table of pandas: its columns by their names, its index, and levels of that."""

from __future__ import annotations

import pandas as pd
import pytest

from grpc_tool_bridge import SerializationError
from grpc_tool_bridge.values import serialize_value

MIXED = [1, "x"]
LEVELS = pd.MultiIndex.from_arrays([[1, 2], MIXED], names=[None, "id"])


@pytest.mark.parametrize(
    ("frame", "path", "says"),
    [
        (pd.DataFrame({"a": MIXED}), "$.a", "column 'a' does"),
        (pd.DataFrame({7: MIXED}), "$[7]", "column 7 does"),
        (pd.DataFrame({"7": MIXED}), '$["7"]', "column '7' does"),
        (pd.DataFrame({("a", 1): MIXED}), '$[{"$tuple":["a",1]}]', "column ('a', 1) does"),
        (pd.DataFrame({None: MIXED}), "$[null]", "column None does"),
        (pd.DataFrame({"a": [1, 2]}, index=MIXED), "$.index", "the index does"),
        (pd.Series([1, 2], index=pd.Index(MIXED, name="id")), "$.index", "the index, 'id', does"),
        (pd.Series([1, 2], index=LEVELS), "$.index[1]", "level 1 of the index, 'id', does"),
        (pd.Series(MIXED), "$", "the series does"),
    ],
)
def test_what_does_not_fit_is_named_by_its_path_and_in_the_message(frame, path, says):
    with pytest.raises(SerializationError) as caught:
        serialize_value(frame)
    assert caught.value.path == path
    assert f"{says} not fit Arrow" in str(caught.value)
