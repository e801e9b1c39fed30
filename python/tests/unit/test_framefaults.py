"""What is said about tables that do not fit Arrow fits what is wrong with them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from grpc_tool_bridge import SerializationError, serialize_value


def _refusal(value: Any) -> str:
    with pytest.raises(SerializationError) as refused:
        serialize_value(value)
    return str(refused.value)


def test_categories_of_several_types_are_not_said_to_have_another_byte_order() -> None:
    said = _refusal(pd.DataFrame({"kind": pd.Categorical([1, "a"])}))
    assert "$.kind: column 'kind' does not fit Arrow" in said
    assert said.endswith("convert it to one type")


def test_half_of_a_surrogate_pair_is_not_said_to_be_of_another_type() -> None:
    half = pd.Series(["a", "\ud800"], dtype=object)
    said = _refusal(pd.DataFrame({"text": half}))
    assert "$.text: column 'text' does not fit Arrow" in said
    assert said.endswith("write both surrogates of a pair, or send bytes")
    said = _refusal(pd.DataFrame({"n": [1, 2]}, index=pd.Index(half)))
    assert "$.index: the index does not fit Arrow" in said
    assert said.endswith("write both surrogates of a pair, or send bytes")
