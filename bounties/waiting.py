"""Who waits for an observation, how many at once, and how often the database is asked for them.

One process counts its own waiters: with several server processes an account may hold the limit in each.
All of it runs on the event loop's one thread, so nothing here needs a lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from core import errors

MOST_PER_ACCOUNT = 32
POLL_S = 0.1
LONGEST_POLL_S = 1.0
AT_FULL_PACE = 16  # so many waiters are looked after every POLL_S; more share the same number of looks
RETRY_AFTER_S = 5


class Waiters:
    """The long polls held open now."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()
        self._all = 0

    @contextmanager
    def place(self, account: str) -> Iterator[None]:
        """A place to wait, until the block ends.

        Raises:
            TooMany: the account holds MOST_PER_ACCOUNT.
        """
        if self._of[account] >= MOST_PER_ACCOUNT:
            raise errors.TooMany(
                f"this account waits {MOST_PER_ACCOUNT} times at once already",
                hint="Wait for fewer bounties at once, or read them now and then.",
                retry_after=RETRY_AFTER_S,
            )
        self._of[account] += 1
        self._all += 1
        try:
            yield
        finally:
            self._all -= 1
            self._of[account] -= 1
            if not self._of[account]:
                del self._of[account]

    def pause(self) -> float:
        """Seconds until a waiter looks again: longer with many, so that they cost no more than a few."""
        return min(LONGEST_POLL_S, POLL_S * max(1.0, self._all / AT_FULL_PACE))
