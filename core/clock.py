"""The one place the server reads the time. Rules never do: they are handed `now`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})",
    re.IGNORECASE,  # section 5.6: "t" and "z" may be written small
)


def now() -> datetime:
    """The server's time, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


def parse_instant(text: str) -> datetime:
    """An aware UTC instant from RFC 3339 text.

    Raises:
        ValueError: the text is not RFC 3339, names no offset (a local time is no instant), or is a
        time that UTC puts outside the years 1..9999.
    """
    if not _RFC_3339.fullmatch(text):
        raise ValueError("not an RFC 3339 time with an offset")
    return utc(datetime.fromisoformat(text.upper()))


def utc(instant: datetime) -> datetime:
    """An aware instant in UTC.

    Raises:
        ValueError: UTC would put it before the year 1 or after 9999.
    """
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time outside the years 1..9999") from error


def wire(instant: datetime) -> str:
    """RFC 3339 text with a `Z`, microseconds always written (so that text sorts like time)."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
