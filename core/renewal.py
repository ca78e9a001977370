"""A lease that a living worker keeps: renewed beside the work, gone soon after the worker is.

A lease must be short, for a dead worker's task waits until it ends; and work may be long. So it is renewed
while the work goes on, for a bounded time: a worker that hangs holds nothing for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from logging import getLogger
from threading import Event, Thread
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core import clock
from core.db import Database

_log = getLogger(__name__)
RENEWALS_A_LEASE = 3
LONGEST_HOLD = timedelta(minutes=10)


class Renew(Protocol):
    """Holds something for another lease from `now` on; False when it is another's by now, or done."""

    def __call__(self, session: Session, *, now: datetime) -> bool:
        """See above."""
        ...


@contextmanager
def renewed(database: Database, what: str, renew: Renew, *, lease: timedelta) -> Iterator[None]:
    """Renews a lease beside the block, at most until LONGEST_HOLD has passed.

    Args:
        what: is held, for the log.
        lease: how long a renewal holds it.
    """
    over, until = Event(), clock.now() + LONGEST_HOLD

    def keep() -> None:
        while not over.wait(lease.total_seconds() / RENEWALS_A_LEASE) and (now := clock.now()) < until:
            try:
                with database.transaction() as session:
                    if not renew(session, now=now):
                        return
            except SQLAlchemyError as error:  # tried again at the next turn; the lease holds for two more
                _log.warning("the lease on %s was not renewed: %s", what, error)

    beside = Thread(target=keep, name=f"lease {what}", daemon=True)
    beside.start()
    try:
        yield
    finally:
        over.set()
        beside.join()
