"""The schedule: what is due by the calendar, asked of the workers by Celery's beat.

`python -m market serve` keeps one beat beside its workers. Any number of them is harmless, because every
task here is idempotent; of those that share a home one beats and the others stand by.
Why not the sweeper: docs/decisions/0005.
"""

from __future__ import annotations

import fcntl
import threading
from typing import Any

from celery.schedules import crontab

from core.config import Settings
from core.queue import make_celery
from core.storage import DROP_TORN
from market.supervisor import leave_if_orphaned
from payments.tasks import AUDIT_BOOKS, ORDER_PAYOUTS, RECONCILE

LOOK_EVERY_S = 0.5
RECONCILE_EVERY_S = 3600.0
TIDY_EVERY_S = 3600.0


def schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """Every entry of the house. One that nobody took by its next turn is dropped, not piled up."""
    audit_every = settings.audit_every_s
    entries: dict[str, dict[str, Any]] = {
        "audit the books": {
            "task": AUDIT_BOOKS,
            "schedule": audit_every,
            "options": {"expires": audit_every},
        },
        # Thrice, for a broker that is away at one of them: a contributor gets one a week however often.
        "order the week's payouts": {
            "task": ORDER_PAYOUTS,
            "schedule": crontab(minute="0", hour="6,12,18", day_of_week="mon"),
            "options": {"expires": 6 * 3600},
        },
        "drop half-written files": {
            "task": DROP_TORN,
            "schedule": TIDY_EVERY_S,
            "options": {"expires": TIDY_EVERY_S},
        },
    }
    if settings.stripe_secret_key.get_secret_value():
        entries["reconcile with Stripe"] = {
            "task": RECONCILE,
            "args": ("stripe",),
            "schedule": RECONCILE_EVERY_S,
            "options": {"expires": RECONCILE_EVERY_S},
        }
    return entries


def run(settings: Settings, parent: int | None = None) -> None:
    """Beats until told to stop, or until `parent` is gone."""
    threading.Thread(target=_watch, args=(parent,), name="watch", daemon=True).start()
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "beat.lock").open("wb") as lock:
        # Two beats must not write one schedule file; whoever waits here goes on when the other is gone.
        fcntl.flock(lock, fcntl.LOCK_EX)
        app = make_celery(settings.broker)
        app.conf.beat_schedule = schedule(settings)
        kept = str(settings.home / "beat-schedule")  # when each entry last ran
        app.Beat(schedule=kept, loglevel="WARNING", quiet=True, redirect_stdouts=False).run()


def _watch(parent: int | None) -> None:
    while not leave_if_orphaned(parent):
        threading.Event().wait(LOOK_EVERY_S)
