"""Videos among the bounties: where they are offered, how they are told, and how long they must be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bounties import judging, rules, views
from bounties.rules import Kind
from bounties.tables import Capture
from core import errors
from core.db import Database
from core.money import Money
from tests.bounties import scene
from tests.bounties.scene import NOW
from tests.bounties.test_settlement import buyer
from verification.evidence import Family, Finding, Status, Verdict


@pytest.mark.parametrize(("reward", "tier"), [("1.01", 1), ("5", 1), ("0.50", 1)])
def test_a_video_above_tier_0_is_refused_with_what_may_be_asked(
    database: Database, reward: str, tier: int
) -> None:
    key = buyer(database)
    wanted = scene.ask(kind=Kind.VIDEO, reward=reward, tier=tier)
    with database.transaction() as session, pytest.raises(errors.PolicyRefused, match="tier 0") as caught:
        scene.post(session, key, wanted)
    assert caught.value.facts == {"kind": "tier", "highest_tier": 0, "highest_reward": "1.00"}
    assert "photo" in caught.value.advice
    with database.transaction() as session:
        assert scene.post(session, key, replace(wanted, kind=Kind.PHOTO)).tier == 1


@pytest.mark.parametrize("kind", [Kind.PHOTO, Kind.STREAM])
@pytest.mark.parametrize(("reward", "tier"), [("10.01", 2), ("12", 1), ("0.50", 2)])
def test_what_no_kind_is_offered_for_is_refused_with_what_may_be_asked(
    database: Database, kind: Kind, reward: str, tier: int
) -> None:
    key = buyer(database)
    with database.transaction() as session, pytest.raises(errors.PolicyRefused) as caught:
        scene.post(session, key, scene.ask(kind=kind, reward=reward, tier=tier))
    assert caught.value.facts == {"kind": "tier", "highest_tier": 1, "highest_reward": "10.00"}
    assert "photo" not in caught.value.advice


def test_every_kind_says_how_high_it_goes() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    assert "| `tier` |" in page
    assert set(rules.HIGHEST_TIER) == set(Kind)
    assert set(rules.MEDIA) == set(Kind) - {Kind.STREAM}
    for kind, most in rules.HIGHEST_TIER.items():
        assert rules.required_families(kind, most)


def test_a_claim_says_that_it_is_for_a_video(database: Database) -> None:
    key = buyer(database)
    with database.transaction() as session:
        bounty = scene.post(session, key, scene.ask(kind=Kind.VIDEO))
        shape = views.claim_shape(session, scene.claim(session, scene.new_person(session), bounty))
    assert (shape.kind, shape.challenge.burst, shape.challenge.code) == ("video", False, "")
    assert "5 to 20 seconds" in shape.challenge.instruction


def judged(
    database: Database, kind: Kind, finding: Finding | None, verdict: Verdict = Verdict.ACCEPT
) -> Capture:
    key = buyer(database)
    with database.transaction() as session:
        bounty, person = scene.post(session, key, scene.ask(kind=kind)), scene.new_person(session)
        capture_id = scene.submit(session, person, scene.claim(session, person, bounty)).id
        lease = judging.start_examination(session, capture_id, lease=scene.LEASE, now=NOW)
    assert lease is not None
    report = scene.report(capture_id, verdict)
    if finding is not None:
        report = replace(report, findings=(*report.findings, finding))
    with database.transaction() as session:
        judging.settle_capture(session, lease, report, now=NOW)
        capture = session.get_one(Capture, capture_id)
        session.expunge(capture)
        return capture


def decoded(status: Status = Status.OK, reason: str = "decoded", **facts: float) -> Finding:
    return Finding("decode", "1", Family.INTEGRITY, status, 0.0, (0, 0), reason, facts, 1.0)


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(1.2, "video_too_short"), (4.4, "video_too_short"), (4.6, None), (20.9, None), (21.1, "video_too_long")],
)
def test_a_video_is_as_long_as_was_asked(database: Database, seconds: float, reason: str | None) -> None:
    """Whatever it shows: a term that is not met, and not paid for."""
    capture = judged(database, Kind.VIDEO, decoded(seconds=seconds))
    assert capture.report is not None
    if reason is None:
        assert (capture.status, capture.paid, capture.reasons) == ("accepted", 500_000, [])
        return
    assert (capture.status, capture.paid, capture.reasons) == ("rejected", None, [reason])
    assert (capture.report["verdict"], capture.report["reasons"]) == ("reject", [reason])


@pytest.mark.parametrize("why", ["too_short", "too_long"])
def test_one_that_was_not_even_watched_is_told_why(database: Database, why: str) -> None:
    found = decoded(Status.HARD_FAIL, why)
    capture = judged(database, Kind.VIDEO, found, Verdict.REJECT)
    assert (capture.status, capture.reasons) == ("rejected", [f"video_{why}"])


def test_no_other_kind_is_measured(database: Database) -> None:
    assert judged(database, Kind.PHOTO, decoded(seconds=2.0)).status == "accepted"


def test_rewards_up_to_tier_0_are_offered() -> None:
    assert rules.tier_for(Money.parse("1")) == rules.HIGHEST_TIER[Kind.VIDEO]
