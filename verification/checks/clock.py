"""clock: the device's own times agree with the server's.

Stops: a file from the gallery whose EXIF still says when it was really taken; a device whose clock
was set back or forward to fit.
How: the signed `taken_at` against the interval [challenge issued, commitment received], with
tolerance; EXIF DateTimeOriginal, if there is one, against `taken_at` to a day (EXIF has no zone).
Outside the market either server time may be unknown: what is known still speaks against, never for.
Limits: both are easily forged by whoever thinks of it; so it can hurt more than it can help. Server
time decides everything else.
Source: TRUTH attack 12 and 13; the tolerance is what phones without network time drift in months.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from verification.case import Case
from verification.evidence import Family, Json, Outcome, abstain, ok
from verification.picture import Picture
from verification.registry import check
from verification.statement import moment_of

TOLERANCE = timedelta(minutes=2)
EXIF_TOLERANCE = timedelta(hours=26)  # zones span -12..+14 hours


@check(
    "clock", family=Family.TIME, version="1", cost=1, kinds={"photo", "stream", "video"}, bounds=(-2.0, 0.1)
)
def clock(case: Case) -> Outcome:
    """OK "clock_agrees", "clock_off" or "exif_time_differs"; abstains "no_device_time", "no_server_time"."""
    session = case.evidence.session
    taken_at = moment_of(case.statement)
    if taken_at is None:
        return abstain("no_device_time")
    early = session.issued_at - taken_at if session.issued_at else timedelta(0)
    late = taken_at - session.committed_at if session.committed_at else timedelta(0)
    off_s = round(max(early, late, timedelta(0)).total_seconds())
    if off_s > TOLERANCE.total_seconds():
        return ok(-1.0, "clock_off", off_s=off_s)
    stamped = exif_time(case.picture)
    if stamped is not None and abs(stamped - taken_at) > EXIF_TOLERANCE:
        return ok(-2.0, "exif_time_differs", days=abs((stamped - taken_at).days))
    if session.issued_at is None or session.committed_at is None:
        return abstain("no_server_time")
    return ok(0.1, "clock_agrees", off_s=off_s)


def exif_time(picture: Picture | None) -> datetime | None:
    """EXIF DateTimeOriginal read as if it were UTC, else None."""
    folder = picture.exif.get("Exif") if picture is not None else None
    text = folder.get("DateTimeOriginal") if isinstance(folder, Mapping) else None
    try:
        return datetime.strptime(_text(text), "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
