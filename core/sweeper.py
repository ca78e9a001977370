"""What is due by the clock, part by part and item by item: one that fails rests, and the others go on.

The sweeper is a door: nobody stands behind it to whom a fault could be handed, and a thread that ended
would stop refunds, lapses and re-sends in silence. So here, and in no service, every fault is caught
and logged.
"""

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
PART_REST_S = 10.0


class Sweeper:
    """Does one step for each due item, each in a transaction of its own.

    Args:
        database: where the items are.
        rest_s: how long an item that failed is left alone. Without it one item that can never be done
            would be tried, and logged, at every round.
        part_rest_s: the same for a whole part of a round.
    """

    def __init__(self, database: Database, rest_s: float = REST_S, part_rest_s: float = PART_REST_S) -> None:
        self.database = database
        self._rest_s, self._part_rest_s = rest_s, part_rest_s
        self._rests: dict[str, float] = {}

    def part(self, name: str, step: Callable[[], object]) -> None:
        """Runs one part of a round, unless it rests. Whatever goes wrong in it stops no other part.

        What passes by itself (the database is away, another process was first) is tried at the next round.
        """
        if self._rests.get(name, 0.0) > time.monotonic():
            return
        try:
            step()
        except (SQLAlchemyError, SpotcheckError) as error:
            _log.warning("sweep of %s put off: %s", name, error)
        except Exception:  # noqa: BLE001  # a broken log, a full disk, a bug: see the module
            _log.exception("the sweep of %s failed; the other parts go on", name)
            self._rests[name] = time.monotonic() + self._part_rest_s

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
            except Exception:  # noqa: BLE001  # this item's fault, whatever it is: see the module
                _log.exception("%s failed in the sweep; the others go on", item)
                self._rests[item] = time.monotonic() + self._rest_s
        return done
