"""Decimals have exponents that every SDK reads, or are refused by whom they are given to."""

from __future__ import annotations

from decimal import Decimal

import pytest
from google.protobuf.any_pb2 import Any

import dspex_bridge_pb2 as pb
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import deserialize_value, from_json, serialize_value, to_json, urls

SMALL = ["1E-1000000000000000000", "-0E-1000000000000000000", "1E-1999999999999999997"]


@pytest.mark.parametrize("text", SMALL)
@pytest.mark.parametrize("write", [serialize_value, to_json])
def test_a_decimal_that_other_programs_cannot_read_is_refused_by_its_sender(text, write):
    with pytest.raises(SerializationError, match="below -999999999999999999, the limit") as caught:
        write({"rows": [Decimal(text)]})

    assert caught.value.path == "$.rows[0]"


@pytest.mark.parametrize("text", SMALL)
def test_it_is_refused_where_it_arrives(text):
    message = pb.Value(kind=pb.DECIMAL, text=text)
    with pytest.raises(SerializationError, match="below -999999999999999999, the limit"):
        deserialize_value(Any(type_url=urls.VALUE, value=message.SerializeToString()))
    with pytest.raises(SerializationError, match="below -999999999999999999, the limit"):
        from_json(f'{{"$decimal":"{text}"}}')


@pytest.mark.parametrize(
    "text",
    [
        *("1E-999999999999999999", "1.23E-999999999999999999", "9E+999999999999999999", "-0.00"),
        *("sNaN12", "-Infinity", "1.5E-7", "0E-8"),
    ],
)
def test_a_decimal_up_to_the_limit_comes_back(text):
    number = Decimal(text)

    back = deserialize_value(serialize_value([number]))

    assert str(back[0]) == str(number)


@pytest.mark.parametrize("text", ["1E+1000000000000000000", "10E+999999999999999999", "1E5.0", ""])
def test_a_text_that_is_no_decimal_of_python_is_refused_with_the_bound(text):
    with pytest.raises(SerializationError, match="from -999999999999999999 to 999999999999999999"):
        from_json(f'{{"$decimal":"{text}"}}')
