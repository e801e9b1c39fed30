"""Every SDK refuses the same bytes and texts, with the same path, and accepts the same that it would not write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.protobuf.any_pb2 import Any

from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import any_from_json, deserialize_value, serialize_value, to_json

FOLDER = Path(__file__).parents[3] / "value" / "testdata" / "vectors"


def listed(name, key):
    contents = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return [pytest.param(item, id=item["name"]) for item in contents[key]]


def encoded(item):
    return Any.FromString(bytes.fromhex(item["any"]))


def assert_refused(item, caught):
    assert item["code"] == "SerializationError"
    assert caught.value.path.startswith("$")
    if item["path"]:
        assert caught.value.path == item["path"], caught.value


BYTES = listed("refused_bytes", "refused") + listed("refused_keys", "refused")


@pytest.mark.parametrize("item", BYTES)
def test_bytes_that_are_refused_name_their_path(item):
    with pytest.raises(SerializationError) as caught:
        deserialize_value(encoded(item), strict=True)
    assert_refused(item, caught)


@pytest.mark.parametrize("item", [i for i in BYTES if not i.values[0]["strict"]])
def test_they_are_refused_by_those_who_take_what_they_do_not_know_as_well(item):
    with pytest.raises(SerializationError) as caught:
        deserialize_value(encoded(item))
    assert_refused(item, caught)
    with pytest.raises(SerializationError):
        to_json(encoded(item))


@pytest.mark.parametrize("item", [i for i in BYTES if i.values[0]["strict"]])
def test_what_is_not_known_is_passed_on_unless_strict(item):
    if "python." in encoded(item).type_url:
        assert deserialize_value(encoded(item)) == "x"
        return
    assert serialize_value(deserialize_value(encoded(item))) == encoded(item)


@pytest.mark.parametrize("item", listed("refused_json", "refused"))
def test_text_that_is_refused_names_its_path(item):
    with pytest.raises(SerializationError) as caught:
        any_from_json(item["json"])
    assert_refused(item, caught)


@pytest.mark.parametrize("item", listed("accepted", "accepted"))
def test_what_is_accepted_is_taken_for_its_canonical_form(item):
    if item["json"] is not None:
        made = any_from_json(item["json"])
    else:
        made = serialize_value(deserialize_value(encoded(item)))
        assert to_json(encoded(item)) == to_json(made)
    assert made.SerializeToString().hex() == item["canonical"]


@pytest.mark.parametrize(
    "data",
    [
        "080b2a002a01183201614a00",  # two items, of which the second is cut off, a text and a key
        "080b2a002a01184a00320161",
        "080b2a01183201613201624a00",
        "080b2a01184a004a00320161",
    ],
)
def test_a_dict_with_keys_in_two_fields_is_refused_wherever_else_it_is_broken(data):
    encoded = Any(type_url="type.googleapis.com/dspex.bridge.Value", value=bytes.fromhex(data))

    with pytest.raises(SerializationError, match="keys stand in more than one field") as caught:
        deserialize_value(encoded)

    assert caught.value.path == "$"
