"""Time: aware, in UTC, in one text that sorts like time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=OFFSETS)  # noqa: DTZ001


def test_now_is_aware_and_moves_on() -> None:
    first, second = clock.now(), clock.now()
    assert first.utcoffset() == timedelta(0)
    assert first <= second


@given(INSTANTS)
def test_wire_text_reads_back(instant: datetime) -> None:
    assert clock.parse_instant(clock.wire(instant)) == instant


@given(INSTANTS, INSTANTS)
def test_wire_text_sorts_like_time(a: datetime, b: datetime) -> None:
    assert (clock.wire(a) < clock.wire(b)) == (a < b)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-23t12:00:00z", datetime(2026, 11, 23, 12, tzinfo=UTC)),  # RFC 3339 section 5.6
        ("2026-11-23T12:00:00Z", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("2026-11-23T15:30:00+03:30", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("2026-11-22T23:59:59.999999-12:00", datetime(2026, 11, 23, 11, 59, 59, 999999, tzinfo=UTC)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_offsets_are_read(text: str, wanted: datetime) -> None:
    assert clock.parse_instant(text) == wanted


@pytest.mark.parametrize("text", [
    "", "now", "2026-11-23", "2026-11-23T12:00:00", "2026-11-23T12:00Z", "20261123T120000Z",
    "2026-W48-1T00:00:00Z",
    "2026-11-23T12:00:00+03", "2026-11-23T12:00:00Z\n", " 2026-11-23T12:00:00Z", "2026-02-30T00:00:00Z",
    "2026-11-23T24:00:01Z", "2026-11-23T12:60:00Z", "2026-13-01T00:00:00Z", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-23T12:00:00+25:00", "1795435200",
    "\u0662026-11-23T12:00:00Z", "2026-11-23T12:00:00.Z", "2026-11-23T12:00:00 Z", "2026-11-23T12:00:00\x00Z",
])  # fmt: skip
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        clock.parse_instant(text)
