"""What a docstring says about a function and its arguments, in Google's, NumPy's or reST's style."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_SECTION = re.compile(
    r"(Args|Arguments|Parameters|Other Parameters|Keyword Args|Keyword Arguments|Returns?|Yields?"
    r"|Raises|Examples?|Notes?|Attributes|Warnings?|See Also|References|Todo)\s*:?\s*$"
)
_ARGUMENT_SECTIONS = frozenset(
    {
        "Args",
        "Arguments",
        "Parameters",
        "Other Parameters",
        "Keyword Args",
        "Keyword Arguments",
        "Attributes",
    }
)
_GOOGLE = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")
_NUMPY = re.compile(r"\*{0,2}(\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")
_REST = re.compile(
    r":(?:param|parameter|arg|argument|key|keyword)\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:\s*(.*)"
)
_REST_OTHER = re.compile(r":(?:type|rtype|returns?|raises?|yields?|var|ivar)\b[^:]*:")
_UNDERLINE = re.compile(r"-{3,}\s*$")


@dataclass
class Docstring:
    """What a docstring says.

    Attributes:
        description: The text before the first section, its paragraphs divided by blank lines.
        arguments: The description of each argument, or attribute of a class, that has one.
    """

    description: str = ""
    arguments: dict[str, str] = field(default_factory=dict[str, str])


def parse_docstring(text: str | None) -> Docstring:
    """Reads a docstring; what cannot be read as a section is description."""
    lines = inspect.cleandoc(text or "").splitlines()
    parsed = Docstring()
    description: list[str] = []
    index, in_description = 0, True
    while index < len(lines):
        line = lines[index]
        section = _section_at(lines, index)
        if section is not None:
            in_description = False
            end = _section_end(lines, index + 1)
            if section in _ARGUMENT_SECTIONS:
                parsed.arguments.update(_arguments(lines[index + 1 : end]))
            index = end
            continue
        if _REST.match(line) or _REST_OTHER.match(line):
            in_description = False
            index = _read_rest(lines, index, parsed.arguments)
            continue
        if in_description:
            description.append(line)
        index += 1
    parsed.description = "\n".join(description).strip()
    return parsed


def _section_at(lines: list[str], index: int) -> str | None:
    match = _SECTION.match(lines[index])
    if match is None:
        return None
    following = lines[index + 1] if index + 1 < len(lines) else ""
    if not lines[index].rstrip().endswith(":") and not _UNDERLINE.match(following):
        return None
    return match[1]


def _section_end(lines: list[str], start: int) -> int:
    numpy = start < len(lines) and bool(_UNDERLINE.match(lines[start]))
    for index in range(start + numpy, len(lines)):
        line = lines[index]
        if _section_at(lines, index) is not None or _REST.match(line):
            return index
        if not numpy and line and not line[0].isspace():
            return index
    return len(lines)


def _arguments(lines: list[str]) -> dict[str, str]:
    if lines and _UNDERLINE.match(lines[0]):
        return _entries(inspect.cleandoc("\n".join(["", *lines[1:]])).splitlines(), _NUMPY)
    return _entries(inspect.cleandoc("\n".join(["", *lines])).splitlines(), _GOOGLE)


def _entries(lines: list[str], head: re.Pattern[str]) -> dict[str, str]:
    """Reads entries whose heads stand at the margin and whose texts are indented below them."""
    texts: dict[str, list[str]] = {}
    names: list[str] = []
    for line in lines:
        match = head.match(line) if line[:1].strip() else None
        if match is not None:
            names = [name.strip(" *") for name in match[1].split(",")]
            first = match[2] if head is _GOOGLE else ""
            texts.update({name: [first] for name in names})
        elif line.strip() and names:
            for name in names:
                texts[name].append(line.strip())
    return {name: " ".join(part for part in parts if part) for name, parts in texts.items()}


def _read_rest(lines: list[str], index: int, arguments: dict[str, str]) -> int:
    match = _REST.match(lines[index])
    parts = [match[2]] if match else []
    index += 1
    while index < len(lines) and lines[index][:1].isspace():
        parts.append(lines[index].strip())
        index += 1
    if match:
        arguments[match[1]] = " ".join(part for part in parts if part)
    return index
