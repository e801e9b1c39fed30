"""Exceptions come back with their type, text, arguments and attributes, none of which takes another's place."""

from __future__ import annotations

import builtins
import dataclasses
import enum
import socket
import subprocess
import sys
from typing import Any

import pydantic
import pytest

from grpc_tool_bridge import ToolExecutionError, deserialize_value, serialize_value
from grpc_tool_bridge.errors import SerializationError
from grpc_tool_bridge.values import Record, classes, from_json, register, to_json
from grpc_tool_bridge.values.convert import convert


class APIError(Exception):
    """Has an attribute that is named as the text is, as many have."""

    def __init__(self, message: str) -> None:
        super().__init__(f"HTTP 500: {message}")
        self.message = message


class SameError(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class KeywordError(Exception):
    def __init__(self, *, code: int, args: object = None) -> None:
        super().__init__(f"code {code}")
        self.code = code
        vars(self)["args"] = args


class PlacesError(ValueError):
    def __init__(self) -> None:
        super().__init__("a", 2)
        self.message: Any = ["m"]
        self.attributes = {"message": 1, "code": 2}
        self.code = 3
        self.self = self.cls = self.class_name = 4


class SlottedError(Exception):
    __slots__ = ("code", "message", "unset")

    def __init__(self, code: int) -> None:
        super().__init__(f"code {code}")
        self.code, self.message = code, "m"


class TellingError(Exception):
    """Says what its attributes are."""

    def __init__(self, code: int) -> None:
        self.code = code

    def __str__(self) -> str:
        return f"the code was {self.code}"


class QuietError(Exception):
    """Says what travels with no exception."""

    def __init__(self, code: int) -> None:
        self._code = code

    def __str__(self) -> str:
        return f"code {self._code}"


class ExceptionGroupLikeError(Exception):
    def __str__(self) -> str:
        return f"{self.args[0]} ({len(self.args[1])})"


class PathError(OSError):
    def __init__(self, path: str) -> None:
        super().__init__(2, "no such thing", path)
        self.path = path


class LookupBothError(KeyError, AttributeError):
    """Has two of Python's own classes."""


class Status(enum.Enum):
    DOWN = "down"


@dataclasses.dataclass
class Point:
    x: int


@dataclasses.dataclass
class FieldsError(Exception):
    x: int


@dataclasses.dataclass
class NamedError(Exception):
    message: str
    status: Status
    point: Point
    _code: int = 0


@dataclasses.dataclass
class EnumError(Exception):
    message: Status


@dataclasses.dataclass(frozen=True, slots=True)
class FrozenError(Exception):
    args_: tuple[int, ...]
    message: str = "m"


@dataclasses.dataclass
class PostError(Exception):
    x: int
    text: str = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.text = f"x is {self.x}"
        super().__init__(self.text)


def noted(error: BaseException, *notes: str) -> BaseException:
    vars(error)["__notes__"] = list(notes)  # as add_note does, which Python 3.10 has not
    return error


def changed(error: Any, **attributes: object) -> BaseException:
    for name, item in attributes.items():
        setattr(error, name, item)
    return error


def ways(error: object) -> tuple[Any, Any]:
    """What arrives by a message and by JSON."""
    return deserialize_value(serialize_value(error)), from_json(to_json(error))


KEPT = [
    APIError("quota"),
    SameError("quota"),
    KeywordError(code=1, args=[2]),
    KeywordError(code=1, args="code 1"),
    PlacesError(),
    SlottedError(5),
    TellingError(5),
    PathError("a.txt"),
    LookupBothError("k"),
    FieldsError(1),
    NamedError("no", Status.DOWN, Point(1)),
    NamedError("no", status=Status.DOWN, point=Point(1), _code=2),
    EnumError(Status.DOWN),
    FrozenError((1, 2)),
    PostError(3),
    noted(ValueError("no"), "first", "second"),
    noted(NamedError("no", Status.DOWN, Point(1)), "note"),
    ValueError(),
    ValueError(""),
    ValueError("a", ["b"]),
    KeyError("k"),
    KeyError("k", 1),
    StopIteration(3),
    SystemExit(1, 2),
    FileNotFoundError(2, "no", "a.txt"),
    OSError(18, "across", "a.txt", None, "b.txt"),
    BlockingIOError(11, "x", 5),
    changed(OSError(2, "no"), errno=5),
    changed(OSError(2, "no"), strerror="other", filename="a.txt"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    changed(UnicodeDecodeError("utf-8", b"\xff\xff", 0, 1, "bad"), start=1, reason="worse"),
    changed(SyntaxError("invalid"), lineno=3, filename="f.py"),
    ImportError("no module", name="a", path="a.py"),
    changed(ValueError("no"), message="m", code=7),
    subprocess.CalledProcessError(1, ["ls", "-l"], "out"),
]
BESIDE = (
    *("errno", "strerror", "filename", "filename2", "characters_written", "start", "end", "reason"),
    *("object", "encoding", "lineno", "msg", "text", "name", "path", "value", "code", "message"),
)


@pytest.mark.parametrize("error", KEPT, ids=repr)
def test_an_exception_comes_back_as_it_was(error: BaseException) -> None:
    for arrived in ways(error):
        assert (arrived["message"], arrived.class_name) == (str(error), type(error).__name__)
        got = convert(arrived, type(error))
        assert type(got) is type(error)
        assert (str(got), got.args, vars(got)) == (str(error), error.args, vars(error))
        for name in BESIDE:
            assert getattr(got, name, None) == getattr(error, name, None), name


@pytest.mark.parametrize("error", [APIError("quota"), NamedError("no", Status.DOWN, Point(1))])
def test_a_registered_class_comes_back_without_a_hint(monkeypatch, error) -> None:
    monkeypatch.setattr(classes, "_registered", {})
    register(type(error))
    for got in ways(error):
        assert type(got) is type(error)
        assert (str(got), got.args, vars(got)) == (str(error), error.args, vars(error))


def test_what_has_the_name_of_a_place_stands_among_the_attributes() -> None:
    assert ways(APIError("quota"))[0] == Record(
        "APIError", {"message": "HTTP 500: quota", "attributes": {"message": "quota"}}
    )
    assert ways(PlacesError())[1].fields == {
        "message": "('a', 2)",
        "args": ("a", 2),
        "code": 3,
        "self": 4,
        "cls": 4,
        "class_name": 4,
        "attributes": {"message": ["m"], "attributes": {"message": 1, "code": 2}},
    }


def test_another_class_gets_the_text_and_not_an_attribute() -> None:
    class TaskError(ValueError):
        def __init__(self) -> None:
            super().__init__("real text")
            self.message = "attr"

    for arrived in ways(TaskError()):
        got = convert(arrived, ValueError)
        assert (type(got), str(got), got.args) == (ValueError, "real text", ("real text",))


def test_an_exception_that_would_say_something_else_is_refused() -> None:
    for arrived in ways({"why": [QuietError(5)]}):
        for hint in (QuietError, ValueError):
            with pytest.raises(SerializationError, match="its text was 'code 5' and") as refused:
                convert(arrived, dict[str, list[hint]])
            assert refused.value.path == "$.why[0]"


OWN = [
    ValueError("no"),
    KeyError("k"),
    noted(KeyError("k", 1), "a note"),
    FileNotFoundError(2, "no", "a.txt"),
    changed(OSError(2, "no"), errno=5, code=7),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    SyntaxError("bad", ("f.py", 1, 2, "a b")),
    ImportError("no module", name="a", path="a.py"),
    StopIteration(3),
]


@pytest.mark.parametrize("error", OWN, ids=repr)
def test_a_hint_gives_pythons_own_exceptions_of_its_class_as_themselves(error: Any) -> None:
    for arrived in ways(error):
        for hint in (*type(error).__mro__[:-1], int | Exception, Point | BaseException):
            got = convert([arrived], list[hint])[0]
            assert type(got) is type(error), hint
            assert (str(got), got.args, vars(got)) == (str(error), error.args, vars(error))
            for name in BESIDE:
                assert getattr(got, name, None) == getattr(error, name, None), name


def test_of_a_union_that_class_is_made_which_an_exception_is_one_of() -> None:
    for arrived in ways(ConnectionResetError("gone")):
        for hint in (ValueError | OSError, OSError | ValueError, dict | KeyError | Exception):
            assert type(convert(arrived, hint)) is ConnectionResetError


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups came with 3.11")
def test_a_group_for_any_exception_holds_any_exceptions() -> None:
    group: Any = vars(builtins)["ExceptionGroup"]
    any_group: Any = vars(builtins)["BaseExceptionGroup"]
    inner = any_group("h", [KeyboardInterrupt(), QuietError(5)])
    for arrived in ways(any_group("g", [KeyError("k"), APIError("quota"), inner])):
        got: Any = convert(arrived, BaseException)
        assert (type(got), got.message) == (any_group, "g")
        key, api, made = got.exceptions
        assert (type(key), type(api), type(made)) == (KeyError, BaseException, any_group)
        assert (str(api), vars(api)) == ("HTTP 500: quota", {"message": "quota"})
        assert [type(each) for each in made.exceptions] == [KeyboardInterrupt, BaseException]
    for arrived in ways(group("g", [KeyError("k"), QuietError(5)])):
        for hint in (Exception, BaseException, any_group[Exception], group[Exception]):
            got = convert(arrived, hint)
            assert [type(got), *map(type, got.exceptions)] == [group, KeyError, Exception], hint
            assert str(got.exceptions[1]) == "code 5"
        with pytest.raises(SerializationError, match="register its class") as refused:
            convert(arrived, any_group)
        assert refused.value.path == "$.args[1][1]"


@pytest.mark.parametrize("hint", [Exception, BaseException])
@pytest.mark.parametrize(
    "error",
    [
        QuietError(5),
        subprocess.CalledProcessError(1, ["ls", "-l"], "out"),
        subprocess.TimeoutExpired("ls", 1.5),
        socket.gaierror(-2, "not known"),
        ValueError(Status.DOWN),
        ExceptionGroupLikeError("g", [ValueError("no")]),
    ],
    ids=repr,
)
def test_any_exception_has_the_text_that_was_sent_and_the_record(error: Any, hint: Any) -> None:
    for arrived in ways(error):
        got = convert(arrived, hint)
        assert (type(got), str(got), got.args) == (hint, str(error), (str(error),))
        public = {name: item for name, item in vars(error).items() if not name.startswith("_")}
        assert vars(got) == {**public, "record": arrived}


def test_any_exception_whose_text_follows_from_its_arguments_keeps_these() -> None:
    for arrived in ways(SlottedError(5)):
        got = convert(arrived, Exception)
        assert (type(got), got.args) == (Exception, ("code 5",))
        assert vars(got) == {"code": 5, "message": "m"}
    for name in ("UnicodeDecodeError", "KeyboardInterrupt", "Popen", "*fs.PathError"):
        got = convert(Record(name, {"message": "no", "code": 2}), Exception)
        assert (type(got), got.args, vars(got)) == (Exception, ("no",), {"code": 2})


def test_only_exceptions_of_the_hint_and_of_python_are_found_by_name() -> None:
    for name in ("KeyError", "int", "open", "IOError", "builtins.OSError", "CalledProcessError"):
        assert type(convert(Record(name, {"message": "no"}), OSError)) is OSError
    for name in ("eval", "__import__", "type", "EnvironmentError", "subprocess.TimeoutExpired"):
        assert type(convert(Record(name, {"message": "no"}), BaseException)) is BaseException
    assert type(convert(Record("KeyError", {"message": "k"}), APIError)) is APIError


def test_a_class_whose_objects_compiled_code_makes_is_refused_in_words() -> None:
    with pytest.raises(pydantic.ValidationError) as raised:
        pydantic.TypeAdapter(int).validate_python("x")
    for arrived in ways(raised.value):
        with pytest.raises(SerializationError, match="made by compiled code alone: take Exception"):
            convert(arrived, pydantic.ValidationError)
        got = convert(arrived, Exception)
        assert (str(got), got.record) == (str(raised.value), arrived)


@pytest.mark.parametrize(
    ("fields", "cls", "told"),
    [
        ({"message": "no", "args": 5}, ValueError, "args is of type int"),
        ({"message": "no", "attributes": [1]}, ValueError, "attributes is of type list"),
        ({"message": "no", "a": 1, "attributes": {"a": 2}}, ValueError, "'a' is there twice"),
        ({"message": "no"}, UnicodeDecodeError, "UnicodeDecodeError takes other arguments"),
        ({"message": "no", "args": (2, "no")}, OSError, "make a FileNotFoundError"),
    ],
)
def test_what_makes_no_exception_is_refused(fields, cls, told) -> None:
    with pytest.raises(SerializationError, match=told):
        convert(Record("AnyError", fields), cls)


def test_what_other_languages_and_json_give_makes_an_exception() -> None:
    got = convert(Record("KeyError", {"message": "k", "code": "NotFound"}), KeyError)
    assert (got.args, vars(got)) == (("k",), {"code": "NotFound"})
    assert convert({"message": "('a', 2)", "args": ["a", 2]}, ValueError).args == ("a", 2)
    got = convert({"message": "m", "status": "down", "point": {"x": 1}}, NamedError)
    assert got == NamedError("m", Status.DOWN, Point(1))
    assert vars(convert({"x": 1}, FieldsError)) == {"x": 1}


def test_a_field_of_a_dataclass_that_does_not_fit_is_named() -> None:
    wrong = changed(NamedError("no", Status.DOWN, Point(1)), status="up")
    with pytest.raises(SerializationError) as refused:
        convert(ways(wrong)[0], NamedError)
    assert refused.value.path == "$.status"
    wrong = changed(NamedError("no", Status.DOWN, Point(1)), message=5)
    with pytest.raises(SerializationError) as refused:
        convert(ways(wrong)[0], NamedError)
    assert refused.value.path == "$.attributes.message"


def test_what_an_exception_was_raised_from_is_left_out() -> None:
    error = ValueError("no")
    error.__cause__, error.__context__ = KeyError("k"), OSError("f")
    assert ways(error)[0].fields == {"message": "no"}


def test_the_object_that_has_no_attribute_is_left_out() -> None:
    with pytest.raises(AttributeError) as raised:
        _ = ([] if sys.argv else {}).missing  # type: ignore[attr-defined]
    error = raised.value
    assert ways(error)[0].fields == {"message": str(error), "name": "missing"}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups came with 3.11")
def test_a_group_keeps_its_notes_and_those_in_it() -> None:
    groups: Any = vars(builtins)["ExceptionGroup"]
    error: Any = noted(groups("g", [noted(ValueError("no"), "inner"), KeyError("k")]), "outer")
    for arrived in ways(error):
        got = convert(arrived, groups)
        assert (str(got), got.message, vars(got)) == (str(error), "g", {"__notes__": ["outer"]})
        assert [vars(each) for each in got.exceptions] == [{"__notes__": ["inner"]}, {}]


def test_an_error_of_the_bridge_that_is_sent_keeps_its_text() -> None:
    error = ToolExecutionError("a_tool", "ExecutionError", "it broke")
    assert ways(error)[0]["message"] == str(error)
