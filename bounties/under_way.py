"""What an upload may cost while it comes: how slowly it may, and how much one account may have under way.

One process counts its own: with several server processes an account may have the limit in each. All of it
runs on the event loop's one thread, so nothing here needs a lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from bounties.rules import MAX_MEDIA
from core import clock, errors

GRACE_S = 30.0
LEAST_RATE = (
    16 * 1024
)  # bytes a second on the whole, once GRACE_S is used up; the phone page gives up at 50,000
LONGEST_PAUSE_S = 60.0
MOST_UPLOADS = 8
MOST_BYTES = 2 * MAX_MEDIA
RETRY_AFTER_S = 5


@dataclass(slots=True)
class Pace:
    """How long an upload is waited for: what the disk takes is not the sender's time.

    Attributes:
        until: when its claim is over, and what comes later is for nothing.
        waited: seconds that the server has waited for bytes so far.
    """

    until: datetime
    waited: float = 0.0

    def left(self, received: int) -> float:
        """Seconds in which the next bytes must come, after `received` of them."""
        owed = GRACE_S + received / LEAST_RATE - self.waited
        return max(0.0, min(owed, LONGEST_PAUSE_S, self._claim_left()))

    def fault(self, received: int) -> errors.SpotcheckError:
        """What is said when they did not."""
        if self._claim_left() <= 0:
            return errors.StateConflict(
                "this claim ended while its upload came", hint="Claim the bounty again."
            )
        return errors.UploadTooSlow(
            "the upload came too slowly",
            received=received,
            least_bytes_a_second=LEAST_RATE,
            longest_pause_s=LONGEST_PAUSE_S,
        )

    def _claim_left(self) -> float:
        return (self.until - clock.now()).total_seconds()


class UnderWay:
    """The uploads that come in now, by account."""

    def __init__(self) -> None:
        self._uploads: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    @contextmanager
    def place(self, account: str, size: int) -> Iterator[None]:
        """Room for an upload of `size` bytes, until the block ends.

        Raises:
            TooMany: with it the account would have over MOST_BYTES, or MOST_UPLOADS, under way.
        """
        if self._uploads[account] >= MOST_UPLOADS or self._bytes[account] + size > MOST_BYTES:
            raise errors.TooMany(
                "this account has too many uploads under way",
                hint="Wait until one of them has ended; send one after the other.",
                retry_after=RETRY_AFTER_S,
                most_uploads=MOST_UPLOADS,
                most_bytes=MOST_BYTES,
            )
        self._uploads[account] += 1
        self._bytes[account] += size
        try:
            yield
        finally:
            self._uploads[account] -= 1
            self._bytes[account] -= size
            if not self._uploads[account]:
                del self._uploads[account], self._bytes[account]
