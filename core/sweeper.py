"""What is due by the clock, item by item: one that fails rests, and the others go on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from core.db import Database
from core.errors import SpotcheckError

_log = logging.getLogger(__name__)
REST_S = 60.0


class Sweeper:
    """Does one step for each due item, each in a transaction of its own.

    Args:
        database: where the items are.
        rest_s: how long an item that failed is left alone. Without it one item that can never be done
            would be tried, and logged, at every round.
    """

    def __init__(self, database: Database, rest_s: float = REST_S) -> None:
        self.database = database
        self._rest_s = rest_s
        self._rests: dict[str, float] = {}

    def each(self, items: Iterable[str], step: Callable[[Session, str], object]) -> int:
        """Runs `step(session, item)` for each item that does not rest. Gives how many were done.

        Raises:
            OperationalError: the database is away, which is no item's fault.
        """
        done = 0
        for item in items:
            if self._rests.get(item, 0.0) > time.monotonic():
                continue
            self._rests.pop(item, None)
            try:
                with self.database.transaction() as session:
                    step(session, item)
                done += 1
            except OperationalError:
                raise
            except (SQLAlchemyError, SpotcheckError, ValueError):
                _log.exception("%s failed in the sweep; the others go on", item)
                self._rests[item] = time.monotonic() + self._rest_s
        return done
