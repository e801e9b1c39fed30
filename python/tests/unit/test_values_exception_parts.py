"""What Python's own exceptions keep is what Python takes it for: it reads their text without a look."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from grpc_tool_bridge import deserialize_value, serialize_value
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import Record, from_json

FAR = -(2**40)


class DecodeError(UnicodeDecodeError):
    """A class of a user's."""


def syntax(*place: object, **attributes: object) -> tuple[str, dict[str, object]]:
    return "SyntaxError", {"message": "m", "args": ("m", place), **attributes}


def decode(*args: object, **attributes: object) -> tuple[str, dict[str, object]]:
    return "UnicodeDecodeError", {"args": args or ("utf-8", b"a", 0, 1, "x"), **attributes}


REFUSED: list[tuple[tuple[str, dict[str, object]], str, str]] = [
    (decode("utf-8", b"a", FAR, FAR + 1, "x"), "$.args[2]", f"an int from 0 on, got {FAR}"),
    (decode("utf-8", b"a", -1, 1, "x"), "$.args[2]", "an int from 0 on, got -1"),
    (decode("utf-8", b"a", 2, 1, "x"), "$.args[3]", "an int from start=2 on, got 1"),
    (decode("utf-8", b"a", 0, 2**70, "x"), "$.args[3]", "an int of 64 bits, got an int of 71 bits"),
    (decode("utf-8", b"a", "0", 1, "x"), "$.args[2]", "int, got str"),
    (decode("utf-8", "a", 0, 1, "x"), "$.args[1]", "bytes, got str"),
    (decode("utf-8", b"a", 0, 1, 5), "$.args[4]", "str, got int"),
    (decode(b"utf-8", b"a", 0, 1, "x"), "$.args[0]", "str, got bytes"),
    (decode(start=FAR, end=FAR + 1), "$.start", f"an int from 0 on, got {FAR}"),
    (decode(attributes={"start": -1}), "$.attributes.start", "an int from 0 on, got -1"),
    (decode(object=5), "$.object", "bytes, got int"),
    (decode(object=None), "$.object", "bytes, got None"),
    (decode(reason=[1]), "$.reason", "str, got list"),
    (decode(encoding=5), "$.encoding", "str, got int"),
    (
        ("UnicodeEncodeError", {"args": ("ascii", "ä", FAR, FAR + 1, "x")}),
        "$.args[2]",
        f"an int from 0 on, got {FAR}",
    ),
    (
        ("UnicodeEncodeError", {"args": ("ascii", "ä", 0, 1, "x"), "object": b"a"}),
        "$.object",
        "str, got bytes",
    ),
    (
        ("UnicodeTranslateError", {"args": ("ä", FAR, FAR + 1, "x")}),
        "$.args[1]",
        f"an int from 0 on, got {FAR}",
    ),
    (("NameError", {"message": "m", "name": [1]}), "$.name", "str or None, got list"),
    (syntax("f.py", 1, 2, True), "$.args[1][3]", "str or None, got bool"),
    (syntax("f.py", "1", 2, "x"), "$.args[1][1]", "int or None, got str"),
    (syntax([], 1, 2, "x"), "$.args[1][0]", "str, bytes, a path or None, got list"),
    (syntax("f.py", 1, 2**40, "x"), "$.args[1][2]", f"an int of at most {2**24 - 1}, got {2**40}"),
    (syntax("f.py", 1, 2, "x", text=5), "$.text", "str or None, got int"),
    (
        syntax("f.py", 1, 2, "x", end_offset=2**40),
        "$.end_offset",
        f"an int of at most {2**24 - 1}, got {2**40}",
    ),
]
OWN: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        UnicodeDecodeError,
        UnicodeEncodeError,
        UnicodeTranslateError,
        SyntaxError,
        NameError,
    )
}


@pytest.mark.parametrize(("record", "path", "told"), REFUSED, ids=str)
def test_what_python_would_read_beside_a_value_or_not_show_is_refused_by_its_path(
    record: tuple[str, dict[str, object]], path: str, told: str
) -> None:
    sent = serialize_value(Record(*record))
    for hint in (OWN[record[0]], Exception, int | Exception):
        with pytest.raises(SerializationError) as refused:
            deserialize_value(sent, hint)
        assert (refused.value.path, refused.value.message) == (path, f"{path}: want {told}")


def test_of_a_class_of_a_users_and_inside_of_others_it_is_refused_too() -> None:
    far = Record("DecodeError", decode("utf-8", b"a", FAR, FAR + 1, "x")[1])
    for hint, value, path in (
        (DecodeError, far, "$.args[2]"),
        (list[DecodeError], [far], "$[0].args[2]"),
        (dict[str, DecodeError | None], {"k": far}, "$.k.args[2]"),
    ):
        with pytest.raises(SerializationError, match="want an int from 0 on") as refused:
            deserialize_value(serialize_value(value), hint)
        assert refused.value.path == path


def test_one_that_is_sent_is_refused_before_its_text_is_read() -> None:
    error = UnicodeDecodeError("utf-8", b"a", 0, 1, "x")
    error.start, error.end = -1, 0
    for value, path in ((error, "$.start"), ([error], "$[0].start")):
        with pytest.raises(SerializationError, match="want an int from 0 on") as refused:
            serialize_value(value)
        assert refused.value.path == path


def test_what_python_refuses_to_keep_is_named() -> None:
    for name, fields, path in (
        ("UnicodeDecodeError", decode(start="0")[1], "$.start"),
        ("BlockingIOError", {"args": (11, "x"), "characters_written": "5"}, "$.characters_written"),
    ):
        with pytest.raises(SerializationError, match=f"Python's {name} refuses it") as refused:
            deserialize_value(serialize_value(Record(name, fields)), Exception)
        assert refused.value.path == path


@pytest.mark.parametrize(
    "error",
    [
        UnicodeDecodeError("utf-8", b"", 0, 1, "no bytes"),
        UnicodeDecodeError("utf-8", b"ab", 2, 3, "unexpected end"),
        UnicodeDecodeError("utf-8", b"ab", 0, 2, "bad"),
        UnicodeDecodeError("utf-8", b"ab", 1, 1, "bad"),
        UnicodeEncodeError("ascii", "ä", 0, 1, "bad"),
        UnicodeTranslateError("ä", 0, 1, "bad"),
        SyntaxError("invalid"),
        SyntaxError("invalid", ("f.py", 1, 2, None)),
        SyntaxError("invalid", ("f.py", 1, 0, "x = (\n", 3, 500)),
        SyntaxError(5),
        NameError("x", name="y"),
    ],
    ids=repr,
)
def test_what_python_shows_comes_back_and_is_shown_the_same(error: Exception) -> None:
    got = deserialize_value(serialize_value(error), Exception)
    assert (type(got), got.args, str(got)) == (type(error), error.args, str(error))
    assert traceback.format_exception(got) == traceback.format_exception(error)


def test_a_call_that_ended_a_worker_is_refused() -> None:
    sent = from_json(
        '{"$record":{"class_name":"UnicodeDecodeError","fields":{"args":{"$tuple":'
        '["utf-8",{"$bytes":"YQ=="},-1099511627776,-1099511627775,"x"]}}}}'
    )
    for hint in (Exception, ValueError, UnicodeDecodeError):
        with pytest.raises(SerializationError, match=r"\$\.args\[2\]: want an int from 0 on"):
            deserialize_value(serialize_value(sent), hint)


def test_an_import_error_makes_python_import_nothing_by_a_name_that_came():
    error = ImportError("no x", name="antigravity", path="p")
    sent = deserialize_value(serialize_value(error), ImportError)
    assert (sent.name, sent.path, str(sent)) == ("antigravity", "p", "no x")
    fields = {"message": "no x", "name": "antigravity", "name_from": "x"}
    for hint in (ImportError, ModuleNotFoundError, Exception):
        record = Record(
            "ModuleNotFoundError" if hint is ModuleNotFoundError else "ImportError", fields
        )
        with pytest.raises(SerializationError, match=r"want None \(Python would import") as caught:
            deserialize_value(serialize_value(record), hint)
        assert caught.value.path == "$.name_from"
