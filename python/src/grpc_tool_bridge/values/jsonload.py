"""JSON texts as trees: objects keep their keys in order and each as often as it is there, and texts are UTF-8."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NamedTuple, NoReturn

from . import urls
from .fault import Fault
from .messageread import Number, Pairs

__all__ = ["Refused", "loaded", "number_of", "parts_of", "text_of"]

_ODD = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
"""An escape that may be half of a character."""
_ESCAPED = re.compile("[\udc80-\udcff]")
"""A byte that is no UTF-8, as ``surrogateescape`` writes it."""
_MOST_OPEN = 4 * urls.MAX_DEPTH + 4
"""How many lists and objects of a text may be in one another: a level of a value takes at most four of them."""
_MARK = re.compile(r'["{}\[\],:NI]')
"""What tells where a part of a text stands, and the first letters of numbers that JSON does not have."""
_QUOTED = re.compile(r'"[^"]*"?')
_EMPTY = re.compile(r"[\[{][ \t\r\n]*[\]}]")
_PIECE = re.compile(
    r'[^"\\\x00-\x1f]+|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([0-9a-fA-F]{4})|\\["\\/bfnrt]'
)


class Refused(NamedTuple):
    """A number that is none, which is refused where its place is known."""

    message: str


class _Undecoded(str):
    """A text of bytes that are no UTF-8; each wrong byte is a lone surrogate in it, as ``surrogateescape`` says."""

    __slots__ = ()

    def fault(self, at: int) -> Fault:
        """Makes the fault of the first wrong byte from a character on."""
        found = _ESCAPED.search(self, at)
        assert found
        offset = len(self[: found.start()].encode(errors="surrogateescape"))
        return Fault(f"not UTF-8: byte 0x{ord(found[0]) - 0xDC00:02x} at offset {offset}")


def text_of(text: object) -> str:
    """Returns a JSON text, or that of bytes; what is wrong with these is told where the text is read.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(text, str):
        return text
    if not isinstance(text, (bytes, bytearray)):
        raise TypeError(f"want JSON as str, bytes or bytearray, got {type(text).__name__}")
    try:
        return text.decode()
    except UnicodeDecodeError:
        return _Undecoded(text.decode(errors="surrogateescape"))


def loaded(text: str, *, exact: bool) -> Any:
    """Reads a text, with objects as ``Pairs``.

    Args:
        text: The text.
        exact: Numbers are ``Number``, as they are written; otherwise int, float or ``Refused``.

    Raises:
        Fault: It has more parts than a message may have bytes, half of a character stands alone in a text of it,
            its bytes are no UTF-8, or it is deeper than Python reads; ``path`` says where.
        ValueError: It is no JSON.
        RecursionError: The caller left no room to read it.
    """
    _refuse_large(text)
    try:
        tree = json.loads(
            text,
            object_pairs_hook=Pairs,
            parse_float=Number if exact else _parse_float,
            parse_int=Number if exact else _parse_int,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        _Search(text).until(len(text))
        raise
    except ValueError as error:
        end = _end_of_json(error, text)
        _refuse_halves(text, end)
        if isinstance(text, _Undecoded) and _ESCAPED.match(text, end):
            raise text.fault(end) from error
        raise
    _refuse_halves(text, len(text))
    return tree


def parts_of(text: str) -> int:
    """Counts the parts of a JSON text: numbers, texts, words, lists and objects, but no keys."""
    outside = _QUOTED.sub('"', text.replace("\\\\", "").replace('\\"', ""))
    opened = outside.count("[") + outside.count("{")
    return 1 + outside.count(",") + opened - _EMPTY.subn("", outside)[1]


def _refuse_large(text: str) -> None:
    """Refuses a text before anything is made of it, where its value would be refused wherever it is sent."""
    most = urls.MAX_JSON_PARTS
    if len(text) > most and 1 + sum(map(text.count, ",[{")) > most and parts_of(text) > most:
        raise Fault(
            f"message too large: the value has more than the {most} bytes allowed; send less or in chunks"
        )


def _end_of_json(error: ValueError, text: str) -> int:
    """Up to where a text is JSON: a text in it without an end is looked through, too."""
    if not isinstance(error, json.JSONDecodeError):
        return len(text)
    return error.pos + error.msg.startswith("Unterminated string")


def number_of(number: Number) -> int | float | Refused:
    """The value of a number."""
    if set(".eE").isdisjoint(number.text):
        return _parse_int(number.text)
    return _parse_float(number.text)


def _parse_int(text: str) -> int | Refused:
    if len(text.lstrip("-")) > urls.MAX_DIGITS:
        return Refused(f"int has more than {urls.MAX_DIGITS} digits")
    return int(text)


def _parse_float(text: str) -> float | Refused:
    number = float(text)
    if math.isinf(number):
        return Refused(f"number {text:.40} is too large for a float")
    if number == 0 and any(digit in "123456789" for digit in text.lower().partition("e")[0]):
        return Refused(f"number {text:.40} is too small for a float")
    return number


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f'{text} is no JSON: write {{"$float": "{text}"}}')


def _refuse_halves(text: str, end: int) -> None:
    """Refuses the first half of a character that stands alone, in what is JSON up to ``end``."""
    if _ODD.search(text) or not (text.isascii() or _is_utf8(text)):
        _Search(text).until(end)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Search:
    """Looks for half of a character, or for more levels than any value has, and remembers in which parts it is."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._steps: list[int | str | None] = []
        """Those into the containers that are open: None into an object of which a key is read."""

    def until(self, end: int) -> None:
        """Looks up to where the text ends, or is no JSON."""
        found = _MARK.search(self._text)
        while found and found.start() < end:
            mark, after = found[0], found.end()
            if mark == '"':
                after = self._quoted(after)
                if not after:
                    return
            elif mark in "{[":
                self._steps.append(0 if mark == "[" else None)
                if len(self._steps) > _MOST_OPEN:
                    raise self._too_deep()
            elif mark in "}]":
                self._steps.pop()
            elif mark == ",":
                last = self._steps[-1]
                self._steps[-1] = last + 1 if isinstance(last, int) else None
            elif mark in "NI":
                return
            found = _MARK.search(self._text, after)

    def _quoted(self, at: int) -> int:
        """Looks through a quoted text and returns where it ends, 0 if it does not."""
        start, is_half = at, False
        while piece := _PIECE.match(self._text, at):
            if piece[1] and 0xD800 <= int(piece[1], 16) < 0xE000:
                raise self._fault()
            is_half = is_half or not (piece[0].isascii() or _is_utf8(piece[0]))
            at = piece.end()
        if self._text[at : at + 1] != '"':
            return 0
        if is_half:
            raise self._fault(
                self._text.fault(start) if isinstance(self._text, _Undecoded) else None
            )
        if self._steps and self._steps[-1] is None:
            self._steps[-1] = json.loads(self._text[start - 1 : at + 1])
        return at + 1

    def _too_deep(self) -> Fault:
        """The way to a value that is one level too deep: no more of what is around this one."""
        del self._steps[urls.MAX_DEPTH :]
        return self._fault(Fault(f"nested deeper than {urls.MAX_DEPTH} levels"))

    def _fault(self, fault: Fault | None = None) -> Fault:
        fault = fault or Fault(
            "a text has a lone surrogate, which UTF-8 cannot carry: write both of a pair, or send bytes"
        )
        for step in reversed(self._steps):
            if step is not None:
                fault.at(step)
        return fault
