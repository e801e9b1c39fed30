"""Addresses of bridges, looked at before anything is dialled."""

from __future__ import annotations

_WANTED = 'want "host:port", such as "localhost:50051", "[::1]:50051" or "unix:/path/to/socket"'
_PATHS = ("unix", "unix-abstract")
# Names that grpc takes before host and port; of dns, the server that resolves may stand between.
_PREFIXES = ("dns", "ipv4", "ipv6")
_HIGHEST_PORT = 65_535


def check_address(address: str) -> str:
    """Returns a bridge's address as it is.

    Raises:
        ValueError: It is none, so that no bridge could ever answer there; says why.
    """
    scheme, _, rest = address.partition(":")
    if scheme in _PATHS:
        wrong = "" if rest.strip("/") else "it names no socket"
    elif scheme in _PREFIXES and not rest.isdecimal():
        targets = rest.rpartition("/")[2].split(",")
        wrong = next((why for why in map(_wrong, targets) if why), "")
    else:
        wrong = _wrong(address)
    if wrong:
        raise ValueError(f"the bridge's address is {address!r}: {wrong}; {_WANTED}")
    return address


def _wrong(target: str) -> str:
    """Says what is wrong with host:port; nothing if it is right."""
    if not target:
        return "it is empty"
    host, colon, port = target.rpartition(":")
    if not colon or port.endswith("]"):
        return "it has no port"
    if not host:
        return "it has no host"
    if "/" in host or any(character.isspace() for character in target):
        return "it is no host and port"
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        return "an IPv6 address stands in brackets"
    if not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= _HIGHEST_PORT):
        return f"its port is {port!r}, not a number from 1 to {_HIGHEST_PORT}"
    return ""
