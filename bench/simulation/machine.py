"""The house's own machinery: workers, sweepers, webhook deliveries, reconciliation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.simulation.checks import PASSING
from bench.simulation.house import SECRET, House
from bench.simulation.scheduler import Crash
from core import errors
from core.money import Money
from payments import halts, inbox, outbox, tasks, topups
from payments.rails.stripe_events import open_event
from payments.reconcile import reconcile
from payments.rules import OPEN_STATES

TAKEN_TWICE = 0.03
LEAST_PAYOUT = Money(1_000_000)  # less than the house's own, so that more happens


def work(house: House) -> None:
    """A worker takes a job from the queue; now and then the broker hands it to another one too."""
    scheduler = house.scheduler
    name, arguments = house.queue.take()
    if scheduler.chance(TAKEN_TWICE):
        house.queue.jobs.append((name, arguments))
    if name == outbox.RUN_OPERATION:
        (operation,) = arguments
        scheduler.start(
            f"worker at {operation}",
            lambda: outbox.run_operation(house.database, house.rails, operation, clock=scheduler.clock),
        )
    elif name == inbox.HANDLE_EVENT:
        source, event = arguments
        scheduler.start(
            f"worker at {event}",
            lambda: inbox.handle(house.database, house.rail, source, event, clock=scheduler.clock),
        )
    else:
        compare(house)


def compare(house: House) -> None:
    """A reconciliation begins."""
    clock = house.scheduler.clock
    house.scheduler.start("reconciler", lambda: reconcile(house.database, house.rail, clock=clock))


def sweep(house: House, part: int | None = None) -> None:
    """One part of a sweeper's round, any where none is named."""
    scheduler = house.scheduler
    name, work_of = PARTS[scheduler.rng.randrange(len(PARTS)) if part is None else part]
    scheduler.start(f"sweeper of {name}", partial(work_of, house))


def _top_up(house: House) -> None:
    """As `tasks.top_up` does it, and each top-up that is ordered is held against its rule."""
    with house.database.reading() as session:
        low = topups.low_accounts(session)
    for account in low:
        house.do(partial(_fill, house, account))


def _fill(house: House, account: str, session: Session) -> None:
    now = house.scheduler.now
    made = topups.fill(session, account, now=now)
    if made is None:
        return
    house.happened["automatic top-ups"] += 1
    today = f"{now:%Y-%m-%d}"
    saved = session.execute(
        text("SELECT status, amount, created_at, id FROM provider_operations WHERE account = :who "
             "AND kind = 'deposit' AND method = 'saved' AND status <> 'failed'"), {"who": account}
    ).all()  # fmt: skip
    cap = session.execute(text("SELECT daily_cap FROM top_up_rules WHERE account = :who"), {"who": account})
    if sum(one.amount for one in saved if str(one.created_at).startswith(today)) > cap.scalar_one():
        house.scheduler.broken.append(f"{made.id}: automatic top-ups go over their cap")
    if any(one.status in OPEN_STATES and one.id != made.id for one in saved):
        house.scheduler.broken.append(f"{made.id}: an automatic top-up beside another")


def beat(house: House) -> None:
    """What the house does by the calendar: the week's payouts, an audit that may halt them; and an operator
    who lets them go on once the books hold."""
    scheduler = house.scheduler
    if scheduler.chance(0.5):
        scheduler.start(
            "beat of payouts",
            lambda: tasks.order_payouts(
                house.database, now=scheduler.now, minimum=LEAST_PAYOUT, rail=house.rail.name
            ),
        )
    else:
        audit(house)


def audit(house: House) -> None:
    """An audit by the calendar."""
    house.scheduler.start("beat of audits", partial(_audit, house))


def _audit(house: House) -> None:
    now = house.scheduler.now
    for figure in tasks.audit_books(house.database, now=now):
        if figure.name not in PASSING:
            house.scheduler.broken.append(f"payouts are halted: {figure.name}: {figure.figure}")
        house.happened["halts"] += 1
    with house.database.reading() as session:
        halted = halts.in_force(session, halts.PAYOUTS)
    if halted is not None and not tasks.check_books(house.database, now=now):
        house.do(lambda session: halts.lift(session, halted.id, "it has passed", now=now))


def deliver(house: House, *, well: bool = False) -> None:
    """Stripe sends its webhooks: some twice, some never, in any order, some late, some signed long ago.

    Args:
        well: none of that: what is queued arrives.
    """
    scheduler = house.scheduler

    def door(body: bytes, headers: dict[str, str]) -> int:
        if not well and scheduler.chance(0.4):
            return 503  # not now: Stripe tries again
        try:
            event = open_event(body, headers["Stripe-Signature"], SECRET, now=scheduler.now)
            with house.database.transaction() as session:
                inbox.receive(session, "stripe", event.id, event.kind, event.payload, now=scheduler.now)
        except errors.BadSignature:
            house.happened["webhooks refused: signed long ago"] += 1
            return 400
        except Crash as crash:
            scheduler.note(f"door of {event.id}: dies at {crash}")
            return 502
        scheduler.note(f"door: {event.kind} {event.id}")
        return 200

    stale = not well and scheduler.chance(0.05)
    made = house.stripe.deliver(
        door,
        SECRET,
        seed=scheduler.rng.getrandbits(32),
        duplicates=0.0 if well else 0.2,
        drops=0.0 if well else house.weather.drops,
        shuffle=not well,
        age_s=scheduler.rng.choice([301, 86_400, -301]) if stale else 0,
    )
    house.happened["webhook deliveries"] += len(made)
    house.happened["webhooks dropped"] += sum(one.status is None for one in made)
    if stale and any(one.accepted for one in made):
        scheduler.broken.append("a webhook signed long ago was taken in")


PARTS: tuple[tuple[str, Callable[[House], object]], ...] = (
    ("operations", lambda house: tasks.sweep_operations(house.database, now=house.scheduler.now)),
    ("inbox", lambda house: tasks.sweep_inbox(house.sweeper, now=house.scheduler.now)),
    ("earnings", lambda house: tasks.mature(house.database, now=house.scheduler.now)),
    ("top-ups", _top_up),
)
