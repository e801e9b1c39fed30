"""What an error says of JSON: how a value is written there that has a form of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["json_advice"]

_PLAIN: Final = frozenset({"str", "int", "float", "bool", "list", "dict"})
_KEY: Final = re.compile(r".*\[key \d+\]", re.DOTALL)
_FORMS: Mapping[str, str] = {
    "bytes": '{"$bytes":"aGk="}',
    "bytearray": '{"$bytes":"aGk="}',
    "memoryview": '{"$bytes":"aGk="}',
    "datetime": '{"$datetime":"2024-05-06T07:08:09+02:00"}',
    "date": '{"$date":"2024-05-06"}',
    "time": '{"$time":"07:08:09"}',
    "timedelta": '{"$timedelta":"1500000"}, in microseconds',
    "Decimal": '{"$decimal":"1.10"}',
    "UUID": '{"$uuid":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}',
    "complex": '{"$complex":[1.5,-2.0]}',
    "Fraction": '{"$fraction":[1,3]}',
    "message": '{"$any":{"type_url":"…","base64":"…"}}',
    **{
        name: f'{{"$frame":{{"kind":"{kind}","arrow":"…"}}}}, with the base64 of its Arrow stream'
        for kind, names in {
            "pandas.DataFrame": ("DataFrame", "pandas.DataFrame"),
            "pandas.Series": ("Series", "pandas.Series"),
            "polars.DataFrame": ("polars.DataFrame",),
            "polars.Series": ("polars.Series",),
            "pyarrow.Table": ("Table", "pyarrow.Table", "pyarrow.lib.Table"),
            "numpy.ndarray": ("ndarray", "numpy.ndarray"),
        }.items()
        for name in names
    },
}


def json_advice(path: str, want: str, got: str) -> str:
    """Returns what to put behind an error that wants one type and got another, one that JSON has itself.

    It is empty where nothing needs to be said. Go's says the same: tool/testdata/fitting.json.
    """
    if got == "str" and _KEY.fullmatch(path):
        return '; in JSON a dict whose keys are no texts is {"$map":[[1,"a"]]}'
    if got in _PLAIN:
        for name in want.split(" or "):
            form = _FORMS.get(name.partition(" ")[0])
            if form is not None:
                return f"; in JSON that is {form}"
    return ""
