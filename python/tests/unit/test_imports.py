from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("pandas", "pyarrow", "dspy", "numpy", "polars", "pydantic", "jsonschema")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_imports_no_heavy_library():
    loaded = run(
        "import sys, grpc_tool_bridge, grpc_tool_bridge.values, grpc_tool_bridge.schema\n"
        "from grpc_tool_bridge import serialize_value, deserialize_value\n"
        "deserialize_value(serialize_value({'a': [1, (2,), b'x']}))\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert loaded == "[]"


@pytest.mark.parametrize(
    ("kind", "missing", "extra"),
    [
        ("pandas.DataFrame", "pandas", "frames"),
        ("pandas.Series", "pyarrow", "frames"),
        ("polars.DataFrame", "polars", "polars"),
        ("pyarrow.Table", "pyarrow", "frames"),
        ("numpy.ndarray", "pyarrow", "frames"),
    ],
)
def test_a_missing_library_is_an_error_that_names_the_extra(kind, missing, extra):
    message = run(
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from grpc_tool_bridge import deserialize_value, SerializationError\n"
        "from google.protobuf.any_pb2 import Any\n"
        "try:\n"
        f"    deserialize_value(Any(type_url='type.googleapis.com/{kind}', value=b''))\n"
        "except SerializationError as error: print(error)"
    )
    assert f"pip install 'grpc_tool_bridge[{extra}]'" in message
    assert missing in message


@pytest.mark.parametrize(
    "rest",
    [
        '.Duration","value":"1s"',
        '.Empty"',
        '.FieldMask","value":"a,b"',
        '.Timestamp","value":"2024-05-06T07:08:09Z"',
    ],
)
def test_the_messages_of_all_sdks_are_known_to_a_program_that_uses_none(rest):
    form = f'{{"$message":{{"@type":"type.googleapis.com/google.protobuf{rest}}}}}'
    back = run(
        "from grpc_tool_bridge.values import from_json, to_json\n"
        f"print(to_json(from_json({form!r})))"
    )
    assert back == form
