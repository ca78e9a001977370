"""Ask, claim, submit, verdict, money: on real SQLite and real Postgres, without HTTP."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from bounties import claims, judging, receipts, reviews, search, service, submissions, tasks, views
from bounties.rules import BountyState, CaptureState, ClaimState, SlotState
from bounties.tables import Bounty, Capture, Claim, Media, Observation, Slot
from core import errors
from core.db import Database
from core.geo import Area, Spot
from core.money import Money
from core.states import History
from core.sweeper import Sweeper
from payments import rules as money
from tests.bounties import scene
from tests.bounties.scene import NOW
from verification.evidence import Verdict


@pytest.fixture(params=["sqlite", "postgres"])
def market(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue("database" if request.param == "sqlite" else "postgres")
    return found


def test_post_holds_reward_and_fee_and_writes_an_event(market: Database) -> None:
    with market.transaction() as session:
        key = scene.new_agent(session, "10")
        bounty = scene.post(session, key, scene.ask(slots=3))
        assert scene.balance(session, money.available(key.account)) == "8.35"  # 3 x (0.50 + 0.05)
        assert scene.balance(session, money.escrow(bounty.escrow)) == "1.65"
        event = session.scalars(select(History).where(History.subject == bounty.id)).one()
        assert (event.before, event.after, event.tenant) == (None, "open", key.account)


def test_accept_pays_once_closes_and_leaves_a_receipt(market: Database) -> None:
    bounty_id, [capture_id] = scene.started(market)
    assert scene.judge(market, capture_id, Verdict.ACCEPT) is Verdict.ACCEPT
    with market.reading() as session:
        capture = session.get_one(Capture, capture_id)
        bounty = session.get_one(Bounty, bounty_id)
        assert capture.status == CaptureState.ACCEPTED
        assert capture.paid == 500_000
        assert bounty.status == BountyState.CLOSED
        assert scene.balance(session, money.payable(capture.account)) == "0.50"
        assert scene.balance(session, money.REVENUE_FEE) == "0.04"
        assert scene.balance(session, money.RESERVE_WARRANTY) == "0.01"
        assert scene.balance(session, money.escrow(bounty.escrow)) == "0.00"
        observation = session.scalars(select(Observation)).one()
        assert observation.account == bounty.account
        assert capture_id in observation.receipt


def test_reject_frees_the_slot_and_pays_nothing(market: Database) -> None:
    bounty_id, [capture_id] = scene.started(market)
    assert scene.judge(market, capture_id, Verdict.REJECT) is Verdict.REJECT
    with market.transaction() as session:
        capture, bounty = session.get_one(Capture, capture_id), session.get_one(Bounty, bounty_id)
        assert capture.paid is None
        assert capture.reasons == ["not_enough_evidence"]
        assert service.open_slots(session, bounty) == 1
        assert scene.balance(session, money.payable(capture.account)) == "0.00"
        scene.claim(session, scene.new_person(session), bounty)  # the next one may try


def test_a_tier_with_hold_back_pays_into_pending(market: Database) -> None:
    with market.transaction() as session:
        bounty = scene.post(session, scene.new_agent(session), scene.ask(reward="2.00", tier=1))
        person = scene.new_person(session)
        claimed = scene.claim(session, person, bounty)
        assert claimed.code == "ACDEFG"
        capture = scene.submit(session, person, claimed)
    scene.judge(market, capture.id, Verdict.ACCEPT)
    with market.reading() as session:
        assert scene.balance(session, money.pending(person.account)) == "2.00"
        assert scene.balance(session, money.payable(person.account)) == "0.00"


def test_a_late_worker_cannot_settle(market: Database) -> None:
    _, [capture_id] = scene.started(market)
    with market.transaction() as session:
        late = judging.start_examination(session, capture_id, lease=timedelta(seconds=1), now=NOW)
    assert late is not None
    with market.transaction() as session:
        assert judging.start_examination(session, capture_id, lease=scene.LEASE, now=NOW) is None  # leased
        assert judging.wake(session, capture_id, now=NOW + timedelta(seconds=2))
    assert scene.judge(market, capture_id, Verdict.REJECT, now=NOW + timedelta(seconds=3)) is Verdict.REJECT
    with market.transaction() as session:
        report = scene.report(capture_id, Verdict.ACCEPT)
        assert judging.settle_capture(session, late, report, now=NOW + timedelta(seconds=4)) is None
        assert session.get_one(Capture, capture_id).status == CaptureState.REJECTED


def test_a_late_worker_cannot_settle_what_another_examines_now(market: Database) -> None:
    _, [capture_id] = scene.started(market)
    with market.transaction() as session:
        late = judging.start_examination(session, capture_id, lease=timedelta(seconds=1), now=NOW)
        assert late is not None
        assert judging.wake(session, capture_id, now=NOW + timedelta(seconds=2))
        assert judging.start_examination(session, capture_id, lease=scene.LEASE, now=NOW) is not None
        assert (
            judging.settle_capture(session, late, scene.report(capture_id, Verdict.ACCEPT), now=NOW) is None
        )
        judging.send_to_review(session, late, "too_many_attempts", now=NOW)
        assert session.get_one(Capture, capture_id).status == CaptureState.EXAMINING


def test_a_proven_copy_is_never_paid_whatever_its_probability(market: Database) -> None:
    """The guard in `settle_capture`: without it this accepts."""
    _, [first, second] = scene.started(market, slots=2, people=2)
    assert scene.judge(market, second, Verdict.ACCEPT, neighbours=(first,)) is Verdict.REJECT
    with market.reading() as session:
        report = session.get_one(Capture, second).report
        assert report is not None
        assert receipts.judged_by(report) == "reviewer", "whoever accepts it on appeal is a person"
    assert scene.judge(market, first, Verdict.ACCEPT) is Verdict.ACCEPT


def test_review_waits_for_a_person_whose_accept_pays(market: Database) -> None:
    _, [capture_id] = scene.started(market)
    assert scene.judge(market, capture_id, Verdict.REVIEW) is Verdict.REVIEW
    with market.transaction() as session:
        assert [c.id for c in reviews.waiting(session, limit=10)] == [capture_id]
        capture = reviews.decide(session, capture_id, Verdict.ACCEPT, "seen", reviewer="acc_x", now=NOW)
        assert scene.balance(session, money.payable(capture.account)) == "0.50"
        observation = session.scalars(select(Observation)).one()
        told, logged = views.observation_shape(session, observation), json.loads(observation.receipt)
        assert told.judged_by == logged["judged_by"] == "reviewer"
        assert told.p_genuine == logged["p_genuine"] == 0.97, "the checks' own, for all that a person says"
        assert sum(told.frauds.values(), start=told.p_genuine or 0) == pytest.approx(1, abs=1e-4)
        assert told.frauds == logged["frauds"]
        with pytest.raises(errors.StateConflict):
            reviews.decide(session, capture_id, Verdict.ACCEPT, "again", reviewer="acc_x", now=NOW)


def test_an_overdue_review_ends_unpaid(market: Database) -> None:
    _, [capture_id] = scene.started(market)
    scene.judge(market, capture_id, Verdict.REVIEW)
    assert tasks.overdue_reviews(Sweeper(market), now=NOW + timedelta(hours=23)) == 0
    assert tasks.overdue_reviews(Sweeper(market), now=NOW + timedelta(hours=25)) == 1
    with market.reading() as session:
        capture = session.get_one(Capture, capture_id)
        assert capture.status == CaptureState.REJECTED
        assert capture.paid is None


def test_a_won_appeal_is_paid_from_its_slot_while_open_else_by_the_house(market: Database) -> None:
    bounty_id, [first, second] = scene.started(market, slots=2, people=2)
    for capture_id in (first, second):
        scene.judge(market, capture_id, Verdict.REJECT)
    with market.transaction() as session:
        for capture_id in (first, second):
            reviews.appeal(session, session.get_one(Capture, capture_id), "look again", now=NOW)
        won = reviews.decide(session, first, Verdict.ACCEPT, "true", reviewer="acc_x", now=NOW)
        assert won.paid == 500_000
    with market.transaction() as session:
        bounty = session.get_one(Bounty, bounty_id)
        service.cancel_bounty(session, bounty.account, bounty_id, now=NOW)
        reviews.decide(session, second, Verdict.ACCEPT, "true", reviewer="acc_x", now=NOW)
        other = session.get_one(Capture, second)
        assert scene.balance(session, money.payable(other.account)) == "0.50"
        receipts = [json.loads(o.receipt)["payment"] for o in session.scalars(select(Observation))]
        # What the house pays, it pays without a fee; the receipt says what the ledger says.
        assert [paid["fee"] for paid in receipts] == ["0.05", "0.00"]
        assert receipts[1]["transfer_key"] == f"appeal:{second}"


def test_a_won_appeal_waits_out_its_tiers_hold_back_too(market: Database) -> None:
    bounty_id, [capture_id] = scene.started(market, reward="5")
    scene.judge(market, capture_id, Verdict.REJECT)
    with market.transaction() as session:
        service.cancel_bounty(session, session.get_one(Bounty, bounty_id).account, bounty_id, now=NOW)
        capture = session.get_one(Capture, capture_id)
        reviews.appeal(session, capture, "look again", now=NOW)
        reviews.decide(session, capture_id, Verdict.ACCEPT, "true", reviewer="acc_x", now=NOW)
        assert scene.balance(session, money.pending(capture.account)) == "5.00"


def test_an_upheld_rejection_stays_unpaid(market: Database) -> None:
    _, [capture_id] = scene.started(market)
    scene.judge(market, capture_id, Verdict.REJECT)
    with market.transaction() as session:
        capture = session.get_one(Capture, capture_id)
        reviews.appeal(session, capture, "please", now=NOW)
        reviews.decide(session, capture_id, Verdict.REJECT, "no", reviewer="acc_x", now=NOW)
        assert capture.status == CaptureState.UPHELD
        with pytest.raises(errors.StateConflict):
            reviews.appeal(session, capture, "once more", now=NOW)


def test_cancel_refunds_open_slots_only(market: Database) -> None:
    with market.transaction() as session:
        key = scene.new_agent(session, "10")
        bounty = scene.post(session, key, scene.ask(slots=3))
        person = scene.new_person(session)
        claimed = scene.claim(session, person, bounty)
        service.cancel_bounty(session, key.account, bounty.id, now=NOW)
        assert scene.balance(session, money.available(key.account)) == "9.45"
        capture = scene.submit(session, person, claimed)  # work begun is work that can be paid
    scene.judge(market, capture.id, Verdict.REJECT)
    with market.reading() as session:
        assert scene.balance(session, money.available(key.account)) == "10.00"


def test_the_sweeper_lapses_claims_and_expires_bounties_with_a_full_refund(market: Database) -> None:
    with market.transaction() as session:
        key = scene.new_agent(session, "10")
        bounty = scene.post(session, key, scene.ask(slots=2, hours=1))
        claimed = scene.claim(session, scene.new_person(session), bounty)
    assert tasks.sweep(Sweeper(market), now=NOW + timedelta(minutes=31)) == 1
    with market.reading() as session:
        assert session.get_one(Claim, claimed.id).status == ClaimState.EXPIRED
        assert service.open_slots(session, session.get_one(Bounty, bounty.id)) == 2
    assert tasks.sweep(Sweeper(market), now=NOW + timedelta(hours=1)) == 1
    assert tasks.sweep(Sweeper(market), now=NOW + timedelta(hours=1)) == 0
    with market.reading() as session:
        assert session.get_one(Bounty, bounty.id).status == BountyState.EXPIRED
        assert scene.balance(session, money.available(key.account)) == "10.00"
        assert {s.status for s in session.scalars(select(Slot))} == {SlotState.CLOSED}


def test_near_finds_by_distance_to_the_edge(market: Database) -> None:
    with market.transaction() as session:
        bounty = scene.post(session, scene.new_agent(session))
        found = search.near(session, Spot(35.709, 51.4), 5_000, now=NOW)
        assert [b.id for b, _ in found] == [bounty.id]
        assert found[0][1] == pytest.approx(900.7, abs=5)
        assert search.near(session, Spot(35.709, 51.4), 800, now=NOW) == []
        assert search.near(session, Spot(35.7, 51.4), 100, now=NOW + timedelta(hours=3)) == []


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"hours": -1}, errors.BadInput),
        ({"hours": 24 * 40}, errors.BadInput),
        ({"reward": "0.50", "tier": 2}, errors.PolicyRefused),
        ({"reward": "2.00", "tier": 0}, errors.BadInput),
        ({"reward": "11.00", "tier": 2}, errors.PolicyRefused),
        ({"ask": "Follow that man home"}, errors.PolicyRefused),
        ({"answer_schema": {"type": "nonsense"}}, errors.BadInput),
        ({"answer_schema": {"$ref": "http://10.0.0.1/"}}, errors.BadInput),
        ({"slots": 400}, errors.InsufficientFunds),
    ],
)
def test_refused_asks_change_nothing(
    database: Database, changes: dict[str, object], error: type[Exception]
) -> None:
    with database.transaction() as session:
        key = scene.new_agent(session, "10")
    with pytest.raises(error), database.transaction() as session:
        scene.post(session, key, scene.ask(**changes))  # type: ignore[arg-type]
    with database.reading() as session:
        assert session.scalars(select(Bounty)).all() == []
        assert scene.balance(session, money.available(key.account)) == "10.00"


def test_claims_refuse_own_second_and_wrong_device(database: Database) -> None:
    with database.transaction() as session:
        key = scene.new_agent(session)
        bounty = scene.post(session, key, scene.ask(slots=2))
        person = scene.new_person(session)
        scene.claim(session, person, bounty)
        with pytest.raises(errors.StateConflict):
            scene.claim(session, person, bounty)
        with pytest.raises(errors.NotFound):
            claims.claim_bounty(
                session, person.account, bounty.id, "dev_other", hold_for=timedelta(1), new_code=str, now=NOW
            )
        scene.claim(session, scene.new_person(session), bounty)
        with pytest.raises(errors.NothingLeft):
            scene.claim(session, scene.new_person(session), bounty)


def test_a_second_commitment_is_refused_and_a_foreign_signature_too(database: Database) -> None:
    with database.transaction() as session:
        bounty = scene.post(session, scene.new_agent(session))
        person, stranger = scene.new_person(session), scene.new_person(session)
        claimed = scene.claim(session, person, bounty)
        message = b"spotcheck-statement-v1\n" + bytes(32)
        with pytest.raises(errors.BadSignature):
            submissions.commit(session, claimed, bytes(32), stranger.key.sign(message), now=NOW)
        first = submissions.commit(session, claimed, bytes(32), person.key.sign(message), now=NOW)
        again = submissions.commit(
            session, claimed, bytes(32), person.key.sign(message), now=NOW + timedelta(1)
        )
        assert first == again == NOW
        other = b"\x01" * 32
        with pytest.raises(errors.StateConflict):
            submissions.commit(
                session, claimed, other, person.key.sign(b"spotcheck-statement-v1\n" + other), now=NOW
            )


def test_money_of_the_whole_story_balances(market: Database) -> None:
    bounty_id, captures = scene.started(market, slots=4, people=4)
    for capture_id, verdict in zip(captures, [Verdict.ACCEPT, Verdict.REJECT, Verdict.ACCEPT], strict=False):
        scene.judge(market, capture_id, verdict)
    with market.transaction() as session:
        bounty = session.get_one(Bounty, bounty_id)
        service.cancel_bounty(session, bounty.account, bounty_id, now=NOW)
        assert scene.balance(session, money.available(bounty.account)) == str(Money.parse("98.35"))
        assert scene.balance(session, money.escrow(bounty.escrow)) == "0.55"  # one still unjudged


def test_two_sweepers_at_once_lapse_each_claim_once_and_both_live(postgres: Database) -> None:
    """Without the row lock in `expire_claim` one of them meets StateConflict and dies."""
    with postgres.transaction() as session:
        bounty = scene.post(session, scene.new_agent(session), scene.ask(slots=12))
        for _ in range(12):
            scene.claim(session, scene.new_person(session), bounty)
    late = NOW + timedelta(minutes=31)
    with ThreadPoolExecutor(2) as pool:
        rounds = [pool.submit(tasks.sweep, Sweeper(postgres), now=late) for _ in range(2)]
        assert all(done.result() >= 0 for done in rounds)
    with postgres.reading() as session:
        assert service.open_slots(session, session.get_one(Bounty, bounty.id)) == 12


def test_a_long_answer_is_refused_before_it_is_judged(database: Database) -> None:
    with database.transaction() as session:
        bounty = scene.post(session, scene.new_agent(session), scene.ask(answer_schema={"type": "array"}))
        person = scene.new_person(session)
        claimed = scene.claim(session, person, bounty)
        with pytest.raises(errors.TooLarge):
            # 2048 digits, 2047 commas, two brackets
            scene.submit(session, person, claimed, answer=[0] * 2048)
        with pytest.raises(errors.BadInput):
            scene.post(session, scene.new_agent(session), scene.ask(answer_schema={"uniqueItems": True}))


def test_an_answer_is_as_long_as_its_bytes_in_whatever_language(database: Database) -> None:
    with database.transaction() as session:
        bounty = scene.post(session, scene.new_agent(session), scene.ask(answer_schema={"type": "string"}))
        person = scene.new_person(session)
        claimed = scene.claim(session, person, bounty)
        with pytest.raises(errors.TooLarge):
            scene.submit(session, person, claimed, answer="\u0635" * 2048)  # two bytes each, and the quotes
    with database.transaction() as session:
        bounty = scene.post(session, scene.new_agent(session), scene.ask(answer_schema={"type": "string"}))
        person = scene.new_person(session)
        assert scene.submit(session, person, scene.claim(session, person, bounty), answer="\u0635" * 2047)


def test_a_reviewer_sees_the_copy_while_somebody_has_to_decide(market: Database) -> None:
    _, [capture_id] = scene.started(market)
    scene.judge(market, capture_id, Verdict.REVIEW)
    with market.transaction() as session:
        [copy] = session.scalars(select(Media).where(Media.role == "derivative"))
        assert reviews.media(session, capture_id, copy.sha256).sha256 == copy.sha256
        reviews.decide(session, capture_id, Verdict.REJECT, "no", reviewer="acc_x", now=NOW)
        with pytest.raises(errors.NotFound):
            reviews.media(session, capture_id, copy.sha256)


def test_a_photo_that_is_the_delivered_copy_of_itself_is_paid_like_any_other(market: Database) -> None:
    """A JPEG encoded often enough stays as it is: its original and its copy are the same bytes."""
    with market.transaction() as session:
        person, bounty = scene.new_person(session), scene.post(session, scene.new_agent(session))
        capture = scene.submit(session, person, scene.claim(session, person, bounty), media=b"copy").id
    assert scene.judge(market, capture, Verdict.ACCEPT) is Verdict.ACCEPT
    with market.reading() as session:
        roles = session.scalars(select(Media.role).where(Media.capture == capture))
        assert sorted(roles) == ["derivative", "original"]


def test_worthless_bounties_do_not_hide_the_others(market: Database) -> None:
    wide = Area.disc(35.7, 51.4, 40_000)
    with market.transaction() as session:
        flood, key = scene.new_agent(session), scene.new_agent(session)
        for _ in range(search.MAX_FOUND):
            scene.post(session, flood, scene.ask(reward="0.000001", area=wide))
        for _ in range(search.MAX_OF_ONE_ACCOUNT + 5):
            scene.post(session, key, scene.ask(area=wide))
        honest = scene.post(session, scene.new_agent(session), scene.ask(area=Area.disc(35.72, 51.4, 100)))
        found = search.near(session, Spot(35.7, 51.4), 5_000, now=NOW)
    shown = [bounty.account for bounty, _ in found]
    assert honest.id in [bounty.id for bounty, _ in found]
    assert shown.count(flood.account) == shown.count(key.account) == search.MAX_OF_ONE_ACCOUNT
    assert shown[-1] == flood.account
