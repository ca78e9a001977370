"""How often a caller calls in a minute: counted in Redis, where the processes of a house share it.

The count is a help, as the queue is a hint: while Redis does not answer every process counts for itself, so
that an outage lets a caller through a few times as often, and stops nobody.
"""

from __future__ import annotations

import logging
import math
import threading
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis import ConnectionPool, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from core import clock

_log = logging.getLogger(__name__)
REST_S = 10.0  # how long a Redis that did not answer is left alone
ANSWERS_S = 0.5  # within which it must, for every call waits for it


class Rates:
    """Counts in fixed windows of a minute.

    Args:
        url: `redis://…`; anything else, and this process counts for itself.
    """

    def __init__(self, url: str) -> None:
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._shared: FixedWindowRateLimiter | None = None
        self._rest_until = 0.0
        self._saying = threading.Lock()
        if url.startswith("redis"):
            pool = ConnectionPool.from_url(
                url,
                socket_timeout=ANSWERS_S,
                socket_connect_timeout=ANSWERS_S,
                retry=Retry(NoBackoff(), 0),
            )
            self._shared = FixedWindowRateLimiter(RedisStorage(url, connection_pool=pool))

    def wait_s(self, item: RateLimitItemPerMinute, who: str) -> int:
        """Counts a call; whole seconds until the caller may come again, 0 where it is within its rate."""
        if self._shared is not None and time.monotonic() >= self._rest_until:
            try:
                return _wait_s(self._shared, item, who)
            except RedisError as error:
                self._rest(error)
        return _wait_s(self._own, item, who)

    def _rest(self, error: RedisError) -> None:
        with self._saying:  # of many who waited one says it
            if time.monotonic() >= self._rest_until:
                _log.warning("redis away, calls are counted by each process: %s", error)
            self._rest_until = time.monotonic() + REST_S


def _wait_s(limiter: FixedWindowRateLimiter, item: RateLimitItemPerMinute, who: str) -> int:
    if limiter.hit(item, who):
        return 0
    left = limiter.get_window_stats(item, who).reset_time - clock.now().timestamp()
    return max(1, math.ceil(left))
