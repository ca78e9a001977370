"""clock: the device's own times agree with the server's.

Stops: a device whose clock was set back or forward to fit.
How: the signed `taken_at` against the interval [challenge issued, commitment received], with
tolerance. (What the file's own EXIF says of the time is read by `metadata`.)
Outside the market either server time may be unknown: what is known still speaks against, never for.
Limits: it is easily forged by whoever thinks of it; so it can hurt more than it can help. Server
time decides everything else.
Source: TRUTH attack 13; the tolerance is what phones without network time drift in months.
"""

from __future__ import annotations

from datetime import timedelta

from verification.case import Case
from verification.evidence import Family, Outcome, abstain, ok
from verification.registry import check
from verification.statement import moment_of

TOLERANCE = timedelta(minutes=2)


@check(
    "clock", family=Family.TIME, version="2", cost=1, kinds={"photo", "stream", "video"}, bounds=(-2.0, 0.1)
)
def clock(case: Case) -> Outcome:
    """OK "clock_agrees" or "clock_off"; abstains "no_device_time", "no_server_time"."""
    session = case.evidence.session
    taken_at = moment_of(case.statement)
    if taken_at is None:
        return abstain("no_device_time")
    early = session.issued_at - taken_at if session.issued_at else timedelta(0)
    late = taken_at - session.committed_at if session.committed_at else timedelta(0)
    off_s = round(max(early, late, timedelta(0)).total_seconds())
    if off_s > TOLERANCE.total_seconds():
        return ok(-1.0, "clock_off", off_s=off_s)
    if session.issued_at is None or session.committed_at is None:
        return abstain("no_server_time")
    return ok(0.1, "clock_agrees", off_s=off_s)
