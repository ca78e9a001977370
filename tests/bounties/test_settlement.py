"""What becomes of a capture's slot and money when its bounty ends around it: the table, case by case.

Rows: where the capture is when the bounty ends. Columns: how the bounty ends. Cells: each verdict. In all of
them a refund touches open slots only, what was handed in is judged and settled, and the books hold. The
tables run on SQLite; below them are two callers at once, on Postgres.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bounties import claims, judging, reviews, service, tasks
from bounties.rules import BountyState, CaptureState, SlotState
from bounties.tables import Bounty, Capture, Claim, Observation, Slot
from core import errors
from core.accounts import service as accounts
from core.accounts.tables import Account, ApiKey
from core.db import Database
from core.money import Money
from core.states import History
from core.sweeper import Sweeper
from payments import audit, ledger
from payments import rules as money
from tests.bounties import scene
from tests.bounties.scene import NOW
from tests.payments.traders import funded, together
from verification.evidence import Verdict

CLOSES = NOW + timedelta(hours=2)
AFTER = CLOSES + timedelta(minutes=1)
PRICE, FEE = 500_000, 50_000


@pytest.fixture(params=["sqlite", "postgres"])
def market(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue("database" if request.param == "sqlite" else "postgres")
    return found


def buyer(market: Database) -> ApiKey:
    """An agent with $10 that a real deposit brought."""
    account = funded(market, Money.parse("10"))
    with market.transaction() as session:
        return accounts.issue_key(session, session.get_one(Account, account), now=NOW).key


def handed_in(market: Database, key: ApiKey, *, slots: int, reward: str = "0.50") -> tuple[str, str]:
    """A bounty of so many slots and one capture in it; their ids."""
    with market.transaction() as session:
        wanted = scene.ask(slots=slots, reward=reward, tier=0 if reward == "0.50" else 1)
        bounty, person = scene.post(session, key, wanted), scene.new_person(session)
        capture = scene.submit(session, person, scene.claim(session, person, bounty))
        return bounty.id, capture.id


def end(market: Database, bounty_id: str, how: str) -> datetime:
    """Ends the bounty, or lets its window pass unnoticed. Gives the time it is then."""
    if how == "cancelled":
        with market.transaction() as session:
            account = session.get_one(Bounty, bounty_id).account
            service.cancel_bounty(session, account, bounty_id, now=NOW)
        return NOW
    if how == "expired":
        tasks.sweep(Sweeper(market), now=AFTER)
    return AFTER if how in ("expired", "expired, not swept yet") else NOW


def decide(market: Database, capture: str, verdict: Verdict, now: datetime) -> None:
    with market.transaction() as session:
        reviews.decide(session, capture, verdict, "looked", reviewer="acc_x", now=now)


def appeal(market: Database, capture: str, now: datetime) -> None:
    with market.transaction() as session:
        reviews.appeal(session, session.get_one(Capture, capture), "look again", now=now)


def micros(market: Database, name: str) -> int:
    with market.reading() as session:
        return ledger.balance(session, name)


def slot_states(market: Database, bounty_id: str) -> list[str]:
    with market.reading() as session:
        found = session.scalars(select(Slot).where(Slot.bounty == bounty_id).order_by(Slot.number))
        return [slot.status for slot in found]


def sound(market: Database, *, house_paid: int = 0) -> bool:
    """All invariants hold; a market that paid an appeal and has earned nothing yet is short by just that."""
    figures = {f.name: f.figure for f in audit.books(market, now=NOW) if not f.holds}
    return figures == ({"I13 covered": house_paid} if house_paid else {})


ENDINGS = ("open", "cancelled", "expired", "expired, not swept yet")


def reach(market: Database, capture: str, state: str, verdict: Verdict, now: datetime) -> None:
    """From `state` to `verdict`, the way a capture in that state gets there."""
    if state in ("submitted", "examining"):
        scene.judge(market, capture, verdict, now=now)
    elif state == "left behind by a dead worker":
        with market.transaction() as session:
            assert judging.wake(session, capture, now=now + timedelta(minutes=2))
        scene.judge(market, capture, verdict, now=now + timedelta(minutes=2))
    elif state == "in review, done by nobody":
        assert tasks.overdue_reviews(Sweeper(market), now=now + timedelta(days=3)) == 1
    else:
        decide(market, capture, verdict, now)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("submitted", Verdict.ACCEPT),
        ("submitted", Verdict.REJECT),
        ("left behind by a dead worker", Verdict.ACCEPT),
        ("left behind by a dead worker", Verdict.REJECT),
        ("in review", Verdict.ACCEPT),
        ("in review", Verdict.REJECT),
        ("in review, done by nobody", Verdict.REJECT),
    ],
)
def test_what_was_handed_in_settles_however_its_bounty_ends(
    database: Database, ending: str, state: str, verdict: Verdict
) -> None:
    key = buyer(database)
    bounty_id, capture_id = handed_in(database, key, slots=2)
    if state == "left behind by a dead worker":
        with database.transaction() as session:
            assert judging.start_examination(session, capture_id, lease=scene.LEASE, now=NOW)
    elif state.startswith("in review"):
        scene.judge(database, capture_id, Verdict.REVIEW)
    now = end(database, bounty_id, ending)
    over = ending in ("cancelled", "expired")
    # The other slot alone is refunded now: what is at work keeps its money.
    assert slot_states(database, bounty_id) == ["judged", "closed" if over else "open"]
    assert micros(database, money.available(key.account)) == 10_000_000 - (1 if over else 2) * (PRICE + FEE)
    reach(database, capture_id, state, verdict, now)
    with database.reading() as session:
        capture, bounty = session.get_one(Capture, capture_id), session.get_one(Bounty, bounty_id)
        status = {"open": "open", "expired, not swept yet": "open"}.get(ending, ending)
        assert bounty.status == status
        assert capture.paid == (PRICE if verdict is Verdict.ACCEPT else None)
        worker = capture.account
    assert micros(database, money.payable(worker)) == (PRICE if verdict is Verdict.ACCEPT else 0)
    late = state == "in review, done by nobody"  # three days on, every window has passed
    reopened = verdict is Verdict.REJECT and ending == "open" and not late
    assert slot_states(database, bounty_id)[0] == ("open" if reopened else "closed")
    if verdict is Verdict.REJECT and not reopened:
        back = 2 if over else 1
        assert micros(database, money.available(key.account)) == 10_000_000 - (2 - back) * (PRICE + FEE)
    tasks.sweep(Sweeper(database), now=AFTER + timedelta(days=4))
    with database.reading() as session:
        escrow_id = session.get_one(Bounty, bounty_id).escrow
    spent = PRICE + FEE if verdict is Verdict.ACCEPT else 0
    assert micros(database, money.escrow(escrow_id)) == 0
    assert micros(database, money.available(key.account)) == 10_000_000 - spent
    assert sound(database)


def reclaim(session: Session, bounty_id: str) -> Capture:
    """Another person fills the slot that a rejection freed."""
    person = scene.new_person(session)
    claimed = scene.claim(session, person, session.get_one(Bounty, bounty_id))
    return scene.submit(session, person, claimed, media=b"another")


@pytest.mark.parametrize("won", [True, False])
@pytest.mark.parametrize("meanwhile", ["open", "claimed", "judged", "paid", "rejected", *ENDINGS[1:]])
def test_an_appeal_is_paid_from_its_slot_while_open_else_by_the_house(
    database: Database, meanwhile: str, won: bool
) -> None:
    """`meanwhile`: what became of the slot between the rejection and the reviewer's word."""
    key = buyer(database)
    bounty_id, capture_id = handed_in(database, key, slots=1)
    scene.judge(database, capture_id, Verdict.REJECT)
    appeal(database, capture_id, NOW)
    now = end(database, bounty_id, meanwhile)
    if meanwhile in ("claimed", "judged", "paid", "rejected"):
        with database.transaction() as session:
            if meanwhile == "claimed":
                scene.claim(session, scene.new_person(session), session.get_one(Bounty, bounty_id))
            else:
                other = reclaim(session, bounty_id).id
        if meanwhile in ("paid", "rejected"):
            scene.judge(database, other, Verdict.ACCEPT if meanwhile == "paid" else Verdict.REJECT)
    before = micros(database, money.available(key.account))
    slot_before = slot_states(database, bounty_id)
    decide(database, capture_id, Verdict.ACCEPT if won else Verdict.REJECT, now)
    from_slot = won and meanwhile in ("open", "rejected", "expired, not swept yet")
    with database.reading() as session:
        capture = session.get_one(Capture, capture_id)
        assert (capture.status, capture.paid) == (("accepted", PRICE) if won else ("upheld", None))
        worker, escrow_id = capture.account, session.get_one(Bounty, bounty_id).escrow
    house = PRICE if won and not from_slot else 0
    assert micros(database, money.payable(worker)) == (PRICE if won else 0)
    assert micros(database, money.EXPENSE_APPEALS) == -house
    assert micros(database, money.available(key.account)) == before, "no appeal costs the payer anything new"
    assert slot_states(database, bounty_id) == (["closed"] if from_slot else slot_before)
    left = 0 if slot_states(database, bounty_id) == ["closed"] else PRICE + FEE
    assert micros(database, money.escrow(escrow_id)) == left
    earned = micros(database, money.REVENUE_FEE)
    assert sound(database, house_paid=house and house - earned)


@pytest.mark.parametrize("ending", ENDINGS[1:3])
def test_a_claim_at_work_when_its_bounty_ends_can_hand_in_or_lapse(market: Database, ending: str) -> None:
    key = buyer(market)
    with market.transaction() as session:
        bounty, people = (
            scene.post(session, key, scene.ask(slots=3)),
            [scene.new_person(session) for _ in "ab"],
        )
        made = [scene.claim(session, person, bounty) for person in people]
    now = end(market, bounty.id, ending)
    if ending == "cancelled":
        assert slot_states(market, bounty.id) == ["reserved", "reserved", "closed"]
        with market.transaction() as session:
            capture = scene.submit(session, people[0], session.get_one(Claim, made[0].id), now=now)
        tasks.sweep(Sweeper(market), now=NOW + timedelta(minutes=31))
        assert slot_states(market, bounty.id) == ["judged", "closed", "closed"]
        scene.judge(market, capture.id, Verdict.ACCEPT)
        assert micros(market, money.available(key.account)) == 10_000_000 - PRICE - FEE
    else:  # a deadline is never past the closing: nobody is at work any more
        assert set(slot_states(market, bounty.id)) == {"closed"}
        with market.transaction() as session, pytest.raises(errors.StateConflict):
            scene.submit(session, people[0], session.get_one(Claim, made[0].id), now=now)
        assert micros(market, money.available(key.account)) == 10_000_000
    assert sound(market)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_revoked_capture_gives_its_payer_price_and_fee_and_keeps_its_receipt(
    market: Database, ending: str
) -> None:
    key = buyer(market)
    bounty_id, capture_id = handed_in(market, key, slots=2, reward="2.00")
    scene.judge(market, capture_id, Verdict.ACCEPT)
    now = end(market, bounty_id, ending)
    with market.transaction() as session:
        receipt = session.scalars(select(Observation)).one().receipt
        revoked = reviews.revoke(session, capture_id, "rendered", operator="acc_op", now=now)
        assert (revoked.status, revoked.paid, revoked.reasons) == (CaptureState.REVOKED, None, ["revoked"])
        worker = revoked.account
    with market.reading() as session:
        found = session.scalars(select(Observation)).one()
        assert found.receipt == receipt
        told = session.scalars(select(History).where(History.subject == found.id, History.after == "revoked"))
        assert [(event.tenant, event.facts) for event in told] == [(key.account, {"why": "rendered"})]
        open_money = Money.parse("2.20").micros if ending.startswith(("open", "expired,")) else 0
    assert micros(market, money.pending(worker)) == 0
    assert micros(market, money.available(key.account)) == 10_000_000 - open_money
    assert slot_states(market, bounty_id)[0] == SlotState.CLOSED
    with market.transaction() as session, pytest.raises(errors.StateConflict):
        reviews.revoke(session, capture_id, "again", operator="acc_op", now=now)
    assert sound(market)


def test_a_revoked_appeal_is_taken_from_its_own_reward_not_from_who_filled_the_slot_since(
    market: Database,
) -> None:
    key = buyer(market)
    bounty_id, capture_id = handed_in(market, key, slots=1, reward="2.00")
    scene.judge(market, capture_id, Verdict.REJECT)
    appeal(market, capture_id, NOW)
    with market.transaction() as session:
        other = reclaim(session, bounty_id)
    scene.judge(market, other.id, Verdict.ACCEPT)
    decide(market, capture_id, Verdict.ACCEPT, NOW)
    with market.transaction() as session:
        worker = reviews.revoke(session, capture_id, "rendered", operator="acc_op", now=NOW).account
    assert micros(market, money.pending(worker)) == micros(market, money.EXPENSE_APPEALS) == 0
    assert micros(market, money.pending(other.account)) == 2_000_000
    assert micros(market, money.available(key.account)) == 10_000_000 - 2_200_000
    assert sound(market)


@pytest.mark.parametrize(
    ("reward", "state", "later"),
    [
        ("0.50", "accepted", timedelta(0)),  # payable at once: there was no window
        ("2.00", "accepted", timedelta(days=1)),
        ("2.00", "rejected", timedelta(0)),
        ("2.00", "review", timedelta(0)),
    ],
)
def test_what_cannot_be_revoked_stays_as_it_is(
    market: Database, reward: str, state: str, later: timedelta
) -> None:
    key = buyer(market)
    _, capture_id = handed_in(market, key, slots=1, reward=reward)
    verdict = {"accepted": Verdict.ACCEPT, "rejected": Verdict.REJECT, "review": Verdict.REVIEW}[state]
    scene.judge(market, capture_id, verdict)
    with pytest.raises(errors.StateConflict), market.transaction() as session:
        reviews.revoke(session, capture_id, "rendered", operator="acc_op", now=NOW + later)
    with pytest.raises(errors.NotFound), market.transaction() as session:
        reviews.revoke(session, "cap_none", "rendered", operator="acc_op", now=NOW)
    with market.reading() as session:
        capture = session.get_one(Capture, capture_id)
        assert capture.status == state
        assert capture.paid == (Money.parse(reward).micros if state == "accepted" else None)
    assert sound(market)


@pytest.mark.parametrize("how", ["a won appeal", "the sweeper"])
def test_a_claim_and_who_locks_its_bounty_never_wait_in_a_circle(postgres: Database, how: str) -> None:
    """The claim holds a slot and then points at its bounty; the other holds the bounty and wants the slot."""
    key = buyer(postgres)
    bounty_id, capture_id = handed_in(postgres, key, slots=1, reward="2.00")
    scene.judge(postgres, capture_id, Verdict.REJECT)
    appeal(postgres, capture_id, NOW)
    reached = threading.Event()

    def other() -> None:
        reached.wait(10)
        if how == "a won appeal":
            decide(postgres, capture_id, Verdict.ACCEPT, NOW)
        else:
            tasks.sweep(Sweeper(postgres), now=CLOSES)

    def pause() -> str:  # between the slot and the claim's row
        reached.set()
        time.sleep(0.5)
        return "ACDEFG"

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(other)
        with postgres.transaction() as session:
            person, bounty = scene.new_person(session), session.get_one(Bounty, bounty_id)
            minutes = timedelta(minutes=30)
            claims.claim_bounty(
                session, person.account, bounty.id, person.device, hold_for=minutes, new_code=pause, now=NOW
            )
        done.result(10)
    assert slot_states(postgres, bounty_id) == ["reserved"]
    with postgres.reading() as session:
        assert session.get_one(Capture, capture_id).status == (
            "accepted" if how == "a won appeal" else "appealed"
        )
        assert session.get_one(Bounty, bounty_id).status == ("open" if how == "a won appeal" else "expired")
    assert sound(postgres, house_paid=2_000_000 if how == "a won appeal" else 0)


@pytest.mark.parametrize("verdict", [Verdict.ACCEPT, Verdict.REJECT])
def test_verdicts_and_the_end_of_their_bounty_at_once_leave_every_micro_somewhere(
    postgres: Database, verdict: Verdict
) -> None:
    key = buyer(postgres)
    with postgres.transaction() as session:
        bounty, captures = scene.post(session, key, scene.ask(slots=8)), []
        for number in range(4):
            person = scene.new_person(session)
            made = scene.submit(session, person, scene.claim(session, person, bounty), media=b"%d" % number)
            captures.append(made.id)

    def work(number: int) -> None:
        if number < 4:
            scene.judge(postgres, captures[number], verdict)
            return
        with postgres.transaction() as session:
            service.cancel_bounty(session, key.account, bounty.id, now=NOW)

    results = together(5, work)
    assert results == [None] * 5
    assert set(slot_states(postgres, bounty.id)) == {"closed"}
    spent = 4 * (PRICE + FEE) if verdict is Verdict.ACCEPT else 0
    assert micros(postgres, money.available(key.account)) == 10_000_000 - spent
    assert micros(postgres, money.escrow(bounty.escrow)) == 0
    assert sound(postgres)


def test_every_ending_of_a_bounty_is_in_the_table() -> None:
    assert {BountyState(name) for name in ENDINGS[:3]} == set(BountyState) - {BountyState.CLOSED}
