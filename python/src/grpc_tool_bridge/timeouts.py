"""Timeouts as callers give them, in seconds, and as they travel, in microseconds."""

from __future__ import annotations

_LONGEST = float(1 << 53)
"""Microseconds, some 285 years: whoever names more wants no limit."""


def check_timeout(timeout: float | None, what: str = "timeout") -> None:
    """Refuses what is no length of time to wait for; infinity is one.

    Raises:
        ValueError: It is nan, zero or negative.
    """
    if timeout is not None and not timeout > 0:
        raise ValueError(
            f"{what} is {timeout!r}: want seconds above zero, float('inf') for no limit of the"
            " caller's own, or None for the default"
        )


def to_microseconds(timeout: float | None) -> int:
    """Returns a timeout as it travels: 0, which names no limit, for none and for an infinite one."""
    if timeout is None:
        return 0
    return 0 if timeout * 1e6 > _LONGEST else max(1, int(timeout * 1e6))


def finite(timeout: float | None) -> float | None:
    """Returns a timeout to wait for; None where there is no limit."""
    return timeout if to_microseconds(timeout) else None
