"""The second root: a worker process. It opens the verifier's tools and puts every task on Celery.

One process, one torch thread; more cores means more processes. Where processes would share a GPU, one takes
several captures at a time instead (`SPOTCHECK_AT_ONCE`), each in a thread of its own, and the nets answer
them together; such a worker takes captures alone (`SPOTCHECK_QUEUES=bounties`), and several GPUs mean several
such workers, each told its GPU by CUDA_VISIBLE_DEVICES. Beside the tasks a sweeper thread does what is due by
the clock and re-sends what the queue forgot.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from celery import Celery

import bounties.tasks
import payments.tasks
from core import clock, log
from core.config import Settings
from core.db import Database
from core.note import Signer
from core.queue import Queue, make_celery
from core.storage import DROP_TORN, Storage
from core.sweeper import Sweeper
from market.keys import signer_of, storage_of
from market.rails import open_rails
from market.supervisor import leave_if_orphaned
from payments.rails import Rail
from verification.case import Tools
from verification.engine import Engine
from verification.memory import PictureMemory
from verification.picture import Decoder
from verification.reading import Reader
from verification.trust import TrustList

_log = logging.getLogger(__name__)
SWEEP_EVERY_S = 0.2
SLOW_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Worker:
    """Everything one worker process holds."""

    settings: Settings
    database: Database
    storage: Storage
    sweeper: Sweeper
    tools: Tools
    rails: dict[str, Rail]
    signer: Signer
    _own: threading.local = field(default_factory=threading.local, repr=False)

    def tools_here(self) -> Tools:
        """The tools of the thread that asks: the nets and the memory are everybody's, but a decoder's child
        and a reader serve one capture at a time, so where several are taken at once each thread has its own.
        """
        if self.settings.at_once == 1:
            return self.tools
        if not hasattr(self._own, "tools"):
            reader = Reader(self.tools.engine, self.settings.threads)
            self._own.tools = replace(self.tools, decoder=Decoder(), reader=reader)
        mine: Tools = self._own.tools
        return mine


def open_worker(settings: Settings) -> Worker:
    """Opens the database, the storage, the decoder's child and the nets (this loads torch).

    Raises:
        Unavailable: a weights file is missing or another; a key is another machine's (`market.keys`); or
            what a rail or the trust folder raises.
    """
    database = Database(settings.database, Queue(settings.broker))
    storage, signer = storage_of(settings), signer_of(settings, database)
    engine = Engine(threads=settings.threads)
    tools = Tools(
        decoder=Decoder(),
        memory=PictureMemory(database, storage, engine),
        engine=engine,
        reader=Reader(engine, settings.threads),
        trust=TrustList.load(settings.trust),
    )
    rails = open_rails(settings, database)
    return Worker(settings, database, storage, Sweeper(database), tools, rails, signer)


def make_tasks(worker: Worker) -> Celery:
    """The Celery application with every task of the house on it, by name."""
    app = make_celery(worker.settings.broker)
    lease_for = timedelta(seconds=worker.settings.lease_s)

    @app.task(name="bounties.judge_capture")
    def judge_capture(capture_id: str) -> None:
        bounties.tasks.judge_capture(
            worker.database, worker.storage, worker.tools_here(), capture_id, lease_for=lease_for
        )

    @app.task(name=DROP_TORN)
    def drop_torn_files() -> None:
        worker.storage.drop_torn(clock.now())

    @app.task(name="payments.run_operation")
    def run_operation(operation_id: str) -> None:
        payments.tasks.run_operation(worker.database, worker.rails, operation_id, lease_for=lease_for)

    @app.task(name="payments.handle_event")
    def handle_event(source: str, event: str) -> None:
        payments.tasks.handle_event(worker.database, worker.rails, source, event)

    @app.task(name=payments.tasks.RECONCILE)
    def reconcile(rail: str) -> None:
        payments.tasks.reconcile_rail(worker.database, worker.rails, rail)

    @app.task(name=payments.tasks.AUDIT_BOOKS)
    def audit_books() -> None:
        payments.tasks.audit_books(worker.database, now=clock.now())

    @app.task(name=payments.tasks.ORDER_PAYOUTS)
    def order_payouts() -> None:
        minimum, rail = worker.settings.payout_minimum, worker.settings.rail
        payments.tasks.order_payouts(worker.database, now=clock.now(), minimum=minimum, rail=rail)

    return app


def sweep_once(worker: Worker) -> None:
    """One round of what is due by the clock: re-sends, lapses, expiries, the log's next checkpoint.

    Each part reads first, so that an idle house takes no write lock five times a second, and stands
    alone: a log that is broken must not stop refunds.
    """
    now, part = clock.now(), worker.sweeper.part
    part("bounties", lambda: bounties.tasks.sweep(worker.sweeper, now=now))
    part("operations", lambda: payments.tasks.sweep_operations(worker.database, now=now))
    part("inbox", lambda: payments.tasks.sweep_inbox(worker.sweeper, now=now))
    part("log", lambda: _sequence(worker, now))


def _sequence(worker: Worker, now: datetime) -> None:
    with worker.database.reading() as session:
        waits = log.waits(session)
    if waits:
        with worker.database.transaction() as session:
            log.sequence(session, worker.signer, now=now)


def start_sweeper(worker: Worker, stop: threading.Event, parent: int | None = None) -> threading.Thread:
    """Runs `sweep_once` every 0.2 s until `stop` is set. Nothing that goes wrong in a round ends it.

    Args:
        parent: the process this worker belongs to: when it is gone (killed, so that it could not say
            stop), the worker stops too, and does not stay behind beside its successors.
    """

    def rounds() -> None:
        since_slow = SLOW_EVERY_S
        while not stop.wait(SWEEP_EVERY_S):
            if leave_if_orphaned(parent):
                return
            since_slow += SWEEP_EVERY_S
            sweep_once(worker)
            if since_slow >= SLOW_EVERY_S:
                since_slow = 0.0
                sweep_slowly(worker)

    thread = threading.Thread(target=rounds, name="sweeper", daemon=True)
    thread.start()
    return thread


def sweep_slowly(worker: Worker) -> None:
    """What may be some seconds late: earnings that mature, top-ups, reviews nobody did, unused uploads."""
    now, part = clock.now(), worker.sweeper.part
    part("earnings", lambda: payments.tasks.mature(worker.database, now=now))
    part("top-ups", lambda: payments.tasks.top_up(worker.sweeper, now=now))
    part("approvals", lambda: bounties.tasks.lapse_approvals(worker.sweeper, now=now))
    part("reviews", lambda: bounties.tasks.overdue_reviews(worker.sweeper, now=now))
    part(
        "originals",
        lambda: bounties.tasks.drop_unnamed_originals(worker.sweeper, worker.storage, now=now),
    )


def run(settings: Settings, parent: int | None = None) -> int:
    """Works until told to stop (SIGTERM finishes the task at hand), or until `parent` is gone.

    Raises:
        Unavailable: as `open_worker`.
    """
    worker = open_worker(settings)
    stop = threading.Event()
    start_sweeper(worker, stop, parent)
    app = make_tasks(worker)
    try:
        app.worker_main(
            [
                "worker",
                *_pool(settings.at_once),
                f"--queues={','.join(settings.queues)}",
                "--loglevel=WARNING",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",
            ]
        )
    finally:
        stop.set()
        worker.tools.decoder.close()
        worker.database.dispose()
    return 0


def _pool(at_once: int) -> list[str]:
    """Celery's own pool of so many threads, or none."""
    return ["--pool=solo"] if at_once == 1 else ["--pool=threads", f"--concurrency={at_once}"]
